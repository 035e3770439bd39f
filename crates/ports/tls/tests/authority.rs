//! What is made, what is kept over a restart, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use nave_tls::{Authority, TlsError, own_certificate};
use x509_parser::{extensions::ParsedExtension, parse_x509_certificate, pem::parse_x509_pem};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

fn open(home: &Path, base: &str, now: i64) -> Authority {
    Authority::open_or_create(home, base, now).unwrap()
}

fn read(home: &Path, name: &str) -> String {
    fs::read_to_string(home.join("tls").join(name)).unwrap()
}

/// First and last valid second of a certificate file.
fn validity(home: &Path, name: &str) -> (i64, i64) {
    let (_, pem) = parse_x509_pem(read(home, name).as_bytes()).unwrap();
    let validity = pem.parse_x509().unwrap().validity().clone();
    (validity.not_before.timestamp(), validity.not_after.timestamp())
}

#[test]
fn a_restart_keeps_authority_and_certificate() {
    let home = tempfile::tempdir().unwrap();
    let first = open(home.path(), "localhost", NOW);
    let leaf = read(home.path(), "leaf.pem");
    let second = open(home.path(), "localhost", NOW + 300 * DAY);
    assert_eq!(first.ca_pem(), second.ca_pem());
    assert_eq!(leaf, read(home.path(), "leaf.pem"));
}

#[test]
fn lifetimes_are_ten_years_and_at_most_397_days() {
    let home = tempfile::tempdir().unwrap();
    let authority = open(home.path(), "localhost", NOW);
    assert_eq!(authority.ca_not_after(), NOW + 3650 * DAY);
    assert_eq!(validity(home.path(), "ca.pem").1, NOW + 3650 * DAY);
    let (from, until) = validity(home.path(), "leaf.pem");
    assert!(from < NOW && until > NOW + 390 * DAY);
    assert!(until - from < 397 * DAY);
}

/// What OpenSSL asks for when it is strict, as Python is from 3.13 on.
#[test]
fn certificates_say_what_strict_clients_ask_for() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), "localhost", NOW));
    let (ca, leaf) = (read(home.path(), "ca.pem"), read(home.path(), "leaf.pem"));
    let (ca, leaf) = (
        parse_x509_pem(ca.as_bytes()).unwrap().1,
        parse_x509_pem(leaf.as_bytes()).unwrap().1,
    );
    let (ca, leaf) = (ca.parse_x509().unwrap(), leaf.parse_x509().unwrap());

    let (mut identifier_of_ca, mut authority_of_leaf) = (None, None);
    for extension in ca.extensions() {
        if let ParsedExtension::SubjectKeyIdentifier(identifier) = extension.parsed_extension() {
            identifier_of_ca = Some(identifier.clone());
        }
    }
    for extension in leaf.extensions() {
        if let ParsedExtension::AuthorityKeyIdentifier(authority) = extension.parsed_extension() {
            authority_of_leaf.clone_from(&authority.key_identifier);
        }
    }
    assert!(identifier_of_ca.is_some());
    assert_eq!(authority_of_leaf, identifier_of_ca);

    for (certificate, is_authority) in [(&ca, true), (&leaf, false)] {
        let constraints = certificate.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical);
        assert_eq!(constraints.value.ca, is_authority);
        let usage = certificate.key_usage().unwrap().unwrap();
        assert!(usage.critical);
        assert_eq!(usage.value.key_cert_sign(), is_authority);
        assert_eq!(usage.value.digital_signature(), !is_authority);
    }
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
    assert_ne!(ca.raw_serial(), leaf.raw_serial());
}

#[test]
fn a_certificate_is_made_anew_when_its_end_is_near_or_the_names_or_the_authority_changed() {
    let home = tempfile::tempdir().unwrap();
    let leaf = |base: &str, now: i64| {
        drop(open(home.path(), base, now));
        read(home.path(), "leaf.pem")
    };
    let first = leaf("localhost", NOW);
    assert_eq!(first, leaf("localhost", NOW + 366 * DAY));
    let later = leaf("localhost", NOW + 368 * DAY);
    assert_ne!(first, later);
    let renamed = leaf("nave.example", NOW + 368 * DAY);
    assert_ne!(later, renamed);
    for file in ["ca.pem", "ca.key"] {
        fs::remove_file(home.path().join("tls").join(file)).unwrap();
    }
    let other_authority = leaf("nave.example", NOW + 368 * DAY);
    assert_ne!(renamed, other_authority);
    fs::write(home.path().join("tls/leaf.pem"), "half").unwrap();
    let repaired = leaf("nave.example", NOW + 368 * DAY);
    assert_ne!(other_authority, repaired);
    fs::copy(home.path().join("tls/ca.key"), home.path().join("tls/leaf.key")).unwrap();
    assert_ne!(
        repaired,
        leaf("nave.example", NOW + 368 * DAY),
        "its key was another's"
    );
}

#[test]
fn a_running_server_renews() {
    let home = tempfile::tempdir().unwrap();
    let authority = open(home.path(), "localhost", NOW);
    let leaf = read(home.path(), "leaf.pem");
    assert!(!authority.renew(NOW + 300 * DAY).unwrap());
    assert_eq!(leaf, read(home.path(), "leaf.pem"));
    assert!(authority.renew(NOW + 390 * DAY).unwrap());
    assert_ne!(leaf, read(home.path(), "leaf.pem"));
    assert!(!authority.renew(NOW + 390 * DAY).unwrap());
}

#[test]
fn no_certificate_outlives_its_authority_and_an_expired_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), "localhost", NOW));
    let near_the_end = NOW + 3640 * DAY;
    let authority = open(home.path(), "localhost", near_the_end);
    assert_eq!(validity(home.path(), "leaf.pem").1, authority.ca_not_after());
    assert!(
        !authority.renew(near_the_end).unwrap(),
        "nothing better is to be had"
    );
    let error = Authority::open_or_create(home.path(), "localhost", NOW + 3651 * DAY).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn files_are_private() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), "localhost", NOW));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.path().join("tls")), 0o700);
    for file in ["ca.key", "leaf.key"] {
        assert_eq!(mode(&home.path().join("tls").join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_start_that_was_interrupted_is_finished_and_a_lost_key_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let first = open(home.path(), "localhost", NOW);
    let (ca, key) = (home.path().join("tls/ca.pem"), home.path().join("tls/ca.key"));
    fs::remove_file(&ca).unwrap();
    let second = open(home.path(), "localhost", NOW + DAY);
    let subject_and_key = |authority: &Authority| {
        let (_, pem) = parse_x509_pem(authority.ca_pem().as_bytes()).unwrap();
        let (_, parsed) = parse_x509_certificate(&pem.contents).unwrap();
        (parsed.subject().to_string(), parsed.public_key().raw.to_vec())
    };
    assert_eq!(
        subject_and_key(&first),
        subject_and_key(&second),
        "clients cannot tell them apart"
    );

    fs::remove_file(&key).unwrap();
    let before = fs::read(&ca).unwrap();
    let error = Authority::open_or_create(home.path(), "localhost", NOW).unwrap_err();
    assert!(matches!(error, TlsError::Authority(_)), "{error}");
    assert_eq!(fs::read(&ca).unwrap(), before);
}

#[test]
fn two_installations_have_authorities_of_different_names() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let subject = |authority: &Authority| {
        let (_, pem) = parse_x509_pem(authority.ca_pem().as_bytes()).unwrap();
        pem.parse_x509().unwrap().subject().to_string()
    };
    assert_ne!(
        subject(&open(one.path(), "localhost", NOW)),
        subject(&open(two.path(), "localhost", NOW))
    );
}

#[test]
fn an_authority_that_cannot_sign_for_us_is_refused() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), "localhost", NOW));
    let place = home.path().join("tls");
    let (leaf, leaf_key) = (read(home.path(), "leaf.pem"), read(home.path(), "leaf.key"));
    let ca = read(home.path(), "ca.pem");
    for (certificate, key, reason) in [
        (leaf.as_str(), leaf_key.as_str(), "not an authority's"),
        (ca.as_str(), leaf_key.as_str(), "not the key"),
        ("", leaf_key.as_str(), "no certificate"),
        (ca.as_str(), "x", "not a private key"),
    ] {
        fs::write(place.join("ca.pem"), certificate).unwrap();
        fs::write(place.join("ca.key"), key).unwrap();
        let error = Authority::open_or_create(home.path(), "localhost", NOW).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_certificate_brought_along_must_fit_its_key() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path(), "localhost", NOW));
    let (leaf, key) = (read(home.path(), "leaf.pem"), read(home.path(), "leaf.key"));
    assert!(own_certificate(&leaf, &key).is_ok());
    for (certificate, key) in [
        (leaf.as_str(), read(home.path(), "ca.key").as_str()),
        ("", &key),
        (&leaf, ""),
        (&leaf, &leaf),
        ("x", "y"),
    ] {
        assert!(matches!(
            own_certificate(certificate, key),
            Err(TlsError::Certificate(_))
        ));
    }
}

#[test]
fn a_host_that_is_none_is_refused_before_anything_is_written() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(
        Authority::open_or_create(home.path(), "https://x", NOW),
        Err(TlsError::BaseHost(_))
    ));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
