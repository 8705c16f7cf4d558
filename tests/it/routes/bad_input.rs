//! Hostile and broken requests: they are refused in the contract's form wherever an answer is possible at all, nothing
//! is written, and the server goes on.
//!
//! Much of it cannot be said with an HTTP client, so there is [`raw`], which sends bytes as they are.

mod bodies;
mod connections;
mod forms;
mod paths;

use super::*;
use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes longer, also on a loaded machine.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// A request of this many bytes fits into the buffers on its way, so that its answer cannot get lost.
const SMALL_BYTES: usize = 32 * 1024;
/// How often a large request is sent to see one answer to it: a server that answers before it has read everything and
/// then closes may take its own answer back, as TCP has it.
const LARGE_TRIES: usize = 5;
/// What a request that is too large, malformed or too slow may be answered with.
const REFUSED: [u16; 5] = [400, 408, 413, 415, 431];

/// What came back on a connection, if anything.
async fn raw(library: &Library, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(library.server.address()).await.expect("a connection");
    let (mut reader, mut writer) = stream.split();
    let mut received = Vec::new();
    // At the same time, since the answer may come before all of the request is sent. Both may end in an error when the
    // server closes the connection; what arrived before counts.
    let exchange = async {
        let send = async { _ = writer.write_all(request).await };
        let receive = async { while reader.read_buf(&mut received).await.is_ok_and(|count| count > 0) {} };
        tokio::join!(send, receive);
    };
    tokio::time::timeout(ANSWER_MAX, exchange).await.expect("the server closes the connection in time");
    parse_answer(&received)
}

/// An answer with a length or in chunks, read from a connection that was closed after it.
fn parse_answer(received: &[u8]) -> Option<Answer> {
    let head_end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = str::from_utf8(&received[..head_end]).expect("the head is ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header has a colon");
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, value.parse().expect("a header value"));
    }
    let mut body = received[head_end + 4..].to_vec();
    if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        body = unchunk(&body)?;
    }
    let body = match body.as_slice() {
        b"" => Value::Null,
        body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
    };
    Some(Answer { status: status.parse().expect("a status"), headers, body })
}

fn unchunk(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = chunks.windows(2).position(|bytes| bytes == b"\r\n")?;
        let length = usize::from_str_radix(str::from_utf8(&chunks[..line_end]).ok()?, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend(chunks.get(line_end + 2..line_end + 2 + length)?);
        chunks = chunks.get(line_end + 2 + length + 2..)?;
    }
}

/// The head of a request with the key, whose connection ends after the answer.
fn head(library: &Library, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{}:", crate::support::server::PRIVATE_KEY));
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", library.server.address());
    head += &format!("Authorization: Basic {key}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// A whole request with a body.
fn request(library: &Library, method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let mut bytes =
        head(library, method, path, &[("Content-Type", content_type), ("Content-Length", &length)]).into_bytes();
    bytes.extend(body);
    bytes
}

/// Sends a request that has to be refused in the contract's form.
async fn refuse_raw(library: &Library, what: &str, request: &[u8]) {
    eprintln!("{what}");
    let tries = if request.len() <= SMALL_BYTES { 1 } else { LARGE_TRIES };
    for _ in 0..tries {
        if let Some(answer) = raw(library, request).await {
            refused_somehow(&answer, &REFUSED);
            return;
        }
    }
    panic!("no answer to {what}");
}

/// Nothing was written, nothing panicked, and the server still does its work.
async fn assert_unharmed(library: &Library, before: &[Value]) {
    library.server.assert_no_panic();
    assert_eq!(library.everything().await, before, "nothing is written");
    library.put("/still/here.txt", bytes_of(1)).await;
    assert_eq!(library.bytes("/still/here.txt").await, bytes_of(1));
    library.client.delete_folder("/still").await.expect("an answer").expect(204);
}

/// A library with something that could be harmed.
async fn put_some(library: &Library) -> Vec<Value> {
    library.put("/a/f.txt", bytes_of(1)).await;
    library.put("/a/f.txt", bytes_of(2)).await;
    library.put("/a/b/g.txt", bytes_of(3)).await;
    library.everything().await
}

/// One part of a form.
fn part(header: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = format!("--XX\r\n{header}\r\n\r\n").into_bytes();
    bytes.extend(content);
    bytes.extend(b"\r\n");
    bytes
}

fn field(name: &str, value: &[u8]) -> Vec<u8> {
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
}

/// Parts that make an upload, without the end of the form.
fn good_parts() -> Vec<u8> {
    let file = part("Content-Disposition: form-data; name=\"file\"; filename=\"x\"", &bytes_of(2000));
    [field("fileName", b"new.txt"), field("folder", b"/new"), file].concat()
}

const MULTIPART: &str = "multipart/form-data; boundary=XX";
const END: &[u8] = b"--XX--\r\n";

#[tokio::test]
async fn keys_of_every_wrong_kind() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        let key = crate::support::server::PRIVATE_KEY;
        let encode = |text: &[u8]| base64::engine::general_purpose::STANDARD.encode(text);
        let headers = [
            String::new(),
            "Basic".to_owned(),
            "Basic ".to_owned(),
            "Basic !!!not base64!!!".to_owned(),
            format!("Basic {}", encode(b"")),
            format!("Basic {}", encode(b":")),
            format!("Basic {}", encode(b"\xff\xfe:\xff")),
            format!("Basic {}", encode(b"\0:")),
            format!("Basic {}", encode(format!(":{key}").as_bytes())),
            format!("Basic {}", encode(format!("{key}x:").as_bytes())),
            format!("Basic {}", encode(&key.as_bytes()[..key.len() - 1])),
            format!("Basic {}", encode(format!("{}:", key.to_uppercase()).as_bytes())),
            format!("Basic {}", encode(&b"x".repeat(4000))),
            format!("Bearer {key}"),
            format!("Digest {}", encode(format!("{key}:").as_bytes())),
            key.to_owned(),
            encode(format!("{key}:").as_bytes()),
        ];
        let body = json!({ "sourceFolderPath": "/a", "destinationPath": "/x", "folderPath": "/a", "folderName": "x", "parentFolderPath": "/" });
        for header in &headers {
            for (method, path) in [
                (Method::GET, "/v1/files"),
                (Method::POST, "/v1/bulkJobs/copyFolder"),
                (Method::POST, "/v1/folder"),
                (Method::DELETE, "/v1/folder"),
                (Method::POST, "/api/v1/files/upload"),
            ] {
                let mut request = library.keyless(method.clone(), path).header("authorization", header);
                request = match path.ends_with("upload") {
                    false => request.json(&body),
                    true => request.header("content-type", MULTIPART).body([good_parts(), END.to_vec()].concat()),
                };
                let answer = answer(request).await.expect("an answer");
                // No key, or one that nobody has.
                let message = match answer.status {
                    401 => "Your request does not contain private API key.",
                    _ => "Your account cannot be authenticated.",
                };
                assert!([401, 403].contains(&answer.status), "{header:?} for {method} {path}: {answer:#?}");
                refused(&answer, answer.status, None, message);
            }
        }
        assert_unharmed(library, &before).await;
        let log = library.server.log_text();
        assert!(!log.contains(key), "the key is not in the log");
    })
    .await;
}
