//! What a program asks of the sign-in page. Nothing is sent to an address before it is known to be the program's.

use nave_engine::route::Call;

use super::return_to::{Mode, ReturnTo};
use crate::{claims_asked::ClaimsAsked, clients::Client, paths, refusal::Refusal, scope::Scope};

/// The longest query, in bytes: it is kept in memory until somebody has signed in.
const LONGEST: usize = 8192;

/// A request to sign somebody in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The program.
    pub(super) client: Client,
    /// The way back to it.
    pub(super) return_to: ReturnTo,
    /// What for.
    pub(super) scope: String,
    /// The text the program binds the sign-in to.
    pub(super) nonce: Option<String>,
    /// The PKCE challenge.
    pub(super) challenge: Option<String>,
    /// What the access token must say.
    pub(super) claims: ClaimsAsked,
}

impl Asked {
    /// What people call the program.
    pub(crate) fn program(&self) -> &str {
        &self.client.name
    }

    /// The scheme and host that the answer goes to.
    pub(crate) fn leads_to(&self) -> &str {
        self.return_to.origin()
    }

    /// Whether the program needs a token that a second factor stands behind.
    pub(crate) fn demands_second_factor(&self) -> bool {
        self.claims.second_factor
    }
}

/// Why nobody is asked for a password.
pub(super) enum Stop {
    /// The person is told: the program or its address is not known.
    Here(Refusal),
    /// The program is told.
    Back(Box<ReturnTo>, Refusal),
}

impl Asked {
    pub(super) fn read(call: &Call) -> Result<Self, Stop> {
        let (client, return_to) = program(call).map_err(Stop::Here)?;
        match details(call, &client, &return_to) {
            Ok((scope, challenge, claims)) => {
                let nonce = call.request.query("nonce").map(str::to_owned);
                Ok(Self {
                    client,
                    return_to,
                    scope,
                    nonce,
                    challenge,
                    claims,
                })
            }
            Err(refusal) => Err(Stop::Back(Box::new(return_to), refusal)),
        }
    }
}

fn program(call: &Call) -> Result<(Client, ReturnTo), Refusal> {
    let site = call.engine.site();
    paths::check(site, call.params.get("rest"))?;
    check_length(call)?;
    let query = |name| call.request.query(name).filter(|text| !text.is_empty());
    let id = query("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
    let client = Client::find(&call.engine.snapshot(), site, id)?;
    let address = query("redirect_uri").ok_or_else(|| Refusal::missing("redirect_uri"))?;
    if !client.may_redirect_to(address) {
        return Err(Refusal::bad_request(
            50_011,
            format!(
                "The redirect URI '{address}' does not match the redirect URIs configured for the application \
                 '{}'. Register it there, or use http://localhost.",
                client.id
            ),
        ));
    }
    let mode = Mode::read(query("response_mode").unwrap_or("query")).ok_or_else(|| {
        Refusal::bad_request(
            70_007,
            "The response_mode must be 'query', 'fragment' or 'form_post'.",
        )
    })?;
    let return_to = ReturnTo {
        redirect_uri: address.to_owned(),
        mode,
        state: query("state").map(str::to_owned),
    };
    Ok((client, return_to))
}

fn check_length(call: &Call) -> Result<(), Refusal> {
    let parameters = call.request.query.iter();
    let length: usize = parameters.map(|(name, value)| name.len() + value.len()).sum();
    if length <= LONGEST {
        return Ok(());
    }
    Err(Refusal::bad_request(
        90_015,
        format!("The query has {length} bytes; it may have {LONGEST}."),
    ))
}

/// The scope, the challenge and the claims, if the rest of the request is one that can be served.
fn details(
    call: &Call,
    client: &Client,
    return_to: &ReturnTo,
) -> Result<(String, Option<String>, ClaimsAsked), Refusal> {
    let query = |name| call.request.query(name).filter(|text| !text.is_empty());
    if query("response_type") != Some("code") {
        return Err(Refusal::new(
            400,
            "unsupported_response_type",
            700_051,
            "The response_type must be 'code'.",
        ));
    }
    if query("prompt") == Some("none") {
        return Err(Refusal::new(
            400,
            "login_required",
            50_058,
            "A silent sign-in request was sent but no user is signed in: this server keeps no browser session.",
        ));
    }
    let scope = query("scope").ok_or_else(|| Refusal::missing("scope"))?;
    Scope::read(scope, &call.engine.snapshot(), call.engine.site())?;
    let challenge = query("code_challenge").map(str::to_owned);
    match (&challenge, query("code_challenge_method")) {
        (Some(_), Some("S256")) => {}
        (Some(_), _) => {
            return Err(Refusal::bad_request(
                501_491,
                "The code_challenge_method must be 'S256'.",
            ));
        }
        (None, _) if client.is_server_at(&return_to.redirect_uri) => {}
        (None, _) => {
            return Err(Refusal::bad_request(
                9_002_325,
                "Proof Key for Code Exchange is required: send a code_challenge made with S256.",
            ));
        }
    }
    let claims = ClaimsAsked::read(query("claims"))?;
    Ok((scope.to_owned(), challenge, claims))
}
