//! The operations resource providers have, and the plane each is in.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{Pattern, Plane, built_in, operation::is_hub_join};

const PUBLISHED: &str = include_str!("../data/operations.json");

/// The operation catalogue.
///
/// It knows the operations of the providers this product is about. Beyond them, whatever a built-in role says may be
/// said by a custom role as well, because a copy of a built-in role is how custom roles begin: the strings of built-in
/// roles and the providers in them count as known too.
///
/// ```
/// # use nave_arm::ResourceId;
/// # use nave_rbac::*;
/// # use serde_json::json;
/// # use uuid::Uuid;
/// let catalogue = Catalogue::built_in();
/// assert_eq!(catalogue.plane_of("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"), Some(Plane::Data));
/// assert!(catalogue.matches_any("Microsoft.KeyVault/vaults/*", Plane::Control));
/// assert!(!catalogue.known_provider("Contoso.Robots"));
/// assert!(catalogue.operations_of("Microsoft.KeyVault").count() > 10);
/// ```
#[derive(Debug)]
pub struct Catalogue {
    providers: Vec<Provider>,
    /// The planes of an operation, by its name in lower case; one name of the published list is in both.
    planes: HashMap<String, Planes>,
    /// What built-in roles say, in lower case, and in which plane.
    said_by_roles: HashMap<String, Planes>,
    namespaces: HashSet<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    namespace: String,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    data_actions: Vec<String>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Planes {
    control: bool,
    data: bool,
}

impl Planes {
    fn add(&mut self, plane: Plane) {
        match plane {
            Plane::Control => self.control = true,
            Plane::Data => self.data = true,
        }
    }

    fn has(self, plane: Plane) -> bool {
        match plane {
            Plane::Control => self.control,
            Plane::Data => self.data,
        }
    }
}

/// One operation of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogueOperation<'a> {
    /// The name, in its published casing.
    pub name: &'a str,
    /// Whether it is a data action.
    pub is_data_action: bool,
}

static BUILT_IN: LazyLock<Catalogue> = LazyLock::new(|| {
    // Part of the program; a test reads it whole.
    Catalogue::new(serde_json::from_str(PUBLISHED).unwrap_or_default())
});

impl Catalogue {
    /// The published catalogue.
    #[must_use]
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    fn new(providers: Vec<Provider>) -> Self {
        let mut planes: HashMap<String, Planes> = HashMap::new();
        let mut namespaces = HashSet::new();
        for provider in &providers {
            namespaces.insert(provider.namespace.to_ascii_lowercase());
            for operation in provider.operations() {
                let plane = if operation.is_data_action {
                    Plane::Data
                } else {
                    Plane::Control
                };
                planes
                    .entry(operation.name.to_ascii_lowercase())
                    .or_default()
                    .add(plane);
            }
        }
        let mut said_by_roles: HashMap<String, Planes> = HashMap::new();
        for permission in built_in::definitions()
            .values()
            .flat_map(|role| &role.permissions)
        {
            for (patterns, plane) in [
                (&permission.actions, Plane::Control),
                (&permission.not_actions, Plane::Control),
                (&permission.data_actions, Plane::Data),
                (&permission.not_data_actions, Plane::Data),
            ] {
                for pattern in patterns {
                    let text = pattern.as_str().trim().to_ascii_lowercase();
                    if let Some((namespace, _)) =
                        text.split_once('/').filter(|(first, _)| !first.contains('*'))
                    {
                        namespaces.insert(namespace.to_owned());
                    }
                    said_by_roles.entry(text).or_default().add(plane);
                }
            }
        }
        Self {
            providers,
            planes,
            said_by_roles,
            namespaces,
        }
    }

    /// Whether the operation is a data action. An unknown operation is taken for a control operation.
    #[must_use]
    pub fn is_data_action(&self, operation: &str) -> bool {
        self.plane_of(operation) == Some(Plane::Data)
    }

    /// The operation's plane; none when neither the catalogue nor a built-in role names it. The one name published in both planes counts as a
    /// control operation.
    #[must_use]
    pub fn plane_of(&self, operation: &str) -> Option<Plane> {
        if is_hub_join(operation) {
            return Some(Plane::Control);
        }
        let name = operation.to_ascii_lowercase();
        let planes = self.planes.get(&name).or_else(|| self.said_by_roles.get(&name))?;
        Some(if planes.control {
            Plane::Control
        } else {
            Plane::Data
        })
    }

    /// The providers whose operations are listed, in the order they are published.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|provider| provider.namespace.as_str())
    }

    /// The operations of a provider, control operations first; none for a provider the catalogue does not list.
    pub fn operations_of(&self, namespace: &str) -> impl Iterator<Item = CatalogueOperation<'_>> {
        self.providers
            .iter()
            .find(|provider| provider.namespace.eq_ignore_ascii_case(namespace))
            .into_iter()
            .flat_map(Provider::operations)
    }

    /// Whether the provider is known: listed here, or named by a built-in role.
    #[must_use]
    pub fn known_provider(&self, namespace: &str) -> bool {
        self.namespaces.contains(&namespace.to_ascii_lowercase())
    }

    /// Whether a custom role may say `pattern` in this plane: it covers an operation of the plane, or a built-in role
    /// says the same.
    #[must_use]
    pub fn matches_any(&self, pattern: &str, plane: Plane) -> bool {
        if plane == Plane::Control && is_hub_join(pattern) {
            return true;
        }
        if !pattern.contains('*')
            && self
                .planes
                .get(&pattern.to_ascii_lowercase())
                .is_some_and(|p| p.has(plane))
        {
            return true;
        }
        if self
            .said_by_roles
            .get(&pattern.trim().to_ascii_lowercase())
            .is_some_and(|planes| planes.has(plane))
        {
            return true;
        }
        let pattern = Pattern::new(pattern);
        let said = self.said_by_roles.iter().filter(|(text, _)| !text.contains('*'));
        self.planes
            .iter()
            .chain(said)
            .any(|(name, planes)| planes.has(plane) && pattern.matches(name))
    }
}

impl Provider {
    fn operations(&self) -> impl Iterator<Item = CatalogueOperation<'_>> {
        let control = self.actions.iter().map(|name| CatalogueOperation {
            name,
            is_data_action: false,
        });
        let data = self.data_actions.iter().map(|name| CatalogueOperation {
            name,
            is_data_action: true,
        });
        control.chain(data)
    }
}

#[cfg(test)]
mod tests {
    use super::{Catalogue, Plane};
    use crate::built_in;

    #[test]
    fn the_published_operations_are_all_here() {
        let catalogue = Catalogue::built_in();
        assert_eq!(catalogue.namespaces().count(), 22);
        let count = |namespace: &str, data| {
            catalogue
                .operations_of(namespace)
                .filter(|operation| operation.is_data_action == data)
                .count()
        };
        assert_eq!(count("microsoft.machinelearningservices", false), 324);
        assert_eq!(count("Microsoft.MachineLearningServices", true), 0);
        assert_eq!(
            (
                count("Microsoft.CognitiveServices", false),
                count("Microsoft.CognitiveServices", true)
            ),
            (139, 491)
        );
        assert_eq!(catalogue.operations_of("Microsoft.Nothing").count(), 0);
    }

    #[test]
    fn an_operation_has_a_plane() {
        let catalogue = Catalogue::built_in();
        let blob = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
        assert!(catalogue.is_data_action(blob) && catalogue.is_data_action(&blob.to_uppercase()));
        assert!(!catalogue.is_data_action("Microsoft.Storage/storageAccounts/read"));
        assert_eq!(
            catalogue.plane_of("Microsoft.Storage/storageAccounts/dance/action"),
            None
        );
        assert_eq!(
            catalogue.plane_of("Microsoft.KeyVault/vaults/keys/read"),
            Some(Plane::Control)
        );
        for join in ["hubs/join", "hubs/join/action"] {
            let operation = format!("Microsoft.MachineLearningServices/workspaces/{join}");
            assert_eq!(catalogue.plane_of(&operation), Some(Plane::Control));
            assert!(
                catalogue.matches_any(&operation, Plane::Control)
                    && !catalogue.matches_any(&operation, Plane::Data)
            );
        }
    }

    #[test]
    fn patterns_are_known_when_they_cover_something_or_a_role_says_them() {
        let catalogue = Catalogue::built_in();
        for (pattern, control, data) in [
            ("*", true, true),
            ("*/read", true, true),
            ("Microsoft.MachineLearningServices/*", true, false),
            ("microsoft.cognitiveservices/accounts/openai/*/READ", false, true),
            ("Microsoft.Compute/virtualMachines/*", true, true),
            ("Microsoft.Compute/virtualMachines/dance/action", false, false),
            ("Microsoft.Storage/storageAccounts/*/dance", false, false),
        ] {
            assert_eq!(
                catalogue.matches_any(pattern, Plane::Control),
                control,
                "{pattern}"
            );
            assert_eq!(catalogue.matches_any(pattern, Plane::Data), data, "{pattern}");
        }
        assert!(
            catalogue.known_provider("microsoft.keyvault") && catalogue.known_provider("Microsoft.Compute")
        );
        assert!(!catalogue.known_provider("Contoso.Robots") && !catalogue.known_provider("*"));
    }

    #[test]
    fn every_string_of_a_built_in_role_is_known() {
        let catalogue = Catalogue::built_in();
        for permission in built_in::definitions()
            .values()
            .flat_map(|role| &role.permissions)
        {
            for pattern in permission.actions.iter().chain(&permission.not_actions) {
                assert!(
                    catalogue.matches_any(pattern.as_str(), Plane::Control),
                    "{pattern}"
                );
            }
            for pattern in permission.data_actions.iter().chain(&permission.not_data_actions) {
                assert!(catalogue.matches_any(pattern.as_str(), Plane::Data), "{pattern}");
            }
        }
    }
}
