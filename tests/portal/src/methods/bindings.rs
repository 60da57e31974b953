//! Event handlers: `event.bind`, `event.unbind`, `event.get` (protocol document, section 6.8).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::php;
use crate::rest::method::{self, Call, Outcome, Refusal};
use crate::state::State;

/// The events that exist here. All but the first two need the scope `crm`.
pub(crate) const EVENTS: [&str; 17] = [
    "ONAPPUPDATE",
    "ONOFFLINEEVENT",
    "ONCRMCONTACTADD",
    "ONCRMCONTACTUPDATE",
    "ONCRMCONTACTDELETE",
    "ONCRMCOMPANYADD",
    "ONCRMCOMPANYUPDATE",
    "ONCRMCOMPANYDELETE",
    "ONCRMLEADADD",
    "ONCRMLEADUPDATE",
    "ONCRMLEADDELETE",
    "ONCRMDEALADD",
    "ONCRMDEALUPDATE",
    "ONCRMDEALDELETE",
    "ONCRMACTIVITYADD",
    "ONCRMACTIVITYUPDATE",
    "ONCRMACTIVITYDELETE",
];

/// The scope to which an event belongs; empty where it needs none.
pub(crate) fn scope_of(event: &str) -> &'static str {
    if event.starts_with("ONCRM") {
        "crm"
    } else {
        ""
    }
}

/// Whether the application has the scope of an event.
pub(crate) fn may_bind(state: &State, event: &str) -> bool {
    let scope = scope_of(event);
    scope.is_empty() || state.settings.scopes.iter().any(|owned| owned == scope)
}

/// A handler of the client's application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Upper-case event name.
    pub event: String,
    /// Whether its events go to the queue.
    pub offline: bool,
    /// Empty without a connector.
    pub connector: String,
    /// URL of an online handler; empty for an offline one.
    pub handler: String,
}

/// The event and its type as the parameters give them.
struct Target {
    event: String,
    offline: bool,
    handler: String,
}

fn target(state: &State, call: &Call<'_>) -> Result<Target, Refusal> {
    let params = php::lower_keys(call.params);
    let given = |name: &str| params.get(name).and_then(php::text).unwrap_or_default();
    let event = given("event").trim().to_ascii_uppercase();
    if event.is_empty() {
        return Err(Refusal::argument(
            "EVENT",
            "Argument 'EVENT' is null or empty",
        ));
    }
    let offline = match given("event_type").to_ascii_lowercase().as_str() {
        "" | "online" => false,
        "offline" => true,
        _ => {
            let text = "Value must be one of {online|offline}";
            return Err(Refusal::argument("EVENT_TYPE", text));
        }
    };
    if !EVENTS.contains(&event.as_str()) || !may_bind(state, &event) {
        return Err(Refusal::new(
            400,
            "ERROR_EVENT_NOT_FOUND",
            "Event not found!",
        ));
    }
    let handler = given("handler");
    if !offline && handler.is_empty() {
        return Err(Refusal::argument(
            "HANDLER",
            "Argument 'HANDLER' is null or empty",
        ));
    }
    Ok(Target {
        event,
        offline,
        handler: if offline { String::new() } else { handler },
    })
}

/// `event.bind`.
pub(crate) fn bind(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let target = target(state, call)?;
    if target.offline {
        method::check_admin(state, call.caller)?;
        if target.event == "ONOFFLINEEVENT" {
            return Err(Refusal::argument(
                "EVENT_TYPE",
                "Offline event cannot be registered for this event.",
            ));
        }
    }
    let binding = Binding {
        event: target.event,
        offline: target.offline,
        connector: call.caller.connector.clone(),
        handler: target.handler,
    };
    if state.bindings.contains(&binding) {
        return Err(Refusal::new(
            400,
            "ERROR_CORE",
            "Unable to set event handler: Handler already binded",
        ));
    }
    state.bindings.push(binding);
    Ok(Value::Bool(true).into())
}

/// `event.unbind`: without `event_type` it means online handlers.
pub(crate) fn unbind(state: &mut State, call: &Call<'_>) -> Result<Outcome, Refusal> {
    let target = target(state, call)?;
    if target.offline {
        method::check_admin(state, call.caller)?;
    }
    let before = state.bindings.len();
    state.bindings.retain(|binding| {
        !(binding.event == target.event
            && binding.offline == target.offline
            && binding.connector == call.caller.connector
            && binding.handler == target.handler)
    });
    Ok(json!({"count": before - state.bindings.len()}).into())
}

/// `event.get`: an administrator sees all handlers of the application, whatever their connector.
pub(crate) fn get(state: &State, call: &Call<'_>) -> Outcome {
    let admin = method::is_admin(state, call.caller.user);
    let handlers: Vec<Value> = state
        .bindings
        .iter()
        .filter(|binding| admin || !binding.offline)
        .map(|binding| {
            if binding.offline {
                json!({"event": binding.event, "connector_id": binding.connector, "offline": 1})
            } else {
                json!({"event": binding.event, "handler": binding.handler, "auth_type": 0, "offline": 0})
            }
        })
        .collect();
    Value::Array(handlers).into()
}
