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
    pages, principal,
    signin::{self, Goal, Known, Said},
    tokens::Lifetime,
};

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
        Ok(asked) => {
            let goal = Goal::Program(Box::new(asked));
            if let Some(onward) = signin::straight(&identity.0, &call, &goal).await {
                return Ok(onward);
            }
            let said = Said {
                name: &name,
                ..Said::NOTHING
            };
            signin::begin(&identity.0, &call, goal, said)
        }
        Err(Stop::Here(refusal)) => pages::stop(400, "You cannot sign in here", &refusal.told()),
        Err(Stop::Back(return_to, refusal)) => return_to.refused(&refusal),
    })
}

async fn enter(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let entered = signin::enter(&identity.0, &call).await;
    Ok(entered.unwrap_or_else(signin::expired))
}

/// Sends a person who signed in back to the program, with a code.
pub(crate) fn send_back(inner: &Inner, call: &Call, asked: &Asked, known: Known, person: &Resource) -> Reply {
    let text = inner.random_text(CODE_BYTES);
    let code = Code {
        known,
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
        user = principal::name(person),
        client = asked.client.id,
        "somebody signed in"
    );
    asked.return_to.with_code(&text)
}
