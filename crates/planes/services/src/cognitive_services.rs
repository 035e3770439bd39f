//! `Microsoft.CognitiveServices`: accounts that answer model calls, and the deployments they answer with.

mod accounts;
mod deleted_accounts;
mod deployments;
mod kinds;
mod locations;
mod models;
mod upstream;
mod usages;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

/// The versions listed to clients, newest first.
const API_VERSIONS: &[&str] = &[
    "2026-07-01",
    "2026-05-15-preview",
    "2025-12-01",
    "2025-09-01",
    "2025-06-01",
    "2025-04-01-preview",
    "2024-10-01",
    "2024-06-01-preview",
    "2024-04-01-preview",
    "2023-10-01-preview",
    "2023-05-01",
    "2022-12-01",
    "2022-10-01",
    "2022-03-01",
    "2021-10-01",
    "2021-04-30",
    "2017-04-18",
];

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(accounts::Accounts::new(random.clone()));
    registry.add_type(deployments::Deployments);
    registry.add_routes(models::routes());
    registry.add_routes(kinds::routes());
    registry.add_routes(usages::routes());
    registry.add_routes(locations::routes());
}
