//! What holds for any text, however wrong. The fuzz targets in `fuzz/` run these functions on what a fuzzer thinks of;
//! the test beside this file runs them on a small corpus.

use nave_arm::ResourceId;
use nave_rbac::{
    AccessRequest, Attributes, Condition, ConditionError, Pattern, Plane, RoleDefinition, Source, Truth,
    action_matches, check, eval,
};
use serde_json::Value;
use uuid::Uuid;

/// A pattern and, after a line break, an operation.
pub(crate) fn pattern(text: &str) {
    let (pattern, operation) = text.split_once('\n').unwrap_or((text, text));
    let matches = action_matches(pattern, operation);
    assert_eq!(
        Pattern::new(pattern).matches(operation),
        matches,
        "kept as it is asked"
    );
    let swapped: String = operation.chars().map(other_case).collect();
    assert_eq!(action_matches(pattern, &swapped), matches, "case does not matter");
    if !pattern.contains('*') {
        assert_eq!(matches, pattern.eq_ignore_ascii_case(operation), "only itself");
    }
    let wider = format!("{pattern}*");
    if matches && pattern.matches('*').count() != 1 {
        assert!(
            action_matches(&wider, operation),
            "`{wider}` covers what `{pattern}` covers"
        );
    }
    assert!(action_matches("*", operation));
}

/// The text of a condition.
pub(crate) fn condition(text: &str) {
    let attributes = Attributes::new()
        .with(Source::Resource, "a", "x")
        .with(Source::Request, "a", 5)
        .with_list(
            Source::Principal,
            "a",
            ["x", "acdd72a7-3385-48ef-bd42-f606fba81ae7"],
        )
        .with(Source::Environment, "UtcNow", "2024-05-01T13:00:00.5Z");
    let scope = ResourceId::tenant();
    let request = AccessRequest::new(Uuid::nil(), "A/b/write", Plane::Control, &scope, &attributes);
    let stored = Condition::stored(text);
    let truth = stored.evaluate(&request);
    let trace = stored.trace(&request);
    assert_eq!(trace.truth, truth, "a trace comes to what the condition comes to");
    assert_eq!(
        trace.in_the_way().next().is_some(),
        truth != Truth::True && trace.error.is_none(),
        "something is in the way of what is not true"
    );
    for leaf in &trace.leaves {
        assert_eq!(
            text.get(leaf.span.clone()),
            Some(leaf.text.as_str()),
            "a leaf is where it says"
        );
    }
    match Condition::parse(text) {
        Err(error) => {
            assert_eq!(truth, Truth::Unknown, "what cannot be read is never true");
            error_is_in(&error, text);
        }
        Ok(condition) => {
            if let Some(error) = condition.never_evaluable() {
                error_is_in(&error, text);
            }
            let _ = condition.targets().len();
            if let Ok(negated) = Condition::parse(&format!("!({text})")) {
                assert_eq!(negated.evaluate(&request), !truth, "NOT turns it around");
            }
        }
    }
}

/// The JSON of a role, an assignment, or a case for `eval`.
pub(crate) fn role(text: &str) {
    assert!(!check::check_role(text).code.is_empty());
    assert!(!check::check_assignment(text).code.is_empty());
    assert!(eval::eval_line(text).line.contains("\"decision\""));
    let Ok(properties) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let Ok(role) = RoleDefinition::from_properties(Uuid::nil(), &properties) else {
        return;
    };
    let again = RoleDefinition::from_properties(Uuid::nil(), &role.properties());
    assert_eq!(again, Ok(role), "a role that is shown is the role that was read");
}

fn error_is_in(error: &ConditionError, text: &str) {
    assert!(text.get(error.span.clone()).is_some(), "{error} is in the text");
    assert!(error.line >= 1 && error.column >= 1);
    assert!(error.excerpt(text).ends_with('^'));
}

fn other_case(c: char) -> char {
    if c.is_ascii_lowercase() {
        c.to_ascii_uppercase()
    } else {
        c.to_ascii_lowercase()
    }
}
