//! [`Work`]: how much a search may hash, whatever it is given.

use std::cell::Cell;

/// Counts the blocks that are hashed, and ends the search after [`Work::LIMIT`] of them: what is
/// not found by then is not found.
pub(super) struct Work(Cell<usize>);

impl Work {
    /// The most blocks of 64 bytes that are hashed to explain one token. This takes about 40 ms on
    /// a processor with instructions for SHA. For JIDs of usual length, no search needs as many.
    pub(super) const LIMIT: usize = 200_000;
    /// The bytes of a block. Those of SHA-384 and SHA-512 are larger and slower.
    const BLOCK: usize = 64;
    /// The length of padding, at least, which may need a block of its own.
    const PADDING: usize = 9;

    pub(super) const fn new() -> Self {
        Self(Cell::new(0))
    }

    /// Returns whether a hash of so many bytes may be computed, and counts it if so.
    pub(super) fn allows_hash(&self, bytes: usize) -> bool {
        self.allows((bytes + Self::PADDING).div_ceil(Self::BLOCK))
    }

    /// The same for a MAC, which hashes its digest once more. That of the key is not counted.
    pub(super) fn allows_mac(&self, bytes: usize) -> bool {
        self.allows((bytes + Self::PADDING).div_ceil(Self::BLOCK) + 1)
    }

    fn allows(&self, blocks: usize) -> bool {
        let done = self.0.get().saturating_add(blocks);
        let is_allowed = done <= Self::LIMIT;
        if is_allowed {
            self.0.set(done);
        }
        is_allowed
    }

    /// Returns how many blocks were hashed.
    pub(super) fn done(&self) -> usize {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_counted_with_their_padding() {
        let counted = |count: fn(&Work, usize) -> bool, bytes| {
            let work = Work::new();
            assert!(count(&work, bytes));
            work.done()
        };
        // SHA-256 pads with a bit and 8 bytes (FIPS 180-4 section 5.1.1).
        for (bytes, blocks) in [(0, 1), (55, 1), (56, 2), (64, 2), (119, 2), (120, 3)] {
            assert_eq!(counted(Work::allows_hash, bytes), blocks, "{bytes}");
            assert_eq!(counted(Work::allows_mac, bytes), blocks + 1, "{bytes}");
        }
    }

    #[test]
    fn the_last_block_is_allowed_and_no_more() {
        let work = Work::new();
        assert!(!work.allows_hash(64 * Work::LIMIT) && work.done() == 0);
        assert!(work.allows_hash(64 * (Work::LIMIT - 1)));
        assert!(!work.allows_hash(0) && work.done() == Work::LIMIT);
    }
}
