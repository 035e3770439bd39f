//! What a policy does about a resource that its condition holds for (policy-language 5).

use std::fmt;

use crate::words::same;

macro_rules! effects {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// An effect, in the order in which they are applied to one request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Effect { $($(#[$doc])* $name),+ }

        impl Effect {
            /// Every effect.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The word in Azure's spelling.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

effects! {
    /// Nothing is evaluated.
    Disabled = "disabled",
    /// Members are added to the body.
    Append = "append",
    /// Members of the body are added, replaced or removed.
    Modify = "modify",
    /// The request is refused.
    Deny = "deny",
    /// It is noted that the resource does not comply.
    Audit = "audit",
    /// People attest whether the resource complies.
    Manual = "manual",
    /// It is noted that a related resource is missing.
    AuditIfNotExists = "auditIfNotExists",
    /// A missing related resource is deployed.
    DeployIfNotExists = "deployIfNotExists",
    /// An action on the resource, such as its deletion, is refused.
    DenyAction = "denyAction",
    /// Kubernetes: the component is changed. Kept, and never carried out here.
    Mutate = "mutate",
    /// Machine configuration: a setting is enforced. Kept, and never carried out here.
    EnforceSetting = "enforceSetting",
    /// A resource joins a network group. Kept, and never carried out here.
    AddToNetworkGroup = "addToNetworkGroup",
    /// Kubernetes, by its former name. Kept, and never carried out here.
    EnforceOpaConstraint = "enforceOPAConstraint",
    /// Kubernetes, by its first name. Kept, and never carried out here.
    EnforceRegoPolicy = "enforceRegoPolicy",
}

impl Effect {
    /// The effect of a word in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|effect| same(effect.word(), word))
    }

    /// Whether the effect looks at related resources after the request.
    #[must_use]
    pub fn looks_for_related(self) -> bool {
        matches!(self, Self::AuditIfNotExists | Self::DeployIfNotExists)
    }

    /// Whether the effect changes the body of the request.
    #[must_use]
    pub fn shapes(self) -> bool {
        matches!(self, Self::Append | Self::Modify)
    }

    /// Whether the effect is only kept, because what it acts on is not served.
    #[must_use]
    pub fn is_kept_only(self) -> bool {
        self >= Self::Mutate
    }

    /// Whether an assignment with this effect needs an identity to act with.
    #[must_use]
    pub fn needs_identity(self) -> bool {
        matches!(self, Self::Modify | Self::DeployIfNotExists)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
