//! `triggerEvaluation`: a scan. nave knows the state of everything at any time, so a scan finds nothing new; it works out
//! what nobody has asked about yet, and ends.

use std::time::Duration;

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    long_running::{Style, Told},
    operation::{Access, Surface},
    route::{Call, Route},
};

use super::scopes;

const TOLD: Told = Told {
    namespace: "Microsoft.PolicyInsights",
    by: Style::Location,
    patience: Duration::ZERO,
};

pub(super) fn routes() -> Vec<Route> {
    let paths = [
        "/subscriptions/{subscription}/providers/Microsoft.PolicyInsights/policyStates/latest/triggerEvaluation",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.PolicyInsights/policyStates/latest/triggerEvaluation",
    ];
    let access = || Access::action("Microsoft.PolicyInsights/policyStates/triggerEvaluation/action");
    paths
        .map(|path| Route::new(Method::POST, path, Surface::Arm, access(), trigger))
        .into()
}

async fn trigger(call: Call) -> Result<Reply, ArmError> {
    let snapshot = call.engine.snapshot();
    crate::scope::check(&snapshot, call.grant.id())?;
    let (engine, place) = (call.engine.clone(), call.grant.id().clone());
    let scan = async move {
        let snapshot = engine.snapshot();
        super::policy_states(&engine, scopes::below(&snapshot, &place)).await?;
        Ok(Reply::empty(200))
    };
    call.engine
        .long_running(&call.grant, &call.request, TOLD, scan)
        .await
}
