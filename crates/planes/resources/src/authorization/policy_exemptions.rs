//! `Microsoft.Authorization/policyExemptions`: what an assignment does not ask of a scope and of what is below it, until
//! a time.

use http::Method;
use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{
    Registry, Reply, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, Declaration, Draft, Placement, ResourceType, Verb, Written},
    operation::{Access, Surface},
    policy::{self, EXEMPTIONS},
    route::{Call, Route},
};
use serde_json::{Value, json};

use super::{policy_library as library, policy_scopes as scopes, policy_shown as shown};
use crate::filter;

const READ: &str = "Microsoft.Authorization/policyExemptions/read";
const EXEMPT: &str = "Microsoft.Authorization/policyAssignments/exempt/action";

pub(super) fn register(registry: &mut Registry) {
    registry.add_type(PolicyExemptions);
    let path = "/{scope}/providers/Microsoft.Authorization/policyExemptions";
    registry.add_routes([Route::new(
        Method::GET,
        path,
        Surface::Arm,
        Access::action(READ),
        list,
    )]);
}

struct PolicyExemptions;

static DECLARATION: Declaration = Declaration {
    resource_type: EXEMPTIONS,
    api_versions: &[
        "2026-01-01",
        "2024-12-01-preview",
        "2022-08-01-preview",
        "2022-07-01-preview",
        "2020-07-01-preview",
    ],
    placement: Placement::Anywhere,
    name: library::NAME,
    verbs: &[Verb::Get, Verb::Put(201, 200), Verb::Patch, Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for PolicyExemptions {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    /// Who exempts needs the right to, where the assignment is (policy-language 9).
    fn ways(&self, _: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let mut needs = vec![own];
        if let Asked::Write(draft) = asked
            && let Some(assignment) = assignment_in(&draft.body)
        {
            needs.push(Need::action(EXEMPT, assignment).linked());
        }
        Ok(vec![needs])
    }

    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        policy::check_exemption(cx.snapshot, &draft.id, &draft.body)?;
        Ok(library::written(cx, draft))
    }

    fn view(&self, _: &Cx<'_>, exemption: &Resource) -> Value {
        view(exemption)
    }
}

fn assignment_in(body: &Value) -> Option<ResourceId> {
    let text = body.pointer("/properties/policyAssignmentId")?.as_str()?;
    ResourceId::parse(text).ok()
}

fn view(exemption: &Resource) -> Value {
    let mut body = exemption.envelope();
    let properties = &mut body["properties"];
    nave_engine::fill(
        properties,
        &json!({ "metadata": {}, "assignmentScopeValidation": "Default" }),
    );
    shown::sign(&mut properties["metadata"], exemption);
    shown::plain(body)
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    let filter = filter::of(&call.request)?;
    filter::check(filter.as_ref(), knows)?;
    let now = call.engine.world().now();
    let holds = |exemption: &Resource, leaf: &Filter| holds(exemption, leaf, now);
    let view = |_: &Snapshot, exemption: &Resource| view(exemption);
    scopes::list(&call, EXEMPTIONS, READ, filter.as_ref(), &holds, &view)
}

fn knows(leaf: &Filter) -> bool {
    let is_unexpired =
        matches!(leaf, Filter::Call { name, argument: None } if name.eq_ignore_ascii_case("excludeExpired"));
    is_unexpired
        || scopes::knows(leaf)
        || filter::equals(leaf)
            .is_some_and(|(property, _)| matches!(property.as_str(), "policyassignmentid" | "name"))
}

fn holds(exemption: &Resource, leaf: &Filter, now: jiff::Timestamp) -> bool {
    let Some((property, wanted)) = filter::equals(leaf) else {
        let expires = exemption.text("/properties/expiresOn");
        let expires = expires.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        return expires.is_none_or(|expires| expires > now);
    };
    match property.as_str() {
        "policyassignmentid" => assignment_in(&exemption.sent) == ResourceId::parse(wanted).ok(),
        _ => exemption.id.name().eq_ignore_ascii_case(wanted),
    }
}
