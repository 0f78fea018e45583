//! What a minter may have signed in place of a JID: other spellings of it.

use super::punycode;
use crate::jid::MAX_JID_LENGTH;

/// The largest number of other JIDs that a caller may name. The rest is ignored.
pub const MAX_OTHERS: usize = 256;

/// User names with more letters or bytes are tried in the usual spellings only, not in all.
const MAX_LETTERS: usize = 12;
const MAX_SPELLED_LENGTH: usize = 64;

/// Resources that clients often choose.
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

/// What other languages print in place of a user that is not set.
const NO_USER: [&str; 6] = ["", "undefined", "null", "None", "nil", "[object Object]"];

/// Returns what may have been signed in place of `jid`, the likely ones first; some may come twice.
/// The last kind, upper and lower case in all combinations, can be thousands. They are made lazily.
pub(super) fn alternatives(jid: &[u8], others: &[&[u8]]) -> impl Iterator<Item = Vec<u8>> {
    let bare = bare(jid);
    let (user, host) = split(&bare);
    let mut likely = vec![jid.to_ascii_lowercase(), bare.clone()];
    let others = others.iter().take(MAX_OTHERS).filter(|other| other.len() <= MAX_JID_LENGTH);
    for other in others {
        likely.push(if other.contains(&b'@') { other.to_vec() } else { join(&user, other) });
    }
    for host in spellings(&host) {
        likely.extend(spellings(&user).map(|user| join(&user, &host)));
    }
    if let (Ok(user), Ok(host)) = (str::from_utf8(&user), str::from_utf8(&host)) {
        for host in [punycode::to_ascii(host), punycode::to_unicode(host)] {
            likely.push(join(user.as_bytes(), host.as_bytes()));
        }
        for user in beyond_ascii(user) {
            likely.push(join(user.as_bytes(), host.as_bytes()));
        }
    }
    likely.extend([user.clone(), host.clone(), join(&user, b"localhost")]);
    if let Some(dot) = host.iter().position(|byte| *byte == b'.') {
        likely.push(join(&user, host.get(dot + 1..).unwrap_or_default()));
    }
    for prefix in ["www.", "chat.", "xmpp.", "conference."] {
        likely.push(join(&user, &[prefix.as_bytes(), &host].concat()));
    }
    likely.push([b"xmpp:", bare.as_slice()].concat());
    likely.push([b"\"", bare.as_slice(), b"\""].concat());
    likely.push([&user, &b"%40"[..], &host].concat());
    likely.extend(NO_USER.map(|word| join(word.as_bytes(), &host)));
    for end in ["\n", "\r\n", " ", ".", "/", "\0"] {
        likely.push([&bare, end.as_bytes()].concat());
    }
    for resource in RESOURCES {
        likely.push([&bare, &b"/"[..], resource.as_bytes()].concat());
    }
    likely.into_iter().chain(all_cases(user).map(move |user| join(&user, &host)))
}

/// Returns a JID without its resource, and in lower case.
pub(super) fn bare(jid: &[u8]) -> Vec<u8> {
    let bare = jid.split(|byte| *byte == b'/').next().unwrap_or_default();
    str::from_utf8(bare)
        .map_or_else(|_| bare.to_ascii_lowercase(), |text| text.to_lowercase().into())
}

/// Returns a bare JID with its host in Unicode, if it has a part in the form for DNS, `xn--…`.
///
/// XMPP writes hosts in Unicode (RFC 7622 section 3.2.1). So no server has this host, unless its
/// own configuration names it like that.
pub fn with_unicode_host(jid: &[u8]) -> Option<String> {
    let (user, host) = str::from_utf8(jid).ok()?.split_once('@')?;
    let in_unicode = punycode::to_unicode(host);
    (in_unicode != host).then(|| format!("{user}@{in_unicode}"))
}

/// Returns user and host of a bare JID.
fn split(bare: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let at = bare.iter().position(|byte| *byte == b'@').unwrap_or(bare.len());
    let (user, host) = bare.split_at_checked(at).unwrap_or_default();
    (user.to_vec(), host.get(1..).unwrap_or_default().to_vec())
}

fn join(user: &[u8], host: &[u8]) -> Vec<u8> {
    [user, b"@", host].concat()
}

/// Returns the usual spellings: small, CAPITALS, Capitalised.
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

/// Returns the spellings of a user that has letters beyond ASCII, or characters that XEP-0106
/// escapes.
fn beyond_ascii(user: &str) -> Vec<String> {
    const ESCAPES: [(&str, &str); 10] = [
        ("\\20", " "),
        ("\\22", "\""),
        ("\\26", "&"),
        ("\\27", "'"),
        ("\\2f", "/"),
        ("\\3a", ":"),
        ("\\3c", "<"),
        ("\\3e", ">"),
        ("\\40", "@"),
        ("\\5c", "\\"),
    ];
    let mut letters = user.chars();
    let capitalised = letters.next().map(|first| first.to_uppercase().chain(letters).collect());
    let unescaped =
        ESCAPES.iter().fold(user.to_owned(), |user, (escape, sign)| user.replace(escape, sign));
    let spellings = [capitalised.unwrap_or_default(), user.to_uppercase(), unescaped];
    spellings.into_iter().filter(|spelling| spelling != user).collect()
}

/// Returns all combinations of upper and lower case, unless there are too many.
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
        alternatives(jid.as_bytes(), others).any(|tried| tried == wanted.as_bytes())
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
        assert!(tried("alice@münchen.example", &[], "alice@xn--mnchen-3ya.example"));
        assert!(tried("alice@xn--mnchen-3ya.example", &[], "alice@münchen.example"));
        assert!(tried("älice@example.com", &[], "Älice@example.com"));
        assert!(tried("al\\40mail@example.com", &[], "al@mail@example.com"));
        assert!(tried("Alice@Example.com/phone", &[], "alice@example.com"));
        assert!(tried("Alice@example.com", &[], "alice@example.com/web"));
    }

    #[test]
    fn a_host_for_dns_is_written_in_unicode() {
        let unicode = |jid: &str| with_unicode_host(jid.as_bytes());
        let expected = Some("alice@chat.münchen.example".to_owned());
        assert_eq!(unicode("alice@chat.xn--mnchen-3ya.example"), expected);
        for jid in ["", "alice", "alice@example.com", "xn--mnchen-3ya@münchen.example", "a@xn--"] {
            assert_eq!(unicode(jid), None, "{jid}");
        }
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
