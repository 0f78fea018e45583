//! Mints and verifies the one-time login tokens of Prosody's `mod_auth_token`.
//!
//! A web application and an XMPP server share an [OTP seed and a token secret](key). The
//! application [mints](mint) a [token](token) for a bare JID, the client presents it in the SASL
//! mechanism `X-TOKEN`, and the server [verifies](verify) it alone: the shape, the signature,
//! the [one-time password](totp) and the [date](nonce), and that a [ledger] has not seen it before.
//! What fails has a [reason](rejection), and can be [explained](explain).
//!
//! ```
//! use std::sync::Arc;
//! use xtoken::{Key, Minter, Verifier, Rejection, ledger::MemoryLedger};
//!
//! let key = || Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "at least 32 random bytes");
//! let verifier = Verifier::new(vec![key()?], Arc::new(MemoryLedger::new()))?;
//!
//! let now = 1_700_000_000;
//! let token = Minter::new(key()?).mint("alice@example.com", now)?;
//! assert!(verifier.verify("alice@example.com", &token, now).is_ok());
//! assert_eq!(verifier.verify("alice@example.com", &token, now), Err(Rejection::Replayed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time is always passed in, as Unix seconds. Imports run one way: `token`, `totp`, `nonce`,
//! `rejection` and `jid` know nobody, `key` and `dating` use those, `mint` and `verify` use all of
//! them and `ledger`, `explain` looks into `verify`, and the faces, `capi` (C) and `lua` (mlua),
//! use the core and never each other. The command is a crate of its own, in `bin/`, and sees what
//! everybody sees.

#[cfg(all(feature = "capi", feature = "mlua"))]
compile_error!(
    "`capi` and a `lua*` feature exclude each other: a C library must not have undefined lua_* \
     symbols. Build the Lua module with --no-default-features --features lua54 (or another)."
);

#[forbid(unsafe_code)]
mod dating;
#[forbid(unsafe_code)]
pub mod explain;
#[forbid(unsafe_code)]
pub mod jid;
#[forbid(unsafe_code)]
pub mod key;
#[forbid(unsafe_code)]
pub mod ledger;
#[forbid(unsafe_code)]
pub mod mint;
#[forbid(unsafe_code)]
pub mod nonce;
#[forbid(unsafe_code)]
pub mod rejection;
#[forbid(unsafe_code)]
pub mod setting;
#[forbid(unsafe_code)]
pub mod token;
#[forbid(unsafe_code)]
pub mod totp;
#[forbid(unsafe_code)]
pub mod verify;

#[cfg(feature = "capi")]
mod capi;
#[cfg(feature = "mlua")]
mod lua;

pub use explain::{Diagnosis, Finding};
pub use key::Key;
pub use mint::Minter;
pub use rejection::Rejection;
pub use verify::{Accepted, Begun, Verifier};

/// The version of this library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
