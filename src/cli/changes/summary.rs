//! What a list of changes comes to: how many, by which rules, for example.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::text::{quoted, width},
    contact::FieldChange,
};

/// Examples kept for each rule.
const EXAMPLES: usize = 3;

/// Counts of changes. It can be stored, so that a walk that was interrupted goes on counting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChangeSummary {
    /// Contacts that change.
    pub contacts: u64,
    /// Fields that change.
    pub fields: u64,
    by_rule: BTreeMap<String, RuleSummary>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct RuleSummary {
    fields: u64,
    examples: Vec<(String, String)>,
}

impl ChangeSummary {
    /// Counts a contact that changes.
    pub(super) fn add(&mut self, changes: &[FieldChange]) {
        self.contacts += 1;
        for change in changes {
            self.fields += 1;
            for rule in change.rules.split(',') {
                let rule = self.by_rule.entry(rule.to_owned()).or_default();
                rule.fields += 1;
                if rule.examples.len() < EXAMPLES {
                    rule.examples.push((change.old.clone(), change.new.clone()));
                }
            }
        }
    }

    /// The rules with their fields and examples, the busiest first, for people.
    pub(super) fn write_rules(&self, out: &mut (dyn Write + Send)) -> io::Result<()> {
        let mut rules: Vec<(&String, &RuleSummary)> = self.by_rule.iter().collect();
        rules.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.fields));
        for (name, rule) in rules {
            writeln!(out, "  {:>7}  {name}", rule.fields)?;
            for (old, new) in &rule.examples {
                let (old, new) = (quoted(old), quoted(new));
                if width(&old) + width(&new) <= 62 {
                    writeln!(out, "             {old} -> {new}")?;
                } else {
                    writeln!(out, "             {old}\n          -> {new}")?;
                }
            }
        }
        Ok(())
    }

    /// The same for programs.
    pub(super) fn rules(&self) -> serde_json::Value {
        let rule = |(name, rule): (&String, &RuleSummary)| {
            let examples: Vec<_> = rule
                .examples
                .iter()
                .map(|(old, new)| serde_json::json!({"old": old, "new": new}))
                .collect();
            serde_json::json!({"rule": name, "fields": rule.fields, "examples": examples})
        };
        self.by_rule.iter().map(rule).collect()
    }
}
