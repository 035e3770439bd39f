//! `Microsoft.Subscription/aliases`: to create a subscription is to name it by an alias. Asking again finds the one that
//! was made; deleting the alias leaves the subscription.
//!
//! Who may: whoever holds the right at the tenant, or at the management group the subscription goes to: then a platform
//! team makes subscriptions in its part of the tree and nowhere else. A billing scope is kept as it was sent; nave sends
//! no invoices.

use nave_arm::{ArmError, ErrorCode, ResourceId, check_tags};
use nave_engine::{
    Caller, CallerKind, Expect, Fields, Put, Resource,
    decision::Need,
    declaration::{Also, Asked, Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
    directory,
    missing::not_found,
    rbac::built_in::OWNER,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::SUBSCRIPTIONS;
use crate::{
    authorization::{ROLE_ASSIGNMENTS, ROLE_DEFINITIONS},
    management_groups::{self, MANAGEMENT_GROUPS},
};

/// The type.
pub(super) struct Aliases;

const ALIASES: &str = "Microsoft.Subscription/aliases";
const WRITE: &str = "Microsoft.Subscription/aliases/write";
const ENTER: &str = "Microsoft.Management/managementGroups/subscriptions/write";
const WRITE_SUBSCRIPTION: &str = "Microsoft.Resources/subscriptions/write";

static DECLARATION: Declaration = Declaration {
    resource_type: ALIASES,
    api_versions: &[
        "2024-08-01-preview",
        "2021-10-01",
        "2021-01-01-privatepreview",
        "2020-09-01",
    ],
    placement: Placement::Tenant,
    name: NameRule {
        max: 63,
        words: "1 to 63 characters",
        ..NameRule::ANY
    },
    verbs: &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for Aliases {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let Asked::Write(draft) = asked else {
            return Ok(vec![vec![own]]);
        };
        if draft.existing.is_some() {
            return Ok(vec![vec![own]]);
        }
        // what cannot be read is refused when it is written
        let named = named_subscription(draft).ok().flatten();
        let present = named.map(|id| Need::action(WRITE_SUBSCRIPTION, id).linked());
        let group = group(cx, draft).ok().flatten();
        let enters = group.clone().map(|group| Need::action(ENTER, group).linked());
        let linked: Vec<Need> = present.into_iter().chain(enters).collect();
        let at = |need: Need| std::iter::once(need).chain(linked.iter().cloned()).collect();
        let there = group.map(|group| at(Need::action(WRITE, group)));
        Ok(std::iter::once(at(own)).chain(there).collect())
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let fields = Fields(&draft.body);
        fields.choice("/properties/workload", &["Production", "DevTest"])?;
        for pointer in ["displayName", "billingScope", "resellerId"] {
            fields.text(&format!("/properties/{pointer}"))?;
        }
        check_tenant(cx, &draft)?;
        let named = named_subscription(&draft)?;
        if let Some(existing) = draft.existing.clone() {
            refuse_another(&existing, named.as_ref())?;
            return Ok(Written {
                sent: existing.sent.clone(),
                ..Written::plain(draft)
            });
        }
        let (subscription, also) = match named {
            Some(id) if cx.snapshot.get(&id).is_none() => {
                return Err(not_found(&id).on("properties.subscriptionId"));
            }
            Some(id) => (id, Vec::new()),
            None => create(cx, &draft)?,
        };
        let mut written = Written::plain(draft);
        written.own = json!({ "properties": { "subscriptionId": subscription.name() } });
        written.also = also;
        Ok(written)
    }

    fn view(&self, cx: &Cx<'_>, alias: &Resource) -> Value {
        let text = |pointer: &str| alias.text(&format!("/properties/{pointer}"));
        let subscription = text("subscriptionId").map(ResourceId::of_subscription);
        let row = subscription.as_ref().and_then(|id| cx.snapshot.get(id));
        let group = subscription
            .as_ref()
            .and_then(|id| management_groups::group_of(cx.snapshot, id));
        json!({
            "id": alias.id,
            "name": alias.id.name(),
            "type": ALIASES,
            "properties": {
                "subscriptionId": text("subscriptionId"),
                "displayName": row.and_then(|row| row.text("/displayName")),
                "provisioningState": "Succeeded",
                "acceptOwnershipState": "Completed",
                "billingScope": text("billingScope"),
                "workload": text("workload").unwrap_or("Production"),
                "resellerId": text("resellerId"),
                "subscriptionOwnerId": alias.own.pointer("/properties/subscriptionOwnerId"),
                "managementGroupId": group.map(|group| group.id.clone()),
                "createdTime": alias.history.created_at.to_string(),
                "tags": row.and_then(|row| row.value("/tags")),
            },
            "systemData": alias.envelope()["systemData"].take(),
        })
    }
}

/// A new subscription, in its management group and with its owner.
fn create(cx: &Cx<'_>, draft: &Draft) -> Result<(ResourceId, Vec<Also>), ArmError> {
    let id = ResourceId::of_subscription(&cx.world.new_id().to_string());
    let fields = Fields(&draft.body);
    let name = fields
        .text("/properties/displayName")?
        .unwrap_or_else(|| draft.id.name());
    super::check_name(name, "properties.displayName")?;
    let mut sent = json!({ "displayName": name });
    if let Some(tags) = fields.value("/properties/additionalProperties/tags") {
        let tags = tags.as_object().ok_or_else(|| {
            crate::body::wrong("properties.additionalProperties.tags", "an object")
                .on("properties.additionalProperties.tags")
        })?;
        check_tags(tags, "properties.additionalProperties.tags")?;
        sent["tags"] = Value::Object(tags.clone());
    }
    let row = Put {
        expect: Expect::Absent,
        ..Put::new(id.clone(), sent)
    };
    let group = group(cx, draft)?;
    let mut also = vec![Also::Row(row)];
    also.extend(management_groups::enter(cx, &id, group.as_ref())?.map(Also::Row));
    also.extend(owner(cx, draft)?.map(|owner| owns(cx, &id, owner)));
    Ok((id, also))
}

/// Who will own it: whoever is named, else the caller.
fn owner(cx: &Cx<'_>, draft: &Draft) -> Result<Option<Uuid>, ArmError> {
    const OWNER_ID: &str = "/properties/additionalProperties/subscriptionOwnerId";
    let Some(text) = Fields(&draft.body).text(OWNER_ID)? else {
        return Ok(of_directory(cx.caller).then_some(cx.caller.object_id));
    };
    let found = Uuid::parse_str(text)
        .ok()
        .filter(|owner| cx.snapshot.principal(*owner).is_some());
    found.map(Some).ok_or_else(|| {
        let message = format!(
            "The principal '{text}' is not in the directory; a subscription is owned by one that is."
        );
        ArmError::new(ErrorCode::PrincipalNotFound, message)
            .on("properties.additionalProperties.subscriptionOwnerId")
    })
}

fn of_directory(caller: &Caller) -> bool {
    !matches!(caller.kind, CallerKind::System | CallerKind::AccountKey { .. })
}

fn owns(cx: &Cx<'_>, subscription: &ResourceId, owner: Uuid) -> Also {
    let principal = cx.snapshot.principal(owner);
    let role = subscription.extension(ROLE_DEFINITIONS, &OWNER.to_string());
    Also::Put {
        id: subscription.extension(ROLE_ASSIGNMENTS, &cx.world.new_id().to_string()),
        body: json!({ "properties": {
            "roleDefinitionId": role,
            "principalId": owner,
            "principalType": principal.map(|principal| directory::principal_type(principal)),
        } }),
        own: json!({}),
    }
}

/// The management group that a body names, by its id or its name.
fn group(cx: &Cx<'_>, draft: &Draft) -> Result<Option<ResourceId>, ArmError> {
    const GROUP_ID: &str = "/properties/additionalProperties/managementGroupId";
    let Some(text) = Fields(&draft.body).text(GROUP_ID)? else {
        return Ok(management_groups::default_group(cx));
    };
    let id = match text.starts_with('/') {
        true => ResourceId::parse(text).ok(),
        false => Some(ResourceId::tenant().extension(MANAGEMENT_GROUPS, text)),
    };
    id.filter(|id| id.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS))
        .map(Some)
        .ok_or_else(|| {
            let message = format!("'{text}' is not the id of a management group.");
            ArmError::new(ErrorCode::LinkedInvalidPropertyId, message)
                .on("properties.additionalProperties.managementGroupId")
        })
}

/// The subscription that a body names, to give it an alias.
fn named_subscription(draft: &Draft) -> Result<Option<ResourceId>, ArmError> {
    const SUBSCRIPTION_ID: &str = "/properties/subscriptionId";
    let Some(text) = Fields(&draft.body).text(SUBSCRIPTION_ID)? else {
        return Ok(None);
    };
    let guid = text.strip_prefix("/subscriptions/").unwrap_or(text);
    NameRule::GUID
        .check(SUBSCRIPTIONS, guid)
        .map_err(|error| error.on("properties.subscriptionId"))?;
    Ok(Some(ResourceId::of_subscription(guid)))
}

fn refuse_another(existing: &Resource, named: Option<&ResourceId>) -> Result<(), ArmError> {
    let present = existing.text("/properties/subscriptionId").unwrap_or_default();
    match named.filter(|named| !named.name().eq_ignore_ascii_case(present)) {
        None => Ok(()),
        Some(named) => Err(ArmError::new(
            ErrorCode::PropertyChangeNotAllowed,
            format!(
                "The alias '{}' is of the subscription '{present}' and cannot become one of '{}'. Delete it first.",
                existing.id.name(),
                named.name()
            ),
        )
        .on("properties.subscriptionId")),
    }
}

/// There is one tenant here.
fn check_tenant(cx: &Cx<'_>, draft: &Draft) -> Result<(), ArmError> {
    const TENANT_ID: &str = "/properties/additionalProperties/subscriptionTenantId";
    let own = cx.site.tenant.to_string();
    match Fields(&draft.body).text(TENANT_ID)? {
        Some(tenant) if !tenant.eq_ignore_ascii_case(&own) => {
            let message =
                format!("The tenant '{tenant}' is not the tenant of this server, which is '{own}'.");
            Err(ArmError::new(ErrorCode::InvalidParameter, message)
                .on("properties.additionalProperties.subscriptionTenantId"))
        }
        _ => Ok(()),
    }
}
