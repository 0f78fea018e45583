//! [`Config`]: what the URL of the ledger says.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};

use super::credentials::Credentials;
use super::error::Error;
use super::tls_files::TlsFiles;
use crate::config::LedgerUrlError;

const SCHEMES: [&str; 7] =
    ["redis:", "rediss:", "redis+unix:", "unix:", "valkey:", "valkeys:", "valkey+unix:"];
const DEFAULT_PREFIX: &str = "xtoken:";
const DEFAULT_TIMEOUT: u64 = 2_000;
/// The shortest and the longest timeout, in milliseconds.
const TIMEOUTS: RangeInclusive<u64> = 10..=60_000;

/// What a URL says. Has no `Debug`, because it contains a password.
pub(super) struct Config {
    /// The server, without credentials and database.
    server: ConnectionInfo,
    tls_files: Option<TlsFiles>,
    pub(super) credentials: Credentials,
    pub(super) database: i64,
    /// Begins the name of every key.
    pub(super) prefix: String,
    /// How long a caller may wait for its answer.
    pub(super) timeout: Duration,
}

/// Returns whether a URL belongs to this ledger.
pub(in crate::ledger) fn is_ours(url: &[u8]) -> bool {
    SCHEMES.iter().any(|scheme| url.starts_with(scheme.as_bytes()))
}

impl Config {
    pub(super) fn parse(url: &[u8]) -> Result<Self, LedgerUrlError> {
        use LedgerUrlError::{Database, Form, Fragment, Parameter, Password};
        Self::parse_parts(url).map_err(|error| match error {
            // The host of such a URL may be the first part of a password.
            Database | Form | Fragment | Parameter if has_late_at_sign(url) => Password,
            _ => error,
        })
    }

    fn parse_parts(url: &[u8]) -> Result<Self, LedgerUrlError> {
        let url = str::from_utf8(url).map_err(|_| LedgerUrlError::Form)?;
        if url.contains('#') {
            return Err(LedgerUrlError::Fragment);
        }
        let (mut credentials, url) = Credentials::take_from(url)?;
        let parsed = redis::parse_redis_url(&url).ok_or(LedgerUrlError::Form)?;
        let is_socket = parsed.scheme().ends_with("unix");
        let (mut prefix, mut timeout) = (DEFAULT_PREFIX.to_owned(), DEFAULT_TIMEOUT);
        let (mut password_file, mut ca, mut certificate, mut key) = (None, None, None, None);
        for (name, value) in parsed.query_pairs() {
            match &*name {
                "prefix" => prefix = value.into_owned(),
                "timeout" => timeout = value.parse().map_err(|_| LedgerUrlError::Timeout)?,
                "password_file" => password_file = Some(absolute(&value)?),
                "ca_file" => ca = Some(absolute(&value)?),
                "cert_file" => certificate = Some(absolute(&value)?),
                "key_file" => key = Some(absolute(&value)?),
                // The redis crate reads these two.
                "db" if is_socket && is_number(&value) => {}
                "db" => return Err(LedgerUrlError::Database),
                "protocol" if ["2", "3", "resp2", "resp3"].contains(&&*value) => {}
                // A misspelt parameter would otherwise silently not be set.
                _ => return Err(LedgerUrlError::Parameter),
            }
        }
        if !TIMEOUTS.contains(&timeout) {
            return Err(LedgerUrlError::Timeout);
        }
        if let Some(file) = password_file {
            credentials = credentials.with_file(file)?;
        }
        let tls_files = TlsFiles::new(ca, certificate, key)?;
        if tls_files.is_some() && !["rediss", "valkeys"].contains(&parsed.scheme()) {
            return Err(LedgerUrlError::NoTls);
        }
        let database = parsed.path().trim_matches('/');
        if !(is_socket || database.is_empty() || is_number(database)) {
            return Err(LedgerUrlError::Database);
        }
        let server = parsed.into_connection_info().map_err(|_| LedgerUrlError::Form)?;
        let database = server.redis_settings().db();
        // The database is selected after the login. Sending the name of the library would need one
        // more permission.
        let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        let server = server.set_redis_settings(settings);
        let timeout = Duration::from_millis(timeout);
        Ok(Self { server, tls_files, credentials, database, prefix, timeout })
    }

    /// Returns whether it goes over the network in plain text.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.server.addr(), ConnectionAddr::Tcp(..))
    }

    /// Returns whether the port, which was asked for TLS and was silent, answers without TLS. Then
    /// what answers is a Redis that waits for the end of a line. Sends no password.
    pub(super) fn answers_without_tls(&self) -> bool {
        let ConnectionAddr::TcpTls { host, port, .. } = self.server.addr() else { return false };
        let wait = self.timeout / 4;
        let answer = || -> io::Result<u8> {
            let address = (host.as_str(), *port).to_socket_addrs()?.next();
            let mut stream =
                TcpStream::connect_timeout(&address.ok_or(io::ErrorKind::NotFound)?, wait)?;
            stream.set_read_timeout(Some(wait))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0];
            stream.read_exact(&mut answer)?;
            let [first] = answer;
            Ok(first)
        };
        // +PONG, or why not.
        matches!(answer(), Ok(b'+' | b'-'))
    }

    /// Connects within the timeout, unless looking up the name takes longer. Reads the files of
    /// certificates anew, so that they may be replaced.
    pub(super) fn connect(&self) -> Result<redis::Connection, Error> {
        let server = self.server.clone();
        let client = match &self.tls_files {
            Some(files) => Client::build_with_tls(server, files.read()?)?,
            None => Client::open(server)?,
        };
        Ok(client.get_connection_with_timeout(self.timeout)?)
    }
}

/// Returns whether there is an `@` after the host: then the part before it may be a password with
/// one of `/?#`, which end the host.
fn has_late_at_sign(url: &[u8]) -> bool {
    let host = url.windows(3).position(|part| part == b"://").map_or(0, |at| at + 3);
    let after = url.get(host..).unwrap_or_default();
    let end = after.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(after.len());
    after.get(end..).unwrap_or_default().contains(&b'@')
}

fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

fn absolute(path: &str) -> Result<PathBuf, LedgerUrlError> {
    let path = Path::new(path);
    if path.is_absolute() { Ok(path.to_owned()) } else { Err(LedgerUrlError::RelativePath) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_everything() {
        let url = b"redis://user:s%40cret@db.example:7000/3?prefix=chat:&timeout=500";
        let config = Config::parse(url).unwrap();
        assert_eq!(config.server.addr().to_string(), "db.example:7000");
        assert_eq!(&**config.credentials.password().unwrap(), b"s@cret");
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
    fn the_path_of_a_file_is_percent_decoded() {
        let url = b"rediss://h?ca_file=/a%20b%26c.pem&password_file=/run/p&timeout=10";
        let config = Config::parse(url).unwrap();
        assert!(
            !config.is_plain() && config.tls_files.unwrap().ca.unwrap() == Path::new("/a b&c.pem")
        );
    }

    #[test]
    fn each_mistake_has_an_error_of_its_own() {
        use LedgerUrlError::*;
        for (error, urls) in [
            (
                Form,
                &[
                    "redis:",
                    "redis://",
                    "redis:/host",
                    "redis://localhost:99999",
                    "redis://localhost:port",
                    "redis+unix://host/path",
                    "redis://0.0.0.0",
                ][..],
            ),
            (
                Password,
                &[
                    "redis://:s3/cret@localhost",
                    "redis://:12/34@localhost/0",
                    "redis://me:12/34@localhost/0",
                    "redis://me:s3?cret@localhost",
                    "redis://me:12?34@localhost",
                    "redis://me:12#34@localhost",
                    "redis+unix:///a.sock?pass=s3#cr@et",
                ],
            ),
            (TwoPasswords, &["redis://:x@localhost?password_file=/p"]),
            (TwoPasswords, &["redis+unix:///a.sock?password_file=/p&pass=x"]),
            (Database, &["redis://localhost/three", "redis://h/0x", "redis://h?db=3"]),
            (Database, &["redis+unix:///a.sock?db=three"]),
            (Timeout, &["redis://h?timeout=0", "redis://h?timeout=2s", "redis://h?timeout=60001"]),
            (Timeout, &["redis://h?timeout=", "redis://h?timeout=1e3"]),
            (Fragment, &["rediss://h/#insecure", "redis+unix:///a.sock?pass=a#b"]),
            (Parameter, &["redis://h?timout=500", "redis://h?p%61ss=x", "redis://h?protocol=9"]),
            (Parameter, &["redis+unix:///a.sock?pass=s3&cret"]),
            (RelativePath, &["redis://h?password_file=p", "rediss://h?ca_file=ca.pem"]),
            (RelativePath, &["redis://h?password_file="]),
            (CertificateAndKey, &["rediss://h?cert_file=/c", "rediss://h?key_file=/k"]),
            (NoTls, &["redis://h?ca_file=/c", "valkey+unix:///s?cert_file=/c&key_file=/k"]),
        ] {
            for url in urls {
                let found = Config::parse(url.as_bytes()).err();
                assert_eq!(found, Some(error), "{url}");
                assert!(!error.message().contains("cret"), "{url}");
            }
        }
        assert_eq!(Config::parse(b"redis://\xff").err(), Some(Form));
    }
}
