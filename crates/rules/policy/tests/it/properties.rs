//! What holds for every rule and every resource, made up at random.

use nave_policy::{Definition, Judgement, Policy, Subject, shape};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::{NOW, denying, policy};

const T: &str = "A.B/t";

/// A small value.
fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec!["a", "B", "ab", "", "1", "true", "East US"]).prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ]
}

/// A resource of the type with few members, each of which may be of any form.
fn resource() -> impl Strategy<Value = Value> {
    let element = prop_oneof![
        plain(),
        (plain(), prop::collection::vec(plain(), 0..3)).prop_map(|(p, q)| json!({"p": p, "q": q}))
    ];
    let member = prop_oneof![
        plain(),
        prop::collection::vec(element, 0..4).prop_map(Value::from)
    ];
    let members = prop::collection::btree_map(prop::sample::select(vec!["x", "y", "list"]), member, 0..4);
    let tags = prop::collection::btree_map(prop::sample::select(vec!["env", "team"]), "[ab]{0,2}", 0..3);
    (members, tags, prop::sample::select(vec!["r1", "other"])).prop_map(|(members, tags, name)| {
        json!({"id": format!("/subscriptions/s1/resourceGroups/g1/providers/{T}/{name}"), "name": name, "type": T,
               "location": "eastus", "tags": tags, "properties": members})
    })
}

fn field() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "name",
        "type",
        "location",
        "tags.env",
        "tags['team']",
        "A.B/t/x",
        "A.B/t/y",
        "A.B/t/list",
        "A.B/t/list[*]",
        "A.B/t/list[*].p",
        "A.B/t/list[*].q[*]",
        "A.B/t/list.p",
    ])
}

fn comparison() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        (
            prop::sample::select(vec!["equals", "notEquals", "contains", "notContains"]),
            plain()
        ),
        (
            prop::sample::select(vec!["in", "notIn"]),
            prop::collection::vec(plain(), 0..3).prop_map(Value::from)
        ),
        (
            prop::sample::select(vec!["like", "notLike"]),
            "[ab]{0,1}\\*?[ab]{0,1}".prop_map(Value::from)
        ),
        (Just("exists"), any::<bool>().prop_map(Value::from)),
        (
            prop::sample::select(vec!["match", "notMatch"]),
            "[a#?.]{0,2}".prop_map(Value::from)
        ),
    ]
}

fn number() -> impl Strategy<Value = (&'static str, Value)> {
    (
        prop::sample::select(vec![
            "equals",
            "less",
            "lessOrEquals",
            "greater",
            "greaterOrEquals",
        ]),
        (0..3_i64).prop_map(Value::from),
    )
}

/// A condition that cannot fail.
fn condition() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (field(), comparison()).prop_map(|(field, (operator, operand))| json!({"field": field, operator: operand})),
        (field(), comparison()).prop_map(|(field, (operator, operand))| json!({"value": format!("[field('{}')]", field.replace('\'', "''")), operator: operand})),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let counted = prop::sample::select(vec!["A.B/t/list[*]", "A.B/t/list[*].q[*]", "A.B/t/none[*]"]);
        prop_oneof![
            inner.clone().prop_map(|inside| json!({"not": inside})),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|inside| json!({"allOf": inside})),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|inside| json!({"anyOf": inside})),
            (counted, inner.clone(), number()).prop_map(|(field, filter, (operator, operand))| {
                json!({"count": {"field": field, "where": filter}, operator: operand})
            }),
            (prop::collection::vec(plain(), 0..3), inner, number()).prop_map(
                |(values, filter, (operator, operand))| {
                    json!({"count": {"value": values, "where": filter}, operator: operand})
                }
            ),
        ]
    })
}

fn judged(condition: Value, resource: &Value) -> Judgement {
    policy(&denying(condition)).judge(&Subject::of(resource, NOW))
}

fn holds(condition: &Value, resource: &Value) -> bool {
    let judgement = judged(
        json!({"allOf": [{"field": "type", "exists": true}, condition]}),
        resource,
    );
    assert_eq!(judgement.fault, None, "{condition}");
    judgement.holds
}

/// Other case for every name of a member, and the members the other way round.
fn reordered(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .rev()
            .map(|(name, value)| (name.to_uppercase(), reordered(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(elements) => elements.iter().map(reordered).collect(),
        plain => plain.clone(),
    }
}

/// A policy that changes the members it complains about.
fn changing() -> impl Strategy<Value = Policy> {
    let written = prop::sample::select(vec![
        "tags.env",
        "tags['new']",
        "A.B/t/x",
        "A.B/t/deep.er",
        "A.B/t/list[*]",
        "A.B/t/list[*].p",
    ]);
    let operation = (
        prop::sample::select(vec!["add", "addOrReplace"]),
        written,
        plain(),
    );
    let operations = prop::collection::vec(operation, 1..3);
    (condition(), operations).prop_map(|(condition, operations)| {
        let operations: Vec<_> = operations
            .into_iter()
            .map(|(operation, field, value)| json!({"operation": operation, "field": field, "value": value}))
            .collect();
        let details = json!({"roleDefinitionIds": ["/r"], "operations": operations});
        policy(&json!({"policyRule": {"if": condition, "then": {"effect": "modify", "details": details}}}))
    })
}

proptest! {
    #[test]
    fn not_is_the_negation(condition in condition(), resource in resource()) {
        prop_assert_eq!(holds(&json!({"not": condition}), &resource), !holds(&condition, &resource));
    }

    #[test]
    fn order_and_case_of_names_do_not_count(condition in condition(), resource in resource()) {
        let mut other = reordered(&resource);
        other["ID"] = resource["id"].clone();
        let of_other = policy(&denying(condition.clone()));
        let subject = Subject { id: resource["id"].as_str().unwrap_or_default(), ..Subject::of(&other, NOW) };
        let first = judged(condition.clone(), &resource);
        prop_assert_eq!(of_other.judge(&subject).holds, first.holds, "{}", condition);
    }

    #[test]
    fn a_rule_in_other_case_is_the_same_rule(condition in condition(), resource in resource()) {
        fn shouted(value: &Value) -> Value {
            match value {
                Value::Object(members) => members.iter().map(|(name, value)| (name.to_uppercase(), shouted(value))).collect::<Map<_, _>>().into(),
                Value::Array(elements) => elements.iter().map(shouted).collect(),
                plain => plain.clone(),
            }
        }
        prop_assert_eq!(judged(shouted(&condition), &resource).holds, judged(condition, &resource).holds);
    }

    #[test]
    fn what_holds_applies(condition in condition(), resource in resource()) {
        let judgement = judged(condition, &resource);
        prop_assert!(judgement.applicable || !judgement.holds);
        prop_assert!(judgement.holds != judgement.evaluated.is_empty() || judgement.holds);
    }

    #[test]
    fn de_morgan(left in condition(), right in condition(), resource in resource()) {
        let both = json!({"not": {"allOf": [left, right]}});
        let either = json!({"anyOf": [{"not": left}, {"not": right}]});
        prop_assert_eq!(holds(&both, &resource), holds(&either, &resource));
    }

    /// What policies have changed, they do not change again where their condition still holds.
    #[test]
    fn changes_are_stable(policy in changing(), resource in resource()) {
        let mut once = resource.clone();
        if shape(&mut once, &[&policy], &Subject::of(&resource, NOW)).is_ok() {
            let mut twice = once.clone();
            let again = shape(&mut twice, &[&policy], &Subject::of(&once, NOW));
            prop_assert_eq!(again.map(|changed| changed.len()).ok(), Some(0));
            prop_assert_eq!(&twice, &once);
        }
    }

    #[test]
    fn reading_anything_never_panics(text in "\\PC{0,12}|\\[[a-z(),'.]{0,16}\\]", key in "[a-zA-Z]{0,8}", value in plain()) {
        for rule in [
            json!({"if": {"field": text, key.clone(): value}, "then": {"effect": "deny"}}),
            json!({"if": {"value": text, "equals": text}, "then": {"effect": text}}),
            json!({key.clone(): text, "then": {key: value}}),
            json!({"if": {"count": {"field": text, "where": value}, "equals": 1}, "then": {"effect": "append", "details": [value]}}),
        ] {
            let _ = Definition::parse(&json!({"policyRule": rule}));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Counts inside counts over large arrays end, with an answer or with a fault.
    #[test]
    fn judging_ends(condition in condition(), depth in 1..5_usize, size in 0..400_usize) {
        let list: Vec<_> = (0..size).map(|at| json!({"p": at, "q": [at, at]})).collect();
        let resource = json!({"id": "/x", "name": "r1", "type": T, "location": "eastus", "properties": {"list": list}});
        let mut nested = condition;
        for _ in 0..depth {
            nested = json!({"count": {"value": "[range(0, 500)]", "where": {"anyOf": [
                {"count": {"field": "A.B/t/list[*]", "where": nested}, "greater": 100_000}, {"field": "name", "equals": "r2"}]}}, "greater": 1});
        }
        let subject = Subject::of(&resource, NOW);
        let judgement = policy(&denying(nested)).explain(&subject);
        prop_assert!(judgement.fault.is_none_or(|fault| fault.used_up));
    }
}
