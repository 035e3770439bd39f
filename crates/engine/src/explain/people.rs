//! Principals as people name them.

use uuid::Uuid;

use crate::{Snapshot, directory};

/// The principals that somebody may mean: by object id, application id, user principal name, the part of it before the
/// `@`, or display name. None, where nobody is called so; several, where the name is not enough.
#[must_use]
pub fn principals_called(snapshot: &Snapshot, name: &str) -> Vec<Uuid> {
    let by_claim = |claim: String| -> Option<Uuid> { snapshot.claimed(&claim)?.id.name().parse().ok() };
    if let Ok(id) = name.parse::<Uuid>() {
        let known = snapshot.principal(id).map(|_| id);
        return vec![
            known
                .or_else(|| by_claim(directory::app_claim(name)))
                .unwrap_or(id),
        ];
    }
    if let Some(id) = by_claim(directory::upn_claim(name)) {
        return vec![id];
    }
    let kinds = [directory::USERS, directory::SERVICE_PRINCIPALS];
    let objects = kinds.into_iter().flat_map(|kind| snapshot.of_type(kind));
    let called = objects.filter(|object| {
        let is = |text: &str| text.eq_ignore_ascii_case(name);
        let local = object
            .text("/userPrincipalName")
            .and_then(|upn| upn.split('@').next());
        local.is_some_and(is) || object.text("/displayName").is_some_and(is)
    });
    called
        .filter_map(|object| object.id.name().parse().ok())
        .collect()
}
