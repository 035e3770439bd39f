//! Bringing what is there in line by hand.

use nave_engine::{Caller, Put};
use nave_resources::policy_insights::{keep_in_line, settle};
use serde_json::{Value, json};

use crate::{
    common::{CONTRIBUTOR, Nave, OWNER, RG, S, code, id},
    kit::{INSIGHTS, locking, tagging, untagged, workspaces},
};

fn named(name: &str) -> String {
    format!("{S}/{INSIGHTS}/remediations/{name}")
}

impl Nave {
    async fn remediate(&self, name: &str, properties: Value) -> Value {
        self.make(&named(name), json!({ "properties": properties })).await;
        settle(&self.engine).await;
        self.get(&Caller::system(), &named(name)).await.1["properties"].clone()
    }

    async fn deployments(&self, name: &str) -> Vec<Value> {
        self.records(&format!("{}/listDeployments", named(name))).await
    }
}

fn is_any() -> Value {
    workspaces(json!({ "field": "name", "exists": true }))
}

#[tokio::test]
async fn a_modify_policy_changes_what_is_there() {
    let nave = Nave::start().await;
    let one = nave.workspace("one", "eastus", json!({ "env": "test" })).await;
    nave.workspace("two", "westus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let assignment = nave
        .assign_with("tagging", S, &definition, Some(CONTRIBUTOR), json!({}))
        .await;
    let (status, begun) = nave
        .put_as(
            &Caller::system(),
            &named("east"),
            json!({ "properties": {
                "policyAssignmentId": assignment, "filters": { "locations": ["East US"] },
            }}),
        )
        .await;
    assert_eq!(
        (status, &begun["properties"]["provisioningState"]),
        (201, &json!("Accepted")),
        "{begun}"
    );
    settle(&nave.engine).await;
    let (_, shown) = nave.get(&Caller::system(), &named("east")).await;
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{shown}");
    assert_eq!(
        shown["properties"]["deploymentStatus"],
        json!({ "totalDeployments": 1, "successfulDeployments": 1, "failedDeployments": 0 })
    );
    let (_, changed) = nave.get(&Caller::system(), &one).await;
    assert_eq!(changed["tags"], json!({ "env": "test", "team": "town" }));
    assert_eq!(
        nave.compliance(S).await,
        ["tagging one Compliant", "tagging two NonCompliant"]
    );

    // the same again changes nothing, not even the remediation
    let (status, again) = nave
        .put_as(&Caller::system(), &named("east"), shown.clone())
        .await;
    assert_eq!((status, &again["properties"]), (200, &shown["properties"]));
    let rest = nave
        .remediate("rest", json!({ "policyAssignmentId": assignment }))
        .await;
    assert_eq!(rest["deploymentStatus"]["successfulDeployments"], 1, "{rest}");
    assert_eq!(
        nave.compliance(S).await,
        ["tagging one Compliant", "tagging two Compliant"]
    );
    let nothing = nave
        .remediate("nothing", json!({ "policyAssignmentId": assignment }))
        .await;
    assert_eq!(nothing["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn a_missing_right_fails_and_says_which_role_is_needed() {
    let nave = Nave::start().await;
    let one = nave.workspace("one", "eastus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let assignment = nave.assign_with("tagging", S, &definition, None, json!({})).await;
    let shown = nave
        .remediate("r", json!({ "policyAssignmentId": assignment }))
        .await;
    assert_eq!(shown["provisioningState"], "Failed", "{shown}");
    let deployments = nave.deployments("r").await;
    let error = &deployments[0]["error"];
    assert_eq!(error["code"], "AuthorizationFailed", "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("the role 'Contributor'"), "{message}");
    assert!(message.contains(&format!("--scope {RG}")), "{message}");
    let (_, untouched) = nave.get(&Caller::system(), &one).await;
    assert_eq!(untouched["tags"], json!({}));
}

#[tokio::test]
async fn a_deployment_is_made_with_the_rights_of_the_assignment() {
    let nave = Nave::start().await;
    let one = nave.workspace("one", "eastus", json!({})).await;
    let definition = nave
        .define("locking", is_any(), locking("AfterProvisioning"))
        .await;
    let weak = nave
        .assign_with(
            "weak",
            S,
            &definition,
            Some(CONTRIBUTOR),
            json!({ "enforcementMode": "DoNotEnforce" }),
        )
        .await;
    let shown = nave
        .remediate("weak", json!({ "policyAssignmentId": weak }))
        .await;
    assert_eq!(shown["provisioningState"], "Failed", "{shown}");
    let error = nave.deployments("weak").await[0]["error"].clone();
    assert_eq!(error["code"], "AuthorizationFailed", "{error}");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("the role 'Owner'")),
        "{error}"
    );

    let strong = nave
        .assign_with(
            "strong",
            S,
            &definition,
            Some(OWNER),
            json!({ "enforcementMode": "DoNotEnforce" }),
        )
        .await;
    let shown = nave
        .remediate("strong", json!({ "policyAssignmentId": strong }))
        .await;
    assert_eq!(
        shown["provisioningState"],
        "Succeeded",
        "{shown} {:?}",
        nave.deployments("strong").await
    );
    let lock = format!("{one}/providers/Microsoft.Authorization/locks/by-policy");
    assert_eq!(nave.get(&Caller::system(), &lock).await.0, 200);
    let deployment = nave.deployments("strong").await[0]["deploymentId"].clone();
    let (status, deployment) = nave
        .get(&Caller::system(), deployment.as_str().unwrap_or_default())
        .await;
    assert_eq!(
        (status, &deployment["properties"]["provisioningState"]),
        (200, &json!("Succeeded"))
    );
}

#[tokio::test]
async fn a_count_and_a_threshold_bound_it() {
    let nave = Nave::start().await;
    for name in ["a01", "a02", "a03", "a04"] {
        nave.workspace(name, "eastus", json!({})).await;
    }
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let weak = nave.assign_with("weak", S, &definition, None, json!({})).await;
    let bounded = nave
        .remediate("bounded", json!({
            "policyAssignmentId": weak, "parallelDeployments": 1, "failureThreshold": { "percentage": 0.25 },
        }))
        .await;
    assert_eq!(bounded["provisioningState"], "Failed");
    let states: Vec<Value> = nave
        .deployments("bounded")
        .await
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(states, ["Failed", "Failed", "Canceled", "Canceled"], "{bounded}");
    let few = nave
        .remediate("few", json!({ "policyAssignmentId": weak, "resourceCount": 2 }))
        .await;
    assert_eq!(few["deploymentStatus"]["totalDeployments"], 2);
}

#[tokio::test]
async fn it_can_be_cancelled_while_it_goes_on_and_not_later() {
    let nave = Nave::start().await;
    nave.workspace("one", "eastus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let assignment = nave
        .assign_with("tagging", S, &definition, Some(CONTRIBUTOR), json!({}))
        .await;
    nave.make(
        &named("r"),
        json!({ "properties": { "policyAssignmentId": assignment } }),
    )
    .await;
    let other = json!({ "properties": { "policyAssignmentId": assignment, "resourceCount": 3 } });
    let busy = nave.put_as(&Caller::system(), &named("r"), other).await;
    assert_eq!((busy.0, code(&busy)), (409, "Conflict"));
    let (status, asked) = nave.post(&format!("{}/cancel", named("r")), Value::Null).await;
    assert_eq!(
        (status, &asked["properties"]["provisioningState"]),
        (200, &json!("Cancelling"))
    );
    settle(&nave.engine).await;
    let (_, shown) = nave.get(&Caller::system(), &named("r")).await;
    assert_eq!(shown["properties"]["provisioningState"], "Canceled");
    assert_eq!(nave.compliance(S).await, ["tagging one NonCompliant"]);
    assert_eq!(
        code(&nave.post(&format!("{}/cancel", named("r")), Value::Null).await),
        "Conflict"
    );
    assert_eq!(nave.delete(&Caller::system(), &named("r")).await.0, 200);
    assert_eq!(nave.delete(&Caller::system(), &named("r")).await.0, 204);
}

#[tokio::test]
async fn what_cannot_be_remediated_is_refused_when_it_is_asked_for() {
    let nave = Nave::start().await;
    let audit = nave.policy("audit", S, untagged(), "audit").await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let tagging = nave
        .assign_with("tagging", RG, &definition, None, json!({}))
        .await;
    for (properties, target) in [
        (json!({}), "properties.policyAssignmentId"),
        (
            json!({ "policyAssignmentId": format!("{S}/x/y") }),
            "properties.policyAssignmentId",
        ),
        (
            json!({ "policyAssignmentId": audit }),
            "properties.policyAssignmentId",
        ),
        (
            json!({ "policyAssignmentId": tagging, "policyDefinitionReferenceId": "x" }),
            "properties.policyDefinitionReferenceId",
        ),
        (
            json!({ "policyAssignmentId": tagging, "resourceCount": 0 }),
            "properties.resourceCount",
        ),
        (
            json!({ "policyAssignmentId": tagging, "parallelDeployments": 99 }),
            "properties.parallelDeployments",
        ),
        (
            json!({ "policyAssignmentId": tagging, "failureThreshold": { "percentage": 7 } }),
            "properties.failureThreshold.percentage",
        ),
        (
            json!({ "policyAssignmentId": tagging, "filters": { "locations": 1 } }),
            "properties.filters.locations",
        ),
        (
            json!({ "policyAssignmentId": tagging, "resourceDiscoveryMode": "Guess" }),
            "properties.resourceDiscoveryMode",
        ),
    ] {
        let answer = nave
            .put_as(
                &Caller::system(),
                &named("r"),
                json!({ "properties": properties }),
            )
            .await;
        assert_eq!(
            (answer.0, answer.1["error"]["target"].as_str()),
            (400, Some(target)),
            "{properties}: {}",
            answer.1
        );
    }
}

#[tokio::test]
async fn a_set_is_remediated_policy_by_policy() {
    let nave = Nave::start().await;
    nave.workspace("one", "eastus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let set = format!("{S}/providers/Microsoft.Authorization/policySetDefinitions/house");
    nave.make(
        &set,
        json!({ "properties": { "policyDefinitions": [
            { "policyDefinitionId": definition, "policyDefinitionReferenceId": "tags" },
        ]}}),
    )
    .await;
    let assignment = nave
        .assign_with("house", S, &set, Some(CONTRIBUTOR), json!({}))
        .await;
    let (status, _) = nave
        .put_as(
            &Caller::system(),
            &named("all"),
            json!({ "properties": { "policyAssignmentId": assignment } }),
        )
        .await;
    assert_eq!(status, 400);
    let wish = json!({ "policyAssignmentId": assignment, "policyDefinitionReferenceId": "tags" });
    let shown = nave.remediate("tags", wish).await;
    assert_eq!(shown["provisioningState"], "Succeeded", "{shown}");
    let found = nave.states(S, "").await;
    assert_eq!(found[0]["policyDefinitionReferenceId"], "tags");
    assert_eq!(found[0]["complianceState"], "Compliant");
}

#[tokio::test]
async fn one_that_was_interrupted_goes_on_where_it_was() {
    let nave = Nave::start().await;
    let done = nave.workspace("done", "eastus", json!({})).await;
    let left = nave.workspace("left", "eastus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let assignment = nave
        .assign_with("tagging", S, &definition, Some(CONTRIBUTOR), json!({}))
        .await;
    let entry = |id: &str, status: &str| json!({ "remediatedResourceId": id, "status": status });
    let mut put = Put::new(
        id(&named("r")),
        json!({ "properties": { "policyAssignmentId": assignment } }),
    );
    put.own = json!({
        "properties": { "provisioningState": "Evaluating" },
        "deployments": [entry(&done, "Succeeded"), entry(&left, "Evaluating")],
    });
    nave.put(put).await;
    settle(&nave.engine).await;
    let (_, shown) = nave.get(&Caller::system(), &named("r")).await;
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded", "{shown}");
    assert_eq!(
        nave.get(&Caller::system(), &left).await.1["tags"],
        json!({ "team": "town" })
    );
    assert_eq!(
        nave.get(&Caller::system(), &done).await.1["tags"],
        json!({}),
        "what was done is not done again"
    );
}

#[tokio::test]
async fn it_is_carried_out_in_the_background() {
    let nave = Nave::start().await;
    nave.workspace("one", "eastus", json!({})).await;
    let definition = nave.define("tagging", untagged(), tagging()).await;
    let assignment = nave
        .assign_with("tagging", S, &definition, Some(CONTRIBUTOR), json!({}))
        .await;
    keep_in_line(&nave.engine);
    let mut moves = nave.engine.moves();
    nave.make(
        &named("r"),
        json!({ "properties": { "policyAssignmentId": assignment } }),
    )
    .await;
    loop {
        let (_, shown) = nave.get(&Caller::system(), &named("r")).await;
        if shown["properties"]["provisioningState"] == "Succeeded" {
            break;
        }
        moves.changed().await.expect("the engine goes on");
    }
    assert_eq!(nave.compliance(S).await, ["tagging one Compliant"]);
}
