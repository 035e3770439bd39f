//! Templates of our own, one file for each part of the language, with what they come to.
//!
//! A case has `template`, `parameters`, the `answers` of run-time calls (by `reference ID`, or `ACTION ID`), and
//! either what is expected (`resources` in order of deployment with body and dependencies, `outputs`, …) or an
//! `error` with texts that must be in it.

#![allow(clippy::expect_used, reason = "tests")]

mod common;

use std::{cell::RefCell, fs, path::Path};

use common::{read, scope_of};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_template::{Plan, Runtime, Template, WithoutChance, resolve};
use serde_json::{Map, Value, json};

/// Answers run-time calls from the case, and notes them.
struct Scripted<'c> {
    answers: &'c Value,
    made: RefCell<Vec<String>>,
}

impl Scripted<'_> {
    fn answer(&self, action: &str, id: &ResourceId) -> Result<Value, ArmError> {
        let call = format!("{action} {}", short(id));
        self.made.borrow_mut().push(call.clone());
        let found = self.answers.get(&call).cloned();
        found.ok_or_else(|| ArmError::new(ErrorCode::ResourceNotFound, format!("no answer for `{call}`")))
    }
}

impl Runtime for Scripted<'_> {
    fn reference(&self, id: &ResourceId, _: Option<&str>, full: bool) -> Result<Value, ArmError> {
        self.answer(if full { "whole" } else { "reference" }, id)
    }

    fn list(
        &self,
        function: &str,
        id: &ResourceId,
        _: Option<&str>,
        _: Option<&Value>,
    ) -> Result<Value, ArmError> {
        self.answer(function, id)
    }
}

/// An id below the test's group without the group.
fn short(id: &ResourceId) -> String {
    let group = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/examplegroup/providers/";
    id.as_str().strip_prefix(group).unwrap_or(id.as_str()).to_owned()
}

fn run(case: &Value) -> Result<Value, ArmError> {
    let template = Template::parse(&case["template"])?;
    let given: Map<String, Value> = case["parameters"].as_object().cloned().unwrap_or_default();
    let plan = Plan::new(&template, scope_of(&case["template"]), &given, &WithoutChance)?;
    let runtime = Scripted {
        answers: &case["answers"],
        made: RefCell::default(),
    };
    let mut resources = Vec::new();
    for at in plan.order() {
        let resource = &plan.resources()[*at];
        let needed: Vec<_> = resource
            .depends_on
            .iter()
            .map(|at| short(&plan.resources()[*at].id))
            .collect();
        let mut shown = json!({"id": short(&resource.id)});
        if !needed.is_empty() {
            shown["after"] = needed.into();
        }
        if resource.existing {
            shown["existing"] = true.into();
        } else {
            shown["body"] = resolve(&runtime, |known| plan.body(*at, known))?;
        }
        resources.push(shown);
    }
    let outputs = resolve(&runtime, |known| plan.outputs(known))?;
    let excluded: Vec<String> = plan.excluded().iter().map(short).collect();
    Ok(
        json!({"resources": resources, "outputs": outputs, "parameters": plan.parameters(), "excluded": excluded,
              "calls": runtime.made.into_inner()}),
    )
}

/// Every member the case expects is there and equal.
fn check(name: &str, case: &Value) {
    let found = run(case);
    match (case.get("error"), &found) {
        (None, Ok(found)) => {
            for (member, expected) in case["expect"].as_object().expect("an expectation") {
                let found = &found[member];
                assert_eq!(found, expected, "{name}: {member}\n{found:#}");
            }
        }
        (Some(expected), Err(error)) => {
            let whole = error.body().to_string();
            for text in expected.as_array().expect("texts") {
                let text = text.as_str().expect("a text");
                assert!(whole.contains(text), "{name}: `{text}` is not in {whole}");
            }
        }
        _ => panic!("{name}: {found:?}"),
    }
}

#[test]
fn templates_come_to_what_their_case_says() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/plans"));
    let mut count = 0;
    for file in fs::read_dir(folder).expect("cases") {
        let path = file.expect("a file").path();
        for (name, case) in read(&path).as_object().expect("cases") {
            check(&format!("{}: {name}", path.display()), case);
            count += 1;
        }
    }
    assert!(count > 25, "{count} cases");
}
