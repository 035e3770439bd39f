//! `…/oauth2/v2.0/authorize`: the sign-in page that a program opens in the browser, and the way back to the program
//! with a code.

mod asked;
mod return_to;

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};

pub(crate) use asked::Asked;

use self::asked::Stop;
use crate::{
    Identity, Inner,
    codes::Code,
    form::Form,
    open_forms::{self, Purpose},
    pages::{self, Field, Page},
    paths, principal,
    tokens::Lifetime,
};

const TITLE: &str = "Sign in";
const CODE_BYTES: usize = 32;

pub(crate) fn routes(identity: &Identity) -> Vec<Route> {
    let mut routes = Vec::new();
    for path in ["/{rest}/oauth2/v2.0/authorize", "/{rest}/oauth2/authorize"] {
        let (shown, entered) = (identity.clone(), identity.clone());
        let show = move |call| show(shown.clone(), call);
        let enter = move |call| enter(entered.clone(), call);
        routes.push(Route::new(
            Method::GET,
            path,
            Surface::Token,
            Access::Public,
            show,
        ));
        routes.push(Route::new(
            Method::POST,
            path,
            Surface::Token,
            Access::Public,
            enter,
        ));
    }
    routes
}

async fn show(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let name = call.request.query("login_hint").unwrap_or_default().to_owned();
    Ok(match Asked::read(&call) {
        Ok(asked) => page(&identity.0, &call, asked, 200, None, &name),
        Err(Stop::Here(refusal)) => pages::stop(400, "You cannot sign in here", &refusal.described()),
        Err(Stop::Back(return_to, refusal)) => return_to.refused(&refusal),
    })
}

async fn enter(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let inner = &identity.0;
    let mut form = Form::of(&call.request);
    let Some(Purpose::SignIn(asked)) = open_forms::close(inner, &call, &form) else {
        let why = "The page was open for too long, or was opened elsewhere. Go back to your program and start again.";
        return Ok(pages::stop(400, "This page has expired", why));
    };
    let password = form
        .take_secret("password")
        .unwrap_or_else(|| String::new().into());
    let name = form.text("username").unwrap_or_default();
    match inner
        .check_password(&call.engine, &call.grant, name, password)
        .await
    {
        Ok(user) => Ok(send_back(inner, &call, &asked, &user)),
        Err(refusal) => Ok(page(inner, &call, *asked, 401, Some(&refusal.described()), name)),
    }
}

fn send_back(inner: &Inner, call: &Call, asked: &Asked, user: &Resource) -> Reply {
    let text = inner.random_text(CODE_BYTES);
    let code = Code {
        object_id: principal::object_id(user),
        epoch: principal::epoch(user),
        client: asked.client.id.clone(),
        redirect_uri: asked.return_to.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
        scope: asked.scope.clone(),
        nonce: asked.nonce.clone(),
    };
    inner
        .codes
        .put(&text, code, Lifetime::CODE.from(call.engine.world().now()));
    tracing::info!(
        user = principal::name(user),
        client = asked.client.id,
        "somebody signed in"
    );
    asked.return_to.with_code(&text)
}

fn page(inner: &Inner, call: &Call, asked: Asked, status: u16, problem: Option<&str>, name: &str) -> Reply {
    let to = format!("<p>to continue to {}</p>", pages::escape(&asked.client.name));
    let leads_to = asked.return_to.origin().to_owned();
    let opened = open_forms::open(inner, call, Purpose::SignIn(Box::new(asked)));
    let fields = [
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
    let action = paths::endpoint_path(call.engine.site(), "oauth2/v2.0/authorize");
    let form = pages::form(
        &action,
        problem,
        &[(open_forms::FIELD, &opened.flow)],
        &fields,
        "Sign in",
    );
    let content = format!("{to}\n{form}");
    opened.bind(
        Page {
            status,
            leads_to: Some(&leads_to),
            ..Page::new(TITLE, content)
        }
        .reply(),
    )
}
