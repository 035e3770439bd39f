//! Exemptions: a resource that is judged all the same, and against which nothing is done (policy-language 1, 6).

use nave_arm::ErrorCode;
use serde_json::Value;

use crate::{
    assignment::Policy,
    error::{PolicyError, Read},
    selectors::ResourceSelector,
    subject::Subject,
    words::{among, part, same, text_part, texts},
};

/// Why a resource is exempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExemptionCategory {
    /// The state is accepted.
    Waiver,
    /// What the policy wants is reached otherwise.
    Mitigated,
}

/// An exemption. Where it stands, and so which resources it reaches, its owner knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemption {
    /// The assignment that it is about.
    pub assignment_id: String,
    /// The members of a set that it is about; all when empty.
    pub reference_ids: Vec<String>,
    /// Why.
    pub category: ExemptionCategory,
    /// When it ends, in ISO 8601.
    pub expires_on: Option<String>,
    resource_selectors: Vec<ResourceSelector>,
}

impl Exemption {
    /// Reads the `properties` of a policy exemption.
    ///
    /// # Errors
    /// `InvalidCreatePolicyExemptionRequest`, with the member at fault.
    pub fn parse(properties: &Value) -> Result<Self, PolicyError> {
        let refuse = |path: &str, message: String| {
            PolicyError::new(ErrorCode::InvalidCreatePolicyExemptionRequest, path, message)
        };
        let assignment_id = text_part(properties, "policyAssignmentId").filter(|id| !id.is_empty());
        let assignment_id = assignment_id.ok_or_else(|| {
            refuse(
                "policyAssignmentId",
                String::from("An exemption names the policy assignment it is about"),
            )
        })?;
        let category = match text_part(properties, "exemptionCategory") {
            Some(word) if same(word, "Waiver") => ExemptionCategory::Waiver,
            Some(word) if same(word, "Mitigated") => ExemptionCategory::Mitigated,
            other => {
                let message = format!(
                    "The exemption category '{}' is not one of Waiver, Mitigated",
                    other.unwrap_or_default()
                );
                return Err(refuse("exemptionCategory", message));
            }
        };
        let expires_on = text_part(properties, "expiresOn").map(str::to_owned);
        if let Some(text) = expires_on
            .as_deref()
            .filter(|text| nave_template::moment(text).is_none())
        {
            return Err(refuse(
                "expiresOn",
                format!("'{text}' is not a date and time in ISO 8601"),
            ));
        }
        Ok(Self {
            assignment_id: assignment_id.to_owned(),
            reference_ids: texts(part(properties, "policyDefinitionReferenceIds")),
            category,
            expires_on,
            resource_selectors: read_selectors(properties)?,
        })
    }

    /// Whether the time of the exemption is over.
    #[must_use]
    pub fn is_over(&self, now: &str) -> bool {
        let ends = self.expires_on.as_deref().and_then(nave_template::moment);
        ends.is_some_and(|ends| nave_template::moment(now).is_some_and(|now| ends <= now))
    }

    /// Whether it frees a resource in its scope from this policy, at the subject's time.
    #[must_use]
    pub fn covers(&self, policy: &Policy, subject: &Subject<'_>) -> bool {
        let of_reference = || match policy.reference_id() {
            Some(id) => among(&self.reference_ids, id),
            None => false,
        };
        same(&self.assignment_id, &policy.assignment.id)
            && (self.reference_ids.is_empty() || of_reference())
            && !self.is_over(subject.now)
            && ResourceSelector::any_takes(&self.resource_selectors, subject)
    }
}

fn read_selectors(properties: &Value) -> Read<Vec<ResourceSelector>> {
    ResourceSelector::read_all(properties).map_err(|error| PolicyError {
        code: ErrorCode::InvalidCreatePolicyExemptionRequest,
        ..error
    })
}
