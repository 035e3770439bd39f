//! From an HTTP request to the engine's. Pure, so that what reaches a plane is tested without a socket.

use bytes::Bytes;
use http::{header, request::Parts};
use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Request, site::Site};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use crate::zones;

/// The header by which a client ties its calls together.
pub(crate) const CORRELATION: &str = "x-ms-correlation-request-id";

/// Decodes a request; who is asking is not known yet.
pub(crate) fn request(
    site: &Site,
    parts: &Parts,
    body: Bytes,
    correlation_id: Uuid,
) -> Result<Request, ArmError> {
    let host = host(parts);
    let path = zones::path(&host, &site.authority, &path(parts.uri.path())?);
    Ok(Request {
        method: parts.method.clone(),
        path,
        query: query(parts.uri.query().unwrap_or_default()),
        headers: parts.headers.clone(),
        body,
        caller: None,
        host,
        correlation_id,
        peer: None,
    })
}

/// The client's correlation id, where it is a guid.
pub(crate) fn correlation_id(parts: &Parts) -> Option<Uuid> {
    let text = parts.headers.get(CORRELATION)?.to_str().ok()?;
    Uuid::parse_str(text.trim()).ok()
}

/// The decoded path: slashes that clients double or leave at the end are dropped (client contract 2).
fn path(raw: &str) -> Result<String, ArmError> {
    let decoded = percent_decode_str(raw)
        .decode_utf8()
        .map_err(|_| unreadable("it is not UTF-8 when its percent-encoding is undone"))?;
    if decoded.chars().any(char::is_control) {
        return Err(unreadable("it holds a control character"));
    }
    let mut path = String::with_capacity(decoded.len() + 1);
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        path.push('/');
        path.push_str(segment);
    }
    if path.is_empty() {
        path.push('/');
    }
    Ok(path)
}

fn query(raw: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(raw.as_bytes()).into_owned().collect()
}

/// The host asked for: HTTP/2 has it in the URI, HTTP/1 in a header.
fn host(parts: &Parts) -> String {
    let named = parts.uri.authority().map(http::uri::Authority::as_str);
    let header = || {
        parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
    };
    named.or_else(header).unwrap_or_default().to_lowercase()
}

fn unreadable(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidResourceId,
        format!("The path of the request cannot be read: {why}."),
    )
}

#[cfg(test)]
mod tests {
    use nave_engine::site::LOCATIONS;

    use super::*;

    fn site() -> Site {
        Site {
            origin: String::from("https://localhost:8443"),
            authority: String::from("localhost:8443"),
            tenant: Uuid::nil(),
            tenant_name: String::new(),
            domain: String::new(),
            cloud: String::from("nave"),
            locations: LOCATIONS,
        }
    }

    fn decode(uri: &str, headers: &[(&str, &str)]) -> Result<Request, ArmError> {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        super::request(&site(), &parts, Bytes::new(), Uuid::nil())
    }

    #[test]
    fn paths_are_decoded_and_tidied() {
        let cases = [
            ("/", "/"),
            ("//metadata/endpoints/", "/metadata/endpoints"),
            (
                "/subscriptions/s/resourcegroups/my%20rg",
                "/subscriptions/s/resourcegroups/my rg",
            ),
            (
                "/providers/Microsoft.X//workspaces/y/",
                "/providers/Microsoft.X/workspaces/y",
            ),
            ("/users/joe%40contoso.com", "/users/joe@contoso.com"),
            ("/a%2Fb", "/a/b"),
        ];
        for (uri, expected) in cases {
            assert_eq!(decode(uri, &[]).unwrap().path, expected, "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_a_path_is_refused() {
        for uri in ["/%ff", "/a%00b", "/a%0d%0ab"] {
            assert_eq!(
                decode(uri, &[]).unwrap_err().code,
                ErrorCode::InvalidResourceId,
                "{uri}"
            );
        }
    }

    #[test]
    fn the_query_is_decoded_in_order() {
        let request = decode("/x?api-version=1&$filter=a%20eq%20'b+c'&e=", &[]).unwrap();
        let pairs: Vec<_> = request
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [("api-version", "1"), ("$filter", "a eq 'b c'"), ("e", "")]
        );
    }

    #[test]
    fn the_host_comes_from_either_place_and_may_be_a_zone() {
        let with_header = decode("/openai/v1/models", &[("host", "Ai1.OpenAI.localhost:8443")]).unwrap();
        assert_eq!(
            (with_header.host.as_str(), with_header.path.as_str()),
            ("ai1.openai.localhost:8443", "/ai/ai1/openai/v1/models")
        );
        let in_uri = decode("https://kv.vault.localhost:8443/secrets/n", &[("host", "other")]).unwrap();
        assert_eq!(in_uri.path, "/kv/kv/secrets/n");
    }

    #[test]
    fn a_correlation_id_is_a_guid_or_none() {
        let id = |value: &str| {
            let request = http::Request::builder()
                .header(CORRELATION, value)
                .body(())
                .unwrap();
            correlation_id(&request.into_parts().0)
        };
        assert_eq!(
            id("11111111-2222-3333-4444-555555555555").unwrap().to_string(),
            "11111111-2222-3333-4444-555555555555"
        );
        assert_eq!(id("call 7"), None);
    }
}
