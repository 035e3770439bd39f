//! Role assignments: every rule of rbac-semantics section 9 with its code, the lists, and that roles take effect.

mod common;

use common::*;
use http::Method;
use nave_arm::ResourceId;
use nave_engine::{Caller, Put};
use serde_json::{Value, json};
use uuid::Uuid;

/// What an assignment in `nave` looks like to its owner.
struct Scene {
    nave: Nave,
    owner: Caller,
    joe: Caller,
}

async fn scene() -> Scene {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let joe = nave.user("joe@contoso.com").await;
    Scene { nave, owner, joe }
}

fn with(mut body: Value, member: &str, value: impl Into<Value>) -> Value {
    body["properties"][member] = value.into();
    body
}

#[tokio::test]
async fn an_assignment_that_nave_made_says_by_which_rule() {
    let Scene { nave, owner, joe } = scene().await;
    let [made, given] = [(); 2].map(|()| assignment_id(RG, Uuid::new_v4()));
    let cause = json!({ "rule": "ProjectMember", "assignment": "/a" });
    let mut put = Put::new(
        ResourceId::parse(&made).expect("id"),
        assigns(READER, joe.object_id),
    );
    put.own = json!({ "autoFor": cause });
    nave.put(put).await;
    let forged = with(assigns(CONTRIBUTOR, joe.object_id), "autoFor", cause.clone());
    assert_eq!(nave.put_as(&owner, &given, forged).await.0, 201);
    assert_eq!(nave.get(&owner, &made).await.1["properties"]["autoFor"], cause);
    assert_eq!(
        nave.get(&owner, &given).await.1["properties"]["autoFor"],
        Value::Null
    );
}

#[tokio::test]
async fn an_assignment_is_shown_as_clients_read_it() {
    let Scene { nave, owner, joe } = scene().await;
    let name = Uuid::new_v4();
    let lower = assignment_id(&RG.to_lowercase(), name);
    let body = with(assigns(READER, joe.object_id), "description", "why");
    let (status, made) = nave.put_as(&owner, &lower, body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["id"], assignment_id(RG, name));
    assert_eq!(made["type"], "Microsoft.Authorization/roleAssignments");
    let properties = &made["properties"];
    assert_eq!(properties["roleDefinitionId"], role_id(S, READER));
    assert_eq!(properties["principalType"], "User");
    assert_eq!(properties["scope"], RG);
    assert_eq!(properties["description"], "why");
    assert_eq!(properties["condition"], Value::Null);
    assert_eq!(properties["createdBy"], owner.object_id.to_string());
    assert_eq!(properties["createdOn"], "2026-11-24T12:00:00Z");
    assert_eq!(
        nave.get(&owner, &assignment_id(RG, name)).await,
        (200, made.clone())
    );
    assert_eq!(nave.delete(&owner, &assignment_id(RG, name)).await, (200, made));
    assert_eq!(nave.delete(&owner, &assignment_id(RG, name)).await.0, 204);
    assert_eq!(
        code(&nave.get(&owner, &assignment_id(RG, name)).await),
        "ResourceNotFound"
    );
}

#[tokio::test]
async fn each_rule_has_its_code() {
    let Scene { nave, owner, joe } = scene().await;
    let (group, application) = (nave.group(&[]).await, nave.application().await);
    let narrow = Uuid::new_v4();
    let role = json!({ "properties": { "roleName": "narrow", "assignableScopes": [RG],
        "permissions": [{ "actions": ["*/read"] }] } });
    nave.make(&role_id(RG, narrow), role).await;
    let joes = || assigns(READER, joe.object_id);
    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
    let foreign = format!("!(ActionMatches{{'{blobs}'}}) OR (@Resource[a] StringEquals 'x')");
    let versioned = |condition: &str, version: &str| {
        with(with(joes(), "condition", condition), "conditionVersion", version)
    };
    for (what, scope, body, expected) in [
        (
            "an unknown role",
            S,
            assigns(Uuid::new_v4(), joe.object_id),
            (400, "RoleDefinitionDoesNotExist"),
        ),
        (
            "an unknown principal",
            S,
            assigns(READER, Uuid::new_v4()),
            (400, "PrincipalNotFound"),
        ),
        (
            "a type that is not his",
            S,
            with(joes(), "principalType", "Group"),
            (400, "UnmatchedPrincipalType"),
        ),
        (
            "a group as a user",
            S,
            with(assigns(READER, group), "principalType", "User"),
            (400, "UnmatchedPrincipalType"),
        ),
        (
            "a type there is not",
            S,
            with(assigns(READER, application), "principalType", "MSI"),
            (400, "InvalidRequestFormat"),
        ),
        (
            "a role for another scope",
            S,
            assigns(narrow, joe.object_id),
            (400, "RoleAssignmentScopeNotAssignableToRoleDefinition"),
        ),
        (
            "a condition that is none",
            S,
            with(joes(), "condition", "a AND"),
            (400, "InvalidRoleAssignmentCondition"),
        ),
        (
            "a condition about another role",
            S,
            with(joes(), "condition", foreign.as_str()),
            (400, "InvalidRoleAssignmentCondition"),
        ),
        (
            "a long condition",
            S,
            with(
                joes(),
                "condition",
                format!("@Resource[a] StringEquals '{}'", "x".repeat(8192)),
            ),
            (400, "InvalidRoleAssignmentCondition"),
        ),
        (
            "another version",
            S,
            versioned("@Resource[a] StringEquals 'x'", "1.0"),
            (400, "InvalidRoleAssignmentCondition"),
        ),
        (
            "a version alone",
            S,
            with(joes(), "conditionVersion", "2.0"),
            (400, "InvalidRoleAssignmentCondition"),
        ),
        (
            "a long description",
            S,
            with(joes(), "description", "x".repeat(2049)),
            (400, "InvalidRequestFormat"),
        ),
        (
            "no principal",
            S,
            json!({"properties": {"roleDefinitionId": role_id(S, READER)}}),
            (400, "InvalidRequestFormat"),
        ),
        ("no properties", S, json!({}), (400, "InvalidRequestFormat")),
        (
            "a missing resource",
            &HUB.replace("/hub", "/none"),
            joes(),
            (404, "ResourceNotFound"),
        ),
        (
            "something in a missing resource",
            &HUB.replace("/hub", "/none/robots/r"),
            joes(),
            (404, "ResourceNotFound"),
        ),
        (
            "a provider there is not",
            &format!("{RG}/providers/Contoso.Robots/robots/r"),
            joes(),
            (404, "InvalidResourceNamespace"),
        ),
        (
            "a missing group",
            &format!("{S}/resourceGroups/none"),
            joes(),
            (404, "ResourceGroupNotFound"),
        ),
    ] {
        let answer = nave
            .put_as(&owner, &assignment_id(scope, Uuid::new_v4()), body)
            .await;
        assert_eq!((answer.0, code(&answer)), expected, "{what}: {}", answer.1);
    }
    let named = format!("{S}/{AUTHORIZATION}/roleAssignments/hello");
    assert_eq!(
        code(&nave.put_as(&owner, &named, joes()).await),
        "InvalidResourceName"
    );
}

#[tokio::test]
async fn what_the_rules_allow_is_accepted() {
    let Scene { nave, owner, joe } = scene().await;
    let (group, application) = (nave.group(&[]).await, nave.application().await);
    let secret = format!("{RG}/providers/Microsoft.KeyVault/vaults/v/secrets/s");
    let subscribed = with(json!({"properties": {}}), "roleDefinitionId", role_id(S, READER));
    for (what, scope, body, kind) in [
        (
            "the role by a subscription's id",
            RG,
            with(subscribed, "principalId", joe.object_id.to_string()),
            "User",
        ),
        ("a group without its type", S, assigns(READER, group), "Group"),
        (
            "a service principal",
            S,
            assigns(READER, application),
            "ServicePrincipal",
        ),
        (
            "a stranger with a type",
            S,
            with(
                assigns(READER, Uuid::new_v4()),
                "principalType",
                "ServicePrincipal",
            ),
            "ServicePrincipal",
        ),
        (
            "a thing of the data plane",
            &secret,
            assigns(READER, joe.object_id),
            "User",
        ),
        (
            "the same at a lower scope",
            HUB,
            assigns(READER, joe.object_id),
            "User",
        ),
        (
            "a condition",
            S,
            with(
                assigns(CONTRIBUTOR, joe.object_id),
                "condition",
                "@Resource[a] StringEquals 'x'",
            ),
            "User",
        ),
    ] {
        let (status, made) = nave
            .put_as(&owner, &assignment_id(scope, Uuid::new_v4()), body)
            .await;
        assert_eq!(status, 201, "{what}: {made}");
        assert_eq!(made["properties"]["principalType"], kind, "{what}");
    }
}

#[tokio::test]
async fn one_triple_has_one_assignment_and_one_name_means_one_triple() {
    let Scene { nave, owner, joe } = scene().await;
    let (name, body) = (Uuid::new_v4(), assigns(READER, joe.object_id));
    let first = assignment_id(RG, name);
    assert_eq!(nave.put_as(&owner, &first, body.clone()).await.0, 201);
    let again = nave
        .put_as(&owner, &assignment_id(RG, Uuid::new_v4()), body.clone())
        .await;
    assert_eq!((again.0, code(&again)), (409, "RoleAssignmentExists"));
    let condition = with(body.clone(), "condition", "@Resource[a] StringEquals 'x'");
    let conditioned = nave
        .put_as(&owner, &assignment_id(RG, Uuid::new_v4()), condition.clone())
        .await;
    assert_eq!(code(&conditioned), "RoleAssignmentExists");
    for (what, path, body) in [
        ("another role", first.clone(), assigns(OWNER, joe.object_id)),
        (
            "another principal",
            first.clone(),
            assigns(READER, owner.object_id),
        ),
        ("another scope", assignment_id(S, name), body.clone()),
        (
            "another spelling of the name elsewhere",
            assignment_id(S, name)
                .to_uppercase()
                .replace("SUBSCRIPTIONS", "subscriptions")
                .replace("PROVIDERS", "providers"),
            body.clone(),
        ),
    ] {
        let answer = nave.put_as(&owner, &path, body).await;
        assert_eq!(
            (answer.0, code(&answer)),
            (400, "RoleAssignmentUpdateNotPermitted"),
            "{what}"
        );
    }
    let (status, updated) = nave.put_as(&owner, &first, condition).await;
    assert_eq!(status, 200);
    assert_eq!(
        updated["properties"]["condition"],
        "@Resource[a] StringEquals 'x'"
    );
    assert_eq!(updated["properties"]["conditionVersion"], "2.0");
    nave.delete(&owner, &first).await;
    assert_eq!(
        nave.put_as(&owner, &assignment_id(S, name), body).await.0,
        201,
        "a name is free again"
    );
}

#[tokio::test]
async fn who_may_assign() {
    let Scene { nave, owner, joe } = scene().await;
    let stranger = nave.user("stranger@contoso.com").await;
    let contributor = nave.user_with("contributor@contoso.com", CONTRIBUTOR, S).await;
    let administrator = nave.user_with("rbac@contoso.com", RBAC_ADMINISTRATOR, RG).await;
    let assign = async |who: &Caller, scope: &str| {
        let body = assigns(READER, joe.object_id);
        let path = assignment_id(scope, Uuid::new_v4());
        let answer = nave.put_as(who, &path, body).await;
        nave.delete(&owner, &path).await;
        (answer.0, code(&answer).to_owned())
    };
    let refused = (403, String::from("AuthorizationFailed"));
    assert_eq!(assign(&stranger, RG).await, refused);
    assert_eq!(assign(&contributor, RG).await, refused);
    assert_eq!(assign(&administrator, S).await, refused);
    assert_eq!(assign(&administrator, RG).await.0, 201);
    assert_eq!(assign(&administrator, HUB).await.0, 201);
    assert_eq!(assign(&owner, OTHER).await, refused);
    let held = nave.give(joe.object_id, READER, RG).await;
    let deletion = nave.delete(&contributor, &held).await;
    assert_eq!((deletion.0, code(&deletion)), (403, "AuthorizationFailed"));
}

#[tokio::test]
async fn a_role_takes_effect_on_the_next_request() {
    let Scene { nave, owner, joe } = scene().await;
    assert_eq!(nave.get(&joe, RG).await.0, 403);
    let path = assignment_id(RG, Uuid::new_v4());
    assert_eq!(
        nave.put_as(&owner, &path, assigns(READER, joe.object_id)).await.0,
        201
    );
    assert_eq!(nave.get(&joe, RG).await.0, 200);
    assert_eq!(nave.delete(&owner, &path).await.0, 200);
    assert_eq!(nave.get(&joe, RG).await.0, 403);
}

/// The documented template "constrain roles and principal types" (rbac-semantics 12.2).
fn constrained() -> String {
    let verb = |verb: &str, source: &str| {
        format!(
            "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{verb}'}})) OR \
             (@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}} \
             AND @{source}[Microsoft.Authorization/roleAssignments:PrincipalType] \
             ForAnyOfAnyValues:StringEqualsIgnoreCase {{'User'}}))"
        )
    };
    format!("{} AND {}", verb("write", "Request"), verb("delete", "Resource"))
}

#[tokio::test]
async fn a_constrained_delegate_assigns_only_what_he_may() {
    let Scene { nave, owner, joe } = scene().await;
    let delegate = nave.user("delegate@contoso.com").await;
    let right = with(
        assigns(RBAC_ADMINISTRATOR, delegate.object_id),
        "condition",
        constrained(),
    );
    let (status, made) = nave
        .put_as(&owner, &assignment_id(RG, Uuid::new_v4()), right)
        .await;
    assert_eq!(status, 201, "{made}");
    let group = nave.group(&[]).await;
    for (what, body, status) in [
        (
            "what he may",
            with(assigns(READER, joe.object_id), "principalType", "User"),
            201,
        ),
        (
            "another role",
            with(assigns(OWNER, joe.object_id), "principalType", "User"),
            403,
        ),
        (
            "another kind",
            with(assigns(READER, group), "principalType", "Group"),
            403,
        ),
        (
            "no kind, though the directory knows it",
            assigns(READER, owner.object_id),
            403,
        ),
    ] {
        let answer = nave
            .put_as(&delegate, &assignment_id(RG, Uuid::new_v4()), body)
            .await;
        assert_eq!(answer.0, status, "{what}: {}", answer.1);
    }
    let readers = nave.give(owner.object_id, READER, RG).await;
    let owners = nave.give(owner.object_id, OWNER, RG).await;
    assert_eq!(nave.delete(&delegate, &owners).await.0, 403);
    assert_eq!(nave.delete(&delegate, &readers).await.0, 200);
}

/// A condition may compare guids as texts, and may name what is not to be given.
#[tokio::test]
async fn no_spelling_of_a_guid_passes_a_condition() {
    let Scene { nave, owner, joe } = scene().await;
    let delegate = nave.user("delegate@contoso.com").await;
    let condition = format!(
        "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR \
         (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] StringNotEquals '{OWNER}'))"
    );
    let right = with(
        assigns(RBAC_ADMINISTRATOR, delegate.object_id),
        "condition",
        condition,
    );
    let (status, made) = nave
        .put_as(&owner, &assignment_id(RG, Uuid::new_v4()), right)
        .await;
    assert_eq!(status, 201, "{made}");
    for spelling in [
        OWNER.to_string().to_uppercase(),
        OWNER.simple().to_string(),
        OWNER.braced().to_string(),
        OWNER.urn().to_string(),
    ] {
        let body = with(
            assigns(READER, joe.object_id),
            "roleDefinitionId",
            spelling.as_str(),
        );
        let answer = nave
            .put_as(&delegate, &assignment_id(RG, Uuid::new_v4()), body)
            .await;
        assert_eq!(answer.0, 403, "{spelling}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_refusal_by_a_condition_says_so() {
    let Scene { nave, owner, joe } = scene().await;
    let delegate = nave.user("delegate@contoso.com").await;
    let right = with(
        assigns(RBAC_ADMINISTRATOR, delegate.object_id),
        "condition",
        constrained(),
    );
    nave.put_as(&owner, &assignment_id(RG, Uuid::new_v4()), right)
        .await;
    let refusal = async |who: &Caller| {
        let answer = nave
            .put_as(
                who,
                &assignment_id(RG, Uuid::new_v4()),
                assigns(OWNER, joe.object_id),
            )
            .await;
        assert_eq!((answer.0, code(&answer)), (403, "AuthorizationFailed"));
        answer.1["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let words = "does not have authorization or an ABAC condition not fulfilled to perform action";
    assert!(refusal(&delegate).await.contains(words));
    assert!(!refusal(&joe).await.contains("condition"));
}

#[tokio::test]
async fn the_right_to_assign_may_end_at_a_time() {
    let Scene { nave, owner, joe } = scene().await;
    for (until, status) in [("2026-11-24T12:00:00.1Z", 201), ("2026-11-24T11:59:59.9Z", 403)] {
        let delegate = nave.user("delegate@contoso.com").await;
        let condition = format!("@Environment[UtcNow] DateTimeLessThan '{until}'");
        let right = with(
            assigns(RBAC_ADMINISTRATOR, delegate.object_id),
            "condition",
            condition,
        );
        let (made, body) = nave
            .put_as(&owner, &assignment_id(RG, Uuid::new_v4()), right)
            .await;
        assert_eq!(made, 201, "{body}");
        let path = assignment_id(RG, Uuid::new_v4());
        let answer = nave
            .put_as(&delegate, &path, assigns(READER, joe.object_id))
            .await;
        assert_eq!(answer.0, status, "{until}: {}", answer.1);
        nave.delete(&owner, &path).await;
    }
}

#[tokio::test]
async fn lists_are_filtered_as_clients_mean_it() {
    let Scene { nave, owner, joe } = scene().await;
    let team = nave.group(&[joe.object_id]).await;
    let company = nave.group(&[team]).await;
    nave.give(joe.object_id, READER, RG).await;
    nave.give(company, CONTRIBUTOR, S).await;
    nave.give(joe.object_id, AI_DEVELOPER, HUB).await;
    nave.give(joe.object_id, OWNER, OTHER).await;
    let list = async |scope: &str, filter: &str| {
        let path = format!("{scope}/{AUTHORIZATION}/roleAssignments?$filter={filter}");
        let answer = nave.get(&owner, &path).await;
        let roles: Vec<String> = each(&answer, "/properties/roleDefinitionId")
            .into_iter()
            .map(str::to_owned)
            .collect();
        roles
    };
    let ids = |roles: &[Uuid]| {
        let mut ids: Vec<String> = roles.iter().map(|role| role_id(S, *role)).collect();
        ids.sort_unstable();
        ids
    };
    let joes = joe.object_id;
    for (scope, filter, expected) in [
        (RG, String::from("atScope()"), ids(&[OWNER, CONTRIBUTOR, READER])),
        (S, String::from("atScope()"), ids(&[OWNER, CONTRIBUTOR])),
        (S, String::new(), ids(&[OWNER, CONTRIBUTOR, READER, AI_DEVELOPER])),
        (
            RG,
            String::new(),
            ids(&[OWNER, CONTRIBUTOR, READER, AI_DEVELOPER]),
        ),
        (
            RG,
            format!("principalId eq '{joes}'"),
            ids(&[READER, AI_DEVELOPER]),
        ),
        (
            HUB,
            format!("principalId eq {joes}"),
            ids(&[READER, AI_DEVELOPER]),
        ),
        (
            RG,
            format!("assignedTo('{joes}')"),
            ids(&[CONTRIBUTOR, READER, AI_DEVELOPER]),
        ),
        (
            RG,
            format!("atScope() and assignedTo('{joes}')"),
            ids(&[CONTRIBUTOR, READER]),
        ),
        (
            RG,
            format!("atScope() and principalId eq '{joes}'"),
            ids(&[READER]),
        ),
    ] {
        assert_eq!(list(scope, &filter).await, expected, "{scope} {filter}");
    }
    let list_as = async |who: &Caller, filter: &str| {
        let answer = nave
            .get(
                who,
                &format!("{S}/{AUTHORIZATION}/roleAssignments?$filter={filter}"),
            )
            .await;
        (answer.0, code(&answer).to_owned())
    };
    for filter in [
        "color eq 'red'",
        "atScope",
        "assignedTo('joe')",
        "principalId eq 'joe'",
        "principalId ne '11111111-1111-1111-1111-111111111111'",
    ] {
        assert_eq!(
            list_as(&owner, filter).await,
            (400, String::from("InvalidFilterInQueryString")),
            "{filter}"
        );
    }
    let stranger = nave.user("stranger@contoso.com").await;
    assert_eq!(
        list_as(&stranger, "atScope()").await,
        (403, String::from("AuthorizationFailed"))
    );
}

#[tokio::test]
async fn the_last_owner_of_a_subscription_stays() {
    let Scene { nave, owner, joe } = scene().await;
    let first = each(
        &nave
            .get(&owner, &format!("{S}/{AUTHORIZATION}/roleAssignments"))
            .await,
        "/id",
    )[0]
    .to_owned();
    nave.give(joe.object_id, OWNER, RG).await;
    let refusal = nave.delete(&owner, &first).await;
    assert_eq!(
        (refusal.0, code(&refusal)),
        (412, "CannotDeleteLastRbacAdminAssignment")
    );
    let second = nave.give(joe.object_id, OWNER, S).await;
    assert_eq!(nave.delete(&owner, &second).await.0, 200);
    let elevated = nave
        .user_with("admin@contoso.com", USER_ACCESS_ADMINISTRATOR, "/")
        .await;
    assert_eq!(
        nave.delete(&elevated, &first).await.0,
        200,
        "elevated access is exempt"
    );
}

#[tokio::test]
async fn the_last_owner_of_everything_stays() {
    let Scene { nave, joe, .. } = scene().await;
    let admin = nave.user("admin@contoso.com").await;
    let first = nave.give(admin.object_id, OWNER, "/").await;
    let refusal = nave.delete(&admin, &first).await;
    assert_eq!(
        (refusal.0, code(&refusal)),
        (412, "CannotDeleteLastRbacAdminAssignment")
    );
    nave.give(joe.object_id, OWNER, "/").await;
    assert_eq!(nave.delete(&admin, &first).await.0, 200);
}

#[tokio::test]
async fn two_deletions_at_once_leave_an_owner() {
    for _ in 0..10 {
        let Scene { nave, owner, joe } = scene().await;
        let first = each(
            &nave
                .get(&owner, &format!("{S}/{AUTHORIZATION}/roleAssignments"))
                .await,
            "/id",
        )[0]
        .to_owned();
        let second = nave.give(joe.object_id, OWNER, S).await;
        // a third party asks, so that neither loses the right to ask
        let manager = nave
            .user_with("manager@contoso.com", USER_ACCESS_ADMINISTRATOR, S)
            .await;
        let (left, right) = tokio::join!(nave.delete(&manager, &first), nave.delete(&manager, &second));
        let mut statuses = [left.0, right.0];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "{left:?} {right:?}");
    }
}

#[tokio::test]
async fn a_subscription_holds_four_thousand() {
    let Scene { nave, owner, joe } = scene().await;
    let mut change = nave_engine::Change::default();
    for _ in 1..4000 {
        let path = id(&assignment_id(HUB, Uuid::new_v4()));
        change
            .puts
            .push(nave_engine::Put::new(path, assigns(READER, Uuid::new_v4())));
    }
    let grant = nave.engine.on_own_account::<nave_engine::Act>("test", &id(S));
    nave.engine.commit(&grant, change).await.expect("commit");
    let answer = nave
        .put_as(
            &owner,
            &assignment_id(RG, Uuid::new_v4()),
            assigns(READER, joe.object_id),
        )
        .await;
    assert_eq!((answer.0, code(&answer)), (409, "RoleAssignmentLimitExceeded"));
    assert_eq!(
        nave.send(
            &Caller::system(),
            Method::PUT,
            &assignment_id(OTHER, Uuid::new_v4()),
            assigns(READER, joe.object_id)
        )
        .await
        .0,
        201
    );
}
