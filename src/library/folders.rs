//! Folders by path.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::model::ids::FolderId;
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::folders as rows;
use crate::store::{Reach, Tx};
use crate::tree::place::{self, Names};
use crate::tree::relink;

/// Makes a folder with its parents; one that exists stays as it is.
pub async fn create(app: &App, parent: &FolderPath, name: &str, names: Names) -> Result<()> {
    if parent.segments().len() >= app.settings.folder_depth_max {
        return Err(Refusal::BadFolderPath.into());
    }
    let mut tx = app.db.write(Reach::Add).await?;
    let now = Millis::now();
    let parent = place::find_or_make(&app.db, &mut tx, parent, names, now).await?;
    place::make_child(&app.db, &mut tx, parent, name, now).await?;
    tx.commit().await
}

/// Puts a folder with all that hangs below it into the trash: one row, whatever its size.
pub async fn delete(app: &App, path: &FolderPath, as_sent: &str) -> Result<()> {
    let mut tx = app.db.write(Reach::Shape).await?;
    let folder = place::find_row(&mut tx, path).await?;
    let folder = folder.ok_or_else(|| Refusal::NoFolder(as_sent.to_owned()))?;
    check_objects(app, count_objects(app, &mut tx, folder.id).await?)?;
    relink::discard(&mut tx, folder.id, Millis::now()).await?;
    tx.commit().await
}

/// How many objects a folder holds, if the setting bounds that, and up to one more than it allows; else none are counted.
pub async fn count_objects(app: &App, tx: &mut Tx, folder: FolderId) -> Result<i64> {
    match app.settings.folder_objects_max {
        Some(max) => rows::objects(tx, folder, max + 1).await,
        None => Ok(0),
    }
}

/// Refuses folders that hold more than the setting allows, if there is one.
pub fn check_objects(app: &App, count: i64) -> Result<(), Refusal> {
    match app.settings.folder_objects_max {
        Some(max) if count > max => Err(Refusal::TooManyObjects(max)),
        _ => Ok(()),
    }
}
