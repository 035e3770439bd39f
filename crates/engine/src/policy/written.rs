//! What is checked of policy objects when they are written (policy-language 1, 2, 10), and how they refer to each other.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_policy::{Assignment, Definition, Definitions, Exemption, Initiative, PolicyError};
use serde_json::Value;

use super::{PolicyIndex, place::scopes, ready_made::ready_made};
use crate::{Resource, Snapshot};

/// A definition or a set by its id: a stored one, or one that is ready-made.
#[must_use]
pub fn find(snapshot: &Snapshot, id: &ResourceId) -> Option<Arc<Resource>> {
    let ready = || ready_made().iter().find(|one| one.id == *id);
    snapshot.get(id).or_else(ready).cloned()
}

/// The assignments and sets that refer to a definition or a set.
pub fn referring_to<'a>(
    snapshot: &'a Snapshot,
    id: &'a ResourceId,
) -> impl Iterator<Item = ResourceId> + use<'a> {
    let index = snapshot.policies();
    let sets = index.sets_with(id.key()).map(|set| set.id.clone());
    let assigned = index
        .assignments()
        .filter(move |bound| bound.assigns(id))
        .map(|bound| bound.resource.id.clone());
    sets.chain(assigned)
}

/// Checks a definition that is about to be written; and that whatever assigns it can go on.
///
/// # Errors
/// ARM's codes for what is wrong in a definition, with the path of it.
pub fn check_definition(snapshot: &Snapshot, id: &ResourceId, body: &Value) -> Result<(), ArmError> {
    let definition = Definition::parse(properties(body))?;
    let proposed = Proposed {
        index: snapshot.policies(),
        id,
        definition: Some(Arc::new(definition)),
        set: None,
    };
    proposed.check_assignments()
}

/// Checks a set that is about to be written: its definitions are there, may be used here, and get the parameters they
/// need; and whatever assigns it can go on.
///
/// # Errors
/// ARM's codes for what is wrong in a set, with the path of it.
pub fn check_set(snapshot: &Snapshot, id: &ResourceId, body: &Value) -> Result<(), ArmError> {
    let set = Initiative::parse(properties(body))?;
    for (at, member) in set.members.iter().enumerate() {
        let path = format!("policyDefinitions[{at}].policyDefinitionId");
        check_reference(snapshot, &member.definition_id, id, &path)?;
        let version = member.definition_version.as_deref();
        let found = snapshot.policies().definition(&member.definition_id, version);
        found.ok_or_else(|| missing(&member.definition_id, &path))?;
    }
    let proposed = Proposed {
        index: snapshot.policies(),
        id,
        definition: None,
        set: Some(Arc::new(set)),
    };
    proposed.check_assignments()
}

/// Checks an assignment that is about to be written.
///
/// # Errors
/// ARM's codes for what is wrong in an assignment, with the path of it.
pub fn check_assignment(snapshot: &Snapshot, id: &ResourceId, body: &Value) -> Result<(), ArmError> {
    let properties = properties(body);
    let assigned = properties["policyDefinitionId"].as_str().unwrap_or_default();
    if !assigned.is_empty() {
        check_reference(snapshot, assigned, id, "policyDefinitionId")?;
    }
    let bound = Assignment::bind(id.as_str(), properties, snapshot.policies())?;
    for (at, left_out) in bound.head.not_scopes.iter().enumerate() {
        check_left_out(snapshot, id, left_out, at)?;
    }
    Ok(())
}

/// Whether an assignment acts on resources by an identity of its own.
#[must_use]
pub fn needs_identity(snapshot: &Snapshot, id: &ResourceId, body: &Value) -> bool {
    Assignment::bind(id.as_str(), properties(body), snapshot.policies())
        .is_ok_and(|bound| bound.needs_identity())
}

/// Checks an exemption that is about to be written: the assignment is there, has what is named of it, and reaches the
/// scope.
///
/// # Errors
/// `PolicyAssignmentNotFound`, or `InvalidCreatePolicyExemptionRequest`.
pub fn check_exemption(snapshot: &Snapshot, id: &ResourceId, body: &Value) -> Result<(), ArmError> {
    let properties = properties(body);
    let exemption = Exemption::parse(properties)?;
    let refuse = |path: &str, message: String| {
        ArmError::new(ErrorCode::InvalidCreatePolicyExemptionRequest, message)
            .on(format!("properties.{path}"))
    };
    let assignment = ResourceId::parse(&exemption.assignment_id)
        .ok()
        .and_then(|assignment| snapshot.get(&assignment));
    let Some(assignment) =
        assignment.filter(|row| row.id.resource_type().eq_ignore_ascii_case(super::ASSIGNMENTS))
    else {
        let message = format!(
            "The policy assignment '{}' could not be found.",
            exemption.assignment_id
        );
        return Err(
            ArmError::new(ErrorCode::PolicyAssignmentNotFound, message).on("properties.policyAssignmentId")
        );
    };
    let at = id.scope().unwrap_or_else(ResourceId::tenant);
    let assigned_at = assignment.id.scope().unwrap_or_else(ResourceId::tenant);
    let is_unchecked = properties["assignmentScopeValidation"]
        .as_str()
        .is_some_and(|word| word.eq_ignore_ascii_case("DoNotValidate"));
    if !is_unchecked && !scopes(snapshot, &at, None).contains(&assigned_at) {
        return Err(refuse(
            "policyAssignmentId",
            format!(
                "The policy assignment '{}' stands at '{assigned_at}' and does not reach '{at}'.",
                assignment.id
            ),
        ));
    }
    let members: Vec<String> = Assignment::bind(
        assignment.id.as_str(),
        self::properties(&assignment.sent),
        snapshot.policies(),
    )
    .map(|bound| {
        bound
            .policies
            .iter()
            .filter_map(|policy| policy.reference_id().map(str::to_owned))
            .collect()
    })
    .unwrap_or_default();
    let unknown = exemption
        .reference_ids
        .iter()
        .find(|named| !members.iter().any(|member| member.eq_ignore_ascii_case(named)));
    unknown.map_or(Ok(()), |named| {
        let message = format!(
            "The policy assignment '{}' assigns nothing called '{named}'.",
            assignment.id.name()
        );
        Err(refuse("policyDefinitionReferenceIds", message))
    })
}

/// What the members of a set are called, in their order; empty where the set cannot be read.
#[must_use]
pub fn reference_names(body: &Value) -> Vec<String> {
    let set = Initiative::parse(properties(body));
    set.map(|set| {
        set.members
            .into_iter()
            .map(|member| member.reference_id)
            .collect()
    })
    .unwrap_or_default()
}

fn properties(body: &Value) -> &Value {
    body.get("properties").unwrap_or(&Value::Null)
}

/// A definition can be used where it stands and below; one that is ready-made, everywhere.
fn check_reference(snapshot: &Snapshot, named: &str, by: &ResourceId, path: &str) -> Result<(), ArmError> {
    let id = ResourceId::parse(named).ok();
    let found = id
        .and_then(|id| find(snapshot, &id))
        .ok_or_else(|| missing(named, path))?;
    let stands_at = found.id.scope().unwrap_or_else(ResourceId::tenant);
    let used_at = by.scope().unwrap_or_else(ResourceId::tenant);
    if snapshot.roles().scope_contains(&stands_at, &used_at) {
        return Ok(());
    }
    let message = format!(
        "'{}' stands at '{stands_at}' and can be used there and below, not at '{used_at}'.",
        found.id
    );
    Err(ArmError::new(ErrorCode::InvalidScope, message).on(format!("properties.{path}")))
}

fn missing(named: &str, path: &str) -> ArmError {
    let (code, what) = match nave_policy::is_set(named) {
        true => (ErrorCode::PolicySetDefinitionNotFound, "policy set definition"),
        false => (ErrorCode::PolicyDefinitionNotFound, "policy definition"),
    };
    ArmError::new(code, format!("The {what} '{named}' could not be found.")).on(format!("properties.{path}"))
}

fn check_left_out(snapshot: &Snapshot, id: &ResourceId, left_out: &str, at: usize) -> Result<(), ArmError> {
    let here = id.scope().unwrap_or_else(ResourceId::tenant);
    let parsed = ResourceId::parse(left_out).ok();
    if parsed.is_some_and(|left_out| left_out != here && scopes(snapshot, &left_out, None).contains(&here)) {
        return Ok(());
    }
    let message =
        format!("The scope '{left_out}' in 'notScopes' is not below '{here}', where the assignment stands.");
    Err(
        ArmError::new(ErrorCode::InvalidCreatePolicyAssignmentRequest, message)
            .on(format!("properties.notScopes[{at}]")),
    )
}

/// The definitions as they would be after a write.
struct Proposed<'a> {
    index: &'a PolicyIndex,
    id: &'a ResourceId,
    definition: Option<Arc<Definition>>,
    set: Option<Arc<Initiative>>,
}

impl Proposed<'_> {
    fn is_it(&self, id: &str) -> bool {
        id.trim_end_matches('/').eq_ignore_ascii_case(self.id.key())
    }

    /// What is assigned already stays so: a write that would leave an assignment without a value for a parameter, or with
    /// one too many, is refused.
    fn check_assignments(&self) -> Result<(), ArmError> {
        for bound in self
            .index
            .assignments()
            .filter(|bound| self.index.rests_on(bound, self.id.key()))
        {
            let (id, own) = (&bound.resource.id, properties(&bound.resource.sent));
            let before = Assignment::bind(id.as_str(), own, self.index);
            if let (Ok(_), Err(error)) = (before, Assignment::bind(id.as_str(), own, self)) {
                return Err(breaks(id, error));
            }
        }
        Ok(())
    }
}

fn breaks(assignment: &ResourceId, error: PolicyError) -> ArmError {
    let message = format!(
        "The policy assignment '{assignment}' could not go on with this definition: {}. Give new parameters a default value.",
        error.message
    );
    ArmError::new(error.code, message)
}

impl Definitions for Proposed<'_> {
    fn definition(&self, id: &str, version: Option<&str>) -> Option<Arc<Definition>> {
        let own = self.definition.as_ref().filter(|_| self.is_it(id)).cloned();
        own.or_else(|| self.index.definition(id, version))
    }

    fn initiative(&self, id: &str, version: Option<&str>) -> Option<Arc<Initiative>> {
        let own = self.set.as_ref().filter(|_| self.is_it(id)).cloned();
        own.or_else(|| self.index.initiative(id, version))
    }
}
