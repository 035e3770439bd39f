//! A server with one of everything, and a person for each role. After whatever was done to it, it can be put back row
//! by row, so that every question is asked of the same state.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::Method;
use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_engine::{
    Act, Change, Erase, Expect, Grant, Put, PutSecrets, Reply, Request, Resource, directory,
    long_running::{Style, Told},
    network,
};
use nave_identity::bootstrap::{NewApplication, NewSecret, NewUser, application_rows, group_row, user_row};
use nave_testkit::{Everybody, Person, TestServer};
use nave_vault::{Secret, SystemRandom};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

/// Who asks, in the order of the table's columns; the first has no token.
pub(crate) const COLUMNS: [&str; 6] = [
    "nobody",
    "stranger",
    "Reader",
    "AI Developer",
    "Contributor",
    "Owner",
];

pub(crate) const GROUP: &str = "rg";
pub(crate) const MANAGEMENT_GROUP: &str = "corp";
pub(crate) const SPARE_MANAGEMENT_GROUP: &str = "spare-corp";
pub(crate) const USER: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000001");
pub(crate) const MEMBER: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000002");
pub(crate) const TEAM: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000003");
pub(crate) const APPLICATION: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000004");
pub(crate) const APP_ID: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000005");
pub(crate) const PRINCIPAL: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000006");
pub(crate) const UNUSED_APPLICATION: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000007");
pub(crate) const UNUSED_APP_ID: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000008");
pub(crate) const ROLE: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000001");
pub(crate) const SPARE_ROLE: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000004");
pub(crate) const ASSIGNMENT: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000002");
pub(crate) const LOCATION: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000006");
pub(crate) const DENY: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000003");
pub(crate) const PROVISIONING_TOKEN: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000007");
/// The id of the application's secret.
pub(crate) const SECRET: Uuid = uuid!("bbbbbbbb-0000-4000-8000-000000000005");
/// The password of everybody in the directory that the town made.
pub(crate) const PASSWORD: &str = "Town-Folk-9-Password";

/// The server and its people.
pub(crate) struct Town {
    pub(crate) nave: TestServer,
    pub(crate) people: Everybody,
    /// A refusal of somebody else.
    pub(crate) decision: Uuid,
    /// An operation that went on after its answer.
    pub(crate) work: String,
    baseline: HashMap<String, Arc<Resource>>,
}

impl Town {
    /// Builds it.
    pub(crate) async fn build() -> Self {
        crate::logs::start();
        let nave = TestServer::start().await;
        let people = nave.everybody().await;
        let mut town = Self {
            nave,
            people,
            decision: Uuid::nil(),
            work: String::new(),
            baseline: HashMap::new(),
        };
        town.directory().await;
        for (path, body) in town.resources() {
            town.nave.make(Method::PUT, &path, &body).await;
        }
        town.delete_some().await;
        town.share_models().await;
        town.own_each_other().await;
        town.decision = town.refuse_somebody().await;
        town.work = town.work_on().await;
        nave_resources::policy_insights::settle(&town.nave.engine).await;
        town.settle();
        town
    }

    async fn refuse_somebody(&self) -> Uuid {
        let passer_by = self.nave.person("passer-by").await;
        let path = format!("{}?api-version=2024-10-01", self.group());
        let refused = self.nave.send(nave_testkit::Ask::get(path).by(&passer_by)).await;
        refused.header("x-nave-decision").parse().unwrap()
    }

    /// Begins an operation that its client does not wait for.
    async fn work_on(&self) -> String {
        let engine = &self.nave.engine;
        let group = ResourceId::parse(&self.group()).unwrap();
        let grant: Grant<Act> = engine.on_own_account("town", &group);
        let told = Told {
            namespace: "Microsoft.Storage",
            by: Style::Location,
            patience: Duration::ZERO,
        };
        let request = Request {
            method: Method::POST,
            path: String::new(),
            query: Vec::new(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
            caller: None,
            host: String::new(),
            correlation_id: Uuid::nil(),
            peer: None,
        };
        let work = async { Ok(Reply::ok(json!({}))) };
        let accepted = engine.long_running(&grant, &request, told, work).await.unwrap();
        let location = accepted.headers["location"].to_str().unwrap();
        let (path, _) = location.split_once('?').unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    }

    /// Who asks in a column.
    pub(crate) fn person(&self, column: usize) -> Option<&Person> {
        let Everybody {
            stranger,
            reader,
            ai_developer,
            contributor,
            owner,
        } = &self.people;
        [
            None,
            Some(stranger),
            Some(reader),
            Some(ai_developer),
            Some(contributor),
            Some(owner),
        ][column]
    }

    /// The subscription's guid.
    pub(crate) fn subscription(&self) -> String {
        self.nave
            .subscription()
            .trim_start_matches("/subscriptions/")
            .to_owned()
    }

    /// The path of the resource group.
    pub(crate) fn group(&self) -> String {
        format!("{}/resourceGroups/{GROUP}", self.nave.subscription())
    }

    /// The path of the group that is locked.
    pub(crate) fn locked_group(&self) -> String {
        format!("{}/resourceGroups/locked-rg", self.nave.subscription())
    }

    /// The path of a resource in the group.
    pub(crate) fn resource(&self, kind: &str, name: &str) -> String {
        format!("{}/providers/{kind}/{name}", self.group())
    }

    /// The rows that are not as they were when the town was built.
    pub(crate) fn changes(&self) -> Vec<String> {
        let now = self.rows();
        let changed = |(id, row): (&String, &Arc<Resource>)| {
            self.baseline
                .get(id)
                .is_none_or(|before| before.etag != row.etag)
                .then(|| id.clone())
        };
        let gone = self.baseline.keys().filter(|id| !now.contains_key(*id)).cloned();
        now.iter().filter_map(changed).chain(gone).collect()
    }

    /// Takes the present state for the one everything is put back to.
    pub(crate) fn settle(&mut self) {
        self.baseline = self.rows();
    }

    /// Puts everything back.
    pub(crate) async fn restore(&mut self) {
        let now = self.rows();
        let mut change = Change::default();
        for id in self.changes() {
            match self.baseline.get(&id) {
                Some(row) => change.puts.push(as_it_was(row)),
                None => change.erases.push(Erase {
                    id: now[&id].id.clone(),
                    expect: Expect::Any,
                }),
            }
        }
        if change.puts.is_empty() && change.erases.is_empty() {
            return;
        }
        let grant = self
            .nave
            .engine
            .on_own_account::<Act>("restore", &ResourceId::tenant());
        self.nave.engine.commit(&grant, change).await.unwrap();
        self.settle();
    }

    fn rows(&self) -> HashMap<String, Arc<Resource>> {
        let snapshot = self.nave.engine.snapshot();
        snapshot
            .below(&ResourceId::tenant())
            .map(|row| (row.id.key().to_owned(), row.clone()))
            .collect()
    }

    async fn commit(&self, puts: Vec<Put>) {
        let grant = self
            .nave
            .engine
            .on_own_account::<Act>("town", &ResourceId::tenant());
        self.nave
            .engine
            .commit(
                &grant,
                Change {
                    puts,
                    ..Change::default()
                },
            )
            .await
            .unwrap();
    }

    async fn directory(&self) {
        let password = Secret::new(String::from(PASSWORD));
        let user = |id, name: &'static str| {
            user_row(
                &SystemRandom,
                &NewUser {
                    id,
                    user_principal_name: name,
                    display_name: name,
                    password: &password,
                },
            )
        };
        let mut rows = vec![
            user(USER, "user@contoso.com"),
            user(MEMBER, "member@contoso.com"),
            group_row(TEAM, "team", &[MEMBER]),
            Put::new(network::location_id(LOCATION), location("Town")),
        ];
        let application = |id, app_id, display_name| {
            application_rows(
                &SystemRandom,
                &NewApplication {
                    id,
                    app_id,
                    service_principal_id: PRINCIPAL,
                    display_name,
                    secret: Some(NewSecret {
                        key_id: SECRET,
                        text: &password,
                        ends: Timestamp::MAX,
                    }),
                    web_redirect_uris: &[],
                },
            )
        };
        let [mut registration, principal] = application(APPLICATION, APP_ID, "application");
        let credential =
            json!({ "id": SECRET, "name": "pipeline", "issuer": "https://idp.test", "subject": "main" });
        registration.own["federatedIdentityCredentials"] = json!([credential]);
        rows.extend([registration, principal]);
        let [registration, _] = application(UNUSED_APPLICATION, UNUSED_APP_ID, "unused");
        rows.push(registration);
        rows.extend(sign_in_elsewhere());
        self.commit(rows).await;
    }

    /// The policy definition, or set, of the town.
    fn policy(&self, kind: &str) -> String {
        format!(
            "{}/providers/Microsoft.Authorization/{kind}/town-policy",
            self.nave.subscription()
        )
    }

    /// Policy objects of each type: one that is there, and one that can be deleted.
    fn policies(&self) -> Vec<(String, Value)> {
        let at = |scope: &str, kind: &str, name: &str| {
            format!("{scope}/providers/Microsoft.Authorization/{kind}/{name}")
        };
        let (subscription, group) = (self.nave.subscription(), self.group());
        let mut policies = Vec::new();
        for name in ["town-policy", "spare-policy"] {
            policies.push((at(&subscription, "policyDefinitions", name), policy_definition()));
        }
        for name in ["town-policy", "spare-policy"] {
            policies.push((
                at(&subscription, "policySetDefinitions", name),
                policy_set_definition(self),
            ));
        }
        for name in ["town-policy", "spare-policy"] {
            policies.push((at(&group, "policyAssignments", name), policy_assignment(self)));
            policies.push((at(&group, "policyExemptions", name), policy_exemption(self)));
        }
        policies.push((
            at(&subscription, "policyDefinitions", "tagging"),
            tagging_definition(),
        ));
        policies.push((
            at(&group, "policyAssignments", "tagging"),
            tagging_assignment(self),
        ));
        let insights = format!("{group}/providers/Microsoft.PolicyInsights");
        policies.push((format!("{insights}/remediations/town-one"), remediation(self)));
        policies.push((format!("{insights}/attestations/town-one"), attestation(self)));
        policies
    }

    fn resources(&self) -> Vec<(String, Value)> {
        let subscription = self.nave.subscription();
        let authorization = |kind: &str, name: Uuid| {
            format!("{}/providers/Microsoft.Authorization/{kind}/{name}", self.group())
        };
        let mut resources = vec![
            (self.group(), json!({ "location": "eastus" })),
            (
                format!("{subscription}/resourceGroups/spare-rg"),
                json!({ "location": "eastus" }),
            ),
            (
                authorization("roleDefinitions", ROLE),
                role_definition("Town role", &self.group()),
            ),
            (
                authorization("roleAssignments", ASSIGNMENT),
                role_assignment(USER, ROLE),
            ),
            (authorization("denyAssignments", DENY), deny_assignment(MEMBER)),
        ];
        resources.extend(self.policies());
        resources.push((self.locked_group(), json!({ "location": "eastus" })));
        resources.push((
            format!(
                "{}/providers/Microsoft.Authorization/locks/keep",
                self.locked_group()
            ),
            json!({ "properties": { "level": "CanNotDelete" } }),
        ));
        for group in [MANAGEMENT_GROUP, SPARE_MANAGEMENT_GROUP] {
            resources.push((
                format!("/providers/Microsoft.Management/managementGroups/{group}"),
                json!({}),
            ));
        }
        resources.push((format!("{}/settings/default", self.root_group()), json!({})));
        resources.push((
            String::from("/providers/Microsoft.Subscription/aliases/town"),
            json!({}),
        ));
        resources.push((format!("{subscription}/tagNames/cost"), Value::Null));
        for kind in crate::cases::KINDS {
            let body = (kind.body)(self, kind.existing);
            resources.push((self.resource_at(kind.resource_type, kind.existing), body));
        }
        resources.push((
            format!(
                "{}/providers/Microsoft.Insights/diagnosticSettings/town-setting",
                self.group()
            ),
            diagnostic_setting(self),
        ));
        resources.push((self.workspace("project"), workspace_body(self, "Project")));
        resources.push((self.workspace("spare"), workspace_body(self, "Project")));
        resources.push((
            self.resource("Microsoft.CognitiveServices/accounts/models/deployments", "embed"),
            model("text-embedding-3-small"),
        ));
        let template = json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{ "type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31", "name": "identity", "location": "eastus" }],
        });
        let deployed =
            json!({ "properties": { "mode": "Incremental", "template": template, "parameters": {} } });
        resources.push((
            self.resource("Microsoft.Resources/deployments", "deployed"),
            deployed,
        ));
        let template = json!({
            "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{ "type": "Microsoft.Resources/resourceGroups", "apiVersion": "2024-03-01", "name": "deployed-rg", "location": "eastus" }],
        });
        let deployed = json!({ "location": "eastus", "properties": { "mode": "Incremental", "template": template, "parameters": {} } });
        resources.push((
            format!("{subscription}/providers/Microsoft.Resources/deployments/deployed"),
            deployed,
        ));
        let outputs = json!({ "o": { "type": "string", "value": "x" } });
        let template = json!({ "contentVersion": "1.0.0.0", "resources": [], "outputs": outputs });
        let deployed = json!({ "location": "eastus", "properties": { "mode": "Incremental", "template": template, "parameters": {} } });
        for scope in [
            format!("/providers/Microsoft.Management/managementGroups/{MANAGEMENT_GROUP}"),
            String::new(),
        ] {
            let id = format!("{scope}/providers/Microsoft.Resources/deployments/deployed");
            resources.push((id, deployed.clone()));
        }
        resources
    }

    /// Deletes one of each type whose resources are kept.
    async fn delete_some(&self) {
        for kind in crate::cases::KINDS {
            let names = [crate::cases::deleted_name(kind.resource_type)];
            let path = self.resource_at(kind.resource_type, &names);
            if !names[0].is_empty() {
                self.nave
                    .make(Method::PUT, &path, &(kind.body)(self, &names))
                    .await;
                self.nave.make(Method::DELETE, &path, &Value::Null).await;
            }
        }
    }

    /// The path of the root of the management groups.
    pub(crate) fn root_group(&self) -> String {
        let tenant = self.nave.engine.site().tenant;
        format!("/providers/Microsoft.Management/managementGroups/{tenant}")
    }

    /// The path of a resource of a type with these names, parents first.
    pub(crate) fn resource_at(&self, resource_type: &str, names: &[&str]) -> String {
        let (namespace, kinds) = resource_type.split_once('/').unwrap();
        let pairs: String = kinds
            .split('/')
            .zip(names)
            .map(|(kind, name)| format!("/{kind}/{name}"))
            .collect();
        format!("{}/providers/{namespace}{pairs}", self.group())
    }

    /// The path of a hub or project.
    pub(crate) fn workspace(&self, name: &str) -> String {
        self.resource("Microsoft.MachineLearningServices/workspaces", name)
    }

    /// The path of a connection of the hub.
    pub(crate) fn connection(&self, name: &str) -> String {
        format!("{}/connections/{name}", self.workspace("hub"))
    }

    /// What the server keeps about the deployment there is, at the scope of a route.
    pub(crate) fn deployed(&self, route: &str, pointer: &str) -> String {
        let scope = if route.contains("/resourceGroups/") {
            self.group()
        } else if route.contains("/subscriptions/") {
            self.nave.subscription()
        } else if route.contains("/managementGroups/") {
            format!("/providers/Microsoft.Management/managementGroups/{MANAGEMENT_GROUP}")
        } else {
            String::from("/")
        };
        let id = ResourceId::parse(&scope)
            .unwrap()
            .extension("Microsoft.Resources/deployments", "deployed");
        let snapshot = self.nave.engine.snapshot();
        snapshot
            .get(&id)
            .unwrap()
            .own
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    }

    /// Shares the model account with every project of the hub.
    async fn share_models(&self) {
        let account = self.resource("Microsoft.CognitiveServices/accounts", "models");
        let keys = self
            .nave
            .make(Method::POST, &format!("{account}/listKeys"), &Value::Null)
            .await;
        let connection = json!({ "properties": {
            "category": "AzureOpenAI", "authType": "ApiKey", "isSharedToAll": true,
            "target": format!("{}/ai/models/", self.nave.origin()),
            "credentials": { "key": keys["key1"] },
            "metadata": { "ApiType": "Azure", "ResourceId": account },
        } });
        self.nave
            .make(Method::PUT, &self.connection("shared"), &connection)
            .await;
    }

    /// Gives everything in the directory that has owners one.
    async fn own_each_other(&self) {
        let owner =
            json!({ "@odata.id": format!("{}/graph/v1.0/directoryObjects/{MEMBER}", self.nave.origin()) });
        for (kind, id) in [
            ("groups", TEAM),
            ("applications", APPLICATION),
            ("servicePrincipals", PRINCIPAL),
        ] {
            self.nave
                .make(
                    Method::POST,
                    &format!("/graph/v1.0/{kind}/{id}/owners/$ref"),
                    &owner,
                )
                .await;
        }
    }
}

fn as_it_was(row: &Resource) -> Put {
    let mut put = Put::new(row.id.clone(), row.sent.clone());
    put.own = row.own.clone();
    put.claims = row.claims.clone();
    put.secrets = PutSecrets::Sealed(row.sealed.as_deref().map(<[u8]>::to_vec));
    put
}

pub(crate) fn role_definition(name: &str, scope: &str) -> Value {
    json!({ "properties": {
        "roleName": name, "type": "CustomRole", "description": "", "assignableScopes": [scope],
        "permissions": [{ "actions": ["Microsoft.Storage/*/read"], "notActions": [], "dataActions": [], "notDataActions": [] }],
    } })
}

pub(crate) fn role_assignment(principal: Uuid, role: Uuid) -> Value {
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{role}");
    json!({ "properties": { "roleDefinitionId": role, "principalId": principal, "principalType": "User" } })
}

pub(crate) fn location(name: &str) -> Value {
    json!({ "displayName": name, "ipRanges": [{ "cidrAddress": "203.0.113.0/24" }] })
}

/// A setting that sends the activity log of a group to the town's sink.
pub(crate) fn diagnostic_setting(town: &Town) -> Value {
    let sink = town.resource_at("Nave.Monitor/sinks", &["town-sink"]);
    let logs = json!([{ "category": "Administrative", "enabled": true }]);
    json!({ "properties": { "marketplacePartnerId": sink, "logs": logs } })
}

pub(crate) fn deny_assignment(principal: Uuid) -> Value {
    json!({ "properties": {
        "denyAssignmentName": "nothing", "principals": [{ "id": principal, "type": "User" }], "excludePrincipals": [],
        "permissions": [{ "actions": ["Microsoft.Nothing/*"], "notActions": [], "dataActions": [], "notDataActions": [] }],
    } })
}

/// A definition that holds for nothing there is.
pub(crate) fn policy_definition() -> Value {
    json!({ "properties": { "mode": "All", "policyRule": {
        "if": { "field": "type", "equals": "Microsoft.Nothing/things" }, "then": { "effect": "audit" },
    } } })
}

pub(crate) fn policy_set_definition(town: &Town) -> Value {
    json!({ "properties": { "policyDefinitions": [{ "policyDefinitionId": town.policy("policyDefinitions") }] } })
}

pub(crate) fn policy_assignment(town: &Town) -> Value {
    json!({ "properties": { "policyDefinitionId": town.policy("policyDefinitions") } })
}

pub(crate) fn policy_exemption(town: &Town) -> Value {
    let assignment = format!(
        "{}/providers/Microsoft.Authorization/policyAssignments/town-policy",
        town.group()
    );
    json!({ "properties": { "policyAssignmentId": assignment, "exemptionCategory": "Waiver" } })
}

/// A definition that would change what there is not.
fn tagging_definition() -> Value {
    let role = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c";
    let operation = json!({ "operation": "addOrReplace", "field": "tags['team']", "value": "town" });
    json!({ "properties": { "mode": "All", "policyRule": {
        "if": { "field": "type", "equals": "Microsoft.Nothing/things" },
        "then": { "effect": "modify", "details": { "roleDefinitionIds": [role], "operations": [operation] } },
    } } })
}

fn tagging_assignment(town: &Town) -> Value {
    let definition = format!(
        "{}/providers/Microsoft.Authorization/policyDefinitions/tagging",
        town.nave.subscription()
    );
    json!({
        "location": "eastus", "identity": { "type": "SystemAssigned" },
        "properties": { "policyDefinitionId": definition },
    })
}

fn assigned(town: &Town, name: &str) -> String {
    format!(
        "{}/providers/Microsoft.Authorization/policyAssignments/{name}",
        town.group()
    )
}

pub(crate) fn remediation(town: &Town) -> Value {
    json!({ "properties": { "policyAssignmentId": assigned(town, "tagging") } })
}

pub(crate) fn attestation(town: &Town) -> Value {
    json!({ "properties": { "policyAssignmentId": assigned(town, "town-policy"), "complianceState": "Compliant" } })
}

pub(crate) fn workspace_body(town: &Town, kind: &str) -> Value {
    let properties = match kind {
        "Project" => json!({ "hubResourceId": town.workspace("hub") }),
        _ => json!({}),
    };
    json!({ "location": "eastus", "kind": kind, "identity": { "type": "SystemAssigned" }, "properties": properties })
}

pub(crate) fn model(name: &str) -> Value {
    json!({
        "sku": { "name": "Standard", "capacity": 1 },
        "properties": { "model": { "format": "OpenAI", "name": name, "version": "1" } },
    })
}

pub(crate) fn empty_template() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0", "resources": [],
    })
}

/// A provider, and the token by which it keeps people up to date.
fn sign_in_elsewhere() -> [Put; 2] {
    let description =
        json!({ "id": "town", "displayName": "Town", "issuer": "https://idp.test", "clientId": "town" });
    let token = json!({
        "id": PROVISIONING_TOKEN, "displayName": "town", "endDateTime": Timestamp::MAX.to_string(),
    });
    [
        nave_identity::sso::provider_row(&description).unwrap(),
        Put::new(
            directory::object_id(directory::PROVISIONING_TOKENS, PROVISIONING_TOKEN),
            token,
        ),
    ]
}
