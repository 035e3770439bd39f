//! Unique names.

use nave_store::StoreError;

use super::*;

async fn holder(store: &nave_store::Store, claim: &str) -> String {
    match refused(store, change(vec![put_claiming("/zz", "1", &[claim])])).await {
        StoreError::ClaimTaken { claim: taken, holder } if taken == claim => holder,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_name_has_one_holder(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put_claiming("/a", "1", &["n", "m"])]).await;
    assert_eq!(
        (holder(&store, "n").await, holder(&store, "m").await),
        (String::from("/a"), String::from("/a"))
    );
    let both = vec![put_claiming("/b", "1", &["o"]), put_claiming("/c", "1", &["o"])];
    let error = refused(&store, change(both)).await;
    assert!(matches!(error, StoreError::ClaimTaken { claim, holder } if claim == "o" && holder == "/b"));
    commit(&store, vec![put_claiming("/a", "2", &["n", "m"])]).await;
    commit(&store, vec![put_claiming("/b", "1", &["o", "o"])]).await;
}

pub(crate) async fn a_name_is_free_once_its_holder_lets_go(place: &Place) {
    let store = place.open().await;
    commit(&store, vec![put_claiming("/a", "1", &["n", "m"])]).await;
    commit(&store, vec![put_claiming("/a", "2", &["m"])]).await;
    commit(&store, vec![put_claiming("/b", "1", &["n"])]).await;
    commit(&store, vec![delete("/a"), put_claiming("/c", "1", &["m"])]).await;
    assert_eq!(
        (holder(&store, "n").await, holder(&store, "m").await),
        (String::from("/b"), String::from("/c"))
    );
}

pub(crate) async fn two_rows_exchange_names_in_one_change(place: &Place) {
    let store = place.open().await;
    commit(
        &store,
        vec![put_claiming("/a", "1", &["n"]), put_claiming("/b", "1", &["m"])],
    )
    .await;
    commit(
        &store,
        vec![put_claiming("/a", "2", &["m"]), put_claiming("/b", "2", &["n"])],
    )
    .await;
    assert_eq!(
        (holder(&store, "n").await, holder(&store, "m").await),
        (String::from("/b"), String::from("/a"))
    );
}
