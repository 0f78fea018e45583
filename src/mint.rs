//! [`Minter`]: makes tokens.

use std::error::Error;
use std::fmt;

use crate::config::{ConfigError, check_nonce_length};
use crate::jid::{JidError, check_bare};
use crate::key::Key;
use crate::nonce::first_digits;
use crate::taint::declassify;
use crate::token::{DEFAULT_NONCE_LENGTH, OTP_DIGITS, Token};
use crate::totp::step_at;

/// Makes tokens with one key. Threads may share it.
#[derive(Debug)]
pub struct Minter {
    key: Key,
    nonce_length: usize,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MintError {
    /// No server accepts a token for this JID.
    InvalidJid(JidError),
    /// The time has more than 12 digits.
    InvalidTime,
    /// The nonce has a wrong length, or is not all digits.
    InvalidNonce,
    /// The operating system gave no random bytes for the nonce.
    NoRandom,
}

impl Minter {
    /// Makes a minter of tokens with nonces of 32 digits.
    pub fn new(key: Key) -> Self {
        Self { key, nonce_length: DEFAULT_NONCE_LENGTH }
    }

    /// Sets the number of digits of a nonce, which must be that of the verifier: 1 to
    /// [`MAX_NONCE_LENGTH`](crate::token::MAX_NONCE_LENGTH).
    pub fn with_nonce_length(self, digits: usize) -> Result<Self, ConfigError> {
        Ok(Self { nonce_length: check_nonce_length(digits)?, ..self })
    }

    /// Returns the number of digits of a nonce.
    pub fn nonce_length(&self) -> usize {
        self.nonce_length
    }

    /// Makes a fresh token for the bare JID `jid` at `now` (Unix seconds). The token is dated if
    /// its nonce has [`MIN_DATED_LENGTH`](crate::nonce::MIN_DATED_LENGTH) digits or more.
    ///
    /// Refuses what [`check_bare`] refuses, such as `Alice@example.com` or `a b@example.com`.
    pub fn mint(&self, jid: impl AsRef<[u8]>, now: u64) -> Result<String, MintError> {
        let mut nonce = first_digits(self.nonce_length, now).ok_or(MintError::InvalidTime)?;
        let dated = nonce.len();
        nonce.resize(self.nonce_length, 0);
        let random = nonce.get_mut(dated..).unwrap_or_default();
        fill_with_digits(random).map_err(|_| MintError::NoRandom)?;
        self.mint_with_nonce(jid, now, nonce)
    }

    /// Makes a token like [`mint`](Self::mint), but with a given nonce, for test vectors.
    ///
    /// The token is dated only if the nonce begins with `now`. The same nonce in the same step
    /// makes the same token, which is refused the second time.
    pub fn mint_with_nonce(
        &self,
        jid: impl AsRef<[u8]>,
        now: u64,
        nonce: impl AsRef<[u8]>,
    ) -> Result<String, MintError> {
        let (jid, nonce) = (jid.as_ref(), nonce.as_ref());
        check_bare(jid).map_err(MintError::InvalidJid)?;
        if nonce.len() != self.nonce_length || !nonce.iter().all(u8::is_ascii_digit) {
            return Err(MintError::InvalidNonce);
        }
        // Both become a part of the token, which leaves this machine.
        let otp = declassify(self.key.otp(step_at(now)));
        let mut digits = format!("{otp:0OTP_DIGITS$}").into_bytes();
        digits.extend_from_slice(nonce);
        let signature = declassify(self.key.sign(&digits, jid));
        Ok(Token::new(&digits, signature).encode())
    }
}

/// Fills `digits` with random decimal digits, each equally likely: discards bytes from 250 on,
/// which would favour some.
fn fill_with_digits(digits: &mut [u8]) -> Result<(), getrandom::Error> {
    let mut wanted = digits.iter_mut().peekable();
    while wanted.peek().is_some() {
        let mut random = [0; 64];
        getrandom::fill(&mut random)?;
        let usable = random.iter().filter(|byte| **byte < 250);
        usable.zip(&mut wanted).for_each(|(byte, digit)| *digit = b'0' + byte % 10);
    }
    Ok(())
}

impl MintError {
    /// Returns what is wrong, and what to do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::InvalidJid(_) => "no server accepts a token for this JID",
            Self::InvalidTime => {
                "the time has more than 12 digits: give Unix seconds, not milliseconds"
            }
            Self::InvalidNonce => "the nonce has a wrong length or is not all digits",
            Self::NoRandom => "the operating system gave no random bytes",
        }
    }
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for MintError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidJid(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce::{DATE_DIGITS, MAX_DATE, date_of};
    use crate::token::MAX_NONCE_LENGTH;

    fn minter() -> Minter {
        Minter::new(Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap())
    }

    #[test]
    fn nonces_differ_and_use_every_digit() {
        let minter = minter().with_nonce_length(500).unwrap();
        let nonce = |token: String| token[OTP_DIGITS..OTP_DIGITS + 500].to_owned();
        let one = nonce(minter.mint("alice@example.com", 0).unwrap());
        assert_ne!(one, nonce(minter.mint("alice@example.com", 0).unwrap()));
        assert!(('0'..='9').all(|digit| one.contains(digit)), "{one}");
    }

    #[test]
    fn each_digit_is_equally_likely() {
        let mut digits = vec![0; 1_000_000];
        fill_with_digits(&mut digits).unwrap();
        for digit in b'0'..=b'9' {
            let count = digits.iter().filter(|other| **other == digit).count();
            // More than six standard deviations of 300.
            assert!(count.abs_diff(100_000) < 2_000, "{count} times {digit}");
        }
    }

    #[test]
    fn the_message_names_the_limit() {
        assert!(MintError::InvalidTime.message().contains(&format!(" {DATE_DIGITS} ")));
    }

    #[test]
    fn bad_input_is_named() {
        let error = minter().mint("alice", 0).unwrap_err();
        assert_eq!(error, MintError::InvalidJid(JidError::NotBare));
        assert_eq!(error.source().unwrap().to_string(), JidError::NotBare.to_string());
        for nonce in ["", "1", &"1".repeat(33), &"x".repeat(32)] {
            assert_eq!(minter().mint_with_nonce("a@b", 0, nonce), Err(MintError::InvalidNonce));
        }
        for digits in [0, MAX_NONCE_LENGTH + 1] {
            let refused = minter().with_nonce_length(digits).unwrap_err();
            assert_eq!(refused, ConfigError::NonceLength);
        }
    }

    #[test]
    fn a_nonce_begins_with_the_time_if_it_is_long_enough() {
        for (length, dated) in [(1, false), (12, false), (23, false), (24, true), (970, true)] {
            let minter = minter().with_nonce_length(length).unwrap();
            for now in [0, 1_700_000_010, MAX_DATE] {
                let token = minter.mint("alice@example.com", now).unwrap();
                let token = Token::parse(token.as_bytes()).unwrap();
                assert_eq!(date_of(token.nonce()), dated.then_some(now));
            }
        }
    }

    #[test]
    fn a_time_in_milliseconds_is_refused() {
        for length in [1, 32] {
            let minter = minter().with_nonce_length(length).unwrap();
            for now in [MAX_DATE + 1, 1_700_000_010_000, u64::MAX] {
                let refused = minter.mint("alice@example.com", now);
                assert_eq!(refused, Err(MintError::InvalidTime));
            }
        }
    }

    #[test]
    fn with_a_given_nonce_any_time_can_be_minted_for() {
        for now in [0, u64::MAX] {
            assert!(minter().mint_with_nonce("alice@example.com", now, "7".repeat(32)).is_ok());
        }
    }
}
