//! The row of a remediation: what was wished, and how far it is.
//!
//! `own.properties` is what GET shows besides the wish; `own.deployments` has one entry for each resource, in the form of
//! `listDeployments`.

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Fields, Put, Resource,
    declaration::{Cx, Draft},
    site::short_location,
};
use nave_policy::{Assignment, Effect, Policy};
use serde_json::{Value, json};

use super::life::{State, Tally};
use crate::policy_insights::rules;

/// How many resources are remediated where the wish does not say, and how many it may say.
const RESOURCES: (i64, i64) = (500, 50_000);
/// How many at a time.
const PARALLEL: (i64, i64) = (10, 30);

const MODES: [&str; 2] = ["ExistingNonCompliant", "ReEvaluateCompliance"];

/// What a client says; the rest of the properties is nave's.
const SENT: [&str; 7] = [
    "policyAssignmentId",
    "policyDefinitionReferenceId",
    "resourceDiscoveryMode",
    "filters",
    "resourceCount",
    "parallelDeployments",
    "failureThreshold",
];

/// What was asked for.
pub(super) struct Wish {
    /// As it is kept.
    pub(super) sent: Value,
    pub(super) assignment: ResourceId,
    pub(super) reference: Option<String>,
    pub(super) locations: Vec<String>,
    pub(super) most: usize,
    pub(super) together: usize,
    pub(super) threshold: f64,
}

impl Wish {
    /// Reads and checks what a client sent.
    pub(super) fn read(cx: &Cx<'_>, draft: &Draft) -> Result<Self, ArmError> {
        let assignment = rules::assignment(cx.snapshot, &draft.id, &draft.body)?;
        Fields(&draft.body).choice("/properties/resourceDiscoveryMode", &MODES)?;
        let sent = json!({ "properties": rules::kept(&draft.body, &SENT) });
        let wish = Self::of(sent)?;
        wish.check_policy(cx, &assignment)?;
        Ok(wish)
    }

    /// The wish of a body.
    pub(super) fn of(sent: Value) -> Result<Self, ArmError> {
        let fields = Fields(&sent);
        let assignment = fields.link("/properties/policyAssignmentId")?;
        let reference = fields.text("/properties/policyDefinitionReferenceId")?;
        Ok(Self {
            assignment: assignment.unwrap_or_else(ResourceId::tenant),
            reference: reference.map(str::to_owned),
            locations: locations(fields)?,
            most: number(fields, "/properties/resourceCount", RESOURCES)?,
            together: number(fields, "/properties/parallelDeployments", PARALLEL)?,
            threshold: threshold(fields)?,
            sent,
        })
    }

    /// The policy must be one that there is something to do about.
    fn check_policy(&self, cx: &Cx<'_>, assignment: &Resource) -> Result<(), ArmError> {
        const REFERENCE: &str = "properties.policyDefinitionReferenceId";
        let properties = assignment.sent.get("properties").unwrap_or(&Value::Null);
        let bound = Assignment::bind(assignment.id.as_str(), properties, cx.snapshot.policies())?;
        let names: Vec<&str> = bound.policies.iter().filter_map(Policy::reference_id).collect();
        let wrong = |message: String| Err(ArmError::new(ErrorCode::InvalidParameter, message).on(REFERENCE));
        if self.reference.is_none() && !names.is_empty() {
            return wrong(format!(
                "The policy assignment '{}' assigns an initiative; say which of its policies is to be remediated. It has \
                 '{}'.",
                assignment.id,
                names.join("', '")
            ));
        }
        match bound
            .policies
            .iter()
            .find(|policy| self.is_about(policy.reference_id()))
        {
            Some(policy) => check_effect(policy.definition.effects()),
            None => wrong(format!(
                "The policy assignment '{}' has no policy with the reference '{}'. It has '{}'.",
                assignment.id,
                self.reference.as_deref().unwrap_or_default(),
                names.join("', '")
            )),
        }
    }

    /// Whether a row has the same wish, whoever filled in what is usual.
    pub(super) fn is_that_of(&self, row: &Resource) -> bool {
        let what = |wish: &Self| {
            let bounds = (wish.most, wish.together, wish.threshold);
            (
                wish.assignment.clone(),
                wish.reference.clone(),
                wish.locations.clone(),
                bounds,
            )
        };
        Self::of(row.sent.clone()).is_ok_and(|before| what(&before) == what(self))
    }

    /// Whether the filters take a resource.
    pub(super) fn takes(&self, location: Option<&str>) -> bool {
        let location = short_location(location.unwrap_or("global"));
        self.locations.is_empty() || self.locations.contains(&location)
    }

    pub(super) fn is_about(&self, reference: Option<&str>) -> bool {
        match (&self.reference, reference) {
            (Some(wanted), Some(reference)) => wanted.eq_ignore_ascii_case(reference),
            (None, None) => true,
            _ => false,
        }
    }
}

fn locations(fields: Fields<'_>) -> Result<Vec<String>, ArmError> {
    const NAME: &str = "properties.filters.locations";
    let wrong = || {
        ArmError::new(
            ErrorCode::InvalidParameter,
            format!("The value of '{NAME}' must be a list of location names."),
        )
        .on(NAME)
    };
    let Some(value) = fields.value("/properties/filters/locations") else {
        return Ok(Vec::new());
    };
    let items = value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|item| item.as_str().map(short_location).ok_or_else(wrong))
        .collect()
}

fn number(fields: Fields<'_>, pointer: &str, (usual, most): (i64, i64)) -> Result<usize, ArmError> {
    let asked = fields.integer(pointer)?.unwrap_or(usual);
    let number = usize::try_from(asked)
        .ok()
        .filter(|_| (1..=most).contains(&asked));
    number.ok_or_else(|| {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        let message = format!("The value {asked} of '{name}' is not between 1 and {most}.");
        ArmError::new(ErrorCode::InvalidParameter, message).on(name)
    })
}

/// The share of deployments that may fail; all of them, where the wish does not say.
fn threshold(fields: Fields<'_>) -> Result<f64, ArmError> {
    const NAME: &str = "properties.failureThreshold.percentage";
    let Some(value) = fields.value("/properties/failureThreshold/percentage") else {
        return Ok(1.0);
    };
    let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| {
        let message = format!("The value {value} of '{NAME}' is not between 0.0 and 1.0.");
        ArmError::new(ErrorCode::InvalidParameter, message).on(NAME)
    })
}

/// Which effect it is may hang on the resource: overrides count. So one that can be remediated is enough.
fn check_effect(effects: &[Effect]) -> Result<(), ArmError> {
    if effects.iter().any(|effect| effect.needs_identity()) {
        return Ok(());
    }
    let words: Vec<&str> = effects.iter().map(|effect| effect.word()).collect();
    Err(ArmError::new(
        ErrorCode::InvalidParameter,
        format!(
            "The effect of the policy is '{}'. Only policies with the effect 'modify' or 'deployIfNotExists' can be \
             remediated.",
            words.join("' or '")
        ),
    )
    .on("properties.policyAssignmentId"))
}

/// nave's part of a row that was just wished.
pub(super) fn begun(cx: &Cx<'_>) -> Value {
    let now = cx.now.to_string();
    json!({
        "properties": {
            "provisioningState": State::Accepted.word(), "createdOn": now, "lastUpdatedOn": now,
            "resourceCount": RESOURCES.0, "parallelDeployments": PARALLEL.0,
            "failureThreshold": { "percentage": 1.0 }, "resourceDiscoveryMode": MODES[0],
            "deploymentStatus": summary(Tally { total: 0, succeeded: 0, failed: 0 }),
            "statusMessage": "The remediation has not begun yet.", "correlationId": cx.world.new_id(),
        },
        "deployments": [],
    })
}

fn summary(tally: Tally) -> Value {
    json!({
        "totalDeployments": tally.total, "successfulDeployments": tally.succeeded,
        "failedDeployments": tally.failed,
    })
}

pub(super) fn state(row: &Resource) -> State {
    let word = row
        .own
        .pointer("/properties/provisioningState")
        .and_then(Value::as_str);
    State::named(word.unwrap_or_default())
}

pub(super) fn deployments(row: &Resource) -> Vec<Value> {
    row.own["deployments"].as_array().cloned().unwrap_or_default()
}

/// The same row in another state.
pub(super) fn moved(row: &Resource, state: State, now: Timestamp) -> Put {
    let mut own = row.own.clone();
    own["properties"]["provisioningState"] = state.word().into();
    own["properties"]["lastUpdatedOn"] = now.to_string().into();
    super::put(row, own)
}

/// The same row with what came of its deployments.
pub(super) fn advanced(
    row: &Resource,
    deployments: Vec<Value>,
    state: State,
    message: &str,
    now: Timestamp,
) -> Put {
    let mut put = moved(row, state, now);
    put.own["properties"]["deploymentStatus"] = summary(tally(&deployments));
    put.own["properties"]["statusMessage"] = message.into();
    put.own["deployments"] = deployments.into();
    put
}

pub(super) fn tally(deployments: &[Value]) -> Tally {
    let count = |word: &str| deployments.iter().filter(|one| one["status"] == word).count();
    Tally {
        total: deployments.len(),
        succeeded: count(State::Succeeded.word()),
        failed: count(State::Failed.word()),
    }
}

/// A deployment that is yet to be made.
pub(super) fn waiting(resource: &ResourceId, location: Option<&str>, now: Timestamp) -> Value {
    json!({
        "remediatedResourceId": resource, "status": State::Evaluating.word(), "resourceLocation": location,
        "createdOn": now.to_string(), "lastUpdatedOn": now.to_string(),
    })
}

/// Whether a deployment is yet to be made, or was under way when the server ended.
pub(super) fn is_waiting(deployment: &Value) -> bool {
    deployment["status"] == State::Evaluating.word()
}
