//! What a template finds around it: its group, its subscription, the server, who deploys it.

use std::sync::atomic::{AtomicU64, Ordering};

use nave_arm::ResourceId;
use nave_engine::{Snapshot, rbac::RoleKind, site::Site};
use nave_template::{Chance, Scope};
use serde_json::{Map, Value, json};
use uuid::{Builder, Uuid};

use super::{job::Job, links::Link, wanted::Wanted};
use crate::{management_groups::MANAGEMENT_GROUPS, providers};

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
        management_group: id.management_group().map(|name| management_group(snapshot, name)),
        deployment_name: id.name().to_owned(),
        location: wanted.settings.location.clone(),
        mode: wanted.settings.mode.word().to_owned(),
        template_link: wanted.template_link.as_ref().map(Link::shown),
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

fn management_group(snapshot: &Snapshot, name: &str) -> Value {
    let id = ResourceId::tenant().extension(MANAGEMENT_GROUPS, name);
    let group = snapshot.get(&id);
    let value = |pointer: &str| group.and_then(|group| group.value(pointer)).cloned();
    json!({
        "id": id,
        "name": name,
        "type": "/providers/Microsoft.Management/managementGroups",
        "properties": {
            "displayName": value("/properties/displayName"),
            "details": value("/properties/details").unwrap_or_else(|| json!({})),
        },
    })
}

/// The part that a deployment may change itself: to be kept, so that its template comes to the same again.
pub(super) fn to_keep(scope: &Scope) -> Value {
    json!({
        "subscription": scope.subscription, "resourceGroup": scope.resource_group,
        "managementGroup": scope.management_group,
    })
}

/// Puts back what was kept.
pub(super) fn as_they_were(scope: &mut Scope, kept: &Value) {
    let part = |name: &str| kept.get(name).filter(|value| !value.is_null()).cloned();
    scope.subscription = part("subscription").unwrap_or_default();
    scope.resource_group = part("resourceGroup");
    scope.management_group = part("managementGroup");
}

/// The whole.
pub(super) fn of(job: &Job, snapshot: &Snapshot, id: &ResourceId, wanted: &Wanted) -> Scope {
    let (engine, caller) = (&job.engine, &job.caller);
    let site = engine.site();
    let mut scope = in_state(snapshot, id, wanted);
    if let Some(subscription) = scope.subscription.as_object_mut() {
        subscription.insert(String::from("tenantId"), json!(site.tenant));
    }
    if let Some(group) = &mut scope.management_group {
        group["properties"]["tenantId"] = json!(site.tenant);
    }
    scope.tenant = json!({"tenantId": site.tenant, "displayName": site.tenant_name, "countryCode": ""});
    scope.environment = environment(site);
    scope.deployer =
        json!({"objectId": caller.object_id, "tenantId": site.tenant, "userPrincipalName": caller.name});
    scope.utc_now = job.begun.utc_now.clone();
    let built_in = snapshot
        .roles()
        .definitions()
        .filter(|role| role.kind == RoleKind::BuiltIn);
    let roles: Map<String, Value> = built_in
        .map(|role| (role.role_name.clone(), json!(role.id)))
        .collect();
    scope.role_definitions = roles.into();
    if wanted.template.calls("providers") {
        scope.providers = providers::for_templates(engine.registry(), site);
    }
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

/// `newGuid()`: made of a seed that the server's source of ids gave, so that a template comes to the same when it is
/// worked out again.
pub(super) struct Seeded {
    seed: Uuid,
    next: AtomicU64,
}

impl Seeded {
    pub(super) fn from(seed: Uuid) -> Self {
        Self {
            seed,
            next: AtomicU64::new(0),
        }
    }
}

impl Chance for Seeded {
    fn new_guid(&self) -> Uuid {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let bytes = Uuid::new_v5(&self.seed, &turn.to_be_bytes()).into_bytes();
        Builder::from_random_bytes(bytes).into_uuid()
    }
}
