//! Assignments: parameters, sets, versions, selectors, overrides, exemptions, modes and applicability.

use nave_arm::ErrorCode;
use nave_policy::{Assignment, Catalogue, Definition, Effect, Enforcement, Exemption, Initiative, Subject};
use serde_json::{Value, json};

use crate::common::{ASSIGNMENT, DEFINITION, NOW, assigned, denying, policy, resource};

const SET: &str = "/providers/Microsoft.Authorization/policySetDefinitions/set1";

fn locations() -> Value {
    json!({
        "displayName": "Allowed locations", "version": "1.2.0",
        "parameters": {
            "allowed": {"type": "Array", "metadata": {"strongType": "location"}},
            "effect": {"type": "String", "defaultValue": "Deny", "allowedValues": ["Audit", "Deny", "Disabled"]},
        },
        "policyRule": {"if": {"field": "location", "notIn": "[parameters('allowed')]"}, "then": {"effect": "[parameters('effect')]"}},
    })
}

fn set() -> Value {
    json!({
        "displayName": "Guard rails",
        "parameters": {"where": {"type": "Array"}, "mode": {"type": "String", "defaultValue": "deny"}},
        "policyDefinitionGroups": [{"name": "places"}],
        "policyDefinitions": [
            {"policyDefinitionId": DEFINITION, "policyDefinitionReferenceId": "one", "groupNames": ["places"],
             "parameters": {"allowed": {"value": "[parameters('where')]"}, "effect": {"value": "[if(equals(parameters('mode'), 'deny'), 'Deny', 'Audit')]"}}},
            {"policyDefinitionId": DEFINITION, "policyDefinitionReferenceId": "two", "definitionVersion": "1.*.*",
             "parameters": {"allowed": {"value": ["[first(parameters('where'))]"]}, "effect": {"value": "Audit"}}},
        ],
    })
}

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    catalogue.add_definition(DEFINITION, Definition::parse(&locations()).expect("a definition"));
    catalogue.add_initiative(SET, Initiative::parse(&set()).expect("a set"));
    catalogue
}

fn bind(properties: Value) -> Result<Assignment, ErrorCode> {
    Assignment::bind(ASSIGNMENT, &properties, &catalogue()).map_err(|error| error.code)
}

#[test]
fn parameters_reach_the_rule() {
    let policy = assigned(
        &locations(),
        json!({"parameters": {"allowed": {"value": ["East US"]}}}),
    )
    .expect("a policy");
    let judge = |location: &str| {
        policy
            .judge(&Subject::of(
                &resource("A.B/t", json!({"location": location})),
                NOW,
            ))
            .holds
    };
    assert!(!judge("eastus") && judge("westus"));
    for (parameters, code) in [
        (json!({}), ErrorCode::MissingPolicyParameter),
        (
            json!({"allowed": {"value": []}, "x": {"value": 1}}),
            ErrorCode::UndefinedPolicyParameter,
        ),
        (
            json!({"allowed": {"value": []}, "effect": {"value": "Modify"}}),
            ErrorCode::PolicyParameterValueNotAllowed,
        ),
        (
            json!({"allowed": {"value": "eastus"}}),
            ErrorCode::InvalidPolicyParameters,
        ),
    ] {
        let refused = assigned(&locations(), json!({"parameters": parameters})).expect_err("a refusal");
        assert_eq!(refused.code, code, "{parameters}: {}", refused.message);
    }
}

#[test]
fn a_set_passes_its_parameters_down() {
    let assignment =
        bind(json!({"policyDefinitionId": SET, "parameters": {"where": {"value": ["eastus", "westus"]}}}))
            .expect("bound");
    let seen: Vec<_> = assignment
        .policies
        .iter()
        .map(|policy| {
            let resource = resource("A.B/t", json!({"location": "westus"}));
            let judgement = policy.judge(&Subject::of(&resource, NOW));
            (policy.reference_id(), judgement.effect, judgement.holds)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (Some("one"), Effect::Deny, false),
            (Some("two"), Effect::Audit, true)
        ]
    );
    assert_eq!(
        assignment.policies[0]
            .member
            .as_ref()
            .map(|(_, groups)| groups.clone()),
        Some(vec![String::from("places")])
    );
    assert_eq!(assignment.head.scope, "/subscriptions/s1/resourceGroups/g1");
    assert_eq!(
        bind(json!({"policyDefinitionId": SET})).map(|_| ()),
        Err(ErrorCode::MissingPolicyParameter)
    );
}

#[test]
fn what_is_not_there_is_said() {
    let missing = format!("{DEFINITION}x");
    for (properties, code) in [
        (
            json!({"policyDefinitionId": missing}),
            ErrorCode::PolicyDefinitionNotFound,
        ),
        (
            json!({"policyDefinitionId": format!("{SET}x")}),
            ErrorCode::PolicySetDefinitionNotFound,
        ),
        (
            json!({"policyDefinitionId": DEFINITION, "definitionVersion": "2.*.*"}),
            ErrorCode::PolicyDefinitionNotFound,
        ),
        (json!({}), ErrorCode::InvalidCreatePolicyAssignmentRequest),
        (
            json!({"policyDefinitionId": DEFINITION, "enforcementMode": "Perhaps"}),
            ErrorCode::InvalidCreatePolicyAssignmentRequest,
        ),
        (
            json!({"policyDefinitionId": DEFINITION, "overrides": [{"kind": "policyEffect", "value": "explode"}]}),
            ErrorCode::InvalidCreatePolicyAssignmentRequest,
        ),
        (
            json!({"policyDefinitionId": DEFINITION, "resourceSelectors": [{"selectors": [{"kind": "size", "in": ["x"]}]}]}),
            ErrorCode::InvalidCreatePolicyAssignmentRequest,
        ),
    ] {
        assert_eq!(bind(properties.clone()).map(|_| ()), Err(code), "{properties}");
    }
}

#[test]
fn the_version_asked_for_is_taken() {
    let mut catalogue = catalogue();
    let mut second = locations();
    second["version"] = json!("2.0.0");
    second["displayName"] = json!("Second");
    catalogue.add_definition(DEFINITION, Definition::parse(&second).expect("a definition"));
    let name = |properties: Value| {
        let assignment = Assignment::bind(ASSIGNMENT, &properties, &catalogue).expect("bound");
        assignment.policies[0].definition.display_name.clone()
    };
    let given = json!({"allowed": {"value": []}});
    assert_eq!(
        name(json!({"policyDefinitionId": DEFINITION, "parameters": given})).as_deref(),
        Some("Second")
    );
    let first = json!({"policyDefinitionId": DEFINITION, "parameters": given, "definitionVersion": "1.*.*"});
    assert_eq!(name(first).as_deref(), Some("Allowed locations"));
    let overridden = json!({"policyDefinitionId": DEFINITION, "parameters": given, "overrides": [{"kind": "definitionVersion", "value": "1.2.*"}]});
    assert_eq!(name(overridden).as_deref(), Some("Allowed locations"));
}

#[test]
fn overrides_and_selectors() {
    let properties = json!({
        "policyDefinitionId": SET, "parameters": {"where": {"value": ["eastus"]}},
        "overrides": [{"kind": "policyEffect", "value": "Disabled", "selectors": [
            {"kind": "policyDefinitionReferenceId", "in": ["two"]}, {"kind": "resourceLocation", "notIn": ["West US"]}]}],
        "resourceSelectors": [{"name": "s", "selectors": [{"kind": "resourceType", "in": ["A.B/t"]}]},
                              {"name": "r", "selectors": [{"kind": "resourceWithoutLocation", "in": ["true"]}]}],
    });
    let assignment = bind(properties).expect("bound");
    let seen = |resource: &Value| {
        let judged = assignment
            .policies
            .iter()
            .map(|policy| policy.judge(&Subject::of(resource, NOW)));
        judged
            .map(|judgement| (judgement.effect, judgement.holds))
            .collect::<Vec<_>>()
    };
    let north = resource("A.B/t", json!({"location": "northeurope"}));
    assert_eq!(seen(&north), [(Effect::Deny, true), (Effect::Disabled, false)]);
    let west = resource("A.B/t", json!({"location": "westus"}));
    assert_eq!(seen(&west), [(Effect::Deny, true), (Effect::Audit, true)]);
    let other = resource("A.B/u", json!({"location": "westus"}));
    assert_eq!(seen(&other), [(Effect::Deny, false), (Effect::Audit, false)]);
}

#[test]
fn exemptions_end() {
    let assignment = bind(json!({"policyDefinitionId": SET, "parameters": {"where": {"value": ["eastus"]}}}))
        .expect("bound");
    let exemption = |rest: Value| {
        let mut properties =
            json!({"policyAssignmentId": ASSIGNMENT.to_uppercase(), "exemptionCategory": "waiver"});
        for (name, value) in rest.as_object().expect("an object") {
            properties[name] = value.clone();
        }
        Exemption::parse(&properties).expect("an exemption")
    };
    let resource = resource("A.B/t", json!({}));
    let subject = Subject::of(&resource, NOW);
    let covered = |exemption: &Exemption| {
        assignment
            .policies
            .iter()
            .map(|policy| exemption.covers(policy, &subject))
            .collect::<Vec<_>>()
    };
    assert_eq!(covered(&exemption(json!({}))), [true, true]);
    assert_eq!(
        covered(&exemption(json!({"policyDefinitionReferenceIds": ["TWO"]}))),
        [false, true]
    );
    assert_eq!(
        covered(&exemption(json!({"expiresOn": "2026-11-24T16:12:42Z"}))),
        [false, false]
    );
    assert_eq!(
        covered(&exemption(json!({"expiresOn": "2026-11-24T17:12:43+01:00"}))),
        [true, true]
    );
    let elsewhere = json!({"resourceSelectors": [{"name": "x", "selectors": [{"kind": "resourceLocation", "in": ["westus"]}]}]});
    assert_eq!(covered(&exemption(elsewhere)), [false, false]);
    for wrong in [
        json!({}),
        json!({"policyAssignmentId": ASSIGNMENT}),
        json!({"policyAssignmentId": ASSIGNMENT, "exemptionCategory": "Waiver", "expiresOn": "soon"}),
    ] {
        assert!(Exemption::parse(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn messages_and_enforcement() {
    let properties = json!({
        "policyDefinitionId": SET, "parameters": {"where": {"value": ["eastus"]}}, "enforcementMode": "DoNotEnforce",
        "nonComplianceMessages": [{"message": "Ask first"}, {"message": "Not there", "policyDefinitionReferenceId": "two"}],
    });
    let assignment = bind(properties).expect("bound");
    let messages: Vec<_> = assignment
        .policies
        .iter()
        .map(|policy| policy.message())
        .collect();
    assert_eq!(messages, [Some("Ask first"), Some("Not there")]);
    assert_eq!(assignment.head.enforcement, Enforcement::DoNotEnforce);
    assert!(!assignment.needs_identity());
}

#[test]
fn modes_choose_resources() {
    let judge = |mode: Option<&str>, resource: &Value| {
        let mut definition = denying(json!({"field": "name", "exists": true}));
        if let Some(mode) = mode {
            definition["mode"] = json!(mode);
        }
        policy(&definition).judge(&Subject::of(resource, NOW)).applicable
    };
    let tracked = resource("A.B/t", json!({}));
    let child = json!({"id": "/x/providers/A.B/t/a/u/b", "name": "b", "type": "A.B/t/u"});
    let group = json!({"id": "/subscriptions/s/resourceGroups/g", "name": "g", "type": "Microsoft.Resources/subscriptions/resourceGroups", "location": "eastus"});
    let deployment =
        json!({"id": "/x", "name": "d", "type": "Microsoft.Resources/deployments", "location": "eastus"});
    let component =
        json!({"id": "/x", "name": "d", "type": "Microsoft.CognitiveServices.Data/accounts/deployments"});
    for (mode, expected) in [
        (None, [true, true, true, false, false]),
        (Some("all"), [true, true, true, false, false]),
        (Some("Indexed"), [true, false, false, false, false]),
        (
            Some("Microsoft.CognitiveServices.Data"),
            [false, false, false, false, true],
        ),
    ] {
        let found = [&tracked, &child, &group, &deployment, &component].map(|resource| judge(mode, resource));
        assert_eq!(found, expected, "{mode:?}");
    }
}

#[test]
fn a_policy_applies_by_type_name_and_kind() {
    let applies = |condition: Value, resource: &Value| {
        policy(&denying(condition))
            .judge(&Subject::of(resource, NOW))
            .applicable
    };
    let storage = resource("Microsoft.Storage/storageAccounts", json!({"kind": "StorageV2"}));
    let never = json!({"field": "tags.x", "equals": "never"});
    for (condition, expected) in [
        (
            json!({"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, never]}),
            true,
        ),
        (
            json!({"allOf": [{"field": "type", "equals": "A.B/t"}, never]}),
            false,
        ),
        (
            json!({"allOf": [{"not": {"field": "type", "equals": "Microsoft.Storage/storageAccounts"}}, never]}),
            false,
        ),
        (json!({"field": "kind", "equals": "other"}), true),
        (json!({"field": "name", "equals": "other"}), true),
        (
            json!({"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, {"field": "kind", "equals": "other"}]}),
            true,
        ),
        (
            json!({"allOf": [{"field": "type", "like": "Microsoft.Storage/*"}, {"field": "kind", "equals": "other"}, {"field": "name", "equals": "r1"}]}),
            false,
        ),
        (
            json!({"not": {"anyOf": [{"field": "type", "equals": "A.B/t"}, never]}}),
            true,
        ),
        (
            json!({"anyOf": [{"field": "type", "equals": "A.B/t"}, never]}),
            true,
        ),
        (
            json!({"anyOf": [{"field": "type", "equals": "A.B/t"}, {"field": "type", "in": ["A.B/u"]}]}),
            false,
        ),
    ] {
        assert_eq!(applies(condition.clone(), &storage), expected, "{condition}");
    }
    let subscription =
        json!({"id": "/subscriptions/s1", "name": "s1", "type": "Microsoft.Resources/subscriptions"});
    assert!(!applies(
        json!({"field": "location", "notIn": ["eastus"]}),
        &subscription
    ));
    assert!(applies(
        json!({"field": "tags.x", "exists": false}),
        &subscription
    ));
}

#[test]
fn tags_alone_are_judged_by_those_that_read_tags() {
    let resource = resource("A.B/t", json!({}));
    let judge = |condition: Value| {
        policy(&denying(condition))
            .judge(&Subject {
                tags_only: true,
                ..Subject::of(&resource, NOW)
            })
            .holds
    };
    assert!(!judge(json!({"field": "location", "equals": "eastus"})));
    assert!(judge(json!({"field": "tags.x", "exists": false})));
    assert!(judge(
        json!({"value": "[empty(field('tags.x'))]", "equals": true})
    ));
}
