//! What a hub cannot be without and was not given: made with it, in the same commit (features HUB-03).

use nave_arm::ResourceId;
use nave_engine::{
    decision::Need,
    declaration::{Also, Cx},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::links::{self, Link, STORAGE, VAULT};

/// Makes the body of one.
type Body = fn(&Cx<'_>, &Value) -> Value;

/// The required ones: the link that names each, the word in its name, its body.
const REQUIRED: [(Link, &str, Body); 2] = [(STORAGE, "storage", storage), (VAULT, "keyvault", vault)];

/// What the caller must be allowed to do for those that a body leaves out. Their names are not known yet, so the
/// right is asked for at the group they will be in.
pub(super) fn needs(body: &Value, group: &ResourceId) -> Vec<Need> {
    let absent = REQUIRED
        .iter()
        .filter(|(link, ..)| links::named(body, link).is_none());
    absent
        .map(|(link, ..)| Need::action(link.write, group.clone()).linked())
        .collect()
}

/// Makes those that a body leaves out, and links them in nave's part.
pub(super) fn make(cx: &Cx<'_>, hub: &ResourceId, body: &Value, own: &mut Value, guid: Uuid) -> Vec<Also> {
    let Some(group) = hub.resource_group_id() else {
        return Vec::new();
    };
    let mut made = Vec::new();
    for (link, word, make_body) in &REQUIRED {
        if links::named(body, link).is_some() {
            continue;
        }
        let id = group.extension(link.resource_type, &name(hub.name(), word, guid));
        let member = link.pointer.rsplit('/').next().unwrap_or_default();
        own["properties"][member] = id.as_str().into();
        made.push(Also::Put {
            id,
            body: make_body(cx, body),
            own: json!({}),
        });
    }
    made
}

/// A name in the rules of storage accounts and vaults alike: up to 24 lower-case letters and digits, a letter first.
fn name(hub: &str, word: &str, guid: Uuid) -> String {
    let letters = hub
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .flat_map(char::to_lowercase);
    let base: String = letters.skip_while(char::is_ascii_digit).take(8).collect();
    let base = if base.is_empty() {
        String::from("hub")
    } else {
        base
    };
    format!("{base}{word}{}", guid.simple())
        .chars()
        .take(24)
        .collect()
}

fn storage(_: &Cx<'_>, hub: &Value) -> Value {
    json!({
        "location": hub["location"],
        "tags": hub.get("tags").cloned().unwrap_or_else(|| json!({})),
        "kind": "StorageV2",
        "sku": { "name": "Standard_LRS" },
        "properties": {
            "encryption": {
                "services": { "blob": { "enabled": true }, "file": { "enabled": true } },
                "keySource": "Microsoft.Storage",
            },
            "supportsHttpsTrafficOnly": true,
            "allowBlobPublicAccess": false,
            "minimumTlsVersion": "TLS1_2",
        },
    })
}

fn vault(cx: &Cx<'_>, hub: &Value) -> Value {
    json!({
        "location": hub["location"],
        "tags": hub.get("tags").cloned().unwrap_or_else(|| json!({})),
        "properties": {
            "tenantId": cx.site.tenant,
            "sku": { "name": "standard", "family": "A" },
            "accessPolicies": [],
            "enableRbacAuthorization": true,
        },
    })
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::name;

    #[test]
    fn any_hub_name_gives_a_legal_name() {
        let guid = uuid!("0123abcd-0000-4000-8000-000000000000");
        for (hub, word, made) in [
            ("Contoso-Hub_1", "storage", "contosohstorage0123abcd0"),
            ("42", "keyvault", "hubkeyvault0123abcd00004"),
            ("9lives", "keyvault", "liveskeyvault0123abcd000"),
        ] {
            assert_eq!(name(hub, word, guid), made);
            assert!(made.len() <= 24);
        }
    }
}
