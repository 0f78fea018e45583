//! What the URL of the ledger says.

use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo};

const SCHEMES: [&str; 7] = [
    "redis://",
    "rediss://",
    "redis+unix://",
    "unix://",
    "valkey://",
    "valkeys://",
    "valkey+unix://",
];
/// The second half is the crate's.
const OPTIONS: [&str; 6] = ["prefix", "timeout", "db", "user", "pass", "protocol"];
const DEFAULT_PREFIX: &str = "xtoken:";
const DEFAULT_TIMEOUT: u64 = 2_000;

/// Holds a password, so it has no `Debug`.
pub(super) struct Settings {
    pub(super) server: ConnectionInfo,
    /// Begins the name of every key.
    pub(super) prefix: String,
    /// How long a token may wait for its answer.
    pub(super) timeout: Duration,
}

/// Whether a URL belongs to this ledger.
pub(in crate::ledger) fn is_ours(url: &[u8]) -> bool {
    SCHEMES.iter().any(|scheme| url.starts_with(scheme.as_bytes()))
}

impl Settings {
    pub(super) fn parse(url: &[u8]) -> Option<Self> {
        let url = str::from_utf8(url).ok().filter(|url| is_ours(url.as_bytes()))?;
        let parsed = redis::parse_redis_url(url)?;
        let (mut prefix, mut timeout) = (DEFAULT_PREFIX.to_owned(), DEFAULT_TIMEOUT);
        for (name, value) in parsed.query_pairs() {
            match &*name {
                "prefix" => prefix = value.into_owned(),
                "timeout" => timeout = value.parse().ok()?,
                // What is misspelt would otherwise be silently not set.
                name if !OPTIONS.contains(&name) => return None,
                _ => {}
            }
        }
        if !(10..=60_000).contains(&timeout) {
            return None;
        }
        let server = parsed.into_connection_info().ok()?;
        // Introducing itself by name would ask for one more permission.
        let login = server.redis_settings().clone().set_skip_set_lib_name();
        let server = server.set_redis_settings(login);
        Some(Self { server, prefix, timeout: Duration::from_millis(timeout) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_everything() {
        let url = b"redis://user:s%40cret@db.example:7000/3?prefix=chat:&timeout=500";
        let settings = Settings::parse(url).unwrap();
        let login = settings.server.redis_settings();
        assert_eq!(settings.server.addr().to_string(), "db.example:7000");
        assert_eq!((login.username(), login.password()), (Some("user"), Some("s@cret")));
        assert_eq!((login.db(), &*settings.prefix), (3, "chat:"));
        assert_eq!(settings.timeout, Duration::from_millis(500));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        for url in ["redis://localhost", "rediss://localhost", "redis+unix:///run/redis.sock"] {
            let settings = Settings::parse(url.as_bytes()).unwrap();
            assert_eq!(settings.prefix, "xtoken:", "{url}");
            assert_eq!(settings.timeout, Duration::from_secs(2), "{url}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for url in [
            "redis:",
            "redis://",
            "http://localhost",
            "redis://localhost/three",
            "redis://localhost?timeout=0",
            "redis://localhost?timeout=2s",
            "redis://localhost?timeout=60001",
            "redis://localhost?timout=500",
            "redis://localhost:99999",
        ] {
            assert!(Settings::parse(url.as_bytes()).is_none(), "{url}");
        }
        assert!(Settings::parse(b"redis://\xff").is_none());
    }
}
