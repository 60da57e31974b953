//! What each of several portals answered to a command that asks them all: one that cannot be asked
//! hides nothing of the others.

use std::io::{self, Write};

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use crate::{
    cli::{
        exit::{Exit, exit_of, first_of},
        text::{WIDTH, wrapped},
    },
    config::PortalConfig,
};

/// A portal's answer, or why there is none.
pub(super) struct Answered<T> {
    name: String,
    /// What was found.
    pub(super) found: anyhow::Result<T>,
}

impl<T> Answered<T> {
    /// What was found at `portal`.
    pub(super) fn new(portal: &PortalConfig, found: anyhow::Result<T>) -> Self {
        Self {
            name: portal.name.clone(),
            found,
        }
    }

    /// Tells people why there is no answer.
    pub(super) fn write_error(&self, out: &mut dyn Write) -> io::Result<()> {
        let Err(error) = &self.found else {
            return Ok(());
        };
        let text = format!("{error:#}");
        let said = match text.starts_with(&format!("{}: ", self.name)) {
            true => text,
            false => format!("{}: {text}", self.name),
        };
        for line in wrapped(&said, WIDTH) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

impl<T: Serialize> Serialize for Answered<T> {
    /// What was found; or `name` and `error`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.found {
            Ok(found) => found.serialize(serializer),
            Err(error) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("name", &self.name)?;
                map.serialize_entry("error", &format!("{error:#}"))?;
                map.end()
            }
        }
    }
}

/// The exit code of the worst answer.
pub(super) fn exit_of_all<T>(answers: &[Answered<T>]) -> Exit {
    let errors = answers.iter().filter_map(|it| it.found.as_ref().err());
    first_of(errors.map(exit_of))
}
