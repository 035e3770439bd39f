//! One line for each request: who asked what, and what came of it. Never a query string, a header or a body.

use std::time::Duration;

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
        path = line.path,
        status = line.status.as_u16(),
        took_ms = u64::try_from(line.took.as_millis()).unwrap_or(u64::MAX),
        caller = line.caller.map_or_else(String::new, Caller::record_id),
        request_id = %line.ids.request,
        correlation_id = %line.ids.correlation,
        "request answered"
    );
}
