//! A valid request for every operation of the route table.
//!
//! Placeholders are filled in with what the town has. A type's own operations follow from its entry in [`KINDS`];
//! every other operation that takes a body has an entry in [`BODIES`]. An operation for which no request can be made
//! has no case, and the coverage test says so.

use http::Method;
use nave_engine::{operation::Operation, operation::Surface};
use nave_testkit::Ask;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::town::{
    APPLICATION, ASSIGNMENT, DENY, GROUP, LOCATION, MANAGEMENT_GROUP, MEMBER, PASSWORD, PRINCIPAL,
    PROVISIONING_TOKEN, ROLE, SECRET, SPARE_MANAGEMENT_GROUP, SPARE_ROLE, TEAM, Town, UNUSED_APP_ID, USER,
    attestation, deny_assignment, diagnostic_setting, empty_template, location, model, policy_assignment,
    policy_definition, policy_exemption, policy_set_definition, remediation, role_assignment,
    role_definition, workspace_body,
};

/// A resource type of the town.
pub(crate) struct Kind {
    pub(crate) resource_type: &'static str,
    /// The names of the one there is, parents first.
    pub(crate) existing: &'static [&'static str],
    /// The name of one that is yet to be.
    new: &'static str,
    /// The name of one that can be deleted.
    spare: &'static str,
    /// The body of a PUT, given the names.
    pub(crate) body: fn(&Town, &[&str]) -> Value,
    /// The body of a PATCH.
    patch: fn() -> Value,
}

const TAGS: fn() -> Value = || json!({ "tags": { "team": "town" } });

/// Every type that is made by PUT and lies in a resource group, parents before children.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        resource_type: "Microsoft.Storage/storageAccounts",
        existing: &["townstorage"],
        new: "newstorage",
        spare: "townstorage",
        body: |_, _| json!({ "location": "eastus", "kind": "StorageV2", "sku": { "name": "Standard_LRS" }, "properties": {} }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.Storage/storageAccounts/blobServices",
        existing: &["townstorage", "default"],
        new: "default",
        spare: "default",
        body: |_, _| json!({ "properties": {} }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.Storage/storageAccounts/blobServices/containers",
        existing: &["townstorage", "default", "container"],
        new: "new-container",
        spare: "container",
        body: |_, _| json!({ "properties": {} }),
        patch: || json!({ "properties": { "metadata": { "team": "town" } } }),
    },
    Kind {
        resource_type: "Microsoft.KeyVault/vaults",
        existing: &["town-vault"],
        new: "new-vault",
        spare: "town-vault",
        body: |town, _| {
            let tenant = town.nave.engine.site().tenant;
            let sku = json!({ "family": "A", "name": "standard" });
            json!({ "location": "eastus", "properties": { "tenantId": tenant, "sku": sku, "accessPolicies": [] } })
        },
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.ContainerRegistry/registries",
        existing: &["townregistry"],
        new: "newregistry",
        spare: "townregistry",
        body: |_, _| json!({ "location": "eastus", "sku": { "name": "Premium" }, "properties": { "adminUserEnabled": true } }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.Insights/components",
        existing: &["component"],
        new: "new-component",
        spare: "component",
        body: |_, _| json!({ "location": "eastus", "kind": "web", "properties": { "Application_Type": "web" } }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Nave.Monitor/sinks",
        existing: &["town-sink"],
        new: "new-sink",
        spare: "town-sink",
        body: |_, _| json!({ "location": "eastus", "kind": "File" }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities",
        existing: &["identity"],
        new: "new-identity",
        spare: "identity",
        body: |_, _| json!({ "location": "eastus" }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        existing: &["identity", "pod"],
        new: "new-pod",
        spare: "pod",
        body: |_, names| {
            let subject = format!("system:serviceaccount:town:{}", names[1]);
            json!({ "properties": { "issuer": "https://idp.test", "subject": subject } })
        },
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.OperationalInsights/workspaces",
        existing: &["town-logs"],
        new: "new-logs",
        spare: "town-logs",
        body: |_, _| json!({ "location": "eastus", "properties": { "sku": { "name": "PerGB2018" } } }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.Search/searchServices",
        existing: &["town-search"],
        new: "new-search",
        spare: "town-search",
        body: |_, _| json!({ "location": "eastus", "sku": { "name": "basic" }, "properties": {} }),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.CognitiveServices/accounts",
        existing: &["models"],
        new: "new-models",
        spare: "models",
        body: |_, names| {
            let properties = json!({ "customSubDomainName": names[0] });
            json!({ "location": "eastus", "kind": "AIServices", "sku": { "name": "S0" }, "properties": properties })
        },
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.CognitiveServices/accounts/deployments",
        existing: &["models", "gpt"],
        new: "new-gpt",
        spare: "gpt",
        body: |_, _| model("gpt-4o"),
        patch: || json!({ "sku": { "name": "Standard", "capacity": 2 } }),
    },
    Kind {
        resource_type: "Microsoft.MachineLearningServices/workspaces",
        existing: &["hub"],
        new: "new-hub",
        spare: "spare",
        body: |town, _| workspace_body(town, "Hub"),
        patch: TAGS,
    },
    Kind {
        resource_type: "Microsoft.MachineLearningServices/workspaces/connections",
        existing: &["hub", "database"],
        new: "new-database",
        spare: "database",
        body: |_, _| connection(),
        patch: || json!({ "properties": { "authType": "CustomKeys", "metadata": { "team": "town" } } }),
    },
];

/// The name of the one of a type that was deleted and is kept; empty for types that are not kept.
pub(crate) fn deleted_name(resource_type: &str) -> &'static str {
    match resource_type {
        "Microsoft.KeyVault/vaults" => "gone-vault",
        "Microsoft.CognitiveServices/accounts" => "gone-models",
        "Microsoft.OperationalInsights/workspaces" => "gone-logs",
        "Microsoft.MachineLearningServices/workspaces" => "gone-hub",
        _ => "",
    }
}

fn connection() -> Value {
    json!({ "properties": {
        "category": "CustomKeys", "authType": "CustomKeys", "target": "https://database.example",
        "credentials": { "keys": { "password": "town" } }, "metadata": {},
    } })
}

/// What a request carries.
enum Content {
    Nothing,
    Json(fn(&Town) -> Value),
    Form(fn(&Town) -> Vec<(&'static str, String)>),
}
use Content::{Form, Json, Nothing};

/// The content of operations that are not a type's PUT, PATCH or DELETE: verb, how the path ends, content. The first
/// one that fits counts.
const BODIES: &[(&str, &str, Content)] = &[
    // The token service.
    (
        "POST",
        "/oauth2/v2.0/token",
        Form(|town| password_form("scope", format!("{}/.default", town.nave.origin()))),
    ),
    (
        "POST",
        "/oauth2/token",
        Form(|town| password_form("resource", town.nave.origin().to_owned())),
    ),
    ("POST", "/oauth2/v2.0/authorize", Form(|_| Vec::new())),
    ("POST", "/oauth2/authorize", Form(|_| Vec::new())),
    (
        "POST",
        "/oauth2/v2.0/devicecode",
        Form(|town| {
            vec![
                ("client_id", CLIENT.to_owned()),
                ("scope", format!("{}/.default", town.nave.origin())),
            ]
        }),
    ),
    (
        "POST",
        "/oauth2/devicecode",
        Form(|town| {
            vec![
                ("client_id", CLIENT.to_owned()),
                ("resource", town.nave.origin().to_owned()),
            ]
        }),
    ),
    ("POST", "/devicelogin", Form(|_| Vec::new())),
    ("POST", "/account", Form(|_| Vec::new())),
    // The directory.
    (
        "POST",
        "/directoryObjects/getByIds",
        Json(|_| json!({ "ids": [USER], "types": ["user"] })),
    ),
    (
        "POST",
        "/checkMemberGroups",
        Json(|_| json!({ "groupIds": [TEAM] })),
    ),
    (
        "POST",
        "/getMemberGroups",
        Json(|_| json!({ "securityEnabledOnly": false })),
    ),
    (
        "POST",
        "/me/changePassword",
        Json(|_| json!({ "currentPassword": TESTKIT_PASSWORD, "newPassword": "Another-Horse-8-Battery" })),
    ),
    ("POST", "/revokeSignInSessions", Nothing),
    (
        "PATCH",
        "/authentication/requirements",
        Json(|_| json!({ "perUserMfaState": "disabled" })),
    ),
    (
        "PATCH",
        "/policies/identitySecurityDefaultsEnforcementPolicy",
        Json(|_| json!({ "isEnabled": false })),
    ),
    (
        "POST",
        "/identity/provisioningTokens",
        Json(|_| json!({ "displayName": "new" })),
    ),
    (
        "POST",
        "/identity/identityProviders",
        Json(|_| json!({ "id": "new", "displayName": "New", "issuer": "https://idp.test", "clientId": "c" })),
    ),
    (
        "PATCH",
        "/identity/identityProviders/{id}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    (
        "PATCH",
        "/identity/signInSettings",
        Json(|_| json!({ "localPasswords": "everybody" })),
    ),
    // SCIM.
    (
        "POST",
        "/scim/v2/Users",
        Json(|_| json!({ "userName": "new@contoso.com" })),
    ),
    (
        "PUT",
        "/scim/v2/Users/{id}",
        Json(|_| json!({ "userName": "user@contoso.com" })),
    ),
    ("PATCH", "/scim/v2/Users/{id}", Json(|_| scim_patch("title"))),
    (
        "POST",
        "/scim/v2/Groups",
        Json(|_| json!({ "displayName": "new" })),
    ),
    (
        "PUT",
        "/scim/v2/Groups/{id}",
        Json(|_| json!({ "displayName": "Renamed", "members": [{ "value": MEMBER }] })),
    ),
    (
        "PATCH",
        "/scim/v2/Groups/{id}",
        Json(|_| scim_patch("displayName")),
    ),
    ("POST", "/scim/v2/{rest}", Json(|_| json!({}))),
    ("PUT", "/scim/v2/{rest}", Json(|_| json!({}))),
    ("PATCH", "/scim/v2/{rest}", Json(|_| json!({}))),
    ("POST", "/v1.0/users", Json(|_| new_user())),
    (
        "PATCH",
        "/users/{id}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    (
        "POST",
        "/v1.0/groups",
        Json(
            |_| json!({ "displayName": "new", "mailNickname": "new", "mailEnabled": false, "securityEnabled": true }),
        ),
    ),
    (
        "PATCH",
        "/groups/{id}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    (
        "POST",
        "/v1.0/applications",
        Json(|_| json!({ "displayName": "new" })),
    ),
    (
        "PATCH",
        "/applications/{id}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    (
        "POST",
        "/addPassword",
        Json(|_| json!({ "passwordCredential": { "displayName": "new" } })),
    ),
    ("POST", "/removePassword", Json(|_| json!({ "keyId": SECRET }))),
    ("POST", "/addKey", Json(|_| json!({}))),
    ("POST", "/removeKey", Json(|_| json!({ "keyId": SECRET }))),
    (
        "POST",
        "/federatedIdentityCredentials",
        Json(|_| json!({ "name": "new-pipeline", "issuer": "https://idp.test", "subject": "new" })),
    ),
    (
        "PATCH",
        "/federatedIdentityCredentials/{credential}",
        Json(|_| json!({ "description": "for production" })),
    ),
    (
        "POST",
        "/v1.0/servicePrincipals",
        Json(|_| json!({ "appId": UNUSED_APP_ID, "accountEnabled": true })),
    ),
    (
        "PATCH",
        "/servicePrincipals/{id}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    ("POST", "/namedLocations", Json(|_| location("New"))),
    (
        "PATCH",
        "/namedLocations/{id}",
        Json(|_| json!({ "isTrusted": true })),
    ),
    ("POST", "/members/$ref", Json(|town| reference(town, USER))),
    ("POST", "/owners/$ref", Json(|town| reference(town, USER))),
    // Model calls.
    (
        "POST",
        "/chat/completions",
        Json(|_| json!({ "model": "gpt", "messages": [{ "role": "user", "content": "hello" }] })),
    ),
    (
        "POST",
        "/completions",
        Json(|_| json!({ "model": "gpt", "prompt": "hello" })),
    ),
    (
        "POST",
        "/embeddings",
        Json(|_| json!({ "model": "embed", "input": "hello" })),
    ),
    // Resources that are not in a group, and what is done with resources.
    (
        "PUT",
        "/resourceGroups/{group}",
        Json(|_| json!({ "location": "eastus" })),
    ),
    ("PATCH", "/resourceGroups/{group}", Json(|_| TAGS())),
    (
        "PUT",
        "/roleAssignments/{name0}",
        Json(|_| role_assignment(MEMBER, ROLE)),
    ),
    (
        "PUT",
        "/denyAssignments/{name0}",
        Json(|_| deny_assignment(MEMBER)),
    ),
    ("PUT", "/policyDefinitions/{name0}", Json(|_| policy_definition())),
    (
        "PUT",
        "/policySetDefinitions/{name0}",
        Json(policy_set_definition),
    ),
    ("PUT", "/policyAssignments/{name0}", Json(policy_assignment)),
    (
        "PATCH",
        "/policyAssignments/{name0}",
        Json(|_| json!({ "properties": { "displayName": "Renamed" } })),
    ),
    ("PUT", "/policyExemptions/{name0}", Json(policy_exemption)),
    (
        "PATCH",
        "/policyExemptions/{name0}",
        Json(|_| json!({ "properties": { "displayName": "Renamed" } })),
    ),
    ("PUT", "/remediations/{name0}", Json(remediation)),
    ("POST", "/remediations/{name0}/cancel", Nothing),
    ("POST", "/remediations/{name0}/listDeployments", Nothing),
    ("PUT", "/attestations/{name0}", Json(attestation)),
    ("POST", "/queryResults", Nothing),
    ("POST", "/summarize", Nothing),
    ("POST", "/triggerEvaluation", Nothing),
    (
        "POST",
        "/checkPolicyRestrictions",
        Json(|_| {
            let content = json!({ "type": "Microsoft.Storage/storageAccounts", "location": "eastus" });
            json!({ "resourceDetails": { "resourceContent": content } })
        }),
    ),
    ("POST", "/listPolicyDefinitionVersions", Nothing),
    ("POST", "/listPolicySetDefinitionVersions", Nothing),
    (
        "PUT",
        "/locks/{name0}",
        Json(|_| json!({ "properties": { "level": "CanNotDelete" } })),
    ),
    ("PUT", "/diagnosticSettings/{name0}", Json(diagnostic_setting)),
    ("POST", "/moveResources", Json(to_spare_group)),
    ("POST", "/validateMoveResources", Json(to_spare_group)),
    (
        "POST",
        "Nave.Access/whatIf",
        Json(|town| {
            let id = format!(
                "{}/providers/Microsoft.Authorization/roleAssignments/{ASSIGNMENT}",
                town.group()
            );
            json!({ "changes": [{ "id": id, "delete": true }], "days": 1, "top": 1 })
        }),
    ),
    (
        "POST",
        "Nave.Access/suggestRole",
        Json(|_| json!({ "principal": USER })),
    ),
    (
        "POST",
        "Microsoft.Authorization/checkAccess",
        Json(|_| {
            let actions = [json!({ "Id": "Microsoft.Storage/storageAccounts/read" })];
            json!({ "Subject": { "Attributes": { "ObjectId": MEMBER } }, "Actions": actions })
        }),
    ),
    ("POST", "Microsoft.Authorization/elevateAccess", Nothing),
    (
        "PUT",
        "/managementGroups/{name0}",
        Json(|_| json!({ "properties": { "displayName": "New" } })),
    ),
    (
        "PATCH",
        "/managementGroups/{name0}",
        Json(|_| json!({ "displayName": "Renamed" })),
    ),
    ("PUT", "/subscriptions/{subscriptionId}", Nothing),
    ("POST", "Microsoft.Management/getEntities", Nothing),
    (
        "POST",
        "Microsoft.Management/checkNameAvailability",
        Json(|_| json!({ "name": "free", "type": "Microsoft.Management/managementGroups" })),
    ),
    (
        "PUT",
        "/roleDefinitions/{name}",
        Json(|town| role_definition("New role", &town.group())),
    ),
    (
        "PUT",
        "/tags/default",
        Json(|_| json!({ "properties": { "tags": { "a": "b" } } })),
    ),
    (
        "PATCH",
        "/tags/default",
        Json(|_| json!({ "operation": "Merge", "properties": { "tags": { "a": "b" } } })),
    ),
    ("POST", "/deployments/{name}/exportTemplate", Nothing),
    (
        "POST",
        "Microsoft.Resources/calculateTemplateHash",
        Json(|_| json!({ "contentVersion": "1.0.0.0", "resources": [] })),
    ),
    ("POST", "/deployments/{name0}/cancel", Nothing),
    ("POST", "/register", Nothing),
    (
        "POST",
        "/exportTemplate",
        Json(|_| json!({ "resources": ["*"], "options": "SkipAllParameterization" })),
    ),
    (
        "POST",
        "/checkResourceName",
        Json(|_| json!({ "name": "free", "type": "Microsoft.Storage/storageAccounts" })),
    ),
    (
        "POST",
        "/checkZonePeers",
        Json(|_| json!({ "location": "eastus", "subscriptionIds": [] })),
    ),
    ("PUT", "/tagNames/{tag}", Nothing),
    ("PUT", "/tagValues/{value}", Nothing),
    ("POST", "/unregister", Nothing),
    (
        "PUT",
        "/join/{project}",
        Json(|town| workspace_body(town, "Project")),
    ),
    (
        "POST",
        "/join/{project}",
        Json(|town| workspace_body(town, "Project")),
    ),
    (
        "POST",
        "/checkDomainAvailability",
        Json(|_| json!({ "subdomainName": "free", "type": "Microsoft.CognitiveServices/accounts" })),
    ),
    (
        "POST",
        "/checkSkuAvailability",
        Json(
            |_| json!({ "skus": ["S0"], "kind": "AIServices", "type": "Microsoft.CognitiveServices/accounts" }),
        ),
    ),
    (
        "POST",
        "Microsoft.ContainerRegistry/checkNameAvailability",
        Json(|_| json!({ "name": "freename", "type": "Microsoft.ContainerRegistry/registries" })),
    ),
    (
        "POST",
        "Microsoft.KeyVault/checkNameAvailability",
        Json(|_| json!({ "name": "freename", "type": "Microsoft.KeyVault/vaults" })),
    ),
    (
        "POST",
        "Microsoft.Search/checkNameAvailability",
        Json(|_| json!({ "name": "freename", "type": "searchServices" })),
    ),
    (
        "POST",
        "Microsoft.Storage/checkNameAvailability",
        Json(|_| json!({ "name": "freename", "type": "Microsoft.Storage/storageAccounts" })),
    ),
    ("POST", "/purge", Nothing),
    ("PUT", "/aliases/{name0}", Json(|_| json!({}))),
    ("PUT", "/settings/{name1}", Json(|_| json!({}))),
    ("PATCH", "/settings/{name1}", Json(|_| json!({}))),
    (
        "POST",
        "Microsoft.Subscription/rename",
        Json(|_| json!({ "subscriptionName": "Renamed" })),
    ),
    ("POST", "Microsoft.Subscription/cancel", Nothing),
    ("POST", "Microsoft.Subscription/enable", Nothing),
    ("POST", "Microsoft.Management/startTenantBackfill", Nothing),
    ("POST", "Microsoft.Management/tenantBackfillStatus", Nothing),
    ("POST", "/regenerateAdminKey/{key}", Nothing),
    (
        "POST",
        "Microsoft.Storage/storageAccounts/{name0}/regenerateKey",
        Json(|_| json!({ "keyName": "key1" })),
    ),
    ("POST", "/regenerateKey", Json(|_| json!({ "keyName": "Key1" }))),
    (
        "POST",
        "/regenerateCredential",
        Json(|_| json!({ "name": "password" })),
    ),
    ("POST", "/regenerateSharedKey", Nothing),
    ("POST", "/diagnose", Json(|_| json!({ "value": {} }))),
    (
        "POST",
        "/provisionManagedNetwork",
        Json(|_| json!({ "includeSpark": false })),
    ),
    (
        "POST",
        "Nave.Access/explain",
        Json(|_| json!({ "who": USER, "can": "Microsoft.Storage/storageAccounts/read" })),
    ),
    (
        "POST",
        "/openSession",
        Json(|_| json!({ "expiresInSeconds": 60 })),
    ),
    ("POST", "/listAssociatedResources", Nothing),
    ("POST", "/listKeys", Nothing),
    ("POST", "/resyncKeys", Nothing),
    ("POST", "/sharedKeys", Nothing),
    ("POST", "/listCredentials", Nothing),
    ("POST", "/listAdminKeys", Nothing),
    ("POST", "/listQueryKeys", Nothing),
    ("POST", "/listsecrets", Nothing),
    ("POST", "/testconnection", Nothing),
];

/// Roots below which operations that come later are answered before their content is looked at.
const LATER: &[&str] = &["/ai/{account}/openai/", "/kv/", "/blob/"];

const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const TESTKIT_PASSWORD: &str = nave_testkit::PASSWORD;

fn password_form(kind: &'static str, resource: String) -> Vec<(&'static str, String)> {
    let form = [
        ("grant_type", "password"),
        ("client_id", CLIENT),
        ("username", "user@contoso.com"),
        ("password", PASSWORD),
    ];
    form.map(|(name, value)| (name, value.to_owned()))
        .into_iter()
        .chain([(kind, resource)])
        .collect()
}

fn new_user() -> Value {
    json!({
        "accountEnabled": true, "displayName": "new", "mailNickname": "new", "userPrincipalName": "new@contoso.com",
        "passwordProfile": { "password": PASSWORD, "forceChangePasswordNextSignIn": false },
    })
}

fn to_spare_group(town: &Town) -> Value {
    let target = format!("{}/resourceGroups/spare-rg", town.nave.subscription());
    json!({
        "resources": [town.resource("Microsoft.Storage/storageAccounts", "townstorage")],
        "targetResourceGroup": target,
    })
}

fn scim_patch(path: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": path, "value": "Renamed" }],
    })
}

fn reference(town: &Town, id: Uuid) -> Value {
    json!({ "@odata.id": format!("{}/graph/v1.0/directoryObjects/{id}", town.nave.origin()) })
}

/// A deployment of nothing, by a template of the scope that a path is below.
fn deployment(path: &str) -> Value {
    let mut template = empty_template();
    if let Some(schema) = SCHEMAS
        .iter()
        .find_map(|(place, schema)| path.starts_with(place).then_some(schema))
    {
        template["$schema"] = format!("https://schema.management.azure.com/schemas/{schema}.json#").into();
    }
    json!({ "location": "eastus", "properties": { "mode": "Incremental", "template": template, "parameters": {} } })
}

/// The schemas of templates by where they are deployed, the narrower places first.
const SCHEMAS: [(&str, &str); 4] = [
    (
        "/subscriptions/{subscription}/resourceGroups/",
        "2019-04-01/deploymentTemplate",
    ),
    ("/subscriptions/", "2018-05-01/subscriptionDeploymentTemplate"),
    (
        "/providers/Microsoft.Management/",
        "2019-08-01/managementGroupDeploymentTemplate",
    ),
    ("/providers/", "2019-08-01/tenantDeploymentTemplate"),
];

/// What is done with a deployment that takes a template.
const WITH_TEMPLATE: [&str; 3] = ["/{name}", "/{name}/validate", "/{name}/whatIf"];

/// The request for an operation, without a caller.
pub(crate) fn request(town: &Town, operation: &Operation) -> Option<Ask> {
    let path = filled(town, operation)?;
    let query = match (operation.surface, operation.path.as_str()) {
        (Surface::Token, path) if path.ends_with("/authorize") => {
            format!(
                "?client_id={CLIENT}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A1&scope=openid&state=s&code_challenge=x&code_challenge_method=S256"
            )
        }
        (Surface::Token, "/{rest}/discovery/instance") => format!(
            "?api-version=1.1&authorization_endpoint={}/common/oauth2/v2.0/authorize",
            town.nave.origin()
        ),
        _ => String::from("?api-version=2024-10-01"),
    };
    let ask = Ask::new(operation.method.clone(), format!("{path}{query}"));
    match operation.method {
        Method::GET | Method::HEAD | Method::DELETE => Some(ask),
        _ => with_content(town, operation, ask),
    }
}

fn with_content(town: &Town, operation: &Operation, ask: Ask) -> Option<Ask> {
    let fits =
        |(verb, end, _): &&(&str, &str, Content)| operation.method == *verb && operation.path.ends_with(end);
    let deployed = operation.path.rsplit_once("/Microsoft.Resources/deployments");
    if deployed.is_some_and(|(_, rest)| WITH_TEMPLATE.contains(&rest)) {
        return Some(ask.json(&deployment(&operation.path)));
    }
    if let Some((_, _, content)) = BODIES.iter().find(fits) {
        return Some(match content {
            Nothing => ask,
            Json(body) => ask.json(&body(town)),
            Form(pairs) => {
                let pairs = pairs(town);
                let pairs: Vec<(&str, &str)> = pairs
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()))
                    .collect();
                ask.form(&pairs)
            }
        });
    }
    if let Some(kind) = kind_of(&operation.path) {
        return match operation.method {
            Method::PUT => Some(ask.json(&(kind.body)(town, &names(kind, &operation.method)))),
            Method::PATCH => Some(ask.json(&(kind.patch)())),
            _ => None,
        };
    }
    LATER
        .iter()
        .any(|root| operation.path.starts_with(root))
        .then(|| ask.json(&json!({})))
}

/// The kind that a path with `{name0}` and so on is of.
fn kind_of(path: &str) -> Option<&'static Kind> {
    let (_, typed) = path.split_once("/resourceGroups/{group}/providers/")?;
    KINDS
        .iter()
        .filter(|kind| typed.starts_with(&pattern(kind)))
        .max_by_key(|kind| kind.existing.len())
}

fn pattern(kind: &Kind) -> String {
    let (namespace, kinds) = kind.resource_type.split_once('/').unwrap();
    let pairs: String = kinds
        .split('/')
        .enumerate()
        .map(|(at, kind)| format!("/{kind}/{{name{at}}}"))
        .collect();
    format!("{namespace}{pairs}")
}

/// The names in a path of a kind: a PUT makes something new, a DELETE takes what can be spared.
fn names(kind: &Kind, method: &Method) -> Vec<&'static str> {
    let last = match *method {
        Method::PUT => kind.new,
        Method::DELETE => kind.spare,
        _ => kind.existing[kind.existing.len() - 1],
    };
    let parents = &kind.existing[..kind.existing.len() - 1];
    parents.iter().copied().chain([last]).collect()
}

/// The path with its placeholders filled in; `None` when one of them is not known here.
fn filled(town: &Town, operation: &Operation) -> Option<String> {
    let mut path = String::new();
    for segment in operation.path.split('/').skip(1) {
        let placeholder = segment
            .strip_prefix('{')
            .and_then(|segment| segment.strip_suffix('}'));
        let value = match placeholder {
            None => segment.to_owned(),
            Some(name) => fill(town, operation, name)?,
        };
        path.push('/');
        path.push_str(&value);
    }
    Some(path)
}

/// What stands for a placeholder of an operation's path.
pub(crate) fn fill(town: &Town, operation: &Operation, name: &str) -> Option<String> {
    let at = name.strip_prefix("name").and_then(|at| at.parse::<usize>().ok());
    let kind = kind_of(&operation.path);
    let (Some(at), Some(kind)) = (at, kind) else {
        return value(town, operation, name);
    };
    let names = names(kind, &operation.method);
    let named = names.get(at).map(|name| (*name).to_owned());
    named.or_else(|| parent_name(kind, at))
}

fn parent_name(kind: &Kind, at: usize) -> Option<String> {
    kind.existing.get(at).map(|name| (*name).to_owned())
}

fn value(town: &Town, operation: &Operation, name: &str) -> Option<String> {
    let path = operation.path.as_str();
    let is_new = operation.method == Method::PUT;
    let is_gone = operation.method == Method::DELETE;
    Some(match name {
        "subscription" => town.subscription(),
        "group" if path.ends_with("/resourceGroups/{group}") && is_new => String::from("new-rg"),
        "group" if path.ends_with("/resourceGroups/{group}") && is_gone => String::from("spare-rg"),
        "group" => GROUP.to_owned(),
        // Where there is an identity: a hub has one of its own.
        "scope" if path.contains("/identities/default") => format!(
            "{}/providers/Microsoft.MachineLearningServices/workspaces/hub",
            town.group().trim_start_matches('/')
        ),
        "name" if path.contains("/userAssignedIdentities/") => String::from("identity"),
        "credential" => String::from("pipeline"),
        "session" => String::from("none"),
        "method" => String::from("none"),
        "scope" if path.contains("/locations/{location}/operation") => {
            town.nave.subscription().trim_start_matches('/').to_owned()
        }
        // A lock stands where nothing else is done.
        "scope"
            if ["olicyDefinition", "olicySetDefinition"]
                .iter()
                .any(|kind| path.contains(kind)) =>
        {
            town.nave.subscription().trim_start_matches('/').to_owned()
        }
        "states" => String::from("latest"),
        "events" => String::from("default"),
        "metadata" => String::from("none"),
        "name0" if path.contains("Microsoft.PolicyInsights/") => {
            String::from(if is_new { "new-one" } else { "town-one" })
        }
        "name0" | "name" if path.contains("/policy") => String::from(match (is_new, is_gone) {
            (true, _) => "new-policy",
            (_, true) => "spare-policy",
            _ => "town-policy",
        }),
        "version" => String::from("1.0.0"),
        "scope" if path.contains("/locks") => town.locked_group().trim_start_matches('/').to_owned(),
        "name0" if path.contains("/locks/") => String::from(if is_new { "new-lock" } else { "keep" }),
        "scope" => town.group().trim_start_matches('/').to_owned(),
        "name0" if path.contains("/diagnosticSettingsCategories/") => String::from("Administrative"),
        "name0" if path.contains("/diagnosticSettings/") => {
            String::from(if is_new { "new-setting" } else { "town-setting" })
        }
        "name0" | "name" if path.contains("/roleAssignments/") => {
            if is_new { Uuid::max() } else { ASSIGNMENT }.to_string()
        }
        "name0" | "name" if path.contains("/roleDefinitions/") && is_gone => SPARE_ROLE.to_string(),
        "name0" | "name" if path.contains("/roleDefinitions/") => {
            if is_new { Uuid::max() } else { ROLE }.to_string()
        }
        "name0" | "name" if path.contains("/denyAssignments/") => {
            if is_new { Uuid::max() } else { DENY }.to_string()
        }
        "name0" if path.contains("/managementGroups/{name0}/settings") => {
            town.nave.engine.site().tenant.to_string()
        }
        "name1" if path.contains("/settings/") => String::from("default"),
        "name0" if path.contains("/aliases/") => String::from(if is_new { "new-alias" } else { "town" }),
        "name0" if path.contains("/locations/{name0}/") => String::from("eastus"),
        "name1" if path.contains("/locations/{name0}/resourceGroups/") => GROUP.to_owned(),
        "name1" | "name2" if path.contains("/locations/{name0}/") => {
            let (_, typed) = path.split_once("/providers/")?;
            let kind = KINDS.iter().find(|kind| {
                let (namespace, _) = kind.resource_type.split_once('/').unwrap_or_default();
                typed.starts_with(namespace) && !deleted_name(kind.resource_type).is_empty()
            })?;
            deleted_name(kind.resource_type).to_owned()
        }
        "name0" if path.contains("/managementGroups/") => String::from(match (is_new, is_gone) {
            (true, _) => "new-groups",
            (_, true) => SPARE_MANAGEMENT_GROUP,
            _ => MANAGEMENT_GROUP,
        }),
        "managementGroup" => MANAGEMENT_GROUP.to_owned(),
        "subscriptionId" => town.subscription(),
        "name0" | "name" if path.contains("/deployments/{name") => {
            String::from(if is_new { "new" } else { "deployed" })
        }
        "name" if path.contains("/searchServices/") => String::from("town-search"),
        "name" if path.contains("CognitiveServices") => String::from("models"),
        "namespace" => String::from("Microsoft.Storage"),
        "location" => String::from("eastus"),
        "account" => String::from("models"),
        "deployment" => String::from(if path.ends_with("/embeddings") {
            "embed"
        } else {
            "gpt"
        }),
        "workspace" => String::from("hub"),
        "hub" => String::from("hub"),
        "project" if path.contains("/join/") => String::from("new-project"),
        "project" => String::from("project"),
        "connection" => String::from("shared"),
        "key" => String::from("primary"),
        "vault" => String::from("town-vault"),
        "rest" if path.starts_with("/kv/") || path.starts_with("/blob/") => String::from("anything"),
        "rest" if path.ends_with("/discovery/instance") || path.contains("/userrealm/") => {
            String::from("common")
        }
        "rest" => town.nave.engine.site().tenant.to_string(),
        "user" => String::from("user@contoso.com"),
        "id" if path.contains("/ResourceTypes/") => String::from("User"),
        "id" if path.contains("/Schemas/") => String::from("urn:ietf:params:scim:schemas:core:2.0:User"),
        "id" if path.contains("/identityProviders/") => String::from("town"),
        "provider" => String::from("town"),
        "id" => object(path)?.to_string(),
        "other" => MEMBER.to_string(),
        "run" if path.contains("/operationStatuses/") => town.deployed(path, "/run"),
        "operation" => town.deployed(path, "/operations/0/operationId"),
        "decision" => town.decision.to_string(),
        "work" => town.work.clone(),
        "tag" => String::from("cost"),
        "value" => String::from("1"),
        "run" | "response" | "file" | "upload" | "assistant" | "thread" | "message" | "step" | "store"
        | "batch" | "job" => String::from("x"),
        _ => return None,
    })
}

fn object(path: &str) -> Option<Uuid> {
    [
        ("/users/", USER),
        ("/groups/", TEAM),
        ("/scim/v2/Users/", USER),
        ("/scim/v2/Groups/", TEAM),
        ("/provisioningTokens/", PROVISIONING_TOKEN),
        ("/applications/", APPLICATION),
        ("/servicePrincipals/", PRINCIPAL),
        ("/directoryObjects/", USER),
        ("/namedLocations/", LOCATION),
    ]
    .into_iter()
    .find_map(|(kind, id)| path.contains(kind).then_some(id))
}
