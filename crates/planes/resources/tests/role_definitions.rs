//! Role definitions: every rule of rbac-semantics section 8 with its code, and where a role is found.

mod common;

use common::*;
use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};
use uuid::Uuid;

const BUILT_IN_ROLES: usize = 928;

fn role(name: &str, scopes: &[&str]) -> Value {
    json!({ "properties": {
        "roleName": name, "description": "d", "assignableScopes": scopes,
        "permissions": [{ "actions": ["Microsoft.MachineLearningServices/workspaces/read"], "notActions": [],
                          "dataActions": [], "notDataActions": [] }],
    } })
}

fn with(mut body: Value, member: &str, value: impl Into<Value>) -> Value {
    body["properties"][member] = value.into();
    body
}

fn granting(list: &str, patterns: &[&str]) -> Value {
    with(role("r", &[S]), "permissions", json!([{ list: patterns }]))
}

fn management_group(name: &str) -> String {
    format!("/providers/Microsoft.Management/managementGroups/{name}")
}

async fn owner(nave: &Nave) -> Caller {
    nave.user_with("owner@contoso.com", OWNER, S).await
}

#[tokio::test]
async fn each_rule_has_its_code() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    nave.make(&role_id(S, Uuid::new_v4()), role("Taken", &[S])).await;
    let many: Vec<String> = (0..2001).map(|n| format!("{S}/resourceGroups/{n}")).collect();
    let invalid = (400, "RoleDefinitionInvalid");
    let action = (400, "InvalidActionOrNotAction");
    for (what, body, expected) in [
        (
            "no name",
            with(role("", &[S]), "roleName", Value::Null),
            (400, "RoleDefinitionNameNullOrEmpty"),
        ),
        (
            "an empty name",
            role("", &[S]),
            (400, "RoleDefinitionNameNullOrEmpty"),
        ),
        (
            "a name that is taken",
            role("TAKEN", &[S]),
            (409, "RoleDefinitionWithSameNameExists"),
        ),
        (
            "a built-in role's name",
            role("azure ai developer", &[S]),
            (409, "RoleDefinitionWithSameNameExists"),
        ),
        (
            "a built-in type",
            with(role("r", &[S]), "type", "BuiltInRole"),
            (400, "InvalidRoleDefinitionType"),
        ),
        ("no scopes", role("r", &[]), (400, "MissingAssignableScopes")),
        (
            "a scope that is no id",
            role("r", &["here"]),
            (400, "LinkedInvalidPropertyId"),
        ),
        (
            "a scope of odd length",
            role("r", &["/subscriptions"]),
            (400, "LinkedInvalidPropertyId"),
        ),
        ("the tenant", role("r", &["/"]), invalid),
        ("a wildcard in a scope", role("r", &["/subscriptions/*"]), invalid),
        (
            "two management groups",
            role("r", &[&management_group("a"), &management_group("b")]),
            invalid,
        ),
        (
            "two wildcards",
            granting("actions", &["Microsoft.*/*/read"]),
            action,
        ),
        (
            "an unknown action",
            granting("actions", &["Microsoft.Storage/storageAccounts/dance/action"]),
            action,
        ),
        (
            "a wildcard for nothing",
            granting("notActions", &["Microsoft.Storage/dance/*"]),
            action,
        ),
        (
            "an unknown provider",
            granting("actions", &["Contoso.Robots/robots/read"]),
            action,
        ),
        (
            "a data action among actions",
            granting(
                "actions",
                &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
            ),
            action,
        ),
        (
            "an action among data actions",
            granting("dataActions", &["Microsoft.Storage/storageAccounts/write"]),
            action,
        ),
        (
            "one bad string of two",
            granting("actions", &["*/read", "Contoso.Robots/robots/read"]),
            action,
        ),
        ("a long name", role(&"x".repeat(513), &[S]), invalid),
        (
            "a long description",
            with(role("r", &[S]), "description", "x".repeat(2049)),
            invalid,
        ),
        (
            "many scopes",
            with(role("r", &[S]), "assignableScopes", many),
            invalid,
        ),
        (
            "another subscription",
            role("r", &[S, OTHER]),
            (403, "LinkedAuthorizationFailed"),
        ),
        ("no properties", json!({}), (400, "RoleDefinitionNameNullOrEmpty")),
    ] {
        let answer = nave.put_as(&owner, &role_id(S, Uuid::new_v4()), body).await;
        assert_eq!((answer.0, code(&answer)), expected, "{what}: {}", answer.1);
    }
    let built_in = nave.put_as(&owner, &role_id(S, READER), role("r", &[S])).await;
    assert_eq!((built_in.0, code(&built_in)), (409, "RoleDefinitionExists"));
    assert_eq!(
        code(&nave.delete(&owner, &role_id(S, READER)).await),
        "RoleDefinitionExists"
    );
    let named = format!("{S}/{AUTHORIZATION}/roleDefinitions/hello");
    assert_eq!(
        code(&nave.put_as(&owner, &named, role("r", &[S])).await),
        "InvalidResourceName"
    );
    let elsewhere = nave
        .put_as(&owner, &role_id(OTHER, Uuid::new_v4()), role("r", &[OTHER]))
        .await;
    assert_eq!((elsewhere.0, code(&elsewhere)), (403, "AuthorizationFailed"));
}

#[tokio::test]
async fn who_may_define() {
    let nave = Nave::with_hub().await;
    for (defined_by, status) in [
        (OWNER, 201),
        (USER_ACCESS_ADMINISTRATOR, 201),
        (CONTRIBUTOR, 403),
        (RBAC_ADMINISTRATOR, 403),
        (READER, 403),
    ] {
        let caller = nave.user_with("somebody@contoso.com", defined_by, S).await;
        let body = role(&defined_by.to_string(), &[S]);
        assert_eq!(
            nave.put_as(&caller, &role_id(S, Uuid::new_v4()), body).await.0,
            status,
            "{defined_by}"
        );
    }
}

#[tokio::test]
async fn what_is_put_is_what_is_shown() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let body = json!({ "properties": {
        "roleName": "Azure AI Foundry Developer", "description": "two", "type": "CustomRole",
        "assignableScopes": [S, RG, RG],
        "permissions": [{
            "actions": ["Microsoft.MachineLearningServices/workspaces/write", "Microsoft.MachineLearningServices/workspaces/write"],
            "notActions": ["Microsoft.MachineLearningServices/workspaces/write"],
            "dataActions": ["Microsoft.CognitiveServices/accounts/OpenAI/*/read"], "notDataActions": [],
        }],
    } });
    let name = Uuid::new_v4();
    for _ in 0..2 {
        let (status, shown) = nave.put_as(&owner, &role_id(S, name), body.clone()).await;
        assert_eq!(status, 201, "on creation and on update: {shown}");
        assert_eq!(shown["id"], role_id(S, name));
        assert_eq!(shown["name"], name.to_string());
        for (member, sent) in body["properties"].as_object().expect("members") {
            assert_eq!(&shown["properties"][member], sent, "{member}");
        }
        assert_eq!(shown["properties"]["createdBy"], owner.object_id.to_string());
        assert_eq!(nave.get(&owner, &role_id(S, name)).await, (200, shown));
    }
}

#[tokio::test]
async fn a_role_is_found_by_its_guid_wherever_it_was_put() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let (custom, group) = (Uuid::new_v4(), format!("{S}/resourceGroups/other"));
    nave.make(&group, json!({ "location": "eastus" })).await;
    assert_eq!(
        nave.put_as(&owner, &role_id(RG, custom), role("Narrow", &[RG]))
            .await
            .0,
        201
    );
    let shown = |scope: &str| role_id(scope, custom);
    for (scope, status) in [(S, 200), (RG, 200), (HUB, 200), (group.as_str(), 404)] {
        let (found, body) = nave.get(&owner, &shown(scope)).await;
        assert_eq!(found, status, "{scope}");
        assert!(status != 200 || body["id"] == role_id(S, custom), "{body}");
    }
    for (scope, id) in [
        (RG, role_id(S, READER)),
        ("/", role_id("", READER)),
        (HUB, role_id(S, READER)),
    ] {
        let (status, body) = nave.get(&Caller::system(), &role_id(scope, READER)).await;
        assert_eq!((status, &body["id"]), (200, &json!(id)));
        assert_eq!(body["properties"]["type"], "BuiltInRole");
        assert_eq!(body["properties"]["assignableScopes"], json!(["/"]));
    }
    assert_eq!(
        nave.send(&owner, Method::HEAD, &shown(S), Value::Null).await.0,
        204
    );
    let renamed = nave.put_as(&owner, &shown(S), role("Narrower", &[RG])).await;
    assert_eq!(renamed.0, 201, "the same role, from another scope");
    assert_eq!(
        each(
            &nave
                .get(
                    &owner,
                    &format!("{RG}/{AUTHORIZATION}/roleDefinitions?$filter=type eq 'CustomRole'")
                )
                .await,
            "/properties/roleName"
        ),
        ["Narrower"]
    );
    assert_eq!(nave.delete(&owner, &shown(&group)).await.0, 204);
    assert_eq!(nave.delete(&owner, &shown(S)).await.0, 200);
    assert_eq!(nave.get(&owner, &shown(RG)).await.0, 404);
    assert_eq!(
        nave.put_as(&owner, &role_id(S, Uuid::new_v4()), role("Narrower", &[S]))
            .await
            .0,
        201,
        "the name is free"
    );
}

#[tokio::test]
async fn lists_hold_what_may_be_assigned() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    for (name, scope) in [("Wide", S), ("Narrow", RG), ("Foreign", OTHER)] {
        nave.make(&role_id(scope, Uuid::new_v4()), role(name, &[scope]))
            .await;
    }
    let list = async |scope: &str, filter: &str| {
        let answer = nave
            .get(
                &owner,
                &format!("{scope}/{AUTHORIZATION}/roleDefinitions?$filter={filter}"),
            )
            .await;
        let names: Vec<String> = each(&answer, "/properties/roleName")
            .into_iter()
            .map(str::to_owned)
            .collect();
        names
    };
    for (scope, filter, expected) in [
        (S, "type eq 'CustomRole'", vec!["Wide"]),
        (HUB, "type eq 'CustomRole'", vec!["Narrow", "Wide"]),
        (
            S,
            "atScopeAndBelow() and type eq 'CustomRole'",
            vec!["Narrow", "Wide"],
        ),
        (RG, "roleName eq 'Azure AI Developer'", vec!["Azure AI Developer"]),
        (RG, "roleName eq 'azure ai developer'", vec!["Azure AI Developer"]),
        (RG, "roleName eq 'Azure AI User'", vec!["Foundry User"]),
        (RG, "roleName eq 'Nobody'", vec![]),
    ] {
        assert_eq!(list(scope, filter).await, expected, "{scope} {filter}");
    }
    assert_eq!(list(S, "").await.len(), BUILT_IN_ROLES + 1);
    assert_eq!(list(S, "type eq 'BuiltInRole'").await.len(), BUILT_IN_ROLES);
    let (_, body) = nave
        .get(
            &owner,
            &format!("{RG}/{AUTHORIZATION}/roleDefinitions?$filter=roleName eq 'Reader'"),
        )
        .await;
    assert_eq!(
        body["value"][0]["id"],
        role_id(S, READER),
        "az joins by this text"
    );
    let refused = nave
        .get(
            &owner,
            &format!("{S}/{AUTHORIZATION}/roleDefinitions?$filter=colour eq 'red'"),
        )
        .await;
    assert_eq!(code(&refused), "InvalidFilterInQueryString");
}

#[tokio::test]
async fn the_owner_of_one_thing_finds_the_roles_to_give_there() {
    let nave = Nave::with_hub().await;
    let creator = nave.user_with("creator@contoso.com", OWNER, HUB).await;
    let at = |scope: &str| format!("{scope}/{AUTHORIZATION}/roleDefinitions?$filter=roleName eq 'Reader'");
    assert_eq!(
        each(&nave.get(&creator, &at(HUB)).await, "/id"),
        [role_id(S, READER)]
    );
    assert_eq!(nave.get(&creator, &role_id(HUB, READER)).await.0, 200);
    assert_eq!(nave.get(&creator, &at(RG)).await.0, 403);
}

/// Clients look a built-in role up at the tenant, whatever they are about to assign it on.
#[tokio::test]
async fn the_published_roles_are_shown_at_the_tenant_to_whoever_reads_roles_anywhere() {
    let nave = Nave::with_hub().await;
    let custom = Uuid::new_v4();
    nave.make(&role_id(OTHER, custom), role("Foreign", &[OTHER]))
        .await;
    let creator = nave.user_with("creator@contoso.com", OWNER, HUB).await;
    let stranger = nave.user("stranger@contoso.com").await;
    let list = format!("/{AUTHORIZATION}/roleDefinitions");
    assert_eq!(nave.get(&creator, &role_id("", READER)).await.0, 200);
    assert_eq!(
        each(&nave.get(&creator, &list).await, "/id").len(),
        BUILT_IN_ROLES
    );
    for path in [
        role_id("", custom),
        format!("{list}?$filter=atScopeAndBelow() and type eq 'CustomRole'"),
    ] {
        assert_eq!(nave.get(&creator, &path).await.0, 403, "{path}");
    }
    for path in [role_id("", READER), list] {
        assert_eq!(nave.get(&stranger, &path).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn a_roles_own_id_opens_to_who_reads_roles_where_it_may_be_given() {
    let nave = Nave::with_hub().await;
    let (custom, foreign) = (Uuid::new_v4(), Uuid::new_v4());
    nave.make(&role_id(S, custom), role("Near", &[RG])).await;
    nave.make(&role_id(OTHER, foreign), role("Far", &[OTHER])).await;
    let governor = nave.user_with("governor@contoso.com", OWNER, RG).await;
    let stranger = nave.user("stranger@contoso.com").await;
    for (path, status) in [
        (role_id(S, custom), 200),
        (role_id(S, READER), 200),
        (role_id(OTHER, foreign), 403),
        (role_id("", foreign), 403),
        (role_id(S, Uuid::new_v4()), 403),
    ] {
        assert_eq!(nave.get(&governor, &path).await.0, status, "{path}");
        assert_eq!(nave.get(&stranger, &path).await.0, 403, "{path}");
    }
}

/// The documented role that lists `workspaces/write` among its actions and its notActions.
#[tokio::test]
async fn an_action_that_is_taken_away_again_is_not_granted() {
    let nave = Nave::with_hub().await;
    let custom = Uuid::new_v4();
    let permissions = json!([{
        "actions": ["Microsoft.MachineLearningServices/workspaces/*", "Microsoft.Storage/storageAccounts/write"],
        "notActions": ["Microsoft.MachineLearningServices/workspaces/write",
                       "Microsoft.MachineLearningServices/workspaces/listKeys/action"],
    }]);
    nave.make(
        &role_id(S, custom),
        with(role("AI Studio Developer", &[S]), "permissions", permissions),
    )
    .await;
    let holder = nave.user_with("holder@contoso.com", custom, S).await;
    assert_eq!(nave.get(&holder, HUB).await.0, 200);
    for (method, path) in [
        (Method::PATCH, HUB.to_owned()),
        (Method::POST, format!("{HUB}/listKeys")),
    ] {
        let answer = nave.send(&holder, method, &path, json!({ "tags": {} })).await;
        assert_eq!((answer.0, code(&answer)), (403, "AuthorizationFailed"), "{path}");
    }
    nave.give(holder.object_id, CONTRIBUTOR, RG).await;
    let patched = nave
        .send(&holder, Method::PATCH, HUB, json!({ "tags": {} }))
        .await;
    assert_eq!(patched.0, 200, "another role's grant is not denied by it");
}

#[tokio::test]
async fn a_role_cannot_be_taken_over_from_below() {
    let nave = Nave::with_hub().await;
    let custom = Uuid::new_v4();
    nave.make(&role_id(S, custom), role("Wide", &[S])).await;
    let local = nave.user_with("local@contoso.com", OWNER, RG).await;
    let wider = with(role("Wide", &[RG]), "permissions", json!([{ "actions": ["*"] }]));
    let answer = nave.put_as(&local, &role_id(RG, custom), wider).await;
    assert_eq!((answer.0, code(&answer)), (403, "LinkedAuthorizationFailed"));
    let expected = format!(
        "The client 'local@contoso.com' with object id '{}' has permission to perform action \
         'Microsoft.Authorization/roleDefinitions/write' on scope '{}'; however, it does not have permission to \
         perform action 'Microsoft.Authorization/roleDefinitions/write' on the linked scope(s) '{S}' or the linked \
         scope(s) are invalid.",
        local.object_id,
        role_id(RG, custom)
    );
    assert_eq!(answer.1["error"]["message"], expected);
    let answer = nave.delete(&local, &role_id(RG, custom)).await;
    assert_eq!((answer.0, code(&answer)), (403, "LinkedAuthorizationFailed"));
}

#[tokio::test]
async fn a_role_that_is_assigned_stays() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let custom = Uuid::new_v4();
    nave.make(&role_id(S, custom), role("Used", &[S])).await;
    let held = nave.give(owner.object_id, custom, RG).await;
    let answer = nave.delete(&owner, &role_id(S, custom)).await;
    assert_eq!((answer.0, code(&answer)), (409, "RoleDefinitionHasAssignments"));
    nave.delete(&owner, &held).await;
    let (status, body) = nave.delete(&owner, &role_id(S, custom)).await;
    assert_eq!((status, &body["properties"]["roleName"]), (200, &json!("Used")));
    assert_eq!(nave.delete(&owner, &role_id(S, custom)).await.0, 204);
}

#[tokio::test]
async fn no_assignment_outlives_its_role() {
    for _ in 0..10 {
        let nave = Nave::with_hub().await;
        let owner = owner(&nave).await;
        let custom = Uuid::new_v4();
        nave.make(&role_id(S, custom), role("Fleeting", &[S])).await;
        let (definition, assignment) = (role_id(S, custom), assignment_id(RG, Uuid::new_v4()));
        let (deleted, assigned) = tokio::join!(
            nave.delete(&owner, &definition),
            nave.put_as(&owner, &assignment, assigns(custom, owner.object_id)),
        );
        let outcome = (deleted.0, assigned.0);
        assert!(matches!(outcome, (200, 400) | (409, 201)), "{outcome:?}");
    }
}

#[tokio::test]
async fn one_name_goes_to_one_role() {
    let nave = Nave::with_hub().await;
    let owner = owner(&nave).await;
    let put = || async {
        nave.put_as(&owner, &role_id(S, Uuid::new_v4()), role("Same", &[S]))
            .await
    };
    let (left, right) = tokio::join!(put(), put());
    let mut answers = [(left.0, code(&left)), (right.0, code(&right))];
    answers.sort_unstable();
    assert_eq!(answers, [(201, ""), (409, "RoleDefinitionWithSameNameExists")]);
}

#[tokio::test]
async fn data_actions_are_not_for_management_groups() {
    let nave = Nave::with_hub().await;
    let (id, group) = (Uuid::new_v4(), management_group("corp"));
    let data = granting("dataActions", &["Microsoft.CognitiveServices/accounts/OpenAI/*"]);
    let at = |scopes: Value| with(data.clone(), "assignableScopes", scopes);
    let put = async |body: Value| {
        let answer = nave
            .send(&Caller::system(), Method::PUT, &role_id(S, id), body)
            .await;
        code(&answer).to_owned()
    };
    assert_eq!(put(at(json!([S, group]))).await, "RoleDefinitionInvalid");
    assert_eq!(put(at(json!([S]))).await, "");
}
