//! Failures that were published of other systems, each under its name.
//!
//! Elsewhere, because they need what is there: the batch-clone race in `history/snapshot.rs`, the rescue of a live job in
//! `chaos/takeover.rs`, the cut between blob store and catalog in `chaos/lost_answers.rs`.

use std::time::Duration;

use crate::support::client::{Client, answer};
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

/// Rows of a batch; pages end there.
const PAGE: usize = 10;
const WAIT_MAX: Duration = Duration::from_secs(60);

async fn on_both(scenario: impl AsyncFn(&Client)) {
    on(None, &scenario).await;
    if let Some(database) = fresh_database("known").await {
        on(Some(&database.url), &scenario).await;
    }
}

async fn on(catalog: Option<&str>, scenario: &impl AsyncFn(&Client)) {
    let data = tempfile::tempdir().expect("a data directory");
    let options = Options::new(data.path()).catalog(catalog).variable("CALOTYPE_BATCH_ROWS", PAGE);
    let mut server = Server::start_with(options).await;
    scenario(&server.client()).await;
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

/// Page-boundary loss: a rename that walks a listing page by page, while what it has renamed drops out of that listing,
/// skips as many files as it has renamed.
#[tokio::test]
async fn page_boundary_loss_in_a_rename_a_copy_and_a_merge() {
    on_both(async |client: &Client| {
        for files in [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1] {
            let root = format!("/of{files}");
            for number in 0..files {
                client.upload(&format!("{root}/a"), &format!("{number}.txt"), b"x".to_vec()).await.unwrap().expect(200);
            }
            let done = async |submitted: crate::support::client::Result| {
                client.wait_completed(submitted.unwrap().expect(200).text("jobId"), WAIT_MAX).await;
            };
            let count = async |path: &str| client.list_all(&format!("{root}{path}")).await.unwrap().len();
            done(client.rename_folder(&format!("{root}/a"), "b").await).await;
            assert_eq!((count("/a").await, count("/b").await), (0, files), "renamed");
            done(client.copy_folder(&format!("{root}/b"), &format!("{root}/c"), false).await).await;
            assert_eq!(count("/c/b").await, files, "copied");
            // Onto a folder that has every second name, and one of its own.
            for number in (0..files).step_by(2) {
                client
                    .upload(&format!("{root}/d/b"), &format!("{number}.txt"), b"y".to_vec())
                    .await
                    .unwrap()
                    .expect(200);
            }
            client.upload(&format!("{root}/d/b"), "own.txt", b"y".to_vec()).await.unwrap().expect(200);
            done(client.move_folder(&format!("{root}/b"), &format!("{root}/d")).await).await;
            assert_eq!((count("/b").await, count("/d/b").await), (0, files + 1), "merged");
        }
    })
    .await;
}

/// A re-sent POST: a client that has not had its answer in time sends the same again, to the same end or to another
/// server, and what it asked for is done twice.
#[tokio::test]
async fn a_resent_post_is_the_same_job() {
    on_both(async |client: &Client| {
        for number in 0..3 * PAGE {
            client.upload("/a", &format!("{number}.txt"), b"x".to_vec()).await.unwrap().expect(200);
        }
        let send = async |again: &str| {
            let body = serde_json::json!({ "sourceFolderPath": "/a", "destinationPath": "/b" });
            let request = client.request(reqwest::Method::POST, "/v1/bulkJobs/copyFolder");
            let sent = answer(request.header("x-stainless-retry-count", again).json(&body)).await;
            sent.expect("an answer").expect(200).text("jobId").to_owned()
        };
        // All at one time: none of them can find another's job that is done.
        let (first, second, third) = tokio::join!(send("0"), send("1"), send("2"));
        assert!(first == second && second == third, "{first} {second} {third}");
        client.wait_completed(&first, WAIT_MAX).await;
        assert_eq!(send("1").await, first, "also when it is over");
        for file in client.list_all("/b/a").await.expect("a listing") {
            assert_eq!(file["versionInfo"]["name"], "Version 1", "{file:#}");
        }
    })
    .await;
}
