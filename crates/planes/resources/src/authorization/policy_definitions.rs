//! `Microsoft.Authorization/policyDefinitions`: rules about resources, ready-made ones and those that users write.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Registry, Resource,
    decision::Need,
    declaration::{Asked, Cx, Declaration, Draft, Erased, Placement, ResourceType, Verb, Written},
    policy::{self, DEFINITIONS},
};
use serde_json::Value;

use super::policy_library as library;

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(PolicyDefinitions);
    registry.add_routes(library::definition_routes());
}

struct PolicyDefinitions;

static DECLARATION: Declaration = Declaration {
    resource_type: DEFINITIONS,
    api_versions: library::API_VERSIONS,
    placement: Placement::Anywhere,
    name: library::NAME,
    verbs: &[Verb::Get, Verb::Put(201, 201), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for PolicyDefinitions {
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
        policy::check_definition(cx.snapshot, &draft.id, &draft.body)?;
        Ok(library::written(cx, draft))
    }

    fn view(&self, _: &Cx<'_>, definition: &Resource) -> Value {
        library::view(definition)
    }

    fn erase(&self, cx: &Cx<'_>, definition: &Resource) -> Result<Erased, ArmError> {
        let code = ErrorCode::InvalidDeletePolicyDefinitionRequest;
        library::check_unused(cx, definition, code, "policy definition")
    }
}
