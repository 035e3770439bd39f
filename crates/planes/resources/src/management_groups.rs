//! `Microsoft.Management/managementGroups`: the tree above subscriptions, and what roles at its groups reach.
//!
//! The tree begins when somebody makes the first group: then the root group, which has the tenant's id for its name,
//! is made along with it, and every subscription is in it. A group's row names its parent; which subscriptions are
//! directly in a group stands in the row too, so that a move is one commit of two rows.
//!
//! Who may: a new group takes the right to write at the group it will be in, the root included, which is Azure with
//! "require authorization for group creation" on. A move takes, besides, the right to give roles at what moves and to
//! write at the groups it leaves and enters; the root asks nothing of who leaves or enters it. (management groups
//! overview, "Moving management groups and subscriptions")

mod backfill;
mod descendants;
mod entities;
mod names;
mod settings;
mod show;
mod subscriptions;
mod tree;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Registry, Resource,
    decision::Need,
    declaration::{
        Also, Asked, Cx, Declaration, Draft, Erased, NameRule, Placement, ResourceType, Verb, Written,
    },
};
use serde_json::{Value, json};

use crate::unchanged;
pub(crate) use settings::default_group;
pub(crate) use tree::{enter, group_of};

/// The type's name.
pub(crate) const MANAGEMENT_GROUPS: &str = "Microsoft.Management/managementGroups";

const WRITE: &str = "Microsoft.Management/managementGroups/write";
const GIVE_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(ManagementGroups);
    registry.add_type(settings::Settings);
    registry.add_routes(show::routes());
    registry.add_routes(subscriptions::routes());
    registry.add_routes(descendants::routes());
    registry.add_routes(entities::routes());
    registry.add_routes(names::routes());
    registry.add_routes(backfill::routes());
}

struct ManagementGroups;

static DECLARATION: Declaration = Declaration {
    resource_type: MANAGEMENT_GROUPS,
    api_versions: &[
        "2023-04-01",
        "2021-04-01",
        "2020-10-01",
        "2020-05-01",
        "2020-02-01",
        "2018-03-01-preview",
    ],
    placement: Placement::Tenant,
    name: NameRule {
        min: 1,
        max: 90,
        first: |c| c.is_ascii_alphanumeric(),
        rest: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '(' | ')' | '.'),
        words: "1 to 90 letters, digits, hyphens, underscores, parentheses and periods, the first a letter or digit",
    },
    // GET of one is a route: clients ask for the children along with it
    verbs: &[Verb::List, Verb::Put(200, 200), Verb::Patch, Verb::Delete(204)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for ManagementGroups {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        Ok(vec![match asked {
            Asked::Write(draft) => needs_to_write(cx, draft, own),
            Asked::Read(_) | Asked::Delete(_) | Asked::Act(..) => vec![own],
        }])
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let root = tree::root(cx.site);
        let parent = (draft.id != root)
            .then(|| wanted_parent(cx, &draft))
            .transpose()?;
        match &parent {
            Some(parent) => tree::check_place(cx, &draft.id, parent)?,
            None => refuse_root_parent(&draft)?,
        }
        let display_name = wanted_name(&draft);
        let mut written = Written::plain(draft);
        written.sent = json!({ "properties": {
            "displayName": display_name, "details": { "parent": parent.map(|parent| json!({ "id": parent })) },
        } });
        // where a group stands depends on every other one
        written.guards = vec![unchanged::since(
            cx.snapshot,
            MANAGEMENT_GROUPS,
            &ResourceId::tenant(),
        )];
        if cx.snapshot.get(&root).is_none() {
            written.also.push(Also::Row(tree::root_row(cx)));
        }
        Ok(written)
    }

    fn view(&self, cx: &Cx<'_>, group: &Resource) -> Value {
        show::group(cx, group)
    }

    fn erase(&self, cx: &Cx<'_>, group: &Resource) -> Result<Erased, ArmError> {
        tree::check_empty(cx, group)?;
        Ok(Erased {
            also: Vec::new(),
            guards: vec![unchanged::since(
                cx.snapshot,
                MANAGEMENT_GROUPS,
                &ResourceId::tenant(),
            )],
        })
    }
}

/// A new group needs the right to write where it will be; one that stays, at itself; one that moves, at everything the
/// move is about.
fn needs_to_write(cx: &Cx<'_>, draft: &Draft, own: Need) -> Vec<Need> {
    let root = tree::root(cx.site);
    // what is no parent is refused when it is written
    let parent = wanted_parent(cx, draft).unwrap_or_else(|_| root.clone());
    let Some(existing) = draft.existing.as_deref() else {
        return vec![Need::action(WRITE, parent)];
    };
    let present = tree::parent(existing).unwrap_or_else(|| root.clone());
    if existing.id == root || present == parent {
        return vec![own];
    }
    let ends = [present, parent].into_iter().filter(|end| *end != root);
    let at_the_ends = ends.map(|end| Need::action(WRITE, end).linked());
    let give_roles = Need::action(GIVE_ROLES, draft.id.clone()).linked();
    [own, give_roles].into_iter().chain(at_the_ends).collect()
}

/// The parent a body asks for: PUT names it among the details, PATCH by itself; else the present one, else the root.
fn wanted_parent(cx: &Cx<'_>, draft: &Draft) -> Result<ResourceId, ArmError> {
    let asked = ["/parentGroupId", "/properties/details/parent/id"]
        .into_iter()
        .filter_map(|pointer| draft.body.pointer(pointer)?.as_str())
        .find(|text| !text.trim().is_empty());
    match asked {
        Some(text) => tree::read_id(text),
        None => Ok(draft
            .existing
            .as_deref()
            .and_then(tree::parent)
            .unwrap_or_else(|| tree::root(cx.site))),
    }
}

fn wanted_name(draft: &Draft) -> String {
    let asked = ["/displayName", "/properties/displayName"]
        .into_iter()
        .filter_map(|pointer| draft.body.pointer(pointer)?.as_str())
        .find(|text| !text.trim().is_empty());
    asked.unwrap_or_else(|| draft.id.name()).to_owned()
}

fn refuse_root_parent(draft: &Draft) -> Result<(), ArmError> {
    let parent = draft
        .body
        .pointer("/parentGroupId")
        .filter(|parent| !parent.is_null());
    match parent {
        None => Ok(()),
        Some(_) => Err(ArmError::new(
            ErrorCode::InvalidResourceProperties,
            format!(
                "The group '{}' is the root of the hierarchy and has no parent.",
                draft.id.name()
            ),
        )
        .on("parentGroupId")),
    }
}
