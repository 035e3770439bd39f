//! `Microsoft.MachineLearningServices/workspaces`: hubs, projects and plain workspaces.

mod act;
mod body;
pub(crate) mod connections;
mod dependents;
mod hub;
mod identity;
mod kind;
mod links;
pub(crate) mod project;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Guard, Reply, Request, Resource,
    decision::Need,
    declaration::{
        ActCall, Action, Also, Asked, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Verb, Written,
    },
    workspaces::guid_claim,
};
use serde_json::{Value, json};

pub(crate) use kind::Kind;

use crate::{
    API_VERSIONS, WORKSPACES, assignments,
    inheritance::{agrees, effective, projects_of},
};

/// The type.
pub(crate) struct Workspaces;

/// The rule for the names of workspaces and connections.
pub(crate) const NAME: NameRule = NameRule {
    min: 3,
    max: 33,
    first: |c| c.is_ascii_alphanumeric(),
    rest: |c| c.is_ascii_alphanumeric() || c == '-' || c == '_',
    words: "3 to 33 letters, digits, '-' and '_', beginning with a letter or digit",
};

static DECLARATION: Declaration = Declaration {
    resource_type: WORKSPACES,
    api_versions: API_VERSIONS,
    name: NAME,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: act::ACTIONS,
    immutable: &[
        "/kind",
        "/properties/hubResourceId",
        "/properties/storageAccount",
        "/properties/keyVault",
        "/properties/encryption/status",
        "/properties/encryption/keyVaultProperties/keyVaultArmId",
    ],
    ..Declaration::COMMON
};

#[async_trait]
impl ResourceType for Workspaces {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    /// A body that cannot be read asks for the plain right to write: who has it is told what is wrong.
    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let Asked::Write(draft) = asked else {
            return Ok(vec![vec![own]]);
        };
        let Ok(body) = body::normalised(draft.body.clone()) else {
            return Ok(vec![vec![own]]);
        };
        Ok(match Kind::asked(&body, draft.existing.as_deref()) {
            Ok(Kind::Hub) => vec![hub::needs(draft, &body, own)],
            Ok(Kind::Project) => project::ways(cx.snapshot, draft, &body, own),
            Ok(Kind::Default) => {
                let linked = links::needs(&body, draft.existing.as_deref());
                vec![std::iter::once(own).chain(linked).collect()]
            }
            Err(_) => vec![vec![own]],
        })
    }

    /// A project is where its hub is.
    fn location(&self, cx: &Cx<'_>, draft: &Draft) -> Option<String> {
        let body = body::normalised(draft.body.clone()).ok()?;
        let place = match Kind::asked(&body, draft.existing.as_deref()).ok()? {
            Kind::Project => project::hub(cx.snapshot, &body, draft.existing.as_deref()).ok()?,
            Kind::Hub | Kind::Default => cx.snapshot.get(&draft.id.resource_group_id()?)?.clone(),
        };
        place.text("/location").map(str::to_owned)
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        let existing = draft.existing.clone();
        let mut body = body::normalised(std::mem::take(&mut draft.body))?;
        let kind = Kind::asked(&body, existing.as_deref())?;
        if let Some(existing) = &existing {
            check_immutable(&body, existing)?;
        }
        let hub = match kind {
            Kind::Project => Some(project::hub(cx.snapshot, &body, existing.as_deref())?),
            Kind::Hub => hub::check(cx.snapshot, &draft, &body).map(|()| None)?,
            Kind::Default => None,
        };
        match &hub {
            Some(hub) => project::inherit(hub, &mut body)?,
            None => refuse_hub(&body)?,
        }
        links::check(cx.snapshot, &body, existing.as_deref())?;
        let (mut own, workspace_id) = own_part(cx, kind, existing.as_deref());
        let (identity, mut also) = identity::settle(cx, &draft.id, &body, &mut own);
        let created = existing.is_none();
        let mut guards = Vec::new();
        match &hub {
            Some(hub) => {
                also.extend(project::brings(
                    cx,
                    &draft.id,
                    hub,
                    &identity,
                    (created, &workspace_id),
                ));
                guards.push(project::guard(hub));
            }
            None if kind == Kind::Hub => {
                also.extend(hub::administer(cx, &draft, &body, &identity));
                if created {
                    also.extend(dependents::make(
                        cx,
                        &draft.id,
                        &body,
                        &mut own,
                        cx.world.new_id(),
                    ));
                    also.extend(assignments::creator_owns(cx, &draft.id));
                }
            }
            None => {}
        }
        draft.body = body;
        let claims = vec![guid_claim(&workspace_id)];
        Ok(Written {
            own,
            claims,
            also,
            guards,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        view::view(cx, resource)
    }

    /// `?kind=hub,project` narrows a list.
    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let Some(kinds) = request.query("kind").filter(|kinds| !kinds.is_empty()) else {
            return Ok(None);
        };
        let wanted: Vec<String> = kinds.split(',').map(|kind| kind.trim().to_lowercase()).collect();
        let listed = cx.snapshot.of_type(WORKSPACES).filter(|workspace| {
            under.contains(&workspace.id) && wanted.contains(&Kind::of(workspace).word().to_lowercase())
        });
        Ok(Some(listed.cloned().collect()))
    }

    /// A hub's projects go with it. Storage, vault and insights stay: their data is not the hub's to delete.
    fn erase(&self, cx: &Cx<'_>, resource: &Resource) -> Result<Erased, ArmError> {
        let mut also: Vec<Also> = projects_of(cx.snapshot, &resource.id)
            .map(|project| Also::Erase(project.id.clone()))
            .collect();
        also.extend(identity::end(cx, resource));
        let guards = match Kind::of(resource) {
            Kind::Hub => vec![no_new_project(cx)],
            Kind::Project | Kind::Default => Vec::new(),
        };
        Ok(Erased { also, guards })
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        act::act(action, &call)
    }
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
    let (settled, more): (&[&str], &[&str]) = match Kind::of(existing) {
        Kind::Project => (&["/kind", "/properties/hubResourceId"], &[]),
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

fn no_new_project(cx: &Cx<'_>) -> Guard {
    Guard::Unchanged {
        type_key: WORKSPACES.to_lowercase(),
        under: ResourceId::tenant().key().to_owned(),
        since: cx.snapshot.revision(),
    }
}
