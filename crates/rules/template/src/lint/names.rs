//! Names, places and addresses that should not stand in a template literally, and those that change with every run.

use serde_json::Value;

use super::{Remark, Sight, step};
use crate::{table::member, template::Declaration};

/// Hosts that differ between clouds, and what `environment()` calls them.
const HOSTS: &[(&str, &str)] = &[
    ("management.azure.com", "resourceManager"),
    ("management.core.windows.net", "resourceManager"),
    ("login.microsoftonline.com", "authentication.loginEndpoint"),
    ("database.windows.net", "suffixes.sqlServerHostname"),
    ("core.windows.net", "suffixes.storage"),
    ("vault.azure.net", "suffixes.keyvaultDns"),
    ("azurecr.io", "suffixes.acrLoginServer"),
    ("graph.windows.net", "graph"),
    ("batch.core.windows.net", "batch"),
];

pub(super) fn look(sight: &Sight<'_>, remarks: &mut Vec<Remark>) {
    for declaration in &sight.parts.resources {
        location(sight, declaration, remarks);
        changing(sight, declaration, remarks);
    }
    for seen in &sight.strings {
        let is_structure = seen.path.ends_with(".type") || seen.path.starts_with("parameters.");
        let host = HOSTS
            .iter()
            .find(|(host, _)| seen.text.to_lowercase().contains(host));
        if let (Some((host, name)), false) = (host, is_structure || seen.path.contains("privatelink")) {
            let is_zone = seen.text.to_lowercase().contains("privatelink.");
            let message = format!("The host '{host}' is that of one cloud; use environment().{name}.");
            if !is_zone {
                remarks.push(Remark::new("no-hardcoded-env-urls", seen.path.clone(), message));
            }
        }
        let of_group = seen
            .text
            .to_lowercase()
            .replace(' ', "")
            .contains("resourcegroup().location");
        let of_deployment = seen
            .text
            .to_lowercase()
            .replace(' ', "")
            .contains("deployment().location");
        if (of_group || of_deployment) && !seen.path.starts_with("parameters.") {
            let message = "The location of the deployment should only be the default value of a parameter, so that whoever deploys can choose it.";
            remarks.push(Remark::new("no-loc-expr-outside-params", seen.path.clone(), message).slight());
        }
    }
}

fn location(sight: &Sight<'_>, declaration: &Declaration, remarks: &mut Vec<Remark>) {
    let literal = declaration.members.get("location").and_then(Value::as_str);
    let Some(location) = literal else { return };
    let path = step(&declaration.path, "location");
    let is_literal = !location.starts_with('[') && !location.eq_ignore_ascii_case("global");
    let variable = sight.below(&path).find_map(|seen| {
        let name = seen
            .expression
            .as_ref()?
            .as_call()
            .filter(|call| call.is("variables"))?;
        let value = sight.parts.variables.get(name.arguments.first()?.as_literal()?)?;
        value
            .as_str()
            .filter(|text| !text.starts_with('[') && !text.eq_ignore_ascii_case("global"))
    });
    if is_literal || variable.is_some() {
        let message = format!(
            "The location '{}' should not stand in the template; use a parameter, or 'global'.",
            variable.unwrap_or(location)
        );
        remarks.push(Remark::new("no-hardcoded-location", path, message));
    }
}

/// A name out of `newGuid()` or `utcNow()` makes a new resource with every deployment.
fn changing(sight: &Sight<'_>, declaration: &Declaration, remarks: &mut Vec<Remark>) {
    let path = step(&declaration.path, "name");
    let changes = |name: &str| {
        let default = sight
            .parts
            .parameters
            .get(name)
            .and_then(|declaration| member(declaration, "defaultValue"));
        default.and_then(Value::as_str).is_some_and(|text| {
            let text = text.to_lowercase();
            text.starts_with('[') && (text.contains("newguid(") || text.contains("utcnow("))
        })
    };
    let is_deployment = declaration
        .members
        .get("type")
        .and_then(Value::as_str)
        .is_some_and(|kind| {
            kind.eq_ignore_ascii_case("Microsoft.Resources/deployments")
                || kind.eq_ignore_ascii_case("Microsoft.Resources/deploymentScripts")
        });
    for seen in sight.below(&path).filter(|_| !is_deployment) {
        if let Some(parameter) = seen.named_by("parameters").find(|name| changes(name)) {
            let message = format!(
                "The parameter '{parameter}' is another one with every deployment, and so is the resource of this name."
            );
            remarks.push(Remark::new(
                "use-stable-resource-identifiers",
                seen.path.clone(),
                message,
            ));
        }
    }
}
