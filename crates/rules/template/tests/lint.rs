//! What the linter says about small templates: each remark as `rule path`.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use std::path::Path;

use common::read;
use nave_template::{Level, Remark, Template, lint, parse};
use serde_json::Value;

#[test]
fn templates_get_the_remarks_their_case_says() {
    let cases = read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/lint.jsonc"
    )));
    for (name, case) in cases.as_object().expect("cases") {
        let template = Template::parse(&case["template"]).expect(name);
        let remarks = lint(&template);
        let found: Vec<_> = remarks
            .iter()
            .map(|remark| format!("{} {}", remark.rule, remark.path))
            .collect();
        let expected: Vec<_> = case["remarks"]
            .as_array()
            .expect("remarks")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(found, expected, "{name}\n{remarks:#?}");
    }
}

#[test]
fn a_remark_says_where_it_is() {
    let text = "{\n  \"$schema\": \"s\", \"contentVersion\": \"1.0.0.0\",\n  \"variables\": {\"v\": 1},\n  \"resources\": []\n}";
    let template = Template::parse(&parse(text).expect("JSON")).expect("a template");
    let remarks: Vec<_> = lint(&template)
        .into_iter()
        .map(|remark| remark.at_line(text))
        .collect();
    assert_eq!(
        remarks.first().map(ToString::to_string).as_deref(),
        Some(":3:22: warning no-unused-vars: The variable 'v' is declared but never used. (variables.v)")
    );
    assert_eq!(
        remarks.first().map(|remark| remark.body()["line"].clone()),
        Some(3.into())
    );
    let error = Template::parse(&parse("{\"resources\": [{}]}").expect("JSON")).expect_err("no type");
    let remark = Remark::of_error(&error);
    assert_eq!(
        (remark.level, remark.rule.as_str(), remark.path.as_str()),
        (Level::Error, "InvalidTemplate", "resources[0]")
    );
}

/// Every template of the collection gets its remarks, and most get few.
#[test]
fn real_templates_are_read_to_the_end() {
    let Some(folder) = common::shared() else { return };
    let folder = folder.join("real-inputs/templates");
    let index = read(&folder.join("index.json"));
    for entry in index["templates"].as_array().expect("templates") {
        let file = entry["file"].as_str().expect("a file");
        let text = std::fs::read_to_string(folder.join(file)).expect(file);
        if let Ok(template) = Template::parse(&parse(&text).expect(file)) {
            for remark in lint(&template) {
                assert!(remark.clone().at_line(&text).place.is_some(), "{file}: {remark}");
            }
        }
    }
}
