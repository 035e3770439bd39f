//! Password hashes: argon2id, in the PHC string form that names its own parameters.
//!
//! Each function here works for some tens of milliseconds on purpose. Call it where blocking is allowed.

use std::sync::OnceLock;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier},
};

use crate::{Purpose, Random, Secret, SystemRandom};

const SALT_LENGTH: usize = 16;

/// The hash to store, for instance `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
///
/// # Panics
/// For a password of four gibibytes or more, the only input argon2id refuses.
#[must_use]
pub fn hash(password: &Secret<String>) -> String {
    hash_with(&SystemRandom, password)
}

/// The same with a given source for the salt.
///
/// # Panics
/// As [`hash`].
#[must_use]
pub fn hash_with(random: &dyn Random, password: &Secret<String>) -> String {
    let mut salt = [0; SALT_LENGTH];
    random.fill(&mut salt);
    let password = password.expose(&Purpose::Seal).as_bytes();
    match Argon2::default().hash_password_with_salt(password, &salt) {
        Ok(hash) => hash.to_string(),
        Err(error) => panic!("argon2id refused a password of {} bytes: {error}", password.len()),
    }
}

/// Whether the password is the one the hash was made of. A text that is no argon2 hash matches nothing.
#[must_use]
pub fn verify(password: &Secret<String>, phc: &str) -> bool {
    Argon2::default()
        .verify_password(password.expose(&Purpose::Check).as_bytes(), phc)
        .is_ok()
}

/// Does the work of [`verify`] where there is no hash to compare with, so that the time of the answer does
/// not tell which users exist. Always `false`.
#[must_use]
pub fn verify_absent(password: &Secret<String>) -> bool {
    let _ = verify(password, stand_in());
    false
}

/// The hash of a password nobody knows: what an absent user's password is compared with.
fn stand_in() -> &'static str {
    static STAND_IN: OnceLock<String> = OnceLock::new();
    STAND_IN.get_or_init(|| {
        let mut nobodys = [0; SALT_LENGTH];
        SystemRandom.fill(&mut nobodys);
        hash(&Secret::new(hex::encode(nobodys)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandom;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn only_the_same_password_matches() {
        let phc = hash(&secret("correct horse"));
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(!phc.contains("correct"));
        assert!(verify(&secret("correct horse"), &phc));
        assert!(!verify(&secret("Correct horse"), &phc));
        assert!(!verify(&secret(""), &phc));
        assert!(!verify_absent(&secret("correct horse")));
    }

    #[test]
    fn each_hash_has_its_own_salt_from_the_given_source() {
        let random = SeededRandom::new(1);
        let one = hash_with(&random, &secret("x"));
        assert_ne!(one, hash_with(&random, &secret("x")));
        assert_eq!(one, hash_with(&SeededRandom::new(1), &secret("x")));
    }

    #[test]
    fn a_hash_made_with_other_parameters_still_verifies() {
        let params = argon2::Params::new(64, 1, 1, None).unwrap();
        let cheap = Argon2::from(params)
            .hash_password_with_salt(b"x", b"0123456789abcdef")
            .unwrap()
            .to_string();
        assert!(verify(&secret("x"), &cheap));
        assert!(!verify(&secret("y"), &cheap));
    }

    #[test]
    fn what_is_no_hash_matches_nothing() {
        for phc in [
            "",
            "x",
            "$argon2id$",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=19456,t=2,p=1$YWJjZGVmZ2g",
        ] {
            assert!(!verify(&secret("x"), phc), "{phc}");
        }
    }

    #[test]
    fn an_absent_user_costs_what_a_present_one_costs() {
        let parameters = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(stand_in()), parameters(&hash(&secret("x"))));
        assert!(!verify_absent(&secret("x")));
    }
}
