//! [`explain`]: why TLS failed, and what to do about it.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use redis::RedisError;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

/// The port has another protocol.
pub(super) const NO_TLS: &str = "this port does not speak TLS: use redis:// in place of rediss://, \
                                 or the port that Redis has for TLS";

/// A certificate that is its own authority, as the redis crate and webpki accept it.
const MAKE_ONE: &str = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=HOST -addext \
                        subjectAltName=DNS:HOST -addext basicConstraints=critical,CA:FALSE";

/// Returns why TLS failed; `None` if the error is not one of TLS.
pub(super) fn explain(error: &RedisError) -> Option<String> {
    // The redis crate passes this error on as text only.
    if error.detail().is_some_and(|detail| detail.contains("KeyMismatch")) {
        return Some("key_file is not the key of the certificate in cert_file".to_owned());
    }
    Some(match rustls_error(error)? {
        Error::InvalidCertificate(error) => of_certificate(error),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => NO_TLS.to_owned(),
        error => format!("TLS failed ({error})"),
    })
}

/// Finds the error of rustls inside the others.
fn rustls_error(error: &RedisError) -> Option<&Error> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error);
        }
        next = if let Some(shared) = error.downcast_ref::<Arc<dyn StdError + Send + Sync>>() {
            Some(&**shared)
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            error.get_ref().map(|inner| inner as _)
        } else {
            error.source()
        };
    }
    None
}

fn of_certificate(error: &CertificateError) -> String {
    use CertificateError::*;
    match error {
        ExpiredContext { not_after, .. } => format!(
            "the certificate of Redis expired at {}: renew it, or correct the clock of this \
             machine",
            date(*not_after)
        ),
        Expired => {
            "the certificate of Redis expired, or its two dates are exchanged: renew it".to_owned()
        }
        NotValidYetContext { not_before, .. } => format!(
            "the certificate of Redis is not valid before {}: correct the clock of this machine, \
             or make another certificate",
            date(*not_before)
        ),
        NotValidForNameContext { expected, presented } => format!(
            "the certificate of Redis is not one for {}, but for {}: correct the host in the URL, \
             or make a certificate whose subjectAltName has this host",
            expected.to_str(),
            hosts(presented)
        ),
        NotValidForName => "the certificate of Redis is for another host: correct the host in \
                            the URL, or make a certificate whose subjectAltName has it"
            .to_owned(),
        UnknownIssuer => "the certificate of Redis was signed by an unknown authority: name the \
                          file of its CA in the URL with ca_file=/PATH"
            .to_owned(),
        BadSignature => "the certificate of Redis was not signed by the CA in ca_file, but by \
                         another of the same name: name the right file"
            .to_owned(),
        // webpki knows these two, and rustls passes them on as they are.
        other => match format!("{other:?}") {
            text if text.contains("CaUsedAsEndEntity") => format!(
                "the certificate of Redis is one of a CA, as openssl req -x509 makes it, and a \
                 CA's own certificate is not accepted from a server: sign another with it, or \
                 make one that is not a CA's ({MAKE_ONE}) and name it in ca_file"
            ),
            text if text.contains("UnsupportedCertVersion") => format!(
                "the certificate of Redis is of the old version X.509 v1, as openssl x509 -req \
                 makes it without extensions: make one of version 3 that has a subjectAltName \
                 (openssl x509 -req -extfile, or {MAKE_ONE})"
            ),
            _ => format!("the certificate of Redis cannot be used ({other})"),
        },
    }
}

fn of_alert(alert: AlertDescription) -> String {
    use AlertDescription::*;
    match alert {
        CertificateRequired => "Redis wants a certificate from its clients: name one in the URL \
                                with cert_file=/PATH and key_file=/PATH, or set \
                                tls-auth-clients no in Redis"
            .to_owned(),
        UnknownCA
        | BadCertificate
        | CertificateUnknown
        | DecryptError
        | UnsupportedCertificate
        | CertificateExpired
        | CertificateRevoked => format!(
            "Redis does not accept the certificate in cert_file ({alert:?}): it must be valid, \
             and signed by the CA in tls-ca-cert-file of Redis"
        ),
        _ => format!(
            "Redis ends the TLS handshake ({alert:?}): look at tls-protocols and tls-ciphers of \
             Redis, and whether it wants a certificate (cert_file and key_file in the URL)"
        ),
    }
}

/// Returns the names in a certificate, which come as `DnsName("redis.example.com")`.
fn hosts(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    match presented {
        [] => "no host at all".to_owned(),
        names => names.iter().map(bare).collect::<Vec<_>>().join(", "),
    }
}

fn date(time: UnixTime) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.map_or_else(String::new, |time| humantime::format_rfc3339_seconds(time).to_string())
}
