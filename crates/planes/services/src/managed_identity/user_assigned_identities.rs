//! `Microsoft.ManagedIdentity/userAssignedIdentities`: a service principal that lives and dies with its resource.

use async_trait::async_trait;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource, Snapshot,
    declaration::{
        ActCall, Action, Also, Cx, Declaration, Draft, Erased, Movable, NameRule, ResourceType, Verb, Written,
    },
    directory,
    federation::USER_ASSIGNED_IDENTITIES,
    operation::Surface,
};
use serde_json::{Value, json};

use crate::{face, identity};

/// Identities.
pub(super) struct UserAssignedIdentities;

static DECLARATION: Declaration = Declaration {
    resource_type: USER_ASSIGNED_IDENTITIES,
    api_versions: &[
        "2025-05-31-preview",
        "2024-11-30",
        "2023-07-31-preview",
        "2023-01-31",
        "2022-01-31-preview",
        "2018-11-30",
        "2015-08-31-preview",
    ],
    name: NameRule {
        min: 3,
        max: 128,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
        words: "3 to 128 letters, digits, hyphens and underscores, the first a letter or digit",
    },
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(201, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[LIST_ASSOCIATED],
    movable: Movable::No("what trusts an identity knows it by its id; make another one at the target"),
    ..Declaration::COMMON
};

/// Who was given the identity.
const LIST_ASSOCIATED: Action = Action::named("listAssociatedResources");

#[async_trait]
impl ResourceType for UserAssignedIdentities {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let mut written = Written::plain(draft.clone());
        if draft.existing.is_none() {
            let (object, app) = (cx.world.new_id(), cx.world.new_id());
            let mut principal = directory::managed_identity(object, app, draft.id.name(), &draft.id);
            principal.sent["alternativeNames"][0] = "isExplicit=True".into();
            written.own["properties"] =
                json!({ "principalId": object, "clientId": app, "tenantId": cx.site.tenant });
            written.also.push(Also::Row(principal));
        }
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, identity: &Resource) -> Value {
        let facts = identity.own.get("properties").cloned().unwrap_or_default();
        face::shown(identity, &json!({}), facts)
    }

    fn erase(&self, _: &Cx<'_>, identity: &Resource) -> Result<Erased, ArmError> {
        let object = identity
            .own
            .pointer("/properties/principalId")
            .and_then(Value::as_str);
        let object = object.and_then(|object| object.parse().ok());
        let principal = object.map(|object| directory::object_id(directory::SERVICE_PRINCIPALS, object));
        Ok(Erased {
            also: principal.map(Also::Erase).into_iter().collect(),
            guards: Vec::new(),
        })
    }

    async fn act(&self, _: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let value = associated(&call, &call.engine.snapshot());
        Ok(Reply::ok(json!({ "totalCount": value.len(), "value": value })))
    }
}

/// The resources that were given the identity, of those that the caller may read.
fn associated(call: &ActCall, snapshot: &Snapshot) -> Vec<Value> {
    let caller = call.grant.caller();
    let subscriptions = snapshot.of_type("Microsoft.Resources/subscriptions");
    let given = subscriptions
        .flat_map(|subscription| snapshot.below(&subscription.id))
        .filter(|resource| identity::has(resource, &call.resource.id));
    let may_read = |resource: &&std::sync::Arc<Resource>| {
        let action = format!("{}/read", resource.id.resource_type());
        call.engine
            .may(snapshot, caller, Surface::Arm, &action, &resource.id)
    };
    given
        .filter(may_read)
        .map(|resource| shown(snapshot, resource))
        .collect()
}

fn shown(snapshot: &Snapshot, resource: &Resource) -> Value {
    let id = &resource.id;
    let subscription = id.subscription_id().and_then(|id| snapshot.get(&id));
    json!({
        "id": id.as_str(), "name": id.name(), "type": id.resource_type(), "resourceGroup": id.resource_group(),
        "subscriptionId": id.subscription(),
        "subscriptionDisplayName": subscription.and_then(|found| found.text("/displayName")),
    })
}
