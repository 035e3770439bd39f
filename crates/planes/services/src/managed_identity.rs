//! `Microsoft.ManagedIdentity`: identities that are resources, and may be given to other resources.

mod federated_identity_credentials;
mod user_assigned_identities;

use nave_engine::Registry;

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(user_assigned_identities::UserAssignedIdentities);
    registry.add_type(federated_identity_credentials::FederatedIdentityCredentials);
}
