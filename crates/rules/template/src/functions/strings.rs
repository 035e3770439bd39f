//! Functions on text. Lengths and positions count UTF-16 units, as the service does.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Function, MANY,
    arguments::{Given, array, get, integer, object, size, text, wrong},
    placed, pure, text_format,
};
use crate::{budget::LONGEST_TEXT, fault::Halt, lenient, values::plain_text};

pub(super) const TABLE: &[Function] = &[
    pure("base64", 1, 1, |given| {
        Ok(STANDARD.encode(text(given, 0)?).into())
    }),
    pure("base64ToString", 1, 1, |given| {
        decode(text(given, 0)?).map(Value::from)
    }),
    pure("base64ToJson", 1, 1, |given| {
        parse_json(&decode(text(given, 0)?)?)
    }),
    pure("dataUri", 1, 1, data_uri),
    pure("dataUriToString", 1, 1, |given| {
        data_uri_to_string(text(given, 0)?).map(Value::from)
    }),
    pure("json", 1, 1, |given| parse_json(text(given, 0)?)),
    pure("string", 1, 1, |given| {
        let value = get(given, 0);
        Ok(plain_text(value).unwrap_or_else(|| value.to_string()).into())
    }),
    pure("format", 1, MANY, |given| {
        text_format::format(text(given, 0)?, given.get(1..).unwrap_or_default()).map(Value::from)
    }),
    pure("toLower", 1, 1, |given| Ok(text(given, 0)?.to_lowercase().into())),
    pure("toUpper", 1, 1, |given| Ok(text(given, 0)?.to_uppercase().into())),
    pure("trim", 1, 1, |given| Ok(text(given, 0)?.trim().into())),
    pure("startsWith", 2, 2, |given| {
        Ok(fold(text(given, 0)?).starts_with(&fold(text(given, 1)?)).into())
    }),
    pure("endsWith", 2, 2, |given| {
        Ok(fold(text(given, 0)?).ends_with(&fold(text(given, 1)?)).into())
    }),
    pure("replace", 3, 3, replace),
    pure("substring", 2, 3, substring),
    pure("split", 2, 2, split),
    pure("join", 2, 2, join),
    pure("padLeft", 2, 3, pad_left),
    pure("like", 2, 2, |given| {
        Ok(like(&fold(text(given, 0)?), &fold(text(given, 1)?)).into())
    }),
    placed("fail", 1, 1, |_, _, given| {
        Err(Halt::failed(text(given, 0).map_or_else(|why| why, str::to_owned)))
    }),
];

/// The text without case.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The text as UTF-16 units.
pub(super) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn decode(encoded: &str) -> Given<String> {
    let bytes = STANDARD
        .decode(encoded.trim())
        .map_err(|_| String::from("the argument is not valid base64"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse_json(text: &str) -> Given<Value> {
    lenient::parse(text).map_err(|_| String::from("the argument is not valid JSON"))
}

fn data_uri(given: &[Value]) -> Given<Value> {
    let text = plain_text(get(given, 0)).ok_or_else(|| wrong(given, 0, "a string"))?;
    Ok(format!("data:text/plain;charset=utf-8;base64,{}", STANDARD.encode(text)).into())
}

fn data_uri_to_string(uri: &str) -> Given<String> {
    let body = uri.strip_prefix("data:").and_then(|rest| rest.split_once(','));
    let (head, body) = body.ok_or_else(|| String::from("the argument is not a data URI"))?;
    if head.to_ascii_lowercase().ends_with(";base64") {
        decode(body)
    } else {
        Ok(super::uris::percent_decode(body))
    }
}

/// Refuses a text of this length before it is made.
pub(super) fn fits(length: usize) -> Given<()> {
    if length <= LONGEST_TEXT {
        return Ok(());
    }
    Err(format!("the text would be longer than {LONGEST_TEXT} bytes"))
}

fn replace(given: &[Value]) -> Given<Value> {
    let (whole, old, new) = (text(given, 0)?, text(given, 1)?, text(given, 2)?);
    if old.is_empty() {
        return Err(String::from("the text to replace must not be empty"));
    }
    fits(
        whole
            .len()
            .saturating_add(whole.matches(old).count().saturating_mul(new.len())),
    )?;
    Ok(whole.replace(old, new).into())
}

fn substring(given: &[Value]) -> Given<Value> {
    let units = units(text(given, 0)?);
    let start = size(given, 1)?;
    let length = if given.len() > 2 {
        size(given, 2)?
    } else {
        units.len().saturating_sub(start)
    };
    let part = start.checked_add(length).and_then(|end| units.get(start..end));
    let part = part.ok_or_else(|| {
        String::from("the index and length parameters must refer to a location within the string")
    })?;
    Ok(String::from_utf16_lossy(part).into())
}

fn split(given: &[Value]) -> Given<Value> {
    let whole = text(given, 0)?;
    let delimiters = match get(given, 1) {
        Value::String(delimiter) => vec![delimiter.as_str()],
        Value::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            texts.ok_or_else(|| wrong(given, 1, "a string or an array of strings"))?
        }
        _ => return Err(wrong(given, 1, "a string or an array of strings")),
    };
    let mut parts = Vec::new();
    let mut rest = whole;
    while let Some((at, length)) = first_of(rest, &delimiters) {
        parts.push(Value::from(&rest[..at]));
        rest = &rest[at + length..];
    }
    parts.push(rest.into());
    Ok(parts.into())
}

/// Where the first of the delimiters stands, and its length.
fn first_of(text: &str, delimiters: &[&str]) -> Option<(usize, usize)> {
    let usable = delimiters.iter().filter(|delimiter| !delimiter.is_empty());
    usable
        .filter_map(|delimiter| Some((text.find(delimiter)?, delimiter.len())))
        .min_by_key(|found| found.0)
}

fn join(given: &[Value]) -> Given<Value> {
    let delimiter = text(given, 1)?;
    let texts: Option<Vec<_>> = array(given, 0)?.iter().map(plain_text).collect();
    let texts = texts.ok_or_else(|| wrong(given, 0, "an array of strings, integers and booleans"))?;
    let parts: usize = texts.iter().map(String::len).sum();
    fits(parts.saturating_add(texts.len().saturating_mul(delimiter.len())))?;
    Ok(texts.join(delimiter).into())
}

fn pad_left(given: &[Value]) -> Given<Value> {
    const WIDEST: usize = 16_384;
    let value = match get(given, 0) {
        value @ (Value::String(_) | Value::Number(_)) => plain_text(value).unwrap_or_default(),
        _ => return Err(wrong(given, 0, "a string or an integer")),
    };
    let width = size(given, 1)?;
    let pad = if given.len() > 2 { text(given, 2)? } else { " " };
    if pad.chars().count() != 1 || width > WIDEST {
        return Err(String::from(
            "the padding must be one character and the width at most 16384",
        ));
    }
    let missing = width.saturating_sub(units(&value).len());
    Ok(format!("{}{value}", pad.repeat(missing)).into())
}

/// `*` stands for any text, also none.
fn like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `indexOf` and `lastIndexOf` on text, without case.
pub(super) fn index_of(whole: &str, part: &str, last: bool) -> Value {
    let (whole, part) = (fold(whole), fold(part));
    let found = if last {
        whole.rfind(&part)
    } else {
        whole.find(&part)
    };
    found.map_or(json!(-1), |at| units(&whole[..at]).len().into())
}

/// `take` and `skip` on text.
pub(super) fn cut(whole: &str, given: &[Value], take: bool) -> Given<Value> {
    let units = units(whole);
    let at = usize::try_from(integer(given, 1)?).unwrap_or(0).min(units.len());
    let (head, tail) = units.split_at(at);
    Ok(String::from_utf16_lossy(if take { head } else { tail }).into())
}

/// Whether an object has a member, without case.
pub(super) fn has_member(given: &[Value], name: &str) -> Given<Value> {
    Ok(crate::table::member(object(given, 0)?, name).is_some().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn text_is_cut_and_joined() {
        check(&[
            ("[substring('abcdef', 2)]", json!("cdef")),
            ("[substring('abcdef', 2, 0)]", json!("")),
            ("[substring('😀x', 2, 1)]", json!("x")),
            (
                "[split('a,b;;c', createArray(',', ';'))]",
                json!(["a", "b", "", "c"]),
            ),
            ("[split('a--b', '--')]", json!(["a", "b"])),
            ("[split('', ',')]", json!([""])),
            ("[join(createArray('a', 1, true()), '')]", json!("a1True")),
            ("[padLeft(7, 3, '0')]", json!("007")),
            ("[padLeft('1234', 3)]", json!("1234")),
            ("[replace('aXa', 'a', '')]", json!("X")),
            ("[trim('\t x\n')]", json!("x")),
        ]);
        check_fails(&[
            "[substring('abc', 4)]",
            "[substring('abc', 1, 3)]",
            "[substring('abc', -1, 1)]",
            "[replace('a', '', 'b')]",
            "[toLower(1)]",
            "[join('a', 'b')]",
            "[padLeft('a', 3, 'xy')]",
        ]);
    }

    #[test]
    fn text_is_compared() {
        check(&[
            ("[startsWith('ABC', 'ab')]", json!(true)),
            ("[endsWith('ABC', 'bc')]", json!(true)),
            ("[like('Standard_LRS', 'standard*')]", json!(true)),
            ("[like('a-b-c', '*-*c')]", json!(true)),
            ("[like('abc', 'abc')]", json!(true)),
            ("[like('abc', 'ab')]", json!(false)),
            ("[like('ab', 'ab*b')]", json!(false)),
        ]);
    }

    #[test]
    fn text_is_encoded() {
        check(&[
            ("[base64ToString(base64('é ü'))]", json!("é ü")),
            ("[base64ToJson(base64('{\"a\": 1}')).a]", json!(1)),
            (
                "[dataUri('Hello')]",
                json!("data:text/plain;charset=utf-8;base64,SGVsbG8="),
            ),
            ("[dataUriToString('data:;base64,SGVsbG8=')]", json!("Hello")),
            ("[dataUriToString('data:,a%20b')]", json!("a b")),
            ("[json('{\"a\": [1.5, null]}')]", json!({"a": [1.5, null]})),
            ("[json('null')]", json!(null)),
            ("[string(json('{\"a\": true}'))]", json!("{\"a\":true}")),
            ("[string(true())]", json!("True")),
            ("[string(12)]", json!("12")),
        ]);
        check_fails(&[
            "[base64ToString('***')]",
            "[json('{')]",
            "[dataUriToString('x')]",
            "[fail('stop')]",
        ]);
    }
}
