//! [`TlsFiles`]: the certificates and the key that the URL names.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use redis::{ClientTlsConfig, TlsCertificates};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::error::Error;
use super::files;
use crate::config::LedgerUrlError;

/// The longest file, in bytes: the authorities of a system are less than half as long.
const MAX_LENGTH: usize = 1 << 20;

/// The files in PEM that TLS needs, if it needs more than the system has.
pub(super) struct TlsFiles {
    /// Has the authorities that may have signed the certificate of the server, or that certificate
    /// itself. Those of the system then do not count.
    pub(super) ca: Option<PathBuf>,
    /// Has the certificate that the server asks for, and its key.
    certificate_and_key: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    pub(super) fn new(
        ca: Option<PathBuf>,
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
    ) -> Result<Option<Self>, LedgerUrlError> {
        if certificate.is_some() != key.is_some() {
            return Err(LedgerUrlError::CertificateAndKey);
        }
        let certificate_and_key = certificate.zip(key);
        let is_some = ca.is_some() || certificate_and_key.is_some();
        Ok(is_some.then_some(Self { ca, certificate_and_key }))
    }

    /// Reads the files. Finds out here what is wrong with one of them, because the redis crate does
    /// not know their names.
    pub(super) fn read(&self) -> Result<TlsCertificates, Error> {
        let root_cert = self.ca.as_deref().map(read_authorities).transpose()?;
        let client_tls = match &self.certificate_and_key {
            Some((certificate, key)) => Some(ClientTlsConfig {
                client_cert: read_certificate(certificate)?,
                client_key: read_key(key)?,
            }),
            None => None,
        };
        Ok(TlsCertificates { client_tls, root_cert })
    }
}

fn read_authorities(path: &Path) -> Result<Vec<u8>, Error> {
    let content = files::read(path, "ca_file", MAX_LENGTH)?;
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path, "ca_file", &content)? {
        authorities.add(certificate).map_err(|error| unusable(path, "ca_file", &error))?;
    }
    Ok(content.to_vec())
}

fn read_certificate(path: &Path) -> Result<Vec<u8>, Error> {
    let content = files::read(path, "cert_file", MAX_LENGTH)?;
    certificates(path, "cert_file", &content)?;
    Ok(content.to_vec())
}

fn certificates(
    path: &Path,
    parameter: &str,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = CertificateDer::pem_slice_iter(content).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| unusable(path, parameter, &error))?;
    if certificates.is_empty() {
        return Err(Error::File(format!(
            "{}, the {parameter} of the ledger, has no certificate in PEM: it must have a line \
             -----BEGIN CERTIFICATE-----, which openssl x509 writes",
            path.display()
        )));
    }
    Ok(certificates)
}

/// The copy that the redis crate makes of the key is not wiped, so this one is not either.
fn read_key(path: &Path) -> Result<Vec<u8>, Error> {
    let content = files::read(path, "key_file", MAX_LENGTH)?;
    let shown = path.display();
    let has = |mark: &[u8]| content.windows(mark.len()).any(|part| part == mark);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(Error::File(format!(
            "{shown}, the key_file of the ledger, has a passphrase: write the key without one, \
             with openssl pkey"
        )));
    }
    PrivateKeyDer::from_pem_slice(&content).map_err(|_| {
        Error::File(format!(
            "{shown}, the key_file of the ledger, has no private key in PEM: it must have a line \
             -----BEGIN PRIVATE KEY-----, which openssl pkey writes"
        ))
    })?;
    Ok(content.to_vec())
}

fn unusable(path: &Path, parameter: &str, error: &dyn Display) -> Error {
    Error::File(format!(
        "{}, the {parameter} of the ledger, has a certificate that cannot be read: {error}",
        path.display()
    ))
}
