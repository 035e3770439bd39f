//! The body of a connection: 19 kinds of credential and more than a hundred categories, all of one shape.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Fields, Resource};
use serde_json::{Map, Value};

use crate::spelling::{drop_named, spell};

const ENVELOPE: &[&str] = &["id", "name", "type", "etag", "systemData", "properties"];

const NAMES: &[&str] = &[
    "authType",
    "category",
    "createdByWorkspaceArmId",
    "credentials",
    "error",
    "expiryTime",
    "group",
    "inheritedFrom",
    "isSharedToAll",
    "metadata",
    "neverReveal",
    "peStatus",
    "sharedUserList",
    "target",
    "value",
    "valueFormat",
];

/// What nave says and no client does.
const READ_ONLY: &[&str] = &[
    "createdByWorkspaceArmId",
    "error",
    "group",
    "inheritedFrom",
    "peStatus",
];

/// The ways to authenticate, as documents spell them. Clients spell some otherwise, and what they wrote stays.
const AUTH_TYPES: &[&str] = &[
    "AAD",
    "AccessKey",
    "AccountKey",
    "AccountManagedIdentity",
    "AgentUserImpersonation",
    "AgenticIdentityToken",
    "AgenticUser",
    "ApiKey",
    "CustomKeys",
    "DelegatedSAS",
    "ManagedIdentity",
    "None",
    "OAuth2",
    "PAT",
    "ProjectManagedIdentity",
    "SAS",
    "ServicePrincipal",
    "UserEntraToken",
    "UsernamePassword",
];

/// What a stored credential is bound to: it is not sent, or shown, on other terms than those it came with.
const BOUND: &[&str] = &["/properties/target", "/properties/neverReveal"];

/// The same body in documented names, without what is read-only.
pub(super) fn normalised(mut body: Value) -> Result<Value, ArmError> {
    spell(&mut body, ENVELOPE);
    let Some(members) = body.as_object_mut() else {
        return Err(wrong("the request body", "a JSON object"));
    };
    drop_named(members, &["id", "name", "type", "etag", "systemData"]);
    let properties = members
        .get_mut("properties")
        .map(Value::take)
        .filter(|properties| !properties.is_null());
    let mut properties = properties.unwrap_or_else(|| Value::Object(Map::new()));
    spell(&mut properties, NAMES);
    let Some(named) = properties.as_object_mut() else {
        return Err(wrong("properties", "an object"));
    };
    drop_named(named, READ_ONLY);
    for name in ["credentials", "metadata"] {
        if named
            .get(name)
            .is_some_and(|value| !value.is_object() && !value.is_null())
        {
            return Err(wrong(&format!("properties.{name}"), "an object"));
        }
    }
    if named
        .get("sharedUserList")
        .is_some_and(|value| !value.is_array() && !value.is_null())
    {
        return Err(wrong("properties.sharedUserList", "a list"));
    }
    members.insert(String::from("properties"), properties);
    typed(&mut body)?;
    Ok(body)
}

fn typed(body: &mut Value) -> Result<(), ArmError> {
    let fields = Fields(body);
    fields.required("/properties/category")?;
    fields.required("/properties/authType")?;
    fields.choice("/properties/authType", AUTH_TYPES)?;
    for name in ["target", "expiryTime"] {
        fields.text(&format!("/properties/{name}"))?;
    }
    for name in ["isSharedToAll", "neverReveal"] {
        let pointer = format!("/properties/{name}");
        if let Some(flag) = Fields(body).flag(&pointer)? {
            body["properties"][name] = flag.into();
        }
    }
    Ok(())
}

/// A body without a credential keeps the one that is there, for the target it was given for. To send it elsewhere, or
/// to make it readable, one must know it.
pub(super) fn keep_to_its_target(body: &Value, existing: Option<&Resource>) -> Result<(), ArmError> {
    let Some(existing) = existing.filter(|existing| existing.sealed.is_some()) else {
        return Ok(());
    };
    if brings_credential(body) || drops_secrets(body, Some(existing)) {
        return Ok(());
    }
    let said = |value: Option<&Value>| {
        value
            .filter(|value| !value.is_null() && **value != Value::Bool(false))
            .cloned()
    };
    for pointer in BOUND {
        if said(body.pointer(pointer)) != said(existing.value(pointer)) {
            let name = pointer.trim_start_matches('/').replace('/', ".");
            return Err(ArmError::new(
                ErrorCode::InvalidParameter,
                format!("'{name}' changes, and the stored credential does not go with it: send properties.credentials as well."),
            )
            .on(name));
        }
    }
    Ok(())
}

/// Whether the stored credential is of no use any more: it was for another way to authenticate.
pub(super) fn drops_secrets(body: &Value, existing: Option<&Resource>) -> bool {
    let before = existing.and_then(|existing| existing.text("/properties/authType"));
    let now = body
        .pointer("/properties/authType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    !brings_credential(body) && before.is_some_and(|before| !before.eq_ignore_ascii_case(now))
}

fn brings_credential(body: &Value) -> bool {
    ["/properties/credentials", "/properties/value"]
        .iter()
        .any(|pointer| body.pointer(pointer).is_some_and(|value| !value.is_null()))
}

fn wrong(name: &str, expected: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestFormat,
        format!("The value of '{name}' must be {expected}."),
    )
    .on(name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::normalised;

    #[test]
    fn any_spelling_of_a_name_is_found() {
        let body = json!({"Properties": {"AuthType": "apikey", "Category": "AzureOpenAi", "Credentials": {"key": "K"},
            "isSharedToAll": "true", "createdByWorkspaceArmId": "/elsewhere", "metadata": {"ApiVersion": null}}});
        assert_eq!(
            normalised(body).expect("a body"),
            json!({"properties": {"authType": "apikey", "category": "AzureOpenAi", "credentials": {"key": "K"},
                "isSharedToAll": true, "metadata": {"ApiVersion": null}}})
        );
    }

    #[test]
    fn wrong_bodies_are_refused_by_name() {
        let with = |name: &str, value: Value| {
            let mut body = json!({"properties": {"authType": "None", "category": "Git"}});
            body["properties"][name] = value;
            body
        };
        for (body, target) in [
            (json!([]), "the request body"),
            (json!({}), "properties.category"),
            (json!({"properties": []}), "properties"),
            (json!({"properties": {"category": "Git"}}), "properties.authType"),
            (with("authType", json!("Magic")), "properties.authType"),
            (with("authType", json!(1)), "properties.authType"),
            (with("credentials", json!("K")), "properties.credentials"),
            (with("metadata", json!([])), "properties.metadata"),
            (with("target", json!(1)), "properties.target"),
            (with("isSharedToAll", json!("maybe")), "properties.isSharedToAll"),
            (with("sharedUserList", json!("me")), "properties.sharedUserList"),
        ] {
            let refusal = normalised(body.clone()).expect_err("a refusal");
            assert_eq!(refusal.target.as_deref(), Some(target), "{body}");
            assert_eq!(refusal.status(), 400, "{body}");
        }
    }
}
