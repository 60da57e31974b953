//! Every field that was written, before and after.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{PortalId, RunId, RunKind, Store, StoreFault, millis, moment};

/// One field about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentChange {
    /// The contact.
    pub contact_id: u64,
    /// The field's name in the portal.
    pub field: String,
    /// The value that was read.
    pub old: String,
    /// The value that is sent.
    pub new: String,
    /// The rules that decided, by name.
    pub rule: String,
}

/// One field that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When it was sent.
    pub at: Timestamp,
    /// The run that wrote it.
    pub run: RunId,
    /// What kind of run that was.
    pub kind: String,
    /// What was written.
    pub sent: SentChange,
    /// False where the portal's answer never arrived.
    pub confirmed: bool,
}

/// Which changes to show.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Of this contact alone.
    pub contact_id: Option<u64>,
    /// Of this run alone.
    pub run: Option<RunId>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Decided by this rule.
    pub rule: Option<String>,
}

/// Changes read at once.
const PAGE: u32 = 1000;

/// Changes removed in one transaction, which holds up everybody else.
const PRUNED_AT_ONCE: i64 = 10_000;

// Both by the index of such rows: there are few, however long the history.
const UNANSWERED: &str =
    "SELECT * FROM change WHERE portal_id = ?1 AND outcome = 'sent' ORDER BY contact_id, id";
const UNANSWERED_OF: &str = "SELECT * FROM change
     WHERE portal_id = ?1 AND contact_id = ?2 AND outcome = 'sent' ORDER BY id";

impl Store {
    /// Writes down what is about to be sent, before it is sent.
    ///
    /// # Errors
    /// A fault of the state file: the write must not be sent then.
    pub async fn changes_sent(
        &self,
        portal: PortalId,
        run: RunId,
        kind: RunKind,
        changes: &[SentChange],
        now: Timestamp,
    ) -> Result<(), StoreFault> {
        let changes = changes.to_vec();
        self.write(move |db| {
            let mut insert = db.prepare(
                "INSERT INTO change (portal_id, run_id, at, contact_id, field, old, new, rule, kind, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'sent')",
            )?;
            for change in &changes {
                insert.execute(params![
                    portal.0,
                    run.0,
                    millis(now),
                    change.contact_id as i64,
                    change.field,
                    change.old,
                    change.new,
                    change.rule,
                    kind.as_str()
                ])?;
            }
            Ok(())
        }).await
    }

    /// Notes what became of the writes to contacts that were sent last: confirmed for `written`,
    /// struck out for `refused`.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn changes_answered(
        &self,
        portal: PortalId,
        written: &[u64],
        refused: &[u64],
    ) -> Result<(), StoreFault> {
        if written.is_empty() && refused.is_empty() {
            return Ok(());
        }
        // An answer that is forgotten in a failure of the machine is found out again by a read.
        let written = written.to_vec();
        let refused = refused.to_vec();
        self.write_relaxed(move |db| {
            let mut confirm = db.prepare(
                "UPDATE change SET outcome = 'written'
                 WHERE portal_id = ?1 AND contact_id = ?2 AND outcome = 'sent'",
            )?;
            for contact in &written {
                confirm.execute(params![portal.0, *contact as i64])?;
            }
            let mut strike = db.prepare(
                "DELETE FROM change WHERE portal_id = ?1 AND contact_id = ?2 AND outcome = 'sent'",
            )?;
            for contact in &refused {
                strike.execute(params![portal.0, *contact as i64])?;
            }
            Ok(())
        })
        .await
    }

    /// The writes whose answer never arrived, by contact.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn unanswered_changes(
        &self,
        portal: PortalId,
    ) -> Result<Vec<SentChange>, StoreFault> {
        self.read(move |db| {
            db.prepare(UNANSWERED)?
                .query_map(params![portal.0], sent_change)?
                .collect()
        })
        .await
    }

    /// The writes to one contact whose answer never arrived.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn unanswered_changes_of(
        &self,
        portal: PortalId,
        contact: u64,
    ) -> Result<Vec<SentChange>, StoreFault> {
        self.read(move |db| {
            db.prepare(UNANSWERED_OF)?
                .query_map(params![portal.0, contact as i64], sent_change)?
                .collect()
        })
        .await
    }

    /// How many writes a contact has seen from `since` to `now`, undoing left out. Writes that a clock
    /// set wrong has dated later do not count.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn writes_since(
        &self,
        portal: PortalId,
        contact: u64,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u32, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT count(DISTINCT at) FROM change
                 WHERE portal_id = ?1 AND contact_id = ?2 AND at > ?3 AND at <= ?4
                   AND kind <> 'undo'",
            )?
            .query_row(
                params![portal.0, contact as i64, millis(since), millis(now)],
                |row| row.get(0),
            )
        })
        .await
    }

    /// How many contacts were written in the whole portal from `since` to `now`, undoing left out.
    /// Later ones do not count, as in [`Store::writes_since`].
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn contacts_written_since(
        &self,
        portal: PortalId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<u32, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT count(*) FROM (SELECT DISTINCT contact_id, at FROM change
                 WHERE portal_id = ?1 AND at > ?2 AND at <= ?3 AND kind <> 'undo')",
            )?
            .query_row(params![portal.0, millis(since), millis(now)], |row| {
                row.get(0)
            })
        })
        .await
    }

    /// When the `nth` contact (from 0) since `since` was written, oldest first, undoing left out.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn nth_contact_written_since(
        &self,
        portal: PortalId,
        since: Timestamp,
        nth: u32,
    ) -> Result<Option<Timestamp>, StoreFault> {
        self.read(move |db| {
            db.prepare(
                "SELECT DISTINCT at, contact_id FROM change
                 WHERE portal_id = ?1 AND at > ?2 AND kind <> 'undo' ORDER BY at LIMIT 1 OFFSET ?3",
            )?
            .query_row(params![portal.0, millis(since), nth], |row| {
                row.get(0).map(moment)
            })
            .optional()
        })
        .await
    }

    /// Passes every change that fits `filter` to `each`, newest first, until it says to break off.
    /// Between pages nothing is held open, so that `each` may take its time.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn for_each_change(
        &self,
        portal: PortalId,
        filter: &ChangeFilter,
        mut each: impl FnMut(Change) -> ControlFlow<()>,
    ) -> Result<(), StoreFault> {
        let mut before = i64::MAX;
        loop {
            let page = self.changes_before(portal, filter, before).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            before = *last;
            for (_, change) in page {
                if each(change).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// The newest changes below a number in the history, each with its own.
    async fn changes_before(
        &self,
        portal: PortalId,
        filter: &ChangeFilter,
        before: i64,
    ) -> Result<Vec<(i64, Change)>, StoreFault> {
        // A few changes of one contact are found and sorted; all others are read in their order.
        let of_portal = match filter.contact_id {
            Some(_) => "portal_id = ?1 AND contact_id = ?2",
            None => "+portal_id = ?1 AND ?2 IS NULL",
        };
        let filter = filter.clone();
        self.read(move |db| {
            db.prepare(&format!(
                "SELECT * FROM change WHERE {of_portal} AND (?3 IS NULL OR run_id = ?3)
                   AND (?4 IS NULL OR +at >= ?4) AND (?5 IS NULL OR +at < ?5)
                   AND (?6 IS NULL OR instr(',' || rule || ',', ',' || ?6 || ',') > 0)
                   AND id < ?7
                 ORDER BY id DESC LIMIT {PAGE}"
            ))?
            .query_map(
                params![
                    portal.0,
                    filter.contact_id.map(|id| id as i64),
                    filter.run.map(|run| run.0),
                    filter.since.map(millis),
                    filter.until.map(millis),
                    filter.rule,
                    before
                ],
                |row| {
                    let change = Change {
                        at: moment(row.get("at")?),
                        run: RunId(row.get("run_id")?),
                        kind: row.get("kind")?,
                        confirmed: row.get::<_, String>("outcome")? == "written",
                        sent: sent_change(row)?,
                    };
                    Ok((row.get("id")?, change))
                },
            )?
            .collect()
        })
        .await
    }

    /// Removes what is older than `before`: old and new names are personal data. Returns whether
    /// there is more of it than fits one transaction.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn prune_history(
        &self,
        portal: PortalId,
        before: Timestamp,
    ) -> Result<bool, StoreFault> {
        let gone = self
            .write(move |db| {
                let gone = db.execute(
                    "DELETE FROM change WHERE id IN
                       (SELECT id FROM change WHERE portal_id = ?1 AND at < ?2 LIMIT ?3)",
                    params![portal.0, millis(before), PRUNED_AT_ONCE],
                )?;
                db.execute(
                    "DELETE FROM run WHERE portal_id = ?1 AND started_at < ?2
                       AND id < (SELECT max(id) FROM run WHERE portal_id = ?1)",
                    params![portal.0, millis(before)],
                )?;
                Ok(gone as i64)
            })
            .await?;
        let more = gone >= PRUNED_AT_ONCE;
        if gone > 0 && !more {
            self.empty_log().await?;
        }
        Ok(more)
    }
}

fn sent_change(row: &Row<'_>) -> rusqlite::Result<SentChange> {
    Ok(SentChange {
        contact_id: row.get::<_, i64>("contact_id")?.unsigned_abs(),
        field: row.get("field")?,
        old: row.get("old")?,
        new: row.get("new")?,
        rule: row.get("rule")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked at each drain must not take longer from year to year.
    #[test]
    fn unanswered_changes_are_found_without_reading_the_history() {
        let db = rusqlite::Connection::open_in_memory().unwrap_or_else(|_| unreachable!());
        let made = db.execute_batch(include_str!("schema.sql"));
        assert_eq!(made, Ok(()));
        for statement in [UNANSWERED, UNANSWERED_OF] {
            let plan: rusqlite::Result<String> = db.query_row(
                &format!("EXPLAIN QUERY PLAN {statement}"),
                rusqlite::params_from_iter((0..statement.matches('?').count()).map(|_| 1)),
                |row| row.get("detail"),
            );
            let plan = plan.unwrap_or_else(|error| error.to_string());
            assert!(plan.contains("change_unanswered"), "{plan}");
        }
    }
}
