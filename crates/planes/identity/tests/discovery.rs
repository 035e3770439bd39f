//! What clients ask before they sign anybody in.

mod common;

use common::*;
use http::Method;
use serde_json::{Value, json};

async fn get(nave: &Nave, path: &str) -> Answer {
    nave.send(ask(Method::GET, path)).await
}

#[tokio::test]
async fn the_cloud_has_the_shape_of_the_version_asked_for() {
    let nave = Nave::start().await;
    let cloud = async |version: &str| {
        get(&nave, &format!("/metadata/endpoints?api-version={version}"))
            .await
            .expect(200)
    };
    let new = cloud("2022-09-01").await;
    for (pointer, value) in [
        ("/name", json!("nave")),
        ("/resourceManager", json!(ORIGIN)),
        ("/portal", json!(ORIGIN)),
        (
            "/authentication/loginEndpoint",
            json!("https://nave.test/adfs/nave"),
        ),
        ("/authentication/audiences/0", json!(ORIGIN)),
        ("/authentication/tenant", json!("common")),
        ("/authentication/identityProvider", json!("AAD")),
        ("/microsoftGraphResourceId", json!("https://nave.test/graph/")),
        ("/suffixes/storage", json!("core.nave.test")),
        ("/suffixes/keyVaultDns", json!("vault.nave.test")),
    ] {
        assert_eq!(new.pointer(pointer), Some(&value), "{pointer}");
    }
    assert_eq!(cloud("2019-05-01").await, json!([new]));
    assert_eq!(get(&nave, "/metadata/endpoints").await.expect(200), new);
    let old = cloud("2015-01-01").await;
    assert_eq!(old["graphEndpoint"], "https://nave.test/graph/");
    assert_eq!(old["authentication"]["audiences"][0], ORIGIN);
    assert!(old.get("suffixes").is_none());
}

#[tokio::test]
async fn every_form_of_the_authority_leads_to_the_plain_endpoints() {
    let nave = Nave::start().await;
    for form in [
        format!("/{TENANT}/v2.0"),
        String::from("/common/v2.0"),
        String::from("/organizations/v2.0"),
        String::from("/adfs"),
        String::from("/adfs/nave"),
        format!("/adfs/nave/{TENANT}"),
        format!("/adfs/{TENANT}"),
        String::from("/contoso.com/v2.0"),
    ] {
        let document = get(&nave, &format!("{form}/.well-known/openid-configuration"))
            .await
            .expect(200);
        assert_eq!(document["issuer"], format!("{ORIGIN}/{TENANT}/v2.0"), "{form}");
        for (member, tail) in [
            ("token_endpoint", "oauth2/v2.0/token"),
            ("authorization_endpoint", "oauth2/v2.0/authorize"),
            ("device_authorization_endpoint", "oauth2/v2.0/devicecode"),
            ("jwks_uri", "discovery/v2.0/keys"),
        ] {
            assert_eq!(
                document[member],
                format!("{ORIGIN}/{TENANT}/{tail}"),
                "{form} {member}"
            );
        }
    }
    for form in [
        "/11111111-1111-1111-1111-111111111111/v2.0",
        "/adfs/other",
        "/nave",
        "",
    ] {
        let answer = get(&nave, &format!("{form}/.well-known/openid-configuration")).await;
        assert_eq!((answer.status, answer.code()), (404, "NotFound"), "{form}");
    }
}

#[tokio::test]
async fn the_published_keys_are_those_that_sign() {
    let nave = Nave::start().await;
    let tokens = nave.joe(ARM).await;
    let header = tokens["access_token"]
        .as_str()
        .and_then(|token| token.split('.').next())
        .expect("a JWT");
    let header =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).expect("base64");
    let header: Value = serde_json::from_slice(&header).expect("header");
    for form in [
        format!("/{TENANT}/discovery/v2.0/keys"),
        String::from("/adfs/discovery/keys"),
    ] {
        let keys = get(&nave, &form).await.expect(200);
        assert_eq!(keys["keys"][0]["kid"], header["kid"], "{form}");
        assert_eq!(keys["keys"][0]["kty"], "RSA");
        assert!(keys["keys"][0].get("d").is_none());
    }
}

#[tokio::test]
async fn hosts_and_realms() {
    let nave = Nave::start().await;
    let instance = get(
        &nave,
        "/common/discovery/instance?api-version=1.1&authorization_endpoint=x",
    )
    .await
    .expect(200);
    assert_eq!(instance["metadata"][0]["aliases"], json!(["nave.test"]));
    let document = instance["tenant_discovery_endpoint"]
        .as_str()
        .expect("address")
        .trim_start_matches(ORIGIN);
    get(&nave, document).await.expect(200);
    for name in ["joe@contoso.com", "nobody@elsewhere.test"] {
        let realm = get(&nave, &format!("/common/userrealm/{name}?api-version=1.0"))
            .await
            .expect(200);
        assert_eq!(realm["account_type"], "Managed", "{name}");
    }
}
