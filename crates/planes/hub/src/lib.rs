//! Microsoft.MachineLearningServices: hubs, projects, their connections, and what passes from the one to the other.
//!
//! A hub and a project are both workspaces, and neither lies below the other in the id tree: roles do not pass from
//! hub to project. Settings, connections and the dependent resources do. They are computed from the hub whenever a
//! project is read or checked, and never copied into it.

mod asking;
mod assignments;
mod connection_deployments;
mod discovery;
mod inheritance;
mod join;
mod locations;
mod membership;
mod spelling;
mod workspaces;

use nave_engine::Registry;

pub use nave_engine::workspaces::{CONNECTIONS, WORKSPACES};

/// The versions listed to clients, newest first.
const API_VERSIONS: &[&str] = &[
    "2025-12-01",
    "2025-01-01-preview",
    "2024-10-01",
    "2024-10-01-preview",
    "2024-07-01-preview",
    "2024-04-01",
    "2024-04-01-preview",
    "2024-01-01-preview",
    "2023-10-01",
    "2023-08-01-preview",
    "2023-06-01-preview",
    "2023-04-01",
    "2023-04-01-preview",
    "2022-12-01-preview",
    "2022-10-01",
    "2022-05-01",
    "2022-02-01-preview",
    "2021-01-01",
    "2020-08-01",
];

/// Adds the plane's types, routes and rules.
pub fn register(registry: &mut Registry) {
    registry.add_type(workspaces::Workspaces);
    registry.add_type(workspaces::connections::Connections);
    registry.add_routes(join::routes());
    registry.add_routes(discovery::routes());
    registry.add_routes(locations::routes());
    registry.add_routes(connection_deployments::routes());
    registry.add_gate(&workspaces::CREATION);
    registry.add_rule("Microsoft.Authorization/roleAssignments", membership::follow);
}
