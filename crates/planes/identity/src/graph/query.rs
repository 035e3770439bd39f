//! `$filter`, `$select`, `$top` and paging of lists.

use nave_arm::{ArmError, Filter, SkipToken};
use nave_engine::{Request, Resource, route::Call};
use serde_json::{Map, Value};

use super::{bad_request, view};

/// How many objects a page has unless asked otherwise, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 999;

/// One page of the objects that the request's filter lets through. They come in the order of their keys.
pub(super) fn page<'a>(
    call: &Call,
    collection: &str,
    objects: impl Iterator<Item = &'a Resource>,
    show: fn(&Resource) -> Value,
) -> Result<Value, ArmError> {
    let request = &call.request;
    let (filter, after, top) = (filter(request)?, after(request)?, top(request)?);
    let mut found = objects
        .skip_while(|object| after.as_ref().is_some_and(|after| object.id.key() <= after.key()))
        .map(|object| (object.id.key(), show(object)))
        .filter(|(_, shown)| filter.as_ref().is_none_or(|filter| holds(filter, shown)));
    let page: Vec<(&str, Value)> = found.by_ref().take(top).collect();
    let next = found
        .next()
        .and(page.last())
        .map(|(key, _)| next_link(call, &SkipToken::after(key)));
    let value = page
        .into_iter()
        .map(|(_, shown)| selected(request, shown))
        .collect();
    let mut list = view::list(call.engine.site(), collection, value);
    if let Some(next) = next {
        list["@odata.nextLink"] = next.into();
    }
    Ok(list)
}

/// Whether `$select` names a member.
pub(super) fn selects(request: &Request, member: &str) -> bool {
    let wanted = request.query("$select").unwrap_or_default().split(',');
    wanted
        .map(str::trim)
        .any(|name| name.eq_ignore_ascii_case(member))
}

/// The members that `$select` names; the type stays.
pub(super) fn selected(request: &Request, object: Value) -> Value {
    let wanted: Vec<&str> = request
        .query("$select")
        .unwrap_or("*")
        .split(',')
        .map(str::trim)
        .collect();
    if wanted.iter().any(|name| matches!(*name, "*" | "")) {
        return object;
    }
    let Value::Object(members) = object else {
        return object;
    };
    let keep =
        |name: &str| name.starts_with('@') || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    Value::Object(members.into_iter().filter(|(name, _)| keep(name)).collect())
}

fn filter(request: &Request) -> Result<Option<Filter>, ArmError> {
    if request.query("$search").is_some() {
        return Err(bad_request(
            "$search is not supported; use $filter with eq, startswith or any.",
        ));
    }
    let Some(text) = request
        .query("$filter")
        .map(str::trim)
        .filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let filter =
        Filter::parse(text).map_err(|error| bad_request(format!("Invalid filter clause: {error}.")))?;
    let known = |leaf: &&Filter| match leaf {
        Filter::Compare { operator, .. } => matches!(operator.as_str(), "eq" | "ne"),
        Filter::StartsWith { .. } | Filter::Any { .. } => true,
        _ => false,
    };
    if filter.leaves().iter().all(known) {
        return Ok(Some(filter));
    }
    Err(bad_request(format!(
        "Unsupported filter clause in '{text}': eq, ne, startswith and any are supported."
    )))
}

/// Whether a filter holds for an object. Texts compare without case, as Graph compares them.
fn holds(filter: &Filter, object: &Value) -> bool {
    filter.holds(&mut |leaf| match leaf {
        Filter::Compare {
            property,
            operator,
            value,
        } => {
            let equal = member(object, property).map_or(value == "null", |found| equals(found, value));
            equal == (operator == "eq")
        }
        Filter::StartsWith { property, value } => {
            let text = member(object, property)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_lowercase();
            text.starts_with(&value.to_lowercase())
        }
        Filter::Any { property, value } => {
            let items = member(object, property).and_then(Value::as_array);
            items.into_iter().flatten().any(|item| equals(item, value))
        }
        _ => false,
    })
}

fn member<'a>(object: &'a Value, property: &str) -> Option<&'a Value> {
    let step = |members: &'a Map<String, Value>, name: &str| {
        members
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let mut segments = property.split('/');
    let mut found = step(object.as_object()?, segments.next()?)?;
    for segment in segments {
        found = step(found.as_object()?, segment)?;
    }
    Some(found)
}

fn equals(found: &Value, wanted: &str) -> bool {
    match found {
        Value::String(text) => text.to_lowercase() == wanted.to_lowercase(),
        Value::Null => wanted == "null",
        Value::Bool(flag) => wanted == if *flag { "true" } else { "false" },
        Value::Number(number) => wanted
            .parse()
            .is_ok_and(|wanted: serde_json::Number| wanted == *number),
        Value::Array(_) | Value::Object(_) => false,
    }
}

fn top(request: &Request) -> Result<usize, ArmError> {
    let Some(text) = request.query("$top") else {
        return Ok(PAGE);
    };
    let top = text.parse().ok().filter(|top| (1..=LARGEST_PAGE).contains(top));
    top.ok_or_else(|| {
        bad_request(format!(
            "$top must be a number from 1 to {LARGEST_PAGE}, not '{text}'."
        ))
    })
}

fn after(request: &Request) -> Result<Option<SkipToken>, ArmError> {
    let Some(text) = request.query("$skiptoken") else {
        return Ok(None);
    };
    let token = SkipToken::decode(text).map(Some);
    token.ok_or_else(|| bad_request("The $skiptoken is not one this server gave; start the list again."))
}

fn next_link(call: &Call, next: &SkipToken) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let given = call
        .request
        .query
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"));
    query
        .extend_pairs(given)
        .append_pair("$skiptoken", &next.encode());
    format!(
        "{}{}?{}",
        call.engine.site().origin,
        call.request.path,
        query.finish()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_hold_as_az_means_them() {
        let object = json!({
            "displayName": "Joe", "userPrincipalName": "joe@contoso.com", "accountEnabled": true, "mail": null,
            "servicePrincipalNames": ["A", "b"], "web": { "homePageUrl": "x" },
        });
        let holds = |text: &str| super::holds(&Filter::parse(text).expect(text), &object);
        for text in [
            "userPrincipalName eq 'JOE@contoso.com'",
            "displayname eq 'joe' and accountEnabled eq true",
            "startswith(displayName,'jO')",
            "servicePrincipalNames/any(c:c eq 'a')",
            "displayName ne 'x'",
            "mail eq null",
            "missing eq null",
            "web/homePageUrl eq 'x'",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "displayName eq 'jo'",
            "displayName eq 'joe' and accountEnabled eq false",
            "startswith(displayName,'oe')",
            "servicePrincipalNames/any(c:c eq 'c')",
            "missing eq 'x'",
        ] {
            assert!(!holds(text), "{text}");
        }
    }
}
