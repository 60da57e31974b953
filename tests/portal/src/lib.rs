//! A strict stand-in for a Bitrix24 portal, its authorisation server, and the people who edit
//! contacts on it.

mod application;
mod batch;
mod bindings;
mod bucket;
mod clock;
mod contact;
mod contact_methods;
mod control;
mod date;
mod exchange;
mod fault;
mod log;
mod method;
mod oauth;
mod offline_methods;
mod operating;
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
pub use portal::{PERSON, Portal};
pub use queue::{OUR_APP, QueueRow};
pub use settings::{Billing, GuardMode, LongNames, Settings};
