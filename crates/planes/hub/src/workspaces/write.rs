//! Writing a workspace: what is checked, and what comes with it.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Resource,
    declaration::{Cx, Draft, Written},
    workspaces::guid_claim,
};
use serde_json::{Value, json};

use super::{DECLARATION, Kind, body, deleted, hub, identity, links, project};
use crate::inheritance::{agrees, effective};

/// What a body is written as.
enum Role {
    Hub,
    /// With the hub it belongs to.
    Project(Arc<Resource>),
    Plain,
}

pub(super) fn write(cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
    let mut body = body::normalised(std::mem::take(&mut draft.body))?;
    let kind = Kind::asked(&body, draft.existing.as_deref())?;
    let role = check(cx, kind, &draft, &mut body)?;
    let (mut own, guid) = own_part(cx, kind, draft.existing.as_deref());
    let (identity, mut also) = identity::settle(cx, &draft.id, &body, &mut own);
    let (brought, guards) = match &role {
        Role::Hub => (hub::brings(cx, &draft, &body, &identity, &mut own), Vec::new()),
        Role::Project(hub) => (
            project::brings(cx, &draft, hub, &identity, &guid),
            vec![project::guard(hub)],
        ),
        Role::Plain => (Vec::new(), Vec::new()),
    };
    also.extend(brought);
    draft.body = body;
    Ok(Written {
        own,
        claims: vec![guid_claim(&guid)],
        also,
        guards,
        ..Written::plain(draft)
    })
}

/// Refuses what cannot be, and takes out of a project's body what it has from its hub.
fn check(cx: &Cx<'_>, kind: Kind, draft: &Draft, body: &mut Value) -> Result<Role, ArmError> {
    let existing = draft.existing.as_deref();
    if let Some(existing) = existing {
        check_immutable(body, existing)?;
    }
    let role = match kind {
        Kind::Project => Role::Project(project::hub(cx.snapshot, body, existing)?),
        Kind::Hub => Role::Hub,
        Kind::Default => Role::Plain,
    };
    match &role {
        Role::Project(hub) => project::inherit(hub, body)?,
        Role::Hub => refuse_hub(body).and_then(|()| hub::check(cx.snapshot, draft, body))?,
        Role::Plain => refuse_hub(body)?,
    }
    links::check(cx.snapshot, body, existing)?;
    deleted::check(body)?;
    Ok(role)
}

/// nave's part of a workspace: what is there, with what is missing filled in. Linked resources that a client leaves
/// out of a later PUT stay linked.
fn own_part(cx: &Cx<'_>, kind: Kind, existing: Option<&Resource>) -> (Value, String) {
    let mut own = existing.map_or_else(|| json!({}), |existing| existing.own.clone());
    own["kind"] = kind.word().into();
    if own["properties"]["workspaceId"].is_null() {
        own["properties"]["workspaceId"] = json!(cx.world.new_id());
    }
    for name in ["hubResourceId", "storageAccount", "keyVault"] {
        let kept = existing.and_then(|existing| existing.value(&format!("/properties/{name}")));
        if let Some(kept) = kept {
            own["properties"][name] = kept.clone();
        }
    }
    let guid = own["properties"]["workspaceId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (own, guid)
}

/// The engine compares what is written in documented names and types; here the rest is, too. What a project has from
/// its hub is compared with the hub instead.
fn check_immutable(body: &Value, existing: &Resource) -> Result<(), ArmError> {
    let kind = Kind::of(existing);
    let asked = Kind::asked(body, Some(existing))?;
    if asked != kind {
        return Err(kind_stays(existing, kind, asked));
    }
    let (settled, more): (&[&str], &[&str]) = match kind {
        Kind::Project => (&["/properties/hubResourceId"], &[]),
        Kind::Hub | Kind::Default => (DECLARATION.immutable, &["/properties/hbiWorkspace"]),
    };
    for pointer in settled.iter().chain(more) {
        let (Some(given), Some(before)) = (body.pointer(pointer), effective(existing, pointer)) else {
            continue;
        };
        if !agrees(given, Some(&before)) {
            let name = pointer.trim_start_matches('/').replace('/', ".");
            return Err(ArmError::new(
                ErrorCode::PropertyChangeNotAllowed,
                format!(
                    "The property '{name}' of '{}' cannot be changed after creation.",
                    existing.id
                ),
            )
            .on(name));
        }
    }
    Ok(())
}

fn kind_stays(existing: &Resource, kind: Kind, asked: Kind) -> ArmError {
    let (kind, asked) = (kind.word(), asked.word());
    ArmError::new(
        ErrorCode::PropertyChangeNotAllowed,
        format!(
            "The property 'kind' of '{}' is '{kind}' and cannot be changed after creation. Create another workspace of \
             kind '{asked}', and create there again what this one holds.",
            existing.id
        ),
    )
    .on("kind")
}

/// Only a project belongs to a hub.
fn refuse_hub(body: &Value) -> Result<(), ArmError> {
    if body.pointer("/properties/hubResourceId").is_none() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::WorkspaceKindNotSupported,
        "Only a workspace of kind Project belongs to a hub; leave hubResourceId out, or ask for kind 'Project'.",
    )
    .on("properties.hubResourceId"))
}
