//! Mints the tokens with which the users of a web application log in to Prosody.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use xtoken::{Key, Minter};

/// Returns a fresh token for `jid`, a prepared "user@host". An application that mints many tokens
/// keeps the minter.
fn mint(jid: &str, otp_seed: &str, token_secret: &str) -> Result<String, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(Minter::new(Key::new(otp_seed, token_secret)?).mint(jid, now)?)
}

fn main() {
    match run() {
        Ok(token) => println!("{token}"),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("mint: {error}{cause}");
            std::process::exit(2);
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let variable = |name| std::env::var(name).map_err(|_| format!("set {name}"));
    let (seed, secret) = (variable("XTOKEN_OTP_SEED")?, variable("XTOKEN_TOKEN_SECRET")?);
    let minter = || Key::new(&seed, &secret).map(Minter::new);
    let text =
        |argument: std::ffi::OsString| argument.into_string().map_err(|_| "the JID is not UTF-8");
    let arguments: Vec<_> = std::env::args_os().skip(1).map(text).collect::<Result<_, _>>()?;
    match arguments.as_slice() {
        [jid] => mint(jid, &seed, &secret),
        [jid, now] => Ok(minter()?.mint(jid, now.parse()?)?),
        [jid, now, nonce] => Ok(minter()?.mint_with_nonce(jid, now.parse()?, nonce)?),
        _ => Err("usage: mint JID [UNIX_TIME [NONCE]]".into()),
    }
}
