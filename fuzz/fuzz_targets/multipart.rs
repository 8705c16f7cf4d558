//! Upload forms. The first line of the input is the content type of a form, and the rest its body; if the line names no
//! multipart type, it is a file name, and the rest a file that was sent without one.
//!
//! What is read does not depend on how the bytes were cut, a form that is written again is read as the same, and no
//! blob stays behind.

#![no_main]

use std::cell::LazyCell;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use calotype::blobs::{BlobId, Blobs, HEAD_BYTES_MAX};
use calotype::http::form::{
    FIELDS_BYTES_MAX, FilePart, Form, FormError, PARTS_MAX, Shape, Target, URL_BYTES_MAX, read_form, shape_of,
};
use calotype_fuzz::line_and_bytes;
use futures_util::{TryStreamExt, stream};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode;
use tokio::runtime::{Builder, Runtime};

/// Small, so that inputs reach it.
const FILE_BYTES_MAX: u64 = 2_000;
const ID: BlobId = BlobId(42);
/// A boundary that no input has in it by chance.
const BOUNDARY: &str = "calotype-5f0c62b8a1d94e37";

thread_local! {
    static RUNTIME: LazyCell<Runtime> =
        LazyCell::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime without I/O"));
}

fuzz_target!(|data: &[u8]| {
    let Some((line, body)) = line_and_bytes(data) else { return };
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            if line.to_ascii_lowercase().contains("multipart") {
                any_form(line, body).await;
            } else {
                nameless_file(line, body).await;
            }
        });
    });
});

/// What a form was read as.
#[derive(Debug, PartialEq)]
struct Read {
    fields: Vec<(String, String)>,
    /// Names, and why.
    unreadable: Vec<(String, String)>,
    file: Option<File>,
}

#[derive(Debug, PartialEq)]
enum File {
    Bytes(Vec<u8>),
    Url(String),
    /// Why it can be no file.
    Unusable(String),
}

async fn any_form(content_type: &str, body: &[u8]) {
    let whole = read(content_type, body, usize::MAX).await.ok();
    for chunk_bytes in [1, 7] {
        let cut = read(content_type, body, chunk_bytes).await.ok();
        assert_eq!(cut, whole, "in chunks of {chunk_bytes}");
    }
    if let Some(form) = whole
        && let Some(body) = written(&form)
    {
        let again = read(&format!("multipart/form-data; boundary={BOUNDARY}"), &body, usize::MAX).await;
        assert_eq!(again.expect("a form as clients write it"), form);
    }
}

/// A file without a name is what its shape says.
async fn nameless_file(name: &str, bytes: &[u8]) {
    let fields = [("fileName".to_owned(), name.to_owned())];
    let mut body = part("name=file", bytes);
    body.extend(part("name=\"fileName\"", name.as_bytes()));
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    let form = read(&format!("multipart/form-data; boundary={BOUNDARY}"), &body, usize::MAX).await;
    let shape = shape_of(bytes, name);
    match &form {
        Ok(form) => {
            assert_eq!(form.fields, fields);
            match (&shape, form.file.as_ref().expect("there is a file")) {
                (Shape::Url(url), File::Url(found)) => assert_eq!(url, found),
                (Shape::Binary, File::Bytes(found)) => assert_eq!(bytes, found),
                (Shape::Base64 { from, to }, File::Bytes(found)) => {
                    assert!(from <= to && *to <= bytes.len() as u64);
                    assert!(found.len() as u64 <= (to - from) / 4 * 3 + 2, "more than the text has room for");
                }
                (Shape::Percent { from, to }, File::Bytes(found)) => {
                    assert!(from <= to && *to <= bytes.len() as u64);
                    let text = &bytes[*from as usize..*to as usize];
                    assert_eq!(*found, percent_decode(text).collect::<Vec<u8>>());
                }
                (Shape::LongUrl, File::Unusable(why)) => assert_eq!(why, &FormError::LongUrl.to_string()),
                (Shape::Base64 { .. }, File::Unusable(why)) if *why == FormError::InvalidBase64.to_string() => {}
                (_, File::Unusable(why)) => {
                    assert_eq!(why, &FormError::FileTooLarge.to_string());
                    assert!(bytes.len() as u64 > FILE_BYTES_MAX);
                }
                other => panic!("{other:?}"),
            }
        }
        Err(other) => panic!("{other} in a good form"),
    }
}

/// Reads a form in chunks of this size; nothing stays behind.
async fn read(content_type: &str, body: &[u8], chunk_bytes: usize) -> Result<Read, FormError> {
    let blobs = Blobs::memory();
    let target = Target {
        blobs: &blobs,
        id: ID,
        spool_dir: &std::env::temp_dir(),
        file_bytes_max: FILE_BYTES_MAX,
        idle: Duration::from_secs(60),
    };
    let chunks = body.chunks(chunk_bytes).map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)));
    let form = read_form(content_type, stream::iter(chunks.collect::<Vec<_>>()), &target).await;
    let read = match form {
        Ok(form) => Ok(looked_at(&blobs, form).await),
        Err(error) => Err(error),
    };
    // The removal is a task of its own.
    for _ in 0..1000 {
        if blobs.size(ID).await.expect("memory answers").is_none() {
            return read;
        }
        tokio::task::yield_now().await;
    }
    panic!("the blob stays");
}

async fn looked_at(blobs: &Blobs, form: Form) -> Read {
    let texts: usize = form.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(texts <= FIELDS_BYTES_MAX && form.fields.len() <= PARTS_MAX);
    assert!(form.fields.iter().all(|(name, _)| !name.is_empty() && name != "file"));
    let file = match form.file {
        None => None,
        Some(Err(error)) => Some(File::Unusable(error.to_string())),
        Some(Ok(FilePart::Url(url))) => {
            let start = url.get(..6).unwrap_or_default().to_ascii_lowercase();
            assert!(url.len() <= URL_BYTES_MAX && !url.contains(|c: char| c.is_ascii_control()), "{url:?}");
            assert!(["http:/", "https:", "ftp://"].contains(&start.as_str()), "{url:?}");
            Some(File::Url(url))
        }
        Some(Ok(FilePart::Stored { stored, blob })) => {
            let chunks = blobs.read(blob.id(), None).await.expect("the blob is there");
            let bytes = chunks.try_collect::<Vec<Bytes>>().await.expect("memory can be read").concat();
            assert_eq!(stored.size, bytes.len() as u64);
            assert!(stored.size <= FILE_BYTES_MAX);
            assert_eq!(stored.digest, *blake3::hash(&bytes).as_bytes());
            assert_eq!(stored.head, bytes[..bytes.len().min(HEAD_BYTES_MAX)]);
            Some(File::Bytes(bytes))
        }
    };
    let unreadable = form.unreadable.into_iter().map(|(name, error)| (name, error.to_string())).collect();
    Read { fields: form.fields, unreadable, file }
}

/// The form as a client writes it; `None` if it cannot be written.
fn written(form: &Read) -> Option<Vec<u8>> {
    if !form.unreadable.is_empty() || matches!(form.file, Some(File::Unusable(_))) {
        return None;
    }
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        // Old browsers send Windows paths as they are, so a backslash in quotes has no one meaning.
        if name.contains('\\') || value.contains(BOUNDARY) {
            return None;
        }
        body.extend(part(&format!("name=\"{}\"", name.replace('"', "\\\"")), value.as_bytes()));
    }
    match &form.file {
        None | Some(File::Unusable(_)) => {}
        Some(File::Bytes(bytes)) => body.extend(part("name=\"file\"; filename=\"a\"", bytes)),
        Some(File::Url(url)) => body.extend(part("name=\"file\"", url.as_bytes())),
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    Some(body)
}

fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}
