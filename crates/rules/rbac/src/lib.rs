//! Azure role-based and attribute-based access control: who may do what, where, and why.
//!
//! Pure rules: no I/O, no clock, no async. The engine feeds a [`RoleIndex`] from its log and asks it to
//! [`evaluate`](RoleIndex::evaluate) an [`AccessRequest`]; the answer is an [`Evaluation`] that says which
//! assignment allowed the request, or for each assignment of the caller why it did not.
//!
//! ```
//! use nave_arm::ResourceId;
//! use nave_rbac::{AccessRequest, Attributes, Evaluation, Plane, RoleAssignment, RoleIndex, built_in};
//! use serde_json::json;
//! use uuid::Uuid;
//!
//! // Joe may read everything in a subscription, as long as it is 2024.
//! let joe = Uuid::from_u128(1);
//! let subscription = ResourceId::of_subscription("11111111-2222-4333-8444-555555555555");
//! let id = subscription
//!     .extension("Microsoft.Authorization/roleAssignments", "99999999-2222-4333-8444-555555555555");
//! let assignment = RoleAssignment::from_properties(&id, &json!({
//!     "roleDefinitionId": built_in::READER,
//!     "principalId": joe,
//!     "condition": "@Environment[UtcNow] DateTimeLessThan '2025-01-01T00:00:00Z'",
//!     "conditionVersion": "2.0",
//! }))?;
//! let mut index = RoleIndex::with_built_in();
//! index.put_assignment(assignment);
//!
//! let vault = ResourceId::parse(&format!("{subscription}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"))?;
//! let attributes = Attributes::from_json(&json!({ "environment": { "UtcNow": "2024-05-01T13:00:00Z" } }));
//! let request = AccessRequest::new(joe, "Microsoft.KeyVault/vaults/read", Plane::Control, &vault, &attributes);
//! let Evaluation::Allowed(reason) = index.evaluate(&request) else { panic!("it is 2024") };
//! assert_eq!(&*reason.pattern, "*/read");
//!
//! // Without the time there is no yes, and the explanation says what was missing.
//! let explanation = index.explain(&AccessRequest { attributes: &Attributes::new(), ..request });
//! assert!(!explanation.evaluation.is_allowed());
//! let trace = explanation.assignments[0].condition.as_ref().expect("a condition");
//! assert_eq!(trace.missing().next().map(|seen| seen.name.as_str()), Some("UtcNow"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What somebody wants to store is checked by [`role_rules`] and [`assignment_rules`]; [`eval`] and [`check`] do all of
//! it for JSON.
//!
//! Invariants:
//! * deny by default, and closed on doubt: what is missing, dangling or unreadable grants nothing;
//! * the control plane and the data plane never mix;
//! * one function reads wildcards, [`action_matches`], for roles, deny assignments and conditions;
//! * a role is its guid, a scope contains by whole segments, and management groups contain by their tree.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

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
mod given;
mod groups;
mod hierarchy;
mod index;
mod json;
mod map;
mod operation;
mod pattern;
mod reach;
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

/// The example of the read-me is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
