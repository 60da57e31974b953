//! The two families of methods for contacts, and the words that each has for the same things.

use serde::Serialize;

/// The name fields, as we call them everywhere, and the classic family does. They hold 50 characters
/// each.
pub const NAME_FIELDS: [&str; 3] = ["NAME", "SECOND_NAME", "LAST_NAME"];

/// A family of methods for contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `crm.item.*` with `entityTypeId` 3.
    Universal,
    /// `crm.contact.*`.
    Classic,
}

/// What a family calls things.
pub(super) struct Words {
    pub list: &'static str,
    pub get: &'static str,
    pub update: &'static str,
    pub id: &'static str,
    /// In the order of [`NAME_FIELDS`].
    pub names: [&'static str; 3],
    pub modified: &'static str,
    /// Where a row stands in the answer of a list, as a reference within a batch spells it.
    pub rows: &'static str,
}

const UNIVERSAL: Words = Words {
    list: "crm.item.list",
    get: "crm.item.get",
    update: "crm.item.update",
    id: "id",
    names: ["name", "secondName", "lastName"],
    modified: "updatedTime",
    rows: "[items]",
};

const CLASSIC: Words = Words {
    list: "crm.contact.list",
    get: "crm.contact.get",
    update: "crm.contact.update",
    id: "ID",
    names: NAME_FIELDS,
    modified: "DATE_MODIFY",
    rows: "",
};

impl Family {
    /// Both, the preferred one first.
    pub const ALL: [Self; 2] = [Self::Universal, Self::Classic];

    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::Universal => &UNIVERSAL,
            Self::Classic => &CLASSIC,
        }
    }

    /// Its name in configuration, status and log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Universal => "universal",
            Self::Classic => "classic",
        }
    }

    /// The method that lists contacts, for pages, walks and guards.
    #[must_use]
    pub const fn list(self) -> &'static str {
        self.words().list
    }

    /// The method that reads one contact.
    #[must_use]
    pub const fn get(self) -> &'static str {
        self.words().get
    }

    /// The method that writes one contact.
    #[must_use]
    pub const fn update(self) -> &'static str {
        self.words().update
    }

    /// The family that a method belongs to.
    #[must_use]
    pub fn of_method(method: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|family| [family.list(), family.get(), family.update()].contains(&method))
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
