//! A resource type is one declaration and a few pure functions.
//!
//! The declaration says what ARM has in common for every type: versions, place, name, verbs, what may not change
//! and what is secret. The engine does all of that. What is left to the type is what makes it this type:
//! [`ResourceType::ways`] (who may), [`ResourceType::write`] (what is stored), [`ResourceType::view`] (what is
//! shown) and [`ResourceType::act`] (its POST actions). The first three are pure functions of a snapshot.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_store::Guard;
use nave_vault::KeyRing;
use serde_json::Value;

use crate::{
    Caller, Engine, Grant, Reply, Resource, Snapshot,
    change::{Change, Put},
    clock::World,
    decision::Need,
    grant::Act,
    operation::{Access, Operation, Surface},
    request::Request,
    site::Site,
    soft_delete::SoftDelete,
};

/// What every resource type says about itself.
#[derive(Debug)]
pub struct Declaration {
    /// The full type in its documented casing: `Namespace/type[/child]`.
    pub resource_type: &'static str,
    /// The versions listed to clients, newest first, at least one of them stable. Requests may send any
    /// well-formed version: clients of every age do.
    pub api_versions: &'static [&'static str],
    /// Where it may live.
    pub placement: Placement,
    /// What it may be called.
    pub name: NameRule,
    /// What can be done with it, apart from actions.
    pub verbs: &'static [Verb],
    /// Its POST actions.
    pub actions: &'static [Action],
    /// Whether it has a location and tags of its own.
    pub tracked: bool,
    /// JSON pointers of what cannot change after creation.
    pub immutable: &'static [&'static str],
    /// JSON pointers of what is secret: split off before storing, never shown.
    pub secret: &'static [&'static str],
    /// Whether current rows are kept in memory. Say no for types whose number grows with use.
    pub resident: bool,
    /// Whether they can move.
    pub movable: Movable,
    /// How one is kept when it is deleted, if it is.
    pub soft_delete: Option<&'static SoftDelete>,
}

/// Where resources of a type may live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Directly under the tenant.
    Tenant,
    /// In a subscription.
    Subscription,
    /// In a resource group.
    ResourceGroup,
    /// Below a resource of the type one segment shorter.
    Parent,
    /// At any scope.
    Anywhere,
}

/// A verb and the statuses the real clients accept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// GET of one, and HEAD.
    Get,
    /// GET of the collection, below every scope that may hold it.
    List,
    /// PUT, with the statuses for created and updated.
    Put(u16, u16),
    /// PATCH.
    Patch,
    /// DELETE, with the status when something was deleted. A missing one is 204.
    Delete(u16),
}

/// Whether resources of a type can move to another resource group or subscription, as Azure's move support has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movable {
    /// With everything below them.
    Yes,
    /// Not; why, in words that follow "it cannot be moved".
    No(&'static str),
}

/// A POST action.
#[derive(Debug, Clone, Copy)]
pub struct Action {
    /// The last path segment, in its documented casing.
    pub name: &'static str,
    /// The permission, where it is not `{type}/{name}/action`.
    pub permission: Option<&'static str>,
}

impl Action {
    /// An action with the permission its name implies.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            permission: None,
        }
    }
}

/// What a resource may be called.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    /// The fewest characters.
    pub min: usize,
    /// The most characters.
    pub max: usize,
    /// Which characters may stand first.
    pub first: fn(char) -> bool,
    /// Which characters may follow.
    pub rest: fn(char) -> bool,
    /// The rule in words, for the message.
    pub words: &'static str,
}

impl NameRule {
    /// ARM's own rule: anything a path segment may hold.
    pub const ANY: Self = Self {
        min: 1,
        max: 260,
        first: |_| true,
        rest: |_| true,
        words: "1 to 260 characters",
    };

    /// A guid.
    pub const GUID: Self = Self {
        min: 36,
        max: 36,
        first: |c| c.is_ascii_hexdigit(),
        rest: |c| c.is_ascii_hexdigit() || c == '-',
        words: "a GUID",
    };

    fn holds(&self, name: &str) -> bool {
        let mut chars = name.chars();
        let count = name.chars().count();
        (self.min..=self.max).contains(&count) && chars.next().is_some_and(self.first) && chars.all(self.rest)
    }

    /// Checks a name; the refusal says the rule.
    pub fn check(&self, resource_type: &str, name: &str) -> Result<(), ArmError> {
        if self.holds(name) {
            return Ok(());
        }
        let shown: String = name.chars().take(80).collect();
        Err(ArmError::new(
            ErrorCode::InvalidResourceName,
            format!(
                "The name '{shown}' is not valid for a resource of type '{resource_type}': {}.",
                self.words
            ),
        )
        .on("name"))
    }
}

impl Declaration {
    /// What most types have in common; a declaration names what differs.
    pub const COMMON: Self = Self {
        resource_type: "",
        api_versions: &[],
        placement: Placement::ResourceGroup,
        name: NameRule::ANY,
        verbs: &[],
        actions: &[],
        tracked: true,
        immutable: &[],
        secret: &[],
        resident: true,
        movable: Movable::Yes,
        soft_delete: None,
    };

    /// The permission for reading, writing or deleting: `{type}/{verb}`.
    #[must_use]
    pub fn permission(&self, verb: &str) -> String {
        format!("{}/{verb}", self.resource_type)
    }

    /// The permission for an action.
    #[must_use]
    pub fn action_permission(&self, action: &Action) -> String {
        action.permission.map_or_else(
            || format!("{}/{}/action", self.resource_type, action.name),
            str::to_owned,
        )
    }

    /// The action of this name, without case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&'static Action> {
        self.actions
            .iter()
            .find(|action| action.name.eq_ignore_ascii_case(name))
    }

    /// The statuses of PUT for created and updated, if the type has PUT.
    #[must_use]
    pub fn put(&self) -> Option<(u16, u16)> {
        self.verbs.iter().find_map(|verb| match verb {
            Verb::Put(created, updated) => Some((*created, *updated)),
            _ => None,
        })
    }

    /// The status of DELETE, if the type has DELETE.
    #[must_use]
    pub fn delete(&self) -> Option<u16> {
        self.verbs.iter().find_map(|verb| match verb {
            Verb::Delete(status) => Some(*status),
            _ => None,
        })
    }

    /// The provider namespace.
    #[must_use]
    pub fn namespace(&self) -> &'static str {
        self.resource_type
            .split_once('/')
            .map_or(self.resource_type, |(namespace, _)| namespace)
    }

    /// The type without its namespace: `workspaces/connections`.
    #[must_use]
    pub fn local_type(&self) -> &'static str {
        self.resource_type.split_once('/').map_or("", |(_, local)| local)
    }

    /// The path of one resource, with placeholders.
    #[must_use]
    pub fn path(&self) -> String {
        match self.resource_type {
            "Microsoft.Resources/subscriptions" => return String::from("/subscriptions/{subscription}"),
            "Microsoft.Resources/subscriptions/resourceGroups" => {
                return String::from("/subscriptions/{subscription}/resourceGroups/{group}");
            }
            _ => {}
        }
        let mut path = format!("{}/providers/{}", self.place(), self.namespace());
        for (at, kind) in self.local_type().split('/').enumerate() {
            path.push_str(&format!("/{kind}/{{name{at}}}"));
        }
        path
    }

    fn place(&self) -> &'static str {
        match self.placement {
            Placement::Tenant => "",
            Placement::Subscription => "/subscriptions/{subscription}",
            Placement::ResourceGroup | Placement::Parent => {
                "/subscriptions/{subscription}/resourceGroups/{group}"
            }
            Placement::Anywhere => "/{scope}",
        }
    }

    /// The type's operations: the rows it adds to the route table.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        let path = self.path();
        let collection = path
            .rsplit_once('/')
            .map_or_else(String::new, |(head, _)| head.to_owned());
        let operation = |method: Method, path: &str, access: Access| Operation {
            method,
            path: path.to_owned(),
            access,
            surface: Surface::Arm,
        };
        let mut operations = Vec::new();
        for verb in self.verbs {
            match verb {
                Verb::Get => {
                    let access = Access::Action(self.permission("read"));
                    operations.push(operation(Method::GET, &path, access.clone()));
                    operations.push(operation(Method::HEAD, &path, access));
                }
                Verb::List => {
                    operations.push(operation(Method::GET, &collection, self.list_access()));
                    if self.placement == Placement::ResourceGroup {
                        let all = collection.replace("/resourceGroups/{group}", "");
                        operations.push(operation(Method::GET, &all, self.list_access()));
                    }
                }
                Verb::Put(..) => {
                    operations.push(operation(
                        Method::PUT,
                        &path,
                        Access::Action(self.permission("write")),
                    ));
                }
                Verb::Patch => {
                    operations.push(operation(
                        Method::PATCH,
                        &path,
                        Access::Action(self.permission("write")),
                    ));
                }
                Verb::Delete(_) => {
                    operations.push(operation(
                        Method::DELETE,
                        &path,
                        Access::Action(self.permission("delete")),
                    ));
                }
            }
        }
        for action in self.actions {
            let path = format!("{path}/{}", action.name);
            operations.push(operation(
                Method::POST,
                &path,
                Access::Action(self.action_permission(action)),
            ));
        }
        operations
    }

    /// Children of a resource are listed by who may read them there; top-level types by anybody, who then sees
    /// what he may read.
    #[must_use]
    pub fn list_access(&self) -> Access {
        match self.placement {
            Placement::Parent => Access::Action(self.permission("read")),
            _ => Access::SignedIn,
        }
    }
}

/// What a pure function of a type may look at.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// The state it works on.
    pub snapshot: &'a Snapshot,
    /// The server's public face.
    pub site: &'a Site,
    /// The key ring, for fingerprints of new keys.
    pub vault: &'a KeyRing,
    /// New ids.
    pub world: &'a dyn World,
    /// The present, the same throughout one request.
    pub now: Timestamp,
    /// Who is asking.
    pub caller: &'a Caller,
}

/// A body on its way to being stored.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Where.
    pub id: ResourceId,
    /// The body as the client sent it (for PATCH: merged into the present one), secrets included.
    pub body: Value,
    /// What is there now.
    pub existing: Option<Arc<Resource>>,
}

/// What a type makes of a draft.
#[derive(Debug)]
pub struct Written {
    /// The client's body. Members declared secret are taken out by the engine.
    pub sent: Value,
    /// What nave adds.
    pub own: Value,
    /// What happens to the sealed secrets.
    pub secrets: Secrets,
    /// The tenant-wide unique names it holds from now on.
    pub claims: Vec<String>,
    /// What changes with it, in the same commit.
    pub also: Vec<Also>,
    /// What must not have changed in between.
    pub guards: Vec<Guard>,
}

/// What happens to a resource's sealed secrets.
#[derive(Debug)]
pub enum Secrets {
    /// The declared secret members of the body replace what there was; if it has none, what there was stays.
    FromBody,
    /// These replace what there was.
    Replace(Value),
}

/// A change that follows from another, in the same commit.
#[derive(Debug)]
pub enum Also {
    /// A resource is created or replaced by its own type's rules. Whether the caller may is asked by
    /// [`ResourceType::ways`] of the first one.
    Put {
        /// Where.
        id: ResourceId,
        /// The body, as a client would send it.
        body: Value,
        /// Added to what nave adds to it.
        own: Value,
    },
    /// A row of a type that has no rules of its own, such as a directory object.
    Row(Put),
    /// A resource is deleted, with what is below it.
    Erase(ResourceId),
}

/// What happened to a resource of a type that another plane has a [`Rule`] on.
#[derive(Debug)]
pub enum Moved<'a> {
    /// It was created or replaced.
    Written {
        /// Where.
        id: &'a ResourceId,
        /// The body that will be stored.
        sent: &'a Value,
        /// What nave added.
        own: &'a Value,
    },
    /// It is deleted, with all that `change` deletes so far.
    Erased {
        /// The resource.
        resource: &'a Resource,
        /// The change under way.
        change: &'a Change,
    },
}

/// What else changes, by the rules of one plane, when a resource of another plane's type is written or deleted.
pub type Rule = fn(&Cx<'_>, &Moved<'_>) -> Result<Vec<Also>, ArmError>;

impl Written {
    /// The body as it came.
    #[must_use]
    pub fn plain(draft: Draft) -> Self {
        let own = draft
            .existing
            .as_ref()
            .map_or_else(|| serde_json::json!({}), |existing| existing.own.clone());
        let claims = draft
            .existing
            .as_ref()
            .map_or_else(Vec::new, |existing| existing.claims.clone());
        Self {
            sent: draft.body,
            own,
            secrets: Secrets::FromBody,
            claims,
            also: Vec::new(),
            guards: Vec::new(),
        }
    }
}

/// What is asked of a resource, for [`ResourceType::ways`].
#[derive(Debug)]
pub enum Asked<'a> {
    /// To read it.
    Read(&'a ResourceId),
    /// To create or change it.
    Write(&'a Draft),
    /// To delete it.
    Delete(&'a ResourceId),
    /// To do an action.
    Act(&'a ResourceId, &'static Action),
}

/// An action on its way.
pub struct ActCall {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The leave to do it.
    pub grant: Grant<Act>,
    /// The resource.
    pub resource: Arc<Resource>,
    /// The request's body; null when empty.
    pub body: Value,
    /// The whole request.
    pub request: Request,
}

/// A resource type.
#[async_trait]
pub trait ResourceType: Send + Sync + 'static {
    /// What it says about itself.
    fn declaration(&self) -> &'static Declaration;

    /// What the caller must be allowed to do, given the need that the verb implies. Any one of the lists is
    /// enough.
    fn ways(&self, cx: &Cx<'_>, asked: &Asked<'_>, own: Need) -> Result<Vec<Vec<Need>>, ArmError> {
        let _ = (cx, asked);
        Ok(vec![vec![own]])
    }

    /// The location of a new resource whose body names none.
    fn location(&self, cx: &Cx<'_>, draft: &Draft) -> Option<String> {
        let group = cx.snapshot.get(&draft.id.resource_group_id()?)?;
        group.text("/location").map(str::to_owned)
    }

    /// Checks a body and says what is stored.
    fn write(&self, cx: &Cx<'_>, draft: Draft) -> Result<Written, ArmError> {
        let _ = cx;
        Ok(Written::plain(draft))
    }

    /// What a draft has from elsewhere, as a body: policies see it where the draft is silent.
    fn inherited(&self, cx: &Cx<'_>, draft: &Draft) -> Value {
        let _ = (cx, draft);
        Value::Null
    }

    /// The components that a draft declares, each with its `type` and `properties`: policies about components judge them,
    /// such as those in the mode `Microsoft.CognitiveServices.Data`.
    fn components(&self, cx: &Cx<'_>, draft: &Draft) -> Vec<Value> {
        let _ = (cx, draft);
        Vec::new()
    }

    /// What GET shows.
    fn view(&self, cx: &Cx<'_>, resource: &Resource) -> Value {
        let _ = cx;
        resource.envelope()
    }

    /// The resource of an id, where it is not simply the row of that id.
    fn find(&self, cx: &Cx<'_>, id: &ResourceId) -> Option<Arc<Resource>> {
        cx.snapshot.get(id).cloned()
    }

    /// The resources of a collection, where they are not simply the rows below a scope. `None`: they are. What a
    /// type lists for a parent is shown to whoever may list there; elsewhere each is shown to who may read it.
    fn list(
        &self,
        cx: &Cx<'_>,
        under: &ResourceId,
        request: &Request,
    ) -> Result<Option<Vec<Arc<Resource>>>, ArmError> {
        let _ = (cx, under, request);
        Ok(None)
    }

    /// Why a resource of a movable type cannot move as it is, in words that follow "it cannot be moved".
    fn stays(&self, cx: &Cx<'_>, resource: &Resource) -> Option<String> {
        let _ = (cx, resource);
        None
    }

    /// What is deleted with a resource apart from what is below it, and what must not have changed meanwhile.
    fn erase(&self, cx: &Cx<'_>, resource: &Resource) -> Result<Erased, ArmError> {
        let _ = (cx, resource);
        Ok(Erased::default())
    }

    /// Refuses to let a deleted resource come back where it could not stand, and says what must stay so until it does.
    fn recover(&self, cx: &Cx<'_>, deleted: &Resource) -> Result<Vec<Guard>, ArmError> {
        let _ = (cx, deleted);
        Ok(Vec::new())
    }

    /// Does a POST action.
    async fn act(&self, action: &'static Action, call: ActCall) -> Result<Reply, ArmError> {
        let _ = call;
        Err(ArmError::new(
            ErrorCode::NotImplemented,
            format!("'{}' is not implemented by this release.", action.name),
        ))
    }
}

/// What goes with a deleted resource.
#[derive(Debug, Default)]
pub struct Erased {
    /// What changes in the same commit.
    pub also: Vec<Also>,
    /// What must not have changed in between.
    pub guards: Vec<Guard>,
}
