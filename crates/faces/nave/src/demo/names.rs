//! What things are called in the demo, and where they are.

/// The administrator's name before the `@`.
pub(crate) const ADMINISTRATOR: &str = "it-admin";
/// The resource group.
pub(crate) const GROUP: &str = "ai-platform";
/// The hub.
pub(crate) const HUB: &str = "contoso-hub";
/// The lead's project, in which the developer works.
pub(crate) const PROJECT: &str = "claims-assistant";
/// The project the developer has nothing to do with.
pub(super) const OTHER_PROJECT: &str = "hr-search";
/// The chat deployment.
pub(crate) const CHAT: &str = "gpt-4o";
/// The embedding deployment.
pub(super) const EMBEDDING: &str = "text-embedding-3-small";
/// The connection every project of the hub sees.
pub(super) const SHARED: &str = "shared-models";
/// The connection of one project.
pub(super) const OWN: &str = "claims-database";

const ACCOUNT: &str = "contoso-models";
const STORAGE: &str = "contosohubstorage";
const VAULT: &str = "contoso-hub-kv";

/// The ids of the demo's resources in one subscription.
pub(super) struct Places {
    /// The resource group.
    pub(super) group: String,
}

impl Places {
    /// In this subscription.
    pub(super) fn of(subscription: &str) -> Self {
        Self {
            group: format!("/subscriptions/{subscription}/resourceGroups/{GROUP}"),
        }
    }

    /// The account whose deployments are shared.
    pub(super) fn account(&self) -> String {
        format!(
            "{}/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT}",
            self.group
        )
    }

    /// A deployment of the account.
    pub(super) fn deployment(&self, name: &str) -> String {
        format!("{}/deployments/{name}", self.account())
    }

    /// The hub's storage account.
    pub(super) fn storage(&self) -> String {
        format!(
            "{}/providers/Microsoft.Storage/storageAccounts/{STORAGE}",
            self.group
        )
    }

    /// The hub's key vault.
    pub(super) fn vault(&self) -> String {
        format!("{}/providers/Microsoft.KeyVault/vaults/{VAULT}", self.group)
    }

    /// A hub or project.
    pub(super) fn workspace(&self, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.MachineLearningServices/workspaces/{name}",
            self.group
        )
    }

    /// A connection of a hub or project.
    pub(super) fn connection(&self, workspace: &str, name: &str) -> String {
        format!("{}/connections/{name}", self.workspace(workspace))
    }
}
