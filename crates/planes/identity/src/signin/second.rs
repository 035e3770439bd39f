//! The page that asks for a second factor: a code of the authenticator app, a recovery code, or a passkey instead.

use nave_engine::{Reply, Resource, route::Call};

use super::{Flow, Goal, Known, Stage, expired, go_on, passkeys, show};
use crate::{
    Inner,
    form::Form,
    methods::{self, passkey},
    pages::{self, Field},
    refusal::Refusal,
};

/// Shows the page; to somebody who has passkeys and no app, the passkey's page.
pub(super) fn page(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Known,
    person: &Resource,
    problem: Option<&Refusal>,
) -> Reply {
    if !methods::has_authenticator(person) {
        return passkeys::page(inner, call, goal, Some(known), None);
    }
    let choices: &[_] = match passkey::of(person).next() {
        Some(_) => &[passkeys::CHOICE],
        None => &[],
    };
    let flow = Flow {
        goal,
        stage: Stage::Second(known),
    };
    let told = problem.map(Refusal::told);
    show(
        inner,
        call,
        flow,
        problem.map_or(200, |problem| problem.status),
        |form| {
            let form = pages::Form {
                problem: told.as_deref(),
                fields: &[Field {
                    name: "code",
                    label: "Code",
                    kind: "text",
                    autocomplete: "one-time-code",
                    value: "",
                }],
                button: "Go on",
                choices,
                ..form
            };
            format!(
                "<p>Enter the code that your authenticator app shows. Without your device, a recovery code will do.</p>\n{}",
                form.html()
            )
        },
    )
}

/// Takes in a code.
pub(super) async fn enter(inner: &Inner, call: &Call, goal: Goal, known: Known, form: &Form) -> Reply {
    if form.text("with") == Some(passkeys::WITH) {
        return passkeys::page(inner, call, goal, Some(known), None);
    }
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return expired();
    };
    let code = form.text("code").unwrap_or_default();
    match methods::check_code(inner, call, &person, code).await {
        Ok(()) => go_on(inner, call, goal, known.and("otp")),
        Err(refusal) => refusal.paced(page(inner, call, goal, known, &person, Some(&refusal))),
    }
}
