//! Passwords nave makes up for people.

use nave_vault::{Random, Secret};

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 20 characters of 55 are 115 bits.
const LENGTH: usize = 20;

/// A new password.
#[must_use]
pub fn generate(random: &dyn Random) -> Secret<String> {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut byte = [0];
        random.fill(&mut byte);
        // Bytes beyond the last whole multiple of the alphabet would favour its beginning.
        let beyond = usize::from(byte[0]) >= 256 / ALPHABET.len() * ALPHABET.len();
        if !beyond {
            password.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Secret::new(password)
}

#[cfg(test)]
mod tests {
    use nave_vault::{Purpose, SeededRandom};

    use super::*;

    #[test]
    fn a_password_has_twenty_clear_characters_and_is_new_each_time() {
        let random = SeededRandom::new(1);
        let (one, two) = (generate(&random), generate(&random));
        let (one, two) = (one.expose(&Purpose::Check), two.expose(&Purpose::Check));
        assert_eq!(one.len(), LENGTH);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)), "{one}");
        assert_ne!(one, two);
    }
}
