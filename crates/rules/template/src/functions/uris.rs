//! Functions on URIs.

use serde_json::{Value, json};

use super::{
    Function,
    arguments::{Given, object, text},
    pure,
};
use crate::table::member;

pub(super) const TABLE: &[Function] = &[
    pure("uri", 2, 2, |given| {
        Ok(join(text(given, 0)?, text(given, 1)?).into())
    }),
    pure("uriComponent", 1, 1, |given| {
        Ok(percent_encode(text(given, 0)?).into())
    }),
    pure("uriComponentToString", 1, 1, |given| {
        Ok(percent_decode(text(given, 0)?).into())
    }),
    pure("parseUri", 1, 1, |given| parse(text(given, 0)?)),
    pure("buildUri", 1, 1, build),
];

fn percent_encode(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let encode = |byte: u8| {
        if unreserved(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encode).collect()
}

/// Undoes percent encoding; what does not decode to text stays as it is.
pub(super) fn percent_decode(text: &str) -> String {
    let mut decoded = String::new();
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.as_bytes() {
            [b'%', high, low, ..]
                if let Some(byte) = hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low) =>
            {
                bytes.push(byte);
                rest = &rest[3..];
            }
            _ => {
                settle(&mut bytes, &mut decoded);
                decoded.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    settle(&mut bytes, &mut decoded);
    decoded
}

/// Adds decoded bytes, those that are no text in their encoded form.
fn settle(bytes: &mut Vec<u8>, decoded: &mut String) {
    for chunk in bytes.utf8_chunks() {
        decoded.push_str(chunk.valid());
        decoded.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    bytes.clear();
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// `(scheme://authority, path?query#fragment)`.
fn split(uri: &str) -> Option<(&str, &str)> {
    let scheme = uri.find("://").filter(|at| {
        uri[..*at]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })?;
    let after = scheme + 3;
    let end = uri[after..]
        .find(['/', '?', '#'])
        .map_or(uri.len(), |at| after + at);
    Some(uri.split_at(end))
}

/// RFC 3986 joining: the base loses what follows its last slash.
pub(crate) fn join(base: &str, relative: &str) -> String {
    if split(relative).is_some() {
        return relative.to_owned();
    }
    let Some((root, path)) = split(base) else {
        return format!("{base}{relative}");
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
    let whole = if relative.is_empty() {
        if path.is_empty() {
            String::from("/")
        } else {
            path.to_owned()
        }
    } else if relative.starts_with('/') {
        relative.to_owned()
    } else if relative.starts_with(['?', '#']) {
        format!("{}{relative}", if path.is_empty() { "/" } else { path })
    } else {
        format!("{folder}{relative}")
    };
    format!("{root}{}", without_dots(&whole))
}

/// Resolves the segments `.` and `..` of a path; query and fragment stay.
fn without_dots(whole: &str) -> String {
    let (path, rest) = whole
        .find(['?', '#'])
        .map_or((whole, ""), |at| whole.split_at(at));
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." | ".." => {
                if *segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}{rest}", kept.join("/"))
}

fn parse(uri: &str) -> Given<Value> {
    let (root, rest) = split(uri).ok_or_else(|| String::from("the argument is not an absolute URI"))?;
    let (scheme, authority) = root.split_once("://").unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse::<u16>().ok()),
        _ => (authority, None),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.find('?').map_or((rest, ""), |at| rest.split_at(at));
    let default = match scheme {
        "https" => json!(443),
        "http" => json!(80),
        _ => Value::Null,
    };
    let port = port.map_or(default, Value::from);
    let path = if path.is_empty() { "/" } else { path };
    Ok(json!({"scheme": scheme, "host": host, "port": port, "path": path, "query": query}))
}

fn build(given: &[Value]) -> Given<Value> {
    let parts = object(given, 0)?;
    let part = |name: &str| member(parts, name).and_then(Value::as_str).unwrap_or_default();
    if part("scheme").is_empty() || part("host").is_empty() {
        return Err(String::from("the URI needs 'scheme' and 'host'"));
    }
    let prefixed = |text: &str, mark: char| {
        if text.is_empty() || text.starts_with(mark) {
            text.to_owned()
        } else {
            format!("{mark}{text}")
        }
    };
    let port = member(parts, "port")
        .and_then(Value::as_i64)
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let (path, query) = (prefixed(part("path"), '/'), prefixed(part("query"), '?'));
    Ok(format!("{}://{}{port}{path}{query}", part("scheme"), part("host")).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::functions::checks::{check, check_fails};

    #[test]
    fn uris_are_joined_as_rfc_3986_says() {
        check(&[
            ("[uri('http://h.org/a', 'x.sh')]", json!("http://h.org/x.sh")),
            ("[uri('http://h.org/a/', 'x.sh')]", json!("http://h.org/a/x.sh")),
            (
                "[uri('http://h.org/a/b/', '../x.sh')]",
                json!("http://h.org/a/x.sh"),
            ),
            ("[uri('http://h.org', 'x/y')]", json!("http://h.org/x/y")),
            (
                "[uri('http://h.org/a?b=c', '/x?y#z')]",
                json!("http://h.org/x?y#z"),
            ),
            (
                "[uri('http://h.org/a', 'https://o.org/')]",
                json!("https://o.org/"),
            ),
        ]);
    }

    #[test]
    fn components_are_encoded() {
        check(&[
            ("[uriComponent('a b/ü')]", json!("a%20b%2F%C3%BC")),
            ("[uriComponentToString('a%20b%2F%C3%BC%')]", json!("a b/ü%")),
            ("[uriComponentToString('%FF%zz%e2%82')]", json!("%FF%zz%E2%82")),
            (
                "[buildUri(createObject('scheme', 'https', 'host', 'h', 'path', 'p', 'query', 'q=1'))]",
                json!("https://h/p?q=1"),
            ),
            (
                "[parseUri('https://h:8080/p?q#f')]",
                json!({"scheme": "https", "host": "h", "port": 8080, "path": "/p", "query": "?q"}),
            ),
        ]);
        check_fails(&["[parseUri('x')]", "[buildUri(createObject())]"]);
    }
}
