//! [`Table`]: a set of numbers in 11 to 22 bytes each.
//!
//! `HashSet` needs 10 to 20 bytes and more for the first, and hashes what is spread already.

use std::collections::TryReserveError;
use std::num::NonZeroU64;

/// The slots of a table with one part.
const FEWEST_SLOTS: usize = 2;

/// A set of parts of fingerprints that only grows.
///
/// Uses open addressing, and is between three eighths and three quarters full. Fingerprints are
/// parts of MACs: they are spread evenly, and an attacker cannot choose them. So the first bits of
/// a part are the number of its slot. Entries are therefore nearly in order, and growing reads and
/// writes memory forwards.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Their number is a power of two, or 0.
    slots: Vec<Option<NonZeroU64>>,
    length: usize,
}

impl Table {
    pub(super) fn contains(&self, part: u64) -> bool {
        matches!(self.find(nonzero(part)), Found::Itself)
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Adds a part. Returns `false` if it is there already.
    pub(super) fn insert(&mut self, part: u64) -> Result<bool, TryReserveError> {
        let part = nonzero(part);
        let mut found = self.find(part);
        if matches!(found, Found::Itself) {
            return Ok(false);
        }
        if self.length >= self.slots.len() * 3 / 4 {
            self.grow()?;
            found = self.find(part);
        }
        self.place(found, part);
        self.length += 1;
        Ok(true)
    }

    fn grow(&mut self) -> Result<(), TryReserveError> {
        let capacity = (2 * self.slots.len()).max(FEWEST_SLOTS);
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity)?;
        slots.resize(capacity, None);
        for part in std::mem::replace(&mut self.slots, slots).into_iter().flatten() {
            self.place(self.find(part), part);
        }
        Ok(())
    }

    fn place(&mut self, found: Found, part: NonZeroU64) {
        if let Found::Free(at) = found
            && let Some(slot) = self.slots.get_mut(at)
        {
            *slot = Some(part);
        }
    }

    /// Searches from the slot that the part belongs to, up to the first free one.
    fn find(&self, part: NonZeroU64) -> Found {
        let last = self.slots.len().wrapping_sub(1);
        let start = part.get().checked_shr(last.leading_zeros()).unwrap_or(0) as usize;
        for at in start..start + self.slots.len() {
            match self.slots.get(at & last) {
                Some(Some(other)) if *other == part => return Found::Itself,
                Some(Some(_)) => {}
                Some(None) => return Found::Free(at & last),
                None => break,
            }
        }
        Found::Nothing
    }
}

/// Where a part is or could be.
enum Found {
    Itself,
    Free(usize),
    Nothing,
}

/// Returns the part, or 1 for zero, which stands for a free slot.
fn nonzero(part: u64) -> NonZeroU64 {
    NonZeroU64::new(part).unwrap_or(NonZeroU64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(n: u64) -> u64 {
        // An odd multiplier: distinct for distinct n, spread over the upper bits.
        n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
            table.insert(u64::MAX - n).unwrap();
        }
        assert!((0..500).all(|n| table.contains(u64::MAX - n)));
        assert!(!table.contains(u64::MAX - 500));
    }

    #[test]
    fn an_entry_costs_at_most_22_bytes() {
        let mut table = Table::default();
        for n in 1..100_000 {
            table.insert(spread(n)).unwrap();
            assert!(table.slots.len() * 8 <= table.length.max(3) * 22, "at {n}");
        }
    }

    #[test]
    fn it_is_at_most_three_quarters_full() {
        let mut table = Table::default();
        for n in 1..1_000 {
            table.insert(spread(n)).unwrap();
            assert!(4 * table.length <= 3 * table.slots.len(), "at {n}");
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
