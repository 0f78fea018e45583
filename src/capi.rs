//! The C ABI, whose manual is `include/xtoken.h`.
//!
//! The header is made from these files (`make header`); their doc comments are written for its
//! readers. Each function converts, calls the core once and converts back, inside [`guarded`].
//!
//! Nullable pointers are `Option<&T>` and `Option<Box<T>>`, which have the layout of a C pointer:
//! forgetting NULL then does not compile. Only byte ranges are raw pointers.

// The one place where the crate meets pointers that somebody else vouches for.
#![allow(unsafe_code)]
// cbindgen reads only what is `pub`, and the names are those of C.
#![allow(unreachable_pub, non_camel_case_types)]

#[macro_use]
mod guard;
mod bytes;
mod config;
mod fork;
mod generate;
mod minter;
mod status;
mod verifier;
mod version;
