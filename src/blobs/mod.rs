//! Immutable blobs: the bytes of every file version, kept in an object store.
//!
//! The story of a blob:
//!
//! 1. The catalog hands out a [`BlobId`], never twice, and notes its intent.
//! 2. [`Blobs::put`] (in `put.rs`) streams the body in, hashes it, and publishes it under its key in one atomic step,
//!    only if that key is free. When it returns, the bytes survive a power loss.
//! 3. Rows refer to the blob; [`Blobs::read`] serves it, whole or in part.
//! 4. When no row refers to it any more, the collector calls [`Blobs::delete`]. Nothing else removes a kept blob.
//!
//! Deliberately absent: overwriting, renaming, reference counts, and any look at the catalog. Only methods of
//! [`ObjectStore`] write, list and delete the bytes, so that a bucket can stand in for a directory; a directory is read
//! directly (`read.rs`), for speed. A bucket must be built with
//! its copy-if-absent option set (for S3: `S3CopyIfNotExists`), because a large body is staged and then published.
//!
//! Layout: `blobs/{low byte}/{id}` (both hexadecimal; 256 shards keep a local directory small), `staging/…` for large
//! bodies on their way in, and `calotype-library`, the marker that ties the store to one catalog.

mod cached;
mod error;
mod local;
mod provisional;
mod put;
mod read;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeSet;
use std::path::Path as DirPath;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use futures_util::{Stream, TryStreamExt, future};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};

pub use crate::model::ids::BlobId;
pub use error::{BlobError, PutError};
pub use local::sweep_cutoff;
pub use provisional::Provisional;
pub use put::{HEAD_BYTES_MAX, PART_BYTES, Stored};
pub use read::{AT_ONCE_BYTES_MAX, KEPT_BYTES_MAX};
pub use transfer::{Means, Transfer};

/// Prefix of published blobs.
const BLOBS: &str = "blobs";

/// Prefix of large bodies that are not published yet.
const STAGING: &str = "staging";

/// Key of the object that names the library this store belongs to.
const MARKER: &str = "calotype-library";

/// Longest marker that is read back, in bytes; a library tag is a short id, anything longer is not ours.
const MARKER_BYTES_MAX: u64 = 1024;

impl BlobId {
    /// The key of this blob: sharded by the low byte, because ids are handed out in order.
    fn path(self) -> Path {
        Path::from(self.key())
    }

    fn key(self) -> String {
        format!("{BLOBS}/{:02x}/{:016x}", self.0 & 0xff, self.0)
    }

    /// The inverse of [`BlobId::path`]; `None` for a key that `path` would not have made.
    fn from_path(path: &Path) -> Option<Self> {
        let bits = u64::from_str_radix(path.filename()?, 16).ok()?;
        let id = Self(bits.cast_signed());
        (id.path() == *path).then_some(id)
    }
}

/// One library's blob store. Cheap to clone; all clones share the store and what is kept of it in memory.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The directory, when the store is one: [`Blobs::sweep_staged`] looks at it, reads and links go there directly.
    root: Option<Arc<DirPath>>,
    /// Makes staging keys unique within the process; blob ids make them unique among processes.
    stagings: Arc<AtomicU64>,
    /// Whether [`Blobs::claim`] has tied the store to a library: then it bears the marker as long as it is there.
    is_tied: Arc<AtomicBool>,
    /// Small blobs in memory; room for none until [`Blobs::keeping`] gives it.
    kept: read::Kept,
    /// Blobs that are being written, or whose writing is being undone.
    writing: Arc<Mutex<BTreeSet<BlobId>>>,
}

impl Blobs {
    /// Opens a directory as a blob store and creates it, with its shards, where missing. Blocks: for startup only.
    ///
    /// # Errors
    ///
    /// Fails when the directory cannot be created, read or synced.
    pub fn local(dir: &DirPath) -> Result<Self, BlobError> {
        let (store, root) = local::open(dir)?;
        Ok(Self { root: Some(root), ..Self::over(Arc::new(store)) })
    }

    /// Opens a directory that is a blob store already, and writes nothing to it.
    ///
    /// # Errors
    ///
    /// Fails when the directory is not there.
    pub fn existing(dir: &DirPath) -> Result<Self, BlobError> {
        let root = std::path::absolute(dir).map_err(BlobError::io)?;
        let store = object_store::local::LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
        Ok(Self { root: Some(root.into()), ..Self::over(Arc::new(store)) })
    }

    /// A store that lives as long as the process, for tests.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()))
    }

    /// Any object store that can put and copy conditionally.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self {
            store,
            root: None,
            stagings: Arc::default(),
            is_tied: Arc::default(),
            kept: read::keep(0),
            writing: Arc::default(),
        }
    }

    /// The same store, which keeps up to so many bytes of small blobs in memory.
    #[must_use]
    pub fn keeping(self, bytes_max: u64) -> Self {
        Self { kept: read::keep(bytes_max), ..self }
    }

    /// Ties the store to the library `tag`, or confirms that it is tied to it already. Two catalogs over one store
    /// would collect each other's blobs, so the server asks this before it serves.
    ///
    /// # Errors
    ///
    /// [`BlobError::OtherLibrary`] when the store belongs to another library.
    pub async fn claim(&self, tag: &str) -> Result<(), BlobError> {
        self.tie(tag).await?;
        self.is_tied.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn tie(&self, tag: &str) -> Result<(), BlobError> {
        let marker = Path::from(MARKER);
        let payload = tag.to_owned().into();
        match self.store.put_opts(&marker, payload, PutMode::Create.into()).await {
            Ok(_) => return Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let held = self.store.get(&marker).await?;
        let found = if held.meta.size > MARKER_BYTES_MAX {
            format!("a marker of {} bytes", held.meta.size)
        } else {
            String::from_utf8_lossy(&held.bytes().await?).into_owned()
        };
        if found == tag {
            return Ok(());
        }
        Err(BlobError::OtherLibrary { found, wanted: tag.to_owned() })
    }

    /// Fails when the directory has gone since it was claimed. What is written to its path then makes another one there,
    /// which is gone in its turn as soon as the disk is mounted again.
    fn check_is_there(&self) -> Result<(), BlobError> {
        let marker = self.root.as_ref().filter(|_| self.is_tied.load(Ordering::Relaxed)).map(|root| root.join(MARKER));
        if marker.is_none_or(|marker| marker.is_file()) { Ok(()) } else { Err(BlobError::Gone) }
    }

    /// Whether the store is tied to any library.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot answer.
    pub async fn is_claimed(&self) -> Result<bool, BlobError> {
        match self.store.head(&Path::from(MARKER)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a put of this process may still bring the blob about, or is undoing that it has: also one that was given up.
    pub fn is_being_written(&self, id: BlobId) -> bool {
        put::lock(&self.writing).contains(&id)
    }

    /// The size of a blob in bytes, or `None` when there is no such blob.
    ///
    /// # Errors
    ///
    /// Fails when the store cannot answer.
    pub async fn size(&self, id: BlobId) -> Result<Option<u64>, BlobError> {
        match self.store.head(&id.path()).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a blob; an absent one is fine. A local removal is not synced: after a power loss the blob may be back,
    /// and the collector finds it again.
    ///
    /// # Errors
    ///
    /// Fails when the store refuses or cannot be reached.
    pub async fn delete(&self, id: BlobId) -> Result<(), BlobError> {
        self.kept.invalidate(&id);
        match self.store.delete(&id.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every published blob with its size in bytes, in no particular order. Foreign objects are left out.
    pub fn list(&self) -> impl Stream<Item = Result<(BlobId, u64), BlobError>> + Send + use<> + 'static {
        self.store
            .list(Some(&Path::from(BLOBS)))
            .map_err(BlobError::from)
            .try_filter_map(|meta| future::ok(BlobId::from_path(&meta.location).map(|id| (id, meta.size))))
    }

    /// Removes what a killed process left half written and that nobody has touched since `cutoff`; returns how many.
    /// An upload under way keeps touching its file, so a cutoff a day ago (see [`sweep_cutoff`]) spares it, also when
    /// another server shares the store.
    ///
    /// # Errors
    ///
    /// Fails at the first object that cannot be listed or removed.
    pub async fn sweep_staged(&self, cutoff: SystemTime) -> Result<u64, BlobError> {
        let mut removed = 0;
        let mut staged = self.store.list(Some(&Path::from(STAGING)));
        while let Some(meta) = staged.try_next().await? {
            if SystemTime::from(meta.last_modified) < cutoff {
                self.store.delete(&meta.location).await?;
                removed += 1;
            }
        }
        if let Some(root) = self.root.clone() {
            removed += local::sweep(root, cutoff).await?;
        }
        Ok(removed)
    }
}
