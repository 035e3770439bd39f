//! What a path is about: an account, by its subdomain, or a project, by its guid or name.

use std::sync::Arc;

use nave_arm::{ApiVersion, ArmError, ErrorCode, ResourceId};
use nave_engine::{Params, Request, Resource, Snapshot, accounts, route::Target, workspaces};

/// The account or project that a request is about, where its data action is decided.
pub(crate) fn target(snapshot: &Snapshot, _: &Request, params: &Params) -> Result<Target, ArmError> {
    match params.get("project") {
        "" => account(snapshot, params.get("account")),
        project => self::project(snapshot, project),
    }
    .map(Target::from)
}

fn account(snapshot: &Snapshot, subdomain: &str) -> Result<ResourceId, ArmError> {
    accounts::at_subdomain(snapshot, subdomain).ok_or_else(|| {
        ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("There is no AI services account with the custom subdomain '{subdomain}'."),
        )
    })
}

/// A guid or a name. Where a name is of a project and of other workspaces, the project is meant.
fn project(snapshot: &Snapshot, named: &str) -> Result<ResourceId, ArmError> {
    let called = workspaces::called(snapshot, named);
    let projects: Vec<_> = called
        .iter()
        .copied()
        .filter(|workspace| workspace.kind() == "project")
        .collect();
    match (called.as_slice(), projects.as_slice()) {
        ([one], _) | (_, [one]) => Ok(one.id.clone()),
        ([], _) => Err(ArmError::new(
            ErrorCode::ResourceNotFound,
            format!("There is no project with the name or guid '{named}'."),
        )),
        _ => Err(ArmError::new(
            ErrorCode::InvalidParameter,
            format!(
                "More than one project is called '{named}'; use the project's workspaceId, which is unique."
            ),
        )),
    }
}

/// The dated form of a path takes an `api-version`.
pub(crate) fn check_version(request: &Request) -> Result<(), ArmError> {
    let Some(version) = request.query("api-version") else {
        return Err(ArmError::new(
            ErrorCode::MissingApiVersionParameter,
            "The api-version query parameter (?api-version=) is required, except on paths below /openai/v1.",
        ));
    };
    if ApiVersion::parse(version).is_some() {
        return Ok(());
    }
    Err(ArmError::new(
        ErrorCode::InvalidApiVersionParameter,
        format!(
            "The api-version '{}' is invalid. It has the form YYYY-MM-DD, optionally followed by '-preview'.",
            version.chars().take(80).collect::<String>()
        ),
    ))
}

/// A deployment as a call names it: alone, or at a project with its connection in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// The connection, where one is named.
    pub(crate) connection: Option<&'a str>,
    /// The deployment.
    pub(crate) deployment: &'a str,
}

impl<'a> Named<'a> {
    /// What a path names; `None` when it names no deployment.
    pub(crate) fn in_path(params: &'a Params) -> Option<Self> {
        let connection = Some(params.get("connection")).filter(|name| !name.is_empty());
        let deployment = Some(params.get("deployment")).filter(|name| !name.is_empty())?;
        Some(Self {
            connection,
            deployment,
        })
    }

    /// What a project's caller wrote as `model`. A name before the first slash is a connection if it is one that the
    /// project sees; else the slash is part of the name.
    pub(crate) fn in_model(model: &'a str, seen: &[Arc<Resource>]) -> Self {
        match model.split_once('/') {
            Some((connection, deployment)) if !deployment.is_empty() && has(seen, connection) => Self {
                connection: Some(connection),
                deployment,
            },
            _ => Self {
                connection: None,
                deployment: model,
            },
        }
    }
}

fn has(seen: &[Arc<Resource>], connection: &str) -> bool {
    seen.iter()
        .any(|resource| resource.id.name().eq_ignore_ascii_case(connection))
}
