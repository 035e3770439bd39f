//! Paging of lists that are made in memory: by the key of the last item.

use nave_arm::{ArmError, SkipToken};
pub(crate) use nave_engine::paging::{foreign_token, next_link, skip_token};
use nave_engine::{Engine, Request};
use serde_json::{Value, json};

/// The largest page of a list.
const PAGE: usize = 1000;

/// One page of `items`, which come in the order of their keys, as ARM's list.
pub(crate) fn of(
    engine: &Engine,
    request: &Request,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, ArmError> {
    let after = skip_token(request)?;
    let top = request
        .query("$top")
        .and_then(|text| text.parse().ok())
        .unwrap_or(PAGE)
        .clamp(1, PAGE);
    let mut rest =
        items.skip_while(|(key, _)| after.as_ref().is_some_and(|after| key.as_str() <= after.key()));
    let page: Vec<(String, Value)> = rest.by_ref().take(top).collect();
    let next = rest
        .next()
        .and(page.last())
        .map(|(key, _)| next_link(engine, request, &SkipToken::after(key)));
    let value: Vec<Value> = page.into_iter().map(|(_, item)| item).collect();
    let mut list = json!({ "value": value });
    if let Some(next) = next {
        list["nextLink"] = next.into();
    }
    Ok(list)
}
