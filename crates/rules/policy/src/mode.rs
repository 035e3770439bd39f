//! Which resources a definition looks at, whatever its rule says (policy-language 1).

use crate::{subject::Subject, words::same};

/// The mode of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Groups, subscriptions and every type.
    All,
    /// Types that have tags and a location.
    Indexed,
    /// The components of a provider, such as `Microsoft.MachineLearningServices.v2.Data`.
    Provider(String),
}

impl Mode {
    pub(crate) fn read(word: Option<&str>) -> Option<Self> {
        match word {
            None => Some(Self::All),
            Some(word) if same(word, "All") || same(word, "NotSpecified") => Some(Self::All),
            Some(word) if same(word, "Indexed") => Some(Self::Indexed),
            Some(word) if word.contains('.') && !word.contains('/') => Some(Self::Provider(word.to_owned())),
            Some(_) => None,
        }
    }

    /// The word in Azure's spelling.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::All => "All",
            Self::Indexed => "Indexed",
            Self::Provider(name) => name,
        }
    }

    /// Whether definitions of this mode look at the subject at all.
    #[must_use]
    pub fn takes(&self, subject: &Subject<'_>) -> bool {
        let resource_type = subject.resource_type();
        let provider = resource_type.split('/').next().unwrap_or_default();
        match self {
            Self::Provider(name) => same(provider, name),
            _ if is_component_provider(provider) => false,
            _ if same(provider, "Microsoft.Resources") && !is_extension_of_subscription(resource_type) => {
                matches!(self, Self::All) && is_group_or_subscription(resource_type)
            }
            Self::All => true,
            Self::Indexed => subject.indexed,
        }
    }
}

fn is_component_provider(provider: &str) -> bool {
    provider.len() > 5
        && provider
            .get(provider.len() - 5..)
            .is_some_and(|end| same(end, ".Data"))
}

/// Whether the type is one of the two of `Microsoft.Resources` that policies judge.
fn is_group_or_subscription(resource_type: &str) -> bool {
    same(resource_type, "Microsoft.Resources/subscriptions/resourceGroups")
        || same(resource_type, "Microsoft.Resources/resourceGroups")
        || same(resource_type, "Microsoft.Resources/subscriptions")
}

/// Extensions of a subscription, such as its diagnostic settings, are named as if they were of this provider.
fn is_extension_of_subscription(resource_type: &str) -> bool {
    let start = "Microsoft.Resources/subscriptions/providers/";
    resource_type
        .get(..start.len())
        .is_some_and(|own| same(own, start))
}
