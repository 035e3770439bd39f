//! `nave template`, from files to exit code.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::program::nave;

/// A folder with files, and a command line that works in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn with(files: &[(&str, Value)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), format!("{content:#}")).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, verb: &str, rest: &[&str]) -> (i32, String) {
        let template = self.path("main.json");
        let mut arguments = vec!["template", verb, "--template", &template];
        let others: Vec<_> = rest
            .iter()
            .map(|word| {
                if word.ends_with(".json") {
                    self.path(word)
                } else {
                    (*word).to_owned()
                }
            })
            .collect();
        arguments.extend(others.iter().map(String::as_str));
        let output = nave(&arguments, "");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }
}

fn template() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"name": {"type": "string"}, "spare": {"type": "int", "defaultValue": 1}},
        "resources": [
            {"type": "P.X/bs", "apiVersion": "2024-01-01", "name": "b", "dependsOn": ["[resourceId('P.X/as', parameters('name'))]"],
             "properties": {"url": "[reference(parameters('name')).url]"}},
            {"type": "P.X/as", "apiVersion": "2024-01-01", "name": "[parameters('name')]", "properties": {"group": "[resourceGroup().name]"}},
        ],
        "outputs": {"where": {"type": "string", "value": "[concat(resourceGroup().location, '/', deployment().name)]"}},
    })
}

#[test]
fn expand_prints_resources_and_outputs() {
    let desk = Desk::with(&[
        ("main.json", template()),
        ("plain.json", json!({"name": "a"})),
        (
            "wrapped.json",
            json!({"$schema": "s", "contentVersion": "1.0.0.0", "parameters": {"name": {"value": "a"}}}),
        ),
        (
            "context.json",
            json!({"subscriptionId": "s", "resourceGroup": "g", "tenantId": "t", "deploymentName": "d", "location": "westeurope"}),
        ),
    ]);
    for parameters in ["plain.json", "wrapped.json"] {
        let (code, printed) = desk.run(
            "expand",
            &["--parameters", parameters, "--context", "context.json"],
        );
        assert_eq!(code, 0, "{printed}");
        let a = "/subscriptions/s/resourceGroups/g/providers/P.X/as/a";
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let expected = json!({
            "resources": [
                {"type": "P.X/as", "apiVersion": "2024-01-01", "name": "a", "id": a, "properties": {"group": "g"}},
                {"type": "P.X/bs", "apiVersion": "2024-01-01", "name": "b", "id": a.replace("as/a", "bs/b"), "dependsOn": [a],
                 "properties": {"url": "[reference(parameters('name')).url]"}},
            ],
            "outputs": {"where": {"type": "String", "value": "westeurope/d"}},
        });
        assert_eq!(printed, expected);
        assert_eq!(
            desk.run("validate", &["--parameters", parameters]),
            (0, String::new())
        );
    }
}

#[test]
fn a_wrong_template_is_answered_with_the_error() {
    let mut wrong = template();
    wrong["resources"][1]["name"] = json!("[parameters('nmae')]");
    let desk = Desk::with(&[("main.json", wrong), ("p.json", json!({"name": "a"}))]);
    for verb in ["expand", "validate"] {
        let (code, printed) = desk.run(verb, &["--parameters", "p.json"]);
        let error = &serde_json::from_str::<Value>(&printed).unwrap()["error"];
        assert_eq!((code, &error["code"]), (1, &json!("InvalidTemplate")));
        let info = &error["additionalInfo"][0]["info"];
        assert_eq!(info["path"], "properties.template.resources[1].name");
        assert_eq!(info["expression"], "[parameters('nmae')]");
        assert!(
            info["lineNumber"].as_u64() > Some(20) && info["linePosition"].as_u64() == Some(15),
            "{info}"
        );
        let place = format!("at line '{}'", info["lineNumber"]);
        assert!(error["message"].as_str().unwrap().contains(&place), "{error}");
    }
    let (code, printed) = desk.run("expand", &[]);
    assert_eq!(code, 1);
    assert!(
        printed.contains("The value for the template parameter 'name' at line '"),
        "{printed}"
    );
    std::fs::write(desk.path("main.json"), "{").unwrap();
    assert!(desk.run("validate", &[]).1.contains("InvalidTemplate"));
    assert_eq!(
        desk.run("expand", &["--context", "nowhere.json"]),
        (1, String::new())
    );
}

#[test]
fn linked_templates_are_read_from_the_folder() {
    let linking = |link: Value| {
        json!({"resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": "n",
                              "properties": {"mode": "Incremental", "templateLink": link}}],
               "outputs": {"o": {"type": "string", "value": "[reference('n').outputs.o.value]"}}})
    };
    let part = json!({"resources": [], "outputs": {"o": {"type": "string", "value": "from the part"}}});
    let desk = Desk::with(&[
        ("main.json", linking(json!({"relativePath": "part.json"}))),
        ("part.json", part),
    ]);
    let (code, printed) = desk.run("expand", &[]);
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("from the part"));
    let elsewhere = linking(json!({"uri": "https://example.com/part.json"}));
    std::fs::write(desk.path("main.json"), elsewhere.to_string()).unwrap();
    let (code, printed) = desk.run("expand", &[]);
    assert_eq!(code, 1);
    assert!(printed.contains("InvalidContentLink"), "{printed}");
}

#[test]
fn lint_prints_remarks_and_fails_only_for_what_is_wrong() {
    let desk = Desk::with(&[("main.json", template())]);
    let (code, printed) = desk.run("lint", &[]);
    assert_eq!(code, 0);
    assert!(
        printed.contains("main.json:") && printed.contains(": warning no-unused-params: "),
        "{printed}"
    );
    let (code, printed) = desk.run("lint", &["--json"]);
    let remarks: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (code, &remarks[0]["rule"], &remarks[0]["path"]),
        (0, &json!("no-unused-params"), &json!("parameters.spare"))
    );
    assert!(remarks[0]["line"].is_u64() && remarks[0]["column"].is_u64());
    std::fs::write(desk.path("main.json"), "{}").unwrap();
    let (code, printed) = desk.run("lint", &["--json"]);
    assert_eq!(code, 1);
    assert!(printed.contains("\"level\": \"error\""), "{printed}");
}
