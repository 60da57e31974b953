//! A model of the portal's limits: the request bucket, and the execution time of each method.
//!
//! Pure: times come in with every call, and waits go out as moments.
//!
//! | file | noun |
//! | --- | --- |
//! | `bucket` | the leaky bucket for requests |
//! | `operating` | execution time: what may be sent, what an answer teaches |
//! | `account` | the window of one method |
//! | `costs` | what a command takes, as measured |
//! | `load` | what a request will run |
//! | `share` | what a steady stream of requests leaves to others |

mod account;
mod bucket;
mod costs;
mod load;
mod operating;
mod share;

pub use bucket::Bucket;
pub use load::{Load, Step};
pub use operating::{Operating, Wait};
pub use share::Share;

/// The numbers of the portal's plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Requests the bucket holds.
    pub burst: f64,
    /// Requests that leave the bucket each second.
    pub rate: f64,
    /// The part of `rate` that a steady stream may take over a minute, above 0 and at most 1.
    pub share: f64,
    /// Seconds of execution a method may use in ten minutes.
    pub operating_limit: f64,
}
