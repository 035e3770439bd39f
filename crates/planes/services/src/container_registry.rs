//! `Microsoft.ContainerRegistry`: registries.

mod registries;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(registries::Registries::new(random.clone()));
    registry.add_routes([registries::availability()]);
}
