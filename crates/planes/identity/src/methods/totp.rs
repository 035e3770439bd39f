//! Codes of an authenticator app: RFC 6238 as every app has it, with SHA-1, six digits and thirty seconds.

use aws_lc_rs::{constant_time, hmac};

/// How long a code lasts, in seconds.
const STEP: i64 = 30;
/// How many steps a clock may be off, either way.
const OFF: i64 = 1;
/// The bytes of a key: as many as SHA-1 gives.
pub(crate) const KEY_BYTES: usize = 20;

/// The step in which a code is right, which must be later than the last one that was used: a code works once.
pub(crate) fn right_step(key: &[u8], given: &str, second: i64, used: i64) -> Option<i64> {
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let now = second.div_euclid(STEP);
    let steps = (now - OFF..=now + OFF).filter(|step| *step > used);
    let mut right = steps.filter(|step| {
        constant_time::verify_slices_are_equal(code(key, *step).as_bytes(), given.as_bytes()).is_ok()
    });
    right.next()
}

/// The code of a step.
fn code(key: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
    let four = bytes.iter().skip(at).take(4);
    let number = four.fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// A key as people type it: base 32 (RFC 4648), without padding.
pub(crate) fn base32(key: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let fives = key.chunks(5).flat_map(|chunk| {
        let mut bytes = [0; 8];
        bytes[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bytes);
        let letters = (chunk.len() * 8).div_ceil(5);
        (0..letters).map(move |letter| usize::try_from((bits >> (35 - 5 * letter)) & 31).unwrap_or_default())
    });
    fives.map(|five| char::from(LETTERS[five])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the RFC's own test vectors (appendix B), whose last six digits these are.
    const KEY: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(KEY, second / STEP), expected);
        }
        assert_eq!(base32(KEY), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            (base32(b"f").as_str(), base32(b"foob").as_str()),
            ("MY", "MZXW6YQ")
        );
    }

    #[test]
    fn a_code_works_once_and_for_a_clock_that_is_a_little_off() {
        assert_eq!(right_step(KEY, "287 082", 59, -1), Some(1));
        assert_eq!(right_step(KEY, "287082", 29, -1), Some(1));
        assert_eq!(right_step(KEY, "287082", 89, -1), Some(1));
        assert_eq!(right_step(KEY, "287082", 90, -1), None);
        assert_eq!(right_step(KEY, "287082", 59, 1), None, "it was used");
        for wrong in ["", "28708", "2870822", "287083", "٢٨٧٠٨٢"] {
            assert_eq!(right_step(KEY, wrong, 59, -1), None, "{wrong}");
        }
    }
}
