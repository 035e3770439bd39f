//! `Microsoft.OperationalInsights`: log workspaces.

mod workspaces;

use std::sync::Arc;

use nave_engine::Registry;
use nave_vault::Random;

use crate::nothing;

pub(crate) fn register(registry: &mut Registry, random: &Arc<dyn Random>) {
    registry.add_type(workspaces::Workspaces::new(random.clone()));
    let deleted = "/subscriptions/{subscription}/providers/Microsoft.OperationalInsights/deletedWorkspaces";
    registry.add_routes([nothing::list(
        deleted,
        "Microsoft.OperationalInsights/deletedworkspaces/read",
    )]);
}
