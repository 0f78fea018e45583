//! Options of keys, verifiers and ledgers: each value in its range is taken, each other one is
//! refused, and no password is shown. Opens no file and no connection: a ledger does so later.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use xtoken::config::{ConfigError, NoncePolicy};
use xtoken::key::{KeyError, MAX_KEY_ID_LENGTH};
use xtoken::ledger::{self, MemoryLedger};
use xtoken::token::MAX_NONCE_LENGTH;
use xtoken::totp::MAX_DEVIATION;
use xtoken::{Key, Minter, Verifier};

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// A password, and how it is written in a URL.
const PASSWORD: &str = "pass/word?of#the@server";
const IN_URL: &str = "pass%2Fword%3Fof%23the%40server";

#[derive(Arbitrary, Debug)]
enum Part<'a> {
    Ids([&'a [u8]; 2]),
    Validity { first: u64, last: u64, asked: u64 },
    Secret(&'a [u8]),
    Verifier { nonce_length: u16, deviation: u64, policy: &'a [u8] },
    Url(&'a [u8]),
    Server(Server<'a>),
}

/// The parts of a URL. All that is written is right.
#[derive(Arbitrary, Debug)]
struct Server<'a> {
    scheme: u8,
    user: Option<&'a str>,
    has_password: bool,
    host: u8,
    port: Option<u16>,
    database: Option<u32>,
    timeout: Option<u16>,
    prefix: Option<&'a str>,
    files: [bool; 3],
    mistake: Option<u8>,
}

/// Sets options.
pub fn run(bytes: &[u8]) {
    let Ok(part) = Part::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    match part {
        Part::Ids(ids) => check_ids(ids),
        Part::Validity { first, last, asked } => {
            let key = Key::new(SEED, "secret").unwrap().with_validity(first..=last);
            match key {
                Ok(key) => {
                    assert!(first <= last);
                    assert_eq!(key.is_valid_at(asked), asked >= first && asked <= last);
                }
                Err(error) => assert!(first > last && error == KeyError::NeverValid),
            }
        }
        Part::Secret(secret) => {
            let error = Key::new(SEED, secret).err();
            assert_eq!(error, secret.is_empty().then_some(KeyError::EmptySecret));
        }
        Part::Verifier { nonce_length, deviation, policy } => {
            check_verifier(nonce_length.into(), deviation, policy);
        }
        Part::Url(url) => check_url(url),
        Part::Server(server) => check_server(&server),
    }
}

fn check_ids(ids: [&[u8]; 2]) {
    let keys = ids.map(|id| {
        let key = Key::new(SEED, "secret").unwrap().with_id(id);
        let is_usable = (1..=MAX_KEY_ID_LENGTH).contains(&id.len())
            && id.iter().all(|byte| (b'!'..=b'~').contains(byte));
        match key {
            Ok(key) => {
                assert!(is_usable);
                assert_eq!(key.id().as_bytes(), id);
                Some(key)
            }
            Err(error) => {
                assert!(!is_usable && error == KeyError::InvalidId);
                None
            }
        }
    });
    let keys: Vec<Key> = keys.into_iter().flatten().collect();
    let expected = match keys.len() {
        0 => Some(ConfigError::NoKey),
        2 if ids[0] == ids[1] => Some(ConfigError::DuplicateKeyId),
        _ => None,
    };
    let verifier = Verifier::new(keys, Arc::new(MemoryLedger::new()));
    assert_eq!(verifier.err(), expected);
}

fn check_verifier(nonce_length: usize, deviation: u64, policy: &[u8]) {
    let key = || Key::new(SEED, "secret").unwrap();
    let verifier = || Verifier::new(vec![key()], Arc::new(MemoryLedger::new())).unwrap();

    let wrong_length = !(1..=MAX_NONCE_LENGTH).contains(&nonce_length);
    let expected = wrong_length.then_some(ConfigError::NonceLength);
    assert_eq!(verifier().with_nonce_length(nonce_length).err(), expected);
    assert_eq!(Minter::new(key()).with_nonce_length(nonce_length).err(), expected);

    let expected = (deviation > MAX_DEVIATION).then_some(ConfigError::Deviation);
    assert_eq!(verifier().with_deviation(deviation).err(), expected);

    let named = NoncePolicy::named(policy);
    let policy = match policy {
        b"exact" => NoncePolicy::Exact,
        b"dated" => NoncePolicy::Dated,
        b"report" => NoncePolicy::Report,
        _ => {
            assert_eq!(named, Err(ConfigError::NoncePolicy));
            return;
        }
    };
    assert_eq!(named, Ok(policy));
    if wrong_length {
        return;
    }
    // Both orders end with the same error.
    let length_first =
        verifier().with_nonce_length(nonce_length).and_then(|made| made.with_nonce_policy(policy));
    let policy_first =
        verifier().with_nonce_policy(policy).and_then(|made| made.with_nonce_length(nonce_length));
    let is_short = policy == NoncePolicy::Dated && nonce_length < 24;
    let expected = is_short.then_some(ConfigError::ShortNonce);
    assert_eq!(length_first.err(), expected);
    assert_eq!(policy_first.err(), expected);
}

/// Opens any URL. What it says of itself cannot be compared with anything.
fn check_url(url: &[u8]) {
    const SCHEMES: [&[u8]; 9] = [
        b"memory:",
        b"sqlite:",
        b"redis:",
        b"rediss:",
        b"redis+unix:",
        b"unix:",
        b"valkey:",
        b"valkeys:",
        b"valkey+unix:",
    ];
    let is_known = SCHEMES.iter().any(|scheme| url.starts_with(scheme));
    match ledger::open(url) {
        Ok(ledger) => {
            assert!(is_known, "a URL of no ledger was taken");
            assert_eq!(ledger.last_error(), None);
            if url.starts_with(b"sqlite:") {
                let path = &url[b"sqlite:".len()..];
                let is_name = path.is_empty() || path[0] == b':' || path.starts_with(b"file:");
                assert!(!is_name, "a name that SQLite does not take for a path was taken");
            } else if url != b"memory:" {
                assert!(!url.contains(&b'#') && str::from_utf8(url).is_ok());
            }
            // The same URL once more, in its place.
            assert!(ledger::reopen(url, &*ledger).is_ok());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Opens a URL that is made of parts.
fn check_server(server: &Server<'_>) {
    const SCHEMES: [(&str, bool); 4] =
        [("redis", false), ("rediss", true), ("valkey", false), ("valkeys", true)];
    const HOSTS: [&str; 4] = ["localhost", "db.example.com", "127.0.0.1", "[::1]"];
    let (scheme, has_tls) = SCHEMES[usize::from(server.scheme) % SCHEMES.len()];
    let mut url = format!("{scheme}://");
    if server.user.is_some() || server.has_password {
        url.push_str(&encoded(server.user.unwrap_or_default()));
        if server.has_password {
            url.push(':');
            url.push_str(IN_URL);
        }
        url.push('@');
    }
    url.push_str(HOSTS[usize::from(server.host) % HOSTS.len()]);
    if let Some(port) = server.port {
        url.push_str(&format!(":{}", port.max(1)));
    }
    if let Some(database) = server.database {
        url.push_str(&format!("/{database}"));
    }
    let mut parameters = Vec::new();
    if let Some(timeout) = server.timeout {
        parameters.push(format!("timeout={}", 10 + timeout % 59_991));
    }
    if let Some(prefix) = server.prefix {
        parameters.push(format!("prefix={}", encoded(prefix)));
    }
    let [has_ca, has_certificate, has_password_file] = server.files;
    if has_tls && has_ca {
        parameters.push("ca_file=/ca.pem".to_owned());
    }
    if has_tls && has_certificate {
        parameters.push("cert_file=/c.pem".to_owned());
        parameters.push("key_file=/k.pem".to_owned());
    }
    if has_password_file && !server.has_password {
        parameters.push("password_file=/run/password".to_owned());
    }
    const MISTAKES: [&str; 8] = [
        "timeout=9",
        "timeout=60001",
        "timout=500",
        "ca_file=relative",
        "db=3",
        "protocol=9",
        "password_file=relative",
        "cert_file=",
    ];
    let mistake = server.mistake.map(|number| MISTAKES[usize::from(number) % MISTAKES.len()]);
    parameters.extend(mistake.map(str::to_owned));
    if !parameters.is_empty() {
        url.push('?');
        url.push_str(&parameters.join("&"));
    }
    let text = match ledger::open(&url) {
        Ok(ledger) => {
            assert!(mistake.is_none(), "{url} was taken");
            format!("{ledger:?}")
        }
        Err(error) => {
            assert!(mistake.is_some(), "{url} was refused: {error}");
            format!("{error} {error:?}")
        }
    };
    for shown in [PASSWORD, IN_URL] {
        assert!(!text.contains(shown), "a password is shown: {text}");
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
