//! What came out, as JSON: of the assignment as a whole, and of each policy where there are several.

use nave_policy::{Assignment, Compliance, Effect, Existence, Judgement, Policy, denial, shape};
use serde_json::{Map, Value, json};

use super::around::Around;

/// One policy with what it said.
struct Said<'a> {
    policy: &'a Policy,
    judgement: Judgement,
    related: Option<bool>,
    existence: Option<Existence>,
}

/// First append and modify change the resource, then the others judge what came out of it.
pub(super) fn verdict(assignment: &Assignment, around: &Around, related: &[Value]) -> Value {
    let before = around.subject(&around.resource);
    let mut shaped = around.resource.clone();
    let policies: Vec<_> = assignment.policies.iter().collect();
    let changes = shape(&mut shaped, &policies, &before);
    let after = around.subject(&shaped);
    let said: Vec<_> = policies
        .iter()
        .map(|policy| {
            let subject = if policy.effect(&before).shapes() {
                &before
            } else {
                &after
            };
            said(policy, around, policy.explain(subject), related)
        })
        .collect();
    let name = before.name();
    let mut answer = match said.iter().max_by_key(|said| said.weight()) {
        Some(first) => first.told(),
        None => Map::new(),
    };
    let refused: Vec<_> = said
        .iter()
        .filter(|said| said.judgement.refuses_write())
        .map(|said| (said.policy, &said.judgement))
        .collect();
    let error = match &changes {
        Err(conflict) => Some(conflict.denial(name)),
        Ok(_) if !refused.is_empty() => Some(denial(name, &refused)),
        Ok(_) => None,
    };
    answer.insert(
        String::from("decision"),
        if error.is_some() { "denied" } else { "allowed" }.into(),
    );
    if let Ok(changes) = &changes
        && !changes.is_empty()
    {
        let told = changes.iter().map(
            |change| json!({"operation": change.operation, "field": change.field, "value": change.value}),
        );
        answer.insert(String::from("changes"), told.collect());
        answer.insert(String::from("resource"), shaped.clone());
    }
    if let Some(error) = error {
        answer.insert(String::from("error"), error.body());
    }
    if said.len() > 1 {
        answer.insert(
            String::from("policies"),
            said.iter().map(|said| Value::Object(said.told())).collect(),
        );
    }
    Value::Object(answer)
}

fn said<'a>(policy: &'a Policy, around: &Around, mut judgement: Judgement, related: &[Value]) -> Said<'a> {
    if !judgement.effect.looks_for_related() || !judgement.holds {
        return Said {
            policy,
            judgement,
            related: None,
            existence: None,
        };
    }
    let found = policy
        .existence(&around.subject(&around.resource))
        .and_then(|existence| {
            let is_wanted = |one: &&Value| {
                existence
                    .as_ref()
                    .is_some_and(|existence| is_named(one, existence))
            };
            let mut candidates = related.iter().filter(is_wanted);
            let satisfied = candidates.try_fold(false, |found, one| {
                Ok(found || policy.is_satisfied_by(&around.subject(one))?)
            });
            satisfied.map(|satisfied| (satisfied, existence))
        });
    match found {
        Ok((satisfied, existence)) => Said {
            policy,
            judgement,
            related: Some(satisfied),
            existence,
        },
        Err(fault) => {
            judgement.fault = Some(fault);
            Said {
                policy,
                judgement,
                related: None,
                existence: None,
            }
        }
    }
}

/// Whether a resource has the type, and the name, that are looked for.
fn is_named(resource: &Value, existence: &Existence) -> bool {
    let is = |name: &str, wanted: &str| {
        resource[name]
            .as_str()
            .is_some_and(|own| own.eq_ignore_ascii_case(wanted))
    };
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    is("type", &existence.resource_type)
        && existence
            .name
            .as_deref()
            .is_none_or(|wanted| is("name", wanted) || is("name", &last(wanted)))
}

impl Said<'_> {
    /// What matters most is told first: a refusal before a change, and both before a remark.
    fn weight(&self) -> (bool, bool, u8, bool) {
        let rank = match self.judgement.effect {
            Effect::Deny => 4,
            Effect::Append | Effect::Modify => 3,
            Effect::DenyAction => 2,
            Effect::Disabled => 0,
            _ => 1,
        };
        (
            self.judgement.refuses_write(),
            self.judgement.holds,
            rank,
            self.judgement.applicable,
        )
    }

    fn told(&self) -> Map<String, Value> {
        let judgement = &self.judgement;
        let state = Compliance::of(self.policy, judgement, self.related, None);
        let mut told = Map::new();
        let mut say = |name: &str, value: Value| told.insert(name.to_owned(), value);
        say("effect", judgement.effect.word().into());
        say("applicable", judgement.applicable.into());
        say("matched", judgement.holds.into());
        say("complianceState", state.map(Compliance::word).into());
        say("policyDefinitionId", self.policy.definition_id.clone().into());
        if let Some(reference) = self.policy.reference_id() {
            say("policyDefinitionReferenceId", reference.into());
        }
        say("decidedBy", self.policy.decided_by(judgement).into());
        let evaluated = judgement.evaluated.iter().filter_map(|expression| {
            let mut told = serde_json::to_value(expression).ok()?;
            told["rulePath"] = expression.at.clone().into();
            Some(told)
        });
        say("evaluatedExpressions", evaluated.collect());
        if let Some(existence) = &self.existence {
            say("ifNotExists", looked_for(existence, self.related));
        }
        if let Some(fault) = &judgement.fault {
            say("fault", json!({"rulePath": fault.at, "message": fault.message}));
        }
        told
    }
}

fn looked_for(existence: &Existence, related: Option<bool>) -> Value {
    json!({
        "type": existence.resource_type, "name": existence.name, "resourceGroupName": existence.resource_group_name,
        "existenceScope": if existence.in_subscription { "Subscription" } else { "ResourceGroup" },
        "found": related,
        "deployment": existence.deployment.as_ref().map(|deployment| json!({"parameters": deployment.properties["parameters"]})),
    })
}
