//! What IT sets up once: a model account with two deployments, a hub, the connection every project may use, and who
//! has which role on the hub.

use anyhow::ensure;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    cast::{Cast, Person},
    names::{CHAT, EMBEDDING, HUB, Places, SHARED},
    stage::{Answer, Audience, Call, Stage},
    verdict::{Expect, Verdicts},
};
use crate::cli::Up;

/// Azure's own guids for the roles.
pub(super) const OWNER: Uuid = nave_rbac::built_in::OWNER;
pub(super) const CONTRIBUTOR: Uuid = nave_rbac::built_in::CONTRIBUTOR;
pub(super) const AI_DEVELOPER: Uuid = nave_rbac::built_in::AI_DEVELOPER;

/// Sets it up, as the administrator.
pub(super) async fn set(
    stage: &Stage,
    cast: &Cast,
    arguments: &Up,
    verdicts: &mut Verdicts,
) -> anyhow::Result<()> {
    let places = Places::of(&stage.settings.subscription.to_string());
    let mut by = Hands {
        stage,
        who: &cast.administrator,
        verdicts,
    };
    by.put(
        "makes the resource group",
        &places.group,
        "2024-11-01",
        json!({ "location": "eastus" }),
    )
    .await?;
    models(&mut by, &places, arguments).await?;
    hub(&mut by, &places).await?;
    let hub = places.workspace(HUB);
    by.assign("is Owner of the hub", &cast.administrator, OWNER, &hub)
        .await?;
    by.assign(
        "makes the manager Contributor on the hub",
        &cast.manager,
        CONTRIBUTOR,
        &hub,
    )
    .await?;
    by.assign(
        "makes the lead Azure AI Developer on the hub",
        &cast.lead,
        AI_DEVELOPER,
        &hub,
    )
    .await
}

async fn models(by: &mut Hands<'_>, places: &Places, arguments: &Up) -> anyhow::Result<()> {
    let account = json!({
        "location": "eastus", "kind": "AIServices", "sku": { "name": "S0" },
        "properties": { "customSubDomainName": "contoso-models", "nave": { "upstream": upstream(arguments) } },
    });
    let does = match &arguments.backend {
        Some(backend) => format!("makes a model account that asks {backend}"),
        None => String::from("makes a model account with the built-in model"),
    };
    by.put(&does, &places.account(), "2024-10-01", account).await?;
    let deployments = [
        (CHAT, "gpt-4o", &arguments.backend_chat_model),
        (
            EMBEDDING,
            "text-embedding-3-small",
            &arguments.backend_embedding_model,
        ),
    ];
    for (name, model, asked_for) in deployments {
        let mut deployment = json!({
            "sku": { "name": "Standard", "capacity": 10 },
            "properties": { "model": { "format": "OpenAI", "name": model, "version": "1" } },
        });
        if arguments.backend.is_some() {
            deployment["properties"]["nave"] = json!({ "upstream": { "model": asked_for } });
        }
        by.put(
            &format!("deploys {name}"),
            &places.deployment(name),
            "2024-10-01",
            deployment,
        )
        .await?;
    }
    Ok(())
}

fn upstream(arguments: &Up) -> Value {
    match &arguments.backend {
        Some(endpoint) => json!({ "kind": "openAI", "endpoint": endpoint, "apiKey": arguments.backend_key }),
        None => json!({ "kind": "builtIn" }),
    }
}

async fn hub(by: &mut Hands<'_>, places: &Places) -> anyhow::Result<()> {
    let storage = json!({ "location": "eastus", "kind": "StorageV2", "sku": { "name": "Standard_LRS" }, "properties": {} });
    by.put(
        "makes the hub's storage account",
        &places.storage(),
        "2023-04-01",
        storage,
    )
    .await?;
    let vault = json!({
        "location": "eastus",
        "properties": {
            "tenantId": by.stage.settings.tenant, "sku": { "family": "A", "name": "standard" },
            "enableRbacAuthorization": true, "accessPolicies": [],
        },
    });
    by.put("makes the hub's key vault", &places.vault(), "2023-07-01", vault)
        .await?;
    let hub = json!({
        "location": "eastus", "kind": "Hub", "identity": { "type": "SystemAssigned" },
        "properties": { "friendlyName": "Contoso AI", "storageAccount": places.storage(), "keyVault": places.vault() },
    });
    by.put("makes the hub", &places.workspace(HUB), "2024-10-01", hub)
        .await?;
    shared_connection(by, places).await
}

/// The account's key goes from `listKeys` into the connection; nobody who uses the connection sees it.
async fn shared_connection(by: &mut Hands<'_>, places: &Places) -> anyhow::Result<()> {
    let account = places.account();
    let keys = Call::post(format!("{account}/listKeys?api-version=2024-10-01"), Value::Null);
    let keys = by.does("reads the account's keys", &keys).await?;
    let endpoint = by
        .does(
            "reads the account's endpoint",
            &Call::get(format!("{account}?api-version=2024-10-01")),
        )
        .await?;
    let connection = json!({ "properties": {
        "category": "AzureOpenAI", "authType": "ApiKey", "isSharedToAll": true,
        "target": endpoint.member("/properties/endpoint"),
        "credentials": { "key": keys.member("/key1") },
        "metadata": { "ApiType": "Azure", "ResourceId": account },
    } });
    by.put(
        "shares the account with every project of the hub",
        &places.connection(HUB, SHARED),
        "2024-10-01",
        connection,
    )
    .await
}

/// Somebody at work.
pub(super) struct Hands<'a> {
    pub(super) stage: &'a Stage,
    pub(super) who: &'a Person,
    pub(super) verdicts: &'a mut Verdicts,
}

impl Hands<'_> {
    /// Makes a call that has to succeed for the story to go on.
    pub(super) async fn does(&mut self, does: &str, call: &Call) -> anyhow::Result<Answer> {
        let answer = self.tries(does, call, Expect::Done).await?;
        ensure!(answer.is_done(), "the demo cannot go on after this");
        Ok(answer)
    }

    /// Makes a call and has it judged.
    pub(super) async fn tries(
        &mut self,
        does: &str,
        call: &Call,
        expected: Expect,
    ) -> anyhow::Result<Answer> {
        let audience = if call.path.starts_with("/api/projects/") {
            Audience::Models
        } else {
            Audience::Arm
        };
        let answer = self.who.call(self.stage, audience, call).await?;
        self.verdicts.judge(self.who, does, &answer, expected);
        Ok(answer)
    }

    /// Creates or replaces a resource.
    pub(super) async fn put(
        &mut self,
        does: &str,
        id: &str,
        version: &str,
        body: Value,
    ) -> anyhow::Result<()> {
        self.does(does, &Call::put(format!("{id}?api-version={version}"), body))
            .await
            .map(drop)
    }

    /// Gives somebody a role, unless he has it.
    pub(super) async fn assign(
        &mut self,
        does: &str,
        to: &Person,
        role: Uuid,
        scope: &str,
    ) -> anyhow::Result<()> {
        let key = format!("{scope} {role} {}", to.id);
        let name = Uuid::new_v5(&Uuid::NAMESPACE_OID, key.to_lowercase().as_bytes());
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let body = json!({ "properties": {
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": to.id, "principalType": "User",
        } });
        let call = Call::put(format!("{id}?api-version=2022-04-01"), body);
        let mut answer = self.who.call(self.stage, Audience::Arm, &call).await?;
        if answer.code() == "RoleAssignmentExists" {
            answer.status = 200;
            answer.body = Value::Null;
        }
        self.verdicts.judge(self.who, does, &answer, Expect::Done);
        ensure!(answer.is_done(), "the demo cannot go on after this");
        Ok(())
    }
}
