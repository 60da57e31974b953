//! What the log is told of conditions: a line when one begins, when it changes, and when it ends.

use jiff::Timestamp;

use crate::condition::{Acts, Change};

/// Tells the log what has become of a condition of a portal, or of the host.
pub(super) fn log(portal: Option<&str>, change: Change<'_>, now: Timestamp) {
    match change {
        Change::Began(it) | Change::Changed(it) => {
            let (kind, text) = (it.kind.as_str(), &it.text);
            let (remedy, since) = (it.advice(), format!("{:.0}", it.since));
            // What stops work is worth a warning also where it passes by itself.
            if it.acts == Acts::Person || it.kind.is_on_the_way() {
                tracing::warn!(portal, kind, since, remedy, "{text}");
            } else {
                tracing::info!(portal, kind, since, remedy, "{text}");
            }
        }
        Change::Ended(it) => {
            let (kind, seconds) = (it.kind.as_str(), now.duration_since(it.since).as_secs());
            tracing::info!(portal, kind, seconds, "working again; over: {}", it.text);
        }
    }
}
