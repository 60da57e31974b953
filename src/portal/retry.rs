//! When to try again: one policy, as a value.

use crate::chance::Chance;

/// Growing, jittered delays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// The first delay, in seconds.
    pub base: f64,
    /// What each further delay is multiplied by.
    pub factor: f64,
    /// The longest delay, in seconds.
    pub cap: f64,
    /// The share of a delay that chance decides, 0 to 1.
    pub jitter: f64,
    /// How many repetitions there are at most.
    pub tries: u32,
}

impl RetryPolicy {
    /// For one request that was not processed, or may be repeated without harm.
    pub const CALLS: Self = Self {
        base: 1.0,
        factor: 2.0,
        cap: 30.0,
        jitter: 0.5,
        tries: 4,
    };

    /// For a contact that met a temporary problem.
    pub const CONTACTS: Self = Self {
        base: 15.0,
        factor: 2.0,
        cap: 3600.0,
        jitter: 0.3,
        tries: u32::MAX,
    };

    /// For a contact that the portal refuses for good.
    pub const PARKED: Self = Self {
        base: 6.0 * 3600.0,
        factor: 2.0,
        cap: 7.0 * 86400.0,
        jitter: 0.2,
        tries: u32::MAX,
    };

    /// For a portal that is away, or whose drains fail.
    pub const PORTALS: Self = Self {
        base: 5.0,
        factor: 2.0,
        cap: 300.0,
        jitter: 0.3,
        tries: u32::MAX,
    };

    /// For a portal that needs a person: probes, not tries.
    pub const PROBES: Self = Self {
        base: 300.0,
        factor: 2.0,
        cap: 3600.0,
        jitter: 0.2,
        tries: u32::MAX,
    };

    /// For a portal whose REST the vendor's support has blocked.
    pub const OVERLOADED: Self = Self {
        base: 5000.0,
        factor: 2.0,
        cap: 6.0 * 3600.0,
        jitter: 0.2,
        tries: u32::MAX,
    };

    /// Seconds to wait after `earlier` tries in vain.
    #[must_use]
    pub fn delay(&self, earlier: u32, chance: &dyn Chance) -> f64 {
        let full = (self.base * self.factor.powi(earlier.min(64) as i32)).min(self.cap);
        full * (1.0 - self.jitter * chance.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SystemChance;

    #[test]
    fn delays_grow_to_the_cap_and_differ() {
        let policy = RetryPolicy::PORTALS;
        for (earlier, full) in [(0, 5.0), (1, 10.0), (5, 160.0), (6, 300.0), (1000, 300.0)] {
            let delay = policy.delay(earlier, &SystemChance);
            assert!(delay <= full && delay >= full * 0.7, "{earlier}: {delay}");
        }
        assert_ne!(
            policy.delay(3, &SystemChance),
            policy.delay(3, &SystemChance)
        );
    }
}
