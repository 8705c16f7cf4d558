//! Text goes out compressed to clients that say that they read that, and to nobody else.

use std::io::Read;

use super::*;

fn text() -> Vec<u8> {
    (0..5_000).flat_map(|line| format!("line {line} of a text that repeats itself\n").into_bytes()).collect()
}

fn decoded(answer: &Download) -> Vec<u8> {
    let mut bytes = Vec::new();
    match header(answer, "content-encoding") {
        None => bytes.clone_from(&answer.bytes),
        Some("gzip") => {
            flate2::read::GzDecoder::new(&answer.bytes[..]).read_to_end(&mut bytes).expect("gzip");
        }
        Some("br") => {
            brotli::Decompressor::new(&answer.bytes[..], 4096).read_to_end(&mut bytes).expect("Brotli");
        }
        Some(other) => panic!("an encoding that nobody asked for: {other}"),
    }
    bytes
}

#[tokio::test]
async fn text_is_compressed_for_whoever_reads_that() {
    on_both_catalogs(async |library: &mut Library| {
        let url = url_of(library, "/d", "f.txt", text()).await;
        let plain = fetch(library, Method::GET, &url, &[]).await;
        let etag = header(&plain, "etag").expect("an ETag").to_owned();
        for (asked, given) in [
            ("gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("br", Some("br")),
            ("gzip;q=0.5, br", Some("br")),
            ("br;q=0.5, gzip;q=0.8, deflate", Some("gzip")),
            ("br;q=0, gzip", Some("gzip")),
            ("identity", None),
            ("gzip;q=0", None),
            ("deflate, zstd", None),
            // What some SDKs send.
            ("application/json", None),
            // Nothing is left; the bytes are better than nothing.
            ("identity;q=0", None),
            ("", None),
        ] {
            let lines = [("accept-encoding", asked)];
            let answer = fetch(library, Method::GET, &url, &lines).await;
            assert_eq!((answer.status, header(&answer, "content-encoding")), (200, given), "{asked}");
            assert!(decoded(&answer) == text(), "{asked}");
            assert_eq!(header(&answer, "vary"), Some("accept-encoding"), "{asked}");
            assert!(header(&answer, "content-type").is_some_and(|kind| kind.starts_with("text/plain")));
            let tag = if given.is_some() { format!("W/{etag}") } else { etag.clone() };
            assert_eq!(header(&answer, "etag"), Some(tag.as_str()), "{asked}");
            let length = given.is_none().then(|| text().len().to_string());
            assert_eq!(header(&answer, "content-length"), length.as_deref(), "{asked}");
            assert_eq!(header(&answer, "accept-ranges"), given.is_none().then_some("bytes"), "{asked}");
            assert!(given.is_none() || answer.bytes.len() < text().len() / 5, "{asked}: {}", answer.bytes.len());

            let head = fetch(library, Method::HEAD, &url, &lines).await;
            for name in ["content-encoding", "etag", "vary", "content-length", "accept-ranges", "content-type"] {
                assert_eq!(header(&head, name), header(&answer, name), "{name} of HEAD, {asked}");
            }
            for known in [&tag, &etag] {
                let lines = [lines[0], ("if-none-match", known.as_str())];
                let answer = fetch(library, Method::GET, &url, &lines).await;
                assert_eq!((answer.status, &answer.bytes[..]), (304, &b""[..]), "{asked}");
                assert_eq!(header(&answer, "etag"), Some(tag.as_str()), "{asked}");
                assert_eq!(header(&answer, "vary"), Some("accept-encoding"), "{asked}");
                assert_eq!(header(&answer, "content-encoding"), None, "{asked}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_never_compressed() {
    on_both_catalogs(async |library: &mut Library| {
        let lines = [("accept-encoding", "gzip, br")];
        let url = url_of(library, "/d", "f.txt", text()).await;
        for url in [format!("{url}?tr=orig-true"), url.replace("/d/f.txt", "/tr:orig-true/d/f.txt")] {
            let stored = fetch(library, Method::GET, &url, &lines).await;
            assert!(stored.bytes == text() && header(&stored, "content-encoding").is_none(), "{url}");
            assert_eq!(header(&stored, "content-length"), Some(text().len().to_string().as_str()), "{url}");
            assert_eq!(header(&stored, "vary"), None, "{url}");
        }
        // A part is one of the bytes as they are; what a client has of the compressed ones is no beginning of them.
        let part = fetch(library, Method::GET, &url, &[lines[0], ("range", "bytes=5-104")]).await;
        assert_eq!((part.status, &part.bytes[..]), (206, &text()[5..105]));
        assert_eq!((header(&part, "content-encoding"), header(&part, "vary")), (None, Some("accept-encoding")));
        let tag = header(&fetch(library, Method::GET, &url, &lines).await, "etag").expect("an ETag").to_owned();
        let guarded = [lines[0], ("range", "bytes=5-104"), ("if-range", tag.as_str())];
        let whole = fetch(library, Method::GET, &url, &guarded).await;
        assert!(whole.status == 200 && decoded(&whole) == text());

        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(300, 200).write_to(&mut png, image::ImageFormat::Png).expect("an image in memory");
        for (name, bytes) in [("p.png", png.into_inner()), ("short.txt", b"hello".to_vec())] {
            let url = url_of(library, "/d", name, bytes.clone()).await;
            let answer = fetch(library, Method::GET, &url, &lines).await;
            assert!(answer.bytes == bytes && header(&answer, "content-encoding").is_none(), "{name}");
            assert_eq!(header(&answer, "vary"), None, "{name}");
        }
    })
    .await;
}

/// A damaged blob. Its row has promised more bytes, so none are sent: a client would take those of the next answer for them,
/// or, of a compressed text, the few for all.
#[tokio::test]
async fn bytes_that_are_too_few_are_an_error() {
    on_both_catalogs(async |library: &mut Library| {
        let texts = [100_usize, 5_000, 30_000].map(|lines| text()[..17].repeat(lines));
        let mut urls = Vec::new();
        for bytes in &texts {
            urls.push(url_of(library, "/d", &format!("{}.txt", bytes.len()), bytes.clone()).await);
        }
        let mut blobs = Vec::new();
        for shard in std::fs::read_dir(library.server.options().data.join("blobs/blobs")).expect("blobs") {
            for blob in std::fs::read_dir(shard.expect("a shard").path()).expect("a shard") {
                let path = blob.expect("a blob").path();
                let bytes = std::fs::read(&path).expect("its bytes");
                std::fs::write(&path, &bytes[..bytes.len() - 1]).expect("a shorter one");
                blobs.push((path, bytes));
            }
        }
        assert_eq!(blobs.len(), texts.len());
        for url in &urls {
            for lines in [&[][..], &[("accept-encoding", "gzip")], &[("range", "bytes=9-")]] {
                let answer = fetch(library, Method::GET, url, lines).await;
                assert_eq!(answer.status, 500, "{url} {lines:?}");
            }
        }
        for (path, bytes) in blobs {
            std::fs::write(path, bytes).expect("the blob as it was");
        }
        for (url, bytes) in urls.iter().zip(&texts) {
            assert!(fetch(library, Method::GET, url, &[]).await.bytes == *bytes, "{url}");
        }
    })
    .await;
}
