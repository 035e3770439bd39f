//! How far readers of the log have come.

use super::*;

pub(crate) async fn a_mark_is_kept_moved_and_dropped(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.mark("sink").await.expect("mark"), None);
    store.keep_mark("sink", 7).await.expect("kept");
    store.keep_mark("other", 1).await.expect("kept");
    store.keep_mark("sink", 9).await.expect("moved");
    store.close().await;
    let store = place.open().await;
    assert_eq!(
        store.mark("sink").await.expect("mark"),
        Some(9),
        "it outlives the process"
    );
    store.drop_mark("sink").await.expect("dropped");
    assert_eq!(store.mark("sink").await.expect("mark"), None);
    assert_eq!(store.mark("other").await.expect("mark"), Some(1));
}
