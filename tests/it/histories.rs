//! Files with long histories: a step is as long as the rows that it writes, however few files they belong to.

use calotype::app::App;
use calotype::config::Settings;
use calotype::jobs::submit::{Request, submit};
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::{files, folders};
use calotype::model::ids::FileId;
use calotype::model::job::Kind;
use calotype::store::{Reach, collect, sweep};
use calotype::tree::place::Names;

use crate::collector::put;
use crate::side_by_side::{end, on_both, path, submitted};
use crate::support::catalog::Catalog;

const FILES: i64 = 12;
const VERSIONS: i64 = 10;
/// Rows of a step: the histories of two files and a bit.
const ROWS: i64 = 25;

/// A library with files of ten versions each in `/from/h`.
async fn library(catalog: &Catalog) -> (App, Vec<FileId>) {
    let app = catalog.app("one", Settings { batch_rows: ROWS, ..Settings::default() }).await;
    let mut made = Vec::new();
    for file in 0..FILES {
        for version in 0..VERSIONS {
            let id = put(&app, "from/h", &format!("{file:02}")).await;
            if version == 0 {
                made.push(id);
            }
        }
    }
    (app, made)
}

/// How many superseded versions each step has written more than there were, until there is nothing to do.
async fn steps(catalog: &Catalog, app: &App) -> Vec<i64> {
    let mut worker = Worker::new("one/1".into());
    let (mut written, mut before) = (Vec::new(), versions(catalog).await);
    while worker::step(app, &mut worker).await.expect("a step") != Stepped::Idle {
        let now = versions(catalog).await;
        written.push(now - before);
        before = now;
    }
    written
}

/// Superseded versions of all files, those that a step has to write again for another file included.
async fn versions(catalog: &Catalog) -> i64 {
    // A statement that changes nothing tells how many rows it met.
    catalog.execute("UPDATE version SET flags = flags").await.cast_signed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_takes_fewer_files_at_once_when_their_histories_are_long() {
    on_both("copied", async |catalog| {
        let (mut app, _) = library(&catalog).await;
        app.settings.batch_rows = 4;
        let request = Request {
            kind: Kind::Copy,
            source_as_sent: "/from".into(),
            source: path("from"),
            destination: path("copies"),
            target_name: "from".into(),
            include_versions: true,
            purge_cache: false,
            names: Names::Verbatim,
            caller: "a key".into(),
            is_retry: false,
        };
        submit(&app, &request).await.expect("a job");
        let written = steps(&catalog, &app).await;
        assert_eq!(written.iter().sum::<i64>(), FILES * (VERSIONS - 1));
        // How long they are is not known before the first.
        let first = written.iter().position(|rows| *rows > 0).expect("some are written");
        assert!(written[first + 1..].iter().all(|rows| *rows < VERSIONS), "{written:?}");
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_takes_fewer_names_at_once_when_their_histories_are_long() {
    on_both("merged", async |catalog| {
        let (app, made) = library(&catalog).await;
        for file in 0..FILES {
            put(&app, "to/h", &format!("{file:02}")).await;
        }
        submitted(&app, Kind::Move, "from/h", "to").await;
        // Each brings ten to one, which is superseded too; the source's rows go.
        let mut worker = Worker::new("one/1".into());
        let (mut left, mut steps) = (made.len(), 0);
        while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {
            let now = there(&app, &made).await;
            // One page that fits into the step, and one file in what is left of it.
            assert!((left - now) as i64 * VERSIONS <= ROWS + VERSIONS, "{} files went in one step", left - now);
            (left, steps) = (now, steps + 1);
        }
        assert_eq!(left, 0, "all have gone into those that were there");
        assert!(steps >= FILES / 3, "{steps} steps");
        end(&app).await;
    })
    .await;
}

/// How many of the files there are.
async fn there(app: &App, made: &[FileId]) -> usize {
    let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
    let mut there = 0;
    for file in made {
        there += usize::from(calotype::store::files::by_id(&mut tx, *file).await.expect("a read").is_some());
    }
    tx.undo().await;
    there
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_and_the_journal_are_emptied_by_rows_and_not_by_files() {
    on_both("emptied", async |catalog| {
        let (app, made) = library(&catalog).await;
        let (trashed, deleted) = made.split_at(made.len() / 2);
        for file in deleted {
            files::delete(&app, *file).await.expect("a deletion");
        }
        let mut gone = 0;
        while there_in_journal(&catalog).await > 0 {
            let mut tx = app.db.write(Reach::Add).await.expect("a transaction");
            let newest = sweep::last_change(&mut tx).await.expect("a number");
            let until = sweep::prune_end(&mut tx, newest, ROWS).await.expect("an end");
            let rows = sweep::prune(&mut tx, until).await.expect("a batch").cast_signed();
            assert!((1..=ROWS + VERSIONS).contains(&rows), "{rows} rows of the journal at once");
            gone += rows;
            tx.commit().await.expect("a commit");
        }
        assert!(gone >= deleted.len() as i64 * VERSIONS, "{gone}");

        folders::delete(&app, &path("from"), "/from").await.expect("a deletion");
        let mut gone = 0;
        loop {
            let mut tx = app.db.write(Reach::Add).await.expect("a transaction");
            let Some(folder) = collect::trashed(&mut tx, i64::MAX).await.expect("a read") else { break };
            let rows = collect::empty_some(&mut tx, folder, ROWS).await.expect("a batch").cast_signed();
            assert!((1..=ROWS).contains(&rows), "{rows} rows of the trash at once");
            gone += rows;
            tx.commit().await.expect("a commit");
        }
        assert!(gone >= trashed.len() as i64 * VERSIONS, "{gone}");
        assert_eq!(versions(&catalog).await, 0);
        end(&app).await;
    })
    .await;
}

async fn there_in_journal(catalog: &Catalog) -> u64 {
    catalog.execute("UPDATE past_file SET flags = flags").await
}
