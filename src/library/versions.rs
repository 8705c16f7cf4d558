//! Older versions of a file: one of them, its removal, and its return to the top.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::library::files::{Located, located, locked, versions};
use crate::model::ids::{FileId, VersionId};
use crate::model::time::Millis;
use crate::store::files::{self, File};
use crate::store::{Reach, Tx, listing};

/// One version of a file, the current one or an older one.
pub async fn details(app: &App, file: FileId, version: VersionId) -> Result<Located> {
    let all = versions(app, file).await?;
    let found = all.into_iter().find(|located| located.asset.version_id == version);
    Ok(found.ok_or(Refusal::NoVersion)?)
}

/// Takes an older version out of a file's history. Its number is not given again.
pub async fn delete(app: &App, id: FileId, version: VersionId) -> Result<()> {
    let mut tx = app.db.write(Reach::Add).await?;
    let file = locked(&mut tx, id).await?;
    if file.version_id == version {
        return Err(Refusal::CurrentVersion.into());
    }
    let old = files::version(&mut tx, id, version).await?.ok_or(Refusal::NoVersion)?;
    let change = tx.next_change().await?;
    files::remove_version(&mut tx, id, old.version, change).await?;
    tx.commit().await
}

/// Makes a version the current one; nothing happens if it is.
pub async fn restore(app: &App, id: FileId, version: VersionId) -> Result<Located> {
    let mut tx = app.db.write(Reach::Add).await?;
    let file = locked(&mut tx, id).await?;
    if file.version_id == version {
        return shown(app, &mut tx, id).await;
    }
    let old = files::version(&mut tx, id, version).await?.ok_or(Refusal::NoVersion)?;
    let change = tx.next_change().await?;
    files::restore(&mut tx, &file, &old, after(&file), change).await?;
    let restored = shown(app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(restored)
}

/// The time of a change to a file: now, and later than any before it, because clients tell versions apart by it.
pub fn after(file: &File) -> Millis {
    Millis(Millis::now().0.max(file.updated.0 + 1))
}

/// The file as the answer shows it.
pub async fn shown(app: &App, tx: &mut Tx, id: FileId) -> Result<Located> {
    let asset = listing::file(tx, id).await?.ok_or(Refusal::NoFile)?;
    Ok(located(app, tx, asset).await?.ok_or(Refusal::NoFile)?)
}
