//! Service principals: applications as the directory's own.

use nave_arm::ArmError;
use nave_engine::{Change, Expect, Guard, Put, Reply, directory::app_claim, principal_claim, route::Call};
use serde_json::{Value, json};

use super::{
    applications, bad_request, body, key_credentials,
    kind::{Kind, of_kind},
    not_found,
    references::OWNERS,
    write::{self, Answer, Planned},
};
use crate::{
    Identity,
    principal::{self, application_claim},
};

/// Makes the service principal of an application: `{"appId"}`.
pub(super) async fn create(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let mut body = body::of(&call)?;
    let app = body::required(&body, "/appId")?.to_owned();
    body["appId"].take();
    let id = call.engine.world().new_id();
    write::commit(&call, |snapshot| {
        let application = snapshot.claimed(&application_claim(&app)).ok_or_else(|| {
            bad_request(format!(
                "The appId '{app}' is of no application of this directory. Create the application first."
            ))
        })?;
        let name = application.text("/displayName").unwrap_or_default();
        let set = json!({
            "id": id, "appId": application.text("/appId"), "displayName": name, "appDisplayName": name,
            "accountEnabled": true, "servicePrincipalType": "Application",
            "appOwnerOrganizationId": call.engine.site().tenant,
            "servicePrincipalNames": applications::names(&application.sent),
        });
        let mut sent = body::created(kind, body.clone(), set)?;
        key_credentials::settle(&mut sent, &Value::Null, || call.engine.world().new_id())?;
        let mut put = Put::new(kind.id(id), sent);
        put.claims = vec![principal_claim(id), app_claim(&app)];
        put.expect = Expect::Absent;
        OWNERS.set(&mut put, &[call.grant.caller().object_id]);
        let guards = vec![Guard::Present {
            key: application.id.key().to_owned(),
        }];
        Ok(Planned {
            change: Change {
                puts: vec![put],
                guards,
                ..Change::default()
            },
            answer: Answer::Created,
        })
    })
    .await
}

/// Changes a service principal. One that is switched off cannot use the tokens it has.
pub(super) async fn update(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let found = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut put = write::again(found);
        put.sent = body::patched(kind, found, body.clone())?;
        key_credentials::settle(&mut put.sent, &found.sent, || call.engine.world().new_id())?;
        if principal::enabled(found) && put.sent["accountEnabled"] == json!(false) {
            put.own["epoch"] = (principal::epoch(found) + 1).into();
        }
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}
