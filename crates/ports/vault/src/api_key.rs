//! Keys that callers present instead of a token, in the form Azure AI services hand out.
//!
//! A presented key is found by its fingerprint, so the database holds nothing that opens a door: the
//! fingerprint is keyed by the ring, and cannot be guessed at without it.

use crate::{KeyRing, Random, Secret};

const RANDOM_BYTES: usize = 16;

/// A new key: 32 lower-case hexadecimal digits (128 random bits), as classic Cognitive Services keys are.
#[must_use]
pub fn generate(random: &dyn Random) -> Secret<String> {
    let mut bytes = Secret::new([0; RANDOM_BYTES]);
    random.fill(bytes.content_mut());
    Secret::new(hex::encode(bytes.content_mut()))
}

/// What to store and look up instead of the key. The same for the same ring and key, also after a rotation.
#[must_use]
pub fn fingerprint(ring: &KeyRing, key: &str) -> [u8; 32] {
    ring.fingerprint(key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, SeededRandom};

    #[test]
    fn a_key_is_32_hex_digits_and_new_each_time() {
        let random = SeededRandom::new(3);
        let (one, two) = (generate(&random), generate(&random));
        let (one, two) = (one.expose(&Purpose::Check), two.expose(&Purpose::Check));
        assert_eq!(one.len(), 32);
        assert!(
            one.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')),
            "{one}"
        );
        assert_ne!(one, two);
    }

    #[test]
    fn a_fingerprint_belongs_to_one_key_and_one_ring_and_survives_rotation_and_restart() {
        let (home, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ring = KeyRing::open_or_create(home.path()).unwrap();
        let stored = fingerprint(&ring, "0123");
        assert_ne!(stored, fingerprint(&ring, "0124"));
        assert_ne!(
            stored,
            fingerprint(&KeyRing::open_or_create(elsewhere.path()).unwrap(), "0123")
        );
        ring.rotate().unwrap();
        assert_eq!(stored, fingerprint(&ring, "0123"));
        assert_eq!(
            stored,
            fingerprint(&KeyRing::open_or_create(home.path()).unwrap(), "0123")
        );
    }
}
