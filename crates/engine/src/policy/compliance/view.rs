//! One look at a state: each resource is shown once, whoever asks for it.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use nave_policy::{Assignment, Compliance, Effect, Judgement, Mode, Policy, Subject, shape};
use serde_json::Value;

use super::{
    PolicyState,
    attested::Attested,
    kept::{OfResource, Said},
    related,
};
use crate::{
    Caller, Engine, Resource, Snapshot,
    declaration::{Cx, Draft},
    policy::{
        circumstances::Circumstances,
        index::Bound,
        reach::{Reach, names},
    },
};

/// One look.
pub(super) struct View<'a> {
    pub(super) engine: &'a Engine,
    pub(super) snapshot: &'a Snapshot,
    caller: &'a Caller,
    /// Whether what is said is kept.
    keeps: bool,
    attested: Attested<'a>,
    shown: RefCell<HashMap<String, Arc<Shown>>>,
    /// Whether an assignment has a policy that reads the time, by its address.
    timely: RefCell<HashMap<*const Assignment, bool>>,
}

/// A resource as policies see it, and what tells it from what it is at another time.
struct Shown {
    circumstances: Circumstances,
    components: Vec<Value>,
    stamp: u64,
}

impl<'a> View<'a> {
    pub(super) fn new(engine: &'a Engine, snapshot: &'a Snapshot, caller: &'a Caller) -> Self {
        Self {
            engine,
            snapshot,
            caller,
            keeps: true,
            attested: Attested::of(snapshot),
            shown: RefCell::default(),
            timely: RefCell::default(),
        }
    }

    /// The same, of resources that are not there.
    pub(super) fn of_proposed(self) -> Self {
        Self { keeps: false, ..self }
    }

    fn cx(&self) -> Cx<'_> {
        self.engine.cx(self.snapshot, self.caller)
    }

    /// Hands a resource to something that judges, as it is shown now.
    pub(super) fn judged_as<T>(&self, resource: &Resource, judge: impl FnOnce(&Subject<'_>) -> T) -> T {
        judge(&self.shown(resource).circumstances.subject())
    }

    fn shown(&self, resource: &Resource) -> Arc<Shown> {
        if let Some(shown) = self.shown.borrow().get(resource.id.key()) {
            return shown.clone();
        }
        let shown = Arc::new(self.show(resource));
        let mut all = self.shown.borrow_mut();
        all.insert(resource.id.key().to_owned(), shown.clone());
        shown
    }

    fn show(&self, resource: &Resource) -> Shown {
        let cx = self.cx();
        let circumstances = Circumstances::of_stored(self.engine, &cx, resource);
        let components = self.components(&cx, resource);
        let mut hasher = DefaultHasher::new();
        let subject = circumstances.subject();
        for seen in [Some(subject.resource), subject.group, subject.subscription] {
            seen.map(Value::to_string).hash(&mut hasher);
        }
        for component in &components {
            component.to_string().hash(&mut hasher);
        }
        Shown {
            stamp: hasher.finish(),
            components,
            circumstances,
        }
    }

    /// What providers' policies judge of a resource.
    fn components(&self, cx: &Cx<'_>, resource: &Resource) -> Vec<Value> {
        let draft = Draft {
            id: resource.id.clone(),
            body: resource.sent.clone(),
            existing: None,
        };
        let kind = self.engine.registry().resource_type(&resource.id.resource_type());
        kind.map_or_else(Vec::new, |kind| kind.components(cx, &draft))
    }

    /// How a resource stands to every policy that applies to it.
    pub(super) fn states(&self, resource: &Arc<Resource>, states: &mut Vec<PolicyState>) {
        let reach = Reach::of_stored(self.snapshot, &resource.id);
        if reach.is_empty() || !is_judged(&resource.id.resource_type()) {
            return;
        }
        let shown = self.shown(resource);
        let subject = shown.circumstances.subject();
        let mut bounds: Vec<&Arc<Bound>> = reach.policies().map(|(bound, _)| bound).collect();
        bounds.dedup_by(|left, right| Arc::ptr_eq(left, right));
        let said = self.said(resource, &shown, &bounds);
        let in_conflict = in_conflict(&said, subject.resource, &subject);
        for (bound, said) in bounds.iter().zip(&said) {
            for (at, judgement) in said.judgements.iter().enumerate() {
                let Some(judgement) = judgement else { continue };
                let policy = &said.assignment.policies[at];
                let looks = judgement.holds && judgement.effect.looks_for_related();
                let related = looks.then(|| related::find(self, resource, policy));
                let satisfied = related.as_ref().map(|related| related.satisfied);
                let attested = self.attested(resource, &bound.resource, policy, judgement);
                let Some(state) = Compliance::of(policy, judgement, satisfied, attested) else {
                    continue;
                };
                let state = match state {
                    _ if reach.exemption(self.snapshot, policy, &subject).is_some() => Compliance::Exempt,
                    Compliance::NonCompliant if in_conflict.contains(&std::ptr::from_ref(policy)) => {
                        Compliance::Conflict
                    }
                    state => state,
                };
                states.push(PolicyState {
                    resource: resource.clone(),
                    assignment: bound.resource.clone(),
                    state,
                    judgement: judgement.clone(),
                    related,
                    since: resource.history.updated_at.max(bound.resource.history.updated_at),
                    bound: said.assignment.clone(),
                    at,
                });
            }
        }
    }

    /// What every assignment says: what is kept, and what is said anew where something changed.
    fn said(&self, resource: &Resource, shown: &Shown, bounds: &[&Arc<Bound>]) -> Vec<Said> {
        let key = resource.id.key();
        let kept = match self.keeps {
            true => self.engine.compliances.of(key, shown.stamp),
            false => Vec::new(),
        };
        let mut is_new = false;
        let assignments = bounds
            .iter()
            .filter_map(|bound| bound.assignment(self.snapshot.policies()));
        let said: Vec<Said> = assignments
            .map(
                |assignment| match kept.iter().find(|said| said.is_of(&assignment)) {
                    Some(said) if !self.is_timely(&assignment) => said.clone(),
                    _ => {
                        is_new = true;
                        judged(assignment, shown)
                    }
                },
            )
            .collect();
        if self.keeps && (is_new || said.len() != kept.len()) {
            let of = OfResource {
                stamp: shown.stamp,
                said: said.clone(),
            };
            self.engine.compliances.keep(key, of);
        }
        said
    }

    /// Whether what an assignment says may be another while nothing but the time changes.
    fn is_timely(&self, assignment: &Arc<Assignment>) -> bool {
        let reads_the_time = |policy: &Policy| {
            let rule = policy.definition.policy_rule()["if"].to_string();
            rule.to_lowercase().contains("utcnow")
        };
        let mut known = self.timely.borrow_mut();
        *known
            .entry(Arc::as_ptr(assignment))
            .or_insert_with(|| assignment.policies.iter().any(reads_the_time))
    }

    fn attested(
        &self,
        resource: &Resource,
        assignment: &Resource,
        policy: &Policy,
        judgement: &Judgement,
    ) -> Option<Compliance> {
        if judgement.effect != Effect::Manual {
            return None;
        }
        let now = self.engine.world().now();
        self.attested
            .state(&resource.id, &assignment.id, policy.reference_id(), now)
    }
}

/// Objects of the directory and nave's own rows are no resources that policies judge, nor are the objects of policy.
fn is_judged(resource_type: &str) -> bool {
    const NEVER: [&str; 4] = [
        "microsoft.graph/",
        "nave.",
        "microsoft.policyinsights/",
        "microsoft.authorization/policy",
    ];
    let resource_type = resource_type.to_lowercase();
    !NEVER.iter().any(|never| resource_type.starts_with(never))
}

fn judged(assignment: Arc<Assignment>, shown: &Shown) -> Said {
    let judgements = assignment
        .policies
        .iter()
        .map(|policy| judgement(policy, shown).map(Arc::new));
    Said {
        judgements: judgements.collect(),
        assignment,
    }
}

/// What a policy says of a resource, if it applies; one of a provider's mode, of the component that is worst.
fn judgement(policy: &Policy, shown: &Shown) -> Option<Judgement> {
    if !matches!(policy.definition.mode, Mode::Provider(_)) {
        return judgement_of(policy, &shown.circumstances.subject());
    }
    let components = shown
        .components
        .iter()
        .map(|component| shown.circumstances.component(component));
    components
        .filter_map(|component| judgement_of(policy, &component))
        .max_by_key(|judgement| judgement.holds)
}

fn judgement_of(policy: &Policy, subject: &Subject<'_>) -> Option<Judgement> {
    let applies = names(policy, &subject.resource_type().to_lowercase())
        && policy.definition.mode.takes(subject)
        && policy.selects(subject);
    applies
        .then(|| policy.judge(subject))
        .filter(|judgement| judgement.applicable)
}

/// The policies that would change a resource in ways that contradict each other.
fn in_conflict(said: &[Said], body: &Value, subject: &Subject<'_>) -> HashSet<*const Policy> {
    let shapes = |judgement: &Judgement| judgement.holds && judgement.effect.shapes();
    let all = said
        .iter()
        .flat_map(|said| said.assignment.policies.iter().zip(&*said.judgements));
    let shaping: Vec<&Policy> = all
        .filter(|(_, judgement)| judgement.as_deref().is_some_and(shapes))
        .map(|(policy, _)| policy)
        .collect();
    if shaping.len() < 2 {
        return HashSet::new();
    }
    let conflict = shape(&mut body.clone(), &shaping, subject).err();
    let policies = conflict.into_iter().flat_map(|conflict| conflict.policies);
    policies.map(|(policy, _)| std::ptr::from_ref(policy)).collect()
}
