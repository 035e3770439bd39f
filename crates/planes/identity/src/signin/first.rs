//! The first page: the name and the password, a device's code where there is a device, and what else a person may sign in
//! with.

use nave_engine::{Reply, route::Call};

use super::{Flow, Goal, complete, elsewhere, passkeys, show, state};
use crate::{
    Inner,
    form::Form,
    pages::{self, Choice, Field},
    sso,
};

/// What the page says about what was entered before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What was wrong.
    pub(crate) problem: Option<&'a str>,
    /// The name that is filled in.
    pub(crate) name: &'a str,
}

impl Said<'_> {
    /// Nothing yet.
    pub(crate) const NOTHING: Self = Self {
        status: 200,
        problem: None,
        name: "",
    };
}

/// What stands above name and password where only the accounts for emergencies may use one.
const FOR_EMERGENCIES: &str = "Sign in with a password (accounts for emergencies only)";

/// Shows the first page.
pub(crate) fn page(inner: &Inner, call: &Call, goal: Goal, said: Said<'_>) -> Reply {
    let introduction = introduction(&goal);
    let code = match &goal {
        Goal::Device { user_code } => Some(user_code.clone()),
        Goal::Program(_) | Goal::Account => None,
    };
    let fields = fields(code.as_deref(), said.name);
    let snapshot = call.engine.snapshot();
    let folded = if sso::passwords_are_for_emergencies(&snapshot) {
        FOR_EMERGENCIES
    } else {
        ""
    };
    let offered = elsewhere::offered(&snapshot);
    let others = offered.iter().map(|offered| Choice {
        name: "with",
        value: &offered.id,
        label: &offered.label,
    });
    let choices: Vec<Choice<'_>> = others.chain([passkeys::CHOICE]).collect();
    show(inner, call, Flow::at_first(goal), said.status, |form| {
        let form = pages::Form {
            problem: said.problem,
            fields: &fields,
            choices: &choices,
            folded,
            button: "Sign in",
            ..form
        };
        format!("{introduction}\n{}", form.html())
    })
}

/// Takes in what was entered.
pub(super) async fn enter(inner: &Inner, call: &Call, goal: Goal, mut form: Form) -> Reply {
    let goal = match goal {
        Goal::Device { .. } => Goal::Device {
            user_code: form.text("user_code").unwrap_or_default().to_owned(),
        },
        goal => goal,
    };
    match form.text("with") {
        Some(passkeys::WITH) => return passkeys::page(inner, call, goal, None, None),
        Some(with) => return elsewhere::leave(inner, call, Flow::at_first(goal), with).await,
        None => {}
    }
    let password = form
        .take_secret("password")
        .unwrap_or_else(|| String::new().into());
    let name = form.text("username").unwrap_or_default();
    let checked = inner.check_password(call, name, password).await;
    match checked {
        Ok(person) => complete(inner, call, Flow::at_first(goal), &person, &[state::PASSWORD]),
        Err(refusal) => {
            let said = Said {
                status: refusal.status,
                problem: Some(&refusal.told()),
                name,
            };
            refusal.paced(page(inner, call, goal, said))
        }
    }
}

fn introduction(goal: &Goal) -> String {
    match goal {
        Goal::Program(asked) => format!("<p>to continue to {}</p>", pages::escape(asked.program())),
        Goal::Account => String::from("<p>to look after your account</p>"),
        Goal::Device { .. } => String::from(
            "<p>Enter the code that your device or program shows. Do not enter a code that somebody else sent you: it \
             would sign that person in as you.</p>",
        ),
    }
}

fn fields<'a>(code: Option<&'a str>, name: &'a str) -> Vec<Field<'a>> {
    let code = code.map(|value| Field {
        name: "user_code",
        label: "Code",
        kind: "text",
        autocomplete: "off",
        value,
    });
    let who = [
        Field {
            name: "username",
            label: "User name",
            kind: "text",
            autocomplete: "username",
            value: name,
        },
        Field {
            name: "password",
            label: "Password",
            kind: "password",
            autocomplete: "current-password",
            value: "",
        },
    ];
    code.into_iter().chain(who).collect()
}
