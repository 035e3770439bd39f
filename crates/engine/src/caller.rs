//! Who is asking, and how he showed that.

use std::{net::IpAddr, sync::Arc};

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
    /// How it signed in, and from where.
    pub sign_in: SignIn,
}

/// How a caller signed in, and from where. Conditions may ask for it, and what it rests on may be called back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignIn {
    /// The session its tokens belong to: a row of the type `Nave.Identity/sessions`. Only people have one.
    pub session: Option<Uuid>,
    /// How it proved who it is, in the words of RFC 8176: `pwd`, `otp`, `fido`, `mfa`; `fed` for another provider's
    /// word; `secret` and `cert` for applications.
    pub methods: Arc<[String]>,
    /// Where the request came from, where that is known.
    pub address: Option<IpAddr>,
    /// What the credential stands and falls with.
    pub proof: Proof,
    /// Whether the client understands a challenge for a better token (`CP1`, client contract 1.4).
    pub heeds_challenges: bool,
}

/// What a credential stands and falls with. It is looked at whenever something is decided for its holder, so that a
/// credential that was called back opens nothing from then on, nor keeps open what it opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proof {
    /// Nothing besides the caller's place in the directory.
    #[default]
    None,
    /// A token: the principal's epoch it was made in ([`crate::directory::epoch`]).
    Epoch(u64),
    /// A key of an account: its unique name ([`crate::accounts::key_claim`]).
    Key(Arc<str>),
}

impl SignIn {
    /// Whether a second factor was given.
    #[must_use]
    pub fn is_multi_factor(&self) -> bool {
        self.methods.iter().any(|method| method == "mfa")
    }
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
            sign_in: SignIn::default(),
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
            sign_in: SignIn::default(),
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
