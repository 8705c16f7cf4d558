//! The log at its most talkative: every line is JSON, and nothing secret is in it.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::support::server::{Options, PRIVATE_KEY, PUBLIC_KEY, Server};

/// Sent in requests in places where clients have secrets.
const SIGNATURE: &str = "5ec7e7516a7u7e0123456789abcdef";
const TOKEN: &str = "70ken-0123456789-abcdef";
const WRONG_KEY: &str = "private_5ec7e7_of_another_library";

#[tokio::test]
async fn every_line_is_json_and_no_secret_is_in_any() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut server = Server::start_with(Options::new(&data).variable("RUST_LOG", "trace")).await;
    let client = server.client();
    client.upload("/a", "a.txt", b"bytes".to_vec()).await.expect("an answer").expect(200);
    let signed = [("signature", SIGNATURE), ("token", TOKEN), ("expire", "1")];
    client.upload_with("/a", "b.txt", b"bytes".to_vec(), &signed).await.expect("an answer");
    let job = client.copy_folder("/a", "/b", false).await.expect("an answer").expect(200);
    let job_id = job.text("jobId").to_owned();
    client.wait_completed(&job_id, Duration::from_secs(20)).await;
    client.with_key(WRONG_KEY).list("/").await.expect("an answer").expect(403);
    for query in
        [format!("ik-s={SIGNATURE}&ik-t=1"), format!("token={TOKEN}"), format!("key={PRIVATE_KEY}"), SIGNATURE.into()]
    {
        client.get(&format!("{}/library/a/a.txt?{query}", server.base())).await.expect("an answer");
    }
    let listed = client.send(Method::GET, "/v1/files?path=/a&limit=5", None).await.expect("an answer").expect(200);
    let request_id = listed.header("x-ik-requestid").expect("an id").to_owned();
    server.term().await;

    let secret = std::fs::read_to_string(data.join("secret")).expect("the secret");
    let credentials = |key: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{key}:"));
    let (right, wrong) = (credentials(PRIVATE_KEY), credentials(WRONG_KEY));
    let secrets = [
        PRIVATE_KEY,
        SIGNATURE,
        TOKEN,
        WRONG_KEY,
        secret.trim(),
        right.trim_end_matches('='),
        wrong.trim_end_matches('='),
    ];
    let log = server.log_text();
    let mut lines = Vec::new();
    for line in log.lines() {
        lines.push(serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        for secret in secrets {
            assert!(!line.contains(secret), "{secret} is in: {line}");
        }
    }
    assert!(lines.len() > 12, "the log was not talkative: {} lines", lines.len());

    let answered = lines
        .iter()
        .find(|line| line["fields"]["message"] == "answered" && line["span"]["request_id"] == request_id.as_str());
    let answered = answered.unwrap_or_else(|| panic!("no line for {request_id}{}", server.log_end()));
    assert_eq!(answered["span"]["key"], PUBLIC_KEY);
    assert_eq!(answered["fields"]["path"], "/v1/files?path=/a&limit=5");
    assert_eq!((&answered["fields"]["status"], &answered["fields"]["method"]), (&200.into(), &"GET".into()));
    assert!(answered["fields"]["duration_ms"].as_f64().expect("a number") > 0.0);
    for message in ["job accepted", "batch done", "job finished"] {
        let told =
            lines.iter().any(|line| line["fields"]["message"] == message && line["fields"]["job"] == job_id.as_str());
        assert!(told, "no {message:?} for {job_id}{}", server.log_end());
    }
}

#[tokio::test]
async fn what_fails_on_our_side_is_told_without_being_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let server = Server::start(&data, None).await;
    let client = server.client();
    client.upload("/a", "a.txt", b"bytes".to_vec()).await.expect("an answer").expect(200);
    std::fs::remove_dir_all(data.join("blobs/blobs")).expect("the blobs can be lost");
    let failed = client.send(Method::GET, "/library/a/a.txt?cache=0123", None).await.expect("an answer").expect(500);
    let request_id = failed.header("x-ik-requestid").expect("an id");
    let log = server.log_text();
    let line = log.lines().find(|line| line.contains("request failed")).unwrap_or_else(|| panic!("not told:\n{log}"));
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&line["level"], &line["span"]["request_id"]), (&"ERROR".into(), &request_id.into()));
    assert_eq!(line["fields"]["path"], "/library/a/a.txt?cache=…");
    assert!(line["fields"]["error"].as_str().expect("a cause").contains("blob"), "{line}");
    assert!(!log.contains("\"answered\""), "what went well is not told at this level");
}
