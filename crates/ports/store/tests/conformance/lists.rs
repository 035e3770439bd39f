//! Lists.

use nave_store::{ListQuery, PutRow, Write};

use super::*;

fn under(under: &str) -> ListQuery {
    ListQuery {
        under: under.to_owned(),
        type_key: None,
        after: None,
        limit: 100,
        as_of: None,
    }
}

async fn keys(store: &nave_store::Store, query: ListQuery) -> Vec<String> {
    store
        .list(&query)
        .await
        .expect("list")
        .rows
        .into_iter()
        .map(|row| row.key)
        .collect()
}

pub(crate) async fn what_lies_below_a_key(place: &Place) {
    let store = place.open().await;
    let of_type = |key: &str, kind: &str| {
        Write::Put(PutRow {
            type_key: kind.to_owned(),
            ..row(key, "1")
        })
    };
    let writes = [
        "/s", "/s/b", "/s/a", "/s/a/x", "/s/a-b", "/s/a.b", "/s/A0", "/s/ab", "/s-2/a", "/s0", "/ü/a",
    ];
    commit(
        &store,
        writes
            .iter()
            .map(|key| of_type(key, if key.len() > 4 { "u" } else { "t" }))
            .collect(),
    )
    .await;
    commit(&store, vec![put("/s/gone", "1")]).await;
    commit(&store, vec![delete("/s/gone")]).await;
    for (query, expected) in [
        (
            under("/s"),
            vec!["/s/a", "/s/a-b", "/s/a.b", "/s/a/x", "/s/a0", "/s/ab", "/s/b"],
        ),
        (under("/s/a"), vec!["/s/a/x"]),
        (under("/ü"), vec!["/ü/a"]),
        (under("/s/none"), vec![]),
        (
            ListQuery {
                type_key: Some(String::from("t")),
                ..under("/s")
            },
            vec!["/s/a", "/s/b"],
        ),
        (
            ListQuery {
                after: Some(String::from("/s/a0")),
                ..under("/s")
            },
            vec!["/s/ab", "/s/b"],
        ),
        (
            ListQuery {
                after: Some(String::from("/a")),
                ..under("/s/a")
            },
            vec!["/s/a/x"],
        ),
        (
            ListQuery {
                after: Some(String::from("/z")),
                ..under("/s/a")
            },
            vec![],
        ),
    ] {
        assert_eq!(keys(&store, query.clone()).await, expected, "{query:?}");
    }
    assert_eq!(keys(&store, under("/")).await.len(), writes.len());
}

pub(crate) async fn pages_join_up(place: &Place) {
    let store = place.open().await;
    commit(&store, (0..7).map(|n| put(&format!("/s/{n}"), "1")).collect()).await;
    for limit in [1, 2, 3, 7, 8] {
        let mut query = ListQuery { limit, ..under("/s") };
        let mut seen = Vec::new();
        loop {
            let page = store.list(&query).await.expect("list");
            assert!(page.rows.len() <= limit as usize);
            seen.extend(page.rows.into_iter().map(|row| row.key));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(
            seen,
            (0..7).map(|n| format!("/s/{n}")).collect::<Vec<_>>(),
            "pages of {limit}"
        );
    }
}

pub(crate) async fn the_state_as_it_was(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put("/s/a", "1"), put("/s/b", "1")]).await;
    commit(&store, vec![put("/s/a", "2"), delete("/s/b")]).await;
    commit(&store, vec![put("/s/b", "3")]).await;
    let at = async |revision| {
        let page = store
            .list(&ListQuery {
                as_of: Some(revision),
                ..under("/s")
            })
            .await
            .expect("list");
        page.rows
            .into_iter()
            .map(|row| format!("{}={}", row.key, row.etag))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(at(0).await, "");
    assert_eq!(at(1).await, "/s/a=1 /s/b=1");
    assert_eq!(at(2).await, "/s/a=2");
    assert_eq!(at(3).await, "/s/a=2 /s/b=3");
}
