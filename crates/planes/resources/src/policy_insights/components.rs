//! `componentPolicyStates`: what the policies of providers' modes, such as `Microsoft.MachineLearningServices.v2.Data`, say
//! of the parts of a resource.

use http::Method;
use nave_arm::ArmError;
use nave_engine::{
    Reply,
    operation::{Access, Surface},
    route::{Call, Route},
};
use nave_policy::Mode;
use serde_json::{Value, json};

use super::{
    query::{self, Query},
    record::{self, Expand, Records},
    scopes::About,
};

const PATH: &str = "/{scope}/providers/Microsoft.PolicyInsights/componentPolicyStates/{states}/queryResults";

/// The members of a record that those of states do not have.
const MORE: [&str; 3] = ["componentId", "componentType", "componentName"];

pub(super) fn routes() -> Vec<Route> {
    // the provider lists no right of its own for it
    let access = Access::action("Microsoft.PolicyInsights/policyStates/queryResults/action");
    vec![Route::new(Method::POST, PATH, Surface::Arm, access, list).about(About::target)]
}

async fn list(call: Call) -> Result<Reply, ArmError> {
    super::one_of(call.params.get("states"), &["latest"])?;
    let columns: Vec<&str> = record::COLUMNS.iter().copied().chain(MORE).collect();
    let query = Query::of(&call.request, &columns)?;
    let expand = Expand::of(&call.request)?;
    let about = About::of(&call.params)?;
    let snapshot = call.engine.snapshot();
    super::check_place(&snapshot, &about.place)?;
    let states = super::policy_states(&call.engine, about.within(&snapshot)).await?;
    let mut records = Records::new(&snapshot, expand);
    let shown: Vec<Value> = states
        .iter()
        .filter(|state| matches!(state.policy().definition.mode, Mode::Provider(_)))
        .map(|state| {
            let mut record = records.of(state);
            let id = &state.resource.id;
            let part =
                json!({ "componentId": id, "componentType": id.resource_type(), "componentName": id.name() });
            record::merge(&mut record, part);
            record
        })
        .filter(|record| about.takes(record))
        .collect();
    let found = query.run(shown.into_iter());
    let context = format!(
        "{}/{}/providers/Microsoft.PolicyInsights/componentPolicyStates/$metadata#latest",
        call.engine.site().origin,
        call.params.get("scope")
    );
    query::page(&call.engine, &call.request, &context, found).map(Reply::ok)
}
