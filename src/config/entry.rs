use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::address::{self, AddressError};
use super::document::Document;
use super::problem::Problem;

/// One key and its value. Each way to read it reports what is wrong and then
/// answers `None`; no report shows the value.
pub(super) struct Entry<'a> {
    document: &'a Document<'a>,
    path: String,
    line: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        document: &'a Document<'a>,
        path: String,
        value: &'a Spanned<DeValue<'a>>,
    ) -> Self {
        Self {
            document,
            path,
            line: document.line(&value.span()),
            value: value.get_ref(),
        }
    }

    /// The key's full path.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn value(&self) -> &'a DeValue<'a> {
        self.value
    }

    /// The document that this is a part of.
    pub(super) fn document(&self) -> &'a Document<'a> {
        self.document
    }

    /// Reports a problem with the value.
    pub(super) fn refuse(&self, what: impl Into<String>, remedy: impl Into<String>) {
        self.document.report(self.problem(what, remedy));
    }

    /// Something about the value.
    pub(super) fn problem(&self, what: impl Into<String>, remedy: impl Into<String>) -> Problem {
        self.document
            .problem(Some(self.line), self.path.as_str(), what, remedy)
    }

    /// A text that is not blank, has no control characters, and no white space
    /// at its ends.
    pub(super) fn text(&self) -> Option<&'a str> {
        let DeValue::String(text) = self.value else {
            return self.wrong_type("a string", "put the value in quotes");
        };
        if text.trim().is_empty() {
            self.refuse("is empty", "give it a value, or remove the key");
        } else if text.trim() != text.as_ref() || text.contains(char::is_control) {
            self.refuse(
                "has white space at an end, or a control character",
                "remove what does not belong to the value",
            );
        } else {
            return Some(text.as_ref());
        }
        None
    }

    /// The same, owned.
    pub(super) fn string(&self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    /// An address that is a host alone.
    pub(super) fn origin(&self) -> Option<Url> {
        let url = address::parse_origin(self.text()?);
        if let Err(error) = &url {
            let remedy = match error {
                AddressError::Scheme => "write https://",
                AddressError::Syntax | AddressError::User | AddressError::Path => {
                    "give scheme and host alone, such as \"https://acme.bitrix24.com\""
                }
            };
            self.refuse(error.to_string(), remedy);
        }
        url.ok()
    }

    /// A path; a relative one starts at `folder`.
    pub(super) fn file(&self, folder: &Path) -> Option<PathBuf> {
        let text = self.text()?;
        if Path::new(text).components().next() == Some(Component::Normal("~".as_ref())) {
            self.refuse("starts with ~, which is no folder", "write the whole path");
            return None;
        }
        Some(folder.join(text))
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false", "write true or false without quotes"),
        }
    }

    /// A whole number within the range.
    pub(super) fn whole(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let DeValue::Integer(number) = self.value else {
            return self.wrong_type("a whole number", "write digits without quotes");
        };
        let number = i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = range.into_inner();
            self.refuse(
                "is out of range",
                format!("use a whole number from {least} to {most}"),
            );
        }
        number
    }

    /// A number within the range; never infinite, never NaN.
    pub(super) fn number(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(f64::NAN, |number| number as f64),
            DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN),
            _ => return self.wrong_type("a number", "write digits without quotes"),
        };
        if range.contains(&number) {
            return Some(number);
        }
        let (least, most) = range.into_inner();
        self.refuse(
            "is out of range",
            format!("use a number from {least} to {most}"),
        );
        None
    }

    /// One of the words, each with what it stands for.
    pub(super) fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let choice = choices.iter().find(|(word, _)| *word == text);
        if choice.is_none() {
            let words: Vec<String> = choices
                .iter()
                .map(|(word, _)| format!("{word:?}"))
                .collect();
            self.refuse(
                "is not a value it can have",
                format!("use {}", words.join(" or ")),
            );
        }
        choice.map(|(_, value)| *value)
    }

    /// The entries of a list, named `key[0]`, `key[1]` and so on.
    pub(super) fn items(&self) -> Option<Vec<Entry<'a>>> {
        let DeValue::Array(items) = self.value else {
            return self.wrong_type("a list", "write it in brackets: [\"...\", \"...\"]");
        };
        let item =
            |(index, value)| Entry::new(self.document, format!("{}[{index}]", self.path), value);
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A list of single words; those that are none are reported and left out.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        let word = |item: Entry<'a>| {
            let text = item.text()?;
            if text.contains(char::is_whitespace) {
                item.refuse("is more than one word", "list each word by itself");
                return None;
            }
            Some(text.to_owned())
        };
        Some(self.items()?.into_iter().filter_map(word).collect())
    }

    pub(super) fn table(&self) -> Option<&'a DeTable<'a>> {
        match self.value {
            DeValue::Table(table) => Some(table),
            _ => self.wrong_type("a table", "write it as a section or in braces"),
        }
    }

    fn wrong_type<T>(&self, wanted: &str, remedy: &str) -> Option<T> {
        self.refuse(
            format!("must be {wanted}, not {}", kind(self.value)),
            remedy,
        );
        None
    }
}

/// The word that stands for a value; the reverse of [`Entry::one_of`].
pub(super) fn word<T: PartialEq>(choices: &[(&'static str, T)], value: T) -> &'static str {
    let choice = choices.iter().find(|(_, candidate)| *candidate == value);
    choice.map_or("", |(word, _)| word)
}

/// What a value is, in words, without the value.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
