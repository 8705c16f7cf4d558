//! A step whose commit failed leaves nothing behind, no step is done by two workers, and nobody waits for one that has ended.

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
async fn a_job_is_one_workers_at_a_time_on_sqlite() {
    a_job_is_one_workers_at_a_time(&Catalog::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_one_workers_at_a_time_on_postgres() {
    let Some(catalog) = Catalog::postgres("lease").await else { return };
    a_job_is_one_workers_at_a_time(&catalog).await;
}

/// The first worker's step is undone by a failing commit; the second takes the job; the first must not go on with it
/// before the second has been silent for the length of a lease.
async fn a_job_is_one_workers_at_a_time(catalog: &Catalog) {
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
    assert!(matches!(worker::step(&app, &mut first).await, Err(Error::Damaged(_))), "the step is undone");
    assert_eq!(
        worker::step(&app, &mut second).await.expect("the second worker takes the job"),
        Stepped::Worked(Vec::new())
    );
    assert_eq!(worker::step(&app, &mut first).await.expect("a look"), Stepped::Idle, "the job is the second's");

    let mut tx = app.db.write(Reach::Apart).await.expect("a transaction");
    jobs::release_all(&mut tx).await.expect("the leases end");
    tx.commit().await.expect("a commit");
    assert_eq!(worker::step(&app, &mut first).await.expect("a step"), Stepped::Worked(Vec::new()));
    assert_eq!(worker::step(&app, &mut second).await.expect("a look"), Stepped::Idle, "the first took over");
    while !matches!(worker::step(&app, &mut first).await.expect("a step"), Stepped::Worked(done) if !done.is_empty()) {}

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

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_ends_with_its_worker_on_sqlite() {
    a_lease_ends_with_its_worker(&Catalog::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_ends_with_its_worker_on_postgres() {
    let Some(catalog) = Catalog::postgres("lease_ends").await else { return };
    a_lease_ends_with_its_worker(&catalog).await;
}

/// Leases here never run out, so whoever goes on with the job does so because its lease was given up.
async fn a_lease_ends_with_its_worker(catalog: &Catalog) {
    let open = async |name: &str| catalog.app(name, Settings { batch_rows: 1, ..Settings::default() }).await;
    let for_ever = async || catalog.execute("UPDATE job SET lease_until = 9000000000000000").await;
    let worked = Stepped::Worked(Vec::new());
    let app = open("one").await;
    queue_copy(&app).await;
    let (mut first, mut second) = (Worker::new("one/1".into()), Worker::new("two/1".into()));
    assert_eq!(worker::step(&app, &mut first).await.expect("a step"), worked);
    for_ever().await;
    assert_eq!(worker::step(&app, &mut second).await.expect("a look"), Stepped::Idle, "the job is the first's");
    worker::release(&app, &first).await.expect("the lease is given back");
    assert_eq!(worker::step(&app, &mut second).await.expect("a step"), worked, "the first has ended");
    for_ever().await;
    worker::release(&app, &first).await.expect("nothing is given back");
    assert_eq!(worker::step(&app, &mut first).await.expect("a look"), Stepped::Idle, "the lease is the second's");
    app.db.close().await;

    // The second's server was killed, and comes back.
    let app = open("two").await;
    let (mut third, mut fourth) = (Worker::new("three/1".into()), Worker::new("four/1".into()));
    assert_eq!(worker::step(&app, &mut third).await.expect("a step"), worked, "a server voids its own leases");
    for_ever().await;
    app.db.close().await;
    // Over SQLite there is no other server, whatever its name was; over PostgreSQL the third's may still be running.
    let app = open("two").await;
    let stepped = worker::step(&app, &mut fourth).await.expect("a look or a step");
    assert_eq!(stepped == worked, !catalog.is_postgres(), "{stepped:?}");
    worker::release(&app, &third).await.expect("the lease is given back");
    let mut stepped = worked.clone();
    while stepped == worked {
        stepped = worker::step(&app, &mut fourth).await.expect("a step");
    }
    assert_ne!(stepped, Stepped::Idle, "the job ends");
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
