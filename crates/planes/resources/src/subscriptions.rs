//! `Microsoft.Resources/subscriptions`: the account everything else lies in.

mod aliases;
mod life;
mod locations;
mod resource_groups;
mod tag_names;

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Put, Registry, Reply, Resource,
    decision::Need,
    declaration::{Asked, Cx, Declaration, NameRule, Placement, ResourceType, Verb},
    operation::{Access, Surface},
    route::{Call, Route},
    subscriptions::State,
};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use resource_groups::{GROUP_NAME, RESOURCE_GROUPS};

use self::life::check_name;
use crate::scope;

/// The type's name.
pub use nave_engine::subscriptions::SUBSCRIPTIONS;

/// The row of the first subscription, which the installation makes. Others are made by their aliases.
#[must_use]
pub fn row(subscription: Uuid, display_name: &str) -> Put {
    let id = ResourceId::of_subscription(&subscription.to_string());
    Put::new(id, json!({ "displayName": display_name }))
}

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(Subscriptions);
    registry.add_routes([Route::new(
        Method::GET,
        "/subscriptions",
        Surface::Arm,
        Access::SignedIn,
        list,
    )]);
    registry.add_type(aliases::Aliases);
    registry.add_routes(life::routes());
    registry.add_routes(locations::routes());
    resource_groups::register(registry);
    registry.add_routes(tag_names::routes());
}

struct Subscriptions;

static DECLARATION: Declaration = Declaration {
    resource_type: SUBSCRIPTIONS,
    api_versions: &[
        "2022-12-01",
        "2021-01-01",
        "2020-01-01",
        "2019-06-01",
        "2016-06-01",
    ],
    placement: Placement::Tenant,
    name: NameRule::GUID,
    verbs: &[Verb::Get],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for Subscriptions {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        Ok(match asked {
            Asked::Read(_) => scope::ways_of_a_visitor(cx.snapshot, Some(cx.caller), own),
            Asked::Write(_) | Asked::Delete(_) | Asked::Act(..) => vec![vec![own]],
        })
    }

    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        view(cx.site.tenant, resource)
    }
}

/// The subscriptions the caller has anything to do with. It never refuses: `az login` is this call.
async fn list(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let tenant = call.engine.site().tenant;
    let value: Vec<Value> = snapshot
        .of_type(SUBSCRIPTIONS)
        .filter(|subscription| scope::concerns(&snapshot, call.grant.caller(), &subscription.id))
        .map(|subscription| view(tenant, subscription))
        .collect();
    Ok(Reply::ok(
        json!({ "value": value, "count": { "type": "Total", "value": value.len() } }),
    ))
}

fn view(tenant: Uuid, subscription: &Resource) -> Value {
    let name = subscription.id.name();
    json!({
        "id": subscription.id,
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": name,
        "tenantId": tenant,
        "displayName": subscription.text("/displayName").unwrap_or(name),
        "state": State::of(subscription).word(),
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off",
        },
        "tags": subscription.value("/tags").cloned().unwrap_or_else(|| json!({})),
    })
}
