//! A policy definition as it is written, checked as a whole (policy-language 1, 3, 10).

use serde_json::Value;

use crate::{
    effect::Effect,
    error::{PolicyError, Read},
    mode::Mode,
    parameters::{Parameters, Values},
    rule::Rule,
    words::{part, text_part, texts},
};

/// A policy definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What people call it.
    pub display_name: Option<String>,
    /// Which resources it looks at.
    pub mode: Mode,
    /// Its version, such as `1.2.0`; the built-in ones have it in their metadata.
    pub version: Option<String>,
    /// Its category, out of the metadata.
    pub category: Option<String>,
    /// What an assignment may or must give.
    pub parameters: Parameters,
    policy_rule: Value,
    effects: Vec<Effect>,
    role_definition_ids: Vec<String>,
    aliases: Vec<String>,
}

impl Definition {
    /// Reads the `properties` of a policy definition and checks its rule.
    ///
    /// # Errors
    /// `InvalidPolicyRule`, `InvalidPolicyAlias`, `InvalidPolicyParameters` or `InvalidPolicyRuleEffectDetails`, with the
    /// JSON path of what is wrong.
    pub fn parse(properties: &Value) -> Result<Self, PolicyError> {
        let mode_word = text_part(properties, "mode");
        let mode = Mode::read(mode_word).ok_or_else(|| {
            let message = format!(
                "The mode '{}' is not All, Indexed or the mode of a provider",
                mode_word.unwrap_or_default()
            );
            PolicyError::rule("mode", message)
        })?;
        let parameters = Parameters::read(part(properties, "parameters"))?;
        let policy_rule = part(properties, "policyRule")
            .ok_or_else(|| PolicyError::rule("policyRule", "A policy definition needs a 'policyRule'"))?;
        let outline = Rule::check(policy_rule, &parameters)?;
        let metadata = part(properties, "metadata").unwrap_or(&Value::Null);
        let version = text_part(properties, "version").or_else(|| text_part(metadata, "version"));
        Ok(Self {
            display_name: text_part(properties, "displayName").map(str::to_owned),
            mode,
            version: version.map(str::to_owned),
            category: text_part(metadata, "category").map(str::to_owned),
            effects: outline.effects,
            role_definition_ids: role_definition_ids(policy_rule),
            aliases: outline.aliases,
            parameters,
            policy_rule: policy_rule.clone(),
        })
    }

    /// The rule with the values in the place of its parameters.
    pub(crate) fn bind(&self, values: &Values) -> Read<Rule> {
        Rule::read(&self.policy_rule, values)
    }

    /// The rule as it was written, `{"if": …, "then": …}`.
    #[must_use]
    pub fn policy_rule(&self) -> &Value {
        &self.policy_rule
    }

    /// The effects that the definition may have: the one that it names, else those that its parameter allows.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The roles that the identity of an assignment needs, for modify and deployIfNotExists.
    #[must_use]
    pub fn role_definition_ids(&self) -> &[String] {
        &self.role_definition_ids
    }

    /// The aliases that the condition reads, as far as they do not depend on parameters.
    #[must_use]
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }
}

fn role_definition_ids(policy_rule: &Value) -> Vec<String> {
    let details = part(policy_rule, "then").and_then(|then| part(then, "details"));
    texts(details.and_then(|details| part(details, "roleDefinitionIds")))
}
