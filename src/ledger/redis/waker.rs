//! [`Waker`]: a file descriptor that an event loop waits for.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// Its descriptor is readable as long as there is a byte in the pipe.
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

    pub(super) fn wake(&self) {
        // It fails only when it is full, and then the descriptor is readable anyway.
        let _ = (&self.writer).write(&[0]);
    }

    /// Makes the descriptor unreadable.
    pub(super) fn drain(&self) {
        // One byte for each time that there was nothing before; what is full stays readable.
        while matches!((&self.reader).read(&mut [0; 64]), Ok(64)) {}
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// Takes a byte, and puts it back.
    #[cfg(test)]
    pub(super) fn is_awake(&self) -> bool {
        (&self.reader).read(&mut [0]).is_ok() && (&self.writer).write(&[0]).is_ok()
    }
}
