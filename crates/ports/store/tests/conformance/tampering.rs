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
    let texts = |table: &str, columns: &[&str], at: &str| {
        columns
            .iter()
            .map(|column| format!("UPDATE {table} SET {column} = 'x' WHERE {at}"))
            .collect::<Vec<_>>()
    };
    let event = [
        "id",
        "decision",
        "operation",
        "resource",
        "resource_key",
        "through_key",
        "caller",
        "caller_name",
        "outcome",
    ];
    let row = [
        "type_key",
        "id",
        "body",
        "etag",
        "claims",
        "created_by",
        "updated_by",
    ];
    let mut alterations = Vec::new();
    alterations.extend(
        texts("events", &event, "revision = 3")
            .into_iter()
            .map(|sql| (sql, 3)),
    );
    alterations.extend(
        texts(
            "events",
            &["correlation_id", "detail", "hash", "cause"],
            "revision = 5",
        )
        .into_iter()
        .map(|sql| (sql, 5)),
    );
    alterations.extend(
        texts("resource_rows", &row, "row_key = '/b'")
            .into_iter()
            .map(|sql| (sql, 1)),
    );
    for (sql, found_at) in [
        (
            "UPDATE events SET happened_at = happened_at + 1 WHERE revision = 5",
            5,
        ),
        (
            "UPDATE resource_rows SET created_at = created_at + 1 WHERE row_key = '/c'",
            5,
        ),
        (
            "UPDATE resource_rows SET updated_at = updated_at + 1 WHERE row_key = '/c'",
            5,
        ),
        (
            "UPDATE resource_rows SET body = '{}' WHERE row_key = '/a' AND valid_from = 2",
            2,
        ),
        ("UPDATE resource_rows SET sealed = NULL WHERE row_key = '/b'", 1),
        ("UPDATE resource_rows SET valid_to = NULL WHERE row_key = '/b'", 4),
        ("UPDATE resource_rows SET valid_to = 5 WHERE row_key = '/b'", 4),
        (
            "UPDATE resource_rows SET valid_to = 3 WHERE row_key = '/a' AND valid_from = 1",
            3,
        ),
        ("UPDATE resource_rows SET row_key = '/d' WHERE row_key = '/c'", 5),
        ("DELETE FROM events WHERE revision = 5", 5),
        ("DELETE FROM events WHERE revision = 3", 3),
        ("DELETE FROM resource_rows WHERE row_key = '/c'", 5),
        ("UPDATE log_head SET hash = 'x'", 5),
        ("UPDATE log_head SET revision = 6", 6),
    ] {
        alterations.push((sql.to_owned(), found_at));
    }
    for (alteration, found_at) in alterations {
        run(&mut database, alteration.clone()).await;
        match store.verify().await {
            Err(StoreError::Altered { revision }) => assert_eq!(revision, found_at, "{alteration}"),
            other => panic!("{alteration}: {other:?}"),
        }
        restore(&mut database).await;
        assert_eq!(store.verify().await.expect("restored"), whole, "{alteration}");
    }
}
