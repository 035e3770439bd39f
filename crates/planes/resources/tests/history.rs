//! What was: resources and lists as of a revision, and who changed them (beyond 15).

mod common;

use common::*;
use http::Method;
use nave_engine::Caller;
use serde_json::{Value, json};

const THINGS: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces";

fn as_of(path: &str, at: impl std::fmt::Display) -> String {
    let and = if path.contains('?') { '&' } else { '?' };
    format!("{path}{and}asOf={at}")
}

fn revision(nave: &Nave) -> i64 {
    nave.engine.snapshot().revision()
}

#[tokio::test]
async fn a_resource_is_shown_as_it_was_and_not_where_it_was_not() {
    let nave = Nave::start().await;
    let reader = nave.user_with("reader@contoso.com", READER, RG).await;
    let before = revision(&nave);
    nave.make(HUB, json!({ "location": "eastus", "tags": { "a": "1" } }))
        .await;
    let first = (revision(&nave), nave.get(&reader, HUB).await);
    nave.make(HUB, json!({ "location": "eastus", "tags": { "a": "2" } }))
        .await;
    let second = (revision(&nave), nave.get(&reader, HUB).await);
    assert_eq!(nave.delete(&Caller::system(), HUB).await.0, 200);
    assert_eq!(nave.get(&reader, HUB).await.0, 404);
    for (at, answer) in [&first, &second] {
        assert_eq!(nave.get(&reader, &as_of(HUB, at)).await, *answer);
        let listed = nave.get(&reader, &as_of(THINGS, at)).await;
        assert_eq!(listed.1["value"], json!([answer.1]));
    }
    assert_eq!(nave.get(&reader, &as_of(HUB, before)).await.0, 404);
    assert_eq!(
        nave.get(&reader, &as_of(THINGS, before)).await.1["value"],
        json!([])
    );
    assert_eq!(
        nave.get(&reader, &as_of(HUB, 1)).await.0,
        404,
        "its group was not there either"
    );
    let now = nave.get(&reader, &as_of(HUB, "2026-11-24T12:00:00Z")).await;
    assert_eq!(now.0, 404, "time stands still, and by then it was deleted");
}

#[tokio::test]
async fn routes_have_a_past_too() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let assignments = format!(
        "{RG}/{AUTHORIZATION}/roleAssignments?$filter=principalId eq '{}'",
        owner.object_id
    );
    let groups = format!("{S}/resourceGroups");
    let before = revision(&nave);
    nave.give(owner.object_id, READER, RG).await;
    nave.make(
        &format!("{S}/resourceGroups/other"),
        json!({ "location": "eastus" }),
    )
    .await;
    assert_eq!(each(&nave.get(&owner, &assignments).await, "/id").len(), 2);
    assert_eq!(
        each(&nave.get(&owner, &as_of(&assignments, before)).await, "/id").len(),
        1
    );
    assert_eq!(each(&nave.get(&owner, &groups).await, "/name"), ["other", "rg"]);
    assert_eq!(
        each(&nave.get(&owner, &as_of(&groups, before)).await, "/name"),
        ["rg"]
    );
    let reply = nave
        .engine
        .serve(request(&owner, Method::GET, &as_of(&groups, before), ""))
        .await;
    let shown = reply
        .headers
        .get("x-nave-revision")
        .and_then(|shown| shown.to_str().ok());
    assert_eq!(shown, Some(before.to_string().as_str()));
}

#[tokio::test]
async fn the_rights_of_today_count() {
    let nave = Nave::with_hub().await;
    let was = nave.user("was@contoso.com").await;
    let role = nave.give(was.object_id, READER, RG).await;
    let then = revision(&nave);
    assert_eq!(nave.delete(&Caller::system(), &role).await.0, 200);
    let refused = nave.get(&was, &as_of(HUB, then)).await;
    assert_eq!((refused.0, code(&refused)), (403, "AuthorizationFailed"));
    let lists = [
        as_of(&format!("{S}/resourceGroups"), then),
        as_of("/subscriptions", then),
        as_of(THINGS, then),
    ];
    for list in &lists {
        assert_eq!(nave.get(&was, list).await.1["value"], json!([]), "{list}");
    }
    let is = nave.user_with("is@contoso.com", READER, RG).await;
    assert_eq!(
        nave.get(&is, &as_of(HUB, then)).await.0,
        200,
        "who may read it now may read what it was"
    );
}

#[tokio::test]
async fn the_past_is_read_and_nothing_else() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let at = revision(&nave);
    for (method, path) in [
        (Method::PUT, HUB.to_owned()),
        (Method::DELETE, HUB.to_owned()),
        (Method::POST, format!("{HUB}/listKeys")),
    ] {
        let refused = nave
            .send(&owner, method, &as_of(&path, at), json!({ "location": "eastus" }))
            .await;
        assert_eq!(
            (refused.0, code(&refused)),
            (400, "InvalidParameter"),
            "{}",
            refused.1
        );
    }
    for odd in ["yesterday", "-1", "2099-01-01T00:00:00Z", "999999"] {
        let refused = nave.get(&owner, &as_of(HUB, odd)).await;
        assert_eq!((refused.0, code(&refused)), (400, "InvalidParameter"), "{odd}");
    }
    nave.make(
        HUB,
        json!({ "location": "eastus", "properties": { "key": "CANARY" } }),
    )
    .await;
    let shown = nave.get(&owner, &as_of(HUB, revision(&nave))).await;
    assert!(!shown.1.to_string().contains("CANARY"), "{}", shown.1);
}

#[tokio::test]
async fn every_change_of_a_resource_is_told() {
    let nave = Nave::with_hub().await;
    let owner = nave.user_with("owner@contoso.com", OWNER, S).await;
    let history = format!("{HUB}/providers/Nave.Access/history");
    let place = json!({ "location": "eastus" });
    assert_eq!(nave.put_as(&owner, HUB, place.clone()).await.0, 200);
    nave.make(&format!("{THINGS}/other"), place).await;
    assert_eq!(nave.delete(&owner, RG).await.0, 200);
    let (status, told) = nave.get(&owner, &history).await;
    assert_eq!(status, 200, "{told}");
    let entries = told["value"].as_array().expect("entries");
    let of = |at: usize, name: &str| entries[at][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(entries.len(), 3, "{told}");
    assert_eq!(
        (of(0, "change"), of(1, "change"), of(2, "change")),
        ("Deleted".into(), "Written".into(), "Written".into())
    );
    assert_eq!(
        of(0, "operation"),
        "Microsoft.Resources/subscriptions/resourceGroups/delete"
    );
    assert_eq!(
        of(1, "operation"),
        "Microsoft.MachineLearningServices/workspaces/write"
    );
    assert_eq!(
        entries[1]["caller"],
        json!({ "id": owner.object_id, "name": "owner@contoso.com" })
    );
    let first = entries[2]["revision"].as_i64().expect("revision");
    assert_eq!(nave.get(&owner, &as_of(HUB, first)).await.0, 200);
    let (_, page) = nave.get(&owner, &format!("{history}?$top=2")).await;
    assert_eq!(page["value"].as_array().map(Vec::len), Some(2));
    let next = page["nextLink"]
        .as_str()
        .and_then(|next| next.split("skipToken=").nth(1))
        .expect("next");
    let (_, rest) = nave
        .get(&owner, &format!("{history}?$top=2&$skipToken={next}"))
        .await;
    assert_eq!(rest["value"], json!([entries[2]]));
    let stranger = nave.user("stranger@contoso.com").await;
    assert_eq!(nave.get(&stranger, &history).await.0, 403);
    let never = format!("{THINGS}/never/providers/Nave.Access/history");
    assert_eq!(nave.get(&owner, &never).await.0, 404);
}

/// After many changes, every state that was is shown as it was.
#[tokio::test]
async fn the_past_is_what_the_present_was() {
    let nave = Nave::start().await;
    let reader = nave.user_with("reader@contoso.com", READER, S).await;
    let mut chance: u64 = 0x5eed;
    let mut next = |below: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    let mut states: Vec<(i64, Value)> = Vec::new();
    for _ in 0..120 {
        let thing = format!("{THINGS}/thing{}", next(4));
        match next(3) {
            0 => drop(nave.delete(&Caller::system(), &thing).await),
            _ => drop(
                nave.make(
                    &thing,
                    json!({ "location": "eastus", "tags": { "n": next(9).to_string() } }),
                )
                .await,
            ),
        }
        states.push((
            revision(&nave),
            nave.get(&reader, THINGS).await.1["value"].clone(),
        ));
    }
    for _ in 0..25 {
        let (at, shown) = &states[usize::try_from(next(120)).expect("small")];
        assert_eq!(
            nave.get(&reader, &as_of(THINGS, at)).await.1["value"],
            *shown,
            "at {at}"
        );
    }
}
