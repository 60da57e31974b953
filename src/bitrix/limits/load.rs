//! What a request will run, as the limits see it.

use std::collections::BTreeMap;

use crate::bitrix::contacts::Family;

/// A command, as the limits see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Its method, under whose name its time may be booked.
    pub method: &'static str,
    /// Whether it is the guard of a conditional pair: a list of one row, which costs far less than a
    /// page.
    pub guard: bool,
}

impl Step {
    /// A call of a method.
    #[must_use]
    pub const fn call(method: &'static str) -> Self {
        Self {
            method,
            guard: false,
        }
    }

    /// The guard of a conditional pair.
    #[must_use]
    pub const fn guard(family: Family) -> Self {
        Self {
            method: family.list(),
            guard: true,
        }
    }

    /// An update of a contact.
    #[must_use]
    pub const fn update(family: Family) -> Self {
        Self::call(family.update())
    }

    /// A page of contacts.
    #[must_use]
    pub const fn page(family: Family) -> Self {
        Self::call(family.list())
    }

    /// The name under which its cost is kept. A guard reads one row in either family.
    pub(super) fn name(self) -> &'static str {
        if self.guard { "guard" } else { self.method }
    }

    /// Whether it updates a contact.
    pub(super) fn updates(self) -> bool {
        Family::ALL
            .iter()
            .any(|family| self == Self::update(*family))
    }

    /// Whether it reads a page of contacts.
    pub(super) fn pages(self) -> bool {
        Family::ALL.iter().any(|family| self == Self::page(*family))
    }
}

/// What a request will run, and how often each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    pub(super) steps: BTreeMap<Step, usize>,
    pub(super) batch: bool,
}

impl Load {
    /// The load of a single call.
    #[must_use]
    pub fn call(method: &'static str) -> Self {
        Self {
            steps: BTreeMap::from([(Step::call(method), 1)]),
            batch: false,
        }
    }

    /// The load of a batch of these commands.
    #[must_use]
    pub fn batch(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut counted = BTreeMap::new();
        for step in steps {
            *counted.entry(step).or_insert(0) += 1;
        }
        Self {
            steps: counted,
            batch: true,
        }
    }

    /// The load of a batch that writes so many contacts, each under its guard.
    #[must_use]
    pub fn writing(contacts: usize, family: Family) -> Self {
        let (guard, update) = (Step::guard(family), Step::update(family));
        Self {
            steps: BTreeMap::from([(guard, contacts), (update, contacts)]),
            batch: true,
        }
    }

    /// Whether it writes contacts.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.steps.keys().any(|step| step.guard || step.updates())
    }
}
