//! `/devicelogin`: where a person enters the code that a device shows, and signs in.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply, Resource,
    operation::{Access, Surface},
    route::{Call, Route},
};

use crate::{
    Identity, Inner,
    pages::{self, Page},
    principal,
    signin::{self, Goal, Known, Said},
};

/// The page's path.
pub(crate) const PAGE: &str = "/devicelogin";

pub(super) fn routes(identity: &Identity) -> Vec<Route> {
    let (shown, entered) = (identity.clone(), identity.clone());
    vec![
        Route::new(Method::GET, PAGE, Surface::Token, Access::Public, move |call| {
            show(shown.clone(), call)
        }),
        Route::new(Method::POST, PAGE, Surface::Token, Access::Public, move |call| {
            enter(entered.clone(), call)
        }),
    ]
}

async fn show(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let user_code = call.request.query("user_code").unwrap_or_default().to_owned();
    Ok(signin::begin(
        &identity.0,
        &call,
        Goal::Device { user_code },
        Said::NOTHING,
    ))
}

async fn enter(identity: Identity, call: Call) -> Result<Reply, ArmError> {
    let entered = signin::enter(&identity.0, &call).await;
    Ok(entered.unwrap_or_else(|| {
        let said = Said {
            status: 400,
            problem: Some("The page was open for too long. Enter the code again."),
            name: "",
        };
        signin::begin(&identity.0, &call, no_code(), said)
    }))
}

/// Gives a device what the person signed in for. The code is looked at last: whoever guesses codes must be somebody.
pub(crate) fn approve(inner: &Inner, call: &Call, user_code: &str, known: Known, person: &Resource) -> Reply {
    let name = principal::name(person);
    let approved = inner.devices.approve(user_code, known, call.engine.world().now());
    let Some(waiting) = approved else {
        let said = Said {
            status: 400,
            problem: Some("No device waits with this code. Check it and try again."),
            name,
        };
        return signin::begin(inner, call, no_code(), said);
    };
    tracing::info!(user = name, client = waiting.client.id, "a device was signed in");
    let told = format!(
        "<p>You have signed in to {} as {} on the other device. You may close this window.</p>",
        pages::escape(&waiting.client.name),
        pages::escape(name)
    );
    Page::new("Signed in", told).reply()
}

fn no_code() -> Goal {
    Goal::Device {
        user_code: String::new(),
    }
}
