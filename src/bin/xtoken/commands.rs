//! What each subcommand does.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use xtoken::explain::{Flaw, with_unicode_host};
use xtoken::mint::MintError;
use xtoken::nonce::MAX_DATE;
use xtoken::token::{DEFAULT_NONCE_LENGTH, OTP_DIGITS, Token};
use xtoken::{Finding, Minter, Rejection, jid, key};
use zeroize::Zeroizing;

use crate::arguments::{Arguments, Command, Minted, Presented, TokenSource, User};
use crate::failure::Failure;
use crate::key_files;
use crate::key_source;
use crate::minted::Parts;
use crate::new_file::{self, Place};
use crate::output::{self, accept, note, print, print_json, refuse, warn};
use crate::token_source;
use crate::verifier::{time, verifier_and_time};

const VECTORS: &str = include_str!("../../../tests/vectors/conformance.json");

/// The mode of a file that only its owner can read and write.
const PRIVATE: u32 = 0o600;
const KEY_FILE: Place = Place { option: "--output", kind: "file" };

pub(crate) enum Outcome {
    Done,
    Refused,
}

pub(crate) fn run(Arguments { command }: Arguments) -> Result<Outcome, Failure> {
    match command {
        Command::GenerateKey { output: Some(file), .. } => generate_key_file(&file),
        Command::GenerateKey { files: Some(folder), format, .. } => {
            generate_key_files(format.json, &folder)
        }
        Command::GenerateKey { format, .. } => generate_key(format.json),
        Command::Mint(minted) => mint(&minted),
        Command::Verify(presented) => verify(presented),
        Command::Explain { presented, also } => explain(presented, &also),
        Command::Inspect { format, token } => inspect(format.json, token),
        Command::Vectors => print(VECTORS).map(|()| Outcome::Done),
    }
}

fn generate_key(json: bool) -> Result<Outcome, Failure> {
    if output::is_readable_by_others() {
        warn("others can read the file on standard output: run chmod 600, or use --output FILE")?;
    }
    let (otp_seed, token_secret) = key::generate()?;
    print(&Zeroizing::new(if json {
        // The values are letters and digits, so nothing needs an escape.
        format!("{{\"otp_seed\":\"{}\",\"token_secret\":\"{}\"}}\n", *otp_seed, *token_secret)
    } else {
        key_lines(&otp_seed, &token_secret)
    }))?;
    Ok(Outcome::Done)
}

fn generate_key_file(file: &Path) -> Result<Outcome, Failure> {
    if file == Path::new("-") {
        return Err("leave out --output to print the key".into());
    }
    let (otp_seed, token_secret) = key::generate()?;
    let lines = Zeroizing::new(key_lines(&otp_seed, &token_secret));
    new_file::write(file, PRIVATE, &lines, &KEY_FILE)?;
    Ok(Outcome::Done)
}

/// Returns a key as --key reads it.
fn key_lines(otp_seed: &str, token_secret: &str) -> String {
    format!("otp_seed = \"{otp_seed}\"\ntoken_secret = \"{token_secret}\"\n")
}

fn generate_key_files(json: bool, folder: &Path) -> Result<Outcome, Failure> {
    let folder = std::path::absolute(folder)?;
    let (otp_seed, token_secret) = key::generate()?;
    let [otp_seed_file, token_secret_file] = key_files::write(&folder, &otp_seed, &token_secret)?;
    if json {
        print_json(&json!({
            "otp_seed_file": otp_seed_file.to_string_lossy(),
            "token_secret_file": token_secret_file.to_string_lossy(),
        }))?;
    } else {
        print(&format!(
            "otp_seed_file = {otp_seed_file:?}\ntoken_secret_file = {token_secret_file:?}\n"
        ))?;
    }
    Ok(Outcome::Done)
}

/// Returns the JID if a server may accept a token for it. Warns if it may be written wrongly.
fn checked(user: &User) -> Result<&str, Failure> {
    let jid = user.jid.as_bytes();
    jid::check_bare(jid)?;
    warn_of_host(jid)?;
    Ok(str::from_utf8(jid)?)
}

/// Warns of a host in the form for DNS. It is not refused, because a server may name it like that.
fn warn_of_host(jid: &[u8]) -> Result<(), Failure> {
    // Of a JID that is refused, more must be changed; and it may have what a terminal obeys.
    let better = with_unicode_host(jid).filter(|jid| jid::check_bare(jid.as_bytes()).is_ok());
    better.map_or(Ok(()), |jid| {
        warn(&format!(
            "XMPP writes a host in Unicode, not as xn--: use {jid}, unless the server's own \
             configuration has xn--"
        ))
    })
}

fn mint(
    Minted { user, format, verbose, key, protocol, nonce }: &Minted,
) -> Result<Outcome, Failure> {
    let jid = checked(user)?;
    if !jid.is_ascii() {
        warn("a JID beyond ASCII must be prepared as the server does: see docs/user-names.md")?;
    }
    let key = key_source::read(key)?;
    let id = key.id().to_owned();
    let now = time(protocol)?;
    let nonce_length = protocol.nonce_length.unwrap_or(DEFAULT_NONCE_LENGTH);
    let minter = Minter::new(key).with_nonce_length(nonce_length)?;
    let token = match nonce {
        Some(nonce) => {
            check_nonce(nonce.as_bytes(), nonce_length)?;
            // The library mints for any time with a given nonce.
            if now > MAX_DATE {
                return Err(MintError::InvalidTime.into());
            }
            minter.mint_with_nonce(jid, now, nonce.as_bytes())?
        }
        None => minter.mint(jid, now)?,
    };
    if *verbose {
        let digits = token.split(' ').next().unwrap_or_default();
        note(&Parts { jid, time: now, digits }.to_string())?;
    }
    if format.json {
        print_json(&json!({ "token": token, "jid": jid, "time": now, "key": id }))?;
    } else {
        print(&format!("{token}\n"))?;
    }
    Ok(Outcome::Done)
}

fn check_nonce(nonce: &[u8], length: usize) -> Result<(), Failure> {
    if !nonce.iter().all(u8::is_ascii_digit) {
        return Err("--nonce must have only the digits 0 to 9".into());
    }
    let found = nonce.len();
    if found != length {
        return Err(format!(
            "--nonce has {found} digits, but the nonce length is {length}: give {length} digits, \
             or set --nonce-length to that of the server"
        )
        .into());
    }
    Ok(())
}

fn verify(presented: Presented) -> Result<Outcome, Failure> {
    let json = presented.format.json;
    let jid = checked(&presented.user)?;
    let (verifier, now) = verifier_and_time(&presented)?;
    let token = token_source::read(presented.token)?;
    match verifier.verify(jid, &*token, now) {
        Ok(accepted) => {
            let key = accepted.key_id();
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
                Rejection::Unavailable => verifier.unavailable(now).to_string(),
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

fn explain(presented: Presented, also: &[OsString]) -> Result<Outcome, Failure> {
    let json = presented.format.json;
    warn_of_host(presented.user.jid.as_bytes())?;
    let (verifier, now) = verifier_and_time(&presented)?;
    let token = token_source::read(presented.token)?;
    let also: Vec<_> = also.iter().map(|other| other.as_bytes()).collect();
    let findings = verifier.explain(presented.user.jid.as_bytes(), &*token, now, &also);
    let accepted = findings.iter().all(|finding| matches!(finding, Finding::Accepted { .. }));
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
    let bytes = token_source::read(source)?;
    let Some(token) = Token::parse(&bytes) else {
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
        String::new()
    } else {
        format!("; a server accepts {DEFAULT_NONCE_LENGTH} unless it is set to another length")
    };
    print(&format!(
        "OTP        {otp}\n\
         nonce      {nonce}\n           ({nonce_length} digits{remark})\n\
         signature  {signature}\n"
    ))?;
    Ok(Outcome::Done)
}
