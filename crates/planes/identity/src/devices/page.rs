//! `/devicelogin`: where a person enters the code that a device shows, and signs in.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};

use crate::{
    Identity, Inner,
    form::Form,
    open_forms::{self, Purpose},
    pages::{self, Field, Page},
    principal,
};

const PATH: &str = "/devicelogin";
const TITLE: &str = "Sign in on another device";

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let (shown, entered) = (identity.clone(), identity.clone());
    vec![
        Route::new(Method::GET, PATH, Surface::Token, Access::Public, move |call| {
            show(shown.clone(), call)
        }),
        Route::new(Method::POST, PATH, Surface::Token, Access::Public, move |call| {
            enter(entered.clone(), call)
        }),
    ]
}

async fn show(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let code = call.request.query("user_code").unwrap_or_default().to_owned();
    Ok(ask(&identity.0, &call, 200, None, &code, ""))
}

async fn enter(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let inner = &identity.0;
    let mut form = Form::of(&call.request);
    let Some(Purpose::Device) = open_forms::close(inner, &call, &form) else {
        return Ok(ask(
            inner,
            &call,
            400,
            Some("The page was open for too long. Enter the code again."),
            "",
            "",
        ));
    };
    let password = form
        .take_secret("password")
        .unwrap_or_else(|| String::new().into());
    let (code, name) = (
        form.text("user_code").unwrap_or_default(),
        form.text("username").unwrap_or_default(),
    );
    // The password first: whoever guesses codes must be somebody.
    let user = match inner
        .check_password(&call.engine, &call.grant, name, password)
        .await
    {
        Ok(user) => user,
        Err(refusal) => return Ok(ask(inner, &call, 401, Some(&refusal.described()), code, name)),
    };
    let approved = inner.devices.approve(code, &user, call.engine.world().now());
    let Some(waiting) = approved else {
        return Ok(ask(
            inner,
            &call,
            400,
            Some("No device waits with this code. Check it and try again."),
            "",
            name,
        ));
    };
    tracing::info!(
        user = principal::name(&user),
        client = waiting.client.id,
        "a device was signed in"
    );
    let told = format!(
        "<p>You have signed in to {} as {} on the other device. You may close this window.</p>",
        pages::escape(&waiting.client.name),
        pages::escape(principal::name(&user))
    );
    Ok(Page::new("Signed in", told).reply())
}

fn ask(inner: &Inner, call: &Call, status: u16, problem: Option<&str>, code: &str, name: &str) -> Reply {
    let opened = open_forms::open(inner, call, Purpose::Device);
    let fields = [
        Field {
            name: "user_code",
            label: "Code",
            kind: "text",
            autocomplete: "off",
            value: code,
        },
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
    let form = pages::form(
        PATH,
        problem,
        &[(open_forms::FIELD, &opened.flow)],
        &fields,
        "Sign in",
    );
    let advice = "<p>Enter the code that your device or program shows. Do not enter a code that somebody else sent \
                  you: it would sign that person in as you.</p>";
    opened.bind(
        Page {
            status,
            ..Page::new(TITLE, format!("{advice}\n{form}"))
        }
        .reply(),
    )
}
