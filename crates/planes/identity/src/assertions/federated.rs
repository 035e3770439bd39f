//! Assertions that another identity provider made about a workload: a pipeline, a pod, a managed identity.
//!
//! They are shown as often as the workload likes while they are valid, as their issuers mean it: a pod reads the same
//! token from a file for an hour.

use nave_arm::ResourceId;
use nave_engine::{
    federation::{self, FederatedCredential, Mismatch},
    route::Call,
};
use nave_vault::{Foreign, PublicKey, PublicKeys};
use serde_json::Value;

use super::{Holder, check_times};
use crate::{Inner, paths, principal, refusal::Refusal, tokens::EPOCH};

impl Inner {
    pub(super) async fn check_federated(
        &self,
        call: &Call,
        holder: &Holder,
        token: &Foreign,
    ) -> Result<(), Refusal> {
        let (issuer, subject) = (token.text("iss"), token.text("sub"));
        let credentials = credentials(call, holder);
        let matched = federation::matching(&credentials, issuer, subject, &token.audiences());
        matched.map_err(|mismatch| refuse(mismatch, holder, token))?;
        check_times(token, call.engine.world().now().as_second())?;
        let key = if issuer == paths::issuer(call.engine.site()) {
            check_of_ours(call, token)?;
            PublicKeys::from_jwks(&self.keys.jwks()).of(token).cloned()
        } else {
            self.key_elsewhere(call, issuer, token).await?
        };
        let key = key.ok_or_else(|| bad_signature("The key was not found", issuer))?;
        token
            .verify(&key)
            .map_err(|error| bad_signature(&error.to_string(), issuer))
    }

    async fn key_elsewhere(
        &self,
        call: &Call,
        issuer: &str,
        token: &Foreign,
    ) -> Result<Option<PublicKey>, Refusal> {
        let found = self.issuers.key(issuer, token, call.engine.world().now()).await;
        found.map_err(|error| {
            Refusal::bad_client(
                50_166,
                format!("Request to External OIDC endpoint failed: {error}. The issuer must be reachable from this server."),
            )
        })
    }
}

fn credentials(call: &Call, holder: &Holder) -> Vec<FederatedCredential> {
    if let Some(registration) = &holder.registration {
        return federation::of_application(registration);
    }
    let snapshot = call.engine.snapshot();
    let resource = holder.principal.text("/alternativeNames/1");
    let resource = resource.and_then(|resource| ResourceId::parse(resource).ok());
    resource.map_or_else(Vec::new, |resource| federation::of_identity(&snapshot, &resource))
}

/// A token of our own may be exchanged where it is a managed identity's, as it is now: a person's says nothing about a
/// workload, and one that was called back says nothing any more.
fn check_of_ours(call: &Call, token: &Foreign) -> Result<(), Refusal> {
    let snapshot = call.engine.snapshot();
    let id = uuid::Uuid::parse_str(token.text("oid")).ok();
    let found = id.and_then(|id| snapshot.principal(id));
    let good = found.is_some_and(|found| {
        principal::kind(found) == nave_engine::CallerKind::ManagedIdentity
            && principal::enabled(found)
            && token.claims().get(EPOCH).and_then(Value::as_u64) == Some(principal::epoch(found))
    });
    if good {
        return Ok(());
    }
    Err(Refusal::bad_client(
        700_222,
        "Tokens of this server may not be used for federated identity flows, other than those of managed identities.",
    ))
}

fn refuse(mismatch: Mismatch, holder: &Holder, token: &Foreign) -> Refusal {
    let (number, what) = match mismatch {
        Mismatch::None => (
            70_025,
            format!(
                "The client '{}' has no configured federated identity credentials.",
                holder.client
            ),
        ),
        Mismatch::Issuer => (700_211, no_record("issuer", token.text("iss"))),
        Mismatch::Subject => (700_213, no_record("subject", token.text("sub"))),
        Mismatch::Audience => (700_212, no_record("audience", &token.audiences().join(", "))),
    };
    Refusal::bad_client(number, what)
}

fn no_record(what: &str, found: &str) -> String {
    let found: String = found.chars().take(600).collect();
    format!(
        "No matching federated identity record found for presented assertion {what} '{found}'. It is compared to the \
         letter with the federated identity credentials of the application."
    )
}

fn bad_signature(why: &str, issuer: &str) -> Refusal {
    Refusal::bad_client(
        50_013,
        format!("Assertion failed signature validation. Reason: {why}. Its issuer is '{issuer}'."),
    )
}
