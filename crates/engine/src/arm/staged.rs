//! What would be written with something, before anybody asks for it: for the smallest grant that would help.

use nave_arm::{ArmError, ResourceId};
use nave_rbac::RoleAssignment;
use serde_json::Value;

use super::{not_found, write};
use crate::{Caller, Engine, Snapshot, change::Change, declaration::Draft};

impl Engine {
    /// The role assignments that would be there if this one were made, by the rules of every plane: itself, and those
    /// that follow from it.
    pub(crate) fn staged_assignments(
        &self,
        snapshot: &Snapshot,
        id: ResourceId,
        body: Value,
    ) -> Result<Vec<RoleAssignment>, ArmError> {
        let system = Caller::system();
        let cx = self.cx(snapshot, &system);
        let name = id.resource_type();
        let kind = self.registry().resource_type(&name).cloned();
        let kind = kind.ok_or_else(|| not_found(&id))?;
        let mut change = Change::default();
        let draft = Draft {
            id,
            body,
            existing: None,
        };
        write::stage(self, &cx, &*kind, draft, &mut change)?;
        let assignments = change
            .puts
            .iter()
            .filter(|put| put.id.resource_type().eq_ignore_ascii_case(&name));
        assignments
            .map(|put| RoleAssignment::from_properties(&put.id, &put.sent["properties"]))
            .collect()
    }
}
