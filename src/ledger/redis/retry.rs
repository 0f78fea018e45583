//! [`Retry`]: when to try a connection again.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Waits that double up to a second. Each is shortened by up to half, so that the nodes of a
/// cluster do not all come back at one moment.
pub(super) struct Retry {
    wait: Duration,
    at: Option<Instant>,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self { wait: Duration::ZERO, at: None }
    }

    /// Returns when to try again; `None` for immediately.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Notes a failure. After the first there is no wait: the server may have closed an idle
    /// connection.
    pub(super) fn failed(&mut self, now: Instant) {
        self.at = (!self.wait.is_zero()).then(|| now + self.wait.mul_f64(1.0 - jitter() / 2.0));
        self.wait = (self.wait * 2).clamp(FIRST, LONGEST);
    }

    /// Notes a success.
    pub(super) fn succeeded(&mut self) {
        *self = Self::new();
    }
}

fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let (mut retry, now) = (Retry::new(), Instant::now());
        retry.failed(now);
        assert_eq!(retry.at(), None);
        for wait in [50, 100, 200, 400, 800, 1000, 1000] {
            retry.failed(now);
            let waited = retry.at().unwrap() - now;
            assert!(waited <= Duration::from_millis(wait), "{waited:?}");
            assert!(waited >= Duration::from_millis(wait / 2), "{waited:?}");
        }
        retry.succeeded();
        assert_eq!(retry.at(), None);
    }
}
