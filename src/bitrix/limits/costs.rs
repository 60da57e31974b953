//! What a command takes, in seconds of the portal's time, as measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Load, Step};

/// What an update is taken to cost before the first was measured, in seconds.
const GUESSED_UPDATE: f64 = 0.3;

/// The same for a page of fifty contacts.
const GUESSED_PAGE: f64 = 0.2;

/// Seconds a command takes, by its name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Costs(BTreeMap<String, f64>);

impl Costs {
    /// What one such command takes.
    pub(super) fn of(&self, step: Step) -> f64 {
        let known = self.0.get(step.name()).copied();
        known.unwrap_or(match step {
            step if step.updates() => GUESSED_UPDATE,
            step if step.pages() => GUESSED_PAGE,
            _ => 0.0,
        })
    }

    /// What a whole load takes.
    pub(super) fn of_load(&self, load: &Load) -> f64 {
        load.steps
            .iter()
            .map(|(step, count)| self.of(*step) * *count as f64)
            .sum()
    }

    /// Several such commands of one request took `seconds` on average.
    pub(super) fn measured(&mut self, step: Step, seconds: f64) {
        let cost = match self.0.get(step.name()).copied() {
            None => seconds,
            // Quick to believe that the portal got slower, slow to believe the opposite.
            Some(known) if seconds > known => (known + seconds) / 2.0,
            Some(known) => known * 0.7 + seconds * 0.3,
        };
        self.0.insert(step.name().to_owned(), cost);
    }

    /// A request was cut off after `seconds`: its commands take at least that long together.
    pub(super) fn cut_off(&mut self, load: &Load, seconds: f64) {
        let expected = self.of_load(load);
        if expected <= 0.0 || seconds <= expected {
            return;
        }
        for step in load.steps.keys() {
            let cost = self.of(*step) * seconds / expected;
            self.0.insert(step.name().to_owned(), cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitrix::contacts::Family;

    const GUARD: Step = Step::guard(Family::Classic);
    const UPDATE: Step = Step::update(Family::Classic);
    const PAGE: Step = Step::page(Family::Classic);

    #[test]
    fn guards_pages_and_updates_are_measured_apart() {
        let mut costs = Costs::default();
        costs.measured(GUARD, 0.01);
        costs.measured(PAGE, 0.5);
        costs.measured(UPDATE, 0.2);
        let of = |step| costs.of(step);
        assert_eq!([of(GUARD), of(PAGE), of(UPDATE)], [0.01, 0.5, 0.2]);
        assert!((costs.of_load(&Load::writing(1, Family::Classic)) - 0.21).abs() < 1e-9);
    }

    #[test]
    fn slower_is_believed_sooner_than_faster() {
        let mut costs = Costs::default();
        costs.measured(UPDATE, 1.0);
        costs.measured(UPDATE, 3.0);
        assert!((costs.of(UPDATE) - 2.0).abs() < 1e-9);
        costs.measured(UPDATE, 0.0);
        assert!((costs.of(UPDATE) - 1.4).abs() < 1e-9);
    }

    #[test]
    fn a_request_that_was_cut_off_took_at_least_that_long() {
        let mut costs = Costs::default();
        let load = Load::batch([GUARD, UPDATE, GUARD, UPDATE]);
        costs.cut_off(&load, 60.0);
        assert!((costs.of(UPDATE) - 30.0).abs() < 1e-9);
        costs.cut_off(&load, 1.0);
        assert!((costs.of(UPDATE) - 30.0).abs() < 1e-9);
    }
}
