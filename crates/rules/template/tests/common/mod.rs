//! A made-up place to deploy to, parameters made up where none are given, and what lies in the shared folder.

#![allow(dead_code, clippy::expect_used, reason = "each test file uses a part of it")]

use std::{env, fs, path::PathBuf};

use nave_template::{Plan, Scope, Template, WithoutChance, parse};
use serde_json::{Map, Value, json};

/// The shared folder: the one the environment names, else the one beside the checkout.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared");
    let folder = env::var_os("NAVE_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join("captured").is_dir() {
        return Some(folder);
    }
    let mut out = std::io::stderr();
    let _said = std::io::Write::write_all(
        &mut out,
        format!("skipped: there are no captured inputs in {}\n", folder.display()).as_bytes(),
    );
    None
}

pub(crate) fn read(path: &std::path::Path) -> Value {
    let text = fs::read_to_string(path).expect("a file");
    parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn scope() -> Scope {
    let subscription = "11111111-2222-3333-4444-555555555555";
    let tenant = "99999999-8888-7777-6666-555555555555";
    let group = format!("/subscriptions/{subscription}/resourceGroups/examplegroup");
    let origin = "https://nave.test";
    Scope {
        subscription: json!({"id": format!("/subscriptions/{subscription}"), "subscriptionId": subscription,
                             "tenantId": tenant, "displayName": "Team"}),
        resource_group: Some(
            json!({"id": group, "name": "examplegroup", "type": "Microsoft.Resources/resourceGroups",
                                    "location": "eastus", "tags": {}, "properties": {"provisioningState": "Succeeded"}}),
        ),
        tenant: json!({"tenantId": tenant, "displayName": "Contoso", "countryCode": "US"}),
        deployment_name: String::from("main"),
        location: Some(String::from("eastus")),
        environment: json!({"name": "nave", "resourceManager": origin, "portal": origin,
                            "authentication": {"loginEndpoint": origin, "audiences": [origin]},
                            "suffixes": {"storage": "core.nave.test", "keyvaultDns": ".vault.nave.test",
                                         "acrLoginServer": ".azurecr.nave.test"}}),
        template_link: Some(json!({"uri": "https://nave.test/templates/azuredeploy.json"})),
        deployer: json!({"objectId": "00000000-0000-0000-0000-000000000001", "tenantId": tenant,
                         "userPrincipalName": "joe@contoso.com"}),
        utc_now: String::from("20261124T161242Z"),
        ..Scope::default()
    }
}

/// The scope that a template's `$schema` asks for.
pub(crate) fn scope_of(template: &Value) -> Scope {
    let schema = template["$schema"].as_str().unwrap_or_default().to_lowercase();
    let mut scope = scope();
    if !schema.is_empty() && !schema.contains("/deploymenttemplate.json") {
        scope.resource_group = None;
    }
    if schema.contains("managementgroup") {
        scope.subscription = Value::Null;
        scope.management_group = Some(
            json!({"id": "/providers/Microsoft.Management/managementGroups/corp", "name": "corp",
                                             "type": "Microsoft.Management/managementGroups",
                                             "properties": {"tenantId": "99999999-8888-7777-6666-555555555555"}}),
        );
    }
    if schema.contains("tenantdeployment") {
        scope.subscription = Value::Null;
    }
    scope
}

/// Values for the parameters that need one, made up from their types.
pub(crate) fn made_up(template: &Value, given: &mut Map<String, Value>) {
    for (name, parameter) in template["parameters"].as_object().into_iter().flatten() {
        let has_default = parameter.get("defaultValue").is_some() || parameter["nullable"] == json!(true);
        let is_given = given.keys().any(|key| key.eq_ignore_ascii_case(name));
        if !has_default && !is_given {
            let made = some_value(template, parameter);
            given.insert(name.clone(), json!({"value": made}));
        }
    }
}

fn some_value(template: &Value, parameter: &Value) -> Value {
    if let Some(definition) = parameter["$ref"]
        .as_str()
        .and_then(|text| text.strip_prefix("#/definitions/"))
    {
        return some_value(template, &template["definitions"][definition]);
    }
    if let Some(first) = parameter["allowedValues"]
        .as_array()
        .and_then(|allowed| allowed.first())
    {
        return first.clone();
    }
    match parameter["type"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase()
        .as_str()
    {
        "int" => parameter.get("minValue").cloned().unwrap_or_else(|| json!(1)),
        "bool" => json!(true),
        "array" => json!([]),
        "object" | "secureobject" => {
            let members = parameter["properties"].as_object().into_iter().flatten();
            members
                .map(|(name, member)| (name.clone(), some_value(template, member)))
                .collect()
        }
        _ => {
            let least = parameter["minLength"].as_u64().unwrap_or(0);
            let length = usize::try_from(least.max(8)).expect("a length");
            let most = parameter["maxLength"]
                .as_u64()
                .and_then(|most| usize::try_from(most).ok())
                .unwrap_or(length);
            json!("x".repeat(length.min(most)))
        }
    }
}

/// Reads, expands and previews every body; the error is a sentence.
pub(crate) fn expands(template: &Value, given: &Map<String, Value>) -> Result<Plan, String> {
    let read = Template::parse(template).map_err(|error| error.message)?;
    let plan = Plan::new(&read, scope_of(template), given, &WithoutChance).map_err(|error| error.message)?;
    for at in 0..plan.resources().len() {
        plan.preview(at).map_err(|error| error.message)?;
    }
    Ok(plan)
}
