//! `Microsoft.Insights/diagnosticSettings`: which events of a resource, and of what is below it, go where. On a group, a
//! subscription, a management group or the tenant it is about the activity log.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    EventKind, Fields, Request, Resource, Snapshot,
    decision::Need,
    declaration::{Asked, Cx, Declaration, Draft, NameRule, Placement, ResourceType, Verb, Written},
    missing::not_found,
};
use serde_json::Value;

use crate::{
    categories::{Category, GROUPS},
    diagnostic_settings_categories::of_scope,
    health::Health,
    sinks::SINKS,
};

/// The type's name.
pub(crate) const SETTINGS: &str = "Microsoft.Insights/diagnosticSettings";

/// The member of `properties` that tells how deliveries go. It is read-only, and no part of what is stored.
const STATUS: &str = "deliveryStatus";

/// How many settings one resource may have.
const MOST: usize = 5;

static DECLARATION: Declaration = Declaration {
    resource_type: SETTINGS,
    api_versions: &["2021-05-01-preview", "2017-05-01-preview"],
    placement: Placement::Anywhere,
    name: NameRule {
        rest: |c| !"<>*%&:\\?+/".contains(c),
        words: "1 to 260 characters, none of them < > * % & : \\ ? + /",
        ..NameRule::ANY
    },
    verbs: &[Verb::Get, Verb::List, Verb::Put(200, 200), Verb::Delete(200)],
    tracked: false,
    ..Declaration::COMMON
};

pub(crate) struct DiagnosticSettings {
    health: Arc<Health>,
}

/// Where the events of a setting go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Files under a storage account's name.
    Storage(ResourceId),
    /// Files under a log workspace's name.
    Workspace(ResourceId),
    /// A sink.
    Sink(ResourceId),
}

/// A member that names a destination, what the caller must be allowed to do there, and what it then is.
type Named = (&'static str, &'static str, fn(ResourceId) -> Destination);

/// The members that name a destination.
const DESTINATIONS: [Named; 3] = [
    (
        "storageAccountId",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        Destination::Storage,
    ),
    (
        "workspaceId",
        "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
        Destination::Workspace,
    ),
    (
        "marketplacePartnerId",
        "Nave.Monitor/sinks/join/action",
        Destination::Sink,
    ),
];

impl DiagnosticSettings {
    pub(crate) fn new(health: Arc<Health>) -> Self {
        Self { health }
    }
}

impl ResourceType for DiagnosticSettings {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    /// Whoever sends events to a place must be allowed to put something there.
    fn ways(&self, _: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let mut needs = vec![own];
        if let Asked::Write(draft) = asked {
            for (name, action, _) in DESTINATIONS {
                let linked = Fields(&draft.body).link(&format!("/properties/{name}"))?;
                needs.extend(linked.map(|id| Need::action(action, id).linked()));
            }
        }
        Ok(vec![needs])
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        if let Some(properties) = draft.body["properties"].as_object_mut() {
            properties.remove(STATUS);
        }
        let scope = draft.id.scope().unwrap_or_else(ResourceId::tenant);
        check_logs(&draft.body, of_scope(&scope))?;
        check_destinations(cx.snapshot, &draft.body)?;
        let others = at(cx.snapshot, &scope).filter(|other| other.id != draft.id);
        if draft.existing.is_none() && others.count() >= MOST {
            return Err(ArmError::new(
                ErrorCode::Conflict,
                format!("'{scope}' has {MOST} diagnostic settings already, which is the most it can have."),
            ));
        }
        Ok(Written::plain(draft))
    }

    fn view(&self, _: &Cx<'_>, setting: &Resource) -> Value {
        let mut body = setting.envelope();
        body["properties"][STATUS] = self.health.shown(&setting.id);
        body
    }

    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        _: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        Ok(Some(at(cx.snapshot, under).cloned().collect()))
    }
}

/// The settings at exactly a scope.
fn at<'a>(
    snapshot: &'a Snapshot,
    scope: &'a ResourceId,
) -> impl Iterator<Item = &'a Arc<Resource>> + use<'a> {
    snapshot
        .of_type(SETTINGS)
        .filter(move |setting| setting.id.scope().as_ref() == Some(scope))
}

/// A setting as it is carried out.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) id: ResourceId,
    pub(crate) scope: ResourceId,
    /// The categories that are on, with the kinds of events that go into each.
    pub(crate) on: Vec<(String, Vec<EventKind>)>,
    pub(crate) destinations: Vec<Destination>,
}

impl Setting {
    /// Reads a stored setting.
    pub(crate) fn of(resource: &Resource) -> Self {
        let scope = resource.id.scope().unwrap_or_else(ResourceId::tenant);
        let categories = of_scope(&scope);
        let logs = resource.value("/properties/logs").and_then(Value::as_array);
        let entries = logs
            .into_iter()
            .flatten()
            .filter(|entry| entry["enabled"].as_bool().unwrap_or(false));
        let on = entries.filter_map(|entry| {
            let (name, among) = named(entry, categories)?;
            let category = among
                .iter()
                .find(|category| category.name.eq_ignore_ascii_case(name))?;
            Some((category.name.to_owned(), category.holds.to_vec()))
        });
        Self {
            on: on.collect(),
            destinations: destinations(&resource.sent),
            id: resource.id.clone(),
            scope,
        }
    }

    /// The category an event goes into by this setting, the first that takes it.
    pub(crate) fn category(&self, kind: EventKind) -> Option<&str> {
        let takes = |(_, holds): &&(String, Vec<EventKind>)| holds.contains(&kind);
        self.on.iter().find(takes).map(|(name, _)| name.as_str())
    }
}

fn destinations(body: &Value) -> Vec<Destination> {
    let given = DESTINATIONS.iter().filter_map(|(name, _, make)| {
        let id = Fields(body).link(&format!("/properties/{name}")).ok()??;
        Some(make(id))
    });
    given.collect()
}

/// What an entry of `logs` names, and the names it may be one of.
fn named<'a>(entry: &'a Value, categories: &'static [Category]) -> Option<(&'a str, &'static [Category])> {
    let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
    match (text("category"), text("categoryGroup")) {
        (Some(category), None) => Some((category, categories)),
        (None, Some(group)) => Some((group, GROUPS)),
        _ => None,
    }
}

fn check_logs(body: &Value, categories: &'static [Category]) -> Result<(), ArmError> {
    let logs = Fields(body).value("/properties/logs");
    let entries = match logs {
        None => &[][..],
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            return Err(bad(
                "properties.logs",
                "The property 'properties.logs' is an array.",
            ));
        }
    };
    for entry in entries {
        let Some((name, among)) = named(entry, categories) else {
            return Err(bad(
                "properties.logs",
                "Each entry of 'properties.logs' names either a 'category' or a 'categoryGroup'.",
            ));
        };
        if !among
            .iter()
            .any(|category| category.name.eq_ignore_ascii_case(name))
        {
            let known: Vec<&str> = among.iter().map(|category| category.name).collect();
            let message = format!(
                "Category '{name}' is not supported. Supported here are '{}'.",
                known.join("', '")
            );
            return Err(bad("properties.logs", &message));
        }
    }
    Ok(())
}

fn check_destinations(snapshot: &Snapshot, body: &Value) -> Result<(), ArmError> {
    for name in ["eventHubAuthorizationRuleId", "serviceBusRuleId", "eventHubName"] {
        if Fields(body).value(&format!("/properties/{name}")).is_some() {
            let message = format!(
                "'{name}' cannot be served: there are no event hubs here. Send to a storage account, to a log workspace, or \
                 to a sink ({SINKS}), named as 'marketplacePartnerId'."
            );
            return Err(bad(&format!("properties.{name}"), &message));
        }
    }
    let given = destinations(body);
    if given.is_empty() {
        return Err(bad(
            "properties",
            "A diagnostic setting needs a destination: 'storageAccountId', 'workspaceId', or the id of a sink as \
             'marketplacePartnerId'.",
        ));
    }
    for destination in &given {
        let (id, wanted) = match destination {
            Destination::Storage(id) => (id, "Microsoft.Storage/storageAccounts"),
            Destination::Workspace(id) => (id, "Microsoft.OperationalInsights/workspaces"),
            Destination::Sink(id) => (id, SINKS),
        };
        if !id.resource_type().eq_ignore_ascii_case(wanted) {
            let message = format!("'{id}' is not of the type '{wanted}'.");
            return Err(bad("properties", &message));
        }
        if snapshot.get(id).is_none() {
            return Err(not_found(id));
        }
    }
    Ok(())
}

fn bad(target: &str, message: &str) -> ArmError {
    ArmError::new(ErrorCode::BadRequest, message).on(target)
}
