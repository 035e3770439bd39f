//! `Microsoft.MachineLearningServices/workspaces`: hubs, projects and plain workspaces.

mod act;
mod body;
pub(crate) mod connections;
mod deleted;
mod dependents;
mod hub;
mod identity;
mod kind;
mod links;
pub(crate) mod project;
mod view;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Guard, Reply, Request, Resource, assigned_identities,
    decision::Need,
    declaration::{
        ActCall, Action, Also, Asked, Cx, Declaration, Draft, Erased, NameRule, ResourceType, Verb, Written,
    },
};
use serde_json::Value;

pub(crate) use hub::CREATION;
pub(crate) use kind::Kind;

use crate::{API_VERSIONS, WORKSPACES, inheritance::projects_of};

/// The type.
pub(crate) struct Workspaces;

/// The rule for the names of workspaces.
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
        "/properties/hubResourceId",
        "/properties/storageAccount",
        "/properties/keyVault",
        "/properties/encryption/status",
        "/properties/encryption/keyVaultProperties/keyVaultArmId",
    ],
    soft_delete: Some(&deleted::KEPT),
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

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        write::write(cx, draft)
    }

    fn inherited(&self, cx: &Cx<'_>, draft: &Draft) -> Value {
        project::inherited(cx.snapshot, draft)
    }

    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        let mut body = view::view(cx, resource);
        assigned_identities::show(cx.snapshot, &mut body);
        body
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

    /// What a hub's and a project's identities and members have follows from where the hub and the project are.
    fn stays(&self, _: &Cx<'_>, workspace: &Resource) -> Option<String> {
        let why = match Kind::of(workspace) {
            Kind::Default => return None,
            Kind::Hub => {
                "a hub's identity manages the group the hub is in, and its projects belong to it there; create a hub at \
                 the target, and its projects anew"
            }
            Kind::Project => {
                "a project's members have their rights at its group and its hub; create the project anew at the target"
            }
        };
        Some(why.to_owned())
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

    fn recover(&self, cx: &Cx<'_>, workspace: &Resource) -> Result<Vec<Guard>, ArmError> {
        deleted::check_recovery(cx, workspace)
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        act::act(action, &call)
    }
}

fn no_new_project(cx: &Cx<'_>) -> Guard {
    Guard::Unchanged {
        type_key: WORKSPACES.to_lowercase(),
        under: ResourceId::tenant().key().to_owned(),
        since: cx.snapshot.revision(),
    }
}
