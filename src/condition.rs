//! What is not as it should be: one list of conditions that status, monitoring, metrics, log, the
//! service manager and `doctor` show in the same words. Pure.
//!
//! Whoever decides about a problem names it as a [`Trouble`]: its kind, what the other side said, and
//! when it is tried again. With the moment at which it began it is a [`Condition`], which is what is
//! stored and shown. A [`Kind`] knows who acts, whether work stops, and the words.

mod change;
mod kind;
mod trouble;
mod words;
mod written;

use jiff::Timestamp;

pub use change::{Change, changes};
pub use kind::Kind;
pub use trouble::Trouble;
pub use words::{Words, table};

use crate::clock::seconds_between;

/// After this long on the way to a portal a person has to look, in seconds.
const LONGEST_OUTAGE_SECONDS: f64 = 86_400.0;

/// For so long another process may keep the state file locked before a person has to look, in seconds.
const LONGEST_LOCK_SECONDS: f64 = 60.0;

/// Who has to do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acts {
    /// Somebody: nothing changes before.
    Person,
    /// The program, by itself.
    Program,
}

impl Acts {
    /// The word of the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Program => "program",
        }
    }

    /// The one of that word; a person where it is unknown, who is told rather too often.
    #[must_use]
    pub fn named(word: &str) -> Self {
        match word == Self::Program.as_str() {
            true => Self::Program,
            false => Self::Person,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is.
    pub kind: Kind,
    /// When it began.
    pub since: Timestamp,
    /// What is so, with what the other side said; volatile words stand late.
    pub text: String,
    /// A command or a step that works as printed; empty where nothing is to be done.
    pub remedy: String,
    /// Who acts.
    pub acts: Acts,
    /// When the program tries again, where it knows.
    pub next_try_at: Option<Timestamp>,
}

impl Condition {
    /// The condition as it is at `now`: what the program puts right by itself becomes a person's where
    /// it has lasted too long. `portal` is whose it is, for the remedy.
    #[must_use]
    pub fn at(mut self, now: Timestamp, portal: Option<&str>) -> Self {
        let lasted = seconds_between(self.since, now);
        let longest = match self.kind {
            kind if kind.is_on_the_way() => LONGEST_OUTAGE_SECONDS,
            Kind::StateLocked => LONGEST_LOCK_SECONDS,
            _ => return self,
        };
        if self.acts == Acts::Program && lasted >= longest {
            self.acts = Acts::Person;
            self.remedy = self.kind.remedy(portal);
        }
        self
    }

    /// Whether nothing is worked on while it lasts, at `now`.
    #[must_use]
    pub fn stops_work(&self, now: Timestamp) -> bool {
        let lasted = seconds_between(self.since, now);
        match self.kind {
            kind if kind.is_on_the_way() => lasted >= LONGEST_OUTAGE_SECONDS,
            Kind::StateLocked => lasted >= LONGEST_LOCK_SECONDS,
            kind => kind.stops_work(),
        }
    }

    /// Whether a person has to act before any work is done.
    #[must_use]
    pub fn is_grave(&self, now: Timestamp) -> bool {
        self.acts == Acts::Person && self.stops_work(now)
    }

    /// What has to be done, in words: the remedy, or that there is nothing to do.
    #[must_use]
    pub fn advice(&self) -> String {
        match (self.remedy.as_str(), self.next_try_at) {
            ("", Some(next)) => format!("nothing to do; next try at {next:.0}"),
            ("", None) => "nothing to do".to_owned(),
            (remedy, _) => remedy.to_owned(),
        }
    }
}

/// Puts conditions in the order in which they are shown: a person's that stop work, other persons',
/// the program's; older first.
pub fn sort(conditions: &mut [Condition], now: Timestamp) {
    conditions.sort_by_key(|it| (!it.is_grave(now), it.acts, it.since, it.kind));
}
