//! Which functions rules may use, and what those of the policy language answer (policy-language 4).

use nave_template::{Formula, Host};
use serde_json::{Map, Value, json};

use crate::{
    error::{PolicyError, Read},
    evaluation::Place,
    field::Field,
    parameters::{Parameters, Values},
    words::{among, member},
};

/// Functions of templates that make no sense in a rule, or would let it run for ever.
const FORBIDDEN: &[&str] = &[
    "copyIndex",
    "dateTimeAdd",
    "deployer",
    "deployment",
    "environment",
    "extensionResourceId",
    "externalInput",
    "filter",
    "groupBy",
    "lambda",
    "lambdaVariables",
    "managementGroup",
    "managementGroupResourceId",
    "map",
    "mapValues",
    "newGuid",
    "pickZones",
    "providers",
    "reduce",
    "reference",
    "references",
    "resourceId",
    "resourceInfo",
    "roleDefinitions",
    "sort",
    "subscriptionResourceId",
    "tenant",
    "tenantResourceId",
    "toLogicalZone",
    "toLogicalZones",
    "toObject",
    "toPhysicalZone",
    "toPhysicalZones",
    "variables",
];

/// Functions that say something else at each judgement.
const AT_JUDGEMENT: &[&str] = &[
    "current",
    "field",
    "policy",
    "requestContext",
    "resourceGroup",
    "subscription",
    "utcNow",
];

/// Functions that rules have and templates have not, or that mean something else in rules.
const OWN: &[&str] = &["addDays", "ipRangeContains", "parameters"];

/// Refuses what a rule may not call, and parameters that are not declared.
pub(crate) fn check(formula: &Formula, parameters: Option<&Parameters>, path: &str) -> Read<usize> {
    let calls = formula.calls();
    for call in &calls {
        let name = &call.function;
        let is_own = among(OWN, name) || among(AT_JUDGEMENT, name);
        let is_list = name
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("list"));
        if !is_own && (!call.known || is_list || among(FORBIDDEN, name)) {
            let message = format!("The function '{name}' cannot be used in a policy rule");
            return Err(PolicyError::rule(path, message));
        }
        let literal = call.literal;
        if let (Some(parameters), Some(parameter)) = (
            parameters,
            literal.filter(|_| name.eq_ignore_ascii_case("parameters")),
        ) && parameters.find(parameter).is_none()
        {
            let message = format!("The policy rule uses the parameter '{parameter}', which is not declared");
            return Err(PolicyError::parameters(path, message));
        }
        let names_field = name.eq_ignore_ascii_case("field");
        if let Some(field) = literal.filter(|_| names_field)
            && Field::read(field).is_none()
        {
            return Err(no_alias(field, path));
        }
    }
    Ok(calls.len())
}

/// A field that is neither special nor an alias.
pub(crate) fn no_alias(field: &str, path: &str) -> PolicyError {
    let message = format!(
        "The field '{field}' is neither a known field nor an alias, such as 'Microsoft.Storage/storageAccounts/accessTier'"
    );
    PolicyError::new(nave_arm::ErrorCode::InvalidPolicyAlias, path, message)
}

/// Whether a formula gives the same value at each judgement.
pub(crate) fn is_settled(formula: &Formula) -> bool {
    formula
        .calls()
        .iter()
        .all(|call| !among(AT_JUDGEMENT, &call.function))
}

/// The functions that are known when a definition is bound.
pub(crate) struct AtBinding<'v>(pub(crate) &'v Values);

impl Host for AtBinding<'_> {
    fn answers(&self, function: &str) -> bool {
        among(OWN, function)
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, String> {
        own(function, arguments, self.0)
    }
}

/// All functions, at one place of a rule under judgement.
pub(crate) struct AtJudgement<'p, 'e> {
    pub(crate) place: &'p Place<'p, 'e>,
    pub(crate) fields: &'p [(String, Field)],
}

impl Host for AtJudgement<'_, '_> {
    fn answers(&self, function: &str) -> bool {
        among(OWN, function) || among(AT_JUDGEMENT, function)
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, String> {
        let evaluation = self.place.evaluation;
        let subject = evaluation.subject;
        match function.to_ascii_lowercase().as_str() {
            "field" => self.field(text(function, arguments, 0)?),
            "current" => self.current(arguments),
            "policy" => Ok(evaluation.policy()),
            "requestcontext" => Ok(evaluation.request_context()),
            "resourcegroup" => Ok(evaluation.around(subject.group)),
            "subscription" => Ok(evaluation.around(subject.subscription)),
            "utcnow" => {
                let form = arguments.first().and_then(Value::as_str).unwrap_or("o");
                nave_template::show_moment(subject.now, form).map(Value::from)
            }
            _ => own(function, arguments, evaluation.parameters),
        }
    }

    fn allows_gaps(&self, function: &str) -> bool {
        among(&["resourceGroup", "subscription"], function)
    }
}

impl AtJudgement<'_, '_> {
    fn field(&self, name: &str) -> Result<Value, String> {
        match self.known(name) {
            Some(field) => Ok(self.place.field_value(field)),
            None => {
                let field = Field::read(name).ok_or_else(|| format!("'{name}' is no field and no alias"))?;
                Ok(self.place.field_value(&field))
            }
        }
    }

    fn known(&self, name: &str) -> Option<&Field> {
        let found = self.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, field)| field)
    }

    fn current(&self, arguments: &[Value]) -> Result<Value, String> {
        match arguments.first() {
            None => self.place.current().ok_or_else(|| {
                String::from("the function 'current' can only be used in the 'where' of a count")
            }),
            Some(_) => {
                let name = text("current", arguments, 0)?;
                if let Some(value) = self.place.current_named(name) {
                    return Ok(value);
                }
                match Field::read(name) {
                    Some(Field::Alias(alias)) => Ok(self.place.current_field(&Field::Alias(alias))),
                    _ => Err(format!("there is no count '{name}' around this place")),
                }
            }
        }
    }
}

fn own(function: &str, arguments: &[Value], parameters: &Values) -> Result<Value, String> {
    match function.to_ascii_lowercase().as_str() {
        "parameters" => {
            let name = text(function, arguments, 0)?;
            member(parameters, name)
                .cloned()
                .ok_or_else(|| format!("the parameter '{name}' is not declared"))
        }
        "adddays" => {
            let days = whole(function, arguments, 1)?;
            nave_template::add_days(text(function, arguments, 0)?, days).map(Value::from)
        }
        "iprangecontains" => {
            let (range, target) = (text(function, arguments, 0)?, text(function, arguments, 1)?);
            nave_template::range_contains(range, target).map(Value::from)
        }
        _ => Err(format!("the function '{function}' is not known")),
    }
}

fn text<'v>(function: &str, arguments: &'v [Value], at: usize) -> Result<&'v str, String> {
    let found = arguments.get(at).and_then(Value::as_str);
    found.ok_or_else(|| format!("the function '{function}' takes a string at position {}", at + 1))
}

fn whole(function: &str, arguments: &[Value], at: usize) -> Result<i64, String> {
    let found = arguments.get(at).and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    });
    found.ok_or_else(|| {
        format!(
            "the function '{function}' takes an integer at position {}",
            at + 1
        )
    })
}

/// `requestContext()` where no request is under way: the newest api-version there could be, and nobody.
pub(crate) fn no_request(now: &str) -> Value {
    let today = now.get(..10).unwrap_or("9999-12-31");
    json!({"apiVersion": today, "identity": Map::new()})
}
