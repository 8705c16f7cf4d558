//! Storing a body: streamed with flat memory, published in one step, undone when given up.
//!
//! 1. Chunks are counted, hashed and gathered into parts of [`PART_BYTES`].
//! 2. A body of at most one part is published with a single conditional put: one round trip, one synced file.
//! 3. A longer one goes part by part into a multipart upload under `staging/`; while one part is written, the next one
//!    is gathered. At the end the staged object is completed and copied to its key if that is free (locally the copy is
//!    a hard link). It is staged first because completing a multipart upload overwrites whatever holds the key.
//! 4. Publishing runs in a task of its own: a put that is dropped meanwhile (the client left) would otherwise leave the
//!    outcome to chance. The dropped half waits for the task and removes what it published.
//!
//! When publishing fails in a way that leaves the outcome unknown (a timeout of a remote store), the key is not
//! touched: what it may hold is found by the collector through the intent row.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMode};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::{BlobId, Blobs, PutError, STAGING};

/// Size of a part in bytes. All parts but the last have exactly this size, as some buckets demand; S3 wants at least
/// 5 MiB and at most 10,000 parts, so that 8 MiB allows 80 GB. A put holds about two of them in memory.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// How much of the beginning is handed back for probing, in bytes: holds the header of nearly every image.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;

/// What is known about a blob after it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 digest of its bytes.
    pub digest: [u8; 32],
    /// Its first [`HEAD_BYTES_MAX`] bytes, or all of them.
    pub head: Bytes,
}

impl Blobs {
    /// Stores `body` under `id`. When it returns, the bytes are durable; when it fails or is dropped, nothing stays
    /// behind (the clean-up may finish a moment later).
    ///
    /// # Errors
    ///
    /// [`PutError::TooLarge`] when the body exceeds `limit_bytes`, [`PutError::Body`] when it breaks off, and
    /// [`PutError::Blob`] when the store fails, with `Exists` when the id is taken and `Gone` when the directory is not
    /// there: if it went in the middle, what was written of the body is wherever its path led to.
    pub async fn put<S, E>(&self, id: BlobId, body: S, limit_bytes: u64) -> Result<Stored, PutError<E>>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: StdError + 'static,
    {
        self.check_is_there()?;
        let writing = Writing::begin(self, id);
        let mut body = pin!(body);
        let mut summary = Summary::default();
        let mut part = BytesMut::new();
        let mut upload = None;
        while let Some(chunk) = body.next().await {
            let mut chunk = chunk.map_err(PutError::Body)?;
            if !summary.add(&chunk, limit_bytes) {
                return Err(PutError::TooLarge { limit_bytes });
            }
            // Strictly more: a body of exactly one part is still a single put.
            while part.len() + chunk.len() > PART_BYTES {
                part.extend_from_slice(&chunk.split_to(PART_BYTES - part.len()));
                let upload = match &mut upload {
                    Some(upload) => upload,
                    none => none.insert(Upload::begin(self, id).await?),
                };
                upload.send(part.split().freeze()).await?;
                part.reserve(PART_BYTES);
            }
            part.extend_from_slice(&chunk);
        }
        match upload {
            None => self.put_small(writing, part.freeze()).await?,
            Some(upload) => upload.finish(writing, part.freeze()).await?,
        }
        // It may have gone meanwhile.
        self.check_is_there()?;
        crate::meter::stored(summary.size);
        Ok(summary.finish())
    }

    async fn put_small(&self, writing: Writing, body: Bytes) -> object_store::Result<()> {
        let (store, target) = (self.store.clone(), writing.id.path());
        let publish = Publishing::start(self.store.clone(), writing, async move {
            let options = PutMode::Create.into();
            store.put_opts(&target, body.into(), options).await?;
            Ok(())
        });
        publish.outcome().await
    }
}

/// What is learnt from the chunks as they pass.
#[derive(Default)]
struct Summary {
    size: u64,
    digest: blake3::Hasher,
    head: BytesMut,
}

impl Summary {
    /// Takes note of a chunk; false when the body is now too long.
    fn add(&mut self, chunk: &[u8], limit_bytes: u64) -> bool {
        self.size += chunk.len() as u64;
        if self.size > limit_bytes {
            return false;
        }
        self.digest.update(chunk);
        let wanted = HEAD_BYTES_MAX.saturating_sub(self.head.len());
        self.head.extend_from_slice(&chunk[..chunk.len().min(wanted)]);
        true
    }

    fn finish(self) -> Stored {
        Stored { size: self.size, digest: *self.digest.finalize().as_bytes(), head: self.head.freeze() }
    }
}

/// A multipart upload into the staging area. Dropped before [`Upload::finish`], it removes itself.
struct Upload {
    store: Arc<dyn ObjectStore>,
    staged: Path,
    /// Taken by `finish` or by the drop.
    parts: Option<Box<dyn MultipartUpload>>,
    /// The part being written; one at a time bounds the memory of a put.
    writing: Option<JoinHandle<object_store::Result<()>>>,
}

impl Upload {
    async fn begin(blobs: &Blobs, id: BlobId) -> object_store::Result<Self> {
        // Relaxed: only the uniqueness of the number matters.
        let number = blobs.stagings.fetch_add(1, Ordering::Relaxed);
        let staged = Path::from(format!("{STAGING}/{:016x}-{number}", id.0));
        Ok(Self {
            store: blobs.store.clone(),
            parts: Some(blobs.store.put_multipart(&staged).await?),
            staged,
            writing: None,
        })
    }

    /// Starts to write a part, once the one before it is written.
    async fn send(&mut self, part: Bytes) -> object_store::Result<()> {
        self.written().await?;
        if let Some(parts) = &mut self.parts {
            self.writing = Some(tokio::spawn(parts.put_part(part.into())));
        }
        Ok(())
    }

    async fn written(&mut self) -> object_store::Result<()> {
        if let Some(writing) = &mut self.writing {
            let outcome = writing.await;
            // Only now: were this future dropped while it waits, the drop would have to wait for the part.
            self.writing = None;
            outcome??;
        }
        Ok(())
    }

    /// Writes the last part and publishes the object under its key.
    async fn finish(mut self, writing: Writing, last: Bytes) -> object_store::Result<()> {
        self.send(last).await?;
        self.written().await?;
        let Some(mut parts) = self.parts.take() else {
            return Ok(());
        };
        let (store, staged, target) = (self.store.clone(), self.staged.clone(), writing.id.path());
        let publish = Publishing::start(self.store.clone(), writing, async move {
            if let Err(error) = parts.complete().await {
                discard(parts).await;
                return Err(error);
            }
            let copied = store.copy_if_not_exists(&staged, &target).await;
            if let Err(error) = store.delete(&staged).await {
                tracing::warn!(%staged, %error, "a staged object is left to the sweep");
            }
            copied
        });
        publish.outcome().await
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let (parts, writing) = (self.parts.take(), self.writing.take());
        // Without a runtime the process is ending; what is left is found by the sweep.
        if let (Some(parts), Ok(runtime)) = (parts, Handle::try_current()) {
            runtime.spawn(async move {
                if let Some(writing) = writing {
                    // Aborting under a running write could leave its part behind. How it ended does not matter.
                    let _ = writing.await;
                }
                discard(parts).await;
            });
        }
    }
}

async fn discard(mut parts: Box<dyn MultipartUpload>) {
    if let Err(error) = parts.abort().await {
        tracing::debug!(%error, "an upload could not be aborted");
    }
}

/// Notes that a blob is being written, until it is dropped.
struct Writing {
    id: BlobId,
    all: Arc<Mutex<BTreeSet<BlobId>>>,
}

impl Writing {
    fn begin(blobs: &Blobs, id: BlobId) -> Writing {
        let all = Arc::clone(&blobs.writing);
        lock(&all).insert(id);
        Writing { id, all }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        lock(&self.all).remove(&self.id);
    }
}

pub(super) fn lock(writing: &Mutex<BTreeSet<BlobId>>) -> MutexGuard<'_, BTreeSet<BlobId>> {
    // What is done with it does not panic, so the lock is not poisoned.
    writing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A publication under way in its own task. Dropped before its outcome is known, it is undone.
struct Publishing {
    store: Arc<dyn ObjectStore>,
    /// Taken by the drop.
    under_way: Option<(Writing, JoinHandle<object_store::Result<()>>)>,
}

impl Publishing {
    fn start<F>(store: Arc<dyn ObjectStore>, writing: Writing, publish: F) -> Self
    where
        F: Future<Output = object_store::Result<()>> + Send + 'static,
    {
        Self { store, under_way: Some((writing, tokio::spawn(publish))) }
    }

    async fn outcome(mut self) -> object_store::Result<()> {
        let Some((_, task)) = &mut self.under_way else {
            return Ok(());
        };
        let outcome = task.await;
        self.under_way = None;
        outcome?
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        if let (Some((writing, task)), Ok(runtime)) = (self.under_way.take(), Handle::try_current()) {
            let (store, target) = (self.store.clone(), writing.id.path());
            runtime.spawn(async move {
                // Only what this task published is removed, never what held the key before.
                match task.await {
                    Ok(Ok(())) => {
                        if let Err(error) = store.delete(&target).await {
                            tracing::warn!(%target, %error, "an unused blob is left to the collector");
                        }
                    }
                    Ok(Err(object_store::Error::AlreadyExists { .. })) => {}
                    // The store may bring the blob about at any time: until the next start looks it counts as being written.
                    _ => return std::mem::forget(writing),
                }
                drop(writing);
            });
        }
    }
}
