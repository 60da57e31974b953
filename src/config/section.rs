use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::entry::{Entry, kind};
use super::problem::Problem;

/// What reading a key came to.
#[derive(Clone, Debug)]
pub(super) enum Key<T> {
    /// It is not there.
    Absent,
    /// It is there and wrong, which was reported.
    Refused,
    /// It is there and good.
    Given(T),
}

impl<T> Key<T> {
    /// The value; `None` where the key is absent or was refused.
    pub(super) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Refused => None,
        }
    }

    /// The value, or the default. A refused key gets it too, so that reading
    /// goes on; its problem is remembered.
    pub(super) fn or(self, default: T) -> T {
        self.given().unwrap_or(default)
    }

    /// What another key came to, where this one is absent.
    pub(super) fn or_else(self, other: &Self) -> Self
    where
        T: Clone,
    {
        match self {
            Self::Absent => other.clone(),
            own => own,
        }
    }
}

/// One table of the file. It hands out the entries that are asked for, and at
/// the end refuses those that nobody knows.
///
/// A table that is absent behaves as an empty one, and one that is malformed is
/// reported and then behaves so too: reading goes on, and every problem shows.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    /// The path of the table, empty for the file's top level.
    path: String,
    line: Option<usize>,
    table: Option<&'a DeTable<'a>>,
    known: BTreeSet<&'static str>,
}

impl<'a> Section<'a> {
    /// The file's top level.
    pub(super) fn root(document: &'a Document<'a>, table: &'a DeTable<'a>) -> Self {
        Self {
            document,
            path: String::new(),
            line: None,
            table: Some(table),
            known: BTreeSet::new(),
        }
    }

    /// The line on which the table begins, where there is one.
    pub(super) fn line(&self) -> Option<usize> {
        self.line
    }

    /// The full path of one of its keys.
    pub(super) fn key(&self, key: &str) -> String {
        if self.path.is_empty() {
            quoted(key)
        } else {
            format!("{}.{}", self.path, quoted(key))
        }
    }

    /// Calls the table by another path from here on.
    pub(super) fn rename(&mut self, path: String) {
        self.path = path;
    }

    /// The entry of that key, where there is one.
    fn entry(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.insert(key);
        let (_, value) = self.table?.get_key_value(key)?;
        Some(Entry::new(self.document, self.key(key), value))
    }

    /// The value of that key, as `read` understands it. `read` reports what is
    /// wrong before it answers `None`.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Entry<'a>) -> Option<T>,
    ) -> Key<T> {
        match self.entry(key) {
            None => Key::Absent,
            Some(entry) => read(&entry).map_or(Key::Refused, Key::Given),
        }
    }

    /// The table of that key.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'a> {
        match self.entry(key) {
            Some(entry) => Self::of(&entry),
            None => Section {
                path: self.key(key),
                line: None,
                table: None,
                known: BTreeSet::new(),
                ..*self
            },
        }
    }

    fn of(entry: &Entry<'a>) -> Self {
        Self {
            document: entry.document(),
            path: entry.path().to_owned(),
            line: Some(entry.line()),
            table: entry.table(),
            known: BTreeSet::new(),
        }
    }

    /// The tables of that key, written as `[[key]]`, numbered from 1.
    pub(super) fn sections(&mut self, key: &'static str) -> Key<Vec<Section<'a>>> {
        let path = self.key(key);
        self.value(key, |entry| {
            let DeValue::Array(items) = entry.value() else {
                entry.refuse(
                    format!("must be a list of tables, not {}", kind(entry.value())),
                    format!("write its header as [[{key}]], once for each"),
                );
                return None;
            };
            let section = |(index, item)| {
                let path = format!("{path}#{}", index + 1);
                let section = Section::of(&Entry::new(entry.document(), path, item));
                section.table.is_some().then_some(section)
            };
            Some(items.iter().enumerate().filter_map(section).collect())
        })
    }

    /// Reports something about a key that is not there.
    pub(super) fn refuse(&self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.document.report(self.problem(key, what, remedy));
    }

    /// Something about a key of the table as a whole.
    pub(super) fn problem(
        &self,
        key: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        self.document
            .problem(self.line, self.key(key), what, remedy)
    }

    /// The document that this is a part of.
    pub(super) fn document(&self) -> &'a Document<'a> {
        self.document
    }

    /// Reports every entry that was not asked for. The values are not looked at.
    pub(super) fn refuse_unknown(&self) {
        let keys = self.table.into_iter().flat_map(|table| table.keys());
        for key in keys.filter(|key| !self.known.contains(key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let line = Some(self.document.line(&key.span()));
            let remedy = remedy(name, &self.known);
            let problem = self
                .document
                .problem(line, self.key(name), "is not a known key", remedy);
            self.document.report(problem);
        }
    }
}

/// What to do about an unknown key: the known one that was probably meant.
fn remedy(name: &str, known: &BTreeSet<&'static str>) -> String {
    if matches!(name, "client_secret" | "secret") && known.contains("client_secret_file") {
        return "keep the secret in a file of its own and name that with client_secret_file, \
                or pass it as the systemd credential client_secret"
            .to_owned();
    }
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None => {
            let known: Vec<&str> = known.iter().copied().collect();
            format!("remove it, or use one of {}", known.join(", "))
        }
    }
}

/// A key as it is written in TOML; never more than one line.
pub(super) fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        format!("{key:?}")
    }
}
