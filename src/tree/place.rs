//! Paths on the way in, paths on the way out: which folder a path names, and where a folder is.

use std::collections::HashMap;

use crate::error::Result;
use crate::model::ids::{FolderId, LIBRARY};
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::folders::{self, Folder};
use crate::store::{Db, Tx};

/// How folders that are made on the way get their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As sent: the v2 API.
    Verbatim,
    /// Cleaned, as the v1 API creates them.
    Sanitised,
}

/// The folder at a path. `None` when a segment does not exist.
pub async fn find(tx: &mut Tx, path: &FolderPath) -> Result<Option<FolderId>> {
    if path.is_root() {
        return Ok(Some(LIBRARY));
    }
    Ok(find_row(tx, path).await?.map(|folder| folder.id))
}

/// The folder at a path, with its row. The root has none.
pub async fn find_row(tx: &mut Tx, path: &FolderPath) -> Result<Option<Folder>> {
    let mut chain = folders::chain(tx, path.segments()).await?;
    Ok(if chain.len() == path.segments().len() { chain.pop() } else { None })
}

/// The folder at a path, made with its parents where it does not exist. A segment that exists is taken
/// as sent; one that must be made gets its name by `names`, and may then turn out to exist.
pub async fn find_or_make(db: &Db, tx: &mut Tx, path: &FolderPath, names: Names, now: Millis) -> Result<FolderId> {
    let chain = folders::chain(tx, path.segments()).await?;
    Ok(make_rest(db, tx, path, &chain, names, now).await?.0)
}

/// The folder at a path of which `chain` exists, made if need be, and whether it was.
pub async fn make_rest(
    db: &Db,
    tx: &mut Tx,
    path: &FolderPath,
    chain: &[Folder],
    names: Names,
    now: Millis,
) -> Result<(FolderId, bool)> {
    let mut at = (chain.last().map_or(LIBRARY, |folder| folder.id), false);
    for (number, segment) in path.segments()[chain.len()..].iter().enumerate() {
        // The first does not exist, and a new folder holds nothing. One that was there by its other name may hold more.
        if number > 0
            && !at.1
            && let Some(folder) = folders::child(tx, at.0, segment).await?
        {
            at = (folder.id, false);
            continue;
        }
        let name = match names {
            Names::Verbatim => segment.clone(),
            Names::Sanitised => crate::model::path::sanitise(segment),
        };
        at = make_child(db, tx, at.0, &name, now).await?;
    }
    Ok(at)
}

/// The folder of that name in `parent`, made if there is none, and whether it was.
pub async fn make_child(db: &Db, tx: &mut Tx, parent: FolderId, name: &str, now: Millis) -> Result<(FolderId, bool)> {
    loop {
        let (id, change) = (FolderId(db.take_ids(tx, 1).await?), tx.same_change().await?);
        if folders::insert_if_free(tx, id, parent, name, now, change).await? {
            return Ok((id, true));
        }
        if let Some(folder) = folders::child(tx, parent, name).await? {
            return Ok((folder.id, false));
        }
        // Another writer took it away in between; the next attempt makes it.
    }
}

/// Folders that one request remembers, some 20 MB of them. One that meets more begins anew.
const PLACES_MAX: usize = 100_000;

/// Where folders are, remembered for one request.
#[derive(Default)]
pub struct Places {
    known: HashMap<FolderId, Option<FolderPath>>,
}

impl Places {
    /// The path of a folder; `None` when it hangs in the trash, in an unpublished clone, or not at all.
    pub async fn path(&mut self, tx: &mut Tx, folder: FolderId) -> Result<Option<FolderPath>> {
        if let Some(known) = self.known.get(&folder) {
            return Ok(known.clone());
        }
        let path = visible_path(&folders::ancestry(tx, folder).await?);
        if self.known.len() >= PLACES_MAX {
            self.known.clear();
        }
        self.known.insert(folder, path.clone());
        Ok(path)
    }
}

/// The path told by a folder's ancestry, if that ends in the library.
fn visible_path(ancestry: &[(FolderId, String)]) -> Option<FolderPath> {
    let (root, below) = ancestry.split_last()?;
    let path = below.iter().rev().fold(FolderPath::root(), |path, (_, name)| path.join(name));
    (root.0 == LIBRARY).then_some(path)
}
