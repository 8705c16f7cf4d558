//! `/healthz`, `/readyz` and `/metrics`, asked as a supervisor and as Prometheus ask.

use std::time::Duration;

use reqwest::Method;

use super::output_of;
use crate::support::client::{Client, answer, builder};
use crate::support::server::{Options, Server};

/// Longer than an answer of `/readyz` is kept.
const NEXT_LOOK: Duration = Duration::from_millis(700);

#[tokio::test]
async fn readiness_follows_the_blob_store_and_health_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let server = Server::start(&data, None).await;
    let get = async |path: &str| {
        answer(builder().build().expect("a client").get(format!("{}{path}", server.base()))).await.expect("an answer")
    };
    let ready = get("/readyz").await.expect(200);
    assert_eq!(ready.body, serde_json::json!({ "status": "ready", "catalog": "ok", "blobs": "ok" }));
    assert_eq!(ready.header("cache-control"), Some("no-store"));

    // A mount that has gone: another, empty directory is where the blobs were.
    let (blobs, away) = (data.join("blobs"), directory.path().join("away"));
    std::fs::rename(&blobs, &away).expect("the blobs can be moved");
    std::fs::create_dir(&blobs).expect("an empty directory");
    tokio::time::sleep(NEXT_LOOK).await;
    let not_ready = get("/readyz").await.expect(503);
    assert_eq!(not_ready.body, serde_json::json!({ "status": "not ready", "catalog": "ok", "blobs": "fails" }));
    assert_eq!(not_ready.header("content-type"), Some("application/json; charset=utf-8"));
    get("/healthz").await.expect(200);
    let check = server.options().program("healthcheck", &["--listen", server.address()]);
    assert!(!crate::support::server::run_bounded(check, Duration::from_secs(20)).await.status.success());

    std::fs::remove_dir(&blobs).expect("it is empty");
    std::fs::rename(&away, &blobs).expect("the blobs come back");
    tokio::time::sleep(NEXT_LOOK).await;
    get("/readyz").await.expect(200);
    let check = output_of(server.options().program("healthcheck", &["--listen", server.address()])).await;
    assert!(check.starts_with("200 OK"), "{check}");
}

#[tokio::test]
async fn metrics_need_a_key_here_and_none_on_their_own_listener() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).argument("--metrics-listen").argument("127.0.0.1:0");
    let server = Server::start_with(options).await;
    let client = server.client();
    answer(builder().build().expect("a client").get(format!("{}/metrics", server.base())))
        .await
        .expect("an answer")
        .expect(401);
    let rights = serde_json::json!({ "keys": "write", "files": "write", "folders": "write" });
    let restricted =
        client.post("/calotype/v1/keys", serde_json::json!({ "rights": rights })).await.expect("an answer");
    let restricted = client.with_key(restricted.expect(201).text("privateKey"));
    restricted.send(Method::GET, "/metrics", None).await.expect("an answer").expect(403);
    work(&client).await;

    let text = client.send(Method::GET, "/metrics", None).await.expect("an answer").expect(200);
    let text = text.body.as_str().expect("text").to_owned();
    for line in [
        "calotype_http_requests_total{route=\"/api/v1/files/upload\",method=\"POST\",status=\"2xx\"} 1",
        "calotype_http_requests_total{route=\"/v1/files/{id}/details\",method=\"GET\",status=\"4xx\"} 3",
        "calotype_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 3",
        "calotype_http_response_bytes_total{route=\"/library/{*path}\"} 6000",
        "calotype_upload_bytes_total 6000",
        "calotype_jobs_submitted_total{kind=\"copy\"} 1",
        "calotype_jobs_finished_total{kind=\"copy\"} 1",
        "calotype_jobs_failed_total{kind=\"copy\"} 0",
        "calotype_jobs_unfinished 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in:\n{text}");
    }
    for name in ["calotype_commit_duration_seconds_bucket", "calotype_wal_bytes", "process_resident_memory_bytes"] {
        assert!(text.contains(name), "{name} is missing in:\n{text}");
    }
    assert!(!text.contains("nobody") && !text.contains("a.bin"), "a path became a label:\n{text}");

    let log = server.log_text();
    let address = log.lines().find(|line| line.contains("metrics are served")).expect("it is logged");
    let address = serde_json::from_str::<serde_json::Value>(address).expect("JSON")["fields"]["address"].clone();
    let url = format!("http://{}/metrics", address.as_str().expect("an address"));
    let scraped = builder().build().expect("a client").get(&url).send().await.expect("an answer");
    assert_eq!(scraped.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(scraped.text().await.expect("text").contains("calotype_build_info{version="));
    let library = builder().build().expect("a client").get(url.replace("metrics", "v1/files")).send().await;
    assert_eq!(library.expect("an answer").status(), 404, "nothing else is served there");
}

/// One upload, one download, one job, and questions for what is not there.
async fn work(client: &Client) {
    client.upload("/a", "a.bin", vec![7; 6000]).await.expect("an answer").expect(200);
    assert_eq!(client.get_file("/a/a.bin").await.expect("an answer").bytes.len(), 6000);
    let job = client.copy_folder("/a", "/b", false).await.expect("an answer").expect(200);
    client.wait_completed(job.text("jobId"), Duration::from_secs(20)).await;
    for name in ["nobody1", "nobody2", "nobody3"] {
        client.details(name).await.expect("an answer");
        client.send(Method::GET, &format!("/{name}"), None).await.expect("an answer").expect(404);
    }
}
