//! The Azure Policy rule language.

#![warn(missing_docs)]

mod alias;
mod assignment;
mod catalogue;
mod compare;
mod compliance;
mod definition;
mod denial;
mod effect;
mod error;
mod evaluation;
mod exemption;
mod existence;
mod field;
mod functions;
mod initiative;
mod judgement;
mod mode;
mod parameters;
mod rule;
mod selection;
mod selectors;
mod shape;
mod subject;
mod term;
mod version;
mod words;
mod writing;

pub use alias::{AliasInfo, aliases_of, types_with_aliases};
pub use assignment::{Assignment, AssignmentHead, Definitions, Enforcement, Policy, SetHead, is_set};
pub use catalogue::Catalogue;
pub use compliance::{Compliance, Tally};
pub use definition::Definition;
pub use denial::denial;
pub use effect::Effect;
pub use error::PolicyError;
pub use exemption::{Exemption, ExemptionCategory};
pub use existence::{Deployment, Existence};
pub use initiative::{Initiative, Member};
pub use judgement::{EvaluatedExpression, Fault, Judgement};
pub use mode::Mode;
pub use parameters::{Kind, Parameter, Parameters};
pub use selectors::{Override, ResourceSelector};
pub use shape::{Changed, Conflict, shape};
pub use subject::{Request, Subject};
pub use version::{best_version, version_fits};
