//! A model of the portal's limits: the request bucket, and the execution time of each method.
//!
//! Pure: times come in with every call, and waits go out as moments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BatchAnswer, decode::Time};
use crate::clock::{after, seconds_between};

/// The numbers of the portal's plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Requests the bucket holds.
    pub burst: f64,
    /// Requests that leave the bucket each second.
    pub rate: f64,
    /// Seconds of execution a method may use in ten minutes.
    pub operating_limit: f64,
}

/// How full the request bucket is, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Requests in the bucket.
    pub level: f64,
    /// When that was so.
    pub as_of: Timestamp,
}

impl Bucket {
    /// An empty bucket.
    #[must_use]
    pub fn empty(now: Timestamp) -> Self {
        Self {
            level: 0.0,
            as_of: now,
        }
    }

    /// Takes room for one request.
    ///
    /// # Errors
    /// The moment at which there will be room; nothing is taken then.
    pub fn take(&mut self, plan: Plan, now: Timestamp) -> Result<(), Timestamp> {
        self.leak(plan, now);
        let capacity = capacity(plan);
        if self.level + 1.0 <= capacity {
            self.level += 1.0;
            return Ok(());
        }
        Err(after(now, (self.level + 1.0 - capacity) / plan.rate))
    }

    /// The portal said that its bucket is full: others use it, too.
    pub fn overflowed(&mut self, plan: Plan, now: Timestamp) {
        self.leak(plan, now);
        self.level = self.level.max(plan.burst);
    }

    /// How many requests are in the bucket at `now`.
    #[must_use]
    pub fn level_at(mut self, plan: Plan, now: Timestamp) -> f64 {
        self.leak(plan, now);
        self.level
    }

    fn leak(&mut self, plan: Plan, now: Timestamp) {
        // A clock that was set back must not freeze the bucket.
        let elapsed = seconds_between(self.as_of, now).max(0.0);
        self.level = (self.level - elapsed * plan.rate).max(0.0);
        self.as_of = now;
    }
}

/// The portal takes requests off its bucket once a second, on a grid of its own: as many as one step
/// takes off may still be in there when our smooth model has them gone, and one request may be on
/// its way.
fn capacity(plan: Plan) -> f64 {
    (plan.burst - plan.rate.ceil() - 1.0).max(1.0)
}

/// The length of the portal's window of execution time, in seconds.
const WINDOW: f64 = 600.0;

/// How long to wait before a block that our books cannot explain is tried again, in seconds.
const UNEXPLAINED_BLOCK: f64 = 10.0;

/// What an update is taken to cost before the first was measured, in seconds.
const GUESSED_COST: f64 = 0.19;

/// Where the portal books the time of a batch. Both readings of its documentation exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Billing {
    /// Each command under its own method.
    Commands,
    /// The whole request under `batch`.
    Batch,
}

/// Execution time by method, after the portal's own running sums.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Operating {
    accounts: BTreeMap<String, Account>,
    billing: Option<Billing>,
    costs: BTreeMap<String, f64>,
}

/// The window of one method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Account {
    /// Seconds spent, with the moment they leave the window, oldest first.
    spent: Vec<(Timestamp, f64)>,
    blocked_until: Option<Timestamp>,
    unexplained_blocks: u32,
}

impl Account {
    fn expire(&mut self, now: Timestamp) {
        self.spent.retain(|(leaves, _)| *leaves > now);
    }

    fn sum(&self) -> f64 {
        self.spent.iter().map(|(_, seconds)| seconds).sum()
    }

    /// Follows the portal's own running sum.
    fn follow(&mut self, time: Time, now: Timestamp) -> f64 {
        let Some(operating) = time.operating else {
            return 0.0;
        };
        self.expire(now);
        let growth = operating - self.sum();
        if growth > 0.0 {
            let leaves = after(now, WINDOW);
            match self.spent.last_mut() {
                // One entry a minute is as fine as the portal's own window.
                Some((last, seconds)) if seconds_between(*last, leaves) < 60.0 => {
                    *seconds += growth
                }
                _ => self.spent.push((leaves, growth)),
            }
        }
        let mut excess = -growth;
        while excess > 1e-6 && !self.spent.is_empty() {
            let taken = excess.min(self.spent[0].1);
            self.spent[0].1 -= taken;
            excess -= taken;
            if self.spent[0].1 <= 1e-6 {
                self.spent.remove(0);
            }
        }
        if let (Some(reset), Some(began), Some(first)) =
            (time.operating_reset_at, time.began, self.spent.first_mut())
        {
            // By our clock, which may differ from the portal's.
            first.0 = after(now, seconds_between(began, reset)).min(after(now, WINDOW + 60.0));
        }
        growth.max(0.0)
    }

    /// When `need` more seconds fit below `limit`.
    fn free_at(&self, need: f64, limit: f64, now: Timestamp) -> Timestamp {
        let start = self.blocked_until.map_or(now, |until| until.max(now));
        let still_there = || self.spent.iter().filter(|(leaves, _)| *leaves > start);
        let mut at = start;
        let mut sum: f64 = still_there().map(|(_, seconds)| seconds).sum();
        // A need above the limit must still be possible with an empty window.
        let room = (limit - need).max(0.0);
        for (leaves, seconds) in still_there() {
            if sum <= room {
                break;
            }
            sum -= seconds;
            at = at.max(*leaves);
        }
        at
    }
}

impl Operating {
    /// When a batch of these methods may be sent: now, or a later moment with the method that is in
    /// the way.
    #[must_use]
    pub fn permit(
        &self,
        methods: &BTreeMap<&'static str, usize>,
        plan: Plan,
        now: Timestamp,
    ) -> Option<(Timestamp, String)> {
        let mut total = 0.0;
        let mut latest: Option<(Timestamp, String)> = None;
        let mut consider = |method: &str, need: f64| {
            let free = self.accounts.get(method).map_or(now, |account| {
                account.free_at(need, plan.operating_limit, now)
            });
            if free > now && latest.as_ref().is_none_or(|(at, _)| free > *at) {
                latest = Some((free, method.to_owned()));
            }
        };
        for (method, count) in methods {
            let need = self.cost(method) * *count as f64;
            total += need;
            if self.billing != Some(Billing::Batch) || *method == "batch" {
                consider(method, need);
            }
        }
        if self.billing != Some(Billing::Commands) {
            consider("batch", total);
        }
        latest
    }

    /// The seconds one call of the method takes, as far as was measured.
    #[must_use]
    pub fn cost(&self, method: &str) -> f64 {
        self.costs
            .get(method)
            .copied()
            .unwrap_or(if method == "crm.contact.update" {
                GUESSED_COST
            } else {
                0.0
            })
    }

    /// Takes in the times of a single call.
    pub fn observe(&mut self, method: &str, time: Time, now: Timestamp) {
        self.measure(method, time);
        self.account(method).follow(time, now);
    }

    /// Takes in the times of a batch, and learns from where the sums grow how batches are booked.
    pub fn observe_batch(&mut self, answer: &BatchAnswer, now: Timestamp) {
        let mut by_method: BTreeMap<&str, Vec<Time>> = BTreeMap::new();
        for (method, time) in &answer.times {
            if let Some(time) = time {
                self.measure(method, *time);
                by_method.entry(method).or_default().push(*time);
            }
        }
        let grew = self.account("batch").follow(answer.time, now);
        for (method, times) in by_method {
            let sums: Vec<f64> = times.iter().filter_map(|time| time.operating).collect();
            let rises = sums.windows(2).any(|pair| pair[1] > pair[0] + 0.05);
            if rises {
                self.billing = Some(Billing::Commands);
            }
            if self.billing == Some(Billing::Batch) {
                continue;
            }
            if let Some(last) = times.last() {
                self.account(method).follow(
                    Time {
                        began: last.began.or(answer.time.began),
                        ..*last
                    },
                    now,
                );
            }
        }
        let all_equal = answer
            .times
            .iter()
            .filter_map(|(_, time)| time.and_then(|time| time.operating))
            .collect::<Vec<_>>()
            .windows(2)
            .all(|pair| (pair[0] - pair[1]).abs() < 1e-6);
        if grew > 0.1 && all_equal && answer.times.len() > 1 {
            self.billing = Some(Billing::Batch);
        }
    }

    /// The portal has blocked a method (429). Returns until when it is left alone.
    pub fn blocked(&mut self, method: &str, plan: Plan, now: Timestamp) -> Timestamp {
        let account = self.account(method);
        account.expire(now);
        let explained = account.sum() >= plan.operating_limit * 0.9;
        let until = match account.spent.first() {
            Some((leaves, _)) if explained => *leaves,
            _ => {
                account.unexplained_blocks += 1;
                let factor = f64::from(1 << account.unexplained_blocks.min(6));
                after(now, (UNEXPLAINED_BLOCK / 2.0 * factor).min(WINDOW))
            }
        };
        account.blocked_until = Some(until);
        until
    }

    fn account(&mut self, method: &str) -> &mut Account {
        self.accounts.entry(method.to_owned()).or_default()
    }

    fn measure(&mut self, method: &str, time: Time) {
        let Some(duration) = time.duration else {
            return;
        };
        let known = self.costs.get(method).copied();
        // Quick to believe that the portal got slower, slow to believe the opposite.
        let cost = match known {
            None => duration,
            Some(known) if duration > known => known * 0.6 + duration * 0.4,
            Some(known) => known * 0.9 + duration * 0.1,
        };
        self.costs.insert(method.to_owned(), cost);
        let account = self.account(method);
        account.blocked_until = None;
        account.unexplained_blocks = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan {
        burst: 50.0,
        rate: 2.0,
        operating_limit: 480.0,
    };

    #[test]
    fn the_bucket_lets_a_burst_through_and_then_the_rate() {
        let start = Timestamp::UNIX_EPOCH;
        let mut bucket = Bucket::empty(start);
        let burst = (0..100)
            .take_while(|_| bucket.take(PLAN, start).is_ok())
            .count();
        assert_eq!(burst, 47);
        let wait = bucket.take(PLAN, start).err();
        assert_eq!(wait, Some(after(start, 0.5)));
    }

    #[test]
    fn sums_are_followed_not_added() {
        let now = Timestamp::UNIX_EPOCH;
        let mut books = Operating::default();
        for sum in [100.0, 200.0, 475.0] {
            let time = Time {
                operating: Some(sum),
                duration: Some(1.0),
                ..Time::default()
            };
            books.observe("crm.contact.update", time, now);
        }
        let ten = BTreeMap::from([("crm.contact.update", 10)]);
        let wait = books.permit(&ten, PLAN, now);
        assert_eq!(wait.map(|(at, _)| at), Some(after(now, WINDOW)));
        let four = BTreeMap::from([("crm.contact.update", 4)]);
        assert_eq!(books.permit(&four, PLAN, now), None);
    }
}
