//! The tokens of the built-in model, which also serve where another model's server does not report its own.
//!
//! A token is a run of letters and digits, or one other character, with the white space in front of it. White space
//! at the end is one token. So the tokens of a text, put together, are the text.

/// The tokens of a text, in order.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (token, after) = rest.split_at(first_length(rest)?);
        rest = after;
        Some(token)
    })
}

/// How many tokens a text has.
pub(crate) fn count(text: &str) -> u64 {
    split(text).map(|_| 1).sum()
}

fn first_length(text: &str) -> Option<usize> {
    if text.is_empty() {
        return None;
    }
    let start = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let word = &text[start..];
    let length = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
    let one = word.chars().next().map_or(0, char::len_utf8);
    Some(start + length.max(one))
}

#[cfg(test)]
mod tests {
    use super::{count, split};

    #[test]
    fn tokens_are_words_and_signs_and_together_the_text() {
        let cases: [(&str, &[&str]); 6] = [
            ("", &[]),
            ("Hello, world!", &["Hello", ",", " world", "!"]),
            ("a  b\n", &["a", "  b", "\n"]),
            ("größe 42€", &["größe", " 42", "€"]),
            ("...", &[".", ".", "."]),
            ("日本 語", &["日本", " 語"]),
        ];
        for (text, expected) in cases {
            let tokens: Vec<&str> = split(text).collect();
            assert_eq!(tokens, expected, "{text:?}");
            assert_eq!(tokens.concat(), text);
            assert_eq!(count(text), expected.len() as u64);
        }
    }
}
