//! Client assertions (RFC 7523): a JWT in the place of a secret.
//!
//! One that an application made itself is signed with a certificate of its registration ([`certificates`]); one that an
//! identity provider made about a workload is accepted where a federated credential says so ([`federated`]).

mod certificates;
mod federated;
mod first_shown;

use std::sync::Arc;

use nave_engine::{Resource, directory::app_claim, route::Call};
use nave_vault::{Foreign, Secret, TokenError};

use crate::{
    Inner,
    clients::{self, Proof},
    principal::{self, application_claim},
    refusal::Refusal,
};

pub(crate) use certificates::{Certificates, hex};
pub(crate) use first_shown::FirstShown;

/// How far clocks may differ, in seconds.
pub(crate) const SKEW: i64 = 300;
/// How long an assertion may live, in seconds.
const LONGEST: i64 = 24 * 60 * 60;

/// Whose assertion it is said to be.
pub(super) struct Holder {
    /// The application id.
    client: String,
    /// Who it is when it acts.
    principal: Arc<Resource>,
    /// Its registration; managed identities have none.
    registration: Option<Arc<Resource>>,
}

impl Inner {
    /// The service principal of the application that this assertion is of.
    pub(crate) async fn check_assertion(
        &self,
        call: &Call,
        client: &str,
        assertion: Secret<String>,
    ) -> Result<(Arc<Resource>, Proof), Refusal> {
        let token = Foreign::read(assertion).map_err(|error| malformed(error, client))?;
        let holder = Holder::find(call, client)?;
        let proof = if token.text("iss").eq_ignore_ascii_case(client) {
            self.check_own(call, &holder, &token)?;
            Proof::Certificate
        } else {
            self.check_federated(call, &holder, &token).await?;
            Proof::Federated
        };
        if !principal::enabled(&holder.principal) {
            return Err(Refusal::disabled_client(client));
        }
        Ok((holder.principal, proof))
    }
}

impl Holder {
    fn find(call: &Call, client: &str) -> Result<Self, Refusal> {
        let snapshot = call.engine.snapshot();
        let principal = snapshot.claimed(&app_claim(client)).cloned();
        Ok(Self {
            client: client.to_owned(),
            principal: principal.ok_or_else(|| clients::unknown(call.engine.site(), client))?,
            registration: snapshot.claimed(&application_claim(client)).cloned(),
        })
    }
}

/// Checks when it is valid, and that it is not for ever.
fn check_times(token: &Foreign, now: i64) -> Result<(), Refusal> {
    let over = |error: TokenError| {
        Refusal::bad_client(
            700_024,
            format!(
                "Client assertion is not within its valid time range: {error}. Check the clock, and make a new one."
            ),
        )
    };
    token.check_times(now, SKEW).map_err(over)
}

fn malformed(error: TokenError, client: &str) -> Refusal {
    Refusal::bad_client(
        50_027,
        format!("Invalid JWT token. The client assertion of application '{client}' cannot be read: {error}."),
    )
}
