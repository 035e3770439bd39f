//! What each principal was allowed, by day: gathered in memory where a grant is made.
//!
//! The log holds changes, actions, refusals and model calls; reads leave nothing in it. Who wants to know which rights
//! somebody needs must know of reads too. So each grant that a role gave is counted here, by principal, operation and
//! place. It is one update of a map; [`super::kept`] writes it down, behind the requests and never in their way.
//!
//! What was asked of something that is not there, because it is only being made or is known to a data plane alone, is
//! counted at the nearest place above that is: that is where a role would have to be held for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_rbac::Plane;
use uuid::Uuid;

use crate::{
    CallerKind, Decision, Snapshot,
    decision::{Basis, Finding, Outcome},
};

/// How many different uses of one principal on one day are told apart. Further ones are counted at the subscription or
/// the tenant they are in, and say so.
pub(super) const APART: usize = 2000;
/// Seconds of a day; days are those of UTC.
pub(super) const DAY: i64 = 24 * 60 * 60;

/// One operation that a principal did at one place on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The principal's object id.
    pub principal: Uuid,
    /// The day, counted from 1970-01-01 in UTC.
    pub day: i64,
    /// The operation.
    pub operation: String,
    /// Its plane.
    pub plane: Plane,
    /// Where.
    pub scope: ResourceId,
    /// The rule that asked for a built-in role besides, where one did; no custom role passes it.
    pub gate: Option<String>,
    /// Whether the scope is wider than where it was done, because there was too much to tell apart.
    pub coarse: bool,
    /// How often.
    pub times: u64,
    /// When last.
    pub last: Timestamp,
}

/// The uses that are not written down yet, and which ones of today were seen before.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<Day>);

#[derive(Debug, Default)]
struct Day {
    number: i64,
    of: HashMap<Uuid, Principal>,
    /// Whether something is to be written that was not seen before.
    news: bool,
    /// What is left of the days before.
    older: Vec<Use>,
}

/// By operation, and by plane.
type Operations = HashMap<Box<str>, [Option<Count>; 2]>;

#[derive(Debug, Default)]
struct Principal {
    at: HashMap<Arc<str>, Operations>,
    apart: usize,
}

#[derive(Debug)]
struct Count {
    scope: ResourceId,
    gate: Option<&'static str>,
    coarse: bool,
    /// Since it was last written.
    times: u64,
    last: Timestamp,
}

impl Uses {
    /// Counts what a decision allowed. Rules that let everybody in are nobody's right, and keys are no principal.
    pub(crate) fn note(&self, decision: &Decision, snapshot: &Snapshot) {
        let is_principal = matches!(
            decision.caller.kind,
            CallerKind::User | CallerKind::ServicePrincipal | CallerKind::ManagedIdentity
        );
        let mut granted = decision
            .findings
            .iter()
            .filter(|finding| matches!(finding.outcome, Outcome::Granted(_)))
            .peekable();
        if !is_principal || !decision.allowed || granted.peek().is_none() {
            return;
        }
        let mut day = self.today(decision.asked_at);
        for finding in granted {
            day.count(decision.caller.object_id, finding, decision.asked_at, snapshot);
        }
    }

    /// Takes what is to be written; the counts begin again.
    pub(super) fn take(&self, now: Timestamp) -> Vec<Use> {
        let mut day = self.today(now);
        day.news = false;
        let mut taken = std::mem::take(&mut day.older);
        taken.extend(day.counted());
        taken
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, uses: Vec<Use>) {
        let mut day = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        day.news = true;
        day.older.extend(uses);
    }

    /// Whether there is something that was not seen before today. Mere repetitions can wait.
    pub(super) fn has_news(&self) -> bool {
        let day = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        day.news || !day.older.is_empty()
    }

    fn today(&self, now: Timestamp) -> MutexGuard<'_, Day> {
        let mut day = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_second().div_euclid(DAY);
        if number > day.number {
            let left = day.counted();
            day.older.extend(left);
            day.of.clear();
            day.number = number;
        }
        day
    }
}

impl Day {
    fn count(&mut self, principal: Uuid, finding: &Finding, at: Timestamp, snapshot: &Snapshot) {
        let of = self.of.entry(principal).or_default();
        let plane = index(finding.plane);
        let known = of
            .at
            .get_mut(finding.scope.key())
            .and_then(|operations| operations.get_mut(finding.operation.as_str()))
            .and_then(|planes| planes[plane].as_mut());
        if let Some(count) = known {
            count.again(at, finding);
            return;
        }
        let coarse = of.apart >= APART;
        let scope = match coarse {
            true => widest(&finding.scope),
            false => nearest(&finding.scope, snapshot),
        };
        // too much to tell apart is kept at the place it is counted at, so that there is an end to it
        let key = if coarse { scope.key() } else { finding.scope.key() };
        let operations = of.at.entry(key.into()).or_default();
        let planes = operations.entry(finding.operation.as_str().into()).or_default();
        of.apart += 1;
        self.news = true;
        planes[plane]
            .get_or_insert(Count {
                scope,
                gate: None,
                coarse,
                times: 0,
                last: at,
            })
            .again(at, finding);
    }

    fn counted(&mut self) -> Vec<Use> {
        let mut uses = Vec::new();
        for (principal, of) in &mut self.of {
            let counts = of.at.values_mut().flat_map(|operations| operations.iter_mut());
            for (operation, planes) in counts {
                for (plane, count) in [Plane::Control, Plane::Data].into_iter().zip(planes) {
                    if let Some(count) = count.as_mut().filter(|count| count.times > 0) {
                        uses.push(Use {
                            principal: *principal,
                            day: self.number,
                            operation: operation.to_string(),
                            plane,
                            scope: count.scope.clone(),
                            gate: count.gate.map(str::to_owned),
                            coarse: count.coarse,
                            times: std::mem::take(&mut count.times),
                            last: count.last,
                        });
                    }
                }
            }
        }
        uses
    }
}

impl Count {
    fn again(&mut self, at: Timestamp, finding: &Finding) {
        self.times += 1;
        self.last = self.last.max(at);
        if let Basis::Role(gate) = finding.basis {
            self.gate = Some(gate.rule);
        }
    }
}

fn index(plane: Plane) -> usize {
    match plane {
        Plane::Control => 0,
        Plane::Data => 1,
    }
}

/// The scope, or the nearest place above it that is there.
fn nearest(scope: &ResourceId, snapshot: &Snapshot) -> ResourceId {
    scope
        .ancestors()
        .find(|place| place.is_tenant() || snapshot.get(place).is_some())
        .unwrap_or_else(ResourceId::tenant)
}

fn widest(scope: &ResourceId) -> ResourceId {
    scope.subscription_id().unwrap_or_else(ResourceId::tenant)
}

#[cfg(test)]
mod tests {
    use nave_rbac::{AccessRequest, Attributes, Evaluation, RoleAssignment, RoleIndex, built_in};

    use super::*;
    use crate::{Caller, decision::Need, operation::Surface};

    fn decision(operation: &str, scope: &str, seconds: i64) -> Decision {
        let scope = ResourceId::parse(scope).expect("scope");
        let (somebody, nothing) = (Uuid::from_u128(1), Attributes::new());
        let mut index = RoleIndex::with_built_in();
        let owner = RoleAssignment::new(ResourceId::tenant(), Uuid::nil(), built_in::OWNER, somebody);
        index.put_assignment(owner);
        let request = AccessRequest::new(somebody, operation, Plane::Control, &scope, &nothing);
        let Evaluation::Allowed(reason) = index.evaluate(&request) else {
            panic!("an owner may")
        };
        let need = Need::action(operation.to_owned(), scope);
        Decision {
            id: Uuid::nil(),
            revision: 1,
            caller: Caller {
                object_id: somebody,
                ..Caller::nobody()
            },
            surface: Surface::Arm,
            asked_at: Timestamp::from_second(seconds).expect("time"),
            allowed: true,
            findings: vec![Finding::of(&need, Outcome::Granted(reason))],
            others: Vec::new(),
        }
    }

    fn told(uses: &Uses, seconds: i64) -> Vec<(i64, String, String, u64)> {
        let taken = uses.take(Timestamp::from_second(seconds).expect("time"));
        let mut told: Vec<_> = taken
            .into_iter()
            .map(|one| (one.day, one.operation, one.scope.as_str().to_owned(), one.times))
            .collect();
        told.sort();
        told
    }

    #[test]
    fn repetitions_are_counted_and_only_what_is_new_is_news() {
        let (uses, snapshot) = (Uses::default(), Snapshot::empty());
        for second in 0..3 {
            uses.note(&decision("A/b/read", "/subscriptions/s", second), &snapshot);
        }
        assert!(uses.has_news());
        assert_eq!(told(&uses, 3), [(0, "A/b/read".into(), "/".into(), 3)]);
        uses.note(&decision("A/b/read", "/subscriptions/s", 4), &snapshot);
        assert!(!uses.has_news());
        assert_eq!(told(&uses, 4), [(0, "A/b/read".into(), "/".into(), 1)]);
        assert!(told(&uses, 4).is_empty());
    }

    #[test]
    fn a_new_day_begins_anew_and_loses_nothing() {
        let (uses, snapshot) = (Uses::default(), Snapshot::empty());
        uses.note(&decision("A/b/read", "/", 10), &snapshot);
        uses.note(&decision("A/b/read", "/", DAY + 1), &snapshot);
        let days: Vec<_> = told(&uses, DAY + 2)
            .into_iter()
            .map(|(day, _, _, times)| (day, times))
            .collect();
        assert_eq!(days, [(0, 1), (1, 1)]);
    }

    #[test]
    fn too_much_to_tell_apart_is_counted_at_the_subscription() {
        let (uses, snapshot) = (Uses::default(), Snapshot::empty());
        for number in 0..APART + 5 {
            let scope = format!("/subscriptions/s/resourceGroups/g{number}");
            uses.note(&decision("A/b/read", &scope, 0), &snapshot);
        }
        let taken = uses.take(Timestamp::UNIX_EPOCH);
        let coarse: Vec<_> = taken.iter().filter(|one| one.coarse).collect();
        assert_eq!((coarse.len(), coarse[0].times), (1, 5));
        assert_eq!(coarse[0].scope.as_str(), "/subscriptions/s");
    }

    #[test]
    fn what_was_refused_was_not_done() {
        let uses = Uses::default();
        let mut refused = decision("A/b/write", "/", 0);
        refused.allowed = false;
        uses.note(&refused, &Snapshot::empty());
        assert!(!uses.has_news(), "one of its needs was granted, another was not");
    }

    #[test]
    fn what_rules_allow_is_nobodys_right() {
        let uses = Uses::default();
        let mut allowed = decision("A/b/read", "/", 0);
        allowed.findings[0].outcome = Outcome::Rule("SignedIn");
        uses.note(&allowed, &Snapshot::empty());
        let mut by_key = decision("A/b/read", "/", 0);
        by_key.caller = Caller::system();
        uses.note(&by_key, &Snapshot::empty());
        assert!(!uses.has_news());
    }
}
