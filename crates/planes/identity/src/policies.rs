//! What the tenant demands of everybody: Graph's `identitySecurityDefaultsEnforcementPolicy`, of which nave keeps what it
//! means here: whether everybody needs a second factor.

use nave_arm::ResourceId;
use nave_engine::{Put, Snapshot};
use serde_json::{Value, json};

const ROW: &str = "Nave.Identity/policies";
const NAME: &str = "identitySecurityDefaultsEnforcementPolicy";
const CLAIM: &str = "policy:securityDefaults";

/// The policy's row.
pub(crate) fn id() -> ResourceId {
    ResourceId::tenant().extension(ROW, NAME)
}

/// Whether everybody needs a second factor.
pub(crate) fn demand_second_factors(snapshot: &Snapshot) -> bool {
    let policy = snapshot.claimed(CLAIM);
    policy.is_some_and(|policy| policy.value("/isEnabled") == Some(&Value::Bool(true)))
}

/// The policy, set.
pub(crate) fn put(enabled: bool) -> Put {
    let mut put = Put::new(id(), json!({ "isEnabled": enabled }));
    put.claims = vec![CLAIM.to_owned()];
    put
}

/// The policy as Graph shows it.
pub(crate) fn view(snapshot: &Snapshot) -> Value {
    json!({
        "id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
        "description": "Everybody signs in with a second factor, and sets one up who has none.",
        "isEnabled": demand_second_factors(snapshot),
    })
}
