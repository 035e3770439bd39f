//! One line for each request: who asked what, and what came of it. Never a query string, a header or a body.

use std::{borrow::Cow, time::Duration};

use http::{Method, StatusCode};
use nave_engine::Caller;

use crate::encode::Ids;

/// What a line tells.
pub(crate) struct Line<'a> {
    /// The verb.
    pub(crate) method: &'a Method,
    /// The path as it came.
    pub(crate) path: &'a str,
    /// Who asked, where that is known.
    pub(crate) caller: Option<&'a Caller>,
    /// What came of it.
    pub(crate) status: StatusCode,
    /// How long it took until the answer began.
    pub(crate) took: Duration,
    /// The ids the answer carries.
    pub(crate) ids: &'a Ids,
}

/// Writes the line.
pub(crate) fn write(line: &Line<'_>) {
    tracing::info!(
        method = %line.method,
        path = %shown(line.path),
        status = line.status.as_u16(),
        took_ms = u64::try_from(line.took.as_millis()).unwrap_or(u64::MAX),
        caller = line.caller.map_or_else(String::new, Caller::record_id),
        request_id = %line.ids.request,
        correlation_id = %line.ids.correlation,
        "request answered"
    );
}

/// The path, but for the secret of a managed identity's session: clients of virtual machines' token endpoints can carry
/// it nowhere else.
fn shown(path: &str) -> Cow<'_, str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match (segments.next(), segments.next(), segments.next()) {
        (Some(first), Some(secret), Some(_)) if first.eq_ignore_ascii_case("msi") => {
            Cow::Owned(path.replacen(secret, "…", 1))
        }
        _ => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_session_s_secret_is_not_in_the_log() {
        for (path, logged) in [
            (
                "/msi/s3cret/metadata/identity/oauth2/token",
                "/msi/…/metadata/identity/oauth2/token",
            ),
            ("//MSI//s3cret//x", "//MSI//…//x"),
            ("/msi/token", "/msi/token"),
            ("/subscriptions/x/y", "/subscriptions/x/y"),
        ] {
            assert_eq!(shown(path), logged);
        }
    }
}
