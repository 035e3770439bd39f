//! The OData options of Policy Insights: `$filter`, `$apply`, `$orderby`, `$select`, `$top` and pages, over records that
//! are JSON objects. Columns compare without case: clients write `PolicyAssignmentId` for `policyAssignmentId`.

mod apply;
mod compare;
mod order;

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, Filter, SkipToken};
use nave_engine::{Engine, Request, paging};
use serde_json::{Value, json};

use crate::filter;
use apply::Step;
use order::Order;

/// The most records of one page.
const PAGE: usize = 1000;

/// What is asked of a set of records.
pub(super) struct Query {
    filter: Option<Filter>,
    apply: Vec<Step>,
    order: Order,
    select: Vec<String>,
    top: usize,
    /// The beginning of the time asked about, if the client says it.
    pub(super) from: Option<Timestamp>,
    /// The end of the time asked about, if the client says it.
    pub(super) to: Option<Timestamp>,
}

impl Query {
    /// Reads a request's options, of records with these columns.
    pub(super) fn of(request: &Request, columns: &[&str]) -> Result<Self, ArmError> {
        let filter = filter::of(request)?;
        filter::check(filter.as_ref(), |leaf| is_known(leaf, columns))?;
        let apply = apply::parse(request.query("$apply").unwrap_or_default(), columns)?;
        let known = apply::columns(&apply, columns);
        Ok(Self {
            filter,
            order: Order::parse(request.query("$orderby").unwrap_or_default(), &known)?,
            select: select(request.query("$select").unwrap_or_default(), &known)?,
            top: top(request)?,
            from: instant(request, "$from")?,
            to: instant(request, "$to")?,
            apply,
        })
    }

    /// The most records that are asked for.
    pub(super) fn most(&self) -> usize {
        self.top
    }

    /// Whether a record passes the filter.
    pub(super) fn passes(&self, record: &Value) -> bool {
        passes(self.filter.as_ref(), record)
    }

    /// What is asked of the records that pass.
    pub(super) fn run(&self, records: impl Iterator<Item = Value>) -> Vec<Value> {
        let passing = records.filter(|record| self.passes(record)).collect();
        let mut found = self.apply.iter().fold(passing, |records, step| step.run(records));
        self.order.sort(&mut found);
        found.truncate(self.top);
        found.iter_mut().for_each(|record| self.trim(record));
        found
    }

    fn trim(&self, record: &mut Value) {
        if let (false, Some(members)) = (self.select.is_empty(), record.as_object_mut()) {
            members.retain(|name, _| self.select.iter().any(|asked| asked.eq_ignore_ascii_case(name)));
        }
    }
}

/// Whether a record passes a filter.
fn passes(filter: Option<&Filter>, record: &Value) -> bool {
    filter.is_none_or(|filter| filter.holds(&mut |leaf| compare::holds(record, leaf)))
}

/// Whether a condition is about a column that there is.
fn is_known(leaf: &Filter, columns: &[&str]) -> bool {
    match leaf {
        Filter::Compare { property, .. }
        | Filter::StartsWith { property, .. }
        | Filter::Contains { property, .. }
        | Filter::Any { property, .. } => find(property, columns).is_some(),
        _ => false,
    }
}

/// A column in the spelling it has in records.
fn find(name: &str, columns: &[&str]) -> Option<String> {
    let known = columns.iter().find(|column| column.eq_ignore_ascii_case(name));
    known.map(|column| (*column).to_owned())
}

/// A column that must be there.
fn column(name: &str, columns: &[&str], option: &str) -> Result<String, ArmError> {
    find(name, columns).ok_or_else(|| refuse(option, &format!("there is no column '{name}'")))
}

fn select(text: &str, columns: &[&str]) -> Result<Vec<String>, ArmError> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| column(name, columns, "$select")).collect()
}

fn top(request: &Request) -> Result<usize, ArmError> {
    match request.query("$top").map(str::trim) {
        None | Some("") => Ok(usize::MAX),
        Some(text) => text
            .parse()
            .map_err(|_| refuse("$top", &format!("'{text}' is no number"))),
    }
}

fn instant(request: &Request, option: &str) -> Result<Option<Timestamp>, ArmError> {
    let Some(text) = request
        .query(option)
        .map(str::trim)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let read = compare::instant(text);
    read.map(Some)
        .ok_or_else(|| refuse(option, &format!("'{text}' is no ISO 8601 time")))
}

/// The refusal of an option.
pub(super) fn refuse(option: &str, why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidFilterInQueryString,
        format!("Invalid {option} in the query string: {why}."),
    )
    .on(option)
}

/// One page of records as OData: each says of what it is one, and the whole how many they are.
pub(super) fn page(
    engine: &Engine,
    request: &Request,
    context: &str,
    records: Vec<Value>,
) -> Result<Value, ArmError> {
    let start = match paging::skip_token(request)? {
        Some(token) => token.key().parse().map_err(|_| paging::foreign_token())?,
        None => 0,
    };
    let total = records.len();
    let value: Vec<Value> = records
        .into_iter()
        .skip(start)
        .take(PAGE)
        .map(|record| entity(record, context))
        .collect();
    let end = start.saturating_add(value.len());
    let mut page = json!({ "@odata.context": context, "@odata.count": value.len(), "value": value });
    if end < total {
        let next = paging::next_link(engine, request, &SkipToken::after(&end.to_string()));
        page["@odata.nextLink"] = next.into();
    }
    Ok(page)
}

/// A record with what OData says of each.
pub(super) fn entity(record: Value, context: &str) -> Value {
    let mut entity = json!({ "@odata.context": format!("{context}/$entity") });
    if let (Some(entity), Value::Object(members)) = (entity.as_object_mut(), record) {
        entity.extend(members);
    }
    entity
}

#[cfg(test)]
mod tests;
