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
    /// How it proved itself, if it did.
    pub(crate) proof: Option<Proof>,
    registration: Option<Arc<Resource>>,
}

/// How an application proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a secret.
    Secret,
    /// By an assertion that it signed with a certificate.
    Certificate,
    /// By an assertion of another identity provider.
    Federated,
}

impl Proof {
    /// The word for it among the methods of a sign-in.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Certificate => "cert",
            Self::Federated => "fed",
        }
    }
}

impl Client {
    /// The client with this id.
    pub(crate) fn find(snapshot: &Snapshot, site: &Site, id: &str) -> Result<Self, Refusal> {
        let id = id.to_lowercase();
        if let Some((_, name)) = WELL_KNOWN.iter().find(|(known, _)| *known == id) {
            return Ok(Self {
                id,
                name: (*name).to_owned(),
                proof: None,
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
            proof: None,
            registration: Some(registration),
        })
    }

    /// Whether a code may be sent to this address: this machine at any port, or an address it registered.
    pub(crate) fn may_redirect_to(&self, address: &str) -> bool {
        is_this_machine(address) || REDIRECTS.iter().any(|place| self.registered(place, address))
    }

    /// Refuses a client that has not proved itself where it must.
    ///
    /// A server must: when it exchanges a code that was sent to it ([`is_server_at`](Self::is_server_at)), and from then
    /// on whenever it refreshes; and when a person signs in without any address
    /// ([`is_confidential`](Self::is_confidential)).
    pub(crate) fn demand_proof(&self, demanded: bool) -> Result<(), Refusal> {
        if demanded && self.proof.is_none() {
            return Err(Refusal::no_client_proof());
        }
        Ok(())
    }

    /// Whether codes sent to this address are exchanged by a server, which can keep a secret.
    pub(crate) fn is_server_at(&self, address: &str) -> bool {
        self.registered(WEB_REDIRECTS, address)
    }

    /// Whether it is a server where no address says so: it has no address of a program people run, and does not say that
    /// it is one all the same (`isFallbackPublicClient`).
    pub(crate) fn is_confidential(&self) -> bool {
        let Some(registration) = &self.registration else {
            return false;
        };
        let has = |place: &&str| {
            let listed = registration.value(place).and_then(Value::as_array);
            listed.is_some_and(|listed| !listed.is_empty())
        };
        let says_public = registration.value("/isFallbackPublicClient") == Some(&Value::Bool(true));
        let of_people = |place: &&&str| **place != WEB_REDIRECTS;
        !says_public && !REDIRECTS.iter().filter(of_people).any(has)
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
