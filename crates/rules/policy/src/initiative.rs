//! An initiative: a set of policy definitions that are assigned together (policy-language 1).

use serde_json::Value;

use crate::{
    error::{PolicyError, Read},
    parameters::Parameters,
    words::{part, same, text_part, texts},
};

/// A policy set definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Initiative {
    /// What people call it.
    pub display_name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What an assignment may or must give.
    pub parameters: Parameters,
    /// The definitions in it, in the order written.
    pub members: Vec<Member>,
    /// The names of its groups.
    pub groups: Vec<String>,
}

/// One definition of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The definition.
    pub definition_id: String,
    /// The version of it, as a pattern such as `1.*.*`.
    pub definition_version: Option<String>,
    /// What the member is called in this set.
    pub reference_id: String,
    /// The groups it is in.
    pub group_names: Vec<String>,
    /// `{name: {"value": …}}`, in which values may use the parameters of the set.
    pub parameters: Value,
}

impl Initiative {
    /// Reads the `properties` of a policy set definition. Whether its definitions exist is seen when it is bound.
    ///
    /// # Errors
    /// `InvalidPolicyRule` or `InvalidPolicyParameters`, with the JSON path of what is wrong.
    pub fn parse(properties: &Value) -> Result<Self, PolicyError> {
        let parameters = Parameters::read(part(properties, "parameters"))?;
        let groups = part(properties, "policyDefinitionGroups")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let groups: Vec<_> = groups
            .filter_map(|group| text_part(group, "name"))
            .map(str::to_owned)
            .collect();
        let listed = part(properties, "policyDefinitions")
            .and_then(Value::as_array)
            .filter(|listed| !listed.is_empty());
        let listed = listed.ok_or_else(|| {
            PolicyError::rule(
                "policyDefinitions",
                "A policy set definition needs at least one policy definition",
            )
        })?;
        let members = listed
            .iter()
            .enumerate()
            .map(|(at, member)| Member::read(member, at, &parameters))
            .collect::<Read<Vec<_>>>()?;
        let metadata = part(properties, "metadata").unwrap_or(&Value::Null);
        let set = Self {
            display_name: text_part(properties, "displayName").map(str::to_owned),
            version: text_part(properties, "version")
                .or_else(|| text_part(metadata, "version"))
                .map(str::to_owned),
            parameters,
            members,
            groups,
        };
        set.check_names()?;
        Ok(set)
    }

    fn check_names(&self) -> Read<()> {
        for (at, member) in self.members.iter().enumerate() {
            let before = self.members.iter().take(at);
            if before
                .clone()
                .any(|other| same(&other.reference_id, &member.reference_id))
            {
                let message = format!("The reference id '{}' is used twice", member.reference_id);
                return Err(PolicyError::rule(
                    format!("policyDefinitions[{at}].policyDefinitionReferenceId"),
                    message,
                ));
            }
            let unknown = member
                .group_names
                .iter()
                .find(|name| !self.groups.iter().any(|group| same(group, name)));
            if let Some(unknown) = unknown {
                let message = format!("The group '{unknown}' is not one of the set's policyDefinitionGroups");
                return Err(PolicyError::rule(
                    format!("policyDefinitions[{at}].groupNames"),
                    message,
                ));
            }
        }
        Ok(())
    }
}

impl Member {
    fn read(value: &Value, at: usize, parameters: &Parameters) -> Read<Self> {
        let path = format!("policyDefinitions[{at}]");
        let definition_id = text_part(value, "policyDefinitionId")
            .filter(|id| id.contains('/'))
            .ok_or_else(|| {
                PolicyError::rule(
                    format!("{path}.policyDefinitionId"),
                    "A member of a set names its policy definition by id",
                )
            })?;
        let given = part(value, "parameters")
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        crate::term::check_values(&given, parameters, &format!("{path}.parameters"))?;
        let own = text_part(value, "policyDefinitionReferenceId")
            .filter(|id| !id.is_empty())
            .map(str::to_owned);
        Ok(Self {
            definition_id: definition_id.to_owned(),
            definition_version: text_part(value, "definitionVersion").map(str::to_owned),
            reference_id: own
                .unwrap_or_else(|| format!("{}_{}", crate::words::last_segment(definition_id), at + 1)),
            group_names: texts(part(value, "groupNames")),
            parameters: given,
        })
    }
}
