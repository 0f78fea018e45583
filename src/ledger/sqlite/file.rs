//! The file and those beside it, without a look inside.

use std::fs::OpenOptions;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{fs, io, process};

use super::error::Error;

/// Device and inode, by which a file that was replaced is noticed.
pub(super) type Identity = (u64, u64);

/// `None` if there is no file.
pub(super) fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes an empty file that is private. One that exists is not opened: closing it again would
/// release the locks that other connections of this process have on it.
pub(super) fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Whether a file could be made here, which is not made: it would be taken for one that was
/// emptied.
pub(super) fn try_to_create(path: &Path) -> io::Result<()> {
    let trial = beside(path, &format!(".probe-{}", process::id()));
    create(&trial)?;
    fs::remove_file(trial)
}

/// Puts a new file, which `fill` fills, in the place of a damaged one, which is kept beside it.
/// There is a file at every moment.
pub(super) fn replace(
    path: &Path,
    now: u64,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let me = process::id();
    let new = beside(path, &format!(".new-{me}"));
    let _ = fs::remove_file(&new);
    create(&new)?;
    fill(&new)?;

    let aside = |suffix: &str| beside(path, &format!(".damaged-{now}-{me}{suffix}"));
    // Not every file system knows hard links.
    fs::hard_link(path, aside("")).or_else(|_| fs::copy(path, aside("")).map(drop))?;
    for suffix in ["-wal", "-shm"] {
        // Often there is none.
        let _ = fs::rename(beside(path, suffix), aside(suffix));
    }
    fs::rename(new, path)?;
    Ok(())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
