//! What each subcommand does.

use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use xtoken::explain::Flaw;
use xtoken::token::{DEFAULT_NONCE_LENGTH, OTP_DIGITS, Token};
use xtoken::{Finding, Minter, Rejection, Verifier, jid, key, ledger};
use zeroize::Zeroizing;

use crate::arguments::{
    Arguments, Command, KeySource, Presented, Protocol, Server, TokenSource, User,
};
use crate::output::{accept, print, print_json, refuse, warn};
use crate::{Failure, input, keys};

const VECTORS: &str = include_str!("../../../tests/vectors/conformance.json");

pub(crate) enum Outcome {
    Done,
    Refused,
}

pub(crate) fn run(Arguments { json, command }: Arguments) -> Result<Outcome, Failure> {
    match command {
        Command::GenerateKey => generate_key(json),
        Command::Mint { user, keys, protocol } => mint(json, &user, &keys, &protocol),
        Command::Verify(presented) => verify(json, presented),
        Command::Explain { presented, also } => explain(json, presented, &also),
        Command::Inspect { token } => inspect(json, token),
        Command::Vectors => print(VECTORS).map(|()| Outcome::Done),
    }
}

fn generate_key(json: bool) -> Result<Outcome, Failure> {
    let (otp_seed, token_secret) = key::generate()?;
    // Letters and digits only: nothing to escape.
    let text = Zeroizing::new(if json {
        format!("{{\"otp_seed\":\"{}\",\"token_secret\":\"{}\"}}\n", *otp_seed, *token_secret)
    } else {
        format!("otp_seed = \"{}\"\ntoken_secret = \"{}\"\n", *otp_seed, *token_secret)
    });
    print(&text)?;
    Ok(Outcome::Done)
}

fn mint(
    json: bool,
    user: &User,
    source: &KeySource,
    protocol: &Protocol,
) -> Result<Outcome, Failure> {
    let jid = user.jid.as_bytes();
    jid::check_bare(jid)?;
    if !jid.is_ascii() {
        warn("beyond ASCII the address must be as Prosody prepares it: see docs/minting.md")?;
    }
    let known = keys::read(source, user)?;
    let now = time(protocol)?;
    let key = known.keys.into_iter().find(|key| key.is_valid_at(now));
    let key = key.ok_or("no key is valid at this time: look at not_before and not_after")?;
    let id = key.id().to_owned();
    let nonce_length = protocol.nonce_length.or(known.nonce_length);
    let minter =
        Minter::new(key).with_nonce_length(nonce_length.unwrap_or(DEFAULT_NONCE_LENGTH))?;
    let token = minter.mint(jid, now)?;
    if json {
        let jid = user.jid.to_string_lossy();
        print_json(&json!({ "token": token, "jid": jid, "time": now, "key": id }))?;
    } else {
        print(&format!("{token}\n"))?;
    }
    Ok(Outcome::Done)
}

fn verify(json: bool, presented: Presented) -> Result<Outcome, Failure> {
    let jid = presented.user.jid.as_bytes();
    jid::check_bare(jid)?;
    let (verifier, now) = verifier(&presented)?;
    let token = input::token(presented.token)?;
    match verifier.verify(jid, &*token, now) {
        Ok(accepted) => {
            let key = verifier.keys().get(accepted.key).map_or("", |key| key.id());
            if json {
                print_json(&json!({
                    "accepted": true,
                    "key": key,
                    "step_offset": accepted.step_offset,
                    "clock_skew": accepted.clock_skew,
                }))?;
            } else {
                accept(&format!("key {key}"))?;
            }
            Ok(Outcome::Done)
        }
        Err(reason) => {
            let message = match reason {
                Rejection::Unavailable => unavailable(&verifier, now).to_string(),
                _ => reason.to_string(),
            };
            let name = reason.name();
            if json {
                print_json(&json!({ "accepted": false, "reason": name, "message": message }))?;
            } else {
                refuse(&format!("{name}: {message}"))?;
            }
            Ok(Outcome::Refused)
        }
    }
}

/// Returns why the ledger could not decide, or when it will.
fn unavailable(verifier: &Verifier, now: u64) -> Finding {
    let ledger = verifier.ledger();
    Finding::Unavailable { trouble: ledger.trouble(), opens_at: ledger.closed_until(now) }
}

fn explain(json: bool, presented: Presented, also: &[OsString]) -> Result<Outcome, Failure> {
    let (verifier, now) = verifier(&presented)?;
    let token = input::token(presented.token)?;
    let also: Vec<_> = also.iter().map(|address| address.as_bytes()).collect();
    let findings = verifier.explain(presented.user.jid.as_bytes(), &*token, now, &also);
    let accepted = findings.iter().all(|finding| matches!(finding, Finding::Good { .. }));
    if json {
        let described =
            |finding: &Finding| json!({ "name": finding.name(), "message": finding.to_string() });
        let findings: Vec<_> = findings.iter().map(described).collect();
        print_json(&json!({ "accepted": accepted, "findings": findings }))?;
    } else {
        for finding in &findings {
            print(&format!("{finding}\n"))?;
        }
    }
    Ok(if accepted { Outcome::Done } else { Outcome::Refused })
}

fn inspect(json: bool, source: TokenSource) -> Result<Outcome, Failure> {
    let bytes = input::token(source)?;
    let Some(token) = Token::parse_any(&bytes) else {
        let flaw = Flaw::of(&bytes).to_string();
        if json {
            print_json(&json!({ "well_formed": false, "message": flaw }))?;
        } else {
            refuse(&format!("this is not a token: {flaw}"))?;
        }
        return Ok(Outcome::Refused);
    };
    let digits = String::from_utf8_lossy(token.digits());
    let (otp, nonce) = digits.split_at_checked(OTP_DIGITS).unwrap_or_default();
    let (nonce_length, signature) = (token.nonce_length(), STANDARD.encode(token.signature()));
    if json {
        print_json(&json!({
            "well_formed": true,
            "otp": otp,
            "nonce": nonce,
            "nonce_length": nonce_length,
            "signature": signature,
        }))?;
        return Ok(Outcome::Done);
    }
    let remark = if nonce_length == DEFAULT_NONCE_LENGTH {
        ""
    } else {
        "; Prosody takes 32 unless token_nonce_length says otherwise"
    };
    print(&format!(
        "one-time password  {otp}\n\
         nonce              {nonce}\n                   ({nonce_length} digits{remark})\n\
         signature          {signature}\n"
    ))?;
    Ok(Outcome::Done)
}

/// What decides, and at what time.
fn verifier(presented: &Presented) -> Result<(Verifier, u64), Failure> {
    let Presented { user, keys, protocol, server, .. } = presented;
    let mut known = keys::read(keys, user)?;
    let ledger_url = ledger_url(server, known.ledger.take())?;
    if protocol.at.is_some() && *ledger_url != b"memory:" {
        return Err("--at would mislead a ledger that servers use: leave it out, or say \
                    --ledger memory:"
            .into());
    }
    let mut verifier = Verifier::new(known.keys, ledger::open(&*ledger_url)?)?;
    if let Some(digits) = protocol.nonce_length.or(known.nonce_length) {
        verifier = verifier.with_nonce_length(digits)?;
    }
    if let Some(policy) = server.nonce_policy.or(known.nonce_policy) {
        verifier = verifier.with_nonce_policy(policy)?;
    }
    if let Some(steps) = server.deviation.or(known.deviation) {
        verifier = verifier.with_deviation(steps)?;
    }
    Ok((verifier, time(protocol)?))
}

/// Where used tokens are remembered: as it was said, or else as Prosody's configuration says.
fn ledger_url(
    server: &Server,
    configured: Option<Zeroizing<Vec<u8>>>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let Some(url) = &server.ledger {
        let url = url.as_bytes();
        let names_secret = url.contains(&b'@') || url.windows(5).any(|part| part == b"pass=");
        if !url.starts_with(b"sqlite:") && names_secret {
            return Err("--ledger is seen in ps, with the password that is in it: put it into \
                        XTOKEN_LEDGER"
                .into());
        }
        return Ok(Zeroizing::new(url.to_vec()));
    }
    if let Some(url) = env::var_os("XTOKEN_LEDGER") {
        return Ok(Zeroizing::new(url.into_vec()));
    }
    let Some(url) = configured else { return Ok(Zeroizing::new(b"memory:".to_vec())) };
    if *url == b"memory:" {
        warn(
            "token_ledger is \"memory\": only the running server knows which tokens were used; \
             on Prosody 13.0 ask it: prosodyctl shell auth_token explain",
        )?;
    }
    Ok(url)
}

fn time(protocol: &Protocol) -> Result<u64, Failure> {
    match protocol.at {
        Some(unix_time) => Ok(unix_time),
        None => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()),
    }
}
