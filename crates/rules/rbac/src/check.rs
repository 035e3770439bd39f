//! Whether a file could be written as a role or as an assignment, without a server: the rules of
//! [`role_rules`] and [`assignment_rules`], for the command line.

use std::collections::HashMap;

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    Catalogue, Condition, RoleIndex,
    assignment_rules::{self, Tenant},
    case::{self, For, flat, guid, list, name_of},
    json::{member, text},
    role_rules,
};

/// What the rules say of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The ARM code that would be answered, or `ok`.
    pub code: &'static str,
    /// The sentence that would go with it, and of a condition the line at fault; none when it is `ok`.
    pub message: Option<String>,
}

impl Verdict {
    /// Whether it could be written.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.message.is_none()
    }
}

/// Checks a role definition, in one of three forms: that of the REST interface (`{"name", "properties": {…}}`), its
/// bare properties, and what `az role definition create` takes (`{"Name", "Actions", "AssignableScopes", …}`). The
/// object may also hold `roleDefinitions`, the roles that are there already.
///
/// ```
/// use nave_rbac::check::check_role;
///
/// let verdict = check_role(r#"{
///     "Name": "Storage watcher", "Actions": ["Microsoft.Storage/*/read"], "AssignableScopes": ["/subscriptions/s"]
/// }"#);
/// assert_eq!(verdict.code, "ok");
/// let verdict = check_role(r#"{ "roleName": "r", "assignableScopes": [] }"#);
/// assert_eq!(verdict.code, "MissingAssignableScopes");
/// ```
#[must_use]
pub fn check_role(file: &str) -> Verdict {
    verdict(read(file).and_then(|case| {
        let (role, properties) = role_in(&case);
        let index = case::index_of(&case, For::Writing).map_err(|why| unreadable(&why))?;
        role_rules::check(&index, role, &properties, Catalogue::built_in())
            .map(|_| ())
            .map_err(|error| {
                let permissions = member(&properties, "permissions").and_then(Value::as_array);
                permissions.into_iter().flatten().fold(error, with_excerpt)
            })
    }))
}

/// Checks a role assignment: its REST body (`scope` or `id`, `properties`), and beside it what the tenant holds, in the
/// form of rbac-semantics 16: `roleDefinitions`, `assignments` (with a `name`), `principals` (`{"id", "type"}`),
/// `groups` and `managementGroups`. What the object does not hold does not exist, except the built-in roles.
///
/// ```
/// use nave_rbac::check::check_assignment;
///
/// let reader = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7";
/// let principal = "aaaaaaaa-0000-4000-8000-000000000001";
/// let mut body = serde_json::json!({
///     "scope": "/subscriptions/s",
///     "properties": { "roleDefinitionId": reader, "principalId": principal },
/// });
/// assert_eq!(check_assignment(&body.to_string()).code, "PrincipalNotFound");
/// body["principals"] = serde_json::json!([{ "id": principal, "type": "User" }]);
/// assert_eq!(check_assignment(&body.to_string()).code, "ok");
/// ```
#[must_use]
pub fn check_assignment(file: &str) -> Verdict {
    verdict(read(file).and_then(|case| {
        let body = Value::Object(case.clone());
        let properties = flat(&body);
        let id = assignment_id(&properties)?;
        let tenant = FileTenant::read(&case)?;
        assignment_rules::check(&tenant, &id, &properties)
            .map(|_| ())
            .map_err(|error| with_excerpt(error, &properties))
    }))
}

fn verdict(checked: Result<(), ArmError>) -> Verdict {
    match checked {
        Ok(()) => Verdict {
            code: "ok",
            message: None,
        },
        Err(error) => Verdict {
            code: error.code.face().1,
            message: Some(error.message),
        },
    }
}

fn read(file: &str) -> Result<Map<String, Value>, ArmError> {
    // some editors put a byte order mark at the beginning of a file
    let value: Value = serde_json::from_str(file.trim_start_matches('\u{feff}'))
        .map_err(|error| unreadable(&error.to_string()))?;
    match value {
        Value::Object(case) => Ok(case),
        _ => Err(unreadable("it is not a JSON object")),
    }
}

fn unreadable(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidRequestContent,
        format!("The file cannot be read: {why}."),
    )
}

/// With the line of the condition at fault, where the fault is in a condition.
fn with_excerpt(mut error: ArmError, of: &Value) -> ArmError {
    let fault = text(of, "condition")
        .ok()
        .flatten()
        .and_then(|text| Some((text, Condition::for_writing(text).err()?)))
        .filter(|(_, fault)| error.message.contains(&fault.to_string()));
    if let Some((text, fault)) = fault {
        error.message.push('\n');
        error.message.push_str(&fault.excerpt(text));
    }
    error
}

/// The guid and the properties of the role in a file. A role without a guid is a new one.
fn role_in(case: &Map<String, Value>) -> (Uuid, Value) {
    let object = Value::Object(case.clone());
    let own_guid = guid(&object, "name").or_else(|| guid(&object, "id"));
    let role = own_guid.unwrap_or(Uuid::max());
    if let Some(properties) = member(&object, "properties") {
        return (role, properties.clone());
    }
    let mut properties = object.clone();
    if member(&object, "roleName").is_none()
        && let Some(name) = member(&object, "name")
    {
        properties["roleName"] = name.clone();
    }
    if member(&object, "permissions").is_none() {
        let lists = ["actions", "notActions", "dataActions", "notDataActions"];
        let lists = lists.map(|list| {
            (
                list.to_owned(),
                member(&object, list).cloned().unwrap_or_default(),
            )
        });
        properties["permissions"] = json!([Map::from_iter(lists)]);
    }
    // What `az` prints has the type of the resource there, and that of the role elsewhere.
    if let Some(members) = properties.as_object_mut() {
        members.retain(|name, value| {
            !name.eq_ignore_ascii_case("type") || !value.as_str().is_some_and(|kind| kind.contains('/'))
        });
    }
    (role, properties)
}

/// The id of the assignment in a file: its own, or that of its name at its scope. One without a name is a new one.
fn assignment_id(body: &Value) -> Result<ResourceId, ArmError> {
    let invalid = |name: &str, id: &str, why: String| {
        ArmError::new(
            ErrorCode::InvalidResourceId,
            format!("The {name} '{id}' is not valid: {why}."),
        )
    };
    if let Some(scope) = text(body, "scope")? {
        let new = Uuid::max().to_string();
        let scope_id = ResourceId::parse(scope).map_err(|why| invalid("scope", scope, why.to_string()))?;
        let name = name_of(body).unwrap_or(&new);
        return Ok(scope_id.extension("Microsoft.Authorization/roleAssignments", name));
    }
    let Some(id) = text(body, "id")? else {
        return Err(unreadable(
            "neither `scope` nor `id` says where the assignment is made",
        ));
    };
    ResourceId::parse(id).map_err(|why| invalid("id", id, why.to_string()))
}

/// The tenant of a file.
struct FileTenant {
    roles: RoleIndex,
    principal_types: HashMap<Uuid, String>,
}

impl FileTenant {
    fn read(case: &Map<String, Value>) -> Result<Self, ArmError> {
        let readable = |read: Result<_, String>| read.map_err(|why| unreadable(&why));
        let mut principal_types = HashMap::new();
        for (name, usual) in [
            ("principals", None),
            ("users", Some("User")),
            ("servicePrincipals", Some("ServicePrincipal")),
            ("groups", Some("Group")),
        ] {
            for principal in readable(list(case, name))? {
                let id = guid(principal, "id").or_else(|| Uuid::try_parse(principal.as_str()?).ok());
                let kind = ["type", "principalType"]
                    .into_iter()
                    .find_map(|name| member(principal, name).and_then(Value::as_str));
                if let Some(id) = id {
                    principal_types.insert(id, usual.or(kind).unwrap_or("User").to_owned());
                }
            }
        }
        Ok(Self {
            roles: case::index_of(case, For::Writing).map_err(|why| unreadable(&why))?,
            principal_types,
        })
    }
}

impl Tenant for FileTenant {
    fn roles(&self) -> &RoleIndex {
        &self.roles
    }

    fn principal_type(&self, principal: Uuid) -> Option<&str> {
        self.principal_types.get(&principal).map(String::as_str)
    }
}
