//! Certificates, and the JWTs that others sign, as their owners and as an attacker make them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use nave_vault::{BadCertificate, Certificate, Foreign, PublicKeys, Secret, TokenError};
use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PKCS_RSA_SHA256, RsaKeySize, SignatureAlgorithm,
};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    if *algorithm == PKCS_RSA_SHA256 {
        KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048).unwrap()
    } else {
        KeyPair::generate_for(algorithm).unwrap()
    }
}

fn certificate(key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(vec![String::from("app.test")]).unwrap();
    params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    params.self_signed(key).unwrap().der().to_vec()
}

fn signed(key: &KeyPair, header: Header, claims: &Value) -> Foreign {
    let pem = key.serialize_pem();
    let encoding = match header.alg {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    foreign(encode(&header, claims, &encoding.unwrap()).unwrap()).unwrap()
}

fn foreign(token: String) -> Result<Foreign, TokenError> {
    Foreign::read(Secret::new(token))
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_certificate_verifies_what_its_key_signed_with_an_algorithm_of_the_key() {
    let rsa = key(&PKCS_RSA_SHA256);
    let (p256, p384) = (key(&PKCS_ECDSA_P256_SHA256), key(&PKCS_ECDSA_P384_SHA384));
    let claims = json!({ "iss": "app" });
    for (key, good) in [
        (&rsa, &[Algorithm::RS256, Algorithm::PS256, Algorithm::RS512][..]),
        (&p256, &[Algorithm::ES256]),
        (&p384, &[Algorithm::ES384]),
    ] {
        let certificate = Certificate::from_der(certificate(key)).unwrap();
        for algorithm in good {
            let token = signed(key, Header::new(*algorithm), &claims);
            assert_eq!(token.verify(certificate.key()), Ok(()), "{algorithm:?}");
            assert_eq!(token.claims(), &claims);
        }
        for (other, algorithm) in [(&rsa, Algorithm::RS256), (&p256, Algorithm::ES256)] {
            if !std::ptr::eq(other, key) {
                let token = signed(other, Header::new(algorithm), &claims);
                assert_eq!(token.verify(certificate.key()), Err(TokenError::BadSignature));
            }
        }
    }
}

#[test]
fn a_certificate_is_read_from_base64_and_pem_and_known_by_its_thumbprints() {
    let key = key(&PKCS_ECDSA_P256_SHA256);
    let der = certificate(&key);
    let base64 = STANDARD.encode(&der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\r\n")
    );
    for text in [&base64, &pem, &lines.join("\n")] {
        let read = Certificate::from_base64(text).unwrap();
        assert_eq!(read.to_base64(), base64);
        assert_eq!(
            (read.thumbprint().len(), read.thumbprint_sha256().len()),
            (20, 32)
        );
        assert_eq!((read.not_before, read.not_after), (1_798_761_600, 1_830_297_600));
    }
    let read = Certificate::from_base64(&base64).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.x5t = Some(URL_SAFE.encode(read.thumbprint()));
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(read.thumbprint_sha256()));
    let token = signed(&key, header, &json!({}));
    assert_eq!(token.thumbprint(), Some(read.thumbprint()), "with MSAL's padding");
    assert_eq!(token.thumbprint_sha256(), Some(read.thumbprint_sha256()));
}

#[test]
fn what_is_no_certificate_to_prove_oneself_with_is_said() {
    let read = |text: &str| Certificate::from_base64(text).unwrap_err();
    assert_eq!(read("what?"), BadCertificate::Encoding);
    assert_eq!(read("AAAA"), BadCertificate::NotX509);
    assert_eq!(read(""), BadCertificate::NotX509);
    let der = certificate(&key(&PKCS_ED25519));
    assert_eq!(
        Certificate::from_der(der.clone()).unwrap_err(),
        BadCertificate::Key
    );
    let longer = [der, vec![0]].concat();
    assert_eq!(
        Certificate::from_der(longer).unwrap_err(),
        BadCertificate::NotX509
    );
}

fn jwk(key: &KeyPair, algorithm: Algorithm, id: &str) -> Value {
    let pem = key.serialize_pem();
    let encoding = match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    let mut jwk = json!(Jwk::from_encoding_key(&encoding.unwrap(), algorithm).unwrap());
    jwk["kid"] = json!(id);
    jwk
}

#[test]
fn a_key_set_gives_the_key_a_token_names() {
    let (one, two) = (key(&PKCS_RSA_SHA256), key(&PKCS_ECDSA_P256_SHA256));
    let (first, second) = (
        jwk(&one, Algorithm::RS256, "one"),
        jwk(&two, Algorithm::ES256, "two"),
    );
    let secret = json!({ "kty": "oct", "k": "AAAA", "kid": "secret" });
    let mut enciphers = first.clone();
    (enciphers["use"], enciphers["kid"]) = (json!("enc"), json!("enciphers"));
    let keys = PublicKeys::from_jwks(&json!({ "keys": [first.clone(), second, secret, enciphers, 1, {}] }));
    let token = |id: Option<&str>| {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = id.map(str::to_owned);
        signed(&two, header, &json!({}))
    };
    assert_eq!(
        token(Some("two")).verify(keys.of(&token(Some("two"))).unwrap()),
        Ok(())
    );
    for unknown in [None, Some("three"), Some("secret"), Some("enciphers")] {
        assert!(keys.of(&token(unknown)).is_none(), "{unknown:?}");
    }
    let wrong = token(Some("one"));
    assert_eq!(
        wrong.verify(keys.of(&wrong).unwrap()),
        Err(TokenError::BadSignature)
    );
    let only = PublicKeys::from_jwks(&json!({ "keys": [first] }));
    assert!(only.of(&token(None)).is_some(), "the only key there is");
    assert!(
        PublicKeys::from_jwks(&json!("nothing"))
            .of(&token(None))
            .is_none()
    );
}

#[test]
fn an_unsigned_or_broken_token_is_none_and_a_public_key_is_no_shared_secret() {
    for text in [
        "",
        "a.b.c",
        "..",
        &format!("{}.{}.", part(&json!({ "alg": "none" })), part(&json!({}))),
    ] {
        assert_eq!(
            foreign(text.to_owned()).err(),
            Some(TokenError::Malformed),
            "{text}"
        );
    }
    let list = format!("{}.{}.AAAA", part(&json!({ "alg": "RS256" })), part(&json!([])));
    assert_eq!(foreign(list).err(), Some(TokenError::Malformed));
    let rsa = key(&PKCS_RSA_SHA256);
    let certificate = Certificate::from_der(certificate(&rsa)).unwrap();
    let public = STANDARD.decode(certificate.to_base64()).unwrap();
    let forged = encode(
        &Header::new(Algorithm::HS256),
        &json!({}),
        &EncodingKey::from_secret(&public),
    )
    .unwrap();
    assert_eq!(
        foreign(forged).unwrap().verify(certificate.key()),
        Err(TokenError::BadSignature)
    );
}

#[test]
fn times_may_be_fractions_and_clocks_may_differ() {
    let rsa = key(&PKCS_RSA_SHA256);
    let check =
        |claims: Value, now: i64| signed(&rsa, Header::new(Algorithm::RS256), &claims).check_times(now, 10);
    assert_eq!(check(json!({ "exp": NOW as f64 + 0.5 }), NOW + 9), Ok(()));
    assert_eq!(check(json!({ "exp": NOW }), NOW + 10), Err(TokenError::Expired));
    assert_eq!(check(json!({ "exp": NOW + 99, "nbf": NOW }), NOW - 10), Ok(()));
    assert_eq!(
        check(json!({ "exp": NOW + 99, "nbf": NOW }), NOW - 11),
        Err(TokenError::NotYetValid)
    );
    for bad in [
        json!({}),
        json!({ "exp": "soon" }),
        json!({ "exp": NOW + 9, "nbf": "x" }),
    ] {
        assert_eq!(check(bad, NOW), Err(TokenError::Malformed));
    }
}
