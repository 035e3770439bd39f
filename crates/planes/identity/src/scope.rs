//! The `scope` of a token request: one resource, and OpenID's words.
//!
//! The resource is what stands before `/.default` (or before the last slash of a named permission). One that ends in
//! a slash gives two of them, and keeps its own in the token's `aud` (client contract 1.4).

use nave_engine::{Snapshot, site::Site};

use crate::{audience, form::Form, refusal::Refusal};

/// The longest scope, in bytes: what waits for a sign-in is kept in memory.
const LONGEST: usize = 4096;

/// What a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// The resource, as written.
    pub(crate) resource: String,
    /// The scope, as written: clients look cached tokens up by it.
    pub(crate) text: String,
    /// Whether a refresh token is wanted.
    pub(crate) offline: bool,
}

impl Scope {
    /// Reads the form's `scope`, or the `resource` that older clients send.
    pub(crate) fn of(form: &Form, snapshot: &Snapshot, site: &Site) -> Result<Self, Refusal> {
        match (form.text("scope"), form.text("resource")) {
            (Some(scope), _) => Self::read(scope, snapshot, site),
            (None, Some(resource)) => Self::read(
                &format!("{resource}/.default openid offline_access"),
                snapshot,
                site,
            ),
            (None, None) => Err(Refusal::missing("scope")),
        }
    }

    /// Reads a scope.
    pub(crate) fn read(text: &str, snapshot: &Snapshot, site: &Site) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::new(
                400,
                "invalid_scope",
                70_011,
                format!("The scope has {} bytes; it may have {LONGEST}.", text.len()),
            ));
        }
        let (words, permissions): (Vec<&str>, Vec<&str>) =
            text.split_whitespace().partition(|word| is_openid(word));
        let mut resources: Vec<String> = permissions
            .iter()
            .map(|permission| resource_of(permission, site))
            .collect();
        resources.dedup_by(|next, first| next.trim_end_matches('/') == first.trim_end_matches('/'));
        if let [first, second, ..] = resources.as_slice() {
            return Err(Refusal::new(
                400,
                "invalid_scope",
                28_000,
                format!("A token is for one resource; the scope names '{first}' and '{second}'."),
            ));
        }
        let resource = resources.pop().unwrap_or_else(|| audience::graph(site));
        if !audience::is_allowed(snapshot, site, &resource) {
            return Err(Refusal::new(
                400,
                "invalid_resource",
                500_011,
                format!(
                    "The resource principal named {resource} was not found in the tenant named {}. Ask for \
                     '{}/.default', or for a service or an application of this server.",
                    site.tenant_name, site.origin
                ),
            ));
        }
        Ok(Self {
            resource,
            text: text.to_owned(),
            offline: words.contains(&"offline_access"),
        })
    }
}

fn is_openid(word: &str) -> bool {
    matches!(word, "openid" | "profile" | "email" | "offline_access")
}

/// A permission without a resource, such as `User.Read`, is one of the directory.
fn resource_of(permission: &str, site: &Site) -> String {
    permission
        .rsplit_once('/')
        .map_or_else(|| audience::graph(site), |(resource, _)| resource.to_owned())
}

#[cfg(test)]
mod tests {
    use nave_engine::site::LOCATIONS;
    use uuid::Uuid;

    use super::*;

    fn read(text: &str) -> Result<Scope, Refusal> {
        let site = Site {
            origin: String::from("https://nave.test:8443"),
            authority: String::from("nave.test:8443"),
            tenant: Uuid::nil(),
            tenant_name: String::from("Contoso"),
            domain: String::from("contoso.com"),
            cloud: String::from("nave"),
            locations: LOCATIONS,
        };
        Scope::read(text, &Snapshot::empty(), &site)
    }

    #[test]
    fn the_resource_is_what_stands_before_the_permission() {
        for (text, resource, offline) in [
            ("https://nave.test:8443/.default", "https://nave.test:8443", false),
            (
                "https://nave.test:8443/graph//.default",
                "https://nave.test:8443/graph/",
                false,
            ),
            (
                "offline_access https://management.azure.com//user_impersonation",
                "https://management.azure.com/",
                true,
            ),
            (
                "https://vault.nave.test:8443/.default openid",
                "https://vault.nave.test:8443",
                false,
            ),
            (
                "https://a1.blob.core.nave.test:8443/.default",
                "https://a1.blob.core.nave.test:8443",
                false,
            ),
            ("User.Read openid profile", "https://nave.test:8443/graph", false),
            ("openid offline_access", "https://nave.test:8443/graph", true),
        ] {
            let scope = read(text).expect(text);
            assert_eq!(
                (scope.resource.as_str(), scope.offline, scope.text.as_str()),
                (resource, offline, text)
            );
        }
    }

    #[test]
    fn a_resource_that_is_not_ours_and_two_of_them_are_refused() {
        let number = |text| read(text).unwrap_err().number;
        assert_eq!(number("https://evil.test/.default"), 500_011);
        assert_eq!(number("https://nave.test:8443.evil.test/.default"), 500_011);
        assert_eq!(number("https://evil.test/.nave.test:8443/.default"), 500_011);
        assert_eq!(number("https://user@vault.nave.test:8443/.default"), 500_011);
        assert_eq!(
            number("https://nave.test:8443/.default https://ml.azure.com/.default"),
            28_000
        );
    }
}
