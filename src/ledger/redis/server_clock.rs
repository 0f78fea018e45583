//! [`ServerClock`]: the server's clock, checked against the boot clock, which cannot be set.

/// Milliseconds that may come from rounding, a leap second, and the small steps that NTP makes.
const RESOLUTION: u64 = 2_000;
/// One of the two clocks may gain one millisecond in this many: 500 parts in a million.
const DRIFT: u64 = 2_000;
/// The most that drift adds up to, in milliseconds. The server keeps a token for longer than that.
const MOST_DRIFT: u64 = 600_000;

/// A reading of the server's clock, and the two moments of the boot clock between which it was
/// made. All are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) server: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// How far the server's clock is ahead of the boot clock, as it was read once.
///
/// Later readings are compared with that one, never with the last one. Otherwise a clock that goes
/// ahead in many small jumps would not be noticed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerClock {
    least: i64,
    most: i64,
    since: u64,
}

impl ServerClock {
    pub(super) fn new(reading: Reading) -> Self {
        let Reading { server, sent, received } = reading;
        let (least, most) = (ahead(server, received), ahead(server, sent));
        Self { least, most, since: received }
    }

    /// Returns whether the clock can have reached this reading without having been set.
    pub(super) fn allows(&self, reading: Reading) -> bool {
        let drift = (reading.received.saturating_sub(self.since) / DRIFT).min(MOST_DRIFT);
        let slack = i64::try_from(drift + RESOLUTION).unwrap_or(i64::MAX);
        let now = Self::new(reading);
        now.most >= self.least.saturating_sub(slack) && now.least <= self.most.saturating_add(slack)
    }

    /// Returns the earliest time that it can say at a moment of the boot clock. Both are in
    /// milliseconds.
    pub(super) fn at(&self, boot: u64) -> u64 {
        boot.saturating_add_signed(self.least)
    }
}

fn ahead(server: u64, boot: u64) -> i64 {
    let signed = |clock| i64::try_from(clock).unwrap_or(i64::MAX);
    signed(server).saturating_sub(signed(boot))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;
    const DAY: u64 = 86_400_000;

    /// Returns whether the server may be `further` ahead after so many milliseconds have `passed`.
    fn allows(passed: u64, further: i64) -> bool {
        let clock = ServerClock::new(Reading { server: START, sent: 1_000, received: 1_000 });
        let server = (START + passed).saturating_add_signed(further);
        let moment = 1_000 + passed;
        clock.allows(Reading { server, sent: moment, received: moment })
    }

    #[test]
    fn it_may_drift_and_not_be_set() {
        for (passed, least, most) in
            [(0, -2_000, 2_000), (DAY, -45_200, 45_200), (1_000 * DAY, -602_000, 602_000)]
        {
            assert!(allows(passed, least) && allows(passed, most), "{passed}");
            assert!(!allows(passed, least - 1) && !allows(passed, most + 1), "{passed}");
        }
    }

    #[test]
    fn a_round_trip_is_not_held_against_it() {
        let first = Reading { server: START, sent: 1_000, received: 9_000 };
        let clock = ServerClock::new(first);
        assert_eq!(clock.at(9_000), START);
        for (server, sent, received) in [(START, 5_000, 20_000), (START + 8_000, 9_000, 9_000)] {
            assert!(clock.allows(Reading { server, sent, received }), "{server} {sent} {received}");
        }
        assert!(!clock.allows(Reading { server: START - 3_000, sent: 10_000, received: 10_001 }));
    }

    #[test]
    fn no_reading_overflows() {
        for server in [0, u64::MAX] {
            let clock = ServerClock::new(Reading { server, sent: u64::MAX, received: u64::MAX });
            clock.allows(Reading { server: u64::MAX - server, sent: 0, received: u64::MAX });
            clock.at(u64::MAX);
        }
    }
}
