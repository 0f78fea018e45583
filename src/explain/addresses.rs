//! What a minter may have signed in place of an address: spellings that are mistaken for it.

use crate::jid::MAX_JID_LENGTH;

/// How many other addresses a caller may name; what is beyond is not looked at.
pub const MAX_OTHERS: usize = 256;

/// Local parts with more letters than this are tried in the usual spellings only, not in all.
const MAX_LETTERS: usize = 12;
const MAX_SPELLED_LENGTH: usize = 64;

/// What clients are wont to call themselves.
const RESOURCES: [&str; 14] = [
    "web",
    "browser",
    "mobile",
    "phone",
    "desktop",
    "home",
    "work",
    "chat",
    "client",
    "converse",
    "strophe",
    "xmpp.js",
    "gajim",
    "conversations",
];

/// The likely ones first; some may come twice. Those of the last kind, upper and lower case in all
/// combinations, can be thousands, and are made as they are asked for.
pub(super) fn alternatives(jid: &[u8], others: &[&[u8]]) -> impl Iterator<Item = Vec<u8>> {
    let bare = jid.split(|byte| *byte == b'/').next().unwrap_or_default().to_ascii_lowercase();
    let (user, host) = split(&bare);
    let mut likely = vec![jid.to_ascii_lowercase(), bare.clone()];
    let others = others.iter().take(MAX_OTHERS).filter(|other| other.len() <= MAX_JID_LENGTH);
    for other in others {
        likely.push(if other.contains(&b'@') { other.to_vec() } else { join(&user, other) });
    }
    for host in spellings(&host) {
        likely.extend(spellings(&user).map(|user| join(&user, &host)));
    }
    likely.extend([user.clone(), host.clone(), Vec::new(), join(&user, b"localhost")]);
    if let Some(dot) = host.iter().position(|byte| *byte == b'.') {
        likely.push(join(&user, host.get(dot + 1..).unwrap_or_default()));
    }
    for prefix in ["www.", "chat.", "xmpp.", "conference."] {
        likely.push(join(&user, &[prefix.as_bytes(), &host].concat()));
    }
    likely.push([b"xmpp:", bare.as_slice()].concat());
    for end in ["\n", "\r\n", " ", ".", "/", "\0"] {
        likely.push([&bare, end.as_bytes()].concat());
    }
    for resource in RESOURCES {
        likely.push([&bare, &b"/"[..], resource.as_bytes()].concat());
    }
    likely.into_iter().chain(all_cases(user).map(move |user| join(&user, &host)))
}

/// User and host of a bare address.
fn split(bare: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = bare.iter().position(|byte| *byte == b'@').unwrap_or(bare.len());
    let (user, host) = bare.split_at_checked(at).unwrap_or_default();
    (user.to_vec(), host.get(1..).unwrap_or_default().to_vec())
}

fn join(user: &[u8], host: &[u8]) -> Vec<u8> {
    [user, b"@", host].concat()
}

/// The usual ones: small, CAPITALS, Capitalised.
fn spellings(name: &[u8]) -> [Vec<u8>; 3] {
    let mut capitalised = name.to_ascii_lowercase();
    let mut at_start = true;
    for byte in &mut capitalised {
        if at_start {
            byte.make_ascii_uppercase();
        }
        at_start = !byte.is_ascii_alphanumeric();
    }
    [name.to_ascii_lowercase(), name.to_ascii_uppercase(), capitalised]
}

/// In upper and lower cases in all combinations, if those are not too many.
fn all_cases(name: Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_few = letters <= MAX_LETTERS && name.len() <= MAX_SPELLED_LENGTH;
    let combinations = if is_few { 1_u32 << letters } else { 0 };
    (0..combinations).map(move |upper| {
        let mut spelled = name.to_ascii_lowercase();
        let letters = spelled.iter_mut().filter(|byte| byte.is_ascii_alphabetic());
        for (bit, letter) in letters.enumerate() {
            if upper >> bit & 1 == 1 {
                letter.make_ascii_uppercase();
            }
        }
        spelled
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(jid: &str, others: &[&[u8]], wanted: &str) -> bool {
        alternatives(jid.as_bytes(), others).any(|address| address == wanted.as_bytes())
    }

    #[test]
    fn the_usual_mistakes_are_among_them() {
        let jid = "o.brien@chat.example.com";
        let others: [&[u8]; 2] = [b"elsewhere.example", b"somebody@else.example"];
        for wanted in [
            "O.Brien@chat.example.com",
            "O.BRIEN@chat.example.com",
            "o.brIEn@chat.example.com",
            "o.brien@Chat.Example.Com",
            "O.BRIEN@CHAT.EXAMPLE.COM",
            "o.brien",
            "o.brien@example.com",
            "o.brien@localhost",
            "xmpp:o.brien@chat.example.com",
            "o.brien@chat.example.com\n",
            "o.brien@chat.example.com/web",
            "o.brien@elsewhere.example",
            "somebody@else.example",
        ] {
            assert!(tried(jid, &others, wanted), "{wanted}");
        }
        assert!(tried("Alice@Example.com/phone", &[], "alice@example.com"));
        assert!(tried("Alice@example.com", &[], "alice@example.com/web"));
    }

    #[test]
    fn they_are_not_too_many() {
        for jid in ["", "@", "a", "a@b@c", &"a".repeat(2000), "abcdefghijkl@example.com"] {
            assert!(alternatives(jid.as_bytes(), &[]).count() < 5_000);
        }
        let long = format!("abcdefghijkl{}@h", "7".repeat(1000));
        assert!(alternatives(long.as_bytes(), &[b"x".as_slice(); 100_000]).count() < 500);
    }
}
