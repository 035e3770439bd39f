//! `/account`: a person looks after his own account. He has signed in for this page alone, so what he sees he may change:
//! the ways he signs in with, and what is signed in.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};
use serde_json::Value;

use super::{Flow, Goal, Known, Said, Stage, begin, enrolment, expired, new_password, passkeys, show};
use crate::{
    Identity, Inner,
    form::Form,
    methods::{self, passkey},
    pages::{self, Choice},
    principal,
    sessions::{self, Session},
};

/// The page's path.
pub(super) const PAGE: &str = "/account";

/// The routes of the page, and of the script that passkeys need.
pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let (shown, entered) = (identity.clone(), identity.clone());
    vec![
        Route::new(Method::GET, PAGE, Surface::Token, Access::Public, move |call| {
            let shown = shown.clone();
            async move { Ok::<_, ArmError>(begin(&shown.0, &call, Goal::Account, Said::NOTHING)) }
        }),
        Route::new(Method::POST, PAGE, Surface::Token, Access::Public, move |call| {
            let entered = entered.clone();
            async move {
                let reply = super::enter(&entered.0, &call).await;
                Ok::<_, ArmError>(reply.unwrap_or_else(expired))
            }
        }),
        passkeys::route(),
    ]
}

/// One thing that can be done on the page.
struct Offer {
    value: String,
    label: String,
}

/// Shows the page.
pub(super) fn page(
    inner: &Inner,
    call: &Call,
    known: Known,
    person: &Resource,
    problem: Option<&str>,
) -> Reply {
    let offers = offers(call, person);
    let choices: Vec<Choice<'_>> = offers
        .iter()
        .map(|offer| Choice {
            name: "do",
            value: &offer.value,
            label: &offer.label,
        })
        .collect();
    let who = pages::escape(principal::name(person));
    let flow = Flow {
        goal: Goal::Account,
        stage: Stage::Account(known),
    };
    show(
        inner,
        call,
        flow,
        if problem.is_some() { 400 } else { 200 },
        |form| {
            let form = pages::Form {
                problem,
                choices: &choices,
                ..form
            };
            format!("<p>Signed in as {who}.</p>\n{}", form.html())
        },
    )
}

fn offers(call: &Call, person: &Resource) -> Vec<Offer> {
    let offer = |value: String, label: String| Offer { value, label };
    let mut offers = vec![offer(
        String::from("password"),
        String::from("Change the password"),
    )];
    let authenticator = person.own.get("authenticator").filter(|found| found.is_object());
    offers.push(match authenticator {
        Some(app) => removal(app),
        None => offer(
            String::from("authenticator"),
            String::from("Set up an authenticator app"),
        ),
    });
    offers.push(offer(String::from(passkeys::WITH), String::from("Add a passkey")));
    offers.extend(passkey::of(person).map(|(row, _)| removal(row)));
    let signed_in = sessions::of(&call.engine.snapshot(), principal::object_id(person));
    offers.extend(signed_in.iter().map(ending));
    offers
}

fn ending(session: &Session) -> Offer {
    let from = session
        .address()
        .map_or_else(String::new, |address| format!(" from {address}"));
    let used = session.used_at().strftime("%Y-%m-%d %H:%M UTC");
    Offer {
        value: format!("end:{}", session.id),
        label: format!(
            "End the session of {}{from}, last used {used}",
            session.client_name()
        ),
    }
}

fn removal(row: &Value) -> Offer {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let day = text("createdDateTime").get(..10).unwrap_or_default();
    Offer {
        value: format!("remove:{}", text("id")),
        label: format!("Remove: {} of {day}", text("displayName").to_lowercase()),
    }
}

/// Does what was chosen.
pub(super) async fn enter(inner: &Inner, call: &Call, known: Known, form: &Form) -> Reply {
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return expired();
    };
    let chosen = form.text("do").unwrap_or_default();
    match chosen.split_once(':').unwrap_or((chosen, "")) {
        ("password", _) => new_password::page(inner, call, Goal::Account, known, None),
        ("authenticator", _) => enrolment::page(inner, call, Goal::Account, known, &person),
        (passkeys::WITH, _) => passkeys::new_page(inner, call, known, &person, None),
        ("remove", id) => remove(inner, call, known, id).await,
        ("end", session) => end(inner, call, known, &person, session).await,
        _ => page(inner, call, known, &person, None),
    }
}

async fn remove(inner: &Inner, call: &Call, known: Known, id: &str) -> Reply {
    let operation = "Microsoft.Graph/users/authentication/methods/delete";
    let removed = methods::alter(call, known.object_id, operation, |mut altered| {
        Ok(methods::remove(&mut altered, id))
    });
    match removed.await {
        Ok((_, person)) => page(inner, call, known, &person, None),
        Err(_) => expired(),
    }
}

async fn end(inner: &Inner, call: &Call, known: Known, person: &Resource, session: &str) -> Reply {
    let sessions = sessions::of(&call.engine.snapshot(), known.object_id);
    let found = sessions.iter().find(|found| found.id.to_string() == session);
    let ended = match found {
        Some(found) => sessions::end(call, found, "end").await,
        None => Ok(()),
    };
    let problem = ended.err().map(|refusal| refusal.told());
    page(inner, call, known, person, problem.as_deref())
}
