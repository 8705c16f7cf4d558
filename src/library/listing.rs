//! Lists: a page of one folder, or of the whole library.

use crate::app::App;
use crate::error::Result;
use crate::library::custom_fields;
use crate::library::files::Located;
use crate::model::ids::LIBRARY;
use crate::model::path::FolderPath;
use crate::store::Tx;
use crate::store::listing::{self, Asset, Direction, Page, Show, SortKey};
use crate::tree::place::{self, Places};

/// Rows that a scan of the whole library looks at in one statement.
const SCAN_ROWS: i64 = 1_000;

/// A page of what is directly in a folder; empty when there is no such folder.
pub async fn in_folder(app: &App, folder: &FolderPath, page: &Page) -> Result<Vec<Located>> {
    let mut tx = app.db.read().await?;
    let Some(id) = place::find(&mut tx, folder).await? else { return Ok(Vec::new()) };
    let assets = listing::in_folder(&mut tx, id, page).await?;
    let mut found: Vec<_> = assets.into_iter().map(|asset| Located { asset, folder: folder.clone() }).collect();
    custom_fields::hide_deleted(app, &mut tx, &mut found).await?;
    Ok(found)
}

/// A page of everything in the library.
pub async fn everywhere(app: &App, page: &Page) -> Result<Vec<Located>> {
    let mut tx = app.db.read().await?;
    let mut places = Places::default();
    let mut found = if page.show == Show::Files && page.key == SortKey::Created {
        scan(&mut tx, &mut places, page).await?
    } else {
        let assets = listing::everywhere(&mut tx, LIBRARY, page).await?;
        locate(&mut tx, &mut places, assets).await?
    };
    custom_fields::hide_deleted(app, &mut tx, &mut found).await?;
    Ok(found)
}

async fn locate(tx: &mut Tx, places: &mut Places, assets: Vec<Asset>) -> Result<Vec<Located>> {
    let mut found = Vec::with_capacity(assets.len());
    for asset in assets {
        // Rows in the trash and in unpublished clones have no path and are nowhere to be seen.
        if let Some(folder) = places.path(tx, asset.folder_id).await? {
            found.push(Located { asset, folder });
        }
    }
    Ok(found)
}

/// Follows the id index and steps over hidden ranges, so that a page near the beginning costs the same
/// in a library of any size.
async fn scan(tx: &mut Tx, places: &mut Places, page: &Page) -> Result<Vec<Located>> {
    let up = page.direction == Direction::Up;
    let mut at = if up { 0 } else { i64::MAX };
    let (mut skip, mut found) = (page.skip, Vec::new());
    loop {
        let hidden = listing::next_hidden(tx, at, page.direction).await?;
        let edge = match hidden {
            Some((first, last)) => {
                if up {
                    first
                } else {
                    last
                }
            }
            None => {
                if up {
                    i64::MAX
                } else {
                    0
                }
            }
        };
        let (above, below) = if up { (at, edge) } else { (edge, at) };
        let assets = listing::scan(tx, above, below, page.direction, page.file_type, SCAN_ROWS).await?;
        let last_seen = assets.last().map(|asset| asset.id);
        for file in locate(tx, places, assets).await? {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            found.push(file);
            if i64::try_from(found.len()).is_ok_and(|count| count == page.limit) {
                return Ok(found);
            }
        }
        at = match (last_seen, hidden) {
            (Some(id), _) => id,
            (None, Some((first, last))) => {
                if up {
                    last
                } else {
                    first
                }
            }
            (None, None) => return Ok(found),
        };
    }
}
