//! The shape of a bare JID, `user@host` (RFC 7622).

use std::fmt;

/// A bare JID is no longer than this: 1,023 bytes, `@`, 1,023 bytes (RFC 7622 section 3.1).
pub const MAX_JID_LENGTH: usize = 1023 + 1 + 1023;

/// What nodeprep prohibits (RFC 6122 appendix A.5) and has not been found otherwise.
const NEVER_IN_USER: [char; 7] = [' ', '"', '&', '\'', ':', '<', '>'];

/// Why something is not a bare JID that a token can be minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JidError {
    /// Not `user@host`, not UTF-8, or too long.
    NotBare,
    /// Has a `/`: a resource.
    HasResource,
    /// Has a character in front of the `@` that a prepared JID never has.
    Forbidden,
    /// Has an upper-case ASCII letter, which a prepared JID never has.
    NotPrepared,
}

/// Checks that a token for `jid` could ever be accepted.
///
/// The server signs the prepared form (SASLprep and nodeprep for the user, nameprep for the
/// host), so a token minted for any other spelling is lost. This finds the usual mistakes; it
/// does not run the stringprep profiles.
pub fn check_bare(jid: &[u8]) -> Result<(), JidError> {
    let text = std::str::from_utf8(jid).map_err(|_| JidError::NotBare)?;
    if text.contains('/') {
        return Err(JidError::HasResource);
    }
    let (user, host) = text.split_once('@').ok_or(JidError::NotBare)?;
    let fits = |part: &str| (1..=1023).contains(&part.len());
    if !fits(user) || !fits(host) || host.contains('@') || text.contains(char::is_control) {
        return Err(JidError::NotBare);
    }
    if user.contains(NEVER_IN_USER) {
        return Err(JidError::Forbidden);
    }
    if text.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(JidError::NotPrepared);
    }
    Ok(())
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBare => "not a bare JID: give user@host in UTF-8",
            Self::HasResource => "this JID has a resource: leave out the slash and what follows",
            Self::Forbidden => {
                "no server accepts a space or one of \"&':<> in front of the @: give the user \
                 another name"
            }
            Self::NotPrepared => "this JID has upper-case letters: write it in lower case",
        })
    }
}

impl std::error::Error for JidError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_jids_pass() {
        let longest = format!("{}@{}", "u".repeat(1023), "h".repeat(1023));
        for jid in ["a@b", "alice@example.com", "名前@münchen.example", "o.brien@h", &longest] {
            assert_eq!(check_bare(jid.as_bytes()), Ok(()), "{jid}");
        }
        assert_eq!(longest.len(), MAX_JID_LENGTH);
    }

    #[test]
    fn everything_else_is_named() {
        let too_long = format!("{}@h", "u".repeat(1024));
        for jid in ["", "@", "alice", "@h", "u@", "a@b@c", "a\0@b", "a@b\n", &too_long] {
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::NotBare), "{jid:?}");
        }
        assert_eq!(check_bare(b"\xff@h"), Err(JidError::NotBare));
        for forbidden in NEVER_IN_USER {
            let jid = format!("a{forbidden}b@h");
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::Forbidden), "{jid}");
        }
        assert_eq!(check_bare(b"a@b/phone"), Err(JidError::HasResource));
        assert_eq!(check_bare(b"Alice@b"), Err(JidError::NotPrepared));
    }
}
