//! Which of the collected templates expand. They are other people's and not part of this project: the list of
//! outcomes is, and a change of it is seen.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use std::fmt::Write;

use common::{expands, made_up, read, shared};
use serde_json::{Map, Value};

/// Every template of the collection with `expands` or why not.
const PINNED: &str = include_str!("data/real-templates.txt");

#[test]
fn as_many_templates_expand_as_before() {
    let Some(folder) = shared() else { return };
    let folder = folder.join("real-inputs/templates");
    let index = read(&folder.join("index.json"));
    let mut listed = String::new();
    for entry in index["templates"].as_array().expect("templates") {
        let file = entry["file"].as_str().expect("a file");
        let template = read(&folder.join(file));
        let mut given = Map::new();
        if let Some(parameters) = entry["parameters"].as_str() {
            let parameters = read(&folder.join(parameters));
            let inner = parameters.get("parameters").unwrap_or(&parameters);
            given = inner.as_object().cloned().unwrap_or_default();
            given.values_mut().for_each(drop_placeholder);
            given.retain(|_, value| !value.is_null());
        }
        made_up(&template, &mut given);
        let outcome = match expands(&template, &given) {
            Ok(plan) => format!("expands to {} resources", plan.resources().len()),
            Err(why) => why.chars().take(200).collect(),
        };
        writeln!(listed, "{file}: {}", outcome.replace('\n', " ")).expect("text");
    }
    if std::env::var_os("NAVE_BLESS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/real-templates.txt"),
            &listed,
        )
        .expect("a file");
        return;
    }
    for (now, before) in listed.lines().zip(PINNED.lines()) {
        assert_eq!(now, before);
    }
    assert_eq!(listed.lines().count(), PINNED.lines().count());
}

/// A secret that would be read from a vault, and a word that the publisher's own tests replace, are made up instead.
fn drop_placeholder(parameter: &mut Value) {
    let generated = parameter["value"]
        .as_str()
        .is_some_and(|text| text.starts_with("GEN-"));
    if generated || parameter.get("reference").is_some() {
        *parameter = Value::Null;
    }
}
