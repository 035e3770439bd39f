//! An assignment bound to its definitions: one [`Policy`] for each, with the values of its parameters (policy-language 1, 2).

use std::sync::Arc;

use nave_arm::ErrorCode;
use serde_json::{Map, Value};

use crate::{
    compliance::Compliance,
    definition::Definition,
    effect::Effect,
    error::{PolicyError, Read},
    initiative::{Initiative, Member},
    rule::{Rule, details::Details},
    selectors::{Override, ResourceSelector, is_version},
    subject::Subject,
    term,
    words::{among, last_segment, part, same, text_part, texts},
};

/// Where definitions and sets are found.
pub trait Definitions {
    /// A policy definition by its id, in any case; of its versions, the newest that the pattern (`1.*.*`) asks for.
    fn definition(&self, id: &str, version: Option<&str>) -> Option<Arc<Definition>>;

    /// A policy set definition by its id, in the same way.
    fn initiative(&self, id: &str, version: Option<&str>) -> Option<Arc<Initiative>>;
}

/// Whether an assignment acts on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// It does.
    Default,
    /// It only shows how resources comply.
    DoNotEnforce,
    /// It acts on those resources that take part.
    Enroll,
}

/// What an assignment says, apart from its definitions.
#[derive(Debug, Clone)]
pub struct AssignmentHead {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub display_name: Option<String>,
    /// The scope that it stands at.
    pub scope: String,
    /// Scopes below that it does not reach.
    pub not_scopes: Vec<String>,
    /// Whether it acts.
    pub enforcement: Enforcement,
    /// The definition or set that is assigned.
    pub target_id: String,
    /// The parameters as they were given, `{name: {"value": …}}`.
    pub parameters: Value,
    messages: Vec<(Option<String>, String)>,
    overrides: Vec<Override>,
    resource_selectors: Vec<ResourceSelector>,
}

/// An assignment with its policies.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// What it says.
    pub head: Arc<AssignmentHead>,
    /// One for each definition that it assigns.
    pub policies: Vec<Policy>,
}

/// The set that a policy comes from.
#[derive(Debug, Clone)]
pub struct SetHead {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub display_name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// One definition as an assignment applies it.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The assignment.
    pub assignment: Arc<AssignmentHead>,
    /// The definition's id.
    pub definition_id: String,
    /// The definition.
    pub definition: Arc<Definition>,
    /// The set, where the assignment assigns one.
    pub set: Option<Arc<SetHead>>,
    /// What the definition is called in the set, and the groups it is in.
    pub member: Option<(String, Vec<String>)>,
    /// The value of every parameter, by its name as declared.
    pub parameters: Map<String, Value>,
    pub(crate) rule: Rule,
}

impl Assignment {
    /// Reads the `properties` of a policy assignment and binds what it assigns.
    ///
    /// # Errors
    /// When the definition is not found, a parameter has no value, too many or a wrong one, or a member cannot be read.
    pub fn bind(id: &str, properties: &Value, definitions: &dyn Definitions) -> Result<Self, PolicyError> {
        let head = Arc::new(AssignmentHead::read(id, properties)?);
        let version = text_part(properties, "definitionVersion");
        let policies = if is_set(&head.target_id) {
            bind_set(&head, version, definitions)?
        } else {
            vec![bind_definition(&head, version, definitions)?]
        };
        Ok(Self { head, policies })
    }

    /// Whether an effect of it acts with the assignment's identity, which it then must have (`ResourceIdentityRequired`).
    #[must_use]
    pub fn needs_identity(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.declared_effect().needs_identity())
    }
}

/// Whether an id is that of a policy set definition.
#[must_use]
pub fn is_set(id: &str) -> bool {
    let kind = id.rsplit('/').nth(1).unwrap_or_default();
    same(kind, "policySetDefinitions") || id.to_lowercase().contains("/policysetdefinitions/")
}

fn bind_definition(
    head: &Arc<AssignmentHead>,
    version: Option<&str>,
    definitions: &dyn Definitions,
) -> Read<Policy> {
    let id = &head.target_id;
    let version = Override::version(&head.overrides, None).or(version);
    let definition = find(id, version, definitions, "policyDefinitionId")?;
    let parameters = definition.parameters.bind(Some(&head.parameters))?;
    Ok(Policy {
        rule: definition.bind(&parameters)?,
        assignment: Arc::clone(head),
        definition_id: id.clone(),
        definition,
        set: None,
        member: None,
        parameters,
    })
}

fn bind_set(
    head: &Arc<AssignmentHead>,
    version: Option<&str>,
    definitions: &dyn Definitions,
) -> Read<Vec<Policy>> {
    let id = &head.target_id;
    let initiative = definitions
        .initiative(id, version)
        .filter(|set| is_version(version, set.version.as_deref()));
    let initiative = initiative.ok_or_else(|| {
        let message = format!(
            "The policy set definition '{id}'{} could not be found",
            of_version(version)
        );
        PolicyError::new(
            ErrorCode::PolicySetDefinitionNotFound,
            "policyDefinitionId",
            message,
        )
    })?;
    let values = initiative.parameters.bind(Some(&head.parameters))?;
    let set = Arc::new(SetHead {
        id: id.clone(),
        display_name: initiative.display_name.clone(),
        version: initiative.version.clone(),
    });
    let bound = initiative.members.iter().enumerate().map(|(at, member)| {
        let bound = bind_member(head, &set, member, &values, definitions);
        bound.map_err(|error| PolicyError {
            path: format!("policyDefinitions[{at}].{}", error.path),
            message: format!("In the member '{}': {}", member.reference_id, error.message),
            ..error
        })
    });
    bound.collect()
}

fn bind_member(
    head: &Arc<AssignmentHead>,
    set: &Arc<SetHead>,
    member: &Member,
    values: &Map<String, Value>,
    definitions: &dyn Definitions,
) -> Read<Policy> {
    let own = member.definition_version.as_deref();
    let version = Override::version(&head.overrides, Some(&member.reference_id)).or(own);
    let definition = find(&member.definition_id, version, definitions, "policyDefinitionId")?;
    let given = term::evaluate_values(&member.parameters, values, "parameters")?;
    let parameters = definition.parameters.bind(Some(&given))?;
    Ok(Policy {
        rule: definition.bind(&parameters)?,
        assignment: Arc::clone(head),
        definition_id: member.definition_id.clone(),
        definition,
        set: Some(Arc::clone(set)),
        member: Some((member.reference_id.clone(), member.group_names.clone())),
        parameters,
    })
}

fn find(id: &str, version: Option<&str>, definitions: &dyn Definitions, path: &str) -> Read<Arc<Definition>> {
    let found = definitions
        .definition(id, version)
        .filter(|found| is_version(version, found.version.as_deref()));
    found.ok_or_else(|| {
        let message = format!(
            "The policy definition '{id}'{} could not be found",
            of_version(version)
        );
        PolicyError::new(ErrorCode::PolicyDefinitionNotFound, path, message)
    })
}

fn of_version(version: Option<&str>) -> String {
    version
        .map(|version| format!(" in the version '{version}'"))
        .unwrap_or_default()
}

impl AssignmentHead {
    fn read(id: &str, properties: &Value) -> Read<Self> {
        let target_id = text_part(properties, "policyDefinitionId")
            .filter(|id| id.contains('/'))
            .ok_or_else(|| {
                PolicyError::assignment(
                    "policyDefinitionId",
                    "A policy assignment names the policy definition or set it assigns by id",
                )
            })?;
        let word = text_part(properties, "enforcementMode").unwrap_or("Default");
        let enforcement = Enforcement::read(word).ok_or_else(|| {
            let message =
                format!("The enforcement mode '{word}' is not one of Default, DoNotEnforce, Enroll");
            PolicyError::assignment("enforcementMode", message)
        })?;
        Ok(Self {
            id: id.to_owned(),
            display_name: text_part(properties, "displayName")
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            scope: scope_of(id).to_owned(),
            not_scopes: texts(part(properties, "notScopes")),
            enforcement,
            target_id: target_id.to_owned(),
            parameters: part(properties, "parameters")
                .cloned()
                .unwrap_or_else(|| Value::Object(Map::new())),
            messages: read_messages(properties)?,
            overrides: Override::read_all(properties)?,
            resource_selectors: ResourceSelector::read_all(properties)?,
        })
    }

    /// The last segment of its id.
    #[must_use]
    pub fn name(&self) -> &str {
        last_segment(&self.id)
    }

    /// What it says to people whose resource does not comply: of a set, what it says about the member, else about all.
    #[must_use]
    pub fn message(&self, reference_id: Option<&str>) -> Option<&str> {
        let of_member = self
            .messages
            .iter()
            .find(|(member, _)| match (member, reference_id) {
                (Some(member), Some(id)) => same(member, id),
                _ => false,
            });
        let of_all = || self.messages.iter().find(|(member, _)| member.is_none());
        of_member.or_else(of_all).map(|(_, message)| message.as_str())
    }
}

fn read_messages(properties: &Value) -> Read<Vec<(Option<String>, String)>> {
    let listed = part(properties, "nonComplianceMessages")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let read = listed.enumerate().map(|(at, entry)| {
        let message = text_part(entry, "message").ok_or_else(|| {
            PolicyError::assignment(
                format!("nonComplianceMessages[{at}].message"),
                "A non-compliance message needs a 'message'",
            )
        })?;
        Ok((
            text_part(entry, "policyDefinitionReferenceId").map(str::to_owned),
            message.to_owned(),
        ))
    });
    read.collect()
}

/// What stands before `/providers/Microsoft.Authorization/policyAssignments/…` in an id; `/` for the tenant.
fn scope_of(id: &str) -> &str {
    let marker = "/providers/microsoft.authorization/policyassignments/";
    let at = id.to_ascii_lowercase().rfind(marker);
    match at.and_then(|at| id.get(..at)) {
        Some("") => "/",
        Some(scope) => scope,
        None => id,
    }
}

impl Enforcement {
    fn read(word: &str) -> Option<Self> {
        let all = [Self::Default, Self::DoNotEnforce, Self::Enroll];
        all.into_iter().find(|mode| same(mode.word(), word))
    }

    /// The word in Azure's spelling.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::DoNotEnforce => "DoNotEnforce",
            Self::Enroll => "Enroll",
        }
    }

    /// Whether requests are changed and refused.
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::DoNotEnforce
    }
}

impl Policy {
    /// What the definition is called in its set.
    #[must_use]
    pub fn reference_id(&self) -> Option<&str> {
        self.member.as_ref().map(|(id, _)| id.as_str())
    }

    /// The last segment of the definition's id.
    #[must_use]
    pub fn definition_name(&self) -> &str {
        last_segment(&self.definition_id)
    }

    /// What the assignment says to people whose resource does not comply.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.assignment.message(self.reference_id())
    }

    /// The effect that the definition has with its parameters, before overrides.
    #[must_use]
    pub fn declared_effect(&self) -> Effect {
        self.rule.effect
    }

    /// The effect on this resource: overrides count.
    #[must_use]
    pub fn effect(&self, subject: &Subject<'_>) -> Effect {
        let changed = Override::effect(&self.assignment.overrides, self.reference_id(), subject);
        changed.unwrap_or(self.rule.effect)
    }

    /// Whether the effect `denyAction` is about this action, such as `delete`.
    #[must_use]
    pub fn denies_action(&self, action: &str) -> bool {
        matches!(&self.rule.details, Details::DenyAction(actions) if among(actions, action))
    }

    /// Whether the assignment's resource selectors take the resource.
    #[must_use]
    pub fn selects(&self, subject: &Subject<'_>) -> bool {
        ResourceSelector::any_takes(&self.assignment.resource_selectors, subject)
    }

    /// The types that the condition can hold for, in lower case; `None` when it says nothing about types. An index by these
    /// saves judging the rest.
    #[must_use]
    pub fn types(&self) -> Option<&[String]> {
        self.rule.types.as_deref()
    }

    /// Whether the condition reads tags: only such policies judge a request that changes tags alone.
    #[must_use]
    pub fn reads_tags(&self) -> bool {
        self.rule.reads_tags
    }

    /// The state of a resource under `manual` that nobody has attested.
    #[must_use]
    pub fn default_state(&self) -> Compliance {
        self.rule.default_state()
    }
}
