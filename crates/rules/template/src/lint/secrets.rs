//! Secrets that are kept where others read them.

use serde_json::{Map, Value};

use super::{Remark, Sight, step};
use crate::{
    table::{member, same_name},
    template::Declaration,
    types,
};

pub(super) fn look(sight: &Sight<'_>, remarks: &mut Vec<Remark>) {
    for (name, declaration) in sight.parts.parameters.iter() {
        let is_secure = types::shown_kind(declaration, sight.parts).starts_with("Secure");
        let path = step("parameters", name);
        let default = member(declaration, "defaultValue");
        if is_secure && default.is_some_and(says_a_secret) {
            let message = format!(
                "The secure parameter '{name}' must not have a default value, unless it is empty or a new guid."
            );
            remarks.push(Remark::new(
                "secure-parameter-default",
                step(&path, "defaultValue"),
                message,
            ));
        }
        let is_text = types::shown_kind(declaration, sight.parts) == "String";
        if is_text && sounds_secret(name) && member(declaration, "allowedValues").is_none() {
            let message =
                format!("The parameter '{name}' seems to be a secret; its type should be 'securestring'.");
            remarks.push(Remark::new("secure-secrets-in-params", path, message));
        }
    }
    for (name, output) in sight.parts.outputs.iter() {
        in_output(sight, name, output, remarks);
    }
    for declaration in &sight.parts.resources {
        leaks(sight, declaration, remarks);
    }
}

fn in_output(sight: &Sight<'_>, name: &str, output: &Map<String, Value>, remarks: &mut Vec<Remark>) {
    if types::shown_kind(output, sight.parts).starts_with("Secure") {
        return;
    }
    let path = step("outputs", name);
    for seen in sight.below(&path) {
        let listed = seen
            .calls()
            .into_iter()
            .find(|call| call.is_list())
            .map(|call| call.name.clone());
        let secure = seen.named_by("parameters").find(|name| is_secure(sight, name));
        let why = match (listed, secure) {
            (Some(function), _) => format!("the answer of '{function}'"),
            (None, Some(parameter)) => format!("the secure parameter '{parameter}'"),
            (None, None) => continue,
        };
        let message = format!("The output '{name}' shows {why} to everybody who may read deployments.");
        remarks.push(Remark::new(
            "outputs-should-not-contain-secrets",
            seen.path.clone(),
            message,
        ));
    }
}

/// With outer scope, a secret of the template around is written into the nested deployment, where its history shows it.
fn leaks(sight: &Sight<'_>, declaration: &Declaration, remarks: &mut Vec<Remark>) {
    let is_deployment = declaration
        .members
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|kind| same_name(kind, "Microsoft.Resources/deployments"));
    if !is_deployment {
        return;
    }
    let path = format!("{}.properties.template", declaration.path);
    for seen in sight.below(&path) {
        let secure = seen.named_by("parameters").find(|name| is_secure(sight, name));
        if let Some(parameter) = secure {
            let message = format!(
                "The secure parameter '{parameter}' becomes plain text in a nested deployment with outer scope; use 'expressionEvaluationOptions' with the scope 'inner'."
            );
            remarks.push(Remark::new(
                "secure-params-in-nested-deploy",
                seen.path.clone(),
                message,
            ));
        }
    }
}

fn is_secure(sight: &Sight<'_>, parameter: &str) -> bool {
    let declaration = sight.parts.parameters.get(parameter);
    declaration.is_some_and(|declaration| types::shown_kind(declaration, sight.parts).starts_with("Secure"))
}

fn says_a_secret(default: &Value) -> bool {
    match default {
        Value::String(text) => !text.is_empty() && !text.to_lowercase().contains("newguid("),
        Value::Object(members) => !members.is_empty(),
        Value::Null => false,
        _ => true,
    }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    let ends = [
        "password",
        "pwd",
        "secret",
        "accountkey",
        "accesskey",
        "apikey",
        "connectionstring",
        "token",
    ];
    ends.iter().any(|end| name.ends_with(end))
}
