//! Files by id.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::library::custom_fields;
use crate::model::ids::FileId;
use crate::model::path::FolderPath;
use crate::store::files::{self, File};
use crate::store::listing::{self, Asset};
use crate::store::{Reach, Tx};
use crate::tree::place::Places;

/// A file, version or folder with the path of the folder it is in.
#[derive(Clone, Debug)]
pub struct Located {
    pub asset: Asset,
    pub folder: FolderPath,
}

/// Adds the path, and takes away what is not shown; `None` when the asset cannot be seen.
pub async fn located(app: &App, tx: &mut Tx, asset: Asset) -> Result<Option<Located>> {
    let Some(folder) = Places::default().path(tx, asset.folder_id).await? else { return Ok(None) };
    let mut found = Located { asset, folder };
    custom_fields::hide_deleted(app, tx, std::slice::from_mut(&mut found)).await?;
    Ok(Some(found))
}

/// A file's current version.
pub async fn details(app: &App, id: FileId) -> Result<Located> {
    let mut tx = app.db.read().await?;
    visible(app, &mut tx, id).await
}

/// A file's current version, read with the others of a transaction.
pub(super) async fn visible(app: &App, tx: &mut Tx, id: FileId) -> Result<Located> {
    let asset = listing::file(tx, id).await?.ok_or(Refusal::NoFile)?;
    Ok(located(app, tx, asset).await?.ok_or(Refusal::NoFile)?)
}

/// All versions of a file, newest first.
pub async fn versions(app: &App, id: FileId) -> Result<Vec<Located>> {
    let mut tx = app.db.read().await?;
    let current = visible(app, &mut tx, id).await?;
    let folder = current.folder.clone();
    let older = listing::superseded(&mut tx, id).await?;
    let older = older.into_iter().map(|asset| Located { asset, folder: folder.clone() });
    let mut versions: Vec<Located> = std::iter::once(current).chain(older).collect();
    custom_fields::hide_deleted(app, &mut tx, &mut versions).await?;
    Ok(versions)
}

/// A file that can be seen, locked until the transaction ends.
pub async fn locked(tx: &mut Tx, id: FileId) -> Result<File> {
    let file = files::by_id(tx, id).await?.ok_or(Refusal::NoFile)?;
    if Places::default().path(tx, file.folder_id).await?.is_none() {
        return Err(Refusal::NoFile.into());
    }
    Ok(file)
}

/// Takes a file with all its versions out of the library.
pub async fn delete(app: &App, id: FileId) -> Result<()> {
    let mut tx = app.db.write(Reach::Add).await?;
    locked(&mut tx, id).await?;
    let change = tx.next_change().await?;
    files::remove(&mut tx, id, change).await?;
    tx.commit().await
}
