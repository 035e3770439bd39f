//! Every expression of a template, read once.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::Parts;
use crate::{
    expression::{Call, Expression, Reading, read},
    fault::{Halt, Outcome},
    functions, nested,
    table::same_name,
};

impl Parts {
    /// Reads every expression once, so that a slip is found even in a branch that is never taken.
    pub(super) fn read_expressions(&self, root: &Map<String, Value>) -> Outcome<HashMap<String, Expression>> {
        let mut found = HashMap::new();
        for (name, value) in root {
            let literal = [
                "$schema",
                "contentVersion",
                "languageVersion",
                "metadata",
                "definitions",
                "apiProfile",
            ];
            if literal.iter().any(|known| same_name(known, name)) {
                continue;
            }
            let checked = if same_name(name, "parameters") {
                self.parameters.iter().try_for_each(|(name, parameter)| {
                    let default = parameter.get("defaultValue").unwrap_or(&Value::Null);
                    self.check_value(default, &mut found)
                        .map_err(|halt| halt.in_member("defaultValue").in_member(name))
                })
            } else {
                self.check_value(value, &mut found)
            };
            checked.map_err(|halt| halt.in_member(name))?;
        }
        Ok(found)
    }

    fn check_value(&self, value: &Value, found: &mut HashMap<String, Expression>) -> Outcome<()> {
        match value {
            Value::String(text) => self.check_text(text, found),
            Value::Array(elements) => elements.iter().enumerate().try_for_each(|(at, element)| {
                self.check_value(element, found)
                    .map_err(|halt| halt.in_element(at))
            }),
            Value::Object(members) => {
                let inner = nested::is_inner_scoped(members, self.symbolic);
                members.iter().try_for_each(|(name, member)| {
                    if inner && same_name(name, "template") || same_name(name, "metadata") {
                        return Ok(());
                    }
                    self.check_value(member, found)
                        .map_err(|halt| halt.in_member(name))
                })
            }
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str, found: &mut HashMap<String, Expression>) -> Outcome<()> {
        if found.contains_key(text) {
            return Ok(());
        }
        let reading = read(text).map_err(|error| Halt::failed(error.to_string()).in_expression(text))?;
        let Reading::Expression(expression) = reading else {
            return Ok(());
        };
        let mut unknown = None;
        expression.each_call(&mut |call| {
            if !self.knows(call) {
                unknown.get_or_insert(call);
            }
        });
        if let Some(call) = unknown {
            return Err(Halt::failed(functions::unknown(call)).in_expression(text));
        }
        found.insert(text.to_owned(), expression);
        Ok(())
    }

    fn knows(&self, call: &Call) -> bool {
        match &call.namespace {
            Some(namespace) => self
                .functions
                .get(&format!("{namespace}.{}", call.name))
                .is_some(),
            None => functions::known(call),
        }
    }
}
