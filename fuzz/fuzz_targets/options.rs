#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| xtoken_fuzz::options::run(bytes));
