//! Lists of assignments and exemptions. Who may read them at a scope sees those at it, above it and below it, as the
//! filter says; and of a project those of its hub, where he may read them.

use nave_arm::{ArmError, Filter, ResourceId};
use nave_engine::{Reply, Resource, Snapshot, operation::Surface, policy, route::Call};
use serde_json::Value;

use crate::{page, scope};

/// Whether a condition is about scopes.
pub(super) fn knows(leaf: &Filter) -> bool {
    let Filter::Call { name, argument: None } = leaf else {
        return false;
    };
    ["atScope", "atExactScope", "atScopeAndBelow"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// The rows of a type that have to do with the scope asked about.
pub(super) fn list(
    call: &Call,
    kind: &str,
    read: &str,
    filter: Option<&Filter>,
    holds: &dyn Fn(&Resource, &Filter) -> bool,
    view: &dyn Fn(&Snapshot, &Resource) -> Value,
) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    let asked_at = call.grant.id();
    scope::check(&snapshot, asked_at)?;
    let hub = policy::hub_above(&snapshot, asked_at).filter(|hub| {
        call.engine
            .may(&snapshot, call.grant.caller(), Surface::Arm, read, hub)
    });
    let rows = snapshot
        .of_type(kind)
        .filter_map(|row| Some((Stands::of(&snapshot, row, asked_at, hub.as_ref())?, row)))
        .filter(|(stands, row)| {
            let mut passes = |leaf: &Filter| {
                if knows(leaf) {
                    stands.passes(leaf)
                } else {
                    holds(row, leaf)
                }
            };
            filter.is_none_or(|filter| filter.holds(&mut passes))
        })
        .map(|(_, row)| (row.id.key().to_owned(), view(&snapshot, row)));
    Ok(Reply::ok(page::of(&call.engine, &call.request, rows)?))
}

/// Where a row stands, seen from the scope asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    Here,
    Above,
    Below,
}

impl Stands {
    fn of(
        snapshot: &Snapshot,
        row: &Resource,
        asked_at: &ResourceId,
        hub: Option<&ResourceId>,
    ) -> Option<Self> {
        let at = row.id.scope().unwrap_or_else(ResourceId::tenant);
        if at == *asked_at {
            Some(Self::Here)
        } else if scope::contains(snapshot, &at, asked_at) || hub == Some(&at) {
            Some(Self::Above)
        } else {
            scope::contains(snapshot, asked_at, &at).then_some(Self::Below)
        }
    }

    fn passes(self, leaf: &Filter) -> bool {
        let Filter::Call { name, .. } = leaf else {
            return false;
        };
        match name.to_lowercase().as_str() {
            "atexactscope" => self == Self::Here,
            "atscope" => self != Self::Below,
            _ => self != Self::Above,
        }
    }
}
