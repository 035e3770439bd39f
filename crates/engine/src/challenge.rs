//! Challenges: what a client must do to be let in, in a form it understands by itself (client contract 1.6).
//!
//! A claims challenge is a `WWW-Authenticate` whose `claims` tell the client what to ask the token service for. Clients
//! of Azure's libraries ask for it, where a person has to do something they show him how, and then they try again.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use nave_arm::{ArmError, ErrorCode};
use serde_json::{Value, json};

use crate::site::Site;

/// The authentication context that stands for a second factor. Tokens of those who gave one have it in `acrs`.
pub const SECOND_FACTOR: &str = "c1";

/// The refusal of what would be allowed with a second factor.
#[must_use]
pub fn second_factor(site: &Site, refusal: &ArmError) -> ArmError {
    let claims = json!({ "access_token": { "acrs": { "essential": true, "value": SECOND_FACTOR } } });
    let message = format!(
        "A second factor is needed for this, and the sign-in that the access token comes of had none. Sign in again \
         with one. Without it: {}",
        refusal.message
    );
    let error = ArmError {
        additional_info: refusal.additional_info.clone(),
        ..ArmError::new(ErrorCode::InteractionRequired, message)
    };
    error.challenging(insufficient(site, &claims))
}

/// The refusal of a token that was called back, for a client that gets itself a newer one when it is told to.
#[must_use]
pub fn newer_token(site: &Site, now: Timestamp, refusal: ArmError) -> ArmError {
    let not_before = now.as_second().to_string();
    let claims = json!({ "access_token": { "nbf": { "essential": true, "value": not_before } } });
    refusal.challenging(insufficient(site, &claims))
}

fn insufficient(site: &Site, claims: &Value) -> String {
    format!(
        "Bearer authorization_uri=\"{}/{}\", error=\"insufficient_claims\", claims=\"{}\"",
        site.origin,
        site.tenant,
        STANDARD.encode(claims.to_string())
    )
}
