//! [`LockFile`]: the lock file beside a database. It shows whether other processes have the
//! database open, and that the database was made once. It records what must be known when the
//! database is lost.
//!
//! Each process keeps the file open for as long as the database, with a shared lock of flock(2). So
//! a process that gets an exclusive lock is alone. Such a lock belongs to the open file, not to the
//! process: a child that closes its copy releases nothing.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::{io, process, ptr};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::deadline::Deadline;
use super::error::Error;
use super::files::{Files, Identity, Paths, create_private, identity};
use crate::totp::MAX_DEVIATION;

/// What this copy of the library has open in this process. Only threads that are inside a ledger
/// lock it. So it is not locked during a fork, which holds all ledgers.
static OPEN: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

struct Entry {
    lock: Identity,
    database: Option<Identity>,
    process: u32,
    file: Weak<LockFile>,
}

/// A lock file that is open.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    /// Whether this process shares the file. Locked until that is decided.
    is_shared: Mutex<bool>,
}

/// The content of the file: one line of a fixed length, so that a power cut leaves no half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The widest deviation in use.
    pub(super) widest: u64,
    /// [`Files::inodes`] of those that belong together.
    pub(super) inodes: [u64; 4],
}

/// Opens the lock file of a database, or shares the one that another ledger of this process opened.
/// Returns `None` if there is none and none may be made.
pub(super) fn open(
    paths: &Paths,
    files: &Files,
    may_make: bool,
) -> Result<Option<Arc<LockFile>>, Error> {
    let mut entries = entries();
    entries.retain(|entry| entry.file.strong_count() > 0);
    for entry in &*entries {
        let is_same = Some(entry.lock) == files.lock;
        if entry.process != process::id()
            && (is_same || entry.database.is_some() && entry.database == files.database)
        {
            return Err(Error::Forked);
        }
        if let Some(file) = entry.file.upgrade().filter(|_| is_same) {
            return Ok(Some(file));
        }
    }
    let Some(file) = open_file(paths, may_make)? else { return Ok(None) };
    let lock = identity(&file.metadata()?);
    // SQLite's own descriptor of a database that is open here does not count.
    let is_ours = |database: &Identity| entries.iter().any(|it| it.database == Some(*database));
    let database = files.database.filter(|database| !is_ours(database));
    if has_open(&[Some(lock), database], &file)? {
        return Err(Error::SecondCopy);
    }
    let lock_file = Arc::new(LockFile { file, is_shared: Mutex::new(false) });
    let (process, file) = (process::id(), Arc::downgrade(&lock_file));
    entries.push(Entry { lock, database, process, file });
    Ok(Some(lock_file))
}

/// Drops what has a lock file open, while no other thread looks for it.
pub(super) fn close(open: impl Sized) {
    let mut entries = entries();
    drop(open);
    entries.retain(|entry| entry.file.strong_count() > 0);
    if entries.is_empty() {
        *entries = Vec::new();
    }
}

/// Locks the entries. They are whole even after a panic.
fn entries() -> MutexGuard<'static, Vec<Entry>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LockFile {
    /// Locks the file and returns whether no other process has it open. The other threads of this
    /// process wait until the guard is dropped.
    pub(super) fn enter(&self, deadline: Deadline) -> Result<(MutexGuard<'_, bool>, bool), Error> {
        let is_shared = deadline.retry(|| match self.is_shared.try_lock() {
            Ok(is_shared) => Ok(is_shared),
            Err(TryLockError::Poisoned(is_shared)) => Ok(is_shared.into_inner()),
            Err(TryLockError::WouldBlock) => Err(Error::Busy),
        })?;
        if *is_shared {
            return Ok((is_shared, false));
        }
        let is_alone =
            deadline.retry(|| match self.lock(FlockOperation::NonBlockingLockExclusive) {
                Err(Error::Busy) => {
                    self.lock(FlockOperation::NonBlockingLockShared).map(|()| false)
                }
                result => result.map(|()| true),
            })?;
        Ok((is_shared, is_alone))
    }

    /// Changes to a shared lock, as the lock file of this database.
    pub(super) fn share(
        &self,
        database: Option<Identity>,
        is_shared: &mut bool,
        deadline: Deadline,
    ) -> Result<(), Error> {
        deadline.retry(|| self.lock(FlockOperation::NonBlockingLockShared))?;
        *is_shared = true;
        for entry in entries().iter_mut().filter(|entry| ptr::eq(entry.file.as_ptr(), self)) {
            entry.database = database;
        }
        Ok(())
    }

    fn lock(&self, operation: FlockOperation) -> Result<(), Error> {
        match flock(&self.file, operation) {
            Err(Errno::WOULDBLOCK) => Err(Error::Busy),
            result => Ok(result.map_err(io::Error::from)?),
        }
    }

    pub(super) fn identity(&self) -> io::Result<Identity> {
        Ok(identity(&self.file.metadata()?))
    }

    /// Reads the content; `None` if the file is empty.
    pub(super) fn read(&self) -> io::Result<Option<Record>> {
        let mut bytes = [0; Record::LENGTH + 1];
        let length = self.file.read_at(&mut bytes, 0)?;
        let text = bytes.get(..length).unwrap_or_default();
        Ok((length > 0).then(|| Record::decode(text).unwrap_or(Record::UNKNOWN)))
    }

    /// Writes the content so that it survives a power cut.
    pub(super) fn write(&self, record: &Record, paths: &Paths) -> io::Result<()> {
        self.file.write_all_at(record.encode().as_bytes(), 0)?;
        // Bytes that another program wrote after it would make it unreadable.
        self.file.set_len(Record::LENGTH as u64)?;
        self.file.sync_all()?;
        paths.sync_folder()
    }
}

impl Record {
    /// Returns whether it was written for this database.
    pub(super) fn names(&self, files: &Files) -> bool {
        files.inodes().first() == self.inodes.first()
    }

    const LENGTH: usize = 112;
    /// The database is being made for the first time: nothing was spent in it.
    pub(super) const BEGUN: Self = Self { widest: 0, inodes: [0; 4] };
    /// Any deviation may have been in use, and any file.
    pub(super) const UNKNOWN: Self = Self { widest: MAX_DEVIATION, inodes: [0; 4] };

    fn encode(&self) -> String {
        let Self { widest, inodes: [database, lock, wal, shm] } = self;
        format!("xtoken 1 deviation {widest:2} files {database:20} {lock:20} {wal:20} {shm:20}\n")
    }

    fn decode(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let words: Vec<_> = text.split_whitespace().collect();
        let ["xtoken", "1", "deviation", widest, "files", inodes @ ..] = &*words else {
            return None;
        };
        let inodes: Option<Vec<_>> = inodes.iter().map(|inode| inode.parse().ok()).collect();
        let record = Self { widest: widest.parse().ok()?, inodes: inodes?.try_into().ok()? };
        (record.encode() == text && record.widest <= MAX_DEVIATION).then_some(record)
    }
}

/// Opens the file. Makes it if there is none and `may_make`; else returns `None`.
fn open_file(paths: &Paths, may_make: bool) -> io::Result<Option<File>> {
    loop {
        // Follows no symbolic link: root may open this in the folder of a service, which could make
        // one.
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        match options.read(true).write(true).custom_flags(no_link).open(&paths.lock) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) if !may_make => return Ok(None),
            Err(_) => {}
            Ok(file) => return Ok(Some(file)),
        }
        match create_private(&paths.lock) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(Some),
        }
    }
}

/// Returns whether this process has one of these files open, apart from `own`. Returns `false` on
/// systems that do not list open files.
fn has_open(wanted: &[Option<Identity>], own: &File) -> io::Result<bool> {
    let own = own.as_raw_fd().to_string();
    let Ok(descriptors) = fs::read_dir("/proc/self/fd").or_else(|_| fs::read_dir("/dev/fd")) else {
        return Ok(false);
    };
    for descriptor in descriptors {
        let descriptor = descriptor?;
        // Other threads close theirs meanwhile.
        let Ok(metadata) = fs::metadata(descriptor.path()) else { continue };
        if descriptor.file_name() != *own && wanted.contains(&Some(identity(&metadata))) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_nothing_else_is() {
        let largest = Record { widest: MAX_DEVIATION, inodes: [u64::MAX; 4] };
        for record in [Record::BEGUN, Record::UNKNOWN, largest] {
            let text = record.encode();
            assert_eq!(text.len(), Record::LENGTH);
            assert_eq!(Record::decode(text.as_bytes()), Some(record));
            for length in 0..text.len() {
                let mut torn = text.clone().into_bytes();
                torn[length..].fill(0);
                assert_eq!(Record::decode(&torn), None);
                assert_eq!(Record::decode(&text.as_bytes()[..length]), None);
            }
        }
    }
}
