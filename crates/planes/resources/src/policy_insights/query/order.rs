//! `$orderby`: columns, each `asc` or `desc`. The default is `desc`, unlike OData's, as the API's documentation says.

use std::cmp::Ordering;

use nave_arm::ArmError;
use serde_json::Value;

use super::{column, compare, refuse};

/// The columns to sort by, each with whether the greatest comes first.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<(String, bool)>);

impl Order {
    pub(super) fn parse(text: &str, columns: &[&str]) -> Result<Self, ArmError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| one(part, columns))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn sort(&self, records: &mut [Value]) {
        if !self.0.is_empty() {
            records.sort_by(|left, right| self.compare(left, right));
        }
    }

    fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let columns = self.0.iter().map(|(name, descending)| {
            let ordering = compare::order(compare::member(left, name), compare::member(right, name));
            if *descending { ordering.reverse() } else { ordering }
        });
        columns.fold(Ordering::Equal, Ordering::then)
    }
}

fn one(part: &str, columns: &[&str]) -> Result<(String, bool), ArmError> {
    let mut words = part.split_whitespace();
    let name = column(words.next().unwrap_or_default(), columns, "$orderby")?;
    let descending = match words.next() {
        None => true,
        Some(word) if word.eq_ignore_ascii_case("desc") => true,
        Some(word) if word.eq_ignore_ascii_case("asc") => false,
        Some(word) => {
            return Err(refuse(
                "$orderby",
                &format!("'{word}' is neither 'asc' nor 'desc'"),
            ));
        }
    };
    match words.next() {
        None => Ok((name, descending)),
        Some(word) => Err(refuse("$orderby", &format!("'{word}' is one word too many"))),
    }
}
