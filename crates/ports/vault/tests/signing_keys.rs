//! Tokens as an attacker and as a verifier elsewhere see them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::PermissionsExt};

use aws_lc_rs::{hmac, signature};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nave_vault::{KeyUse, SigningKeys, TokenError, VaultError};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn new_keys() -> (tempfile::TempDir, SigningKeys) {
    let home = tempfile::tempdir().unwrap();
    let keys = SigningKeys::open_or_create(home.path(), NOW).unwrap();
    (home, keys)
}

fn claims() -> Value {
    json!({"iss": "https://nave/t", "aud": "https://management", "oid": "me", "nbf": NOW - 10, "exp": NOW + 10})
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_token_is_accepted_with_its_claims_from_nbf_until_exp() {
    let (_home, keys) = new_keys();
    let token = keys.sign(&claims()).unwrap();
    let verified = keys.verify(&token, NOW).unwrap();
    assert_eq!(verified.claims, claims());
    assert_eq!(verified.key_id, keys.key_id());
    assert_eq!(verified.issuer(), Some("https://nave/t"));
    assert_eq!(verified.audiences(), ["https://management"]);
    assert_eq!(keys.verify(&token, NOW - 11), Err(TokenError::NotYetValid));
    assert!(keys.verify(&token, NOW - 10).is_ok());
    assert!(keys.verify(&token, NOW + 9).is_ok());
    assert_eq!(keys.verify(&token, NOW + 10), Err(TokenError::Expired));
}

#[test]
fn the_audience_may_be_a_list_or_missing() {
    let (_home, keys) = new_keys();
    let token = keys.sign(&json!({"aud": ["a", "b", 1], "exp": NOW + 1})).unwrap();
    let verified = keys.verify(&token, NOW).unwrap();
    assert_eq!(verified.audiences(), ["a", "b"]);
    assert_eq!(verified.issuer(), None);
}

#[test]
fn a_token_without_an_understandable_expiry_is_malformed() {
    let (_home, keys) = new_keys();
    for claims in [
        json!({}),
        json!({"exp": "soon"}),
        json!({"exp": null}),
        json!({"exp": NOW + 1, "nbf": "x"}),
        json!([]),
    ] {
        let token = keys.sign(&claims).unwrap();
        assert_eq!(keys.verify(&token, NOW), Err(TokenError::Malformed), "{claims}");
    }
}

#[test]
fn only_the_signed_content_is_accepted() {
    let (_home, keys) = new_keys();
    let token = keys.sign(&claims()).unwrap();
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}")
    };
    let mut forged = claims();
    forged["oid"] = json!("somebody else");
    let forged = format!("{header}.{}.{signature}", part(&forged));
    assert_eq!(keys.verify(&forged, NOW), Err(TokenError::BadSignature));
    let unsigned = &token[..token.len() - signature.len()];
    assert_eq!(keys.verify(unsigned, NOW), Err(TokenError::BadSignature));
}

#[test]
fn what_is_no_jwt_is_malformed() {
    let (_home, keys) = new_keys();
    let token = keys.sign(&claims()).unwrap();
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "x",
        &token[1..],
        &format!("{token}.x"),
        &token.replace('.', " "),
    ] {
        assert_eq!(keys.verify(text, NOW), Err(TokenError::Malformed), "{text}");
    }
}

#[test]
fn the_token_does_not_choose_the_algorithm() {
    let (_home, keys) = new_keys();
    let kid = keys.key_id();
    let payload = part(&claims());
    for alg in ["none", "None", "HS256", "ES256", "PS256", "RS512"] {
        let header = part(&json!({"alg": alg, "typ": "JWT", "kid": kid}));
        for signature in ["", "AAAA"] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(keys.verify(&token, NOW), Err(TokenError::Malformed), "{alg}");
        }
    }
    let header = part(&json!({"alg": "HS256", "kid": "any"}));
    let before_looking_for_a_key = keys.verify(&format!("{header}.{payload}.AAAA"), NOW);
    assert_eq!(before_looking_for_a_key, Err(TokenError::Malformed));
}

#[test]
fn the_public_key_is_not_taken_for_a_shared_secret() {
    let (_home, keys) = new_keys();
    let jwks = keys.jwks();
    let modulus = jwks["keys"][0]["n"].as_str().unwrap();
    let header = part(&json!({"alg": "HS256", "kid": keys.key_id()}));
    let message = format!("{header}.{}", part(&claims()));
    for secret in [
        modulus.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(modulus).unwrap(),
    ] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(keys.verify(&token, NOW), Err(TokenError::Malformed));
    }
}

#[test]
fn another_installation_s_token_is_refused_even_under_our_key_s_id() {
    let ((_one, ours), (_two, theirs)) = (new_keys(), new_keys());
    let token = theirs.sign(&claims()).unwrap();
    assert_eq!(ours.verify(&token, NOW), Err(TokenError::UnknownKey));
    // Signed properly by their key, over a header that names ours.
    let header = part(&json!({"alg": "RS256", "typ": "JWT", "kid": ours.key_id()}));
    let (_, rest) = token.split_once('.').unwrap();
    assert_eq!(
        ours.verify(&format!("{header}.{rest}"), NOW),
        Err(TokenError::BadSignature)
    );
    let nameless = part(&json!({"alg": "RS256", "typ": "JWT"}));
    assert_eq!(
        ours.verify(&format!("{nameless}.{rest}"), NOW),
        Err(TokenError::Malformed)
    );
}

const DAY: i64 = 24 * 60 * 60;

fn published(keys: &SigningKeys) -> Vec<String> {
    let document = keys.jwks();
    let keys = document["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn token_until(keys: &SigningKeys, end: i64) -> String {
    keys.sign(&json!({ "exp": end })).unwrap()
}

#[test]
fn a_new_key_is_published_before_it_signs_and_the_old_one_goes_when_its_last_token_is_over() {
    let (home, keys) = new_keys();
    let (old_id, first) = (keys.key_id(), token_until(&keys, NOW + 60));
    keys.rotate(NOW, NOW + 900).unwrap();
    let new_id = published(&keys)[0].clone();
    assert_eq!(published(&keys), [new_id.clone(), old_id.clone()]);
    assert_eq!(
        (keys.key_id(), keys.verify(&first, NOW).is_ok()),
        (old_id.clone(), true)
    );

    keys.follow(NOW + 899).unwrap();
    let last_end = NOW + 899 + DAY;
    let last = token_until(&keys, last_end);
    keys.follow(NOW + 900).unwrap();
    assert_eq!(keys.key_id(), new_id);
    let uses = keys.uses(NOW + 900);
    let until = NOW + 900 + DAY + 600;
    assert_eq!(
        uses,
        [
            (new_id.clone(), KeyUse::Signs),
            (old_id.clone(), KeyUse::VerifiesUntil(until))
        ]
    );
    let restarted = SigningKeys::open_or_create(home.path(), NOW + 900).unwrap();
    assert_eq!(restarted.key_id(), new_id, "after a restart, too");
    assert!(restarted.verify(&first, NOW).is_ok());

    keys.follow(last_end - 1).unwrap();
    assert_eq!(keys.verify(&last, last_end - 1).unwrap().key_id, old_id);
    keys.follow(until - 1).unwrap();
    assert!(keys.has(&old_id));
    keys.follow(until).unwrap();
    assert_eq!((published(&keys), keys.has(&old_id)), (vec![new_id], false));
    assert!(!home.path().join("keys/signing/0001.pem").exists());
    assert_eq!(keys.verify(&last, NOW), Err(TokenError::UnknownKey));
}

#[test]
fn a_rotation_by_another_process_is_followed_and_its_tokens_verify_even_before() {
    let (home, here) = new_keys();
    let elsewhere = SigningKeys::open_or_create(home.path(), NOW).unwrap();
    elsewhere.rotate(NOW, NOW).unwrap();
    let token = token_until(&elsewhere, NOW + 10);
    assert!(here.verify(&token, NOW).is_ok(), "the unknown key makes it look");
    assert_eq!(here.key_id(), elsewhere.key_id());
    elsewhere.rotate(NOW, NOW + 60).unwrap();
    here.follow(NOW).unwrap();
    assert_eq!(published(&here), published(&elsewhere));
    assert_eq!(here.uses(NOW)[0].1, KeyUse::SignsFrom(NOW + 60));
}

#[test]
fn keys_that_were_replaced_verify_nothing_any_more() {
    let (home, keys) = new_keys();
    let elsewhere = SigningKeys::open_or_create(home.path(), NOW).unwrap();
    let old = token_until(&keys, NOW + 10);
    elsewhere.rotate(NOW, NOW + 60).unwrap();
    elsewhere.replace_all(NOW).unwrap();
    keys.follow(NOW).unwrap();
    assert_eq!(keys.verify(&old, NOW), Err(TokenError::UnknownKey));
    assert_eq!(published(&keys), [keys.key_id()]);
    assert_eq!(keys.key_id(), elsewhere.key_id());
    assert!(keys.verify(&token_until(&elsewhere, NOW + 10), NOW).is_ok());
}

/// A verifier that knows nothing but the JWKS document and RFC 7515.
#[test]
fn the_published_key_verifies_the_token_without_our_code() {
    let (_home, keys) = new_keys();
    let jwks = keys.jwks();
    let key = &jwks["keys"][0];
    assert_eq!(
        (&key["kty"], &key["use"], &key["alg"]),
        (&json!("RSA"), &json!("sig"), &json!("RS256"))
    );
    for private in ["d", "p", "q", "k"] {
        assert!(key.get(private).is_none());
    }
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    assert_eq!(bytes("n").len() * 8, 2048);
    let public = signature::RsaPublicKeyComponents {
        n: bytes("n"),
        e: bytes("e"),
    };
    let token = keys.sign(&claims()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public
        .verify(
            &signature::RSA_PKCS1_2048_8192_SHA256,
            message.as_bytes(),
            &signature,
        )
        .unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": key["kid"]}));
}

#[test]
fn key_files_are_private_pkcs8_and_broken_ones_are_reported() {
    let (home, _keys) = new_keys();
    let path = home.path().join("keys/signing/0001.pem");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    for directory in ["keys", "keys/signing"] {
        let mode = fs::metadata(home.path().join(directory))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{directory}");
    }
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----\n")
    );
    fs::write(
        &path,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    let error = SigningKeys::open_or_create(home.path(), NOW).unwrap_err();
    assert!(matches!(error, VaultError::KeyFile { .. }), "{error}");
}
