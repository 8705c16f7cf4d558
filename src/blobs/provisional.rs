//! A stored blob that no row refers to yet.
//!
//! Between the upload of a body and the transaction that refers to it, a request can fail or vanish. The blob is then
//! held by a [`Provisional`], which removes it when dropped. The intent row would let the collector find it anyway;
//! this only makes room sooner.

use tokio::runtime::Handle;

use super::{BlobError, BlobId, Blobs};

/// Removes its blob when dropped, unless [`keep`](Provisional::keep) was called.
#[derive(Debug)]
#[must_use = "dropping it removes the blob"]
pub struct Provisional {
    blobs: Blobs,
    id: BlobId,
    kept: bool,
}

impl Provisional {
    /// The blob in question.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// Removes the blob now rather than some time after the drop: another one may then be put under its id.
    ///
    /// # Errors
    ///
    /// Fails when the store refuses or cannot be reached; the drop tries once more.
    pub async fn remove(mut self) -> Result<(), BlobError> {
        self.blobs.delete(self.id).await?;
        // Nothing is left for the drop to remove.
        self.kept = true;
        Ok(())
    }

    /// Hands the blob over to the catalog. Call it *before* the transaction that refers to the blob commits: a commit
    /// whose outcome is unknown may have happened, and only the collector can tell.
    pub fn keep(mut self) -> BlobId {
        self.kept = true;
        self.id
    }
}

impl Drop for Provisional {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // A task, because removing waits and dropping cannot. Without a runtime the process is ending, and the
        // collector takes over.
        if let Ok(runtime) = Handle::try_current() {
            let (blobs, id) = (self.blobs.clone(), self.id);
            runtime.spawn(async move {
                if let Err(error) = blobs.delete(id).await {
                    tracing::warn!(blob = id.0, %error, "an unused blob is left to the collector");
                }
            });
        }
    }
}

impl Blobs {
    /// Watches over a blob that was just put and that nothing refers to yet.
    pub fn provisional(&self, id: BlobId) -> Provisional {
        Provisional { blobs: self.clone(), id, kept: false }
    }
}
