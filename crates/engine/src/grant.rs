//! Permission as a value.
//!
//! A [`Grant`] is made by the engine out of a decision that allowed, and is the only thing the engine's reading and
//! writing functions take. A handler that was not granted anything holds nothing to call them with:
//!
//! ```compile_fail
//! # use nave_engine::{Engine, Change};
//! async fn forgot_to_ask(engine: &Engine, change: Change) {
//!     engine.commit(change).await; // a commit takes a grant
//! }
//! ```
//!
//! A grant to read does not write:
//!
//! ```compile_fail
//! # use nave_engine::{Engine, Change, Grant, Read};
//! async fn reads_only(engine: &Engine, grant: &Grant<Read>, change: Change) {
//!     let _ = engine.commit(grant, change).await; // `Read` is not `Changes`
//! }
//! ```
//!
//! And nobody else makes one:
//!
//! ```compile_fail
//! # use nave_engine::{Grant, Write, Decision};
//! # use std::sync::Arc;
//! fn forged(decision: Arc<Decision>, id: nave_arm::ResourceId) -> Grant<Write> {
//!     Grant { decision, id, operation: String::new(), access: std::marker::PhantomData }
//! }
//! ```
//!
//! The same shape with the right grant builds, so the refusals above are for the reason they state:
//!
//! ```
//! # use nave_engine::{Engine, Change, Grant, Write};
//! async fn asked(engine: &Engine, grant: &Grant<Write>, change: Change) {
//!     let _ = engine.commit(grant, change).await;
//! }
//! ```

use std::{marker::PhantomData, sync::Arc};

use nave_arm::ResourceId;

use crate::{Caller, Decision};

/// What a grant allows.
pub trait Allows: private::Sealed + Send + Sync + 'static {}

/// Grants that may end in a commit.
pub trait Changes: Allows {}

/// Leave to read.
#[derive(Debug)]
pub enum Read {}
/// Leave to create or change.
#[derive(Debug)]
pub enum Write {}
/// Leave to delete.
#[derive(Debug)]
pub enum Delete {}
/// Leave to do an action, which may change things.
#[derive(Debug)]
pub enum Act {}

impl Allows for Read {}
impl Allows for Write {}
impl Allows for Delete {}
impl Allows for Act {}
impl Changes for Write {}
impl Changes for Delete {}
impl Changes for Act {}

mod private {
    pub trait Sealed {}
    impl Sealed for super::Read {}
    impl Sealed for super::Write {}
    impl Sealed for super::Delete {}
    impl Sealed for super::Act {}
}

/// Proof that a caller may do `A` to one resource.
#[derive(Debug)]
pub struct Grant<A: Allows> {
    pub(crate) decision: Arc<Decision>,
    pub(crate) id: ResourceId,
    pub(crate) operation: String,
    pub(crate) access: PhantomData<fn() -> A>,
}

// not derived: a derive would ask `A` to be `Clone`
impl<A: Allows> Clone for Grant<A> {
    fn clone(&self) -> Self {
        let Self {
            decision,
            id,
            operation,
            access,
        } = self;
        Self {
            decision: decision.clone(),
            id: id.clone(),
            operation: operation.clone(),
            access: *access,
        }
    }
}

impl<A: Allows> Grant<A> {
    pub(crate) fn new(decision: Decision, id: ResourceId, operation: String) -> Self {
        Self {
            decision: Arc::new(decision),
            id,
            operation,
            access: PhantomData,
        }
    }

    /// The same, for an operation that was allowed by a right of another name, such as to create a project by the right
    /// to join its hub. The log tells what was done.
    pub(crate) fn named(mut self, operation: String) -> Self {
        self.operation = operation;
        self
    }

    /// The resource it is for.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.id
    }

    /// Who holds it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.decision.caller
    }

    /// The operation that was decided.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The decision behind it.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }
}
