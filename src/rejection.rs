//! Why a token was refused: one enum, one stable name each, used by every face.

use std::fmt;

/// Why a token was refused.
///
/// The reason is for logs, metrics and callers. A client that presents a token learns only
/// `not-authorized` (or `temporary-auth-failure` for [`Rejection::Unavailable`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The bytes are not a token: see the grammar in [`crate::token`].
    Malformed,
    /// No key made this signature for this JID.
    BadSignature,
    /// Well signed, but its one-time password belongs to no step of the window.
    Expired,
    /// Good, but it was accepted before.
    Replayed,
    /// The ledger cannot tell whether it was accepted before: the ledger gave no answer, or may
    /// have lost or forgotten tokens of that time.
    Unavailable,
    /// Well signed, but [undated](crate::nonce), while the policy is
    /// [`NoncePolicy::Dated`](crate::setting::NoncePolicy::Dated).
    Undated,
}

impl Rejection {
    /// Every rejection, in the order of the C constants. (Number 5 was `throttled`, for a limit of
    /// expired tokens that dated nonces have replaced. Number and name are not used again.)
    pub const ALL: [Self; 6] = [
        Self::Malformed,
        Self::BadSignature,
        Self::Expired,
        Self::Replayed,
        Self::Unavailable,
        Self::Undated,
    ];

    /// The stable name, the same in Rust, C, Lua and the logs. It never changes its meaning.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadSignature => "bad-signature",
            Self::Expired => "expired",
            Self::Replayed => "replayed",
            Self::Unavailable => "unavailable",
            Self::Undated => "undated",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a token: check its shape and the length of its nonce",
            Self::BadSignature => {
                "not signed for this address with a known key: compare token_secret and the JID"
            }
            Self::Expired => "well signed but too old or too new: compare otp_seed and the clocks",
            Self::Replayed => "accepted before: mint a token for every login",
            Self::Unavailable => {
                "the ledger cannot tell whether this token was spent: look at its last error, or \
                 wait until it accepts tokens again"
            }
            Self::Undated => "well signed but undated: date the nonces, and compare otp_seed",
        })
    }
}

impl std::error::Error for Rejection {}
