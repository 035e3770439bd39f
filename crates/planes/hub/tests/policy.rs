//! Policies and what a project has from its hub; and what a hub brings is judged as well.

mod common;

use common::{Nave, OTHER_RG, OWNER, RG, S, code, id, workspace};
use nave_engine::{Caller, Put};
use serde_json::{Value, json};

const NO_PUBLIC: &str = "438c38d2-3772-465a-a9cc-7a6666a275ce";
const ENCRYPTED: &str = "ba769a63-b8cc-4b2d-abf6-ac33c7204be8";
const CLOSES: &str = "a10ee784-7409-4941-b091-663697637c0f";
const NO_SHARED_KEYS: &str = "8c6a50c6-9ffd-4ae7-986f-5fa6111f9a54";

impl Nave {
    /// Assigns a ready-made definition, as a row: its type is another plane's.
    async fn assign(&self, scope: &str, definition: &str, parameters: Value) {
        let at = format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{definition}");
        let definition = format!("/providers/Microsoft.Authorization/policyDefinitions/{definition}");
        let properties = json!({ "policyDefinitionId": definition, "parameters": parameters });
        self.put(Put::new(id(&at), json!({ "properties": properties })))
            .await;
    }
}

fn deny() -> Value {
    json!({ "effect": { "value": "Deny" } })
}

async fn scene() -> (Nave, Caller) {
    let nave = Nave::start().await;
    let owner = nave.user_with("owner", OWNER, S).await;
    (nave, owner)
}

fn hub(access: &str) -> Value {
    json!({ "location": "eastus", "kind": "Hub", "properties": { "publicNetworkAccess": access } })
}

fn project(hub: &str) -> Value {
    json!({ "location": "eastus", "kind": "Project", "properties": { "hubResourceId": hub } })
}

#[tokio::test]
async fn a_closed_hub_makes_closed_projects() {
    let (nave, owner) = scene().await;
    let (hub_id, project_id) = (workspace(RG, "hub"), workspace(OTHER_RG, "project"));
    let made = nave.put_as(&owner, &hub_id, hub("Disabled")).await;
    assert!(matches!(made.0, 200 | 201), "{}", made.1);
    nave.assign(&hub_id, NO_PUBLIC, deny()).await;
    let made = nave.put_as(&owner, &project_id, project(&hub_id)).await;
    assert!(matches!(made.0, 200 | 201), "{}", made.1);
    let opened = nave.put_as(&owner, &hub_id, hub("Enabled")).await;
    assert_eq!(
        (opened.0, code(&opened)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        opened.1
    );
}

#[tokio::test]
async fn a_project_of_an_open_hub_is_refused_without_a_word_in_its_body() {
    let (nave, owner) = scene().await;
    let hub_id = workspace(RG, "hub");
    let made = nave.put_as(&owner, &hub_id, hub("Enabled")).await;
    assert!(matches!(made.0, 200 | 201), "{}", made.1);
    nave.assign(&hub_id, NO_PUBLIC, deny()).await;
    nave.assign(OTHER_RG, ENCRYPTED, json!({})).await;
    let refused = nave
        .put_as(&owner, &workspace(OTHER_RG, "project"), project(&hub_id))
        .await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        refused.1
    );
    assert!(refused.1.to_string().contains(NO_PUBLIC));
    assert!(!refused.1.to_string().contains(ENCRYPTED), "that one only audits");
}

#[tokio::test]
async fn a_hub_can_be_closed_where_it_is_written() {
    let (nave, owner) = scene().await;
    nave.assign(RG, CLOSES, json!({})).await;
    let hub_id = workspace(RG, "hub");
    let made = nave.put_as(&owner, &hub_id, hub("Enabled")).await;
    assert!(matches!(made.0, 200 | 201), "{}", made.1);
    assert_eq!(
        made.1["properties"]["publicNetworkAccess"], "Disabled",
        "{}",
        made.1
    );
}

#[tokio::test]
async fn what_a_hub_brings_is_judged_too() {
    let (nave, owner) = scene().await;
    nave.assign(RG, NO_SHARED_KEYS, deny()).await;
    let refused = nave.put_as(&owner, &workspace(RG, "hub"), hub("Enabled")).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (403, "RequestDisallowedByPolicy"),
        "{}",
        refused.1
    );
    assert!(refused.1.to_string().contains(NO_SHARED_KEYS));
    assert_eq!(
        nave.get(&owner, &workspace(RG, "hub")).await.0,
        404,
        "nothing half-made"
    );
}
