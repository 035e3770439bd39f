//! What a template without a server finds around it: the constants that a context file sets, else made-up ones.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::clock::{RealWorld, World};
use nave_rbac::RoleIndex;
use nave_template::{Scope, parse};
use serde_json::{Map, Value, json};

use super::folder::Folder;

/// A context file, every member of which may be missing.
pub(super) struct Context(Map<String, Value>);

impl Context {
    /// Reads `{subscriptionId, resourceGroup, tenantId, deploymentName, location}`; also understood are
    /// `managementGroup`, `principalId`, `utcNow`, and `environment` as `environment()` answers it.
    pub(super) fn read(text: Option<&str>) -> Result<Self, ArmError> {
        match text.map(parse).transpose()? {
            None => Ok(Self(Map::new())),
            Some(Value::Object(members)) => Ok(Self(members)),
            Some(_) => Err(ArmError::new(
                ErrorCode::InvalidRequestContent,
                "The context must be a JSON object.",
            )),
        }
    }

    /// The surroundings of a template, at the scope its `$schema` says.
    pub(super) fn scope(&self, template: &Value, folder: &Folder) -> Scope {
        let kind = Kind::of(template);
        let tenant = self.text("tenantId", "99999999-8888-7777-6666-555555555555");
        let subscription = self.text("subscriptionId", "11111111-2222-3333-4444-555555555555");
        let location = self.text("location", "eastus");
        Scope {
            subscription: if kind.is_in_subscription() {
                json!({"id": format!("/subscriptions/{subscription}"), "subscriptionId": subscription,
                       "tenantId": tenant, "displayName": subscription})
            } else {
                Value::Null
            },
            resource_group: (kind == Kind::Group).then(|| self.group(&subscription, &location)),
            management_group: (kind == Kind::ManagementGroup).then(|| self.management_group(&tenant)),
            tenant: json!({"countryCode": "US", "displayName": tenant, "tenantId": tenant}),
            deployment_name: self.text("deploymentName", "main"),
            location: Some(location),
            template_link: Some(json!({ "uri": folder.address() })),
            environment: self.0.get("environment").cloned().unwrap_or_else(public_cloud),
            deployer: json!({"objectId": self.text("principalId", "00000000-0000-0000-0000-000000000000"),
                             "tenantId": tenant, "userPrincipalName": ""}),
            utc_now: self.text("utcNow", &RealWorld.now().strftime("%Y%m%dT%H%M%SZ").to_string()),
            role_definitions: built_in_roles(),
            ..Scope::default()
        }
    }

    /// The group may be given by its name or as `resourceGroup()` answers it.
    fn group(&self, subscription: &str, location: &str) -> Value {
        let given = self.0.get("resourceGroup");
        let own = given.and_then(Value::as_object).cloned().unwrap_or_default();
        let name = own
            .get("name")
            .or(given)
            .and_then(Value::as_str)
            .unwrap_or("examplegroup");
        let mut group = json!({
            "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
            "type": "Microsoft.Resources/resourceGroups", "location": location, "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        });
        for (name, value) in own {
            group[name] = value;
        }
        group
    }

    fn management_group(&self, tenant: &str) -> Value {
        let name = self.text("managementGroup", "examplemanagementgroup");
        json!({"id": format!("/providers/Microsoft.Management/managementGroups/{name}"), "name": name,
               "type": "/providers/Microsoft.Management/managementGroups",
               "properties": {"tenantId": tenant, "displayName": name, "details": {}}})
    }

    fn text(&self, name: &str, otherwise: &str) -> String {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or(otherwise)
            .to_owned()
    }
}

/// What a deployment goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Group,
    Subscription,
    ManagementGroup,
    Tenant,
}

impl Kind {
    /// As `$schema` says; without one, a group (template-language 1).
    fn of(template: &Value) -> Self {
        let schema = template["$schema"].as_str().unwrap_or_default().to_lowercase();
        match schema {
            schema if schema.contains("/subscriptiondeploymenttemplate.json") => Self::Subscription,
            schema if schema.contains("/managementgroupdeploymenttemplate.json") => Self::ManagementGroup,
            schema if schema.contains("/tenantdeploymenttemplate.json") => Self::Tenant,
            _ => Self::Group,
        }
    }

    fn is_in_subscription(self) -> bool {
        matches!(self, Self::Group | Self::Subscription)
    }
}

fn built_in_roles() -> Value {
    let roles = RoleIndex::with_built_in();
    let named = roles
        .definitions()
        .map(|role| (role.role_name.clone(), json!(role.id)));
    named.collect::<Map<_, _>>().into()
}

/// `environment()` in Azure's public cloud, which is where a template that is checked is most often going. A server answers
/// with its own addresses.
fn public_cloud() -> Value {
    json!({
        "name": "AzureCloud",
        "gallery": "https://gallery.azure.com/",
        "graph": "https://graph.windows.net/",
        "portal": "https://portal.azure.com",
        "graphAudience": "https://graph.windows.net/",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json",
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": ".azurecr.io",
            "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
            "keyvaultDns": ".vault.azure.net",
            "sqlServerHostname": ".database.windows.net",
            "storage": "core.windows.net",
        },
    })
}
