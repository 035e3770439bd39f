//! The page that sets up an authenticator app: the key as a picture and as text, the first code as proof, and then the
//! recovery codes, once.

use nave_engine::{Reply, Resource, route::Call};
use qrcode::{QrCode, render::svg};

use super::{Flow, Goal, Known, Stage, expired, show};
use crate::{
    Inner,
    form::Form,
    methods::{self, totp},
    pages::{self, Field},
    principal,
    refusal::Refusal,
};

/// Shows the page with a new key.
pub(super) fn page(inner: &Inner, call: &Call, goal: Goal, known: Known, person: &Resource) -> Reply {
    let mut key = vec![0; totp::KEY_BYTES];
    inner.random.fill(&mut key);
    ask(inner, call, goal, known, person, key, None)
}

fn ask(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Known,
    person: &Resource,
    key: Vec<u8>,
    problem: Option<&Refusal>,
) -> Reply {
    let text = totp::base32(&key);
    let address = address(&call.engine.site().tenant_name, principal::name(person), &text);
    let flow = Flow {
        goal,
        stage: Stage::Enrolment { known, key },
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
                    label: "The code that the app shows now",
                    kind: "text",
                    autocomplete: "one-time-code",
                    value: "",
                }],
                button: "Set up",
                ..form
            };
            format!(
                "<p>An authenticator app shows a code that you enter with your password from now on. Scan the picture with \
             the app, or type the key.</p>\n{}\n<p>Key: <code>{text}</code></p>\n{}",
                picture(&address),
                form.html()
            )
        },
    )
}

/// Takes in the first code.
pub(super) async fn enter(
    inner: &Inner,
    call: &Call,
    goal: Goal,
    known: Known,
    key: Vec<u8>,
    form: &Form,
) -> Reply {
    let Some(person) = known.person(&call.engine.snapshot()) else {
        return expired();
    };
    let second = call.engine.world().now().as_second();
    let code = form.text("code").unwrap_or_default();
    let Some(step) = totp::right_step(&key, code, second, -1) else {
        let problem = Refusal::wrong_code();
        return ask(inner, call, goal, known, &person, key, Some(&problem));
    };
    match methods::set_up(inner, call, known.object_id, &key, step).await {
        Ok((codes, _)) => recovery(inner, call, goal, known.and("otp"), &codes),
        Err(refusal) => ask(inner, call, goal, known, &person, key, Some(&refusal)),
    }
}

/// Shows the recovery codes.
fn recovery(inner: &Inner, call: &Call, goal: Goal, known: Known, codes: &[String]) -> Reply {
    let list: String = codes
        .iter()
        .map(|code| format!("<li><code>{code}</code></li>\n"))
        .collect();
    let flow = Flow {
        goal,
        stage: Stage::Onward(known),
    };
    show(inner, call, flow, 200, |form| {
        let form = pages::Form {
            button: "I have kept them",
            ..form
        };
        format!(
            "<p>Your authenticator app is set up. Keep these recovery codes where you find them without your device: each \
             signs you in once instead of a code. They are not shown again.</p>\n<ul>\n{list}</ul>\n{}",
            form.html()
        )
    })
}

/// The key as authenticator apps read it.
fn address(tenant: &str, name: &str, key: &str) -> String {
    let encode = |text: &str| {
        form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    format!(
        "otpauth://totp/{0}:{1}?secret={key}&issuer={0}",
        encode(tenant),
        encode(name)
    )
}

fn picture(address: &str) -> String {
    let Ok(code) = QrCode::new(address) else {
        return String::new();
    };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    let from = drawn.find("<svg").unwrap_or_default();
    format!(
        "<div role=\"img\" aria-label=\"The key as a picture for the app\">{}</div>",
        &drawn[from..]
    )
}
