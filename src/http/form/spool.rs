//! The part `file` without a file name: spooled while it arrives, settled when the form is read.
//!
//! Its shape (`shape.rs`) is judged while the bytes pass, so that settling reads the spool file once, with flat memory,
//! and decodes on the way (`decode.rs`).

use std::io;
use std::pin::pin;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::decode::{BrokenBase64, decoded, percent_decoded};
use super::shape::{Outline, Shape};
use super::{FilePart, FormError, Target};
use crate::blobs::{BlobError, PutError};

/// Chunk of the spool file, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Room for the text around base64 in the spool, in bytes: the start of a data URI and white space.
const SPOOL_SLACK_BYTES: u64 = 64 * 1024;

/// A spooled part. The file has no name, so it goes with the process at the latest.
pub(super) struct Spool {
    file: File,
    outline: Outline,
}

/// Why the spooled bytes could not be put.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    #[error("the spool file could not be read")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Base64(#[from] BrokenBase64),
}

impl Spool {
    /// Writes a part to a new spool file.
    pub(super) async fn fill(
        chunks: impl Stream<Item = Result<Bytes, multer::Error>>,
        target: &Target<'_>,
    ) -> Result<Self, FormError> {
        let file = tempfile::tempfile_in(target.spool_dir).map_err(BlobError::io)?;
        let mut file = File::from_std(file);
        let mut outline = Outline::default();
        let mut chunks = pin!(chunks);
        while let Some(chunk) = chunks.try_next().await? {
            outline.add(&chunk);
            let text_max = (target.file_bytes_max as f64 * outline.expansion()) as u64;
            if outline.bytes > text_max.saturating_add(SPOOL_SLACK_BYTES) {
                return Err(FormError::FileTooLarge);
            }
            file.write_all(&chunk).await.map_err(BlobError::io)?;
        }
        file.flush().await.map_err(BlobError::io)?;
        Ok(Self { file, outline })
    }

    /// Puts the spooled bytes where they belong, now that the file's name is known.
    pub(super) async fn settle(self, file_name: &str, target: &Target<'_>) -> Result<FilePart, FormError> {
        let (blobs, id, limit) = (target.blobs, target.id, target.file_bytes_max);
        let put = match self.outline.shape(file_name) {
            Shape::Url(url) => return Ok(FilePart::Url(url)),
            Shape::LongUrl => return Err(FormError::LongUrl),
            Shape::Percent { from, to } => {
                let text = read(self.file, from, to).await?;
                blobs.put(id, percent_decoded(text), limit).await
            }
            Shape::Binary => {
                let all = read(self.file, 0, self.outline.bytes).await?;
                blobs.put(id, all, limit).await
            }
            Shape::Base64 { from, to } => {
                let text = read(self.file, from, to).await?;
                blobs.put(id, decoded(text), limit).await
            }
        };
        let stored = put.map_err(|error| match error {
            PutError::TooLarge { .. } => FormError::FileTooLarge,
            PutError::Body(SpoolError::Base64(_)) => FormError::InvalidBase64,
            PutError::Body(SpoolError::Io(error)) => BlobError::io(error).into(),
            PutError::Blob(error) => error.into(),
        })?;
        let blob = blobs.provisional(id);
        Ok(FilePart::Stored { stored, blob })
    }
}

/// The bytes `from..to` of the spool file.
async fn read(
    mut file: File,
    from: u64,
    to: u64,
) -> Result<impl Stream<Item = Result<Bytes, SpoolError>> + Send, BlobError> {
    file.seek(SeekFrom::Start(from)).await.map_err(BlobError::io)?;
    let part = ReaderStream::with_capacity(file.take(to - from), CHUNK_BYTES);
    Ok(part.map_err(SpoolError::from))
}
