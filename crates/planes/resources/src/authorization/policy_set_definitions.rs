//! `Microsoft.Authorization/policySetDefinitions`: definitions that are assigned together, also called initiatives.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Registry, Resource,
    decision::Need,
    declaration::{Asked, Cx, Declaration, Draft, Erased, Placement, ResourceType, Verb, Written},
    policy::{self, SET_DEFINITIONS},
};
use serde_json::Value;

use super::policy_library as library;

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(PolicySetDefinitions);
    registry.add_routes(library::set_routes());
}

struct PolicySetDefinitions;

static DECLARATION: Declaration = Declaration {
    resource_type: SET_DEFINITIONS,
    api_versions: library::API_VERSIONS,
    placement: Placement::Anywhere,
    name: library::NAME,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for PolicySetDefinitions {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, _: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        Ok(library::ways(asked, own))
    }

    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        policy::find(cx.snapshot, id)
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        library::check_place(&draft.id)?;
        library::check_custom(&draft.body)?;
        policy::check_set(cx.snapshot, &draft.id, &draft.body)?;
        let mut written = library::written(cx, draft);
        library::name_references(&mut written.sent);
        Ok(written)
    }

    fn view(&self, _: &Cx<'_>, set: &Resource) -> Value {
        library::view(set)
    }

    fn erase(&self, cx: &Cx<'_>, set: &Resource) -> Result<Erased, ArmError> {
        let code = ErrorCode::InvalidDeletePolicySetDefinitionRequest;
        library::check_unused(cx, set, code, "policy set definition")
    }
}
