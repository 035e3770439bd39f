//! `summarize`: how many resources and policies of a set of policy states comply (policy-language 7).

use std::collections::BTreeMap;

use nave_policy::Compliance;
use serde_json::{Value, json};

/// Summarises records of policy states. `uri` makes the address of the records behind a number, given what narrows
/// them; `top` is the most assignments that are summarised by themselves.
pub(super) fn summary(records: &[Value], uri: impl Fn(&str) -> String, top: usize) -> Value {
    let all: Vec<&Value> = records.iter().collect();
    let mut assignments: Vec<Value> = grouped(&all, "policyAssignmentId")
        .into_values()
        .map(|records| assignment(&records, &uri))
        .collect();
    assignments.sort_by_key(|one| std::cmp::Reverse(one["results"]["nonCompliantResources"].as_u64()));
    assignments.truncate(top);
    json!({ "results": results(&all, "policyAssignmentId", uri("IsCompliant eq false")), "policyAssignments": assignments })
}

fn assignment(records: &[&Value], uri: &impl Fn(&str) -> String) -> Value {
    let first = records.first().copied().unwrap_or(&Value::Null);
    let of = format!(
        "IsCompliant eq false and PolicyAssignmentId eq '{}'",
        text(first, "policyAssignmentId")
    );
    let definitions: Vec<Value> = policies(records)
        .into_values()
        .map(|records| definition(&records, &of, uri))
        .collect();
    let groups: Vec<Value> = by_group(records)
        .into_iter()
        .map(|(name, records)| {
            let of = format!("{of} and '{name}' IN PolicyDefinitionGroupNames");
            json!({ "policyGroupName": name, "results": results(&records, "policyDefinitionReferenceId", uri(&of)) })
        })
        .collect();
    json!({
        "policyAssignmentId": first["policyAssignmentId"],
        "policySetDefinitionId": text(first, "policySetDefinitionId"),
        "results": results(records, "policyDefinitionReferenceId", uri(&of)),
        "policyDefinitions": definitions,
        "policyGroups": groups,
    })
}

fn definition(records: &[&Value], of: &str, uri: &impl Fn(&str) -> String) -> Value {
    let first = records.first().copied().unwrap_or(&Value::Null);
    let of = format!(
        "{of} and PolicyDefinitionId eq '{}'",
        text(first, "policyDefinitionId")
    );
    let mut results = results(records, "policyDefinitionReferenceId", uri(&of));
    if let Some(results) = results.as_object_mut() {
        results.remove("nonCompliantPolicies");
    }
    json!({
        "policyDefinitionId": first["policyDefinitionId"],
        "policyDefinitionReferenceId": text(first, "policyDefinitionReferenceId"),
        "policyDefinitionGroupNames": first["policyDefinitionGroupNames"].as_array().cloned().unwrap_or_default(),
        "effect": first["policyDefinitionAction"],
        "results": results,
    })
}

/// `policies` is what tells one policy from another at this level: the assignment, or the reference in it.
fn results(records: &[&Value], policies: &str, uri: String) -> Value {
    let resources = rolled_up(grouped(records, "resourceId").into_values());
    let by_policy = match policies {
        "policyAssignmentId" => rolled_up(grouped(records, policies).into_values()),
        _ => rolled_up(self::policies(records).into_values()),
    };
    let groups = rolled_up(by_group(records).into_values());
    json!({
        "queryResultsUri": uri,
        "nonCompliantResources": resources.get(&Compliance::NonCompliant).copied().unwrap_or_default(),
        "nonCompliantPolicies": by_policy.get(&Compliance::NonCompliant).copied().unwrap_or_default(),
        "resourceDetails": details(&resources),
        "policyDetails": details(&by_policy),
        "policyGroupDetails": details(&groups),
    })
}

/// Summaries spell states in lower case.
fn details(counts: &BTreeMap<Compliance, usize>) -> Value {
    let detail = |(state, count): (&Compliance, &usize)| json!({ "complianceState": state.word().to_lowercase(), "count": count });
    counts.iter().rev().map(detail).collect()
}

/// How many groups of records come to each state.
fn rolled_up<'a>(groups: impl Iterator<Item = Vec<&'a Value>>) -> BTreeMap<Compliance, usize> {
    let mut counts = BTreeMap::new();
    for records in groups {
        let states = records
            .iter()
            .filter_map(|record| Compliance::read(text(record, "complianceState")));
        if let Some(state) = Compliance::roll_up(states) {
            *counts.entry(state).or_default() += 1;
        }
    }
    counts
}

fn grouped<'a>(records: &[&'a Value], name: &str) -> BTreeMap<String, Vec<&'a Value>> {
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in records {
        groups
            .entry(text(record, name).to_lowercase())
            .or_default()
            .push(record);
    }
    groups
}

/// A policy is a definition at its place in an assignment.
fn policies<'a>(records: &[&'a Value]) -> BTreeMap<[String; 3], Vec<&'a Value>> {
    const NAMES: [&str; 3] = [
        "policyAssignmentId",
        "policyDefinitionReferenceId",
        "policyDefinitionId",
    ];
    let mut groups: BTreeMap<[String; 3], Vec<&Value>> = BTreeMap::new();
    for record in records {
        let key = NAMES.map(|name| text(record, name).to_lowercase());
        groups.entry(key).or_default().push(record);
    }
    groups
}

fn by_group<'a>(records: &[&'a Value]) -> BTreeMap<String, Vec<&'a Value>> {
    let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for record in records {
        let names = record["policyDefinitionGroupNames"]
            .as_array()
            .into_iter()
            .flatten();
        for name in names.filter_map(Value::as_str) {
            groups.entry(name.to_owned()).or_default().push(record);
        }
    }
    groups
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::summary;

    fn record(resource: &str, assignment: &str, reference: &str, state: &str) -> Value {
        json!({
            "resourceId": resource, "policyAssignmentId": assignment, "policyDefinitionReferenceId": reference,
            "policyDefinitionId": format!("/d/{reference}"), "complianceState": state, "policyDefinitionAction": "deny",
            "policyDefinitionGroupNames": if reference == "tags" { json!(["house"]) } else { Value::Null },
        })
    }

    #[test]
    fn resources_and_policies_are_counted_once_by_what_counts_most() {
        let records = [
            record("/a", "/p", "tags", "Compliant"),
            record("/A", "/p", "place", "NonCompliant"),
            record("/b", "/p", "tags", "Exempt"),
            record("/b", "/p", "place", "Compliant"),
            record("/c", "/q", "", "Unknown"),
        ];
        let found = summary(&records, |of| of.to_owned(), usize::MAX);
        let results = &found["results"];
        assert_eq!(
            (
                &results["nonCompliantResources"],
                &results["nonCompliantPolicies"]
            ),
            (&json!(1), &json!(1))
        );
        assert_eq!(
            results["resourceDetails"],
            json!([
                {"complianceState": "noncompliant", "count": 1},
                {"complianceState": "compliant", "count": 1},
                {"complianceState": "unknown", "count": 1},
            ])
        );
        let assignment = &found["policyAssignments"][0];
        assert_eq!(assignment["policyAssignmentId"], "/p");
        assert_eq!(assignment["results"]["nonCompliantPolicies"], 1);
        assert_eq!(
            assignment["policyDefinitions"][0]["results"]["resourceDetails"],
            json!([{"complianceState": "noncompliant", "count": 1}, {"complianceState": "compliant", "count": 1}])
        );
        assert_eq!(assignment["policyGroups"][0]["policyGroupName"], "house");
        assert_eq!(
            assignment["policyDefinitions"][0]["results"]["queryResultsUri"],
            "IsCompliant eq false and PolicyAssignmentId eq '/p' and PolicyDefinitionId eq '/d/place'"
        );
    }

    #[test]
    fn nothing_is_summarised_as_nothing() {
        let found = summary(&[], |of| of.to_owned(), 5);
        assert_eq!(found["results"]["nonCompliantResources"], 0);
        assert_eq!(found["policyAssignments"], json!([]));
    }
}
