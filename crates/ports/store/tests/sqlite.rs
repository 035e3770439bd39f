//! The conformance suite on SQLite.

mod conformance;

use conformance::Place;

async fn fresh(_name: &str) -> Option<Place> {
    let folder = tempfile::Builder::new()
        .prefix("nave store?#% ")
        .tempdir()
        .expect("folder");
    let escaped = folder
        .path()
        .display()
        .to_string()
        .replace('%', "%25")
        .replace('?', "%3F")
        .replace('#', "%23");
    Some(Place {
        url: format!("sqlite://{escaped}/nave.db?mode=rwc"),
        _keep: Some(folder),
    })
}

conformance::every_case!(fresh);

#[tokio::test]
async fn a_store_is_opened_by_its_folder() {
    let folder = tempfile::Builder::new()
        .prefix("nave store?#% ä")
        .tempdir()
        .expect("folder");
    let open = async || nave_store::Store::open_in(folder.path()).await.expect("store");
    conformance::commit(&open().await, vec![conformance::put("/a", "1")]).await;
    assert!(folder.path().join("nave.db").is_file());
    assert_eq!(open().await.head().await.expect("head"), 1);
}
