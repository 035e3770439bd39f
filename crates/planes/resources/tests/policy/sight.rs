//! Who sees what of policies.

use http::Method;
use serde_json::json;

use crate::{common::*, kit::*};

#[tokio::test]
async fn a_reader_sees_what_is_assigned_where_he_may_read() {
    let (nave, owner) = scene().await;
    let other = format!("{S}/resourceGroups/other");
    nave.make(&other, json!({ "location": "eastus" })).await;
    let here = nave.impose(&owner, RG, "canary-here", deny_public()).await;
    let there = nave.impose(&owner, &other, "canary-there", deny_public()).await;
    let above = nave
        .impose(
            &owner,
            S,
            "canary-above",
            rule(public_workspaces(), json!({ "effect": "audit" })),
        )
        .await;
    let exemption = exemption_at(&other, "canary-exempt");
    let body = json!({ "properties": { "policyAssignmentId": there, "exemptionCategory": "Waiver" } });
    assert_done(&nave.put_as(&owner, &exemption, body).await);
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    assert_eq!(nave.get(&reader, &here).await.0, 200);
    for hidden in [&there, &above, &exemption, &definition_id(S, "canary-there")] {
        assert_eq!(nave.get(&reader, hidden).await.0, 403, "{hidden}");
    }
    let listed = nave
        .get(&reader, &format!("{RG}/{AUTHORIZATION}/policyAssignments"))
        .await;
    assert_eq!(
        each(&listed, "/name"),
        ["canary-above", "canary-here"],
        "his and what reaches it"
    );
    for hidden in [
        format!("{S}/{AUTHORIZATION}/policyAssignments"),
        format!("{other}/{AUTHORIZATION}/policyExemptions"),
    ] {
        assert_eq!(nave.get(&reader, &hidden).await.0, 403, "{hidden}");
    }
    let exemptions = nave
        .get(&reader, &format!("{RG}/{AUTHORIZATION}/policyExemptions"))
        .await;
    assert!(each(&exemptions, "/name").is_empty());
    assert_eq!(
        nave.put_as(&reader, &here, json!({ "properties": {} })).await.0,
        403
    );
    assert_eq!(nave.delete(&reader, &here).await.0, 403);
}

#[tokio::test]
async fn who_asks_what_he_could_write_is_told_that_policies_would_look_at_it() {
    let (nave, owner) = scene().await;
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    nave.impose(&owner, RG, "no-public", deny_public()).await;
    nave.impose(
        &owner,
        S,
        "canary-above",
        rule(public_workspaces(), json!({ "effect": "audit" })),
    )
    .await;
    let asks = json!({ "can": format!("{WORKSPACE}/write") });
    let path = format!("{HUB}/providers/Nave.Access/explain");
    let (status, told) = nave.send(&owner, Method::POST, &path, asks.clone()).await;
    assert_eq!(status, 200, "{told}");
    let effects: Vec<&str> = told["policies"]
        .as_array()
        .expect("policies")
        .iter()
        .filter_map(|policy| policy["effect"].as_str())
        .collect();
    assert_eq!(effects, ["deny", "audit"], "nearest first: {told}");
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, RG).await;
    let (_, told) = nave.send(&contributor, Method::POST, &path, asks).await;
    assert!(!told.to_string().contains("canary-above"), "{told}");
    assert_eq!(told["policies"].as_array().map(Vec::len), Some(1), "{told}");
    let read = json!({ "can": format!("{WORKSPACE}/read") });
    let (_, told) = nave.send(&owner, Method::POST, &path, read).await;
    assert!(told.get("policies").is_none(), "reading is never judged: {told}");
}
