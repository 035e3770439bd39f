//! The related resource that auditIfNotExists and deployIfNotExists look for, and what is deployed where it is missing.

use serde_json::Value;

use crate::{
    assignment::Policy,
    evaluation::{Evaluation, Place},
    judgement::Fault,
    rule::details::{DeploymentTerms, Details, Related},
    subject::Subject,
    term::Term,
    words::{same, text_part},
};

/// Where the related resource is looked for, and what to deploy.
#[derive(Debug, Clone, PartialEq)]
pub struct Existence {
    /// The type of the related resource.
    pub resource_type: String,
    /// Its kind, where it must be of one.
    pub kind: Option<String>,
    /// Its name; several segments for a child. `None` when any will do.
    pub name: Option<String>,
    /// The group to look in; `None` for the group of the resource.
    pub resource_group_name: Option<String>,
    /// Whether the whole subscription is looked through.
    pub in_subscription: bool,
    /// How long after the request it is looked for: `AfterProvisioning`, or an ISO 8601 duration.
    pub evaluation_delay: Option<String>,
    /// What to deploy where it is missing.
    pub deployment: Option<Deployment>,
}

/// The deployment of a missing resource: a template whose parameters have their values.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Whether it goes to the subscription, rather than to a group.
    pub at_subscription: bool,
    /// The location of a deployment to a subscription.
    pub location: Option<String>,
    /// The `properties` of the deployment: `mode`, `template`, `parameters`.
    pub properties: Value,
}

impl Policy {
    /// What the effect looks for beside this resource; `None` for effects that look for nothing.
    ///
    /// # Errors
    /// When an expression in the details has no value.
    pub fn existence(&self, subject: &Subject<'_>) -> Result<Option<Existence>, Fault> {
        let Details::Related(related) = &self.rule.details else {
            return Ok(None);
        };
        let evaluation = Evaluation::new(self, subject, false);
        related.find(&evaluation.place()).map(Some)
    }

    /// Whether a resource that was found is of the kind that is looked for, and satisfies the `existenceCondition`. The
    /// related resource is a subject of its own, with the group, subscription and time it is to be judged with.
    ///
    /// # Errors
    /// When the condition cannot be evaluated.
    pub fn is_satisfied_by(&self, related: &Subject<'_>) -> Result<bool, Fault> {
        let Details::Related(details) = &self.rule.details else {
            return Ok(false);
        };
        let evaluation = Evaluation::new(self, related, false);
        let place = evaluation.place();
        let kind = text(details.kind.as_ref(), &place, "then.details.kind")?;
        let is_of_kind =
            kind.is_none_or(|kind| text_part(related.resource, "kind").is_some_and(|own| same(own, &kind)));
        match &details.condition {
            Some(condition) if is_of_kind => place.holds(condition),
            _ => Ok(is_of_kind),
        }
    }
}

impl Related {
    fn find(&self, place: &Place<'_, '_>) -> Result<Existence, Fault> {
        let get = |term: Option<&Term>, name: &str| text(term, place, &format!("then.details.{name}"));
        let scope = get(self.existence_scope.as_ref(), "existenceScope")?;
        let deployment = self
            .deployment
            .as_ref()
            .map(|deployment| deployment.fill(place))
            .transpose()?;
        Ok(Existence {
            resource_type: get(Some(&self.resource_type), "type")?.unwrap_or_default(),
            kind: get(self.kind.as_ref(), "kind")?,
            name: get(self.name.as_ref(), "name")?,
            resource_group_name: get(self.resource_group_name.as_ref(), "resourceGroupName")?,
            in_subscription: scope.is_some_and(|scope| same(&scope, "Subscription")),
            evaluation_delay: get(self.evaluation_delay.as_ref(), "evaluationDelay")?,
            deployment,
        })
    }
}

impl DeploymentTerms {
    fn fill(&self, place: &Place<'_, '_>) -> Result<Deployment, Fault> {
        let path = "then.details.deployment";
        let scope = text(self.scope.as_ref(), place, "then.details.deploymentScope")?;
        let mut properties = self.properties.clone();
        if let Some(parameters) = &self.parameters {
            properties["parameters"] = parameters
                .value(place, &format!("{path}.properties.parameters"))?
                .into_owned();
        }
        Ok(Deployment {
            at_subscription: scope.is_some_and(|scope| same(&scope, "Subscription")),
            location: text(self.location.as_ref(), place, &format!("{path}.location"))?,
            properties,
        })
    }
}

fn text(term: Option<&Term>, place: &Place<'_, '_>, at: &str) -> Result<Option<String>, Fault> {
    let Some(term) = term else {
        return Ok(None);
    };
    match term.value(place, at)?.as_ref() {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        other => Err(Fault::new(at, format!("{other} is not a string"))),
    }
}
