//! A file at another place or under another name: copy, move and rename of single files. The same two primitives as
//! for folders, in one transaction: a copy is a clone that is relinked, a move and a rename are relinks.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::model::ids::FolderId;
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::files::{self, File};
use crate::store::merge::Taken;
use crate::store::{Reach, Tx};
use crate::tree::place::{self, Names};
use crate::tree::{clone, relink};

/// A file by its path.
#[derive(Clone, Debug)]
pub struct At {
    pub folder: FolderPath,
    pub name: String,
    /// As the client wrote it, for error texts.
    pub as_sent: String,
}

/// Where a file goes: into a folder, which is made with its parents if it does not exist. The name stays.
#[derive(Clone, Debug)]
pub struct Destination {
    pub folder: FolderPath,
    /// How folders on the way get their names.
    pub names: Names,
}

/// Copies a file, with its older versions if asked to. Onto a taken name it becomes that file's newest version.
pub async fn copy(app: &App, source: &At, to: &Destination, include_versions: bool) -> Result<()> {
    let mut tx = app.db.write(Reach::Shape).await?;
    let now = Millis::now();
    let (file, folder) = both_ends(app, &mut tx, source, to, now).await?;
    let change = tx.next_change().await?;
    let clone = clone::file(&app.db, &mut tx, &file, include_versions, now, change).await?;
    relink::place_file(&app.db, &mut tx, clone, (folder, &file.name), Taken::Clones, now, change).await?;
    tx.commit().await
}

/// Moves a file with all its versions. Onto a taken name its history is appended to that file's.
pub async fn move_into(app: &App, source: &At, to: &Destination) -> Result<()> {
    let mut tx = app.db.write(Reach::Shape).await?;
    let now = Millis::now();
    let (file, folder) = both_ends(app, &mut tx, source, to, now).await?;
    let change = tx.next_change().await?;
    relink::place_file(&app.db, &mut tx, file.id, (folder, &file.name), Taken::Movers, now, change).await?;
    tx.commit().await
}

/// Gives a file another name at its place. With `purge_url` the purge of that URL is recorded with it; its number.
pub async fn rename(app: &App, file: &At, name: &str, purge_url: Option<&str>) -> Result<Option<i64>> {
    let mut tx = app.db.write(Reach::Shape).await?;
    let now = Millis::now();
    let missing = || Refusal::NoFileAt(file.as_sent.clone());
    let folder = place::find(&mut tx, &file.folder).await?.ok_or_else(missing)?;
    let found = files::at(&mut tx, folder, &file.name).await?.ok_or_else(missing)?;
    if name == file.name {
        return Err(Refusal::SameName("newFileName").into());
    }
    if files::at(&mut tx, folder, name).await?.is_some() {
        return Err(Refusal::FileTaken(name.to_owned()).into());
    }
    let change = tx.next_change().await?;
    let now_after = Millis(now.0.max(found.updated.0 + 1));
    files::place(&mut tx, found.id, folder, name, now_after, change).await?;
    let purge = match purge_url {
        Some(url) => Some(super::purges::record(app, &mut tx, url, now).await?),
        None => None,
    };
    tx.commit().await?;
    Ok(purge)
}

async fn both_ends(app: &App, tx: &mut Tx, source: &At, to: &Destination, now: Millis) -> Result<(File, FolderId)> {
    if to.folder.is_deeper_than(app.settings.folder_depth_max) {
        return Err(Refusal::BadFolderPath.into());
    }
    if to.folder == source.folder {
        return Err(Refusal::SameFilePlace.into());
    }
    let missing = || Refusal::NoSourceFile(source.as_sent.clone());
    let folder = place::find(tx, &source.folder).await?.ok_or_else(missing)?;
    let file = files::at(tx, folder, &source.name).await?.ok_or_else(missing)?;
    let destination = place::find_or_make(&app.db, tx, &to.folder, to.names, now).await?;
    if destination == folder {
        return Err(Refusal::SameFilePlace.into());
    }
    Ok((file, destination))
}
