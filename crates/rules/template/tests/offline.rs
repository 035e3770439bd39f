//! Whole templates expanded without a server, each with what it comes to: of every resource the members that the case
//! names, and all outputs.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use std::path::Path;

use common::{read, scope_of};
use nave_arm::ArmError;
use nave_template::{Expansion, Link, Links, Offline, Template, WithoutChance};
use serde_json::{Map, Value, json};

/// The linked templates of a case, by address.
struct Shelf<'c>(&'c Value);

impl Links for Shelf<'_> {
    fn fetch(&self, link: &Link, from: Option<&str>) -> Result<(String, String), ArmError> {
        let address = link.address(from)?;
        match self.0.get(&address) {
            Some(document) => Ok((document.to_string(), address)),
            None => Err(link.refused("there is nothing")),
        }
    }
}

fn expand(case: &Value) -> Result<Expansion, ArmError> {
    let given: Map<String, Value> = case["parameters"].as_object().cloned().unwrap_or_default();
    let shelf = Shelf(&case["links"]);
    let offline = Offline {
        links: &shelf,
        chance: &WithoutChance,
    };
    offline.expand(
        &Template::parse(&case["template"])?,
        scope_of(&case["template"]),
        &given,
    )
}

#[test]
fn templates_expand_to_what_their_case_says() {
    let cases = read(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/offline.jsonc"
    )));
    for (name, case) in cases.as_object().expect("cases") {
        match (case.get("error"), expand(case)) {
            (None, Ok(expansion)) => check(name, case, &expansion),
            (Some(texts), Err(error)) => {
                let whole = error.body().to_string();
                for text in texts.as_array().expect("texts") {
                    assert!(whole.contains(text.as_str().expect("a text")), "{name}: {whole}");
                }
            }
            (_, found) => panic!("{name}: {found:?}"),
        }
    }
}

fn check(name: &str, case: &Value, expansion: &Expansion) {
    assert_eq!(expansion.outputs, case["outputs"], "{name}");
    let Some(expected) = case["resources"].as_array() else {
        return;
    };
    assert_eq!(expansion.resources.len(), expected.len(), "{name}");
    for (found, expected) in expansion.resources.iter().zip(expected) {
        for (member, value) in expected.as_object().expect("members") {
            assert_eq!(&found[member], value, "{name}: {member}");
        }
    }
}

/// A hundred deployments inside of each other, and a nested one in every turn of a loop.
#[test]
fn nesting_is_bounded() {
    let mut template = json!({"resources": []});
    for _ in 0..40 {
        template = json!({"resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "n",
            "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": template},
        }]});
    }
    let error = expand(&json!({ "template": template })).expect_err("too deep");
    assert!(error.message.contains("stand inside each other"), "{error}");
    let mut template = json!({"resources": []});
    for _ in 0..4 {
        template = json!({"resources": [{
            "type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "[concat('n', copyIndex())]",
            "copy": {"name": "l", "count": 800},
            "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": template},
        }]});
    }
    let error = expand(&json!({ "template": template })).expect_err("too many");
    assert!(error.message.contains("than a deployment may make"), "{error}");
}
