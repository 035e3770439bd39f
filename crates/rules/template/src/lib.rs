//! The ARM template language: read a template, expand it into a plan, evaluate what the plan needs while it runs,
//! and say how two states of a resource differ. No I/O, no clock, no async: the server makes the calls.
//!
//! ```
//! use nave_template::{Plan, RuntimeValues, Scope, Template, WithoutChance, parse};
//! use serde_json::{Map, json};
//!
//! let text = r#"{ // comments are fine
//!     "parameters": {"name": {"type": "string", "defaultValue": "sa1"}},
//!     "resources": [{
//!         "type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-04-01",
//!         "name": "[parameters('name')]", "properties": {"tier": "[toUpper('hot')]"}
//!     }]
//! }"#;
//! let template = Template::parse(&parse(text)?)?;
//! let scope = Scope {
//!     subscription: json!({"subscriptionId": "s1"}),
//!     resource_group: Some(json!({"name": "g1"})),
//!     ..Scope::default()
//! };
//! let plan = Plan::new(&template, scope, &Map::new(), &WithoutChance)?;
//! assert_eq!(
//!     plan.resources()[0].id.as_str(),
//!     "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Storage/storageAccounts/sa1"
//! );
//! assert_eq!(plan.body(0, &RuntimeValues::new()), Ok(json!({"properties": {"tier": "HOT"}})));
//! # Ok::<(), nave_arm::ArmError>(())
//! ```
//!
//! The way of a deployment:
//!
//! 1. [`parse`] reads the text with the liberties clients take; [`Template::parse`] checks its structure and the
//!    syntax of every expression, also in branches that are never taken.
//! 2. [`Plan::new`] gives every parameter its final value and expands what must be known before anything is
//!    deployed: conditions, copies, names, scopes, dependencies. It refuses cycles and duplicates.
//! 3. For each of [`Plan::order`], [`Plan::body`] evaluates what is sent. Where the answer of a run-time function
//!    is missing, it says which [`RuntimeCall`] to make; keep the answer in [`RuntimeValues`] and ask again.
//! 4. [`Plan::outputs`] in the same way.
//!
//! Nested deployments are resources like others: their body is a deployment request. A template with inner scope is
//! passed on as it is, one with outer scope is passed on evaluated ([`nested`](self)).
//!
//! Invariants:
//! * nothing is evaluated that is not needed: variables on use, `if` by its condition, bodies after the plan;
//! * a failure says where: `additionalInfo` has the JSON path and the expression;
//! * a value that a template calls secure is in no message and in no answer.

#![warn(missing_docs)]

mod budget;
mod copy;
mod diff;
mod evaluator;
mod expression;
mod fault;
mod formula;
mod functions;
mod graph;
mod implicit;
mod instances;
mod lenient;
mod link;
mod lint;
mod nested;
mod offline;
mod outputs;
mod parameters;
mod place;
mod plan;
mod run;
mod scope;
mod table;
mod template;
mod types;
mod values;

pub use budget::Budget;
pub use diff::{PropertyChange, PropertyChangeKind, differences};
pub use evaluator::{Chance, WithoutChance};
pub use formula::{Formula, FormulaCall, FormulaError, Host, Written};
pub use functions::{add_days, moment, range_contains, show_moment};
pub use lenient::{locate, parse};
pub use link::{Link, Links, WithoutLinks};
pub use lint::{Level, Remark, lint};
pub use offline::{Expansion, Offline};
pub use place::at_lines;
pub use plan::{ForeseenOutputs, Plan, PlannedResource};
pub use run::{Runtime, RuntimeCall, RuntimeValues, Unresolved, resolve};
pub use scope::Scope;
pub use template::Template;
pub use values::culture_order;
