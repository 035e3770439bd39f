//! Who may deploy: the right to deploy is not the right to make what is in the template.

use nave_engine::{Caller, EventQuery};
use serde_json::{Value, json};

use crate::{
    common::{AI_DEVELOPER, CONTRIBUTOR, HUB, Nave, READER, RG, code, id},
    kit::{body, deploy, id_of, operations, post, start, state, template, thing, thing_id},
};

async fn answer(nave: &Nave, caller: &Caller, name: &str, wanted: &Value) -> (u16, Value) {
    let reply = deploy(nave, caller, name, wanted).await;
    (reply.status, reply.as_json().cloned().unwrap_or_default())
}

#[tokio::test]
async fn every_write_is_decided_and_all_that_is_missing_is_said_at_once() {
    let nave = start().await;
    // may deploy, may make workspaces' children, may not make things
    let developer = nave.user_with("dev@contoso.com", AI_DEVELOPER, RG).await;
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": {
        "template": {"resources": [thing("inside", &[], json!({}))]}}});
    let wanted = body(
        template(&[thing("a", &[], json!({})), thing("b", &["a"], json!({})), nested]),
        json!({}),
    );
    for refused in [
        answer(&nave, &developer, "d", &wanted).await,
        post(&nave, &developer, "d", "validate", &wanted).await,
    ] {
        assert_eq!(
            (refused.0, code(&refused)),
            (403, "AuthorizationFailed"),
            "{}",
            refused.1
        );
        let targets: Vec<_> = refused.1["error"]["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["target"].as_str().unwrap())
            .collect();
        assert_eq!(targets, [thing_id("a"), thing_id("b"), thing_id("inside")]);
        let message = refused.1["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("3 template resources") && message.contains("'Test.Kit/things/write'"),
            "{message}"
        );
    }
    assert_eq!(nave.engine.snapshot().of_type("Test.Kit/things").count(), 0);
    let grant = nave
        .engine
        .on_own_account::<nave_engine::Read>("test", &id(&id_of("d")));
    let events = nave.engine.events(&grant, EventQuery::default()).await.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.outcome == "Denied" && event.caller_name == "dev@contoso.com"),
        "{events:?}"
    );
    nave.give(developer.object_id, CONTRIBUTOR, RG).await;
    assert_eq!(
        state(&answer(&nave, &developer, "d", &wanted).await.1),
        "Succeeded"
    );
}

#[tokio::test]
async fn a_reader_sees_deployments_and_starts_none() {
    let nave = start().await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let stranger = nave.user("stranger@contoso.com").await;
    let wanted = body(template(&[thing("t", &[], json!({}))]), json!({}));
    for caller in [&reader, &stranger] {
        let refused = answer(&nave, caller, "d", &wanted).await;
        assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
        assert!(
            refused
                .1
                .to_string()
                .contains("Microsoft.Resources/deployments/write")
        );
        for action in ["validate", "whatIf"] {
            assert_eq!(post(&nave, caller, "d", action, &wanted).await.0, 403);
        }
    }
    answer(&nave, &Caller::system(), "d", &wanted).await;
    assert_eq!(operations(&nave, &reader, "d").await.len(), 1);
    assert_eq!(nave.get(&reader, &id_of("d")).await.0, 200);
    assert_eq!(nave.delete(&reader, &id_of("d")).await.0, 403);
    for path in [
        id_of("d"),
        format!("{}/operations", id_of("d")),
        format!("{RG}/deployments/d/operations"),
    ] {
        assert_eq!(nave.get(&stranger, &path).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn run_time_calls_have_the_callers_rights() {
    let nave = start().await;
    nave.make(&thing_id("there"), json!({})).await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    nave.give(reader.object_id, AI_DEVELOPER, RG).await;
    let with_output = |expression: &str| {
        let mut template = template(&[]);
        template["outputs"] = json!({"o": {"type": "string", "value": expression}});
        body(template, json!({}))
    };
    let read = answer(
        &nave,
        &reader,
        "d",
        &with_output("[reference(resourceId('Test.Kit/things', 'there'), '2024-01-01').url]"),
    )
    .await;
    assert_eq!(
        read.1["properties"]["outputs"]["o"]["value"],
        "https://nave.test/things/there"
    );
    let keys = answer(
        &nave,
        &reader,
        "d",
        &with_output("[listKeys(resourceId('Test.Kit/things', 'there'), '2024-01-01').key1]"),
    )
    .await;
    assert_eq!(state(&keys.1), "Failed");
    let cause = &keys.1["properties"]["error"]["details"][0];
    assert_eq!(cause["code"], "AuthorizationFailed");
    assert!(
        cause["message"]
            .as_str()
            .unwrap()
            .contains("Test.Kit/things/listKeys/action")
    );
}

fn project(name: &str, hub: &str) -> Value {
    json!({"type": "Microsoft.MachineLearningServices/workspaces", "apiVersion": "2024-10-01", "name": name, "kind": "[parameters('kind')]",
           "properties": {"hubResourceId": hub}})
}

fn project_body(resources: &[Value]) -> Value {
    let mut template = template(resources);
    template["parameters"] = json!({"kind": {"type": "string", "defaultValue": "project"}});
    body(template, json!({}))
}

#[tokio::test]
async fn whoever_may_join_a_hub_deploys_its_projects_and_nothing_else() {
    let nave = start().await;
    nave.make(HUB, json!({"kind": "hub"})).await;
    let lead = nave.user_with("lead@contoso.com", AI_DEVELOPER, HUB).await;
    let made = answer(&nave, &lead, "p", &project_body(&[project("p1", HUB)])).await;
    assert_eq!((made.0, state(&made.1)), (201, "Succeeded"), "{}", made.1);
    assert_eq!(
        operations(&nave, &lead, "p").await,
        ["Create Succeeded Microsoft.MachineLearningServices/workspaces/p1"]
    );
    assert_eq!(nave.get(&lead, &id_of("p")).await.0, 200);
    let other = nave.user_with("other@contoso.com", READER, HUB).await;
    assert_eq!(nave.get(&other, &id_of("p")).await.0, 403);
    for resources in [
        vec![project("p2", HUB), thing("t", &[], json!({}))],
        vec![project(
            "p2",
            &format!("{RG}/providers/Microsoft.MachineLearningServices/workspaces/other"),
        )],
        vec![thing("t", &[], json!({}))],
        vec![],
    ] {
        let refused = answer(&nave, &lead, "q", &project_body(&resources)).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (403, "AuthorizationFailed"),
            "{}",
            refused.1
        );
    }
    let hub = json!({"type": "Microsoft.MachineLearningServices/workspaces", "apiVersion": "2024-10-01", "name": "h", "kind": "hub"});
    assert_eq!(answer(&nave, &lead, "q", &project_body(&[hub])).await.0, 403);
    let refused = answer(&nave, &other, "q", &project_body(&[project("p3", HUB)])).await;
    assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
}
