//! Policy: what resources must be like, whoever writes them.
//!
//! `nave-policy` knows the language: what a definition says about one resource. This module knows what is in scope:
//! which assignments reach a resource ([`Reach`]), who is exempt, and what stands around the resource
//! ([`Circumstances`]). Every write of a declared type is judged on its way to a commit ([`govern`]): the body is
//! changed as policies want it (append, modify), refused where they forbid it (deny), and what they only note (audit)
//! goes into the event of the commit, as `detail.policies`. Deletions are judged by [`govern_deletion`] (denyAction).
//!
//! To ask which policies apply to a stored resource, take a [`Reach`] of it and judge each of its policies on the
//! [`Circumstances`] of the resource:
//!
//! ```no_run
//! # use nave_engine::{Engine, declaration::Cx, Resource, policy::{Circumstances, Reach}};
//! # fn states(engine: &Engine, cx: &Cx<'_>, resource: &Resource) {
//! let reach = Reach::of_stored(cx.snapshot, &resource.id);
//! let circumstances = Circumstances::of_stored(engine, cx, resource);
//! let subject = circumstances.subject();
//! for (bound, policy) in reach.policies_for(&subject) {
//!     let judgement = policy.judge(&subject);
//!     let exempt = reach.exemption(cx.snapshot, policy, &subject);
//!     // `bound.since` and the resource's etag say how long this stays true
//! #   let _ = (bound, judgement, exempt);
//! }
//! # }
//! ```

mod circumstances;
mod compliance;
mod deletion;
mod govern;
mod index;
mod note;
mod place;
mod reach;
mod ready_made;
mod spelling;
mod told;
mod written;

pub use circumstances::{AsAsked, Circumstances};
pub(crate) use compliance::Kept;
pub use compliance::{ATTESTATIONS, PolicyState, Related, Reshaped, Within};
pub use deletion::govern_deletion;
pub use govern::govern;
pub use index::{Bound, Exempting, PolicyIndex};
pub use nave_policy as language;
pub(crate) use note::violations;
pub use place::{hub_above, scopes};
pub use reach::Reach;
pub use ready_made::ready_made;
pub(crate) use spelling::respell;
pub use told::Told;
pub(crate) use told::told;
pub use written::{
    check_assignment, check_definition, check_exemption, check_set, find, needs_identity, reference_names,
    referring_to,
};

/// The type of definitions.
pub const DEFINITIONS: &str = "Microsoft.Authorization/policyDefinitions";
/// The type of sets of definitions, also called initiatives.
pub const SET_DEFINITIONS: &str = "Microsoft.Authorization/policySetDefinitions";
/// The type of assignments.
pub const ASSIGNMENTS: &str = "Microsoft.Authorization/policyAssignments";
/// The type of exemptions.
pub const EXEMPTIONS: &str = "Microsoft.Authorization/policyExemptions";
