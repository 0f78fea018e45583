//! The functions of `xtoken.h`, for Rust. `tests/corpus.rs` compares them with the header, so that
//! each is here, and as it is there.

#![allow(non_camel_case_types)]

use std::ffi::c_char;

// Links the library, which has the functions.
use xtoken as _;

pub enum xtoken_config {}
pub enum xtoken_minter {}
pub enum xtoken_verifier {}
pub type xtoken_status = i32;
pub type xtoken_nonce_policy = i32;

unsafe extern "C" {
    pub fn xtoken_version() -> *const c_char;
    pub fn xtoken_version_number() -> u32;
    pub fn xtoken_status_name(status: xtoken_status) -> *const c_char;
    pub fn xtoken_status_message(status: xtoken_status) -> *const c_char;
    pub fn xtoken_config_new() -> *mut xtoken_config;
    pub fn xtoken_config_add_key(
        config: *mut xtoken_config,
        otp_seed: *const c_char,
        otp_seed_len: usize,
        token_secret: *const u8,
        token_secret_len: usize,
    ) -> xtoken_status;
    pub fn xtoken_config_add_named_key(
        config: *mut xtoken_config,
        id: *const c_char,
        id_len: usize,
        otp_seed: *const c_char,
        otp_seed_len: usize,
        token_secret: *const u8,
        token_secret_len: usize,
        not_before: u64,
        not_after: u64,
    ) -> xtoken_status;
    pub fn xtoken_config_set_nonce_length(config: *mut xtoken_config, digits: u32)
    -> xtoken_status;
    pub fn xtoken_config_set_nonce_policy(
        config: *mut xtoken_config,
        policy: xtoken_nonce_policy,
    ) -> xtoken_status;
    pub fn xtoken_config_set_deviation(config: *mut xtoken_config, steps: u32) -> xtoken_status;
    pub fn xtoken_config_set_ledger(
        config: *mut xtoken_config,
        url: *const c_char,
        url_len: usize,
    ) -> xtoken_status;
    pub fn xtoken_config_free(config: *mut xtoken_config);
    pub fn xtoken_ledger_url_message(url: *const c_char, url_len: usize) -> *const c_char;
    pub fn xtoken_verifier_new(
        config: *const xtoken_config,
        verifier: *mut *mut xtoken_verifier,
    ) -> xtoken_status;
    pub fn xtoken_verifier_verify(
        verifier: *const xtoken_verifier,
        jid: *const c_char,
        jid_len: usize,
        token: *const c_char,
        token_len: usize,
        unix_time: u64,
    ) -> xtoken_status;
    pub fn xtoken_verifier_verify_detailed(
        verifier: *const xtoken_verifier,
        jid: *const c_char,
        jid_len: usize,
        token: *const c_char,
        token_len: usize,
        unix_time: u64,
        key_id: *mut *const c_char,
        step_offset: *mut i32,
    ) -> xtoken_status;
    pub fn xtoken_verifier_verify_nonce(
        verifier: *const xtoken_verifier,
        jid: *const c_char,
        jid_len: usize,
        token: *const c_char,
        token_len: usize,
        unix_time: u64,
        key_id: *mut *const c_char,
        nonce_length: *mut u32,
        clock_skew: *mut i32,
    ) -> xtoken_status;
    pub fn xtoken_verifier_explain(
        verifier: *const xtoken_verifier,
        jid: *const c_char,
        jid_len: usize,
        token: *const c_char,
        token_len: usize,
        unix_time: u64,
        others: *const c_char,
        others_len: usize,
        buffer: *mut c_char,
        length: *mut usize,
    ) -> xtoken_status;
    pub fn xtoken_verifier_last_error(
        verifier: *const xtoken_verifier,
        buffer: *mut c_char,
        length: *mut usize,
    ) -> xtoken_status;
    pub fn xtoken_verifier_seed_bits(verifier: *const xtoken_verifier) -> usize;
    pub fn xtoken_verifier_free(verifier: *mut xtoken_verifier);
    pub fn xtoken_minter_new(
        config: *const xtoken_config,
        minter: *mut *mut xtoken_minter,
    ) -> xtoken_status;
    pub fn xtoken_minter_mint(
        minter: *const xtoken_minter,
        jid: *const c_char,
        jid_len: usize,
        unix_time: u64,
        buffer: *mut c_char,
        length: *mut usize,
    ) -> xtoken_status;
    pub fn xtoken_minter_mint_with_nonce(
        minter: *const xtoken_minter,
        jid: *const c_char,
        jid_len: usize,
        unix_time: u64,
        nonce: *const c_char,
        nonce_len: usize,
        buffer: *mut c_char,
        length: *mut usize,
    ) -> xtoken_status;
    pub fn xtoken_minter_free(minter: *mut xtoken_minter);
    pub fn xtoken_generate_key(
        otp_seed: *mut c_char,
        otp_seed_size: usize,
        token_secret: *mut c_char,
        token_secret_size: usize,
    ) -> xtoken_status;
}
