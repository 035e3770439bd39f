//! `Microsoft.Insights`: components, the resources that applications send their telemetry to.

mod components;

use nave_engine::Registry;

pub(crate) fn register(registry: &mut Registry) {
    registry.add_type(components::Components);
}
