//! Deployments of models in accounts.

mod common;

use common::*;
use nave_engine::{
    Act, Caller, Put,
    accounts::{self, Upstream},
};
use nave_vault::Purpose;
use serde_json::{Value, json};

fn account(name: &str) -> String {
    format!("{RG}/providers/Microsoft.CognitiveServices/accounts/{name}")
}

fn chat() -> String {
    format!("{}/deployments/chat", account("ai1"))
}

fn gpt() -> Value {
    json!({
        "sku": { "name": "Standard", "capacity": 10 },
        "properties": { "model": { "format": "OpenAI", "name": "gpt-4o", "version": "2024-11-20" } },
    })
}

async fn start(kind: &str) -> (Nave, Caller) {
    let nave = Nave::start().await;
    let ada = nave.contributor().await;
    let body = json!({ "kind": kind, "location": "eastus", "sku": { "name": "S0" } });
    let (status, answer) = nave.put_as(&ada, &account("ai1"), body).await;
    assert_eq!(status, 201, "{answer}");
    (nave, ada)
}

#[tokio::test]
async fn a_deployment_lives_its_life() {
    let (nave, ada) = start("OpenAI").await;
    let (status, created) = nave.put_as(&ada, &chat(), gpt()).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(
        created["type"],
        "Microsoft.CognitiveServices/accounts/deployments"
    );
    assert_eq!(created["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        created["properties"]["capabilities"],
        json!({ "chatCompletion": "true" })
    );
    assert_eq!(created["sku"], json!({ "name": "Standard", "capacity": 10 }));
    assert_eq!(nave.put_as(&ada, &chat(), gpt()).await.0, 200);
    let (_, patched) = nave
        .patch(&ada, &chat(), json!({ "sku": { "capacity": 20 } }))
        .await;
    assert_eq!(patched["sku"], json!({ "name": "Standard", "capacity": 20 }));
    let (_, listed) = nave.get(&ada, &format!("{}/deployments", account("ai1"))).await;
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(1));
    let (_, usages) = nave.get(&ada, &format!("{}/usages", account("ai1"))).await;
    assert_eq!(usages["value"][0]["currentValue"], 20, "{usages}");
    assert_eq!(nave.get(&ada, &format!("{}/skus", chat())).await.0, 200);
    assert_eq!(
        (
            nave.delete(&ada, &chat()).await.0,
            nave.delete(&ada, &chat()).await.0
        ),
        (200, 204)
    );
}

#[tokio::test]
async fn what_the_cli_and_old_bodies_leave_out_or_spell_differently_is_understood() {
    let (nave, ada) = start("AIServices").await;
    let body = json!({
        "sku": { "name": "globalstandard", "capacity": "1" },
        "properties": { "model": { "format": "OpenAI", "name": "text-embedding-3-small" } },
    });
    let (_, created) = nave.put_as(&ada, &chat(), body).await;
    assert_eq!(created["sku"], json!({ "name": "GlobalStandard", "capacity": 1 }));
    assert_eq!(created["properties"]["model"]["version"], "1");
    assert_eq!(
        created["properties"]["capabilities"],
        json!({ "embeddings": "true" })
    );
    let old = json!({
        "properties": { "model": { "format": "OpenAI", "name": "ada" }, "scaleSettings": { "scaleType": "Standard" } },
    });
    let (_, created) = nave
        .put_as(&ada, &format!("{}/deployments/old", account("ai1")), old)
        .await;
    assert_eq!(
        created["sku"],
        json!({ "name": "Standard", "capacity": 1 }),
        "{created}"
    );
}

#[tokio::test]
async fn bad_input_is_refused_where_it_is_wrong() {
    let (nave, ada) = start("OpenAI").await;
    let table: &[(&str, Value, &str)] = &[
        ("/sku/capacity", json!(0), "sku.capacity"),
        ("/sku/capacity", json!("-1"), "sku.capacity"),
        ("/sku/capacity", json!("many"), "sku.capacity"),
        ("/sku/capacity", json!(1.5), "sku.capacity"),
        ("/sku/name", json!("Huge"), "sku.name"),
        ("/properties/model", json!(null), "properties.model.format"),
        ("/properties/model", json!("gpt-4o"), "properties.model"),
        ("/properties/model/name", json!(""), "properties.model.name"),
        ("/properties/model/name", json!(4), "properties.model.name"),
        ("/properties/model/version", json!(1), "properties.model.version"),
        (
            "/properties/versionUpgradeOption",
            json!("Never"),
            "properties.versionUpgradeOption",
        ),
        (
            "/properties/nave",
            json!({ "upstream": { "kind": "x" } }),
            "properties.nave.upstream.kind",
        ),
    ];
    for (pointer, value, target) in table {
        let mut body = gpt();
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("a parent")[member] = value.clone();
        let (status, answer) = nave.put_as(&ada, &chat(), body).await;
        assert_eq!(
            (status, &answer["error"]["target"]),
            (400, &json!(target)),
            "{pointer} {value}: {answer}"
        );
    }
    assert_eq!(
        nave.put_as(&ada, &format!("{}/deployments/a", account("ai1")), gpt())
            .await
            .0,
        400
    );
    let orphan = nave
        .put_as(&ada, &format!("{}/deployments/chat", account("none")), gpt())
        .await;
    assert_eq!((orphan.0, code(&orphan)), (404, "ParentResourceNotFound"));
    assert_eq!(nave.get(&ada, &chat()).await.0, 404);
}

#[tokio::test]
async fn models_are_deployed_in_accounts_of_some_kinds() {
    let (nave, ada) = start("SpeechServices").await;
    let refused = nave.put_as(&ada, &chat(), gpt()).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (400, "InvalidResourceProperties"),
        "{}",
        refused.1
    );
    let (_, models) = nave.get(&ada, &format!("{}/models", account("ai1"))).await;
    assert_eq!(models["value"], json!([]));
}

#[tokio::test]
async fn a_deployment_is_answered_by_its_accounts_upstream_unless_it_has_its_own() {
    let (nave, ada) = start("OpenAI").await;
    let upstream = |setting: Value| json!({ "properties": { "nave": { "upstream": setting } } });
    let now = || {
        let snapshot = nave.engine.snapshot();
        accounts::upstream_of(&snapshot, snapshot.get(&id(&chat())).expect("the deployment"))
    };
    nave.put_as(&ada, &chat(), gpt()).await;
    assert_eq!(now(), Upstream::BuiltIn);
    nave.patch(
        &ada,
        &account("ai1"),
        upstream(json!({ "endpoint": "http://a.test/v1", "apiKey": "k" })),
    )
    .await;
    let (endpoint, model) = (String::from("http://a.test/v1"), String::from("gpt-4o"));
    assert_eq!(
        now(),
        Upstream::OpenAi {
            endpoint,
            model,
            key_of: id(&account("ai1"))
        }
    );
    nave.patch(
        &ada,
        &chat(),
        upstream(json!({ "endpoint": "http://b.test/v1", "model": "llama" })),
    )
    .await;
    let (endpoint, model) = (String::from("http://b.test/v1"), String::from("llama"));
    assert_eq!(
        now(),
        Upstream::OpenAi {
            endpoint,
            model,
            key_of: id(&chat())
        }
    );
}

#[tokio::test]
async fn a_deployments_key_is_not_sent_to_an_endpoint_it_was_not_given_with() {
    let (nave, ada) = start("OpenAI").await;
    nave.put_as(&ada, &chat(), gpt()).await;
    let upstream = |setting: Value| json!({ "properties": { "nave": { "upstream": setting } } });
    let key = async || {
        let grant = nave.engine.on_own_account::<Act>("test", &id(&chat()));
        let row = nave
            .engine
            .read(&grant)
            .await
            .expect("read")
            .expect("the deployment");
        let secrets = nave.engine.open_secrets(&grant, &row).expect("secrets");
        accounts::upstream_key(&secrets).map(|key| key.expose(&Purpose::Check).clone())
    };
    let first = json!({ "endpoint": "http://a.test/v1", "apiKey": "k" });
    nave.patch(&ada, &chat(), upstream(first)).await;
    nave.patch(&ada, &chat(), upstream(json!({ "model": "llama" })))
        .await;
    assert_eq!(key().await.as_deref(), Some("k"));
    nave.patch(
        &ada,
        &chat(),
        upstream(json!({ "endpoint": "http://evil.test/v1" })),
    )
    .await;
    assert_eq!(key().await, None);
}

#[tokio::test]
async fn only_models_on_the_list_are_deployed() {
    let (nave, ada) = start("OpenAI").await;
    let definition =
        "/providers/Microsoft.Authorization/policyDefinitions/aafe3651-cb78-4f68-9f81-e7e41509110f";
    let at = format!("{RG}/providers/Microsoft.Authorization/policyAssignments/models");
    let allows = |publishers: Value, assets: Value| {
        let parameters = json!({ "effect": { "value": "Deny" }, "allowedPublishers": { "value": publishers },
                                 "allowedAssetIds": { "value": assets } });
        json!({ "properties": { "policyDefinitionId": definition, "parameters": parameters } })
    };
    let gpt_4o = "azureml://registries/azure-openai/models/gpt-4o/";
    nave.put(Put::new(id(&at), allows(json!([]), json!([gpt_4o]))))
        .await;
    assert_eq!(nave.put_as(&ada, &chat(), gpt()).await.0, 201);
    let mut other = gpt();
    other["properties"]["model"] = json!({ "format": "Meta", "name": "llama-3", "version": "1" });
    let refused = nave
        .put_as(
            &ada,
            &format!("{}/deployments/llama", account("ai1")),
            other.clone(),
        )
        .await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        refused.1
    );
    assert!(refused.1.to_string().contains(definition), "the policy is named");
    nave.put(Put::new(id(&at), allows(json!(["meta"]), json!([]))))
        .await;
    assert_eq!(
        nave.put_as(&ada, &format!("{}/deployments/llama", account("ai1")), other)
            .await
            .0,
        201
    );
    let mut odd = gpt();
    odd["properties"]["model"] = "gpt-4o".into();
    assert_eq!(
        nave.put_as(&ada, &chat(), odd).await.0,
        403,
        "what is no model is on no list"
    );
}
