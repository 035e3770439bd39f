//! What a server is, seen from outside: its origin, its tenant, its regions. Fixed at start, shared by every
//! plane, so that no plane builds a URL out of its own idea of the host.

use nave_arm::ResourceId;
use uuid::Uuid;

/// The public face of this server.
#[derive(Debug, Clone)]
pub struct Site {
    /// `https://host[:port]`, without a trailing slash.
    pub origin: String,
    /// `host[:port]`: the base of the service zones (`{account}.openai.{host}`).
    pub authority: String,
    /// The directory's id.
    pub tenant: Uuid,
    /// The directory's display name.
    pub tenant_name: String,
    /// The verified domain of the directory, the part after `@` in user names.
    pub domain: String,
    /// The cloud's name in the client's list of clouds.
    pub cloud: String,
    /// The regions this server offers, the default first.
    pub locations: &'static [Location],
}

/// A region. nave runs in one place; regions are labels that templates carry.
#[derive(Debug, Clone, Copy)]
pub struct Location {
    /// The short name, such as `eastus`.
    pub name: &'static str,
    /// The display name, such as `East US`.
    pub display: &'static str,
}

/// The regions offered unless configured otherwise.
pub const LOCATIONS: &[Location] = &[
    Location {
        name: "eastus",
        display: "East US",
    },
    Location {
        name: "eastus2",
        display: "East US 2",
    },
    Location {
        name: "westus",
        display: "West US",
    },
    Location {
        name: "westus2",
        display: "West US 2",
    },
    Location {
        name: "westus3",
        display: "West US 3",
    },
    Location {
        name: "centralus",
        display: "Central US",
    },
    Location {
        name: "northcentralus",
        display: "North Central US",
    },
    Location {
        name: "southcentralus",
        display: "South Central US",
    },
    Location {
        name: "canadaeast",
        display: "Canada East",
    },
    Location {
        name: "westeurope",
        display: "West Europe",
    },
    Location {
        name: "northeurope",
        display: "North Europe",
    },
    Location {
        name: "uksouth",
        display: "UK South",
    },
    Location {
        name: "francecentral",
        display: "France Central",
    },
    Location {
        name: "germanywestcentral",
        display: "Germany West Central",
    },
    Location {
        name: "swedencentral",
        display: "Sweden Central",
    },
    Location {
        name: "switzerlandnorth",
        display: "Switzerland North",
    },
    Location {
        name: "australiaeast",
        display: "Australia East",
    },
    Location {
        name: "japaneast",
        display: "Japan East",
    },
    Location {
        name: "global",
        display: "Global",
    },
];

impl Site {
    /// The absolute URL of an ARM id.
    #[must_use]
    pub fn url(&self, id: &ResourceId) -> String {
        format!("{}{id}", self.origin)
    }

    /// The region a client named, in its short form; ARM compares regions without case and spaces.
    #[must_use]
    pub fn location(&self, text: &str) -> Option<&'static str> {
        let wanted = short_location(text);
        self.locations
            .iter()
            .map(|location| location.name)
            .find(|name| *name == wanted)
    }
}

/// `East US` as `eastus`.
#[must_use]
pub fn short_location(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .to_lowercase()
}
