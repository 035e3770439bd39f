//! One commit.

use nave_store::{Expect, PutRow, StoreError, Write};
use serde_json::{Value, json};

use super::*;

pub(crate) async fn revisions_have_no_gap(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.head().await.expect("head"), 0);
    assert_eq!(commit(&store, vec![put("/a", "1")]).await, 1);
    refused(&store, change(vec![put_if("/a", "2", Expect::Absent)])).await;
    assert_eq!(
        store
            .commit(event("test/read", "/a"))
            .await
            .expect("commit")
            .revision,
        2
    );
    refused(&store, change(vec![delete_if("/b", tag("1"))])).await;
    assert_eq!(commit(&store, vec![delete("/a")]).await, 3);
    assert_eq!(store.head().await.expect("head"), 3);
}

pub(crate) async fn a_row_comes_back_as_it_was_written(place: &Place) {
    let store = place.open().await;
    let text = r#"{"z":1,"a":{"y":0.1,"x":1e23,"b":1.0},"n":null,"t":"ü \u0000 \" 💡","big":18446744073709551615,"f":5e-324}"#;
    let written = PutRow {
        body: serde_json::from_str(text).expect("json"),
        sealed: Some(vec![0, 255, 1, 0]),
        claims: vec![String::from("upn:ä"), String::from("b")],
        ..row("/Subscriptions/S/providers/X.Y/zs/Ä", "\"e\"")
    };
    let done = store
        .commit(change(vec![Write::Put(written.clone())]))
        .await
        .expect("commit");
    let read = store.get(&written.key).await.expect("get").expect("the row");
    assert_eq!(done.rows, vec![read.clone()]);
    assert_eq!(
        read.body.to_string(),
        written.body.to_string(),
        "members keep their order, numbers their value"
    );
    let at = "2026-11-24T12:00:00.123456Z".parse().expect("instant");
    let expected = nave_store::Row {
        key: written.key,
        type_key: written.type_key,
        id: written.id,
        body: written.body,
        sealed: written.sealed,
        etag: written.etag,
        claims: written.claims,
        created_at: at,
        created_by: String::from("ann"),
        updated_at: at,
        updated_by: String::from("ann"),
        valid_from: 1,
        valid_to: None,
    };
    assert_eq!(read, expected);
}

pub(crate) async fn a_replaced_row_keeps_its_birth(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put("/a", "1")]).await;
    let mut again = change(vec![Write::Put(PutRow {
        by: String::from("bob"),
        ..row("/a", "2")
    })]);
    again.at = "2026-11-25T00:00:00Z".parse().expect("instant");
    store.commit(again.clone()).await.expect("commit");
    let row = store.get("/a").await.expect("get").expect("the row");
    assert_eq!((row.created_by.as_str(), row.updated_by.as_str()), ("ann", "bob"));
    assert_eq!(
        (row.created_at < row.updated_at, row.updated_at),
        (true, again.at)
    );
    commit(&store, vec![delete("/a")]).await;
    assert_eq!(store.get("/a").await.expect("get"), None);
    let mut born_again = change(vec![put("/a", "3")]);
    born_again.at = "2026-11-26T00:00:00Z".parse().expect("instant");
    store.commit(born_again.clone()).await.expect("commit");
    let row = store.get("/a").await.expect("get").expect("the row");
    assert_eq!(row.created_at, born_again.at);
}

pub(crate) async fn a_write_says_what_it_expects(place: &Place) {
    let store = place.open().await;
    let shown = |error: StoreError| error.to_string();
    commit(&store, vec![put_if("/a", "1", Expect::Absent)]).await;
    for (write, error) in [
        (put_if("/a", "2", Expect::Absent), "`/a` exists"),
        (put_if("/a", "2", tag("0")), "`/a` has another etag"),
        (put_if("/b", "2", tag("1")), "`/b` does not exist"),
        (delete_if("/a", tag("0")), "`/a` has another etag"),
        (delete_if("/b", tag("1")), "`/b` does not exist"),
    ] {
        assert_eq!(shown(refused(&store, change(vec![write])).await), error);
    }
    commit(&store, vec![put_if("/a", "2", tag("1"))]).await;
    commit(&store, vec![put("/a", "3"), put("/b", "1")]).await;
    let done = store
        .commit(change(vec![delete_if("/a", tag("3")), delete("/c")]))
        .await
        .expect("commit");
    let deleted: Vec<&str> = done.deleted.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(
        (deleted, done.deleted[0].valid_to),
        (vec!["/a"], Some(done.revision))
    );
    assert_eq!(
        (body(&store, "/a").await, body(&store, "/b").await),
        (None, Some(json!({ "etag": "1" })))
    );
}

pub(crate) async fn all_of_a_change_or_nothing(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put_claiming("/a", "1", &["n"])]).await;
    let writes = vec![
        put_claiming("/b", "1", &["m"]),
        delete("/a"),
        delete_if("/c", tag("1")),
    ];
    assert!(matches!(refused(&store, change(writes)).await, StoreError::Missing { key } if key == "/c"));
    assert_eq!(body(&store, "/a").await, Some(json!({ "etag": "1" })));
    assert_eq!(body(&store, "/b").await, None::<Value>);
    assert_eq!(store.events(&Default::default()).await.expect("events").len(), 1);
    commit(&store, vec![put_claiming("/d", "1", &["m"])]).await;
    store.verify().await.expect("verify");
}

pub(crate) async fn one_change_writes_a_key_once(place: &Place) {
    let store = place.open().await;
    let error = refused(&store, change(vec![put("/a", "1"), put("/b", "1"), delete("/a")])).await;
    assert!(matches!(error, StoreError::Twice { key } if key == "/a"));
}

pub(crate) async fn what_was_committed_is_there_after_opening_again(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put_claiming("/a", "1", &["n"]), put("/b", "1")]).await;
    commit(&store, vec![delete("/b")]).await;
    let (row, verified) = (
        store.get("/a").await.expect("get"),
        store.verify().await.expect("verify"),
    );
    store.close().await;
    assert!(store.commit(event("test/late", "/a")).await.is_err());
    let store = place.open().await;
    assert_eq!(store.get("/a").await.expect("get"), row);
    assert_eq!(store.verify().await.expect("verify"), verified);
    assert!(matches!(
        refused(&store, change(vec![put_claiming("/c", "1", &["n"])])).await,
        StoreError::ClaimTaken { .. }
    ));
    assert_eq!(commit(&store, vec![put("/b", "2")]).await, 3);
}
