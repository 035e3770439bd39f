//! The pages of a list: where one starts, and the link to the next.

use nave_arm::{ArmError, ErrorCode, SkipToken};

use crate::{Engine, Request};

/// Where the page starts that a request asks for; `None` is the first page.
pub fn skip_token(request: &Request) -> Result<Option<SkipToken>, ArmError> {
    let Some(text) = request.query("$skipToken") else {
        return Ok(None);
    };
    SkipToken::decode(text).map(Some).ok_or_else(foreign_token)
}

/// The refusal of a token that is not this list's.
#[must_use]
pub fn foreign_token() -> ArmError {
    ArmError::new(
        ErrorCode::InvalidSkipToken,
        "The $skipToken is not one this server gave; start the list again.",
    )
    .on("$skipToken")
}

/// The request again, for the page after `next`.
#[must_use]
pub fn next_link(engine: &Engine, request: &Request, next: &SkipToken) -> String {
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
