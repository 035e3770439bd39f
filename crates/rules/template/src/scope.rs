//! What the deployment knows about its surroundings: the constants behind the scope functions.

use nave_arm::ResourceId;
use serde_json::{Value, json};

use crate::table::same_name;

/// The constants of one deployment. All of them are plain data; nothing here is read while evaluating.
///
/// `Scope::default()` is the tenant with nothing known, so a caller fills in what it has.
#[derive(Debug, Clone)]
pub struct Scope {
    /// `subscription()`: `{id, subscriptionId, tenantId, displayName}`; null above subscriptions.
    pub subscription: Value,
    /// `resourceGroup()`: `{id, name, type, location, tags, properties}`; only for deployments to a group.
    pub resource_group: Option<Value>,
    /// `managementGroup()`: `{id, name, type, properties}`; only for deployments to a management group.
    pub management_group: Option<Value>,
    /// `tenant()`: `{countryCode, displayName, tenantId}`.
    pub tenant: Value,
    /// The deployment's name.
    pub deployment_name: String,
    /// The deployment's location, which `deployment()` shows outside group scope only.
    pub location: Option<String>,
    /// `Incremental` or `Complete`, for `deployment().properties.mode`.
    pub mode: String,
    /// The link the template came by, for `deployment().properties.templateLink`.
    pub template_link: Option<Value>,
    /// `environment()`.
    pub environment: Value,
    /// `deployer()`: `{objectId, tenantId, userPrincipalName}`.
    pub deployer: Value,
    /// The time the deployment started, `yyyyMMddTHHmmssZ`.
    pub utc_now: String,
    /// What `providers()` answers: `[{namespace, resourceTypes: [{resourceType, locations, apiVersions}]}]`.
    pub providers: Value,
    /// The built-in roles, `{"Reader": "{guid}", …}`, for `roleDefinitions()`.
    pub role_definitions: Value,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            subscription: Value::Null,
            resource_group: None,
            management_group: None,
            tenant: Value::Null,
            deployment_name: String::new(),
            location: None,
            mode: String::from("Incremental"),
            template_link: None,
            environment: json!({}),
            deployer: json!({}),
            utc_now: String::new(),
            providers: json!([]),
            role_definitions: json!({}),
        }
    }
}

impl Scope {
    /// The scope resources are deployed to unless they say otherwise.
    #[must_use]
    pub fn base(&self) -> ResourceId {
        let of_group = |group: &str| match self.subscription_id() {
            Some(subscription) => ResourceId::of_resource_group(subscription, group),
            None => ResourceId::tenant(),
        };
        let of_management = || {
            let name = self
                .management_group
                .as_ref()
                .and_then(|group| group["name"].as_str());
            name.map_or_else(ResourceId::tenant, management_group_id)
        };
        match self.group_name() {
            Some(group) => of_group(group),
            None => self
                .subscription_id()
                .map_or_else(of_management, ResourceId::of_subscription),
        }
    }

    /// The surroundings of a nested deployment to `target`, as far as they follow from these: what is not here has no
    /// location of its own, no tags and no name but its id's. `deployment` is its body.
    pub(crate) fn of_nested(&self, target: &ResourceId, name: &str, deployment: &Value) -> Self {
        let subscription = target.subscription().map(|subscription| {
            let same = self
                .subscription_id()
                .is_some_and(|own| same_name(own, subscription));
            let made = || {
                json!({"id": format!("/subscriptions/{subscription}"), "subscriptionId": subscription,
                       "tenantId": self.tenant["tenantId"], "displayName": subscription})
            };
            if same { self.subscription.clone() } else { made() }
        });
        let group = target.resource_group().map(|group| {
            let own = self.resource_group.as_ref().filter(|_| *target == self.base());
            let made = || {
                let location = self.resource_group.as_ref().map(|own| own["location"].clone());
                let location = location.or_else(|| self.location.clone().map(Value::from));
                json!({"id": target, "name": group, "type": "Microsoft.Resources/resourceGroups", "location": location,
                       "tags": {}, "properties": {"provisioningState": "Succeeded"}})
            };
            own.cloned().unwrap_or_else(made)
        });
        let management =
            same_name(&target.resource_type(), "Microsoft.Management/managementGroups").then(|| {
                json!({"id": target, "name": target.name(), "type": "/providers/Microsoft.Management/managementGroups",
                   "properties": {"tenantId": self.tenant["tenantId"], "displayName": target.name()}})
            });
        let text = |place: &str| {
            deployment
                .pointer(place)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Self {
            subscription: subscription.unwrap_or_default(),
            resource_group: group,
            management_group: management,
            deployment_name: name.to_owned(),
            location: text("/location").or_else(|| self.location.clone()),
            mode: text("/properties/mode").unwrap_or_else(|| self.mode.clone()),
            ..self.clone()
        }
    }

    /// The subscription's guid, if the deployment lies in one.
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        self.subscription["subscriptionId"].as_str()
    }

    /// The group's name, if the deployment goes to one.
    #[must_use]
    pub fn group_name(&self) -> Option<&str> {
        self.resource_group
            .as_ref()
            .and_then(|group| group["name"].as_str())
    }
}

/// A management group's id.
pub(crate) fn management_group_id(name: &str) -> ResourceId {
    ResourceId::tenant().extension("Microsoft.Management/managementGroups", name)
}
