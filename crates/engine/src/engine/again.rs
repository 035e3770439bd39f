//! Making an attempt again on newer state, when somebody else was first.

use nave_arm::ArmError;

use super::Engine;
use crate::CommitError;

/// How often an attempt is made before the caller is told.
const TRIES: usize = 5;

/// After how many tries an attempt waits for its turn: many that overtake each other all come through then.
const PATIENT: usize = 2;

impl Engine {
    /// Makes an attempt until nobody overtakes it. Each is to begin with the state there is then.
    ///
    /// # Errors
    /// What the attempt is refused with; `Conflict` where it was overtaken each time.
    pub async fn again<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ArmError>
    where
        F: Future<Output = Result<T, CommitError>>,
    {
        for tried in 0..TRIES {
            let _turn = match tried >= PATIENT {
                true => Some(self.overtaken.lock().await),
                false => None,
            };
            match attempt().await {
                Err(CommitError::Raced) => {}
                other => return other.map_err(ArmError::from),
            }
        }
        Err(CommitError::Raced.into())
    }
}
