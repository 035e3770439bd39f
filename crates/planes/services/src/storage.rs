//! `Microsoft.Storage`: accounts, with their blob service and its containers as resources.

mod blob_services;
mod containers;
mod storage_accounts;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

/// The versions listed to clients, newest first.
const API_VERSIONS: &[&str] = &[
    "2026-04-01",
    "2025-08-01",
    "2025-06-01",
    "2024-01-01",
    "2023-05-01",
    "2023-04-01",
    "2023-01-01",
    "2022-09-01",
    "2022-05-01",
    "2021-09-01",
    "2021-06-01",
    "2021-04-01",
    "2019-06-01",
    "2019-04-01",
    "2018-07-01",
];

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(storage_accounts::StorageAccounts::new(random.clone()));
    registry.add_type(blob_services::BlobServices);
    registry.add_type(containers::Containers);
    registry.add_routes([storage_accounts::availability()]);
}
