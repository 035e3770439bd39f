//! Groups.

use nave_arm::ArmError;
use nave_engine::{Change, Expect, Guard, Put, Reply, Snapshot, principal_claim, route::Call};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    body,
    kind::{Kind, of_kind},
    not_found,
    references::{self, List, MEMBERS, OWNERS},
    write::{self, Answer, Planned},
};
use crate::Identity;

/// Creates a group, with the members and owners that the body binds to it.
pub(super) async fn create(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let (members, owners) = (
        bound(&body, "members@odata.bind")?,
        bound(&body, "owners@odata.bind")?,
    );
    let id = call.engine.world().new_id();
    let sent = body::created(kind, body, json!({ "id": id, "securityEnabled": true }))?;
    write::commit(&call, |snapshot| {
        let mut put = Put::new(kind.id(id), sent.clone());
        put.claims = vec![principal_claim(id)];
        put.expect = Expect::Absent;
        let mut guards = bind(snapshot, &mut put, &MEMBERS, &members)?;
        guards.extend(bind(snapshot, &mut put, &OWNERS, &owners)?);
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

pub(super) async fn update(_: Identity, kind: &'static Kind, call: Call) -> Result<Reply, ArmError> {
    let body = body::of(&call)?;
    let key = call.params.get("id");
    write::commit(&call, |snapshot| {
        let group = of_kind(snapshot, kind, key).ok_or_else(|| not_found(key))?;
        let mut put = write::again(group);
        put.sent = body::patched(kind, group, body.clone())?;
        Ok(Planned::put(put, Answer::Nothing))
    })
    .await
}

fn bound(body: &Value, name: &str) -> Result<Vec<Uuid>, ArmError> {
    let addresses = body.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut ids: Vec<Uuid> = addresses
        .map(|address| references::referred(address.as_str().unwrap_or_default()))
        .collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Sets a new group's list. Who is in it must be there when the group is.
fn bind(snapshot: &Snapshot, put: &mut Put, list: &List, ids: &[Uuid]) -> Result<Vec<Guard>, ArmError> {
    let present = |id: &Uuid| {
        let found = snapshot
            .principal(*id)
            .ok_or_else(|| not_found(&id.to_string()))?;
        Ok(Guard::Present {
            key: found.id.key().to_owned(),
        })
    };
    let guards = ids.iter().map(present).collect::<Result<_, ArmError>>()?;
    list.set(put, ids);
    Ok(guards)
}
