//! What is refused when definitions are written, and how requests are refused (policy-language 8, 10).

use nave_arm::ErrorCode;
use nave_policy::{Definition, Initiative, Subject, denial};
use serde_json::{Value, json};

use crate::common::{NOW, assigned, denying, policy, resource};

#[track_caller]
fn check(definition: &Value, code: ErrorCode, path: &str) {
    let refused = Definition::parse(definition).expect_err("a refusal");
    assert_eq!(
        (refused.code, refused.path.as_str()),
        (code, path),
        "{}",
        refused.message
    );
}

#[test]
fn rules_are_checked() {
    let fine = json!({"field": "name", "equals": "x"});
    for (condition, code, path) in [
        (json!([]), ErrorCode::InvalidPolicyRule, "if"),
        (json!({}), ErrorCode::InvalidPolicyRule, "if"),
        (json!({"field": "name"}), ErrorCode::InvalidPolicyRule, "if"),
        (json!({"equals": "x"}), ErrorCode::InvalidPolicyRule, "if"),
        (
            json!({"field": "name", "equals": "x", "like": "y"}),
            ErrorCode::InvalidPolicyRule,
            "if",
        ),
        (
            json!({"field": "name", "value": "x", "equals": "x"}),
            ErrorCode::InvalidPolicyRule,
            "if",
        ),
        (
            json!({"field": "name", "is": "x"}),
            ErrorCode::InvalidPolicyRule,
            "if.is",
        ),
        (json!({"allOf": fine}), ErrorCode::InvalidPolicyRule, "if.allOf"),
        (
            json!({"allOf": [fine], "field": "name"}),
            ErrorCode::InvalidPolicyRule,
            "if",
        ),
        (
            json!({"allOf": [fine, {"not": {"field": "name", "equals": []}}]}),
            ErrorCode::InvalidPolicyRule,
            "if.allOf[1].not.equals",
        ),
        (
            json!({"field": "name", "in": "x"}),
            ErrorCode::InvalidPolicyRule,
            "if.in",
        ),
        (
            json!({"field": "name", "like": "a*b*c"}),
            ErrorCode::InvalidPolicyRule,
            "if.like",
        ),
        (
            json!({"field": "properties.x", "equals": "x"}),
            ErrorCode::InvalidPolicyAlias,
            "if.field",
        ),
        (
            json!({"anyOf": [{"field": "nothing", "equals": "x"}]}),
            ErrorCode::InvalidPolicyAlias,
            "if.anyOf[0].field",
        ),
        (
            json!({"value": "[field('x')]", "equals": 1}),
            ErrorCode::InvalidPolicyAlias,
            "if.value",
        ),
        (
            json!({"value": "[f(]", "equals": 1}),
            ErrorCode::InvalidPolicyRule,
            "if.value",
        ),
        (
            json!({"value": "[parameters('p')]", "equals": 1}),
            ErrorCode::InvalidPolicyParameters,
            "if.value",
        ),
        (
            json!({"count": {"field": "A.B/t/list"}, "equals": 1}),
            ErrorCode::InvalidPolicyRule,
            "if.count.field",
        ),
        (
            json!({"count": {"field": "A.B/t/list[*]", "name": "x"}, "equals": 1}),
            ErrorCode::InvalidPolicyRule,
            "if.count",
        ),
        (
            json!({"count": {"where": fine}, "equals": 1}),
            ErrorCode::InvalidPolicyRule,
            "if.count",
        ),
        (
            json!({"count": {"value": [1], "where": {"field": "no", "equals": 1}}, "equals": 1}),
            ErrorCode::InvalidPolicyAlias,
            "if.count.where.field",
        ),
    ] {
        check(&denying(condition), code, &format!("policyRule.{path}"));
    }
}

#[test]
fn the_rest_of_a_definition_is_checked() {
    let condition = json!({"field": "name", "equals": "x"});
    let rule = |then: Value| json!({"policyRule": {"if": condition, "then": then}});
    let details = ErrorCode::InvalidPolicyRuleEffectDetails;
    for (definition, code, path) in [
        (json!({}), ErrorCode::InvalidPolicyRule, "policyRule"),
        (
            json!({"policyRule": {"then": {"effect": "deny"}}}),
            ErrorCode::InvalidPolicyRule,
            "policyRule.if",
        ),
        (
            json!({"policyRule": {"if": condition}}),
            ErrorCode::InvalidPolicyRule,
            "policyRule.then",
        ),
        (
            rule(json!({})),
            ErrorCode::InvalidPolicyRule,
            "policyRule.then.effect",
        ),
        (
            rule(json!({"effect": "explode"})),
            ErrorCode::InvalidPolicyRule,
            "policyRule.then.effect",
        ),
        (
            rule(json!({"effect": "deny", "else": 1})),
            ErrorCode::InvalidPolicyRule,
            "policyRule.then.else",
        ),
        (
            rule(json!({"effect": "append"})),
            details,
            "policyRule.then.details",
        ),
        (
            rule(json!({"effect": "append", "details": [{"field": "tags.a"}]})),
            details,
            "policyRule.then.details[0]",
        ),
        (
            rule(json!({"effect": "append", "details": [{"field": "name", "value": "x"}]})),
            details,
            "policyRule.then.details[0].field",
        ),
        (
            rule(json!({"effect": "modify", "details": {"operations": []}})),
            details,
            "policyRule.then.details.operations",
        ),
        (
            rule(
                json!({"effect": "modify", "details": {"operations": [{"operation": "add", "field": "tags.a", "value": "x"}]}}),
            ),
            details,
            "policyRule.then.details",
        ),
        (
            rule(
                json!({"effect": "modify", "details": {"roleDefinitionIds": ["r"], "operations": [{"operation": "remove", "field": "A.B/t/x"}]}}),
            ),
            details,
            "policyRule.then.details.operations[0].field",
        ),
        (
            rule(json!({"effect": "auditIfNotExists"})),
            details,
            "policyRule.then.details",
        ),
        (
            rule(
                json!({"effect": "deployIfNotExists", "details": {"type": "A.B/t", "roleDefinitionIds": ["r"]}}),
            ),
            details,
            "policyRule.then.details",
        ),
        (
            rule(json!({"effect": "denyAction", "details": {"actionNames": ["read"]}})),
            details,
            "policyRule.then.details.actionNames",
        ),
    ] {
        check(&definition, code, path);
    }
    let mut mode = rule(json!({"effect": "deny"}));
    mode["mode"] = json!("Some");
    check(&mode, ErrorCode::InvalidPolicyRule, "mode");
}

#[test]
fn sets_are_checked() {
    let member = json!({"policyDefinitionId": "/providers/x/y", "policyDefinitionReferenceId": "a"});
    for set in [
        json!({}),
        json!({"policyDefinitions": []}),
        json!({"policyDefinitions": [{}]}),
        json!({"policyDefinitions": [member, member]}),
        json!({"policyDefinitions": [{"policyDefinitionId": "/providers/x/y", "groupNames": ["none"]}]}),
        json!({"policyDefinitions": [{"policyDefinitionId": "/providers/x/y", "parameters": {"p": {"value": "[parameters('undeclared')]"}}}]}),
    ] {
        assert!(Initiative::parse(&set).is_err(), "{set}");
    }
}

#[test]
fn rules_have_limits() {
    let leaf = || json!({"field": "name", "equals": "x"});
    let conditions = |count: usize| Definition::parse(&denying(json!({"allOf": vec![leaf(); count]})));
    assert!(conditions(4096).is_ok());
    assert!(conditions(4097).expect_err("too many").message.contains("4096"));
    let functions = |count: usize| {
        Definition::parse(&denying(
            json!({"value": vec!["[utcNow()]"; count], "exists": true}),
        ))
    };
    assert!(functions(2048).is_ok());
    assert!(functions(2049).expect_err("too many").message.contains("2048"));
    let mut deep = leaf();
    for _ in 0..100 {
        deep = json!({"not": deep});
    }
    assert!(
        Definition::parse(&denying(deep))
            .expect_err("too deep")
            .message
            .contains("inside each other")
    );
}

#[test]
fn a_rule_that_explodes_is_stopped() {
    let many: Vec<_> = (0..2000).map(|at| json!({"n": at})).collect();
    let big = resource("A.B/t", json!({"properties": {"list": many}}));
    let inner = json!({"count": {"field": "A.B/t/list[*]", "where": {"field": "A.B/t/list[*].n", "greater": 1}}, "greater": 0});
    let over_values =
        json!({"count": {"value": "[range(0, 10000)]", "name": "a", "where": inner}, "greater": 0});
    let three_times =
        json!({"count": {"value": "[range(0, 10000)]", "name": "b", "where": over_values}, "greater": 0});
    let text =
        json!({"value": "[replace(padLeft('', 16384, 'a'), 'a', padLeft('', 16384, 'b'))]", "equals": "x"});
    for condition in [three_times, text] {
        let judgement = policy(&denying(condition)).judge(&Subject::of(&big, NOW));
        let fault = judgement.fault.expect("a fault");
        assert!(
            judgement.evaluated.len() < 10 && !fault.message.is_empty(),
            "{fault}"
        );
    }
}

#[test]
fn a_refusal_has_the_form_clients_read() {
    let mut definition = denying(json!({"field": "location", "notIn": ["eastus"]}));
    definition["displayName"] = json!("Allowed locations");
    let assignment = json!({"displayName": "Only the east", "nonComplianceMessages": [{"message": "Ask the platform team"}]});
    let policy = assigned(&definition, assignment).expect("a policy");
    let resource = resource("A.B/t", json!({"location": "West US"}));
    let judgement = policy.judge(&Subject::of(&resource, NOW));
    let error = denial("r1", &[(&policy, &judgement)]);
    assert_eq!(error.status(), 403);
    let body = error.envelope();
    let body = &body["error"];
    assert_eq!(body["code"], "RequestDisallowedByPolicy");
    assert_eq!(body["target"], "r1");
    let message = body["message"].as_str().expect("a message");
    assert!(message.starts_with("Resource 'r1' was disallowed by policy. Reasons: 'Ask the platform team'. Policy identifiers: '[{\"policyAssignment\":{\"name\":\"Only the east\",\"id\":"), "{message}");
    let info = &body["additionalInfo"][0]["info"];
    assert_eq!(body["additionalInfo"][0]["type"], "PolicyViolation");
    assert_eq!(info["policyDefinitionDisplayName"], "Allowed locations");
    assert_eq!(info["policyDefinitionEffect"], "deny");
    assert_eq!(
        info["policyAssignmentScope"],
        "/subscriptions/s1/resourceGroups/g1"
    );
    assert_eq!(
        info["evaluationDetails"],
        json!({"evaluatedExpressions": [{"result": "True", "expressionKind": "Field", "expression": "location", "path": "location",
                                         "expressionValue": "West US", "targetValue": ["eastus"], "operator": "NotIn"}]})
    );
    assert!(info.get("policySetDefinitionId").is_none());
}
