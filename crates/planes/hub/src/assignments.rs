//! The role assignments nave makes by itself: their names are made from what they say, so that making one twice is
//! making it once.

use nave_arm::ResourceId;
use nave_engine::{
    Caller, CallerKind, Snapshot,
    declaration::{Also, Cx},
    directory,
};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

/// Owner.
pub(crate) const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
/// Contributor.
pub(crate) const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
/// Reader.
pub(crate) const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
/// Azure AI Administrator.
pub(crate) const AI_ADMINISTRATOR: Uuid = uuid!("b78c5d69-af96-48a3-bf8d-a8b4d589de94");
/// Azure AI Inference Deployment Operator.
pub(crate) const DEPLOYMENT_OPERATOR: Uuid = uuid!("3afb7f49-54cb-416e-8c09-6dc049efa503");
/// Storage Blob Data Contributor.
pub(crate) const BLOB_CONTRIBUTOR: Uuid = uuid!("ba92f5b4-2d11-453d-a403-e96b0029c9fe");

const NAMES: Uuid = uuid!("6e617665-0000-5000-8000-61737369676e");

/// An assignment nave makes.
#[derive(Debug)]
pub(crate) struct Automatic<'a> {
    pub(crate) scope: &'a ResourceId,
    pub(crate) role: Uuid,
    pub(crate) principal: Uuid,
    pub(crate) principal_type: &'a str,
    pub(crate) description: &'a str,
    pub(crate) condition: Option<String>,
    /// The rule it is made by, and for what.
    pub(crate) follows: Value,
}

impl Automatic<'_> {
    /// The id it gets.
    pub(crate) fn id(&self) -> ResourceId {
        let said = format!("{}|{}|{}", self.scope.key(), self.role, self.principal);
        let name = Uuid::new_v5(&NAMES, said.as_bytes()).to_string();
        self.scope
            .extension("Microsoft.Authorization/roleAssignments", &name)
    }

    /// The write that makes it; `None` when the principal holds the role at exactly this scope already.
    pub(crate) fn put(self, snapshot: &Snapshot) -> Option<Also> {
        if snapshot
            .roles()
            .assignment_of(self.principal, self.role, self.scope)
            .is_some()
        {
            return None;
        }
        let role = self.scope.subscription_id().unwrap_or_else(ResourceId::tenant);
        let role = role.extension("Microsoft.Authorization/roleDefinitions", &self.role.to_string());
        let mut properties = json!({
            "roleDefinitionId": role,
            "principalId": self.principal,
            "principalType": self.principal_type,
            "description": self.description,
        });
        if let Some(condition) = &self.condition {
            properties["condition"] = condition.clone().into();
            properties["conditionVersion"] = "2.0".into();
        }
        let id = self.id();
        let by = Caller::system().record_id();
        let own = json!({ "autoFor": self.follows, "createdBy": by, "updatedBy": by });
        Some(Also::Put {
            id,
            body: json!({ "properties": properties }),
            own,
        })
    }
}

/// A ruling (rbac-semantics 13.2, where the documents disagree): who makes a hub or a project becomes its Owner, by an
/// assignment at it. `None` when that is no principal of the directory.
pub(crate) fn creator_owns(cx: &Cx<'_>, scope: &ResourceId) -> Option<Also> {
    let assignment = Automatic {
        scope,
        role: OWNER,
        principal: cx.caller.object_id,
        principal_type: creator_type(cx)?,
        description: "The creator owns what was created.",
        condition: None,
        follows: json!({ "rule": "Creator", "resource": scope }),
    };
    assignment.put(cx.snapshot)
}

/// The type of the caller as role assignments spell it.
pub(crate) fn creator_type(cx: &Cx<'_>) -> Option<&'static str> {
    match cx.caller.kind {
        CallerKind::System | CallerKind::AccountKey { .. } => None,
        CallerKind::User => Some(principal_type(cx.snapshot, cx.caller.object_id).unwrap_or("User")),
        CallerKind::ServicePrincipal | CallerKind::ManagedIdentity => Some("ServicePrincipal"),
    }
}

/// The type of a principal, as the directory has it.
pub(crate) fn principal_type(snapshot: &Snapshot, principal: Uuid) -> Option<&'static str> {
    snapshot
        .principal(principal)
        .map(|object| directory::principal_type(object))
}

/// The ends of every assignment a principal itself holds: it is about to go.
pub(crate) fn end_of(snapshot: &Snapshot, principal: Uuid) -> Vec<Also> {
    let held = snapshot
        .roles()
        .assignments_of(principal)
        .filter(|assignment| assignment.principal == principal);
    held.map(|assignment| Also::Erase(assignment.id())).collect()
}

/// The end of one automatic assignment, if nave made it and it is still there.
pub(crate) fn end(snapshot: &Snapshot, scope: &ResourceId, role: Uuid, principal: Uuid) -> Option<Also> {
    let id = snapshot.roles().assignment_of(principal, role, scope)?.id();
    let automatic = snapshot
        .get(&id)
        .is_some_and(|row| row.own.get("autoFor").is_some_and(|rule| !rule.is_null()));
    automatic.then(|| Also::Erase(id))
}
