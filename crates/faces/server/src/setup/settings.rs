//! What an installation is: decided at its first start, in `nave.json` of the data directory.

use std::net::SocketAddr;

use http::Uri;
use nave_engine::site::{LOCATIONS, Site};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SetupError;

/// The data format this release writes.
pub(crate) const FORMAT: u64 = 1;

/// The settings, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The data format.
    pub format: u64,
    /// Where the server listened last.
    pub listen: SocketAddr,
    /// Where clients find it: `https://host[:port]`.
    pub origin: String,
    /// The directory's id.
    pub tenant: Uuid,
    /// The directory's name, for people.
    pub tenant_name: String,
    /// The domain of its users.
    pub domain: String,
    /// The first subscription.
    pub subscription: Uuid,
    /// The user principal name of the first administrator.
    pub administrator: String,
    /// Whether everything an installation begins with has been made.
    pub complete: bool,
}

/// What the operator asked for. What is left open stays as it was, or has a default.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Where clients find the server.
    pub origin: Option<String>,
    /// The domain of its users; only at the first start.
    pub domain: Option<String>,
    /// The directory's name; only at the first start.
    pub tenant_name: Option<String>,
    /// The first administrator's name before the `@`; only at the first start.
    pub administrator: Option<String>,
}

impl Settings {
    /// The settings of a new installation that listens at an address.
    pub(crate) fn new(
        listen: SocketAddr,
        wishes: &Wishes,
        ids: impl Fn() -> Uuid,
    ) -> Result<Self, SetupError> {
        let domain = domain(wishes.domain.as_deref().unwrap_or("nave.local"))?;
        let administrator = format!("{}@{domain}", wishes.administrator.as_deref().unwrap_or("admin"));
        Ok(Self {
            format: FORMAT,
            listen,
            origin: wishes
                .origin
                .as_deref()
                .map_or_else(|| Ok(local_origin(listen)), origin)?,
            tenant: ids(),
            tenant_name: wishes.tenant_name.clone().unwrap_or_else(|| String::from("nave")),
            domain,
            subscription: ids(),
            administrator,
            complete: false,
        })
    }

    /// The settings of an installation that starts again. An origin that only said where it listened moves with
    /// that.
    pub(crate) fn resumed(mut self, listen: SocketAddr, wishes: &Wishes) -> Result<Self, SetupError> {
        let followed = self.origin == local_origin(self.listen);
        match &wishes.origin {
            Some(wanted) => self.origin = origin(wanted)?,
            None if followed => self.origin = local_origin(listen),
            None => {}
        }
        self.listen = listen;
        Ok(self)
    }

    /// The public face these settings describe.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            origin: self.origin.clone(),
            authority: self.authority().to_owned(),
            tenant: self.tenant,
            tenant_name: self.tenant_name.clone(),
            domain: self.domain.clone(),
            cloud: String::from("nave"),
            locations: LOCATIONS,
        }
    }

    /// The host in the origin, without port and brackets.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self
            .authority()
            .parse::<http::uri::Authority>()
            .map(|authority| authority.host().to_owned());
        host.unwrap_or_default().trim_matches(['[', ']']).to_owned()
    }

    fn authority(&self) -> &str {
        self.origin.trim_start_matches("https://")
    }
}

/// The origin of a server that nobody gave a name.
fn local_origin(listen: SocketAddr) -> String {
    let ip = listen.ip();
    if ip.is_loopback() || ip.is_unspecified() {
        format!("https://localhost:{}", listen.port())
    } else {
        format!("https://{listen}")
    }
}

fn origin(text: &str) -> Result<String, SetupError> {
    let invalid = || SetupError::Origin(text.to_owned());
    let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| invalid())?;
    let authority = uri.authority().ok_or_else(invalid)?;
    let is_bare =
        matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
    if uri.scheme_str() != Some("https") || !is_bare {
        return Err(invalid());
    }
    Ok(format!("https://{}", authority.as_str().to_lowercase()))
}

fn domain(text: &str) -> Result<String, SetupError> {
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(allowed)
    };
    if text.contains('.') && text.split('.').all(is_label) {
        return Ok(text.to_lowercase());
    }
    Err(SetupError::Domain(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn new(listen: &str, wishes: &Wishes) -> Settings {
        Settings::new(address(listen), wishes, Uuid::nil).unwrap()
    }

    #[test]
    fn without_wishes_the_origin_follows_the_address() {
        let settings = new("127.0.0.1:8443", &Wishes::default());
        assert_eq!(
            (settings.origin.as_str(), settings.host().as_str()),
            ("https://localhost:8443", "localhost")
        );
        assert_eq!(settings.administrator, "admin@nave.local");
        assert_eq!(settings.site().authority, "localhost:8443");
        let moved = settings
            .resumed(address("[::]:9443"), &Wishes::default())
            .unwrap();
        assert_eq!(moved.origin, "https://localhost:9443");
        assert_eq!(
            new("10.0.0.5:443", &Wishes::default()).origin,
            "https://10.0.0.5:443"
        );
    }

    #[test]
    fn a_given_origin_stays_until_another_is_given() {
        let wishes = |origin: &str| Wishes {
            origin: Some(origin.to_owned()),
            ..Wishes::default()
        };
        let settings = new("127.0.0.1:8443", &wishes("https://Nave.Example.com/"));
        assert_eq!(settings.origin, "https://nave.example.com");
        let resumed = settings
            .resumed(address("127.0.0.1:9443"), &Wishes::default())
            .unwrap();
        assert_eq!(resumed.origin, "https://nave.example.com");
        let renamed = resumed
            .resumed(address("127.0.0.1:9443"), &wishes("https://[::1]:9443"))
            .unwrap();
        assert_eq!(
            (renamed.origin.as_str(), renamed.host().as_str()),
            ("https://[::1]:9443", "::1")
        );
    }

    #[test]
    fn what_is_no_origin_or_domain_is_refused() {
        for text in [
            "http://h",
            "h:8443",
            "https://",
            "https://h/p",
            "https://h?q",
            "https://u@h",
            "nave",
        ] {
            assert!(matches!(origin(text), Err(SetupError::Origin(_))), "{text}");
        }
        for text in ["", "contoso", "contoso..com", "con toso.com", "a@b.com"] {
            assert!(matches!(domain(text), Err(SetupError::Domain(_))), "{text}");
        }
    }
}
