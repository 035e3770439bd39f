//! Who presents a key: found by the key's fingerprint, without opening anything.

use nave_vault::{KeyRing, api_key};
use uuid::Uuid;

use super::{KEYS, key_claim};
use crate::{Caller, CallerKind, Proof, SignIn, Snapshot};

/// The caller that a key stands for: the holder of one of an account's keys. `None` when no account has this key.
/// Whether the account still takes keys is decided with everything else.
#[must_use]
pub fn key_holder(snapshot: &Snapshot, vault: &KeyRing, key: &str) -> Option<Caller> {
    let claim = key_claim(&api_key::fingerprint(vault, key));
    let account = snapshot.claimed(&claim)?;
    let is_held = |name: &&&str| {
        account
            .own
            .pointer(&format!("/keys/{name}"))
            .is_some_and(|held| *held == *claim)
    };
    let name = KEYS.iter().find(is_held)?;
    Some(Caller {
        object_id: Uuid::nil(),
        name: format!("{name} of {}", account.id.name()),
        kind: CallerKind::AccountKey {
            account: account.id.clone(),
            key: (*name).to_owned(),
        },
        audience: String::new(),
        sign_in: SignIn {
            proof: Proof::Key(claim.into()),
            ..SignIn::default()
        },
    })
}
