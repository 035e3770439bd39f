//! Many callers at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use nave_store::{Expect, StoreError};
use sqlx::{Connection as _, Executor as _};

use super::*;

pub(crate) async fn each_failure_is_its_own(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put_claiming("/taken", "1", &["n"])]).await;
    let commits = (0..200).map(|n| {
        let store = store.clone();
        async move {
            let key = format!("/s/{n}");
            let writes = match n % 5 {
                0 => vec![put(&key, "1"), put_if("/taken", "2", Expect::Absent)],
                1 => vec![put(&key, "1"), put_claiming("/x", "1", &["n"])],
                2 => vec![put(&key, "1"), delete_if("/none", tag("1"))],
                _ => vec![put(&key, "1")],
            };
            (n, store.commit(change(writes)).await)
        }
    });
    let mut revisions = BTreeSet::new();
    for (n, answer) in join_all(commits).await {
        match (n % 5, answer) {
            (0, Err(StoreError::Exists { .. }))
            | (1, Err(StoreError::ClaimTaken { .. }))
            | (2, Err(StoreError::Missing { .. })) => {
                assert_eq!(body(&store, &format!("/s/{n}")).await, None)
            }
            (3 | 4, Ok(done)) => {
                assert!(revisions.insert(done.revision));
                let row = store
                    .get(&format!("/s/{n}"))
                    .await
                    .expect("get")
                    .expect("the row");
                assert_eq!(row.valid_from, done.revision);
            }
            (_, other) => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(revisions, (2..=81).collect());
    assert_eq!(store.verify().await.expect("verify").head, 81);
}

pub(crate) async fn one_of_many_wins_a_key(place: &Place) {
    let store = place.open().await;
    let tries = (0..50).map(|n| {
        let change = change(vec![put_if("/a", &n.to_string(), Expect::Absent)]);
        let store = store.clone();
        async move { store.commit(change).await }
    });
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(
        answers
            .iter()
            .flat_map(|answer| answer.as_ref().err())
            .all(|e| matches!(e, StoreError::Exists { .. }))
    );
    assert_eq!(store.head().await.expect("head"), 1);
}

pub(crate) async fn what_the_database_refuses_takes_no_other_down(place: &Place) {
    let store = place.open().await;
    let first = event("test/first", "/a");
    store.commit(first.clone()).await.expect("commit");
    let commits = (0..40).map(|n| {
        let mut change = change(vec![put(&format!("/s/{n}"), "1")]);
        if n % 4 == 1 {
            change.event.id = first.event.id;
        }
        let store = store.clone();
        async move { (n, store.commit(change).await) }
    });
    for (n, answer) in join_all(commits).await {
        match n % 4 {
            1 => assert!(matches!(answer, Err(StoreError::Database(_))), "{n}: {answer:?}"),
            _ => assert!(answer.is_ok(), "{n}: {answer:?}"),
        }
    }
    assert_eq!(store.verify().await.expect("verify").head, 31);
}

pub(crate) async fn readers_do_not_wait_for_a_writer(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put("/a", "1")]).await;
    let mut other = sqlx::AnyConnection::connect(&place.url)
        .await
        .expect("connection");
    let mut writing = other.begin().await.expect("begin");
    writing
        .execute("UPDATE log_head SET revision = revision")
        .await
        .expect("lock");
    let waiting = store.commit(change(vec![put("/a", "2")]));
    tokio::pin!(waiting);
    let read = async {
        (
            body(&store, "/a").await,
            store.head().await.expect("head"),
            store.verify().await.expect("verify").head,
        )
    };
    tokio::select! {
        biased;
        read = read => assert_eq!(read, (Some(serde_json::json!({ "etag": "1" })), 1, 1)),
        _ = &mut waiting => panic!("nobody writes while another does"),
    }
    writing.rollback().await.expect("rollback");
    assert_eq!(waiting.await.expect("commit").revision, 2);
}

pub(crate) async fn two_handles_make_one_log(place: &Place) {
    let (one, other) = (place.open().await, place.open().await);
    let commits = (0..40).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { other.clone() };
        async move {
            store
                .commit(change(vec![put(&format!("/s/{n}"), "1")]))
                .await
                .expect("commit")
                .revision
        }
    });
    let revisions: BTreeSet<_> = join_all(commits).await.into_iter().collect();
    assert_eq!(revisions, (1..=40).collect());
    for n in 40..50 {
        let store = if n % 2 == 0 { &one } else { &other };
        assert_eq!(commit(store, vec![put(&format!("/s/{n}"), "1")]).await, n + 1);
    }
    for store in [&one, &other] {
        let mut seen = 0;
        while seen < 50 {
            let commits = store.commits_after(seen, 7).await.expect("commits");
            for commit in commits {
                assert_eq!(commit.revision, seen + 1);
                seen += 1;
            }
        }
        assert_eq!(store.verify().await.expect("verify").head, 50);
    }
}
