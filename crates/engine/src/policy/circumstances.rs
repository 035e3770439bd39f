//! What a policy sees: the resource as a GET would show it, its group and subscription, and the request.

use nave_arm::ResourceId;
use nave_policy::{Request, Subject};
use serde_json::{Value, json};

use crate::{
    Caller, CallerKind, Engine, Resource,
    declaration::{Cx, Declaration, Draft, ResourceType},
    resource::fill,
    secrets,
};

const RESOURCE_GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";
const SUBSCRIPTIONS: &str = "Microsoft.Resources/subscriptions";

/// How a write was asked for.
#[derive(Debug, Clone, Default)]
pub struct AsAsked {
    /// The api-version of the request; none where the write follows from another: then the type's newest.
    pub api_version: Option<String>,
    /// Whether it changes tags alone: then only policies that read tags judge it.
    pub tags_only: bool,
}

/// Everything that policies look at, held together for one judgement.
pub struct Circumstances {
    resource: Value,
    id: ResourceId,
    group: Option<Value>,
    subscription: Option<Value>,
    asked: Option<(String, Value)>,
    now: String,
    indexed: bool,
    tags_only: bool,
}

impl Circumstances {
    /// Of a stored resource, as GET shows it.
    #[must_use]
    pub fn of_stored(engine: &Engine, cx: &Cx<'_>, resource: &Resource) -> Self {
        let kind = engine.registry().resource_type(&resource.id.resource_type());
        let mut shown = kind.map_or_else(|| resource.envelope(), |kind| kind.view(cx, resource));
        named(&mut shown, &resource.id);
        let indexed = kind.is_some_and(|kind| kind.declaration().tracked);
        Self::new(engine, cx, &resource.id, shown, indexed)
    }

    /// Of a resource that is about to be written, without its [secrets](visible).
    pub(super) fn of_draft(
        engine: &Engine,
        cx: &Cx<'_>,
        kind: &dyn ResourceType,
        visible: &Draft,
        as_asked: &AsAsked,
    ) -> Self {
        let declaration = kind.declaration();
        let seen = seen(cx, kind, visible);
        let mut made = Self::new(engine, cx, &visible.id, seen, declaration.tracked);
        let newest = || newest(declaration);
        let api_version = as_asked.api_version.clone().unwrap_or_else(newest);
        made.asked = Some((api_version, claims(cx.caller)));
        made.tags_only = as_asked.tags_only;
        made
    }

    fn new(engine: &Engine, cx: &Cx<'_>, id: &ResourceId, resource: Value, indexed: bool) -> Self {
        let shown = |kind: &str, at: Option<ResourceId>| {
            let row = cx.snapshot.get(&at?)?;
            Some(engine.registry().resource_type(kind)?.view(cx, row))
        };
        Self {
            resource,
            group: shown(RESOURCE_GROUPS, id.resource_group_id()),
            subscription: shown(SUBSCRIPTIONS, id.subscription_id()),
            id: id.clone(),
            asked: None,
            now: cx.now.to_string(),
            indexed,
            tags_only: false,
        }
    }

    /// The same, when the body has changed.
    pub(super) fn see(&mut self, cx: &Cx<'_>, kind: &dyn ResourceType, visible: &Draft) {
        self.resource = seen(cx, kind, visible);
    }

    /// The resource as policies see it.
    #[must_use]
    pub fn resource(&self) -> &Value {
        &self.resource
    }

    /// The resource as the subject of a judgement.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        self.subject_of(&self.resource, self.id.as_str())
    }

    /// A component of the resource as the subject of a judgement. It has its type, and the rest from the resource.
    #[must_use]
    pub fn component<'a>(&'a self, component: &'a Value) -> Subject<'a> {
        self.subject_of(component, component["id"].as_str().unwrap_or(self.id.as_str()))
    }

    fn subject_of<'a>(&'a self, resource: &'a Value, id: &'a str) -> Subject<'a> {
        Subject {
            resource,
            id,
            group: self.group.as_ref(),
            subscription: self.subscription.as_ref(),
            request: self.asked.as_ref().map(|(api_version, identity)| Request {
                api_version,
                identity,
            }),
            now: &self.now,
            indexed: self.indexed,
            tags_only: self.tags_only,
        }
    }
}

/// A draft without its secrets: those are not for policies, whose judgements are recorded and told.
pub(super) fn visible(kind: &dyn ResourceType, draft: &Draft) -> Draft {
    let mut visible = draft.clone();
    secrets::take(&mut visible.body, kind.declaration().secret);
    visible
}

/// The body with what the resource has from elsewhere filled in.
fn seen(cx: &Cx<'_>, kind: &dyn ResourceType, visible: &Draft) -> Value {
    let mut seen = visible.body.clone();
    fill(&mut seen, &kind.inherited(cx, visible));
    named(&mut seen, &visible.id);
    seen
}

fn named(shown: &mut Value, id: &ResourceId) {
    shown["id"] = id.as_str().into();
    shown["name"] = id.name().into();
    shown["type"] = id.resource_type().into();
}

fn newest(declaration: &Declaration) -> String {
    declaration
        .api_versions
        .first()
        .copied()
        .unwrap_or_default()
        .to_owned()
}

/// What `requestContext().identity` says of the caller: the claims of a token for him, as far as policies read them.
fn claims(caller: &Caller) -> Value {
    let kind = match caller.kind {
        CallerKind::User => "user",
        _ => "app",
    };
    let strength = if caller.sign_in.is_multi_factor() {
        "p1"
    } else {
        ""
    };
    json!({
        "oid": caller.object_id, "name": caller.name, "idtyp": kind, "acrs": strength,
        "amr": &*caller.sign_in.methods,
        "http://schemas.microsoft.com/claims/authnmethodsreferences": caller.sign_in.methods.join(","),
    })
}
