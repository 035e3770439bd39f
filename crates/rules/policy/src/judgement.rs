//! Judging: what a policy says about a resource, and on what grounds (policy-language 6, 7).

use serde::Serialize;
use serde_json::Value;

use crate::{
    assignment::Policy,
    effect::Effect,
    evaluation::{Evaluation, Place},
    rule::{applicability::is_among, proof::proof},
    subject::Subject,
    words::same,
};

/// What a policy says about a resource.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether the policy is about such resources at all. Where it is not, there is no record of compliance.
    pub applicable: bool,
    /// Whether the condition holds: the effect takes place, or the resource does not comply.
    pub holds: bool,
    /// The effect on this resource.
    pub effect: Effect,
    /// The comparisons that were made, in their order; empty where the condition does not hold, unless they were asked for.
    pub evaluated: Vec<EvaluatedExpression>,
    /// Why the condition could not be evaluated. A request is then refused, whatever the effect.
    pub fault: Option<Fault>,
}

/// One comparison, in the words of `evaluatedExpressions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluatedExpression {
    /// `True` or `False`.
    pub result: &'static str,
    /// `Field`, `Value` or `Count`.
    pub expression_kind: &'static str,
    /// What is looked at: the field, the expression, or the counted array.
    pub expression: String,
    /// Where it lies in the resource, such as `properties.networkAcls.ipRules[*]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What was found.
    pub expression_value: Value,
    /// What it was compared with.
    pub target_value: Value,
    /// The comparison, such as `NotIn`.
    pub operator: &'static str,
    /// Where the comparison stands in the rule, such as `if.allOf[1]`.
    #[serde(skip)]
    pub at: String,
}

/// Why a condition could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The policy rule could not be evaluated at '{at}': {message}")]
pub struct Fault {
    /// Where in the rule, such as `if.allOf[1]`.
    pub at: String,
    /// The sentence.
    pub message: String,
    /// Whether the rule asked for more work than one judgement may cost.
    pub used_up: bool,
}

impl Policy {
    /// Judges a resource. Enforcement, exemptions and scopes are not looked at.
    #[must_use]
    pub fn judge(&self, subject: &Subject<'_>) -> Judgement {
        let judgement = self.judged(subject, false);
        if judgement.holds || judgement.fault.is_some() {
            return self.judged(subject, true);
        }
        judgement
    }

    /// Judges a resource and keeps every comparison, also where the condition does not hold or the policy does not apply.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> Judgement {
        let judgement = self.judged(subject, true);
        if judgement.applicable || !judgement.evaluated.is_empty() || judgement.effect == Effect::Disabled {
            return judgement;
        }
        let evaluation = Evaluation::new(self, subject, true);
        // why a policy does not apply is told; whether its condition can be evaluated is of no importance then
        let _ = evaluation.place().holds(&self.rule.condition);
        Judgement {
            evaluated: evaluation.into_trace(),
            ..judgement
        }
    }

    /// Where those comparisons stand in the rule that made the condition come out as it did, such as `if.allOf[1]`.
    #[must_use]
    pub fn decided_by(&self, judgement: &Judgement) -> Vec<String> {
        let found = proof(&self.rule.condition, &judgement.evaluated);
        let places = found.map(|(_, places)| places).unwrap_or_default();
        places.into_iter().map(str::to_owned).collect()
    }

    fn judged(&self, subject: &Subject<'_>, is_traced: bool) -> Judgement {
        let effect = self.effect(subject);
        if effect == Effect::Disabled || !self.reaches(subject) {
            return Judgement::out_of_reach(effect);
        }
        let evaluation = Evaluation::new(self, subject, false);
        match self.is_open(effect, &evaluation.place()) {
            Ok(true) => {}
            Ok(false) => return Judgement::out_of_reach(effect),
            Err(fault) => return Judgement::faulty(effect, fault),
        }
        let evaluation = Evaluation::new(self, subject, is_traced);
        match evaluation.place().holds(&self.rule.condition) {
            Ok(holds) => Judgement {
                applicable: holds || !effect.looks_for_related(),
                holds,
                effect,
                evaluated: evaluation.into_trace(),
                fault: None,
            },
            Err(fault) => Judgement {
                evaluated: evaluation.into_trace(),
                ..Judgement::faulty(effect, fault)
            },
        }
    }

    /// Whether the policy looks at such resources at all, whatever is in them.
    fn reaches(&self, subject: &Subject<'_>) -> bool {
        let rule = &self.rule;
        let is_subscription = || same(subject.resource_type(), "Microsoft.Resources/subscriptions");
        is_among(rule.types.as_deref(), subject.resource_type())
            && (!subject.tags_only || rule.reads_tags)
            && self.definition.mode.takes(subject)
            && self.selects(subject)
            && !(rule.applicability.reads_location && is_subscription())
    }

    /// Whether the conditions on type, name and kind leave open that the whole holds.
    fn is_open(&self, effect: Effect, place: &Place<'_, '_>) -> Result<bool, Fault> {
        if effect.looks_for_related() {
            return Ok(true);
        }
        self.rule.applicability.could_hold(&self.rule.condition, place)
    }
}

impl Judgement {
    fn out_of_reach(effect: Effect) -> Self {
        Self {
            applicable: false,
            holds: false,
            effect,
            evaluated: Vec::new(),
            fault: None,
        }
    }

    fn faulty(effect: Effect, fault: Fault) -> Self {
        Self {
            applicable: true,
            holds: false,
            effect,
            evaluated: Vec::new(),
            fault: Some(fault),
        }
    }

    /// Whether a write of the resource is refused on its account: the effect is deny and the condition holds, or the
    /// condition could not be evaluated.
    #[must_use]
    pub fn refuses_write(&self) -> bool {
        self.fault.is_some() || (self.holds && self.effect == Effect::Deny)
    }
}

impl Fault {
    pub(crate) fn new(at: &str, message: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            message: message.into(),
            used_up: false,
        }
    }

    pub(crate) fn used_up(at: &str) -> Self {
        Self {
            at: at.to_owned(),
            message: String::from(
                "the rule asks for more evaluations than one judgement may cost; count fewer elements",
            ),
            used_up: true,
        }
    }
}
