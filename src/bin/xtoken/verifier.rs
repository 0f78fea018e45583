//! The verifier that the options describe, and the time at which it decides.

use std::env;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{SystemTime, UNIX_EPOCH};

use xtoken::{Verifier, ledger};
use zeroize::Zeroizing;

use crate::arguments::{Presented, Protocol, Server};
use crate::failure::Failure;
use crate::key_source;

/// Returns the verifier, and the Unix time of [`time`].
pub(crate) fn verifier_and_time(presented: &Presented) -> Result<(Verifier, u64), Failure> {
    let Presented { key, protocol, server, .. } = presented;
    let key = key_source::read(key)?;
    let ledger_url = ledger_url(server)?;
    if protocol.at.is_some() && *ledger_url != b"memory:" {
        return Err("--at would mislead a ledger that servers use: leave it out, or use \
                    --ledger memory:"
            .into());
    }
    let mut verifier = Verifier::new(vec![key], ledger::open(&*ledger_url)?)?;
    if let Some(digits) = protocol.nonce_length {
        verifier = verifier.with_nonce_length(digits)?;
    }
    if let Some(policy) = server.nonce_policy {
        verifier = verifier.with_nonce_policy(policy)?;
    }
    if let Some(steps) = server.deviation {
        verifier = verifier.with_deviation(steps)?;
    }
    Ok((verifier, time(protocol)?))
}

/// Returns whether a URL may have a password in it. What is alone before an `@` is a user if the
/// password is in a file, and may be a password otherwise.
fn may_show_password(url: &str) -> bool {
    let login = url.rsplit_once('@').map(|(login, _)| login);
    let login = login.map(|login| login.split_once("://").map_or(login, |(_, login)| login));
    let is_user = |login: &str| !login.contains(':') && url.contains("password_file=");
    url.contains("pass=") || login.is_some_and(|login| !is_user(login))
}

/// Returns the URL of --ledger, else of XTOKEN_LEDGER, else `memory:`. It may have a password.
fn ledger_url(server: &Server) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(url) = &server.ledger {
        let url = url.as_bytes();
        if !url.starts_with(b"sqlite:") && may_show_password(&String::from_utf8_lossy(url)) {
            return Err("other users can see the password of --ledger in ps: name its file with \
                        password_file=, or set XTOKEN_LEDGER instead"
                .into());
        }
        return Ok(Zeroizing::new(url.to_vec()));
    }
    let url = env::var_os("XTOKEN_LEDGER").map_or(b"memory:".to_vec(), OsStringExt::into_vec);
    Ok(Zeroizing::new(url))
}

/// Returns the Unix time of --at, else that of the clock.
pub(crate) fn time(protocol: &Protocol) -> Result<u64, Failure> {
    match protocol.at {
        Some(unix_time) => Ok(unix_time),
        None => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()),
    }
}
