//! What holds for any text, however wrong. The fuzz targets in `fuzz/` run these functions on what a fuzzer thinks of;
//! the test beside this file runs them on a small corpus.

use nave_arm::ArmError;
use nave_template::{
    Expansion, Offline, Scope, Template, WithoutChance, WithoutLinks, at_lines, lint, parse,
};
use serde_json::{Map, Value, json};

/// An expression, with or without its brackets, and what its value is as an argument of others.
pub(crate) fn expression(text: &str) {
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = text.strip_suffix(']').unwrap_or(text);
    let template = json!({
        "variables": {"v": {"a": [1, "two", {"B": null}]}, "t": "text"},
        "resources": [{"type": "P.X/as", "apiVersion": "1", "name": "a", "properties": {"p": format!("[{text}]")}}],
        "outputs": {"o": {"type": "array", "value": [format!("[{text}]"), format!("[string({text})]"), format!("[format('{{0,3:N1}}', {text})]")]}},
    });
    check(&expand(&template), "");
}

/// A whole template, or whatever else the text is.
pub(crate) fn template(text: &str) {
    let Ok(document) = parse(text) else { return };
    if let Ok(template) = Template::parse(&document) {
        for remark in lint(&template) {
            assert!(!remark.at_line(text).to_string().is_empty());
        }
    }
    check(&expand(&document), text);
}

fn expand(document: &Value) -> Result<Expansion, ArmError> {
    let offline = Offline {
        links: &WithoutLinks,
        chance: &WithoutChance,
    };
    let scope = Scope {
        subscription: json!({"id": "/subscriptions/s", "subscriptionId": "s"}),
        resource_group: Some(
            json!({"id": "/subscriptions/s/resourceGroups/g", "name": "g", "location": "here"}),
        ),
        utc_now: String::from("20261124T161242Z"),
        ..Scope::default()
    };
    offline.expand(&Template::parse(document)?, scope, &Map::new())
}

/// What comes out is of the promised shape, and an error says what is wrong.
fn check(result: &Result<Expansion, ArmError>, text: &str) {
    match result {
        Ok(expansion) => {
            assert!(
                expansion
                    .resources
                    .iter()
                    .all(|resource| resource["id"].is_string())
            );
            assert!(expansion.outputs.is_object());
        }
        Err(error) => {
            assert_eq!(error.status(), 400);
            assert!(
                !at_lines(error.clone(), text, "properties.template")
                    .message
                    .is_empty()
            );
        }
    }
}
