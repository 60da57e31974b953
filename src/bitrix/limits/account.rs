//! The window of execution time of one method.
//!
//! The portal keeps ten buckets of a minute, each of which leaves the window as a whole ten minutes
//! after its first call. We keep what each answer added by itself: so nothing leaves our books before
//! it has left the portal's, and the next answer's running sum tells what left early.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    bitrix::decode::Time,
    clock::{after, seconds_between},
};

/// The length of the window, in seconds.
pub(super) const WINDOW: f64 = 600.0;

/// Growth within so many seconds is kept as one share.
const ONE_SHARE: f64 = 10.0;

/// The first rest after a block that our books cannot explain, in seconds; each further one doubles.
const UNEXPLAINED: f64 = 5.0;

/// From this part of the limit on our books explain a block.
const EXPLAINED: f64 = 0.8;

/// What the portal counts no finer than.
const ROUNDING: f64 = 1e-6;

/// The window of one method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    /// Oldest first.
    shares: Vec<Share>,
    blocked_until: Option<Timestamp>,
    unexplained_blocks: u32,
    /// The portal's sum was seen before: what it grows by since then is ours, as far as anybody knows.
    followed: bool,
}

/// Seconds that leave the window together.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Share {
    opened: Timestamp,
    leaves: Timestamp,
    seconds: f64,
}

impl Account {
    /// What is booked.
    pub(super) fn sum(&self) -> f64 {
        self.shares.iter().map(|share| share.seconds).sum()
    }

    /// What the portal's sum has grown by since it was seen last, where that was ever.
    pub(super) fn grown_to(&self, operating: f64) -> Option<f64> {
        self.followed.then(|| operating - self.sum())
    }

    /// Books seconds that were spent just now.
    pub(super) fn spend(&mut self, seconds: f64, now: Timestamp) {
        if seconds <= 0.0 {
            return;
        }
        self.tidy(now);
        let leaves = after(now, WINDOW);
        match self.shares.last_mut() {
            Some(last) if seconds_between(last.opened, now).abs() < ONE_SHARE => {
                last.seconds += seconds;
                // The later moment counts: never free too early.
                last.leaves = leaves;
            }
            _ => self.shares.push(Share {
                opened: now,
                leaves,
                seconds,
            }),
        }
    }

    /// Follows the portal's own running sum after a call (or several) that took `expected` counted
    /// seconds. `portal_now` is the portal's clock at the moment that is `now` by ours. Returns by how
    /// much the sum grew, as far as the portal tells.
    pub(super) fn follow(
        &mut self,
        time: Time,
        expected: f64,
        portal_now: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<f64> {
        let operating = time.operating?;
        self.followed = true;
        self.tidy(now);
        let before = self.sum();
        let added = expected.min(operating);
        self.spend(added, now);
        let missing = operating - self.sum();
        self.spend(missing, now);
        self.drop_oldest(-missing);
        if let (Some(reset), Some(portal_now), Some(first)) =
            (time.operating_reset_at, portal_now, self.shares.first_mut())
        {
            let left = seconds_between(portal_now, reset).clamp(0.0, WINDOW + 1.0);
            first.leaves = after(now, left);
        }
        Some((operating - before).max(added))
    }

    fn drop_oldest(&mut self, seconds: f64) {
        let mut excess = seconds;
        while excess > ROUNDING && !self.shares.is_empty() {
            let first = &mut self.shares[0];
            let taken = excess.min(first.seconds);
            first.seconds -= taken;
            excess -= taken;
            if first.seconds <= ROUNDING {
                self.shares.remove(0);
            }
        }
    }

    /// When `need` more seconds fit below `limit`.
    pub(super) fn free_at(&self, need: f64, limit: f64, now: Timestamp) -> Timestamp {
        let start = self.blocked_until.map_or(now, |until| {
            // Further off than a window: the clock was set back.
            until.clamp(now, after(now, WINDOW))
        });
        // More than the limit must still be possible with an empty window.
        let room = (limit - need).max(0.0);
        let there = self.shares.iter().filter(|share| share.leaves > start);
        let mut sum: f64 = there.clone().map(|share| share.seconds).sum();
        let mut at = start;
        for share in there {
            if sum <= room + ROUNDING {
                break;
            }
            sum -= share.seconds;
            at = at.max(share.leaves.min(after(now, WINDOW)));
        }
        at
    }

    /// The portal blocks the method. Returns until when it is left alone: until the first seconds
    /// leave the window, where our books explain the block, or where a second one confirms it (the
    /// portal's limit is lower than we were told); else for some seconds, as nobody knows.
    pub(super) fn block(&mut self, limit: f64, now: Timestamp) -> Timestamp {
        self.tidy(now);
        let confirmed = self.unexplained_blocks > 0;
        let until = match self.shares.first() {
            Some(first) if confirmed || self.sum() >= limit * EXPLAINED => first.leaves,
            _ => {
                let rest = UNEXPLAINED * f64::from(1 << self.unexplained_blocks.min(7));
                self.unexplained_blocks += 1;
                after(now, rest.min(WINDOW))
            }
        };
        self.blocked_until = Some(until);
        until
    }

    /// The method was let run.
    pub(super) fn unblock(&mut self) {
        self.blocked_until = None;
        self.unexplained_blocks = 0;
    }

    /// Forgets what has left the window, and mends what a clock that was set back has left behind.
    fn tidy(&mut self, now: Timestamp) {
        let latest = after(now, WINDOW);
        self.shares.retain(|share| share.leaves > now);
        for share in &mut self.shares {
            share.leaves = share.leaves.min(after(latest, 1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn sum(operating: f64) -> Time {
        Time {
            operating: Some(operating),
            ..Time::default()
        }
    }

    fn free_in(account: &Account, need: f64, now: Timestamp) -> f64 {
        seconds_between(now, account.free_at(need, 480.0, now))
    }

    #[test]
    fn running_sums_are_followed_not_added() {
        let mut account = Account::default();
        for running in [100.0, 200.0, 475.0] {
            account.follow(sum(running), 1.0, None, start());
        }
        assert!((account.sum() - 475.0).abs() < 1e-6);
        assert!(free_in(&account, 4.0, start()) < 1e-6);
        assert!((free_in(&account, 10.0, start()) - WINDOW).abs() < 1e-6);
    }

    /// Catches books in which fresh seconds count as old ones because old ones left meanwhile.
    #[test]
    fn what_left_early_is_taken_from_the_oldest() {
        let mut account = Account::default();
        account.follow(sum(48.0), 48.0, None, start());
        let later = after(start(), 300.0);
        account.follow(sum(98.0), 50.0, None, later);
        let now = after(start(), 595.0);
        // The 48 seconds left the portal's window a little early; five new ones came.
        let grew = account.follow(sum(55.0), 5.0, None, now);
        assert_eq!(grew, Some(5.0));
        assert!((account.sum() - 55.0).abs() < 1e-6);
        // 50 leave ten minutes after `later`, the five not before ten minutes from now.
        let free = account.free_at(478.0, 480.0, now);
        assert!(seconds_between(now, free) > 599.0, "{free}");
    }

    #[test]
    fn the_portals_word_on_the_reset_counts_by_our_clock() {
        let mut account = Account::default();
        let portal_now = after(start(), 3600.0);
        let time = Time {
            operating_reset_at: Some(after(portal_now, 42.0)),
            ..sum(479.0)
        };
        account.follow(time, 1.0, Some(portal_now), start());
        assert!((free_in(&account, 5.0, start()) - 42.0).abs() < 1e-6);
    }

    #[test]
    fn a_block_that_is_explained_lasts_until_the_reset_and_another_seconds() {
        let mut account = Account::default();
        let rests: Vec<f64> = (0..9)
            .map(|_| seconds_between(start(), account.block(480.0, start())))
            .collect();
        assert_eq!(rests[..4], [5.0, 10.0, 20.0, 40.0]);
        assert_eq!(rests[8], WINDOW);
        account.unblock();
        account.follow(sum(400.0), 1.0, None, start());
        let until = account.block(480.0, after(start(), 100.0));
        assert_eq!(until, after(start(), WINDOW));
    }

    /// Probing a portal whose limit is lower than configured would meet one refusal after another.
    #[test]
    fn a_second_block_is_believed_where_the_portal_has_told_a_reset() {
        let mut account = Account::default();
        account.follow(sum(20.0), 20.0, None, start());
        let mut now = start();
        let first = account.block(480.0, now);
        assert_eq!(first, after(start(), 5.0));
        now = first;
        assert_eq!(account.block(480.0, now), after(start(), WINDOW));
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_for_a_window_at_most() {
        let mut account = Account::default();
        account.follow(sum(480.0), 1.0, None, start());
        account.block(480.0, start());
        let now = after(start(), -86_400.0);
        assert!(free_in(&account, 1.0, now) <= WINDOW);
    }
}
