//! Who is asking.

use nave_arm::ResourceId;
use uuid::Uuid;

/// An authenticated caller. Roles are never part of it: they are looked up when a request is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The directory object, or the nil id for an account key.
    pub object_id: Uuid,
    /// What people know the caller by: a user principal name, an application name.
    pub name: String,
    /// What kind of caller it is.
    pub kind: CallerKind,
    /// The audience the credential was made for, without a trailing slash. Empty for keys.
    pub audience: String,
}

/// The kinds of caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKind {
    /// A person.
    User,
    /// An application.
    ServicePrincipal,
    /// A resource's own identity.
    ManagedIdentity,
    /// The holder of a key of one account: it may do what the account's data plane offers, and nothing else.
    AccountKey {
        /// The account whose key it is.
        account: ResourceId,
        /// `key1` or `key2`.
        key: String,
    },
    /// nave itself, for what follows from a caller's request.
    System,
}

impl Caller {
    /// nave itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            object_id: Uuid::nil(),
            name: String::from("nave"),
            kind: CallerKind::System,
            audience: String::new(),
        }
    }

    /// Whoever asks without a credential, where none is needed. No decision ever allows it anything.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            object_id: Uuid::nil(),
            name: String::from("nobody"),
            kind: CallerKind::User,
            audience: String::new(),
        }
    }

    /// The word ARM's `systemData` uses for this kind.
    #[must_use]
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            CallerKind::User => "User",
            CallerKind::ServicePrincipal | CallerKind::System => "Application",
            CallerKind::ManagedIdentity => "ManagedIdentity",
            CallerKind::AccountKey { .. } => "Key",
        }
    }

    /// The object id as events record it.
    #[must_use]
    pub fn record_id(&self) -> String {
        match &self.kind {
            CallerKind::System => String::from("system"),
            CallerKind::AccountKey { account, key } => format!("{account}#{key}"),
            _ => self.object_id.to_string(),
        }
    }
}
