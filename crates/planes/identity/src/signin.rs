//! A person's sign-in, one page after the other: who it is and a first factor, a second factor where one is needed, a new
//! password where one is demanded, and then back to what it was for.
//!
//! [`state`] says what comes next and knows no page. A [`Flow`] is what waits behind an open page: it is handed out with a
//! form and comes back with it, once. What another provider says is a first factor like any other: [`complete`].

mod elsewhere;
mod first;
mod goal;
mod known;
pub(crate) mod state;

use nave_engine::{Reply, Resource, Snapshot, route::Call};

use self::state::{Next, Standing, next};
pub(crate) use self::{
    elsewhere::{Offered, straight},
    first::{Said, page as begin},
    goal::Goal,
    known::Known,
};
use crate::{
    Inner,
    form::Form,
    open_forms,
    pages::{self, Page},
};

/// What waits behind an open page.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// What the sign-in is for.
    pub(crate) goal: Goal,
    /// How far it is.
    stage: Stage,
}

/// How far a sign-in is.
#[derive(Debug, Clone)]
enum Stage {
    /// Nobody has shown anything.
    First,
}

/// Takes in what was entered on a page. `None`: the page is not one of ours, or not of this browser, or was used already.
pub(crate) async fn enter(inner: &Inner, call: &Call) -> Option<Reply> {
    let mut form = Form::of(&call.request);
    let flow = open_forms::close(inner, call, &form)?;
    Some(match flow.stage {
        Stage::First => first_factor(inner, call, flow.goal, &mut form).await,
    })
}

async fn first_factor(inner: &Inner, call: &Call, goal: Goal, form: &mut Form) -> Reply {
    let goal = match goal {
        Goal::Device { .. } => Goal::Device {
            user_code: form.text("user_code").unwrap_or_default().to_owned(),
        },
        goal @ Goal::Program(_) => goal,
    };
    if let Some(with) = form.text("with") {
        let flow = Flow {
            goal,
            stage: Stage::First,
        };
        return elsewhere::leave(inner, call, flow, with).await;
    }
    let password = form
        .take_secret("password")
        .unwrap_or_else(|| String::new().into());
    let name = form.text("username").unwrap_or_default();
    let checked = inner
        .check_password(&call.engine, &call.grant, name, password)
        .await;
    match checked {
        Ok(person) => complete(inner, call, Flow::at_first(goal), &person, &[state::PASSWORD]),
        Err(refusal) => begin(
            inner,
            call,
            goal,
            Said {
                status: refusal.status,
                problem: Some(&refusal.described()),
                name,
            },
        ),
    }
}

/// A person has shown who he is, here or at another provider, by these methods (RFC 8176; another provider's word is `fed`,
/// with `mfa` where it says that it saw two factors). The reply is the next page, or the end.
pub(crate) fn complete(inner: &Inner, call: &Call, flow: Flow, person: &Resource, methods: &[&str]) -> Reply {
    let known = Known::new(person, methods, call.engine.world().now());
    go_on(inner, call, flow.goal, known)
}

/// How a person must sign in, as the directory has it.
pub(crate) fn standing(_: &Snapshot, _: &Resource) -> Standing {
    Standing::default()
}

fn go_on(inner: &Inner, call: &Call, goal: Goal, known: Known) -> Reply {
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return expired();
    };
    let demanded = goal.demands_second_factor(inner, call);
    match next(
        standing(&call.engine.snapshot(), &person),
        demanded,
        &known.methods,
    ) {
        Next::SecondFactor | Next::Enrolment | Next::NewPassword | Next::Finished => {
            goal.finish(inner, call, known, &person)
        }
    }
}

/// Hands out a page with a form for the next stage.
fn show(
    inner: &Inner,
    call: &Call,
    flow: Flow,
    status: u16,
    content: impl FnOnce(pages::Form<'_>) -> String,
) -> Reply {
    let (action, title) = (flow.goal.action(call), flow.goal.title());
    let leads_to = flow.goal.leads_to().map(str::to_owned);
    let opened = open_forms::open(inner, call, flow);
    let content = content(pages::Form {
        action: &action,
        hidden: &[(open_forms::FIELD, &opened.flow)],
        ..pages::Form::default()
    });
    let page = Page {
        status,
        leads_to: leads_to.as_deref(),
        ..Page::new(title, content)
    };
    opened.bind(page.reply())
}

/// The page of a form that cannot be taken any more.
pub(crate) fn expired() -> Reply {
    let why =
        "The page was open for too long, or was opened elsewhere. Go back to your program and start again.";
    pages::stop(400, "This page has expired", why)
}

impl Flow {
    fn at_first(goal: Goal) -> Self {
        Self {
            goal,
            stage: Stage::First,
        }
    }
}
