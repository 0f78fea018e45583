//! How long a question waits for locks of others.

use std::thread;
use std::time::{Duration, Instant};

use super::error::Error;

/// In total, for all locks that one question needs. The event loop of a server waits with it.
const AT_MOST: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
pub(super) struct Patience {
    until: Instant,
}

impl Patience {
    /// Waits a quarter of a second from now on, or not at all.
    pub(super) fn new(waits: bool) -> Self {
        let now = Instant::now();
        Self { until: if waits { now + AT_MOST } else { now } }
    }

    /// Tries each millisecond for as long as somebody else has the lock.
    pub(super) fn retry<T>(self, attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        loop {
            match attempt() {
                Err(error) if error.is_busy() && Instant::now() < self.until => {
                    thread::sleep(Duration::from_millis(1));
                }
                result => return result,
            }
        }
    }
}
