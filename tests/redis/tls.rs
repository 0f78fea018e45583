//! TLS with real servers, and what is said when it fails.

use std::fs;
use std::net::TcpListener;

use xtoken::ledger::{Ledger, RedisLedger, Spent, Unavailable};

use super::certificates::{Certificate, Certificates, OF_CA, OF_SERVER};
use super::server::Server;
use super::spend;

/// A server with a port for TLS beside the other.
struct TlsServer {
    server: Server,
    port: u16,
}

impl TlsServer {
    /// Uses this certificate. With `options`, it may ask for one of the client.
    fn start(certificates: &Certificates, name: &str, options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let number = port.to_string();
        let path = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
        let (certificate, key) =
            (path(certificates.certificate(name)), path(certificates.key(name)));
        let ca = path(certificates.certificate("ca"));
        let own = ["--tls-port", &number, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let own = [&own[..], &["--tls-ca-cert-file", &ca, "--tls-auth-clients", "no"], options];
        let server = Server::start(&own.concat());
        server.has_been_there();
        Self { server, port }
    }

    fn ledger(&self, host: &str, query: &str) -> RedisLedger {
        RedisLedger::new(format!("rediss://{host}:{}?timeout=1000&{query}", self.port)).unwrap()
    }
}

fn error(ledger: &RedisLedger) -> String {
    assert_eq!(spend(ledger, 0), Err(Unavailable));
    ledger.last_error().unwrap()
}

fn names(parameter: &str, path: &std::path::Path) -> String {
    format!("{parameter}={}", path.display())
}

#[test]
fn a_ca_that_is_named_is_trusted() {
    let certificates = Certificates::new();
    let server = TlsServer::start(&certificates, "server", &[]);
    let ca = names("ca_file", &certificates.certificate("ca"));
    for (number, host) in [(1, "localhost"), (2, "127.0.0.1")] {
        let ledger = server.ledger(host, &ca);
        assert_eq!(spend(&ledger, number), Ok(Spent::First), "{:?}", ledger.last_error());
    }
    let said = error(&server.ledger("localhost", ""));
    assert!(said.contains("unknown authority") && said.contains("ca_file=/PATH"), "{said}");
    certificates.make(&Certificate::new("other", None, OF_CA));
    let other = names("ca_file", &certificates.certificate("other"));
    assert!(error(&server.ledger("localhost", &other)).contains("unknown authority"));
}

#[test]
fn a_certificate_that_is_not_a_cas_may_be_its_own() {
    let certificates = Certificates::new();
    certificates.make(&Certificate::new("own", None, OF_SERVER));
    let server = TlsServer::start(&certificates, "own", &[]);
    let ledger = server.ledger("localhost", &names("ca_file", &certificates.certificate("own")));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First), "{:?}", ledger.last_error());
}

#[test]
fn certificates_that_are_refused_have_a_sentence_each() {
    let certificates = Certificates::new();
    let of_ca = format!("{OF_CA}\nsubjectAltName=DNS:localhost");
    let own = |name, extensions| Certificate::new(name, None, extensions);
    let signed = |name, extensions| Certificate::new(name, Some("ca"), extensions);
    for (certificate, ca, said) in [
        (own("its-own-ca", &of_ca), "its-own-ca", "one of a CA, as openssl req -x509 makes it"),
        (own("v1", ""), "v1", "old version X.509 v1"),
        (signed("v1-signed", ""), "ca", "old version X.509 v1"),
        (Certificate { made: "9 days ago", ..signed("old", OF_SERVER) }, "ca", "expired at 2"),
        (Certificate { made: "9 days", ..signed("new", OF_SERVER) }, "ca", "is not valid before 2"),
        (
            signed("elsewhere", "subjectAltName=DNS:redis.example.com"),
            "ca",
            "not one for localhost, but for redis.example.com:",
        ),
        (signed("nowhere", "basicConstraints=CA:FALSE"), "ca", "but for no host at all"),
    ] {
        certificates.make(&certificate);
        let server = TlsServer::start(&certificates, certificate.name, &[]);
        let ca = names("ca_file", &certificates.certificate(ca));
        let error = error(&server.ledger("localhost", &ca));
        assert!(error.contains(said), "{}: {error}", certificate.name);
    }
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let certificates = Certificates::new();
    let server = TlsServer::start(&certificates, "server", &["--tls-auth-clients", "yes"]);
    for (name, ca) in [("client", "ca"), ("stranger", "other"), ("second", "ca")] {
        if ca == "other" {
            certificates.make(&Certificate::new("other", None, OF_CA));
        }
        certificates.make(&Certificate::new(name, Some(ca), "basicConstraints=CA:FALSE"));
    }
    let with = |certificate, key| {
        [
            names("ca_file", &certificates.certificate("ca")),
            names("cert_file", &certificates.certificate(certificate)),
            names("key_file", &certificates.key(key)),
        ]
        .join("&")
    };
    let ledger = server.ledger("localhost", &with("client", "client"));
    assert_eq!(spend(&ledger, 1), Ok(Spent::First), "{:?}", ledger.last_error());
    let none = names("ca_file", &certificates.certificate("ca"));
    for version in ["TLSv1.3", "TLSv1.2"] {
        let set = ["SET", "tls-protocols", version];
        redis::cmd("CONFIG").arg(&set).exec(&mut server.server.client()).unwrap();
        for (query, expected) in [
            (none.clone(), "cert_file"),
            (with("stranger", "stranger"), "Redis does not accept the certificate in cert_file"),
            (with("client", "second"), "key_file is not the key of the certificate in cert_file"),
        ] {
            let said = error(&server.ledger("localhost", &query));
            assert!(said.contains(expected), "{version} {query}: {said}");
        }
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let certificates = Certificates::new();
    let server = TlsServer::start(&certificates, "server", &[]);
    let (ca, key) = (certificates.certificate("ca"), certificates.key("ca"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.pem");
    let shown = file.display().to_string();
    let cases = [
        ("", "no certificate in PEM"),
        ("0\u{82}\u{1}", "no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
    ];
    for (content, expected) in cases {
        fs::write(&file, content).unwrap();
        let said = error(&server.ledger("localhost", &names("ca_file", &file)));
        assert!(said.contains(expected) && said.contains(&shown), "{content:?}: {said}");
    }
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    let certificate = fs::read_to_string(&ca).unwrap();
    for (content, expected) in [(encrypted, "has a passphrase"), (&certificate, "no private key")] {
        fs::write(&file, content).unwrap();
        let files = [names("cert_file", &ca), names("key_file", &file)].join("&");
        let said = error(&server.ledger("localhost", &files));
        assert!(said.contains(expected) && said.contains(&shown), "{content:?}: {said}");
    }
    let files = [names("cert_file", &key), names("key_file", &key)].join("&");
    assert!(error(&server.ledger("localhost", &files)).contains("no certificate in PEM"));
}

#[test]
fn the_wrong_port_is_named() {
    let certificates = Certificates::new();
    let server = TlsServer::start(&certificates, "server", &[]);
    let plain =
        RedisLedger::new(format!("redis://localhost:{}?timeout=4000", server.port)).unwrap();
    let said = error(&plain);
    assert!(said.contains("if this port speaks TLS, use rediss://"), "{said}");
    let url = format!("rediss://localhost:{}?timeout=4000", server.server.port);
    let said = error(&RedisLedger::new(url).unwrap());
    assert!(said.contains("does not speak TLS: use redis://"), "{said}");
}
