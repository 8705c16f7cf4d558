//! What can go wrong with a blob, sorted by what the caller can do about it.

use std::error::Error as StdError;
use std::io;

/// An error of the blob store. The chain of causes is kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("the blob does not exist")]
    NotFound(#[source] object_store::Error),
    /// The key is taken; blobs are immutable, so it stays as it is.
    #[error("a blob with this id exists already")]
    Exists(#[source] object_store::Error),
    /// The disk or the quota of the store is full: the operator must make room.
    #[error("the blob store is full")]
    DiskFull(#[source] object_store::Error),
    /// The store belongs to another library.
    #[error(
        "the blob store belongs to library \"{found}\", this catalog is library \"{wanted}\"; \
         give each library a blob directory or bucket of its own"
    )]
    OtherLibrary {
        /// The tag in the store.
        found: String,
        /// The tag of the catalog that asked.
        wanted: String,
    },
    /// The directory has been moved away, or its disk unmounted.
    #[error("the blob directory is not there any more, or is not the library's; mount it or put it back")]
    Gone,
    /// Anything else: an I/O error, a refused or unreachable remote store.
    #[error("the blob store failed")]
    Store(#[source] object_store::Error),
}

impl BlobError {
    /// An I/O error of our own work on a local directory: the store's, or that of spooled uploads.
    pub(crate) fn io(source: io::Error) -> Self {
        Self::from(object_store::Error::Generic { store: "local", source: Box::new(source) })
    }
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if is_disk_full(&error) {
            return Self::DiskFull(error);
        }
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound(error),
            object_store::Error::AlreadyExists { .. } => Self::Exists(error),
            other => Self::Store(other),
        }
    }
}

/// Why a body was not stored. In every case nothing of it stays behind.
#[derive(Debug, thiserror::Error)]
pub enum PutError<E: StdError + 'static> {
    /// The body is longer than allowed.
    #[error("the body is longer than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was given to `put`, in bytes.
        limit_bytes: u64,
    },
    /// The body broke off.
    #[error("the body could not be read")]
    Body(#[source] E),
    /// The store failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl<E: StdError + 'static> From<object_store::Error> for PutError<E> {
    fn from(error: object_store::Error) -> Self {
        Self::Blob(error.into())
    }
}

/// Tells whether ENOSPC or EDQUOT is anywhere among the causes; stores wrap it in several layers of their own.
fn is_disk_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("wrapped")]
    struct Wrapped(#[source] io::Error);

    /// Raw codes of Linux: they are what a file system answers.
    const ENOSPC: i32 = 28;
    const EDQUOT: i32 = 122;
    const EIO: i32 = 5;

    fn deep(code: i32) -> BlobError {
        BlobError::from(object_store::Error::Generic {
            store: "test",
            source: Box::new(Wrapped(io::Error::from_raw_os_error(code))),
        })
    }

    #[test]
    fn a_full_disk_is_told_apart_at_any_depth() {
        assert!(matches!(deep(ENOSPC), BlobError::DiskFull(_)));
        assert!(matches!(deep(EDQUOT), BlobError::DiskFull(_)));
        assert!(matches!(deep(EIO), BlobError::Store(_)));
    }
}
