//! What-if says what a deployment would change, and changes nothing.

use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::Nave,
    kit::{body, deploy, post, start, template, thing, thing_id},
};

async fn changes(nave: &Nave, wanted: &Value) -> Value {
    let rows = || {
        nave.engine
            .snapshot()
            .of_type("Test.Kit/things")
            .map(|row| row.etag.clone())
            .collect::<Vec<_>>()
    };
    let before = rows();
    let (status, answer) = post(nave, &Caller::system(), "d", "whatIf", wanted).await;
    assert_eq!(
        (status, answer["status"].as_str()),
        (200, Some("Succeeded")),
        "{answer}"
    );
    assert_eq!(rows(), before);
    answer["properties"].clone()
}

fn kinds(properties: &Value) -> Vec<(&str, &str)> {
    properties["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["resourceId"].as_str().unwrap().rsplit('/').next().unwrap(),
                change["changeType"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn the_same_template_again_changes_nothing() {
    let nave = start().await;
    nave.make(&thing_id("besides"), json!({})).await;
    let wanted = body(
        template(&[
            thing("a", &[], json!({"size": 1, "list": [1]})),
            thing("b", &["a"], json!({})),
        ]),
        json!({}),
    );
    let first = changes(&nave, &wanted).await;
    assert_eq!(
        kinds(&first),
        [("a", "Create"), ("b", "Create"), ("besides", "Ignore")]
    );
    assert_eq!(first["changes"][0]["after"]["properties"]["size"], 1);
    assert_eq!(first["diagnostics"], json!([]));
    deploy(&nave, &Caller::system(), "d", &wanted).await;
    assert_eq!(
        kinds(&changes(&nave, &wanted).await),
        [("a", "NoChange"), ("b", "NoChange"), ("besides", "Ignore")]
    );
    let other = body(
        template(&[thing("a", &[], json!({"size": 2, "list": [1, 2]}))]),
        json!({}),
    );
    let modified = changes(&nave, &other).await;
    assert_eq!(
        kinds(&modified),
        [("a", "Modify"), ("b", "Ignore"), ("besides", "Ignore")]
    );
    let delta = &modified["changes"][0]["delta"];
    assert_eq!(
        delta[0],
        json!({"path": "properties.size", "propertyChangeType": "Modify", "before": 1, "after": 2, "children": null})
    );
    assert_eq!(
        (&delta[1]["propertyChangeType"], &delta[1]["children"][0]["path"]),
        (&json!("Array"), &json!("1"))
    );
}

#[tokio::test]
async fn what_depends_on_what_comes_before_is_exact() {
    let nave = start().await;
    let url = "[reference('a').url]";
    let inner = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": {
        "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": url}},
        "template": {"parameters": {"p": {"type": "string"}},
                     "resources": [thing("[last(split(parameters('p'), '/'))]", &[], json!({"url2": "[parameters('p')]"})),
                                   json!({"type": "Test.Kit/things/notes", "apiVersion": "2024-01-01", "name": "a/n", "properties": {"text": "[parameters('p')]"}})]}}});
    let wanted = body(
        template(&[
            thing("a", &[], json!({})),
            thing("b", &[], json!({"from": url})),
            inner,
        ]),
        json!({}),
    );
    let first = changes(&nave, &wanted).await;
    assert_eq!(
        kinds(&first),
        [("a", "Create"), ("b", "Create"), ("a", "Create"), ("n", "Create")][..2]
            .iter()
            .copied()
            .chain([("n", "Create")])
            .collect::<Vec<_>>()
    );
    assert_eq!(
        first["changes"][1]["after"]["properties"]["from"], url,
        "only a run can tell"
    );
    deploy(&nave, &Caller::system(), "d", &wanted).await;
    let again = changes(&nave, &wanted).await;
    assert!(
        kinds(&again).iter().all(|(_, kind)| *kind == "NoChange"),
        "{again}"
    );
    nave.make(
        &format!("{}/notes/n", thing_id("a")),
        json!({"properties": {"text": "other"}}),
    )
    .await;
    let changed = changes(&nave, &wanted).await;
    assert_eq!(kinds(&changed).last(), Some(&("n", "Modify")), "{changed}");
}

#[tokio::test]
async fn forms_and_modes() {
    let nave = start().await;
    nave.make(&thing_id("besides"), json!({})).await;
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": {
        "template": {"resources": [thing("inside", &[], json!({"url": "[reference('a').url]"}))]}}});
    let mut wanted = body(
        template(&[thing("a", &[], json!({"password": "p"})), nested]),
        json!({}),
    );
    wanted["properties"]["mode"] = "Complete".into();
    let whole = changes(&nave, &wanted).await;
    assert_eq!(
        kinds(&whole),
        [("a", "Create"), ("inside", "Create"), ("besides", "Delete")]
    );
    wanted["properties"]["whatIfSettings"] = json!({"resultFormat": "ResourceIdOnly"});
    let ids = changes(&nave, &wanted).await;
    assert_eq!(
        kinds(&ids),
        [("a", "Deploy"), ("inside", "Deploy"), ("besides", "Delete")]
    );
    assert!(ids["changes"][0].get("after").is_none());
}
