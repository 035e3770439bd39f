//! Who acts for an assignment, and what it takes.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Caller, Engine, Resource, Snapshot, assigned_identities, directory, own_identity, policy::PolicyState,
};
use uuid::Uuid;

/// The identity of a state's assignment, as a caller.
pub(super) fn of(engine: &Engine, state: &PolicyState) -> Result<Caller, ArmError> {
    let snapshot = engine.snapshot();
    let principal = principal(&snapshot, &state.assignment).ok_or_else(|| {
        ArmError::new(
            ErrorCode::ResourceIdentityRequired,
            format!(
                "The policy assignment '{}' has no identity to act with. Give it one: \
                 az policy assignment identity assign --system-assigned --name {} --scope {}.",
                state.assignment.id,
                state.assignment.id.name(),
                state.policy().assignment.scope
            ),
        )
    })?;
    Ok(directory::caller(&snapshot, engine.site(), principal))
}

/// The assignment's own principal, else the first identity it was given.
fn principal(snapshot: &Snapshot, assignment: &Resource) -> Option<Uuid> {
    own_identity::principal(assignment).or_else(|| {
        let given = assigned_identities::of(&assignment.sent).next()?;
        snapshot
            .get(&given)?
            .text("/properties/principalId")?
            .parse()
            .ok()
    })
}

/// An error that comes of missing rights, with what would help: the roles that the policy names, at the resource's place.
pub(super) fn advised(
    engine: &Engine,
    state: &PolicyState,
    caller: &Caller,
    mut error: ArmError,
) -> ArmError {
    let Some(refused) = missing_rights(&error) else {
        return error;
    };
    let snapshot = engine.snapshot();
    let roles = state.policy().definition.role_definition_ids();
    let named: Vec<String> = roles.iter().map(|role| name(&snapshot, role)).collect();
    let place = place(&state.resource.id);
    let first = roles
        .first()
        .map_or("<role>", |role| role.rsplit('/').next().unwrap_or_default());
    error.code = ErrorCode::AuthorizationFailed;
    error.message = format!(
        "{refused} The policy needs the role {} for the identity of its assignment '{}'. Assign it: az role assignment \
         create --assignee-object-id {} --assignee-principal-type ServicePrincipal --role {first} --scope {place}.",
        match named.is_empty() {
            true => String::from("it names none for"),
            false => format!("'{}'", named.join("', '")),
        },
        state.assignment.id,
        caller.object_id,
    );
    error
}

/// What was said where rights were missing, in the error or in what it came of.
fn missing_rights(error: &ArmError) -> Option<String> {
    let is_it = |code: &str| matches!(code, "AuthorizationFailed" | "LinkedAuthorizationFailed");
    if is_it(error.code.face().1) {
        return Some(error.message.clone());
    }
    let mut causes: Vec<&nave_arm::Detail> = error.details.iter().collect();
    while let Some(cause) = causes.pop() {
        if is_it(&cause.code) {
            return Some(cause.message.clone());
        }
        causes.extend(&cause.details);
    }
    None
}

/// A role's name, else its id.
fn name(snapshot: &Snapshot, role: &str) -> String {
    let id = role.rsplit('/').next().and_then(|name| name.parse().ok());
    let known = id.and_then(|id: Uuid| snapshot.roles().definition(id));
    known.map_or_else(|| role.to_owned(), |role| role.role_name.clone())
}

/// The narrowest place that policies deploy to: the group, else the subscription.
fn place(resource: &ResourceId) -> ResourceId {
    let group = resource.resource_group_id();
    group
        .or_else(|| resource.subscription_id())
        .unwrap_or_else(|| resource.clone())
}
