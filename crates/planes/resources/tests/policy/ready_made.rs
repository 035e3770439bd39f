//! The ready-made definitions: there for everybody, nobody's to change, and good for what they say (features POL-02, 03).

use nave_engine::policy;
use serde_json::{Value, json};

use crate::{common::*, kit::*};

const NO_PUBLIC_HUBS: &str = "438c38d2-3772-465a-a9cc-7a6666a275ce";
const ENCRYPTED_HUBS: &str = "ba769a63-b8cc-4b2d-abf6-ac33c7204be8";
const ALLOWED_LOCATIONS: &str = "e56962a6-4747-49cd-b67b-bf8b01975c4c";

#[test]
fn every_one_of_them_is_a_good_definition_and_can_be_bound() {
    assert!(policy::ready_made().len() > 50);
    for one in policy::ready_made() {
        let properties = &one.sent["properties"];
        let definition = policy::language::Definition::parse(properties);
        let definition = definition
            .unwrap_or_else(|error| panic!("{}: {error} at {}", properties["displayName"], error.path));
        let values: serde_json::Map<String, Value> = definition
            .parameters
            .iter()
            .filter(|parameter| parameter.default.is_none())
            .map(|parameter| {
                let value = match parameter.kind.word() {
                    "Array" => json!([]),
                    _ => json!("x"),
                };
                (parameter.name.clone(), json!({ "value": value }))
            })
            .collect();
        let body = json!({ "policyDefinitionId": one.id, "parameters": values });
        let nothing = nave_engine::policy::PolicyIndex::default();
        let id = assignment_at(S, "a");
        let bound = policy::language::Assignment::bind(&id, &body, &nothing);
        bound.unwrap_or_else(|error| panic!("{}: {error}", properties["displayName"]));
    }
}

#[test]
fn what_cannot_act_here_says_so_and_audits_at_most() {
    let labelled: Vec<&Value> = policy::ready_made()
        .iter()
        .map(|one| &one.sent["properties"])
        .filter(|properties| properties["metadata"]["nave"]["auditOnly"] == true)
        .collect();
    assert_eq!(labelled.len(), 7, "computes, private endpoints and their names");
    for properties in labelled {
        assert!(properties["metadata"]["nave"]["reason"].is_string());
        assert!(
            properties["description"]
                .as_str()
                .is_some_and(|text| text.contains("audits at most"))
        );
    }
}

#[tokio::test]
async fn everybody_reads_them_and_nobody_writes_them() {
    let (nave, owner) = scene().await;
    let stranger = nave.user("stranger@contoso.com").await;
    let (status, shown) = nave.get(&stranger, &ready_made(ENCRYPTED_HUBS)).await;
    assert_eq!(
        (status, &shown["properties"]["policyType"]),
        (200, &json!("BuiltIn"))
    );
    let listed = nave
        .get(
            &stranger,
            &format!("/{AUTHORIZATION}/policyDefinitions?$filter=policyType eq 'BuiltIn'"),
        )
        .await;
    assert_eq!(each(&listed, "/name").len(), policy::ready_made().len());
    assert!(
        nave.get(&stranger, &format!("{S}/{AUTHORIZATION}/policyDefinitions"))
            .await
            .0
            == 403
    );
    let refused = nave
        .put_as(&owner, &ready_made(ENCRYPTED_HUBS), deny_public())
        .await;
    assert_eq!((refused.0, code(&refused)), (400, "InvalidScope"));
    assert_eq!(
        nave.delete(&owner, &ready_made(ENCRYPTED_HUBS)).await.0,
        204,
        "there is no row to delete"
    );
    assert_eq!(nave.get(&owner, &ready_made(ENCRYPTED_HUBS)).await.0, 200);
}

#[tokio::test]
async fn they_act() {
    let (nave, owner) = scene().await;
    let deny = json!({ "parameters": { "effect": { "value": "Deny" } } });
    nave.assign(&owner, RG, &ready_made(NO_PUBLIC_HUBS), deny).await;
    let lists = json!({ "parameters": { "listOfAllowedLocations": { "value": ["westus"] } } });
    nave.assign(&owner, RG, &ready_made(ALLOWED_LOCATIONS), lists)
        .await;
    let closed = json!({ "publicNetworkAccess": "Disabled" });
    assert_denied(&nave.workspace(&owner, HUB, closed.clone()).await);
    let west = json!({ "location": "West US", "properties": closed });
    assert_done(&nave.put_as(&owner, HUB, west).await);
    assert_denied(&nave.put_as(&owner, HUB, json!({ "location": "westus" })).await);
}
