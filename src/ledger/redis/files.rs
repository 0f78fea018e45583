//! Reads the files that the URL names. They are read for each connection, so that they may be
//! replaced at any time.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use zeroize::Zeroizing;

use super::error::Error;

/// Permission to write for users who are neither the owner nor in the group.
const OTHERS_WRITE: u32 = 0o002;

/// Returns the content of a file of at most `limit` bytes, which is wiped on drop. `parameter` is
/// the one of the URL that names the file.
pub(super) fn read(
    path: &Path,
    parameter: &str,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let shown = path.display();
    let failed = |error: io::Error| Error::File(unreadable(path, parameter, &error));
    let allow = |metadata: Metadata| {
        if !metadata.is_file() {
            return Err(Error::File(format!(
                "{shown}, the {parameter} of the ledger, is not a file"
            )));
        }
        if metadata.permissions().mode() & OTHERS_WRITE != 0 {
            return Err(Error::File(format!(
                "others may write {shown}, the {parameter} of the ledger: run chmod o-w on it"
            )));
        }
        Ok(())
    };
    // Opening something else, such as a pipe, could take for ever, and opening a device could do
    // anything. What was opened is asked again, because the name may be another's by now.
    allow(path.metadata().map_err(failed)?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?;
    let mut file = File::from(opened);
    allow(file.metadata().map_err(failed)?)?;
    // One byte more shows that it is too long. It has its final size, because growing would leave a
    // copy.
    let mut content = Zeroizing::new(vec![0; limit + 1]);
    let mut length = 0;
    while let Some(left) = content.get_mut(length..).filter(|left| !left.is_empty()) {
        match file.read(left).map_err(failed)? {
            0 => {
                content.truncate(length);
                return Ok(content);
            }
            count => length += count,
        }
    }
    Err(Error::File(format!(
        "{shown}, the {parameter} of the ledger, is longer than {limit} bytes: it must have \
         nothing else in it"
    )))
}

/// Shows a path only if one of its folders exists, because otherwise it may be a password in the
/// wrong place.
fn unreadable(path: &Path, parameter: &str, error: &io::Error) -> String {
    let is_folder = |folder: &Path| folder.parent().is_some() && folder.is_dir();
    let shown = match path.ancestors().skip(1).any(is_folder) {
        true => format!("{}, the {parameter} of the ledger,", path.display()),
        false => format!("the {parameter} of the ledger"),
    };
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{shown} does not exist: create it, or correct the URL of the ledger")
        }
        io::ErrorKind::PermissionDenied => format!(
            "{shown} cannot be read (Permission denied): run chown and chmod, so that the user \
             of this process may read it and its folders"
        ),
        _ => format!("{shown} cannot be read: {error}"),
    }
}
