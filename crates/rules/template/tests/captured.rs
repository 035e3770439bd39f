//! The templates that azure-ai-ml deploys, with the parameters it was seen to send.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use common::{read, scope, shared};
use nave_template::{Plan, RuntimeValues, Template, WithoutChance};
use serde_json::{Map, Value, json};

/// Expands one captured pair; answers the plan and the body of each resource by its last type.
fn deploy(template: &str, parameters: &str) -> Option<(Plan, Vec<(String, Value)>)> {
    let folder = shared()?.join("captured");
    let template = Template::parse(&read(&folder.join(template))).expect("a template");
    let given = read(&folder.join(parameters));
    let given: Map<String, Value> = given.as_object().expect("parameters").clone();
    let plan = Plan::new(&template, scope(), &given, &WithoutChance).expect(parameters);
    let body = |at: &usize| {
        let resource = &plan.resources()[*at];
        (
            resource.resource_type.clone(),
            plan.body(*at, &RuntimeValues::new()).expect("a body"),
        )
    };
    let bodies = plan.order().iter().map(body).collect();
    Some((plan, bodies))
}

fn types(bodies: &[(String, Value)]) -> Vec<&str> {
    bodies.iter().map(|(kind, _)| kind.as_str()).collect()
}

const HUB: [&str; 3] = [
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.MachineLearningServices/workspaces",
];

#[test]
fn a_hub_comes_with_storage_and_vault() {
    let Some((plan, bodies)) = deploy("hub-create.template.json", "hub-create.parameters.json") else {
        return;
    };
    assert_eq!(types(&bodies), HUB);
    let hub = &bodies[2].1;
    assert_eq!(hub["kind"], "hub");
    assert_eq!(hub["properties"]["hbiWorkspace"], "false");
    assert!(
        hub["properties"].get("containerRegistry").is_none(),
        "null is absent"
    );
    let storage = plan.resources()[0].id.as_str();
    assert!(
        hub["properties"]["storageAccount"]
            .as_str()
            .expect("an id")
            .ends_with(storage.rsplit('/').next().expect("a name"))
    );
    assert_eq!(plan.resources()[2].depends_on, [0, 1]);
    assert!(!plan.has_outputs());
}

#[test]
fn a_hub_with_every_option_and_a_plain_workspace_expand() {
    for (parameters, kind) in [
        ("hub-create-full.parameters.json", "hub"),
        ("workspace-default-create.parameters.json", "default"),
    ] {
        let Some((_, bodies)) = deploy("hub-create.template.json", parameters) else {
            return;
        };
        let workspace = &bodies
            .iter()
            .find(|(kind, _)| kind == HUB[2])
            .expect("a workspace")
            .1;
        assert_eq!(
            workspace["kind"].as_str().map(str::to_lowercase).as_deref(),
            Some(kind),
            "{parameters}"
        );
        assert!(
            types(&bodies).iter().all(|kind| HUB.contains(kind)
                || *kind == "Microsoft.Insights/components"
                || *kind == "Microsoft.OperationalInsights/workspaces"),
            "{:?}",
            types(&bodies)
        );
    }
}

#[test]
fn a_project_is_one_resource_and_its_stringified_enum_is_read() {
    for parameters in [
        "project-create.parameters.json",
        "project-create-minimal.parameters.json",
    ] {
        let Some((plan, bodies)) = deploy("project-create.template.json", parameters) else {
            return;
        };
        assert_eq!(types(&bodies), [HUB[2]], "{parameters}");
        let properties = &bodies[0].1["properties"];
        assert_eq!(properties["publicNetworkAccess"], "Enabled", "{parameters}");
        assert!(
            properties["hubResourceId"]
                .as_str()
                .is_some_and(|hub| hub.contains("/workspaces/")),
            "{properties}"
        );
        assert_eq!(
            plan.parameters()["kind"],
            json!({"type": "String", "value": "project"})
        );
    }
}

#[test]
fn the_commands_not_quite_json_is_read() {
    let Some(folder) = shared() else { return };
    let body = read(&folder.join("captured/cli-deployment-validate-body.jsonc.txt"));
    Template::parse(&body["properties"]["template"]).expect("a template");
}
