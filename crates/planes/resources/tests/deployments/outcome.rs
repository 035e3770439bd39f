//! What deployments make and say.

use http::Method;
use nave_engine::{Caller, EventQuery};
use serde_json::{Value, json};

use crate::{
    common::{OTHER, RG, S, id},
    kit::{body, deploy, header, id_of, operations, request, start, state, template, thing, thing_id},
};

fn system() -> Caller {
    Caller::system()
}

#[tokio::test]
async fn resources_come_in_order_and_outputs_at_the_end() {
    let nave = start().await;
    let mut template = template(&[
        thing("second", &[], json!({"from": "[reference('first').url]"})),
        thing("first", &[], json!({"size": "[parameters('size')]"})),
        json!({"type": "Test.Kit/things/parts", "apiVersion": "2024-01-01", "name": "first/p", "dependsOn": ["first"]}),
        json!({"condition": false, "type": "Test.Kit/unknown", "apiVersion": "2024-01-01", "name": "never"}),
    ]);
    template["parameters"] =
        json!({"size": {"type": "int", "defaultValue": 3}, "secret": {"type": "securestring"}});
    template["outputs"] = json!({"key": {"type": "string", "value": "[listKeys(resourceId('Test.Kit/things', 'first'), '2024-01-01').key1]"}});
    let reply = deploy(
        &nave,
        &system(),
        "d",
        &body(template.clone(), json!({"secret": {"value": "CANARY"}})),
    )
    .await;
    assert_eq!((reply.status, header(&reply, "azure-asyncoperation")), (201, ""));
    let answer = reply.as_json().unwrap();
    assert_eq!(state(answer), "Succeeded");
    let properties = &answer["properties"];
    assert_eq!(
        properties["outputs"],
        json!({"key": {"type": "String", "value": "key of first"}})
    );
    assert_eq!(
        properties["parameters"],
        json!({"size": {"type": "Int", "value": 3}, "secret": {"type": "SecureString"}})
    );
    let made: Vec<_> = properties["outputResources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let part = format!("{}/parts/p", thing_id("first"));
    assert_eq!(made, [&thing_id("first"), &thing_id("second"), &part]);
    assert_eq!(
        properties["dependencies"][0]["dependsOn"][0]["id"],
        thing_id("first")
    );
    assert_eq!(properties["providers"][0]["namespace"], "Test.Kit");
    let (_, second) = nave.get(&system(), &thing_id("second")).await;
    assert_eq!(second["properties"]["from"], "https://nave.test/things/first");
    assert_eq!(
        operations(&nave, &system(), "d").await,
        [
            "Create Succeeded Test.Kit/things/first",
            "Create Succeeded Test.Kit/things/second",
            "Create Succeeded Test.Kit/things/first/parts/p",
            "EvaluateDeploymentOutput Succeeded ",
        ]
    );
    let again = deploy(
        &nave,
        &system(),
        "d",
        &body(template, json!({"secret": {"value": "CANARY"}})),
    )
    .await;
    assert_eq!(
        (again.status, state(again.as_json().unwrap())),
        (200, "Succeeded")
    );
    let rows: Vec<String> = nave
        .engine
        .snapshot()
        .below(&id("/"))
        .map(|row| format!("{} {}", row.sent, row.own))
        .collect();
    let grant = nave.engine.on_own_account::<nave_engine::Read>("test", &id("/"));
    let events = nave.engine.events(&grant, EventQuery::default()).await.unwrap();
    assert!(!rows.iter().any(|row| row.contains("CANARY")) && !format!("{events:?}").contains("CANARY"));
}

#[tokio::test]
async fn a_deployment_is_read_listed_and_deleted() {
    let nave = start().await;
    deploy(
        &nave,
        &system(),
        "Mixed.Case",
        &body(template(&[thing("t", &[], json!({}))]), json!({})),
    )
    .await;
    let path = id_of("mixed.case");
    let (status, one) = nave.get(&system(), &path).await;
    assert_eq!((status, one["name"].as_str()), (200, Some("Mixed.Case")));
    assert!(one["properties"].get("template").is_none());
    assert_eq!(
        nave.send(&system(), Method::HEAD, &path, Value::Null).await.0,
        204
    );
    let list = format!("{RG}/providers/Microsoft.Resources/deployments");
    let names = |answer: &(u16, Value)| answer.1["value"].as_array().map(Vec::len);
    assert_eq!(names(&nave.get(&system(), &list).await), Some(1));
    assert_eq!(
        names(
            &nave
                .get(
                    &system(),
                    &format!("{list}?$filter=provisioningState eq 'failed'")
                )
                .await
        ),
        Some(0)
    );
    assert_eq!(
        names(
            &nave
                .get(
                    &system(),
                    &format!("{list}?$filter=provisioningState eq 'Succeeded'")
                )
                .await
        ),
        Some(1)
    );
    assert_eq!(
        nave.get(&system(), &format!("{list}?$filter=name eq 'x'"))
            .await
            .0,
        400
    );
    assert_eq!(
        names(
            &nave
                .get(
                    &system(),
                    &format!("{S}/providers/Microsoft.Resources/deployments")
                )
                .await
        ),
        Some(0)
    );
    let (_, both) = nave.get(&system(), &format!("{path}/operations")).await;
    let operation = both["value"][0]["operationId"].as_str().unwrap();
    let (status, single) = nave
        .get(
            &system(),
            &format!("{RG}/deployments/mixed.case/operations/{operation}"),
        )
        .await;
    assert_eq!((status, &single), (200, &both["value"][0]));
    assert_eq!(
        nave.get(&system(), &format!("{path}/operations/none")).await.0,
        404
    );
    assert_eq!(nave.delete(&system(), &path).await.0, 204);
    let (status, gone) = nave.get(&system(), &path).await;
    assert_eq!(
        (status, gone["error"]["code"].as_str()),
        (404, Some("DeploymentNotFound"))
    );
    assert_eq!(
        nave.get(&system(), &thing_id("t")).await.0,
        200,
        "what was deployed stays"
    );
}

#[tokio::test]
async fn the_commands_not_quite_json_is_taken() {
    let nave = start().await;
    let text = r#"{"properties": {"parameters": {}, "mode": "Incremental", template:{
      // a comment
      "resources": [{"type": "Test.Kit/things", "apiVersion": "2024-01-01", "name": "[concat('a',
         'b')]", }] /* and another */ }}}"#;
    let reply = nave
        .engine
        .serve(request(&system(), Method::PUT, &id_of("d"), text))
        .await;
    assert_eq!(reply.as_json().map(state), Some("Succeeded"));
    assert_eq!(nave.get(&system(), &thing_id("ab")).await.0, 200);
}

#[tokio::test]
async fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let nave = start().await;
    let resources = [
        thing("good", &[], json!({})),
        // what the template says is refused at once; this is said by an answer of run time
        thing(
            "bad",
            &["good"],
            json!({"bad": "[not(empty(reference('good').url))]"}),
        ),
        thing("after-bad", &["bad"], json!({})),
        thing("after-that", &["after-bad"], json!({})),
        thing("other", &["good"], json!({})),
    ];
    let reply = deploy(&nave, &system(), "d", &body(template(&resources), json!({}))).await;
    assert_eq!((reply.status, header(&reply, "retry-after")), (201, "1"));
    let answer = reply.as_json().unwrap();
    assert_eq!(state(answer), "Failed");
    let url = header(&reply, "azure-asyncoperation");
    let path = url
        .strip_prefix("https://nave.test")
        .and_then(|url| url.split('?').next())
        .unwrap();
    let (status, polled) = nave.get(&system(), path).await;
    assert_eq!((status, polled["status"].as_str()), (200, Some("Failed")));
    assert_eq!(polled["error"]["code"], "DeploymentFailed");
    assert_eq!(
        polled["error"]["details"],
        json!([{"code": "InvalidParameter", "message": "The thing is bad.", "target": "properties.bad"}])
    );
    assert_eq!(polled["error"], answer["properties"]["error"]);
    assert_eq!(
        operations(&nave, &system(), "d").await,
        [
            "Create Succeeded Test.Kit/things/good",
            "Create Failed Test.Kit/things/bad",
            "Create Succeeded Test.Kit/things/other"
        ]
    );
    let (_, list) = nave
        .get(&system(), &format!("{RG}/deployments/d/operations"))
        .await;
    let failed = &list["value"][1]["properties"];
    assert_eq!(
        (&failed["statusCode"], &failed["statusMessage"]["error"]["code"]),
        (&json!("BadRequest"), &json!("InvalidParameter"))
    );
    let grant = nave
        .engine
        .on_own_account::<nave_engine::Read>("test", &id(&id_of("d")));
    let events = nave.engine.events(&grant, EventQuery::default()).await.unwrap();
    assert!(events.iter().any(|event| event.outcome == "Failed"), "{events:?}");
    assert_eq!(
        nave.get(&system(), &format!("{}/operationStatuses/another", id_of("d")))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn an_expression_that_fails_while_it_runs_says_where() {
    let nave = start().await;
    let resources = [
        thing("a", &[], json!({})),
        thing("b", &[], json!({"x": "[reference('a').nothing]"})),
    ];
    let reply = deploy(&nave, &system(), "d", &body(template(&resources), json!({}))).await;
    let cause = &reply.as_json().unwrap()["properties"]["error"]["details"][0];
    assert_eq!(cause["code"], "InvalidTemplate");
    let message = cause["message"].as_str().unwrap();
    assert!(
        message.contains(&thing_id("b")) && message.contains("property 'nothing' doesn't exist"),
        "{message}"
    );
}

#[tokio::test]
async fn nested_deployments_are_deployments() {
    let nave = start().await;
    let inner = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner", "properties": {
        "mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[variables('v')]"}},
        "template": {"parameters": {"p": {"type": "string"}}, "resources": [thing("[parameters('p')]", &[], json!({}))],
                     "outputs": {"url": {"type": "string", "value": "[reference(parameters('p')).url]"}}}}});
    let outer = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "outer", "properties": {
        "mode": "Incremental",
        "template": {"resources": [thing("[concat(variables('v'), '-2')]", &[], json!({"url": "[reference('inner').outputs.url.value]"}))]}}});
    let mut template = template(&[outer, inner]);
    template["variables"] = json!({"v": "nested"});
    let reply = deploy(&nave, &system(), "d", &body(template, json!({}))).await;
    assert_eq!(
        reply.as_json().map(state),
        Some("Succeeded"),
        "{:?}",
        reply.as_json()
    );
    assert_eq!(
        operations(&nave, &system(), "d").await,
        [
            "Create Succeeded Microsoft.Resources/deployments/inner",
            "Create Succeeded Microsoft.Resources/deployments/outer"
        ]
    );
    assert_eq!(
        operations(&nave, &system(), "outer").await,
        ["Create Succeeded Test.Kit/things/nested-2"]
    );
    let (_, second) = nave.get(&system(), &thing_id("nested-2")).await;
    assert_eq!(second["properties"]["url"], "https://nave.test/things/nested");
}

#[tokio::test]
async fn a_failure_inside_a_nested_deployment_is_wrapped() {
    let nave = start().await;
    let bad = json!({"bad": "[not(empty(reference('a').url))]"});
    let inner = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "inner", "properties": {
        "expressionEvaluationOptions": {"scope": "inner"},
        "template": {"resources": [thing("a", &[], json!({})), thing("b", &["a"], bad)]}}});
    let reply = deploy(&nave, &system(), "d", &body(template(&[inner]), json!({}))).await;
    let cause = reply.as_json().unwrap()["properties"]["error"]["details"][0].clone();
    assert_eq!(cause["code"], "ResourceDeploymentFailure");
    assert_eq!(cause["details"][0]["code"], "DeploymentFailed");
    assert_eq!(cause["details"][0]["details"][0]["message"], "The thing is bad.");
    assert_eq!(cause["target"], id_of("inner"));
}

#[tokio::test]
async fn a_subscription_deployment_makes_a_group_and_fills_it() {
    let nave = start().await;
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "fill", "resourceGroup": "made",
        "dependsOn": ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'made')]"],
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
                       "template": {"resources": [thing("t", &[], json!({"where": "[resourceGroup().location]"}))]}}});
    let group = json!({"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2022-09-01", "name": "made", "location": "[deployment().location]"});
    let mut wanted = body(template(&[nested, group]), json!({}));
    wanted["properties"]["template"]["$schema"] =
        "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#".into();
    let path = format!("{OTHER}/providers/Microsoft.Resources/deployments/d");
    let (status, refused) = nave.put_as(&system(), &path, wanted.clone()).await;
    assert_eq!(
        (status, refused["error"]["code"].as_str()),
        (400, Some("LocationRequired"))
    );
    wanted["location"] = "westus".into();
    let (status, made) = nave.put_as(&system(), &path, wanted).await;
    assert_eq!(
        (status, state(&made), made["location"].as_str()),
        (201, "Succeeded", Some("westus")),
        "{made}"
    );
    let (_, thing) = nave
        .get(
            &system(),
            &format!("{OTHER}/resourceGroups/made/providers/Test.Kit/things/t"),
        )
        .await;
    assert_eq!(thing["properties"]["where"], "westus");
    assert_eq!(nave.get(&system(), &format!("{path}/operations")).await.0, 200);
}

#[tokio::test]
async fn complete_mode_deletes_what_the_template_does_not_name() {
    let nave = start().await;
    for name in ["keep", "drop"] {
        nave.make(&thing_id(name), json!({})).await;
    }
    nave.make(&format!("{}/parts/p", thing_id("keep")), json!({}))
        .await;
    let mut wanted = body(template(&[thing("keep", &[], json!({}))]), json!({}));
    wanted["properties"]["mode"] = "Complete".into();
    let reply = deploy(&nave, &system(), "d", &wanted).await;
    assert_eq!(reply.as_json().map(state), Some("Succeeded"));
    assert_eq!(nave.get(&system(), &thing_id("drop")).await.0, 404);
    assert_eq!(
        nave.get(&system(), &format!("{}/parts/p", thing_id("keep")))
            .await
            .0,
        200
    );
    assert_eq!(
        operations(&nave, &system(), "d").await,
        [
            "Create Succeeded Test.Kit/things/keep",
            "Delete Succeeded Test.Kit/things/drop"
        ]
    );
}
