//! A directory as an object store, made durable.
//!
//! `object_store` can sync what it writes: the data before the file is linked or renamed into place, the directory
//! after it, and the parents of directories that it creates. It does so only on request, and one gap remains: it
//! creates a missing directory on first use, and of two writers that need it at once, the second finds it there and may
//! acknowledge its blob before the first has synced the directory's own entry. A power loss then takes the directory
//! with both blobs. So all directories are created and synced here, before the first blob.
//!
//! A killed process leaves staged files (`…#1`) that `object_store` hides from every listing; [`sweep`] removes them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use object_store::local::LocalFileSystem;

use super::{BLOBS, BlobError, STAGING};

/// Number of shard directories: one per low byte of an id.
const SHARDS: u32 = 256;

/// Age after which an untouched staged file cannot belong to an upload under way: a client that sends nothing is
/// dropped within minutes.
const STAGED_AGE: Duration = Duration::from_hours(24);

/// The instant before which staged files are left over, seen from `now`.
#[must_use]
pub fn sweep_cutoff(now: SystemTime) -> SystemTime {
    now.checked_sub(STAGED_AGE).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Opens `dir` as a store that syncs, with every directory in place; returns the store and the absolute directory.
pub(super) fn open(dir: &Path) -> Result<(LocalFileSystem, Arc<Path>), BlobError> {
    let root = std::path::absolute(dir).map_err(BlobError::io)?;
    create_durably(&root).map_err(BlobError::io)?;
    let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
    Ok((store, root.into()))
}

/// Creates the root, the shards and the staging directory, and syncs the directories that hold them. The syncs are
/// repeated at every start: the process that created a directory may have died before it synced it.
fn create_durably(root: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = root.ancestors().take_while(|dir| !dir.exists()).collect();
    let blobs = root.join(BLOBS);
    for shard in 0..SHARDS {
        fs::create_dir_all(blobs.join(format!("{shard:02x}")))?;
    }
    fs::create_dir_all(root.join(STAGING))?;
    sync_dir(&blobs)?;
    sync_dir(root)?;
    for parent in missing.iter().filter_map(|dir| dir.parent()) {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Makes the entries of all shards durable.
pub(super) fn sync_shards(root: &Path) -> io::Result<()> {
    (0..SHARDS).try_for_each(|shard| sync_dir(&root.join(BLOBS).join(format!("{shard:02x}"))))
}

/// Makes the entries of a directory durable. Only Unix can open a directory to sync it.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

/// Removes staged files that were last written before `cutoff`; returns how many.
pub(super) async fn sweep(root: Arc<Path>, cutoff: SystemTime) -> Result<u64, BlobError> {
    let walk = move || {
        let mut dirs: Vec<PathBuf> = (0..SHARDS).map(|shard| root.join(BLOBS).join(format!("{shard:02x}"))).collect();
        dirs.push(root.join(STAGING));
        let mut removed = 0;
        for dir in dirs {
            removed += sweep_dir(&dir, cutoff)?;
        }
        Ok(removed)
    };
    match tokio::task::spawn_blocking(walk).await {
        Ok(swept) => swept.map_err(BlobError::io),
        Err(panicked) => Err(BlobError::io(panicked.into())),
    }
}

/// Sweeps one directory. A staged name may be a second link to a published blob (the process died between the link and
/// the unlink); removing the name leaves the blob alone.
fn sweep_dir(dir: &Path, cutoff: SystemTime) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !is_staged(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let swept = entry.metadata().and_then(|meta| meta.modified()).and_then(|modified| match modified < cutoff {
            true => fs::remove_file(entry.path()).map(|()| 1),
            false => Ok(0),
        });
        match swept {
            Ok(count) => removed += count,
            // Its upload ended meanwhile, or another server sweeps too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// `object_store` stages `name` as `name#1`, `name#2`, …
fn is_staged(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_has_all_its_shards() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("new").join("store");
        open(&dir).unwrap();
        assert_eq!(fs::read_dir(dir.join(BLOBS)).unwrap().count(), 256);
        assert!(dir.join(BLOBS).join("ff").is_dir());
        open(&dir).unwrap();
    }

    #[tokio::test]
    async fn the_sweep_takes_old_staged_files_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (_, root) = open(dir.path()).unwrap();
        let shard = root.join(BLOBS).join("01");
        let blob = shard.join("0000000000000001");
        fs::write(&blob, b"kept").unwrap();
        // As a crash between link and unlink leaves it.
        fs::hard_link(&blob, shard.join("0000000000000001#1")).unwrap();
        fs::write(root.join(STAGING).join("0000000000000002-0#12"), b"half").unwrap();
        let now = crate::model::time::Millis::now().system();

        let early = sweep(root.clone(), now - Duration::from_hours(1)).await.unwrap();
        assert_eq!(early, 0);
        let late = sweep(root.clone(), now + Duration::from_hours(1)).await.unwrap();
        assert_eq!(late, 2);
        assert_eq!(fs::read(&blob).unwrap(), b"kept");
        assert_eq!(fs::read_dir(&shard).unwrap().count(), 1);
    }

    #[test]
    fn only_numbered_suffixes_are_staged() {
        assert!(is_staged("0000000000000001#1"));
        assert!(!is_staged("0000000000000001"));
        assert!(!is_staged("x#"));
        assert!(!is_staged("x#a1"));
    }
}
