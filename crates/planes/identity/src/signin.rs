//! A person's sign-in, one page after the other: who it is and a first factor, a second factor where one is needed, a new
//! password where one is demanded, and then back to what it was for.
//!
//! [`state`] says what comes next and knows no page. A [`Flow`] is what waits behind an open page: it is handed out with a
//! form and comes back with it, once. What another provider says is a first factor like any other: [`complete`].

mod account;
mod elsewhere;
mod enrolment;
mod first;
mod goal;
mod known;
mod new_password;
mod passkeys;
mod second;
pub(crate) mod state;

use nave_engine::{Reply, Resource, route::Call};

use self::state::{Next, next};
pub(crate) use self::{
    account::routes,
    elsewhere::{Offered, straight},
    first::{Said, page as begin},
    goal::Goal,
    known::Known,
};
use crate::{
    Inner,
    form::Form,
    methods, open_forms,
    pages::{self, Choice, Page},
};

/// The button that leads back.
const BACK: Choice<'static> = Choice {
    name: "with",
    value: "back",
    label: "Back",
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
    /// A code is asked for.
    Second(Known),
    /// A passkey is asked for, as the only factor or as the second one.
    Passkey { known: Option<Known>, challenge: String },
    /// An authenticator app is being set up.
    Enrolment { known: Known, key: Vec<u8> },
    /// A passkey is being added.
    NewPasskey { known: Known, challenge: String },
    /// A new password is asked for.
    NewPassword(Known),
    /// Something is told that must be read before it goes on.
    Onward(Known),
    /// The person looks after his own account.
    Account(Known),
}

/// Takes in what was entered on a page. `None`: the page is not one of ours, or not of this browser, or was used already.
pub(crate) async fn enter(inner: &Inner, call: &Call) -> Option<Reply> {
    let form = Form::of(&call.request);
    let Flow { goal, stage } = open_forms::close(inner, call, &form)?;
    if let Some(known) = overtaken(call, &stage) {
        return Some(go_on(inner, call, goal, known));
    }
    if form.text(BACK.name) == Some(BACK.value) {
        return Some(back(inner, call, goal, stage));
    }
    Some(match stage {
        Stage::First => first::enter(inner, call, goal, form).await,
        Stage::Second(known) => second::enter(inner, call, goal, known, &form).await,
        Stage::Passkey { known, challenge } => {
            passkeys::enter(inner, call, goal, known, &challenge, &form).await
        }
        Stage::Enrolment { known, key } => enrolment::enter(inner, call, goal, known, key, &form).await,
        Stage::NewPasskey { known, challenge } => {
            passkeys::add(inner, call, goal, known, &challenge, &form).await
        }
        Stage::NewPassword(known) => new_password::enter(inner, call, goal, known, form).await,
        Stage::Onward(known) => go_on(inner, call, goal, known),
        Stage::Account(known) => account::enter(inner, call, known, &form).await,
    })
}

/// Goes back to where the page was chosen.
fn back(inner: &Inner, call: &Call, goal: Goal, stage: Stage) -> Reply {
    match stage.known() {
        Some(known) => go_on(inner, call, goal, known.clone()),
        None => begin(inner, call, goal, Said::NOTHING),
    }
}

/// Whoever is on a page from the time before the account had a second factor, and has not shown it: the page changes
/// nothing any more.
fn overtaken(call: &Call, stage: &Stage) -> Option<Known> {
    let (Stage::Enrolment { known, .. }
    | Stage::NewPasskey { known, .. }
    | Stage::NewPassword(known)
    | Stage::Onward(known)
    | Stage::Account(known)) = stage
    else {
        return None;
    };
    let snapshot = call.engine.snapshot();
    let person = known.person(&snapshot)?;
    let next = next(methods::standing(&snapshot, &person), false, &known.methods);
    (next == Next::SecondFactor).then(|| known.clone())
}

/// A person has shown who he is, here or at another provider, by these methods (RFC 8176; another provider's word is `fed`,
/// with `mfa` where it says that it saw two factors). The reply is the next page, or the end.
pub(crate) fn complete(inner: &Inner, call: &Call, flow: Flow, person: &Resource, methods: &[&str]) -> Reply {
    let known = Known::new(person, methods, call.engine.world().now());
    go_on(inner, call, flow.goal, known)
}

fn go_on(inner: &Inner, call: &Call, goal: Goal, known: Known) -> Reply {
    let snapshot = call.engine.snapshot();
    let Some(person) = known.person(&snapshot) else {
        return expired();
    };
    match upcoming(inner, call, &goal, &known, &person) {
        Next::SecondFactor => second::page(inner, call, goal, known, &person, None),
        Next::Enrolment => enrolment::page(inner, call, goal, known, &person),
        Next::NewPassword => new_password::page(inner, call, goal, known, None),
        Next::Finished => goal.finish(inner, call, known, &person),
    }
}

fn upcoming(inner: &Inner, call: &Call, goal: &Goal, known: &Known, person: &Resource) -> Next {
    let standing = methods::standing(&call.engine.snapshot(), person);
    next(standing, goal.demands_second_factor(inner, call), &known.methods)
}

/// The way back from a page that was chosen; there is none from one that is demanded.
fn way_back(inner: &Inner, call: &Call, flow: &Flow) -> &'static [Choice<'static>] {
    let person = |known: &Known| known.person(&call.engine.snapshot());
    let was_chosen = match &flow.stage {
        Stage::Passkey { known: None, .. } => true,
        Stage::Passkey {
            known: Some(known), ..
        } => person(known).is_some_and(|person| methods::has_authenticator(&person)),
        Stage::Enrolment { known, .. } | Stage::NewPasskey { known, .. } | Stage::NewPassword(known) => {
            person(known)
                .is_some_and(|person| upcoming(inner, call, &flow.goal, known, &person) == Next::Finished)
        }
        Stage::First | Stage::Second(_) | Stage::Onward(_) | Stage::Account(_) => false,
    };
    if was_chosen { &[BACK] } else { &[] }
}

/// Hands out a page with a form for the next stage.
fn show(
    inner: &Inner,
    call: &Call,
    flow: Flow,
    status: u16,
    content: impl FnOnce(pages::Form<'_>) -> String,
) -> Reply {
    show_with(inner, call, flow, status, None, content)
}

/// The same, with a script of ours.
fn show_with(
    inner: &Inner,
    call: &Call,
    flow: Flow,
    status: u16,
    script: Option<&str>,
    content: impl FnOnce(pages::Form<'_>) -> String,
) -> Reply {
    let (action, title) = (flow.goal.action(call), flow.title());
    let leads_to = flow.goal.leads_to().map(str::to_owned);
    let choices = way_back(inner, call, &flow);
    let opened = open_forms::open(inner, call, flow);
    let content = content(pages::Form {
        action: &action,
        hidden: &[(open_forms::FIELD, &opened.flow)],
        choices,
        ..pages::Form::default()
    });
    let page = Page {
        status,
        leads_to: leads_to.as_deref(),
        script,
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

impl Stage {
    /// Who has shown who he is so far.
    fn known(&self) -> Option<&Known> {
        match self {
            Self::First => None,
            Self::Passkey { known, .. } => known.as_ref(),
            Self::Enrolment { known, .. }
            | Self::NewPasskey { known, .. }
            | Self::Second(known)
            | Self::NewPassword(known)
            | Self::Onward(known)
            | Self::Account(known) => Some(known),
        }
    }
}

impl Flow {
    /// The heading of the page.
    fn title(&self) -> &'static str {
        match &self.stage {
            Stage::First | Stage::Second(_) | Stage::Passkey { .. } => self.goal.title(),
            Stage::Enrolment { .. } => "Set up an authenticator app",
            Stage::NewPasskey { .. } => "Add a passkey",
            Stage::NewPassword(_) => "Choose a new password",
            Stage::Onward(_) => "Recovery codes",
            Stage::Account(_) => "Your account",
        }
    }

    fn at_first(goal: Goal) -> Self {
        Self {
            goal,
            stage: Stage::First,
        }
    }
}
