//! `Microsoft.Insights/diagnosticSettingsCategories`: what a setting on a resource may name.

use std::sync::Arc;

use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    History, Request, Resource,
    declaration::{Cx, Declaration, Placement, ResourceType, Verb},
};
use serde_json::json;

use crate::categories::{self, Category, GROUPS};

pub(crate) struct DiagnosticSettingsCategories;

const NAME: &str = "Microsoft.Insights/diagnosticSettingsCategories";

static DECLARATION: Declaration = Declaration {
    resource_type: NAME,
    api_versions: &["2021-05-01-preview", "2017-05-01-preview"],
    placement: Placement::Anywhere,
    verbs: &[Verb::Get, Verb::List],
    tracked: false,
    ..Declaration::COMMON
};

impl ResourceType for DiagnosticSettingsCategories {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        let scope = id.scope()?;
        let named = |category: &&Category| category.name.eq_ignore_ascii_case(id.name());
        of_scope(&scope)
            .iter()
            .find(named)
            .map(|category| shown(cx, &scope, category))
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        _: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let all = of_scope(under).iter().map(|category| shown(cx, under, category));
        Ok(Some(all.collect()))
    }
}

/// The categories that a setting at a scope may name.
pub(crate) fn of_scope(scope: &ResourceId) -> &'static [Category] {
    let is_resource = !scope.is_tenant()
        && !scope.is_subscription()
        && !scope.is_resource_group()
        && !scope
            .resource_type()
            .eq_ignore_ascii_case("Microsoft.Management/managementGroups");
    categories::of_type(is_resource.then(|| scope.resource_type()).as_deref())
}

fn shown(cx: &Cx<'_>, scope: &ResourceId, category: &Category) -> Arc<Resource> {
    let includes = |group: &&Category| category.holds.iter().any(|kind| group.holds.contains(kind));
    let groups: Vec<&str> = GROUPS.iter().filter(includes).map(|group| group.name).collect();
    let history = History {
        created_at: cx.now,
        created_by: String::from("nave"),
        updated_at: cx.now,
        updated_by: String::from("nave"),
    };
    Arc::new(Resource {
        id: scope.extension(NAME, category.name),
        sent: json!({ "properties": { "categoryType": "Logs", "categoryGroups": groups } }),
        own: json!({}),
        sealed: None,
        etag: String::new(),
        claims: Vec::new(),
        history,
    })
}
