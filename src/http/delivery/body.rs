//! The bytes of an answer: from memory when they are few and known, read in one go when they are few, else as a stream; several parts with a head before each.

use std::ops::Range;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::app::App;
use crate::blobs::{AT_ONCE_BYTES_MAX, BlobError, KEPT_BYTES_MAX};
use crate::error::Result;
use crate::library::delivery::Deliverable;

/// Hexadecimal digits of the file's own digest that separate its parts. A file that holds its own digest would have to be
/// found by trying.
const BOUNDARY_CHARS: usize = 32;

/// Some bytes of a file; its blob is opened before this returns, so that what is missing is told by a status.
pub async fn part(app: &App, file: &Deliverable, range: Range<u64>) -> Result<Body> {
    let size = file.size.cast_unsigned();
    if size <= KEPT_BYTES_MAX {
        let bytes = app.blobs.read_small(file.blob_id, size).await?;
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        return Ok(Body::from(bytes.slice(start..end)));
    }
    Box::pin(part_of_large(app, file, range)).await
}

async fn part_of_large(app: &App, file: &Deliverable, range: Range<u64>) -> Result<Body> {
    if range.end - range.start <= AT_ONCE_BYTES_MAX {
        return Ok(Body::from(app.blobs.read_at_once(file.blob_id, range).await?));
    }
    Ok(Body::from_stream(app.blobs.read(file.blob_id, Some(range)).await?))
}

/// A body of type `multipart/byteranges`, not opened yet.
pub struct Multipart {
    boundary: String,
    /// Each part's head and range.
    parts: Vec<(Bytes, Range<u64>)>,
    end: Bytes,
}

impl Multipart {
    /// Two or more parts of a file, at most as many as a request may ask for.
    #[must_use]
    pub fn of(file: &Deliverable, ranges: Vec<Range<u64>>) -> Multipart {
        let boundary = file.digest.get(..BOUNDARY_CHARS).unwrap_or("calotype-part").to_owned();
        let head = |range: &Range<u64>| {
            let (start, last, size) = (range.start, range.end - 1, file.size);
            let mime = &file.mime;
            format!("\r\n--{boundary}\r\nContent-Type: {mime}\r\nContent-Range: bytes {start}-{last}/{size}\r\n\r\n")
        };
        let parts = ranges.into_iter().map(|range| (Bytes::from(head(&range)), range)).collect();
        let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
        Multipart { boundary, parts, end }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Bytes of the whole body.
    #[must_use]
    pub fn size(&self) -> u64 {
        let parts = self.parts.iter().map(|(head, range)| head.len() as u64 + range.end - range.start);
        parts.sum::<u64>() + self.end.len() as u64
    }

    /// The body. The first part is opened here, the others when their turn comes.
    pub async fn open(self, app: &App, file: &Deliverable) -> Result<Body> {
        let (blobs, blob) = (app.blobs.clone(), file.blob_id);
        let mut parts = self.parts.into_iter();
        let Some((head, range)) = parts.next() else { return Ok(Body::empty()) };
        let first = stream::iter([Ok(head)]).chain(blobs.read(blob, Some(range)).await?);
        let others = stream::iter(parts).then(move |(head, range)| {
            let blobs = blobs.clone();
            async move { Ok::<_, BlobError>(stream::iter([Ok(head)]).chain(blobs.read(blob, Some(range)).await?)) }
        });
        let end = stream::iter([Ok(self.end)]);
        Ok(Body::from_stream(first.chain(others.try_flatten()).chain(end)))
    }
}
