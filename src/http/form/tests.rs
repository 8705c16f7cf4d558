//! Forms as clients send them, against a blob store in memory.

use std::io;

use base64::Engine;
use futures_util::{TryStreamExt, stream};

use super::*;

/// The boundary of a client that begins it with dashes.
const BOUNDARY: &str = "--randomBoundary-------------------";

const ID: BlobId = BlobId(42);

/// Longest wait for the removal of a blob.
const CLEAN_UP: Duration = Duration::from_secs(10);

/// Headers (after "Content-Disposition: form-data; ") and content of each part.
fn encoded(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = b"preamble\r\n".to_vec();
    for (headers, content) in parts {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {headers}\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn chunked(body: Vec<u8>, chunk_bytes: usize) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let chunks: Vec<_> = body.chunks(chunk_bytes).map(Bytes::copy_from_slice).map(Ok).collect();
    stream::iter(chunks)
}

/// A store, a spool directory and a limit.
struct Place {
    blobs: Blobs,
    dir: tempfile::TempDir,
    limit: u64,
}

impl Place {
    fn new() -> Self {
        Self { blobs: Blobs::memory(), dir: tempfile::tempdir().unwrap(), limit: 1 << 30 }
    }

    async fn read<S>(&self, body: S) -> Result<Form, FormError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send,
    {
        let target = Target {
            blobs: &self.blobs,
            id: ID,
            spool_dir: self.dir.path(),
            file_bytes_max: self.limit,
            idle: Duration::from_millis(200),
        };
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        read_form(&content_type, body, &target).await
    }

    async fn parts(&self, parts: &[(&str, &[u8])]) -> Result<Form, FormError> {
        self.read(chunked(encoded(parts), 7)).await
    }

    /// Reads the form, checks that its file is `wanted`, and drops it.
    async fn stores(&self, parts: &[(&str, &[u8])], wanted: &[u8]) {
        for chunk_bytes in [1, 7, 1 << 20] {
            let form = self.read(chunked(encoded(parts), chunk_bytes)).await.unwrap();
            let Some(Ok(FilePart::Stored { stored, blob })) = form.file else {
                panic!("not stored: {:?}", form.file);
            };
            assert_eq!(stored.size, wanted.len() as u64);
            let chunks = self.blobs.read(blob.id(), None).await.unwrap();
            let bytes: Vec<Bytes> = chunks.try_collect().await.unwrap();
            assert!(bytes.concat() == wanted, "{parts:?}");
            drop(blob);
            self.is_empty().await;
        }
    }

    async fn is_empty(&self) {
        let emptied = async {
            while self.blobs.size(ID).await.unwrap().is_some() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(CLEAN_UP, emptied).await.unwrap();
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 0);
    }
}

const NAMED: &str = "name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg";
const NAMELESS: &str = "name=file\r\nContent-Type: application/octet-stream";

#[tokio::test]
async fn parts_come_in_any_order() {
    let place = Place::new();
    let parts: [(&str, &[u8]); 4] = [
        ("name=\"tags\"", b"a,b"),
        (NAMED, b"bytes\r\n--randomBoundary"),
        ("name=folder\r\nContent-Type: ", "/f\u{e4}".as_bytes()),
        ("name=\"fileName\"\r\nContent-Type: text/plain; charset=utf-8", b"x.jpg"),
    ];
    let form = place.parts(&parts).await.unwrap();
    let wanted = [("tags", "a,b"), ("folder", "/f\u{e4}"), ("fileName", "x.jpg")];
    let fields = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form.fields, fields);
    drop(form);
    place.is_empty().await;
    place.stores(&parts, b"bytes\r\n--randomBoundary").await;
    let reversed: Vec<_> = parts.into_iter().rev().collect();
    place.stores(&reversed, b"bytes\r\n--randomBoundary").await;
}

#[tokio::test]
async fn a_file_with_a_name_is_never_decoded() {
    let place = Place::new();
    // Also where the name is not UTF-8.
    let latin = b"--"
        .iter()
        .chain(BOUNDARY.as_bytes())
        .chain(b"\r\nContent-Disposition: form-data; name=file; filename=\"caf\xe9.png\"\r\n\r\nQUJD\r\n--");
    let latin: Vec<u8> = latin.chain(BOUNDARY.as_bytes()).chain(b"--\r\n").copied().collect();
    let form = place.read(chunked(latin, 7)).await.unwrap();
    assert!(matches!(&form.file, Some(Ok(FilePart::Stored { stored, .. })) if stored.size == 4));
    drop(form);
    place.is_empty().await;
    for content in [&b"http://example.com/a"[..], b"QUJD", b"data:;base64,QUJD", b""] {
        place.stores(&[(NAMED, content)], content).await;
        let star = "name=file; filename*=UTF-8''a.jpg";
        place.stores(&[(star, content)], content).await;
        place.stores(&[("name=file; filename=\"\"; filename*=UTF-8''a.jpg", content)], content).await;
    }
}

#[tokio::test]
async fn a_file_without_a_name_is_what_it_looks_like() {
    let place = Place::new();
    for nameless in [NAMELESS, "name=\"file\"; filename=\"\"\r\nContent-Type: application/octet-stream"] {
        let url = place.parts(&[(nameless, b" https://example.com/a.jpg\n")]).await;
        assert!(matches!(url.unwrap().file, Some(Ok(FilePart::Url(url))) if url == "https://example.com/a.jpg"));
        place.stores(&[(nameless, b"QUJD\r\nQQ==")], b"ABCA").await;
    }
    place.stores(&[("name=\"file\"", b"data:a/b;base64,QUJDQQ")], b"ABCA").await;
    place.stores(&[(NAMELESS, b"\x89PNG\r\n\x1a\n")], b"\x89PNG\r\n\x1a\n").await;
    place.stores(&[(NAMELESS, b" not base64 ")], b" not base64 ").await;
    place.stores(&[(NAMELESS, b"")], b"").await;
    // The name decides, although it comes last.
    let text: [(&str, &[u8]); 2] = [(NAMELESS, b"QUJD"), ("name=fileName", b"a.txt")];
    place.stores(&text, b"QUJD").await;
    place.stores(&[(NAMELESS, b"data:text/plain,a%20b")], b"a b").await;
    let long = format!("http://{}", "a".repeat(URL_BYTES_MAX));
    for (broken, why) in [("data:a/b;base64,QU*D", "InvalidBase64"), (long.as_str(), "LongUrl")] {
        // Who sends it may stand behind it.
        let form = place.parts(&[(NAMELESS, broken.as_bytes()), ("name=token", b"t")]).await.unwrap();
        assert_eq!((format!("{:?}", form.file), form.fields.len()), (format!("Some(Err({why}))"), 1));
        place.is_empty().await;
    }
}

#[tokio::test]
async fn large_base64_is_decoded() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..3_000_001_u32).map(|at| (at / 7) as u8).collect();
    let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let mut lines = Vec::new();
    for line in text.as_bytes().chunks(76) {
        lines.extend_from_slice(line);
        lines.extend(b"\r\n");
    }
    let form = place.read(chunked(encoded(&[(NAMELESS, &lines)]), 10_007)).await.unwrap();
    let Some(Ok(FilePart::Stored { stored, .. })) = form.file else {
        panic!("not stored");
    };
    assert_eq!(stored.digest, *blake3::hash(&bytes).as_bytes());
}

#[tokio::test]
async fn forms_have_bounds() {
    let mut place = Place::new();
    let long = vec![b'x'; FIELD_BYTES_MAX];
    let fits = place.read(chunked(encoded(&[("name=a", &long)]), 1 << 16)).await.unwrap();
    assert_eq!(fits.fields[0].1.len(), FIELD_BYTES_MAX);
    let longer = vec![b'x'; FIELD_BYTES_MAX + 1];
    // What is too long is not kept, and what follows it is.
    let too_long = place.read(chunked(encoded(&[("name=a", &longer), ("name=b", b"1")]), 1 << 16)).await.unwrap();
    assert_eq!(format!("{:?}", too_long.unreadable), r#"[("a", FieldTooLarge)]"#);
    assert_eq!(too_long.fields, [("b".to_owned(), "1".to_owned())]);
    let together = [("name=a", &long[..]); 4];
    let together = place.read(chunked(encoded(&together), 1 << 16)).await.unwrap();
    assert_eq!((together.fields.len(), together.unreadable.len()), (3, 1));
    // Names are kept, and count.
    let name = "n".repeat(390_000);
    let named = format!("name={name}");
    let names = [(named.as_str(), &b"\xff"[..]); 20];
    let too_much = place.read(chunked(encoded(&names), 400_000)).await;
    assert!(matches!(too_much, Err(FormError::FieldTooLarge)));
    // But not for ever.
    let endless = vec![b'x'; SKIPPED_BYTES_MAX + FIELD_BYTES_MAX];
    let endless = place.read(chunked(encoded(&[("name=a", &endless)]), 1 << 20)).await;
    assert!(matches!(endless, Err(FormError::FieldTooLarge)));
    let most = [("name=a", &b"1"[..]); PARTS_MAX];
    assert_eq!(place.parts(&most).await.unwrap().fields.len(), PARTS_MAX);
    let many = [("name=a", &b"1"[..]); PARTS_MAX + 1];
    assert!(matches!(place.parts(&many).await, Err(FormError::TooManyParts)));

    place.limit = 100_000;
    let percent = format!("data:,{}", "%41".repeat(90_000));
    let stored = place.read(chunked(encoded(&[(NAMELESS, percent.as_bytes())]), 1 << 16)).await.unwrap();
    assert!(matches!(&stored.file, Some(Ok(FilePart::Stored { stored, .. })) if stored.size == 90_000));
    drop(stored);
    place.is_empty().await;
    place.limit = 9;
    place.stores(&[(NAMED, b"123456789")], b"123456789").await;
    // Nine bytes of content, twelve of text.
    place.stores(&[(NAMELESS, b"QUJDQUJDQUJD")], b"ABCABCABC").await;
    for parts in [(NAMED, &b"1234567890"[..]), (NAMELESS, b"12345 7890"), (NAMELESS, &long)] {
        let too_large = place.read(chunked(encoded(&[parts, ("name=token", b"t")]), 1 << 16)).await.unwrap();
        assert!(matches!(too_large.file, Some(Err(FormError::FileTooLarge))));
        assert_eq!(too_large.fields.len(), 1, "who sends it may stand behind it");
        place.is_empty().await;
    }
    let endless = vec![b'x'; SKIPPED_BYTES_MAX + (4 << 20)];
    for disposition in [NAMED, NAMELESS] {
        let endless = place.read(chunked(encoded(&[(disposition, &endless)]), 1 << 20)).await;
        assert!(matches!(endless, Err(FormError::FileTooLarge)));
        place.is_empty().await;
    }
}

#[tokio::test]
async fn a_broken_form_leaves_no_blob() {
    let place = Place::new();
    let good: [(&str, &[u8]); 1] = [(NAMED, b"1")];
    let body = encoded(&good);
    // Cut anywhere: malformed when the body ends, gone when the connection breaks.
    for cut in 0..body.len() - 4 {
        let part = body[..cut].to_vec();
        let malformed = place.read(chunked(part.clone(), 50)).await;
        assert!(matches!(malformed, Err(FormError::Malformed(_))), "{cut}: {malformed:?}");
        place.is_empty().await;
        let broken = chunked(part, 50).chain(stream::iter([Err(io::Error::other("reset"))]));
        assert!(matches!(place.read(broken).await, Err(FormError::ClientGone(_))), "{cut}");
        place.is_empty().await;
    }
    let latin = place.parts(&[(NAMED, b"1"), ("name=a", b"\xe4"), ("name=b; filename=c", b"\xff")]).await.unwrap();
    assert_eq!(format!("{:?}", latin.unreadable), r#"[("a", NotUtf8), ("b", NotUtf8)]"#);
    drop(latin);
    place.is_empty().await;
}

#[tokio::test]
async fn of_repeated_files_the_last_one_wins() {
    let mut place = Place::new();
    let url: &[u8] = b"http://example.com/";
    // The first one is longer than the last, also where it is spooled.
    let earlier: [(&str, &[u8]); 3] = [(NAMED, b"earlier bytes"), (NAMELESS, b"not base64"), (NAMELESS, url)];
    for first in earlier {
        for second in earlier {
            let last: [(&str, &[u8]); 2] = [(NAMED, b"last"), (NAMELESS, b"la st")];
            for last in last {
                place.stores(&[first, ("name=a", b"1"), second, last], last.1).await;
            }
            let fetched = place.parts(&[first, second, (NAMELESS, url)]).await.unwrap();
            assert!(matches!(&fetched.file, Some(Ok(FilePart::Url(_)))));
            // Its bytes come later, under the same id.
            assert_eq!(place.blobs.size(ID).await.unwrap(), None);
        }
    }
    // Whatever becomes of the last one, the first one is gone.
    place.limit = 4;
    let too_large = place.parts(&[(NAMED, b"1234"), (NAMED, b"12345")]).await.unwrap();
    assert!(matches!(too_large.file, Some(Err(FormError::FileTooLarge))));
    place.is_empty().await;
    let body = encoded(&[(NAMED, b"1"), (NAMED, b"2")]);
    let stalled = chunked(body[..body.len() - 20].to_vec(), 50).chain(stream::pending());
    assert!(matches!(place.read(stalled).await, Err(FormError::Idle)));
    place.is_empty().await;
}

#[tokio::test]
async fn a_silent_client_is_dropped() {
    let place = Place::new();
    let body = encoded(&[(NAMED, b"1"), ("name=a", b"2")]);
    for cut in [0, 20, 90, 150, body.len() - 20] {
        let stalled = chunked(body[..cut].to_vec(), 50).chain(stream::pending());
        assert!(matches!(place.read(stalled).await, Err(FormError::Idle)), "{cut}");
        place.is_empty().await;
    }
}

#[tokio::test]
async fn endless_headers_are_refused_early() {
    let place = Place::new();
    let begin = format!("--{BOUNDARY}\r\nX: ").into_bytes();
    for begin in [begin, b"preamble".to_vec()] {
        let endless = chunked(begin, 1000).chain(stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1000]))));
        let refused = tokio::time::timeout(CLEAN_UP, place.read(endless)).await;
        assert!(matches!(refused.unwrap(), Err(FormError::Malformed(_))));
    }
}

#[tokio::test]
async fn other_bodies_are_told_apart() {
    let place = Place::new();
    let target = Target { blobs: &place.blobs, id: ID, spool_dir: place.dir.path(), file_bytes_max: 1, idle: CLEAN_UP };
    for content_type in ["", "application/json", "multipart/mixed; boundary=x"] {
        let refused = read_form(content_type, chunked(Vec::new(), 1), &target).await;
        assert!(matches!(refused, Err(FormError::NotMultipart)), "{content_type}");
    }
    for content_type in ["multipart/form-data", "Multipart/Form-Data; boundary=\"\""] {
        let refused = read_form(content_type, chunked(Vec::new(), 1), &target).await;
        assert!(matches!(refused, Err(FormError::Malformed(_))), "{content_type}");
    }
    let empty = b"--a/b=c\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--a/b=c--".to_vec();
    for boundary in ["a/b=c", "\"a/b=c\"; charset=utf-8"] {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let form = read_form(&content_type, chunked(empty.clone(), 3), &target).await;
        assert_eq!(form.unwrap().fields, [("a".to_owned(), "1".to_owned())]);
    }
}
