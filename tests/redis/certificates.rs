//! Certificates that openssl makes, in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) struct Certificates {
    folder: tempfile::TempDir,
}

/// How a certificate is made.
pub(crate) struct Certificate<'a> {
    /// Names its files.
    pub(crate) name: &'a str,
    /// The name of the CA; none if it signs itself.
    pub(crate) signed_by: Option<&'a str>,
    /// The extensions, a line each. Without any, it is of version 1.
    pub(crate) extensions: &'a str,
    /// When it is made, for `faketime`. It is valid for two days.
    pub(crate) made: &'a str,
}

pub(crate) const OF_CA: &str = "basicConstraints=critical,CA:TRUE";
pub(crate) const OF_SERVER: &str = "basicConstraints=critical,CA:FALSE\n\
                                    subjectAltName=DNS:localhost,IP:127.0.0.1";

impl Certificates {
    /// Makes a CA and a server's certificate that it has signed.
    pub(crate) fn new() -> Self {
        let certificates = Self { folder: tempfile::tempdir().unwrap() };
        certificates.make(&Certificate::new("ca", None, OF_CA));
        certificates.make(&Certificate::new("server", Some("ca"), OF_SERVER));
        certificates
    }

    pub(crate) fn make(&self, certificate: &Certificate<'_>) {
        let Certificate { name, signed_by, extensions, made } = certificate;
        let (key, request) = (self.key(name), self.path(name, "csr"));
        let subject = format!("/CN={name} of xtoken's tests");
        openssl(&["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", text(&key)]);
        let new = ["req", "-new", "-subj", &subject, "-key", text(&key), "-out", text(&request)];
        openssl(&new);
        let (certificate, file) = (self.certificate(name), self.path(name, "ext"));
        fs::write(&file, extensions).unwrap();
        let mut sign = vec!["x509", "-req", "-in", text(&request), "-days", "2"];
        let (ca, ca_key) =
            (self.certificate(signed_by.unwrap_or(name)), self.key(signed_by.unwrap_or(name)));
        match signed_by {
            Some(_) => sign.extend(["-CA", text(&ca), "-CAkey", text(&ca_key), "-CAcreateserial"]),
            None => sign.extend(["-signkey", text(&key)]),
        }
        if !extensions.is_empty() {
            sign.extend(["-extfile", text(&file)]);
        }
        sign.extend(["-out", text(&certificate)]);
        run(Command::new("faketime").arg(made).arg("openssl").args(sign));
    }

    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.path(name, "pem")
    }

    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.path(name, "key")
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.{extension}"))
    }
}

impl<'a> Certificate<'a> {
    pub(crate) fn new(name: &'a str, signed_by: Option<&'a str>, extensions: &'a str) -> Self {
        Self { name, signed_by, extensions, made: "now" }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn openssl(words: &[&str]) {
    run(Command::new("openssl").args(words));
}

fn run(command: &mut Command) {
    let made = command.stderr(Stdio::null()).status();
    assert!(made.expect("apt-get install openssl faketime").success(), "{command:?}");
}
