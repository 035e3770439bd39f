//! `policyStates`: what each policy says of each resource, now.
//!
//! `latest` and `default` are the same here: what a policy said earlier is not kept, because the log has the writes and
//! the assignments it followed from.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{
    query::{self, Query},
    record::{self, Expand, Records},
    scopes::About,
    summarize,
};

const PATH: &str = "/{scope}/providers/Microsoft.PolicyInsights/policyStates/{states}/queryResults";
const SUMMARY: &str = "/{scope}/providers/Microsoft.PolicyInsights/policyStates/{states}/summarize";

pub(super) fn routes() -> Vec<Route> {
    let query = Access::action("Microsoft.PolicyInsights/policyStates/queryResults/action");
    let summarize = Access::action("Microsoft.PolicyInsights/policyStates/summarize/action");
    vec![
        Route::new(Method::POST, PATH, Surface::Arm, query, list).about(About::target),
        Route::new(Method::POST, SUMMARY, Surface::Arm, summarize, sum_up).about(About::target),
    ]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let states = super::one_of(call.params.get("states"), &["latest", "default"])?;
    let query = Query::of(&call.request, record::COLUMNS)?;
    let expand = Expand::of(&call.request)?;
    let found = query.run(records(&call, &query, expand).await?.into_iter());
    let context = context(&call, states);
    query::page(&call.engine, &call.request, &context, found).map(Reply::ok)
}

async fn sum_up(call: Call) -> Result<Reply, ArmError> {
    super::one_of(call.params.get("states"), &["latest"])?;
    let query = Query::of(&call.request, record::COLUMNS)?;
    let records: Vec<Value> = records(&call, &query, Expand::Nothing)
        .await?
        .into_iter()
        .filter(|record| query.passes(record))
        .collect();
    let uri = |narrowed: &str| {
        let mut url = form_urlencoded::Serializer::new(String::new());
        url.append_pair(
            "api-version",
            call.request.query("api-version").unwrap_or_default(),
        );
        url.append_pair("$filter", narrowed);
        format!("{}/latest/queryResults?{}", base(&call), url.finish())
    };
    let summary = summarize::summary(&records, uri, query.most());
    let context = context(&call, "summary");
    Ok(Reply::ok(json!({
        "@odata.context": context, "@odata.count": 1, "value": [query::entity(summary, &context)],
    })))
}

/// What the path is about, as records. A state holds from the moment it was established until now, so a time that ends
/// before that moment does not have it.
async fn records(call: &Call, query: &Query, expand: Expand) -> Result<Vec<Value>, ArmError> {
    let snapshot = call.engine.snapshot();
    let about = About::of(&call.params)?;
    super::check_place(&snapshot, &about.place)?;
    let states = super::policy_states(&call.engine, about.within(&snapshot)).await?;
    let mut records = Records::new(&snapshot, expand);
    let shown = states
        .iter()
        .filter(|state| query.to.is_none_or(|to| state.since <= to))
        .map(|state| records.of(state));
    Ok(shown.filter(|record| about.takes(record)).collect())
}

fn base(call: &Call) -> String {
    let scope = call.params.get("scope");
    let slash = if scope.is_empty() { "" } else { "/" };
    format!(
        "{}{slash}{scope}/providers/Microsoft.PolicyInsights/policyStates",
        call.engine.site().origin
    )
}

fn context(call: &Call, what: &str) -> String {
    format!("{}/$metadata#{what}", base(call))
}
