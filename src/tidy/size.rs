//! How much a request carries. Pure.

/// A cap on something that a request carries, `MOST` at most: halved when a request was cut off,
/// growing back with each full one that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cap<const MOST: usize>(usize);

/// How much a cap grows with a full request that was answered.
const GROWTH: usize = 2;

impl<const MOST: usize> Default for Cap<MOST> {
    fn default() -> Self {
        Self(MOST)
    }
}

impl<const MOST: usize> Cap<MOST> {
    /// How many fit a request of `seconds` where each takes `cost`.
    pub(super) fn fit(self, seconds: f64, cost: f64) -> usize {
        let by_time = if cost > 0.0 {
            seconds / cost
        } else {
            f64::INFINITY
        };
        // A portal that is slower than that still gets one at a time.
        (by_time as usize).clamp(1, self.0)
    }

    /// A request with so many was cut off.
    pub(super) fn shrink(&mut self, carried: usize) {
        if carried > 0 {
            self.0 = (carried / 2).max(1);
        }
    }

    /// A request with so many was answered.
    pub(super) fn worked(&mut self, carried: usize) {
        if carried >= self.0 {
            self.0 = (self.0 + GROWTH).min(MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_decides_within_the_cap() {
        let cap = Cap::<24>::default();
        for (cost, fits) in [(0.0, 24), (0.02, 24), (0.5, 10), (2.0, 2), (60.0, 1)] {
            assert_eq!(cap.fit(5.0, cost), fits, "{cost}");
        }
    }

    #[test]
    fn a_cut_off_halves_and_answers_let_it_grow_back() {
        let mut cap = Cap::<24>::default();
        cap.shrink(24);
        assert_eq!(cap.fit(5.0, 0.0), 12);
        cap.worked(3);
        assert_eq!(cap.fit(5.0, 0.0), 12);
        cap.worked(12);
        assert_eq!(cap.fit(5.0, 0.0), 14);
        for _ in 0..10 {
            cap.worked(24);
        }
        assert_eq!(cap, Cap::default());
        cap.shrink(1);
        assert_eq!(cap.fit(5.0, 0.0), 1);
    }
}
