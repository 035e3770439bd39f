//! JSON as deployment clients write it: comments, unquoted member names, raw line breaks in strings, trailing
//! commas and a byte-order mark are all accepted. Strict JSON reads the same as with any other reader.

use nave_arm::{ArmError, ErrorCode};
use serde_json::{Map, Number, Value};

/// The deepest nesting accepted. Readers and evaluators recurse, so this bounds their stack.
const MAX_DEPTH: usize = 160;

/// Reads one document; the error names line and column (both from 1).
///
/// # Errors
/// `InvalidRequestContent` when the text is not JSON even with the liberties above.
pub fn parse(text: &str) -> Result<Value, ArmError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0 };
    let document = reader.document();
    document.map_err(|what| reader.refuse(&what))
}

/// The line and column (both from 1) at which the value of a JSON path such as `properties.template.resources[1]`
/// stands in a text; of the nearest value above it that is there. `None` when the text cannot be read.
#[must_use]
pub fn locate(text: &str, path: &str) -> Option<(usize, usize)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text, at: 0 };
    reader.blanks().ok()?;
    let mut place = reader.at;
    for step in steps(path) {
        match reader.enter(&step) {
            Ok(true) => place = reader.at,
            Ok(false) => break,
            Err(_) => return None,
        }
    }
    Some(Reader { text, at: place }.line_and_column())
}

/// The steps of a path: names, and indices as text.
fn steps(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let quoted = rest.strip_prefix("['").and_then(|rest| rest.split_once("']"));
        let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (step, after) = quoted.or(index).unwrap_or_else(|| {
            let plain = rest.strip_prefix('.').unwrap_or(rest);
            plain.split_at(plain.find(['.', '[']).unwrap_or(plain.len()))
        });
        if step.is_empty() && after.len() == rest.len() {
            break;
        }
        found.push(step.to_owned());
        rest = after;
    }
    found
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, String>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Value> {
        self.blanks()?;
        let value = self.value(0)?;
        self.blanks()?;
        match self.peek() {
            None => Ok(value),
            Some(found) => Err(format!(
                "unexpected `{}` after the end of the document",
                found.escape_default()
            )),
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} levels of nesting"));
        }
        match self.peek() {
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote @ ('"' | '\'')) => self.string(quote).map(Value::String),
            Some('-' | '0'..='9') => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() => self.word(),
            Some(found) => Err(format!(
                "unexpected `{}` where a value should stand",
                found.escape_default()
            )),
            None => Err(String::from("the text ends where a value should stand")),
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.bump();
        let mut members = Map::new();
        loop {
            self.blanks()?;
            if self.take('}') {
                return Ok(Value::Object(members));
            }
            let name = self.member_name()?;
            self.blanks()?;
            if !self.take(':') {
                return Err(format!(
                    "a `:` should follow the member name `{}`",
                    name.escape_default()
                ));
            }
            self.blanks()?;
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            self.blanks()?;
            if !self.take(',') && self.peek() != Some('}') {
                return Err(String::from("a `,` or `}` should follow the member"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.bump();
        let mut elements = Vec::new();
        loop {
            self.blanks()?;
            if self.take(']') {
                return Ok(Value::Array(elements));
            }
            elements.push(self.value(depth + 1)?);
            self.blanks()?;
            if !self.take(',') && self.peek() != Some(']') {
                return Err(String::from("a `,` or `]` should follow the element"));
            }
        }
    }

    /// Goes to the start of a member's or element's value; `false` when there is none.
    fn enter(&mut self, step: &str) -> Read<bool> {
        let is_object = self.peek() == Some('{');
        if !is_object && self.peek() != Some('[') {
            return Ok(false);
        }
        self.bump();
        for at in 0_usize.. {
            self.blanks()?;
            if matches!(self.peek(), Some('}' | ']')) {
                break;
            }
            let name = if is_object {
                self.member_name()?
            } else {
                at.to_string()
            };
            self.blanks()?;
            if is_object && !self.take(':') {
                return Err(String::from("a `:` should follow the member name"));
            }
            self.blanks()?;
            if name.eq_ignore_ascii_case(step) {
                return Ok(true);
            }
            self.value(0)?;
            self.blanks()?;
            if !self.take(',') {
                break;
            }
        }
        Ok(false)
    }

    fn member_name(&mut self) -> Read<String> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.string(quote),
            Some(first) if first.is_alphanumeric() || first == '_' || first == '$' => {
                let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-');
                Ok(self.run(plain).to_owned())
            }
            Some(found) => Err(format!(
                "unexpected `{}` where a member name should stand",
                found.escape_default()
            )),
            None => Err(String::from("the text ends inside an object")),
        }
    }

    fn string(&mut self, quote: char) -> Read<String> {
        self.bump();
        let mut text = String::new();
        loop {
            text.push_str(self.run(|c| c != quote && c != '\\'));
            match self.bump() {
                Some('\\') => text.push(self.escape()?),
                Some(_) => return Ok(text),
                None => return Err(String::from("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        Ok(match self.bump() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('"' | '\'' | '\\' | '/')) => same,
            Some('u') => return self.code_point(),
            Some(other) => return Err(format!("`\\{}` is not an escape", other.escape_default())),
            None => return Err(String::from("the text ends inside a string")),
        })
    }

    /// A `\uXXXX`, joined with the low half that follows a high surrogate; half a pair becomes U+FFFD.
    fn code_point(&mut self) -> Read<char> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) || !self.text[self.at..].starts_with("\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        self.at += 2;
        let second = self.hex4()?;
        if (0xdc00..0xe000).contains(&second) {
            let joined = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Read<u32> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += if code.is_some() { 4 } else { 0 };
        code.ok_or_else(|| String::from("`\\u` needs four hexadecimal digits"))
    }

    fn number(&mut self) -> Read<Value> {
        let text = self
            .run(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'))
            .to_owned();
        let whole = text
            .parse::<i64>()
            .map(Number::from)
            .or_else(|_| text.parse::<u64>().map(Number::from));
        let number = whole
            .ok()
            .or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
        number
            .map(Value::Number)
            .ok_or_else(|| format!("`{text}` is not a number"))
    }

    fn word(&mut self) -> Read<Value> {
        match self.run(|c| c.is_alphanumeric() || c == '_') {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            other => Err(format!("`{}` is not a value", other.escape_default())),
        }
    }

    /// Skips white space and comments.
    fn blanks(&mut self) -> Read<()> {
        loop {
            self.run(|c| c.is_whitespace() || c == '\u{feff}');
            let rest = &self.text[self.at..];
            if rest.starts_with("//") {
                self.run(|c| c != '\n');
            } else if rest.starts_with("/*") {
                match rest.find("*/") {
                    Some(end) => self.at += end + 2,
                    None => return Err(String::from("the text ends inside a comment")),
                }
            } else {
                return Ok(());
            }
        }
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    fn line_and_column(&self) -> (usize, usize) {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        (
            line,
            before.rsplit('\n').next().map_or(0, |text| text.chars().count()) + 1,
        )
    }

    fn refuse(&self, what: &str) -> ArmError {
        let (line, column) = self.line_and_column();
        let message = format!(
            "The request content was invalid and could not be deserialized: '{what}, line {line}, position {column}.'"
        );
        ArmError::new(ErrorCode::InvalidRequestContent, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{locate, parse};

    fn check(text: &str, expected: serde_json::Value) {
        assert_eq!(parse(text).expect(text), expected, "{text}");
    }

    #[test]
    fn reads_json_with_the_liberties_clients_take() {
        check(
            "\u{feff}{\"a\": [1, -2.5, 1e3, true, null,],}",
            json!({"a": [1, -2.5, 1000.0, true, null]}),
        );
        check(
            "{template: {// to the end\n\"x\" /* inside */: 'it\\'s'}}",
            json!({"template": {"x": "it's"}}),
        );
        check(
            "{\"long\": \"[concat('a',\n  'b')]\"}",
            json!({"long": "[concat('a',\n  'b')]"}),
        );
        check("\"\\ud83d\\ude00 \\ud83d \\u00e9\"", json!("😀 \u{fffd} é"));
        check("\"// not a comment\"", json!("// not a comment"));
        check("18446744073709551615", json!(18_446_744_073_709_551_615_u64));
    }

    #[test]
    fn says_where_it_stopped() {
        for (text, place) in [
            ("{\n  \"a\" 1}", "line 2, position 7"),
            ("", "line 1, position 1"),
            ("{\"a\": \"x", "line 1, position 9"),
            ("[1 2]", "line 1, position 4"),
            ("{} x", "line 1, position 4"),
            ("/* open", "line 1, position 1"),
            ("\"\\q\"", "line 1, position 4"),
            ("nil", "line 1, position 4"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.message.contains(place), "{text}: {}", error.message);
            assert_eq!(error.status(), 400);
        }
    }

    #[test]
    fn finds_where_a_path_stands() {
        let text = "{template: { // here\n \"resources\": [1,\n  {\"a.b\": {\"c\": 2}}]}}";
        for (path, place) in [
            ("template.resources[0]", (2, 16)),
            ("template.resources[1]['a.b'].c", (3, 17)),
            ("TEMPLATE.resources[1].nothing", (3, 3)),
            ("", (1, 1)),
            ("..[", (1, 1)),
        ] {
            assert_eq!(locate(text, path), Some(place), "{path}");
        }
        assert_eq!(locate("{", "a"), None);
    }

    #[test]
    fn refuses_what_is_nested_too_deep() {
        assert!(parse(&"[".repeat(1_000_000)).is_err());
        assert!(parse(&"{a:".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}|[\\[\\]{}:,'\"\\\\/*a0u \\n-]{0,40}") {
            let _ = parse(&text);
            let _ = locate(&text, &text);
        }

        #[test]
        fn reads_plain_json_as_serde_does(text in "[a-z\"\\\\é\\n\\t😀/]{0,20}", number in any::<i64>()) {
            let document = json!({"text": text, "list": [number, {"k": text}]});
            prop_assert_eq!(parse(&document.to_string()).expect("plain JSON"), document);
        }
    }
}
