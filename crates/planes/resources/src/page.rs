//! Paging of lists that are made in memory: by the key of the last item.

use nave_arm::{ArmError, ErrorCode, SkipToken};
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

/// Where the page starts that a request asks for; `None` is the first page.
pub(crate) fn skip_token(request: &Request) -> Result<Option<SkipToken>, ArmError> {
    let Some(text) = request.query("$skipToken") else {
        return Ok(None);
    };
    SkipToken::decode(text).map(Some).ok_or_else(foreign_token)
}

/// The refusal of a token that is not this list's.
pub(crate) fn foreign_token() -> ArmError {
    ArmError::new(
        ErrorCode::InvalidSkipToken,
        "The $skipToken is not one this server gave; start the list again.",
    )
    .on("$skipToken")
}

/// The request again, for the page after `next`.
pub(crate) fn next_link(engine: &Engine, request: &Request, next: &SkipToken) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in request
        .query
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("$skipToken"))
    {
        query.append_pair(name, value);
    }
    query.append_pair("$skipToken", &next.encode());
    format!("{}{}?{}", engine.site().origin, request.path, query.finish())
}
