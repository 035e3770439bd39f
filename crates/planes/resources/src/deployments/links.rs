//! Templates and parameters that are named by an address: fetched only from hosts the administrator allows
//! (`nave up --template-host`), within limits of size and time, and each once in the life of a deployment. What was
//! fetched is kept with it, so that a deployment that goes on after a restart goes on with the same template.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use nave_arm::{ArmError, ErrorCode};
use nave_outbound::{FetchError, Outbound, read, unreachable};
use nave_template::parse;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::live::locked;

/// The longest document (template-language 1).
const LONGEST: usize = 4 * 1024 * 1024;

/// The hosts that are asked, once the administrator has named any.
#[derive(Default)]
pub(super) struct Links(OnceLock<(Vec<String>, Outbound)>);

impl Links {
    /// Allows these hosts, each with its port where it is not that of its scheme.
    pub(super) fn allow(&self, hosts: Vec<String>, outbound: Outbound) {
        // once a server has begun, its settings do not change
        let _ = self.0.set((hosts, outbound));
    }

    /// The client for an address of an allowed host.
    fn client(&self, uri: &str) -> Result<(&reqwest::Client, Url), ArmError> {
        let host = Url::parse(uri).ok().and_then(|url| host_of(&url));
        let (hosts, outbound) = self.0.get().ok_or_else(|| not_allowed(uri))?;
        let is_allowed = |host: &String| hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
        if !host.as_ref().is_some_and(is_allowed) {
            return Err(not_allowed(uri));
        }
        outbound
            .client(uri)
            .map_err(|error| unreadable(uri, &error.to_string()))
    }
}

/// `host`, or `host:port` where the port is not that of the scheme.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn not_allowed(uri: &str) -> ArmError {
    let host = Url::parse(uri).ok().and_then(|url| host_of(&url));
    let shown = host.unwrap_or_else(|| String::from("(no host)"));
    ArmError::new(
        ErrorCode::InvalidContentLink,
        format!(
            "Unable to download deployment content: the host '{shown}' is not one that this server fetches from. Send the \
             template itself, or have the administrator allow the host (nave up --template-host {shown})."
        ),
    )
}

fn unreadable(uri: &str, why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidContentLink,
        format!(
            "Unable to download deployment content from '{}': {why}.",
            bare(uri)
        ),
    )
}

/// An address without what may be secret in it.
fn bare(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}

/// A link of a request: to a template or to parameters.
#[derive(Debug, Clone)]
pub(super) struct Link {
    uri: String,
    query: Option<String>,
    content_version: Option<String>,
}

impl Link {
    /// Reads `templateLink` or `parametersLink`. `base` is the address of the template around, for `relativePath`.
    pub(super) fn read(link: &Map<String, Value>, what: &str, base: Option<&str>) -> Result<Self, ArmError> {
        let text = |name: &str| {
            let found = link.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found
                .and_then(|(_, value)| value.as_str())
                .filter(|text| !text.is_empty())
        };
        let on = |error: ArmError| error.on(format!("properties.{what}"));
        let uri = match (text("uri"), text("relativePath"), text("id")) {
            (Some(uri), ..) => uri.to_owned(),
            (None, Some(path), _) => relative(base, path).map_err(on)?,
            (None, None, Some(id)) => {
                return Err(on(ArmError::new(
                    ErrorCode::InvalidContentLink,
                    format!(
                        "The template spec '{id}' cannot be deployed: this server keeps no template specs. Send the \
                         template itself."
                    ),
                )));
            }
            _ => {
                return Err(on(ArmError::new(
                    ErrorCode::InvalidContentLink,
                    format!("'{what}' needs 'uri', or in a linked template 'relativePath'."),
                )));
            }
        };
        Ok(Self {
            uri,
            query: text("queryString").map(str::to_owned),
            content_version: text("contentVersion").map(str::to_owned),
        })
    }

    /// The address that links inside the document are relative to.
    pub(super) fn base(&self) -> &str {
        &self.uri
    }

    /// The link as a deployment shows it; a query may hold a signature and is left out.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({ "uri": bare(&self.uri) });
        if let Some(version) = &self.content_version {
            shown["contentVersion"] = version.as_str().into();
        }
        shown
    }

    fn address(&self) -> String {
        match &self.query {
            Some(query) if self.uri.contains('?') => {
                format!("{}&{}", self.uri, query.trim_start_matches(['?', '&']))
            }
            Some(query) => format!("{}?{}", self.uri, query.trim_start_matches('?')),
            None => self.uri.clone(),
        }
    }

    fn check_version(&self, document: &Value) -> Result<(), ArmError> {
        let Some(wanted) = &self.content_version else {
            return Ok(());
        };
        match document.get("contentVersion").and_then(Value::as_str) {
            Some(found) if found == wanted => Ok(()),
            found => Err(unreadable(
                &self.uri,
                &format!(
                    "it has the content version '{}', not '{wanted}'",
                    found.unwrap_or_default()
                ),
            )),
        }
    }
}

fn relative(base: Option<&str>, path: &str) -> Result<String, ArmError> {
    let base = base.ok_or_else(|| {
        ArmError::new(
            ErrorCode::InvalidContentLink,
            format!("The relative path '{path}' leads nowhere: the template around it came by no link."),
        )
    })?;
    let joined = Url::parse(base).and_then(|base| base.join(path));
    joined
        .map(String::from)
        .map_err(|error| unreadable(base, &format!("'{path}' is no path: {error}")))
}

/// What one deployment has fetched.
pub(super) struct Fetched {
    links: Arc<Links>,
    documents: Mutex<BTreeMap<String, Value>>,
}

impl Fetched {
    pub(super) fn new(links: Arc<Links>) -> Self {
        Self {
            links,
            documents: Mutex::default(),
        }
    }

    /// What was fetched before a restart.
    pub(super) fn again(links: Arc<Links>, kept: &Value) -> Self {
        let kept = kept.as_object().into_iter().flatten();
        let documents = kept
            .map(|(address, document)| (address.clone(), document.clone()))
            .collect();
        Self {
            links,
            documents: Mutex::new(documents),
        }
    }

    /// All of it, to be kept.
    pub(super) fn kept(&self) -> Value {
        let documents = locked(&self.documents);
        documents
            .iter()
            .map(|(address, document)| (address.clone(), document.clone()))
            .collect::<Map<String, Value>>()
            .into()
    }

    /// The document a link leads to.
    pub(super) async fn get(&self, link: &Link) -> Result<Value, ArmError> {
        let address = link.address();
        let known = locked(&self.documents).get(&address).cloned();
        let document = match known {
            Some(document) => document,
            None => {
                let document = self.fetch(&address).await?;
                locked(&self.documents).insert(address, document.clone());
                document
            }
        };
        link.check_version(&document)?;
        Ok(document)
    }

    async fn fetch(&self, address: &str) -> Result<Value, ArmError> {
        let (client, url) = self.links.client(address)?;
        let shown = bare(address);
        let fetched = async {
            let response = client.get(url).send().await.map_err(unreachable(shown))?;
            match response.status().as_u16() {
                200 => read(shown, response, LONGEST).await,
                status => Err(FetchError::Status {
                    url: shown.to_owned(),
                    status,
                }),
            }
        };
        let text = fetched.await.map_err(|error| match error {
            FetchError::TooLong { .. } => unreadable(address, "it is longer than 4 MB"),
            error => unreadable(address, &error.to_string()),
        })?;
        parse(&String::from_utf8_lossy(&text)).map_err(|error| unreadable(address, &error.message))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn link(value: &Value, base: Option<&str>) -> Result<Link, ArmError> {
        Link::read(value.as_object().expect("an object"), "templateLink", base)
    }

    #[test]
    fn links_lead_to_addresses() {
        let whole = link(
            &json!({"uri": "https://a.test/t.json", "queryString": "?sig=1"}),
            None,
        )
        .expect("a link");
        assert_eq!(whole.address(), "https://a.test/t.json?sig=1");
        assert_eq!(whole.shown(), json!({"uri": "https://a.test/t.json"}));
        let inside = link(
            &json!({"relativePath": "../n/x.json"}),
            Some("https://a.test/b/c/t.json"),
        );
        assert_eq!(inside.expect("a link").address(), "https://a.test/b/n/x.json");
        for wrong in [
            json!({}),
            json!({"relativePath": "x.json"}),
            json!({"id": "/subscriptions/s"}),
        ] {
            let refused = link(&wrong, None).expect_err("no address");
            assert_eq!(refused.code, ErrorCode::InvalidContentLink, "{wrong}");
        }
    }

    #[tokio::test]
    async fn only_allowed_hosts_are_asked() {
        let links = Arc::new(Links::default());
        let fetched = Fetched::new(links.clone());
        let of = |uri: &str| link(&json!({ "uri": uri }), None).expect("a link");
        let refused = fetched
            .get(&of("https://a.test/t.json?sig=SECRET"))
            .await
            .expect_err("none is allowed");
        assert!(refused.message.contains("--template-host a.test") && !refused.message.contains("SECRET"));
        links.allow(
            vec![String::from("A.test:8443")],
            Outbound::new().expect("clients"),
        );
        for uri in [
            "https://a.test/t",
            "https://b.test:8443/t",
            "http://a.test:8443/t",
            "file:///etc/passwd",
            "x",
        ] {
            let refused = fetched.get(&of(uri)).await.expect_err("another host");
            assert_eq!(refused.code, ErrorCode::InvalidContentLink, "{uri}");
        }
    }

    #[tokio::test]
    async fn a_document_is_fetched_once_and_kept() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let text = "{ // a comment\n \"contentVersion\": \"1.0.0.0\", \"resources\": [] }";
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                text.len()
            )
            .expect("an answer");
        });
        let links = Arc::new(Links::default());
        links.allow(vec![address.to_string()], Outbound::new().expect("clients"));
        let fetched = Fetched::new(links.clone());
        let of = |version: &str| {
            let uri = format!("http://{address}/t.json");
            link(&json!({"uri": uri, "contentVersion": version}), None).expect("a link")
        };
        assert!(fetched.get(&of("1.0.0.0")).await.is_ok());
        served.join().expect("served");
        assert!(
            fetched.get(&of("1.0.0.0")).await.is_ok(),
            "nobody listens any more"
        );
        assert!(fetched.get(&of("2.0.0.0")).await.is_err());
        let again = Fetched::again(links, &fetched.kept());
        assert!(again.get(&of("1.0.0.0")).await.is_ok());
    }
}
