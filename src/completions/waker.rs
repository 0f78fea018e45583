//! [`Waker`]: wakes an event loop by a file descriptor.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// A pair of connected sockets. The descriptor is readable while there is a byte between them.
pub(super) struct Waker {
    reader: UnixStream,
    writer: UnixStream,
}

impl Waker {
    pub(super) fn new() -> std::io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader, writer })
    }

    /// Makes the descriptor readable.
    pub(super) fn wake(&self) {
        // It fails only when it is full, and then the descriptor is readable anyway.
        let _ = (&self.writer).write(&[0]);
    }

    /// Makes the descriptor unreadable.
    pub(super) fn drain(&self) {
        // There is one byte for each wake. If more are left, it stays readable.
        while matches!((&self.reader).read(&mut [0; 64]), Ok(64)) {}
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// Takes a byte, and puts it back.
    #[cfg(test)]
    pub(super) fn is_awake(&self) -> bool {
        (&self.reader).read(&mut [0]).is_ok() && (&self.writer).write(&[0]).is_ok()
    }
}
