//! Provisioning tokens: the one static bearer token an identity provider is given to keep users and groups up to date
//! by SCIM ([`crate::scim`]).
//!
//! Each is a row and a principal of its own, so that the log says which provider did what. It may do all of SCIM and
//! nothing else. Of the token itself only a keyed hash is kept, which is how it is found; it is shown once, when it is
//! made, and stops working when its row is deleted or its time is over. Whoever holds one can put people into any group,
//! so making one takes the right to give roles at the tenant.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, header::AUTHORIZATION};
use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Authenticator, Caller, CallerKind, Change, Engine, Erase, Expect, Put, Reply, Request, Resource, SignIn,
    decision::Need,
    directory::{self, PROVISIONING_TOKENS},
    operation::{Access, Surface},
    principal_claim,
    route::{Call, Route, Target},
};
use nave_vault::{Purpose, Random, Secret, api_key};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Identity, principal};

/// What a token begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "nave-scim-";
/// Random bytes of a token.
const BYTES: usize = 32;
/// How long a token works unless asked otherwise.
const USUAL: SignedDuration = SignedDuration::from_hours(365 * 24);
/// The path below which it is looked at.
const PATH: &str = "/scim/";
const ALL: &str = "/graph/v1.0/identity/provisioningTokens";
const ONE: &str = "/graph/v1.0/identity/provisioningTokens/{id}";

/// A token that was just made.
#[derive(Debug)]
pub struct NewToken {
    /// The token; it is never shown again.
    pub token: Secret<String>,
    /// Its row.
    pub row: Put,
}

/// Makes a token with its row, which is not committed yet. It works until `ends`, in a year where nothing is said.
///
/// # Errors
/// `Request_BadRequest` where the name is empty or too long, or the end is not in the future.
pub fn make(
    random: &dyn Random,
    engine: &Engine,
    name: &str,
    ends: Option<Timestamp>,
) -> Result<NewToken, ArmError> {
    let now = engine.world().now();
    let ends = ends.unwrap_or_else(|| now.saturating_add(USUAL).unwrap_or(now));
    if ends <= now {
        return Err(bad(format!("The endDateTime {ends} is not in the future.")));
    }
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 256 {
        return Err(bad("The displayName must have 1 to 256 characters."));
    }
    let mut bytes = [0; BYTES];
    random.fill(&mut bytes);
    let id = engine.world().new_id();
    let token = Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)));
    let sent = json!({ "id": id, "displayName": name, "endDateTime": ends.to_string() });
    let mut row = Put::new(directory::object_id(PROVISIONING_TOKENS, id), sent);
    row.claims = vec![principal_claim(id), claim(engine, token.expose(&Purpose::Seal))];
    row.expect = Expect::Absent;
    Ok(NewToken { token, row })
}

fn claim(engine: &Engine, token: &str) -> String {
    let hash: String = api_key::fingerprint(engine.vault(), token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("provisioning:{hash}")
}

/// Finds whose provisioning token a request carries.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProvisioningAuthenticator;

#[async_trait]
impl Authenticator for ProvisioningAuthenticator {
    async fn authenticate(&self, engine: &Engine, request: &Request) -> Result<Option<Caller>, ArmError> {
        let presented = request.header(AUTHORIZATION.as_str()).and_then(|header| {
            let (scheme, token) = header.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let Some(token) = presented.filter(|token| token.starts_with(PREFIX)) else {
            return Ok(None);
        };
        if !request.path.to_ascii_lowercase().starts_with(PATH) {
            return Err(refused("It is a provisioning token, which is for /scim alone."));
        }
        let snapshot = engine.snapshot();
        let row = snapshot.claimed(&claim(engine, token));
        let row = row.ok_or_else(|| refused("It is not known, or was revoked. Make a new one."))?;
        if has_ended(row, engine.world().now()) {
            return Err(ArmError::new(
                ErrorCode::ExpiredAuthenticationToken,
                format!(
                    "The provisioning token '{}' has expired. Make a new one.",
                    principal::name(row)
                ),
            ));
        }
        Ok(Some(Caller {
            object_id: principal::object_id(row),
            name: principal::name(row).to_owned(),
            kind: CallerKind::ServicePrincipal,
            audience: format!("{}/scim", engine.site().origin),
            sign_in: SignIn::default(),
        }))
    }
}

fn has_ended(row: &Resource, now: Timestamp) -> bool {
    let ends = row
        .text("/endDateTime")
        .and_then(|text| text.parse::<Timestamp>().ok());
    ends.is_none_or(|ends| ends <= now)
}

fn refused(why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidAuthenticationToken,
        format!("The bearer token is not accepted. {why}"),
    )
}

fn bad(message: impl Into<String>) -> ArmError {
    ArmError::new(ErrorCode::Request_BadRequest, message)
}

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let identity = identity.clone();
    let make = move |call| create(identity.clone(), call);
    vec![
        Route::new(Method::GET, ALL, Surface::Graph, action("read"), |call| {
            let answer = list(&call);
            async move { Ok(Reply::ok(answer)) }
        }),
        Route::new(Method::GET, ONE, Surface::Graph, action("read"), |call| {
            let answer = found(&call).map(|row| Reply::ok(shown(&row)));
            async move { answer }
        }),
        Route::new(Method::POST, ALL, Surface::Graph, action("write"), make)
            .about(|_, _, _| Ok(takes("write"))),
        Route::new(Method::DELETE, ONE, Surface::Graph, action("delete"), revoke)
            .about(|_, _, _| Ok(takes("delete"))),
    ]
}

fn action(verb: &str) -> Access {
    Access::action(format!("{PROVISIONING_TOKENS}/{verb}"))
}

/// As for every change in the directory: its own right, and the right to give roles.
fn takes(verb: &str) -> Target {
    let needs = [
        format!("{PROVISIONING_TOKENS}/{verb}"),
        String::from("Microsoft.Authorization/roleAssignments/write"),
    ];
    Target {
        id: ResourceId::tenant(),
        ways: vec![
            needs
                .map(|operation| Need::action(operation, ResourceId::tenant()))
                .to_vec(),
        ],
    }
}

fn shown(row: &Resource) -> Value {
    let mut shown = row.sent.clone();
    shown["createdDateTime"] = row.history.created_at.to_string().into();
    shown
}

fn list(call: &Call) -> Value {
    let snapshot = call.engine.snapshot();
    let tokens: Vec<Value> = snapshot
        .of_type(PROVISIONING_TOKENS)
        .map(|row| shown(row))
        .collect();
    json!({ "value": tokens })
}

fn found(call: &Call) -> Result<std::sync::Arc<Resource>, ArmError> {
    let id = call.params.get("id");
    let row = Uuid::parse_str(id)
        .ok()
        .map(|id| directory::object_id(PROVISIONING_TOKENS, id));
    let found = row.and_then(|row| call.engine.snapshot().get(&row).cloned());
    found.ok_or_else(|| {
        ArmError::new(
            ErrorCode::Request_ResourceNotFound,
            format!("No provisioning token has the id '{id}'."),
        )
    })
}

/// Makes a token: `{"displayName", "endDateTime"?}`. The answer is the only place where it is ever shown.
async fn create(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let body = call.request.json().map_err(|error| bad(error.message))?;
    let name = body["displayName"].as_str().unwrap_or_default();
    let ends = match &body["endDateTime"] {
        Value::Null => None,
        Value::String(text) => Some(
            text.parse()
                .map_err(|_| bad(format!("'{text}' is not a date and time.")))?,
        ),
        _ => {
            return Err(bad(
                "The value of 'endDateTime' must be a text such as 2030-01-31T12:00:00Z.",
            ));
        }
    };
    let NewToken { token, row } = make(&*identity.0.random, &call.engine, name, ends)?;
    let change = Change {
        puts: vec![row],
        ..Change::default()
    };
    let done = call
        .engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    let mut answer = done.resources.first().map_or(Value::Null, |row| shown(row));
    answer["secretText"] = token.expose(&Purpose::ListSecrets).as_str().into();
    answer["scimEndpoint"] = format!("{}/scim/v2", call.engine.site().origin).into();
    Ok(Reply::json(201, answer).with(http::header::CACHE_CONTROL, "no-store"))
}

/// Revokes a token: it is refused from now on.
async fn revoke(call: Call) -> Result<Reply, ArmError> {
    let row = found(&call)?;
    let change = Change {
        erases: vec![Erase::of(&row)],
        ..Change::default()
    };
    call.engine
        .commit_for(&call.grant, change, call.request.correlation_id)
        .await?;
    Ok(Reply::empty(204))
}
