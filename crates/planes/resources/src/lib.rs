//! The resources plane: `Microsoft.Resources`, `Microsoft.Management`, `Microsoft.Authorization` and the activity log of
//! `Microsoft.Insights`. It knows what every other plane stands on: tenants, subscriptions, groups, tags, who may
//! do what, and what was done.
//!
//! Files are named by the ARM type they serve. A type whose rows are reached by their own id is a
//! [`ResourceType`](nave_engine::declaration::ResourceType); what is a view of other things (providers, the list of
//! resources, permissions, the log) is a route.
//!
//! Invariants:
//! * lists of subscriptions and groups never refuse: they hold what the caller may see;
//! * a role is stored once, at the tenant, and is shown at every scope with the id clients expect there;
//! * every rule on roles and assignments is checked on the snapshot that the commit is made on, and a commit that
//!   was overtaken is checked again.

#![warn(missing_docs)]

mod access;
mod authorization;
mod body;
pub mod deployments;
mod filter;
mod insights;
mod management_groups;
mod move_resources;
mod names;
mod page;
pub mod policy_insights;
mod providers;
mod resources;
mod scope;
pub mod subscriptions;
mod tags;
mod tenants;
mod unchanged;

use nave_engine::Registry;

/// Adds the plane's types and routes; what there is to do for deployments besides.
pub fn register(registry: &mut Registry) -> deployments::Deployments {
    registry.add_routes(tenants::routes());
    subscriptions::register(registry);
    management_groups::register(registry);
    registry.add_routes(providers::routes());
    registry.add_routes(resources::routes());
    registry.add_routes(names::routes());
    registry.add_routes(move_resources::routes());
    registry.add_routes(tags::routes());
    access::register(registry);
    authorization::register(registry);
    let deployments = deployments::register(registry);
    registry.add_routes(nave_engine::long_running::routes());
    policy_insights::register(registry);
    registry.add_routes(insights::routes());
    deployments
}
