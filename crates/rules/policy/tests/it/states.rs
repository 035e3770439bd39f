//! Compliance, related resources, and what is only said about actions (policy-language 5, 7).

use nave_policy::{Compliance, Policy, Subject};
use serde_json::{Value, json};

use crate::common::{NOW, denying, group, policy, resource};

fn looking(details: Value, effect: &str) -> Policy {
    let condition = json!({"field": "type", "equals": "Microsoft.KeyVault/vaults"});
    policy(&json!({"policyRule": {"if": condition, "then": {"effect": effect, "details": details}}}))
}

#[test]
fn a_state_follows_from_a_judgement() {
    let bad = resource("A.B/t", json!({"tags": {"x": "bad"}}));
    let good = resource("A.B/t", json!({}));
    let state = |effect: &str, resource: &Value| {
        let mut definition = denying(json!({"field": "tags.x", "equals": "bad"}));
        definition["policyRule"]["then"]["effect"] = json!(effect);
        let policy = policy(&definition);
        Compliance::of(&policy, &policy.judge(&Subject::of(resource, NOW)), None, None)
    };
    assert_eq!(state("deny", &bad), Some(Compliance::NonCompliant));
    assert_eq!(state("audit", &good), Some(Compliance::Compliant));
    assert_eq!(state("disabled", &bad), None);
    assert_eq!(state("manual", &bad), Some(Compliance::Unknown));
    let vault = resource("Microsoft.KeyVault/vaults", json!({}));
    let looking = looking(
        json!({"type": "Microsoft.Insights/diagnosticSettings"}),
        "auditIfNotExists",
    );
    let judge = |resource: &Value, related: Option<bool>| {
        Compliance::of(
            &looking,
            &looking.judge(&Subject::of(resource, NOW)),
            related,
            None,
        )
    };
    assert_eq!(judge(&vault, Some(true)), Some(Compliance::Compliant));
    assert_eq!(judge(&vault, Some(false)), Some(Compliance::NonCompliant));
    assert_eq!(judge(&good, Some(false)), None);
}

#[test]
fn what_is_looked_for_and_deployed() {
    let details = json!({
        "type": "Microsoft.Insights/diagnosticSettings", "name": "[concat(field('name'), '-logs')]", "existenceScope": "subscription",
        "evaluationDelay": "PT10M", "roleDefinitionIds": ["/r"], "deploymentScope": "Subscription", "resourceGroupName": "[resourceGroup().name]",
        "existenceCondition": {"count": {"field": "Microsoft.Insights/diagnosticSettings/logs[*]", "where":
            {"field": "Microsoft.Insights/diagnosticSettings/logs[*].enabled", "equals": "true"}}, "greaterOrEquals": 1},
        "deployment": {"location": "westeurope", "properties": {
            "mode": "incremental", "template": {"parameters": {"v": {"type": "string"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('v')]"}}},
            "parameters": {"v": {"value": "[field('id')]"}}}},
    });
    let policy = looking(details, "deployIfNotExists");
    let vault = resource("Microsoft.KeyVault/vaults", json!({}));
    let group = group();
    let subject = Subject {
        group: Some(&group),
        ..Subject::of(&vault, NOW)
    };
    let existence = policy
        .existence(&subject)
        .expect("evaluated")
        .expect("looked for");
    assert_eq!(existence.name.as_deref(), Some("r1-logs"));
    assert_eq!(existence.resource_group_name.as_deref(), Some("g1"));
    assert!(existence.in_subscription);
    let deployment = existence.deployment.expect("a deployment");
    assert!(deployment.at_subscription);
    assert_eq!(
        deployment.properties["parameters"],
        json!({"v": {"value": vault["id"]}})
    );
    assert_eq!(
        deployment.properties["template"]["outputs"]["o"]["value"],
        "[parameters('v')]"
    );
    for (logs, expected) in [
        (json!([{"enabled": true}]), true),
        (json!([{"enabled": false}]), false),
        (json!([]), false),
    ] {
        let setting = resource(
            "Microsoft.Insights/diagnosticSettings",
            json!({"properties": {"logs": logs}}),
        );
        assert_eq!(
            policy.is_satisfied_by(&Subject::of(&setting, NOW)),
            Ok(expected),
            "{setting}"
        );
    }
    assert!(policy.declared_effect().needs_identity());
}

#[test]
fn deletion_is_denied_by_denyaction_alone() {
    let mut definition = denying(json!({"field": "type", "equals": "A.B/t"}));
    definition["policyRule"]["then"] =
        json!({"effect": "denyAction", "details": {"actionNames": ["delete"]}});
    let policy = policy(&definition);
    let judgement = policy.judge(&Subject::of(&resource("A.B/t", json!({})), NOW));
    assert!(judgement.holds && !judgement.refuses_write());
    assert!(policy.denies_action("Delete") && !policy.denies_action("read"));
}
