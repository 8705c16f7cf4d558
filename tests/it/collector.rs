//! What nothing needs goes; what anything needs stays.

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::Error;
use calotype::jobs::sweep;
use calotype::library::changes::{self, Changes};
use calotype::library::placing::{self, At, Destination};
use calotype::library::upload::{self, Overwrite, Upload};
use calotype::library::{check, files, folders};
use calotype::model::ids::FileId;
use calotype::model::path::FolderPath;
use calotype::store::{Reach, collect};
use calotype::tree::place::Names;

use crate::support::catalog::Catalog;

async fn on_both<F: AsyncFn(Catalog)>(hint: &str, scenario: F) {
    scenario(Catalog::sqlite()).await;
    if let Some(catalog) = Catalog::postgres(hint).await {
        scenario(catalog).await;
    }
}

fn path(text: &str) -> FolderPath {
    FolderPath::parse(text).expect("a path")
}

async fn put(app: &App, folder: &str, name: &str) -> FileId {
    let blob_id = app.blob_ids.take(&app.db).await.expect("a blob id");
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(b"a picture"[..].into())]);
    let stored = app.blobs.put(blob_id, body, 1 << 20).await.expect("a blob");
    let upload = Upload {
        file_name: name.into(),
        folder: path(folder),
        names: Names::Verbatim,
        unique_name: false,
        private: false,
        published: true,
        tags: None,
        custom_coordinates: None,
        custom_metadata: None,
        description: None,
        overwrite: Overwrite { file: true, tags: true, ai_tags: true, custom_metadata: true },
        transformation: None,
        checks: None,
    };
    let located = upload::store(app, &upload, blob_id, &stored, app.blobs.provisional(blob_id)).await;
    FileId(located.expect("an upload").asset.id)
}

/// Contents and blobs that are left when there is nothing more to sweep.
async fn left(app: &App) -> (i64, u64) {
    while sweep::round(app).await.expect("a sweep") {}
    sweep::collect(app).await.expect("unused contents go");
    let found = check::check(&app.db, Some(&app.blobs)).await.expect("a check");
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    (found.contents, found.blobs.expect("they were looked at"))
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_and_bytes_go_with_their_last_reference() {
    on_both("collector", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        let original = put(&app, "/a/deep/er", "f.jpg").await;
        put(&app, "/b", "g.jpg").await;
        let at = At { folder: path("/a/deep/er"), name: "f.jpg".into(), as_sent: "f".into() };
        let there = Destination { folder: path("/c"), names: Names::Verbatim };
        placing::copy(&app, &at, &there, false).await.expect("a copy");
        assert_eq!(left(&app).await, (2, 2), "a copy shares content and bytes");

        let tagged = Changes { tags: Some(vec!["lake".into()]), ..Changes::default() };
        changes::update(&app, original, &tagged).await.expect("a change");
        assert_eq!(left(&app).await, (3, 2), "another content over the same bytes");
        changes::update(&app, original, &tagged).await.expect("a change");
        assert_eq!(left(&app).await, (3, 2), "the content before it is gone");

        folders::delete(&app, &path("/c"), "c").await.expect("a deletion");
        assert_eq!(left(&app).await, (2, 2), "the bytes are still shown by the original");
        folders::delete(&app, &path("/a"), "a").await.expect("a deletion");
        assert_eq!(left(&app).await, (1, 1), "a deleted folder goes with all that hangs below it");
        assert!(files::details(&app, original).await.is_err());
        folders::delete(&app, &path("/b"), "b").await.expect("a deletion");
        assert_eq!(left(&app).await, (0, 0));
        app.db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sweeps_at_a_time() {
    on_both("sweepers", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        let file = put(&app, "/a", "f.jpg").await;
        files::delete(&app, file).await.expect("a deletion");
        let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
        assert!(collect::hold_lease(&mut tx, "a backup").await.expect("a lease"));
        tx.commit().await.expect("a commit");
        assert!(matches!(sweep::round(&app).await, Err(Error::Fenced)), "it is not this server's turn");
        assert!(matches!(sweep::collect(&app).await, Err(Error::Fenced)));
        let found = check::check(&app.db, Some(&app.blobs)).await.expect("a check");
        assert_eq!((found.contents, found.blobs), (1, Some(1)), "nothing went");
        let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
        collect::release_lease(&mut tx, "a backup").await.expect("the lease is given up");
        tx.commit().await.expect("a commit");
        assert_eq!(left(&app).await, (0, 0));
        app.db.close().await;
    })
    .await;
}
