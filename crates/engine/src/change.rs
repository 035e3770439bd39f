//! A change before it is committed, in the engine's own terms.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode, ResourceId};
use nave_store::{Expect, Guard, PutRow, StoreError, Write};
use nave_vault::KeyRing;
use serde_json::{Value, json};

use crate::{Caller, History, Resource, Snapshot, soft_delete::Heads};

/// Rows to write and delete together.
#[derive(Debug, Default)]
pub struct Change {
    /// Rows that are created or replaced.
    pub puts: Vec<Put>,
    /// Rows that are deleted.
    pub erases: Vec<Erase>,
    /// What must not have changed since the snapshot the change was made on.
    pub guards: Vec<Guard>,
    /// Of what is written, what was there before: elsewhere, or deleted.
    pub moved: HashMap<ResourceId, MovedFrom>,
    /// What its event keeps of the policies that changed what is written, or do not like it.
    pub policies: Vec<Value>,
    /// What goes with what, of all that is deleted: noted while that is staged, for what is kept of it.
    pub heads: Heads,
}

/// Where a row was before it moved, or was deleted and comes back, and since when.
#[derive(Debug, Clone)]
pub struct MovedFrom {
    /// Its id.
    pub id: ResourceId,
    /// When, and by whom, it was created.
    pub history: History,
}

impl Change {
    /// What is deleted is not written as well: where one rule updates what another one deletes, deleting wins.
    pub(crate) fn settled(mut self) -> Self {
        let erased: HashSet<&str> = self.erases.iter().map(|erase| erase.id.key()).collect();
        self.puts.retain(|put| !erased.contains(put.id.key()));
        self
    }

    /// What is written, and what of `before` is deleted, as events keep it.
    pub(crate) fn touched(&self, before: &Snapshot) -> Vec<Value> {
        let puts = self.puts.iter().map(|put| {
            let mut row = touched("Put", &put.id, Some(&put.sent));
            if let Some(before) = self.moved.get(&put.id).filter(|before| before.id != put.id) {
                row["movedFrom"] = before.id.as_str().into();
            }
            row
        });
        let erases = self.erases.iter().map(|erase| {
            let sent = before.get(&erase.id).map(|row| &row.sent);
            touched("Delete", &erase.id, sent)
        });
        puts.chain(erases).collect()
    }

    /// The writes in the store's terms. Each row written gets a new etag.
    pub(crate) fn into_writes(
        self,
        vault: &KeyRing,
        caller: &Caller,
        new_etag: impl Fn() -> String,
    ) -> Result<Vec<Write>, ArmError> {
        let erases = self.erases.into_iter().map(|erase| {
            Ok(Write::Delete {
                key: erase.id.key().to_owned(),
                expect: erase.expect,
            })
        });
        let moved = self.moved;
        self.puts
            .into_iter()
            .map(|put| {
                let before = moved.get(&put.id).map(|before| &before.history);
                let created = before.map(|history| (history.created_at, history.created_by.clone()));
                put.into_write(vault, caller, new_etag(), created)
            })
            .chain(erases)
            .collect()
    }
}

/// One row that changes. Of a role assignment the event also keeps what is given and to whom: who reads the log later
/// no longer finds it where it was.
fn touched(change: &str, id: &ResourceId, sent: Option<&Value>) -> Value {
    let mut row = json!({ "id": id.as_str(), "change": change });
    if id
        .resource_type()
        .eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        && let Some(properties) = sent.and_then(|sent| sent.get("properties"))
    {
        for name in ["principalId", "principalType", "roleDefinitionId"] {
            row["given"][name] = properties.get(name).cloned().unwrap_or_default();
        }
    }
    row
}

/// One row to write.
#[derive(Debug)]
pub struct Put {
    /// Where.
    pub id: ResourceId,
    /// The client's part of the body, without secrets.
    pub sent: Value,
    /// nave's part of the body.
    pub own: Value,
    /// Its secrets.
    pub secrets: PutSecrets,
    /// The unique names it holds.
    pub claims: Vec<String>,
    /// What must be there now.
    pub expect: Expect,
}

/// The secrets of a row to write.
#[derive(Debug)]
pub enum PutSecrets {
    /// These, already sealed, or none.
    Sealed(Option<Vec<u8>>),
    /// These, to be sealed.
    Plain(Value),
}

/// One row to delete.
#[derive(Debug)]
pub struct Erase {
    /// Which.
    pub id: ResourceId,
    /// What must be there now.
    pub expect: Expect,
}

impl Erase {
    /// A row as it stands: whoever changes it meanwhile keeps it.
    #[must_use]
    pub fn of(row: &Resource) -> Self {
        Self {
            id: row.id.clone(),
            expect: Expect::Etag(row.etag.clone()),
        }
    }
}

impl Put {
    /// A new row with nothing secret, whatever was there.
    #[must_use]
    pub fn new(id: ResourceId, sent: Value) -> Self {
        Self {
            id,
            sent,
            own: json!({}),
            secrets: PutSecrets::Sealed(None),
            claims: Vec::new(),
            expect: Expect::Any,
        }
    }

    fn into_write(
        self,
        vault: &KeyRing,
        caller: &Caller,
        etag: String,
        created: Option<(Timestamp, String)>,
    ) -> Result<Write, ArmError> {
        let key = self.id.key().to_owned();
        let sealed = match self.secrets {
            PutSecrets::Sealed(sealed) => sealed,
            PutSecrets::Plain(plain) => Some(vault.seal_json(&key, &plain).map_err(|error| {
                tracing::error!(id = %self.id, %error, "secrets cannot be sealed");
                ArmError::new(
                    ErrorCode::InternalServerError,
                    "The secrets could not be encrypted; nothing was stored.",
                )
            })?),
        };
        Ok(Write::Put(PutRow {
            type_key: self.id.resource_type().to_lowercase(),
            id: self.id.as_str().to_owned(),
            key,
            body: Resource::row_body(&self.sent, &self.own),
            sealed,
            etag,
            claims: self.claims,
            expect: self.expect,
            by: caller.name.clone(),
            created,
        }))
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something else changed first; the same request may pass when made again on the new state.
    #[error("the state changed meanwhile")]
    Raced,
    /// A unique name is held by another resource.
    #[error("the name `{claim}` is taken by {holder}")]
    Taken {
        /// The name.
        claim: String,
        /// The key of its holder.
        holder: String,
    },
    /// The caller sees this.
    #[error(transparent)]
    Refused(#[from] ArmError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Etag { .. }
            | StoreError::Exists { .. }
            | StoreError::Missing { .. }
            | StoreError::Changed { .. } => Self::Raced,
            StoreError::ClaimTaken { claim, holder } => Self::Taken { claim, holder },
            other => Self::Refused(store_failed(&other)),
        }
    }
}

impl From<CommitError> for ArmError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Raced => Self::new(
                ErrorCode::Conflict,
                "The resource was changed by another request at the same time. Read it again and repeat the request.",
            ),
            CommitError::Taken { claim, holder } => Self::new(
                ErrorCode::Conflict,
                format!(
                    "The name '{}' is already in use by '{holder}'.",
                    claim.split_once(':').map_or(claim.as_str(), |(_, name)| name)
                ),
            ),
            CommitError::Refused(error) => error,
        }
    }
}

/// A failure of the store, as the caller sees it.
pub(crate) fn store_failed(error: &StoreError) -> ArmError {
    tracing::error!(error = %error, source = ?std::error::Error::source(error), "the store failed");
    ArmError::new(
        ErrorCode::InternalServerError,
        "The state could not be read or written; the server's log has the cause.",
    )
}
