//! Sessions: a person signed in to a program. Each is a row of the type `Nave.Identity/sessions`, and every token the
//! program gets carries its id; when the row is gone, none of them opens anything.
//!
//! A row is written when somebody signs in and when a refresh token is used, never when a token is verified: that is one
//! look-up in memory. A session ends when nobody used it for a while, after its longest time, when its person or an
//! administrator ends it, with the person's password, and when a refresh token comes back that was used up.

mod rotation;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use nave_arm::ResourceId;
use nave_engine::{Act, Change, CommitError, Engine, Erase, Expect, Put, Resource, Snapshot, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use self::rotation::{Rotation, Shown};
use crate::{
    clients::{Client, Proof},
    principal,
    refusal::Refusal,
    signin::Known,
    tokens::Lifetime,
};

/// The type of sessions' rows.
pub(crate) const SESSIONS: &str = "Nave.Identity/sessions";
/// How long a session can last, however much it is used, in days.
const LONGEST: i64 = 180;
/// How many sessions a person may have; with more, those end that were not used for longest.
const MOST: usize = 1000;
/// How often a change is made again that something else got ahead of.
const TRIES: usize = 8;

/// A session.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who signed in, how and when.
    pub(crate) known: Known,
    /// The application.
    pub(crate) client: String,
    /// Whether the application proved itself when the session began: from then on it must.
    pub(crate) client_proved_itself: bool,
    /// When it is over.
    pub(crate) ends: Timestamp,
    /// The number of the refresh token that is good now.
    pub(crate) refresh: u64,
    rotation: Rotation,
    row: Arc<Resource>,
}

/// The id of a session's row.
pub(crate) fn row_id(session: Uuid) -> ResourceId {
    ResourceId::tenant().extension(SESSIONS, &session.to_string())
}

/// The unique name of a session, by which it is looked up when a token is verified.
pub(crate) fn claim(session: Uuid) -> String {
    format!("session:{session}")
}

impl Session {
    /// The session with this id.
    pub(crate) fn find(snapshot: &Snapshot, id: Uuid) -> Option<Self> {
        Self::read(snapshot.claimed(&claim(id))?)
    }

    fn read(row: &Arc<Resource>) -> Option<Self> {
        let text = |name: &str| row.text(name);
        let time = |name: &str| text(name).and_then(|time| time.parse().ok());
        let methods = row.value("/authenticationMethods").and_then(Value::as_array);
        let rotation = Rotation::read(row.own.get("refresh").unwrap_or(&Value::Null));
        let methods = methods.into_iter().flatten().filter_map(Value::as_str);
        Some(Self {
            id: Uuid::parse_str(row.id.name()).ok()?,
            known: Known {
                object_id: Uuid::parse_str(text("/userId")?).ok()?,
                epoch: row.own.get("epoch").and_then(Value::as_u64)?,
                methods: methods.map(str::to_owned).collect(),
                at: time("/createdDateTime")?,
            },
            client: text("/clientAppId")?.to_owned(),
            client_proved_itself: text("/clientProof").is_some(),
            ends: time("/expirationDateTime")?,
            refresh: rotation.count,
            rotation,
            row: row.clone(),
        })
    }

    /// What people call the application.
    pub(crate) fn client_name(&self) -> &str {
        self.row.text("/clientDisplayName").unwrap_or(&self.client)
    }

    /// When it was used last.
    pub(crate) fn used_at(&self) -> Timestamp {
        self.row.history.updated_at
    }

    /// Where the person signed in from.
    pub(crate) fn address(&self) -> Option<&str> {
        self.row.text("/ipAddress")
    }

    /// The row's end.
    pub(crate) fn erase(&self) -> Erase {
        Erase {
            id: self.row.id.clone(),
            expect: Expect::Any,
        }
    }

    /// The session after its refresh token was used.
    fn turned(&self, now: Timestamp) -> Put {
        let mut sent = self.row.sent.clone();
        sent["expirationDateTime"] = ends(self.known.at, now, Lifetime::REFRESH).to_string().into();
        Put {
            sent,
            own: json!({ "epoch": self.known.epoch, "refresh": self.rotation.turned(now).row() }),
            claims: vec![claim(self.id)],
            expect: Expect::Etag(self.row.etag.clone()),
            ..Put::new(self.row.id.clone(), Value::Null)
        }
    }
}

/// A person's sessions, the one last used first.
pub(crate) fn of(snapshot: &Snapshot, person: Uuid) -> Vec<Session> {
    let rows = snapshot.of_type(SESSIONS).filter_map(Session::read);
    let mut sessions: Vec<Session> = rows.filter(|session| session.known.object_id == person).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.used_at()));
    sessions
}

/// The end of everything a person is signed in to.
pub(crate) fn all_end(snapshot: &Snapshot, person: Uuid) -> Vec<Erase> {
    of(snapshot, person).iter().map(Session::erase).collect()
}

/// A person signed in to an application. `lasting`: it gets a refresh token.
pub(crate) async fn begin(
    call: &Call,
    known: Known,
    client: &Client,
    lasting: bool,
) -> Result<Session, Refusal> {
    let (engine, now) = (&call.engine, call.engine.world().now());
    let id = engine.world().new_id();
    let lifetime = if lasting {
        Lifetime::REFRESH
    } else {
        Lifetime::ACCESS
    };
    let sent = json!({
        "id": id, "userId": known.object_id, "clientAppId": client.id, "clientDisplayName": client.name,
        "clientProof": client.proof.map(Proof::method),
        "authenticationMethods": known.methods, "ipAddress": call.request.peer,
        "createdDateTime": known.at.to_string(), "expirationDateTime": ends(known.at, now, lifetime).to_string(),
    });
    let mut put = Put::new(row_id(id), sent);
    put.own = json!({ "epoch": known.epoch, "refresh": Rotation::default().row() });
    put.claims = vec![claim(id)];
    put.expect = Expect::Absent;
    let change = Change {
        puts: vec![put],
        erases: over(&engine.snapshot(), &known, now),
        ..Change::default()
    };
    let done = commit(engine, call, "write", id, change).await;
    let done = done.map_err(|error| unable(&error))?;
    done.as_ref()
        .and_then(Session::read)
        .ok_or_else(Refusal::server_error)
}

/// A person's sessions that are over, or too many: they go when a new one comes.
fn over(snapshot: &Snapshot, known: &Known, now: Timestamp) -> Vec<Erase> {
    let sessions = of(snapshot, known.object_id).into_iter().enumerate();
    let over = sessions
        .filter(|(at, session)| session.ends <= now || session.known.epoch != known.epoch || *at + 1 >= MOST);
    over.map(|(_, session)| session.erase()).collect()
}

/// A refresh token is used: the session as it is from now on.
pub(crate) async fn refresh(call: &Call, id: Uuid, number: u64) -> Result<Session, Refusal> {
    let (engine, now) = (&call.engine, call.engine.world().now());
    for _ in 0..TRIES {
        let snapshot = engine.snapshot();
        let session = Session::find(&snapshot, id).ok_or_else(called_back)?;
        if session.ends <= now {
            return Err(Refusal::bad_grant(
                700_082,
                "The refresh token has expired due to inactivity, or the session has lasted as long as one may. Sign in \
                 again.",
            ));
        }
        let change = match session.rotation.judge(number, now) {
            Shown::JustUsed => return Ok(session),
            Shown::UsedUp => {
                end(call, &session, "endedByReuse").await?;
                return Err(reused());
            }
            Shown::Present => Change {
                puts: vec![session.turned(now)],
                ..Change::default()
            },
        };
        match commit(engine, call, "refresh/action", id, change).await {
            Ok(row) => {
                return row
                    .as_ref()
                    .and_then(Session::read)
                    .ok_or_else(Refusal::server_error);
            }
            Err(CommitError::Raced) => {}
            Err(error) => return Err(unable(&error)),
        }
    }
    Err(unable(&CommitError::Raced))
}

/// Ends a session. `operation` says in the log why.
pub(crate) async fn end(call: &Call, session: &Session, operation: &str) -> Result<(), Refusal> {
    let change = Change {
        erases: vec![session.erase()],
        ..Change::default()
    };
    tracing::warn!(session = %session.id, user = %session.known.object_id, operation, "a session was ended");
    commit(
        &call.engine,
        call,
        &format!("{operation}/action"),
        session.id,
        change,
    )
    .await
    .map(drop)
    .map_err(|error| unable(&error))
}

async fn commit(
    engine: &Engine,
    call: &Call,
    operation: &str,
    session: Uuid,
    change: Change,
) -> Result<Option<Arc<Resource>>, CommitError> {
    let grant = engine.on_own_account::<Act>(&format!("{SESSIONS}/{operation}"), &row_id(session));
    let done = engine
        .commit_for(&grant, change, call.request.correlation_id)
        .await?;
    Ok(done.resources.into_iter().next())
}

fn ends(began: Timestamp, now: Timestamp, lifetime: Lifetime) -> Timestamp {
    let longest = began.saturating_add(SignedDuration::from_hours(24 * LONGEST));
    lifetime.from(now).min(longest.unwrap_or(now))
}

/// The refusal of a token whose session is gone.
pub(crate) fn called_back() -> Refusal {
    Refusal::bad_grant(
        50_173,
        "The provided grant was called back: the password changed, or the session was ended. Sign in again.",
    )
}

fn reused() -> Refusal {
    Refusal::bad_grant(
        50_173,
        "The refresh token was used before. Somebody else may have it, so the whole session was ended. Sign in again.",
    )
}

fn unable(error: &CommitError) -> Refusal {
    tracing::error!(%error, "a session cannot be written");
    match error {
        CommitError::Raced => Refusal::busy(),
        _ => Refusal::server_error(),
    }
}

/// The person of a session that is still good.
pub(crate) fn person(snapshot: &Snapshot, session: &Session) -> Result<Arc<Resource>, Refusal> {
    check_enabled(snapshot, session.known.object_id)?;
    session.known.person(snapshot).ok_or_else(called_back)
}

/// Whether a person is there and may sign in.
pub(crate) fn check_enabled(snapshot: &Snapshot, person: Uuid) -> Result<(), Refusal> {
    match snapshot.principal(person) {
        Some(found) if principal::enabled(found) => Ok(()),
        _ => Err(Refusal::bad_grant(
            50_057,
            "The user account is disabled or gone.",
        )),
    }
}
