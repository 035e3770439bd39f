//! `Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials`: whose tokens of another identity
//! provider a managed identity accepts for its own.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Guard, Snapshot,
    declaration::{Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
    federation::{FederatedCredential, MOST, OF_IDENTITIES},
};
use serde_json::{Value, json};

/// Federated credentials.
pub(super) struct FederatedIdentityCredentials;

static DECLARATION: Declaration = Declaration {
    resource_type: OF_IDENTITIES,
    api_versions: &[
        "2025-01-31-preview",
        "2024-11-30",
        "2023-07-31-preview",
        "2023-01-31",
        "2022-01-31-preview",
    ],
    placement: Placement::Parent,
    name: NameRule {
        min: 3,
        max: 120,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
        words: "3 to 120 letters, digits, hyphens and underscores, the first a letter or digit",
    },
    verbs: &[Verb::Get, Verb::List, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for FederatedIdentityCredentials {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        let given = draft.body.get("properties").unwrap_or(&Value::Null);
        let credential = FederatedCredential::read(given)?;
        let guard = check_siblings(cx.snapshot, &draft.id, &credential)?;
        draft.body["properties"] = credential.body();
        let mut written = Written::plain(draft);
        written.own = json!({});
        written.guards.extend(guard);
        Ok(written)
    }
}

/// At most so many below one identity, and no two for the same holder of tokens. The guard keeps it so until the commit.
fn check_siblings(
    snapshot: &Snapshot,
    id: &ResourceId,
    credential: &FederatedCredential,
) -> Result<Option<Guard>, ArmError> {
    let Some(identity) = id.parent() else {
        return Ok(None);
    };
    let siblings: Vec<FederatedCredential> = snapshot
        .below(&identity)
        .filter(|row| row.id != *id && row.id.resource_type().eq_ignore_ascii_case(OF_IDENTITIES))
        .filter_map(|row| FederatedCredential::read(row.sent.get("properties")?).ok())
        .collect();
    let refuse = |message: String| Err(ArmError::new(ErrorCode::Conflict, message));
    if siblings.len() >= MOST {
        return refuse(format!(
            "'{identity}' has {MOST} federated identity credentials, which is the most it may have. Delete one first."
        ));
    }
    if siblings.iter().any(|one| one.is_twin_of(credential)) {
        return refuse(format!(
            "'{identity}' has a federated identity credential with this issuer and subject already."
        ));
    }
    Ok(Some(Guard::Unchanged {
        type_key: OF_IDENTITIES.to_lowercase(),
        under: identity.key().to_owned(),
        since: snapshot.revision(),
    }))
}
