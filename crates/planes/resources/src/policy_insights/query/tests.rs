use http::{HeaderMap, Method};
use nave_engine::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Query;

const COLUMNS: &[&str] = &[
    "timestamp",
    "resourceId",
    "policyAssignmentId",
    "policyDefinitionAction",
    "isCompliant",
    "policyDefinitionGroupNames",
];

fn records() -> Vec<Value> {
    let record = |at: u8, resource: &str, assignment: &str, action: &str, compliant: bool| {
        json!({
            "timestamp": format!("2026-11-24T12:00:0{at}Z"), "resourceId": resource, "policyAssignmentId": assignment,
            "policyDefinitionAction": action, "isCompliant": compliant,
            "policyDefinitionGroupNames": if action == "deny" { json!(["network"]) } else { Value::Null },
        })
    };
    vec![
        record(1, "/a", "/p1", "deny", false),
        record(2, "/b", "/p1", "deny", false),
        record(3, "/A", "/p2", "audit", false),
        record(4, "/b", "/p2", "audit", true),
    ]
}

fn request(query: &[(&str, &str)]) -> Request {
    Request {
        method: Method::POST,
        path: String::from("/"),
        query: query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        caller: None,
        host: String::new(),
        peer: None,
        correlation_id: Uuid::nil(),
    }
}

fn run(query: &[(&str, &str)]) -> Value {
    let query = Query::of(&request(query), COLUMNS).expect("a query");
    query.run(records().into_iter()).into()
}

#[test]
fn records_are_filtered_ordered_and_cut() {
    let select = ("$select", "ResourceId, policyassignmentid");
    let cases: [(&[(&str, &str)], Value); 6] = [
        (
            &[
                (
                    "$filter",
                    "IsCompliant eq false and (PolicyDefinitionAction eq 'Audit' or ResourceId eq '/B')",
                ),
                select,
            ],
            json!([{"resourceId": "/b", "policyAssignmentId": "/p1"}, {"resourceId": "/A", "policyAssignmentId": "/p2"}]),
        ),
        (
            &[
                ("$filter", "'network' IN PolicyDefinitionGroupNames"),
                ("$top", "1"),
                select,
            ],
            json!([{"resourceId": "/a", "policyAssignmentId": "/p1"}]),
        ),
        (
            &[
                ("$orderby", "PolicyAssignmentId, Timestamp asc"),
                ("$select", "timestamp"),
            ],
            json!([
                {"timestamp": "2026-11-24T12:00:03Z"}, {"timestamp": "2026-11-24T12:00:04Z"},
                {"timestamp": "2026-11-24T12:00:01Z"}, {"timestamp": "2026-11-24T12:00:02Z"},
            ]),
        ),
        (
            &[("$filter", "timestamp gt '2026-11-24 12:00:03'"), select],
            json!([{"resourceId": "/b", "policyAssignmentId": "/p2"}]),
        ),
        (
            &[
                (
                    "$filter",
                    "policyDefinitionGroupNames eq null and startswith(resourceId, '/a')",
                ),
                select,
            ],
            json!([{"resourceId": "/A", "policyAssignmentId": "/p2"}]),
        ),
        (&[("$top", "0")], json!([])),
    ];
    for (query, expected) in cases {
        assert_eq!(run(query), expected, "{query:?}");
    }
}

#[test]
fn records_are_grouped_and_counted() {
    let grouped = "groupby((PolicyAssignmentId, ResourceId))/groupby((PolicyAssignmentId), aggregate($count as Resources))";
    assert_eq!(
        run(&[("$apply", grouped), ("$orderby", "PolicyAssignmentId asc")]),
        json!([{"policyAssignmentId": "/p1", "Resources": 2}, {"policyAssignmentId": "/p2", "Resources": 2}])
    );
    assert_eq!(
        run(&[
            ("$filter", "policyDefinitionAction eq 'deny'"),
            ("$apply", "aggregate($count as N)")
        ]),
        json!([{"N": 2}])
    );
    assert_eq!(
        run(&[
            ("$filter", "policyDefinitionAction eq 'none'"),
            ("$apply", "aggregate($count as N)")
        ]),
        json!([{"N": 0}])
    );
    assert_eq!(
        run(&[(
            "$apply",
            "filter(isCompliant eq false)/aggregate(resourceId with countdistinct as N, timestamp with max as Last)"
        )]),
        json!([{"N": 2, "Last": "2026-11-24T12:00:03Z"}])
    );
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (option, text) in [
        ("$filter", "colour eq 'red'"),
        ("$filter", "resourceId eq"),
        ("$select", "colour"),
        ("$orderby", "colour"),
        ("$orderby", "resourceId upwards"),
        ("$top", "many"),
        ("$from", "yesterday"),
        ("$apply", "groupby((colour))"),
        ("$apply", "groupby((resourceId)"),
        ("$apply", "groupby((resourceId))/groupby((isCompliant))"),
        ("$apply", "aggregate(resourceId with median as M)"),
        ("$apply", "compute(1 as X)"),
        ("$apply", "resourceId)))"),
    ] {
        let error = Query::of(&request(&[(option, text)]), COLUMNS)
            .err()
            .expect("a refusal");
        assert_eq!(
            (error.status(), error.target.as_deref()),
            (400, Some(option)),
            "{text}: {error}"
        );
    }
}
