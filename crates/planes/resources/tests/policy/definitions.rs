//! Definitions, sets and assignments as resources: what is accepted, shown and found.

use serde_json::{Value, json};

use crate::{common::*, kit::*};

#[tokio::test]
async fn a_definition_comes_back_as_it_was_sent() {
    let (nave, owner) = scene().await;
    let mut body = deny_public();
    body["properties"]["metadata"] = json!({ "category": "Network", "version": "1.2.0" });
    let id = definition_id(S, "no-public");
    let (status, made) = nave.put_as(&owner, &id, body.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(made["id"], id.as_str());
    assert_eq!(made["properties"]["policyType"], "Custom");
    assert_eq!(made["properties"]["policyRule"], body["properties"]["policyRule"]);
    assert_eq!(
        made["properties"]["metadata"]["createdBy"],
        json!(owner.object_id)
    );
    assert_eq!(made["properties"]["version"], "1.2.0");
    assert_eq!(
        nave.put_as(&owner, &id, made).await.0,
        201,
        "what is shown can be sent back"
    );
    let (_, shown) = nave.get(&owner, &id).await;
    assert_eq!(
        shown["properties"]["policyRule"],
        body["properties"]["policyRule"]
    );
    let found = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/policyDefinitions?$filter=category eq 'network'"),
        )
        .await;
    assert_eq!(each(&found, "/name"), ["no-public"]);
    let versions = nave.get(&owner, &format!("{id}/versions")).await;
    assert_eq!(each(&versions, "/name"), ["1.2.0"]);
    assert_eq!(nave.get(&owner, &format!("{id}/versions/1.2.0")).await.0, 200);
    assert_eq!(nave.get(&owner, &format!("{id}/versions/7.0.0")).await.0, 404);
    assert_eq!(nave.delete(&owner, &id).await.0, 200);
    assert_eq!(nave.delete(&owner, &id).await.0, 204);
    let gone = nave.get(&owner, &id).await;
    assert_eq!((gone.0, code(&gone)), (404, "PolicyDefinitionNotFound"));
}

#[tokio::test]
async fn what_is_refused_of_definitions() {
    let (nave, owner) = scene().await;
    let alias = rule(
        json!({ "field": "nonsense", "equals": "a" }),
        json!({ "effect": "deny" }),
    );
    let mut built_in = deny_public();
    built_in["properties"]["policyType"] = "BuiltIn".into();
    for (what, at, body, expected) in [
        ("no rule", S, json!({ "properties": {} }), "InvalidPolicyRule"),
        (
            "no effect",
            S,
            rule(public_workspaces(), json!({})),
            "InvalidPolicyRule",
        ),
        ("no such alias", S, alias, "InvalidPolicyAlias"),
        ("a group", RG, deny_public(), "InvalidScope"),
        ("the tenant", "", deny_public(), "InvalidScope"),
        ("ready-made", S, built_in, "InvalidParameter"),
    ] {
        let refused = nave.put_as(&owner, &definition_id(at, "d"), body).await;
        assert_eq!(
            (refused.0, code(&refused)),
            (400, expected),
            "{what}: {}",
            refused.1
        );
    }
}

#[tokio::test]
async fn what_is_refused_of_assignments() {
    let (nave, owner) = scene().await;
    let mut body = rule(public_workspaces(), json!({ "effect": "[parameters('effect')]" }));
    body["properties"]["parameters"] =
        json!({ "effect": { "type": "String", "allowedValues": ["Deny", "Audit"] } });
    let definition = nave.define(&owner, "d", body).await;
    let role = format!("/{AUTHORIZATION}/roleDefinitions/{CONTRIBUTOR}");
    let modify = json!({ "effect": "modify", "details": { "roleDefinitionIds": [role],
        "operations": [{ "operation": "add", "field": "tags['a']", "value": "b" }] } });
    let modifying = nave.define(&owner, "m", rule(public_workspaces(), modify)).await;
    let with = |definition: &str, more: Value| {
        let mut body = json!({ "properties": { "policyDefinitionId": definition } });
        for (member, value) in more.as_object().into_iter().flatten() {
            body["properties"][member] = value.clone();
        }
        body
    };
    let audit = json!({ "effect": { "value": "Audit" } });
    for (what, scope, body, expected) in [
        (
            "no definition",
            RG,
            json!({ "properties": {} }),
            (400, "InvalidCreatePolicyAssignmentRequest"),
        ),
        (
            "no such definition",
            RG,
            with(&definition_id(S, "x"), json!({})),
            (404, "PolicyDefinitionNotFound"),
        ),
        (
            "no such set",
            RG,
            with(&set_id(S, "x"), json!({})),
            (404, "PolicySetDefinitionNotFound"),
        ),
        (
            "no value",
            RG,
            with(&definition, json!({})),
            (400, "MissingPolicyParameter"),
        ),
        (
            "a surplus value",
            RG,
            with(
                &definition,
                json!({ "parameters": { "effect": { "value": "Deny" }, "x": { "value": 1 } } }),
            ),
            (400, "UndefinedPolicyParameter"),
        ),
        (
            "a value that is not allowed",
            RG,
            with(
                &definition,
                json!({ "parameters": { "effect": { "value": "Modify" } } }),
            ),
            (400, "PolicyParameterValueNotAllowed"),
        ),
        (
            "another subscription",
            OTHER,
            with(&definition, json!({ "parameters": audit })),
            (400, "InvalidScope"),
        ),
        (
            "a scope that is not below",
            RG,
            with(&definition, json!({ "parameters": audit, "notScopes": [S] })),
            (400, "InvalidCreatePolicyAssignmentRequest"),
        ),
        (
            "no identity",
            RG,
            with(&modifying, json!({})),
            (400, "ResourceIdentityRequired"),
        ),
    ] {
        let refused = nave.put_as(&owner, &assignment_at(scope, "a"), body).await;
        assert_eq!((refused.0, code(&refused)), expected, "{what}: {}", refused.1);
    }
    let mut nowhere = with(&modifying, json!({}));
    nowhere["identity"] = json!({ "type": "SystemAssigned" });
    let refused = nave.put_as(&owner, &assignment_at(RG, "a"), nowhere).await;
    assert_eq!((refused.0, code(&refused)), (400, "LocationRequired"));
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, S).await;
    let body = with(&definition, json!({ "parameters": audit }));
    assert_eq!(
        nave.put_as(&contributor, &assignment_at(RG, "a"), body).await.0,
        403,
        "a Contributor assigns nothing"
    );
}

#[tokio::test]
async fn an_assignment_shows_its_identity_and_can_be_patched() {
    let (nave, owner) = scene().await;
    let definition = nave.define(&owner, "no-public", deny_public()).await;
    let more =
        json!({ "identity": { "type": "SystemAssigned" }, "location": "eastus", "displayName": "Closed" });
    let id = nave.assign(&owner, RG, &definition, more).await;
    let (_, shown) = nave.get(&owner, &id).await;
    let principal = shown["identity"]["principalId"]
        .as_str()
        .expect("a principal")
        .to_owned();
    assert_eq!(shown["properties"]["scope"], RG);
    assert_eq!(shown["properties"]["enforcementMode"], "Default");
    assert!(
        nave.engine
            .snapshot()
            .principal(principal.parse().expect("guid"))
            .is_some()
    );
    let (status, patched) = nave
        .patch(
            &owner,
            &id,
            json!({ "properties": { "enforcementMode": "DoNotEnforce" } }),
        )
        .await;
    assert_eq!(status, 200, "{patched}");
    assert_eq!(patched["properties"]["displayName"], "Closed");
    assert_eq!(patched["identity"]["principalId"], principal.as_str());
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
    let found = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/policyAssignments?$filter=policyDefinitionId eq '{definition}'"),
        )
        .await;
    assert_eq!(each(&found, "/name"), ["no-public"]);
    assert_eq!(nave.delete(&owner, &id).await.0, 200);
    assert!(
        nave.engine
            .snapshot()
            .principal(principal.parse().expect("guid"))
            .is_none()
    );
}

#[tokio::test]
async fn a_definition_that_is_assigned_changes_only_so_that_the_assignment_goes_on() {
    let (nave, owner) = scene().await;
    let definition = nave.define(&owner, "d", deny_public()).await;
    nave.assign(&owner, RG, &definition, json!({})).await;
    let mut stricter = deny_public();
    stricter["properties"]["parameters"] = json!({ "why": { "type": "String" } });
    let refused = nave.put_as(&owner, &definition, stricter.clone()).await;
    assert_eq!(
        (refused.0, code(&refused)),
        (400, "MissingPolicyParameter"),
        "{}",
        refused.1
    );
    stricter["properties"]["parameters"]["why"]["defaultValue"] = "so".into();
    assert_eq!(nave.put_as(&owner, &definition, stricter).await.0, 201);
    assert_denied(&nave.workspace(&owner, HUB, json!({})).await);
    let milder = rule(public_workspaces(), json!({ "effect": "audit" }));
    assert_eq!(nave.put_as(&owner, &definition, milder).await.0, 201);
    assert_done(&nave.workspace(&owner, HUB, json!({})).await);
}

#[tokio::test]
async fn the_index_is_the_same_followed_and_loaded() {
    let (nave, owner) = scene().await;
    let assignment = nave.impose(&owner, RG, "no-public", deny_public()).await;
    let exemption =
        json!({ "properties": { "policyAssignmentId": assignment, "exemptionCategory": "Waiver" } });
    assert_done(&nave.put_as(&owner, &exemption_at(RG, "e"), exemption).await);
    let snapshot = nave.engine.snapshot();
    let loaded = nave.engine.as_of(snapshot.revision()).await.expect("the state");
    for state in [&snapshot, &loaded] {
        let index = state.policies();
        assert_eq!(index.assignments().count(), 1);
        assert_eq!(index.exemptions_from(&id(&assignment)).count(), 1);
        assert!(index.assignments().all(|bound| bound.assignment(index).is_some()));
    }
}
