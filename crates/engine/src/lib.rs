//! The engine: one function that decides, one log that records.
//!
//! A request arrives from a face as a [`Request`]. The [`Registry`] knows what it names; [`decision::decide`] says
//! whether the caller may, on the [`Snapshot`] of the moment and with reasons; a [`Grant`] carries the yes; a
//! [`Change`] made under that grant is committed together with its event at one revision; and the snapshot follows.
//!
//! Invariants:
//! * only this crate holds the store;
//! * nothing is read or written for a caller without a [`Grant`], and only a decision makes one;
//! * an operation that is in no declaration and no route does not exist;
//! * a refusal is recorded before it is told, a change before it is acknowledged;
//! * no resource of a declared type is written without having been judged by the policies that reach it.

#![warn(missing_docs)]

pub mod access;
pub mod accounts;
mod arm;
pub mod assigned_identities;
mod caller;
pub mod challenge;
mod change;
pub mod clock;
pub mod decision;
pub mod declaration;
pub mod directory;
mod engine;
mod event_kind;
pub mod explain;
pub mod federation;
mod fields;
mod grant;
pub mod live;
pub mod locks;
pub mod long_running;
pub mod missing;
pub mod network;
pub mod operation;
pub mod own_identity;
pub mod paging;
pub mod policy;
mod registry;
pub mod relocation;
pub mod request;
mod resource;
pub mod route;
mod secrets;
pub mod site;
mod snapshot;
pub mod soft_delete;
mod standing;
pub mod subscriptions;
mod surroundings;
pub mod workspaces;

pub use arm::inner_request;
pub use caller::{Caller, CallerKind, Proof, SignIn};
pub use change::{Change, CommitError, Erase, Put, PutSecrets};
pub use decision::Decision;
pub use engine::{Authenticator, Done, Engine, Parts};
pub use event_kind::EventKind;
pub use fields::Fields;
pub use grant::{Act, Allows, Changes, Delete, Grant, Read, Write};
pub use nave_rbac as rbac;
pub use nave_store::{Event, EventQuery, Expect, Guard, Store, StoreError, Verified};
pub use registry::Registry;
pub use request::{Body, Params, Reply, Request};
pub use resource::{History, Resource, fill, without_nulls};
pub use snapshot::{Snapshot, principal_claim};
