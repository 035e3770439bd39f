//! Workspaces are given identities by who may assign them (features MI-02).

mod common;

use common::*;
use nave_engine::Put;
use serde_json::{Value, json};

#[tokio::test]
async fn a_hub_is_given_an_identity_by_who_may_assign_it_and_says_who_it_is() {
    let nave = Nave::start().await;
    let identity = format!("{OTHER_RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mine");
    let mut row = Put::new(id(&identity), json!({ "location": "eastus" }));
    row.own = json!({ "properties": { "principalId": "p", "clientId": "c" } });
    nave.put(row).await;
    let joe = nave.user_with("joe", CONTRIBUTOR, RG).await;
    let hub = workspace(RG, "hub");
    let with = |identity: &str| {
        let given =
            json!({ "type": "SystemAssigned,UserAssigned", "userAssignedIdentities": { identity: {} } });
        json!({ "location": "eastus", "kind": "Hub", "identity": given })
    };
    let refused = nave.put_as(&joe, &hub, with(&identity)).await;
    assert_eq!((refused.0, code(&refused)), (403, "LinkedAuthorizationFailed"));
    let missing = format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none");
    let refused = nave.put_as(&joe, &hub, with(&missing)).await;
    assert_eq!((refused.0, code(&refused)), (400, "InvalidResourceReference"));

    nave.give(joe.object_id, CONTRIBUTOR, OTHER_RG).await;
    let made = nave.put_as(&joe, &hub, with(&identity)).await;
    let shown =
        |answer: &Answer| -> Value { answer.1["identity"]["userAssignedIdentities"][&identity].clone() };
    assert_eq!(
        (made.0, shown(&made)),
        (200, json!({ "principalId": "p", "clientId": "c" }))
    );
    assert_eq!(shown(&nave.get(&joe, &hub).await)["clientId"], "c");
}
