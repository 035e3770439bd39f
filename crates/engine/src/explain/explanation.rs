//! What an explanation says. It is made for people and for programs: every part is data, and the sentences are in it.

use jiff::Timestamp;
use nave_arm::ResourceId;
use nave_store::Revision;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::policy::Told;

/// Why a decision came out as it did, and what would change it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The decision; none where it was asked what would be decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Uuid>,
    /// When it was decided.
    pub at: Timestamp,
    /// The revision of the state it was decided on.
    pub revision: Revision,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The whole in one sentence.
    pub summary: String,
    /// Who asked, and how he showed who he is.
    pub caller: Who,
    /// The protocol: `arm`, `graph`, `inference`, …
    pub surface: &'static str,
    /// What was needed, and what came of each.
    pub needs: Vec<NeedReasons>,
    /// Other ways that would have been enough; none of them was open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_ways: Vec<Vec<Asked>>,
    /// What refused the request after it was allowed, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub afterwards: Option<Afterwards>,
    /// The policies that would look at the body of such a request; whether they let it pass depends on the body.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Told>,
    /// What is easily misunderstood here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What would help.
    pub remedy: Remedy,
}

/// Who asked, and how he showed who he is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Who {
    /// The object id; nil for keys.
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// `User`, `Application`, `ManagedIdentity` or `Key`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How it authenticated, in words.
    pub credential: String,
    /// The session of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// The methods of the sign-in (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The groups the caller was in, directly or through others.
    pub groups: Vec<Group>,
}

/// A directory object with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The object id.
    pub id: Uuid,
    /// The name; none when it is no longer in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An operation at a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// The operation.
    pub operation: String,
    /// Whether it is a data action.
    pub data_action: bool,
    /// Where.
    pub scope: ResourceId,
}

/// One thing that was needed, and everything that had a say in it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NeedReasons {
    /// What was needed.
    #[serde(flatten)]
    pub asked: Asked,
    /// How it belongs to the request: `own`, `linked`, `signedIn`, or the name of a rule that asks for a role.
    pub basis: &'static str,
    /// Whether it was met.
    pub met: bool,
    /// What came of it, in one word, as events have it.
    pub outcome: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// The scope and everything above it, nearest first.
    pub scopes: Vec<ScopeStep>,
    /// Every role assignment that was considered, nearest first.
    pub assignments: Vec<AssignmentReasons>,
    /// The deny assignments that are about the caller, nearest first.
    pub denies: Vec<DenyReasons>,
}

/// A scope on the way up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeStep {
    /// The scope.
    pub scope: ResourceId,
    /// `tenant`, `management group`, `subscription`, `resource group`, or the resource type.
    pub kind: String,
}

/// A role assignment that was considered.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentReasons {
    /// The assignment.
    pub id: ResourceId,
    /// Where it holds.
    pub scope: ResourceId,
    /// The role's guid.
    pub role: Uuid,
    /// The role's name; none when the role is gone.
    pub role_name: Option<String>,
    /// The group through which it reaches the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through_group: Option<Group>,
    /// Whether it grants the operation.
    pub grants: bool,
    /// Why, or why not, in words that follow the role's name.
    pub why: String,
    /// What each permission object of the role says.
    pub permissions: Vec<PermissionReasons>,
    /// The condition on the assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionReasons>,
}

/// What a permission object says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionReasons {
    /// Its place in the role, from 0.
    pub index: usize,
    /// The action that covers the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The notAction that takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_away_by: Option<String>,
    /// What covers it in the other plane, which does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_plane: Option<String>,
    /// The condition on the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionReasons>,
}

/// What came of a condition.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionReasons {
    /// The condition.
    pub text: String,
    /// `true`, `false` or `unknown`; only a true one lets a request through.
    pub truth: &'static str,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its comparisons, in the order of the text.
    pub comparisons: Vec<Comparison>,
}

/// A comparison of a condition.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Its words.
    pub text: String,
    /// `true`, `false` or `unknown`.
    pub truth: &'static str,
    /// Whether it keeps the condition from being true.
    pub in_the_way: bool,
    /// The attributes it looked at.
    pub saw: Vec<Seen>,
}

/// An attribute that a condition looked at.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// `Resource`, `Request`, `Principal` or `Environment`.
    pub source: &'static str,
    /// Its name.
    pub name: String,
    /// Its values; empty when it is absent, none when they are not shown to who asks.
    pub values: Option<Vec<String>>,
}

/// A deny assignment that is about the caller.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DenyReasons {
    /// The deny assignment.
    pub id: ResourceId,
    /// Its name; none when it is not shown to who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it holds.
    pub scope: ResourceId,
    /// Whether it blocks the request.
    pub blocks: bool,
    /// Why, or why not, in words that follow its name.
    pub why: String,
}

/// What refused a request after it was allowed.
#[derive(Debug, Clone, Serialize)]
pub struct Afterwards {
    /// The code of the refusal.
    pub code: String,
    /// What it said.
    pub message: String,
    /// The policies that forbade it, each with its assignment and what it looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Value>,
}

/// What would help.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Remedy {
    /// The fewest and smallest role assignments that let the request through as things are now.
    pub grants: Vec<SmallestGrant>,
    /// What else would help, or why nothing would.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
}

impl Remedy {
    /// Whether nothing is needed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.grants.is_empty() && self.advice.is_empty()
    }
}

/// A role assignment that would help.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SmallestGrant {
    /// The role's guid.
    pub role: Uuid,
    /// The role's name.
    pub role_name: String,
    /// Where it would hold.
    pub scope: ResourceId,
    /// The command that makes it.
    pub command: String,
    /// Roles that come with it by nave's own rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brings: Vec<Brought>,
    /// What the caller could do as well from then on, of all that this server serves, there and below.
    pub opens: Vec<Asked>,
    /// The rules asking for a role that it would pass from then on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<&'static str>,
}

/// A role that comes with another.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    /// The role's name.
    pub role_name: String,
    /// Where it would hold.
    pub scope: ResourceId,
}
