//! Many commands in one request, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Call, Problem, Reply, Said, decode, decode::Time, limits::Step, wire};

/// The most commands a batch may hold.
pub const MOST_COMMANDS: usize = 50;

/// The most bytes the commands of one request may take: 64 KiB less room for the token and the rest.
pub const MOST_BYTES: usize = 60 * 1024;

/// The first command of a conditional pair answers under this key, the second under the other.
const GUARD: &str = "g";
const UPDATE: &str = "u";

/// Commands for one request, each under a key of its own.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    commands: Vec<(String, &'static str, String)>,
    bytes: usize,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a call, unless the batch is full or the call may not travel in a batch.
    /// Returns whether it was added.
    pub fn push(&mut self, key: impl Into<String>, call: &Call) -> bool {
        if call.has_reference() {
            return false;
        }
        self.push_raw(vec![(key.into(), call.method, call.command())])
    }

    /// Adds a conditional pair (protocol document, section 11): `guard` is a list call that answers the
    /// contact's row only while nobody has touched it, `update` an update without an id, which is
    /// taken from the guard's answer. Returns whether the pair was added.
    pub fn push_guarded(&mut self, contact_id: u64, guard: &Call, update: &Call) -> bool {
        if guard.has_reference() || update.has_reference() || update.params.contains_key("id") {
            return false;
        }
        // The leading zero is vital. A reference that does not resolve yields the last node reached;
        // after a guard that failed that is the whole result map, whose integer value is 1, and the
        // update would hit contact 1. Behind a zero every such text is the number 0: refused.
        let id = format!("0$result[{GUARD}{contact_id}][0][ID]");
        let update = update.clone().with("id", id);
        self.push_raw(vec![
            (
                format!("{GUARD}{contact_id}"),
                guard.method,
                guard.command(),
            ),
            (
                format!("{UPDATE}{contact_id}"),
                update.method,
                update.command(),
            ),
        ])
    }

    /// Adds the next page of a walk by id (`contacts::walk`): it begins behind the last row of the
    /// page that `previous` answers, which must be a full one. Returns whether it was added.
    ///
    /// Where that page is not full, the reference yields something else, and so does the command:
    /// its answer means nothing then.
    pub fn push_following(&mut self, key: impl Into<String>, page: &Call, previous: &str) -> bool {
        if page.has_reference() {
            return false;
        }
        let last = super::contacts::PAGE - 1;
        let mut page = page.clone();
        page.params["filter"][">ID"] = Value::from(format!("$result[{previous}][{last}][ID]"));
        self.push_raw(vec![(key.into(), page.method, page.command())])
    }

    /// All or none of `commands`, in this order.
    fn push_raw(&mut self, commands: Vec<(String, &'static str, String)>) -> bool {
        let bytes: usize = commands
            .iter()
            .map(|(key, _, text)| key.len() + text.len() + 6)
            .sum();
        if self.commands.len() + commands.len() > MOST_COMMANDS || self.bytes + bytes > MOST_BYTES {
            return false;
        }
        self.bytes += bytes;
        self.commands.extend(commands);
        true
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// How many commands it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// What it runs, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> {
        self.commands
            .iter()
            .map(|(key, method, _)| step(key, method))
    }

    /// The batch as one call.
    #[must_use]
    pub fn call(&self) -> Call {
        let commands: Map<String, Value> = self
            .commands
            .iter()
            .map(|(key, _, command)| (key.clone(), Value::from(command.clone())))
            .collect();
        Call::new("batch").with("halt", 0).with("cmd", commands)
    }

    /// Reads the answer to this batch.
    ///
    /// # Errors
    /// [`Problem::Unclear`] where it does not have the shape of a batch's answer.
    pub fn read(&self, reply: Reply) -> Result<BatchAnswer, Problem> {
        let Value::Object(mut members) = reply.result else {
            return Err(Problem::Unclear("a batch answer that is no map".to_owned()));
        };
        let mut member = |name: &str| wire::map(members.remove(name).unwrap_or_default());
        let (mut results, mut errors) = (member("result"), member("result_error"));
        let (totals, times) = (member("result_total"), member("result_time"));
        let mut answer = BatchAnswer {
            commands: BTreeMap::new(),
            methods: BTreeMap::new(),
            times: Vec::new(),
            time: reply.time,
        };
        for (key, method, _) in &self.commands {
            let time = times.get(key).map(Time::read).unwrap_or_default();
            answer
                .times
                .push((step(key, method), times.contains_key(key).then_some(time)));
            // An error counts before a result, as everywhere.
            let outcome = match (errors.remove(key), results.remove(key)) {
                (Some(error), _) => Err(decode::command_problem(method, &error)),
                (None, Some(result)) => Ok(Reply {
                    result,
                    total: totals.get(key).and_then(wire::count),
                    time: Time {
                        began: time.began.or(reply.time.began),
                        ..time
                    },
                }),
                (None, None) => continue,
            };
            answer.methods.insert(key.clone(), *method);
            answer.commands.insert(key.clone(), outcome);
        }
        Ok(answer)
    }
}

/// Whether a guard found its contact untouched.
fn holds(guard: &Reply) -> bool {
    wire::list(guard.result.clone()).is_some_and(|rows| !rows.is_empty())
}

/// A command as the limits see it: a list under a guard's key is a guard.
fn step(key: &str, method: &'static str) -> Step {
    let number = key.strip_prefix(GUARD).unwrap_or_default();
    let guards = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    Step {
        method,
        guard: guards && method == Step::GUARD.method,
    }
}

/// What became of the commands of a batch.
#[derive(Debug)]
pub struct BatchAnswer {
    commands: BTreeMap<String, Result<Reply, Problem>>,
    methods: BTreeMap<String, &'static str>,
    /// What was run, in order, each with its times where the portal gave any.
    pub times: Vec<(Step, Option<Time>)>,
    /// The times of the whole request.
    pub time: Time,
}

impl BatchAnswer {
    /// The outcome of a command.
    ///
    /// # Errors
    /// The command's own problem. A key that the answer does not mention has an unknown outcome:
    /// [`Problem::Unclear`].
    pub fn take(&mut self, key: &str) -> Result<Reply, Problem> {
        self.commands.remove(key).unwrap_or_else(|| {
            Err(Problem::Unclear(
                "the answer does not mention the command".to_owned(),
            ))
        })
    }

    /// The outcome of a conditional pair.
    #[must_use]
    pub fn take_guarded(&mut self, contact_id: u64) -> Guarded {
        let guard = self.take(&format!("{GUARD}{contact_id}"));
        let update = self.take(&format!("{UPDATE}{contact_id}"));
        match (guard, update) {
            (_, Ok(reply)) if wire::flag(&reply.result) != Some(false) => Guarded::Written,
            (Ok(guard), Err(problem)) if !holds(&guard) && !problem.is_temporary() => {
                // In whatever words: there was no contact to update.
                Guarded::Touched
            }
            (Ok(_), Err(Problem::InvalidId(_))) => Guarded::Misread,
            (Err(_), Err(Problem::InvalidId(_))) => Guarded::Unguarded,
            (_, Err(problem)) => Guarded::Failed(problem),
            (_, Ok(_)) => {
                Guarded::Failed(Problem::Refused(Said::text("the update answered false")))
            }
        }
    }

    /// The problems of all commands whose outcome was not taken yet.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.commands
            .values()
            .filter_map(|outcome| outcome.as_ref().err())
    }

    /// The methods of the commands that met `problem`, each once.
    #[must_use]
    pub fn failed_methods(&self, problem: &Problem) -> BTreeSet<&'static str> {
        self.commands
            .iter()
            .filter(|(_, outcome)| outcome.as_ref().err() == Some(problem))
            .filter_map(|(key, _)| self.methods.get(key).copied())
            .collect()
    }
}

/// What became of a conditional pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guarded {
    /// The guard held and the update was made.
    Written,
    /// The guard found that somebody touched the contact (or that it is gone): look again.
    Touched,
    /// The guard itself failed, so nothing was written: look again.
    Unguarded,
    /// The guard held, and its answer was not put into the update, so nothing was written: this portal
    /// reads references differently.
    Misread,
    /// The update met a problem of its own.
    Failed(Problem),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bitrix::contacts;

    /// How a pair ends whose guard answers `guard`, and whose update is refused with `text`.
    fn outcome(guard: &Value, text: &str) -> Guarded {
        let mut batch = Batch::new();
        let update = contacts::guarded_update(&[("NAME", "Anna".to_owned())]);
        batch.push_guarded(
            82,
            &contacts::guard(82, "2026-01-05T10:00:00+03:00"),
            &update,
        );
        let error = json!({"error": "", "error_description": text});
        let answer = batch.read(Reply {
            result: json!({"result": {"g82": guard}, "result_error": {"u82": error}}),
            total: None,
            time: Time::default(),
        });
        answer.map_or(Guarded::Unguarded, |mut answer| answer.take_guarded(82))
    }

    /// Catches a refused guard that is taken for a contact that is gone, or refused for good.
    #[test]
    fn a_refused_guard_counts_in_whatever_words_the_update_is_refused() {
        let texts = [
            "ID is not defined or invalid.",
            "Contact is not found",
            "Not found",
            "Access denied.",
            "Something else",
            "",
        ];
        for text in texts {
            assert_eq!(outcome(&json!([]), text), Guarded::Touched, "{text}");
        }
        let held = json!([{"ID": "82"}]);
        assert_eq!(outcome(&held, texts[0]), Guarded::Misread);
        assert_eq!(outcome(&held, texts[1]), Guarded::Failed(Problem::Gone));
    }
}
