//! The first page: the name and the password, a device's code where there is a device, and what else a person may sign in
//! with.

use nave_engine::{Reply, route::Call};

use super::{Flow, Goal, Stage, elsewhere, show};
use crate::{
    Inner,
    pages::{self, Choice, Field},
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

/// Shows the first page.
pub(crate) fn page(inner: &Inner, call: &Call, goal: Goal, said: Said<'_>) -> Reply {
    let introduction = introduction(&goal);
    let code = match &goal {
        Goal::Device { user_code } => Some(user_code.clone()),
        Goal::Program(_) => None,
    };
    let fields = fields(code.as_deref(), said.name);
    let offered = elsewhere::offered(&call.engine.snapshot());
    let choices: Vec<Choice<'_>> = offered
        .iter()
        .map(|offered| Choice {
            name: "with",
            value: &offered.id,
            label: &offered.label,
        })
        .collect();
    let flow = Flow {
        goal,
        stage: Stage::First,
    };
    show(inner, call, flow, said.status, |form| {
        let form = pages::Form {
            problem: said.problem,
            fields: &fields,
            choices: &choices,
            button: "Sign in",
            ..form
        };
        format!("{introduction}\n{}", form.html())
    })
}

fn introduction(goal: &Goal) -> String {
    match goal {
        Goal::Program(asked) => format!("<p>to continue to {}</p>", pages::escape(asked.program())),
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
