//! The rules of access, read off one after another (rbac-semantics 2 to 6): slow, and without a line of the crate.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    language::{self, Facts, Scalar, Truth},
    world::{Assigned, Denied, EVERYBODY, Object, Question, World},
};

/// What the rules say, and what had a say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) allowed: bool,
    pub(crate) denied_by_deny: bool,
    /// Without any condition it would have come out the other way.
    pub(crate) decided_by_condition: bool,
}

pub(crate) fn outcome(world: &World, question: &Question) -> Outcome {
    let blocked = is_blocked(world, question, true);
    let allowed = !blocked && is_granted(world, question, true);
    let unconditioned = !is_blocked(world, question, false) && is_granted(world, question, false);
    Outcome {
        allowed,
        denied_by_deny: blocked,
        decided_by_condition: allowed != unconditioned,
    }
}

fn is_blocked(world: &World, question: &Question, heed: bool) -> bool {
    world
        .denies
        .iter()
        .any(|deny| blocks(world, deny, question, heed))
}

pub(crate) fn blocks(world: &World, deny: &Denied, question: &Question, heed: bool) -> bool {
    let me = identities(world, &question.principal);
    let is_me = |who: &String| me.contains(who);
    // A management group that nobody knows of holds nothing, not even itself.
    let reaches =
        contains(world, &deny.scope, &question.scope) && (!deny.only_here || deny.scope == question.scope);
    let about_me = deny.principals.iter().any(|who| who == EVERYBODY || is_me(who));
    // An open question does not open a door: only a condition that is plainly false lets the caller through.
    let heeded = |condition: &Option<String>| !heed || truth(condition, question) != Some(false);
    !deny.audits
        && reaches
        && about_me
        && !deny.excluded.iter().any(is_me)
        && heeded(&deny.condition)
        && deny
            .objects
            .iter()
            .any(|object| grants(object, question) && heeded(&object.condition))
}

fn is_granted(world: &World, question: &Question, heed: bool) -> bool {
    world
        .assignments
        .iter()
        .any(|assigned| reaches(world, assigned, question) && gives(world, assigned, question, heed))
}

/// Whether an assignment has anything to do with a question.
pub(crate) fn reaches(world: &World, assigned: &Assigned, question: &Question) -> bool {
    identities(world, &question.principal).contains(&assigned.principal)
        && contains(world, &assigned.scope, &question.scope)
}

/// Whether an assignment that reaches a question grants what it asks.
pub(crate) fn gives(world: &World, assigned: &Assigned, question: &Question, heed: bool) -> bool {
    let met = |condition: &Option<String>| !heed || truth(condition, question) == Some(true);
    let of_this_language = assigned.version.as_deref().is_none_or(|version| version == "2.0");
    // a blank condition is none
    let unconditioned = assigned
        .condition
        .as_ref()
        .is_none_or(|text| text.trim().is_empty());
    let readable = !heed || unconditioned || of_this_language;
    let role = world.roles.iter().find(|(role, _)| *role == assigned.role);
    role.is_some_and(|(_, objects)| {
        objects
            .iter()
            .any(|object| grants(object, question) && met(&object.condition))
    }) && readable
        && met(&assigned.condition)
}

fn grants(object: &Object, question: &Question) -> bool {
    let says = |list: &[String]| list.iter().any(|pattern| covers(pattern, &question.operation));
    if question.data {
        says(&object.data_actions) && !says(&object.not_data_actions)
    } else {
        says(&object.actions) && !says(&object.not_actions)
    }
}

/// Whether a pattern covers an operation. Joining a hub has two spellings, which are one operation.
pub(crate) fn covers(pattern: &str, operation: &str) -> bool {
    let long = "microsoft.machinelearningservices/workspaces/hubs/join/action";
    let short = "microsoft.machinelearningservices/workspaces/hubs/join";
    let operation = operation.to_lowercase();
    if operation == long || operation == short {
        return covers_spelling(pattern, long) || covers_spelling(pattern, short);
    }
    covers_spelling(pattern, &operation)
}

fn covers_spelling(pattern: &str, operation: &str) -> bool {
    fn glob(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|cut| glob(rest, &text[cut..])),
            [c, rest @ ..] => text.first() == Some(c) && glob(rest, &text[1..]),
        }
    }
    let pattern = pattern.to_lowercase();
    let one_wildcard = pattern.matches('*').count() == 1;
    glob(pattern.as_bytes(), operation.as_bytes())
        || (one_wildcard && glob(pattern.replace("/*/", "/").as_bytes(), operation.as_bytes()))
}

/// The caller and every group that holds somebody of the set, until nothing is added.
fn identities(world: &World, caller: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::from([caller.to_owned()]);
    loop {
        let before = all.len();
        for (group, members) in &world.groups {
            if members.iter().any(|member| all.contains(member)) {
                all.insert(group.clone());
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// Whether a scope is another or lies above it.
pub(crate) fn contains(world: &World, upper: &str, lower: &str) -> bool {
    let group = |scope: &str| {
        scope
            .strip_prefix("/providers/Microsoft.Management/managementGroups/")
            .map(str::to_owned)
    };
    if upper == "/" {
        return true;
    }
    if let Some(upper) = group(upper) {
        let subscription = lower.split('/').nth(2).unwrap_or_default().to_owned();
        let mut above = group(lower).or_else(|| {
            let home = world
                .management_groups
                .iter()
                .find(|(_, _, inside)| inside.contains(&subscription));
            home.map(|(name, ..)| name.clone())
        });
        // A group nobody knows of holds nothing, itself included; one that is named as a parent is known.
        let known = |name: &String| {
            world
                .management_groups
                .iter()
                .any(|(own, parent, _)| own == name || parent.as_ref() == Some(name))
        };
        let mut seen = BTreeSet::new();
        while let Some(name) = above.filter(|name| known(name) && seen.insert(name.clone())) {
            if name == upper {
                return true;
            }
            let row = world.management_groups.iter().find(|(own, ..)| *own == name);
            above = row.and_then(|(_, parent, _)| parent.clone());
        }
        return false;
    }
    let segments = |scope: &str| scope.split('/').map(str::to_owned).collect::<Vec<_>>();
    segments(lower).starts_with(&segments(upper))
}

fn truth(condition: &Option<String>, question: &Question) -> Truth {
    match condition {
        Some(text) if !text.trim().is_empty() => text_truth(text, question),
        _ => Some(true),
    }
}

/// What a text comes to as a condition; unknown when it is none.
pub(crate) fn text_truth(text: &str, question: &Question) -> Truth {
    let tree = language::parse(text)?;
    let attributes: Vec<(String, String, Vec<Scalar>)> = surrounding(question)
        .into_iter()
        .chain(question.attributes.iter().map(|(source, name, values)| {
            (source.clone(), name.clone(), values.iter().map(scalar).collect())
        }))
        .collect();
    tree.truth(&Facts {
        operation: &question.operation,
        sub_operation: question.sub_operation.as_deref(),
        attributes: &attributes,
    })
}

fn surrounding(question: &Question) -> Option<(String, String, Vec<Scalar>)> {
    let now = match question.now? {
        1_714_568_400 => "2024-05-01T13:00:00.5000000Z",
        1_709_164_800 => "2024-02-29T00:00:00.5000000Z",
        -5 => "1969-12-31T23:59:55.5000000Z",
        other => panic!("{other}"),
    };
    Some((
        String::from("environment"),
        String::from("UtcNow"),
        vec![Scalar::Text(now.to_owned())],
    ))
}

fn scalar(value: &Value) -> Scalar {
    match value {
        Value::String(text) => Scalar::Text(text.clone()),
        Value::Bool(truth) => Scalar::Bool(*truth),
        Value::Number(number) => number
            .as_i64()
            .map_or(Scalar::Other, |number| Scalar::Number(number.into())),
        _ => Scalar::Other,
    }
}
