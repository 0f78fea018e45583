//! Steps that are over for good, as stretches of consecutive ones.

/// Stretches that are told apart, 1 kB of them.
const MAX_STRETCHES: usize = 64;

/// A set of steps that only grows: first and last step of each stretch, in order.
///
/// There is room for one more than is kept, so that adding allocates nothing.
#[derive(Debug)]
pub(super) struct Stretches(Vec<(u64, u64)>);

impl Stretches {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(MAX_STRETCHES + 1))
    }

    pub(super) fn contains(&self, step: u64) -> bool {
        self.end_of(step).is_some()
    }

    /// The last step of the stretch in which `step` lies.
    pub(super) fn end_of(&self, step: u64) -> Option<u64> {
        let of_step = self.0.iter().find(|(first, last)| (*first..=*last).contains(&step));
        of_step.map(|(_, last)| *last)
    }

    pub(super) fn add(&mut self, first: u64, last: u64) {
        let at = self.0.partition_point(|stretch| stretch.0 < first);
        self.0.insert(at, (first, last));
        while let Some(at) = self.touching() {
            self.join(at);
        }
        // The oldest: between them lie steps without logins that are long over. What is ahead of
        // the present, where a clock once was by mistake, has to stay apart from it.
        if self.0.len() > MAX_STRETCHES {
            self.join(0);
        }
    }

    #[cfg(feature = "sqlite")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().copied()
    }

    fn touching(&self) -> Option<usize> {
        let mut pairs = self.0.iter().zip(self.0.iter().skip(1));
        pairs.position(|((_, last), (first, _))| first.saturating_sub(*last) <= 1)
    }

    /// Makes one stretch of the one at `at` and the next.
    fn join(&mut self, at: usize) {
        let (_, last) = self.0.remove(at + 1);
        if let Some(stretch) = self.0.get_mut(at) {
            stretch.1 = stretch.1.max(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(steps: impl IntoIterator<Item = u64>) -> Stretches {
        let mut stretches = Stretches::new();
        steps.into_iter().for_each(|step| stretches.add(step, step));
        stretches
    }

    #[test]
    fn neighbours_become_one() {
        assert_eq!(of([5, 7, 6, 6]).0, [(5, 7)]);
        assert_eq!(of(100..1000).0, [(100, 999)]);
    }

    #[test]
    fn what_overlaps_becomes_one() {
        let mut stretches = of([1, 5, 9, 20]);
        stretches.add(4, 12);
        assert_eq!(stretches.0, [(1, 1), (4, 12), (20, 20)]);
        stretches.add(0, 100);
        assert_eq!(stretches.0, [(0, 100)]);
    }

    #[test]
    fn the_oldest_are_joined_when_there_are_too_many() {
        let far = 1 << 40;
        let stretches = of([far, 10].into_iter().chain((1..100).map(|n| n * 120)));
        assert!(stretches.0.len() <= MAX_STRETCHES);
        assert_eq!(stretches.0.last(), Some(&(far, far)));
        assert!(stretches.0.capacity() <= MAX_STRETCHES + 1, "{stretches:?}");
        assert!((1..100).all(|n| stretches.contains(n * 120)));
        assert!(!stretches.contains(100 * 120));
    }
}
