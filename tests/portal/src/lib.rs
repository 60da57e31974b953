//! A strict stand-in for a Bitrix24 portal, its authorisation server, and the people who edit
//! contacts on it.
//!
//! The portal follows the protocol document to the letter and never becomes laxer so that a client
//! passes. Where sources contradict each other, [`Settings`] has a switch whose default is the
//! stricter or likelier behaviour. Time is a [`PortalClock`] that a test shares with its client.
//!
//! # Map
//!
//! | room | what is in it |
//! | --- | --- |
//! | `portal`, `shared` | the handle: start, stop, addresses; what its tasks share |
//! | `hands` | orders and looks inside, edits by people, what other programs do, the control interface |
//! | `wire` | requests and answers, sockets, the way of a request, faults, odd JSON |
//! | `php` | parameters and answers as PHP reads and writes them |
//! | `oauth` | codes, pairs, renewal |
//! | `rest` | gates, envelope, dispatch, batches, references, limits |
//! | `methods` | the methods: application, events, queue, contacts of both families |
//! | `data`, `state` | contacts, the queue, filters; the changes that raise events |
//! | `settings`, `referee`, `log`, `clock`, `chance`, `date` | what a test chooses; promises; the log; time; randomness |
//!
//! # What it can be made to do
//!
//! [`Settings`] say what a portal is like; they change while it runs ([`Portal::settings`]). A
//! [`Fault`] strikes chosen requests. Hooks ([`Portal::before_request`],
//! [`Portal::before_command`]) let people and other programs act at a chosen moment.
//!
//! | wanted | how |
//! | --- | --- |
//! | an old portal without `crm.item.*`, legacy updates, the older purge | [`Settings::old_portal`], [`Settings::universal`], [`Settings::noop_update_fires`], [`Settings::purge`] |
//! | contacts of other categories | [`Contact::category`], [`Portal::add_contact_in`] |
//! | reading or writing denied, for single contacts or all | [`Settings::unreadable`], [`Settings::reads_denied`], [`Settings::unwritable`], [`Settings::writes_denied`] |
//! | an update refused or vetoed | [`Settings::refused`]; a plan's restriction: [`Effect::CommandError`] |
//! | a contact that breaks lists or whole requests, or cannot be encoded | [`Settings::broken`] |
//! | a queue list that fails on `>PROCESS_ID` | [`Settings::process_id_filter`] |
//! | a portal that ignores the event filter or `>ID` | [`Settings::ignores_event_filter`], [`Settings::ignores_above_id`] |
//! | odd answers to updates (`null`, `[]`, `false`) | [`Effect::CommandAnswer`] |
//! | odd JSON: a mark ahead, text around, half a surrogate pair, no UTF-8, `NaN`, `"error": null`, ids above 2^63 | [`Effect::Spoilt`], [`Spoil`]; rows and contacts with such ids: [`Portal::push_row`], [`Portal::seed`] |
//! | odd errors of the token endpoint, with an empty code, say | [`Effect::Error`] for [`Matcher::oauth`], [`Settings::refuse_oauth`]; a numeric code: [`Effect::Status`] |
//! | a feature that is claimed and refused | [`Settings::claims_features`] with [`Settings::plan_connector`] or [`Settings::plan_confirms`] |
//! | `operating` that grows by more than durations say | [`Settings::unseen_cost`] |
//! | a wrong clock | [`Settings::clock_offset`] |
//! | a renaming whose renewal names the new address, the old one, or any | [`Portal::rename_host`], [`Settings::client_endpoint`], [`Settings::redirects_to`] |
//! | a regional authorisation host | [`Settings::oauth_host`] |
//! | a rotated client secret, an application deleted and added again | [`Portal::rotate_client_secret`], [`Portal::reinstall_application`] |
//! | compressed answers, a body of one byte at a time | [`Settings::gzip`] (also for the body of an [`Effect::Status`]), [`Effect::Drip`] |
//! | rows that another program clears, reserves or parks | [`Portal::clear_rows_elsewhere`], [`Portal::reserve_rows_elsewhere`], [`Portal::park_rows_elsewhere`] |
//! | a portal in a simulator: no sockets, all chance from a seed | [`Portal::unserved`], [`Portal::handle`], [`Settings::seed`] |
//!
//! # The referee
//!
//! While it works, the portal notes in [`Portal::violations`] where the client breaks a promise. An
//! answer counts as seen only when it went out whole.
//!
//! - a row of a contact event removed although no read of that contact (a list or get of either
//!   family that showed a name, or an answer that it is gone or denied) followed the row's latest
//!   change; rows that `event.offline.list` showed may be taken with a destructive get first and
//!   read afterwards. The answer of an update is no read, and "not found" from `crm.contact.get`
//!   proves nothing about a contact of another category while `crm.item.get` would show it
//! - a row of another event removed
//! - a write that changes nothing; a write without a read; a write over a change by somebody else
//!   that was not read
//! - an empty `process_id`, `id` or `message_id`
//! - a secret in an address; `auth_connector` inside a command; a body above 64 KiB; more than 50
//!   commands
//! - a renewal although the access token was valid and nobody was told otherwise
//!
//! # The control interface
//!
//! JSON over HTTP on a port of its own ([`Portal::control_url`]); the content type is not looked at.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /` | addresses and the application's pair |
//! | `GET /contacts`, `GET /contacts/ID` | shows contacts |
//! | `POST /contacts` `{"NAME": "x", "user": 3, "category": 12}` | a person creates one (`user` defaults to 2, `category` to 0) |
//! | `POST /contacts/ID` `{"LAST_NAME": "x"}` | a person edits it |
//! | `DELETE /contacts/ID` | a person deletes it |
//! | `POST /seed` `[{"id": 0, "name": "x", "date_modify": 1767596400}]` | contacts without events ([`Contact`]) |
//! | `GET /queue`, `POST /queue` | shows all rows, plants one ([`QueueRow`]) |
//! | `POST /queue/clear`, `/queue/reserve`, `/queue/park` `{"ids": [1]}` | another program does |
//! | `GET`, `POST` `{"event", "connector"}`, `DELETE /bindings` | handlers |
//! | `GET /clock`, `POST /clock` `{"advance": 10}` | time; moves a [`ManualClock`] |
//! | `POST /tokens` `{"user": 1}` | the token endpoint's answer, freshly issued |
//! | `POST /tokens/expire`, `POST /tokens/revoke` | ends access tokens, refresh tokens |
//! | `POST /application/secret`, `/application/reinstall` | another client secret; the application deleted and added again |
//! | `POST /codes` `{"state": "x"}` | the address a browser would be sent to after a login |
//! | `GET`, `POST`, `DELETE /faults` | [`Fault`]s, e.g. `{"matching": {"method": "batch"}, "effect": "LoseAnswer"}` |
//! | `GET /settings`, `POST /settings` `{"echo": true}` | [`Settings`]; keys that are sent change |
//! | `GET`, `DELETE /requests` | the log of [`RequestRecord`]s |
//! | `GET`, `DELETE /violations` | the referee's notes |
//! | `POST /rename` | a new address; the old one answers 302 |
//! | `POST /bucket` `{"requests": 10}`, `POST /operating` `{"method", "seconds"}` | others use up the limits |
//!
//! The portal's own port also serves `/oauth/authorize/?client_id=..&state=..`, which sends the
//! browser of user 1 to [`Settings::handler_path`] at once.

mod chance;
mod clock;
mod data;
mod date;
mod hands;
mod log;
mod methods;
mod oauth;
pub mod php;
mod portal;
mod referee;
mod rest;
mod settings;
mod shared;
mod state;
mod wire;

pub use clock::{ManualClock, PortalClock, SystemClock};
pub use data::contact::Contact;
pub use data::queue::{OUR_APP, QueueRow};
pub use hands::people::PERSON;
pub use log::{Command, RequestRecord, Server};
pub use methods::bindings::Binding;
pub use portal::Portal;
pub use settings::{
    Billing, Breakage, GuardMode, LongNames, ProcessIdFilter, Purge, Settings, Universal,
};
pub use wire::fault::{Effect, Fault, Matcher};
pub use wire::message::{Answer, Delivery, Request};
pub use wire::spoil::Spoil;
