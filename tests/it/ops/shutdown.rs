//! SIGTERM in the middle of things, with the real binary.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::send_signal;
use crate::support::server::{Options, PRIVATE_KEY, Server};

const POLL: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(20);

/// The head of an upload and the two halves of its body.
fn slow_upload(address: &str) -> (String, String, String) {
    let first = "--b\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\nslow.txt\r\n--b\r\n\
        Content-Disposition: form-data; name=\"useUniqueFileName\"\r\n\r\nfalse\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"slow.txt\"\r\n\r\nthe first half";
    let second = ", and the second\r\n--b--\r\n";
    let head = format!(
        "POST /api/v1/files/upload HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        STANDARD.encode(format!("{PRIVATE_KEY}:")),
        first.len() + second.len()
    );
    (head, first.into(), second.into())
}

#[tokio::test]
async fn an_upload_under_way_is_finished_and_nobody_new_is_let_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(&directory.path().join("data"), None).await;
    let (head, first, second) = slow_upload(server.address());
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    let mut idle = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(format!("{head}{first}").as_bytes()).await.expect("half a request");
    tokio::time::sleep(Duration::from_millis(300)).await;

    send_signal(server.process_id().expect("it runs"), "TERM");
    let refused = tokio::time::timeout(WAIT_MAX, async {
        while TcpStream::connect(server.address()).await.is_ok() {
            tokio::time::sleep(POLL).await;
        }
    });
    refused.await.expect("new connections are refused");
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(WAIT_MAX, idle.read_to_end(&mut rest)).await;
    assert!(closed.is_ok_and(|read| read.is_ok()) && rest.is_empty(), "who sends nothing is not waited for");
    assert!(server.is_running(), "the upload is waited for");

    stream.write_all(second.as_bytes()).await.expect("the other half");
    let mut answer = String::new();
    tokio::time::timeout(WAIT_MAX, stream.read_to_string(&mut answer)).await.expect("in time").expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.ended().await;
    assert!(!server.log_text().contains("still in flight"), "{}", server.log_end());
    server.fsck().await;
    server.restart().await;
    let kept = server.client().get_file("/slow.txt").await.expect("an answer");
    assert_eq!(kept.bytes, b"the first half, and the second");
}

#[tokio::test]
async fn who_has_not_finished_the_handshake_is_not_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    let path = |name: &str| tls.join(name).to_str().expect("a path in UTF-8").to_owned();
    let options = Options::new(directory.path().join("data"));
    super::output_of(options.program("tls", &["init", "--dir", tls.to_str().expect("a path in UTF-8")])).await;
    let options = options.argument("--tls-cert").argument(path("server.pem"));
    let mut server = Server::start_with(options.argument("--tls-key").argument(path("server-key.pem"))).await;
    let silent = TcpStream::connect(server.address()).await.expect("a connection");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    server.term().await;
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    assert!(!server.log_text().contains("still in flight"), "{}", server.log_end());
    drop(silent);
}

#[tokio::test]
async fn who_never_ends_is_cut_off_when_patience_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).argument("--shutdown-patience-ms").argument("500");
    let mut server = Server::start_with(options).await;
    let (head, first, _) = slow_upload(server.address());
    let mut stream = TcpStream::connect(server.address()).await.expect("a connection");
    stream.write_all(format!("{head}{first}").as_bytes()).await.expect("half a request");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    server.term().await;
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    assert!(server.log_text().contains("still in flight"), "{}", server.log_end());
    server.fsck().await;
}

#[tokio::test]
async fn a_job_is_handed_over_between_two_batches() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let slow = Options::new(&data).argument("--batch-rows").argument("2").argument("--batch-pause-ms").argument("300");
    let mut server = Server::start_with(slow).await;
    let client = server.client();
    for number in 0..40 {
        client.upload("/a", &format!("{number}.txt"), b"x".to_vec()).await.expect("an answer").expect(200);
    }
    let job = client.copy_folder("/a", "/b", false).await.expect("an answer").expect(200);
    let job_id = job.text("jobId").to_owned();
    let report = format!("/calotype/v1/jobs/{job_id}");
    let begun = tokio::time::timeout(WAIT_MAX, async {
        while client.send(reqwest::Method::GET, &report, None).await.expect("an answer").body["counts"]["files"] == 0 {
            tokio::time::sleep(POLL).await;
        }
    });
    begun.await.expect("the copy is under way");
    let began = Instant::now();
    server.term().await;
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());

    let mut catalog = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("catalog.db"));
    catalog = catalog.read_only(true);
    let mut connection = sqlx::ConnectOptions::connect(&catalog).await.expect("the catalog");
    let (phase, lease_until): (String, i64) =
        sqlx::query_as("SELECT phase, lease_until FROM job").fetch_one(&mut connection).await.expect("the job");
    assert_eq!(lease_until, 0, "the lease was not given back");
    assert_ne!(phase, "done");
    sqlx::Connection::close(connection).await.expect("closed");

    server.options_mut().arguments.clear();
    server.restart().await;
    let client = server.client();
    client.wait_completed(&job_id, WAIT_MAX).await;
    assert_eq!(client.list_all("/b/a").await.expect("a listing").len(), 40);
    server.term().await;
    server.fsck().await;
}
