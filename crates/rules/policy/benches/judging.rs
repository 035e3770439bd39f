//! What policies cost one write: 200 of them, judged one after the other, and how that grows with their number.
//!
//! A third is about other types, as most of what is assigned in a subscription is; the others hold or do not hold, look at
//! tags, locations, members, elements and functions.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nave_policy::{Assignment, Catalogue, Definition, Policy, Subject, shape};
use serde_json::{Value, json};

const T: &str = "Microsoft.Storage/storageAccounts";

fn rule(at: usize) -> Value {
    let of_type = json!({"field": "type", "equals": T});
    let alias = |path: &str| format!("{T}/{path}");
    match at % 9 {
        0 => {
            json!({"allOf": [{"field": "type", "equals": format!("Microsoft.Other/t{at}")}, {"field": "tags.env", "exists": false}]})
        }
        1 => {
            json!({"allOf": [{"field": "type", "in": ["Microsoft.Web/sites", "Microsoft.Sql/servers"]}, {"field": "location", "notEquals": "x"}]})
        }
        2 => {
            json!({"allOf": [{"field": "type", "like": "Microsoft.Network/*"}, {"field": "name", "like": "x*"}]})
        }
        3 => json!({"field": "[concat('tags[', parameters('tag'), ']')]", "exists": "false"}),
        4 => {
            json!({"allOf": [{"field": "location", "notIn": "[parameters('list')]"}, {"field": "location", "notEquals": "global"}]})
        }
        5 => {
            json!({"allOf": [of_type, {"anyOf": [{"field": alias("supportsHttpsTrafficOnly"), "equals": "false"},
                    {"field": alias("minimumTlsVersion"), "less": "TLS1_2"}]}]})
        }
        6 => json!({"allOf": [of_type, {"count": {"field": alias("networkAcls.ipRules[*]"), "where":
                    {"field": alias("networkAcls.ipRules[*].value"), "like": "10.*"}}, "greater": 3}]}),
        7 => {
            json!({"allOf": [of_type, {"value": "[concat(field('name'), '-', resourceGroup().name)]", "equals": "x"}]})
        }
        _ => json!({"allOf": [of_type, {"field": alias("publicNetworkAccess"), "notEquals": "Disabled"}]}),
    }
}

fn policies(count: usize) -> Vec<Policy> {
    let bound = (0..count).map(|at| {
        let parameters = json!({"tag": {"type": "String", "defaultValue": format!("t{at}")},
                                "list": {"type": "Array", "defaultValue": ["West Europe", "northeurope", "East US"]}});
        let details = json!({"roleDefinitionIds": ["/r"], "operations": [{"operation": "add", "field": format!("tags.t{at}"), "value": "x"}]});
        let then = if at % 27 == 3 { json!({"effect": "modify", "details": details}) } else { json!({"effect": if at % 2 == 0 { "deny" } else { "audit" }}) };
        let definition = json!({"parameters": parameters, "policyRule": {"if": rule(at), "then": then}});
        let mut catalogue = Catalogue::default();
        catalogue.add_definition("/p/d", Definition::parse(&definition).expect("a definition"));
        let assignment = Assignment::bind("/a", &json!({"policyDefinitionId": "/p/d"}), &catalogue);
        assignment.expect("an assignment").policies
    });
    bound.flatten().collect()
}

fn account() -> Value {
    let rules: Vec<_> = (0..4)
        .map(|at| json!({"value": format!("10.0.0.{at}"), "action": "Allow"}))
        .collect();
    json!({"id": format!("/subscriptions/s1/resourceGroups/g1/providers/{T}/sa1"), "name": "sa1", "type": T, "location": "eastus",
           "tags": {"env": "prod", "team": "blue"}, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2",
           "properties": {"supportsHttpsTrafficOnly": true, "minimumTlsVersion": "TLS1_2", "publicNetworkAccess": "Disabled",
                          "networkAcls": {"defaultAction": "Deny", "ipRules": rules}}})
}

/// What a write does: modifications, then every judgement.
fn write(policies: &[Policy], account: &Value, group: &Value) -> usize {
    let subject = Subject {
        group: Some(group),
        ..Subject::of(account, "2026-11-24T16:12:42Z")
    };
    let all: Vec<_> = policies.iter().collect();
    let mut body = account.clone();
    let changed = shape(&mut body, &all, &subject).map_or(0, |changed| changed.len());
    let judged = policies.iter().map(|policy| {
        policy.judge(&Subject {
            resource: &body,
            ..subject
        })
    });
    changed + judged.filter(|judgement| judgement.holds).count()
}

fn judging(criterion: &mut Criterion) {
    let (account, group) = (account(), json!({"name": "g1", "tags": {}}));
    let mut benches = criterion.benchmark_group("policies on one write");
    for count in [20, 200, 2000] {
        let policies = policies(count);
        benches.throughput(Throughput::Elements(count as u64));
        benches.bench_with_input(
            BenchmarkId::from_parameter(count),
            &policies,
            |bencher, policies| {
                bencher.iter(|| write(policies, &account, &group));
            },
        );
    }
    benches.finish();
    criterion.bench_function("binding a definition", |bencher| bencher.iter(|| policies(1)));
    let explosion = json!({"count": {"value": "[range(0, 10000)]", "name": "a", "where": {"count": {"value": "[range(0, 10000)]", "name": "b",
                           "where": {"field": "name", "equals": "x"}}, "greater": 0}}, "greater": 0});
    let mut catalogue = Catalogue::default();
    let definition = json!({"policyRule": {"if": explosion, "then": {"effect": "deny"}}});
    catalogue.add_definition("/p/d", Definition::parse(&definition).expect("a definition"));
    let bound =
        Assignment::bind("/a", &json!({"policyDefinitionId": "/p/d"}), &catalogue).expect("an assignment");
    let mut one = criterion.benchmark_group("a rule that explodes");
    one.sample_size(10);
    one.bench_function("is stopped", |bencher| {
        bencher.iter(|| bound.policies[0].explain(&Subject::of(&account, "2026-11-24T16:12:42Z")))
    });
    one.finish();
}

criterion_group!(benches, judging);
criterion_main!(benches);
