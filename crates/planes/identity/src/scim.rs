//! SCIM 2.0 (RFC 7643 and 7644) at `{origin}/scim/v2`: an identity provider keeps people and groups up to date.
//!
//! Users and groups are the directory's own rows, the same that Graph shows. Whoever may write them by Graph may do it
//! here, with an ordinary token for this server or for Graph; identity providers have a provisioning token instead
//! ([`crate::provisioning`]), which does this and nothing else. People are switched off by `active: false`: from that
//! commit on all that was issued to them is refused.

mod discovery;
mod filter;
mod list;
mod patch;
mod people;
mod resources;
mod schema;
mod shape;
mod teams;
mod view;

use http::Method;
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};

use self::shape::{PEOPLE, Shape, TEAMS};
use crate::graph::{self, GROUP, USER};

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        public("/scim/v2/ServiceProviderConfig", discovery::config),
        public("/scim/v2/ResourceTypes", discovery::types),
        public("/scim/v2/ResourceTypes/{id}", discovery::one_type),
        public("/scim/v2/Schemas", discovery::schemas),
        public("/scim/v2/Schemas/{id}", discovery::one_schema),
    ];
    routes.extend(collection(&PEOPLE, ["/scim/v2/Users", "/scim/v2/Users/{id}"]));
    routes.extend(collection(&TEAMS, ["/scim/v2/Groups", "/scim/v2/Groups/{id}"]));
    routes.extend(
        [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ]
        .map(elsewhere),
    );
    routes
}

fn public(path: &'static str, handler: fn(&Call) -> Result<Reply, ArmError>) -> Route {
    Route::new(Method::GET, path, Surface::Scim, Access::Public, move |call| {
        let answer = handler(&call);
        async move { answer }
    })
}

fn collection(shape: &'static Shape, [all, one]: [&'static str; 2]) -> Vec<Route> {
    vec![
        read(shape, all, list::list),
        read(shape, one, resources::get),
        write(shape, Method::POST, all, resources::create),
        write(shape, Method::PUT, one, resources::replace),
        write(shape, Method::PATCH, one, resources::patch),
        write(shape, Method::DELETE, one, resources::delete),
    ]
}

fn read(
    shape: &'static Shape,
    path: &'static str,
    handler: fn(&'static Shape, &Call) -> Result<Reply, ArmError>,
) -> Route {
    let kind = kind(shape);
    let access = Access::action(kind.operation("read"));
    Route::new(Method::GET, path, Surface::Scim, access, move |call| {
        let answer = handler(shape, &call);
        async move { answer }
    })
}

fn write<F>(
    shape: &'static Shape,
    method: Method,
    path: &'static str,
    handler: fn(&'static Shape, Call) -> F,
) -> Route
where
    F: Future<Output = Result<Reply, ArmError>> + Send + 'static,
{
    let (kind, verb) = (
        kind(shape),
        if method == Method::DELETE {
            "delete"
        } else {
            "write"
        },
    );
    let access = Access::action(kind.operation(verb));
    Route::new(method, path, Surface::Scim, access, move |call| {
        handler(shape, call)
    })
    .about(move |snapshot, _, params| Ok(graph::changing(snapshot, kind, verb, params)))
}

fn kind(shape: &Shape) -> &'static graph::Kind {
    if shape.name == PEOPLE.name { &USER } else { &GROUP }
}

/// What is not served, told in the protocol's own way.
fn elsewhere(method: Method) -> Route {
    Route::new(
        method,
        "/scim/v2/{rest}",
        Surface::Scim,
        Access::SignedIn,
        |call| async move {
            let path = &call.request.path;
            let below = call.params.get("rest");
            Err(match below.split('/').next().unwrap_or_default() {
                "Bulk" | "Me" | ".search" => ArmError::new(
                    ErrorCode::NotImplemented,
                    format!("'{path}' is not served; /ServiceProviderConfig says what is."),
                ),
                "Users" | "Groups" | "Schemas" | "ResourceTypes" | "ServiceProviderConfig" => ArmError::new(
                    ErrorCode::MethodNotAllowed,
                    format!("The method {} is not served at '{path}'.", call.request.method),
                ),
                _ => ArmError::new(ErrorCode::NotFound, format!("There is nothing at '{path}'.")),
            })
        },
    )
}
