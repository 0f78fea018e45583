//! `mint --verbose`: what a token is made of. Nothing of it is a secret.

use std::fmt;

use xtoken::explain::moment;
use xtoken::nonce::{DATE_DIGITS, MIN_DATED_LENGTH, date_of};
use xtoken::token::OTP_DIGITS;
use xtoken::totp::{OTP_DEVIATION, OTP_INTERVAL, step_at};

/// What was minted, for a person who compares it with what another minter makes.
pub(crate) struct Parts<'a> {
    pub(crate) jid: &'a str,
    /// In Unix seconds.
    pub(crate) time: u64,
    /// The OTP and the nonce.
    pub(crate) digits: &'a str,
}

impl fmt::Display for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jid, time, digits } = *self;
        let (otp, nonce) = digits.split_at_checked(OTP_DIGITS).unwrap_or_default();
        let step = step_at(time);
        let start_of = |step: u64| moment(step.saturating_mul(OTP_INTERVAL));
        writeln!(f, "JID        {jid}")?;
        writeln!(f, "time       {time} ({})", moment(time))?;
        writeln!(f, "step       {step} (the time / {OTP_INTERVAL}, rounded down)")?;
        writeln!(f, "OTP        {otp}")?;
        writeln!(
            f,
            "nonce      {nonce}\n           ({} digits, {})",
            nonce.len(),
            date(time, nonce)
        )?;
        let length = digits.len() + jid.len();
        writeln!(f, "signed     {digits}{jid}")?;
        writeln!(f, "           ({length} bytes, by HMAC-SHA-256 with token_secret as it is)")?;
        let first = start_of(step.saturating_sub(OTP_DEVIATION));
        let end = start_of(step.saturating_add(OTP_DEVIATION + 1));
        writeln!(f, "valid      once, from {first} until {end}")?;
        writeln!(f, "           (if the server has the default deviation of {OTP_DEVIATION})")
    }
}

/// Returns what a verifier takes for the date of a nonce.
fn date(time: u64, nonce: &str) -> String {
    match date_of(nonce.as_bytes()) {
        Some(date) if step_at(date) == step_at(time) => format!("dated {}", moment(date)),
        Some(_) => format!("undated: the first {DATE_DIGITS} are not a time in this step"),
        None => format!("undated: a dated nonce has {MIN_DATED_LENGTH} or more"),
    }
}
