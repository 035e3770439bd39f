//! Being told that the state moved on, without keeping the engine alive: for work in the background that follows from what
//! was committed.

use nave_store::Revision;
use tokio::sync::watch;

use super::Engine;

impl Engine {
    /// The revision of the present state, now and whenever it moves on. It ends with the engine.
    #[must_use]
    pub fn moves(&self) -> watch::Receiver<Revision> {
        self.moves.subscribe()
    }
}
