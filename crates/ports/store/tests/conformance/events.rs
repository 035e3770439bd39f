//! The log, searched and followed.

use std::time::Duration;

use nave_store::{EventQuery, NewEvent, Revision};
use uuid::Uuid;

use super::*;

pub(crate) async fn the_log_is_searched(place: &Place) {
    let store = place.open().await;
    let (decision, cause) = (Uuid::new_v4(), Uuid::new_v4());
    let resources = ["/S/A", "/s/a/b", "/s/ab", "/t", "/s/a"];
    for (at, resource) in resources.iter().enumerate() {
        let mut change = event("test/read", resource);
        change.at = format!("2026-11-24T12:00:0{at}Z").parse().expect("instant");
        change.event.correlation_id = format!("call-{}", at % 2);
        if at == 3 {
            change.event.decision = decision;
            change.event.through = Some(String::from("/h/c"));
            change.event.cause = Some(cause);
        }
        store.commit(change).await.expect("commit");
    }
    let at = |second: usize| Some(format!("2026-11-24T12:00:0{second}Z").parse().expect("instant"));
    let all = EventQuery::default;
    let cases: [(EventQuery, &[Revision]); 15] = [
        (all(), &[5, 4, 3, 2, 1]),
        (
            EventQuery {
                under: Some(String::from("/")),
                ..all()
            },
            &[5, 4, 3, 2, 1],
        ),
        (
            EventQuery {
                under: Some(String::from("/s/a")),
                ..all()
            },
            &[5, 2, 1],
        ),
        (
            EventQuery {
                under: Some(String::from("/s")),
                ..all()
            },
            &[5, 3, 2, 1],
        ),
        (
            EventQuery {
                under: Some(String::from("/h")),
                ..all()
            },
            &[4],
        ),
        (
            EventQuery {
                from: at(1),
                to: at(3),
                ..all()
            },
            &[4, 3, 2],
        ),
        (
            EventQuery {
                decision: Some(decision),
                ..all()
            },
            &[4],
        ),
        (
            EventQuery {
                cause: Some(cause),
                ..all()
            },
            &[4],
        ),
        (
            EventQuery {
                correlation_id: Some(String::from("call-1")),
                ..all()
            },
            &[4, 2],
        ),
        (
            EventQuery {
                limit: Some(2),
                ..all()
            },
            &[5, 4],
        ),
        (
            EventQuery {
                limit: Some(2),
                before: Some(4),
                ..all()
            },
            &[3, 2],
        ),
        (
            EventQuery {
                under: Some(String::from("/s/a")),
                limit: Some(1),
                before: Some(5),
                ..all()
            },
            &[2],
        ),
        (
            EventQuery {
                after: Some(2),
                limit: Some(2),
                ..all()
            },
            &[3, 4],
        ),
        (
            EventQuery {
                after: Some(5),
                ..all()
            },
            &[],
        ),
        (
            EventQuery {
                decision: Some(Uuid::new_v4()),
                ..all()
            },
            &[],
        ),
    ];
    for (query, expected) in cases {
        let events = store.events(&query).await.expect("events");
        assert_eq!(
            events.iter().map(|event| event.revision).collect::<Vec<_>>(),
            expected,
            "{query:?}"
        );
    }
    let mut written = event("test/action", "/S/A");
    written.event.through = Some(String::from("/h/c"));
    written.event.cause = Some(cause);
    written.event.detail = serde_json::json!({ "z": [1.5, null], "a": "ü" });
    store.commit(written.clone()).await.expect("commit");
    let read = store
        .events(&EventQuery {
            limit: Some(1),
            ..all()
        })
        .await
        .expect("events")
        .remove(0);
    let NewEvent {
        id,
        decision,
        operation,
        resource,
        through,
        caller,
        caller_name,
        outcome,
        correlation_id,
        cause,
        detail,
    } = written.event;
    let expected = nave_store::Event {
        revision: 6,
        id,
        decision,
        at: written.at,
        operation,
        resource,
        through,
        caller,
        caller_name,
        outcome,
        correlation_id,
        cause,
        detail,
        hash: read.hash.clone(),
    };
    assert_eq!(read, expected);
    assert_eq!(read.hash, store.verify().await.expect("verify").hash);
}

pub(crate) async fn commits_are_followed_from_any_revision(place: &Place) {
    let store = place.open().await;
    let mut done = Vec::new();
    for writes in [
        vec![put("/a", "1"), put("/b", "1")],
        vec![put("/a", "2"), delete("/b"), put("/c", "1")],
        vec![],
        vec![delete("/a"), delete("/c")],
        vec![put("/a", "5")],
    ] {
        done.push(store.commit(change(writes)).await.expect("commit"));
    }
    let opened_again = place.open().await;
    for after in 0..=5 {
        let rest = usize::try_from(after).expect("small");
        assert_eq!(
            store.commits_after(after, 100).await.expect("commits"),
            done[rest..],
            "from memory"
        );
        let log = opened_again.commits_after(after, 100).await.expect("commits");
        assert_eq!(log.len(), done.len() - rest);
        for (from_log, done) in log.iter().zip(&done[rest..]) {
            let shown = |rows: &[nave_store::Row]| {
                rows.iter()
                    .map(|row| format!("{}={}", row.key, row.etag))
                    .collect::<Vec<_>>()
            };
            assert_eq!(from_log.revision, done.revision);
            assert_eq!(
                shown(&from_log.rows),
                shown(&done.rows),
                "revision {}",
                done.revision
            );
            assert_eq!(from_log.deleted, done.deleted, "revision {}", done.revision);
        }
    }
    let revisions = |commits: Vec<std::sync::Arc<nave_store::Committed>>| {
        commits.iter().map(|commit| commit.revision).collect::<Vec<_>>()
    };
    assert_eq!(
        revisions(store.commits_after(1, 2).await.expect("commits")),
        [2, 3]
    );
    assert_eq!(
        revisions(opened_again.commits_after(1, 2).await.expect("commits")),
        [2, 3]
    );
}

pub(crate) async fn a_waiting_follower_is_woken(place: &Place) {
    let store = place.open().await;
    let follower = store.clone();
    let woken = tokio::spawn(async move { follower.beyond(1).await });
    commit(&store, vec![put("/a", "1")]).await;
    assert!(!woken.is_finished(), "revision 1 is not beyond 1");
    commit(&store, vec![put("/a", "2")]).await;
    let reached = tokio::time::timeout(Duration::from_secs(60), woken)
        .await
        .expect("woken")
        .expect("task");
    assert_eq!(reached.expect("head"), 2);
    assert_eq!(
        store.beyond(0).await.expect("head"),
        2,
        "what has happened is not waited for"
    );
}
