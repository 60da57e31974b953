//! The authorisation server's token endpoint and the portal's login page (protocol document,
//! sections 1.2 and 1.7).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::log::RequestRecord;
use crate::php;
use crate::state::{State, host};
use crate::wire::reply::Reply;

fn refusal(status: u16, code: &str, text: &str) -> Reply {
    Reply::json(status, json!({"error": code, "error_description": text}))
}

/// `/oauth/token/`, by GET and by POST.
pub(crate) fn token(state: &mut State, record: &RequestRecord, now: f64) -> Reply {
    let given = |name: &str| {
        record
            .params
            .get(name)
            .and_then(php::text)
            .unwrap_or_default()
    };
    if let Some((status, code, text)) = &state.settings.refuse_oauth {
        return refusal(*status, code, text);
    }
    let grant = given("grant_type");
    if !matches!(grant.as_str(), "authorization_code" | "refresh_token") {
        return refusal(400, "invalid_request", "Invalid grant_type parameter");
    }
    if given("client_id") != state.application.client_id {
        return refusal(200, "wrong_client", "Wrong client");
    }
    if given("client_secret") != state.application.client_secret {
        return refusal(
            state.settings.invalid_client_status,
            "invalid_client",
            "The client credentials are invalid",
        );
    }
    if grant == "authorization_code" {
        return match state.tokens.redeem_code(&given("code"), now) {
            Some(user) => {
                let names_user = state.settings.exchange_names_user;
                Reply::json(200, state.grant(user, now, names_user))
            }
            None => refusal(400, "invalid_grant", "Invalid or expired code"),
        };
    }
    let dies = state.settings.old_refresh_dies;
    let redeemed = state
        .tokens
        .redeem_refresh(&given("refresh_token"), now, dies);
    match redeemed {
        Some((user, access)) => {
            let valid = matches!(
                state.tokens.standing(&access, now),
                crate::oauth::tokens::Standing::Valid(_)
            );
            state.referee.renewed(&access, valid);
            Reply::json(200, state.grant(user, now, true))
        }
        None => refusal(400, "invalid_grant", "Invalid refresh token"),
    }
}

/// `/oauth/authorize/`: the browser of user 1 is sent to the application's handler.
pub(crate) fn authorize(state: &mut State, record: &RequestRecord, now: f64) -> Reply {
    let given = |name: &str| {
        record
            .params
            .get(name)
            .and_then(php::text)
            .unwrap_or_default()
    };
    if given("client_id") != state.application.client_id {
        return Reply::html(400);
    }
    Reply::redirect(login(state, &given("state"), 1, now))
}

/// The address to which the browser is sent after a login, with a fresh code.
pub(crate) fn login(state: &mut State, client_state: &str, user: u64, now: f64) -> String {
    let code = state.tokens.issue_code(&mut state.chance, user, now);
    let query: Vec<String> = [
        ("code", code),
        ("state", client_state.to_owned()),
        ("domain", host(state.addresses.portal()).to_owned()),
        ("member_id", state.application.member_id.clone()),
        ("scope", state.settings.scopes.join(",")),
        ("server_domain", state.oauth_host()),
    ]
    .into_iter()
    .map(|(name, value)| format!("{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC)))
    .collect();
    format!("{}?{}", state.settings.handler_path, query.join("&"))
}
