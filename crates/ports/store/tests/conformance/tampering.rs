//! The log proves what is in it.

use nave_store::{PutRow, StoreError, Write};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use super::*;

async fn run(database: &mut AnyConnection, sql: String) {
    database.execute(AssertSqlSafe(sql)).await.expect("sql");
}

async fn restore(database: &mut AnyConnection) {
    for table in ["events", "resource_rows", "log_head"] {
        run(database, format!("DELETE FROM {table}")).await;
        run(
            database,
            format!("INSERT INTO {table} SELECT * FROM saved_{table}"),
        )
        .await;
    }
}

async fn history(place: &Place) -> nave_store::Store {
    let store = place.open().await;
    let sealed = PutRow {
        sealed: Some(vec![1, 2, 3]),
        ..row("/b", "1")
    };
    commit(&store, vec![put_claiming("/a", "1", &["n"]), Write::Put(sealed)]).await;
    commit(&store, vec![put("/a", "2")]).await;
    store.commit(event("test/read", "/a")).await.expect("commit");
    commit(&store, vec![delete("/b")]).await;
    commit(&store, vec![put("/c", "1")]).await;
    store
}

pub(crate) async fn a_whole_log_verifies(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.verify().await.expect("verify").head, 0);
    store.close().await;
    let store = history(place).await;
    let verified = store.verify().await.expect("verify");
    assert_eq!((verified.head, verified.hash.len()), (5, 64));
    let links: std::collections::HashSet<String> = store
        .events(&Default::default())
        .await
        .expect("events")
        .into_iter()
        .map(|event| event.hash)
        .collect();
    assert_eq!(links.len(), 5);
    assert!(links.contains(&verified.hash));
}

pub(crate) async fn every_alteration_is_found(place: &Place) {
    let store = history(place).await;
    let whole = store.verify().await.expect("verify");
    let mut database = sqlx::AnyConnection::connect(&place.url)
        .await
        .expect("connection");
    for table in ["events", "resource_rows", "log_head"] {
        run(
            &mut database,
            format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}"),
        )
        .await;
    }
    for (alteration, found_at) in [
        ("UPDATE events SET detail = '{}' WHERE revision = 3", 3),
        ("UPDATE events SET caller_name = 'eve' WHERE revision = 1", 1),
        (
            "UPDATE events SET happened_at = happened_at + 1 WHERE revision = 5",
            5,
        ),
        ("UPDATE events SET outcome = 'Denied' WHERE revision = 2", 2),
        ("UPDATE events SET decision = id WHERE revision = 2", 2),
        ("UPDATE events SET hash = '' WHERE revision = 5", 5),
        ("DELETE FROM events WHERE revision = 5", 5),
        ("DELETE FROM events WHERE revision = 3", 3),
        (
            "UPDATE resource_rows SET body = '{}' WHERE row_key = '/a' AND valid_from = 1",
            1,
        ),
        (
            "UPDATE resource_rows SET body = '{}' WHERE row_key = '/a' AND valid_from = 2",
            2,
        ),
        ("UPDATE resource_rows SET sealed = NULL WHERE row_key = '/b'", 1),
        (
            "UPDATE resource_rows SET claims = '[]' WHERE row_key = '/a' AND valid_from = 1",
            1,
        ),
        (
            "UPDATE resource_rows SET created_by = 'eve' WHERE row_key = '/c'",
            5,
        ),
        ("UPDATE resource_rows SET valid_to = NULL WHERE row_key = '/b'", 4),
        ("UPDATE resource_rows SET valid_to = 5 WHERE row_key = '/b'", 4),
        (
            "UPDATE resource_rows SET valid_to = 3 WHERE row_key = '/a' AND valid_from = 1",
            3,
        ),
        ("DELETE FROM resource_rows WHERE row_key = '/c'", 5),
        ("UPDATE log_head SET hash = 'x'", 5),
        ("UPDATE log_head SET revision = 6", 6),
    ] {
        run(&mut database, alteration.to_owned()).await;
        match store.verify().await {
            Err(StoreError::Altered { revision }) => assert_eq!(revision, found_at, "{alteration}"),
            other => panic!("{alteration}: {other:?}"),
        }
        restore(&mut database).await;
        assert_eq!(store.verify().await.expect("restored"), whole, "{alteration}");
    }
}
