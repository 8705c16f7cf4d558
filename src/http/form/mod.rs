//! The upload form: `multipart/form-data` with a part `file` and text fields, in any order.
//!
//! 1. The body passes a guard (`body.rs`) that watches for silent clients and endless part headers.
//! 2. A part `file` *with* a file name is binary whatever it looks like, and streams straight into the blob store.
//! 3. A part `file` *without* one, or with an empty one, may be a URL, a data URI, base64 or raw bytes, and which of them
//!    can depend on `fileName`, which may come later. It is spooled to an anonymous temporary file. Of repeated parts
//!    `file`, as of repeated fields, the last one wins: what came before it is removed first.
//! 4. Every other part is a text field. Fields are kept in their order; which of them mean something is the caller's
//!    business (`values.rs` helps).
//! 5. At the end of the form a spooled file is settled (`spool.rs`): handed back as a URL, or decoded or copied into
//!    the blob store.
//!
//! A form is read to its end also when its file or a field is no good: who sends it may stand at the end, and only the
//! caller knows whether the field means anything. What is no good is not kept, and its place says why.
//!
//! Memory is flat at any size of file. Whatever fails, and whenever the caller gives up, no blob stays behind.

mod body;
mod decode;
mod params;
mod shape;
mod spool;
#[cfg(test)]
mod tests;
mod values;

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use multer::{Field, Multipart};

use crate::blobs::{BlobError, BlobId, Blobs, Provisional, PutError, Stored};
use body::{Fault, Progress};
use params::parameter;
use spool::Spool;

pub use shape::{Shape, URL_BYTES_MAX, shape_of};
pub use values::{TagsError, bool_field, filled_field, is_called, last_field, list_field, split, tags_field};

/// Longest text field, in bytes. Extensions and custom metadata are the long ones, and a few KiB in practice.
pub const FIELD_BYTES_MAX: usize = 1024 * 1024;

/// All text fields with their names, in bytes: what one request may hold in memory.
pub const FIELDS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Parts of one form. The API has some thirty fields; lists sent as repeated parts are the reason for more.
pub const PARTS_MAX: usize = 200;

/// What is read past in one form without being kept, in bytes: the rest of a file that is too large, and fields that are.
pub const SKIPPED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest accepted boundary, in bytes. RFC 2046 (5.1.1) allows 70; some clients are more generous.
const BOUNDARY_BYTES_MAX: usize = 200;

/// A form that was read.
#[derive(Debug)]
pub struct Form {
    /// Names and values of the text parts, in the order they came.
    pub fields: Vec<(String, String)>,
    /// Names of further text parts, with what is wrong with their values: too long, or not UTF-8.
    pub unreadable: Vec<(String, FormError)>,
    /// The part `file`, if there was one, or why it can be no file: too large, no URL or not base64.
    pub file: Option<Result<FilePart, FormError>>,
}

/// What the part `file` turned out to be.
#[derive(Debug)]
pub enum FilePart {
    /// Its bytes are in the blob store, durably, and are removed with `blob` unless that is kept.
    Stored {
        /// Size, digest and head.
        stored: Stored,
        /// Keep it before the transaction that refers to the blob.
        blob: Provisional,
    },
    /// An `http`, `https` or `ftp` URL of at most [`URL_BYTES_MAX`] bytes, to be fetched or refused by the caller.
    Url(String),
}

/// Where a form's file goes, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The store that receives the file.
    pub blobs: &'a Blobs,
    /// The blob's id; its intent is already on record.
    pub id: BlobId,
    /// Where files without a name are spooled; best on the disk of the data directory, never in memory.
    pub spool_dir: &'a Path,
    /// Largest file, in bytes after decoding.
    pub file_bytes_max: u64,
    /// How long a client may send nothing.
    pub idle: Duration,
}

/// Why a form was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// The request has another content type.
    #[error("the request is not multipart/form-data")]
    NotMultipart,
    /// The body breaks the rules of multipart.
    #[error("the form is malformed: {0}")]
    Malformed(String),
    /// One text field, or all together, are too long.
    #[error("a form field is too long")]
    FieldTooLarge,
    /// The form has more than [`PARTS_MAX`] parts.
    #[error("the form has more than {PARTS_MAX} parts")]
    TooManyParts,
    /// The file exceeds the limit.
    #[error("the file is larger than allowed")]
    FileTooLarge,
    /// A data URI does not hold base64.
    #[error("the file is not valid base64")]
    InvalidBase64,
    /// A URL has more than [`URL_BYTES_MAX`] bytes.
    #[error("the URL is longer than {URL_BYTES_MAX} bytes")]
    LongUrl,
    /// The field is not UTF-8.
    #[error("a form field is not UTF-8")]
    NotUtf8,
    /// The client sent nothing for too long.
    #[error("the client stopped sending")]
    Idle,
    /// The connection broke.
    #[error("the client is gone")]
    ClientGone(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The blob store, or the disk of the spool, failed.
    #[error(transparent)]
    Storage(#[from] BlobError),
}

impl From<multer::Error> for FormError {
    fn from(error: multer::Error) -> Self {
        let multer::Error::StreamReadFailed(cause) = error else {
            return Self::Malformed(error.to_string());
        };
        match cause.downcast::<Fault>().map(|fault| *fault) {
            Ok(Fault::Idle) => Self::Idle,
            Ok(Fault::NoProgress) => Self::Malformed("the headers of a part are too long".into()),
            Ok(Fault::Gone(cause)) | Err(cause) => Self::ClientGone(cause),
        }
    }
}

impl From<PutError<multer::Error>> for FormError {
    fn from(error: PutError<multer::Error>) -> Self {
        match error {
            PutError::TooLarge { .. } => Self::FileTooLarge,
            PutError::Body(error) => error.into(),
            PutError::Blob(error) => error.into(),
        }
    }
}

/// The part `file` while the form is still being read.
enum Received {
    Settled(FilePart),
    Spooled(Spool),
    TooLarge,
}

/// Reads a form to its end, with the file in its place.
///
/// # Errors
///
/// See [`FormError`]. No blob stays behind.
pub async fn read_form<S, E>(content_type: &str, body: S, target: &Target<'_>) -> Result<Form, FormError>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let boundary = boundary(content_type)?;
    let progress = Progress::default();
    let guarded = body::guard(body, target.idle, progress.clone());
    let mut parts = Multipart::new(guarded, boundary);
    let mut fields = Fields::default();
    let mut file = None;
    let (mut count, mut room) = (0, SKIPPED_BYTES_MAX);
    while let Some(part) = parts.next_field().await? {
        progress.made();
        count += 1;
        if count > PARTS_MAX {
            return Err(FormError::TooManyParts);
        }
        let name = disposition(&part, "name").unwrap_or_default();
        if name != "file" {
            fields.read(name, part, &progress, &mut room).await?;
            continue;
        }
        if let Some(Received::Settled(FilePart::Stored { blob, .. })) = file.take() {
            // Its id is that of the next one too, or of what a URL stands for.
            blob.remove().await?;
        }
        file = Some(receive(part, &progress, target, &mut room).await?);
    }
    let Fields { list: fields, unreadable, .. } = fields;
    let file = match file {
        None => None,
        Some(Received::Settled(file)) => Some(Ok(file)),
        Some(Received::TooLarge) => Some(Err(FormError::FileTooLarge)),
        Some(Received::Spooled(spool)) => {
            let file_name = last_field(&fields, "fileName").unwrap_or_default();
            Some(match spool.settle(file_name, target).await {
                Err(error @ (FormError::FileTooLarge | FormError::InvalidBase64 | FormError::LongUrl)) => Err(error),
                settled => Ok(settled?),
            })
        }
    };
    Ok(Form { fields, unreadable, file })
}

async fn receive(
    mut part: Field<'_>,
    progress: &Progress,
    target: &Target<'_>,
    room: &mut usize,
) -> Result<Received, FormError> {
    // The current SDK for Go writes a name always. That its caller has text to send is told by an empty one.
    let named =
        ["filename", "filename*"].into_iter().any(|name| disposition(&part, name).is_some_and(|it| !it.is_empty()));
    let chunks = (&mut part).inspect(|_| progress.made());
    let received = if named {
        // No await between the two: whoever gives up from here on drops the guard.
        target
            .blobs
            .put(target.id, chunks, target.file_bytes_max)
            .await
            .map_err(FormError::from)
            .map(|stored| Received::Settled(FilePart::Stored { stored, blob: target.blobs.provisional(target.id) }))
    } else {
        Spool::fill(chunks, target).await.map(Received::Spooled)
    };
    let Err(FormError::FileTooLarge) = received else { return received };
    while let Some(chunk) = part.chunk().await? {
        progress.made();
        *room = room.checked_sub(chunk.len()).ok_or(FormError::FileTooLarge)?;
    }
    Ok(Received::TooLarge)
}

/// The text fields so far.
#[derive(Default)]
struct Fields {
    list: Vec<(String, String)>,
    unreadable: Vec<(String, FormError)>,
    bytes: usize,
}

impl Fields {
    /// Reads a text part. Nameless parts are read past.
    async fn read(
        &mut self,
        name: String,
        mut part: Field<'_>,
        progress: &Progress,
        room: &mut usize,
    ) -> Result<(), FormError> {
        self.bytes += name.len();
        // Names are kept whatever becomes of the values.
        if self.bytes > FIELDS_BYTES_MAX {
            return Err(FormError::FieldTooLarge);
        }
        let (mut value, mut fits) = (Vec::new(), true);
        while let Some(chunk) = part.chunk().await? {
            progress.made();
            let bytes = value.len() + chunk.len();
            if fits && (bytes > FIELD_BYTES_MAX || self.bytes + bytes > FIELDS_BYTES_MAX) {
                (value, fits) = (Vec::new(), false);
            }
            if fits {
                value.extend_from_slice(&chunk);
            } else {
                *room = room.checked_sub(chunk.len()).ok_or(FormError::FieldTooLarge)?;
            }
        }
        match String::from_utf8(value) {
            _ if name.is_empty() => {}
            _ if !fits => self.unreadable.push((name, FormError::FieldTooLarge)),
            Err(_) => self.unreadable.push((name, FormError::NotUtf8)),
            Ok(value) => {
                self.bytes += value.len();
                self.list.push((name, value));
            }
        }
        Ok(())
    }
}

/// A parameter of the part's Content-Disposition. `multer` reads these too, but is confused by names within values and
/// does not know `filename*`.
fn disposition(part: &Field<'_>, name: &str) -> Option<String> {
    let header = part.headers().get("content-disposition")?;
    parameter(header.as_bytes(), name)
}

/// The boundary of a multipart content type. `multer` refuses unquoted boundaries with characters that should be
/// quoted, and clients send them.
fn boundary(content_type: &str) -> Result<String, FormError> {
    let media_type = content_type.split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(FormError::NotMultipart);
    }
    parameter(content_type.as_bytes(), "boundary")
        .filter(|boundary| (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()))
        .ok_or_else(|| FormError::Malformed("the content type has no usable boundary".into()))
}
