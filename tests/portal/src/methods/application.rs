//! The helper methods: the application, the plan, the user, the portal's clock.

use serde_json::{Value, json};

use crate::date;
use crate::methods::bindings;
use crate::php;
use crate::rest::method::{self, Call, Outcome, Refusal};
use crate::state::State;

/// `app.info`, `feature.get`, `user.admin`, `profile`, `server.time`, `scope`, `methods`,
/// `method.get`, `events`.
pub(crate) fn answer(state: &State, method: &str, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let result = match method {
        "app.info" => info(state),
        "feature.get" => feature(state, call)?,
        "user.admin" => json!(method::is_admin(state, call.caller.user)),
        "profile" => profile(state, call),
        "server.time" => json!(date::format(state.wall(call.now))),
        "scope" => json!(state.settings.scopes),
        "methods" => method::all(state)
            .filter(|(name, _)| method::check_scope(state, name).is_ok())
            .map(|(name, _)| name)
            .collect(),
        "method.get" => existence(state, call)?,
        "events" => events(state, call),
        _ => {
            return Err(Refusal::new(
                404,
                "ERROR_METHOD_NOT_FOUND",
                "Method not found!",
            ));
        }
    };
    Ok(result.into())
}

fn info(state: &State) -> Value {
    let settings = &state.settings;
    json!({
        "ID": 1,
        "CODE": state.application.client_id,
        "VERSION": 1,
        "STATUS": "L",
        "INSTALLED": settings.installed,
        "PAYMENT_EXPIRED": if settings.paid { "N" } else { "Y" },
        "DAYS": null,
        "LANGUAGE_ID": "en",
        "LICENSE": "en_pro100",
        "LICENSE_TYPE": "pro100",
        "LICENSE_FAMILY": "pro",
    })
}

fn feature(state: &State, call: &Call<'_>) -> Result<Value, Refusal> {
    let params = php::lower_keys(call.params);
    let code = params.get("code").and_then(php::text).unwrap_or_default();
    if code.is_empty() {
        return Err(Refusal::new(400, "CODE_EMPTY", "CODE can't be empty"));
    }
    let settings = &state.settings;
    let has = match code.as_str() {
        "rest_offline_extended" => settings.plan_confirms,
        "rest_auth_connector" => settings.plan_connector,
        _ => false,
    };
    let value = match (has || settings.claims_features, settings.self_hosted) {
        (true, true) => "en_selfhosted",
        (true, false) => "Y",
        (false, _) => "N",
    };
    Ok(json!({"value": value}))
}

fn profile(state: &State, call: &Call<'_>) -> Value {
    let user = call.caller.user;
    json!({
        "ID": user.to_string(),
        "ADMIN": method::is_admin(state, user),
        "NAME": format!("User {user}"),
        "LAST_NAME": "",
        "PERSONAL_GENDER": "",
        "PERSONAL_PHOTO": "",
        "TIME_ZONE": "",
        "TIME_ZONE_OFFSET": 0,
    })
}

fn existence(state: &State, call: &Call<'_>) -> Result<Value, Refusal> {
    let params = php::lower_keys(call.params);
    let name = params.get("name").and_then(php::text).unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::argument(
            "NAME",
            "Argument 'NAME' is null or empty",
        ));
    }
    let name = name.to_ascii_lowercase();
    let exists = method::all(state).any(|(known, _)| known == name);
    Ok(json!({
        "isExisting": exists,
        "isAvailable": exists && method::check_scope(state, &name).is_ok(),
    }))
}

/// The events that the application may bind: of its own scopes, or of the one that `SCOPE` names.
fn events(state: &State, call: &Call<'_>) -> Value {
    let params = php::lower_keys(call.params);
    let wanted = params.get("scope").and_then(php::text);
    let fits = |event: &&str| {
        let scope = bindings::scope_of(event);
        bindings::may_bind(state, event) && wanted.as_deref().is_none_or(|wanted| wanted == scope)
    };
    let events = bindings::EVENTS.iter().filter(|event| fits(event));
    events.map(|event| json!(event)).collect()
}
