//! The token: from the arguments or from standard input.

use std::io::{self, BufRead, IsTerminal, Read};
use std::os::unix::ffi::OsStringExt;

use zeroize::Zeroizing;

use crate::arguments::TokenSource;
use crate::failure::Failure;
use crate::output;

/// The most bytes that are read. A longer input is refused as malformed, so the rest is not needed.
const MAX_LENGTH: u64 = 64 * 1024;

/// Returns the token without the line feed that ends the input, and with everything else, because a
/// server strips nothing. On a terminal, reads one line.
pub(crate) fn read(source: TokenSource) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(token) = source.token.filter(|token| token != "-") {
        return Ok(Zeroizing::new(token.into_vec()));
    }
    let stdin = io::stdin().lock();
    let is_terminal = stdin.is_terminal();
    let mut stdin = stdin.take(MAX_LENGTH);
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if is_terminal {
        output::note("Token: ")?;
        stdin.read_until(b'\n', &mut bytes)
    } else {
        stdin.read_to_end(&mut bytes)
    };
    read.map_err(|error| format!("standard input: {error}"))?;
    if bytes.ends_with(b"\n") {
        bytes.pop();
    }
    Ok(bytes)
}
