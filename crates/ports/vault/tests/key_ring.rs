//! The key ring as its users see it: what opens, what does not, and what survives a restart.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use nave_vault::{KeyRing, Purpose, Secret, SeededRandom, VaultError};
use proptest::prelude::*;
use serde_json::json;

const ROW: &str = "/subscriptions/s/connections/search#credentials";

fn secret(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

fn opened(ring: &KeyRing, context: &str, sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
    ring.unseal(context, sealed)
        .map(|plain| plain.expose(&Purpose::Check).clone())
}

fn new_ring() -> (tempfile::TempDir, KeyRing) {
    let home = tempfile::tempdir().unwrap();
    let ring = KeyRing::open_or_create(home.path()).unwrap();
    (home, ring)
}

#[test]
fn a_secret_opens_after_a_restart_and_does_not_show_in_the_blob() {
    let (home, ring) = new_ring();
    let sealed = ring.seal(ROW, &secret("hunter2")).unwrap();
    assert!(!sealed.windows(7).any(|part| part == b"hunter2"));
    let restarted = KeyRing::open_or_create(home.path()).unwrap();
    assert_eq!(opened(&restarted, ROW, &sealed).unwrap(), b"hunter2");
}

#[test]
fn the_same_secret_seals_differently_each_time() {
    let (_home, ring) = new_ring();
    let (one, two) = (
        ring.seal(ROW, &secret("x")).unwrap(),
        ring.seal(ROW, &secret("x")).unwrap(),
    );
    let id_end = 17;
    assert_eq!(one[..id_end], two[..id_end]);
    for part in one[id_end..].chunks(12).zip(two[id_end..].chunks(12)) {
        assert_ne!(part.0, part.1);
    }
}

#[test]
fn a_blob_moved_to_another_row_does_not_open() {
    let (_home, ring) = new_ring();
    let sealed = ring.seal(ROW, &secret("hunter2")).unwrap();
    let error = opened(&ring, "/subscriptions/s/connections/other#credentials", &sealed).unwrap_err();
    assert!(matches!(error, VaultError::DoesNotOpen { .. }), "{error}");
    assert!(matches!(
        opened(&ring, "", &sealed),
        Err(VaultError::DoesNotOpen { .. })
    ));
}

#[test]
fn the_body_of_one_blob_does_not_open_under_the_key_of_another() {
    let (_home, ring) = new_ring();
    let (one, two) = (
        ring.seal(ROW, &secret("one")).unwrap(),
        ring.seal(ROW, &secret("two")).unwrap(),
    );
    let body = 1 + 16 + 12 + 48;
    let mixed = [&one[..body], &two[body..]].concat();
    assert!(matches!(
        opened(&ring, ROW, &mixed),
        Err(VaultError::DoesNotOpen { .. })
    ));
}

#[test]
fn any_changed_or_missing_byte_is_noticed() {
    let (_home, ring) = new_ring();
    let sealed = ring.seal(ROW, &secret("hunter2")).unwrap();
    for position in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[position] ^= 1;
        let error = opened(&ring, ROW, &altered).unwrap_err();
        let expected = match position {
            0 => matches!(error, VaultError::Format),
            1..17 => matches!(error, VaultError::UnknownKey(_)),
            _ => matches!(error, VaultError::DoesNotOpen { .. }),
        };
        assert!(expected, "byte {position}: {error}");
        assert!(
            opened(&ring, ROW, &sealed[..position]).is_err(),
            "cut at {position}"
        );
    }
    assert!(opened(&ring, ROW, &[sealed, vec![0]].concat()).is_err());
}

#[test]
fn after_a_rotation_the_new_key_seals_and_both_open() {
    let (home, ring) = new_ring();
    let before = ring.seal(ROW, &secret("before")).unwrap();
    assert!(ring.is_current(&before));
    ring.rotate().unwrap();
    let after = ring.seal(ROW, &secret("after")).unwrap();
    assert_ne!(before[1..17], after[1..17], "another key sealed it");
    assert!(!ring.is_current(&before));
    assert!(ring.is_current(&after));
    for ring in [ring, KeyRing::open_or_create(home.path()).unwrap()] {
        assert_eq!(opened(&ring, ROW, &before).unwrap(), b"before");
        assert_eq!(opened(&ring, ROW, &after).unwrap(), b"after");
        assert!(ring.is_current(&after));
    }
}

#[test]
fn a_rotation_keeps_what_another_process_added() {
    let (home, ring) = new_ring();
    let other = KeyRing::open_or_create(home.path()).unwrap();
    other.rotate().unwrap();
    let sealed = other.seal(ROW, &secret("theirs")).unwrap();
    assert!(matches!(
        opened(&ring, ROW, &sealed),
        Err(VaultError::UnknownKey(_))
    ));
    ring.rotate().unwrap();
    assert_eq!(opened(&ring, ROW, &sealed).unwrap(), b"theirs");
}

#[test]
fn rings_of_two_installations_do_not_open_each_other() {
    let ((_one, one), (_two, two)) = (new_ring(), new_ring());
    let sealed = one.seal(ROW, &secret("x")).unwrap();
    assert!(matches!(
        opened(&two, ROW, &sealed),
        Err(VaultError::UnknownKey(_))
    ));
}

#[test]
fn first_starts_at_the_same_moment_end_with_one_ring() {
    let home = tempfile::tempdir().unwrap();
    let rings: Vec<KeyRing> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| KeyRing::open_or_create(home.path()).unwrap()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let sealed = rings[0].seal(ROW, &secret("x")).unwrap();
    assert!(rings.iter().all(|ring| opened(ring, ROW, &sealed).is_ok()));
}

#[test]
fn the_file_is_private_and_names_its_version() {
    let (home, ring) = new_ring();
    ring.rotate().unwrap();
    let path = home.path().join("keys/ring.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&home.path().join("keys")), 0o700);
    let stored: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(stored["version"], 1);
    assert_eq!(stored["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn a_file_that_cannot_be_understood_is_reported_and_left_alone() {
    let (home, _ring) = new_ring();
    let path = home.path().join("keys/ring.json");
    let good = fs::read_to_string(&path).unwrap();
    let key = json!({"id": "00".repeat(16), "key": "AAAA"});
    for (bad, reason) in [
        (String::new(), "not a key ring"),
        (good.replace("\"version\": 1", "\"version\": 2"), "version is 2"),
        (
            json!({"version": 1, "keys": [], "fingerprintKey": "AAAA"}).to_string(),
            "holds no key",
        ),
        (
            json!({"version": 1, "keys": [key], "fingerprintKey": "AAAA"}).to_string(),
            "not 32 bytes",
        ),
    ] {
        fs::write(&path, &bad).unwrap();
        let error = KeyRing::open_or_create(home.path()).unwrap_err();
        assert!(matches!(error, VaultError::KeyFile { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
}

#[test]
fn neither_debug_nor_errors_show_keys() {
    let (home, ring) = new_ring();
    assert_eq!(format!("{ring:?}"), "KeyRing { keys: 1, .. }");
    let path = home.path().join("keys/ring.json");
    let broken = fs::read_to_string(&path)
        .unwrap()
        .replace("\"fingerprintKey\"", "\"other\"");
    fs::write(&path, broken).unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let error = format!("{:?}", KeyRing::open_or_create(home.path()).unwrap_err());
    assert!(!error.contains(stored["keys"][0]["key"].as_str().unwrap()));
}

#[test]
fn json_round_trips_and_other_bytes_are_not_json() {
    let (_home, ring) = new_ring();
    let credentials = json!({"key": "hunter2", "n": [1, null]});
    let sealed = ring.seal_json(ROW, &credentials).unwrap();
    assert_eq!(
        ring.unseal_json(ROW, &sealed).unwrap().expose(&Purpose::Check),
        &credentials
    );
    let text = ring.seal(ROW, &secret("hunter2")).unwrap();
    let error = ring.unseal_json(ROW, &text).unwrap_err();
    assert!(matches!(error, VaultError::NotJson), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn the_same_seed_makes_the_same_ring_and_seals_alike() {
    let seal = || {
        let home = tempfile::tempdir().unwrap();
        let ring = KeyRing::open_or_create_with(home.path(), Arc::new(SeededRandom::new(5))).unwrap();
        ring.seal(ROW, &secret("x")).unwrap()
    };
    assert_eq!(seal(), seal());
}

/// A blob sealed by the first version of the format. If this fails, existing installations cannot be read:
/// a new format needs a new version byte, not a new meaning of this one.
#[test]
fn a_blob_of_the_first_version_still_opens() {
    let home = tempfile::tempdir().unwrap();
    let ring = KeyRing::open_or_create_with(home.path(), Arc::new(SeededRandom::new(1))).unwrap();
    let sealed = hex::decode(FIRST_VERSION_BLOB).unwrap();
    assert_eq!(opened(&ring, "row", &sealed).unwrap(), b"hunter2");
}

const FIRST_VERSION_BLOB: &str = concat!(
    "01783825822a6f9e62da2190e828e4c9d284acc16af38f59d2ddeb00476b09230977cc8a8cc12b53b3697d95ad4d6436",
    "7b432f317c2d7f011988a9979f43db996179d8abd6613abc5cd2c723b2adf21c0341a4dfca3200c2660d57c13adcb5aa",
    "e67605e8f86572543752341115d0bcca",
);

proptest! {
    #[test]
    fn anything_round_trips(context in ".{0,40}", plain in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (_home, ring) = new_ring();
        let sealed = ring.seal(&context, &Secret::new(plain.clone())).unwrap();
        prop_assert_eq!(opened(&ring, &context, &sealed).unwrap(), plain);
    }

    #[test]
    fn anything_else_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (_home, ring) = new_ring();
        let bytes = if bytes.len() % 2 == 0 { [vec![1], bytes].concat() } else { bytes };
        prop_assert!(opened(&ring, ROW, &bytes).is_err());
    }
}
