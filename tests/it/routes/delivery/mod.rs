//! The bytes behind a file's `url`: exact, in parts, cached, and only of files that are there and public.

mod browser;
mod encoding;
mod requests;
mod signed;
mod transformed;

use super::*;
use crate::support::client::Download;

async fn fetch(library: &Library, method: Method, url: &str, headers: &[(&str, &str)]) -> Download {
    let mut request = library.http.request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Download { status, headers, bytes: response.bytes().await.expect("the whole body").to_vec() }
}

fn header<'a>(download: &'a Download, name: &str) -> Option<&'a str> {
    download.headers.get(name).map(|value| value.to_str().expect("a header in ASCII"))
}

/// A text, where the API would send JSON.
#[track_caller]
fn not_found(download: &Download) {
    assert_eq!(download.status, 404);
    assert_eq!(str::from_utf8(&download.bytes), Ok("Not Found"));
    assert!(
        header(download, "content-type").is_some_and(|kind| kind.starts_with("text/plain")),
        "{:#?}",
        download.headers
    );
    let error = header(download, "ik-error").expect("an ik-error header");
    assert!(error.starts_with("ENOENT"), "ik-error: {error}");
    request_id(&download.headers);
}

/// Uploads under this name as it is, and returns the url.
async fn url_of(library: &Library, folder: &str, name: &str, bytes: Vec<u8>) -> String {
    let form = reqwest::multipart::Form::new()
        .text("fileName", name.to_owned())
        .text("folder", folder.to_owned())
        .text("useUniqueFileName", "false")
        .part("file", reqwest::multipart::Part::bytes(bytes).file_name("x"));
    let request = library.client.request(Method::POST, "/api/v2/files/upload").multipart(form);
    let uploaded = answer(request).await.expect("an answer").expect(200);
    assert_eq!(uploaded.text("name"), name);
    uploaded.text("url").to_owned()
}

#[tokio::test]
async fn get_and_head_give_the_bytes_and_what_they_are() {
    on_both_catalogs(async |library: &mut Library| {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(30, 20).write_to(&mut png, image::ImageFormat::Png).expect("an image in memory");
        let large: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        for (name, kind, bytes) in [
            ("p.png", "image/png", png.into_inner()),
            ("t.txt", "text/plain", b"hello".to_vec()),
            ("large.bin", "application/octet-stream", large),
            ("empty.bin", "application/octet-stream", Vec::new()),
        ] {
            let url = url_of(library, "/d", name, bytes.clone()).await;
            let got = fetch(library, Method::GET, &url, &[]).await;
            let head = fetch(library, Method::HEAD, &url, &[]).await;
            assert!(got.bytes == bytes, "the bytes of {name}: {} of {}", got.bytes.len(), bytes.len());
            assert_eq!(head.bytes, b"", "HEAD has no body");
            for answer in [&got, &head] {
                assert_eq!(answer.status, 200, "{name}");
                assert_eq!(header(answer, "content-length"), Some(bytes.len().to_string().as_str()), "{name}");
                assert!(
                    header(answer, "content-type").is_some_and(|sent| sent.starts_with(kind)),
                    "{:#?}",
                    answer.headers
                );
                assert_eq!(header(answer, "x-content-type-options"), Some("nosniff"), "{name}");
                assert_eq!(header(answer, "accept-ranges"), Some("bytes"), "{name}");
                assert_eq!(header(answer, "content-encoding"), None, "{name}");
                request_id(&answer.headers);
            }
            assert_eq!(header(&got, "etag"), header(&head, "etag"));
            // Query keys that mean nothing, and the one that asks for the original, change nothing.
            for query in ["updatedAt=1", "v=2&x=y", "tr=orig-true"] {
                let again = fetch(library, Method::GET, &format!("{url}?{query}"), &[]).await;
                assert!(again.status == 200 && again.bytes == bytes, "{name}?{query}");
            }
            // An encoding that no server knows asks for none.
            let again = fetch(library, Method::GET, &url, &[("accept-encoding", "application/json")]).await;
            assert!(again.bytes == bytes && header(&again, "content-encoding").is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn an_etag_stands_for_the_bytes() {
    on_both_catalogs(async |library: &mut Library| {
        let url = url_of(library, "/d", "f.txt", bytes_of(100)).await;
        let first = fetch(library, Method::GET, &url, &[]).await;
        let etag = header(&first, "etag").expect("an ETag").to_owned();
        assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "a strong ETag: {etag}");

        for sent in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
            for method in [Method::GET, Method::HEAD] {
                let answer = fetch(library, method, &url, &[("if-none-match", &sent)]).await;
                assert_eq!(answer.status, 304, "If-None-Match: {sent}");
                assert_eq!(answer.bytes, b"");
                assert_eq!(header(&answer, "etag"), Some(etag.as_str()));
                request_id(&answer.headers);
            }
        }
        let answer = fetch(library, Method::GET, &url, &[("if-none-match", "\"other\"")]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 100));

        // The same after a restart; another one with the next version.
        let path = url.strip_prefix(library.client.base()).expect("a url of this server").to_owned();
        library.kill_and_restart().await;
        let url = format!("{}{path}", library.client.base());
        let answer = fetch(library, Method::GET, &url, &[("if-none-match", &etag)]).await;
        assert_eq!(answer.status, 304, "after a restart");
        url_of(library, "/d", "f.txt", bytes_of(101)).await;
        let answer = fetch(library, Method::GET, &url, &[("if-none-match", &etag)]).await;
        assert_eq!((answer.status, answer.bytes), (200, bytes_of(101)), "a new version is served at once");
        assert_ne!(header(&fetch(library, Method::HEAD, &url, &[]).await, "etag"), Some(etag.as_str()));
    })
    .await;
}

#[tokio::test]
async fn ranges() {
    on_both_catalogs(async |library: &mut Library| {
        let bytes = bytes_of(1000);
        let url = url_of(library, "/d", "f.bin", bytes.clone()).await;
        let etag = header(&fetch(library, Method::HEAD, &url, &[]).await, "etag").expect("an ETag").to_owned();
        for (range, from, to) in [
            ("bytes=0-0", 0, 0),
            ("bytes=0-99", 0, 99),
            ("bytes=500-599", 500, 599),
            ("bytes=900-", 900, 999),
            ("bytes=0-", 0, 999),
            ("bytes=-1", 999, 999),
            ("bytes=-100", 900, 999),
            ("bytes=-5000", 0, 999),
            ("bytes=999-999", 999, 999),
            ("bytes=990-5000", 990, 999),
        ] {
            let part = fetch(library, Method::GET, &url, &[("range", range)]).await;
            assert_eq!(part.status, 206, "{range}");
            assert_eq!(part.bytes, bytes[from..=to], "{range}");
            assert_eq!(header(&part, "content-range"), Some(format!("bytes {from}-{to}/1000").as_str()), "{range}");
            assert_eq!(header(&part, "content-length"), Some((to - from + 1).to_string().as_str()), "{range}");
            assert_eq!(header(&part, "etag"), Some(etag.as_str()), "{range}");
        }
        for range in ["bytes=1000-", "bytes=1000-1001", "bytes=5000-6000", "bytes=-0"] {
            let refused = fetch(library, Method::GET, &url, &[("range", range)]).await;
            assert_eq!(refused.status, 416, "{range}");
            assert_eq!(header(&refused, "content-range"), Some("bytes */1000"), "{range}");
            request_id(&refused.headers);
        }
        // What is no range of bytes is not there.
        for range in ["bytes=x-y", "lines=1-2", "bytes", "bytes=5-3"] {
            let whole = fetch(library, Method::GET, &url, &[("range", range)]).await;
            assert_eq!((whole.status, whole.bytes.len()), (200, 1000), "{range}");
        }
        // A large file, from its end.
        let large: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let url = url_of(library, "/d", "large.bin", large.clone()).await;
        let part = fetch(library, Method::GET, &url, &[("range", "bytes=7654321-7654999")]).await;
        assert_eq!((part.status, part.bytes.as_slice()), (206, &large[7_654_321..=7_654_999]));
        let empty = url_of(library, "/d", "empty.bin", Vec::new()).await;
        let refused = fetch(library, Method::GET, &empty, &[("range", "bytes=0-0")]).await;
        assert_eq!((refused.status, header(&refused, "content-range")), (416, Some("bytes */0")));
    })
    .await;
}

#[tokio::test]
async fn names_are_encoded_in_urls_and_decoded_once() {
    on_both_catalogs(async |library: &mut Library| {
        let names = [
            "a b.txt",
            " edge .txt",
            "日本 語.txt",
            "e\u{301}.txt",
            "100%.txt",
            "%41.txt",
            "a+b.txt",
            "q?x=1.txt",
            "h#y.txt",
            "a&b=c;d,e:f.txt",
            "'\"<>`{}|^.txt",
            "back\\slash.txt",
            "~!$()*@.txt",
            "tr-x.txt",
            "[1].txt",
            "🙂.txt",
        ];
        for (length, name) in names.into_iter().enumerate() {
            let bytes = bytes_of(length + 1);
            let url = url_of(library, "/odd 100% 写", name, bytes.clone()).await;
            let legal = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}#?".contains(c);
            assert!(url.chars().all(legal), "the url has to be fit for a browser: {url}");
            let got = fetch(library, Method::GET, &url, &[]).await;
            assert_eq!((got.status, got.bytes), (200, bytes.clone()), "{name:?} at {url}");
            // A client that encodes everything but letters and digits reaches the same file.
            let folder: String = url::form_urlencoded::byte_serialize("odd 100% 写".as_bytes()).collect();
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let encoded = format!("{}/library/{folder}/{name}", library.client.base()).replace('+', "%20");
            let got = fetch(library, Method::GET, &encoded, &[]).await;
            assert_eq!((got.status, got.bytes), (200, bytes), "{encoded}");
        }
        let base = library.client.base();
        // `+` is a plus in a path, `%2541` is decoded to `%41` and no further.
        let at = |path: &str| format!("{base}/library/odd%20100%25%20%E5%86%99/{path}");
        for (path, name) in
            [("a%20b.txt", "a b.txt"), ("a%2Bb.txt", "a+b.txt"), ("a+b.txt", "a+b.txt"), ("%2541.txt", "%41.txt")]
        {
            let length = names.iter().position(|other| *other == name).unwrap() + 1;
            let got = fetch(library, Method::GET, &at(path), &[]).await;
            assert_eq!((got.status, got.bytes), (200, bytes_of(length)), "{path}");
        }
        for path in ["A.txt", "%41.txt", "%2525.txt", "A%20b.txt", "a%252Bb.txt"] {
            not_found(&fetch(library, Method::GET, &at(path), &[]).await);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_in_plain_text() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let base = library.client.base();
        for path in [
            "/library/nope.txt",
            "/library/a",
            "/library/a/",
            "/library/a/F.txt",
            "/library/f.txt",
            "/library/a/f.txt/x",
        ] {
            not_found(&fetch(library, Method::GET, &format!("{base}{path}"), &[]).await);
            let head = fetch(library, Method::HEAD, &format!("{base}{path}"), &[]).await;
            assert_eq!((head.status, head.bytes.len()), (404, 0), "{path}");
            assert!(header(&head, "ik-error").is_some_and(|error| error.starts_with("ENOENT")), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_private_file_is_not_given_to_everybody() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put_with("/a/f.txt", bytes_of(50), &[("isPrivateFile", "true")]).await;
        let url = file["url"].as_str().unwrap();
        for headers in [&[][..], &[("range", "bytes=0-0")], &[("if-none-match", "*")]] {
            for method in [Method::GET, Method::HEAD] {
                let answer = fetch(library, method, url, headers).await;
                assert_eq!(answer.status, 401, "{headers:?}");
                let body = String::from_utf8_lossy(&answer.bytes);
                assert!(!body.contains("abcdef"), "nothing of the file: {body}");
                request_id(&answer.headers);
            }
        }
        // A signature that is none.
        for query in ["ik-s=0123456789012345678901234567890123456789", "ik-t=9999999999&ik-s=x", "ik-s="] {
            assert_eq!(fetch(library, Method::GET, &format!("{url}?{query}"), &[]).await.status, 401, "{query}");
        }
        // The next version may be public, and the one after that private again.
        library.put("/a/f.txt", bytes_of(51)).await;
        assert_eq!(fetch(library, Method::GET, url, &[]).await.status, 200);
        library.put_with("/a/f.txt", bytes_of(52), &[("isPrivateFile", "true")]).await;
        assert_eq!(fetch(library, Method::GET, url, &[]).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn urls_follow_the_tree() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/a/sub/f.bin", bytes_of(5000)).await;
        let url = file["url"].as_str().unwrap();
        let base = library.client.base();
        library.copy("/a", "/copy", false).await;
        let copied = library.entry("/copy/a/sub/f.bin").await["url"].as_str().unwrap().to_owned();
        assert_eq!(copied, format!("{base}/library/copy/a/sub/f.bin"));
        assert_eq!(fetch(library, Method::GET, &copied, &[]).await.bytes, bytes_of(5000));
        assert_eq!(fetch(library, Method::GET, url, &[]).await.bytes, bytes_of(5000), "the old url still works");

        library.move_into("/a", "/moved").await;
        not_found(&fetch(library, Method::GET, url, &[]).await);
        let moved = library.entry("/moved/a/sub/f.bin").await["url"].as_str().unwrap().to_owned();
        assert_eq!(fetch(library, Method::GET, &moved, &[]).await.bytes, bytes_of(5000));
        library.run("renameFolder", json!({ "folderPath": "/moved/a", "newFolderName": "renamed" })).await;
        not_found(&fetch(library, Method::GET, &moved, &[]).await);
        let renamed = format!("{base}/library/moved/renamed/sub/f.bin");
        assert_eq!(fetch(library, Method::GET, &renamed, &[]).await.bytes, bytes_of(5000));

        // What shares the bytes is not lost with one of its places.
        library.client.delete_folder("/moved").await.expect("an answer").expect(204);
        not_found(&fetch(library, Method::GET, &renamed, &[]).await);
        assert_eq!(fetch(library, Method::GET, &copied, &[]).await.bytes, bytes_of(5000));
        library.client.upload("/copy/a/sub", "f.bin", bytes_of(7)).await.expect("an answer").expect(200);
        assert_eq!(fetch(library, Method::GET, &copied, &[]).await.bytes, bytes_of(7));
    })
    .await;
}

#[tokio::test]
async fn a_change_is_seen_by_the_next_download() {
    on_both_catalogs(async |library: &mut Library| {
        // Whatever the server remembers of a path, an acknowledged change of any kind makes it look again.
        let url = library.put("/a/f.bin", bytes_of(1000)).await["url"].as_str().unwrap().to_owned();
        for round in 0..20 {
            let length = 100 + round;
            let seen = fetch(library, Method::GET, &url, &[]).await;
            assert_eq!(seen.status, 200);
            let file = library.put("/a/f.bin", bytes_of(length)).await;
            let (first, second) = tokio::join!(
                fetch(library, Method::GET, &url, &[]),
                fetch(library, Method::GET, &url, &[("range", "bytes=0-")])
            );
            assert_eq!((first.bytes.len(), second.bytes.len()), (length, length), "after an upload");
            match round % 4 {
                0 => library.client.delete_file(file["fileId"].as_str().unwrap()).await.unwrap().expect(204),
                1 => library.client.delete_folder("/a").await.unwrap().expect(204),
                2 => {
                    library.move_into("/a", "/b").await;
                    library.client.delete_folder("/b").await.unwrap().expect(204)
                }
                _ => {
                    library.run("renameFolder", json!({ "folderPath": "/a", "newFolderName": "c" })).await;
                    library.client.delete_folder("/c").await.unwrap().expect(204)
                }
            };
            not_found(&fetch(library, Method::GET, &url, &[]).await);
            library.put("/a/f.bin", bytes_of(1000)).await;
        }
    })
    .await;
}
