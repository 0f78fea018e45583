//! The shape of a bare JID, `user@host` (RFC 7622).

use std::fmt;

/// The largest number of bytes of a bare JID: 1,023, `@`, 1,023 (RFC 7622 section 3.1).
pub const MAX_JID_LENGTH: usize = MAX_PART_LENGTH + 1 + MAX_PART_LENGTH;
/// The largest number of bytes of a user, and of a host.
const MAX_PART_LENGTH: usize = 1023;

/// Prohibited by nodeprep (RFC 6122 appendix A.5), like `@`.
const FORBIDDEN_IN_USER: [char; 7] = ['"', '&', '\'', '/', ':', '<', '>'];

/// Why no token can be minted for a JID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JidError {
    /// It is not `user@host`, or not UTF-8.
    NotBare,
    /// Its user or its host has more than 1,023 bytes.
    TooLong,
    /// It has more than one `@`, as if an e-mail address were the user.
    TwoAts,
    /// It has a resource: a `/` after the host, and what follows.
    HasResource,
    /// It has white space or a control character, or its user a character that no prepared JID has.
    Forbidden,
    /// It has an upper-case letter that preparation makes lower case.
    NotPrepared,
}

/// Checks that a server may accept a token for `jid`.
///
/// The server verifies the prepared form (SASLprep and nodeprep for the user, nameprep for the
/// host). It refuses a token that was minted for any other spelling. This function finds the usual
/// mistakes, but does not run the stringprep profiles.
pub fn check_bare(jid: &[u8]) -> Result<(), JidError> {
    let text = str::from_utf8(jid).map_err(|_| JidError::NotBare)?;
    let (user, host) = text.split_once('@').ok_or(JidError::NotBare)?;
    if host.contains('/') {
        return Err(JidError::HasResource);
    }
    if user.len() > MAX_PART_LENGTH || host.len() > MAX_PART_LENGTH {
        return Err(JidError::TooLong);
    }
    if host.contains('@') {
        return Err(JidError::TwoAts);
    }
    if user.is_empty() || host.is_empty() {
        return Err(JidError::NotBare);
    }
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control();
    if user.contains(FORBIDDEN_IN_USER) || text.contains(is_forbidden) {
        return Err(JidError::Forbidden);
    }
    if text.contains(is_folded) {
        return Err(JidError::NotPrepared);
    }
    Ok(())
}

/// Returns whether `c` is a capital that preparation makes lower case, of Latin, Greek, Cyrillic or
/// Armenian.
///
/// Stringprep knows Unicode 3.2. It leaves younger capitals as they are, of which U+023A is the
/// first, and those that had no small letter then. A prepared JID may contain them.
fn is_folded(c: char) -> bool {
    let has_small_letter = matches!(
        c,
        'A'..='\u{233}' | '\u{386}'..='\u{3ab}' | '\u{400}'..='\u{42f}' | '\u{531}'..='\u{556}'
    );
    has_small_letter && c.is_uppercase()
}

impl fmt::Display for JidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBare => "not a bare JID: give user@host in UTF-8",
            Self::TooLong => {
                "this JID has more than 1,023 bytes before or after the @: use a shorter name"
            }
            Self::TwoAts => {
                "this JID has more than one @: write those of the user as \\40 (XEP-0106), as in \
                 alice\\40mail.com@example.com"
            }
            Self::HasResource => "this JID has a resource: remove the slash and what follows",
            Self::Forbidden => {
                "a JID has no white space or control characters, and none of \"&'/:<> before the \
                 @: remove them, or give the user another name"
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
        for jid in ["a@b", "alice@example.com", "名前@münchen.example", "Ꮳ@h", "Ⱥ@ẞ", &longest]
        {
            assert_eq!(check_bare(jid.as_bytes()), Ok(()), "{jid}");
        }
        assert_eq!(longest.len(), MAX_JID_LENGTH);
    }

    #[test]
    fn everything_else_is_named() {
        for jid in ["", "@", "alice", "@h", "u@", "alice/phone"] {
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::NotBare), "{jid:?}");
        }
        assert_eq!(check_bare(b"\xff@h"), Err(JidError::NotBare));
        for jid in ["a@b@c", "@@", "alice@mail.com@h"] {
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::TwoAts), "{jid:?}");
        }
        assert!(JidError::TwoAts.to_string().contains(r" \40 "));
        let too_long = "ü".repeat(512);
        for jid in [format!("{too_long}@h"), format!("u@{too_long}")] {
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::TooLong), "{jid:?}");
        }
        assert!(JidError::TooLong.to_string().contains("more than 1,023 bytes"));
        for forbidden in FORBIDDEN_IN_USER {
            let jid = format!("a{forbidden}b@h");
            assert_eq!(check_bare(jid.as_bytes()), Err(JidError::Forbidden), "{jid}");
        }
        for resource in ["a@b/phone", "a@b/", "a@b/c@d", "al/ice@b/phone"] {
            assert_eq!(check_bare(resource.as_bytes()), Err(JidError::HasResource), "{resource}");
        }
        for spaced in ["a b@h", "a@my host", "a@h ", "a\u{3000}b@h", "a\0@b", "a@b\n"] {
            assert_eq!(check_bare(spaced.as_bytes()), Err(JidError::Forbidden), "{spaced:?}");
        }
        for capital in ["Alice@b", "alice@B", "Ömer@b", "Șerban@b", "аЯ@b", "a@Ϋ", "Ֆ@b"] {
            assert_eq!(check_bare(capital.as_bytes()), Err(JidError::NotPrepared), "{capital}");
        }
    }
}
