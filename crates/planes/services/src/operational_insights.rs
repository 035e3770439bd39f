//! `Microsoft.OperationalInsights`: log workspaces.

mod deleted_workspaces;
mod workspaces;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(workspaces::Workspaces::new(random.clone()));
}
