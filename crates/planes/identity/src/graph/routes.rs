//! How a route of the directory is made: whom it asks for leave, and what it is about.

use http::Method;
use nave_arm::{ArmError, ResourceId};
use nave_engine::{
    Params, Reply, Request, Snapshot,
    decision::Need,
    operation::{Access, Surface},
    route::{Call, Route, Target},
};
use serde_json::Value;

use super::{
    kind::{Kind, of_kind},
    objects,
};
use crate::Identity;

/// Whoever may do this at the tenant can give himself any role there.
const GIVES_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";

/// What answers a question.
pub(super) type Reading = fn(&'static Kind, &Call) -> Result<Value, ArmError>;

pub(super) fn get(kind: &'static Kind, path: &'static str, handler: Reading) -> Route {
    read(Method::GET, kind, path, handler)
}

pub(super) fn ask(kind: &'static Kind, path: &'static str, handler: Reading) -> Route {
    read(Method::POST, kind, path, handler)
}

fn read(method: Method, kind: &'static Kind, path: &'static str, handler: Reading) -> Route {
    let access = Access::action(kind.operation("read"));
    Route::new(method, path, Surface::Graph, access, move |call| {
        let answer = handler(kind, &call).map(Reply::ok);
        async move { answer }
    })
    .about(move |snapshot, _, params| Ok(named(snapshot, kind, params).into()))
}

pub(super) fn write<F>(
    identity: &Identity,
    kind: &'static Kind,
    method: &Method,
    path: &'static str,
    handler: fn(Identity, &'static Kind, Call) -> F,
) -> Route
where
    F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
{
    change(identity, kind, method.clone(), path, "write", handler)
}

pub(super) fn delete(identity: &Identity, kind: &'static Kind, path: &'static str) -> Route {
    change(identity, kind, Method::DELETE, path, "delete", |_, kind, call| {
        objects::delete(kind, call)
    })
}

fn change<F>(
    identity: &Identity,
    kind: &'static Kind,
    method: Method,
    path: &'static str,
    verb: &'static str,
    handler: fn(Identity, &'static Kind, Call) -> F,
) -> Route
where
    F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
{
    let identity = identity.clone();
    let access = Access::action(kind.operation(verb));
    Route::new(method, path, Surface::Graph, access, move |call| {
        handler(identity.clone(), kind, call)
    })
    .about(move |snapshot, _, params| Ok(changing(snapshot, kind, verb, params)))
}

/// What a change in the directory is about, and the two rights it takes.
pub(crate) fn changing(snapshot: &Snapshot, kind: &Kind, verb: &str, params: &Params) -> Target {
    let needs = [kind.operation(verb), GIVES_ROLES.to_owned()];
    let needs = needs.map(|operation| Need::action(operation, ResourceId::tenant()));
    Target {
        id: named(snapshot, kind, params),
        ways: vec![needs.to_vec()],
    }
}

/// The object a path names; the tenant where it names none, or one that is not there, which is said after the
/// decision.
fn named(snapshot: &Snapshot, kind: &Kind, params: &Params) -> ResourceId {
    of_kind(snapshot, kind, params.get("id")).map_or_else(ResourceId::tenant, |found| found.id.clone())
}

/// The caller's own row, for routes below `/me`.
pub(super) fn own(snapshot: &Snapshot, request: &Request) -> ResourceId {
    let caller = request
        .caller
        .as_ref()
        .and_then(|caller| snapshot.principal(caller.object_id));
    caller.map_or_else(ResourceId::tenant, |found| found.id.clone())
}
