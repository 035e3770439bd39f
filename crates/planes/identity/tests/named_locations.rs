//! Networks with names, and the security attributes of principals: what conditions ask the directory for.

mod common;

use common::*;
use http::Method;
use serde_json::{Value, json};

const LOCATIONS: &str = "/identity/conditionalAccess/namedLocations";

fn office() -> Value {
    json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
        "ipRanges": [
            { "@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24" },
            { "cidrAddress": "2001:db8::/32" },
        ],
    })
}

#[tokio::test]
async fn a_location_is_made_changed_and_deleted() {
    let nave = Nave::start().await;
    let made = nave.graph(Method::POST, LOCATIONS, office()).await.expect(201);
    let id = made["id"].as_str().expect("an id");
    assert_eq!(made["@odata.type"], "#microsoft.graph.ipNamedLocation");
    assert_eq!(
        made["ipRanges"][1],
        json!({ "@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/32" })
    );
    let one = format!("{LOCATIONS}/{id}");
    let ranges = json!({ "ipRanges": [{ "cidrAddress": "198.51.100.0/24" }] });
    nave.graph(Method::PATCH, &one, ranges).await.expect(204);
    let read = nave.get(&one).await.expect(200);
    assert_eq!(
        (
            &read["displayName"],
            &read["isTrusted"],
            &read["ipRanges"][0]["cidrAddress"]
        ),
        (&json!("Office"), &json!(true), &json!("198.51.100.0/24"))
    );
    assert_eq!(nave.get(LOCATIONS).await.each("displayName"), ["Office"]);
    nave.graph(Method::DELETE, &one, Value::Null).await.expect(204);
    nave.get(&one).await.expect(404);
    nave.graph(Method::DELETE, &one, Value::Null).await.expect(404);
}

#[tokio::test]
async fn what_is_no_location_is_refused() {
    let nave = Nave::start().await;
    nave.graph(Method::POST, LOCATIONS, office()).await.expect(201);
    let with = |name: &str, value: Value| {
        let mut body = office();
        body["displayName"] = "Other".into();
        body[name] = value;
        body
    };
    let table = [
        (with("ipRanges", json!([])), 400, "1 to 2000 ranges"),
        (with("ipRanges", json!(null)), 400, "must be a list of ranges"),
        (
            with("ipRanges", json!([{ "cidrAddress": "203.0.113.0/33" }])),
            400,
            "'203.0.113.0/33' is not a range",
        ),
        (with("ipRanges", json!([{}])), 400, "'' is not a range"),
        (with("isTrusted", json!("yes")), 400, "isTrusted"),
        (with("displayName", json!(null)), 400, "displayName"),
        (
            with("@odata.type", json!("#microsoft.graph.countryNamedLocation")),
            400,
            "countryNamedLocation",
        ),
        (
            with("displayName", json!("OFFICE")),
            409,
            "Another named location",
        ),
    ];
    for (body, status, message) in table {
        let answer = nave.graph(Method::POST, LOCATIONS, body.clone()).await;
        let told = answer.json.to_string();
        assert_eq!(answer.status, status, "{body}: {told}");
        assert!(told.contains(message), "{body}: {told}");
    }
}

#[tokio::test]
async fn a_member_reads_locations_and_does_not_write_them() {
    let nave = Nave::start().await;
    let joe = person(JOE, "joe@contoso.com");
    nave.graph_as(&joe, Method::GET, LOCATIONS, Value::Null)
        .await
        .expect(200);
    nave.graph_as(&joe, Method::POST, LOCATIONS, office())
        .await
        .expect(403);
}

#[tokio::test]
async fn security_attributes_are_kept_as_they_are_patched() {
    let nave = Nave::start().await;
    for object in [format!("/users/{JOE}"), format!("/servicePrincipals/{ROBOT}")] {
        let set = |value: Value| json!({ "customSecurityAttributes": { "Engineering": value } });
        let typed = json!({
            "@odata.type": "#Microsoft.DirectoryServices.CustomSecurityAttributeValue",
            "Project@odata.type": "#Collection(String)", "Project": ["Baker", "Cascade"], "Certified": true,
        });
        nave.graph(Method::PATCH, &object, set(typed)).await.expect(204);
        nave.graph(Method::PATCH, &object, set(json!({ "Certified": null })))
            .await
            .expect(204);
        let read = nave
            .get(&format!("{object}?$select=customSecurityAttributes"))
            .await
            .expect(200);
        let kept = &read["customSecurityAttributes"]["Engineering"];
        assert_eq!(kept["Project"], json!(["Baker", "Cascade"]), "{object}");
        assert!(kept.get("Certified").is_none(), "{object}");
    }
}
