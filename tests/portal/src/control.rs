//! The control interface over HTTP; the crate documentation lists its addresses.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State as Held;
use axum::routing::get;

use crate::log::RequestRecord;
use crate::shared::Shared;

/// The routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/requests", get(requests))
        .with_state(shared)
}

async fn requests(Held(shared): Held<Arc<Shared>>) -> Json<Vec<RequestRecord>> {
    Json(shared.state().log.clone())
}
