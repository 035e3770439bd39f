//! `Microsoft.MachineLearningServices/workspaces/connections`: named, authenticated references to something else.
//!
//! A connection can be used without its credential being seen: the credential is sealed when it arrives, is in no
//! answer to PUT or GET, and leaves only through `listsecrets`, which is a right of its own and leaves a trace. For a
//! connection that a project has from its hub, that right is asked for at the hub (features CON-03): a developer of
//! the project uses the connection, and who owns it shows it.

mod body;
mod test;

use std::sync::Arc;

use async_trait::async_trait;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Reply, Request, Resource, Snapshot,
    decision::Need,
    declaration::{
        ActCall, Action, Asked, Cx, Declaration, Draft, NameRule, Placement, ResourceType, Secrets, Verb,
        Written,
    },
    fill,
    workspaces::CREDENTIALS,
};
use nave_vault::Purpose;
use serde_json::{Value, json};

use super::{Kind, NAME as WORKSPACE_NAME};
use crate::{
    API_VERSIONS, CONNECTIONS,
    asking::may,
    inheritance::{connection_of, connections_of, projects_of, shared_to_all},
};

const READ: &str = "Microsoft.MachineLearningServices/workspaces/connections/read";
const WRITE: &str = "Microsoft.MachineLearningServices/workspaces/connections/write";

/// The type.
pub(crate) struct Connections;

/// The published pattern ends at 33 characters, and templates that deploy in Azure go beyond: the samples name a
/// connection `{hub}-connection-AzureOpenAI`.
const NAME: NameRule = NameRule {
    max: 255,
    words: "3 to 255 letters, digits, '-' and '_', beginning with a letter or digit",
    ..WORKSPACE_NAME
};

static DECLARATION: Declaration = Declaration {
    resource_type: CONNECTIONS,
    api_versions: API_VERSIONS,
    placement: Placement::Parent,
    name: NAME,
    verbs: &[
        Verb::Get,
        Verb::List,
        Verb::Put(200, 200),
        Verb::Patch,
        Verb::Delete(200),
    ],
    actions: &[Action::named("listsecrets"), Action::named("testconnection")],
    tracked: false,
    // `value` is the credential in the bodies of the oldest clients
    secret: &[CREDENTIALS, "/properties/value"],
    ..Declaration::COMMON
};

#[async_trait]
impl ResourceType for Connections {
    fn declaration(&self) -> &'static Declaration {
        &DECLARATION
    }

    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let mut needs = vec![own];
        if let Asked::Act(
            id,
            Action {
                name: "listsecrets", ..
            },
        ) = asked
            && let Some(owner) = owned_elsewhere(cx.snapshot, id)
        {
            needs.push(Need::action(DECLARATION.action_permission(&DECLARATION.actions[0]), owner).linked());
        }
        Ok(vec![needs])
    }

    fn write(&self, cx: &Cx<'_>, mut draft: Draft) -> Result<Written, ArmError> {
        let mut body = body::normalised(std::mem::take(&mut draft.body))?;
        let existing = draft.existing.clone();
        body::keep_to_its_target(&body, existing.as_deref())?;
        if !may_share(cx, &draft.id) {
            body["properties"]["isSharedToAll"] = false.into();
        }
        let secrets = match body::drops_secrets(&body, existing.as_deref()) {
            true => Secrets::Replace(json!({})),
            false => Secrets::FromBody,
        };
        draft.body = body;
        Ok(Written {
            secrets,
            ..Written::plain(draft)
        })
    }

    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        let owner = resource.id.parent();
        let at_hub = owner
            .as_ref()
            .and_then(|owner| cx.snapshot.get(owner))
            .is_some_and(|it| Kind::of(it) == Kind::Hub);
        let mut body = resource.envelope();
        fill(
            &mut body,
            &json!({ "properties": { "metadata": {}, "sharedUserList": [] } }),
        );
        let properties = &mut body["properties"];
        properties["credentials"] = Value::Null;
        properties["isSharedToAll"] = shared_to_all(resource).unwrap_or(at_hub).into();
        properties["createdByWorkspaceArmId"] = json!(owner);
        body
    }

    /// A project finds what its hub shares as if it were its own.
    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        let workspace = id.parent()?;
        connection_of(cx.snapshot, &workspace, id.name()).map(|connection| seen_from(&workspace, connection))
    }

    /// The connections a workspace sees; `category` and `target` narrow the list. With `includeProjects`, a hub also
    /// lists its projects' own: all of them to who may write the hub's connections, else those the caller may read
    /// (features CON-07). `includeAll` would add data connections, of which there are none yet.
    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let seen = connections_of(cx.snapshot, under);
        let mut listed: Vec<_> = seen
            .into_iter()
            .map(|connection| seen_from(under, connection))
            .collect();
        if flag(request, "includeProjects") {
            let all = may(cx, WRITE, under);
            let own =
                projects_of(cx.snapshot, under).flat_map(|project| own_connections(cx.snapshot, &project.id));
            listed.extend(own.filter(|connection| all || may(cx, READ, &connection.id)));
        }
        let says =
            |connection: &Resource, name: &str| match request.query(name).filter(|wanted| !wanted.is_empty())
            {
                Some(wanted) => connection
                    .text(&format!("/properties/{name}"))
                    .is_some_and(|text| text.eq_ignore_ascii_case(wanted)),
                None => true,
            };
        listed.retain(|connection| says(connection, "category") && says(connection, "target"));
        Ok(Some(listed))
    }

    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        match action.name {
            "listsecrets" => self.list_secrets(&call),
            _ => test::test(&call),
        }
    }
}

impl Connections {
    fn list_secrets(&self, call: &ActCall) -> Result<Reply, ArmError> {
        let ActCall {
            engine,
            grant,
            resource,
            ..
        } = call;
        if resource.value("/properties/neverReveal").and_then(Value::as_bool) == Some(true) {
            return Err(ArmError::new(
                ErrorCode::AuthorizationFailed,
                format!(
                    "The connection '{}' never reveals its credential (properties.neverReveal). Calls through it use \
                     the credential without showing it.",
                    resource.id.name()
                ),
            ));
        }
        let snapshot = engine.snapshot();
        let mut body = self.view(&engine.cx(&snapshot, grant.caller()), resource);
        if let Some(secrets) = engine.open_secrets(grant, resource) {
            let opened = secrets.expose(&Purpose::ListSecrets);
            for (pointer, value) in opened.as_object().into_iter().flatten() {
                if let Some(name) = pointer.strip_prefix("/properties/") {
                    body["properties"][name] = value.clone();
                }
            }
        }
        Ok(Reply::ok(body))
    }
}

/// The connection as another workspace than its own sees it: it says where it comes from.
fn seen_from(workspace: &ResourceId, connection: Arc<Resource>) -> Arc<Resource> {
    if connection.id.parent().as_ref() == Some(workspace) {
        return connection;
    }
    let mut shown = (*connection).clone();
    shown.own["properties"]["inheritedFrom"] = json!(connection.id.parent());
    Arc::new(shown)
}

fn own_connections(snapshot: &Snapshot, workspace: &ResourceId) -> Vec<Arc<Resource>> {
    let mut connections = connections_of(snapshot, workspace);
    connections.retain(|connection| connection.id.parent().as_ref() == Some(workspace));
    connections
}

/// The connection an id means, where that is one of another workspace.
fn owned_elsewhere(snapshot: &Snapshot, id: &ResourceId) -> Option<ResourceId> {
    let found = connection_of(snapshot, &id.parent()?, id.name())?;
    (found.id != *id).then(|| found.id.clone())
}

/// A hub's connections are shared as they say. A project's are private, whatever a client's default is, unless the
/// caller may also write the hub's (features CON-04).
fn may_share(cx: &Cx<'_>, id: &ResourceId) -> bool {
    let Some(workspace) = id.parent() else {
        return false;
    };
    let row = cx.snapshot.get(&workspace);
    let hub = row.and_then(|row| crate::inheritance::hub_of(cx.snapshot, row));
    hub.is_none_or(|hub| may(cx, WRITE, &hub.id))
}

fn flag(request: &Request, name: &str) -> bool {
    request
        .query(name)
        .is_some_and(|text| text.eq_ignore_ascii_case("true"))
}
