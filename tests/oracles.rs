//! Compares OTPs with those of another implementation: `make trust-oracles`.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use xtoken::totp::OTP_INTERVAL;
use xtoken::{Key, Minter};

/// oathtool prints as many OTPs in one run.
const STEPS: u64 = 400;
/// The Unix times of the first OTPs: the beginning, today, and where 31 and 32 bits end.
const TIMES: [u64; 5] = [0, 1_700_000_010, (1 << 31) - 6000, (1 << 32) - 6000, 1 << 36];
/// The bytes of the seeds: the shortest, that of most authenticators, and those about the 64 bytes
/// of a block, from where on HMAC hashes its key.
const SEEDS: [usize; 5] = [10, 20, 63, 64, 100];

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Returns a seed in base32 without padding. Its last character has no bit that is not used.
fn seed(bytes: usize, salt: usize) -> String {
    let mixed = |at: usize| ((at + 1) * (at + salt + 7) * 2_654_435_761) >> 13;
    let bits: Vec<usize> = (0..bytes * 8).map(|at| mixed(at) & 1).collect();
    let character = |five: &[usize]| {
        let value = (0..5).fold(0, |value, at| value * 2 + five.get(at).unwrap_or(&0));
        char::from(*ALPHABET.get(value).unwrap())
    };
    bits.chunks(5).map(character).collect()
}

/// Returns the OTPs of `STEPS` steps from that of `time` on, as oathtool makes them.
fn oathtool(seed: &str, time: u64) -> Vec<String> {
    let mut process = Command::new("oathtool")
        .args(["--totp", "--base32", "--digits=8", "-"])
        .arg(format!("--now=@{time}"))
        .arg(format!("--window={}", STEPS - 1))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("oathtool cannot be run, install it: {error}"));
    writeln!(process.stdin.take().unwrap(), "{seed}").unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs oathtool: make trust-oracles"]
fn the_otps_are_those_of_oathtool() {
    let mut compared = 0;
    for bytes in SEEDS {
        for (salt, time) in TIMES.into_iter().enumerate() {
            let seed = seed(bytes, salt);
            let minter = Minter::new(Key::new(&seed, "a secret of the test").unwrap());
            let expected = oathtool(&seed, time);
            assert_eq!(expected.len() as u64, STEPS);
            for (step, otp) in (0..).zip(expected) {
                let now = time + step * OTP_INTERVAL;
                let token = minter.mint_with_nonce("alice@example.com", now, "7".repeat(32));
                assert_eq!(token.unwrap()[..8], otp, "{seed} at {now}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 10_000);
    println!("\noathtool: {compared} OTPs of {} seeds, all the same", SEEDS.len() * TIMES.len());
}
