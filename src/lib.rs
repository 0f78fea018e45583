//! Mints and verifies the one-time login tokens of Prosody's `mod_auth_token`.
//!
//! A web application and an XMPP server share a [`Key`]: an OTP seed and a token secret. The
//! application's [`Minter`] makes a token for a bare JID. The client presents it in the SASL
//! mechanism `X-TOKEN`. The server's [`Verifier`] checks its shape, its signature, its OTP and its
//! date, and that its [ledger] has not seen it before. So it decides without a call to the
//! application. A refused token has a [`Rejection`], and [`Verifier::explain`] says more.
//!
//! ```
//! use std::sync::Arc;
//! use xtoken::{Key, Minter, Rejection, Verifier, ledger::MemoryLedger};
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
//! Time is always passed in, as Unix seconds.
//!
//! # The modules
//!
//! | module | what it has |
//! | --- | --- |
//! | `taint` | marks secrets for the check of constant time |
//! | [`token`] | the wire format |
//! | [`totp`] | time steps and their OTPs |
//! | [`nonce`] | the date in a nonce |
//! | [`jid`] | the shape of a bare JID |
//! | [`rejection`] | why a token was refused |
//! | [`config`] | what can be set beside the keys |
//! | [`key`] | a seed and a secret |
//! | `dating` | when a token was made |
//! | `completions` | where answers of a ledger wait for an event loop |
//! | [`mint`] | makes tokens |
//! | [`ledger`] | what remembers spent tokens |
//! | [`verify`] | decides about tokens: the order of the checks |
//! | [`submission`] | verifying for callers that must not wait |
//! | [`explain`] | why a token is refused, for a person |

// Imports run one way, from the bottom of this table to its top. Beside the core there are two
// faces, `capi` (C) and `lua` (mlua), which use the core and never each other. The command, in
// `bin/`, is a crate of its own and sees what every user sees. `tests/imports.rs` holds all this.

#[cfg(all(feature = "capi", feature = "mlua"))]
compile_error!(
    "`capi` and the `lua*` features exclude each other, because a C library must not have \
     undefined `lua_*` symbols. Build twice: with `capi` for C, with `lua54` or another for Lua."
);

#[cfg(not(unix))]
compile_error!(
    "xtoken needs a Unix system: Linux, FreeBSD or macOS. A web application on another system can \
     mint tokens without it, see docs/minting.md."
);
#[cfg(not(target_has_atomic = "64"))]
compile_error!("xtoken needs a processor that reads and writes 64 bits atomically.");

#[forbid(unsafe_code)]
mod completions;
#[forbid(unsafe_code)]
pub mod config;
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
mod mac;
#[forbid(unsafe_code)]
pub mod mint;
#[forbid(unsafe_code)]
pub mod nonce;
#[cfg(planted_panics)]
#[forbid(unsafe_code)]
mod planted;
#[forbid(unsafe_code)]
pub mod rejection;
#[forbid(unsafe_code)]
pub mod submission;
#[cfg_attr(not(memcheck), forbid(unsafe_code))]
mod taint;
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

pub use explain::Finding;
pub use key::Key;
pub use mint::Minter;
pub use rejection::Rejection;
pub use submission::{Completion, Decision, Explanation, Submission, Ticket};
pub use verify::{Accepted, Verifier};

/// The examples on the page about this crate.
#[cfg(doctest)]
#[doc = include_str!("../docs/rust-api.md")]
struct Page;

/// The version of this library, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Checks that threads may share and pass on everything that this crate makes.
const _: () = {
    const fn check<T: Send + Sync>() {}
    check::<(Key, Minter, Verifier, Accepted, Finding)>();
    check::<(Rejection, ledger::Unavailable)>();
    check::<(config::ConfigError, jid::JidError, key::KeyError, mint::MintError)>();
};
