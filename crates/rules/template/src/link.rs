//! Links to templates and parameters that stand elsewhere. The crate reads and joins them; whoever expands fetches them.

use nave_arm::{ArmError, ErrorCode};
use serde_json::{Map, Value};

use crate::table::member;

/// A `templateLink` or `parametersLink`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Where it is, in full.
    pub uri: Option<String>,
    /// Where it is, seen from the template that links it.
    pub relative_path: Option<String>,
    /// The id of a template spec's version.
    pub id: Option<String>,
    /// The `contentVersion` the linked document must have.
    pub content_version: Option<String>,
    /// What is added to the address, such as a token.
    pub query_string: Option<String>,
}

/// Reads linked documents, for callers that are not asynchronous.
pub trait Links {
    /// The text behind a link that stands in the template at `from` (`None`: it did not come by a link), and the
    /// address it was read from.
    ///
    /// # Errors
    /// `InvalidContentLink` when there is nothing, or when it may not be read.
    fn fetch(&self, link: &Link, from: Option<&str>) -> Result<(String, String), ArmError>;
}

/// No links: each is refused.
#[derive(Debug, Clone, Copy)]
pub struct WithoutLinks;

impl Links for WithoutLinks {
    fn fetch(&self, link: &Link, _from: Option<&str>) -> Result<(String, String), ArmError> {
        Err(link.refused("nothing is fetched here; send the content itself"))
    }
}

impl Link {
    /// Reads a link.
    ///
    /// # Errors
    /// `InvalidContentLink` unless it says in exactly one way where its content is.
    pub fn read(value: &Value) -> Result<Self, ArmError> {
        let none = Map::new();
        let members = value.as_object().unwrap_or(&none);
        let text = |name: &str| {
            let text = member(members, name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let link = Self {
            uri: text("uri"),
            relative_path: text("relativePath"),
            id: text("id"),
            content_version: text("contentVersion"),
            query_string: text("queryString"),
        };
        let ways = [&link.uri, &link.relative_path, &link.id];
        match ways.iter().filter(|way| way.is_some()).count() {
            1 => Ok(link),
            _ => Err(link.refused("it needs one of 'uri', 'relativePath' and 'id'")),
        }
    }

    /// The address, seen from that of the template the link stands in; without the query string.
    ///
    /// # Errors
    /// `InvalidContentLink` for a relative path in a template that has no address, and for a template spec.
    pub fn address(&self, from: Option<&str>) -> Result<String, ArmError> {
        match (&self.uri, &self.relative_path, from) {
            (Some(uri), _, _) => Ok(uri.clone()),
            (None, Some(path), Some(from)) => Ok(crate::functions::join_uris(from, path)),
            (None, Some(_), None) => {
                Err(self.refused("'relativePath' needs a template that came by a link itself"))
            }
            (None, None, _) => Err(self.refused("a template spec has no address")),
        }
    }

    /// Checks that the document is the one that was meant.
    ///
    /// # Errors
    /// `InvalidContentLink` when its `contentVersion` is another one.
    pub fn check_version(&self, document: &Value) -> Result<(), ArmError> {
        let found = document
            .as_object()
            .and_then(|document| member(document, "contentVersion"))
            .and_then(Value::as_str);
        match &self.content_version {
            Some(wanted) if found != Some(wanted) => Err(self.refused(&format!(
                "its content version must be '{wanted}', and is '{}'",
                found.unwrap_or_default()
            ))),
            _ => Ok(()),
        }
    }

    /// The refusal of this link.
    #[must_use]
    pub fn refused(&self, why: &str) -> ArmError {
        let named = self
            .uri
            .as_ref()
            .or(self.relative_path.as_ref())
            .or(self.id.as_ref());
        let message = format!(
            "Unable to download deployment content from '{}': {why}.",
            named.map_or("", String::as_str)
        );
        ArmError::new(ErrorCode::InvalidContentLink, message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Link;

    fn address(link: serde_json::Value, from: Option<&str>) -> Result<String, String> {
        let link = Link::read(&link).map_err(|error| error.message)?;
        link.address(from).map_err(|error| error.message)
    }

    #[test]
    fn a_link_is_joined_with_the_place_it_stands_at() {
        let from = Some("https://h.org/a/main.json");
        assert_eq!(
            address(json!({"relativePath": "../b/x.json", "queryString": "s"}), from),
            Ok(String::from("https://h.org/b/x.json"))
        );
        assert_eq!(
            address(json!({"Uri": "https://o.org/x.json"}), None),
            Ok(String::from("https://o.org/x.json"))
        );
        for link in [
            json!({}),
            json!({"uri": "u", "id": "i"}),
            json!("u"),
            json!({"relativePath": "x"}),
        ] {
            assert!(address(link.clone(), None).is_err(), "{link}");
        }
    }

    #[test]
    fn the_content_version_must_be_the_one_that_was_meant() {
        let link = Link::read(&json!({"uri": "u", "contentVersion": "1.0.0.0"})).expect("a link");
        assert!(link.check_version(&json!({"contentVersion": "1.0.0.0"})).is_ok());
        assert!(link.check_version(&json!({"contentVersion": "1.0.0.1"})).is_err());
        assert!(link.check_version(&json!({})).is_err());
    }
}
