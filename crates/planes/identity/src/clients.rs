//! The applications people sign in through, and where each may send them back to.

use std::sync::Arc;

use nave_engine::{Resource, Snapshot, site::Site};
use serde_json::Value;

use crate::{principal::application_claim, refusal::Refusal};

/// Public clients that every tenant knows without registering them.
const WELL_KNOWN: [(&str, &str); 4] = [
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"),
    (
        "1950a258-227b-4e31-a9cf-719495945fc2",
        "Microsoft Azure PowerShell",
    ),
    (
        "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "Microsoft Graph Command Line Tools",
    ),
    ("aebc6443-996d-45c2-90f0-388ff96faa56", "Visual Studio Code"),
];

/// Where an application's registration lists its addresses.
const REDIRECTS: [&str; 3] = ["/publicClient/redirectUris", "/spa/redirectUris", WEB_REDIRECTS];
/// Those of them that belong to servers, which can keep a secret and must show it.
const WEB_REDIRECTS: &str = "/web/redirectUris";

/// An application people sign in through.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its application id, in lower case.
    pub(crate) id: String,
    /// What the sign-in page calls it.
    pub(crate) name: String,
    registration: Option<Arc<Resource>>,
}

impl Client {
    /// The client with this id.
    pub(crate) fn find(snapshot: &Snapshot, site: &Site, id: &str) -> Result<Self, Refusal> {
        let id = id.to_lowercase();
        if let Some((_, name)) = WELL_KNOWN.iter().find(|(known, _)| *known == id) {
            return Ok(Self {
                id,
                name: (*name).to_owned(),
                registration: None,
            });
        }
        let registration = snapshot
            .claimed(&application_claim(&id))
            .cloned()
            .ok_or_else(|| unknown(site, &id))?;
        let name = registration.text("/displayName").unwrap_or(&id).to_owned();
        Ok(Self {
            id,
            name,
            registration: Some(registration),
        })
    }

    /// Whether a code may be sent to this address: this machine at any port, or an address it registered.
    pub(crate) fn may_redirect_to(&self, address: &str) -> bool {
        is_this_machine(address) || REDIRECTS.iter().any(|place| self.registered(place, address))
    }

    /// Whether codes sent to this address are exchanged by a server, which must show its secret.
    pub(crate) fn must_authenticate_for(&self, address: &str) -> bool {
        self.registered(WEB_REDIRECTS, address)
    }

    fn registered(&self, place: &str, address: &str) -> bool {
        let listed = self
            .registration
            .as_ref()
            .and_then(|registration| registration.value(place));
        listed
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .any(|listed| listed.as_str() == Some(address))
    }
}

pub(crate) fn unknown(site: &Site, id: &str) -> Refusal {
    Refusal::new(
        401,
        "unauthorized_client",
        700_016,
        format!(
            "Application with identifier '{id}' was not found in the directory '{}'.",
            site.tenant_name
        ),
    )
}

/// `http://localhost`, at any port and path. Only programs of the person who signs in can listen there.
fn is_this_machine(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("http://localhost") else {
        return false;
    };
    let (port, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let number = port.strip_prefix(':');
    let good_port = port.is_empty() || number.is_some_and(|number| number.parse::<u16>().is_ok());
    good_port && path.chars().all(|c| c.is_ascii_graphic() && c != '#')
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn this_machine_is_localhost_and_nothing_that_looks_like_it() {
        for good in [
            "http://localhost",
            "http://localhost:8400",
            "http://localhost:1/a/b?c=d",
            "http://localhost/",
        ] {
            assert!(is_this_machine(good), "{good}");
        }
        for bad in [
            "https://localhost",
            "http://localhost.evil.test",
            "http://localhost@evil.test",
            "http://localhost:80@evil.test",
            "http://localhost:99999",
            "http://localhost/a#b",
            "http://localhost/\r\nx",
            "http://127.0.0.1",
        ] {
            assert!(!is_this_machine(bad), "{bad}");
        }
    }
}
