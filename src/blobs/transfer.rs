//! Bringing a blob from one store into another, for backups: a second link to the same bytes where that is possible, else
//! a copy that is compared with what the catalog says.
//!
//! A blob never changes and its id is never given twice, so one that is there in its size is the same one, and a link is as
//! good as a copy for as long as the disk lives. Who wants copies gets them also where there was a link before. Links, and
//! copies in their place, become durable with [`Blobs::sync`]; another copy is durable at once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{BlobError, BlobId, Blobs, PutError, local};

/// How much of a file is copied at once.
const COPY_BYTES: usize = 128 * 1024;

/// How a blob got to where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// It was there before.
    Present,
    Linked,
    Copied,
    /// It is not in the store it should come from.
    Missing,
    /// Its size or its digest is not what the catalog says.
    Damaged,
}

/// Whether links will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Where both stores are directories of one file system.
    LinkOrCopy,
    Copy,
}

impl Blobs {
    /// Brings the blob `id` of `size` bytes with that BLAKE3 `digest` (hex) into `to`, unless it is there. A link is not there
    /// if copies are wanted.
    ///
    /// # Errors
    ///
    /// Fails when a store fails. A blob that is missing or damaged is no error: the others are wanted all the same.
    pub async fn transfer(
        &self,
        id: BlobId,
        size: u64,
        digest: &str,
        to: &Blobs,
        means: Means,
    ) -> Result<Transfer, BlobError> {
        match to.size(id).await? {
            Some(there) if there == size => {
                return if means == Means::Copy { self.separate(id, digest, to).await } else { Ok(Transfer::Present) };
            }
            Some(_) => to.delete(id).await?,
            None => {}
        }
        match self.size(id).await? {
            None => return Ok(Transfer::Missing),
            Some(found) if found != size => return Ok(Transfer::Damaged),
            Some(_) => {}
        }
        if means == Means::LinkOrCopy && self.link(id, to).await {
            return Ok(Transfer::Linked);
        }
        let stored = match to.put(id, self.read(id, None).await?, size).await {
            Ok(stored) => stored,
            Err(PutError::Blob(error) | PutError::Body(error)) => return Err(error),
            Err(PutError::TooLarge { .. }) => return Ok(Transfer::Damaged),
        };
        if blake3::Hash::from(stored.digest).to_hex().as_str() == digest {
            return Ok(Transfer::Copied);
        }
        to.delete(id).await?;
        Ok(Transfer::Damaged)
    }

    /// Tries to give the bytes a second name; whatever is in the way (another file system, one without links), copying
    /// them is the answer.
    async fn link(&self, id: BlobId, to: &Blobs) -> bool {
        let (Some(from), Some(to)) = (self.file(id), to.file(id)) else { return false };
        tokio::task::spawn_blocking(move || std::fs::hard_link(from, to).is_ok()).await.unwrap_or(false)
    }

    /// Puts a copy in the place of a link, so that the blob is there at any moment.
    async fn separate(&self, id: BlobId, digest: &str, to: &Blobs) -> Result<Transfer, BlobError> {
        let (Some(from), Some(to)) = (self.file(id), to.file(id)) else { return Ok(Transfer::Present) };
        let digest = digest.to_owned();
        let separating = tokio::task::spawn_blocking(move || {
            if is_same_file(&from, &to)? { replace_by_copy(&to, &digest) } else { Ok(Transfer::Present) }
        });
        separating.await.unwrap_or_else(|panicked| Err(panicked.into())).map_err(BlobError::io)
    }

    fn file(&self, id: BlobId) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(id.path().as_ref()))
    }

    /// Makes the links durable that [`Blobs::transfer`] has made in this store.
    ///
    /// # Errors
    ///
    /// Fails when a directory cannot be synced.
    pub async fn sync(&self) -> Result<(), BlobError> {
        let Some(root) = self.root.clone() else { return Ok(()) };
        match tokio::task::spawn_blocking(move || local::sync_shards(&root)).await {
            Ok(synced) => synced.map_err(BlobError::io),
            Err(panicked) => Err(BlobError::io(panicked.into())),
        }
    }
}

/// Whether both are names of one file. What is gone is no such name.
fn is_same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let metadata = |path: &Path| match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(match (metadata(one)?, metadata(other)?) {
        (Some(one), Some(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    })
}

/// Makes a copy under a staged name, which [`Blobs::sweep_staged`] removes if this dies, and renames it. Byte by byte: file systems can
/// copy files such that both share their blocks, which is no more than a link.
fn replace_by_copy(path: &Path, digest: &str) -> io::Result<Transfer> {
    let mut staged = path.as_os_str().to_owned();
    staged.push("#0");
    let staged = PathBuf::from(staged);
    let copied = copy_to(path, &staged, digest);
    match copied {
        Ok(true) => {
            fs::rename(&staged, path)?;
            Ok(Transfer::Copied)
        }
        failed => {
            drop(fs::remove_file(&staged));
            failed.map(|_| Transfer::Damaged)
        }
    }
}

/// Copies durably; whether the bytes have that digest.
fn copy_to(path: &Path, staged: &Path, digest: &str) -> io::Result<bool> {
    let (mut from, mut copy) = (File::open(path)?, File::create(staged)?);
    let (mut buffer, mut hash) = (vec![0; COPY_BYTES], blake3::Hasher::new());
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        copy.write_all(&buffer[..read])?;
    }
    copy.sync_all()?;
    Ok(hash.finalize().to_hex().as_str() == digest)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{TryStreamExt, stream};

    use super::*;

    async fn put(blobs: &Blobs, id: i64, bytes: &'static [u8]) -> (u64, String) {
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(bytes))]);
        let stored = blobs.put(BlobId(id), body, 1000).await.unwrap();
        (stored.size, blake3::Hash::from(stored.digest).to_hex().to_string())
    }

    #[tokio::test]
    async fn blobs_are_linked_or_copied_once_and_compared() {
        let dir = tempfile::tempdir().unwrap();
        let from = Blobs::local(&dir.path().join("from")).unwrap();
        let to = Blobs::local(&dir.path().join("to")).unwrap();
        let (size, digest) = put(&from, 1, b"linked").await;
        assert_eq!(from.transfer(BlobId(1), size, &digest, &to, Means::LinkOrCopy).await.unwrap(), Transfer::Linked);
        assert_eq!(std::fs::metadata(to.file(BlobId(1)).unwrap()).unwrap().nlink(), 2);
        assert_eq!(
            from.transfer(BlobId(1), size, &digest, &to, Means::LinkOrCopy).await.unwrap(),
            Transfer::Present,
            "a link will do"
        );
        // Where copies are wanted, it will not.
        assert_eq!(from.transfer(BlobId(1), size, "00", &to, Means::Copy).await.unwrap(), Transfer::Damaged);
        assert_eq!(std::fs::metadata(to.file(BlobId(1)).unwrap()).unwrap().nlink(), 2, "nothing is lost by that");
        assert_eq!(from.transfer(BlobId(1), size, &digest, &to, Means::Copy).await.unwrap(), Transfer::Copied);
        for store in [&from, &to] {
            let file = store.file(BlobId(1)).unwrap();
            assert_eq!(std::fs::metadata(&file).unwrap().nlink(), 1);
            assert_eq!(std::fs::read(&file).unwrap(), b"linked");
            assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
        }
        assert_eq!(from.transfer(BlobId(1), size, &digest, &to, Means::Copy).await.unwrap(), Transfer::Present);

        let (size, digest) = put(&from, 2, b"copied").await;
        assert_eq!(from.transfer(BlobId(2), size, &digest, &to, Means::Copy).await.unwrap(), Transfer::Copied);
        assert_eq!(std::fs::metadata(to.file(BlobId(2)).unwrap()).unwrap().nlink(), 1);
        let read: Vec<Bytes> = to.read(BlobId(2), None).await.unwrap().try_collect().await.unwrap();
        assert_eq!(read.concat(), b"copied");
        to.sync().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_missing_or_not_what_it_was_is_told_and_not_kept() {
        let (from, to) = (Blobs::memory(), Blobs::memory());
        assert_eq!(from.transfer(BlobId(1), 3, "00", &to, Means::LinkOrCopy).await.unwrap(), Transfer::Missing);
        let (size, _) = put(&from, 2, b"changed").await;
        let (_, other) = put(&from, 3, b"charged").await;
        assert_eq!(from.transfer(BlobId(2), size, &other, &to, Means::Copy).await.unwrap(), Transfer::Damaged);
        assert_eq!(from.transfer(BlobId(2), size + 1, &other, &to, Means::Copy).await.unwrap(), Transfer::Damaged);
        assert_eq!(to.size(BlobId(2)).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_half_written_blob_is_replaced() {
        let (from, to) = (Blobs::memory(), Blobs::memory());
        let (size, digest) = put(&from, 1, b"whole").await;
        put(&to, 1, b"who").await;
        assert_eq!(from.transfer(BlobId(1), size, &digest, &to, Means::Copy).await.unwrap(), Transfer::Copied);
        assert_eq!(to.size(BlobId(1)).await.unwrap(), Some(size));
    }
}
