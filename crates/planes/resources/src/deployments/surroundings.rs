//! What a template finds around it: its group, its subscription, the server, who deploys it.

use nave_arm::ResourceId;
use nave_engine::{Caller, Engine, Snapshot, rbac::RoleKind, site::Site};
use nave_template::{Chance, Scope};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::wanted::Wanted;

/// The part that is known from the state alone.
pub(super) fn in_state(snapshot: &Snapshot, id: &ResourceId, wanted: &Wanted) -> Scope {
    let subscription = id.subscription_id().map(|subscription| {
        let name = snapshot
            .get(&subscription)
            .and_then(|row| row.text("/displayName").map(str::to_owned));
        json!({"id": subscription, "subscriptionId": subscription.name(), "displayName": name})
    });
    Scope {
        subscription: subscription.unwrap_or_default(),
        resource_group: id
            .resource_group_id()
            .map(|group| resource_group(snapshot, &group)),
        deployment_name: id.name().to_owned(),
        location: wanted.location.clone(),
        mode: wanted.mode.word().to_owned(),
        ..Scope::default()
    }
}

fn resource_group(snapshot: &Snapshot, id: &ResourceId) -> Value {
    let group = snapshot.get(id);
    let value = |pointer: &str| group.and_then(|group| group.value(pointer)).cloned();
    json!({
        "id": id,
        "name": id.name(),
        "type": "Microsoft.Resources/resourceGroups",
        "location": value("/location"),
        "tags": value("/tags").unwrap_or_else(|| json!({})),
        "properties": { "provisioningState": "Succeeded" },
    })
}

/// The whole.
pub(super) fn of(
    engine: &Engine,
    snapshot: &Snapshot,
    caller: &Caller,
    id: &ResourceId,
    wanted: &Wanted,
) -> Scope {
    let site = engine.site();
    let mut scope = in_state(snapshot, id, wanted);
    if let Some(subscription) = scope.subscription.as_object_mut() {
        subscription.insert(String::from("tenantId"), json!(site.tenant));
    }
    scope.tenant = json!({"tenantId": site.tenant, "displayName": site.tenant_name, "countryCode": ""});
    scope.environment = environment(site);
    scope.deployer =
        json!({"objectId": caller.object_id, "tenantId": site.tenant, "userPrincipalName": caller.name});
    scope.utc_now = engine.world().now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let built_in = snapshot
        .roles()
        .definitions()
        .filter(|role| role.kind == RoleKind::BuiltIn);
    let roles: Map<String, Value> = built_in
        .map(|role| (role.role_name.clone(), json!(role.id)))
        .collect();
    scope.role_definitions = roles.into();
    scope
}

/// `environment()`: nave answers with its own origin wherever Azure has a host.
fn environment(site: &Site) -> Value {
    let (origin, authority) = (&site.origin, &site.authority);
    json!({
        "name": site.cloud,
        "gallery": origin,
        "graph": format!("{origin}/graph"),
        "portal": origin,
        "graphAudience": format!("{origin}/graph"),
        "activeDirectoryDataLake": origin,
        "batch": origin,
        "media": origin,
        "sqlManagement": origin,
        "vmImageAliasDoc": origin,
        "resourceManager": format!("{origin}/"),
        "authentication": {
            "loginEndpoint": format!("{origin}/adfs/nave"), "audiences": [origin], "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": format!(".azurecr.{authority}"),
            "keyvaultDns": format!(".vault.{authority}"),
            "storage": format!("core.{authority}"),
            "azureDatalakeAnalyticsCatalogAndJob": authority,
            "azureDatalakeStoreFileSystem": authority,
            "sqlServerHostname": format!(".database.{authority}"),
        },
    })
}

/// `newGuid()` out of the server's own source of ids.
pub(super) struct EngineChance<'e>(pub(super) &'e Engine);

impl Chance for EngineChance<'_> {
    fn new_guid(&self) -> Uuid {
        self.0.world().new_id()
    }
}
