//! The form of every client generation, byte for byte as it goes over the wire: boundaries, order, types, quotes.
//!
//! All rows upload the same picture under the same name with the same tags; the server must not see a difference.

use super::*;
use crate::support::server::{PRIVATE_KEY, PUBLIC_KEY};

/// How a client writes its form.
#[derive(Clone)]
struct Row {
    client: &'static str,
    path: &'static str,
    content_type: String,
    body: Vec<u8>,
    /// Sent in pieces, without a length.
    chunked: bool,
}

/// Headers of a part and its content.
type RawPart<'a> = (String, &'a [u8]);

fn row(client: &'static str, boundary: &str, parts: &[RawPart<'_>]) -> Row {
    let mut body = Vec::new();
    for (headers, content) in parts {
        body.extend(format!("--{boundary}\r\n{headers}\r\n\r\n").into_bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").into_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Row { client, path: V1, content_type, body, chunked: false }
}

/// `Content-Disposition: form-data; name="…"` and nothing else.
fn plain<'a>(name: &str, value: &'a str) -> RawPart<'a> {
    (format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes())
}

/// A text part with more headers behind the disposition.
fn with<'a>(name: &str, more: &str, value: &'a str) -> RawPart<'a> {
    (format!("Content-Disposition: form-data; name=\"{name}\"\r\n{more}"), value.as_bytes())
}

fn current_sdks<'a>(picture: &'a [u8], encoded: &'a str) -> Vec<Row> {
    let named = |name: &str, kind: &str| {
        format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}")
    };
    let octets = "Content-Type: application/octet-stream";
    let nameless = format!("Content-Disposition: form-data; name=\"file\"\r\n{octets}");
    let utf8 = "Content-Type: text/plain; charset=utf-8";
    // .NET puts the type first and leaves out quotes.
    let dotnet = |name: &str| format!("{utf8}\r\nContent-Disposition: form-data; name={name}");
    let dotnet_file = format!("{octets}\r\nContent-Disposition: form-data; name=file");
    let unique = ("useUniqueFileName", "false");
    let fields = [("fileName", "a.png"), unique, ("tags", "a,b"), ("responseFields", "tags,customCoordinates")];
    let all =
        |write: &dyn Fn(&str, &'a str) -> RawPart<'a>| fields.iter().map(|(n, v)| write(n, v)).collect::<Vec<_>>();
    let java = |name: &str, value: &'a str| with(name, "Content-Type: text/plain; charset=UTF-8", value);
    let ruby = |name: &str, value: &'a str| with(name, "Content-Type: text/plain", value);
    let undici = "----formdata-undici-039427651863";
    vec![
        row("Node 7", undici, &[vec![(named("a.png", "image/png"), picture)], all(&plain)].concat()),
        row("Node 7, a string", undici, &[vec![plain("file", encoded)], all(&plain)].concat()),
        row(
            "Python 5",
            "5c1e3f0a9d6b4c7e8f2a1b3c4d5e6f70",
            &[all(&plain), vec![(named("upload", "application/octet-stream"), picture)]].concat(),
        ),
        row(
            "Go 2",
            "b4e7d0c9f1a2835467aa01bb02cc03dd04ee05ff0611223344556677889900",
            &[all(&plain), vec![(named("anonymous_file", "application/octet-stream"), picture)]].concat(),
        ),
        row(
            "Java 3",
            "7Zx1_aHk-QpL0dR3sT9uVwXyZ",
            &[vec![(nameless.clone(), picture)], all(&java), vec![with("extra[sub]", octets, "x")]].concat(),
        ),
        Row {
            content_type: "multipart/form-data; boundary=\"0b7c1d6e-5a0f-4f0e-9d55-6f1f3d7a2c11\"".into(),
            ..row(
                ".NET 6",
                "0b7c1d6e-5a0f-4f0e-9d55-6f1f3d7a2c11",
                &[
                    vec![(dotnet_file, picture)],
                    fields.iter().map(|(name, value)| (dotnet(name), value.as_bytes())).collect(),
                ]
                .concat(),
            )
        },
        row("Ruby 4", "Xk3jP0sQd8wZ1vB5nM7r", &[vec![(nameless, picture)], all(&ruby)].concat()),
    ]
}

fn legacy_sdks(picture: &[u8], encoded: &str) -> Vec<Row> {
    let length = |value: &str| format!("Content-Length: {}", value.len());
    let counted = |name: &str, value: &'static str| with(name, &length(value), value);
    let php_file = format!(
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Length: {}\r\nContent-Type: image/png",
        picture.len()
    );
    let dashes = "--------------------------514896312478521369745820";
    let node = |name: &str, value: &'static str| plain(name, value);
    let net = |name: &str, value: &'static str| {
        let headers = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name={name}");
        (headers, value.as_bytes())
    };
    let ruby_file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: ";
    let go_file =
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: application/octet-stream";
    let net_file = "Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name=file";
    vec![
        row(
            "Node 6",
            dashes,
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png"
                        .into(),
                    picture,
                ),
                node("fileName", "a.png"),
                node("useUniqueFileName", "false"),
                node("tags", "a,b"),
                node("isPrivateFile", "undefined"),
                node("customCoordinates", "undefined"),
                node("extensions", "undefined"),
            ],
        ),
        row(
            "Node 6, a string",
            dashes,
            &[
                plain("file", encoded),
                node("fileName", "a.png"),
                node("useUniqueFileName", "false"),
                node("tags", "a,b"),
            ],
        ),
        row(
            "Python 3, bytes",
            "9f3b6c0d1e2a4f5b8c7d6e5f4a3b2c1d",
            &[
                // Neither name nor type.
                ("Content-Disposition: form-data; name=\"file\"".into(), picture),
                plain("fileName", "a.png"),
                plain("useUniqueFileName", "false"),
                plain("tags", "a,b"),
                plain("isPrivateFile", "false"),
                plain("responseFields", "isPrivateFile,tags"),
            ],
        ),
        row(
            "Python 4, a handle",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            &[
                plain("fileName", "a.png"),
                plain("useUniqueFileName", "false"),
                plain("tags", "a,b"),
                ("Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"".into(), picture),
            ],
        ),
        row(
            "PHP 4",
            "8d3c1f60a5b2e9471c0d",
            &[
                (php_file, picture),
                counted("fileName", "a.png"),
                counted("useUniqueFileName", "false"),
                counted("tags", "a,b"),
                counted("options[nested]", "x"),
            ],
        ),
        row(
            "Java 2",
            "3d6f1a2b-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
            &[
                with("file", &length(encoded), encoded),
                counted("fileName", "a.png"),
                counted("useUniqueFileName", "false"),
                counted("tags", "a,b"),
            ],
        ),
        row(
            ".NET 5",
            "c9a1b2d3-e4f5-4a6b-9c8d-7e6f5a4b3c2d",
            &[
                (net_file.into(), encoded.as_bytes()),
                net("fileName", "a.png"),
                net("useUniqueFileName", "false"),
                net("tags", "a,b"),
                net("overwriteCustomMetadata", "false"),
            ],
        ),
        row(
            "Ruby 3",
            "----RubyFormBoundaryQ7mZk2WcXf0aT9Yb",
            &[
                (ruby_file.into(), picture),
                plain("fileName", "a.png"),
                plain("useUniqueFileName", "false"),
                plain("tags", "a,b"),
                plain("overwriteAiTags", "true"),
                plain("multipart", "true"),
            ],
        ),
        row(
            "Go 1",
            "1f2e3d4c5b6a79880706050403020100ffeeddccbbaa99887766554433",
            &[
                plain("fileName", "a.png"),
                plain("useUniqueFileName", "false"),
                plain("tags", "a,b"),
                plain("customMetadata", ""),
                (go_file.into(), picture),
            ],
        ),
        row(
            "long dashes",
            "--randomBoundary-------------------",
            &[
                // The extended form of a name, and fields as a JSON list.
                ("Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a.png".into(), picture),
                plain("fileName", "a.png"),
                plain("useUniqueFileName", "0"),
                plain("tags", "[\"a\",\"b\"]"),
            ],
        ),
    ]
}

async fn send_row(library: &Library, row: &Row) -> Answer {
    let request = library.client.request(Method::POST, row.path).header("content-type", &row.content_type);
    let request = if row.chunked {
        let pieces: Vec<_> = row.body.chunks(50).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        request.body(reqwest::Body::wrap_stream(futures_util::stream::iter(pieces)))
    } else {
        request.body(row.body.clone())
    };
    answer(request).await.expect("an answer")
}

#[tokio::test]
async fn every_client_is_understood() {
    on_both_catalogs(async |library: &mut Library| {
        let picture = png(5, 4);
        let encoded = BASE64.encode(&picture);
        let rows = [current_sdks(&picture, &encoded), legacy_sdks(&picture, &encoded)].concat();
        for row in rows {
            for chunked in [row.chunked, true] {
                let answer = send_row(library, &Row { chunked, ..row.clone() }).await;
                assert_eq!(answer.status, 200, "{}: {answer:#?}", row.client);
                assert_eq!(answer.text("filePath"), "/a.png", "{}", row.client);
                let file = library.entry("/a.png").await;
                assert_eq!((&file["tags"], &file["width"]), (&json!(["a", "b"]), &json!(5)), "{}", row.client);
                assert_eq!((&file["isPrivateFile"], &file["customCoordinates"]), (&json!(false), &Value::Null));
                assert_eq!(library.bytes("/a.png").await, picture, "{}", row.client);
            }
            library
                .client
                .delete_file(library.entry("/a.png").await["fileId"].as_str().unwrap())
                .await
                .expect("an answer");
        }
    })
    .await;
}

#[tokio::test]
async fn rclone_is_understood() {
    on_both_catalogs(async |library: &mut Library| {
        let content = bytes_of(3000);
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"odd ’name’ & co.bin\"\r\nContent-Type: application/octet-stream";
        let parts = [
            plain("folder", "/back up/写真/"),
            plain("useUniqueFileName", "false"),
            plain("isPrivateFile", "false"),
            plain("fileName", " odd ’name’ & co.bin"),
            (file.to_owned(), &content[..]),
        ];
        let boundary = "d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204e9800998ecf8";
        let row = Row { path: V2, chunked: true, ..row("rclone", boundary, &parts) };
        let first = send_row(library, &row).await;
        succeeded(&first, 200);
        assert_eq!(first.text("filePath"), "/back up/写真/ odd ’name’ & co.bin");
        assert_eq!(library.bytes(first.text("filePath")).await, content);
        let second = send_row(library, &row).await.expect(200);
        assert_eq!(second.body["fileId"], first.body["fileId"], "a new version of the same file");
        assert_eq!(second.body["versionInfo"]["name"], "Version 2");
    })
    .await;
}

#[tokio::test]
async fn browsers_are_understood() {
    on_both_catalogs(async |library: &mut Library| {
        let picture = png(5, 4);
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"Ünïcode \\\"a\\\".png\"\r\nContent-Type: image/png";
        let (token, expire) = ("7c1e2a34-0b1d-4a7e-9a6f-3f0c2d1b4e5a", super::signed::in_seconds(1_800));
        let signature = super::signed::hmac_sha1(PRIVATE_KEY, token, &expire);
        let parts = [
            (file.to_owned(), &picture[..]),
            plain("fileName", "a.png"),
            plain("useUniqueFileName", "false"),
            plain("publicKey", PUBLIC_KEY),
            plain("signature", &signature),
            plain("expire", &expire),
            plain("token", token),
        ];
        let row = row("browser", "----WebKitFormBoundary7MA4YWxkTrZu0gW", &parts);
        let request = library.keyless(Method::POST, row.path).header("content-type", &row.content_type);
        let request = request.header("origin", "https://app.example").body(row.body);
        let answer = answer(request).await.expect("an answer");
        succeeded(&answer, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(library.bytes("/a.png").await, picture);
    })
    .await;
}
