//! Execution time: what may be sent now, and what an answer teaches.
//!
//! `operating` in an answer is the *running sum* of the window, not the cost of the call. Two readings
//! exist of where the time of a batch is booked: under the method of each command, or under `batch`
//! as a whole. Which one holds here shows in where the sums grow; until that is seen, both count.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Load, Plan, Step, account::Account, costs::Costs};
use crate::{
    bitrix::{BatchAnswer, contacts::Family, decode::Time},
    clock::after,
};

/// The name under which a batch may be booked as a whole.
const BATCH: &str = "batch";

/// Calls shorter than this are not counted, in seconds.
const UNCOUNTED: f64 = 0.1;

/// A sum that rises by less stands still.
const STILL: f64 = 0.05;

/// The part of a limit that writes leave to everything else on the same account, so that the queue is
/// fetched, read and acknowledged while they wait.
const LEFT_TO_OTHERS: f64 = 0.01;

/// Execution time by method. Survives a restart as JSON.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Operating {
    accounts: BTreeMap<String, Account>,
    costs: Costs,
    /// Batches were seen to be booked as a whole.
    batches_booked: bool,
    /// Commands of batches were seen to be booked one by one.
    commands_booked: bool,
}

/// A method in the way, and when it no longer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// When the load fits.
    pub until: Timestamp,
    /// The method whose time is used up.
    pub method: String,
}

impl Operating {
    /// What keeps a load from being sent now.
    #[must_use]
    pub fn wait_for(&self, load: &Load, plan: Plan, now: Timestamp) -> Option<Wait> {
        let writes = load.writes();
        self.needs(load)
            .into_iter()
            .filter_map(|(method, need)| {
                let others = writes && !Step::call(method).updates();
                let left = if others { LEFT_TO_OTHERS } else { 0.0 };
                let limit = plan.operating_limit * (1.0 - left);
                let until = self.accounts.get(method)?.free_at(need, limit, now);
                (until > now).then(|| Wait {
                    until,
                    method: method.to_owned(),
                })
            })
            .max_by_key(|wait| wait.until)
    }

    /// How many contacts can be written in one request now, `most` at most; none where that has to
    /// wait.
    #[must_use]
    pub fn writes_that_fit(
        &self,
        most: usize,
        family: Family,
        plan: Plan,
        now: Timestamp,
    ) -> usize {
        let fits = |contacts: &usize| {
            self.wait_for(&Load::writing(*contacts, family), plan, now)
                .is_none()
        };
        (1..=most).rev().find(fits).unwrap_or(0)
    }

    /// The seconds one command takes, as far as was measured.
    #[must_use]
    pub fn cost(&self, step: Step) -> f64 {
        self.costs.of(step)
    }

    /// Takes in the times of a single call.
    pub fn observe_call(&mut self, method: &'static str, time: Time, now: Timestamp) {
        let expected = time.duration.map_or(0.0, counted);
        let account = self.account(method);
        account.unblock();
        let grown = time.operating.and_then(|sum| account.grown_to(sum));
        if let Some(seconds) = time.duration {
            let cost = seconds.max(grown.unwrap_or(0.0));
            self.costs.measured(Step::call(method), cost);
        }
        let account = self.account(method);
        account.follow(time, expected, finished(time), now);
    }

    /// Takes in the times of a batch.
    pub fn observe_batch(&mut self, answer: &BatchAnswer, now: Timestamp) {
        let portal_now = finished(answer.time);
        let mut by_method: BTreeMap<&'static str, Vec<Time>> = BTreeMap::new();
        for (step, time) in &answer.times {
            let Some(time) = time else { continue };
            by_method.entry(step.method).or_default().push(*time);
        }
        self.learn_costs(answer);
        let whole = self.account(BATCH);
        whole.unblock();
        let expected = answer.time.duration.map_or(0.0, counted);
        let grew = whole.follow(answer.time, expected, portal_now, now);
        if grew.is_some_and(|seconds| seconds > STILL) {
            self.batches_seen_booked();
        }
        for (method, times) in by_method {
            self.observe_commands(method, &times, grew, portal_now, now);
        }
    }

    /// Learns what commands take: what they lasted, or what the sums grew by where that is more. A portal
    /// may count more than it says a command has lasted.
    fn learn_costs(&mut self, answer: &BatchAnswer) {
        let whole = answer.time.operating.filter(|_| !self.commands_booked);
        let whole = whole.and_then(|sum| self.accounts.get(BATCH)?.grown_to(sum));
        let mut sums: BTreeMap<&'static str, f64> = BTreeMap::new();
        let mut by_step: BTreeMap<Step, Vec<f64>> = BTreeMap::new();
        for (step, time) in &answer.times {
            let Some(time) = time else { continue };
            let own = time.operating.filter(|_| !self.batches_booked);
            let grown = own.and_then(|sum| match sums.insert(step.method, sum) {
                Some(before) => Some(sum - before),
                // The first one of its method grew since an earlier request, if it is booked by itself.
                None if self.commands_booked => self.accounts.get(step.method)?.grown_to(sum),
                None => None,
            });
            let cost = time.duration.map(|lasted| lasted.max(grown.unwrap_or(0.0)));
            by_step.entry(*step).or_default().extend(cost);
        }
        let lasted: f64 = by_step.values().flatten().sum();
        let commands: usize = by_step.values().map(Vec::len).sum();
        let unexplained = whole.map_or(0.0, |grown| grown - lasted).max(0.0);
        for (step, costs) in by_step {
            if !costs.is_empty() {
                let mean = costs.iter().sum::<f64>() / costs.len() as f64;
                self.costs
                    .measured(step, mean + unexplained / commands as f64);
            }
        }
    }

    /// Takes in the times of all commands of a batch that ran one method. `grew` is the growth of the
    /// batch's own sum.
    fn observe_commands(
        &mut self,
        method: &'static str,
        times: &[Time],
        grew: Option<f64>,
        portal_now: Option<Timestamp>,
        now: Timestamp,
    ) {
        let sums: Vec<f64> = times.iter().filter_map(|time| time.operating).collect();
        // From command to command only a sum of their own can rise: a batch is booked at its end.
        if sums.windows(2).any(|pair| pair[1] > pair[0] + STILL) {
            self.commands_booked = true;
        }
        let as_a_whole_alone = self.batches_booked && !self.commands_booked;
        let account = self.account(method);
        account.unblock();
        let Some(last) = times.last().filter(|_| !as_a_whole_alone) else {
            return;
        };
        let expected = times.iter().filter_map(|time| time.duration);
        let expected = expected.map(counted).sum();
        let own = account.follow(*last, expected, portal_now, now);
        let whole_stood_still = grew.is_some_and(|seconds| seconds <= STILL);
        if whole_stood_still && own.is_some_and(|seconds| seconds > STILL) {
            self.commands_booked = true;
        }
    }

    /// The sums of commands that were taken for their own were the batch's.
    fn batches_seen_booked(&mut self) {
        if !self.batches_booked && !self.commands_booked {
            self.accounts.retain(|method, _| method == BATCH);
        }
        self.batches_booked = true;
    }

    /// The answer to a request never came, `seconds` after it was sent: its time may be spent all the
    /// same.
    pub fn lost(&mut self, load: &Load, seconds: f64, now: Timestamp) {
        for (method, need) in self.needs(load) {
            // Nothing is booked by a guess where the portal has never shown a sum.
            if let Some(account) = self.accounts.get_mut(method)
                && account.sum() > 0.0
            {
                account.spend(need, now);
            }
        }
        self.costs.cut_off(load, seconds);
    }

    /// The portal has blocked a method (429). Returns until when it is left alone.
    pub fn blocked(&mut self, method: &str, plan: Plan, now: Timestamp) -> Timestamp {
        if method == BATCH {
            self.batches_seen_booked();
        }
        self.account(method).block(plan.operating_limit, now)
    }

    /// What a load needs of which account.
    fn needs(&self, load: &Load) -> Vec<(&'static str, f64)> {
        let mut needs: BTreeMap<&'static str, f64> = BTreeMap::new();
        let commands_alone = self.commands_booked && !self.batches_booked;
        if !load.batch || self.commands_booked || !self.batches_booked {
            for (step, count) in &load.steps {
                let need = counted(self.costs.of(*step)) * *count as f64;
                *needs.entry(step.method).or_default() += need;
            }
        }
        if load.batch && !commands_alone {
            needs.insert(BATCH, counted(self.costs.of_load(load)));
        }
        needs.into_iter().collect()
    }

    fn account(&mut self, method: &str) -> &mut Account {
        self.accounts.entry(method.to_owned()).or_default()
    }
}

/// What the portal counts of a call that takes `seconds`.
fn counted(seconds: f64) -> f64 {
    if seconds < UNCOUNTED { 0.0 } else { seconds }
}

/// The portal's clock when it had answered; early rather than late, as it gives whole seconds.
fn finished(time: Time) -> Option<Timestamp> {
    Some(after(time.began?, time.duration.unwrap_or(0.0)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::bitrix::{Batch, Reply, contacts};

    const PLAN: Plan = Plan {
        burst: 50.0,
        rate: 2.0,
        share: 1.0,
        operating_limit: 480.0,
    };

    fn start() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn time(operating: Option<f64>, duration: f64) -> Value {
        json!({"operating": operating, "duration": duration})
    }

    /// The answer to a batch of updates with these times, and to the batch as a whole.
    fn answer(updates: &[Value], whole: &Value) -> BatchAnswer {
        let mut batch = Batch::new();
        let (mut results, mut times) = (json!({}), json!({}));
        for (at, time) in updates.iter().enumerate() {
            let key = format!("u{at}");
            batch.push(&key, &contacts::update(Family::Classic, 7, &[]));
            results[&key] = json!(true);
            times[&key] = time.clone();
        }
        batch
            .read(Reply {
                result: json!({"result": results, "result_time": times}),
                total: None,
                time: Time::read(whole),
            })
            .unwrap_or_else(|_| unreachable!())
    }

    fn wait(books: &Operating, updates: usize) -> Option<Wait> {
        books.wait_for(&Load::writing(updates, Family::Classic), PLAN, start())
    }

    #[test]
    fn rising_sums_of_commands_show_that_they_are_booked() {
        let mut books = Operating::default();
        let commands = [time(Some(400.0), 1.0), time(Some(401.0), 1.0)];
        books.observe_batch(&answer(&commands, &time(Some(0.0), 2.0)), start());
        assert_eq!((books.commands_booked, books.batches_booked), (true, false));
        assert_eq!(wait(&books, 60), None);
        assert_eq!(
            books.writes_that_fit(100, Family::Classic, PLAN, start()),
            79
        );
        let wait = wait(&books, 80).map(|wait| wait.method);
        assert_eq!(wait.as_deref(), Some("crm.contact.update"));
    }

    #[test]
    fn one_slow_command_shows_it_as_well() {
        let mut books = Operating::default();
        books.observe_batch(
            &answer(&[time(Some(9.0), 9.0)], &time(Some(0.0), 9.0)),
            start(),
        );
        assert_eq!((books.commands_booked, books.batches_booked), (true, false));
    }

    #[test]
    fn equal_sums_and_a_growing_batch_show_that_it_is_booked_as_a_whole() {
        let mut books = Operating::default();
        let commands = [time(Some(400.0), 1.0), time(Some(400.0), 1.0)];
        books.observe_batch(&answer(&commands, &time(Some(402.0), 2.0)), start());
        assert_eq!((books.commands_booked, books.batches_booked), (false, true));
        assert_eq!(
            wait(&books, 80).map(|wait| wait.method).as_deref(),
            Some("batch")
        );
        // Single calls are not concerned.
        let plain = Load::call("crm.contact.update");
        assert_eq!(books.wait_for(&plain, PLAN, start()), None);
    }

    /// Until it is learnt, whichever sum the portal shows counts.
    #[test]
    fn both_readings_count_until_one_is_seen() {
        let mut books = Operating::default();
        let commands = [time(Some(480.0), 0.2), time(Some(480.0), 0.2)];
        books.observe_batch(&answer(&commands, &time(None, 0.02)), start());
        assert_eq!(
            (books.commands_booked, books.batches_booked),
            (false, false)
        );
        assert!(wait(&books, 1).is_some());
    }

    #[test]
    fn calls_that_the_portal_does_not_count_need_no_room() {
        let mut books = Operating::default();
        let commands = [time(Some(464.0), 0.02), time(Some(464.0), 0.02)];
        books.commands_booked = true;
        books.observe_batch(&answer(&commands, &time(Some(0.0), 0.04)), start());
        assert_eq!(wait(&books, 24), None);
    }

    #[test]
    fn writes_stop_before_the_limit_and_everything_else_goes_on() {
        let mut books = Operating::default();
        let commands = [time(Some(472.0), 2.0), time(Some(472.0), 2.0)];
        books.observe_batch(&answer(&commands, &time(Some(476.0), 4.0)), start());
        assert!(wait(&books, 1).is_some());
        let reading = Load::batch([Step::page(Family::Classic), Step::call("event.offline.get")]);
        assert_eq!(books.wait_for(&reading, PLAN, start()), None);
    }

    #[test]
    fn a_portal_without_limiter_is_never_waited_for() {
        let mut books = Operating::default();
        for _ in 0..1000 {
            let commands = [time(None, 5.0), time(None, 5.0)];
            books.observe_batch(&answer(&commands, &time(None, 10.0)), start());
        }
        assert_eq!(wait(&books, 24), None);
    }

    /// Break: learn from the durations alone.
    #[test]
    fn growth_is_believed_where_it_says_more_than_the_durations() {
        let mut books = Operating::default();
        let sums = [300.0, 315.0, 330.0, 345.0];
        let commands = sums.map(|sum| time(Some(sum), 0.004));
        books.observe_batch(&answer(&commands, &time(Some(0.0), 0.02)), start());
        // What was there before the first one may be anybody's.
        let cost = books.cost(Step::update(Family::Classic));
        assert!((11.0..=15.0).contains(&cost), "{cost}");
        assert!((8..=16).contains(&books.writes_that_fit(24, Family::Classic, PLAN, start())));
        let later = [time(Some(360.0), 0.004), time(Some(375.0), 0.004)];
        books.observe_batch(&answer(&later, &time(Some(0.0), 0.01)), start());
        let cost = books.cost(Step::update(Family::Classic));
        assert!((12.0..=15.0).contains(&cost), "{cost}");
    }

    #[test]
    fn growth_of_a_batch_that_is_booked_as_a_whole_counts_too() {
        let mut books = Operating::default();
        for whole in [400.0, 430.0] {
            let commands = [time(Some(whole), 0.01), time(Some(whole), 0.01)];
            books.observe_batch(&answer(&commands, &time(Some(whole), 0.02)), start());
        }
        let cost = books.cost(Step::update(Family::Classic));
        assert!((7.0..=15.0).contains(&cost), "{cost}");
    }

    #[test]
    fn the_books_survive_a_restart_and_forgive_what_is_missing() {
        let mut books = Operating::default();
        let commands = [time(Some(477.0), 2.0), time(Some(479.0), 2.0)];
        books.observe_batch(&answer(&commands, &time(Some(0.0), 4.0)), start());
        let text = serde_json::to_string(&books).unwrap_or_default();
        let again: Operating = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(wait(&again, 1), wait(&books, 1));
        assert!(wait(&again, 1).is_some());
        let old = r#"{"accounts":{"batch":{}},"something":"else"}"#;
        assert!(serde_json::from_str::<Operating>(old).is_ok());
    }
}
