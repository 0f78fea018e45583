//! The C ABI, whose manual is `include/xtoken.h`.
//!
//! The header is made from these files (`make header`); their doc comments are written for its
//! readers. Each function converts, calls the core once and converts back, inside [`guarded`].
//!
//! Nullable pointers are `Option<&T>` and `Option<Box<T>>`, which have the layout of a C pointer.
//! So code that forgets NULL does not compile. Only byte ranges are raw pointers.

// Pointers come from C: only the caller can know that they are valid.
#![allow(unsafe_code)]
// cbindgen reads only what is `pub`; the names are those of C.
#![allow(unreachable_pub, non_camel_case_types)]

#[macro_use]
mod guard;
#[macro_use]
mod with_nul;
mod bytes;
mod config;
mod failure;
mod fork;
mod generate;
mod ledger_url;
mod minter;
mod status;
mod verifier;
mod version;
