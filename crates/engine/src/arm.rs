//! What ARM has in common for every resource type: one story for each verb, driven by the declarations.

mod act;
mod body;
pub(crate) mod dry_run;
mod erase;
mod read;
mod recover;
mod retag;
mod staged;
mod write;

use std::sync::Arc;

use http::{Method, StatusCode};
use nave_arm::{ApiVersion, ArmError, ArmPath, ErrorCode, InvalidId, ResourceId};
use nave_rbac::Catalogue;
use serde_json::Value;

use crate::{
    Caller, Engine, Registry, Reply,
    declaration::{Cx, Declaration, Placement, ResourceType, Verb},
    engine::{not_allowed, not_signed_in},
    missing::{not_found, places},
    operation::Surface,
    request::Request,
};

/// What a path means, after the registry was asked.
enum Place {
    /// One resource of a known type.
    One(Arc<dyn ResourceType>, ResourceId),
    /// The collection of a known type under a scope.
    Collection(Arc<dyn ResourceType>, ResourceId),
    /// An action on a resource.
    Action(Arc<dyn ResourceType>, ResourceId, String),
}

/// Whether a path names something of the registry's types.
pub(crate) fn is_arm_path(registry: &Registry, request: &Request) -> bool {
    place(registry, request).is_ok()
}

/// Answers a request for a resource.
pub(crate) async fn serve(engine: &Arc<Engine>, request: Request) -> Result<Reply, ArmError> {
    let place = place(engine.registry(), &request)?;
    let caller = request
        .caller
        .clone()
        .ok_or_else(|| not_signed_in(&request, Surface::Arm))?;
    check_api_version(&request)?;
    dry_run::is_asked(&request)?;
    match place {
        Place::One(kind, id) => {
            one(
                engine,
                &caller,
                &*kind,
                &engine.registry().canonical(&id),
                &request,
            )
            .await
        }
        Place::Collection(kind, under) => {
            if request.method != Method::GET || !kind.declaration().verbs.contains(&Verb::List) {
                return Err(not_allowed(&request));
            }
            read::list(
                engine,
                &caller,
                &*kind,
                &engine.registry().canonical(&under),
                &request,
            )
            .await
        }
        Place::Action(kind, id, name) => {
            let action = kind
                .declaration()
                .action(&name)
                .ok_or_else(|| not_allowed(&request))?;
            act::act(
                engine,
                &caller,
                &*kind,
                action,
                &engine.registry().canonical(&id),
                request,
            )
            .await
        }
    }
}

async fn one(
    engine: &Arc<Engine>,
    caller: &Caller,
    kind: &dyn ResourceType,
    id: &ResourceId,
    request: &Request,
) -> Result<Reply, ArmError> {
    let declaration = kind.declaration();
    let has = |verb: fn(&Verb) -> bool| declaration.verbs.iter().any(verb);
    match request.method {
        Method::GET if has(|verb| matches!(verb, Verb::Get)) => {
            read::get(engine, caller, kind, id, request).await
        }
        Method::HEAD if has(|verb| matches!(verb, Verb::Get)) => {
            let found = read::get(engine, caller, kind, id, request).await;
            found.map(|_| Reply::empty(StatusCode::NO_CONTENT.as_u16()))
        }
        Method::PUT if declaration.put().is_some() => write::put(engine, caller, kind, id, request).await,
        Method::PATCH if has(|verb| matches!(verb, Verb::Patch)) => {
            write::patch(engine, caller, kind, id, request).await
        }
        Method::DELETE if declaration.delete().is_some() => {
            erase::delete(engine, caller, kind, id, request).await
        }
        _ => Err(not_allowed(request)),
    }
}

fn place(registry: &Registry, request: &Request) -> Result<Place, ArmError> {
    let path = ArmPath::parse(&request.path).map_err(|error| invalid_path(&request.path, &error))?;
    match path {
        ArmPath::Resource(id) => {
            let kind = known(registry, &id.resource_type())?;
            check_placement(kind.declaration(), &id)?;
            Ok(Place::One(kind, id))
        }
        ArmPath::Member {
            under,
            namespace: None,
            segment,
        } if request.method == Method::POST => {
            let kind = known(registry, &under.resource_type())?;
            Ok(Place::Action(kind, under, segment))
        }
        ArmPath::Member {
            under,
            namespace,
            segment,
        } => {
            let name = match namespace {
                Some(namespace) => format!("{namespace}/{segment}"),
                None if under.is_tenant() => format!("Microsoft.Resources/{segment}"),
                None => format!("{}/{segment}", under.resource_type()),
            };
            Ok(Place::Collection(known(registry, &name)?, under))
        }
    }
}

fn known(registry: &Registry, name: &str) -> Result<Arc<dyn ResourceType>, ArmError> {
    registry
        .resource_type(name)
        .cloned()
        .ok_or_else(|| unknown_type(registry, name))
}

fn unknown_type(registry: &Registry, name: &str) -> ArmError {
    let (namespace, local) = name.split_once('/').unwrap_or((name, ""));
    let mut served: Vec<&str> = registry
        .declarations()
        .filter(|declaration| declaration.namespace().eq_ignore_ascii_case(namespace))
        .map(Declaration::local_type)
        .collect();
    served.sort_unstable();
    if served.is_empty() {
        return ArmError::new(
            ErrorCode::InvalidResourceNamespace,
            format!(
                "The resource namespace '{namespace}' is invalid: no resource provider of this name is served here."
            ),
        );
    }
    ArmError::new(
        ErrorCode::InvalidResourceType,
        format!(
            "The resource type '{local}' could not be found in the namespace '{namespace}'. The types served here are \
             '{}'.",
            served.join(", ")
        ),
    )
}

fn invalid_path(path: &str, error: &InvalidId) -> ArmError {
    match error {
        InvalidId::Shape(_) | InvalidId::NotAbsolute => ArmError::new(
            ErrorCode::NotFound,
            format!("There is nothing at '{}': {error}.", shown(path)),
        ),
        InvalidId::Segment(_) | InvalidId::TooLong => ArmError::new(
            ErrorCode::InvalidResourceId,
            format!("The path '{}' is not valid: {error}.", shown(path)),
        ),
    }
}

fn shown(path: &str) -> String {
    path.chars().take(200).collect()
}

/// A type may stand only where its declaration says.
fn check_placement(declaration: &Declaration, id: &ResourceId) -> Result<(), ArmError> {
    let scope = id.scope();
    let fits = match declaration.placement {
        Placement::Anywhere => true,
        Placement::Tenant => scope.is_none_or(|scope| scope.is_tenant()),
        Placement::Subscription => {
            id.subscription().is_some() && scope.is_none_or(|scope| scope.is_subscription())
        }
        Placement::ResourceGroup | Placement::Parent => scope.is_some_and(|scope| scope.is_resource_group()),
    };
    if fits {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidResourceId,
        format!(
            "A resource of type '{}' cannot be at '{id}'; its path has the form '{}'.",
            declaration.resource_type,
            declaration.path()
        ),
    ))
}

pub(crate) fn check_api_version(request: &Request) -> Result<(), ArmError> {
    let Some(version) = request.query("api-version") else {
        return Err(ArmError::new(
            ErrorCode::MissingApiVersionParameter,
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    };
    if ApiVersion::parse(version).is_some() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidApiVersionParameter,
        format!(
            "The api-version '{}' is invalid. It has the form YYYY-MM-DD, optionally followed by '-preview'.",
            shown(version)
        ),
    ))
}

/// The nearest thing above `id` that must exist, if it is missing: its subscription, group or parent resource.
fn check_parents(engine: &Engine, declaration: &Declaration, id: &ResourceId) -> Result<(), ArmError> {
    let snapshot = engine.snapshot();
    if let Some(missing) = places(id).find(|place| place != id && snapshot.get(place).is_none()) {
        return Err(not_found(&missing));
    }
    if declaration.placement == Placement::Parent
        && let Some(parent) = id.parent()
        && snapshot.get(&parent).is_none()
    {
        return Err(ArmError::new(
            ErrorCode::ParentResourceNotFound,
            format!(
                "Failed to perform the request on '{}' because its parent '{parent}' could not be found.",
                id.name()
            ),
        ));
    }
    Ok(())
}

/// What extends a resource needs it to be there. Things that only a data plane knows, such as containers and
/// secrets, have no row and need none (rbac-semantics 5.5, 5.7), but what they are in has.
fn check_extended(
    engine: &Engine,
    cx: &Cx<'_>,
    declaration: &Declaration,
    id: &ResourceId,
) -> Result<(), ArmError> {
    let Some(scope) = id
        .scope()
        .filter(|_| declaration.placement == Placement::Anywhere)
    else {
        return Ok(());
    };
    let registry = engine.registry();
    let missing = scope.ancestors().find(|place| {
        let kind = registry.resource_type(&place.resource_type());
        kind.is_some_and(|kind| kind.declaration().resident && kind.find(cx, place).is_none())
    });
    if let Some(missing) = missing {
        return Err(not_found(&missing));
    }
    let name = scope.resource_type();
    let namespace = name.split('/').next().unwrap_or_default();
    if registry.resource_type(&name).is_some() || Catalogue::built_in().known_provider(namespace) {
        return Ok(());
    }
    Err(unknown_type(registry, &name))
}

/// A request made inside the server on a caller's behalf, through the same door as any other.
#[must_use]
pub fn inner_request(
    caller: &Caller,
    method: Method,
    id: &str,
    api_version: &str,
    body: &Value,
    outer: &Request,
) -> Request {
    Request {
        method,
        path: id.to_owned(),
        query: vec![(String::from("api-version"), api_version.to_owned())],
        headers: http::HeaderMap::new(),
        body: if body.is_null() {
            bytes::Bytes::new()
        } else {
            body.to_string().into()
        },
        caller: Some(caller.clone()),
        host: outer.host.clone(),
        correlation_id: outer.correlation_id,
        peer: outer.peer,
    }
}
