//! Directory objects as rows. Deciding needs to know who exists, who is enabled and who is in which group, so their
//! form is the engine's; the identity plane gives them their Graph face.
//!
//! A row's `sent` is the Graph object (`id`, `displayName`, …); a group's row also has `members`, a list of object
//! ids. Credentials are sealed.

use nave_arm::ResourceId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Caller, CallerKind, Put, Resource, SignIn, Snapshot, principal_claim, site::Site};

/// The type of users' rows.
pub const USERS: &str = "Microsoft.Graph/users";
/// The type of groups' rows.
pub const GROUPS: &str = "Microsoft.Graph/groups";
/// The type of service principals' rows.
pub const SERVICE_PRINCIPALS: &str = "Microsoft.Graph/servicePrincipals";
/// The type of applications' rows.
pub const APPLICATIONS: &str = "Microsoft.Graph/applications";

/// The type of the rows of tokens by which an identity provider keeps users and groups up to date. Each is a principal
/// of its own, and may do nothing else.
pub const PROVISIONING_TOKENS: &str = "Nave.Identity/provisioningTokens";

/// The id of a directory object's row.
#[must_use]
pub fn object_id(kind: &str, object: Uuid) -> ResourceId {
    ResourceId::tenant().extension(kind, &object.to_string())
}

/// The type of the rows of people's sessions: what one sign-in gave out, and whether it still counts.
pub const SESSIONS: &str = "Nave.Identity/sessions";

/// The id of a session's row.
#[must_use]
pub fn session_id(session: Uuid) -> ResourceId {
    object_id(SESSIONS, session)
}

/// The unique name of a user principal name.
#[must_use]
pub fn upn_claim(name: &str) -> String {
    format!("upn:{}", name.to_lowercase())
}

/// The unique name of a service principal's application id.
#[must_use]
pub fn app_claim(app: &str) -> String {
    format!("appid:{}", app.to_lowercase())
}

/// The row of a resource's own identity: a service principal that lives and dies with the resource.
#[must_use]
pub fn managed_identity(object: Uuid, app: Uuid, name: &str, resource: &ResourceId) -> Put {
    let mut put = Put::new(
        object_id(SERVICE_PRINCIPALS, object),
        json!({
            "id": object, "appId": app, "displayName": name, "accountEnabled": true,
            "servicePrincipalType": "ManagedIdentity", "servicePrincipalNames": [app],
            "alternativeNames": [format!("isExplicit={}", false), resource.as_str()],
        }),
    );
    put.claims = vec![principal_claim(object), app_claim(&app.to_string())];
    put
}

/// The word role assignments use for a directory object's type.
#[must_use]
pub fn principal_type(object: &Resource) -> &'static str {
    match object.id.resource_type().to_lowercase().as_str() {
        "microsoft.graph/users" => "User",
        "microsoft.graph/groups" => "Group",
        _ => "ServicePrincipal",
    }
}

/// Whether a directory object may act: users and applications are switched off, groups never are.
#[must_use]
pub fn is_enabled(object: &Resource) -> bool {
    object
        .value("/accountEnabled")
        .and_then(Value::as_bool)
        .unwrap_or(true)
}

/// Counts the times everything issued to a principal so far was called back. A token carries the count it was made at,
/// and ends when the count moves on (design, decision 6).
#[must_use]
pub fn epoch(object: &Resource) -> u64 {
    object.own.get("epoch").and_then(Value::as_u64).unwrap_or(0)
}

/// The kind of caller a directory object is.
#[must_use]
pub fn kind(object: &Resource) -> CallerKind {
    match principal_type(object) {
        "User" => CallerKind::User,
        _ if object.text("/servicePrincipalType") == Some("ManagedIdentity") => CallerKind::ManagedIdentity,
        _ => CallerKind::ServicePrincipal,
    }
}

/// The caller that a directory object would be, signed in for this server in no particular way: for asking what it may.
/// Who is not in the directory is nobody's caller but can be asked about; the answer is no.
#[must_use]
pub fn caller(snapshot: &Snapshot, site: &Site, object: Uuid) -> Caller {
    Caller {
        object_id: object,
        name: display_name(snapshot, object).unwrap_or_else(|| object.to_string()),
        kind: snapshot
            .principal(object)
            .map_or(CallerKind::ServicePrincipal, |found| kind(found)),
        audience: site.origin.clone(),
        sign_in: SignIn::default(),
    }
}

/// What people call a directory object.
#[must_use]
pub fn display_name(snapshot: &Snapshot, object: Uuid) -> Option<String> {
    let object = snapshot.principal(object)?;
    let name = object
        .text("/userPrincipalName")
        .or_else(|| object.text("/displayName"))?;
    Some(name.to_owned())
}

/// The object ids of a group's direct members.
#[must_use]
pub fn members(group: &Resource) -> Vec<Uuid> {
    let members = group.value("/members").and_then(Value::as_array);
    members
        .into_iter()
        .flatten()
        .filter_map(|id| Uuid::parse_str(id.as_str()?).ok())
        .collect()
}
