//! The rules of evaluation, one small tenant each, through the same door the command line uses.

use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, Attributes, Condition, ConditionOn, DenyAssignment, Evaluation, Plane, Refusal,
    RoleAssignment, RoleDefinition, RoleIndex, Truth, Why, built_in, eval::eval_line,
};
use serde_json::{Value, json};
use uuid::Uuid;

const ALICE: &str = "00000000-0000-0000-0000-00000000000a";
const BOB: &str = "00000000-0000-0000-0000-00000000000b";
const TEAM: &str = "00000000-0000-0000-0000-0000000000c1";
const DIVISION: &str = "00000000-0000-0000-0000-0000000000c2";
const CUSTOM: &str = "00000000-0000-0000-0000-0000000000d1";
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CONTRIBUTOR: &str = "b24988ac-6180-42a0-ab88-20f7382dd24c";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const AI_DEVELOPER: &str = "64702f94-c441-49e6-a78b-ef80e0188fee";
const KEY_VAULT_READER: &str = "21090545-7ca7-4776-b22c-e363652d74d2";
const BLOB_READER: &str = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";
const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";
const KEY_VAULT_DATA_ACCESS_ADMINISTRATOR: &str = "8b54135c-b56d-4d72-a534-26097cfdc8d8";

const SUB: &str = "/subscriptions/00000000-0000-0000-0000-0000000000f1";
const BLOB_READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";

fn in_group(group: &str) -> String {
    format!("{SUB}/resourceGroups/{group}")
}

fn hub(group: &str, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.MachineLearningServices/workspaces/{name}",
        in_group(group)
    )
}

fn workspaces(rest: &str) -> String {
    format!("Microsoft.MachineLearningServices/workspaces/{rest}")
}

/// A tenant with one request, to be built up.
#[derive(Clone)]
struct Tenant(Value);

impl Tenant {
    fn new() -> Self {
        Self(json!({"id": "case", "principal": ALICE}))
    }

    fn push(mut self, list: &str, item: Value) -> Self {
        match self.0[list].as_array_mut() {
            Some(items) => items.push(item),
            None => self.0[list] = json!([item]),
        }
        self
    }

    fn role(self, permissions: Value) -> Self {
        self.push(
            "roleDefinitions",
            json!({"name": CUSTOM, "roleName": "r", "permissions": permissions}),
        )
    }

    fn assign(self, role: &str, scope: &str) -> Self {
        self.assign_to(ALICE, role, scope, Value::Null)
    }

    fn assign_to(self, principal: &str, role: &str, scope: &str, condition: Value) -> Self {
        let role =
            format!("/subscriptions/elsewhere/providers/Microsoft.Authorization/roleDefinitions/{role}");
        self.push(
            "assignments",
            json!({"roleDefinitionId": role, "scope": scope, "principalId": principal, "condition": condition}),
        )
    }

    fn deny(self, scope: &str, more: Value) -> Self {
        let mut deny = json!({"name": "d", "scope": scope, "permissions": [{"actions": ["*"]}], "principals": [{"id": ALICE}]});
        for (name, value) in more.as_object().expect("object") {
            deny[name] = value.clone();
        }
        self.push("denyAssignments", deny)
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.0[member] = value;
        self
    }

    #[track_caller]
    fn decides(&self, plane: &str, operation: &str, scope: &str, expected: &str) {
        let mut case = self.0.clone();
        case[plane] = operation.into();
        case["scope"] = scope.into();
        assert_eq!(
            eval_line(&case.to_string()).line,
            format!(r#"{{"id":"case","decision":"{expected}"}}"#),
            "{operation} at {scope}"
        );
    }

    #[track_caller]
    fn allows(&self, operation: &str, scope: &str) -> &Self {
        self.decides("action", operation, scope, "allow");
        self
    }

    #[track_caller]
    fn denies(&self, operation: &str, scope: &str) -> &Self {
        self.decides("action", operation, scope, "deny");
        self
    }

    #[track_caller]
    fn allows_data(&self, operation: &str, scope: &str) -> &Self {
        self.decides("dataAction", operation, scope, "allow");
        self
    }

    #[track_caller]
    fn denies_data(&self, operation: &str, scope: &str) -> &Self {
        self.decides("dataAction", operation, scope, "deny");
        self
    }
}

#[test]
fn without_an_assignment_the_answer_is_no() {
    Tenant::new().denies("X/y/read", SUB).denies_data("X/y/read", "/");
    Tenant::new()
        .assign_to(BOB, OWNER, SUB, Value::Null)
        .denies("X/y/read", SUB);
    Tenant::new()
        .assign("00000000-0000-0000-0000-0000000000ee", SUB)
        .denies("X/y/read", SUB);
    Tenant::new()
        .assign(&READER.to_uppercase(), SUB)
        .allows("X/y/read", SUB);
}

#[test]
fn a_role_reaches_down_not_up_and_not_sideways() {
    let tenant = Tenant::new().assign(READER, &in_group("ai"));
    tenant
        .allows("X/y/read", &in_group("ai"))
        .allows(
            "X/y/read",
            &in_group("AI")
                .to_uppercase()
                .replace("/SUBSCRIPTIONS", "/subscriptions"),
        )
        .allows("X/y/read", &format!("{}/", in_group("ai")))
        .allows("X/y/read", &hub("ai", "h"))
        .allows(
            "X/y/read",
            &format!("{}/providers/Microsoft.Authorization/locks/l", hub("ai", "h")),
        )
        .denies("X/y/read", &in_group("ai-rg"))
        .denies("X/y/read", SUB)
        .denies("X/y/read", "/");
    Tenant::new()
        .assign(READER, "/")
        .allows("X/y/read", &hub("g", "h"))
        .allows("X/y/read", "/");
    Tenant::new()
        .assign(READER, "/subscriptions/s1")
        .denies("X/y/read", "/subscriptions/s11");
}

#[test]
fn a_project_is_not_below_its_hub() {
    Tenant::new()
        .assign(AI_DEVELOPER, &hub("g", "hub"))
        .allows(&workspaces("connections/read"), &hub("g", "hub"))
        .denies(&workspaces("connections/read"), &hub("g", "project"));
    Tenant::new()
        .assign(AI_DEVELOPER, &in_group("g"))
        .allows(&workspaces("connections/read"), &hub("g", "project"));
}

#[test]
fn management_groups_contain_by_their_tree() {
    let id = |name: &str| format!("/providers/Microsoft.Management/managementGroups/{name}");
    let tree = Tenant::new()
        .push("managementGroups", json!({"id": "Corp", "parent": "root", "subscriptions": [SUB.trim_start_matches("/subscriptions/")]}))
        .push("managementGroups", json!({"id": "sandbox", "parent": "root", "subscriptions": ["other"]}));
    tree.clone()
        .assign(READER, &id("corp"))
        .allows("X/y/read", &hub("g", "h"))
        .allows("X/y/read", &id("CORP"))
        .denies("X/y/read", "/subscriptions/other")
        .denies("X/y/read", &id("root"))
        .denies("X/y/read", &id("sandbox"));
    tree.clone()
        .assign(READER, &id("ROOT"))
        .allows("X/y/read", &hub("g", "h"))
        .allows("X/y/read", "/subscriptions/other")
        .allows("X/y/read", &id("sandbox"))
        .denies("X/y/read", "/subscriptions/nowhere");
    Tenant::new()
        .assign(READER, &id("corp"))
        .denies("X/y/read", SUB)
        .denies("X/y/read", &id("corp"));
    tree.deny(&id("root"), json!({}))
        .assign(OWNER, SUB)
        .denies("X/y/read", SUB);
}

#[test]
fn groups_reach_their_members_however_deep() {
    let group = |id: &str, members: Value| json!({"id": id, "members": members});
    let tenant = Tenant::new().assign_to(DIVISION, READER, SUB, Value::Null);
    tenant.denies("X/y/read", SUB);
    let nested = tenant
        .push("groups", group(TEAM, json!([ALICE.to_uppercase(), DIVISION])))
        .push("groups", group(DIVISION, json!([TEAM])));
    nested.allows("X/y/read", SUB).denies("X/y/write", SUB);
    nested.with("principal", json!(BOB)).denies("X/y/read", SUB);
}

#[test]
fn a_not_action_wins_in_its_object_and_denies_nothing_elsewhere() {
    let tenant = Tenant::new().role(json!([
        {"actions": ["W/write", "W/*"], "notActions": ["W/write", "W/x/delete"]},
        {"actions": ["W/x/delete"], "dataActions": ["W/write"]},
    ]));
    let tenant = tenant.assign(CUSTOM, SUB);
    tenant
        .denies("W/write", SUB)
        .allows("W/x/delete", SUB)
        .allows("W/read", SUB)
        .allows_data("W/write", SUB)
        .denies_data("W/read", SUB);
    tenant.assign(CONTRIBUTOR, SUB).allows("W/write", SUB);
}

#[test]
fn the_planes_are_apart() {
    Tenant::new()
        .assign(OWNER, SUB)
        .allows(BLOB_READ, SUB)
        .denies_data(BLOB_READ, SUB);
    Tenant::new().assign(READER, SUB).denies_data(BLOB_READ, SUB);
    Tenant::new()
        .assign(BLOB_READER, SUB)
        .allows_data(BLOB_READ, SUB)
        .denies(BLOB_READ, SUB);
}

#[test]
fn a_star_between_slashes_covers_zero_segments() {
    Tenant::new()
        .assign(KEY_VAULT_READER, SUB)
        .allows("Microsoft.KeyVault/vaults/read", SUB)
        .denies("Microsoft.KeyVault/vaults/write", SUB);
    Tenant::new()
        .assign(AI_DEVELOPER, SUB)
        .allows(&workspaces("read"), SUB)
        .allows(&workspaces("computes/write"), SUB)
        .denies(&workspaces("write"), SUB)
        .denies(&workspaces("delete"), SUB)
        .denies(&workspaces("listKeys/action"), SUB)
        .denies(ASSIGN, SUB);
}

#[test]
fn joining_a_hub_has_two_spellings() {
    for operation in [workspaces("hubs/join"), workspaces("hubs/join/action")] {
        Tenant::new().assign(AI_DEVELOPER, SUB).allows(&operation, SUB);
        for pattern in [
            workspaces("hubs/join"),
            workspaces("hubs/join/action"),
            workspaces("*/action"),
        ] {
            let role = json!([{"actions": [pattern]}]);
            Tenant::new()
                .role(role)
                .assign(CUSTOM, SUB)
                .allows(&operation, SUB);
            let taken = json!([{"actions": ["*"], "notActions": [pattern]}]);
            Tenant::new()
                .role(taken)
                .assign(CUSTOM, SUB)
                .denies(&operation, SUB);
        }
    }
}

#[test]
fn a_deny_assignment_blocks_whatever_the_roles() {
    let owner = Tenant::new().assign(OWNER, "/").assign(BLOB_READER, "/");
    let deny = |more| owner.clone().deny(&in_group("g"), more);
    deny(json!({}))
        .denies("X/y/read", &in_group("g"))
        .denies("X/y/read", &hub("g", "h"))
        .allows("X/y/read", SUB);
    deny(json!({})).allows_data(BLOB_READ, &in_group("g"));
    deny(json!({"permissions": [{"dataActions": ["*"]}]}))
        .denies_data(BLOB_READ, &hub("g", "h"))
        .allows("X/y/read", &hub("g", "h"));
    deny(json!({"permissions": [{"actions": ["X/*"], "notActions": ["X/y/read"]}, {"actions": ["Z/*"]}]}))
        .allows("X/y/read", &in_group("g"))
        .denies("X/y/write", &in_group("g"))
        .denies("Z/y/write", &in_group("g"));
    deny(json!({"doNotApplyToChildScopes": true}))
        .denies("X/y/read", &in_group("g"))
        .allows("X/y/read", &hub("g", "h"));
    deny(json!({"denyAssignmentEffect": "audit"})).allows("X/y/read", &in_group("g"));
    deny(json!({"principals": [{"id": BOB}]})).allows("X/y/read", &in_group("g"));
}

#[test]
fn a_deny_assignment_names_whom_it_blocks_and_whom_it_spares() {
    let everybody = json!([{"id": EVERYBODY, "type": "SystemDefined"}]);
    let tenant = Tenant::new()
        .assign(OWNER, "/")
        .push("groups", json!({"id": TEAM, "members": [ALICE]}))
        .push("groups", json!({"id": DIVISION, "members": [TEAM]}));
    let deny = |more: Value| tenant.clone().deny(SUB, more);
    deny(json!({"principals": everybody})).denies("X/y/read", SUB);
    deny(json!({"principals": [{"id": DIVISION, "type": "Group"}]})).denies("X/y/read", SUB);
    deny(json!({"principals": everybody, "excludePrincipals": [{"id": ALICE}]})).allows("X/y/read", SUB);
    deny(json!({"principals": everybody, "excludePrincipals": [{"id": DIVISION}]})).allows("X/y/read", SUB);
    deny(json!({"principals": everybody, "excludePrincipals": [{"id": BOB}]})).denies("X/y/read", SUB);
    // Everybody is no exclusion.
    deny(json!({"principals": everybody, "excludePrincipals": everybody})).denies("X/y/read", SUB);
    deny(json!({"principals": []})).allows("X/y/read", SUB);
}

#[test]
fn a_condition_narrows_its_assignment_only() {
    let path = "Microsoft.Storage/storageAccounts/blobServices/containers:name";
    let condition = format!("!(ActionMatches{{'{BLOB_READ}'}}) OR @Resource[{path}] StringEquals 'mine'");
    let named = |name: &str| json!({"resource": {path: name}});
    let tenant = Tenant::new().assign_to(ALICE, BLOB_READER, SUB, json!(condition));
    tenant.denies_data(BLOB_READ, SUB);
    tenant
        .clone()
        .with("attributes", named("mine"))
        .allows_data(BLOB_READ, SUB);
    tenant
        .clone()
        .with("attributes", named("yours"))
        .denies_data(BLOB_READ, SUB);
    tenant
        .clone()
        .with("attributes", json!({"request": {path: "mine"}}))
        .denies_data(BLOB_READ, SUB);
    // Each assignment is judged alone.
    tenant
        .assign(BLOB_READER, "/")
        .with("attributes", named("yours"))
        .allows_data(BLOB_READ, SUB);
}

#[test]
fn both_conditions_must_hold() {
    let condition = |value: &str| json!(format!("@Request[a] StringEquals '{value}'"));
    for (of_role, of_assignment, expected) in [
        ("x", "x", "allow"),
        ("x", "y", "deny"),
        ("y", "x", "deny"),
        ("", "x", "allow"),
        ("x", "", "allow"),
    ] {
        let text = |value: &str| {
            if value.is_empty() {
                Value::Null
            } else {
                condition(value)
            }
        };
        Tenant::new()
            .role(json!([{"actions": ["X/*"], "condition": text(of_role)}]))
            .assign_to(ALICE, CUSTOM, SUB, text(of_assignment))
            .with("attributes", json!({"request": {"a": "x"}}))
            .decides("action", "X/read", SUB, expected);
    }
    // Another object of the same role is not under the first one's condition.
    Tenant::new()
        .role(json!([{"actions": ["X/*"], "condition": "@Request[a] StringEquals 'x'"}, {"actions": ["X/read"]}]))
        .assign(CUSTOM, SUB)
        .allows("X/read", SUB)
        .denies("X/write", SUB);
}

#[test]
fn a_condition_that_cannot_be_read_grants_nothing() {
    for broken in ["(", "true", "@Request[a] StringEquals \u{2018}x\u{2019}"] {
        Tenant::new()
            .assign_to(ALICE, OWNER, SUB, json!(broken))
            .denies("X/y/read", SUB);
        let role = json!([{"actions": ["*"], "condition": broken}]);
        Tenant::new()
            .role(role)
            .assign(CUSTOM, SUB)
            .denies("X/y/read", SUB);
    }
    for none in [Value::Null, json!(""), json!("  ")] {
        Tenant::new()
            .assign_to(ALICE, OWNER, SUB, none)
            .allows("X/y/read", SUB);
    }
}

#[test]
fn suboperations_are_told_apart() {
    let condition = "!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'} \
                     AND NOT SubOperationMatches{'Blob.List'})";
    let tenant = Tenant::new().assign_to(ALICE, BLOB_READER, SUB, json!(condition));
    tenant.denies_data(BLOB_READ, SUB);
    tenant
        .with("subOperation", json!("Blob.List"))
        .allows_data(BLOB_READ, SUB);
}

#[test]
fn a_constrained_delegate_hands_out_only_what_it_may() {
    let id = "Microsoft.Authorization/roleAssignments:RoleDefinitionId";
    let kind = "Microsoft.Authorization/roleAssignments:PrincipalType";
    let condition = format!(
        "((!(ActionMatches{{'{ASSIGN}'}})) OR (@Request[{id}] ForAnyOfAnyValues:GuidEquals {{{READER}}} AND \
         @Request[{kind}] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User'}})) AND \
         ((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR \
         (@Resource[{id}] ForAnyOfAnyValues:GuidEquals {{{READER}}}))"
    );
    let delegate = Tenant::new().assign_to(ALICE, RBAC_ADMINISTRATOR, SUB, json!(condition));
    let asks = |source: &str, members: Value| delegate.clone().with("attributes", json!({source: members}));
    asks("request", json!({id: READER, kind: "user"})).allows(ASSIGN, SUB);
    asks("request", json!({id: OWNER, kind: "User"})).denies(ASSIGN, SUB);
    // The type the body leaves out is missing, even where the directory knows it.
    asks("request", json!({id: READER})).denies(ASSIGN, SUB);
    let delete = "Microsoft.Authorization/roleAssignments/delete";
    asks("resource", json!({id: READER})).allows(delete, SUB);
    asks("request", json!({id: READER})).denies(delete, SUB);
    delegate
        .allows("X/y/read", SUB)
        .denies("Microsoft.Authorization/roleDefinitions/write", SUB);

    let published = Tenant::new().assign(KEY_VAULT_DATA_ACCESS_ADMINISTRATOR, SUB);
    published
        .clone()
        .with("attributes", json!({"request": {id: KEY_VAULT_READER}}))
        .allows(ASSIGN, SUB);
    published
        .with("attributes", json!({"request": {id: OWNER}}))
        .denies(ASSIGN, SUB);
}

#[test]
fn excluding_roles_needs_all_values() {
    let id = "Microsoft.Authorization/roleAssignments:RoleDefinitionId";
    let asks = |quantifier: &str, role: &str| {
        let condition = format!(
            "@Request[{id}] {quantifier}:GuidNotEquals {{{OWNER}, {CONTRIBUTOR}, {RBAC_ADMINISTRATOR}}}"
        );
        Tenant::new()
            .assign_to(ALICE, RBAC_ADMINISTRATOR, SUB, json!(condition))
            .with("attributes", json!({"request": {id: role}}))
    };
    asks("ForAnyOfAllValues", OWNER).denies(ASSIGN, SUB);
    asks("ForAnyOfAllValues", READER).allows(ASSIGN, SUB);
    asks("ForAnyOfAnyValues", OWNER).allows(ASSIGN, SUB);
}

#[test]
fn contributor_cannot_hand_out_access() {
    Tenant::new()
        .assign(CONTRIBUTOR, SUB)
        .allows(&workspaces("write"), &hub("g", "h"))
        .denies(ASSIGN, SUB)
        .denies("Microsoft.Authorization/roleDefinitions/delete", SUB)
        .denies("Microsoft.Authorization/elevateAccess/action", "/")
        .allows("Microsoft.Authorization/roleAssignments/read", SUB);
}

#[test]
fn a_defined_role_hides_the_built_in_one() {
    Tenant::new()
        .push(
            "roleDefinitions",
            json!({"name": OWNER, "permissions": [{"actions": ["X/*"]}]}),
        )
        .assign(OWNER, SUB)
        .allows("X/read", SUB)
        .denies("Y/read", SUB);
}

#[test]
fn lines_that_ask_nothing_say_so_and_unreadable_parts_stay_safe() {
    for line in [
        "",
        "[]",
        "{",
        "{}",
        r#"{"principal": "x", "scope": "/"}"#,
        r#"{"principal": "x", "scope": "/", "action": "a", "dataAction": "a"}"#,
        r#"{"principal": "00000000-0000-0000-0000-000000000001", "scope": "/", "action": "a", "assignments": {}}"#,
    ] {
        let answer = eval_line(line);
        assert!(
            !answer.asked && answer.line.contains("\"deny\",\"error\""),
            "{line}"
        );
    }
    let owner = Tenant::new().assign(OWNER, "/");
    owner.denies("X/read", "not a scope");
    owner
        .clone()
        .with("principal", json!("somebody"))
        .denies("X/read", "/");
    owner
        .clone()
        .push("denyAssignments", json!({"name": "no scope"}))
        .denies("X/read", "/");
    owner
        .clone()
        .push("assignments", json!({"roleDefinitionId": "x"}))
        .allows("X/read", "/");
    owner
        .push("roleDefinitions", json!({"name": OWNER, "permissions": 5}))
        .denies("X/read", "/");
    let other_id = eval_line(&json!({"id": 7, "principal": ALICE, "scope": "/", "action": "a"}).to_string());
    assert_eq!(other_id.line, r#"{"id":7,"decision":"deny"}"#);
    let nothing_asked = eval_line(r#"{"id": "b", "principal": "x"}"#);
    assert_eq!(
        nothing_asked.line,
        r#"{"id":"b","decision":"deny","error":"`scope` is missing"}"#
    );
}

// The reasons, which the line format does not show.

fn guid(text: &str) -> Uuid {
    Uuid::parse_str(text).expect("guid")
}

fn assignment(
    scope: &str,
    name: &str,
    principal: &str,
    role: &str,
    condition: Option<&str>,
) -> RoleAssignment {
    let id = ResourceId::parse(scope)
        .expect("scope")
        .extension("Microsoft.Authorization/roleAssignments", name);
    let body =
        json!({"roleDefinitionId": format!("/x/{role}"), "principalId": principal, "condition": condition});
    RoleAssignment::from_properties(&id, &body).expect("assignment")
}

fn ask(index: &RoleIndex, plane: Plane, operation: &str, scope: &str) -> Evaluation {
    let scope = ResourceId::parse(scope).expect("scope");
    let attributes = Attributes::new();
    index.evaluate(&AccessRequest {
        principal: guid(ALICE),
        operation,
        plane,
        scope: &scope,
        sub_operation: None,
        attributes: &attributes,
        surroundings: &(),
    })
}

#[test]
fn a_yes_names_its_assignment() {
    let mut index = RoleIndex::with_built_in();
    index.put_group(guid(TEAM), vec![guid(ALICE)]);
    index.put_assignment(assignment(SUB, "1", TEAM, READER, None));
    let Evaluation::Allowed(reason) = ask(&index, Plane::Control, "X/y/read", &in_group("g")) else {
        panic!("denied")
    };
    assert_eq!(
        reason.assignment().as_str(),
        format!("{SUB}/providers/Microsoft.Authorization/roleAssignments/1")
    );
    assert_eq!((reason.role(), reason.role_name()), (guid(READER), "Reader"));
    assert_eq!((reason.permission, &*reason.pattern), (0, "*/read"));
    assert_eq!(reason.through_group, Some(guid(TEAM)));
    assert!(
        reason
            .to_string()
            .starts_with("`Reader` grants it through `*/read`")
    );
}

#[test]
fn a_no_says_for_each_assignment_why() {
    let mut index = RoleIndex::with_built_in();
    let gone = "00000000-0000-0000-0000-0000000000ee";
    for (name, role, condition) in [
        ("1", gone, None),
        ("2", BLOB_READER, None),
        ("3", AI_DEVELOPER, None),
        ("4", OWNER, Some("@Request[a] StringEquals 'x'")),
        ("5", OWNER, Some("ActionMatches{'other'}")),
        ("6", OWNER, Some("(")),
    ] {
        index.put_assignment(assignment(SUB, name, ALICE, role, condition));
    }
    let refusal = match ask(&index, Plane::Control, &workspaces("write"), SUB) {
        Evaluation::Denied(refusal) => refusal,
        Evaluation::Allowed(reason) => panic!("{reason}"),
    };
    assert!(refusal.condition_in_play());
    let Refusal::NoAssignment { considered } = &refusal else {
        panic!("{refusal}")
    };
    let mut whys: Vec<_> = considered
        .iter()
        .map(|one| (one.assignment().name().to_owned(), one.why.clone()))
        .collect();
    whys.sort_by_key(|(name, _)| name.clone());
    let not_met = |truth, condition: &str| Why::ConditionNotMet {
        on: ConditionOn::Assignment,
        truth,
        condition: Condition::stored(condition),
    };
    assert_eq!(whys[0].1, Why::RoleDangling);
    assert_eq!(
        whys[1].1,
        Why::NoPatternMatched {
            plane: Plane::Control,
            other_plane: None
        }
    );
    assert_eq!(
        whys[2].1,
        Why::TakenAway {
            by: workspaces("write").into()
        }
    );
    assert_eq!(whys[3].1, not_met(Truth::Unknown, "@Request[a] StringEquals 'x'"));
    assert_eq!(whys[4].1, not_met(Truth::False, "ActionMatches{'other'}"));
    assert!(matches!(
        whys[5].1,
        Why::ConditionUnreadable {
            on: ConditionOn::Assignment,
            ..
        }
    ));
    assert!(
        refusal.to_string().contains("takes it away again with"),
        "{refusal}"
    );

    let mut index = RoleIndex::with_built_in();
    index.put_assignment(assignment(SUB, "1", ALICE, OWNER, None));
    let Evaluation::Denied(refusal) = ask(&index, Plane::Data, BLOB_READ, SUB) else {
        panic!("allowed")
    };
    assert!(
        refusal
            .to_string()
            .ends_with("has no data action that covers it, only the action `*`"),
        "{refusal}"
    );
    assert!(!refusal.condition_in_play());
}

#[test]
fn the_index_follows_the_log() {
    let mut index = RoleIndex::with_built_in();
    let role = |actions: &[&str]| {
        RoleDefinition::from_properties(
            guid(CUSTOM),
            &json!({"roleName": "Mine", "permissions": [{"actions": actions}]}),
        )
        .expect("role")
    };
    index.put_definition(role(&["X/read"]));
    index.put_assignment(assignment(SUB, "1", ALICE, CUSTOM, None));
    let before = index.clone();
    let allowed = |index: &RoleIndex, operation| ask(index, Plane::Control, operation, SUB).is_allowed();
    assert!(allowed(&index, "X/read"));
    index.put_definition(role(&["X/write"]));
    assert!(!allowed(&index, "X/read") && allowed(&index, "X/write"));
    assert!(allowed(&before, "X/read"), "an older picture stays as it was");

    index.put_assignment(assignment(SUB, "1", BOB, CUSTOM, None));
    assert!(!allowed(&index, "X/write"), "the same id is the same assignment");
    assert_eq!(index.assignments().count(), 1);
    let removed = index
        .remove_assignment(&assignment(SUB, "1", BOB, CUSTOM, None).id())
        .expect("was there");
    assert_eq!(removed.principal, guid(BOB));
    assert_eq!(
        (
            index.assignments().count(),
            index.assignments_of(guid(BOB)).count()
        ),
        (0, 0)
    );

    index.put_assignment(assignment(SUB, "2", ALICE, CUSTOM, None));
    index.remove_definition(guid(CUSTOM));
    assert!(!allowed(&index, "X/write"));
    index.put_assignment(assignment(SUB, "3", ALICE, OWNER, None));
    let id = ResourceId::parse(SUB)
        .expect("scope")
        .extension("Microsoft.Authorization/denyAssignments", "d");
    let body = json!({"permissions": [{"actions": ["*"]}], "principals": [{"id": ALICE}]});
    let deny = DenyAssignment::from_properties(&id, &body).expect("deny");
    index.put_deny(deny);
    assert_eq!(
        ask(&index, Plane::Control, "X/write", SUB),
        Evaluation::Denied(Refusal::DenyAssignment { id: id.clone() })
    );
    assert_eq!(index.denies().count(), 1);
    index.remove_deny(&id);
    assert!(allowed(&index, "X/write"));
}

fn names<'a>(found: impl Iterator<Item = &'a RoleAssignment>) -> Vec<String> {
    found.map(|one| one.id().name().to_owned()).collect()
}

fn sorted<'a>(found: impl Iterator<Item = &'a RoleAssignment>) -> Vec<String> {
    let mut names = names(found);
    names.sort();
    names
}

#[test]
fn assignments_are_found_by_scope_and_by_principal() {
    let group = "/providers/Microsoft.Management/managementGroups/corp";
    let mut index = RoleIndex::with_built_in();
    index.put_management_group("corp", None, [SUB]);
    index.put_group(guid(TEAM), vec![guid(ALICE)]);
    for (scope, name, who) in [
        ("/", "tenant", BOB),
        (group, "group", BOB),
        (SUB, "sub", TEAM),
        (&in_group("ai"), "ai", ALICE),
        (&in_group("ai-rg"), "ai-rg", ALICE),
        (&hub("ai", "h"), "hub", BOB),
        ("/subscriptions/other", "other", BOB),
    ] {
        index.put_assignment(assignment(scope, name, who, READER, None));
    }
    let id = |text: &str| ResourceId::parse(text).expect("id");
    let deepest = id(&hub("ai", "h"));
    assert_eq!(
        names(index.assignments_at_or_above(&deepest)),
        ["hub", "ai", "sub", "group", "tenant"]
    );
    assert_eq!(
        names(index.assignments_at_or_above(&ResourceId::tenant())),
        ["tenant"]
    );
    assert_eq!(sorted(index.assignments_below(&id(SUB))), ["ai", "ai-rg", "hub"]);
    assert_eq!(sorted(index.assignments_below(&id(&in_group("ai")))), ["hub"]);
    assert_eq!(
        sorted(index.assignments_below(&id(group))),
        ["ai", "ai-rg", "hub", "sub"]
    );
    assert_eq!(
        sorted(index.assignments_below(&id("/"))),
        ["ai", "ai-rg", "group", "hub", "other", "sub"]
    );
    assert_eq!(sorted(index.assignments_of(guid(ALICE))), ["ai", "ai-rg", "sub"]);
    assert_eq!(
        index
            .assignment_of(guid(TEAM), guid(READER), &id(SUB))
            .map(|one| one.id().name().to_owned())
            .as_deref(),
        Some("sub")
    );
    assert_eq!(index.assignment_of(guid(ALICE), guid(READER), &id(SUB)), None);
}

#[test]
fn holding_a_role_means_without_a_condition() {
    let mut index = RoleIndex::with_built_in();
    let roles = [built_in::OWNER, built_in::CONTRIBUTOR];
    let scope = ResourceId::parse(&in_group("g")).expect("scope");
    index.put_assignment(assignment(SUB, "1", ALICE, OWNER, Some("ActionMatches{'*'}")));
    index.put_assignment(assignment(SUB, "2", ALICE, READER, None));
    index.put_assignment(assignment(&hub("g", "h"), "3", ALICE, OWNER, None));
    assert!(!index.holds_role(guid(ALICE), &roles, &scope));
    index.put_group(guid(TEAM), vec![guid(ALICE)]);
    index.put_assignment(assignment(SUB, "4", TEAM, CONTRIBUTOR, None));
    assert!(index.holds_role(guid(ALICE), &roles, &scope));
    assert!(!index.holds_role(guid(ALICE), &roles, &ResourceId::tenant()));
}

#[test]
fn permissions_at_a_scope_are_a_union() {
    let mut index = RoleIndex::with_built_in();
    index.put_assignment(assignment(SUB, "1", ALICE, READER, None));
    index.put_assignment(assignment(&in_group("g"), "2", ALICE, READER, None));
    index.put_assignment(assignment(SUB, "3", ALICE, OWNER, Some("ActionMatches{'a'}")));
    index.put_assignment(assignment(SUB, "4", BOB, CONTRIBUTOR, None));
    let found = index.permissions_at(guid(ALICE), &ResourceId::parse(&in_group("g")).expect("scope"));
    assert_eq!(found.len(), 2);
    assert!(found.contains(
        &json!({"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []})
    ));
    assert!(found.contains(
        &json!({"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": [],
                                   "condition": "ActionMatches{'a'}", "conditionVersion": "2.0"})
    ));
}

#[test]
fn roles_are_found_by_present_and_former_names() {
    let index = RoleIndex::with_built_in();
    assert_eq!(
        index.definition_named("owner").map(|role| role.id),
        Some(built_in::OWNER)
    );
    let renamed = index.definition_named("Azure AI user").expect("renamed");
    assert_eq!(renamed.role_name, "Foundry User");
    assert!(index.definition_named("No such role").is_none());
}

#[test]
fn a_role_is_assignable_inside_its_assignable_scopes() {
    let group = "/providers/Microsoft.Management/managementGroups/corp";
    let mut index = RoleIndex::with_built_in();
    index.put_management_group("corp", None, [SUB]);
    let role = |scope: &str, permission: Value| {
        let body = json!({"assignableScopes": [scope], "permissions": [permission]});
        RoleDefinition::from_properties(guid(CUSTOM), &body).expect("role")
    };
    let assignable = |role: &RoleDefinition, scope: &str| {
        index.is_assignable_at(role, &ResourceId::parse(scope).expect("scope"))
    };
    let control = json!({"actions": ["*/read"]});
    assert!(assignable(&role(SUB, control.clone()), &in_group("g")));
    assert!(!assignable(&role(&in_group("g"), control.clone()), SUB));
    assert!(!assignable(
        &role(&in_group("g"), control.clone()),
        &in_group("gg")
    ));
    assert!(assignable(&role(group, control), group));
    let data = role(group, json!({"dataActions": ["*"]}));
    assert!(!assignable(&data, group) && assignable(&data, SUB));
    assert!(assignable(
        index.definition(guid(BLOB_READER)).expect("built in"),
        group
    ));
}

#[test]
fn where_many_are_given_something_each_is_found() {
    let (place, nothing) = (ResourceId::of_subscription("s"), Attributes::new());
    let who = |n: u128| Uuid::from_u128(n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
    let given = |n| RoleAssignment::new(place.clone(), Uuid::from_u128(n), built_in::READER, who(n));
    let may = |index: &RoleIndex, n| {
        let request = AccessRequest::new(who(n), "X/y/read", Plane::Control, &place, &nothing);
        index.evaluate(&request).is_allowed()
    };
    let mut index = RoleIndex::with_built_in();
    for n in 1..=400 {
        index.put_assignment(given(n));
        assert!(may(&index, 1) && may(&index, n / 2 + 1) && may(&index, n) && !may(&index, n + 1));
    }
    for n in 1..=400 {
        assert!(index.remove_assignment(&given(n).id()).is_some());
        assert!(!may(&index, n) && may(&index, n + 1) == (n < 400));
    }
}
