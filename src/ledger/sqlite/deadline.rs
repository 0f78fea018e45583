//! [`Deadline`]: how long a question waits for the locks of other processes and threads.

use std::thread;
use std::time::{Duration, Instant};

use super::error::Error;

/// The longest wait for all locks of one question together: an event loop waits meanwhile.
const AT_MOST: Duration = Duration::from_millis(250);

/// When to stop waiting for locks.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    until: Instant,
}

impl Deadline {
    /// Makes a deadline 250 ms from now; without `waits`, one that is over.
    pub(super) fn new(waits: bool) -> Self {
        let now = Instant::now();
        Self { until: if waits { now + AT_MOST } else { now } }
    }

    /// Tries each millisecond until the lock is free or the time is over.
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
