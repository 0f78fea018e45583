//! [`Paths`] of a ledger, and the [`Files`] that they name. This module examines, makes and moves
//! files, but opens none that is in use: closing it would release the locks that SQLite has on it
//! in this process.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

use super::error::Error;

/// About how many bytes a new database takes with the files beside it.
const SPACE_NEEDED: usize = 64 * 1024;

/// Device and inode.
pub(super) type Identity = (u64, u64);

/// The paths of the files of a ledger.
#[derive(Debug)]
pub(super) struct Paths {
    /// The path as the caller named it. Symbolic links in it may change.
    named: PathBuf,
    /// The path without symbolic links, as SQLite names it. The other files are beside it.
    pub(super) database: PathBuf,
    wal: PathBuf,
    shm: PathBuf,
    pub(super) lock: PathBuf,
}

/// What the paths name at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) database: Option<Identity>,
    pub(super) lock: Option<Identity>,
    wal: Option<Identity>,
    shm: Option<Identity>,
}

impl Paths {
    pub(super) fn of(named: &Path) -> io::Result<Self> {
        let database = resolve(named)?;
        let [wal, shm, lock] = ["-wal", "-shm", ".lock"].map(|suffix| beside(&database, suffix));
        Ok(Self { named: named.to_owned(), database, wal, shm, lock })
    }

    /// Returns what the paths name now. A database with several names is an error, because other
    /// files may be beside each name.
    pub(super) fn files(&self) -> Result<Files, Error> {
        let database = node(&self.named)?;
        match database {
            Some(Node { links, .. }) if links > 1 => return Err(Error::Linked(links)),
            _ => {}
        }
        let identity = |node: Option<Node>| node.map(|node| node.identity);
        Ok(Files {
            database: identity(database),
            lock: identity(node(&self.lock)?),
            wal: identity(node(&self.wal)?),
            shm: identity(node(&self.shm)?),
        })
    }

    /// Refuses a file that is mounted without its folder.
    pub(super) fn refuse_mount(&self) -> Result<(), Error> {
        if is_mount(&self.database) { Err(Error::Mounted) } else { Ok(()) }
    }

    /// Makes an empty database, unless another process has just made one.
    pub(super) fn create(&self) -> io::Result<()> {
        match create_private(&self.database) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns whether a file that no lock file names is empty or a database. Must not be called
    /// for a file that is open in this process.
    pub(super) fn may_be_ledger(&self) -> io::Result<bool> {
        let mut start = Vec::new();
        File::open(&self.database)?.take(16).read_to_end(&mut start)?;
        Ok(start.is_empty() || start == b"SQLite format 3\0")
    }

    /// Checks that files can be made and written here. Leaves none: an empty database would be
    /// taken for one that was emptied.
    pub(super) fn try_to_create(&self) -> io::Result<()> {
        let trial = beside(&self.database, &format!(".probe-{}", process::id()));
        match create_private(&trial) {
            // Another process is trying the same, or was able to.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(trial),
            // A full disk may have room for a name, but not for content. The name is removed first,
            // so that nothing is left if this process is killed meanwhile.
            result => {
                let mut file = result?;
                fs::remove_file(trial)?;
                file.write_all(&[0; SPACE_NEEDED])
            }
        }
    }

    /// Renames the files that are there, to keep them. The lock file records that they were there.
    pub(super) fn set_aside(&self, now: u64) -> io::Result<()> {
        let suffix = format!(".damaged-{now}-{}", process::id());
        for (path, kind) in [(&self.wal, "-wal"), (&self.shm, "-shm"), (&self.database, "")] {
            if path.exists() {
                fs::rename(path, beside(&self.database, &format!("{suffix}{kind}")))?;
            }
        }
        Ok(())
    }

    /// Syncs the folder, so that the names survive a power cut.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        File::open(self.lock.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

impl Files {
    /// Returns whether the files that were there earlier are still the same.
    pub(super) fn include(&self, earlier: &Self) -> bool {
        let mut pairs = earlier.inodes().into_iter().zip(self.inodes());
        pairs.all(|(earlier, now)| earlier == 0 || earlier == now)
    }

    /// Returns the inodes of database, lock file, `-wal` and `-shm`; 0 for one that is missing.
    pub(super) fn inodes(&self) -> [u64; 4] {
        [self.database, self.lock, self.wal, self.shm]
            .map(|file| file.map_or(0, |(_, inode)| inode))
    }
}

/// Makes a file that only its owner can read and write. If root makes it in the folder of a
/// service, the service owns it.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path)?;
    let folder = path.parent().map(fs::metadata).transpose()?;
    if let Some(folder) =
        folder.filter(|folder| file.metadata().is_ok_and(|own| own.uid() != folder.uid()))
    {
        // Only root may change the owner.
        let _ = fchown(&file, Some(folder.uid()), Some(folder.gid()));
    }
    Ok(file)
}

pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What a path names.
struct Node {
    identity: Identity,
    /// How many names it has.
    links: u64,
}

/// Returns what a path names. Does not ask for the times of the file: then the system would have to
/// note a finer time at the next write, which costs as much as the question.
#[cfg(target_os = "linux")]
fn node(path: &Path) -> io::Result<Option<Node>> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    use rustix::io::Errno;
    match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::NLINK) {
        Ok(found) => {
            let device = makedev(found.stx_dev_major, found.stx_dev_minor);
            Ok(Some(Node { identity: (device, found.stx_ino), links: found.stx_nlink.into() }))
        }
        Err(Errno::NOENT) => Ok(None),
        // Old kernels, and containers that forbid what they do not know, do not have statx(2).
        Err(Errno::NOSYS | Errno::PERM) => node_of_metadata(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
use node_of_metadata as node;

fn node_of_metadata(path: &Path) -> io::Result<Option<Node>> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(Node { identity: identity(&found), links: found.nlink() })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns whether something is mounted at this path.
#[cfg(target_os = "linux")]
fn is_mount(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let statx = statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
    statx.is_ok_and(|it| it.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Returns `false`: this system does not tell what is mounted.
#[cfg(not(target_os = "linux"))]
fn is_mount(_: &Path) -> bool {
    false
}

/// Returns the absolute path without symbolic links, also of a file that does not exist yet.
fn resolve(named: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(named) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    let folder = fs::canonicalize(named.parent().unwrap_or(Path::new("/")))?;
    match fs::read_link(named) {
        Ok(target) => resolve(&folder.join(target)),
        Err(_) => Ok(folder.join(named.file_name().ok_or(io::ErrorKind::IsADirectory)?)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
