//! What a minter may have signed in place of an address: spellings that are mistaken for it.

/// Local parts with more letters than this are tried in the usual spellings only, not in all.
const MAX_LETTERS: usize = 12;

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

/// In the order in which they are worth a look; some may come twice.
pub(super) fn alternatives(jid: &[u8], others: &[&[u8]]) -> Vec<Vec<u8>> {
    let (user, host) = split(jid);
    let bare = join(user, host);
    let mut found = vec![jid.to_ascii_lowercase(), bare.clone(), bare.to_ascii_lowercase()];
    for other in others {
        found.push(if other.contains(&b'@') { other.to_vec() } else { join(user, other) });
    }
    let users = spellings(user);
    for host in [host, &host.to_ascii_uppercase(), &capitalised(host)] {
        found.extend(usual_spellings(user).iter().map(|user| join(user, host)));
    }
    found.extend(users.iter().map(|user| join(user, host)));
    found.extend([user.to_vec(), host.to_vec(), Vec::new(), join(user, b"localhost")]);
    if let Some(dot) = host.iter().position(|byte| *byte == b'.') {
        found.push(join(user, host.get(dot + 1..).unwrap_or_default()));
    }
    for prefix in ["www.", "chat.", "xmpp.", "conference."] {
        found.push(join(user, &[prefix.as_bytes(), host].concat()));
    }
    for around in
        [("xmpp:", ""), ("", "\n"), ("", "\r\n"), ("", " "), ("", "."), ("", "/"), ("", "\0")]
    {
        found.push([around.0.as_bytes(), &bare, around.1.as_bytes()].concat());
    }
    for resource in RESOURCES {
        found.push([&bare, &b"/"[..], resource.as_bytes()].concat());
    }
    found
}

/// User and host of an address, its resource left out.
fn split(jid: &[u8]) -> (&[u8], &[u8]) {
    let bare = jid.split(|byte| *byte == b'/').next().unwrap_or_default();
    match bare.iter().position(|byte| *byte == b'@').and_then(|at| bare.split_at_checked(at)) {
        Some((user, host)) => (user, host.strip_prefix(b"@").unwrap_or_default()),
        None => (bare, b""),
    }
}

fn join(user: &[u8], host: &[u8]) -> Vec<u8> {
    [user, b"@", host].concat()
}

fn usual_spellings(name: &[u8]) -> [Vec<u8>; 4] {
    [name.to_vec(), name.to_ascii_lowercase(), name.to_ascii_uppercase(), capitalised(name)]
}

/// With capitals at the beginning of each word.
fn capitalised(name: &[u8]) -> Vec<u8> {
    let mut spelled = name.to_ascii_lowercase();
    let mut at_start = true;
    for byte in &mut spelled {
        if at_start {
            byte.make_ascii_uppercase();
        }
        at_start = !byte.is_ascii_alphanumeric();
    }
    spelled
}

/// In all upper and lower cases, if those are not too many.
fn spellings(name: &[u8]) -> Vec<Vec<u8>> {
    let letters: Vec<_> =
        (0..name.len()).filter(|at| name.get(*at).is_some_and(u8::is_ascii_alphabetic)).collect();
    if letters.len() > MAX_LETTERS {
        return Vec::new();
    }
    let spelled = |upper: u32| {
        let mut name = name.to_ascii_lowercase();
        let chosen = letters.iter().enumerate().filter(|(bit, _)| upper >> bit & 1 == 1);
        chosen.for_each(|(_, at)| {
            name.iter_mut().skip(*at).take(1).for_each(u8::make_ascii_uppercase)
        });
        name
    };
    (0..1 << letters.len()).map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(jid: &str, others: &[&[u8]], wanted: &str) -> bool {
        alternatives(jid.as_bytes(), others).contains(&wanted.as_bytes().to_vec())
    }

    #[test]
    fn the_usual_mistakes_are_among_them() {
        let jid = "o.brien@chat.example.com";
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
            assert!(
                tried(jid, &[b"elsewhere.example", b"somebody@else.example"], wanted),
                "{wanted}"
            );
        }
        assert!(tried("Alice@Example.com/phone", &[], "alice@example.com"));
    }

    #[test]
    fn they_are_not_too_many() {
        for jid in ["", "@", "a", "a@b@c", &"a".repeat(2000), "abcdefghijkl@example.com"] {
            assert!(alternatives(jid.as_bytes(), &[]).len() < 5_000);
        }
    }
}
