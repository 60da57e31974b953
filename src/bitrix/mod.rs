//! The protocol of Bitrix24: transport, errors, authorisation, batch, limits, events, contacts.
//!
//! Nothing here knows SQLite or names. One place, [`decode`], turns an HTTP answer into a result or
//! into a [`Problem`], the decision a caller can act on; nobody else looks at status codes.

pub mod application;
pub mod barred;
pub mod batch;
pub mod call;
pub mod contacts;
pub mod decode;
pub mod events;
pub mod handed;
pub mod http;
pub mod json;
pub mod limits;
pub mod network;
pub mod oauth;
pub mod problem;
pub mod redirect;
pub mod said;
mod tls;
pub mod transport;
pub mod wire;

pub use barred::{Bar, Barred, Party};
pub use batch::{Batch, BatchAnswer};
pub use call::Call;
pub use decode::Reply;
pub use http::NoHttp;
pub use network::{Fault, Network};
pub use problem::Problem;
pub use said::Said;
pub use transport::Transport;
