//! `Microsoft.Search`: search services.

mod search_services;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(search_services::SearchServices::new(random.clone()));
    registry.add_routes(search_services::routes(random));
}
