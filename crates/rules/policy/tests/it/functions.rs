//! Functions in rules (policy-language 4).

use nave_policy::{Definition, Request, Subject};
use serde_json::{Value, json};

use crate::common::{NOW, denying, holds, policy, resource};

fn vault() -> Value {
    resource(
        "Microsoft.KeyVault/vaults",
        json!({"tags": {"owner": "Ann", "ends": "2026-12-01"}, "properties": {"list": ["a", "b"], "objs": [{"p": 1}, {}], "n": 3}}),
    )
}

#[track_caller]
fn check(expression: &str, expected: Value) {
    let condition = json!({"value": expression, "equals": expected});
    assert_eq!(holds(&condition, &vault()), Ok(true), "{condition}");
}

#[test]
fn functions_of_templates_and_of_rules() {
    for (expression, expected) in [
        (
            "[concat(field('name'), '-', field('tags.owner'))]",
            json!("r1-Ann"),
        ),
        ("[toLower(field('location'))]", json!("eastus")),
        ("[field('Microsoft.KeyVault/vaults/n')]", json!(3)),
        (
            "[if(equals(field('Microsoft.KeyVault/vaults/n'), 3), 'typed', 'text')]",
            json!("typed"),
        ),
        ("[length(field('Microsoft.KeyVault/vaults/list[*]'))]", json!(2)),
        (
            "[length(field('Microsoft.KeyVault/vaults/missing[*]'))]",
            json!(0),
        ),
        ("[field('Microsoft.KeyVault/vaults/missing')]", json!("")),
        ("[length(field('Microsoft.KeyVault/vaults/objs[*].p'))]", json!(2)),
        ("[empty(field('tags[none]'))]", json!(true)),
        ("[resourceGroup().name]", json!("g1")),
        ("[resourceGroup().tags.team]", json!("blue")),
        ("[resourceGroup().tags['missing']]", json!("")),
        ("[subscription().subscriptionId]", json!("s1")),
        (
            "[addDays('2026-01-31T00:00:00Z', 1)]",
            json!("2026-02-01T00:00:00.0000000Z"),
        ),
        ("[addDays(utcNow(), -1)]", json!("2026-11-23T16:12:42.0000000Z")),
        ("[utcNow('yyyy')]", json!("2026")),
        ("[ipRangeContains('10.0.0.0/8', '10.1.0.0/16')]", json!(true)),
        ("[policy().assignmentId]", json!(crate::common::ASSIGNMENT)),
        ("[policy().definitionId]", json!(crate::common::DEFINITION)),
        ("[uniqueString('a')]", json!("aqxfd7p4mw6tq")),
        (
            "[padLeft(field('Microsoft.KeyVault/vaults/n'), 3, '0')]",
            json!("003"),
        ),
        ("[tryGet(field('tags'), 'none')]", json!("")),
        ("[[field('name')]", json!("[[field('name')]")),
    ] {
        if expression.contains("uniqueString") {
            let condition = json!({"value": expression, "match": "............."});
            assert_eq!(holds(&condition, &vault()), Ok(true), "{condition}");
            continue;
        }
        check(expression, expected);
    }
}

#[test]
fn dates_are_compared_as_dates() {
    let condition = json!({"field": "tags.ends", "lessOrEquals": "[addDays(utcNow(), 7)]"});
    assert_eq!(holds(&condition, &vault()), Ok(true));
    let condition = json!({"field": "tags.ends", "less": "[addDays(utcNow(), 6)]"});
    assert_eq!(holds(&condition, &vault()), Ok(false));
}

#[test]
fn a_function_that_fails_is_a_fault_unless_it_is_guarded() {
    for expression in [
        "[substring(field('name'), 0, 9)]",
        "[field('tags').none]",
        "[split(tryGet(field('tags'), 'x'), ',')]",
        "[current()]",
    ] {
        let found = holds(&json!({"value": expression, "equals": "x"}), &vault());
        assert!(found.is_err(), "{expression}: {found:?}");
    }
    check(
        "[if(less(length(field('name')), 9), 'short', substring(field('name'), 0, 9))]",
        json!("short"),
    );
    let guarded = json!({"allOf": [{"field": "name", "equals": "other"}, {"value": "[substring(field('name'), 0, 9)]", "equals": "x"}]});
    assert_eq!(holds(&guarded, &vault()), Ok(false));
}

#[test]
fn a_fault_refuses_the_request_and_says_where() {
    let policy = policy(&denying(
        json!({"anyOf": [{"value": "[int(field('name'))]", "equals": 1}]}),
    ));
    let vault = vault();
    let judgement = policy.judge(&Subject::of(&vault, NOW));
    assert!(judgement.refuses_write() && !judgement.holds);
    assert_eq!(judgement.fault.expect("a fault").at, "if.anyOf[0]");
}

#[test]
fn outside_a_group_its_members_make_conditions_fail() {
    let subscription =
        json!({"id": "/subscriptions/s1", "name": "s1", "type": "Microsoft.Resources/subscriptions"});
    for operator in ["equals", "notEquals"] {
        let policy = policy(&denying(
            json!({"value": "[resourceGroup().name]", operator: "g1"}),
        ));
        let judgement = policy.judge(&Subject::of(&subscription, NOW));
        assert!(!judgement.holds && judgement.fault.is_none(), "{operator}");
    }
}

#[test]
fn the_request_is_seen() {
    let vault = vault();
    let claims = json!({"idtyp": "user", "acrs": "p1,c1"});
    let judge = |condition: Value, request: Option<Request<'_>>| {
        let policy = policy(&denying(condition));
        policy
            .judge(&Subject {
                request,
                ..Subject::of(&vault, NOW)
            })
            .holds
    };
    let request = || {
        Some(Request {
            api_version: "2019-04-01",
            identity: &claims,
        })
    };
    assert!(judge(
        json!({"value": "[requestContext().apiVersion]", "less": "2019-06-01"}),
        request()
    ));
    assert!(!judge(
        json!({"value": "[requestContext().apiVersion]", "less": "2019-06-01"}),
        None
    ));
    assert!(judge(
        json!({"value": "[requestContext().identity.idtyp]", "equals": "user"}),
        request()
    ));
    assert!(judge(
        json!({"value": "p1", "in": "[split(requestContext().identity.acrs, ',')]"}),
        request()
    ));
    assert!(!judge(
        json!({"value": "[contains(requestContext().identity, 'idtyp')]", "equals": true}),
        None
    ));
}

#[test]
fn functions_that_rules_may_not_use() {
    for expression in [
        "[reference('x')]",
        "[resourceId('a/b', 'c')]",
        "[listKeys('x', '1')]",
        "[newGuid()]",
        "[variables('x')]",
        "[dateTimeAdd(utcNow(), 'P1D')]",
        "[map(createArray(1), lambda('x', 1))]",
        "[copyIndex()]",
        "[nothing()]",
        "[ns.fn()]",
        "[concat('a']",
        "[field('no.field')]",
        "[parameters('undeclared')]",
    ] {
        let definition = denying(json!({"value": expression, "equals": "x"}));
        assert!(Definition::parse(&definition).is_err(), "{expression}");
    }
}
