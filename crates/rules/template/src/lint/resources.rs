//! How resources are declared.

use serde_json::Value;

use super::{Remark, Sight, step};
use crate::{
    table::{member, same_name},
    template::Declaration,
};

pub(super) fn look(sight: &Sight<'_>, remarks: &mut Vec<Remark>) {
    let root = sight.parts.document.as_object();
    for name in ["$schema", "contentVersion"] {
        if root.is_some_and(|root| member(root, name).is_none()) {
            let message = format!("The template has no '{name}'; the service refuses it.");
            remarks.push(Remark::new("template-schema", "", message));
        }
    }
    for declaration in &sight.parts.resources {
        api_version(declaration, remarks);
        administrator(declaration, remarks);
        needless(sight, declaration, remarks);
    }
    for seen in &sight.strings {
        if seen.text.to_lowercase().replace(' ', "").contains("json('null')") {
            let message = "Write null() in place of json('null').";
            remarks.push(Remark::new("simplify-json-null", seen.path.clone(), message).slight());
        }
    }
}

fn api_version(declaration: &Declaration, remarks: &mut Vec<Remark>) {
    let path = step(&declaration.path, "apiVersion");
    match declaration.members.get("apiVersion").and_then(Value::as_str) {
        Some(version) if version.starts_with('[') => {
            let message = "The api-version should be a literal: another version may need another template.";
            remarks.push(Remark::new("api-version-literal", path, message));
        }
        Some(version) if !is_version(version) => {
            let message = format!(
                "'{version}' is no api-version; it should be a date, such as 2024-10-01 or 2024-10-01-preview."
            );
            remarks.push(Remark::new("api-version-literal", path, message));
        }
        _ => {}
    }
}

fn is_version(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default();
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_date && date.len() == 10 && (text.len() == 10 || text[10..].starts_with('-'))
}

fn administrator(declaration: &Declaration, remarks: &mut Vec<Remark>) {
    fn find(value: &Value, path: &str, remarks: &mut Vec<Remark>) {
        for (name, inner) in value.as_object().into_iter().flatten() {
            let inner_path = step(path, name);
            let is_literal = inner
                .as_str()
                .is_some_and(|text| !text.starts_with('[') && !text.is_empty());
            if same_name(name, "adminUsername") && is_literal {
                let message = "The name of an administrator should be a parameter.";
                remarks.push(Remark::new(
                    "adminusername-should-not-be-literal",
                    inner_path.clone(),
                    message,
                ));
            }
            if !same_name(name, "template") {
                find(inner, &inner_path, remarks);
            }
        }
    }
    if let Some(properties) = declaration.members.get("properties") {
        find(properties, &step(&declaration.path, "properties"), remarks);
    }
}

/// A dependency that a `reference` to a symbolic name makes already.
fn needless(sight: &Sight<'_>, declaration: &Declaration, remarks: &mut Vec<Remark>) {
    let listed = declaration.members.get("dependsOn").and_then(Value::as_array);
    let properties = step(&declaration.path, "properties");
    for (at, name) in listed.into_iter().flatten().enumerate() {
        let Some(name) = name.as_str().filter(|_| sight.parts.symbolic) else {
            continue;
        };
        let is_implied = sight
            .below(&properties)
            .any(|seen| seen.named_by("reference").any(|target| same_name(target, name)));
        if is_implied {
            let message = format!("The dependency on '{name}' follows from a reference to it.");
            let path = format!("{}.dependsOn[{at}]", declaration.path);
            remarks.push(Remark::new("no-unnecessary-dependson", path, message).slight());
        }
    }
}
