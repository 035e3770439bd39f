//! Whether a credential that was good once still is.
//!
//! A token says when it ends, and a key does not end by itself; both may be called back before that. So whoever holds
//! one is looked at whenever something is decided for him, and what is held open for him as often as anything changes.

use crate::{Caller, CallerKind, Proof, Snapshot, directory};

/// Whether nothing that a caller's credential rests on was taken back: its session is there, its principal's tokens
/// were not called back since it was made, its key is a present key of the account.
pub(crate) fn stands(snapshot: &Snapshot, caller: &Caller) -> bool {
    session_is_there(snapshot, caller) && proof_holds(snapshot, caller)
}

fn session_is_there(snapshot: &Snapshot, caller: &Caller) -> bool {
    let session = caller.sign_in.session.map(directory::session_id);
    session.is_none_or(|session| snapshot.get(&session).is_some())
}

fn proof_holds(snapshot: &Snapshot, caller: &Caller) -> bool {
    match &caller.sign_in.proof {
        Proof::None => true,
        Proof::Epoch(epoch) => snapshot
            .principal(caller.object_id)
            .is_some_and(|principal| directory::epoch(principal) == *epoch),
        Proof::Key(claim) => snapshot.claimed(claim).is_some_and(
            |holder| matches!(&caller.kind, CallerKind::AccountKey { account, .. } if *account == holder.id),
        ),
    }
}
