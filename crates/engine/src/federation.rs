//! Federated credentials: whose tokens of another identity provider an application, or a managed identity, accepts in the
//! place of a secret. A pipeline or a pod has such a token anyway, so there is nothing to keep and nothing to leak.
//!
//! Their form is the engine's: applications have theirs by Graph, managed identities theirs by Azure Resource Manager, and
//! the token service reads both.

use nave_arm::{ArmError, ErrorCode, ResourceId};
use serde_json::{Value, json};

use crate::{Fields, Resource, Snapshot};

/// The type of the resources that are a managed identity each.
pub const USER_ASSIGNED_IDENTITIES: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// The type of a managed identity's federated credentials.
pub const OF_IDENTITIES: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
/// Where an application's row keeps its own.
pub const OF_APPLICATIONS: &str = "federatedIdentityCredentials";
/// The audience of tokens that are made to be exchanged.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";
/// How many of them an application or an identity may have.
pub const MOST: usize = 20;
/// The longest issuer, subject and audience, in characters.
const LONGEST: usize = 600;

/// Whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Who issued them: the `iss` claim, to the letter.
    pub issuer: String,
    /// Whom they are about: the `sub` claim, to the letter.
    pub subject: String,
    /// For whom they are: one of the `aud` claim's.
    pub audiences: Vec<String>,
}

/// Why no credential accepts a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// There are no credentials.
    None,
    /// No credential names the token's issuer.
    Issuer,
    /// None of the issuer's names the token's subject.
    Subject,
    /// None of the subject's names one of the token's audiences.
    Audience,
}

impl FederatedCredential {
    /// Reads and checks what a client wrote: `issuer`, `subject` and `audiences`.
    pub fn read(body: &Value) -> Result<Self, ArmError> {
        let fields = Fields(body);
        if fields.value("/claimsMatchingExpression").is_some() {
            return Err(invalid(
                "claimsMatchingExpression",
                "claims are matched by 'subject' alone; name the subject of the tokens to the letter",
            ));
        }
        let issuer = fields.required("/issuer")?;
        if !is_issuer(issuer) {
            return Err(invalid(
                "issuer",
                "the issuer is an address that begins with https://, or with http:// and is of this machine",
            ));
        }
        let subject = fields.required("/subject")?;
        let audiences = audiences(body)?;
        let texts = audiences.iter().map(String::as_str).chain([issuer, subject]);
        if texts.into_iter().any(|text| text.chars().count() > LONGEST) {
            return Err(invalid(
                "issuer",
                "issuer, subject and audiences have at most 600 characters",
            ));
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences,
        })
    }

    /// The members, as they are stored and shown.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({ "issuer": self.issuer, "subject": self.subject, "audiences": self.audiences })
    }

    /// Whether both accept the same tokens' holder.
    #[must_use]
    pub fn is_twin_of(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.subject == other.subject
    }
}

/// The credential that accepts a token of this issuer, subject and audiences.
pub fn matching<'a>(
    credentials: &'a [FederatedCredential],
    issuer: &str,
    subject: &str,
    audiences: &[&str],
) -> Result<&'a FederatedCredential, Mismatch> {
    if credentials.is_empty() {
        return Err(Mismatch::None);
    }
    let mut nearest = Mismatch::Issuer;
    for credential in credentials.iter().filter(|one| one.issuer == issuer) {
        if credential.subject == subject {
            if credential
                .audiences
                .iter()
                .any(|one| audiences.contains(&one.as_str()))
            {
                return Ok(credential);
            }
            nearest = Mismatch::Audience;
        } else if nearest == Mismatch::Issuer {
            nearest = Mismatch::Subject;
        }
    }
    Err(nearest)
}

/// The credentials of an application's row.
#[must_use]
pub fn of_application(application: &Resource) -> Vec<FederatedCredential> {
    let listed = application.own.get(OF_APPLICATIONS).and_then(Value::as_array);
    let listed = listed.into_iter().flatten();
    listed
        .filter_map(|one| FederatedCredential::read(one).ok())
        .collect()
}

/// The credentials of a managed identity.
#[must_use]
pub fn of_identity(snapshot: &Snapshot, identity: &ResourceId) -> Vec<FederatedCredential> {
    let below = snapshot.below(identity);
    let own = below.filter(|row| row.id.resource_type().eq_ignore_ascii_case(OF_IDENTITIES));
    own.filter_map(|row| FederatedCredential::read(row.sent.get("properties")?).ok())
        .collect()
}

fn audiences(body: &Value) -> Result<Vec<String>, ArmError> {
    let wrong = || {
        invalid(
            "audiences",
            "it is a list of at least one text, usually of 'api://AzureADTokenExchange'",
        )
    };
    let Some(listed) = body.get("audiences").filter(|listed| !listed.is_null()) else {
        return Ok(vec![AUDIENCE.to_owned()]);
    };
    let listed = listed
        .as_array()
        .filter(|listed| !listed.is_empty())
        .ok_or_else(wrong)?;
    let text = |one: &Value| one.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    listed.iter().map(|one| text(one).ok_or_else(wrong)).collect()
}

fn is_issuer(text: &str) -> bool {
    let clean = text.chars().all(|c| c.is_ascii_graphic()) && !text.contains(['?', '#', '@']);
    let rest = text.strip_prefix("https://");
    let here = ["http://localhost", "http://127.0.0.1", "http://[::1]"]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']));
    clean && (here || rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')))
}

fn invalid(member: &str, why: &str) -> ArmError {
    ArmError::new(
        ErrorCode::InvalidParameter,
        format!("The value of '{member}' is not valid: {why}."),
    )
    .on(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<FederatedCredential, ArmError> {
        FederatedCredential::read(&body)
    }

    fn credential(issuer: &str, subject: &str, audience: &str) -> FederatedCredential {
        read(json!({ "issuer": issuer, "subject": subject, "audiences": [audience] })).expect("good")
    }

    #[test]
    fn a_credential_names_an_issuer_a_subject_and_audiences() {
        let good = read(json!({ "issuer": "https://idp.test", "subject": "repo:a/b" })).expect("good");
        assert_eq!(good.audiences, [AUDIENCE], "the usual one where none is named");
        assert_eq!(read(good.body()), Ok(good));
        for issuer in [
            "https://idp.test/a/b",
            "http://localhost:8080",
            "http://127.0.0.1/x",
            "http://[::1]:1",
        ] {
            assert!(
                read(json!({ "issuer": issuer, "subject": "s" })).is_ok(),
                "{issuer}"
            );
        }
        for (issuer, subject, audiences) in [
            (json!("http://idp.test"), json!("s"), json!(["a"])),
            (json!("http://localhost.evil.test"), json!("s"), json!(["a"])),
            (json!("http://127.0.0.1@evil.test"), json!("s"), json!(["a"])),
            (json!("https://"), json!("s"), json!(["a"])),
            (json!("https://idp.test?x"), json!("s"), json!(["a"])),
            (json!("idp"), json!("s"), json!(["a"])),
            (json!(null), json!("s"), json!(["a"])),
            (json!("https://idp.test"), json!(""), json!(["a"])),
            (json!("https://idp.test"), json!("s"), json!([])),
            (json!("https://idp.test"), json!("s"), json!([1])),
            (json!("https://idp.test"), json!("s".repeat(601)), json!(["a"])),
        ] {
            let body = json!({ "issuer": issuer, "subject": subject, "audiences": audiences });
            assert_eq!(
                read(body.clone()).map_err(|error| error.status()),
                Err(400),
                "{body}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_said_as_near_as_it_gets() {
        let credentials = [
            credential("https://a", "one", "x"),
            credential("https://a", "two", "y"),
            credential("https://b", "one", "y"),
        ];
        let found =
            |issuer, subject, audiences: &[&str]| matching(&credentials, issuer, subject, audiences).cloned();
        assert_eq!(found("https://a", "two", &["z", "y"]), Ok(credentials[1].clone()));
        assert_eq!(found("https://c", "one", &["x"]), Err(Mismatch::Issuer));
        assert_eq!(
            found("https://a/", "one", &["x"]),
            Err(Mismatch::Issuer),
            "to the letter"
        );
        assert_eq!(found("https://a", "One", &["x"]), Err(Mismatch::Subject));
        for longer in ["one-more", "one:two", "on"] {
            assert_eq!(
                found("https://a", longer, &["x"]),
                Err(Mismatch::Subject),
                "{longer}"
            );
        }
        assert_eq!(found("https://a", "one", &["y"]), Err(Mismatch::Audience));
        assert_eq!(found("https://a", "one", &[]), Err(Mismatch::Audience));
        assert_eq!(matching(&[], "https://a", "one", &["x"]), Err(Mismatch::None));
    }
}
