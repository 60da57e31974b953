//! Filter and order of `crm.item.list`: what it does not know it refuses, where the classic family
//! drops it without a word (documentation page `crm-item-list`).

use serde_json::Value;

use crate::data::item;
use crate::data::selection::{Condition, Field, Kind, Operator, Order};
use crate::php;
use crate::rest::method::Refusal;
use crate::settings::{GuardMode, Settings};

/// Conditions that all hold, or of which one holds; groups nest.
#[derive(Debug)]
pub(crate) struct Filter {
    any: bool,
    conditions: Vec<Condition>,
    groups: Vec<Filter>,
}

impl Filter {
    /// Whether a contact meets the filter; `column` reads one of its fields by portal name.
    pub(crate) fn holds<'a>(&self, column: &impl Fn(&str) -> Field<'a>) -> bool {
        let mut parts = self
            .conditions
            .iter()
            .map(|condition| condition.holds(column))
            .chain(self.groups.iter().map(|group| group.holds(column)));
        if self.any {
            // A group without a condition restricts nothing.
            let is_empty = self.conditions.is_empty() && self.groups.is_empty();
            is_empty || parts.any(|holds| holds)
        } else {
            parts.all(|holds| holds)
        }
    }

    /// Conditions that every contact of the answer meets.
    pub(crate) fn certain(&self) -> &[Condition] {
        if self.any { &[] } else { &self.conditions }
    }

    /// Reads a filter.
    pub(crate) fn read(filter: &Value, settings: &Settings) -> Result<Self, Refusal> {
        let mut read = Self {
            any: false,
            conditions: Vec::new(),
            groups: Vec::new(),
        };
        for (key, value) in php::entries(filter) {
            if key.eq_ignore_ascii_case("logic") {
                read.any = match php::text(value).as_deref() {
                    Some("OR") => true,
                    Some("AND") => false,
                    _ => return Err(wrong_value(&key)),
                };
            } else if key.bytes().all(|byte| byte.is_ascii_digit()) {
                if !php::is_array(value) {
                    return Err(wrong_value(&key));
                }
                read.groups.push(Self::read(value, settings)?);
            } else {
                read.conditions
                    .extend(self::conditions(&key, value, settings)?);
            }
        }
        Ok(read)
    }
}

/// The condition that a key and its value stand for, and the one that a guard mode adds.
fn conditions(key: &str, value: &Value, settings: &Settings) -> Result<Vec<Condition>, Refusal> {
    let Some((operator, field)) = Condition::split(key) else {
        return Err(unknown("filter", key));
    };
    if field == "fm" {
        return Err(Refusal::new(400, "100", "Unknown field definition `FM`"));
    }
    let guard = settings.guard;
    let guarding = field == "updatedTime" && operator == Operator::LessOrEqual;
    let known = item::column(field)
        .filter(|_| !(field == "updatedTime" && guard == GuardMode::FilterIgnored));
    let Some((column, kind)) = known else {
        return Err(unknown("filter", field));
    };
    let wants_list = matches!(operator, Operator::In | Operator::NotIn);
    if wants_list != php::is_array(value) || wants_list && php::values(value).is_empty() {
        return Err(wrong_value(field));
    }
    let given = if wants_list {
        php::values(value)
    } else {
        vec![value]
    };
    let fits = |value: &&Value| match kind {
        Kind::Number => php::numeric(value).is_some(),
        Kind::Date => php::text(value).is_some_and(|text| crate::date::parse(&text).is_some()),
        Kind::Text => !php::is_array(value),
    };
    if !given.iter().all(fits) {
        return Err(wrong_value(field));
    }
    if settings.ignores_above_id && column == "ID" && operator == Operator::Greater {
        return Ok(Vec::new());
    }
    let mut conditions: Vec<Condition> = Condition::new(column, operator, value, kind)
        .into_iter()
        .collect();
    if guarding && guard == GuardMode::NeverHolds {
        let nobody = Value::from(0);
        conditions.extend(Condition::new("ID", Operator::Equal, &nobody, Kind::Number));
    }
    Ok(conditions)
}

/// Reads an order; without one nothing is promised, and the newest first shows whoever relies on
/// something.
pub(crate) fn order(order: Option<&Value>) -> Result<Order, Refusal> {
    let mut read = Order::default();
    for (field, direction) in order.map(php::entries).unwrap_or_default() {
        let Some(column) = item::order_column(&field) else {
            return Err(unknown("order", &field));
        };
        let given = php::text(direction).map(|text| text.to_ascii_uppercase());
        let ascending = match given.as_deref() {
            Some("ASC") => true,
            Some("DESC") => false,
            other => {
                let text = format!(
                    "Invalid order: allowed sort directions are ASC, DESC. But got '{}' for field '{field}'",
                    other.unwrap_or_default()
                );
                return Err(Refusal::new(400, "INVALID_ARG_VALUE", &text));
            }
        };
        read.0.push((column.to_owned(), ascending));
    }
    if read.0.is_empty() {
        return Ok(Order::descending("ID"));
    }
    Ok(read)
}

fn unknown(place: &str, field: &str) -> Refusal {
    let text = format!("Invalid {place}: field '{field}' is not allowed in {place}");
    Refusal::new(400, "INVALID_ARG_VALUE", &text)
}

fn wrong_value(field: &str) -> Refusal {
    let text = format!("Invalid filter: field '{field}' has invalid value");
    Refusal::new(400, "INVALID_ARG_VALUE", &text)
}
