//! Judging a write, on its way to a commit.
//!
//! The order is that of policy-language 5: append and modify change the body, deny looks at the changed body, audit notes.
//! Who is exempt, and what is assigned without being enforced, has no part in it. A rule that cannot be evaluated refuses.

use nave_arm::ArmError;
use nave_policy::{Effect, Judgement, Mode, Policy, Subject, denial, shape};
use serde_json::Value;

use super::{
    circumstances::{AsAsked, Circumstances, visible},
    note,
    reach::Reach,
};
use crate::{
    Engine,
    declaration::{Cx, Draft, ResourceType},
};

/// Judges a resource that is about to be written: changes its body as policies want it, and answers what the event of the
/// commit keeps.
///
/// # Errors
/// `RequestDisallowedByPolicy`, which names every policy that forbids it.
pub fn govern(
    engine: &Engine,
    cx: &Cx<'_>,
    kind: &dyn ResourceType,
    draft: &mut Draft,
    as_asked: &AsAsked,
) -> Result<Vec<Value>, ArmError> {
    let reach = Reach::of(cx.snapshot, &draft.id, Some(&draft.body));
    if reach.is_empty() {
        return Ok(Vec::new());
    }
    let mut visible = visible(kind, draft);
    let mut circumstances = Circumstances::of_draft(engine, cx, kind, &visible, as_asked);
    let mut notes = {
        let subject = circumstances.subject();
        let acting = acting(&reach, cx, &subject);
        shaped(&acting, &subject, draft)?
    };
    if !notes.is_empty() {
        visible = self::visible(kind, draft);
        circumstances.see(cx, kind, &visible);
    }
    let components = match reach.looks_at_components() {
        true => kind.components(cx, &visible),
        false => Vec::new(),
    };
    let subjects = std::iter::once(circumstances.subject());
    let subjects: Vec<Subject<'_>> = subjects
        .chain(
            components
                .iter()
                .map(|component| circumstances.component(component)),
        )
        .collect();
    notes.extend(judged(&reach, cx, &subjects, draft)?);
    Ok(notes)
}

/// The policies that act on a subject: about its type, enforced, and nobody exempt.
fn acting<'a>(reach: &'a Reach, cx: &Cx<'_>, subject: &'a Subject<'a>) -> Vec<&'a Policy> {
    reach
        .policies_for(subject)
        .map(|(_, policy)| policy)
        .filter(|policy| policy.assignment.enforcement.is_on())
        .filter(|policy| reach.exemption(cx.snapshot, policy, subject).is_none())
        .collect()
}

/// Changes the body as those policies want it that change bodies.
fn shaped(acting: &[&Policy], subject: &Subject<'_>, draft: &mut Draft) -> Result<Vec<Value>, ArmError> {
    let shaping: Vec<&Policy> = acting
        .iter()
        .copied()
        .filter(|policy| {
            policy.effect(subject).shapes() && matches!(policy.definition.mode, Mode::All | Mode::Indexed)
        })
        .collect();
    if shaping.is_empty() {
        return Ok(Vec::new());
    }
    let name = draft.id.name().to_owned();
    match shape(&mut draft.body, &shaping, subject) {
        Ok(changes) => Ok(changes
            .iter()
            .map(|change| note::changed(draft.id.as_str(), change))
            .collect()),
        Err(conflict) => {
            let violations: Vec<(&Policy, &Judgement)> = conflict
                .policies
                .iter()
                .map(|(policy, judgement)| (*policy, judgement))
                .collect();
            Err(denial(&name, &violations))
        }
    }
}

/// Refuses what a policy forbids of any of the subjects, and notes what others do not like.
fn judged(
    reach: &Reach,
    cx: &Cx<'_>,
    subjects: &[Subject<'_>],
    draft: &Draft,
) -> Result<Vec<Value>, ArmError> {
    let mut violations: Vec<(&Policy, Judgement)> = Vec::new();
    let mut notes = Vec::new();
    for subject in subjects {
        for policy in acting(reach, cx, subject) {
            match policy.effect(subject) {
                Effect::Disabled | Effect::DenyAction => continue,
                effect if effect.is_kept_only() || effect.shapes() => continue,
                _ => {}
            }
            let judgement = policy.judge(subject);
            let forbids = judgement.applicable && judgement.holds && judgement.effect == Effect::Deny;
            if judgement.fault.is_some() || forbids {
                violations.push((policy, judgement));
            } else if judgement.applicable && judgement.holds && judgement.effect == Effect::Audit {
                notes.push(note::audited(draft.id.as_str(), policy, &judgement));
            }
        }
    }
    if violations.is_empty() {
        return Ok(notes);
    }
    let told: Vec<(&Policy, &Judgement)> = violations
        .iter()
        .map(|(policy, judgement)| (*policy, judgement))
        .collect();
    Err(denial(draft.id.name(), &told))
}
