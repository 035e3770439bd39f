//! Deployments to a subscription, a management group and the tenant, and from one scope into another.

use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

use crate::{
    common::{Nave, S, code},
    kit::{DEPLOYMENTS, body, id_of, post, start, state, template, thing},
};

const GROUP: &str = "/providers/Microsoft.Management/managementGroups/corp";

fn schema(kind: &str) -> Value {
    format!("https://schema.management.azure.com/schemas/2019-08-01/{kind}.json#").into()
}

async fn deploy_at(nave: &Nave, scope: &str, schema_kind: &str, resources: &[Value]) -> (u16, Value) {
    let mut wanted = body(template(resources), json!({}));
    wanted["properties"]["template"]["$schema"] = schema(schema_kind);
    wanted["location"] = "eastus".into();
    nave.put_as(&Caller::system(), &format!("{scope}/{DEPLOYMENTS}/d"), wanted)
        .await
}

fn nested(name: &str, target: Value, resources: &[Value]) -> Value {
    let mut nested = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, "location": "eastus",
        "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
                       "template": {"resources": resources}}});
    for (name, value) in target.as_object().into_iter().flatten() {
        nested[name] = value.clone();
    }
    nested
}

#[tokio::test]
async fn every_scope_has_deployments_and_each_may_hold_others() {
    let nave = start().await;
    nave.make(GROUP, json!({})).await;
    let caller = Caller::system();
    let inside = nested(
        "inside",
        json!({"resourceGroup": "rg", "subscriptionId": S.rsplit('/').next()}),
        &[thing("t", &[], json!({}))],
    );
    let in_subscription = nested("in-s", json!({"subscriptionId": S.rsplit('/').next()}), &[]);
    let in_group = nested(
        "in-g",
        json!({"scope": "Microsoft.Management/managementGroups/corp"}),
        &[],
    );
    let cases = [
        (
            S,
            "subscriptionDeploymentTemplate",
            vec![nested(
                "x",
                json!({"resourceGroup": "rg"}),
                &[thing("u", &[], json!({}))],
            )],
        ),
        (
            GROUP,
            "managementGroupDeploymentTemplate",
            vec![in_subscription.clone(), inside.clone()],
        ),
        ("", "tenantDeploymentTemplate", vec![in_group, in_subscription]),
    ];
    for (scope, kind, resources) in cases {
        let (status, made) = deploy_at(&nave, scope, kind, &resources).await;
        assert_eq!((status, state(&made)), (201, "Succeeded"), "{scope}: {made}");
        let path = format!("{scope}/{DEPLOYMENTS}/d");
        let (status, operations) = nave.get(&caller, &format!("{path}/operations")).await;
        let count = operations["value"].as_array().map(Vec::len);
        assert_eq!((status, count), (200, Some(resources.len())), "{scope}");
        let one = operations["value"][0]["operationId"].as_str().unwrap();
        assert_eq!(
            nave.get(&caller, &format!("{path}/operations/{one}")).await.0,
            200
        );
        let (_, listed) = nave.get(&caller, &format!("{scope}/{DEPLOYMENTS}")).await;
        let names: Vec<_> = listed["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].clone())
            .collect();
        assert!(names.contains(&json!("d")), "{scope}: {names:?}");
        let (status, exported) = nave
            .send(
                &caller,
                Method::POST,
                &format!("{path}/exportTemplate"),
                Value::Null,
            )
            .await;
        assert_eq!((status, &exported["template"]["$schema"]), (200, &schema(kind)));
        assert_eq!(nave.delete(&caller, &path).await.0, 204);
    }
    let (status, _) = nave.get(&caller, &format!("{GROUP}/{DEPLOYMENTS}/in-g")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_scope_takes_its_own_templates_and_keeps_its_location() {
    let nave = start().await;
    nave.make(GROUP, json!({})).await;
    for (scope, kind) in [
        (S, "deploymentTemplate"),
        (GROUP, "tenantDeploymentTemplate"),
        ("", "subscriptionDeploymentTemplate"),
    ] {
        let refused = deploy_at(&nave, scope, kind, &[]).await;
        assert_eq!((refused.0, code(&refused)), (400, "InvalidTemplate"), "{scope}");
    }
    assert_eq!(
        deploy_at(&nave, S, "subscriptionDeploymentTemplate", &[]).await.0,
        201
    );
    let elsewhere = json!({"location": "westus", "properties": {"template": {"resources": []}}});
    let path = format!("{S}/{DEPLOYMENTS}/d");
    let refused = nave.put_as(&Caller::system(), &path, elsewhere).await;
    assert_eq!((refused.0, code(&refused)), (400, "InvalidDeploymentLocation"));
    let nowhere = json!({"properties": {"template": {"resources": []}}});
    let refused = nave.put_as(&Caller::system(), &path, nowhere).await;
    assert_eq!((refused.0, code(&refused)), (400, "LocationRequired"));
    let missing = deploy_at(
        &nave,
        &GROUP.replace("corp", "none"),
        "managementGroupDeploymentTemplate",
        &[],
    )
    .await;
    assert_eq!(missing.0, 404, "{}", missing.1);
    let resource = format!("{}/{DEPLOYMENTS}/d", crate::kit::thing_id("t"));
    assert!(nave.put_as(&Caller::system(), &resource, json!({})).await.0 >= 400);
}

#[tokio::test]
async fn levels_of_validation_and_settings() {
    let nave = start().await;
    let developer = nave
        .user_with("dev@contoso.com", crate::common::AI_DEVELOPER, crate::common::RG)
        .await;
    let mut wanted = body(template(&[thing("t", &[], json!({}))]), json!({}));
    for (level, status) in [
        ("Template", 200),
        ("Provider", 403),
        ("ProviderNoRbac", 200),
        ("None", 400),
    ] {
        wanted["properties"]["validationLevel"] = level.into();
        let (found, answer) = post(&nave, &developer, "d", "validate", &wanted).await;
        assert_eq!(found, status, "{level}: {answer}");
    }
    wanted["properties"]["validationLevel"] = "ProviderNoRbac".into();
    nave.give(developer.object_id, crate::common::READER, crate::common::RG)
        .await;
    let (status, seen) = post(&nave, &developer, "d", "whatIf", &wanted).await;
    assert_eq!(
        (status, &seen["properties"]["changes"][0]["changeType"]),
        (200, &json!("Create")),
        "{seen}"
    );
    let mut bad = body(template(&[thing("t", &[], json!({"bad": true}))]), json!({}));
    bad["properties"]["validationLevel"] = "Template".into();
    assert_eq!(post(&nave, &Caller::system(), "d", "validate", &bad).await.0, 200);
    bad["properties"]["debugSetting"] = json!({"detailLevel": "everything"});
    let refused = post(&nave, &Caller::system(), "d", "validate", &bad).await;
    assert_eq!((refused.0, code(&refused)), (400, "InvalidRequestContent"));
}

#[tokio::test]
async fn a_failure_goes_back_to_what_succeeded_last() {
    let nave = start().await;
    let caller = Caller::system();
    let mut template_1 = template(&[thing("t", &[], json!({"size": "[parameters('size')]"}))]);
    template_1["parameters"] = json!({"size": {"type": "int", "defaultValue": 1}});
    let first = body(template_1, json!({"size": {"value": 7}}));
    assert_eq!(nave.put_as(&caller, &id_of("first"), first).await.0, 201);
    let bad = json!({"bad": "[not(empty(reference('t').url))]"});
    let mut second = body(
        template(&[thing("t", &[], json!({"size": 8})), thing("b", &[], bad)]),
        json!({}),
    );
    second["properties"]["onErrorDeployment"] = json!({"type": "LastSuccessful"});
    let (_, failed) = nave.put_as(&caller, &id_of("second"), second.clone()).await;
    assert_eq!(state(&failed), "Failed");
    assert_eq!(
        failed["properties"]["onErrorDeployment"],
        json!({"type": "LastSuccessful", "deploymentName": "first", "provisioningState": "Succeeded"})
    );
    let (_, thing) = nave.get(&caller, &crate::kit::thing_id("t")).await;
    assert_eq!(thing["properties"]["size"], 7);
    second["properties"]["onErrorDeployment"] =
        json!({"type": "SpecificDeployment", "deploymentName": "none"});
    let refused = nave.put_as(&caller, &id_of("third"), second).await;
    assert_eq!((refused.0, code(&refused)), (404, "DeploymentNotFound"));
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let nave = start().await;
    let caller = Caller::system();
    let mut inner = json!([]);
    for depth in 0..12 {
        inner = json!([nested(&format!("n{depth}"), json!({}), inner.as_array().unwrap())]);
    }
    let deep = nave
        .put_as(
            &caller,
            &id_of("deep"),
            body(template(inner.as_array().unwrap()), json!({})),
        )
        .await;
    assert_eq!(deep.0, 400, "{}", deep.1);
    assert!(deep.1.to_string().contains("JobSizeExceeded"), "{}", deep.1);
    let secret = json!({"p": {"reference": {"keyVault": {"id": "/subscriptions/s"}, "secretName": "x"}}});
    let refused = nave
        .put_as(&caller, &id_of("kv"), body(template(&[]), secret))
        .await;
    assert_eq!(
        (refused.0, code(&refused)),
        (400, "KeyVaultParameterReferenceSecretRetrieveFailed")
    );
}
