//! The decisions recorded from the Lua implementation, one fresh ledger each.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Verifier};

#[test]
fn every_recorded_decision_is_made() {
    let file = include_str!("vectors/reference-decisions.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 1200);
    for case in cases {
        let field = |name: &str| case[name].as_str().unwrap();
        let key = Key::new(field("otp_seed"), field("token_secret")).unwrap();
        let verifier = Verifier::new(vec![key], Arc::new(MemoryLedger::new())).unwrap();
        let token = STANDARD.decode(field("token")).unwrap();
        let decision = verifier.verify(field("jid"), token, case["now"].as_u64().unwrap());
        assert_eq!(decision.is_ok(), field("expect") == "accept", "{case} decided {decision:?}");
    }
}
