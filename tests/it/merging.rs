//! Pages of a merge in which files fare differently.

use calotype::app::App;
use calotype::config::Settings;
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::model::job::{Kind, Phase};
use calotype::store::{Reach, files, jobs};
use calotype::tree::place;

use crate::collector::put;
use crate::side_by_side::{end, on_both, path, submitted, until_finished};
use crate::support::catalog::Catalog;

/// More than may be appended to.
const FULL: i64 = 100;

/// The id of a file and how many versions it has.
async fn file(app: &App, folder: &str, name: &str) -> Option<(i64, i64)> {
    let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
    let folder = place::find(&mut tx, &path(folder)).await.expect("a read")?;
    let file = files::at(&mut tx, folder, name).await.expect("a read")?;
    let versions = files::version_count(&mut tx, file.id).await.expect("a count");
    Some((file.id.0, versions))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_moves_what_fits_and_a_copy_beside_it_shows_all_as_it_was() {
    on_both("page", async |catalog| {
        let mut app = catalog.app("one", Settings { batch_rows: 1, ..Settings::default() }).await;
        let free = put(&app, "from/p", "free").await.0;
        let unfit = put(&app, "from/p", "unfit").await.0;
        for _ in 0..2 {
            put(&app, "from/p", "fits").await;
        }
        let met = put(&app, "to/p", "fits").await.0;
        for _ in 0..FULL {
            put(&app, "to/p", "unfit").await;
        }
        let full = file(&app, "to/p", "unfit").await;
        let mut worker = Worker::new("one/1".into());
        let copy = submitted(&app, Kind::Copy, "from", "copies").await;
        worker::step(&app, &mut worker).await.expect("a step");

        app.settings.batch_rows = 4000;
        let merge = submitted(&app, Kind::Move, "from/p", "to").await;
        // The copy is another worker's.
        until_finished(&app, &mut Worker::new("one/2".into()), merge).await;
        let mut tx = app.db.read().await.expect("a transaction");
        let (copy, merge) = (jobs::by_id(&mut tx, copy).await, jobs::by_id(&mut tx, merge).await);
        drop(tx);
        let (copy, merge) = (copy.expect("a read").expect("the copy"), merge.expect("a read").expect("the merge"));
        assert_ne!(copy.phase, Phase::Done, "it is under way");
        assert_eq!((merge.files_done, merge.failed_items), (2, 1));
        assert_eq!(file(&app, "to/p", "free").await, Some((free, 1)));
        assert_eq!(file(&app, "to/p", "fits").await, Some((met, 3)));
        assert_eq!(file(&app, "to/p", "unfit").await, full);
        assert_eq!(file(&app, "from/p", "unfit").await, Some((unfit, 1)));
        for moved in ["free", "fits"] {
            assert_eq!(file(&app, "from/p", moved).await, None);
        }

        while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
        for copied in ["free", "fits", "unfit"] {
            let versions = file(&app, "copies/from/p", copied).await.map(|(_, versions)| versions);
            assert_eq!(versions, Some(1), "{copied}");
        }
        end(&app).await;
    })
    .await;
}

/// Nothing is written over that was not there when a page was looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_after_all_is_not_written_over() {
    let catalog = Catalog::sqlite();
    let app = catalog.app("one", Settings::default()).await;
    let source = put(&app, "from/p", "free").await.0;
    put(&app, "from/p", "other").await;
    put(&app, "to/p", "other").await;
    submitted(&app, Kind::Move, "from/p", "to").await;
    // It cannot happen, so it is made to.
    let take = "CREATE TRIGGER take AFTER DELETE ON file WHEN old.name = 'free' BEGIN
        INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT f.id, 'free', -1, -1, 1, old.content_id, 0, 0, 0, 0, 0 FROM folder f JOIN folder above ON above.id = f.parent_id
        WHERE f.name = 'p' AND above.name = 'to'; END";
    catalog.execute(take).await;
    let mut worker = Worker::new("one/1".into());
    let refused = worker::step(&app, &mut worker).await.expect_err("its place is taken");
    assert!(refused.to_string().contains("1 of 2 files"), "{refused}");
    assert_eq!(file(&app, "from/p", "free").await, Some((source, 1)), "nothing has happened");
    catalog.execute("DROP TRIGGER take").await;
    while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
    assert_eq!(file(&app, "to/p", "free").await, Some((source, 1)));
    end(&app).await;
}
