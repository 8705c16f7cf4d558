//! A worker that has lost its job writes nothing, whatever it believes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::Error;
use calotype::jobs::submit::{Request, submit};
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::{check, folders};
use calotype::model::job::Kind;
use calotype::model::path::FolderPath;
use calotype::store::{Moment, Reach, jobs};
use calotype::tree::place::{self, Names};

use crate::support::catalog::Catalog;

/// Folders in the source; each step clones one.
const FOLDERS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_claim_gives_no_right_to_anothers_term_on_sqlite() {
    an_undone_claim_gives_no_right_to_anothers_term(&Catalog::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_claim_gives_no_right_to_anothers_term_on_postgres() {
    let Some(catalog) = Catalog::postgres("lease").await else { return };
    an_undone_claim_gives_no_right_to_anothers_term(&catalog).await;
}

/// The first worker's claim is undone by a failing commit, so that the second is given the same term.
async fn an_undone_claim_gives_no_right_to_anothers_term(catalog: &Catalog) {
    let app = catalog.app("one", Settings { batch_rows: 1, ..Settings::default() }).await;
    let failing = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&failing);
    app.db.inject(move |moment| {
        let hit = moment == Moment::BeforeCommit && fails.swap(false, Ordering::Relaxed);
        if hit { Err(Error::Damaged("the commit fails".into())) } else { Ok(()) }
    });
    queue_copy(&app).await;
    let (mut first, mut second) = (Worker::new("one/1".into()), Worker::new("two/1".into()));

    failing.store(true, Ordering::Relaxed);
    assert!(matches!(worker::step(&app, &mut first).await, Err(Error::Damaged(_))), "the claim is undone");
    let claimed = worker::step(&app, &mut second).await.expect("the second worker claims");
    assert!(matches!(claimed, Stepped::On(_)), "{claimed:?}");
    let intruding = worker::step(&app, &mut first).await;
    assert!(matches!(intruding, Err(Error::Fenced)), "a worker without the lease stepped: {intruding:?}");
    assert_eq!(worker::step(&app, &mut first).await.expect("a look"), Stepped::Idle, "the job is the second's");

    // And once more when the second has fallen silent: then it is a claim like any other.
    let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
    jobs::release_all(&mut tx).await.expect("the leases end");
    tx.commit().await.expect("a commit");
    assert!(matches!(worker::step(&app, &mut first).await.expect("a claim"), Stepped::On(_)));
    assert!(matches!(worker::step(&app, &mut second).await, Err(Error::Fenced)), "the first took over");
    while !matches!(worker::step(&app, &mut first).await.expect("a step"), Stepped::Finished(_)) {}

    let mut tx = app.db.read().await.expect("a transaction");
    for number in 0..FOLDERS {
        let path = FolderPath::parse(&format!("there/source/{number}")).expect("a path");
        assert!(place::find(&mut tx, &path).await.expect("a read").is_some(), "{path} was not copied");
    }
    drop(tx);
    let found = check::check(&app.db, Some(&app.blobs)).await.expect("a check");
    assert!(found.violations.is_empty(), "{:#?}", found.violations);
    app.db.close().await;
}

async fn queue_copy(app: &App) {
    let source = FolderPath::root().join("source");
    for number in 0..FOLDERS {
        folders::create(app, &source, &number.to_string(), Names::Verbatim).await.expect("a folder");
    }
    let request = Request {
        kind: Kind::Copy,
        source,
        source_as_sent: "/source".into(),
        destination: FolderPath::root().join("there"),
        target_name: "source".into(),
        include_versions: false,
        purge_cache: false,
        names: Names::Verbatim,
        caller: "a key".into(),
        is_retry: false,
    };
    submit(app, &request).await.expect("a job");
}
