//! `Microsoft.KeyVault`: vaults.

mod deleted_vaults;
mod managed_hsms;
mod vaults;

use nave_engine::Registry;

/// The versions listed to clients, newest first.
const API_VERSIONS: &[&str] = &[
    "2026-02-01",
    "2025-05-01",
    "2024-11-01",
    "2023-07-01",
    "2023-02-01",
    "2022-07-01",
    "2021-10-01",
    "2021-06-01-preview",
    "2019-09-01",
    "2018-02-14",
    "2016-10-01",
];

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(vaults::Vaults);
    registry.add_routes([vaults::availability()]);
    registry.add_routes(managed_hsms::routes());
}
