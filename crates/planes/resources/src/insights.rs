//! `Microsoft.Insights`, as far as it is about the control plane: the activity log.

mod event;
mod event_types;
mod wanted;

use nave_engine::route::Route;

pub(crate) fn routes() -> Vec<Route> {
    event_types::routes()
}
