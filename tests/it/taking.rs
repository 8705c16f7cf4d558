//! What a step takes, and what it leaves to other servers.

use std::sync::Arc;

use calotype::config::Settings;
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::folders;
use calotype::model::job::Kind;
use calotype::store::Moment;
use calotype::tree::place::Names;

use crate::side_by_side::{path, submitted};
use crate::support::catalog::Catalog;

/// Small jobs are taken several at once. A step on a large one must leave other large ones to other servers.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_on_a_large_job_holds_no_other() {
    const SMALL: i64 = 4;
    let Some(catalog) = Catalog::postgres("one_at_a_time").await else { return };
    let app = catalog.app("one", Settings { batch_rows: 1000, ..Settings::default() }).await;
    folders::create(&app, &path("/"), "large", Names::Verbatim).await.expect("a folder");
    folders::create(&app, &path("small"), "inside", Names::Verbatim).await.expect("a folder");
    let files = "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT (SELECT id FROM folder WHERE name = 'large'), n, n, n, 1, 1, 0, 0, 0, 0, 0 FROM generate_series(-9000, -1) n";
    catalog.execute(files).await;
    let mut worker = Worker::new("one/1".into());
    for number in 0..SMALL {
        submitted(&app, Kind::Copy, "small", &format!("copies/{number}")).await;
    }
    while worker::step(&app, &mut worker).await.expect("a step") != Stepped::Idle {}
    for number in 0..2 {
        submitted(&app, Kind::Copy, "large", &format!("copies/large/{number}")).await;
    }
    // It learns with the first that they are large.
    worker::step(&app, &mut worker).await.expect("a step");

    let url = catalog.url().expect("PostgreSQL").to_owned();
    let free = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&free);
    app.db.inject(move |moment| {
        if moment == Moment::BeforeCommit {
            let url = url.clone();
            let looked = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let mut beside =
                        <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.expect("a connection");
                    let free =
                        "SELECT count(*) FROM (SELECT id FROM job WHERE phase <> 'done' FOR UPDATE SKIP LOCKED) free";
                    sqlx::query_as::<_, (i64,)>(free).fetch_one(&mut beside).await.expect("a count").0
                })
            });
            seen.lock().expect("whole").push(looked.join().expect("a look"));
        }
        Ok(())
    });
    for _ in 0..4 {
        worker::step(&app, &mut worker).await.expect("a step");
    }
    assert_eq!(*free.lock().expect("whole"), vec![1; 4], "one of the two is free for another server");
    app.db.close().await;
}
