//! Filters and orders as the portal's list methods understand them.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use crate::date;
use crate::php;

/// Comparison in front of a field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `@`: one of a list.
    In,
    /// `!@`: none of a list.
    NotIn,
    /// `%`: contains.
    Contains,
    /// `!%`: does not contain.
    NotContains,
    /// `=%` and `%=`: fits a pattern in which `%` stands for anything.
    Like,
    /// `!=%` and `!%=`.
    NotLike,
}

/// How a field's values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    /// Whole seconds.
    Date,
}

/// A column's value: dates and ids are numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field<'a> {
    Number(i64),
    Text(&'a str),
}

impl From<u64> for Field<'_> {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// What a condition compares with.
#[derive(Debug, Clone)]
enum Operand {
    Number(i64),
    Text(String),
}

impl Operand {
    fn field(&self) -> Field<'_> {
        match self {
            Self::Number(number) => Field::Number(*number),
            Self::Text(text) => Field::Text(text),
        }
    }

    fn id(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Text(_) => None,
        }
    }
}

/// One condition of a filter.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    field: String,
    operator: Operator,
    /// The values to compare with: one, or the list of `@`.
    operands: Vec<Operand>,
}

impl Condition {
    /// Splits `>=ID` into operator and field; `None` for an operator that nobody knows.
    pub(crate) fn split(key: &str) -> Option<(Operator, &str)> {
        let at = key
            .find(|letter: char| letter.is_ascii_alphanumeric() || letter == '_')
            .unwrap_or(key.len());
        let operator = match &key[..at] {
            "" | "=" => Operator::Equal,
            "!" | "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            "@" => Operator::In,
            "!@" => Operator::NotIn,
            "%" => Operator::Contains,
            "!%" => Operator::NotContains,
            "=%" | "%=" => Operator::Like,
            "!=%" | "!%=" => Operator::NotLike,
            _ => return None,
        };
        Some((operator, &key[at..]))
    }

    /// A condition on a field, `None` where its value means nothing for the field's kind (then the
    /// portal drops the condition).
    pub(crate) fn new(field: &str, operator: Operator, value: &Value, kind: Kind) -> Option<Self> {
        let operator = match operator {
            Operator::Equal if php::is_array(value) => Operator::In,
            Operator::NotEqual if php::is_array(value) => Operator::NotIn,
            other => other,
        };
        let given = if php::is_array(value) {
            php::values(value)
        } else {
            vec![value]
        };
        let operands: Vec<Operand> = given
            .into_iter()
            .filter_map(|one| operand(one, kind))
            .collect();
        (!operands.is_empty()).then(|| Self {
            field: field.to_owned(),
            operator,
            operands,
        })
    }

    /// Whether a row meets the condition; `column` reads one of its fields.
    pub(crate) fn holds<'a>(&self, column: impl Fn(&str) -> Field<'a>) -> bool {
        let value = column(&self.field);
        let against = |operand: &Operand| compare(value, operand.field());
        let first = || against(&self.operands[0]);
        match self.operator {
            Operator::Equal => first().is_eq(),
            Operator::NotEqual => first().is_ne(),
            Operator::Greater => first().is_gt(),
            Operator::GreaterOrEqual => first().is_ge(),
            Operator::Less => first().is_lt(),
            Operator::LessOrEqual => first().is_le(),
            Operator::In => self.operands.iter().any(|one| against(one).is_eq()),
            Operator::NotIn => !self.operands.iter().any(|one| against(one).is_eq()),
            Operator::Contains => self.contained(value),
            Operator::NotContains => !self.contained(value),
            Operator::Like => self.pattern_fits(value),
            Operator::NotLike => !self.pattern_fits(value),
        }
    }

    fn contained(&self, value: Field<'_>) -> bool {
        let needle = text_of(self.operands[0].field()).to_lowercase();
        text_of(value).to_lowercase().contains(&needle)
    }

    fn pattern_fits(&self, value: Field<'_>) -> bool {
        let pattern = text_of(self.operands[0].field()).to_lowercase();
        fits_pattern(&pattern, &text_of(value).to_lowercase())
    }

    /// The only id that can meet the condition, if it names one.
    pub(crate) fn only_id(&self) -> Option<u64> {
        let ids = self.only_ids()?;
        (ids.len() == 1).then(|| ids[0])
    }

    /// The only ids that can meet the condition, if it lists them.
    pub(crate) fn only_ids(&self) -> Option<Vec<u64>> {
        let lists = matches!(self.operator, Operator::Equal | Operator::In);
        if self.field != "ID" || !lists {
            return None;
        }
        Some(self.operands.iter().filter_map(Operand::id).collect())
    }

    /// The id that all fitting rows exceed, if the condition is `>ID`.
    pub(crate) fn above_id(&self) -> Option<u64> {
        if self.field == "ID" && self.operator == Operator::Greater {
            return self.operands[0].id();
        }
        None
    }
}

fn operand(value: &Value, kind: Kind) -> Option<Operand> {
    match kind {
        Kind::Number => (!php::is_array(value)).then(|| Operand::Number(php::int(value))),
        Kind::Text => php::text(value).map(Operand::Text),
        Kind::Date => date::parse(&php::text(value)?).map(Operand::Number),
    }
}

/// Whether a text fits a pattern in which `%` stands for anything.
fn fits_pattern(pattern: &str, text: &str) -> bool {
    match pattern.split_once('%') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| fits_pattern(tail, &rest[at..]))
        }),
    }
}

fn text_of(field: Field<'_>) -> Cow<'_, str> {
    match field {
        Field::Number(number) => Cow::Owned(number.to_string()),
        Field::Text(text) => Cow::Borrowed(text),
    }
}

/// Numbers by value, texts without regard to case (as the database's collation does).
fn compare(left: Field<'_>, right: Field<'_>) -> Ordering {
    if let (Field::Number(left), Field::Number(right)) = (left, right) {
        return left.cmp(&right);
    }
    let (left, right) = (text_of(left), text_of(right));
    if left.is_ascii() && right.is_ascii() {
        let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
        return left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    left.to_lowercase().cmp(&right.to_lowercase())
}

/// Fields to sort by, each ascending or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order(pub(crate) Vec<(String, bool)>);

impl Order {
    pub(crate) fn ascending(field: &str) -> Self {
        Self(vec![(field.to_owned(), true)])
    }

    pub(crate) fn descending(field: &str) -> Self {
        Self(vec![(field.to_owned(), false)])
    }

    /// Whether this is exactly "that field ascending".
    pub(crate) fn is(&self, field: &str) -> bool {
        matches!(self.0.as_slice(), [(only, true)] if only == field)
    }

    /// Whether this is exactly "that field descending".
    pub(crate) fn is_reverse(&self, field: &str) -> bool {
        matches!(self.0.as_slice(), [(only, false)] if only == field)
    }

    /// Sorts rows; ties go by id.
    pub(crate) fn sort<T>(
        &self,
        rows: &mut [T],
        column: impl for<'a> Fn(&'a T, &str) -> Field<'a>,
    ) {
        rows.sort_by(|left, right| {
            for (field, ascending) in &self.0 {
                let order = compare(column(left, field), column(right, field));
                let order = if *ascending { order } else { order.reverse() };
                if order.is_ne() {
                    return order;
                }
            }
            compare(column(left, "ID"), column(right, "ID"))
        });
    }
}

/// Whether a direction is descending; anything but `DESC` is ascending.
pub(crate) fn is_descending(direction: &Value) -> bool {
    php::text(direction).is_some_and(|text| text.eq_ignore_ascii_case("desc"))
}
