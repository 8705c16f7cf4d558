//! A commit is sent and its answer lost, or it is lost itself: nobody on this side of the network can tell which. Nothing
//! may be done twice, and nothing that was acknowledged may be missing.

use std::time::{Duration, Instant};

use super::fleet::{Fleet, WAIT_MAX, files_below, make_source};
use crate::support::client::answer;
use crate::support::proxy::Loss;

const SMALL_BATCHES: [(&str, &str); 1] = [("CALOTYPE_BATCH_ROWS", "15")];

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_commit_or_its_answer_is_lost_is_done_once() {
    let Some(mut fleet) = Fleet::start("lost-step", &SMALL_BATCHES).await else { return };
    fleet.add(&SMALL_BATCHES).await;
    let client = fleet.client(0);
    make_source(&client, 4).await;
    let source = files_below(&client, "/source").await;
    let mut lost = 0;
    for (number, loss) in [Loss::Answer, Loss::Commit, Loss::Answer, Loss::Answer].into_iter().enumerate() {
        // Whoever takes the job: every step of it writes the job's row.
        for member in &fleet.members {
            member.network.lose("UPDATE job SET started", loss);
        }
        let destination = format!("/there/{number}");
        let job = client.copy_folder("/source", &destination, true).await.expect("an answer").expect(200);
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
        assert_eq!(files_below(&client, &format!("{destination}/source")).await, source, "{loss:?}");

        // Moved onto a copy it is merged: every history is appended once, or the versions tell.
        let other = format!("/merged/{number}");
        let job = client.copy_folder("/source", &other, true).await.expect("an answer").expect(200);
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
        for member in &fleet.members {
            member.network.lose("UPDATE job SET started", loss);
        }
        let job = client.move_folder(&format!("{other}/source"), &destination).await.expect("an answer").expect(200);
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
        let merged = files_below(&client, &format!("{destination}/source")).await;
        assert_eq!(merged.len(), source.len());
        assert!(merged.values().all(|(_, version)| version == "Version 2"), "{loss:?}: {merged:#?}");
        assert!(files_below(&client, &other).await.is_empty(), "{loss:?}");
        lost = fleet.members.iter().map(|member| member.network.losses()).sum();
    }
    assert!(lost >= 4, "only {lost} commits were lost, which proves little");
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_whose_answer_is_lost_finds_its_job_when_sent_again() {
    let Some(fleet) = Fleet::start("lost-submission", &[]).await else { return };
    let client = fleet.client(0);
    make_source(&client, 2).await;
    let source = files_below(&client, "/source").await;
    for (number, loss) in [Loss::Answer, Loss::Commit, Loss::Answer].into_iter().enumerate() {
        let destination = format!("/there/{number}");
        let body = serde_json::json!({ "sourceFolderPath": "/source", "destinationPath": destination });
        let send = async |again: &str| {
            let request = client.request(reqwest::Method::POST, "/v1/bulkJobs/copyFolder");
            answer(request.header("x-stainless-retry-count", again).json(&body)).await.expect("an answer")
        };
        fleet.members[0].network.lose("INSERT INTO job", loss);
        let unknown = send("0").await;
        assert!(unknown.status >= 500, "nobody knows: {unknown:#?}");
        let again = send("1").await.expect(200);
        let twice = send("2").await.expect(200);
        assert_eq!(again.text("jobId"), twice.text("jobId"));
        client.wait_completed(again.text("jobId"), WAIT_MAX).await;
        // A second copy would have appended to every file.
        assert_eq!(files_below(&client, &format!("{destination}/source")).await, source, "{loss:?}");
    }
    assert_eq!(fleet.members[0].network.losses(), 3);
    fleet.end().await;
}

/// A cut between blob store and catalog: bytes without a row may be left for a while, a row without its bytes never.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_between_blob_store_and_catalog_leaves_no_row_without_bytes() {
    let Some(fleet) = Fleet::start("lost-upload", &[]).await else { return };
    let client = fleet.client(0);
    for (number, loss) in [Loss::Answer, Loss::Commit, Loss::Answer].into_iter().enumerate() {
        let (name, bytes) = (format!("{number}.txt"), vec![b'x'; 100 + number]);
        fleet.members[0].network.lose("INSERT INTO content", loss);
        let unknown = client.upload("/up", &name, bytes.clone()).await.expect("an answer");
        assert!(unknown.status >= 500, "nobody knows: {unknown:#?}");
        let path = format!("/up/{name}");
        let download = client.get_file(&path).await.expect("an answer");
        match loss {
            Loss::Answer => assert!(download.status == 200 && download.bytes == bytes, "the row without its bytes"),
            Loss::Commit | Loss::Network => assert_eq!(download.status, 404),
        }
        let again = client.upload("/up", &name, bytes.clone()).await.expect("an answer").expect(200);
        let version = if loss == Loss::Answer { "Version 2" } else { "Version 1" };
        assert_eq!(again.body["versionInfo"]["name"], version);
        assert_eq!(client.get_file(&path).await.expect("an answer").bytes, bytes);
    }
    assert_eq!(fleet.members[0].network.losses(), 3);
    // The bytes whose row never came are looked for by the next round of the sweep.
    let began = Instant::now();
    while fleet.blobs() > 5 {
        assert!(began.elapsed() < WAIT_MAX, "the bytes of the lost commit stay");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(fleet.blobs(), 5, "each version has its bytes");
    fleet.end().await;
}
