//! A request and an answer as they travel, whatever carries them: a socket, or a simulator that
//! calls [`crate::Portal::handle`].

/// An HTTP request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `GET`, `POST` …
    pub verb: String,
    /// Path and query.
    pub url: String,
    /// Headers with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers with lower-case names; the length is not among them.
    pub headers: Vec<(&'static str, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// How much of the body arrives, and how.
    pub delivery: Delivery,
}

/// How a body is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    Whole,
    /// The whole length is announced, then the connection breaks in the middle.
    Cut,
    /// Byte by byte, with so many milliseconds of the portal's clock before each.
    Drip(u32),
}
