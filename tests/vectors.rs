//! The conformance vectors, and the decisions recorded from the Lua implementation.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use xtoken::config::NoncePolicy;
use xtoken::ledger::MemoryLedger;
use xtoken::mint::MintError;
use xtoken::{Key, Minter, Verifier};

fn key(case: &Value) -> Key {
    Key::new(text(case, "otp_seed"), text(case, "token_secret")).unwrap()
}

/// Returns a verifier for which no token is spent.
fn verifier(case: &Value) -> Verifier {
    let verifier = Verifier::new(vec![key(case)], Arc::new(MemoryLedger::new())).unwrap();
    let length = case["nonce_length"].as_u64().unwrap_or(32);
    let policy = NoncePolicy::named(case["nonce_policy"].as_str().unwrap_or("exact")).unwrap();
    let verifier = verifier.with_nonce_length(length.try_into().unwrap()).unwrap();
    verifier.with_nonce_policy(policy).unwrap()
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap()
}

fn now(case: &Value) -> u64 {
    case["now"].as_u64().unwrap()
}

fn conformance(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("vectors/conformance.json")).unwrap();
    vectors[section].as_array().unwrap().clone()
}

#[test]
fn every_token_is_minted_and_accepted() {
    for case in conformance("mint") {
        let (jid, token) = (text(&case, "jid"), text(&case, "token"));
        let made = Minter::new(key(&case)).mint_with_nonce(jid, now(&case), text(&case, "nonce"));
        assert_eq!(made.as_deref(), Ok(token), "{case}");
        assert!(verifier(&case).verify(jid, token, now(&case)).is_ok(), "{case}");
    }
}

#[test]
fn no_token_is_minted_for_what_is_no_prepared_jid() {
    let minter = Minter::new(Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "secret").unwrap());
    for case in conformance("refused_jids") {
        let jid = match &case["jid"] {
            Value::String(text) => text.clone().into_bytes(),
            _ => STANDARD.decode(text(&case, "jid_base64")).unwrap(),
        };
        for made in [minter.mint(&jid, 0), minter.mint_with_nonce(&jid, 0, "7".repeat(32))] {
            assert!(matches!(made, Err(MintError::InvalidJid(_))), "{case}: {made:?}");
        }
    }
}

#[test]
fn every_decision_is_made() {
    for case in conformance("verify") {
        let verifier = verifier(&case);
        for shown in case["presentations"].as_array().unwrap() {
            let token = match &shown["token"] {
                Value::String(text) => text.clone().into_bytes(),
                _ => STANDARD.decode(text(shown, "token_base64")).unwrap(),
            };
            let decision = verifier.verify(text(shown, "jid"), token, now(shown));
            let name = decision.map_or_else(|rejection| rejection.name(), |_| "accepted");
            assert_eq!(name, text(shown, "decision"), "{}: {shown}", case["name"]);
        }
    }
}

#[test]
fn every_decision_of_the_lua_implementation_is_made() {
    let file = include_str!("vectors/reference-decisions.json");
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 1200);
    for case in cases {
        let token = STANDARD.decode(text(&case, "token")).unwrap();
        let decision = verifier(&case).verify(text(&case, "jid"), token, now(&case));
        assert_eq!(
            decision.is_ok(),
            text(&case, "expect") == "accept",
            "{case} decided {decision:?}"
        );
    }
}
