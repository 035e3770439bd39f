//! Names out of names: `uniqueString` and `guid` must give exactly what the service gives.

use serde_json::Value;
use uuid::{Uuid, uuid};

use super::{
    Function, MANY,
    arguments::{Given, text},
    placed, pure,
};
use crate::fault::Halt;

pub(super) const TABLE: &[Function] = &[
    pure("guid", 1, MANY, |given| {
        Ok(Uuid::new_v5(&NAMESPACE, joined(given)?.as_bytes())
            .to_string()
            .into())
    }),
    pure("uniqueString", 1, MANY, |given| {
        Ok(base32(murmur(joined(given)?.as_bytes())).into())
    }),
    placed("newGuid", 0, 0, |evaluator, environment, _| {
        match evaluator.chance {
            Some(chance) if environment.allowed.chance => Ok(chance.new_guid().to_string().into()),
            _ => Err(Halt::failed(
                "The template function 'newGuid' is not expected at this location; it can only be used in the default value of a parameter",
            )),
        }
    }),
];

/// The namespace of the guids that templates make.
const NAMESPACE: Uuid = uuid!("11fb06fb-712d-4ddd-98c7-e71bbd588830");

fn joined(given: &[Value]) -> Given<String> {
    let texts: Given<Vec<_>> = (0..given.len()).map(|at| text(given, at)).collect();
    Ok(texts?.join("-"))
}

/// A variant of Murmur hash 3 with two lanes of 32 bits; the second lane is the upper half of the result.
fn murmur(data: &[u8]) -> u64 {
    const C1: u32 = 0x239b_961b;
    const C2: u32 = 0xab0e_9789;
    let first = |lane: u32| lane.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let second = |lane: u32| lane.wrapping_mul(C2).rotate_left(17).wrapping_mul(C1);
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0_u32, |word, byte| (word << 8) | u32::from(*byte))
    };
    let (mut h1, mut h2) = (0_u32, 0_u32);
    let mut blocks = data.chunks_exact(8);
    for block in &mut blocks {
        let (low, high) = block.split_at(4);
        h1 = (h1 ^ first(word(low))).rotate_left(19).wrapping_add(h2);
        h1 = h1.wrapping_mul(5).wrapping_add(0x561c_cd1b);
        h2 = (h2 ^ second(word(high))).rotate_left(13).wrapping_add(h1);
        h2 = h2.wrapping_mul(5).wrapping_add(0x0bca_a747);
    }
    let (low, high) = blocks.remainder().split_at(blocks.remainder().len().min(4));
    h1 ^= first(word(low));
    h2 ^= second(word(high));
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    (h1, h2) = (h1 ^ length, h2 ^ length);
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (finish(h1), finish(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (u64::from(h2) << 32) | u64::from(h1)
}

fn finish(lane: u32) -> u32 {
    let lane = (lane ^ (lane >> 16)).wrapping_mul(0x85eb_ca6b);
    let lane = (lane ^ (lane >> 13)).wrapping_mul(0xc2b2_ae35);
    lane ^ (lane >> 16)
}

/// Thirteen characters of five bits each, from the top.
fn base32(number: u64) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digit = |at: u32| ALPHABET[usize::try_from((number << (5 * at)) >> 59).unwrap_or_default()];
    (0..13).map(|at| char::from(digit(at))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails, evaluate};

    #[test]
    fn names_are_those_of_the_service() {
        check(&[
            ("[uniqueString('abc')]", json!("cgtzqvhu4i23s")),
            ("[guid('a', 'b')]", json!("2d796349-8c7e-55ec-9624-54ece82ed031")),
        ]);
        check_fails(&["[guid(1)]", "[uniqueString()]", "[newGuid()]"]);
    }

    #[test]
    fn arguments_are_joined_with_a_hyphen() {
        assert_eq!(
            evaluate("[uniqueString('a', 'b')]"),
            evaluate("[uniqueString('a-b')]")
        );
        assert_ne!(
            evaluate("[uniqueString('12345678')]"),
            evaluate("[uniqueString('12345679')]")
        );
    }
}
