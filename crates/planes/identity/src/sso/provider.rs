//! An identity provider as an administrator describes it: one JSON object, checked when it is written, read where it is
//! needed.
//!
//! It has the members of Graph's `openIdConnectProvider` and some of nave's own, which say what its word is good for:
//! who gets an account, how one that is there already is found, and which of its groups mean which of ours. Where
//! nothing is said, nothing is given.

use std::sync::Arc;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{Resource, Snapshot, site::Site};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The type of the rows.
pub(crate) const PROVIDERS: &str = "Nave.Identity/identityProviders";
/// What metadata addresses end with.
const METADATA: &str = "/.well-known/openid-configuration";
/// The most entries in any list of a description.
const MOST: usize = 1000;

/// A member: its name, the check of its value, and what it is where nothing is said.
type Member = (&'static str, fn(&Value) -> bool, fn() -> Value);

/// The members that may be written.
static MEMBERS: [Member; 17] = [
    ("displayName", is_text, || Value::Null),
    ("issuer", is_text, || Value::Null),
    ("metadataUrl", is_text, || Value::Null),
    ("clientId", is_text, || Value::Null),
    ("scope", is_text, || "openid profile email".into()),
    ("responseType", |value| value == "code", || "code".into()),
    ("responseMode", |value| value == "query", || "query".into()),
    ("claimsMapping", is_mapping, || json!({})),
    ("enabled", Value::is_boolean, || true.into()),
    ("justInTime", Value::is_boolean, || false.into()),
    ("allowedDomains", is_texts, || json!([])),
    ("linkBy", is_links, || json!([])),
    ("emailsAreVerified", Value::is_boolean, || false.into()),
    ("groupMappings", is_groups, || json!([])),
    ("groupsByExternalId", Value::is_boolean, || false.into()),
    ("domainHints", is_texts, || json!([])),
    ("acceptsMultiFactor", Value::is_boolean, || true.into()),
];

/// What of a person is found in which claim, unless the provider is described otherwise.
const CLAIMS: [(&str, &str); 7] = [
    ("userPrincipalName", "preferred_username"),
    ("email", "email"),
    ("displayName", "name"),
    ("givenName", "given_name"),
    ("surname", "family_name"),
    ("groups", "groups"),
    ("externalId", "sub"),
];

fn is_text(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| !text.is_empty() && text.len() <= 2048 && !text.chars().any(char::is_control))
}

fn is_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.len() <= MOST && items.iter().all(is_text))
}

fn is_mapping(value: &Value) -> bool {
    let known = |name: &str| CLAIMS.iter().any(|(known, _)| *known == name);
    value
        .as_object()
        .is_some_and(|members| members.iter().all(|(name, value)| known(name) && is_text(value)))
}

fn is_links(value: &Value) -> bool {
    let known = |item: &Value| matches!(item.as_str(), Some("externalId" | "verifiedEmail"));
    value
        .as_array()
        .is_some_and(|items| items.len() <= 2 && items.iter().all(known))
}

fn is_groups(value: &Value) -> bool {
    let good = |item: &Value| {
        is_text(&item["value"])
            && item["groupId"]
                .as_str()
                .is_some_and(|id| Uuid::parse_str(id).is_ok())
    };
    value
        .as_array()
        .is_some_and(|items| items.len() <= MOST && items.iter().all(good))
}

/// The id of a provider's row.
pub(crate) fn row_id(id: &str) -> ResourceId {
    ResourceId::tenant().extension(PROVIDERS, id)
}

fn bad(message: impl Into<String>) -> ArmError {
    ArmError::new(ErrorCode::Request_BadRequest, message)
}

/// The description in a body: what was there before with what the body says.
pub(crate) fn described(before: &Value, body: &Value) -> Result<Value, ArmError> {
    let mut described = before.as_object().cloned().unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        let member = MEMBERS
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(name));
        match member {
            _ if name.contains('@') || is_not_the_clients(name) => {}
            None => return Err(bad(format!("An identity provider has no '{name}'."))),
            Some((known, ..)) if value.is_null() => drop(described.shift_remove(*known)),
            Some((known, check, _)) if check(value) => {
                drop(described.insert((*known).to_owned(), value.clone()))
            }
            Some((known, ..)) => {
                return Err(bad(format!("The value of '{known}' is not one that it takes.")));
            }
        }
    }
    complete(described)
}

/// What comes along in whole objects, and the secret, which is kept elsewhere.
fn is_not_the_clients(name: &str) -> bool {
    ["id", "clientSecret", "redirectUri", "createdDateTime"]
        .iter()
        .any(|only| only.eq_ignore_ascii_case(name))
}

fn complete(mut described: Map<String, Value>) -> Result<Value, ArmError> {
    let text = |described: &Map<String, Value>, name: &str| {
        described.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    if let (None, Some(url)) = (text(&described, "issuer"), text(&described, "metadataUrl")) {
        let issuer = url.strip_suffix(METADATA).ok_or_else(|| {
            bad(format!(
                "The metadataUrl must end with '{METADATA}'; otherwise say the issuer."
            ))
        })?;
        described.insert(String::from("issuer"), issuer.into());
    }
    for name in ["displayName", "issuer", "clientId"] {
        if text(&described, name).is_none() {
            return Err(bad(format!("The property '{name}' is required.")));
        }
    }
    let issuer = text(&described, "issuer").unwrap_or_default();
    if !issuer.starts_with("https://") && !issuer.starts_with("http://") {
        return Err(bad(format!(
            "The issuer '{issuer}' is not an address that begins with https://."
        )));
    }
    let scope = text(&described, "scope").unwrap_or_else(|| String::from("openid"));
    if !scope.split(' ').any(|word| word == "openid") {
        return Err(bad("The scope must hold 'openid'."));
    }
    Ok(Value::Object(described))
}

/// The id in a body, or one made of the display name: a word that stands in the address people come back to.
pub(crate) fn id_of(body: &Value) -> Result<String, ArmError> {
    let said = body["id"]
        .as_str()
        .or_else(|| body["displayName"].as_str())
        .unwrap_or_default();
    let plain: String = said
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let id = plain.trim_matches('-').to_owned();
    let as_said = body["id"].is_null() || body["id"] == id.as_str();
    if as_said && (1..=64).contains(&id.len()) {
        return Ok(id);
    }
    Err(bad(format!(
        "The id '{said}' must be 1 to 64 small letters, digits and dashes."
    )))
}

/// The address a provider sends people back to. It is each provider's own, so that no provider can answer for another.
pub(crate) fn redirect_uri(site: &Site, id: &str) -> String {
    format!("{}/sso/{id}/callback", site.origin)
}

/// The provider as it is shown: never with its secret.
pub(crate) fn shown(site: &Site, row: &Resource) -> Value {
    let mut shown = json!({
        "@odata.type": "#microsoft.graph.openIdConnectProvider", "id": row.id.name(),
        "redirectUri": redirect_uri(site, row.id.name()),
    });
    for (name, _, usual) in &MEMBERS {
        shown[*name] = row.sent.get(*name).cloned().unwrap_or_else(usual);
    }
    shown["hasClientSecret"] = row.sealed.is_some().into();
    shown["createdDateTime"] = row.history.created_at.to_string().into();
    shown
}

/// A provider.
#[derive(Debug, Clone)]
pub(crate) struct Provider(pub(super) Arc<Resource>);

impl Provider {
    /// The provider with this id, if it is switched on.
    pub(super) fn find(snapshot: &Snapshot, id: &str) -> Option<Self> {
        let found = Self(snapshot.get(&row_id(id))?.clone());
        found.flag("enabled").then_some(found)
    }

    /// All that are switched on.
    pub(super) fn all(snapshot: &Snapshot) -> impl Iterator<Item = Self> {
        let rows = snapshot.of_type(PROVIDERS);
        rows.map(|row| Self(row.clone()))
            .filter(|provider| provider.flag("enabled"))
    }

    pub(super) fn id(&self) -> &str {
        self.0.id.name()
    }

    fn member(&self, name: &str) -> Value {
        let usual = || {
            MEMBERS
                .iter()
                .find(|(known, ..)| *known == name)
                .map(|(.., usual)| usual())
        };
        self.0.sent.get(name).cloned().or_else(usual).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.member(name).as_bool().unwrap_or_default()
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.member(name).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let list = self.member(name);
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The group that a value of the groups claim stands for by the table.
    pub(super) fn mapped_group(&self, value: &str) -> Option<Uuid> {
        let table = self.member("groupMappings");
        let found = table.as_array()?.iter().find(|entry| entry["value"] == value)?;
        Uuid::parse_str(found["groupId"].as_str()?).ok()
    }

    /// Whether its groups mean anything here.
    pub(super) fn maps_groups(&self) -> bool {
        self.flag("groupsByExternalId")
            || self
                .member("groupMappings")
                .as_array()
                .is_some_and(|table| !table.is_empty())
    }

    /// What the provider said of a person: the claim that stands for it, which may be inside another (`a.b`).
    pub(super) fn claim<'a>(&self, claims: &'a Value, what: &str) -> Option<&'a Value> {
        let mapping = self.member("claimsMapping");
        let usual = CLAIMS
            .iter()
            .find(|(known, _)| *known == what)
            .map(|(_, claim)| *claim);
        let name = mapping.get(what).and_then(Value::as_str).or(usual)?;
        let found = claims
            .get(name)
            .or_else(|| name.split('.').try_fold(claims, |inner, step| inner.get(step)));
        found.filter(|value| !value.is_null())
    }

    pub(super) fn claimed_text<'a>(&self, claims: &'a Value, what: &str) -> Option<&'a str> {
        self.claim(claims, what)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The e-mail address that is the person's beyond doubt.
    pub(super) fn verified_email<'a>(&self, claims: &'a Value) -> Option<&'a str> {
        // some providers send texts
        let said =
            matches!(&claims["email_verified"], Value::Bool(true)) || claims["email_verified"] == "true";
        let trusted = said || (self.flag("emailsAreVerified") && claims["email_verified"].is_null());
        self.claimed_text(claims, "email").filter(|_| trusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_checked_and_completed() {
        let body = json!({
            "displayName": "Okta", "clientId": "c", "clientSecret": "s",
            "metadataUrl": "https://idp.test/oauth2/default/.well-known/openid-configuration",
            "groupMappings": [{ "value": "eng", "groupId": "aaaaaaaa-0000-4000-8000-000000000003" }],
        });
        let described = described(&Value::Null, &body).unwrap();
        assert_eq!(described["issuer"], "https://idp.test/oauth2/default");
        assert!(described.get("clientSecret").is_none());
        assert_eq!(id_of(&body).unwrap(), "okta");
        for (member, value) in [
            ("clientId", Value::Null),
            ("nonsense", json!(1)),
            ("scope", json!("profile")),
            ("issuer", json!("ftp://x")),
            ("linkBy", json!(["email"])),
            ("groupMappings", json!([{ "value": "eng", "groupId": "team" }])),
            ("claimsMapping", json!({ "sub": "oid" })),
            ("justInTime", json!("yes")),
        ] {
            let mut body = body.clone();
            body[member] = value;
            assert!(super::described(&Value::Null, &body).is_err(), "{body}");
        }
        for id in ["UPPER", "a/b", "", "-a"] {
            assert!(id_of(&json!({ "id": id })).is_err(), "{id}");
        }
    }
}
