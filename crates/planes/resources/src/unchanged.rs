//! What a commit depends on besides the rows it writes.

use nave_arm::ResourceId;
use nave_engine::{Guard, Snapshot};

/// Nothing of this type at or below the scope has changed since the snapshot; otherwise the commit does not happen
/// and the rules are checked again.
pub(crate) fn since(snapshot: &Snapshot, resource_type: &str, under: &ResourceId) -> Guard {
    Guard::Unchanged {
        type_key: resource_type.to_lowercase(),
        under: under.key().to_owned(),
        since: snapshot.revision(),
    }
}
