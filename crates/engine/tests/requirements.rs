//! Conditional requirements: what an assignment asks of a sign-in and of where a request comes from.

mod common;

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::*;
use http::{Method, header::WWW_AUTHENTICATE};
use nave_engine::{Caller, Proof, Put, network};
use serde_json::{Value, json};
use uuid::Uuid;

const MFA: &str = "@Environment[Nave.Identity:multiFactor] BoolEquals true";
const METHODS: &str =
    "@Environment[Nave.Identity:authenticationMethods] ForAnyOfAnyValues:StringEquals {'fido', 'otp'}";
const OFFICE: &str = "@Environment[Nave.Network:locations] ForAnyOfAnyValues:StringEquals {'Office'}";
const ADDRESS: &str = "@Environment[Nave.Network:address] StringEquals '203.0.113.7'";
const CLEARED: &str = "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Engineering_Project] \
                       ForAnyOfAnyValues:StringEquals {'Cascade'}";

/// Gives a role on the group under a condition.
async fn give(nave: &Nave, principal: Uuid, condition: &str) {
    let mut body = assigns(READER, principal);
    body["properties"]["condition"] = condition.into();
    body["properties"]["conditionVersion"] = "2.0".into();
    nave.make(&assignment_id(RG), body).await;
}

async fn status(nave: &Nave, caller: &Caller) -> u16 {
    nave.send(caller, Method::GET, RG, Value::Null).await.status
}

fn signed_in(caller: &Caller, methods: &[&str]) -> Caller {
    let mut caller = caller.clone();
    caller.sign_in.methods = methods.iter().map(|method| (*method).to_owned()).collect();
    caller
}

fn from(caller: &Caller, address: &str) -> Caller {
    let mut caller = caller.clone();
    caller.sign_in.address = Some(address.parse::<IpAddr>().expect(address));
    caller
}

#[tokio::test]
async fn a_sign_in_must_be_what_the_condition_asks_for() {
    let nave = Nave::start().await;
    let table: [(&str, &[&str], u16); 7] = [
        (MFA, &["pwd", "otp", "mfa"], 200),
        (MFA, &["pwd"], 401),
        (MFA, &[], 401),
        (METHODS, &["fido"], 200),
        (METHODS, &["pwd", "otp", "mfa"], 200),
        (METHODS, &["pwd"], 403),
        (METHODS, &[], 403),
    ];
    for (condition, methods, expected) in table {
        let joe = nave.user(&format!("{}@contoso.com", Uuid::new_v4())).await;
        give(&nave, joe.object_id, condition).await;
        let answer = status(&nave, &signed_in(&joe, methods)).await;
        assert_eq!(answer, expected, "{condition} {methods:?}");
    }
}

#[tokio::test]
async fn a_request_must_come_from_where_the_condition_says() {
    let nave = Nave::start().await;
    let location = network::location_id(Uuid::new_v4());
    let ranges = json!([{ "cidrAddress": "203.0.113.0/24" }, { "cidrAddress": "2001:db8::/32" }]);
    let office = Put::new(location, json!({ "displayName": "Office", "ipRanges": ranges }));
    nave.put(office).await;
    let table = [
        (OFFICE, Some("203.0.113.9"), 200),
        (OFFICE, Some("::ffff:203.0.113.9"), 200),
        (OFFICE, Some("2001:db8::1"), 200),
        (OFFICE, Some("198.51.100.1"), 403),
        (OFFICE, None, 403),
        (ADDRESS, Some("203.0.113.7"), 200),
        (ADDRESS, Some("203.0.113.8"), 403),
    ];
    for (condition, address, expected) in table {
        let joe = nave.user(&format!("{}@contoso.com", Uuid::new_v4())).await;
        give(&nave, joe.object_id, condition).await;
        let joe = address.map_or_else(|| joe.clone(), |address| from(&joe, address));
        assert_eq!(status(&nave, &joe).await, expected, "{condition} {address:?}");
    }
}

#[tokio::test]
async fn the_directory_says_what_a_principal_is_cleared_for() {
    let nave = Nave::start().await;
    for (projects, expected) in [
        (json!(["Baker", "Cascade"]), 200),
        (json!(["Baker"]), 403),
        (Value::Null, 403),
    ] {
        let joe = nave.user(&format!("{}@contoso.com", Uuid::new_v4())).await;
        let mut row = person(joe.object_id, &joe.name, true);
        row.sent["customSecurityAttributes"] = json!({ "Engineering": { "Project": projects } });
        nave.put(row).await;
        give(&nave, joe.object_id, CLEARED).await;
        assert_eq!(status(&nave, &joe).await, expected, "{projects}");
    }
}

/// The claims of a reply's challenge.
async fn challenged(nave: &Nave, caller: &Caller) -> (u16, Value, Option<Value>) {
    let reply = nave
        .engine
        .serve(request(Some(caller), Method::GET, RG, Value::Null))
        .await;
    let header = reply.headers.get(WWW_AUTHENTICATE);
    let claims = header.map(|header| {
        let header = header.to_str().expect("text");
        let site = nave.engine.site();
        let expected = format!(
            "Bearer authorization_uri=\"{}/{}\", error=\"insufficient_claims\", claims=\"",
            site.origin, site.tenant
        );
        let rest = header.strip_prefix(&expected).expect(header);
        let claims = STANDARD.decode(rest.strip_suffix('"').expect(rest)).expect(rest);
        serde_json::from_slice(&claims).expect("JSON")
    });
    (reply.status, reply.as_json().cloned().unwrap_or_default(), claims)
}

#[tokio::test]
async fn who_lacks_only_the_second_factor_is_asked_for_it() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    give(&nave, joe.object_id, MFA).await;
    let (status, body, claims) = challenged(&nave, &signed_in(&joe, &["pwd"])).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("InteractionRequired"))
    );
    let message = body["error"]["message"].as_str().expect("message");
    assert!(message.starts_with("A second factor is needed"), "{message}");
    assert!(
        body["error"]["additionalInfo"][0]["info"]["id"].is_string(),
        "{body}"
    );
    let expected = json!({ "access_token": { "acrs": { "essential": true, "value": "c1" } } });
    assert_eq!(claims, Some(expected));
}

#[tokio::test]
async fn who_lacks_more_is_not() {
    let nave = Nave::start().await;
    let joe = nave.user("joe@contoso.com").await;
    give(&nave, joe.object_id, &format!("{MFA} AND {OFFICE}")).await;
    let eve = nave.user("eve@contoso.com").await;
    for caller in [&joe, &eve, &signed_in(&joe, &["pwd", "mfa"])] {
        let (status, body, claims) = challenged(&nave, caller).await;
        assert_eq!((status, claims), (403, None), "{body}");
    }
}

#[tokio::test]
async fn a_client_that_heeds_challenges_is_told_to_get_a_newer_token() {
    let nave = Nave::start().await;
    let mut joe = nave.user_with("joe@contoso.com", READER, RG).await;
    joe.sign_in.proof = Proof::Epoch(0);
    let mut row = person(joe.object_id, &joe.name, true);
    row.own = json!({ "epoch": 1 });
    nave.put(row).await;
    let (status, _, claims) = challenged(&nave, &joe).await;
    assert_eq!((status, claims), (401, None));
    joe.sign_in.heeds_challenges = true;
    let (status, body, claims) = challenged(&nave, &joe).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("InvalidAuthenticationToken"))
    );
    let now = nave.engine.world().now().as_second().to_string();
    let expected = json!({ "access_token": { "nbf": { "essential": true, "value": now } } });
    assert_eq!(claims, Some(expected));
}
