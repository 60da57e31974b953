//! Filters and orders as the portal's list methods understand them.

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
}

/// How a field's values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    /// Whole seconds.
    Date,
}

/// One condition of a filter.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    field: String,
    operator: Operator,
    /// The values to compare with: one, or the list of `@`.
    operands: Vec<Value>,
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
        let operands: Vec<Value> = given
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
    pub(crate) fn holds(&self, column: impl Fn(&str) -> Value) -> bool {
        let value = column(&self.field);
        let first = || compare(&value, &self.operands[0]);
        match self.operator {
            Operator::Equal => first().is_eq(),
            Operator::NotEqual => first().is_ne(),
            Operator::Greater => first().is_gt(),
            Operator::GreaterOrEqual => first().is_ge(),
            Operator::Less => first().is_lt(),
            Operator::LessOrEqual => first().is_le(),
            Operator::In => self.operands.iter().any(|one| compare(&value, one).is_eq()),
            Operator::NotIn => !self.operands.iter().any(|one| compare(&value, one).is_eq()),
            Operator::Contains => {
                let needle = php::text(&self.operands[0]).unwrap_or_default();
                let hay = php::text(&value).unwrap_or_default();
                hay.to_lowercase().contains(&needle.to_lowercase())
            }
        }
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
        Some(self.operands.iter().filter_map(Value::as_u64).collect())
    }

    /// The id that all fitting rows exceed, if the condition is `>ID`.
    pub(crate) fn above_id(&self) -> Option<u64> {
        if self.field == "ID" && self.operator == Operator::Greater {
            return self.operands[0].as_u64();
        }
        None
    }
}

fn operand(value: &Value, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Number => (!php::is_array(value)).then(|| Value::from(php::int(value))),
        Kind::Text => php::text(value).map(Value::from),
        Kind::Date => date::parse(&php::text(value)?).map(Value::from),
    }
}

/// Numbers by value, texts without regard to case (as the database's collation does).
fn compare(left: &Value, right: &Value) -> Ordering {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let left = php::text(left).unwrap_or_default();
            let right = php::text(right).unwrap_or_default();
            left.to_lowercase().cmp(&right.to_lowercase())
        }
    }
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

    /// Compares two rows; ties go by id.
    pub(crate) fn compare(
        &self,
        left: impl Fn(&str) -> Value,
        right: impl Fn(&str) -> Value,
    ) -> Ordering {
        for (field, ascending) in &self.0 {
            let order = compare(&left(field), &right(field));
            let order = if *ascending { order } else { order.reverse() };
            if order.is_ne() {
                return order;
            }
        }
        compare(&left("ID"), &right("ID"))
    }
}

/// Whether a direction is descending; anything but `DESC` is ascending.
pub(crate) fn is_descending(direction: &Value) -> bool {
    php::text(direction).is_some_and(|text| text.eq_ignore_ascii_case("desc"))
}
