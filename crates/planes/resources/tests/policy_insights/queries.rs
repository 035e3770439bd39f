//! The forms of a scope, OData, summaries, scans, and what is refused.

use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::{CONTRIBUTOR, Nave, OTHER, READER, RG, S, code},
    kit::{INSIGHTS, POLICY, elsewhere, untagged},
};

async fn town() -> Nave {
    let nave = Nave::start().await;
    nave.workspace("west", "westus", json!({})).await;
    nave.workspace("east", "eastus", json!({ "team": "town" })).await;
    nave.policy("place", S, elsewhere(), "deny").await;
    nave.policy("tag", RG, untagged(), "audit").await;
    nave
}

#[tokio::test]
async fn every_form_of_a_scope_has_its_states() {
    let nave = town().await;
    let west = format!("{RG}/providers/Microsoft.MachineLearningServices/workspaces/west");
    for (scope, many) in [
        (S.to_owned(), 4),
        (RG.to_owned(), 4),
        (OTHER.to_owned(), 0),
        (west, 2),
        (format!("{S}/{POLICY}/policyAssignments/place"), 2),
        (format!("{RG}/{POLICY}/policyAssignments/tag"), 2),
        (format!("{S}/{POLICY}/policyDefinitions/tag"), 2),
        (format!("{S}/{POLICY}/policySetDefinitions/none"), 0),
        (String::new(), 4),
    ] {
        let found = nave.states(&scope, "").await;
        assert_eq!(found.len(), many, "{scope}");
    }
    let group = "/providers/Microsoft.Management/managementGroups/town";
    nave.make(group, json!({ "properties": { "displayName": "Town" } }))
        .await;
    assert_eq!(nave.states(group, "").await.len(), 0);
    nave.make(
        &format!(
            "{group}/subscriptions/{}",
            S.rsplit('/').next().unwrap_or_default()
        ),
        Value::Null,
    )
    .await;
    let found = nave.states(group, "").await;
    assert_eq!(found.len(), 4);
    assert_eq!(
        found[0]["managementGroupIds"]
            .as_str()
            .map(|ids| ids.starts_with("town")),
        Some(true),
        "{}",
        found[0]
    );
}

#[tokio::test]
async fn a_record_says_what_clients_read() {
    let nave = town().await;
    let found = nave
        .states(
            S,
            "$filter=IsCompliant eq false and PolicyDefinitionAction eq 'deny'",
        )
        .await;
    let record = &found[0];
    assert_eq!(found.len(), 1);
    for (name, expected) in [
        ("complianceState", json!("NonCompliant")),
        ("policyDefinitionAction", json!("deny")),
        ("policyAssignmentName", json!("place")),
        ("policyAssignmentScope", json!(S)),
        ("resourceGroup", json!("rg")),
        ("resourceLocation", json!("westus")),
        (
            "resourceType",
            json!("Microsoft.MachineLearningServices/workspaces"),
        ),
    ] {
        assert_eq!(record[name], expected, "{name}");
    }
    let detailed = nave
        .states(
            S,
            "$filter=IsCompliant eq false&$expand=PolicyEvaluationDetails&$top=1",
        )
        .await;
    let expressions = &detailed[0]["policyEvaluationDetails"]["evaluatedExpressions"];
    assert!(
        expressions.as_array().is_some_and(|all| !all.is_empty()),
        "{expressions}"
    );
    let grouped = nave
        .states(S, "$apply=groupby((PolicyAssignmentName), aggregate($count as N))&$orderby=PolicyAssignmentName asc")
        .await;
    let counts: Vec<_> = grouped
        .iter()
        .map(|one| (one["policyAssignmentName"].clone(), one["N"].clone()))
        .collect();
    assert_eq!(counts, [(json!("place"), json!(2)), (json!("tag"), json!(2))]);
}

#[tokio::test]
async fn a_summary_counts_resources_and_policies() {
    let nave = town().await;
    let path = format!("{S}/{INSIGHTS}/policyStates/latest/summarize?api-version=2019-10-01");
    let (status, body) = nave.post(&path, Value::Null).await;
    assert_eq!(status, 200, "{body}");
    let results = &body["value"][0]["results"];
    assert_eq!(
        (
            &results["nonCompliantResources"],
            &results["nonCompliantPolicies"]
        ),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        body["value"][0]["policyAssignments"].as_array().map(Vec::len),
        Some(2)
    );
    let uri = results["queryResultsUri"].as_str().expect("a uri");
    assert!(
        uri.starts_with(&format!(
            "https://nave.test{S}/{INSIGHTS}/policyStates/latest/queryResults?"
        )),
        "{uri}"
    );
}

#[tokio::test]
async fn a_scan_is_an_operation_that_ends() {
    let nave = town().await;
    let path = format!("{S}/{INSIGHTS}/policyStates/latest/triggerEvaluation?api-version=2019-10-01");
    let request = crate::common::request(&Caller::system(), http::Method::POST, &path, "");
    let reply = nave.engine.serve(request).await;
    assert_eq!(reply.status, 202);
    let location = reply
        .headers
        .get("location")
        .and_then(|value| value.to_str().ok())
        .expect("a location");
    let path = location.strip_prefix("https://nave.test").expect("our own");
    let mut status = 202;
    while status == 202 {
        tokio::task::yield_now().await;
        (status, _) = nave.get(&Caller::system(), path).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn who_may_not_ask_is_refused_and_what_is_wrong_is_named() {
    let nave = town().await;
    let reader = nave.user_with("reader", READER, S).await;
    let writer = nave.user_with("writer", CONTRIBUTOR, S).await;
    let path = format!("{S}/{INSIGHTS}/policyStates/latest/queryResults");
    assert_eq!(
        nave.send(&reader, http::Method::POST, &path, Value::Null).await.0,
        403
    );
    assert_eq!(
        nave.send(&writer, http::Method::POST, &path, Value::Null).await.0,
        200
    );
    for (path, expected) in [
        (
            format!("{path}?$filter=colour eq 'red'"),
            "InvalidFilterInQueryString",
        ),
        (format!("{path}?$skiptoken=x"), "InvalidSkipToken"),
        (
            format!("{S}/{INSIGHTS}/policyStates/earlier/queryResults"),
            "InvalidParameter",
        ),
        (
            format!("{S}/resourceGroups/none/{INSIGHTS}/policyStates/latest/queryResults"),
            "ResourceGroupNotFound",
        ),
    ] {
        let answer = nave.post(&path, Value::Null).await;
        assert_eq!(code(&answer), expected, "{path}");
    }
    let metadata = format!("/{INSIGHTS}/policyMetadata");
    assert_eq!(nave.get(&reader, &metadata).await, (200, json!({ "value": [] })));
    assert_eq!(nave.get(&reader, &format!("{metadata}/x")).await.0, 404);
}
