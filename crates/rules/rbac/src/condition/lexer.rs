//! Words and signs of the condition language, with their place in the text.

use super::{ConditionError, Span};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    OpenBrace,
    CloseBrace,
    Comma,
    Not,
    And,
    Or,
    /// `@Source`, with the text between its brackets.
    Attribute {
        source: &'a str,
        name: &'a str,
    },
    /// `'single quoted'`, without the quotes; there is no escape for the quote.
    Text(&'a str),
    /// A keyword, operator, number, truth value or bare guid.
    Word(&'a str),
    End,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What stands at a place of the text.
    pub(super) fn text_at(&self, span: Span) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Result<(Token<'a>, Span), ConditionError> {
        self.skip_space();
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok((Token::End, start..start));
        };
        let sign = match first {
            '(' => Some((Token::Open, 1)),
            ')' => Some((Token::Close, 1)),
            '{' => Some((Token::OpenBrace, 1)),
            '}' => Some((Token::CloseBrace, 1)),
            ',' => Some((Token::Comma, 1)),
            '!' => Some((Token::Not, 1)),
            '&' if rest.starts_with("&&") => Some((Token::And, 2)),
            '|' if rest.starts_with("||") => Some((Token::Or, 2)),
            _ => None,
        };
        let token = match (sign, first) {
            (Some((token, length)), _) => {
                self.at += length;
                token
            }
            (None, '\'') => self.quoted(start)?,
            (None, '@') => self.attribute(start)?,
            (None, c) if c.is_ascii_alphanumeric() || c == '-' => self.word(),
            (None, c) => return Err(ConditionError::at(start..start + c.len_utf8(), unexpected(c))),
        };
        Ok((token, start..self.at))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn quoted(&mut self, start: usize) -> Result<Token<'a>, ConditionError> {
        let inside = &self.text[start + 1..];
        let Some(length) = inside.find('\'') else {
            return Err(ConditionError::at(
                start..self.text.len(),
                "the quote is not closed",
            ));
        };
        self.at = start + 1 + length + 1;
        Ok(Token::Text(&inside[..length]))
    }

    fn attribute(&mut self, start: usize) -> Result<Token<'a>, ConditionError> {
        self.at = start + 1;
        let Token::Word(source) = self.word() else {
            return Err(self.after_at(start));
        };
        self.skip_space();
        let Some(inside) = self.rest().strip_prefix('[') else {
            return Err(self.after_at(start));
        };
        let Some(length) = inside.find(']') else {
            return Err(ConditionError::at(
                start..self.text.len(),
                "the bracket is not closed",
            ));
        };
        let name = &inside[..length];
        self.at += length + 2;
        if name.trim().is_empty() || name.contains(|c: char| c == '[' || c == '\'' || c.is_control()) {
            return Err(ConditionError::at(
                start..self.at,
                "the name of an attribute is expected between the brackets",
            ));
        }
        Ok(Token::Attribute { source, name })
    }

    fn after_at(&self, start: usize) -> ConditionError {
        ConditionError::at(
            start..self.at,
            "a source and an attribute are expected after `@`, such as `@Request[…]`",
        )
    }

    fn word(&mut self) -> Token<'a> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':')))
            .unwrap_or(rest.len());
        self.at += length;
        Token::Word(&rest[..length])
    }
}

fn unexpected(c: char) -> &'static str {
    match c {
        '"' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{201a}' | '\u{201e}' | '`' => {
            "text is written in straight single quotes"
        }
        '&' => "one `&` is not an operator; write `&&` or `AND`",
        '|' => "one `|` is not an operator; write `||` or `OR`",
        '=' | '<' | '>' => "comparisons are written in words, such as `StringEquals` or `NumericLessThan`",
        '[' | ']' => "brackets follow a source, such as `@Resource[…]`",
        _ => "this sign has no meaning here",
    }
}
