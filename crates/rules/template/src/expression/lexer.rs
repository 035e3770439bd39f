//! Tokens of an expression. White space, line breaks included, may stand between any two.

use super::{SyntaxError, ast::Span};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Integer(i64),
    /// One of `( ) [ ] , .`
    Mark(char),
}

/// Splits the inside of an expression into tokens with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, SyntaxError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (token, length) = match first {
            white if white.is_whitespace() => {
                at += white.len_utf8();
                continue;
            }
            '(' | ')' | '[' | ']' | ',' | '.' => (Token::Mark(first), 1),
            '\'' => literal(rest).ok_or_else(|| SyntaxError::new(at, "the string has no closing quote"))?,
            '-' | '0'..='9' => {
                let length = 1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                let number = rest[..length].parse();
                let number =
                    number.map_err(|_| SyntaxError::new(at, "the number is not a 64-bit integer"))?;
                (Token::Integer(number), length)
            }
            letter if letter.is_alphabetic() || letter == '_' || letter == '$' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let length = end.unwrap_or(rest.len());
                (Token::Name(rest[..length].to_owned()), length)
            }
            other => {
                return Err(SyntaxError::new(
                    at,
                    format!("unexpected `{}`", other.escape_default()),
                ));
            }
        };
        found.push((
            token,
            Span {
                start: at,
                end: at + length,
            },
        ));
        at += length;
    }
    Ok(found)
}

/// The string literal at the start, `''` read as one quote, and its length.
fn literal(rest: &str) -> Option<(Token, usize)> {
    let mut text = String::new();
    let mut at = 1;
    loop {
        let length = rest[at..].find('\'')?;
        text.push_str(&rest[at..at + length]);
        at += length + 1;
        if !rest[at..].starts_with('\'') {
            return Some((Token::Text(text), at));
        }
        text.push('\'');
        at += 1;
    }
}
