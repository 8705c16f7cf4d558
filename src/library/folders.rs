//! Folders by path.

use crate::app::App;
use crate::error::{Refusal, Result};
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::Reach;
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
    let change = tx.next_change().await?;
    place::make_child(&app.db, &mut tx, parent, name, now, change).await?;
    tx.commit().await
}

/// Puts a folder with all that hangs below it into the trash: one row, whatever its size.
pub async fn delete(app: &App, path: &FolderPath, as_sent: &str) -> Result<()> {
    let mut tx = app.db.write(Reach::Shape).await?;
    let folder = place::find_row(&mut tx, path).await?;
    let folder = folder.ok_or_else(|| Refusal::NoFolder(as_sent.to_owned()))?;
    relink::discard(&mut tx, folder.id, Millis::now()).await?;
    tx.commit().await
}
