//! The control interface over HTTP; the crate documentation lists its addresses.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Held};
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::data::contact::Contact;
use crate::data::queue::QueueRow;
use crate::hands::people::PERSON;
use crate::portal::Portal;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::wire::fault::Fault;

type Answer = Result<Response<Body>, Problem>;
type Access = Held<Arc<Shared>>;

/// The routes.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/contacts", get(contacts).post(add_contact))
        .route(
            "/contacts/{id}",
            get(contact).post(edit_contact).delete(delete_contact),
        )
        .route("/seed", post(seed))
        .route("/queue", get(queue).post(push_row))
        .route("/queue/clear", post(clear_rows))
        .route("/queue/reserve", post(reserve_rows))
        .route("/queue/park", post(park_rows))
        .route("/bindings", get(bindings).post(bind).delete(unbind_all))
        .route("/clock", get(clock).post(move_clock))
        .route("/tokens", post(authorise))
        .route("/tokens/expire", post(expire))
        .route("/tokens/revoke", post(revoke))
        .route("/application/secret", post(rotate_secret))
        .route("/application/reinstall", post(reinstall))
        .route("/codes", post(code))
        .route("/faults", get(faults).post(fault).delete(clear_faults))
        .route("/settings", get(settings).post(change_settings))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/violations", get(violations).delete(clear_violations))
        .route("/rename", post(rename))
        .route("/bucket", post(occupy_bucket))
        .route("/operating", post(occupy_operating))
        .with_state(shared)
}

/// Why an order was not carried out.
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        (self.0, format!("{}\n", self.1)).into_response()
    }
}

fn refuse(status: StatusCode, text: &str) -> Problem {
    Problem(status, text.to_owned())
}

/// The handle; the servers outlive the last one by a moment only.
fn portal(shared: &Arc<Shared>) -> Result<Portal, Problem> {
    shared
        .portal()
        .ok_or_else(|| refuse(StatusCode::SERVICE_UNAVAILABLE, "the portal is stopping"))
}

/// Reads a body as JSON, whatever its content type says; an empty one counts as `{}`.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|problem| refuse(StatusCode::BAD_REQUEST, &problem.to_string()))
}

/// Answers JSON, one line with its end, so that a terminal shows it well.
fn answer(value: impl Serialize) -> Answer {
    let text = serde_json::to_string(&value)
        .map_err(|problem| refuse(StatusCode::INTERNAL_SERVER_ERROR, &problem.to_string()))?;
    let mut response = Response::new(Body::from(format!("{text}\n")));
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

fn number(value: &Value, key: &str) -> Result<f64, Problem> {
    value
        .get(key)
        .and_then(Value::as_f64)
        .ok_or_else(|| refuse(StatusCode::BAD_REQUEST, &format!("number '{key}' missing")))
}

/// Takes a number out of a body.
fn take(fields: &mut Value, key: &str) -> Option<u64> {
    fields.as_object_mut()?.remove(key)?.as_u64()
}

/// Takes `user` out of a body; without one it is the person.
fn take_user(fields: &mut Value) -> u64 {
    take(fields, "user").unwrap_or(PERSON)
}

async fn overview(Held(shared): Access) -> Answer {
    let portal = portal(&shared)?;
    answer(json!({
        "url": portal.url(),
        "oauth_url": portal.oauth_url(),
        "control_url": portal.control_url(),
        "client_id": portal.client_id(),
        "client_secret": portal.client_secret(),
        "member_id": portal.member_id(),
        "request_count": portal.request_count(),
    }))
}

async fn contacts(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.contacts())
}

async fn add_contact(Held(shared): Access, body: Bytes) -> Answer {
    let mut fields: Value = read(&body)?;
    let user = take_user(&mut fields);
    let category = take(&mut fields, "category").unwrap_or(0);
    match portal(&shared)?.add_contact_as(user, category, &fields) {
        Some(id) => answer(json!({"id": id})),
        None => Err(refuse(StatusCode::BAD_REQUEST, "a value is too long")),
    }
}

async fn contact(Held(shared): Access, Path(id): Path<u64>) -> Answer {
    match portal(&shared)?.contact(id) {
        Some(contact) => answer(contact),
        None => Err(refuse(StatusCode::NOT_FOUND, "no such contact")),
    }
}

async fn edit_contact(Held(shared): Access, Path(id): Path<u64>, body: Bytes) -> Answer {
    let mut fields: Value = read(&body)?;
    let user = take_user(&mut fields);
    let portal = portal(&shared)?;
    if !portal.edit_contact_as(user, id, &fields) {
        return Err(refuse(StatusCode::NOT_FOUND, "no such contact"));
    }
    answer(portal.contact(id))
}

async fn delete_contact(Held(shared): Access, Path(id): Path<u64>) -> Answer {
    portal(&shared)?.delete_contact(id);
    answer(json!(true))
}

async fn seed(Held(shared): Access, body: Bytes) -> Answer {
    let contacts: Vec<Contact> = read(&body)?;
    let portal = portal(&shared)?;
    let ids: Vec<u64> = contacts
        .into_iter()
        .map(|contact| portal.seed(contact))
        .collect();
    answer(ids)
}

async fn queue(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.queue())
}

async fn push_row(Held(shared): Access, body: Bytes) -> Answer {
    let row: QueueRow = read(&body)?;
    answer(json!({"id": portal(&shared)?.push_row(row)}))
}

/// `ids` of a body.
fn row_ids(body: &Bytes) -> Result<Vec<u64>, Problem> {
    #[derive(serde::Deserialize)]
    struct Rows {
        ids: Vec<u64>,
    }
    Ok(read::<Rows>(body)?.ids)
}

async fn clear_rows(Held(shared): Access, body: Bytes) -> Answer {
    portal(&shared)?.clear_rows_elsewhere(&row_ids(&body)?);
    answer(json!(true))
}

async fn reserve_rows(Held(shared): Access, body: Bytes) -> Answer {
    let process = portal(&shared)?.reserve_rows_elsewhere(&row_ids(&body)?);
    answer(json!({"process_id": process}))
}

async fn park_rows(Held(shared): Access, body: Bytes) -> Answer {
    portal(&shared)?.park_rows_elsewhere(&row_ids(&body)?);
    answer(json!(true))
}

async fn bindings(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.bindings())
}

async fn bind(Held(shared): Access, body: Bytes) -> Answer {
    let wanted: Value = read(&body)?;
    let text = |key: &str| wanted.get(key).and_then(Value::as_str).unwrap_or("");
    let portal = portal(&shared)?;
    portal.bind_offline(text("event"), text("connector"));
    answer(portal.bindings())
}

async fn unbind_all(Held(shared): Access) -> Answer {
    portal(&shared)?.unbind_all();
    answer(json!(true))
}

async fn clock(Held(shared): Access) -> Answer {
    answer(json!({"now": shared.clock.now()}))
}

async fn move_clock(Held(shared): Access, body: Bytes) -> Answer {
    let seconds = number(&read(&body)?, "advance")?;
    if !shared.clock.advance(seconds) {
        let text = "this portal runs on the system clock";
        return Err(refuse(StatusCode::CONFLICT, text));
    }
    answer(json!({"now": shared.clock.now()}))
}

async fn authorise(Held(shared): Access, body: Bytes) -> Answer {
    let wanted: Value = read(&body)?;
    let user = wanted.get("user").and_then(Value::as_u64).unwrap_or(1);
    answer(portal(&shared)?.authorise_as(user))
}

async fn expire(Held(shared): Access) -> Answer {
    portal(&shared)?.expire_access_tokens();
    answer(json!(true))
}

async fn revoke(Held(shared): Access) -> Answer {
    portal(&shared)?.revoke_refresh_tokens();
    answer(json!(true))
}

async fn rotate_secret(Held(shared): Access) -> Answer {
    answer(json!({"client_secret": portal(&shared)?.rotate_client_secret()}))
}

async fn reinstall(Held(shared): Access) -> Answer {
    portal(&shared)?.reinstall_application();
    overview(Held(shared)).await
}

async fn code(Held(shared): Access, body: Bytes) -> Answer {
    let wanted: Value = read(&body)?;
    let state = wanted.get("state").and_then(Value::as_str).unwrap_or("");
    let user = wanted.get("user").and_then(Value::as_u64).unwrap_or(1);
    answer(json!({"url": portal(&shared)?.login(state, user)}))
}

async fn faults(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.faults())
}

async fn fault(Held(shared): Access, body: Bytes) -> Answer {
    let fault: Fault = read(&body)?;
    let portal = portal(&shared)?;
    portal.fault(fault);
    answer(portal.faults())
}

async fn clear_faults(Held(shared): Access) -> Answer {
    portal(&shared)?.clear_faults();
    answer(json!(true))
}

async fn settings(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.settings(|settings| settings.clone()))
}

async fn change_settings(Held(shared): Access, body: Bytes) -> Answer {
    let changes: serde_json::Map<String, Value> = read(&body)?;
    let portal = portal(&shared)?;
    let changed = portal.settings(|settings| {
        let mut merged = serde_json::to_value(&*settings)?;
        if let Value::Object(merged) = &mut merged {
            merged.extend(changes);
        }
        *settings = serde_json::from_value::<Settings>(merged)?;
        Ok::<_, serde_json::Error>(settings.clone())
    });
    match changed {
        Ok(settings) => answer(settings),
        Err(problem) => Err(refuse(StatusCode::BAD_REQUEST, &problem.to_string())),
    }
}

async fn requests(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.requests())
}

async fn clear_requests(Held(shared): Access) -> Answer {
    portal(&shared)?.clear_requests();
    answer(json!(true))
}

async fn violations(Held(shared): Access) -> Answer {
    answer(portal(&shared)?.violations())
}

async fn clear_violations(Held(shared): Access) -> Answer {
    portal(&shared)?.clear_violations();
    answer(json!(true))
}

async fn rename(Held(shared): Access) -> Answer {
    match portal(&shared)?.try_rename_host() {
        Ok(url) => answer(json!({"url": url})),
        Err(problem) => Err(refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            &problem.to_string(),
        )),
    }
}

async fn occupy_bucket(Held(shared): Access, body: Bytes) -> Answer {
    let requests = number(&read(&body)?, "requests")?;
    portal(&shared)?.occupy_bucket(requests);
    answer(json!(true))
}

async fn occupy_operating(Held(shared): Access, body: Bytes) -> Answer {
    let wanted: Value = read(&body)?;
    let seconds = number(&wanted, "seconds")?;
    let method = wanted.get("method").and_then(Value::as_str).unwrap_or("");
    portal(&shared)?.occupy_operating(method, seconds);
    answer(json!(true))
}
