//! The token: from the arguments, or from standard input.

use std::io::{self, BufRead, IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;

use zeroize::Zeroizing;

use crate::arguments::TokenSource;
use crate::{Failure, output};

/// Far more than a token has: what is longer is refused for its length.
const MAX_LENGTH: u64 = 64 * 1024;

pub(crate) fn token(source: TokenSource) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(token) = source.token.filter(|token| token != "-") {
        return Ok(Zeroizing::new(token.into_vec()));
    }
    let stdin = io::stdin().lock();
    let is_terminal = stdin.is_terminal();
    let mut stdin = stdin.take(MAX_LENGTH);
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if is_terminal {
        output::ask("Token: ")?;
        stdin.read_until(b'\n', &mut bytes)
    } else {
        stdin.read_to_end(&mut bytes)
    };
    read.map_err(|error| format!("standard input: {error}"))?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    Ok(bytes)
}
