//! A problem as whoever decides about it names it.

use jiff::Timestamp;

use super::{Acts, Condition, Kind, words};

/// A problem: its kind and what was said, without when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: Kind,
    /// What the other side said, or how much there is of it; may be empty.
    pub said: String,
    /// Another remedy than the kind's usual one, with `NAME` for the portal.
    remedy: Option<String>,
    acts: Acts,
    next_try_at: Option<Timestamp>,
}

impl Trouble {
    /// A problem of that kind, without anything that was said.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            said: String::new(),
            remedy: None,
            acts: kind.acts(),
            next_try_at: None,
        }
    }

    /// A problem of that kind, with what was said of it.
    #[must_use]
    pub fn said(kind: Kind, said: impl Into<String>) -> Self {
        Self {
            said: said.into(),
            ..Self::new(kind)
        }
    }

    /// With another remedy than the kind's usual one; `NAME` in it stands for the portal's name.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// With somebody else to act than usual.
    #[must_use]
    pub fn acted_on_by(self, acts: Acts) -> Self {
        Self { acts, ..self }
    }

    /// With the moment at which it is tried again.
    #[must_use]
    pub fn tried_again_at(self, moment: Timestamp) -> Self {
        Self {
            next_try_at: Some(moment),
            ..self
        }
    }

    /// The moment at which it is tried again, where that is known.
    #[must_use]
    pub fn next_try_at(&self) -> Option<Timestamp> {
        self.next_try_at
    }

    /// The condition that began at `since`, of the portal of that name, or of the host.
    #[must_use]
    pub fn since(&self, since: Timestamp, portal: Option<&str>) -> Condition {
        let remedy = match (&self.remedy, self.acts) {
            (Some(remedy), _) => words::for_portal(remedy, portal),
            (None, Acts::Person) => self.kind.remedy(portal),
            (None, Acts::Program) => String::new(),
        };
        Condition {
            kind: self.kind,
            since,
            text: self.to_string(),
            remedy,
            acts: self.acts,
            next_try_at: self.next_try_at,
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let says = self.kind.says();
        match self.said.as_str() {
            "" => f.write_str(says),
            // Whoever said it has found the same words.
            said if said.starts_with(says) => f.write_str(said),
            said => write!(f, "{says}: {said}"),
        }
    }
}
