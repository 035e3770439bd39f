//! `append` and `modify`: what policies change in the body of a request (policy-language 5).
//!
//! Every policy sees the resource as the request has it, not as other policies leave it; so their order does not count, and
//! where two would write one field differently, that is a conflict to be settled.

use serde_json::{Map, Value};

use crate::{
    alias::{Step, path_text},
    assignment::Policy,
    compare::equal,
    effect::Effect,
    evaluation::{Evaluation, Place},
    field::Field,
    judgement::{Fault, Judgement},
    rule::{
        condition::FieldTerm,
        details::{Details, OnConflict, Operation, OperationKind},
        operator::truth,
    },
    subject::Subject,
    words::spelling,
    writing::{How, Written, remove, write},
};

/// A change that a policy made.
#[derive(Debug, Clone)]
pub struct Changed<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// `append`, `addOrReplace`, `add` or `remove`.
    pub operation: &'static str,
    /// The field, as the definition names it.
    pub field: String,
    /// The value that was written; null where it was removed.
    pub value: Value,
}

/// Changes that cannot all be made: the request is refused, and the policies with their judgements say why.
#[derive(Debug, Clone)]
pub struct Conflict<'p> {
    /// The field that they disagree about.
    pub field: String,
    /// Those that refuse.
    pub policies: Vec<(&'p Policy, Judgement)>,
}

/// A change that one policy wants.
struct Proposal<'p> {
    policy: usize,
    /// The target's, by which those that write to the same thing are found.
    key: String,
    target: Target,
    name: String,
    action: Action,
    on_conflict: OnConflict,
    changed: Changed<'p>,
}

/// What is written to.
#[derive(Debug, Clone, PartialEq)]
enum Target {
    AllTags,
    Tag(String),
    Path(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    Write(How, Value),
    Remove,
}

/// Changes the body as every policy among these wants it whose condition holds for the subject. The subject is the resource
/// before the change; policies that do not act (`DoNotEnforce`, exempt) are to be left out by the caller.
///
/// # Errors
/// When policies contradict each other, an `append` would overwrite, or one of them cannot be evaluated: then the body is as
/// it was.
pub fn shape<'p>(
    body: &mut Value,
    policies: &[&'p Policy],
    subject: &Subject<'_>,
) -> Result<Vec<Changed<'p>>, Conflict<'p>> {
    let shaping = policies.iter().filter(|policy| policy.effect(subject).shapes());
    let judged = shaping.map(|policy| (*policy, policy.judge(subject)));
    let acting: Vec<_> = judged
        .filter(|(_, judgement)| judgement.holds || judgement.fault.is_some())
        .collect();
    let mut proposals = Vec::new();
    for (at, (policy, judgement)) in acting.iter().enumerate() {
        let found = match &judgement.fault {
            Some(fault) => Err(fault.clone()),
            None => propose(at, policy, judgement.effect, subject),
        };
        match found {
            Ok(found) => proposals.extend(found),
            Err(fault) => return Err(refused(&acting, at, String::new(), Some(fault))),
        }
    }
    let proposals = settle(proposals, &acting, body)?;
    let mut shaped = body.clone();
    let mut changes = Vec::new();
    for proposal in proposals {
        match proposal.carry_out(&mut shaped) {
            Written::Changed => changes.push(proposal.changed),
            Written::Nothing => {}
            Written::Obstructed => return Err(refused(&acting, proposal.policy, proposal.name, None)),
        }
    }
    // operations that undo each other change nothing
    if shaped == *body {
        return Ok(Vec::new());
    }
    *body = shaped;
    Ok(changes)
}

type Acting<'p> = [(&'p Policy, Judgement)];

fn refused<'p>(acting: &Acting<'p>, at: usize, field: String, fault: Option<Fault>) -> Conflict<'p> {
    let policies = acting.get(at).map(|(policy, judgement)| {
        let fault = fault.or_else(|| judgement.fault.clone());
        (
            *policy,
            Judgement {
                fault,
                ..judgement.clone()
            },
        )
    });
    Conflict {
        field,
        policies: policies.into_iter().collect(),
    }
}

fn propose<'p>(
    at: usize,
    policy: &'p Policy,
    effect: Effect,
    subject: &Subject<'_>,
) -> Result<Vec<Proposal<'p>>, Fault> {
    let evaluation = Evaluation::new(policy, subject, false);
    let place = evaluation.place();
    match (&policy.rule.details, effect) {
        (Details::Append(additions), Effect::Append) => {
            let proposals = additions.iter().map(|addition| {
                let (target, name) = target(&addition.field, &place, &addition.at)?;
                let value = addition.value.value(&place, &addition.at)?.into_owned();
                let changed = Changed {
                    policy,
                    operation: "append",
                    field: name.clone(),
                    value: value.clone(),
                };
                let action = Action::Write(How::Append, value);
                Ok(Proposal {
                    policy: at,
                    key: target.key(),
                    target,
                    name,
                    action,
                    on_conflict: OnConflict::Deny,
                    changed,
                })
            });
            proposals.collect()
        }
        (Details::Modify(modification), Effect::Modify) => {
            let proposals = modification.operations.iter().filter_map(|operation| {
                let proposal = operation.propose(at, policy, &place, modification.on_conflict);
                proposal.transpose()
            });
            proposals.collect()
        }
        _ => Ok(Vec::new()),
    }
}

impl Operation {
    /// The change, unless the operation's own condition is against it.
    fn propose<'p>(
        &self,
        at: usize,
        policy: &'p Policy,
        place: &Place<'_, '_>,
        on_conflict: OnConflict,
    ) -> Result<Option<Proposal<'p>>, Fault> {
        if let Some(condition) = &self.condition {
            let holds = condition.value(place, &self.at)?;
            match truth(&holds) {
                Some(true) => {}
                Some(false) => return Ok(None),
                None => {
                    return Err(Fault::new(
                        &self.at,
                        format!("the condition of the operation gives {holds}, not true or false"),
                    ));
                }
            }
        }
        let (target, name) = target(&self.field, place, &self.at)?;
        let value = self
            .value
            .as_ref()
            .map(|value| value.value(place, &self.at))
            .transpose()?;
        let value = value.map(std::borrow::Cow::into_owned).unwrap_or_default();
        let (operation, action) = match self.kind {
            OperationKind::AddOrReplace => ("addOrReplace", Action::Write(How::Replace, value.clone())),
            OperationKind::Add => ("add", Action::Write(How::Add, value.clone())),
            OperationKind::Remove => ("remove", Action::Remove),
        };
        let changed = Changed {
            policy,
            operation,
            field: name.clone(),
            value: if action == Action::Remove {
                Value::Null
            } else {
                value
            },
        };
        Ok(Some(Proposal {
            policy: at,
            key: target.key(),
            target,
            name,
            action,
            on_conflict,
            changed,
        }))
    }
}

/// What a field is written to, and what it is called.
fn target(field: &FieldTerm, place: &Place<'_, '_>, at: &str) -> Result<(Target, String), Fault> {
    let (field, name) = match field {
        FieldTerm::Known(field, name) => (field.clone(), name.clone()),
        FieldTerm::Later(term) => {
            let name = term.value(place, at)?;
            let name = name.as_str().unwrap_or_default().to_owned();
            let field = Field::read(&name)
                .ok_or_else(|| Fault::new(at, format!("'{name}' is no field and no alias")))?;
            (field, name)
        }
    };
    let member = |name: &str| Step::Member(name.to_owned());
    let target = match field {
        Field::Tags => Target::AllTags,
        Field::Tag(tag) => Target::Tag(tag),
        Field::Location => Target::Path(vec![member("location")]),
        Field::IdentityType => Target::Path(vec![member("identity"), member("type")]),
        Field::UserAssignedIdentities => {
            Target::Path(vec![member("identity"), member("userAssignedIdentities")])
        }
        Field::Alias(alias) => {
            let resource_type = place.evaluation.subject.resource_type();
            let steps = alias.place(resource_type).map(|found| found.steps.clone());
            Target::Path(steps.ok_or_else(|| {
                Fault::new(at, format!("'{name}' is no alias of the type '{resource_type}'"))
            })?)
        }
        Field::Name | Field::FullName | Field::Kind | Field::Type | Field::Id => {
            return Err(Fault::new(at, format!("the field '{name}' cannot be changed")));
        }
    };
    Ok((target, name))
}

impl Target {
    /// The same for the same target.
    fn key(&self) -> String {
        match self {
            Self::AllTags => String::from("tags"),
            Self::Tag(tag) => format!("tags[{}]", tag.to_lowercase()),
            Self::Path(steps) => path_text(steps).to_lowercase(),
        }
    }

    /// Whether several policies may write to it, because each adds an element of its own.
    fn gathers(&self) -> bool {
        matches!(self, Self::Path(steps) if steps.last() == Some(&Step::Each))
    }
}

impl Proposal<'_> {
    /// Whether it would add a member that is there already, which it leaves as it is.
    fn is_idle(&self, body: &Value) -> bool {
        matches!(self.action, Action::Write(How::Add, _))
            && !self.target.gathers()
            && self.carry_out(&mut body.clone()) == Written::Nothing
    }

    /// Whether the two write one thing differently, or one writes what the other removes.
    fn contradicts(&self, other: &Self, body: &Value) -> bool {
        if self.policy == other.policy || self.key != other.key {
            return false;
        }
        match (&self.action, &other.action) {
            (Action::Write(left_how, left), Action::Write(right_how, right)) => {
                let both_gather =
                    self.target.gathers() && *left_how != How::Replace && *right_how != How::Replace;
                !both_gather && !equal(left, right) && !self.is_idle(body) && !other.is_idle(body)
            }
            (left, right) => left != right,
        }
    }

    fn carry_out(&self, body: &mut Value) -> Written {
        match (&self.target, &self.action) {
            (Target::Path(steps), Action::Write(how, value)) => write(body, steps, *how, value),
            (Target::Path(_), Action::Remove) => Written::Nothing,
            (Target::Tag(tag), Action::Write(how, value)) => {
                // the value of a tag is a text, whatever the rule writes
                let value = crate::compare::text(value)
                    .map_or_else(|| value.clone(), |text| Value::from(text.into_owned()));
                write(
                    body,
                    &[Step::Member(String::from("tags")), Step::Member(tag.clone())],
                    *how,
                    &value,
                )
            }
            (Target::Tag(tag), Action::Remove) => {
                let was_there = tags(body).is_some_and(|tags| remove(tags, tag));
                if was_there {
                    Written::Changed
                } else {
                    Written::Nothing
                }
            }
            (Target::AllTags, Action::Write(how, value)) => {
                write(body, &[Step::Member(String::from("tags"))], *how, value)
            }
            (Target::AllTags, Action::Remove) => match tags(body) {
                Some(tags) if !tags.is_empty() => {
                    tags.clear();
                    Written::Changed
                }
                _ => Written::Nothing,
            },
        }
    }
}

fn tags(body: &mut Value) -> Option<&mut Map<String, Value>> {
    let object = body.as_object_mut()?;
    let name = spelling(object, "tags");
    object.get_mut(&name)?.as_object_mut()
}

/// Of changes that contradict each other, those of the one policy that insists (`conflictEffect: deny`) are made, and none
/// where no policy does. Where several insist, the request is refused.
fn settle<'p>(
    proposals: Vec<Proposal<'p>>,
    acting: &Acting<'p>,
    body: &Value,
) -> Result<Vec<Proposal<'p>>, Conflict<'p>> {
    let mut kept = Vec::new();
    for (at, proposal) in proposals.iter().enumerate() {
        let rivals: Vec<_> = proposals
            .iter()
            .filter(|other| other.contradicts(proposal, body))
            .collect();
        let insists = proposal.on_conflict == OnConflict::Deny;
        let rival = rivals
            .iter()
            .find(|rival| insists && rival.on_conflict == OnConflict::Deny);
        if let Some(rival) = rival {
            let pair = [proposal.policy, rival.policy];
            let policies = pair.iter().filter_map(|at| acting.get(*at));
            let policies = policies
                .map(|(policy, judgement)| (*policy, judgement.clone()))
                .collect();
            return Err(Conflict {
                field: proposal.name.clone(),
                policies,
            });
        }
        if rivals.is_empty() || insists {
            kept.push(at);
        }
    }
    let all = proposals.into_iter().enumerate();
    Ok(all
        .filter_map(|(at, proposal)| kept.contains(&at).then_some(proposal))
        .collect())
}
