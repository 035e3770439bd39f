//! The page that asks for a new password, where somebody else set the present one, or the person wants another.

use nave_engine::{Reply, route::Call};
use nave_vault::Secret;
use serde_json::json;

use super::{Flow, Goal, Known, Stage, expired, go_on, show};
use crate::{
    Inner,
    form::Form,
    methods::{self, Altered},
    pages::{self, Field},
    passwords::{self, Chooser},
    principal,
    refusal::Refusal,
    sessions,
};

/// Shows the page.
pub(super) fn page(inner: &Inner, call: &Call, goal: Goal, known: Known, problem: Option<&str>) -> Reply {
    let person = known.person(&call.engine.snapshot());
    let whose = person.as_deref().map_or("", principal::name);
    let flow = Flow {
        goal,
        stage: Stage::NewPassword(known),
    };
    show(
        inner,
        call,
        flow,
        if problem.is_some() { 400 } else { 200 },
        |form| {
            let form = pages::Form {
                problem,
                fields: &[Field {
                    name: "new_password",
                    label: "New password",
                    kind: "password",
                    autocomplete: "new-password",
                    value: "",
                }],
                whose,
                button: "Change the password",
                ..form
            };
            format!(
                "<p>A few words that nobody would put together make a good password. Everything that is \
             signed in with the old one ends.</p>\n{}",
                form.html()
            )
        },
    )
}

/// Takes in the new password.
pub(super) async fn enter(inner: &Inner, call: &Call, goal: Goal, known: Known, mut form: Form) -> Reply {
    let snapshot = call.engine.snapshot();
    let Some(person) = known.person(&snapshot) else {
        return expired();
    };
    let password = form
        .take_secret("new_password")
        .unwrap_or_else(|| String::new().into());
    let chooser = Chooser {
        name: principal::name(&person),
        display_name: person.text("/displayName").unwrap_or_default(),
        has_second_factor: methods::standing(&snapshot, &person).always_second_factor(),
    };
    if let Err(error) = passwords::check(&password, chooser, inner.breached.get()) {
        return page(inner, call, goal, known, Some(&error.message));
    }
    match change(inner, call, known.clone(), password).await {
        Ok(known) => go_on(inner, call, goal, known),
        Err(refusal) => page(inner, call, goal, known, Some(&refusal.told())),
    }
}

/// Sets the password and calls back everything issued before; the person as he is known from now on.
async fn change(
    inner: &Inner,
    call: &Call,
    known: Known,
    password: Secret<String>,
) -> Result<Known, Refusal> {
    if is_present(inner, call, &known, &password).await? {
        return Err(Refusal::bad_request(
            50_034,
            "The new password is the present one. Choose another.",
        ));
    }
    let hash = inner
        .hash(passwords::normal(&password))
        .await
        .map_err(|_| Refusal::busy())?;
    let snapshot = call.engine.snapshot();
    let (_, row) = methods::alter(
        call,
        known.object_id,
        "Microsoft.Graph/users/changePassword/action",
        |altered| {
            let Altered {
                person,
                own,
                sealed,
                erases,
            } = altered;
            own["epoch"] = (principal::epoch(person) + 1).into();
            own["mustChangePassword"] = json!(false);
            sealed["password"] = hash.as_str().into();
            erases.extend(sessions::all_end(&snapshot, known.object_id));
            Ok(())
        },
    )
    .await?;
    Ok(Known {
        epoch: principal::epoch(&row),
        ..known
    })
}

/// Whether the new password is the one that must be changed.
async fn is_present(
    inner: &Inner,
    call: &Call,
    known: &Known,
    password: &Secret<String>,
) -> Result<bool, Refusal> {
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return Ok(false);
    };
    inner
        .is_password_of(call, &person, passwords::normal(password))
        .await
}
