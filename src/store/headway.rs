//! How the drains of a portal get on: when the last one succeeded, and how far the running one is.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{PortalId, Store, StoreFault, millis, moment};

/// How the drains of a portal get on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headway {
    /// When the last drain ended that did not fail, to the minute.
    pub succeeded_at: Option<Timestamp>,
    /// The drain that is running, where it has come so far that it was worth noting.
    pub running: Option<RunningDrain>,
}

/// A drain that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunningDrain {
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last seen to get on.
    pub seen_at: Timestamp,
    /// Events settled so far.
    pub events: u64,
    /// Contacts changed so far.
    pub changed: u64,
    /// Events that are left, where that is known.
    pub left: Option<u64>,
}

impl Store {
    /// How the drains of a portal get on.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn headway(&self, portal: PortalId) -> Result<Headway, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT succeeded_at, began_at, seen_at, events, changed, left_over FROM headway
                 WHERE portal_id = ?1",
                params![portal.0],
                |row| {
                    let at = |column| row.get::<_, Option<i64>>(column).map(|it| it.map(moment));
                    let count = |column| row.get::<_, Option<i64>>(column);
                    let (events, changed, left) = (count(3)?, count(4)?, count(5)?);
                    let running = at(1)?.zip(at(2)?).map(|(began_at, seen_at)| RunningDrain {
                        began_at,
                        seen_at,
                        events: events.unwrap_or(0).unsigned_abs(),
                        changed: changed.unwrap_or(0).unsigned_abs(),
                        left: left.map(i64::unsigned_abs),
                    });
                    Ok(Headway {
                        succeeded_at: at(0)?,
                        running,
                    })
                },
            )
            .optional()
            .map(Option::unwrap_or_default)
        })
        .await
    }

    /// Stores how the drains of a portal get on. Not worth a wait for the disk.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_headway(&self, portal: PortalId, headway: Headway) -> Result<(), StoreFault> {
        self.write_relaxed(move |db| {
            let running = headway.running;
            db.execute(
                "INSERT OR REPLACE INTO headway
                   (portal_id, succeeded_at, began_at, seen_at, events, changed, left_over)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    portal.0,
                    headway.succeeded_at.map(millis),
                    running.map(|it| millis(it.began_at)),
                    running.map(|it| millis(it.seen_at)),
                    running.map(|it| it.events as i64),
                    running.map(|it| it.changed as i64),
                    running.and_then(|it| it.left).map(|left| left as i64)
                ],
            )
            .map(drop)
        })
        .await
    }
}
