//! Where a deployment goes: to a group, a subscription, a management group or the tenant (template-language 9).

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Params, Snapshot, missing};

use super::DEPLOYMENTS;
use crate::{management_groups::MANAGEMENT_GROUPS, scope};

/// A path below each of the scopes that deployments go to.
macro_rules! at_all_scopes {
    ($rest:literal) => {
        [
            concat!("/subscriptions/{subscription}/resourceGroups/{group}", $rest),
            concat!("/subscriptions/{subscription}", $rest),
            concat!(
                "/providers/Microsoft.Management/managementGroups/{managementGroup}",
                $rest
            ),
            $rest,
        ]
    };
}
pub(super) use at_all_scopes;

/// The kinds of scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Group,
    Subscription,
    ManagementGroup,
    Tenant,
}

impl Level {
    /// Where a deployment of this id goes.
    ///
    /// # Errors
    /// Where its scope is of another kind, such as a resource.
    pub(super) fn of(id: &ResourceId) -> Result<Self, ArmError> {
        let scope = id.scope().unwrap_or_else(ResourceId::tenant);
        if scope.is_resource_group() {
            Ok(Self::Group)
        } else if scope.is_subscription() {
            Ok(Self::Subscription)
        } else if scope.is_tenant() {
            Ok(Self::Tenant)
        } else if scope.resource_type().eq_ignore_ascii_case(MANAGEMENT_GROUPS) {
            Ok(Self::ManagementGroup)
        } else {
            Err(ArmError::new(
                ErrorCode::InvalidResourceId,
                format!(
                    "A deployment cannot be at '{scope}': it goes to a resource group, a subscription, a management \
                     group or the tenant."
                ),
            ))
        }
    }

    /// The kind that a template is for, by its `$schema`. Of others nothing is known.
    pub(super) fn of_schema(schema: &str) -> Option<Self> {
        let name = schema.trim_end_matches('#').rsplit('/').next()?.to_lowercase();
        Some(match name.as_str() {
            "deploymenttemplate.json" => Self::Group,
            "subscriptiondeploymenttemplate.json" => Self::Subscription,
            "managementgroupdeploymenttemplate.json" => Self::ManagementGroup,
            "tenantdeploymenttemplate.json" => Self::Tenant,
            _ => return None,
        })
    }

    /// In words.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Group => "a resource group",
            Self::Subscription => "a subscription",
            Self::ManagementGroup => "a management group",
            Self::Tenant => "the tenant",
        }
    }
}

/// The deployment that a route's path names.
pub(super) fn deployment(params: &Params) -> Result<ResourceId, ArmError> {
    let scope = match params.get("managementGroup") {
        "" => params.scope()?,
        name => ResourceId::tenant().extension(MANAGEMENT_GROUPS, name),
    };
    let id = scope.extension(DEPLOYMENTS, params.get("name"));
    ResourceId::parse(id.as_str())
        .map_err(|error| ArmError::new(ErrorCode::InvalidResourceId, error.to_string()))
}

/// Refuses a deployment whose scope is not there.
pub(super) fn check(snapshot: &Snapshot, id: &ResourceId) -> Result<(), ArmError> {
    scope::check(snapshot, id)?;
    let scope = id.scope().unwrap_or_else(ResourceId::tenant);
    if scope.management_group().is_some() && snapshot.get(&scope).is_none() {
        return Err(missing::not_found(&scope));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use nave_arm::ResourceId;

    use super::Level;

    #[test]
    fn a_scope_is_of_one_kind_or_none() {
        for (scope, level) in [
            ("/subscriptions/s/resourceGroups/g", Some(Level::Group)),
            ("/subscriptions/s", Some(Level::Subscription)),
            (
                "/providers/Microsoft.Management/managementGroups/m",
                Some(Level::ManagementGroup),
            ),
            ("", Some(Level::Tenant)),
            ("/subscriptions/s/resourceGroups/g/providers/A.B/c/d", None),
        ] {
            let id = ResourceId::parse(&format!("{scope}/providers/Microsoft.Resources/deployments/d"));
            assert_eq!(Level::of(&id.expect("an id")).ok(), level, "{scope}");
        }
    }

    #[test]
    fn a_schema_says_what_a_template_is_for() {
        let base = "https://schema.management.azure.com/schemas";
        for (schema, level) in [
            ("2019-04-01/deploymentTemplate.json#", Some(Level::Group)),
            (
                "2018-05-01/subscriptionDeploymentTemplate.json#",
                Some(Level::Subscription),
            ),
            (
                "2019-08-01/managementGroupDeploymentTemplate.json",
                Some(Level::ManagementGroup),
            ),
            ("2019-08-01/tenantDeploymentTemplate.json#", Some(Level::Tenant)),
            ("2019-04-01/deploymentParameters.json#", None),
        ] {
            assert_eq!(Level::of_schema(&format!("{base}/{schema}")), level, "{schema}");
        }
    }
}
