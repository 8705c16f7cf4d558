//! Reading blobs. A directory is read directly: `object_store` opens a file in one blocking task and reads it in
//! others, while here opening and the first bytes are one, and a small blob that the system has in memory takes none
//! (`cached.rs`). Every other store is read through its trait. Small blobs that are read whole are kept in memory, as far as
//! there is room: opening, reading and closing a file costs as much as the rest of a small download.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt, TryStreamExt};
use moka::sync::Cache;
use object_store::{GetOptions, GetRange, ObjectStoreExt};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{BlobError, BlobId, Blobs, cached};

/// Bytes per read of a directory's blob: few hops to the blocking pool, and small beside the memory of a request, which
/// may hold three of them (one being read, two being sent).
const CHUNK_BYTES: usize = 256 * 1024;

/// Most bytes of a blob that is kept in memory. What a page shows many of is smaller; of larger ones few would fit.
pub const KEPT_BYTES_MAX: u64 = 64 * 1024;
/// Bytes that a kept blob takes beside its own, about.
const ENTRY_BYTES: u32 = 200;

/// Small blobs that were read lately.
pub(super) type Kept = Cache<BlobId, Bytes>;

/// Room for so many bytes of small blobs.
pub(super) fn keep(bytes_max: u64) -> Kept {
    let weight = |_: &BlobId, bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(ENTRY_BYTES);
    Cache::builder().weigher(weight).max_capacity(bytes_max).build()
}

/// Most bytes that [`Blobs::read_at_once`] is meant for: one chunk.
pub const AT_ONCE_BYTES_MAX: u64 = CHUNK_BYTES as u64;

impl Blobs {
    /// Streams a blob, or the bytes `range` of it (end exclusive), all of them. An open local file is held, so a blob
    /// that is deleted during the read is still read to its end.
    ///
    /// # Errors
    ///
    /// [`BlobError::NotFound`] when there is no such blob. [`BlobError::Store`] here, or in the stream, when it ends
    /// before `range` does: whoever has promised so many bytes must not take fewer for all.
    pub async fn read(
        &self,
        id: BlobId,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, BlobError>>, BlobError> {
        if let Some(path) = self.file_of(id) {
            let (part, first) = blocking(spawn_blocking(move || Part::open(path, range)?.read_on())).await?;
            return Ok(stream::iter([Ok(first)]).chain(chunks(part)).boxed());
        }
        let wanted = range.as_ref().map_or(0, |range| range.end.saturating_sub(range.start));
        // Stores refuse an empty range, and for an empty blob every range is one.
        if range.as_ref().is_some_and(Range::is_empty) {
            self.store.head(&id.path()).await?;
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&id.path(), options).await?;
        Ok(all_of(found.into_stream().map_err(BlobError::from).boxed(), wanted).boxed())
    }

    /// A whole blob of `size` bytes, at most [`KEPT_BYTES_MAX`], in memory. Once read it is kept there while there is room;
    /// blobs never change, and their ids are never given to others.
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`].
    pub async fn read_small(&self, id: BlobId, size: u64) -> Result<Bytes, BlobError> {
        if let Some(bytes) = self.kept.get(&id) {
            return Ok(bytes);
        }
        let bytes = Box::pin(self.read_at_once(id, 0..size)).await?;
        self.kept.insert(id, bytes.clone());
        Ok(bytes)
    }

    /// The bytes `range` of a blob in memory; at most [`AT_ONCE_BYTES_MAX`].
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`].
    pub async fn read_at_once(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, BlobError> {
        if let Some(path) = self.file_of(id) {
            if let Some(bytes) = cached::read(&path, &range) {
                return Ok(bytes);
            }
            let read = spawn_blocking(move || Part::open(path, Some(range))?.read_on());
            return blocking(read).await.map(|(_, bytes)| bytes);
        }
        self.read_in_memory(id, range).await
    }

    /// The bytes `range` of a blob in memory, however many.
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`].
    pub async fn read_in_memory(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, BlobError> {
        let chunks: Vec<Bytes> = self.read(id, Some(range)).await?.try_collect().await?;
        Ok(chunks.concat().into())
    }

    /// Where a blob is, if the store is a directory.
    fn file_of(&self, id: BlobId) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(id.key()))
    }
}

/// What is left to read of an open file.
struct Part {
    file: File,
    left_bytes: u64,
}

impl Part {
    fn open(path: PathBuf, range: Option<Range<u64>>) -> Result<Part, BlobError> {
        let mut file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let path = path.display().to_string();
                BlobError::NotFound(object_store::Error::NotFound { path, source: error.into() })
            }
            _ => BlobError::io(error),
        })?;
        let size = file.metadata().map_err(BlobError::io)?.len();
        let range = range.unwrap_or(0..size);
        if range.is_empty() {
            return Ok(Part { file, left_bytes: 0 });
        }
        if range.end > size {
            return Err(ends_early(range.end - size));
        }
        if range.start > 0 {
            file.seek(SeekFrom::Start(range.start)).map_err(BlobError::io)?;
        }
        Ok(Part { file, left_bytes: range.end - range.start })
    }

    /// The next chunk, empty at the end.
    fn read_on(mut self) -> Result<(Part, Bytes), BlobError> {
        let wanted = self.left_bytes.min(AT_ONCE_BYTES_MAX);
        let mut chunk = Vec::with_capacity(usize::try_from(wanted).unwrap_or(CHUNK_BYTES));
        let read = (&self.file).take(wanted).read_to_end(&mut chunk).map_err(BlobError::io)? as u64;
        if read < wanted {
            return Err(ends_early(self.left_bytes - read));
        }
        self.left_bytes -= read;
        Ok((self, chunk.into()))
    }
}

/// A blob that has fewer bytes than its row says is damaged.
fn ends_early(missing_bytes: u64) -> BlobError {
    let told = format!("the blob ends {missing_bytes} bytes too early");
    BlobError::io(io::Error::new(io::ErrorKind::UnexpectedEof, told))
}

/// The chunks of a stream, which is an error if they are fewer than `bytes` together.
fn all_of(
    chunks: BoxStream<'static, Result<Bytes, BlobError>>,
    bytes: u64,
) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static {
    stream::try_unfold((chunks, bytes), |(mut chunks, left)| async move {
        match chunks.try_next().await? {
            Some(chunk) => {
                let left = left.saturating_sub(chunk.len() as u64);
                Ok(Some((chunk, (chunks, left))))
            }
            None if left > 0 => Err(ends_early(left)),
            None => Ok(None),
        }
    })
}

/// The chunks of a part. Each is read while the one before it is being sent.
fn chunks(part: Part) -> impl Stream<Item = Result<Bytes, BlobError>> + Send + 'static {
    stream::try_unfold(read_ahead(part), |pending| async move {
        let Some(pending) = pending else { return Ok(None) };
        let (part, chunk) = blocking(pending).await?;
        Ok((!chunk.is_empty()).then(|| (chunk, read_ahead(part))))
    })
}

type Pending = JoinHandle<Result<(Part, Bytes), BlobError>>;

fn read_ahead(part: Part) -> Option<Pending> {
    (part.left_bytes > 0).then(|| spawn_blocking(|| part.read_on()))
}

async fn blocking<T>(task: JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    task.await.unwrap_or_else(|panicked| Err(BlobError::io(panicked.into())))
}
