//! Submissions that arrive together, where there is much to count.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype::config::Settings;
use calotype::error::{Error, Refusal, Result};
use calotype::jobs::gather;
use calotype::jobs::submit::{Request, submit_all};
use calotype::library::folders;
use calotype::model::ids::JobId;
use calotype::model::job::Kind;
use calotype::store::Moment;
use calotype::tree::place::Names;

use crate::side_by_side::{on_both, path};
use crate::support::catalog::Catalog;

/// Two folders of this size are more than one transaction counts.
const LARGE: i64 = 11_000;
const OBJECTS_MAX: i64 = 15_000;
const HUGE: i64 = 16_000;

fn copy(source: &str, destination: &str) -> Request {
    Request {
        kind: Kind::Copy,
        source: path(source),
        source_as_sent: source.into(),
        destination: path(destination),
        target_name: source.into(),
        include_versions: false,
        purge_cache: false,
        names: Names::Verbatim,
        caller: "a key".into(),
        is_retry: false,
    }
}

fn told(answer: &Result<JobId>) -> &'static str {
    match answer {
        Ok(_) => "accepted",
        Err(Error::Refused(Refusal::TooManyObjects(OBJECTS_MAX))) => "too many",
        Err(Error::Refused(Refusal::NothingAtSource(_))) => "nothing",
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_for_many_submissions_keeps_others_waiting_for_one_count_at_a_time() {
    on_both("gathering", async |catalog: Catalog| {
        let settings = Settings { folder_objects_max: Some(OBJECTS_MAX), ..Settings::default() };
        let app = Arc::new(catalog.app("one", settings).await);
        for (name, files) in [("small", 3), ("large", LARGE), ("huge", HUGE)] {
            folders::create(&app, &path(""), name, Names::Verbatim).await.expect("a folder");
            catalog.execute("INSERT INTO content (id, blob_id, size, digest, mime, is_image, created) VALUES (-1, -1, 0, '', '', false, 0)
                ON CONFLICT (id) DO NOTHING").await;
            let statement = format!(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {files})
                INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
                SELECT f.id, CAST(n AS TEXT), - f.id * 100000 - n, - f.id * 100000 - n, 1, -1, 0, 0, 0, 0, 0
                FROM n CROSS JOIN folder f WHERE f.name = '{name}'"
            );
            catalog.execute(&statement).await;
        }
        let together = [copy("large", "a"), copy("nowhere", "a"), copy("large", "b"), copy("small", "b")];
        let answers = submit_all(&app, &together).await.expect("answers");
        assert_eq!(answers.len(), 3, "no further request is looked at when two large folders are counted");
        let answers = submit_all(&app, &[copy("huge", "a"), copy("huge", "b"), copy("small", "a")]).await;
        assert_eq!(answers.expect("answers").len(), 2, "also if they are refused");

        // Everybody waits for this one, so they are taken together.
        let commits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&commits);
        app.db.inject(move |moment| {
            count.fetch_add(usize::from(moment == Moment::AfterCommit), Ordering::Relaxed);
            Ok(())
        });
        let before_all = app.db.submit().await.expect("a transaction");
        let sources = ["small", "large", "huge", "nowhere", "large", "small", "large", "small"];
        let mut waiting = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            let (app, request) = (Arc::clone(&app), copy(source, &format!("c{number}")));
            waiting.push(tokio::spawn(async move { gather::submit(&app, request).await }));
            // In this order.
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        before_all.undo().await;
        let mut answers = Vec::new();
        for answer in waiting {
            answers.push(answer.await.expect("no panic"));
        }
        let expected = ["accepted", "accepted", "too many", "nothing", "accepted", "accepted", "accepted", "accepted"];
        assert_eq!(answers.iter().map(told).collect::<Vec<_>>(), expected);
        let jobs: Vec<JobId> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(jobs.is_sorted_by_key(|job| job.0), "ids are the order of submission: {jobs:?}");
        // The first by itself, the large one and the huge one, all up to two more large ones, the last.
        assert_eq!(commits.load(Ordering::Relaxed), 4);
        app.db.close().await;
    })
    .await;
}
