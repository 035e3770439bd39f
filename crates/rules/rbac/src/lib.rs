//! Azure role-based and attribute-based access control: who may do what, where, and why.
//!
//! Pure rules: no I/O, no clock, no async. The engine feeds a [`RoleIndex`] from its log and asks it to
//! [`evaluate`](RoleIndex::evaluate) an [`AccessRequest`]; the answer is an [`Evaluation`] that says which
//! assignment allowed the request, or for each assignment of the caller why it did not.
//!
//! Invariants:
//! * deny by default, and closed on doubt: what is missing, dangling or unreadable grants nothing;
//! * the control plane and the data plane never mix;
//! * one function reads wildcards, [`action_matches`], for roles, deny assignments and conditions;
//! * a role is its guid, a scope contains by whole segments, and management groups contain by their tree.

mod assignment;
pub mod assignment_rules;
mod assignments;
mod attributes;
pub mod built_in;
mod case;
mod catalogue;
pub mod check;
mod condition;
pub mod custom_role;
mod decision;
mod deny;
pub mod eval;
mod explanation;
mod foresight;
mod groups;
mod hierarchy;
mod index;
mod json;
mod map;
mod operation;
mod pattern;
mod role;
pub mod role_rules;
mod sorted;

pub use assignment::{PrincipalType, RoleAssignment};
pub use attributes::{AttributeValue, Attributes, Source, Surroundings};
pub use catalogue::{Catalogue, CatalogueOperation};
pub use condition::{Condition, ConditionError, Instant, SeenAttribute, Span, Trace, TracedLeaf, Truth};
pub use decision::{AccessRequest, ConditionOn, Considered, Evaluation, Plane, Reason, Refusal, Why};
pub use deny::{ALL_PRINCIPALS, DenyAssignment};
pub use explanation::{AssignmentTrace, DenyTrace, Explanation, PermissionTrace, Says};
pub use foresight::{Open, Outlook};
pub use index::RoleIndex;
pub use pattern::{Pattern, action_matches};
pub use role::{Permission, RoleDefinition, RoleKind};
