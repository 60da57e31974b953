//! One REST call: what it is given, what it answers, and which method it goes to.

use serde_json::{Map, Value, json};

use crate::methods::{application, bindings, contacts, items, offline};
use crate::php::{self, Params};
use crate::referee::Shown;
use crate::settings::Universal;
use crate::state::{Origin, State};

/// Who calls, decided once per HTTP request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: u64,
    /// `auth_connector` of the outermost request; empty where it was not sent.
    pub(crate) connector: String,
}

/// A call after authorisation, outside or inside a batch.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    /// Parameters without the reserved names.
    pub(crate) params: &'a Params,
    /// `start`, which the server consumes.
    pub(crate) start: Option<i64>,
    pub(crate) now: f64,
}

impl Call<'_> {
    /// The client as the one who changes something.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Client {
            user: self.caller.user,
            connector: self.caller.connector.clone(),
        }
    }

    /// A parameter of the `crm.contact.*` family: all lower or all upper case.
    pub(crate) fn either_case(&self, name: &str) -> Option<&Value> {
        self.params
            .get(name)
            .or_else(|| self.params.get(&name.to_ascii_uppercase()))
    }
}

/// What a method answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) result: Value,
    pub(crate) total: Option<u64>,
    pub(crate) next: Option<u64>,
}

impl From<Value> for Outcome {
    fn from(result: Value) -> Self {
        Self {
            result,
            ..Self::default()
        }
    }
}

/// An error envelope.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) argument: Option<String>,
    /// The whole request ends with this page instead, also inside a batch.
    pub(crate) page: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, text: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            text: text.to_owned(),
            argument: None,
            page: None,
        }
    }

    /// The whole request ends with a page, also where it is a batch.
    pub(crate) fn page(status: u16, page: &str) -> Self {
        Self {
            page: Some(page.to_owned()),
            ..Self::new(status, "", "")
        }
    }

    /// 400 `ERROR_ARGUMENT` for a parameter.
    pub(crate) fn argument(name: &str, text: &str) -> Self {
        Self {
            argument: Some(name.to_owned()),
            ..Self::new(400, "ERROR_ARGUMENT", text)
        }
    }

    /// 400 with an empty code, as the `crm.contact.*` family answers.
    pub(crate) fn plain(text: &str) -> Self {
        Self::new(400, "", text)
    }

    pub(crate) fn envelope(&self) -> Value {
        let mut body = Map::new();
        body.insert("error".to_owned(), json!(self.code));
        body.insert("error_description".to_owned(), json!(self.text));
        if let Some(argument) = &self.argument {
            body.insert("argument".to_owned(), json!(argument));
        }
        Value::Object(body)
    }
}

/// The methods that exist, with their scope (empty: none needed).
const METHODS: [(&str, &str); 26] = [
    ("batch", ""),
    ("app.info", ""),
    ("feature.get", ""),
    ("user.admin", ""),
    ("profile", ""),
    ("server.time", ""),
    ("scope", ""),
    ("methods", ""),
    ("method.get", ""),
    ("events", ""),
    ("event.bind", ""),
    ("event.unbind", ""),
    ("event.get", ""),
    ("event.offline.get", ""),
    ("event.offline.list", ""),
    ("event.offline.clear", ""),
    ("event.offline.error", ""),
    ("crm.contact.fields", "crm"),
    ("crm.contact.list", "crm"),
    ("crm.contact.get", "crm"),
    ("crm.contact.update", "crm"),
    ("crm.contact.add", "crm"),
    ("crm.contact.delete", "crm"),
    ("crm.item.get", "crm"),
    ("crm.item.list", "crm"),
    ("crm.item.update", "crm"),
];

/// Names of all methods with their scopes.
pub(crate) fn all(state: &State) -> impl Iterator<Item = (&'static str, &'static str)> {
    let items = state.settings.universal != Universal::NoMethods;
    let there = move |name: &str| items || !name.starts_with("crm.item.");
    METHODS.into_iter().filter(move |(name, _)| there(name))
}

/// 404 for an unknown method, `insufficient_scope` for one that the application may not call.
pub(crate) fn check_scope(state: &State, method: &str) -> Result<(), Refusal> {
    let Some((_, scope)) = all(state).find(|(name, _)| *name == method) else {
        return Err(Refusal::new(
            404,
            "ERROR_METHOD_NOT_FOUND",
            "Method not found!",
        ));
    };
    if scope.is_empty() || state.settings.scopes.iter().any(|owned| owned == scope) {
        return Ok(());
    }
    Err(Refusal::new(
        state.settings.insufficient_scope_status,
        "insufficient_scope",
        "The request requires higher privileges than provided by the access token",
    ))
}

/// 403 for whoever is no administrator.
pub(crate) fn check_admin(state: &State, caller: &Caller) -> Result<(), Refusal> {
    if is_admin(state, caller.user) {
        return Ok(());
    }
    Err(Refusal::new(403, "ACCESS_DENIED", "Access denied!"))
}

/// Only user 1 can be an administrator here.
pub(crate) fn is_admin(state: &State, user: u64) -> bool {
    user == 1 && state.settings.admin
}

/// Carries out a call of anything but `batch`.
pub(crate) fn dispatch(
    state: &mut State,
    method: &str,
    call: &Call<'_>,
    shown: &mut Shown,
) -> Result<Outcome, Refusal> {
    state.settle(call.now);
    check_scope(state, method)?;
    match method {
        "event.bind" => bindings::bind(state, call),
        "event.unbind" => bindings::unbind(state, call),
        "event.get" => Ok(bindings::get(state, call)),
        "event.offline.get" => offline::get(state, call),
        "event.offline.list" => offline::list(state, call, shown),
        "event.offline.clear" => offline::clear(state, call),
        "event.offline.error" => offline::error(state, call),
        "crm.contact.fields" => Ok(contacts::fields()),
        "crm.contact.list" => contacts::list(state, call, shown),
        "crm.contact.get" => contacts::get(state, call, shown),
        "crm.contact.update" => contacts::update(state, call, shown),
        "crm.contact.add" => contacts::add(state, call),
        "crm.contact.delete" => contacts::delete(state, call),
        "crm.item.get" => items::get(state, call, shown),
        "crm.item.list" => items::list(state, call, shown),
        "crm.item.update" => items::update(state, call, shown),
        _ => application::answer(state, method, call),
    }
}

/// Takes `start` and the other reserved names out of the parameters. Only the lower-case spelling
/// is reserved.
pub(crate) fn take_reserved(params: &mut Params) -> Option<i64> {
    for name in ["auth", "access_token", "auth_connector", "state", "token"] {
        params.remove(name);
    }
    params.remove("start").map(|start| php::int(&start))
}
