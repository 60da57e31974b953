//! Everything about the portal that a test may choose.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// To which method the execution time of a batch is booked; the sources contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Billing {
    /// The batch is exempt, every command is checked and booked by itself (documentation).
    Inner,
    /// The whole batch is checked and booked under the name `batch` (measured on rest 26.500).
    Batch,
}

/// How references and filters behave, which decides what a conditional update is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuardMode {
    /// Newer source: an array inside a longer text leaves the reference as it stands.
    NewSource,
    /// Older source: an array inside a longer text becomes the text `Array`.
    OldSource,
    /// Older source under PHP 8: an array inside a longer text ends the whole batch with 500; what
    /// stood before it is done.
    OldPhp8,
    /// `DATE_MODIFY` is no known filter field here, so the condition is dropped without a word.
    FilterIgnored,
    /// `<=DATE_MODIFY` never finds a row, whatever the date: every guard refuses.
    NeverHolds,
    /// References are replaced only where they are the whole value, and stand as they are inside a
    /// longer text.
    WholeReferencesOnly,
}

/// What `event.offline.list` does with the condition `>PROCESS_ID`, of which nobody has seen a live
/// portal's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcessIdFilter {
    /// It is applied.
    Works,
    /// Every condition on the field is dropped without a word.
    Ignored,
    /// It is refused.
    Refused,
    /// It never finds a row.
    FindsNothing,
    /// It breaks the statement: 500 `ERROR_CORE`, "SQL query error".
    SqlError,
    /// It ends the whole request, also a batch, with a gateway's page and 502.
    BadGateway,
}

/// Which rows the daily purge takes once their last change is 34 days and 4 hours old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purge {
    /// Every row: pending, reserved and parked ones (source since January 2026).
    AllRows,
    /// Reserved rows (source until 2025).
    ReservedRows,
}

/// What a contact does to the answers that would show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Breakage {
    /// A list fails; in a batch that command alone.
    ListFails {
        /// HTTP status outside a batch.
        status: u16,
        /// Error code, e.g. `ERROR_CORE`, `INTERNAL_SERVER_ERROR` or empty.
        code: String,
        /// Error text.
        text: String,
    },
    /// A list ends the whole request with a page that is no JSON, also where it is a batch; the
    /// commands before it are done.
    RequestEnds {
        /// HTTP status.
        status: u16,
        /// The page.
        body: String,
    },
    /// PHP cannot encode one of its names: every answer that carries one, a get's too, becomes
    /// `WRONG_ENCODING` with status 200 as a whole. What the request did is done.
    Unencodable,
}

/// How far the portal knows contacts as items (`crm.item.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Universal {
    /// Everything is there.
    Complete,
    /// An old portal: the methods do not exist (`ERROR_METHOD_NOT_FOUND`).
    NoMethods,
    /// An old portal: the methods do not know the type of contacts (`NOT_FOUND`).
    TypeNotFound,
    /// An old portal: the methods do not support contacts (`ENTITY_TYPE_NOT_SUPPORTED`).
    TypeNotSupported,
}

/// What happens to a name of more than 50 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LongNames {
    /// The write is refused as a whole.
    Reject,
    /// The value is cut to 50 characters.
    Cut,
}

/// What a test may choose. The default is the cloud on a plan that confirms events.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Requests that the leaky bucket holds.
    pub burst: f64,
    /// Requests that leave the bucket at every whole second.
    pub rate: f64,
    /// Seconds of execution per method in ten minutes; `None` switches the limiter off.
    pub operating_limit: Option<f64>,
    /// Whether answers carry `operating` and `operating_reset_at`.
    pub report_operating: bool,
    /// Where the time of a batch is booked.
    pub billing: Billing,
    /// Seconds of execution per method (lower case); `*` for all others.
    pub cost: BTreeMap<String, f64>,
    /// Seconds by method (lower case; `*` for all others) that are booked as operating time and that
    /// no duration shows.
    pub unseen_cost: BTreeMap<String, f64>,
    /// Seconds that pass before each REST request is looked at.
    pub latency: f64,
    /// Raises events for the client's own writes too (as automation would).
    pub echo: bool,
    /// `crm.item.*` for contacts.
    pub universal: Universal,
    /// The legacy path of `crm.contact.update`: equal values, too, move `DATE_MODIFY` and raise the
    /// event. (`crm.item.update` saves nothing then, whatever stands here.)
    pub noop_update_fires: bool,
    /// The plan has `rest_offline_extended`: reservations (`clear: 0`).
    pub plan_confirms: bool,
    /// The plan has `rest_auth_connector`.
    pub plan_connector: bool,
    /// A self-hosted installation: `feature.get` answers `en_selfhosted` for what the plan has.
    pub self_hosted: bool,
    /// At most that many events per get, whatever was asked.
    pub get_cap: Option<usize>,
    /// The application is marked as installed; without it no events are queued.
    pub installed: bool,
    /// The application is active; without it no events are queued.
    pub active: bool,
    /// The application is paid; without it no events are queued.
    pub paid: bool,
    /// User 1, to whom the tokens of `authorise` belong, is an administrator.
    pub admin: bool,
    /// User 1 was dismissed: every call answers `authorization_error`.
    pub dismissed: bool,
    /// The application's scopes.
    pub scopes: Vec<String>,
    /// HTTP status of `insufficient_scope`: 401 in the source, 403 in the documentation.
    pub insufficient_scope_status: u16,
    /// Every REST call answers this (status, code, text), e.g. `PAYMENT_REQUIRED`.
    pub refuse_rest: Option<(u16, String, String)>,
    /// Every token request answers this (status, code, text).
    pub refuse_oauth: Option<(u16, String, String)>,
    /// HTTP status of `invalid_client`: 401 (PHP SDK) or 400 (Python SDK).
    pub invalid_client_status: u16,
    /// Seconds that an access token lives.
    pub access_lifetime: f64,
    /// A refresh token dies with its first use.
    pub old_refresh_dies: bool,
    /// The exchange of a code answers `expires` and `user_id` too, as a renewal does: the Python SDK
    /// relies on it, the documentation shows neither.
    pub exchange_names_user: bool,
    /// Seconds between a change and its rows in the queue (background job).
    pub event_delay: f64,
    /// `EVENT_DATA.FIELDS.ID` is a number instead of a text.
    pub numeric_event_ids: bool,
    /// User 1 is no employee: `crm.item.*` answers `allowed_only_intranet_user`.
    pub extranet: bool,
    /// Contacts that lists leave out without a reason; a get shows them. (Contacts of another
    /// category have that in [`crate::Contact::category`].)
    pub hidden_from_list: BTreeSet<u64>,
    /// Contacts without read permission: missing from lists, `Access denied` elsewhere.
    pub unreadable: BTreeSet<u64>,
    /// No contact may be read.
    pub reads_denied: bool,
    /// Contacts that may be read and not written: `Access denied`, or `ACCESS_DENIED` as items.
    pub unwritable: BTreeSet<u64>,
    /// No contact may be written.
    pub writes_denied: bool,
    /// Contacts whose update is refused with (code, text).
    pub refused: BTreeMap<u64, (String, String)>,
    /// Contacts whose presence breaks answers.
    pub broken: BTreeMap<u64, Breakage>,
    /// Names of more than 50 characters.
    pub long_names: LongNames,
    /// How references and guards behave.
    pub guard: GuardMode,
    /// How `event.offline.list` takes the condition `>PROCESS_ID`.
    pub process_id_filter: ProcessIdFilter,
    /// Which old rows of the queue are purged.
    pub purge: Purge,
    /// `event.offline.get` and `.list` drop every condition on `EVENT_NAME` without a word.
    pub ignores_event_filter: bool,
    /// Lists of contacts and of the queue drop `>ID` (and `>id`) without a word.
    pub ignores_above_id: bool,
    /// `feature.get` says of every feature that the plan has it, whatever it has.
    pub claims_features: bool,
    /// The old address of a renamed portal names the new host alone, not the whole address.
    pub redirects_to_host: bool,
    /// The portal's present address, too, answers 302, to this address (`https://host`).
    pub redirects_to: Option<String>,
    /// What the authorisation server gives as `client_endpoint` (`https://host/rest/`); `None`: the
    /// portal's present address. After a renaming the old one may stand here.
    pub client_endpoint: Option<String>,
    /// The regional host that `server_endpoint`, `domain` and `server_domain` name, e.g.
    /// `oauth.bitrix24.tech`; `None`: where the authorisation server listens.
    pub oauth_host: Option<String>,
    /// Seconds by which the portal's clock is wrong: its dates and times, not its tokens and limits.
    pub clock_offset: f64,
    /// Answers are compressed for clients that accept it.
    pub gzip: bool,
    /// Bodies above that many bytes answer an HTML page with 413.
    pub max_body: Option<usize>,
    /// Where `/oauth/authorize/` sends the browser.
    pub handler_path: String,
    /// Where ids, tokens and process ids come from; `None`: chance. Only looked at at the start.
    pub seed: Option<u64>,
    /// How many requests the log keeps.
    pub keep_requests: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            burst: 50.0,
            rate: 2.0,
            operating_limit: Some(480.0),
            report_operating: true,
            billing: Billing::Inner,
            cost: BTreeMap::new(),
            unseen_cost: BTreeMap::new(),
            latency: 0.0,
            echo: false,
            universal: Universal::Complete,
            noop_update_fires: false,
            plan_confirms: true,
            plan_connector: true,
            self_hosted: false,
            get_cap: None,
            installed: true,
            active: true,
            paid: true,
            admin: true,
            dismissed: false,
            scopes: vec!["crm".to_owned()],
            insufficient_scope_status: 401,
            refuse_rest: None,
            refuse_oauth: None,
            invalid_client_status: 401,
            access_lifetime: 3600.0,
            old_refresh_dies: true,
            exchange_names_user: false,
            event_delay: 0.0,
            numeric_event_ids: false,
            extranet: false,
            hidden_from_list: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            reads_denied: false,
            unwritable: BTreeSet::new(),
            writes_denied: false,
            refused: BTreeMap::new(),
            broken: BTreeMap::new(),
            long_names: LongNames::Reject,
            guard: GuardMode::NewSource,
            process_id_filter: ProcessIdFilter::Works,
            purge: Purge::AllRows,
            ignores_event_filter: false,
            ignores_above_id: false,
            claims_features: false,
            redirects_to_host: false,
            redirects_to: None,
            client_endpoint: None,
            oauth_host: None,
            clock_offset: 0.0,
            gzip: false,
            max_body: None,
            handler_path: "https://tidy.example.invalid/handler".to_owned(),
            seed: None,
            keep_requests: usize::MAX,
        }
    }
}

impl Settings {
    /// A self-hosted portal of before 2022: no `crm.item.*`, legacy updates, older references.
    #[must_use]
    pub fn old_portal() -> Self {
        Self {
            universal: Universal::NoMethods,
            noop_update_fires: true,
            guard: GuardMode::OldSource,
            purge: Purge::ReservedRows,
            self_hosted: true,
            ..Self::default()
        }
    }

    pub(crate) fn may_not_read(&self, contact: u64) -> bool {
        self.reads_denied || self.unreadable.contains(&contact)
    }

    pub(crate) fn may_not_write(&self, contact: u64) -> bool {
        self.writes_denied || self.unwritable.contains(&contact)
    }

    /// Seconds that one call of a method takes.
    pub(crate) fn cost_of(&self, method: &str) -> f64 {
        of(&self.cost, method)
    }

    /// Seconds that one call of a method books.
    pub(crate) fn booked_cost_of(&self, method: &str) -> f64 {
        of(&self.cost, method) + of(&self.unseen_cost, method)
    }
}

fn of(costs: &BTreeMap<String, f64>, method: &str) -> f64 {
    let cost = costs.get(method).or_else(|| costs.get("*"));
    cost.copied().unwrap_or(0.0)
}
