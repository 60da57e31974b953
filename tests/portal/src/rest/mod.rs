//! REST: gates, envelope, dispatch, batches, limits.

pub(crate) mod batch;
pub(crate) mod bucket;
pub(crate) mod gates;
pub(crate) mod method;
pub(crate) mod operating;
pub(crate) mod reference;
pub(crate) mod timing;
