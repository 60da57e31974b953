//! The application, its account and the plan: `app.info`, `user.admin`, `scope`, `feature.get`, `server.time`.

use serde_json::Value;

use super::{Call, wire};

/// Events can be reserved with `clear: 0`.
pub const OFFLINE_EXTENDED: &str = "rest_offline_extended";

/// Calls may carry `auth_connector`.
pub const AUTH_CONNECTOR: &str = "rest_auth_connector";

/// The scope that contacts need.
pub const CRM_SCOPE: &str = "crm";

/// Asks about the application (`app.info`).
#[must_use]
pub fn info() -> Call {
    Call::new("app.info")
}

/// Why the portal records no events for this application, from [`info`]; none where all is well.
#[must_use]
pub fn inactive(info: &Value) -> Option<String> {
    if wire::flag(&info["INSTALLED"]) == Some(false) {
        return Some(
            "the application is not installed; open it once in the portal, or set \"uses API only\" in its settings"
                .to_owned(),
        );
    }
    if wire::flag(&info["PAYMENT_EXPIRED"]) == Some(true) {
        return Some("the application's payment has expired; renew it in the portal".to_owned());
    }
    None
}

/// Asks whether the account is an administrator (`user.admin`).
#[must_use]
pub fn is_admin() -> Call {
    Call::new("user.admin")
}

/// Asks for the scopes of the token (`scope`).
#[must_use]
pub fn scopes() -> Call {
    Call::new("scope")
}

/// Whether a scope is among those of the answer to [`scopes`].
#[must_use]
pub fn has_scope(result: &Value, scope: &str) -> bool {
    result
        .as_array()
        .is_some_and(|list| list.iter().any(|entry| entry == scope))
}

/// Asks whether the plan has a feature (`feature.get`).
#[must_use]
pub fn feature(code: &str) -> Call {
    Call::new("feature.get").with("CODE", code)
}

/// Whether the plan has the feature. Self-hosted portals answer something like `ru_selfhosted`:
/// everything but `N` is a yes.
#[must_use]
pub fn has_feature(result: &Value) -> bool {
    wire::text(&result["value"]).is_none_or(|value| !value.eq_ignore_ascii_case("N"))
}

/// Asks for the portal's clock (`server.time`).
#[must_use]
pub fn server_time() -> Call {
    Call::new("server.time")
}

/// Asks which account the token belongs to (`profile`).
#[must_use]
pub fn profile() -> Call {
    Call::new("profile")
}
