//! Deployments that are refused as a whole: the answer to the PUT says why, validate says the same, nothing changed.

use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::{Nave, RG, code},
    kit::{DEPLOYMENTS, body, deploy, id_of, post, request, start, template, thing},
};

/// Both ways give this status and these texts; nothing is made.
async fn check(nave: &Nave, wanted: &Value, status: u16, texts: &[&str]) {
    let caller = Caller::system();
    let things = || nave.engine.snapshot().of_type("Test.Kit/things").count();
    let (before, reply) = (things(), deploy(nave, &caller, "refused", wanted).await);
    let validated = post(nave, &caller, "refused", "validate", wanted).await;
    let put = reply.as_json().cloned().unwrap_or_default();
    for (found, answer) in [(reply.status, &put), (validated.0, &validated.1)] {
        assert_eq!(found, status, "{answer}");
        let whole = answer.to_string();
        assert!(
            texts.iter().all(|text| whole.contains(text)),
            "{texts:?} in {whole}"
        );
    }
    assert_eq!(things(), before);
    assert_eq!(nave.get(&caller, &id_of("refused")).await.0, 404);
}

#[tokio::test]
async fn wrong_templates() {
    let nave = start().await;
    let cycle = template(&[thing("a", &["b"], json!({})), thing("b", &["a"], json!({}))]);
    check(
        &nave,
        &body(cycle, json!({})),
        400,
        &["InvalidTemplate", "Circular dependency", "lineNumber"],
    )
    .await;
    let unknown = template(&[thing("a", &[], json!({"x": "[nothing('x')]"}))]);
    check(
        &nave,
        &body(unknown, json!({})),
        400,
        &[
            "InvalidTemplate",
            "properties.template.resources[0].properties.x",
            "[nothing('x')]",
        ],
    )
    .await;
    let mut parameter = template(&[]);
    parameter["parameters"] = json!({"p": {"type": "string", "allowedValues": ["a"]}});
    check(
        &nave,
        &body(parameter, json!({"p": {"value": "b"}})),
        400,
        &["InvalidTemplate", "allowed value(s): 'a'"],
    )
    .await;
}

#[tokio::test]
async fn bodies_that_cannot_be_accepted() {
    let nave = start().await;
    let bad = [
        thing("bad", &[], json!({"bad": true})),
        thing("good", &[], json!({})),
    ];
    check(
        &nave,
        &body(template(&bad), json!({})),
        400,
        &[
            "InvalidTemplateDeployment",
            "'refused' is not valid according to the validation procedure",
            "The thing is bad.",
        ],
    )
    .await;
    let unknown = json!({"type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-01-01", "name": "vm", "dependsOn": ["good"]});
    let several = [unknown, thing("good", &[], json!({}))];
    check(
        &nave,
        &body(template(&several), json!({})),
        400,
        &[
            "InvalidTemplateDeployment",
            "InvalidResourceNamespace",
            "Microsoft.Compute",
        ],
    )
    .await;
    let nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": {
        "template": {"resources": [thing("inside", &[], json!({"bad": true}))]}}});
    check(
        &nave,
        &body(template(&[nested]), json!({})),
        400,
        &["InvalidTemplateDeployment", "The thing is bad."],
    )
    .await;
    let orphan = json!({"type": "Test.Kit/things/parts", "apiVersion": "2024-01-01", "name": "nobody/p"});
    check(
        &nave,
        &body(template(&[orphan]), json!({})),
        400,
        &["ParentResourceNotFound"],
    )
    .await;
    let elsewhere = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "resourceGroup": "nowhere",
        "properties": {"template": {"resources": []}}});
    check(
        &nave,
        &body(template(&[elsewhere]), json!({})),
        400,
        &["ResourceGroupNotFound"],
    )
    .await;
}

#[tokio::test]
async fn what_an_earlier_resource_mends_is_no_fault() {
    let nave = start().await;
    let first = crate::kit::thing_id("first");
    let resources = [
        thing("first", &[], json!({})),
        thing("second", &["first"], json!({"needs": first})),
    ];
    let reply = deploy(
        &nave,
        &Caller::system(),
        "d",
        &body(template(&resources), json!({})),
    )
    .await;
    assert_eq!(reply.as_json().map(crate::kit::state), Some("Succeeded"));
}

#[tokio::test]
async fn requests_that_are_none() {
    let nave = start().await;
    let caller = Caller::system();
    for (text, expected) in [
        ("", "InvalidRequestContent"),
        ("{\"properties\": ", "InvalidRequestContent"),
        ("[]", "InvalidRequestContent"),
        (
            "{\"properties\": {\"mode\": \"Incremental\"}}",
            "InvalidRequestContent",
        ),
        (
            "{\"properties\": {\"mode\": \"Sideways\", \"template\": {\"resources\": []}}}",
            "InvalidRequestContent",
        ),
        (
            "{\"properties\": {\"parameters\": [], \"template\": {\"resources\": []}}}",
            "InvalidRequestContent",
        ),
        (
            "{\"properties\": {\"templateLink\": {\"uri\": \"https://example.com/t.json\"}}}",
            "InvalidContentLink",
        ),
        ("{\"properties\": {\"template\": 1}}", "InvalidTemplate"),
    ] {
        for (method, path) in [
            (Method::PUT, id_of("d")),
            (Method::POST, format!("{}/validate", id_of("d"))),
            (Method::POST, format!("{}/whatIf", id_of("d"))),
        ] {
            let reply = nave.engine.serve(request(&caller, method, &path, text)).await;
            let answer = (reply.status, reply.as_json().cloned().unwrap_or_default());
            assert_eq!((answer.0, code(&answer)), (400, expected), "{path} {text}");
        }
    }
    let empty = body(template(&[]), json!({}));
    let long = "x".repeat(65);
    for (path, status, expected) in [
        (id_of(&long), 400, "InvalidResourceName"),
        (id_of("a b"), 400, "InvalidResourceName"),
        (
            format!("{}/resourceGroups/nowhere/{DEPLOYMENTS}/d", crate::common::S),
            404,
            "ResourceGroupNotFound",
        ),
        (
            format!("/subscriptions/33333333-3333-3333-3333-333333333333/{DEPLOYMENTS}/d"),
            404,
            "SubscriptionNotFound",
        ),
    ] {
        let answer = nave.put_as(&caller, &path, empty.clone()).await;
        assert_eq!((answer.0, code(&answer)), (status, expected), "{path}");
    }
    let answer = nave
        .get(&caller, &format!("{RG}/deployments/none/operations"))
        .await;
    assert_eq!((answer.0, code(&answer)), (404, "DeploymentNotFound"));
}

#[tokio::test]
async fn nothing_is_refused_for_what_is_not_known_yet() {
    let nave = start().await;
    let inner = |parameter: &str| {
        json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "n", "properties": {
            "expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": parameter}},
            "template": {"parameters": {"p": {"type": "string"}},
                         "resources": [thing("[last(split(parameters('p'), '/'))]", &[], json!({"bad": "[equals(parameters('p'), 'x')]"}))],
                         "outputs": {"o": {"type": "string", "value": "[reference(resourceId('Test.Kit/things', last(split(parameters('p'), '/'))), '2024-01-01').url]"}}}}})
    };
    let known = template(&[thing("a", &[], json!({})), inner("x")]);
    check(
        &nave,
        &body(known, json!({})),
        400,
        &["InvalidTemplateDeployment", "The thing is bad."],
    )
    .await;
    let unknown = body(
        template(&[
            thing("a", &[], json!({})),
            inner("[concat(reference('a').url, '-b')]"),
        ]),
        json!({}),
    );
    let (status, _) = post(&nave, &Caller::system(), "d", "validate", &unknown).await;
    assert_eq!(status, 200);
    let reply = deploy(&nave, &Caller::system(), "d", &unknown).await;
    assert_eq!(
        reply.as_json().map(crate::kit::state),
        Some("Succeeded"),
        "{:?}",
        reply.as_json()
    );
    assert_eq!(
        nave.get(&Caller::system(), &crate::kit::thing_id("a-b")).await.0,
        200
    );
}
