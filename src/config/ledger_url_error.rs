//! [`LedgerUrlError`]: why the URL of a ledger in a server cannot be used.

use std::fmt;

/// Why the URL of a ledger in a server cannot be used. Shows no part of the URL, because any part
/// may be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LedgerUrlError {
    /// It has another form.
    Form,
    /// Its password has a character with another meaning in a URL.
    Password,
    /// It has a password, and names a file with one.
    TwoPasswords,
    /// Its database is not a number, or not where the database belongs.
    Database,
    /// Its timeout is not in 10 to 60,000 milliseconds.
    Timeout,
    /// It has a `#`.
    Fragment,
    /// It has a parameter that does not exist.
    Parameter,
    /// It names a file by a relative path.
    RelativePath,
    /// It names a client certificate without its key, or a key without a certificate.
    CertificateAndKey,
    /// It names certificates, but asks for no TLS.
    NoTls,
}

impl LedgerUrlError {
    /// Returns what is wrong, and what to do.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Form => {
                "the ledger's URL has another form than those that exist: \
                 redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], the same with rediss:// for \
                 TLS, or redis+unix:///PATH[?db=DATABASE]"
            }
            Self::Password => {
                "percent-encode the password in the ledger's URL: / is %2F, ? is %3F, # is %23, \
                 @ is %40, & is %26, + is %2B and % is %25; or put the password into a file, and \
                 name it in the URL with password_file=/PATH"
            }
            Self::TwoPasswords => {
                "the ledger's URL has both a password and a password_file: leave one out"
            }
            Self::Database => {
                "the database in the ledger's URL must be a number: write redis://HOST/0, or \
                 redis+unix:///PATH?db=0"
            }
            Self::Timeout => {
                "timeout in the ledger's URL is out of range: use 10 to 60000 milliseconds"
            }
            Self::Fragment => {
                "the ledger's URL has a #: in a password, write it as %23; #insecure does not \
                 exist, so name the CA of the server with ca_file=/PATH"
            }
            Self::Parameter => {
                "the ledger's URL has an unknown parameter: there are only prefix, timeout, \
                 password_file, ca_file, cert_file, key_file, user, pass, and db for a socket; \
                 percent-encode the password, where & is %26"
            }
            Self::RelativePath => {
                "the files that the ledger's URL names need absolute paths: begin the value of \
                 password_file, ca_file, cert_file and key_file with /"
            }
            Self::CertificateAndKey => {
                "the ledger's URL needs both or none of cert_file and key_file"
            }
            Self::NoTls => {
                "ca_file, cert_file and key_file in the ledger's URL need TLS: begin the URL with \
                 rediss://"
            }
        }
    }
}

impl fmt::Display for LedgerUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for LedgerUrlError {}
