//! [`Rejection`]: why a token was refused. Each reason has one stable name, used by every face.

use std::fmt;

/// Why a token was refused.
///
/// The reason is for logs, metrics and callers. A client that presents a token learns only
/// `not-authorized` (or `temporary-auth-failure` for [`Rejection::Unavailable`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The bytes are not a token with a nonce of the configured length: see [`crate::token`].
    Malformed,
    /// No key made this signature for this JID.
    BadSignature,
    /// It is well signed, but was not made in a step of the window.
    Expired,
    /// It was accepted before.
    Replayed,
    /// The ledger cannot tell whether it was accepted before. The ledger gave no answer, or may
    /// have lost or forgotten tokens of that time.
    Unavailable,
    /// It is well signed, but [undated](crate::nonce), and the policy is
    /// [`NoncePolicy::Dated`](crate::config::NoncePolicy::Dated).
    Undated,
}

impl Rejection {
    /// Every rejection, in the order of the C constants. The name `throttled`, for a limit that no
    /// longer exists, is not used again.
    pub const ALL: [Self; 6] = [
        Self::Malformed,
        Self::BadSignature,
        Self::Expired,
        Self::Replayed,
        Self::Unavailable,
        Self::Undated,
    ];

    /// Returns the stable name, which is the same in Rust, C, Lua and logs.
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

impl Rejection {
    /// Returns what is wrong, and what an operator can do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "not a token: check its shape and the length of its nonce",
            Self::BadSignature => {
                "not signed for this JID with a known key: compare token_secret and the JID"
            }
            Self::Expired => "well signed but too old or too new: compare otp_seed and the clocks",
            Self::Replayed => "accepted before: mint a token for every login",
            Self::Unavailable => {
                "the ledger cannot tell whether this token was spent: see its last error, or wait \
                 until it accepts tokens again"
            }
            Self::Undated => "well signed but undated: date the nonces, and compare otp_seed",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Rejection {}
