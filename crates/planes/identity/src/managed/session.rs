//! Sessions of identities: rows of the type `Nave.Identity/identitySessions`, found by the hash of their secret.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_engine::{
    Change, Changes, Engine, Erase, Expect, Grant, Put, Resource, Snapshot, missing::not_found, site::Site,
};
use nave_vault::{Purpose, Secret};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PATH, identities::Identities};
use crate::{Inner, assertions::hex, one_time, principal};

/// The type of the rows.
const SESSIONS: &str = "Nave.Identity/identitySessions";
/// Random bytes of a secret.
const BYTES: usize = 32;
/// How long a session lasts unless asked otherwise, and at most.
const USUAL: SignedDuration = SignedDuration::from_hours(8);
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// How many sessions that are over go when a new one comes.
const SWEPT: usize = 100;

/// A session that was opened. Its secret is told here and nowhere else.
#[derive(Debug)]
pub struct IdentitySession {
    /// Its id, to close it by.
    pub id: Uuid,
    /// When it ends.
    pub expires_on: Timestamp,
    secret: Secret<String>,
}

/// A session that was found by its secret.
pub(super) struct Found {
    /// Whose identities it is for.
    pub(super) resource: ResourceId,
    /// The identities there were, by object id, and each one's epoch then.
    epochs: BTreeMap<Uuid, u64>,
}

/// What a session is wanted for.
pub(crate) struct Wanted<'a> {
    /// Whose identities.
    pub(crate) resource: &'a ResourceId,
    /// For how long.
    pub(crate) lifetime: Option<SignedDuration>,
    /// What it belongs to, for the log.
    pub(crate) correlation: Uuid,
}

impl IdentitySession {
    /// The environment variables by which Azure's libraries find a token for it: the App Service shape first, the shape of
    /// virtual machines where only `AZURE_POD_IDENTITY_AUTHORITY_HOST` is set, and Machine Learning's older one.
    #[must_use]
    pub fn environment(&self, site: &Site) -> Vec<(&'static str, Secret<String>)> {
        let endpoint = format!("{}/{PATH}/token", site.origin);
        let host = format!(
            "{}/{PATH}/{}",
            site.origin,
            self.secret.expose(&Purpose::ListSecrets)
        );
        vec![
            ("IDENTITY_ENDPOINT", Secret::new(endpoint.clone())),
            ("IDENTITY_HEADER", self.secret.duplicate()),
            ("MSI_ENDPOINT", Secret::new(endpoint)),
            ("MSI_SECRET", self.secret.duplicate()),
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", Secret::new(host)),
        ]
    }
}

impl Found {
    /// The session of a secret, if it is not over.
    pub(super) fn by(snapshot: &Snapshot, secret: &str, now: Timestamp) -> Option<Self> {
        let row = snapshot.claimed(&claim(secret))?;
        if ends(row)? <= now {
            return None;
        }
        let epochs = row.own.get("epochs").and_then(Value::as_object)?;
        let epoch = |(id, epoch): (&String, &Value)| Some((Uuid::parse_str(id).ok()?, epoch.as_u64()?));
        Some(Self {
            resource: row.link("/resource")?,
            epochs: epochs.iter().filter_map(epoch).collect(),
        })
    }

    /// Whether an identity is what it was when the session was opened.
    pub(super) fn still_has(&self, identity: &Resource) -> bool {
        let then = self.epochs.get(&principal::object_id(identity));
        principal::enabled(identity) && then == Some(&principal::epoch(identity))
    }
}

/// Opens a session for the identities of a resource.
pub(crate) async fn open<A: Changes>(
    inner: &Inner,
    engine: &Engine,
    grant: &Grant<A>,
    wanted: &Wanted<'_>,
) -> Result<IdentitySession, ArmError> {
    let snapshot = engine.snapshot();
    let resource = snapshot
        .get(wanted.resource)
        .ok_or_else(|| not_found(wanted.resource))?;
    let identities = Identities::of(&snapshot, resource);
    let epochs: Value = identities
        .all()
        .map(|one| {
            (
                principal::object_id(one).to_string(),
                json!(principal::epoch(one)),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    if epochs.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(without_identity(wanted.resource));
    }
    let now = engine.world().now();
    let lifetime = check(wanted.lifetime.unwrap_or(USUAL))?;
    let expires_on = now.saturating_add(lifetime).unwrap_or(now);
    let (id, secret) = (engine.world().new_id(), inner.random_text(BYTES));
    let sent = json!({
        "resource": resource.id.as_str(), "openedBy": grant.caller().record_id(), "expiresOn": expires_on.to_string(),
    });
    let mut put = Put::new(row_id(id), sent);
    put.own = json!({ "epochs": epochs });
    put.claims = vec![claim(&secret)];
    put.expect = Expect::Absent;
    let change = Change {
        puts: vec![put],
        erases: over(&snapshot, now),
        ..Change::default()
    };
    engine.commit_for(grant, change, wanted.correlation).await?;
    Ok(IdentitySession {
        id,
        expires_on,
        secret: Secret::new(secret),
    })
}

/// Closes a session. One that is closed already stays so.
pub(crate) async fn close<A: Changes>(
    engine: &Engine,
    grant: &Grant<A>,
    session: Uuid,
    correlation: Uuid,
) -> Result<(), ArmError> {
    let id = row_id(session);
    if engine.snapshot().get(&id).is_none() {
        return Ok(());
    }
    let change = Change {
        erases: vec![Erase {
            id,
            expect: Expect::Any,
        }],
        ..Change::default()
    };
    engine.commit_for(grant, change, correlation).await?;
    Ok(())
}

/// The refusal of a resource that has no identity.
pub(super) fn without_identity(resource: &ResourceId) -> ArmError {
    ArmError::new(
        ErrorCode::ResourceNotFound,
        format!(
            "'{resource}' has no managed identity. Give it one by 'identity': {{'type': 'SystemAssigned'}}."
        ),
    )
}

fn check(lifetime: SignedDuration) -> Result<SignedDuration, ArmError> {
    if lifetime.is_positive() && lifetime <= LONGEST {
        return Ok(lifetime);
    }
    let message = "The value of 'expiresInSeconds' is not valid: a session lasts for a second to a day.";
    Err(ArmError::new(ErrorCode::InvalidParameter, message).on("expiresInSeconds"))
}

/// Sessions that are over, which go when a new one comes.
fn over(snapshot: &Snapshot, now: Timestamp) -> Vec<Erase> {
    let over = snapshot
        .of_type(SESSIONS)
        .filter(|row| ends(row).is_none_or(|end| end <= now));
    let erase = |row: &std::sync::Arc<Resource>| Erase {
        id: row.id.clone(),
        expect: Expect::Any,
    };
    over.take(SWEPT).map(erase).collect()
}

fn ends(row: &Resource) -> Option<Timestamp> {
    row.text("/expiresOn")?.parse().ok()
}

fn row_id(session: Uuid) -> ResourceId {
    ResourceId::tenant().extension(SESSIONS, &session.to_string())
}

fn claim(secret: &str) -> String {
    format!("identitysession:{}", hex(&one_time::hash(secret)))
}
