//! PUT: always 201, on creation and on update; nothing else is what the clients accept (client contract 3, 8.1).

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Change, CommitError, Expect, Grant, Put, Reply, Write,
    operation::Surface,
    rbac::{Catalogue, role_rules},
    route::Call,
};
use serde_json::{Value, json};

use super::{TRIES, WRITE, rules, stored_id, view};
use crate::{body, scope};

pub(super) async fn put(call: Call) -> Result<Reply, ArmError> {
    let id = call.grant.id();
    scope::check(
        &call.engine.snapshot(),
        &id.scope().unwrap_or_else(ResourceId::tenant),
    )?;
    let properties = body::properties(&call.request.json()?)?;
    let mut last = CommitError::Raced;
    for _ in 0..TRIES {
        match attempt(&call, &properties).await {
            Err(CommitError::Refused(error)) => return Err(error),
            // somebody else was first: with this role, or with its name
            Err(overtaken) => last = overtaken,
            Ok(reply) => return Ok(reply),
        }
    }
    Err(last.into())
}

async fn attempt(call: &Call, properties: &Value) -> Result<Reply, CommitError> {
    let Call {
        engine,
        grant,
        request,
        ..
    } = call;
    let (id, caller) = (grant.id(), grant.caller());
    let snapshot = engine.snapshot();
    let role = rules::guid(id)?;
    let wanted = role_rules::check(snapshot.roles(), role, properties, Catalogue::built_in())?;
    let before = snapshot.roles().definition(role);
    let assignable = before
        .into_iter()
        .chain([&wanted])
        .flat_map(|role| &role.assignable_scopes);
    let needs = rules::needs(WRITE, id, assignable);
    let grant: Grant<Write> = engine
        .authorize(caller, Surface::Arm, vec![needs], id, request)
        .await?;
    let existing = snapshot.get(&stored_id(role));
    let mut put = Put::new(stored_id(role), json!({ "properties": properties }));
    put.own = super::super::signed_by(caller, existing.map(AsRef::as_ref));
    put.claims = vec![format!("rolename:{}", wanted.role_name.to_lowercase())];
    put.expect = existing.map_or(Expect::Absent, |existing| Expect::Etag(existing.etag.clone()));
    let change = Change {
        puts: vec![put],
        ..Change::default()
    };
    engine.commit_for(&grant, change, request.correlation_id).await?;
    let now = engine.snapshot();
    let stored = now.roles().definition(role).unwrap_or(&wanted);
    Ok(Reply::json(201, view(&now, stored, id)))
}
