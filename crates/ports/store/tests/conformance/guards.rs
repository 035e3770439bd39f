//! What a commit depends on besides the rows it writes.

use nave_store::{Guard, StoreError, Write};

use super::*;

fn unchanged(type_key: &str, under: &str, since: i64) -> Guard {
    Guard::Unchanged {
        type_key: type_key.to_owned(),
        under: under.to_owned(),
        since,
    }
}

pub(crate) async fn unchanged_sees_what_others_wrote(place: &Place) {
    let store = place.open().await;
    commit(
        &store,
        vec![put("/s/a", "1"), put("/s", "1"), put("/s-other/a", "1")],
    )
    .await;
    let since = commit(&store, vec![put("/t/a", "1")]).await;
    let others: [(Vec<Write>, &[&str]); 4] = [
        (vec![put("/s/a", "2")], &["/s", "/", "/s/a"]),
        (vec![put("/s/b", "1")], &["/s", "/", "/s/b"]),
        (vec![delete("/s/b")], &["/s", "/", "/s/b"]),
        (vec![put("/s", "2")], &["/s", "/"]),
    ];
    let mut seen = since;
    for (writes, unders) in others {
        let now = commit(&store, writes.clone()).await;
        for under in unders {
            let error = refused(&store, guarded(Vec::new(), vec![unchanged("t", under, seen)])).await;
            assert!(
                matches!(&error, StoreError::Changed { under: told } if told == under),
                "{writes:?} {error:?}"
            );
        }
        for (type_key, under, since) in [
            ("t", "/", now),
            ("u", "/", seen),
            ("t", "/s-other", seen),
            ("t", "/t", seen),
        ] {
            let guards = vec![unchanged(type_key, under, since)];
            store
                .commit(guarded(Vec::new(), guards))
                .await
                .expect("nothing of this changed");
        }
        seen = store.head().await.expect("head");
    }
}

pub(crate) async fn unchanged_is_about_others(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put("/s/a", "1"), put("/s/b", "1")]).await;
    let own = guarded(
        vec![delete("/s/a"), put("/s/b", "2"), put("/s/c", "1")],
        vec![unchanged("t", "/s", 1)],
    );
    store.commit(own).await.expect("its own writes do not count");
}

pub(crate) async fn present_and_gone_are_about_the_end(place: &Place) {
    let store = place.open().await;
    let present = |key: &str| Guard::Present { key: key.to_owned() };
    let gone = |under: &str| Guard::Gone {
        under: under.to_owned(),
    };
    let refuses = async |writes, guard| {
        let error = refused(&store, guarded(writes, vec![guard])).await;
        assert!(matches!(error, StoreError::Changed { .. }), "{error:?}");
    };
    refuses(vec![put("/s/a", "1")], present("/s")).await;
    store
        .commit(guarded(
            vec![put("/s/a", "1"), put("/s", "1")],
            vec![present("/s")],
        ))
        .await
        .expect("both at once");
    commit(&store, vec![put("/s-other", "1")]).await;
    refuses(vec![delete("/s")], gone("/s")).await;
    refuses(vec![delete("/s/a")], gone("/s")).await;
    refuses(vec![delete("/s")], present("/s")).await;
    refuses(vec![], present("/t")).await;
    store
        .commit(guarded(vec![delete("/s/a"), delete("/s")], vec![gone("/s")]))
        .await
        .expect("all of it");
}
