//! The host's conditions stand on a page beside the state file, as most of them are about it.

use std::path::Path;

use crate::{
    condition::{Condition, Kind},
    store::{read_aside, write_aside},
};

/// The host's conditions as whoever holds the drain lock wrote them down. Without a holder those that are
/// about its own life say nothing any more.
#[must_use]
pub fn read(store: &Path, held: bool) -> Vec<Condition> {
    let page = match read_aside(store) {
        Ok(page) => page,
        Err(error) => {
            tracing::debug!(%error, "the page beside the state file cannot be read");
            return Vec::new();
        }
    };
    // A page that is being written, or that a newer version has written, is none.
    let written: Vec<Condition> = serde_json::from_str(&page).unwrap_or_default();
    let outlives = |it: &Condition| matches!(it.kind, Kind::Metrics | Kind::Heartbeat);
    written
        .into_iter()
        .filter(|it| held || outlives(it))
        .collect()
}

/// Writes them down. Where that fails there are the service manager, the log and the metrics.
pub(super) fn write(store: &Path, conditions: &[Condition]) {
    let written = serde_json::to_string(conditions)
        .map_err(std::io::Error::other)
        .and_then(|text| write_aside(store, &text));
    if let Err(error) = written {
        tracing::debug!(%error, "the page beside the state file cannot be written");
    }
}
