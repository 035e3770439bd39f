//! Parameters: what a definition or a set declares, and what an assignment makes of it (policy-language 2).

use nave_arm::ErrorCode;
use serde_json::{Map, Value};

use crate::{
    error::{PolicyError, Read},
    words::{member, part, same, text_part},
};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A date and time in ISO 8601.
    DateTime,
}

/// One declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name, as declared.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// What it is when an assignment does not say.
    pub default: Option<Value>,
    /// The values it may have; empty when any will do.
    pub allowed: Vec<Value>,
}

/// The parameters of a definition or a set, in the order written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters(Vec<Parameter>);

/// The final values, by the names as declared.
pub(crate) type Values = Map<String, Value>;

impl Parameters {
    /// Reads the declarations; absent ones are none.
    pub(crate) fn read(declarations: Option<&Value>) -> Read<Self> {
        let declared = match declarations {
            None => return Ok(Self::default()),
            Some(Value::Object(declared)) => declared,
            Some(_) => {
                return Err(PolicyError::parameters(
                    "parameters",
                    "The parameters must be an object",
                ));
            }
        };
        let mut found = Self::default();
        for (name, declaration) in declared {
            if found.find(name).is_some() {
                let message = format!("The parameter '{name}' is declared twice");
                return Err(PolicyError::parameters(format!("parameters.{name}"), message));
            }
            found.0.push(Parameter::read(name, declaration)?);
        }
        Ok(found)
    }

    /// The declaration of a name, in any case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| same(&parameter.name, name))
    }

    /// Every declaration.
    pub fn iter(&self) -> impl Iterator<Item = &Parameter> {
        self.0.iter()
    }

    /// The value of every parameter: the given one (`{name: {"value": …}}`), else its default.
    ///
    /// # Errors
    /// `UndefinedPolicyParameter`, `MissingPolicyParameter`, `PolicyParameterValueNotAllowed` or `InvalidPolicyParameters`.
    pub fn bind(&self, given: Option<&Value>) -> Result<Map<String, Value>, PolicyError> {
        let nothing = Map::new();
        let given = match given {
            None | Some(Value::Null) => &nothing,
            Some(Value::Object(given)) => given,
            Some(_) => {
                return Err(PolicyError::parameters(
                    "parameters",
                    "The parameters must be an object",
                ));
            }
        };
        if let Some(surplus) = given.keys().find(|name| self.find(name).is_none()) {
            let known: Vec<_> = self.iter().map(|parameter| parameter.name.as_str()).collect();
            let message = format!(
                "The policy has no parameter '{surplus}'; its parameters are '{}'",
                known.join(", ")
            );
            return Err(PolicyError::new(
                ErrorCode::UndefinedPolicyParameter,
                format!("parameters.{surplus}"),
                message,
            ));
        }
        let values = self.iter().map(|parameter| {
            let given = member(given, &parameter.name)
                .map(|entry| given_value(&parameter.name, entry))
                .transpose()?;
            Ok((parameter.name.clone(), parameter.value(given)?))
        });
        values.collect()
    }
}

fn given_value<'v>(name: &str, entry: &'v Value) -> Read<&'v Value> {
    let value = entry.as_object().and_then(|entry| member(entry, "value"));
    value.ok_or_else(|| {
        let message = format!("The parameter '{name}' must be given as an object with 'value'");
        PolicyError::parameters(format!("parameters.{name}"), message)
    })
}

impl Parameter {
    fn read(name: &str, declaration: &Value) -> Read<Self> {
        let path = format!("parameters.{name}");
        let word = text_part(declaration, "type");
        let kind = word.and_then(Kind::read).ok_or_else(|| {
            let message = format!(
                "The type '{}' of the parameter '{name}' is not one of String, Array, Object, Boolean, Integer, Float, DateTime",
                word.unwrap_or_default()
            );
            PolicyError::parameters(format!("{path}.type"), message)
        })?;
        let allowed = match part(declaration, "allowedValues") {
            None => Vec::new(),
            Some(Value::Array(allowed)) => allowed.clone(),
            Some(_) => {
                let message = format!("The allowed values of the parameter '{name}' must be an array");
                return Err(PolicyError::parameters(format!("{path}.allowedValues"), message));
            }
        };
        let parameter = Self {
            name: name.to_owned(),
            kind,
            default: part(declaration, "defaultValue").cloned(),
            allowed,
        };
        if let Some(default) = &parameter.default {
            parameter.check(default)?;
        }
        Ok(parameter)
    }

    fn value(&self, given: Option<&Value>) -> Read<Value> {
        let value = given.filter(|value| !value.is_null()).or(self.default.as_ref());
        let value = value.ok_or_else(|| {
            let message = format!("The parameter '{}' has no value and no default", self.name);
            PolicyError::new(ErrorCode::MissingPolicyParameter, self.path(), message)
        })?;
        self.check(value)?;
        Ok(value.clone())
    }

    /// Whether the value is of the type, and among those allowed; of a list, each element.
    fn check(&self, value: &Value) -> Read<()> {
        if !self.kind.takes(value) {
            let message = format!(
                "The value of the parameter '{}' is of type '{}', expected type is '{}'",
                self.name,
                kind_word(value),
                self.kind.word()
            );
            return Err(PolicyError::parameters(self.path(), message));
        }
        let is_allowed = |value: &Value| {
            self.allowed
                .iter()
                .any(|allowed| crate::compare::equal(allowed, value))
        };
        let fits = self.allowed.is_empty()
            || is_allowed(value)
            || match value {
                Value::Array(elements) => elements.iter().all(is_allowed),
                _ => false,
            };
        if fits {
            return Ok(());
        }
        let allowed: Vec<_> = self.allowed.iter().map(Value::to_string).collect();
        let message = format!(
            "The value {value} of the parameter '{}' is not allowed; the allowed values are {}",
            self.name,
            allowed.join(", ")
        );
        Err(PolicyError::new(
            ErrorCode::PolicyParameterValueNotAllowed,
            self.path(),
            message,
        ))
    }

    fn path(&self) -> String {
        format!("parameters.{}", self.name)
    }
}

impl Kind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("String", Self::String),
        ("Array", Self::Array),
        ("Object", Self::Object),
        ("Boolean", Self::Boolean),
        ("Integer", Self::Integer),
        ("Float", Self::Float),
        ("DateTime", Self::DateTime),
    ];

    fn read(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| same(known, word));
        found.map(|(_, kind)| *kind)
    }

    /// The word in Azure's spelling.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("String", |(word, _)| word)
    }

    /// Numbers and truth values are also taken as their text, as the portal and the command line send them.
    fn takes(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::Boolean => {
                value.is_boolean() || text.is_some_and(|text| same(text, "true") || same(text, "false"))
            }
            Self::Integer => {
                value.is_i64() || value.is_u64() || text.is_some_and(|text| text.parse::<i64>().is_ok())
            }
            Self::Float => value.is_number() || text.is_some_and(|text| text.parse::<f64>().is_ok()),
            Self::DateTime => text.is_some_and(|text| nave_template::moment(text).is_some()),
        }
    }
}

/// The type of a value, in the words of messages.
pub(crate) fn kind_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(number) if number.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

#[cfg(test)]
mod tests {
    use nave_arm::ErrorCode;
    use serde_json::{Value, json};

    use super::Parameters;

    fn bind(declarations: Value, given: Value) -> Result<Value, ErrorCode> {
        let parameters = Parameters::read(Some(&declarations)).map_err(|error| error.code)?;
        parameters
            .bind(Some(&given))
            .map(Value::Object)
            .map_err(|error| error.code)
    }

    #[test]
    fn a_value_is_the_given_one_or_the_default() {
        let declared = json!({"effect": {"type": "string", "defaultValue": "Audit", "allowedValues": ["Audit", "Deny"]},
                              "list": {"type": "array", "allowedValues": ["a", "b"]}});
        assert_eq!(
            bind(declared.clone(), json!({"LIST": {"value": ["A"]}})),
            Ok(json!({"effect": "Audit", "list": ["A"]}))
        );
        for (given, code) in [
            (json!({}), ErrorCode::MissingPolicyParameter),
            (
                json!({"list": {"value": []}, "other": {"value": 1}}),
                ErrorCode::UndefinedPolicyParameter,
            ),
            (
                json!({"list": {"value": ["c"]}}),
                ErrorCode::PolicyParameterValueNotAllowed,
            ),
            (
                json!({"list": {"value": "a"}}),
                ErrorCode::InvalidPolicyParameters,
            ),
            (json!({"list": ["a"]}), ErrorCode::InvalidPolicyParameters),
        ] {
            assert_eq!(bind(declared.clone(), given.clone()), Err(code), "{given}");
        }
    }

    #[test]
    fn declarations_are_checked() {
        for declared in [
            json!([]),
            json!({"a": {}}),
            json!({"a": {"type": "number"}}),
            json!({"a": {"type": "Integer", "defaultValue": "x"}}),
            json!({"a": {"type": "String"}, "A": {"type": "String"}}),
        ] {
            assert!(Parameters::read(Some(&declared)).is_err(), "{declared}");
        }
    }
}
