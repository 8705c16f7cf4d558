//! The bytes behind a path.
//!
//! On SQLite what a path leads to is remembered, together with the number of changes of the tree that there had been
//! before it was read (`Db::tree_changes`). It counts only while that number stands, so any move or change makes all of it
//! count for nothing, and nobody sees an older state than the last one acknowledged. A new file does not disturb it, because
//! only paths that lead somewhere are remembered, nor does a folder copy before it is published. Reading the catalog costs more than the rest of a small download. On PostgreSQL
//! other servers change the tree too, and every request reads it.

use std::sync::Arc;

use moka::sync::Cache;

use crate::app::App;
use crate::error::Result;
use crate::model::ids::VersionId;
use crate::model::path::FolderPath;
use crate::store::delivery;
pub use crate::store::delivery::Deliverable;
use crate::tree::place;

/// Bytes of paths and what they lead to that are remembered: some 20,000 files.
const REMEMBERED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes that an entry takes beside its path, about.
const ENTRY_BYTES: u32 = 320;

/// What was delivered lately, by path (without a slash before it), with the number of changes before it was read.
pub type Delivered = Cache<String, (u64, Arc<Deliverable>)>;

/// An empty memory.
pub fn remember() -> Delivered {
    let weight = |path: &String, _: &(u64, Arc<Deliverable>)| {
        u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(ENTRY_BYTES)
    };
    Cache::builder().weigher(weight).max_capacity(REMEMBERED_BYTES_MAX).build()
}

/// The current version of the file at a path; `None` when there is none.
pub async fn current(app: &App, folder: &FolderPath, name: &str) -> Result<Option<Arc<Deliverable>>> {
    let Some(changes) = app.db.tree_changes() else { return read(app, folder, name).await };
    let path: String = folder.segments().iter().flat_map(|segment| [segment, "/"]).chain([name]).collect();
    if let Some(file) = remembered(app, &path) {
        return Ok(Some(file));
    }
    let file = read(app, folder, name).await?;
    if let Some(file) = &file {
        app.delivered.insert(path, (changes, Arc::clone(file)));
    }
    Ok(file)
}

/// What is remembered of a path, without a slash before it, if it still counts.
pub fn remembered(app: &App, path: &str) -> Option<Arc<Deliverable>> {
    let changes = app.db.tree_changes()?;
    app.delivered.get(path).filter(|(then, _)| *then == changes).map(|(_, file)| file)
}

async fn read(app: &App, folder: &FolderPath, name: &str) -> Result<Option<Arc<Deliverable>>> {
    Ok(delivery::at_path(&mut app.db.glance().await?, folder, name).await?.map(Arc::new))
}

/// The version that a token names, of the file at a path, whether it is the current one or older.
pub async fn version(app: &App, folder: &FolderPath, name: &str, token: &str) -> Result<Option<Arc<Deliverable>>> {
    let mut tx = app.db.read().await?;
    let Some(folder) = place::find(&mut tx, folder).await? else { return Ok(None) };
    let versions = delivery::versions(&mut tx, folder, name).await?;
    // At most a hundred, and the token of none can be guessed from another's.
    let named = |(id, version): &(VersionId, Deliverable)| app.keys.version_token(*id, version.flags) == token;
    Ok(versions.into_iter().find(named).map(|(_, version)| Arc::new(version)))
}
