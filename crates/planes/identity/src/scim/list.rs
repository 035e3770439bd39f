//! Lists: filtered, sorted, one page at a time (RFC 7644, 3.4.2).

use std::sync::Arc;

use nave_arm::ArmError;
use nave_engine::{Reply, Resource, Snapshot, directory, route::Call};
use serde_json::{Value, json};

use super::{
    filter::{Filter, Operator, Target},
    people,
    shape::{PEOPLE, Shape, invalid},
    view::{self, Wanted},
};

/// How many resources a page has unless asked otherwise, and at most.
const PAGE: usize = 100;
pub(super) const LARGEST_PAGE: usize = 1000;

pub(super) fn list(shape: &'static Shape, call: &Call) -> Result<Reply, ArmError> {
    let request = &call.request;
    let query = |name: &str| request.query(name).map(str::trim).filter(|text| !text.is_empty());
    let filter = query("filter").map(Filter::parse).transpose()?;
    if let Some(filter) = &filter {
        filter.check(shape)?;
    }
    let (start, count) = (
        number(query("startIndex"), 1)?.max(1),
        number(query("count"), PAGE)?,
    );
    let (snapshot, site) = (call.engine.snapshot(), call.engine.site());
    let rows = candidates(&snapshot, call, shape, filter.as_ref());
    let mut found: Vec<(Arc<Resource>, Option<Value>)> = match &filter {
        None => rows.into_iter().map(|row| (row, None)).collect(),
        Some(filter) => rows
            .into_iter()
            .map(|row| (view::whole(&snapshot, site, shape, &row), row))
            .filter(|(whole, _)| filter.holds(shape, whole))
            .map(|(whole, row)| (row, Some(whole)))
            .collect(),
    };
    if let Some(by) = query("sortBy") {
        let descending = query("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending"));
        sort(&mut found, call, shape, &snapshot, by, descending)?;
    }
    let (total, wanted) = (found.len(), Wanted::of(request));
    let page: Vec<Value> = found
        .into_iter()
        .skip(start - 1)
        .take(count.min(LARGEST_PAGE))
        .map(|(row, whole)| {
            let whole = whole.unwrap_or_else(|| view::whole(&snapshot, site, shape, &row));
            wanted.show(shape, whole)
        })
        .collect();
    Ok(view::reply(
        200,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total,
            "startIndex": start, "itemsPerPage": page.len(), "Resources": page,
        }),
    ))
}

/// The rows to look at: all of them, or the one whose name is asked for.
fn candidates(
    snapshot: &Snapshot,
    call: &Call,
    shape: &Shape,
    filter: Option<&Filter>,
) -> Vec<Arc<Resource>> {
    if let Some(Filter::Compare(name, Operator::Equal, Value::String(value))) = filter
        && shape.name == PEOPLE.name
        && name.part.is_none()
        && name.attribute.eq_ignore_ascii_case("userName")
    {
        let claim = directory::upn_claim(&people::upn(call.engine.site(), value));
        return snapshot.claimed(&claim).cloned().into_iter().collect();
    }
    snapshot.of_type(row_type(shape)).cloned().collect()
}

/// The type of the rows of a shape.
pub(super) fn row_type(shape: &Shape) -> &'static str {
    if shape.name == PEOPLE.name {
        directory::USERS
    } else {
        directory::GROUPS
    }
}

fn sort(
    found: &mut [(Arc<Resource>, Option<Value>)],
    call: &Call,
    shape: &'static Shape,
    snapshot: &Snapshot,
    by: &str,
    descending: bool,
) -> Result<(), ArmError> {
    let name = Target::parse(by)?.name;
    Filter::Present(name.clone()).check(shape)?;
    let key = |(row, whole): &(Arc<Resource>, Option<Value>)| {
        let made;
        let whole = match whole {
            Some(whole) => whole,
            None => {
                made = view::whole(snapshot, call.engine.site(), shape, row);
                &made
            }
        };
        name.first(shape, whole)
    };
    found.sort_by_cached_key(key);
    if descending {
        found.reverse();
    }
    Ok(())
}

fn number(text: Option<&str>, usual: usize) -> Result<usize, ArmError> {
    let Some(text) = text else { return Ok(usual) };
    let number: i64 = text
        .parse()
        .map_err(|_| invalid(format!("'{text}' is not a number.")))?;
    Ok(usize::try_from(number).unwrap_or(0))
}
