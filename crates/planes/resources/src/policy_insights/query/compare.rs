//! Comparing a column with what a filter says.

use std::cmp::Ordering;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use nave_arm::Filter;
use serde_json::Value;

/// A member of a record, its name without case; null where there is none.
pub(super) fn member<'a>(record: &'a Value, name: &str) -> &'a Value {
    let members = record.as_object().into_iter().flatten();
    members
        .into_iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(name))
        .map_or(&Value::Null, |(_, value)| value)
}

/// Whether a condition holds for a record. Texts compare without case.
pub(super) fn holds(record: &Value, leaf: &Filter) -> bool {
    let text = |property: &str| plain(member(record, property)).to_lowercase();
    match leaf {
        Filter::Compare {
            property,
            operator,
            value,
        } => compares(member(record, property), operator, value),
        Filter::StartsWith { property, value } => text(property).starts_with(&value.to_lowercase()),
        Filter::Contains { property, value } => text(property).contains(&value.to_lowercase()),
        Filter::Any { property, value } => {
            let elements = member(record, property).as_array().into_iter().flatten();
            let mut texts = elements.into_iter().map(plain);
            texts.any(|element| element.eq_ignore_ascii_case(value))
        }
        _ => false,
    }
}

fn compares(own: &Value, operator: &str, wanted: &str) -> bool {
    let ordering = order_with(own, wanted);
    match operator {
        "eq" => ordering == Some(Ordering::Equal),
        "ne" => ordering != Some(Ordering::Equal),
        "ge" => ordering.is_some_and(Ordering::is_ge),
        "gt" => ordering.is_some_and(Ordering::is_gt),
        "le" => ordering.is_some_and(Ordering::is_le),
        "lt" => ordering.is_some_and(Ordering::is_lt),
        _ => false,
    }
}

/// How a value stands to a text of the filter: as numbers or times where both are, else as texts. `null` and the empty
/// text are the same nothing.
fn order_with(own: &Value, wanted: &str) -> Option<Ordering> {
    if let (Some(own), Ok(wanted)) = (own.as_f64(), wanted.parse::<f64>()) {
        return own.partial_cmp(&wanted);
    }
    let own = plain(own);
    if let (Some(own), Some(wanted)) = (instant(&own), instant(wanted)) {
        return Some(own.cmp(&wanted));
    }
    let wanted = if wanted == "null" { "" } else { wanted };
    Some(own.to_lowercase().cmp(&wanted.to_lowercase()))
}

/// How two values stand in an order: numbers by size, everything else as text.
pub(super) fn order(left: &Value, right: &Value) -> Ordering {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        _ => plain(left).to_lowercase().cmp(&plain(right).to_lowercase()),
    }
}

/// A value as text; nothing for null.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A time, with its zone or without, a `T` or a blank between date and time; clients mean UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('-') {
        return None;
    }
    let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
    text.parse().ok().or_else(civil)
}
