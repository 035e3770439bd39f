//! Evaluating the conditions of a rule on a subject.
//!
//! An [`Evaluation`] is one judgement with its budget and its trace; a [`Place`] is where in the rule it is: inside which
//! counts, and at which of their elements.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
};

use nave_template::Budget;
use serde_json::{Map, Value, json};

use crate::{
    alias::{Alias, Place as AliasPlace, Step, path_text},
    assignment::Policy,
    field::Field,
    functions,
    judgement::{EvaluatedExpression, Fault},
    parameters::Values,
    rule::{
        condition::{Condition, Count, Counted, FieldTerm, Leaf, Sight},
        operator::{Comparison, Operator},
    },
    selection::{Narrowing, Selection, elements, inside, select},
    subject::Subject,
    words::{location, part, same, text_part},
};

/// What one judgement may cost: some tens of milliseconds at most.
const BUDGET: usize = 16 << 20;
/// What one comparison costs, and one element of an array that is looked at.
const EACH: usize = 64;
/// How many elements of an array a trace shows.
const SHOWN: usize = 100;

/// One judgement under way.
pub(crate) struct Evaluation<'e> {
    pub(crate) policy: &'e Policy,
    pub(crate) subject: &'e Subject<'e>,
    pub(crate) parameters: &'e Values,
    pub(crate) budget: Budget,
    trace: Option<RefCell<Vec<EvaluatedExpression>>>,
    /// Whether a comparison asked for a group or subscription that the subject is not in.
    is_outside: Cell<bool>,
}

/// A place in the rule.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p, 'e> {
    pub(crate) evaluation: &'p Evaluation<'e>,
    frame: Option<&'p Frame<'p>>,
    narrowings: &'p [Narrowing<'p>],
}

/// The element that a count is at.
struct Frame<'f> {
    name: Option<&'f str>,
    value: &'f Value,
    outer: Option<&'f Frame<'f>>,
}

/// What a comparison looks at.
enum Seen<'v> {
    One(Option<Cow<'v, Value>>),
    Many(Vec<Option<&'v Value>>),
}

impl<'e> Evaluation<'e> {
    pub(crate) fn new(policy: &'e Policy, subject: &'e Subject<'e>, is_traced: bool) -> Self {
        Self {
            policy,
            subject,
            parameters: &policy.parameters,
            budget: Budget::of(BUDGET),
            trace: is_traced.then(RefCell::default),
            is_outside: Cell::new(false),
        }
    }

    /// Outside every count.
    pub(crate) fn place(&self) -> Place<'_, 'e> {
        Place {
            evaluation: self,
            frame: None,
            narrowings: &[],
        }
    }

    /// The comparisons that were made.
    pub(crate) fn into_trace(self) -> Vec<EvaluatedExpression> {
        self.trace.map(RefCell::into_inner).unwrap_or_default()
    }

    /// `policy()`.
    pub(crate) fn policy(&self) -> Value {
        let policy = self.policy;
        json!({
            "assignmentId": policy.assignment.id,
            "definitionId": policy.definition_id,
            "setDefinitionId": policy.set.as_ref().map(|set| &set.id),
            "definitionReferenceId": policy.reference_id(),
        })
    }

    /// `requestContext()`.
    pub(crate) fn request_context(&self) -> Value {
        match &self.subject.request {
            Some(request) => {
                let nobody = Value::Object(Map::new());
                let identity = if request.identity.is_object() {
                    request.identity
                } else {
                    &nobody
                };
                json!({"apiVersion": request.api_version, "identity": identity})
            }
            None => functions::no_request(self.subject.now),
        }
    }

    /// `resourceGroup()` or `subscription()`; where there is none, the comparison that asks does not hold.
    pub(crate) fn around(&self, scope: Option<&Value>) -> Value {
        if scope.is_none() {
            self.is_outside.set(true);
        }
        scope.cloned().unwrap_or_default()
    }

    fn record(&self, evaluated: impl FnOnce() -> EvaluatedExpression) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(evaluated());
        }
    }
}

impl<'p, 'e> Place<'p, 'e> {
    /// Whether a condition holds. What decides already is not followed by more.
    pub(crate) fn holds(&self, condition: &Condition) -> Result<bool, Fault> {
        match condition {
            Condition::Not(inside) => Ok(!self.holds(inside)?),
            Condition::AllOf(inside) => self.until(inside, false),
            Condition::AnyOf(inside) => self.until(inside, true),
            Condition::Leaf(leaf) => self.leaf(leaf),
        }
    }

    fn until(&self, conditions: &[Condition], stop: bool) -> Result<bool, Fault> {
        for condition in conditions {
            if self.holds(condition)? == stop {
                return Ok(stop);
            }
        }
        Ok(!stop)
    }

    /// Whether a comparison holds.
    pub(crate) fn leaf(&self, leaf: &Leaf) -> Result<bool, Fault> {
        let evaluation = self.evaluation;
        if !evaluation.budget.pay(EACH) {
            return Err(Fault::used_up(&leaf.at));
        }
        let before = evaluation.is_outside.replace(false);
        let seen = self.sight(leaf)?;
        let operand = leaf.operand.value(self, &leaf.at)?;
        let is_outside = evaluation.is_outside.replace(before);
        let compare = |value: Option<&Value>| {
            let holds = match leaf.field() {
                Some(Field::Location) => located(leaf.operator, value, &operand),
                _ => leaf.operator.holds(value, &operand),
            };
            holds.map_err(|message| Fault::new(&leaf.at, message))
        };
        let holds = !is_outside
            && match &seen {
                Seen::One(value) => compare(value.as_deref())?,
                Seen::Many(values) => all(values, compare)?,
            };
        // inside a count, the count says what came out
        if self.frame.is_none() {
            evaluation.record(|| evaluated(leaf, &seen, &operand, holds, evaluation.subject));
        }
        Ok(holds)
    }

    fn sight<'l>(&'l self, leaf: &'l Leaf) -> Result<Seen<'l>, Fault> {
        match &leaf.looks_at {
            Sight::Field(FieldTerm::Known(field, _)) => self.checked(self.field(field), leaf),
            Sight::Field(FieldTerm::Later(term)) => {
                let name = term.value(self, &leaf.at)?;
                let field = name.as_str().and_then(Field::read);
                let field =
                    field.ok_or_else(|| Fault::new(&leaf.at, format!("{name} is no field and no alias")))?;
                self.checked(self.field(&field), leaf)
            }
            Sight::Value(term) => Ok(Seen::One(Some(term.value(self, &leaf.at)?))),
            Sight::Count(count) => Ok(Seen::One(Some(Cow::Owned(self.count(count, &leaf.at)?.into())))),
        }
    }

    /// Refuses what was only looked at in part because the budget is used up.
    fn checked<'l>(&self, seen: Seen<'l>, leaf: &Leaf) -> Result<Seen<'l>, Fault> {
        match &seen {
            Seen::Many(_) if !self.evaluation.budget.pay(EACH) => Err(Fault::used_up(&leaf.at)),
            _ => Ok(seen),
        }
    }

    fn count(&self, count: &Count, at: &str) -> Result<usize, Fault> {
        match &count.over {
            Counted::Field(alias) => self.count_field(alias, count.filter.as_ref(), at),
            Counted::Later(term) => {
                let name = term.value(self, at)?;
                let alias = name
                    .as_str()
                    .and_then(Alias::read)
                    .filter(|alias| alias.name.ends_with("[*]"));
                let alias = alias.ok_or_else(|| {
                    Fault::new(
                        at,
                        format!("{name} cannot be counted: it is no alias that ends in '[*]'"),
                    )
                })?;
                self.count_field(&alias, count.filter.as_ref(), at)
            }
            Counted::Value { elements, name } => {
                let listed = elements.value(self, at)?;
                let listed = match listed.as_ref() {
                    Value::Array(elements) => &elements[..],
                    Value::Null => &[],
                    Value::String(text) if text.is_empty() => &[],
                    other => {
                        let kind = crate::parameters::kind_word(other);
                        return Err(Fault::new(
                            at,
                            format!("a count of values takes an array, not a value of type '{kind}'"),
                        ));
                    }
                };
                self.count_elements(
                    listed.iter().map(|element| (&[][..], element)),
                    name.as_deref(),
                    &[],
                    count.filter.as_ref(),
                    at,
                )
            }
        }
    }

    fn count_field(&self, alias: &Alias, filter: Option<&Condition>, at: &str) -> Result<usize, Fault> {
        let subject = self.evaluation.subject;
        let Some(place) = alias.place(subject.resource_type()) else {
            return Ok(0);
        };
        let steps = self.present(place);
        let found = elements(subject.resource, steps, self.narrowings, &|count| self.pay(count));
        if !self.pay(0) {
            return Err(Fault::used_up(at));
        }
        let listed = found.iter().map(|(indices, element)| (&indices[..], *element));
        self.count_elements(listed, Some(&alias.name), steps, filter, at)
    }

    /// Counts the elements that the filter holds for; `steps` is the path of a counted array, with an index for each `[*]`.
    fn count_elements<'v>(
        &self,
        listed: impl Iterator<Item = (&'v [usize], &'v Value)>,
        name: Option<&str>,
        steps: &[Step],
        filter: Option<&Condition>,
        at: &str,
    ) -> Result<usize, Fault> {
        let arrays: Vec<_> = (0..steps.len())
            .filter(|at| steps.get(*at) == Some(&Step::Each))
            .collect();
        let mut counted = 0;
        for (indices, value) in listed {
            if !self.pay(1) {
                return Err(Fault::used_up(at));
            }
            let Some(filter) = filter else {
                counted += 1;
                continue;
            };
            let own = arrays.iter().zip(indices).map(|(end, index)| Narrowing {
                steps: steps.get(..=*end).unwrap_or_default(),
                index: *index,
            });
            let narrowings: Vec<_> = self.narrowings.iter().copied().chain(own).collect();
            let frame = Frame {
                name,
                value,
                outer: self.frame,
            };
            let inside = Place {
                evaluation: self.evaluation,
                frame: Some(&frame),
                narrowings: &narrowings,
            };
            counted += usize::from(inside.holds(filter)?);
        }
        Ok(counted)
    }

    fn pay(&self, elements: usize) -> bool {
        self.evaluation
            .budget
            .pay(elements.saturating_add(1).saturating_mul(EACH))
    }

    /// The value of a field, as comparisons see it.
    fn field(&self, field: &Field) -> Seen<'p> {
        let subject = self.evaluation.subject;
        let resource: &'p Value = subject.resource;
        let root = |name: &str| Seen::One(part(resource, name).map(Cow::Borrowed));
        let text = |text: &str| Seen::One((!text.is_empty()).then(|| Cow::Owned(Value::from(text))));
        match field {
            Field::Name => text(subject.name()),
            Field::FullName => text(&full_name(subject)),
            Field::Kind => root("kind"),
            Field::Type => root("type"),
            Field::Location => root("location"),
            Field::Id => text(subject.id),
            Field::IdentityType => Seen::One(
                part(resource, "identity")
                    .and_then(|identity| part(identity, "type"))
                    .map(Cow::Borrowed),
            ),
            Field::UserAssignedIdentities => {
                let identity = part(resource, "identity");
                Seen::One(
                    identity
                        .and_then(|identity| part(identity, "userAssignedIdentities"))
                        .map(Cow::Borrowed),
                )
            }
            Field::Tags => root("tags"),
            Field::Tag(name) => Seen::One(
                part(resource, "tags")
                    .and_then(|tags| part(tags, name))
                    .map(Cow::Borrowed),
            ),
            Field::Alias(alias) => match alias.place(subject.resource_type()) {
                Some(place) => match select(resource, self.present(place), self.narrowings, &|count| {
                    self.pay(count)
                }) {
                    Selection::One(value) => Seen::One(value.map(Cow::Borrowed)),
                    Selection::Many(values) => Seen::Many(values),
                },
                None if alias.is_collection() => Seen::Many(Vec::new()),
                None => Seen::One(None),
            },
        }
    }

    /// The path that an alias is at in this resource.
    fn present<'a>(&self, place: &'a AliasPlace) -> &'a [Step] {
        let resource = self.evaluation.subject.resource;
        match (&place.otherwise, place.steps.first(), place.steps.get(1)) {
            (Some(otherwise), Some(Step::Member(first)), second) => {
                let start = match second {
                    // a component keeps its members in its properties, or has none
                    Some(Step::Member(second)) if same(first, "properties") => {
                        part(resource, first).and_then(|properties| inside(properties, second))
                    }
                    _ => part(resource, first),
                };
                if start.is_some() { &place.steps } else { otherwise }
            }
            _ => &place.steps,
        }
    }

    /// The value of a field, as the function `field()` gives it.
    pub(crate) fn field_value(&self, field: &Field) -> Value {
        match self.field(field) {
            Seen::One(Some(value)) => value.into_owned(),
            Seen::One(None) if *field == Field::Tags => Value::Object(Map::new()),
            Seen::One(None) => Value::from(""),
            Seen::Many(values) => values
                .into_iter()
                .map(|value| value.cloned().unwrap_or_default())
                .collect(),
        }
    }

    /// The value of a field at the element under count: `current('alias')`.
    pub(crate) fn current_field(&self, field: &Field) -> Value {
        match self.field(field) {
            Seen::Many(values) => match values[..] {
                [only] => only.cloned().unwrap_or_else(|| Value::from("")),
                _ => values
                    .into_iter()
                    .map(|value| value.cloned().unwrap_or_default())
                    .collect(),
            },
            Seen::One(value) => value.map_or_else(|| Value::from(""), Cow::into_owned),
        }
    }

    /// The element of the innermost count: `current()`.
    pub(crate) fn current(&self) -> Option<Value> {
        self.frame.map(|frame| frame.value.clone())
    }

    /// The element of the count of this name, or over this alias.
    pub(crate) fn current_named(&self, name: &str) -> Option<Value> {
        let mut next = self.frame;
        while let Some(frame) = next {
            if frame.name.is_some_and(|own| same(own, name)) {
                return Some(frame.value.clone());
            }
            next = frame.outer;
        }
        None
    }
}

fn all<'v>(
    values: &[Option<&'v Value>],
    compare: impl Fn(Option<&'v Value>) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    for value in values {
        if !compare(*value)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares locations in their normal form; what has none is `global`, though the field does not exist.
fn located(operator: Operator, value: Option<&Value>, operand: &Value) -> Result<bool, String> {
    if operator.comparison == Comparison::Exists {
        return operator.holds(value, operand);
    }
    let here = location(value.and_then(Value::as_str).unwrap_or("global"));
    let is_here = |value: &Value| value.as_str().is_some_and(|text| is_location(text, &here));
    match (operator.comparison, operand) {
        (Comparison::Equals, operand) => Ok(is_here(operand) != operator.negated),
        (Comparison::In, Value::Array(elements)) => Ok(elements.iter().any(is_here) != operator.negated),
        (_, Value::String(text)) => operator.holds(Some(&Value::from(here)), &Value::from(location(text))),
        _ => operator.holds(Some(&Value::from(here)), operand),
    }
}

fn is_location(text: &str, normal: &str) -> bool {
    let letters = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase);
    letters.eq(normal.chars())
}

/// The name with those of the parents, out of the id.
fn full_name(subject: &Subject<'_>) -> String {
    let marker = "/providers/";
    let lower = subject.id.to_ascii_lowercase();
    let after = lower
        .rfind(marker)
        .and_then(|at| subject.id.get(at + marker.len()..));
    let names: Vec<_> = after.unwrap_or_default().split('/').skip(2).step_by(2).collect();
    if names.is_empty() {
        return text_part(subject.resource, "name")
            .unwrap_or_else(|| subject.name())
            .to_owned();
    }
    names.join("/")
}

fn evaluated(
    leaf: &Leaf,
    seen: &Seen<'_>,
    operand: &Value,
    holds: bool,
    subject: &Subject<'_>,
) -> EvaluatedExpression {
    let (expression_kind, expression, path) = match &leaf.looks_at {
        Sight::Field(FieldTerm::Known(field, name)) => {
            ("Field", name.clone(), Some(path_of(field, name, subject)))
        }
        Sight::Field(FieldTerm::Later(term)) => ("Field", term.shown(), None),
        Sight::Value(term) => ("Value", term.shown(), None),
        Sight::Count(count) => match &count.over {
            Counted::Field(alias) => (
                "Count",
                alias.name.clone(),
                alias.place(subject.resource_type()).map(AliasPlace::path),
            ),
            Counted::Later(term) | Counted::Value { elements: term, .. } => ("Count", term.shown(), None),
        },
    };
    EvaluatedExpression {
        result: if holds { "True" } else { "False" },
        expression_kind,
        expression,
        path,
        expression_value: match seen {
            Seen::One(value) => value.as_deref().map(shortened).unwrap_or_default(),
            Seen::Many(values) => values
                .iter()
                .take(SHOWN)
                .map(|value| value.map(shortened).unwrap_or_default())
                .collect(),
        },
        target_value: shortened(operand),
        operator: leaf.operator.word,
        at: leaf.at.clone(),
    }
}

fn path_of(field: &Field, name: &str, subject: &Subject<'_>) -> String {
    match field {
        Field::Alias(alias) => match alias.place(subject.resource_type()) {
            Some(place) => place.path(),
            None => alias
                .places
                .first()
                .map(|place| path_text(&place.steps))
                .unwrap_or_default(),
        },
        Field::Tag(tag) => format!("tags[{tag}]"),
        _ => name.to_owned(),
    }
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().take(SHOWN).cloned().collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .take(SHOWN)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ),
        plain => plain.clone(),
    }
}
