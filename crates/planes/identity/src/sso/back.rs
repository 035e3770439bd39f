//! The way back from a provider: whether the answer is to our question, the code for the tokens, and what they say.

use nave_arm::{ArmError, ErrorCode};
use nave_engine::{Act, Reply, route::Call};
use nave_outbound::read_json;
use nave_vault::{Foreign, Purpose, Secret};
use serde_json::Value;
use uuid::Uuid;

use super::{
    away::Away,
    failed,
    idtoken::{self, Expected},
    people,
    provider::{Provider, redirect_uri},
};
use crate::{Identity, Inner, graph::attempt_with, issuers::Issuer, pages, signin};

/// The event under which accounts and memberships follow what a provider says.
const OPERATION: &str = "Nave.Identity/identityProviders/signIn/action";

/// What came back, or why nobody is signed in: told in words, after the provider's name.
type Outcome<T> = Result<T, String>;

pub(super) async fn callback(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let inner = &identity.0;
    let state = call.request.query("state").unwrap_or_default();
    let away = inner.away.take(state, call.engine.world().now());
    let Some(away) = away.filter(|away| away.provider == call.params.get("provider") && away.is_of(&call))
    else {
        return Ok(signin::expired());
    };
    let snapshot = call.engine.snapshot();
    let Some(provider) = Provider::find(&snapshot, &away.provider) else {
        let why = "The provider you signed in with was removed. Go back to your program and start again.";
        return Ok(pages::stop(400, "You are not signed in", why));
    };
    let name = provider.text("displayName");
    Ok(match signed_in(inner, &call, &away, &provider).await {
        Ok((person, methods)) => {
            let Some(person) = call.engine.snapshot().principal(person).cloned() else {
                return Ok(signin::expired());
            };
            tracing::info!(
                provider = provider.id(),
                user = crate::principal::name(&person),
                "somebody came back from a provider"
            );
            signin::complete(inner, &call, away.flow, &person, &methods)
        }
        Err(why) => {
            tracing::warn!(
                provider = provider.id(),
                why,
                "somebody came back from a provider and was not signed in"
            );
            failed(403, &name, &why)
        }
    })
}

async fn signed_in(
    inner: &Inner,
    call: &Call,
    away: &Away,
    provider: &Provider,
) -> Outcome<(Uuid, Vec<&'static str>)> {
    let now = call.engine.world().now();
    let issuer = inner
        .issuers
        .get(&away.issuer, now)
        .await
        .map_err(|error| error.to_string())?;
    let code = answer(call, away, &issuer)?;
    let tokens = exchange(inner, call, away, provider, &issuer, code).await?;
    let access = tokens["access_token"].as_str();
    let token = tokens["id_token"].as_str().ok_or("it gave no id token")?;
    let token = Foreign::read(Secret::new(token.to_owned()))
        .map_err(|error| format!("its token cannot be read: {error}"))?;
    let key = inner
        .issuers
        .key(&away.issuer, &token, now)
        .await
        .map_err(|error| error.to_string())?;
    let key = key.ok_or("its token is signed with a key that it does not have")?;
    token
        .verify(&key)
        .map_err(|error| format!("its token does not hold: {error}"))?;
    let expected = Expected {
        issuer: &away.issuer,
        client: &provider.text("clientId"),
        nonce: &away.nonce,
        access_token: access,
        now: now.as_second(),
    };
    idtoken::check(&token, &expected)?;
    let claims = complete(inner, provider, &issuer, token.claims(), access).await?;
    let person = settle(call, provider, &away.issuer, token.text("sub"), &claims).await?;
    Ok((person, methods(provider, token.claims())))
}

/// The code in an answer that is from whom we asked (RFC 9207), or what the provider says instead.
fn answer<'a>(call: &'a Call, away: &Away, issuer: &Issuer) -> Outcome<&'a str> {
    let query = |name: &str| call.request.query(name).filter(|text| !text.is_empty());
    let promised = issuer.document["authorization_response_iss_parameter_supported"] == true;
    match query("iss") {
        Some(from) if from != away.issuer => {
            return Err(format!("the answer is from '{from}', who was not asked"));
        }
        None if promised => return Err(String::from("the answer does not say whom it is from")),
        _ => {}
    }
    if let Some(error) = query("error") {
        let words = query("error_description").unwrap_or_default();
        return Err(format!("it says: {error} {words}")
            .trim_end()
            .chars()
            .take(500)
            .collect());
    }
    query("code").ok_or_else(|| String::from("it gave no code"))
}

async fn exchange(
    inner: &Inner,
    call: &Call,
    away: &Away,
    provider: &Provider,
    issuer: &Issuer,
    code: &str,
) -> Outcome<Value> {
    let url = issuer.address("token_endpoint").unwrap_or_default();
    let (client, address) = inner
        .issuers
        .outbound
        .client(url)
        .map_err(|error| error.to_string())?;
    let (id, redirect) = (
        provider.text("clientId"),
        redirect_uri(call.engine.site(), provider.id()),
    );
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &redirect),
        ("code_verifier", &away.verifier),
    ];
    let grant = call.engine.on_own_account::<Act>(OPERATION, &provider.0.id);
    let sealed = call.engine.open_secrets(&grant, &provider.0);
    let secret = sealed
        .as_ref()
        .and_then(|sealed| sealed.expose(&Purpose::OutboundCall)["clientSecret"].as_str());
    let mut request = client.post(address).header("accept", "application/json");
    match secret {
        Some(secret) if takes_basic(issuer) => {
            let plain = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(plain(&id), Some(plain(secret)));
        }
        Some(secret) => form.extend([("client_id", id.as_str()), ("client_secret", secret)]),
        None => form.push(("client_id", &id)),
    }
    let response = request
        .form(&form)
        .send()
        .await
        .map_err(|_| String::from("it cannot be reached"))?;
    let status = response.status().as_u16();
    let body = read_json(url, response)
        .await
        .map_err(|error| error.to_string())?;
    if status == 200 {
        return Ok(body);
    }
    let said = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Err(format!(
        "it did not take the code: {status} {} {}",
        said("error"),
        said("error_description")
    )
    .trim_end()
    .chars()
    .take(500)
    .collect())
}

/// Basic authentication is what a provider takes that does not say (OpenID Connect Discovery 3).
fn takes_basic(issuer: &Issuer) -> bool {
    let methods = issuer.document["token_endpoint_auth_methods_supported"].as_array();
    methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
}

/// The claims of the id token, with those that only the userinfo endpoint tells. It must speak of the same person, and
/// does not say that the address of another document is verified.
async fn complete(
    inner: &Inner,
    provider: &Provider,
    issuer: &Issuer,
    claims: &Value,
    access: Option<&str>,
) -> Outcome<Value> {
    let wanted = ["email", "displayName"];
    let groups = provider.maps_groups().then_some("groups");
    let lacks = wanted
        .into_iter()
        .chain(groups)
        .any(|what| provider.claim(claims, what).is_none());
    let endpoint = issuer.address("userinfo_endpoint");
    let (Some(endpoint), Some(access), true) = (endpoint, access, lacks) else {
        return Ok(claims.clone());
    };
    let (client, address) = inner
        .issuers
        .outbound
        .client(endpoint)
        .map_err(|error| error.to_string())?;
    let sent = client
        .get(address)
        .bearer_auth(access)
        .header("accept", "application/json")
        .send()
        .await;
    let response = sent.map_err(|_| String::from("it cannot be reached"))?;
    if response.status().as_u16() != 200 {
        return Err(format!(
            "it did not say who you are: {}",
            response.status().as_u16()
        ));
    }
    let info = read_json(endpoint, response)
        .await
        .map_err(|error| error.to_string())?;
    if info["sub"] != claims["sub"] {
        return Err(String::from("it speaks of two people"));
    }
    let mut all = info;
    let has_address = provider.claim(claims, "email").is_some();
    if let (Some(all), Some(claims)) = (all.as_object_mut(), claims.as_object()) {
        all.retain(|name, _| name != "email_verified" || !has_address);
        all.extend(claims.clone());
    }
    Ok(all)
}

/// Lets the directory follow what was said; the person.
async fn settle(
    call: &Call,
    provider: &Provider,
    issuer: &str,
    subject: &str,
    claims: &Value,
) -> Outcome<Uuid> {
    let engine = &call.engine;
    let grant = engine.on_own_account::<Act>(OPERATION, &provider.0.id);
    let new = engine.world().new_id();
    let said = people::Said {
        provider,
        issuer,
        subject,
        claims,
        new,
    };
    // Most sign-ins change nothing.
    let planned = people::settle(&engine.snapshot(), engine.site(), &said)?;
    if planned.change.puts.is_empty() {
        return Ok(planned.person);
    }
    let settled = attempt_with(engine, &grant, call.request.correlation_id, |snapshot| {
        people::settle(snapshot, engine.site(), &said)
            .map(|settled| (settled.change, settled.person))
            .map_err(|why| ArmError::new(ErrorCode::Request_BadRequest, why))
    })
    .await;
    settled
        .map(|(_, person)| person)
        .map_err(|error| ArmError::from(error).message)
}

/// How the person proved who he is: by another's word, who may have seen two factors. Only what it signed counts.
fn methods(provider: &Provider, claims: &Value) -> Vec<&'static str> {
    let shown = claims["amr"].as_array().into_iter().flatten();
    let two = provider.flag("acceptsMultiFactor") && shown.into_iter().any(|method| method == "mfa");
    if two { vec!["fed", "mfa"] } else { vec!["fed"] }
}
