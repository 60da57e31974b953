use std::collections::HashMap;

use url::Url;

use super::entry::Entry;
use super::section::{Key, Section, quoted};

/// The longest portal name, in characters: it becomes part of a file name.
const LONGEST_NAME: usize = 64;

/// The `auth_connector` of our bindings and writes. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connector(String);

impl Connector {
    /// A connector of this name, unless it is empty.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// The name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What tells one portal from another.
pub(super) struct Identity {
    pub(super) name: Key<String>,
    pub(super) url: Key<Url>,
    pub(super) client_id: Key<String>,
    pub(super) connector: Key<Connector>,
}

impl Identity {
    /// Reads it and names the section by it; of the application's id, `app`
    /// is the default.
    pub(super) fn read(section: &mut Section<'_>, app: &Key<String>) -> Self {
        let name = section.value("name", name);
        match &name {
            Key::Given(name) => section.rename(format!("portal.{}", quoted(name))),
            Key::Absent => section.refuse("name", "is missing", "add one, such as name = \"acme\""),
            Key::Refused => {}
        }
        let url = section.value("url", Entry::origin);
        if matches!(url, Key::Absent) {
            section.refuse(
                "url",
                "is missing",
                "add the portal's address, such as url = \"https://acme.bitrix24.com\"",
            );
        }
        let client_id = section.value("client_id", Entry::string).or_else(app);
        if matches!(client_id, Key::Absent) {
            section.refuse(
                "client_id",
                "is missing, here and in [app]",
                "add the id that the portal shows for the local application",
            );
        }
        let connector = section.value("auth_connector", |entry| entry.string().map(Connector));
        Self {
            name,
            url,
            client_id,
            connector,
        }
    }
}

/// The portals met so far, each with its line.
#[derive(Default)]
pub(super) struct Seen {
    names: HashMap<String, Option<usize>>,
    urls: HashMap<Url, Option<usize>>,
    queues: HashMap<(Url, String, Option<Connector>), Option<usize>>,
}

impl Seen {
    /// Reports a portal that has the name or the queue of an earlier one.
    pub(super) fn refuse_twins(&mut self, section: &Section<'_>, identity: &Identity) {
        if let Key::Given(name) = &identity.name
            && let Some(first) = self.names.insert(name.clone(), section.line())
        {
            section.refuse(
                "name",
                format!("is the name of another portal too{}", at(first)),
                "give each portal a name of its own",
            );
        }
        if let (Key::Given(url), Key::Given(client_id)) = (&identity.url, &identity.client_id)
            && !matches!(identity.connector, Key::Refused)
        {
            let connector = identity.connector.clone().given();
            let queue = (url.clone(), client_id.clone(), connector);
            let first_there = *self.urls.entry(url.clone()).or_insert(section.line());
            if let Some(first) = self.queues.insert(queue, section.line()) {
                section.refuse(
                    "url",
                    format!(
                        "is that of another portal too{}, with the same client_id and auth_connector",
                        at(first)
                    ),
                    "remove one of the two, or give them different auth_connector values",
                );
            } else if first_there != section.line() {
                section.document().remark(section.problem(
                    "url",
                    format!("is that of another portal too{}", at(first_there)),
                    "remove one of the two, unless both of them shall tidy the same contacts",
                ));
            }
        }
    }
}

fn at(line: Option<usize>) -> String {
    line.map(|line| format!(" (line {line})"))
        .unwrap_or_default()
}

/// A portal's name: it stands on command lines and in the name of a credential
/// file.
fn name(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if text.contains('/') || text.chars().count() > LONGEST_NAME {
        entry.refuse(
            format!("has a slash, or more than {LONGEST_NAME} characters"),
            "choose a short name, such as \"acme\"",
        );
        return None;
    }
    Some(text.to_owned())
}
