//! The two pages of passkeys: to sign in with one, and to add one. Only these have a script, because only a script can ask
//! a browser for a passkey; it is a module of this server, and the policy of these pages names it alone.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Body, Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Flow, Goal, Known, Stage, complete, expired, go_on, show_with};
use crate::{
    Inner,
    form::Form,
    methods::{
        self, Altered,
        passkey::{self, Ceremony, Passkey},
    },
    open_forms,
    pages::{self, Choice},
    principal,
    refusal::Refusal,
};

/// What the field `with` says for a passkey.
pub(super) const WITH: &str = "passkey";
/// The button that leads here.
pub(super) const CHOICE: Choice<'static> = Choice {
    name: "with",
    value: WITH,
    label: "Use a passkey",
};
/// Where the script is.
const SCRIPT: &str = "/signin/passkey.js";
/// Random bytes of a challenge.
const CHALLENGE: usize = 32;
/// How many passkeys a person may have.
const MOST: usize = 20;

/// The script's route.
pub(super) fn route() -> Route {
    Route::new(Method::GET, SCRIPT, Surface::Token, Access::Public, |_| async {
        Ok::<_, ArmError>(
            Reply {
                body: Body::Bytes(
                    "text/javascript; charset=utf-8",
                    include_str!("passkey.js").as_bytes().into(),
                ),
                ..Reply::empty(200)
            }
            .with(http::header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .with(http::header::CACHE_CONTROL, "no-cache"),
        )
    })
}

/// Asks for a passkey: any of this server, or one of a person who is known by a first factor.
pub(super) fn page(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Option<Known>,
    problem: Option<&str>,
) -> Reply {
    let challenge = inner.random_text(CHALLENGE);
    let person = known
        .as_ref()
        .and_then(|known| known.person(&call.engine.snapshot()));
    let allowed: Vec<Value> = person.iter().flat_map(|person| credentials(person)).collect();
    let options = json!({
        "challenge": challenge, "rpId": passkey::relying_party(call.engine.site()), "allowCredentials": allowed,
        "userVerification": "required", "timeout": 300_000,
    });
    let stage = Stage::Passkey { known, challenge };
    let asked = Asked {
        options: json!({ "get": options }),
        told: "Your device asks for your finger, your face or its PIN, and signs you in.",
        button: "Use a passkey",
    };
    ask(inner, call, Flow { goal, stage }, &asked, problem)
}

/// Asks for a new passkey.
pub(super) fn new_page(
    inner: &Inner,
    call: &Call,
    known: Known,
    person: &Resource,
    problem: Option<&str>,
) -> Reply {
    let challenge = inner.random_text(CHALLENGE);
    let site = call.engine.site();
    let algorithms = passkey::ALGORITHMS.map(|number| json!({ "type": "public-key", "alg": number }));
    let options = json!({
        "challenge": challenge, "rp": { "id": passkey::relying_party(site), "name": site.tenant_name },
        "user": {
            "id": handle(known.object_id), "name": principal::name(person),
            "displayName": person.text("/displayName").unwrap_or_default(),
        },
        "pubKeyCredParams": algorithms, "attestation": "none", "timeout": 300_000,
        "excludeCredentials": credentials(person).collect::<Vec<_>>(),
        "authenticatorSelection": { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
    });
    let flow = Flow {
        goal: Goal::Account,
        stage: Stage::NewPasskey { known, challenge },
    };
    let asked = Asked {
        options: json!({ "create": options }),
        told: "Your device or your password manager keeps a passkey for this server. It signs you in by itself, with your \
               finger, your face or a PIN, and a page that only looks like this one cannot get it.",
        button: "Add a passkey",
    };
    ask(inner, call, flow, &asked, problem)
}

/// What the browser is asked, and what the page says of it.
struct Asked {
    options: Value,
    told: &'static str,
    button: &'static str,
}

fn ask(inner: &Inner, call: &Call, flow: Flow, asked: &Asked, problem: Option<&str>) -> Reply {
    let script = format!("{}{SCRIPT}", call.engine.site().origin);
    let options = asked.options.to_string();
    let status = if problem.is_some() { 401 } else { 200 };
    show_with(inner, call, flow, status, Some(&script), |form| {
        let flow = form.hidden.first().map_or("", |(_, flow)| flow);
        let hidden = [
            (open_forms::FIELD, flow),
            ("options", options.as_str()),
            ("answer", ""),
        ];
        let form = pages::Form {
            problem,
            hidden: &hidden,
            button: asked.button,
            ..form
        };
        format!(
            "<p>{}</p>\n<noscript><p role=\"alert\">Passkeys need a browser with scripts.</p></noscript>\n{}",
            asked.told,
            form.html()
        )
    })
}

/// Takes in the answer of a passkey.
pub(super) async fn enter(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Option<Known>,
    challenge: &str,
    form: &Form,
) -> Reply {
    match used(call, known.as_ref(), challenge, form).await {
        Ok(person) => match known {
            Some(known) => go_on(inner, call, goal, known.and("fido")),
            None => complete(inner, call, Flow::at_first(goal), &person, &["fido", "mfa"]),
        },
        Err(refusal) => page(inner, call, goal, known, Some(&refusal.told())),
    }
}

/// Whose passkey it was.
async fn used(
    call: &Call,
    known: Option<&Known>,
    challenge: &str,
    form: &Form,
) -> Result<Arc<Resource>, Refusal> {
    let answer = answer(form)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let person = match known {
        Some(known) => known.object_id,
        None => person_of(text("userHandle"))
            .ok_or_else(|| Refusal::wrong_passkey("it belongs to nobody here"))?,
    };
    let ceremony = Ceremony {
        site: call.engine.site(),
        challenge,
    };
    let operation = "Microsoft.Graph/users/authentication/use/action";
    let used = methods::alter(call, person, operation, |altered| {
        use_of(altered, text("id"), &ceremony, &answer)
    });
    Ok(used.await?.1)
}

/// Counts a use of the passkey that the answer names, if the answer is good.
fn use_of(altered: Altered<'_>, id: &str, ceremony: &Ceremony<'_>, answer: &Value) -> Result<(), Refusal> {
    if !principal::enabled(altered.person) {
        return Err(Refusal::bad_grant(
            50_057,
            "The user account is disabled or gone.",
        ));
    }
    let (_, passkey) = passkey::of(altered.person)
        .find(|(row, _)| row["credentialId"].as_str() == Some(id))
        .ok_or_else(|| Refusal::wrong_passkey("it is not one of this account; it may have been removed"))?;
    let used = passkey
        .used(ceremony, answer)
        .map_err(|why| Refusal::wrong_passkey(&why))?;
    let rows = altered.own.get_mut("passkeys").and_then(Value::as_array_mut);
    let mut rows = rows.into_iter().flatten();
    if let Some(row) = rows.find(|row| row["credentialId"].as_str() == Some(id)) {
        row["counter"] = used.row()["counter"].clone();
    }
    Ok(())
}

/// Takes in a new passkey.
pub(super) async fn add(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Known,
    challenge: &str,
    form: &Form,
) -> Reply {
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return expired();
    };
    match added(call, known.object_id, challenge, form).await {
        Ok(()) => go_on(inner, call, goal, known.and("fido")),
        Err(refusal) => new_page(inner, call, known, &person, Some(&refusal.told())),
    }
}

async fn added(call: &Call, person: Uuid, challenge: &str, form: &Form) -> Result<(), Refusal> {
    let ceremony = Ceremony {
        site: call.engine.site(),
        challenge,
    };
    let made = Passkey::registered(&ceremony, &answer(form)?).map_err(|why| Refusal::wrong_passkey(&why))?;
    let (id, now) = (call.engine.world().new_id(), call.engine.world().now());
    let mut row = made.row();
    row["id"] = id.to_string().into();
    row["displayName"] = "Passkey".into();
    row["createdDateTime"] = now.to_string().into();
    let operation = "Microsoft.Graph/users/authentication/fido2Methods/write";
    let written = methods::alter(call, person, operation, |altered| keep(altered, &row));
    written.await.map(drop)
}

/// Adds a passkey to those of the person.
fn keep(altered: Altered<'_>, new: &Value) -> Result<(), Refusal> {
    let listed = altered.own.get("passkeys").and_then(Value::as_array);
    let mut rows = listed.cloned().unwrap_or_default();
    if rows.iter().any(|row| row["credentialId"] == new["credentialId"]) {
        return Err(Refusal::wrong_passkey("it was added already"));
    }
    if rows.len() >= MOST {
        return Err(Refusal::wrong_passkey(
            "the account has as many passkeys as one may have",
        ));
    }
    rows.push(new.clone());
    altered.own["passkeys"] = rows.into();
    Ok(())
}

fn answer(form: &Form) -> Result<Value, Refusal> {
    let text = form.text("answer").unwrap_or_default();
    serde_json::from_str(text).map_err(|_| Refusal::wrong_passkey("the browser sent no answer"))
}

fn credentials(person: &Resource) -> impl Iterator<Item = Value> {
    passkey::of(person).map(|(row, _)| json!({ "type": "public-key", "id": row["credentialId"] }))
}

/// A person's id as browsers keep it with a passkey.
fn handle(person: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(person.as_bytes())
}

fn person_of(handle: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(handle).ok()?).ok()
}
