//! A strict stand-in for a Bitrix24 portal, its authorisation server, and the people who edit
//! contacts on it.
//!
//! The portal follows the protocol document to the letter and never becomes laxer so that a client
//! passes. Where sources contradict each other, [`Settings`] has a switch whose default is the
//! stricter or likelier behaviour. Time is a [`PortalClock`] that a test shares with its client.
//!
//! # Map
//!
//! | module | noun |
//! | --- | --- |
//! | `portal`, `people` | the handle: start, stop, orders, looks inside; edits by people |
//! | `server`, `exchange`, `reply` | connections; the way of a request; what goes back, whole or spoilt |
//! | `request`, `php`, `date` | parameters as PHP reads them |
//! | `oauth`, `tokens` | codes, pairs, renewal |
//! | `rest`, `method`, `batch`, `reference`, `timing` | gates and envelope; dispatch; batches; references; operating time |
//! | `application`, `bindings`, `offline_methods`, `contact_methods`, `item_methods` | the methods |
//! | `item`, `item_filter`, `contact_search` | contacts as items, and how both families find them |
//! | `queue`, `contact`, `selection`, `state` | the data |
//! | `bucket`, `operating` | the limits |
//! | `fault`, `referee`, `log`, `control` | what only a test portal has |
//!
//! # The referee
//!
//! While it works, the portal notes in [`Portal::violations`] where the client breaks a promise. An
//! answer counts as seen only when it went out whole.
//!
//! - a row of a contact event removed although no read of that contact (a list or get that showed a
//!   name, or an answer that it is gone or denied) followed the row's latest change; rows that
//!   `event.offline.list` showed may be taken with a destructive get first and read afterwards
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
//! | `POST /contacts` `{"NAME": "x", "user": 3}` | a person creates one (`user` defaults to 2) |
//! | `POST /contacts/ID` `{"LAST_NAME": "x"}` | a person edits it |
//! | `DELETE /contacts/ID` | a person deletes it |
//! | `POST /seed` `[{"id": 0, "name": "x", "date_modify": 1767596400}]` | contacts without events ([`Contact`]) |
//! | `GET /queue`, `POST /queue` | shows all rows, plants one ([`QueueRow`]) |
//! | `GET`, `POST` `{"event", "connector"}`, `DELETE /bindings` | handlers |
//! | `GET /clock`, `POST /clock` `{"advance": 10}` | time; moves a [`ManualClock`] |
//! | `POST /tokens` `{"user": 1}` | the token endpoint's answer, freshly issued |
//! | `POST /tokens/expire`, `POST /tokens/revoke` | ends access tokens, refresh tokens |
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

mod application;
mod batch;
mod bindings;
mod bucket;
mod clock;
mod contact;
mod contact_methods;
mod contact_search;
mod control;
mod date;
mod exchange;
mod fault;
mod item;
mod item_filter;
mod item_methods;
mod log;
mod method;
mod oauth;
mod offline_methods;
mod operating;
mod people;
mod php;
mod portal;
mod queue;
mod referee;
mod reference;
mod reply;
mod request;
mod rest;
mod selection;
mod server;
mod settings;
mod shared;
mod state;
mod timing;
mod tokens;

pub use bindings::Binding;
pub use clock::{ManualClock, PortalClock, SystemClock};
pub use contact::Contact;
pub use fault::{Effect, Fault, Matcher};
pub use log::{Command, RequestRecord, Server};
pub use people::PERSON;
pub use portal::Portal;
pub use queue::{OUR_APP, QueueRow};
pub use settings::{Billing, GuardMode, LongNames, ProcessIdFilter, Settings, Universal};
