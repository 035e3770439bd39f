//! A small world: two groups of resources, a hub with a project, and a handful of principals in nested groups.

use http::Method;
use nave_arm::ResourceId;
use nave_engine::{
    Act, Caller, Change, Put, Request, Snapshot,
    decision::{Need, Question, decide},
    directory,
    operation::Surface,
    principal_claim,
    rbac::{Attributes, Plane},
};
use nave_testkit::TestServer;
use serde_json::{Value, json};
use uuid::Uuid;

/// Chance that is the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

pub(crate) struct World {
    pub(crate) nave: TestServer,
    /// Users and a service principal; the last one is disabled.
    pub(crate) people: Vec<Uuid>,
    /// The first holds the second.
    pub(crate) groups: Vec<Uuid>,
    pub(crate) places: Vec<ResourceId>,
}

pub(crate) const WORKSPACES: &str = "providers/Microsoft.MachineLearningServices/workspaces";

impl World {
    pub(crate) async fn build() -> Self {
        let nave = TestServer::start().await;
        let people: Vec<Uuid> = (1..=7)
            .map(|number| Uuid::from_u128(0xaaaa_0000 + number))
            .collect();
        let groups: Vec<Uuid> = (1..=2)
            .map(|number| Uuid::from_u128(0xbbbb_0000 + number))
            .collect();
        let subscription = nave.subscription();
        let (a, b) = (
            format!("{subscription}/resourceGroups/a"),
            format!("{subscription}/resourceGroups/b"),
        );
        let world = Self {
            places: [
                String::from("/"),
                subscription,
                a.clone(),
                b.clone(),
                format!("{a}/providers/Microsoft.Storage/storageAccounts/one"),
                format!("{b}/providers/Microsoft.Storage/storageAccounts/two"),
                format!("{a}/{WORKSPACES}/hub"),
                format!("{a}/{WORKSPACES}/project"),
            ]
            .iter()
            .map(|place| ResourceId::parse(place).unwrap())
            .collect(),
            nave,
            people,
            groups,
        };
        world.directory().await;
        world.resources(&a, &b).await;
        world
    }

    async fn directory(&self) {
        let user = |id: &Uuid, enabled: bool| {
            let sent = json!({ "id": id, "displayName": format!("person {id}"), "accountEnabled": enabled });
            let mut put = Put::new(directory::object_id(directory::USERS, *id), sent);
            put.claims = vec![principal_claim(*id)];
            put
        };
        let mut puts: Vec<Put> = self.people[..5].iter().map(|id| user(id, true)).collect();
        puts.push(user(&self.people[6], false));
        let application = self.people[5];
        puts.push(directory::managed_identity(
            application,
            Uuid::from_u128(1),
            "app",
            &self.places[1],
        ));
        self.commit(puts).await;
        self.group(0, &[self.people[0], self.people[1], self.groups[1]])
            .await;
        self.group(1, &[self.people[2], self.people[5]]).await;
    }

    /// Makes a group anew.
    pub(crate) async fn group(&self, at: usize, members: &[Uuid]) {
        let id = self.groups[at];
        let sent = json!({ "id": id, "displayName": format!("group {at}"), "members": members });
        let mut put = Put::new(directory::object_id(directory::GROUPS, id), sent);
        put.claims = vec![principal_claim(id)];
        self.commit(vec![put]).await;
    }

    async fn commit(&self, puts: Vec<Put>) {
        let grant = self
            .nave
            .engine
            .on_own_account::<Act>("world", &ResourceId::tenant());
        let change = Change {
            puts,
            ..Change::default()
        };
        self.nave.engine.commit(&grant, change).await.unwrap();
    }

    async fn resources(&self, a: &str, b: &str) {
        let group = json!({ "location": "eastus" });
        let storage = json!({ "location": "eastus", "kind": "StorageV2", "sku": { "name": "Standard_LRS" },
                              "properties": {} });
        let workspace = |kind: &str, properties: Value| {
            json!({ "location": "eastus", "kind": kind, "identity": { "type": "SystemAssigned" },
                    "properties": properties })
        };
        let hub = format!("{a}/{WORKSPACES}/hub");
        for (path, body) in [
            (a.to_owned(), group.clone()),
            (b.to_owned(), group),
            (
                format!("{a}/providers/Microsoft.Storage/storageAccounts/one"),
                storage.clone(),
            ),
            (
                format!("{b}/providers/Microsoft.Storage/storageAccounts/two"),
                storage,
            ),
            (hub.clone(), workspace("Hub", json!({}))),
            (
                format!("{a}/{WORKSPACES}/project"),
                workspace("Project", json!({ "hubResourceId": hub })),
            ),
        ] {
            self.nave.make(Method::PUT, &path, &body).await;
        }
    }

    /// A request of somebody, as a face makes it.
    pub(crate) async fn ask(&self, who: Uuid, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let engine = &self.nave.engine;
        let caller = directory::caller(&engine.snapshot(), engine.site(), who);
        let reply = engine.serve(self.request(caller, method, path, body)).await;
        (reply.status, reply.as_json().cloned().unwrap_or_default())
    }

    pub(crate) fn request(&self, caller: Caller, method: Method, path: &str, body: &Value) -> Request {
        Request {
            method,
            path: path.to_owned(),
            query: vec![(String::from("api-version"), String::from("2026-11-01"))],
            headers: http::HeaderMap::new(),
            body: if body.is_null() {
                bytes::Bytes::new()
            } else {
                body.to_string().into()
            },
            caller: Some(caller),
            host: self.nave.engine.site().authority.clone(),
            correlation_id: Uuid::nil(),
            peer: None,
        }
    }

    /// Whether somebody may, decided as a request is.
    pub(crate) fn may(
        &self,
        state: &Snapshot,
        who: Uuid,
        (operation, plane): (&str, Plane),
        place: &ResourceId,
        attributes: &Attributes,
    ) -> bool {
        let site = self.nave.engine.site();
        let need = Need {
            plane,
            ..Need::action(operation.to_owned(), place.clone()).with(attributes.clone())
        };
        let question = Question {
            surface: Surface::Arm,
            alternatives: vec![vec![need]],
            now: self.nave.engine.world().now(),
        };
        let caller = directory::caller(state, site, who);
        decide(state, &site.origin, Uuid::nil(), &caller, &question).allowed
    }
}
