//! HTTPS with the real server, and clients that trust nobody but the authority of `calotype tls init`.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use reqwest::tls::TlsInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{error_of, output_of, send_signal};
use crate::support::client::{Client, builder};
use crate::support::server::{Options, Server};

/// More than the server waits for a handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(15);
/// More than the server waits between two looks at the files.
const RELOAD_MAX: Duration = Duration::from_secs(25);

fn init(dir: &Path, arguments: &[&str]) -> Command {
    let dir = dir.to_str().expect("a path in UTF-8");
    Options::new("unused").program("tls", &[&["init", "--dir", dir], arguments].concat())
}

fn serve_with(data: PathBuf, tls: &Path) -> Options {
    let file = |name: &str| tls.join(name).to_str().expect("a path in UTF-8").to_owned();
    Options::new(data)
        .argument("--tls-cert")
        .argument(file("server.pem"))
        .argument("--tls-key")
        .argument(file("server-key.pem"))
}

/// A client that trusts the authority in this file, and finds these host names at the server.
fn trusting(ca: &Path, server: &Server, names: &[&str]) -> reqwest::Client {
    let ca = std::fs::read(ca).expect("the authority");
    let ca = reqwest::Certificate::from_pem(&ca).expect("a certificate");
    let address: SocketAddr = server.address().parse().expect("an address");
    let builder = builder().tls_certs_only([ca]).tls_info(true);
    names.iter().fold(builder, |builder, name| builder.resolve(name, address)).build().expect("a client")
}

fn port(server: &Server) -> u16 {
    server.address().parse::<SocketAddr>().expect("an address").port()
}

#[tokio::test]
async fn init_makes_private_keys_once_and_keeps_its_authority() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().join("tls");
    let told = output_of(init(&dir, &["media.example.com"])).await;
    for words in ["api.imagekit.io upload.imagekit.io ik.imagekit.io", "--tls-cert", "NODE_EXTRA_CA_CERTS", "--ca-cert"]
    {
        assert!(told.contains(words), "{words:?} is missing in {told}");
    }
    for (name, mode) in [("ca-key.pem", 0o600), ("server-key.pem", 0o600), ("ca.pem", 0o644), ("server.pem", 0o644)] {
        let found = std::fs::metadata(dir.join(name)).expect("it is made").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{name} has mode {found:o}");
    }
    let read = |name: &str| std::fs::read(dir.join(name)).expect("it is made");
    let before = [read("ca.pem"), read("ca-key.pem"), read("server.pem"), read("server-key.pem")];

    let error = error_of(init(&dir, &["media.example.com"])).await;
    assert!(error.contains("--force"), "{error}");
    assert_eq!(before, [read("ca.pem"), read("ca-key.pem"), read("server.pem"), read("server-key.pem")]);
    output_of(init(&dir, &["--force", "media.example.com"])).await;
    assert_eq!(before[..2], [read("ca.pem"), read("ca-key.pem")], "the authority stays");
    assert!(before[2] != read("server.pem") && before[3] != read("server-key.pem"), "the server's pair is new");
    let error = error_of(init(&dir, &["--force", "other.example"])).await;
    assert!(error.contains("may not vouch for other.example"), "{error}");
    std::fs::remove_file(dir.join("ca-key.pem")).expect("a key can be lost");
    let error = error_of(init(&dir, &["--force", "media.example.com"])).await;
    assert!(error.contains("ca-key.pem is not"), "{error}");
}

#[tokio::test]
async fn https_for_who_trusts_the_authority_under_every_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    output_of(init(&tls, &["media.example.com"])).await;
    let server = Server::start_with(serve_with(directory.path().join("data"), &tls)).await;
    let names = ["media.example.com", "api.imagekit.io", "ik.imagekit.io", "other.example"];
    let http = trusting(&tls.join("ca.pem"), &server, &names);
    for name in ["media.example.com", "api.imagekit.io", "localhost", "127.0.0.1"] {
        let client = Client::over(&format!("https://{name}:{}", port(&server)), http.clone());
        let upload = client.upload("/a", "a.txt", b"over TLS".to_vec()).await.expect("an answer").expect(200);
        let url = format!("https://{}/library/a/a.txt", server.address());
        assert_eq!(upload.text("url"), url, "URLs say https");
        assert_eq!(client.get(&url).await.expect("an answer").bytes, b"over TLS");
    }
    let wrong = http.get(format!("https://other.example:{}/healthz", port(&server))).send().await;
    assert!(wrong.expect_err("another name").is_connect());
    let stranger = builder().tls_certs_only([]).build().expect("a client");
    let refused = stranger.get(format!("https://{}/healthz", server.address())).send().await;
    assert!(refused.expect_err("no trust").is_connect());
    server.assert_no_panic();
}

#[tokio::test]
async fn an_expired_certificate_is_served_told_and_refused_by_clients() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().expect("a key");
    let ca_cert = ca.self_signed(&ca_key).expect("a certificate");
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let key = KeyPair::generate().expect("a key");
    let cert = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).expect("a certificate");
    for (name, text) in [("ca.pem", ca_cert.pem()), ("server.pem", cert.pem()), ("server-key.pem", key.serialize_pem())]
    {
        std::fs::write(dir.join(name), text).expect("a file");
    }
    let server = Server::start_with(serve_with(dir.join("data"), dir)).await;
    let http = trusting(&dir.join("ca.pem"), &server, &[]);
    let refused = http.get(format!("https://localhost:{}/healthz", port(&server))).send().await;
    assert!(format!("{:?}", refused.expect_err("it has expired")).contains("Expired"));
    assert!(server.log_text().contains("the certificate has run out"), "{}", server.log_end());
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_or_cut_off() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    output_of(init(&tls, &[])).await;
    let server = Server::start_with(serve_with(directory.path().join("data"), &tls)).await;
    let plain = builder().build().expect("a client").get(format!("http://{}/healthz", server.address())).send();
    let plain =
        tokio::time::timeout(Duration::from_secs(5), plain).await.expect("it does not hang").expect("an answer");
    assert_eq!(plain.status(), 400);
    assert_eq!(plain.headers()["content-type"], "application/json; charset=utf-8");
    let id = plain.headers()["x-ik-requestid"].to_str().expect("an id").to_owned();
    assert!(uuid::Uuid::parse_str(&id).is_ok(), "the id {id:?} is not a UUID");
    let body: serde_json::Value = plain.json().await.expect("a whole body");
    assert!(body["message"].as_str().is_some_and(|message| message.contains("https://")), "{body}");
    assert!(body["help"].as_str().is_some_and(|help| !help.is_empty()), "{body}");

    let mut silent = TcpStream::connect(server.address()).await.expect("a connection");
    let mut halfway = TcpStream::connect(server.address()).await.expect("a connection");
    halfway.write_all(&[0x16, 3, 1]).await.expect("a beginning");
    let began = Instant::now();
    for stream in [&mut silent, &mut halfway] {
        let ended = tokio::time::timeout(HANDSHAKE_MAX, stream.read(&mut [0; 16])).await;
        assert!(ended.is_ok(), "still open after {:?}", began.elapsed());
    }
    server.assert_no_panic();
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_while_the_server_runs() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    output_of(init(&tls, &[])).await;
    let server = Server::start_with(serve_with(directory.path().join("data"), &tls)).await;
    let certificate = async || {
        // A new client each time: an open connection keeps the certificate it was greeted with.
        let http = trusting(&tls.join("ca.pem"), &server, &[]);
        let answer = http.get(format!("https://localhost:{}/healthz", port(&server))).send().await.expect("an answer");
        answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).expect("a certificate").to_vec()
    };
    let before = certificate().await;

    std::fs::write(tls.join("server.pem"), "half").expect("a renewal that goes wrong");
    send_signal(server.process_id().expect("it runs"), "HUP");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(certificate().await, before, "the one before stays in use");
    // As certbot does: the files change and nobody tells.
    output_of(init(&tls, &["--force"])).await;
    let renewed = tokio::time::timeout(RELOAD_MAX, async {
        while certificate().await == before {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    });
    renewed.await.expect("the new one is served");
    assert!(server.log_text().contains("the certificate was not read again"), "{}", server.log_end());
}

#[tokio::test]
async fn plain_http_and_https_side_by_side() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    output_of(init(&tls, &[])).await;
    let options = serve_with(directory.path().join("data"), &tls).argument("--tls-listen").argument("127.0.0.1:0");
    let server = Server::start_with(options).await;
    let upload = server.client().upload("/a", "a.txt", b"both".to_vec()).await.expect("an answer").expect(200);
    assert!(upload.text("url").starts_with("https://"), "{upload:?}");
    let http = trusting(&tls.join("ca.pem"), &server, &[]);
    let download = http.get(upload.text("url")).send().await.expect("an answer");
    assert_eq!(download.bytes().await.expect("a body"), "both");
}

#[tokio::test]
async fn settings_that_do_not_fit_are_told_in_one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let tls = directory.path().join("tls");
    output_of(init(&tls, &[])).await;
    let other = directory.path().join("other");
    output_of(init(&other, &[])).await;
    let path = |dir: &Path, name: &str| dir.join(name).to_str().expect("a path in UTF-8").to_owned();
    let (cert, key, other_key) =
        (path(&tls, "server.pem"), path(&tls, "server-key.pem"), path(&other, "server-key.pem"));
    for (arguments, words) in [
        (vec!["--tls-cert", &cert], "go together"),
        (vec!["--tls-listen", "127.0.0.1:0"], "tls init"),
        (vec!["--tls-cert", &cert, "--tls-key", &other_key], "belongs together"),
        (vec!["--tls-cert", "missing.pem", "--tls-key", &key], "missing.pem"),
    ] {
        let data = directory.path().join("data");
        let options = arguments.iter().fold(Options::new(&data), |options, argument| options.argument(*argument));
        let error = error_of(options.serve_plainly()).await;
        assert!(error.contains(words), "{words:?} is missing in {error}");
        assert!(!data.join("catalog.db").exists(), "{arguments:?} made a catalog");
    }
}
