//! Uploads of what a URL stands for. What the guard refuses in detail is tested beside it, in `src/fetch`.

use super::*;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOT_DOWNLOADED: &str =
    "Your request contains invalid file parameter. The file could not be downloaded from the given URL.";

/// A site on this machine with some files; counts what it is asked for.
async fn site() -> (SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let router = Router::new()
        .route("/picture.png", get(async || png(3, 2)))
        .route("/moved", get(async || Redirect::temporary("/picture.png")))
        .route("/away", get(async || Redirect::temporary("http://127.0.0.2:9/secret")))
        .route("/large", get(async || vec![b'x'; 10_000]))
        .route("/gone", get(async || StatusCode::GONE))
        .layer(axum::middleware::map_request(move |request: axum::extract::Request| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { request }
        }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

fn by_url(name: &str, part: Part) -> Form {
    form(&[("fileName", name), ("folder", "/fetched"), ("useUniqueFileName", "false")]).part("file", part)
}

#[tokio::test]
async fn urls_are_fetched_where_that_is_allowed() {
    let settings = [("CALOTYPE_FETCH_ALLOW", "127.0.0.1"), ("CALOTYPE_UPLOAD_BYTES_MAX", "5000")];
    with_settings(&settings, async |library: &mut Library| {
        let (address, _) = site().await;
        let url = |path: &str| format!("http://{address}{path}");
        let octets = |text: String| Part::bytes(text.into_bytes()).mime_str("application/octet-stream").unwrap();
        let picture = png(3, 2);
        for (name, part) in [
            ("text.png", Part::text(url("/picture.png"))),
            ("moved.png", Part::text(url("/moved"))),
            ("octets.png", octets(url("/picture.png"))),
            ("blanks.png", Part::text(format!(" {}\r\n", url("/picture.png")))),
            ("user.png", Part::text(format!("http://user:password@{address}/picture.png"))),
        ] {
            let answer = upload(library, V1, by_url(name, part)).await;
            succeeded(&answer, 200);
            assert_eq!((&answer.body["size"], &answer.body["width"]), (&json!(picture.len()), &json!(3)), "{name}");
            assert_eq!(library.bytes(&format!("/fetched/{name}")).await, picture, "{name}");
        }
        // Of repeated files the last one wins, also one that is fetched where another one's bytes were.
        let twice = by_url("last.png", Part::bytes(bytes_of(9)).file_name("x")).text("file", url("/picture.png"));
        succeeded(&upload(library, V1, twice).await, 200);
        assert_eq!(library.bytes("/fetched/last.png").await, picture);
        let before = library.everything().await;
        let too_large = "Your request contains invalid file parameter. The file size exceeds limits.";
        for (url, message) in [
            (url("/gone"), NOT_DOWNLOADED),
            (url("/nowhere"), NOT_DOWNLOADED),
            (url("/away"), NOT_DOWNLOADED),
            ("http://127.0.0.1:1/".to_owned(), NOT_DOWNLOADED),
            ("http://no-such-host.invalid/".to_owned(), NOT_DOWNLOADED),
            (format!("ftp://{address}/picture.png"), NOT_DOWNLOADED),
            ("http://".to_owned(), NOT_DOWNLOADED),
            (url("/large"), too_large),
        ] {
            eprintln!("{url}");
            let form = by_url("f.png", Part::text(url)).text("folder", "/new");
            refused(&upload(library, V2, form).await, 400, None, message);
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn this_machine_and_its_networks_are_not_asked() {
    on_both_catalogs(async |library: &mut Library| {
        let (address, asked) = site().await;
        let port = address.port();
        for url in [
            format!("http://{address}/picture.png"),
            format!("http://localhost:{port}/picture.png"),
            format!("http://LOCALHOST.:{port}/picture.png"),
            format!("http://2130706433:{port}/picture.png"),
            format!("http://[::ffff:127.0.0.1]:{port}/picture.png"),
            format!("http://0.0.0.0:{port}/picture.png"),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "http://[fd00:ec2::254]/".to_owned(),
            format!("{}/v1/files", library.client.base()),
        ] {
            let answer = upload(library, V1, by_url("f.png", Part::text(url))).await;
            refused(&answer, 400, None, NOT_DOWNLOADED);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert_eq!(library.everything().await, [Value::Null; 0]);
        // In a file with a name it is text like any other.
        let part = Part::bytes(format!("http://{address}/").into_bytes()).file_name("link.txt");
        upload(library, V1, by_url("link.txt", part)).await.expect(200);
    })
    .await;
    with_settings(&[("CALOTYPE_FETCH_PRIVATE_ADDRESSES", "1")], async |library: &mut Library| {
        let (address, _) = site().await;
        let answer = upload(library, V1, by_url("f.png", Part::text(format!("http://{address}/picture.png")))).await;
        succeeded(&answer, 200);
    })
    .await;
}
