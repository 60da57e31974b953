//! The leaky bucket for requests, one per source address (protocol document, section 4).

use std::collections::HashMap;
use std::net::IpAddr;

/// Fill levels. They fall at whole seconds of the portal's clock, not in between.
#[derive(Default)]
pub(crate) struct Bucket {
    levels: HashMap<IpAddr, Level>,
}

#[derive(Default)]
struct Level {
    filled: f64,
    drained_at: f64,
}

impl Bucket {
    /// Takes room for `requests`; `false` (and nothing taken) where the bucket would overflow.
    pub(crate) fn take(
        &mut self,
        from: IpAddr,
        requests: f64,
        now: f64,
        burst: f64,
        rate: f64,
    ) -> bool {
        let level = self.levels.entry(from).or_default();
        let second = now.floor();
        let passed = (second - level.drained_at).max(0.0);
        level.filled = (level.filled - passed * rate).max(0.0);
        level.drained_at = second;
        if level.filled + requests > burst {
            return false;
        }
        level.filled += requests;
        true
    }

    /// Fills room that others behind the same address took, up to the brim.
    pub(crate) fn occupy(&mut self, from: IpAddr, requests: f64, now: f64, burst: f64, rate: f64) {
        if !self.take(from, requests, now, burst, rate)
            && let Some(level) = self.levels.get_mut(&from)
        {
            level.filled = burst;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn it_drains_on_whole_seconds_only() {
        let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut bucket = Bucket::default();
        for _ in 0..50 {
            assert!(bucket.take(from, 1.0, 100.9, 50.0, 2.0));
        }
        assert!(!bucket.take(from, 1.0, 100.99, 50.0, 2.0));
        assert!(bucket.take(from, 1.0, 101.0, 50.0, 2.0));
        assert!(bucket.take(from, 1.0, 101.0, 50.0, 2.0));
        assert!(!bucket.take(from, 1.0, 101.999, 50.0, 2.0));
    }
}
