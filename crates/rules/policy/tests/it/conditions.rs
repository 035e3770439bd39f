//! Conditions: fields, operators, arrays and counts (policy-language 3).

use serde_json::{Value, json};

use crate::common::{holds, resource};

const STORAGE: &str = "Microsoft.Storage/storageAccounts";

fn account() -> Value {
    resource(
        STORAGE,
        json!({
            "location": "East US", "kind": "StorageV2", "tags": {"Env": "Prod", "cost center": "7"},
            "identity": {"type": "SystemAssigned"}, "sku": {"name": "Standard_LRS"},
            "properties": {
                "supportsHttpsTrafficOnly": false, "minimumTlsVersion": "TLS1_1", "size": 5,
                "networkAcls": {
                    "defaultAction": "Allow", "virtualNetworkRules": [],
                    "ipRules": [{"value": "10.0.0.1", "action": "Allow", "ports": [80, 443]}, {"value": "10.0.0.2", "action": "Deny", "ports": [22]}],
                },
                "privateEndpointConnections": [{"id": "/x", "properties": {"privateLinkServiceConnectionState": {"status": "Approved"}}}],
            },
        }),
    )
}

#[track_caller]
fn check(condition: Value, expected: bool) {
    assert_eq!(holds(&condition, &account()), Ok(expected), "{condition}");
}

fn alias(path: &str) -> String {
    format!("{STORAGE}/{path}")
}

#[test]
fn special_fields() {
    for (field, value) in [
        ("type", "microsoft.storage/STORAGEACCOUNTS"),
        ("name", "R1"),
        ("fullName", "r1"),
        ("kind", "storagev2"),
        ("location", "eastus"),
        ("LOCATION", "East US"),
        (
            "id",
            "/subscriptions/s1/resourcegroups/g1/providers/Microsoft.Storage/storageAccounts/r1",
        ),
        ("identity.type", "systemAssigned"),
        ("tags['env']", "prod"),
        ("tags[ENV]", "prod"),
        ("tags.env", "prod"),
        ("tags['cost center']", "7"),
    ] {
        check(json!({"field": field, "equals": value}), true);
        check(json!({"field": field, "notEquals": value}), false);
        check(json!({"field": field, "in": ["other", value]}), true);
        check(json!({"field": field, "exists": true}), true);
    }
    check(json!({"field": "tags.missing", "exists": "false"}), true);
    check(json!({"field": "tags", "containsKey": "env"}), true);
    check(
        json!({"field": "identity.userAssignedIdentities", "exists": true}),
        false,
    );
    check(
        json!({"field": "location", "notIn": ["West Europe", "East US"]}),
        false,
    );
    check(json!({"field": "location", "like": "East*"}), true);
}

#[test]
fn a_child_has_a_full_name_and_no_location() {
    let child = json!({"id": "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
                       "name": "default", "type": "Microsoft.Storage/storageAccounts/blobServices", "properties": {}});
    for (condition, expected) in [
        (json!({"field": "fullName", "equals": "a/default"}), true),
        (json!({"field": "name", "equals": "default"}), true),
        (json!({"field": "location", "exists": true}), false),
        (json!({"field": "location", "equals": "global"}), true),
        (json!({"field": "location", "notIn": ["eastus"]}), true),
        (json!({"field": "tags", "exists": false}), true),
    ] {
        assert_eq!(holds(&condition, &child), Ok(expected), "{condition}");
    }
}

#[test]
fn aliases_are_members_of_the_properties_or_of_the_root() {
    check(
        json!({"field": alias("supportsHttpsTrafficOnly"), "equals": "false"}),
        true,
    );
    check(
        json!({"field": alias("supportsHttpsTrafficOnly"), "equals": false}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.DEFAULTACTION"), "equals": "allow"}),
        true,
    );
    check(json!({"field": alias("sku.name"), "like": "standard_*"}), true);
    check(json!({"field": alias("size"), "less": 6}), true);
    check(json!({"field": alias("size"), "greaterOrEquals": "5"}), true);
    check(
        json!({"field": alias("minimumTlsVersion"), "less": "TLS1_2"}),
        true,
    );
    check(json!({"field": alias("nothing"), "less": 6}), false);
    check(json!({"field": alias("nothing"), "greater": 6}), false);
    check(json!({"field": alias("nothing"), "notEquals": "x"}), true);
    check(json!({"field": alias("nothing.at.all"), "exists": false}), true);
    check(
        json!({"field": "Microsoft.KeyVault/vaults/enableSoftDelete", "exists": true}),
        false,
    );
    check(
        json!({"field": "Microsoft.KeyVault/vaults/networkAcls.ipRules[*].value", "equals": "x"}),
        true,
    );
}

#[test]
fn every_element_of_an_array_has_to_comply() {
    check(
        json!({"field": alias("networkAcls.ipRules[*].action"), "equals": "Allow"}),
        false,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].action"), "in": ["Allow", "Deny"]}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].action"), "notEquals": "Audit"}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].action"), "notEquals": "Allow"}),
        false,
    );
    check(
        json!({"not": {"field": alias("networkAcls.ipRules[*].action"), "equals": "Allow"}}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].ports[*]"), "less": 444}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].ports[*]"), "less": 443}),
        false,
    );
    check(
        json!({"field": alias("networkAcls.ipRules[*].ports"), "contains": 443}),
        false,
    );
    check(
        json!({"field": alias("networkAcls.ipRules.action"), "exists": true}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.virtualNetworkRules[*].id"), "equals": "nobody"}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.virtualNetworkRules[*].id"), "notEquals": "nobody"}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.virtualNetworkRules"), "exists": true}),
        true,
    );
    check(
        json!({"field": alias("networkAcls.missing"), "exists": false}),
        true,
    );
    check(
        json!({"field": alias("privateEndpointConnections[*].privateLinkServiceConnectionState.status"), "equals": "Approved"}),
        true,
    );
}

#[test]
fn elements_are_counted() {
    let rules = alias("networkAcls.ipRules[*]");
    let count = |filter: Value| json!({"field": rules, "where": filter});
    check(json!({"count": {"field": rules}, "equals": 2}), true);
    check(
        json!({"count": {"field": alias("networkAcls.ipRules[*].ports[*]")}, "equals": 3}),
        true,
    );
    check(
        json!({"count": {"field": alias("missing[*]")}, "equals": 0}),
        true,
    );
    check(
        json!({"count": {"field": "Microsoft.KeyVault/vaults/a[*]"}, "equals": 0}),
        true,
    );
    let denies = count(json!({"field": format!("{rules}.action"), "equals": "deny"}));
    check(json!({"count": denies, "equals": 1}), true);
    // other fields keep their meaning
    let in_prod = count(
        json!({"allOf": [{"field": "tags.env", "equals": "prod"}, {"field": format!("{rules}.action"), "equals": "deny"}]}),
    );
    check(json!({"count": in_prod, "equals": 1}), true);
    // deeper arrays are those of the same element
    let with_443 = count(json!({"not": {"field": format!("{rules}.ports[*]"), "notEquals": 443}}));
    check(json!({"count": with_443, "equals": 1}), true);
    // a count inside a count looks at the element alone
    let two_ports = count(json!({"count": {"field": format!("{rules}.ports[*]")}, "greaterOrEquals": 2}));
    check(json!({"count": two_ports, "equals": 1}), true);
    let deep = count(
        json!({"count": {"field": format!("{rules}.ports[*]"), "where": {"field": format!("{rules}.ports[*]"), "greater": 100}}, "greater": 0}),
    );
    check(json!({"count": deep, "equals": 1}), true);
    let by_pair = json!({"field": format!("{rules}.ports[*]"), "where": {"allOf": [
        {"field": format!("{rules}.ports[*]"), "equals": 22}, {"field": format!("{rules}.action"), "equals": "Deny"}]}});
    check(json!({"count": by_pair, "equals": 1}), true);
}

#[test]
fn elements_are_reached_with_current_and_field() {
    let rules = alias("networkAcls.ipRules[*]");
    for inside in [
        json!({"value": format!("[current('{rules}').action]"), "equals": "Deny"}),
        json!({"value": format!("[current('{rules}.action')]"), "equals": "Deny"}),
        json!({"value": "[current().action]", "equals": "Deny"}),
        json!({"value": format!("[first(field('{rules}.action'))]"), "equals": "Deny"}),
        json!({"value": format!("[length(field('{rules}'))]"), "equals": 1}),
        json!({"value": format!("[length(field('{rules}.ports[*]'))]"), "lessOrEquals": 1}),
    ] {
        let expected = if inside["value"]
            .as_str()
            .expect("text")
            .contains("length(field('Microsoft.Storage/storageAccounts/networkAcls.ipRules[*]'))")
        {
            2
        } else {
            1
        };
        check(
            json!({"count": {"field": rules, "where": inside}, "equals": expected}),
            true,
        );
    }
}

#[test]
fn values_are_counted() {
    check(
        json!({"count": {"value": ["prod", "dev"], "where": {"field": "tags.env", "equals": "[current()]"}}, "equals": 1}),
        true,
    );
    check(
        json!({"count": {"value": ["a*", "*r1"], "name": "form", "where": {"field": "name", "like": "[current('form')]"}}, "equals": 1}),
        true,
    );
    check(json!({"count": {"value": [1, 2, 3]}, "equals": 3}), true);
    check(json!({"count": {"value": []}, "equals": 0}), true);
    let nested = json!({"count": {"value": [1, 2], "name": "outer", "where": {
        "count": {"value": [2, 3], "name": "inner", "where": {"value": "[current('outer')]", "equals": "[current('inner')]"}}, "equals": 1}}, "equals": 1});
    check(nested, true);
    let in_array = json!({"count": {"value": ["10.0.0.1", "10.0.0.9"], "name": "address", "where": {
        "count": {"field": alias("networkAcls.ipRules[*]"), "where": {"value": format!("[current('{}').value]", alias("networkAcls.ipRules[*]")), "equals": "[current('address')]"}},
        "greater": 0}}, "equals": 1});
    check(in_array, true);
    assert!(
        holds(
            &json!({"count": {"value": "[field('name')]"}, "equals": 0}),
            &account()
        )
        .is_err()
    );
}

#[test]
fn conditions_are_joined() {
    let (yes, no) = (
        json!({"field": "name", "exists": true}),
        json!({"field": "name", "exists": false}),
    );
    for (condition, expected) in [
        (json!({"allOf": [yes, yes]}), true),
        (json!({"ALLOF": [yes, no]}), false),
        (json!({"anyOf": [no, yes]}), true),
        (json!({"anyof": [no, no]}), false),
        (json!({"not": yes}), false),
        (json!({"not": {"not": yes}}), true),
        (json!({"allOf": []}), true),
        (json!({"anyOf": []}), false),
    ] {
        check(condition, expected);
    }
}
