//! [`Config`]: what the URL of the ledger says.

use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

use super::login::Login;

const SCHEMES: [&str; 7] = [
    "redis://",
    "rediss://",
    "redis+unix://",
    "unix://",
    "valkey://",
    "valkeys://",
    "valkey+unix://",
];
const DEFAULT_PREFIX: &str = "xtoken:";
const DEFAULT_TIMEOUT: u64 = 2_000;

/// Has no `Debug`, since a password is in it.
pub(super) struct Config {
    /// Without login and database.
    pub(super) server: ConnectionInfo,
    pub(super) login: Login,
    pub(super) database: i64,
    /// Begins the name of every key.
    pub(super) prefix: String,
    /// How long a token may wait for its answer.
    pub(super) timeout: Duration,
}

/// Whether a URL belongs to this ledger.
pub(in crate::ledger) fn is_ours(url: &[u8]) -> bool {
    SCHEMES.iter().any(|scheme| url.starts_with(scheme.as_bytes()))
}

impl Config {
    pub(super) fn parse(url: &[u8]) -> Option<Self> {
        let url = str::from_utf8(url).ok().filter(|url| is_ours(url.as_bytes()))?;
        let (login, url) = Login::take_from(url)?;
        let parsed = redis::parse_redis_url(&url)?;
        let (mut prefix, mut timeout) = (DEFAULT_PREFIX.to_owned(), DEFAULT_TIMEOUT);
        for (name, value) in parsed.query_pairs() {
            match &*name {
                "prefix" => prefix = value.into_owned(),
                "timeout" => timeout = value.parse().ok()?,
                // The redis crate has read these two.
                "db" | "protocol" => {}
                // What is misspelt would otherwise be silently not set.
                _ => return None,
            }
        }
        if !(10..=60_000).contains(&timeout) {
            return None;
        }
        let server = parsed.into_connection_info().ok()?;
        let database = server.redis_settings().db();
        // The database comes after the login. Introducing itself by name would ask for one more
        // permission.
        let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        let server = server.set_redis_settings(settings);
        let timeout = Duration::from_millis(timeout);
        Some(Self { server, login, database, prefix, timeout })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_everything() {
        let url = b"redis://user:s%40cret@db.example:7000/3?prefix=chat:&timeout=500";
        let config = Config::parse(url).unwrap();
        assert_eq!(config.server.addr().to_string(), "db.example:7000");
        assert!(config.login.command().unwrap().ends_with(b"\r\ns@cret\r\n"));
        assert!(config.server.redis_settings().password().is_none());
        assert_eq!((config.database, &*config.prefix), (3, "chat:"));
        assert_eq!(config.timeout, Duration::from_millis(500));
        let config = Config::parse(b"redis+unix:///a.sock?db=4&pass=x&protocol=resp3").unwrap();
        assert_eq!(config.database, 4);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        for url in ["redis://localhost", "rediss://localhost", "redis+unix:///run/redis.sock"] {
            let config = Config::parse(url.as_bytes()).unwrap();
            assert_eq!(config.prefix, "xtoken:", "{url}");
            assert_eq!(config.timeout, Duration::from_secs(2), "{url}");
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
            "redis://localhost?p%61ss=secret",
            "redis://localhost?protocol=9",
        ] {
            assert!(Config::parse(url.as_bytes()).is_none(), "{url}");
        }
        assert!(Config::parse(b"redis://\xff").is_none());
    }
}
