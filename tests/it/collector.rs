//! What nothing needs goes; what anything needs stays.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use calotype::app::App;
use calotype::blobs::Stored;
use calotype::config::Settings;
use calotype::error::{Error, Result};
use calotype::jobs::sweep;
use calotype::jobs::worker::Worker;
use calotype::library::changes::{self, Changes};
use calotype::library::placing::{self, At, Destination};
use calotype::library::upload::{self, Overwrite, Upload};
use calotype::library::{check, files, folders};
use calotype::model::ids::{BlobId, FileId, JobId};
use calotype::model::job::Kind;
use calotype::model::path::FolderPath;
use calotype::model::time::Millis;
use calotype::store::{Moment, Reach, TREE_LOCK, clone, collect, settings, sweep as prune};
use calotype::tree::place::Names;
use sqlx::{Connection, PgConnection};

use crate::side_by_side::{submitted, until_finished};
use crate::support::catalog::Catalog;
use crate::support::postgres::asking;

async fn on_both<F: AsyncFn(Catalog)>(hint: &str, scenario: F) {
    scenario(Catalog::sqlite()).await;
    if let Some(catalog) = Catalog::postgres(hint).await {
        scenario(catalog).await;
    }
}

fn path(text: &str) -> FolderPath {
    FolderPath::parse(text).expect("a path")
}

/// Bytes that no row refers to yet.
async fn write(app: &App) -> (BlobId, Stored) {
    let blob_id = app.blob_ids.take(&app.db).await.expect("a blob id").leave_open();
    let body = futures_util::stream::iter([Ok::<_, std::io::Error>(b"a picture"[..].into())]);
    (blob_id, app.blobs.put(blob_id, body, 1 << 20).await.expect("a blob"))
}

pub async fn put(app: &App, folder: &str, name: &str) -> FileId {
    let (blob_id, stored) = write(app).await;
    store(app, folder, name, blob_id, &stored).await.expect("an upload")
}

async fn store(app: &App, folder: &str, name: &str, blob_id: BlobId, stored: &Stored) -> Result<FileId> {
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
    let _watch = app.blob_ids.watch(blob_id);
    let located = upload::store(app, &upload, blob_id, stored, app.blobs.provisional(blob_id)).await?;
    Ok(FileId(located.asset.id))
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

/// Longest wait for bytes that are removed in the background.
const REMOVAL_MAX: Duration = Duration::from_secs(10);
/// How long a server is silent, in milliseconds; what it says afterwards takes some.
const SILENCE_MS: i64 = 1_500;
/// How long an upload may take that waits for nobody. PostgreSQL ends a transaction that says nothing for three seconds.
const UPLOAD_MAX: Duration = Duration::from_secs(2);
/// PostgreSQL ends transactions that say nothing for three seconds.
const LONGER_THAN_A_FROZEN_ONE_LASTS: Duration = Duration::from_millis(4500);
/// How long an upload stands before its commit.
const PAUSE: Duration = Duration::from_millis(300);

async fn blocks_of(app: &App, owner: &str) -> usize {
    let mut tx = app.db.read().await.expect("a transaction");
    settings::blob_blocks_of(&mut tx, owner).await.expect("blocks").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_server_has_left_goes_and_it_does_no_harm_when_it_wakes() {
    on_both("lost", async |catalog: Catalog| {
        let one = catalog.app("one", Settings::default()).await;
        let lost = catalog.app("lost", Settings::default()).await;
        put(&lost, "/a", "kept.jpg").await;
        write(&lost).await;
        assert_eq!(left(&one).await, (1, 2), "it was heard of within a day");
        assert_eq!(blocks_of(&one, "lost").await, 1);
        assert!(sweep::take_lost_blocks(&one, 0).await.expect("blocks are taken"));
        assert_eq!(left(&one).await, (1, 1), "what has a row stays");
        assert_eq!(blocks_of(&one, "lost").await, 0);

        let (blob_id, stored) = write(&lost).await;
        let refused = store(&lost, "/a", "late.jpg", blob_id, &stored).await;
        assert!(matches!(refused, Err(Error::Fenced)), "its block is gone: {refused:?}");
        let deadline = Instant::now() + REMOVAL_MAX;
        while one.blobs.size(blob_id).await.expect("a look").is_some() {
            assert!(Instant::now() < deadline, "the bytes stay");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        put(&lost, "/a", "late.jpg").await;
        assert_eq!((left(&one).await, blocks_of(&one, "lost").await), ((2, 2), 1), "it goes on in a new block");
        one.db.close().await;
        lost.db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_that_it_lives_keeps_its_blocks() {
    on_both("living", async |catalog: Catalog| {
        let one = catalog.app("one", Settings::default()).await;
        let living = catalog.app("living", Settings::default()).await;
        let silent = catalog.app("silent", Settings::default()).await;
        for app in [&one, &living, &silent] {
            write(app).await;
        }
        tokio::time::sleep(Duration::from_millis(SILENCE_MS.unsigned_abs())).await;
        sweep::say_it_lives(&living, 0).await.expect("a renewal");
        assert!(sweep::take_lost_blocks(&one, SILENCE_MS).await.expect("blocks are taken"));
        let kept = [blocks_of(&one, "one").await, blocks_of(&one, "living").await, blocks_of(&one, "silent").await];
        assert_eq!(kept, [1, 1, 0], "its own, and those of who lives");
        assert_eq!(left(&one).await, (0, 2));
        for app in [one, living, silent] {
            app.db.close().await;
        }
    })
    .await;
}

/// The block of an upload is taken between its statements and its commit.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_an_upload_is_about_to_refer_to_are_not_taken() {
    on_both("about_to", async |catalog: Catalog| {
        let one = Arc::new(catalog.app("one", Settings::default()).await);
        let slow = catalog.app("slow", Settings::default()).await;
        let is_slow = Arc::new(AtomicBool::new(false));
        let (pauses, pausing) = (Arc::clone(&is_slow), Arc::new(tokio::sync::Notify::new()));
        let tell = Arc::clone(&pausing);
        slow.db.inject(move |moment| {
            if moment == Moment::BeforeCommit && pauses.swap(false, Ordering::Relaxed) {
                tell.notify_one();
                // The commit has this thread to itself while it waits.
                #[allow(clippy::disallowed_methods)]
                std::thread::sleep(PAUSE);
            }
            Ok(())
        });
        let (blob_id, stored) = write(&slow).await;
        let sweeper = Arc::clone(&one);
        let taking = tokio::spawn(async move {
            pausing.notified().await;
            let taken = sweep::take_lost_blocks(&sweeper, 0).await?;
            sweep::collect(&sweeper).await?;
            Ok::<_, Error>(taken)
        });
        is_slow.store(true, Ordering::Relaxed);
        store(&slow, "/a", "f.jpg", blob_id, &stored).await.expect("an upload");
        assert!(taking.await.expect("no panic").expect("a sweep"), "the block is taken when the upload is done");
        assert_eq!(left(&one).await, (1, 1));
        one.db.close().await;
        slow.db.close().await;
    })
    .await;
}

/// An upload whose commit fails, and one whose commit's answer is lost: the server that it was sent to cannot tell which.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_a_failed_commit_leaves_in_doubt_go_or_stay_without_a_restart() {
    on_both("doubt", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        let fault = Arc::new(Mutex::new(None));
        let next = Arc::clone(&fault);
        app.db.inject(move |moment| match next.lock().expect("no panic").take_if(|at| *at == moment) {
            Some(_) => Err(Error::Damaged("no answer to the commit".into())),
            None => Ok(()),
        });
        for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
            let (blob_id, stored) = write(&app).await;
            *fault.lock().expect("no panic") = Some(moment);
            let unknown = store(&app, "/a", "f.jpg", blob_id, &stored).await;
            assert!(matches!(unknown, Err(Error::Damaged(_))), "{unknown:?}");
            assert!(app.blobs.size(blob_id).await.expect("a look").is_some(), "they stay until it is known");
            sweep::round(&app).await.expect("a sweep");
            let bytes = app.blobs.read_in_memory(blob_id, 0..stored.size).await.ok();
            let expected = (moment == Moment::AfterCommit).then(|| b"a picture"[..].into());
            assert_eq!(bytes, expected, "{moment:?}");
        }
        assert_eq!(left(&app).await, (1, 1));
        // The last of the block; one more takes another, and forgets the first if nothing in it is in doubt.
        for _ in 2..256 {
            let unused = app.blob_ids.take(&app.db).await.expect("a blob id");
            app.blob_ids.settle(unused.id);
        }
        assert_eq!(blocks_of(&app, "one").await, 1);
        write(&app).await;
        assert_eq!(blocks_of(&app, "one").await, 1, "the first block is settled");
        app.db.close().await;
    })
    .await;
}

/// A round comes by while a commit is under way: it waits for how that ends.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_commit_that_is_under_way_stay() {
    on_both("under_way", async |catalog: Catalog| {
        let app = Arc::new(catalog.app("one", Settings::default()).await);
        let pausing = Arc::new(tokio::sync::Notify::new());
        let (tell, is_slow) = (Arc::clone(&pausing), AtomicBool::new(true));
        let (blob_id, stored) = write(&app).await;
        app.db.inject(move |moment| {
            if moment == Moment::BeforeCommit && is_slow.swap(false, Ordering::Relaxed) {
                tell.notify_one();
                // The commit has this thread to itself while it waits.
                #[allow(clippy::disallowed_methods)]
                std::thread::sleep(PAUSE);
            }
            Ok(())
        });
        let sweeper = Arc::clone(&app);
        let sweeping = tokio::spawn(async move {
            pausing.notified().await;
            sweep::round(&sweeper).await
        });
        store(&app, "/a", "f.jpg", blob_id, &stored).await.expect("an upload");
        sweeping.await.expect("no panic").expect("a sweep");
        assert_eq!(left(&app).await, (1, 1));
        app.db.close().await;
    })
    .await;
}

/// Its client leaves at one moment after the other: the future of the upload is dropped after so many polls.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_given_up_keeps_no_block_of_ids() {
    on_both("given_up", async |catalog: Catalog| {
        let app = &catalog.app("one", Settings::default()).await;
        let (mut before_bytes, mut with_bytes, mut done) = (0, 0, 0);
        for number in 0..256 {
            let has_bytes = AtomicBool::new(false);
            let watch = app.blob_ids.take(&app.db).await.expect("a blob id");
            let mut upload = Box::pin(async {
                let body = futures_util::stream::iter([Ok::<_, std::io::Error>(b"a picture"[..].into())]);
                let stored = app.blobs.put(watch.id, body, 1 << 20).await.expect("a blob");
                has_bytes.store(true, Ordering::Relaxed);
                store(app, "/a", &format!("{number}.jpg"), watch.id, &stored).await.expect("an upload");
                drop(watch);
            });
            let mut is_done = false;
            for _ in 0..number % 32 {
                is_done = is_done || futures_util::poll!(upload.as_mut()).is_ready();
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
            drop(upload);
            match (is_done, has_bytes.into_inner()) {
                (true, _) => done += 1,
                (false, true) => with_bytes += 1,
                (false, false) => before_bytes += 1,
            }
        }
        assert!(before_bytes > 0 && (with_bytes > 0 || app.db.is_sqlite()), "{before_bytes} {with_bytes} {done}");
        let began = Instant::now();
        // What is still being written is looked at in the round after. Some were given up after their commit.
        loop {
            let (contents, blobs) = left(app).await;
            if began.elapsed() > PAUSE && blobs.cast_signed() == contents && contents >= done {
                break;
            }
            assert!(began.elapsed() < 60 * PAUSE, "{contents} contents, {blobs} blobs, {done} done");
        }
        write(app).await;
        assert_eq!(blocks_of(app, "one").await, 1, "the first block is settled");
        app.db.close().await;
    })
    .await;
}

/// Whoever waits for its turn to sweep keeps nobody from the tree.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_for_the_lease_holds_up_no_upload() {
    let Some(catalog) = Catalog::postgres("turns").await else { return };
    let app = Arc::new(catalog.app("one", Settings::default()).await);
    let lost = catalog.app("lost", Settings::default()).await;
    write(&lost).await;
    // Another server is in the middle of a batch, its first.
    let mut batch = app.db.write(Reach::Apart).await.expect("a transaction");
    assert!(collect::hold_lease(&mut batch, "another").await.expect("a lease"));
    let searcher = Arc::clone(&app);
    let searching = tokio::spawn(async move { sweep::collect(&searcher).await });
    let taker = Arc::clone(&app);
    let taking = tokio::spawn(async move { sweep::take_lost_blocks(&taker, 0).await });
    let pruner = Arc::clone(&app);
    let pruning = tokio::spawn(async move { sweep::forget_past(&pruner).await });
    tokio::time::sleep(PAUSE).await;
    let upload = tokio::time::timeout(UPLOAD_MAX, put(&app, "/a", "f.jpg")).await;
    upload.expect("the upload waits for the lease of the sweep");
    assert!(!searching.is_finished() && !taking.is_finished() && !pruning.is_finished(), "they wait for the batch");
    // They want the lease and the tree, some for themselves and some beside others: none waits for one that waits for it.
    batch.undo().await;
    searching.await.expect("no panic").expect("a search");
    assert!(taking.await.expect("no panic").expect("blocks are taken"));
    pruning.await.expect("no panic").expect("a batch");
    app.db.close().await;
    lost.db.close().await;
}

/// A server that freezes has the tree as often as it asks PostgreSQL for it. And PostgreSQL ends transactions that wait in
/// their server and say nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_and_a_request_of_one_server_do_not_both_ask_for_the_tree() {
    let Some(catalog) = Catalog::postgres("one_asks").await else { return };
    let app = Arc::new(catalog.app("one", Settings::default()).await);
    let mut holder = PgConnection::connect(catalog.url().expect("a database")).await.expect("a connection");
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TREE_LOCK).execute(&mut holder).await.expect("the tree");
    let requests = [Reach::Shape, Reach::Add, Reach::Add].map(|reach| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.db.write(reach).await?.commit().await })
    });
    tokio::time::sleep(PAUSE).await;
    let sweeper = Arc::clone(&app);
    let sweep = tokio::spawn(async move { sweep::forget_past(&sweeper).await });
    tokio::time::sleep(LONGER_THAN_A_FROZEN_ONE_LASTS).await;
    assert_eq!(asking(&mut holder).await, 1, "a request asks, and all others wait for their turn after it");
    holder.close().await.expect("the tree is let go");
    for request in requests {
        request.await.expect("no panic").expect("a request");
    }
    sweep.await.expect("no panic").expect("a batch");
    app.db.close().await;
}

/// What jobs could not do is forgotten with them, and not before.
#[tokio::test(flavor = "multi_thread")]
async fn failures_go_with_their_jobs() {
    on_both("failures", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        for name in ["a", "b", "c", "d"] {
            put(&app, &format!("/{name}"), "f.jpg").await;
            let job = submitted(&app, Kind::Copy, &format!("/{name}"), "/there").await;
            until_finished(&app, &mut Worker::new("one/1".into()), job).await;
        }
        let fails =
            "INSERT INTO job_failure (job_id, folder_id, name, reason) SELECT id, 1, 'f.jpg', 'a reason' FROM job";
        assert_eq!(catalog.execute(fails).await, 4);
        // Two of them end at the same time.
        for (folder, finished) in [("a", 10), ("b", 10), ("c", 20), ("d", 30)] {
            catalog.execute(&format!("UPDATE job SET finished = {finished} WHERE source_path = '/{folder}'")).await;
        }
        let orphans = "UPDATE job_failure SET reason = reason WHERE job_id NOT IN (SELECT id FROM job)";
        for (rows, jobs) in [(1, 2), (1, 1), (1, 0)] {
            let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
            assert_eq!(prune::prune_jobs(&mut tx, Millis(30), rows).await.expect("a deletion"), jobs);
            tx.commit().await.expect("a commit");
            assert_eq!(catalog.execute(orphans).await, 0);
        }
        assert_eq!(catalog.execute("DELETE FROM job_failure").await, 1, "that of the job which has not been pruned");
        app.db.close().await;
    })
    .await;
}

/// A merge hands a content from a row that the search for unused ones has yet to read to one that it has read.
#[tokio::test(flavor = "multi_thread")]
async fn contents_that_a_merge_hands_on_behind_the_search_are_not_taken() {
    on_both("handed", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        let other = catalog.app("other", Settings::default()).await;
        put(&app, "/a", "f.jpg").await;
        put(&app, "/m/a", "f.jpg").await;
        let (reached, merged) = (Arc::new(tokio::sync::Notify::new()), Arc::new(std::sync::Barrier::new(2)));
        let (tell, wait, commits) = (Arc::clone(&reached), Arc::clone(&merged), AtomicUsize::new(0));
        app.db.inject(move |moment| {
            // One that it begins, and one before each row: the first file has been read, and the second has not.
            if moment == Moment::AfterCommit && commits.fetch_add(1, Ordering::Relaxed) == 2 {
                tell.notify_one();
                // Others, and whoever watches their sockets, go on meanwhile.
                tokio::task::block_in_place(|| {
                    wait.wait();
                });
            }
            Ok(())
        });
        let app = Arc::new(app);
        let searcher = Arc::clone(&app);
        let searching = tokio::spawn(async move { sweep::collect_in_pages(&searcher, 1).await });
        reached.notified().await;
        let job = submitted(&other, Kind::Move, "/m/a", "/").await;
        until_finished(&other, &mut Worker::new("other/1".into()), job).await;
        tokio::task::spawn_blocking(move || merged.wait()).await.expect("no panic");
        searching.await.expect("no panic").expect("a search");
        sweep::release(&app).await.expect("the other may sweep");
        assert_eq!(left(&other).await, (2, 2), "both are versions of one file");
        app.db.close().await;
        other.db.close().await;
    })
    .await;
}

/// The check tells what `failpoints` and `tree_model` rely on: that no job leaves ids hidden.
#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_hidden_for_no_job_are_told() {
    on_both("hidden", async |catalog: Catalog| {
        let app = catalog.app("one", Settings::default()).await;
        let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
        clone::hide(&mut tx, JobId(77), 5_000, 5_010).await.expect("ids are hidden");
        tx.commit().await.expect("a commit");
        let found = check::check(&app.db, Some(&app.blobs)).await.expect("a check");
        assert_eq!(found.violations, ["ids from 5000 are hidden for no running job"]);
        app.db.close().await;
    })
    .await;
}
