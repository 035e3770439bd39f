//! The rules of writing, as files: what each refusal is called, and what is fine.

use nave_rbac::{built_in, check::check_assignment, check::check_role};
use serde_json::{Value, json};

const ROLE: &str = "bbbbbbbb-0000-4000-8000-000000000001";
const USER: &str = "aaaaaaaa-0000-4000-8000-000000000001";
const GROUP: &str = "aaaaaaaa-0000-4000-8000-000000000002";
const STRANGER: &str = "aaaaaaaa-0000-4000-8000-0000000000ff";
const NAME: &str = "cccccccc-0000-4000-8000-000000000001";
const OTHER_NAME: &str = "cccccccc-0000-4000-8000-000000000002";
const BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";

fn merged(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().expect("object") {
        base[name] = value.clone();
    }
    base
}

fn role(more: Value) -> Value {
    let base = json!({
        "roleName": "Watcher", "type": "CustomRole", "description": "d", "assignableScopes": ["/subscriptions/s"],
        "permissions": [{ "actions": ["Microsoft.Storage/storageAccounts/read"] }],
    });
    merged(base, more)
}

fn actions(list: &str, text: &str) -> Value {
    role(json!({ "permissions": [{ "actions": ["*/read"] }, { list: [text] }] }))
}

#[test]
fn roles_in_every_form() {
    let az = |more| {
        let base = json!({
            "Name": "Watcher", "IsCustom": true, "Description": "d", "Actions": ["Microsoft.Storage/*/read"],
            "NotActions": [], "AssignableScopes": ["/subscriptions/s"],
        });
        merged(base, more)
    };
    for (file, code) in [
        (role(json!({})), "ok"),
        (json!({ "name": ROLE, "properties": role(json!({})) }), "ok"),
        (az(json!({})), "ok"),
        (az(json!({ "DataActions": [format!("{BLOB}/read")] })), "ok"),
        (
            az(json!({ "DataActions": [format!("{BLOB}/dance")] })),
            "InvalidActionOrNotAction",
        ),
        (az(json!({ "Name": "" })), "RoleDefinitionNameNullOrEmpty"),
        (
            json!({ "roleName": "w", "roleType": "CustomRole", "type": "Microsoft.Authorization/roleDefinitions",
                    "name": ROLE, "id": format!("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
                    "assignableScopes": ["/subscriptions/s"], "permissions": [{ "actions": ["*"] }] }),
            "ok",
        ),
        (json!([]), "InvalidRequestContent"),
    ] {
        assert_eq!(check_role(&file.to_string()).code, code, "{file}");
    }
    assert_eq!(check_role("{").code, "InvalidRequestContent");
}

#[test]
fn each_rule_of_roles_has_its_code() {
    let management_group = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let blob_read = format!("{BLOB}/read");
    for (file, code) in [
        (role(json!({ "roleName": null })), "RoleDefinitionNameNullOrEmpty"),
        (
            role(json!({ "roleName": "x".repeat(513) })),
            "RoleDefinitionInvalid",
        ),
        (
            role(json!({ "description": "x".repeat(2049) })),
            "RoleDefinitionInvalid",
        ),
        (
            role(json!({ "type": "BuiltInRole" })),
            "InvalidRoleDefinitionType",
        ),
        (role(json!({ "assignableScopes": [] })), "MissingAssignableScopes"),
        (
            role(json!({ "assignableScopes": ["nowhere"] })),
            "LinkedInvalidPropertyId",
        ),
        (
            role(json!({ "assignableScopes": ["/subscriptions/s/resourceGroups"] })),
            "LinkedInvalidPropertyId",
        ),
        (
            role(json!({ "assignableScopes": ["/"] })),
            "RoleDefinitionInvalid",
        ),
        (
            role(json!({ "assignableScopes": ["/subscriptions/*"] })),
            "RoleDefinitionInvalid",
        ),
        (role(json!({ "assignableScopes": [management_group("a")] })), "ok"),
        (
            role(json!({ "assignableScopes": [management_group("a"), management_group("b")] })),
            "RoleDefinitionInvalid",
        ),
        (
            merged(
                actions("dataActions", &blob_read),
                json!({ "assignableScopes": [management_group("a")] }),
            ),
            "RoleDefinitionInvalid",
        ),
        (
            actions("actions", "Microsoft.*/*/read"),
            "InvalidActionOrNotAction",
        ),
        (
            actions("actions", "Microsoft.Storage/storageAccounts/dance/action"),
            "InvalidActionOrNotAction",
        ),
        (
            actions("notActions", "Contoso.Robots/robots/read"),
            "InvalidActionOrNotAction",
        ),
        (actions("actions", &blob_read), "InvalidActionOrNotAction"),
        (
            actions("dataActions", "Microsoft.Storage/storageAccounts/read"),
            "InvalidActionOrNotAction",
        ),
        (actions("dataActions", &blob_read), "ok"),
        (
            json!({ "name": built_in::READER, "properties": role(json!({})) }),
            "RoleDefinitionExists",
        ),
        (
            role(json!({ "roleName": "rEADER" })),
            "RoleDefinitionWithSameNameExists",
        ),
        (
            role(json!({ "roleDefinitions": [{ "name": ROLE, "roleName": "watcher" }] })),
            "RoleDefinitionWithSameNameExists",
        ),
        (
            json!({ "name": ROLE, "properties": role(json!({})), "roleDefinitions": [{ "name": ROLE, "roleName": "watcher" }] }),
            "ok",
        ),
    ] {
        let verdict = check_role(&file.to_string());
        assert_eq!(verdict.code, code, "{file} {verdict:?}");
        assert_eq!(verdict.is_ok(), code == "ok");
    }
}

/// A tenant with a custom role, a user, a group and one assignment; the file asks to assign the role to the user.
fn assignment(properties: Value, more: Value) -> Value {
    let base = json!({
        "scope": "/subscriptions/s/resourceGroups/g",
        "properties": merged(json!({ "roleDefinitionId": role_id(ROLE), "principalId": USER }), properties),
        "roleDefinitions": [{ "name": ROLE, "roleName": "Blobs", "assignableScopes": ["/subscriptions/s", "/providers/Microsoft.Management/managementGroups/m"],
                              "permissions": [{ "dataActions": [format!("{BLOB}/read")] }] }],
        "principals": [{ "id": USER, "type": "User" }],
        "groups": [{ "id": GROUP, "members": [USER] }],
        "managementGroups": [{ "id": "m", "subscriptions": ["s2"] }],
        "assignments": [{ "name": NAME, "scope": "/subscriptions/s", "roleDefinitionId": role_id(ROLE), "principalId": USER }],
    });
    merged(base, more)
}

fn role_id(role: &str) -> String {
    format!("/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/{role}")
}

#[test]
fn each_rule_of_assignments_has_its_code() {
    let there = json!({ "scope": "/subscriptions/s" });
    let full_id =
        |scope: &str, name: &str| format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
    let condition = |text: &str| json!({ "condition": text, "conditionVersion": "2.0" });
    let about_blobs =
        format!("!(ActionMatches{{'{BLOB}/read'}}) OR (@Resource[{BLOB}:path] StringLike 'a/*')");
    let about_writes =
        format!("!(ActionMatches{{'{BLOB}/write'}}) OR (@Resource[{BLOB}:path] StringLike 'a/*')");
    for (file, code) in [
        (assignment(json!({}), json!({})), "ok"),
        (assignment(json!({}), there.clone()), "RoleAssignmentExists"),
        (
            assignment(condition(&about_blobs), there.clone()),
            "RoleAssignmentExists",
        ),
        (
            assignment(json!({}), merged(there.clone(), json!({ "name": OTHER_NAME }))),
            "RoleAssignmentExists",
        ),
        (
            assignment(
                json!({ "description": "d" }),
                merged(there.clone(), json!({ "name": NAME })),
            ),
            "ok",
        ),
        (
            assignment(
                json!({}),
                json!({ "scope": null, "id": full_id("/subscriptions/s", NAME) }),
            ),
            "ok",
        ),
        (
            assignment(json!({}), json!({ "name": NAME })),
            "RoleAssignmentUpdateNotPermitted",
        ),
        (
            assignment(
                json!({ "principalId": GROUP }),
                merged(there.clone(), json!({ "name": NAME })),
            ),
            "RoleAssignmentUpdateNotPermitted",
        ),
        (
            assignment(json!({}), json!({ "name": "not a guid" })),
            "InvalidResourceName",
        ),
        (assignment(json!({ "principalId": GROUP }), json!({})), "ok"),
        (
            assignment(json!({ "principalId": STRANGER }), json!({})),
            "PrincipalNotFound",
        ),
        (
            assignment(
                json!({ "principalId": STRANGER, "principalType": "ServicePrincipal" }),
                json!({}),
            ),
            "ok",
        ),
        (
            assignment(json!({ "principalType": "Group" }), json!({})),
            "UnmatchedPrincipalType",
        ),
        (assignment(json!({ "principalType": "user" }), json!({})), "ok"),
        (
            assignment(json!({ "principalType": "MSI" }), json!({})),
            "InvalidRequestFormat",
        ),
        (
            assignment(json!({}), json!({ "scope": "/subscriptions/s2" })),
            "ok",
        ),
        (
            assignment(json!({}), json!({ "scope": "/subscriptions/s3" })),
            "RoleAssignmentScopeNotAssignableToRoleDefinition",
        ),
        (
            assignment(
                json!({}),
                json!({ "scope": "/providers/Microsoft.Management/managementGroups/m" }),
            ),
            "RoleAssignmentScopeNotAssignableToRoleDefinition",
        ),
        (
            assignment(json!({ "roleDefinitionId": role_id(OTHER_NAME) }), json!({})),
            "RoleDefinitionDoesNotExist",
        ),
        (
            assignment(
                json!({ "roleDefinitionId": role_id(&built_in::READER.to_string()) }),
                json!({}),
            ),
            "ok",
        ),
        (assignment(condition(&about_blobs), json!({})), "ok"),
        (
            assignment(condition(&about_writes), json!({})),
            "InvalidRoleAssignmentCondition",
        ),
        (
            assignment(condition("("), json!({})),
            "InvalidRoleAssignmentCondition",
        ),
        (
            assignment(condition(&"x".repeat(8193)), json!({})),
            "InvalidRoleAssignmentCondition",
        ),
        (
            assignment(
                json!({ "condition": about_blobs, "conditionVersion": "1.0" }),
                json!({}),
            ),
            "InvalidRoleAssignmentCondition",
        ),
        (
            assignment(json!({ "conditionVersion": "2.0" }), json!({})),
            "InvalidRoleAssignmentCondition",
        ),
        (assignment(json!({ "condition": about_blobs }), json!({})), "ok"),
        (
            assignment(json!({ "description": "x".repeat(2049) }), json!({})),
            "InvalidRequestFormat",
        ),
        (
            assignment(json!({}), json!({ "scope": "nowhere" })),
            "InvalidResourceId",
        ),
        (
            assignment(json!({}), json!({ "scope": null })),
            "InvalidRequestContent",
        ),
    ] {
        let verdict = check_assignment(&file.to_string());
        assert_eq!(verdict.code, code, "{file} {verdict:?}");
    }
}

#[test]
fn the_limits_count_what_is_there() {
    let full = |scope: &str, held: usize| {
        let assignments: Vec<Value> = (0..held)
            .map(|n| {
                json!({ "name": format!("dddddddd-0000-4000-8000-{n:012}"), "scope": scope, "principalId": STRANGER,
                        "roleDefinitionId": role_id(&format!("eeeeeeee-0000-4000-8000-{n:012}")) })
            })
            .collect();
        let reader = json!({ "roleDefinitionId": role_id(&built_in::READER.to_string()) });
        let place = scope.split("/resourceGroups").next().unwrap_or_default();
        check_assignment(
            &assignment(reader, json!({ "scope": place, "assignments": assignments })).to_string(),
        )
        .code
    };
    let group = "/providers/Microsoft.Management/managementGroups/m";
    assert_eq!(full(group, 499), "ok");
    assert_eq!(full(group, 500), "RoleAssignmentLimitExceeded");
    assert_eq!(full("/subscriptions/s/resourceGroups/g", 3999), "ok");
    assert_eq!(
        full("/subscriptions/s/resourceGroups/g", 4000),
        "RoleAssignmentLimitExceeded"
    );
}

#[test]
fn a_wrong_condition_is_shown() {
    let file = assignment(
        json!({ "condition": "ActionMatches{'a'} AND @Resource[a] StringEqual 'b'" }),
        json!({}),
    );
    let message = check_assignment(&file.to_string()).message.expect("refused");
    assert_eq!(
        message,
        "The given role assignment condition is invalid: `StringEqual` is not a comparison operator; did you mean \
         `StringEquals`? (line 1, column 37).\n\
         ActionMatches{'a'} AND @Resource[a] StringEqual 'b'\n\
         \x20                                   ^^^^^^^^^^^"
    );
}
