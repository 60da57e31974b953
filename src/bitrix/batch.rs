//! Many commands in one request, and what became of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    Call, Problem, Reply,
    contacts::{self, Family, Pair},
    decode,
    decode::Time,
    limits::Step,
    wire,
};

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

    /// Adds a conditional pair (protocol document, section 11): the second call gets its id from what
    /// the guard answers. Returns whether the pair was added.
    pub fn push_guarded(&mut self, pair: &Pair) -> bool {
        let Pair {
            contact_id,
            guard,
            then,
            id_at,
        } = pair;
        if guard.has_reference() || then.has_reference() || then.params.contains_key("id") {
            return false;
        }
        // The leading zero is vital. A reference that does not resolve yields the last node reached;
        // after a guard that failed that is the whole result map, whose integer value is 1, and the
        // update would hit contact 1. Behind a zero every such text is the number 0: refused.
        let id = format!("0$result[{GUARD}{contact_id}]{id_at}");
        let then = then.clone().with("id", id);
        self.push_raw(vec![
            (
                format!("{GUARD}{contact_id}"),
                guard.method,
                guard.command(),
            ),
            (format!("{UPDATE}{contact_id}"), then.method, then.command()),
        ])
    }

    /// Adds the next page of a walk by id (`contacts::walk`): it begins behind the last row of the
    /// page that `previous` answers, see [`contacts::behind`]. Returns whether it was added.
    pub fn push_following(
        &mut self,
        key: impl Into<String>,
        family: Family,
        page: &Call,
        previous: &str,
    ) -> bool {
        if page.has_reference() {
            return false;
        }
        let page = contacts::behind(family, page, previous);
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

/// A command as the limits see it: a list under a guard's key is a guard.
fn step(key: &str, method: &'static str) -> Step {
    let number = key.strip_prefix(GUARD).unwrap_or_default();
    let guards = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    Step {
        method,
        guard: guards && Family::ALL.iter().any(|family| method == family.list()),
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

    /// Whether the answer mentions a command whose outcome was not taken yet.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.commands.contains_key(key)
    }

    /// The outcome of a conditional pair.
    #[must_use]
    pub fn take_guarded(&mut self, contact_id: u64) -> Guarded {
        let (guard_key, key) = (
            format!("{GUARD}{contact_id}"),
            format!("{UPDATE}{contact_id}"),
        );
        let method = |key: &str| self.methods.get(key).copied().unwrap_or_default();
        let (list, then) = (method(&guard_key), method(&key));
        let held = |guard: &Reply| contacts::holds(list, &guard.result);
        match (self.take(&guard_key), self.take(&key)) {
            // Where it is not what the method promises the update may have been made, or not.
            (_, Ok(reply)) => match contacts::expect_done(then, &reply.result, contact_id) {
                Ok(()) => Guarded::Written,
                Err(problem) => Guarded::Failed(problem),
            },
            (Err(missing @ Problem::NotOffered(_)), Err(_)) => Guarded::Failed(missing),
            // In whatever words: there was no contact to update.
            (Ok(guard), Err(problem)) if !held(&guard) && !problem.is_temporary() => {
                Guarded::Touched
            }
            (Ok(_), Err(Problem::InvalidId(_))) => Guarded::Misread,
            (Err(_), Err(Problem::InvalidId(_))) => Guarded::Unguarded,
            (_, Err(problem)) => Guarded::Failed(problem),
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

    /// How a pair ends whose guard answers `guard`, and whose update is refused.
    fn outcome(family: Family, guard: &Value, (code, text): (&str, &str)) -> Guarded {
        let error = json!({"error": code, "error_description": text});
        pair(
            family,
            json!({"result": {"g82": guard}, "result_error": {"u82": error}}),
        )
    }

    /// How a pair ends whose batch answers `members`.
    fn pair(family: Family, members: Value) -> Guarded {
        let mut batch = Batch::new();
        let fields = [("NAME", "Anna".to_owned())];
        let modified = "2026-01-05T10:00:00+03:00";
        batch.push_guarded(&contacts::guarded_update(family, 82, modified, &fields));
        let answer = batch.read(Reply {
            result: members,
            total: None,
            time: Time::default(),
        });
        answer.map_or(Guarded::Unguarded, |mut answer| answer.take_guarded(82))
    }

    /// Catches a refused guard that is taken for a contact that is gone, or refused for good.
    #[test]
    fn a_refused_guard_counts_in_whatever_words_the_update_is_refused() {
        let texts = [
            ("", "ID is not defined or invalid."),
            (
                "100",
                "Invalid value {0Array} to match with parameter {id}.",
            ),
            ("", "Contact is not found"),
            ("NOT_FOUND", ""),
            ("", "Access denied."),
            ("", "Something else"),
            ("", ""),
        ];
        for said in texts {
            let (classic, universal) = (json!([]), json!({"items": []}));
            for (family, none) in [(Family::Classic, classic), (Family::Universal, universal)] {
                assert_eq!(outcome(family, &none, said), Guarded::Touched, "{said:?}");
            }
        }
        let (classic, universal) = (json!([{"ID": "82"}]), json!({"items": [{"id": 82}]}));
        for (family, held) in [(Family::Classic, classic), (Family::Universal, universal)] {
            assert_eq!(outcome(family, &held, texts[0]), Guarded::Misread);
            assert_eq!(outcome(family, &held, texts[1]), Guarded::Misread);
            let gone = Guarded::Failed(Problem::Gone);
            assert_eq!(outcome(family, &held, texts[2]), gone);
        }
    }

    /// Catches an answer that is taken for a write which was made.
    #[test]
    fn an_update_that_answers_something_else_is_looked_at_again() {
        let ended = |family, guard: &Value, update: Value| {
            pair(family, json!({"result": {"g82": guard, "u82": update}}))
        };
        let held = json!([{"ID": "82"}]);
        assert_eq!(ended(Family::Classic, &held, json!(true)), Guarded::Written);
        let held = json!({"items": [{"id": 82}]});
        let item = json!({"item": {"id": 82, "name": "Anna"}});
        assert_eq!(ended(Family::Universal, &held, item), Guarded::Written);
        for odd in [
            json!(null),
            json!([]),
            json!(false),
            json!({"item": {"id": 1}}),
        ] {
            for family in Family::ALL {
                let ended = ended(family, &held, odd.clone());
                let unclear = matches!(ended, Guarded::Failed(Problem::Unclear(_)));
                assert!(unclear, "{family} {odd}");
            }
        }
    }
}
