//! The application, its account and the plan: `app.info`, `user.admin`, `scope`, `feature.get`, `server.time`.

use serde_json::Value;

use super::{Bar, Barred, Batch, BatchAnswer, Call, Problem, wire};

/// Events can be reserved with `clear: 0`.
pub const OFFLINE_EXTENDED: &str = "rest_offline_extended";

/// Calls may carry `auth_connector`.
pub const AUTH_CONNECTOR: &str = "rest_auth_connector";

/// A feature of a plan that the protocol asks for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// [`OFFLINE_EXTENDED`].
    Reserving,
    /// [`AUTH_CONNECTOR`].
    Connector,
}

impl Feature {
    /// Its name in `feature.get`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Reserving => OFFLINE_EXTENDED,
            Self::Connector => AUTH_CONNECTOR,
        }
    }
}

/// The scope that contacts need.
pub const CRM_SCOPE: &str = "crm";

/// Asks about the application (`app.info`).
#[must_use]
pub fn info() -> Call {
    Call::new("app.info")
}

/// Why the portal records no events for this application, from [`info`]; none where all is well.
#[must_use]
pub fn inactive(info: &Value) -> Option<Unfit> {
    if wire::flag(&info["INSTALLED"]) == Some(false) {
        let text = "the application is not installed; open it once in the portal, or set \"uses API \
            only\" in its settings";
        return Some(Unfit::new(Bar::NotInstalled, text));
    }
    if wire::flag(&info["PAYMENT_EXPIRED"]) == Some(true) {
        let text = "the application's payment has expired; renew it in the portal";
        return Some(Unfit::new(Bar::Plan, text));
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
    wire::list(result.clone()).is_some_and(|list| list.iter().any(|entry| entry == scope))
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

/// What the portal says of the application, its account and the plan, where all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The account behind the tokens.
    pub user_id: Option<u64>,
    /// The plan has [`OFFLINE_EXTENDED`].
    pub plan_confirms: bool,
    /// The plan has [`AUTH_CONNECTOR`].
    pub plan_connector: bool,
}

/// Why the application or its account cannot do the work, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Unfit {
    /// What stands in the way.
    pub bar: Bar,
    /// The same in words, with what to do.
    pub text: String,
}

impl Unfit {
    fn new(bar: Bar, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { bar, text }
    }
}

/// Everything that [`read_standing`] wants to know, in one request.
#[must_use]
pub fn ask_standing() -> Batch {
    let mut batch = Batch::new();
    for (key, call) in [
        ("info", info()),
        ("admin", is_admin()),
        ("scopes", scopes()),
        ("confirms", feature(OFFLINE_EXTENDED)),
        ("connector", feature(AUTH_CONNECTOR)),
        ("profile", profile()),
    ] {
        batch.push(key, &call);
    }
    batch
}

/// The answer to one of the questions above; `null` where the portal does not know the method, or not
/// the question. Older self-hosted portals lack some of them, and what they forbid shows when it is used.
///
/// # Errors
/// Any other problem of the command.
pub fn known(answer: &mut BatchAnswer, key: &str) -> Result<Value, Problem> {
    match answer.take(key) {
        Err(Problem::Unauthorised(barred)) if barred.bar == Bar::MethodUnknown => Ok(Value::Null),
        Err(Problem::Misuse(_) | Problem::Refused(_) | Problem::Gone) => Ok(Value::Null),
        other => other.map(|reply| reply.result),
    }
}

/// Judges the answer to [`ask_standing`].
///
/// # Errors
/// The outer error is a problem that says nothing about the application; the inner one says what a
/// person has to change.
pub fn read_standing(answer: &mut BatchAnswer) -> Result<Result<Standing, Unfit>, Problem> {
    let checked = |problem: Problem| match problem {
        Problem::Unauthorised(barred) => Ok(Err(unfit(&barred))),
        problem => Err(problem),
    };
    let mut take = |key: &str| known(answer, key);
    let (info, admin, scopes) = match (take("info"), take("admin"), take("scopes")) {
        (Ok(info), Ok(admin), Ok(scopes)) => (info, admin, scopes),
        (Err(problem), _, _) | (_, Err(problem), _) | (_, _, Err(problem)) => {
            return checked(problem);
        }
    };
    let (confirms, connector) = match (take("confirms"), take("connector")) {
        (Ok(confirms), Ok(connector)) => (confirms, connector),
        (Err(problem), _) | (_, Err(problem)) => return checked(problem),
    };
    if let Err(unfit) = fitness(&info, &admin, &scopes) {
        return Ok(Err(unfit));
    }
    Ok(Ok(Standing {
        // Worth knowing, not worth failing for.
        user_id: take("profile")
            .ok()
            .and_then(|profile| wire::id(&profile["ID"])),
        plan_confirms: has_feature(&confirms),
        plan_connector: has_feature(&connector),
    }))
}

/// Whether the application and its account can do the work, from the answers to [`info`],
/// [`is_admin`] and [`scopes`], of which the last two may be unknown (`null`).
///
/// # Errors
/// What a person has to change.
pub fn fitness(info: &Value, admin: &Value, scopes: &Value) -> Result<(), Unfit> {
    if let Some(unfit) = inactive(info) {
        return Err(unfit);
    }
    if !admin.is_null() && wire::flag(admin) != Some(true) {
        return Err(Unfit::new(Bar::NotAdmin, NO_ADMINISTRATOR));
    }
    if !scopes.is_null() && !has_scope(scopes, CRM_SCOPE) {
        return Err(Unfit::new(Bar::Scope, NO_SCOPE));
    }
    Ok(())
}

/// The account may not read the queue.
pub const NO_ADMINISTRATOR: &str = "the account behind the tokens is no administrator; make it one, \
    or authorise with an administrator's account";

/// Without the scope there are neither contacts nor their events.
pub const NO_SCOPE: &str = "the application lacks the scope `crm`; grant it in the application's \
    settings in the portal, and authorise anew if that is not enough";

/// What a person has to do about a refusal (protocol document, section 3.1).
#[must_use]
pub fn unfit(barred: &Barred) -> Unfit {
    Unfit::new(barred.bar, format!("{barred}; {}", barred.bar.remedy()))
}
