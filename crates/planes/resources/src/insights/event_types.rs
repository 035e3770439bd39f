//! `eventtypes/management/values`: the log of a subscription, or of the whole tenant, in the form the activity log
//! has in Azure (MON-05).

use http::Method;
use nave_arm::{ArmError, Filter, SkipToken};
use nave_engine::{
    Event, EventQuery, Params, Reply, Request, Snapshot,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::{Value, json};

use super::{
    event::{beginning, view},
    wanted::{self, Wanted},
};
use crate::{filter, page};

/// The most events of one page.
const PAGE: usize = 200;
/// How many events are read at a time.
const BATCH: u32 = 500;
/// How many times that for one page. A page of a narrow filter may be empty and still have a next one.
const BATCHES: usize = 20;

pub(crate) fn routes() -> Vec<Route> {
    let values = |path| {
        let read = Access::action("Microsoft.Insights/eventtypes/values/read");
        Route::new(Method::GET, path, Surface::Arm, read, list).about(about)
    };
    vec![
        values("/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"),
        values("/providers/Microsoft.Insights/eventtypes/management/values"),
        Route::new(
            Method::GET,
            "/providers/Microsoft.Insights/eventcategories",
            Surface::Arm,
            Access::SignedIn,
            |_| async { Ok(categories()) },
        ),
    ]
}

fn categories() -> Reply {
    let word = |name: &str| json!({ "value": name, "localizedValue": name });
    let words = ["Administrative", "Security", "Policy"].map(word);
    Reply::ok(json!({ "value": words }))
}

/// Whose log is asked for: that of the resource or group the filter names, else the whole scope's. So who governs one
/// hub reads what happened there, without a role on its subscription.
fn about(_: &Snapshot, request: &Request, params: &Params) -> Result<Target, ArmError> {
    let scope = params.scope()?;
    let filter = filter::of(request).ok().flatten();
    let narrower = filter.and_then(|filter| wanted::scope_in(&filter, &scope));
    Ok(Target::from(narrower.unwrap_or(scope)))
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    crate::scope::check(&call.engine.snapshot(), call.grant.id())?;
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), |leaf| Wanted::of(leaf).is_some())?;
    let mut query = wanted::query(filter.as_ref());
    query.limit = Some(BATCH);
    query.before = match page::skip_token(&call.request)? {
        Some(token) => Some(token.key().parse().map_err(|_| page::foreign_token())?),
        None => None,
    };
    let (events, next) = page_of(&call, query, filter.as_ref()).await?;
    let select = call.request.query("$select");
    let value: Vec<Value> = events.iter().map(|event| selected(view(event), select)).collect();
    let mut list = json!({ "value": value });
    if let Some(next) = next {
        list["nextLink"] = page::next_link(&call.engine, &call.request, &next).into();
    }
    Ok(Reply::ok(list))
}

/// One page, the newest first, and where the next one starts: before the last revision that was looked at.
async fn page_of(
    call: &Call,
    mut query: EventQuery,
    filter: Option<&Filter>,
) -> Result<(Vec<Event>, Option<SkipToken>), ArmError> {
    let mut page: Vec<Event> = Vec::new();
    for _ in 0..BATCHES {
        let batch = call.engine.events(&call.grant, query.clone()).await?;
        let is_last = batch.len() < BATCH as usize;
        for event in batch {
            if page.len() >= PAGE {
                return Ok((page, resume(&query)));
            }
            query.before = Some(event.revision);
            let beginning = beginning(&event);
            page.extend(
                [Some(event), beginning]
                    .into_iter()
                    .flatten()
                    .filter(|event| wanted::passes(filter, event)),
            );
        }
        if is_last {
            return Ok((page, None));
        }
    }
    Ok((page, resume(&query)))
}

fn resume(query: &EventQuery) -> Option<SkipToken> {
    query
        .before
        .map(|revision| SkipToken::after(&revision.to_string()))
}

/// The members a client asked for with `$select`; without it, all of them.
fn selected(mut event: Value, select: Option<&str>) -> Value {
    if let (Some(select), Some(members)) = (select, event.as_object_mut()) {
        let is_asked = |name: &str| {
            select
                .split(',')
                .any(|asked| asked.trim().eq_ignore_ascii_case(name))
        };
        members.retain(|name, _| is_asked(name));
    }
    event
}
