//! Time and chance come in as arguments: whoever starts the engine says where they come from.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// Where time and new ids come from.
pub trait World: Send + Sync + 'static {
    /// The present.
    fn now(&self) -> Timestamp;
    /// A guid nobody else has.
    fn new_id(&self) -> Uuid;
}

/// The world outside.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealWorld;

impl World for RealWorld {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn new_id(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// A world for tests: time stands still until moved, ids count up.
#[derive(Debug, Clone)]
pub struct StillWorld {
    now: Arc<Mutex<Timestamp>>,
    ids: Arc<AtomicU64>,
}

impl StillWorld {
    /// A world that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(Mutex::new(now)),
            ids: Arc::default(),
        }
    }

    /// Moves time.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }
}

impl World for StillWorld {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn new_id(&self) -> Uuid {
        let next = self.ids.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u64_pair(0x0011_2233_4455_4677, 0x8899_0000_0000_0000 | next)
    }
}
