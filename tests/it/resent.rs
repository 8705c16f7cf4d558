//! When a request is an earlier one sent again: by what it asks, by whose key it comes, and for how long.
//!
//! What clients see of it is in `routes/jobs/retries.rs`. Here times are set back in the job's row, so nobody waits for them.

use calotype::app::App;
use calotype::config::Settings;
use calotype::jobs::submit::{Request, submit};
use calotype::jobs::worker::{self, Worker};
use calotype::library::folders;
use calotype::model::ids::JobId;
use calotype::model::job::Kind;
use calotype::model::path::FolderPath;
use calotype::model::time::Millis;
use calotype::tree::place::Names;

use crate::side_by_side::{end, on_both, path, until_finished};
use crate::support::catalog::Catalog;

/// Folders of the source; a step copies one.
const FOLDERS: usize = 10;
/// Around a limit on time: longer than the test takes to ask.
const MARGIN_MS: i64 = 30_000;
const RESENT_WITHIN_MS: i64 = 120_000;
const RETRY_FINDS_WITHIN_MS: i64 = 600_000;

fn copy_into(destination: &str) -> Request {
    Request {
        kind: Kind::Copy,
        source: path("source"),
        source_as_sent: "/source".into(),
        destination: path(destination),
        target_name: "source".into(),
        include_versions: false,
        purge_cache: false,
        names: Names::Verbatim,
        caller: "a key".into(),
        is_retry: false,
    }
}

async fn library(catalog: &Catalog) -> App {
    let app = catalog.app("one", Settings { batch_rows: 1, ..Settings::default() }).await;
    for number in 0..FOLDERS {
        folders::create(&app, &path("source"), &number.to_string(), Names::Verbatim).await.expect("a folder");
    }
    app
}

async fn sent(app: &App, request: &Request) -> JobId {
    submit(app, request).await.expect("a job")
}

async fn sent_again(app: &App, request: &Request) -> JobId {
    sent(app, &Request { is_retry: true, ..request.clone() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_asked_and_the_key_make_a_request_what_it_is() {
    on_both("identical", async |catalog| {
        let app = library(&catalog).await;
        let copy = copy_into("there");
        let rename = Request {
            kind: Kind::Rename,
            destination: FolderPath::root(),
            target_name: "named".into(),
            ..copy.clone()
        };
        let requests = [
            copy.clone(),
            Request { caller: "another key".into(), ..copy.clone() },
            Request { include_versions: true, ..copy.clone() },
            // The same call under `/v1`.
            Request { names: Names::Sanitised, ..copy.clone() },
            Request { kind: Kind::Move, ..copy.clone() },
            copy_into("elsewhere"),
            rename.clone(),
            Request { purge_cache: true, ..rename.clone() },
            Request { target_name: "named otherwise".into(), ..rename.clone() },
            Request { names: Names::Sanitised, ..rename.clone() },
            Request { caller: "another key".into(), ..rename },
        ];
        let mut jobs: Vec<JobId> = Vec::new();
        for request in &requests {
            // Marked as sent again, and yet the first of its kind.
            let job = sent_again(&app, request).await;
            assert!(!jobs.contains(&job), "{request:?} was taken for another");
            jobs.push(job);
        }
        for (request, job) in requests.iter().zip(&jobs) {
            assert_eq!(sent(&app, request).await, *job, "{request:?}");
            let spelled = Request { source_as_sent: "source//".into(), ..request.clone() };
            assert_eq!(sent_again(&app, &spelled).await, *job, "{request:?}");
        }
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_job_runs_an_unmarked_request_is_a_resent_one_for_two_minutes() {
    on_both("running", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let request = copy_into("there");
        let job = sent(&app, &request).await;
        let submitted_before = async |ms: i64| {
            let submitted = Millis::now().0 - ms;
            catalog.execute(&format!("UPDATE job SET submitted = {submitted} WHERE id = {}", job.0)).await;
        };
        submitted_before(10 * RETRY_FINDS_WITHIN_MS).await;
        assert_eq!(sent(&app, &request).await, job, "it has not started");
        worker::step(&app, &mut worker).await.expect("a step");
        submitted_before(RESENT_WITHIN_MS - MARGIN_MS).await;
        assert_eq!(sent(&app, &request).await, job);
        for ms in [RESENT_WITHIN_MS + MARGIN_MS, 10 * RETRY_FINDS_WITHIN_MS] {
            submitted_before(ms).await;
            assert_eq!(sent_again(&app, &request).await, job, "marked, after {ms} ms");
        }
        submitted_before(RESENT_WITHIN_MS + MARGIN_MS).await;
        let second = sent(&app, &request).await;
        assert_ne!(second, job, "somebody wants another copy");
        until_finished(&app, &mut worker, second).await;
        end(&app).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_job_ended_a_marked_request_finds_it_for_ten_minutes() {
    on_both("ended", async |catalog| {
        let app = library(&catalog).await;
        let mut worker = Worker::new("one/1".into());
        let request = copy_into("there");
        let job = sent(&app, &request).await;
        until_finished(&app, &mut worker, job).await;
        let ended_before = async |ms: i64| {
            // It was submitted long before, which does not matter.
            let now = Millis::now().0;
            let (submitted, finished) = (now - 100 * RETRY_FINDS_WITHIN_MS, now - ms);
            let times = format!("submitted = {submitted}, finished = {finished}");
            catalog.execute(&format!("UPDATE job SET {times} WHERE id = {}", job.0)).await;
        };
        ended_before(RETRY_FINDS_WITHIN_MS - MARGIN_MS).await;
        assert_eq!(sent_again(&app, &request).await, job);
        let of_another = Request { caller: "another key".into(), ..request.clone() };
        assert_ne!(sent_again(&app, &of_another).await, job, "another key's");
        ended_before(RETRY_FINDS_WITHIN_MS + MARGIN_MS).await;
        let second = sent_again(&app, &request).await;
        assert_ne!(second, job, "nobody sends again after so long");
        until_finished(&app, &mut worker, second).await;
        let third = sent(&app, &request).await;
        assert_ne!(third, second, "without the mark, right after the end");
        until_finished(&app, &mut worker, third).await;
        end(&app).await;
    })
    .await;
}
