//! A new file with a secret. It is complete, and has its mode, before its name appears.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::io::Errno;

use crate::failure::Failure;
use crate::output;

/// Where the user wants the key.
pub(crate) struct Place {
    pub(crate) option: &'static str,
    /// What the option names: a file or a folder.
    pub(crate) kind: &'static str,
}

/// Writes a new file with this mode, whatever the umask. Replaces nothing. If it fails, nothing is
/// left; the error names the path, or the option if the path may be a secret.
pub(crate) fn write(path: &Path, mode: u32, content: &str, place: &Place) -> Result<(), Failure> {
    try_write(path, mode, content).map_err(|error| failure(path, &error, place))
}

/// Returns the error of a key that was not written.
pub(crate) fn failure(path: &Path, error: &io::Error, place: &Place) -> Failure {
    let Place { option, kind } = place;
    let advice = if error.kind() == io::ErrorKind::AlreadyExists {
        format!(": a key is never overwritten, so name another {kind} for the new one")
    } else {
        String::new()
    };
    let name = output::path_or_option(path, option);
    format!("no key was written: {name}: {error}{advice}").into()
}

fn try_write(path: &Path, mode: u32, content: &str) -> io::Result<()> {
    // Whatever it is, and even if the folder could not be written.
    if path.symlink_metadata().is_ok() {
        return Err(Errno::EXIST.into());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new().prefix(".xtoken-").make_in(
        folder.unwrap_or(Path::new(".")),
        // Not by the library, whose errors would show the path.
        |path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path),
    )?;
    let writer = file.as_file_mut();
    writer.write_all(content.as_bytes())?;
    writer.set_permissions(Permissions::from_mode(mode))?;
    writer.sync_all()?;
    file.persist_noclobber(path).map_err(|refused| refused.error)?;
    Ok(())
}
