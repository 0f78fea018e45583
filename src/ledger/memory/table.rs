//! A set of fingerprints: open addressing, 23 to 32 bytes an entry.

use std::collections::TryReserveError;
use std::num::NonZeroU128;

/// A set of fingerprints that only grows.
///
/// Fingerprints are pieces of MACs, spread evenly already and not to be chosen by an attacker, so
/// a slot is found by scaling the upper half of one to the number of slots. Entries therefore lie
/// nearly in order and growing walks memory forwards. Between half and seven tenths full.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Option<NonZeroU128>>,
    length: usize,
}

impl Table {
    pub(super) fn contains(&self, fingerprint: u128) -> bool {
        matches!(self.find(nonzero(fingerprint)), Found::Itself)
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds a fingerprint; `false` if it is there already.
    pub(super) fn insert(&mut self, fingerprint: u128) -> Result<bool, TryReserveError> {
        let fingerprint = nonzero(fingerprint);
        let mut found = self.find(fingerprint);
        if matches!(found, Found::Itself) {
            return Ok(false);
        }
        let capacity = self.slots.len();
        if self.length >= capacity - capacity * 3 / 10 {
            self.grow()?;
            found = self.find(fingerprint);
        }
        self.place(found, fingerprint);
        self.length += 1;
        Ok(true)
    }

    fn grow(&mut self) -> Result<(), TryReserveError> {
        let capacity = 2 * (self.length + 1);
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity)?;
        slots.resize(capacity, None);
        for fingerprint in std::mem::replace(&mut self.slots, slots).into_iter().flatten() {
            self.place(self.find(fingerprint), fingerprint);
        }
        Ok(())
    }

    fn place(&mut self, found: Found, fingerprint: NonZeroU128) {
        if let Found::Free(at) = found
            && let Some(slot) = self.slots.get_mut(at)
        {
            *slot = Some(fingerprint);
        }
    }

    /// Looks from the slot that the fingerprint belongs to, once round.
    fn find(&self, fingerprint: NonZeroU128) -> Found {
        let capacity = self.slots.len();
        let start = (((fingerprint.get() >> 64) * capacity as u128) >> 64) as usize;
        let (before, from_start) = self.slots.split_at(start.min(capacity));
        for (first, slots) in [(start, from_start), (0, before)] {
            for (at, slot) in (first..).zip(slots) {
                match slot {
                    None => return Found::Free(at),
                    Some(other) if *other == fingerprint => return Found::Itself,
                    Some(_) => {}
                }
            }
        }
        Found::Nothing
    }
}

/// Where a fingerprint is or could be.
enum Found {
    Itself,
    Free(usize),
    Nothing,
}

/// All-zero stands for a free slot; the one fingerprint in 2^128 that is zero counts as 1.
fn nonzero(fingerprint: u128) -> NonZeroU128 {
    NonZeroU128::new(fingerprint).unwrap_or(NonZeroU128::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(n: u128) -> u128 {
        // An odd multiplier: distinct for distinct n, spread over the upper half.
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    }

    #[test]
    fn holds_what_was_inserted_and_nothing_else() {
        let mut table = Table::default();
        for n in 0..5_000 {
            assert!(!table.contains(spread(n)));
            assert_eq!(table.insert(spread(n)), Ok(true));
            assert_eq!(table.insert(spread(n)), Ok(false));
            assert!(table.contains(spread(n)));
        }
        assert!((0..5_000).all(|n| table.contains(spread(n))));
        assert!((5_000..10_000).all(|n| !table.contains(spread(n))));
    }

    #[test]
    fn entries_that_belong_to_the_last_slot_wrap_around() {
        let mut table = Table::default();
        for n in 0..500 {
            table.insert(u128::MAX - n).unwrap();
        }
        assert!((0..500).all(|n| table.contains(u128::MAX - n)));
        assert!(!table.contains(u128::MAX - 500));
    }

    #[test]
    fn an_entry_costs_at_most_32_bytes() {
        let mut table = Table::default();
        for n in 1..100_000 {
            table.insert(spread(n)).unwrap();
            assert!(table.slots.len() * 16 <= table.length * 32, "at {n}");
        }
    }

    #[test]
    fn zero_is_an_entry_too() {
        let mut table = Table::default();
        assert!(!table.contains(0));
        table.insert(0).unwrap();
        assert!(table.contains(0));
    }
}
