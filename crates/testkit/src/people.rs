//! People with tokens.

use std::collections::HashMap;

use uuid::Uuid;

/// Somebody in the directory, signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user principal name.
    pub upn: String,
    /// The object id.
    pub id: Uuid,
    /// The password.
    pub password: String,
    pub(crate) tokens: HashMap<Audience, String>,
}

/// One person for each role that tests ask about, each with that role at the tenant; and one with none.
#[derive(Debug, Clone)]
pub struct Everybody {
    /// In the directory, without any role.
    pub stranger: Person,
    /// Reader.
    pub reader: Person,
    /// Azure AI Developer.
    pub ai_developer: Person,
    /// Contributor.
    pub contributor: Person,
    /// Owner.
    pub owner: Person,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Azure Resource Manager.
    Arm,
    /// The directory.
    Graph,
    /// Model calls.
    Models,
}

impl Audience {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Arm, Self::Graph, Self::Models];

    /// The audience a path calls for.
    #[must_use]
    pub fn of(path: &str) -> Self {
        if path.starts_with("/graph/") {
            Self::Graph
        } else if path.starts_with("/ai/") || path.starts_with("/api/projects/") {
            Self::Models
        } else {
            Self::Arm
        }
    }

    /// The resource it stands for at an origin.
    #[must_use]
    pub fn resource(self, origin: &str) -> String {
        match self {
            Self::Arm => origin.to_owned(),
            Self::Graph => format!("{origin}/graph"),
            Self::Models => String::from("https://cognitiveservices.azure.com"),
        }
    }
}

impl Person {
    /// The token for an audience.
    #[must_use]
    pub fn token(&self, audience: Audience) -> &str {
        &self.tokens[&audience]
    }
}
