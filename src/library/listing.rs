//! Lists: a page of one folder, or of the whole library.

use std::ops::ControlFlow;

use crate::app::App;
use crate::error::Result;
use crate::library::custom_fields;
use crate::library::files::Located;
use crate::model::ids::LIBRARY;
use crate::model::path::FolderPath;
use crate::store::Tx;
use crate::store::listing::{self, Asset, Direction, FileType, Page, SortKey};
use crate::tree::place::{self, Places};

/// Rows that a scan of the whole library looks at in one statement.
const SCAN_ROWS: i64 = 1_000;
/// The same where each file comes with its older versions, of which it has 99 at most.
const SCAN_ROWS_WITH_VERSIONS: i64 = 100;

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
    let mut found = if page.key == SortKey::Created {
        first_by_id(&mut tx, page).await?
    } else {
        let assets = listing::everywhere(&mut tx, LIBRARY, page).await?;
        locate(&mut tx, assets).await?
    };
    custom_fields::hide_deleted(app, &mut tx, &mut found).await?;
    Ok(found)
}

async fn first_by_id(tx: &mut Tx, page: &Page) -> Result<Vec<Located>> {
    let (mut skip, mut found) = (page.skip, Vec::new());
    scan(tx, page, |asset, folder| {
        if skip > 0 {
            skip -= 1;
            return ControlFlow::Continue(());
        }
        found.push(Located { asset, folder: folder.clone() });
        let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= page.limit);
        if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    Ok(found)
}

async fn locate(tx: &mut Tx, assets: Vec<Asset>) -> Result<Vec<Located>> {
    let mut places = Places::default();
    let mut found = Vec::with_capacity(assets.len());
    for asset in assets {
        if let Some(folder) = places.path(tx, asset.folder_id).await? {
            found.push(Located { asset, folder });
        }
    }
    Ok(found)
}

/// Hands over what the page's kinds and type admit of the whole library, by id and version number in the page's
/// direction, until `offer` breaks. It follows the ids and steps over hidden ranges, so that what comes first
/// costs the same in a library of any size. Rows in the trash are read and left out.
pub async fn scan(
    tx: &mut Tx,
    page: &Page,
    mut offer: impl FnMut(Asset, &FolderPath) -> ControlFlow<()> + Send,
) -> Result<()> {
    let up = page.direction == Direction::Up;
    let mut places = Places::default();
    let mut at = if up { 0 } else { i64::MAX };
    loop {
        let hidden = listing::next_hidden(tx, at, page.direction).await?;
        let (edge, beyond) = match hidden {
            Some((first, last)) if up => (first, last),
            Some((first, last)) => (last, first),
            None if up => (i64::MAX, i64::MAX),
            None => (0, 0),
        };
        let (assets, end) = batch(tx, page, at, edge).await?;
        for asset in assets.into_iter().filter(|asset| page.admits(asset)) {
            if let Some(folder) = places.path(tx, asset.folder_id).await?
                && offer(asset, &folder).is_break()
            {
                return Ok(());
            }
        }
        at = match end {
            Some(id) => id,
            None if hidden.is_none() => return Ok(()),
            None => beyond,
        };
    }
}

/// What has ids from `at` on, short of `edge`, in order; and the last id that was looked at, unless that is all there is.
async fn batch(tx: &mut Tx, page: &Page, at: i64, edge: i64) -> Result<(Vec<Asset>, Option<i64>)> {
    let up = page.direction == Direction::Up;
    let span = |edge| if up { (at, edge) } else { (edge, at) };
    // Just beyond the id.
    let past = |id: i64| if up { id.saturating_add(1) } else { id - 1 };
    let (rows, file_type) = if page.kinds.versions {
        // A file of one type may have older versions of the other.
        (SCAN_ROWS_WITH_VERSIONS, FileType::Any)
    } else {
        (SCAN_ROWS, page.file_type)
    };
    let (mut end, mut found) = (None, Vec::new());
    if page.kinds.files || page.kinds.versions {
        let (above, below) = span(edge);
        found = listing::scan(tx, above, below, page.direction, file_type, rows).await?;
        end = full(&found, rows);
    }
    if page.kinds.folders && page.file_type == FileType::Any {
        let (above, below) = span(end.map_or(edge, past));
        let folders = listing::scan_folders(tx, above, below, page.direction, rows).await?;
        if let Some(last) = full(&folders, rows) {
            found.retain(|file| if up { file.id <= last } else { file.id >= last });
            end = Some(last);
        }
        found.extend(folders);
    }
    if page.kinds.versions {
        let (above, below) = span(end.map_or(edge, past));
        found.extend(listing::scan_versions(tx, above, below, page.file_type).await?);
    }
    found.sort_by_key(|asset| (asset.id, asset.version));
    if !up {
        found.reverse();
    }
    Ok((found, end))
}

/// The last id of a batch that may not be all.
fn full(assets: &[Asset], rows: i64) -> Option<i64> {
    let is_full = i64::try_from(assets.len()).is_ok_and(|count| count >= rows);
    assets.last().filter(|_| is_full).map(|asset| asset.id)
}
