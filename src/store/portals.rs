//! Authorised portals and their tokens.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params, params};
use secrecy::{ExposeSecret, SecretString};

use super::{Store, StoreFault, millis, moment};

/// The store's own number of an authorised portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortalId(pub(super) i64);

impl std::fmt::Display for PortalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A pair of tokens and what came with it.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The portal's lasting id; it survives a rename of the portal.
    pub member_id: String,
    /// The REST address, ending in `/rest/`.
    pub endpoint: String,
    /// The authorisation server's own word on its address.
    pub server_endpoint: Option<String>,
    /// The access token, valid for an hour.
    pub access: SecretString,
    /// The refresh token; each renewal replaces it.
    pub refresh: SecretString,
    /// When the access token ends, where that is known.
    pub access_expires_at: Option<Timestamp>,
    /// The account behind the tokens, where it is known.
    pub user_id: Option<u64>,
}

/// What was learnt about a portal's plan and abilities; `None` is "not known yet".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanFacts {
    /// `rest_offline_extended`: events can be reserved with `clear: 0`.
    pub plan_confirms: Option<bool>,
    /// `rest_auth_connector`: calls may carry `auth_connector`.
    pub plan_connector: Option<bool>,
    /// Conditional updates were seen to work here.
    pub guards_work: Option<bool>,
    /// When they were tried last, where they did not work.
    pub guards_tried_at: Option<Timestamp>,
    /// The portal has `crm.item.*` for contacts.
    pub has_items: Option<bool>,
    /// Contacts are read and written by `crm.item.*`; false: by `crm.contact.*`. What is known of
    /// conditional updates is known of these.
    pub uses_items: Option<bool>,
}

/// An authorised portal as the store knows it.
#[derive(Debug, Clone)]
pub struct PortalRecord {
    /// The store's own number.
    pub id: PortalId,
    /// The application's id.
    pub client_id: String,
    /// The configured address when the tokens were stored.
    pub url: String,
    /// The tokens.
    pub tokens: Tokens,
    /// When this pair was stored.
    pub stored_at: Timestamp,
    /// When a person last brought a pair; renewals leave it as it is.
    pub imported_at: Option<Timestamp>,
    /// Why these tokens may not be used for a drain, if so.
    pub unverified: Option<String>,
    /// Why the portal no longer accepts us, if so.
    pub lost: Option<String>,
    /// What was learnt about the plan.
    pub facts: PlanFacts,
    /// Since when the portal is paused, if it is.
    pub paused_at: Option<Timestamp>,
    /// Until when writing rests because of `max_changes_per_hour`.
    pub braked_until: Option<Timestamp>,
    /// We bound the queue without a connector, because the plan lacks the configured one's feature;
    /// it has to be unbound when the connector is back.
    pub stand_in: bool,
}

impl Store {
    /// Stores a pair of tokens that an import or a login brought, replacing any older pair of the
    /// same application on the same portal.
    ///
    /// # Errors
    /// A fault of the state file; nothing is stored then.
    pub async fn store_tokens(
        &self,
        client_id: &str,
        url: &str,
        tokens: &Tokens,
        unverified: Option<&str>,
        now: Timestamp,
    ) -> Result<PortalId, StoreFault> {
        let client_id = client_id.to_owned();
        let url = url.to_owned();
        let tokens = tokens.clone();
        let unverified = unverified.map(str::to_owned);
        self.write(move |db| {
            // A number that was once given means this portal for ever: others may still hold it.
            let id: i64 = db.query_row(
                "INSERT INTO portal (id, member_id, client_id, url, endpoint, server_endpoint, access_token,
                   refresh_token, access_expires_at, user_id, stored_at, imported_at, unverified)
                 VALUES ((SELECT max(id) + 1 FROM last_portal), :member, :client, :url, :endpoint, :server, :access, :refresh, :expires, :user,
                   :now, :now, :unverified)
                 ON CONFLICT (member_id, client_id) DO UPDATE SET url = :url, endpoint = :endpoint,
                   server_endpoint = :server, access_token = :access, refresh_token = :refresh,
                   access_expires_at = :expires, user_id = :user, stored_at = :now, imported_at = :now,
                   unverified = :unverified, lost = NULL
                 RETURNING id",
                named_params! {
                    ":member": tokens.member_id, ":client": client_id, ":url": url,
                    ":endpoint": tokens.endpoint, ":server": tokens.server_endpoint,
                    ":access": tokens.access.expose_secret(), ":refresh": tokens.refresh.expose_secret(),
                    ":expires": tokens.access_expires_at.map(millis), ":user": tokens.user_id.map(|id| id as i64),
                    ":now": millis(now), ":unverified": unverified,
                },
                |row| row.get(0),
            )?;
            db.execute("UPDATE last_portal SET id = ?1 WHERE id < ?1", [id])?;
            Ok(PortalId(id))
        }).await
    }

    /// Replaces the pair of tokens whose refresh token is `refreshed` after a renewal. Durable when it
    /// returns. False where another pair was stored meanwhile, which stays.
    ///
    /// # Errors
    /// A fault of the state file: the new pair must not be used then.
    pub async fn rotate_tokens(
        &self,
        portal: PortalId,
        refreshed: &SecretString,
        tokens: &Tokens,
        now: Timestamp,
    ) -> Result<bool, StoreFault> {
        let refreshed = refreshed.clone();
        let tokens = tokens.clone();
        self.write(move |db| {
            db.execute(
                "UPDATE portal SET access_token = ?2, refresh_token = ?3, access_expires_at = ?4,
                   server_endpoint = coalesce(?5, server_endpoint), user_id = coalesce(?6, user_id),
                   stored_at = ?7, lost = NULL WHERE id = ?1 AND refresh_token = ?8",
                params![
                    portal.0,
                    tokens.access.expose_secret(),
                    tokens.refresh.expose_secret(),
                    tokens.access_expires_at.map(millis),
                    tokens.server_endpoint,
                    tokens.user_id.map(|id| id as i64),
                    millis(now),
                    refreshed.expose_secret(),
                ],
            )
            .map(|rows| rows > 0)
        })
        .await
    }

    /// The portal that was authorised at `url` for this application, has moved there, or points there:
    /// whoever configures an address that a portal points to confirms it.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn find_portal(
        &self,
        url: &str,
        client_id: &str,
    ) -> Result<Option<PortalRecord>, StoreFault> {
        let url = url.to_owned();
        let client_id = client_id.to_owned();
        self.read(move |db| {
            db.query_row(
                &format!(
                    "{SELECT} WHERE client_id = ?2 AND (url = ?1 OR endpoint = ?1 || 'rest/' OR id IN
                       (SELECT portal_id FROM unconfirmed_move WHERE target = ?1 || 'rest/'))
                     ORDER BY url = ?1 DESC, endpoint = ?1 || 'rest/' DESC, stored_at DESC LIMIT 1"
                ),
                params![url, client_id],
                record,
            )
            .optional()
        })
        .await
    }

    /// The present state of an authorised portal.
    ///
    /// # Errors
    /// A fault of the state file, also where the portal was forgotten meanwhile.
    pub async fn portal(&self, portal: PortalId) -> Result<PortalRecord, StoreFault> {
        self.read(move |db| {
            db.query_row(
                &format!("{SELECT} WHERE id = ?1"),
                params![portal.0],
                record,
            )
        })
        .await
    }

    /// Removes a portal with everything that is known about it, so that nothing of its tokens stays
    /// in the file.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn forget_portal(&self, portal: PortalId) -> Result<(), StoreFault> {
        self.write(move |db| {
            db.execute("DELETE FROM portal WHERE id = ?1", params![portal.0])
                .map(drop)
        })
        .await?;
        self.empty_log().await
    }

    /// Remembers where the portal answers after it was renamed.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_endpoint(&self, portal: PortalId, endpoint: &str) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET endpoint = ?2 WHERE id = ?1",
            Some(endpoint.to_owned()),
        )
        .await
    }

    /// Remembers why tokens may not be used for a drain, or that they passed every check.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_unverified(
        &self,
        portal: PortalId,
        reason: Option<&str>,
    ) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET unverified = ?2 WHERE id = ?1",
            reason.map(str::to_owned),
        )
        .await
    }

    /// Remembers why the portal no longer accepts us, or that it does again.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_lost(&self, portal: PortalId, reason: Option<&str>) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET lost = ?2 WHERE id = ?1",
            reason.map(str::to_owned),
        )
        .await
    }

    /// Remembers what was learnt about the plan.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_plan_facts(
        &self,
        portal: PortalId,
        facts: PlanFacts,
    ) -> Result<(), StoreFault> {
        self.write(move |db| {
            db.execute(
                "UPDATE portal SET plan_confirms = ?2, plan_connector = ?3, guards_work = ?4,
                   guards_tried_at = ?5, has_items = ?6, uses_items = ?7 WHERE id = ?1",
                params![
                    portal.0,
                    facts.plan_confirms,
                    facts.plan_connector,
                    facts.guards_work,
                    facts.guards_tried_at.map(millis),
                    facts.has_items,
                    facts.uses_items
                ],
            )
            .map(drop)
        })
        .await
    }

    /// Pauses the portal, or lets it go on (`None`).
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_paused(
        &self,
        portal: PortalId,
        since: Option<Timestamp>,
    ) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET paused_at = ?2 WHERE id = ?1",
            since.map(millis),
        )
        .await
    }

    /// Remembers until when writing rests because of `max_changes_per_hour`.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_braked(
        &self,
        portal: PortalId,
        until: Option<Timestamp>,
    ) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET braked_until = ?2 WHERE id = ?1",
            until.map(millis),
        )
        .await
    }

    /// Remembers that the queue without a connector was bound to stand in for the configured one, or
    /// that it no longer does.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_stand_in(&self, portal: PortalId, stands_in: bool) -> Result<(), StoreFault> {
        self.set(
            portal,
            "UPDATE portal SET stand_in = ?2 WHERE id = ?1",
            Some(stands_in),
        )
        .await
    }

    /// The stored model of the portal's pace, as its owner wrote it.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn pace(&self, portal: PortalId) -> Result<Option<String>, StoreFault> {
        self.read(move |db| {
            db.query_row(
                "SELECT pace FROM portal WHERE id = ?1",
                params![portal.0],
                |row| row.get(0),
            )
            .optional()
            .map(Option::flatten)
        })
        .await
    }

    /// Stores the model of the portal's pace. Not worth a wait for the disk.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn set_pace(&self, portal: PortalId, pace: &str) -> Result<(), StoreFault> {
        let pace = pace.to_owned();
        self.write_relaxed(move |db| {
            db.execute(
                "UPDATE portal SET pace = ?2 WHERE id = ?1",
                params![portal.0, pace],
            )
            .map(drop)
        })
        .await
    }

    async fn set(
        &self,
        portal: PortalId,
        statement: &'static str,
        value: Option<impl rusqlite::ToSql + Send + 'static>,
    ) -> Result<(), StoreFault> {
        self.write(move |db| db.execute(statement, params![portal.0, value]).map(drop))
            .await
    }

    /// Every portal in the store, oldest first.
    ///
    /// # Errors
    /// A fault of the state file.
    pub async fn portals(&self) -> Result<Vec<PortalRecord>, StoreFault> {
        self.read(move |db| {
            db.prepare(&format!("{SELECT} ORDER BY id"))?
                .query_map([], record)?
                .collect()
        })
        .await
    }
}

const SELECT: &str =
    "SELECT id, client_id, url, stored_at, imported_at, unverified, lost, plan_confirms, plan_connector,
   guards_work, guards_tried_at, has_items, uses_items, paused_at, braked_until, stand_in, member_id, endpoint, server_endpoint, access_token,
   refresh_token, access_expires_at, user_id FROM portal";

fn record(row: &Row<'_>) -> rusqlite::Result<PortalRecord> {
    Ok(PortalRecord {
        id: PortalId(row.get("id")?),
        client_id: row.get("client_id")?,
        url: row.get("url")?,
        stored_at: moment(row.get("stored_at")?),
        imported_at: row.get::<_, Option<i64>>("imported_at")?.map(moment),
        unverified: row.get("unverified")?,
        lost: row.get("lost")?,
        facts: PlanFacts {
            plan_confirms: row.get("plan_confirms")?,
            plan_connector: row.get("plan_connector")?,
            guards_work: row.get("guards_work")?,
            guards_tried_at: row.get::<_, Option<i64>>("guards_tried_at")?.map(moment),
            has_items: row.get("has_items")?,
            uses_items: row.get("uses_items")?,
        },
        paused_at: row.get::<_, Option<i64>>("paused_at")?.map(moment),
        braked_until: row.get::<_, Option<i64>>("braked_until")?.map(moment),
        stand_in: row.get("stand_in")?,
        tokens: Tokens {
            member_id: row.get("member_id")?,
            endpoint: row.get("endpoint")?,
            server_endpoint: row.get("server_endpoint")?,
            access: row.get::<_, String>("access_token")?.into(),
            refresh: row.get::<_, String>("refresh_token")?.into(),
            access_expires_at: row.get::<_, Option<i64>>("access_expires_at")?.map(moment),
            user_id: row
                .get::<_, Option<i64>>("user_id")?
                .and_then(|id| u64::try_from(id).ok()),
        },
    })
}
