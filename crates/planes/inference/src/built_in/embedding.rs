//! Vectors for texts: each token has a direction made of its hash, and a text lies where its tokens point together.
//! So the same text has the same vector, and texts that share words lie closer than those that do not.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use nave_arm::{ArmError, ErrorCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAME, hash};
use crate::tokens;

/// The length of vectors unless a request says another.
const DIMENSIONS: usize = 1536;
/// The longest vectors.
const MOST_DIMENSIONS: usize = 4096;
/// The most texts of one request.
const MOST_INPUTS: usize = 2048;
/// The most tokens of one text.
const MOST_TOKENS: usize = 8191;

#[derive(Debug, Deserialize)]
struct Request {
    input: Input,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

/// Texts, or texts that the client cut into tokens itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

/// Answers a request for embeddings.
pub(super) fn answer(body: &[u8]) -> Result<Value, ArmError> {
    let request = read(body)?;
    let inputs = request.input.tokens();
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    let as_base64 = request.encoding_format.as_deref() == Some("base64");
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, tokens)| {
            let vector = vector(tokens, dimensions);
            let embedding = if as_base64 {
                base64(&vector).into()
            } else {
                json!(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let used: usize = inputs.iter().map(Vec::len).sum();
    Ok(json!({
        "object": "list", "data": data, "model": NAME,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }))
}

/// The texts of a request, for counting.
pub(super) fn texts(body: &[u8]) -> Vec<String> {
    match serde_json::from_slice::<Request>(body).map(|request| request.input) {
        Ok(Input::Text(text)) => vec![text],
        Ok(Input::Texts(texts)) => texts,
        _ => Vec::new(),
    }
}

fn read(body: &[u8]) -> Result<Request, ArmError> {
    let wrong =
        |member: &str, message: &str| Err(ArmError::new(ErrorCode::InvalidRequestFormat, message).on(member));
    let Ok(request) = serde_json::from_slice::<Request>(body) else {
        return wrong(
            "input",
            "'input' must be a text, an array of texts, an array of token ids, or an array of such arrays; 'dimensions' \
             an integer; 'encoding_format' a text.",
        );
    };
    let inputs = request.input.tokens();
    if inputs.is_empty() || inputs.len() > MOST_INPUTS || inputs.iter().any(Vec::is_empty) {
        return wrong("input", "'input' must hold 1 to 2048 texts, none of them empty.");
    }
    if inputs.iter().any(|tokens| tokens.len() > MOST_TOKENS) {
        return wrong("input", "A text of 'input' may have at most 8191 tokens.");
    }
    if request
        .dimensions
        .is_some_and(|dimensions| !(1..=MOST_DIMENSIONS).contains(&dimensions))
    {
        return wrong("dimensions", "'dimensions' must be from 1 to 4096.");
    }
    if !matches!(
        request.encoding_format.as_deref(),
        None | Some("float" | "base64")
    ) {
        return wrong(
            "encoding_format",
            "'encoding_format' must be 'float' or 'base64'.",
        );
    }
    Ok(request)
}

impl Input {
    /// The hashes of the tokens of each text.
    fn tokens(&self) -> Vec<Vec<u64>> {
        let words = |text: &String| {
            tokens::split(text)
                .map(|token| hash(token.trim().to_lowercase().as_bytes()))
                .collect()
        };
        let ids = |ids: &Vec<u64>| ids.iter().map(|id| hash(&id.to_le_bytes())).collect();
        match self {
            Self::Text(text) => vec![words(text)],
            Self::Texts(texts) => texts.iter().map(words).collect(),
            Self::Tokens(tokens) => vec![ids(tokens)],
            Self::TokenLists(lists) => lists.iter().map(ids).collect(),
        }
    }
}

/// The direction of the sum of the tokens' directions, of length 1.
fn vector(tokens: &[u64], dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f64; dimensions];
    for token in tokens {
        let mut state = *token;
        for value in &mut sum {
            *value += next(&mut state);
        }
    }
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length == 0.0 {
        sum[0] = 1.0;
        return sum.into_iter().map(|value| value as f32).collect();
    }
    sum.into_iter().map(|value| (value / length) as f32).collect()
}

/// The next of an endless row of numbers from -1 to 1 (SplitMix64).
fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Little-endian 32-bit numbers, as clients read them (client contract 9.3).
fn base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use serde_json::{Value, json};

    use super::answer;

    fn vectors(body: Value) -> Vec<Vec<f64>> {
        let answer = answer(body.to_string().as_bytes()).expect("vectors");
        serde_json::from_value(
            answer["data"]
                .as_array()
                .expect("data")
                .iter()
                .map(|item| item["embedding"].clone())
                .collect(),
        )
        .expect("numbers")
    }

    fn likeness(one: &[f64], other: &[f64]) -> f64 {
        one.iter().zip(other).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_vector_has_the_asked_length_and_is_of_length_one() {
        for (dimensions, expected) in [(json!(null), 1536), (json!(256), 256), (json!(1), 1)] {
            let all = vectors(json!({"input": ["Hello, world", "x"], "dimensions": dimensions}));
            assert_eq!(all.len(), 2);
            for vector in all {
                assert_eq!(vector.len(), expected);
                assert!((likeness(&vector, &vector) - 1.0).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn equal_texts_have_equal_vectors_and_alike_texts_are_near() {
        let all =
            vectors(json!({"input": ["the red house", "the red house", "the red car", "quantum flux"]}));
        assert_eq!(all[0], all[1]);
        assert!(likeness(&all[0], &all[2]) > 0.5, "{}", likeness(&all[0], &all[2]));
        assert!(likeness(&all[0], &all[3]) < 0.2, "{}", likeness(&all[0], &all[3]));
    }

    #[test]
    fn the_numbers_do_not_change_between_releases() {
        let pinned = vec![0.055642396211624146, 0.8354085683822632, -0.5468056797981262];
        assert_eq!(vectors(json!({"input": "nave", "dimensions": 3})), [pinned]);
    }

    #[test]
    fn both_encodings_hold_the_same_numbers() {
        let floats = &vectors(json!({"input": "hi", "dimensions": 8}))[0];
        let body = json!({"input": "hi", "dimensions": 8, "encoding_format": "base64"}).to_string();
        let encoded = answer(body.as_bytes()).expect("vectors");
        let text = encoded["data"][0]["embedding"].as_str().expect("text");
        let bytes = BASE64_STANDARD.decode(text).expect("base64");
        let decoded: Vec<f64> = bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().expect("four")).into())
            .collect();
        assert_eq!(
            decoded.iter().map(|v| *v as f32).collect::<Vec<_>>(),
            floats.iter().map(|v| *v as f32).collect::<Vec<_>>()
        );
    }

    #[test]
    fn tokens_are_counted() {
        let used = |input: Value| {
            let answer = answer(json!({ "input": input }).to_string().as_bytes()).expect("vectors");
            answer["usage"]["prompt_tokens"].as_u64()
        };
        assert_eq!(used(json!(["Hello, world", "x"])), Some(4));
        assert_eq!(used(json!([1, 2, 3])), Some(3));
        assert_eq!(used(json!([[1, 2], [3]])), Some(3));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for body in [
            json!({"input": ""}),
            json!({"input": []}),
            json!({"input": ["a", ""]}),
            json!({"input": {"text": "a"}}),
            json!({"input": "a ".repeat(8192)}),
            json!({"input": "a", "dimensions": 0}),
            json!({"input": "a", "dimensions": 100_000}),
            json!({"input": "a", "encoding_format": "hex"}),
        ] {
            assert_eq!(
                answer(body.to_string().as_bytes()).expect_err("refused").status(),
                400,
                "{body}"
            );
        }
    }
}
