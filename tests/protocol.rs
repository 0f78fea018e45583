//! The examples of docs/protocol.md are true.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use xtoken::ledger::MemoryLedger;
use xtoken::{Key, Minter, Verifier};

const PAGE: &str = include_str!("../docs/protocol.md");
const JID: &str = "alice@example.com";

/// Returns the block of code that a language begins, and which contains a word.
fn block(language: &str, word: &str) -> &'static str {
    let mut blocks = PAGE.split("```").skip(1).step_by(2);
    let block = blocks.find(|block| block.starts_with(language) && block.contains(word));
    block.unwrap().strip_prefix(language).unwrap().trim()
}

#[test]
fn the_message_is_the_user_and_the_token() {
    let message = block("xml", "<auth").lines().nth(1).unwrap();
    let token = block("text", "13661763");
    let decoded = String::from_utf8(STANDARD.decode(message).unwrap()).unwrap();
    assert_eq!(decoded, format!("\0alice\0{token}"));
    let lengths: Vec<usize> = rows("| characters").map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(lengths.iter().sum::<usize>(), token.len());
}

#[test]
fn a_token_is_accepted_when_the_table_says() {
    let key = || Key::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "a long random string").unwrap();
    // Midnight of some day.
    let seconds = |text: &str| {
        let parts: Vec<u64> = text.split(':').map(|part| part.parse().unwrap()).collect();
        1_700_006_400 + parts[0] * 3600 + parts[1] * 60 + parts[2]
    };
    let made = PAGE.split("with a token made at ").nth(1).unwrap();
    let token = Minter::new(key()).mint(JID, seconds(&made[..8])).unwrap();
    let mut tried = 0;
    for row in rows("| Prosody's clock") {
        for time in row[0].split(' ').filter(|word| word.contains(':')) {
            let verifier = Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap();
            let decision = verifier.verify(JID, &token, seconds(time));
            let name = decision
                .map_or_else(|reason| format!("`{}`", reason.name()), |_| "accepted".into());
            assert!(row[1].starts_with(&name), "{time}: {name}, and the page says {}", row[1]);
            tried += 1;
        }
    }
    assert_eq!(tried, 4);
}

/// Returns the cells of each row of the table with this head.
fn rows(head: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let table = PAGE.lines().skip_while(move |line| !line.starts_with(head)).skip(2);
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
    table.take_while(|line| line.starts_with('|')).map(cells)
}
