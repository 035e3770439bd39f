//! Assertions that an application signed itself, with a certificate of its registration or of its service principal.

use jiff::Timestamp;
use nave_engine::{Resource, route::Call};
use nave_vault::{Certificate, Foreign, TokenError};
use serde_json::Value;

use super::{Holder, LONGEST, check_times};
use crate::{Inner, paths, refusal::Refusal};

/// What may sign: other algorithms have no place in certificates of applications (Microsoft's own clients use these).
const ALGORITHMS: [&str; 3] = ["RS256", "PS256", "ES256"];

/// One certificate of an application, and when its registration lets it be used.
struct Registered {
    certificate: Certificate,
    from: Timestamp,
    until: Timestamp,
}

/// The certificates of an application.
pub(crate) struct Certificates(Vec<Registered>);

impl Certificates {
    /// The certificates listed by these rows.
    pub(crate) fn of<'a>(holders: impl IntoIterator<Item = &'a Resource>) -> Self {
        let listed = holders
            .into_iter()
            .filter_map(|holder| holder.value("/keyCredentials"));
        let listed = listed.filter_map(Value::as_array).flatten();
        Self(listed.filter_map(registered).collect())
    }

    /// Checks that one of them signed a token, and may be used at `now`.
    pub(crate) fn verify(&self, token: &Foreign, now: Timestamp) -> Result<(), Refusal> {
        let found = self.0.iter().find(|one| is_named(&one.certificate, token));
        let found = found.ok_or_else(|| {
            not_registered(
                "The certificate with identifier used to sign the client assertion is not registered on application",
                token,
            )
        })?;
        if !ALGORITHMS.contains(&token.algorithm().as_str()) {
            return Err(not_registered(
                "Client assertion is signed with an algorithm that is not accepted; RS256, PS256 and ES256 are",
                token,
            ));
        }
        let signed = token.verify(found.certificate.key());
        signed.map_err(|_: TokenError| {
            not_registered("Client assertion contains an invalid signature", token)
        })?;
        let dates = found.certificate.not_before..found.certificate.not_after;
        if !dates.contains(&now.as_second()) || now < found.from || now >= found.until {
            return Err(Refusal::bad_client(
                1_000_502,
                "The provided certificate is not within its specified validity period. Register a new one.",
            ));
        }
        Ok(())
    }
}

impl Inner {
    pub(super) fn check_own(&self, call: &Call, holder: &Holder, token: &Foreign) -> Result<(), Refusal> {
        let now = call.engine.world().now();
        if !token.text("sub").eq_ignore_ascii_case(&holder.client) {
            return Err(Refusal::bad_client(
                700_021,
                "Client assertion application identifier doesn't match 'client_id' parameter: 'iss' and 'sub' are the \
                 application's id.",
            ));
        }
        let ours = token.audiences();
        if !ours
            .iter()
            .any(|audience| paths::is_audience(call.engine.site(), audience))
        {
            return Err(Refusal::bad_client(
                700_023,
                format!(
                    "Client assertion audience claim does not match Realm issuer: 'aud' is '{}'.",
                    paths::endpoint(call.engine.site(), "oauth2/v2.0/token")
                ),
            ));
        }
        check_times(token, now.as_second())?;
        let end = token.expires().unwrap_or_default();
        if end > now.as_second() + LONGEST {
            return Err(Refusal::bad_client(
                700_024,
                "Client assertion is not within its valid time range: it lives for longer than a day.",
            ));
        }
        let rows = [Some(&holder.principal), holder.registration.as_ref()];
        Certificates::of(rows.into_iter().flatten().map(AsRef::as_ref)).verify(token, now)?;
        if self.first_shown.is_here(&holder.client, token, call.request.peer) {
            return Ok(());
        }
        Err(Refusal::bad_client(
            50_013,
            "Assertion failed validation: it was shown from another address before, or its 'jti' belongs to another \
             assertion. Make a new one.",
        ))
    }
}

fn registered(listed: &Value) -> Option<Registered> {
    let text = |name: &str| listed.get(name).and_then(Value::as_str);
    Some(Registered {
        certificate: Certificate::from_base64(text("key")?).ok()?,
        from: text("startDateTime")?.parse().ok()?,
        until: text("endDateTime")?.parse().ok()?,
    })
}

/// By `x5t#S256`, `x5t`, or the thumbprint as `kid`; every one that is there must fit.
fn is_named(certificate: &Certificate, token: &Foreign) -> bool {
    let (sha1, sha256) = (certificate.thumbprint(), certificate.thumbprint_sha256());
    match (token.thumbprint(), token.thumbprint_sha256()) {
        (None, None) => token
            .key_id()
            .is_some_and(|id| id.eq_ignore_ascii_case(&hex(&sha1))),
        (one, other) => one.is_none_or(|one| one == sha1) && other.is_none_or(|other| other == sha256),
    }
}

fn not_registered(why: &str, token: &Foreign) -> Refusal {
    let thumbprint = token.thumbprint().or_else(|| token.thumbprint_sha256());
    let shown = thumbprint.map_or_else(
        || token.key_id().unwrap_or("none").to_owned(),
        |bytes| hex(&bytes),
    );
    Refusal::bad_client(
        700_027,
        format!(
            "{why}. Thumbprint of key used by client: '{shown}'. Add the certificate to the application's keyCredentials."
        ),
    )
}

/// Bytes as Graph writes thumbprints.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
