//! Relink: a folder gets another parent and name. One row, whatever hangs below it.
//!
//! Onto a name that is taken, a relink becomes a merge, the one place where trees are joined:
//!
//! 1. The two folders are the first *pair*. `MergeFiles`: page by page, files whose names are free in the
//!    target are relinked; where both have a file, the source's history is appended to the target's.
//! 2. `MergeFolders`: sub-folders whose names are free are relinked whole; where both have one, they are
//!    the next pair. 1 and 2 repeat until no pair is left.
//! 3. `Close`: emptied source folders go, deepest first. Where something was uploaded into a source
//!    meanwhile, its pair goes round again, at last in the same transaction: in between, clients that go on uploading
//!    would make the folders again for ever.
//! 4. `Swap`: a folder whose place is taken by the very folder that is merged away (`/p/a/a` into `/p`,
//!    where it has a child `a`) takes that place, in one transaction, last.
//!
//! A page is in one transaction, so every file is at one of the two places at every moment. A file whose
//! histories are too long together stays where it is, and the folders above it too; its clone is dropped. A pair of
//! which a request deletes one folder meanwhile is left as it is.
//!
//! A single file is relinked by the same rules, in the transaction of the request.

use crate::error::{Error, Refusal, Result};
use crate::model::ids::{DETACHED, FileId, FolderId, TRASH};
use crate::model::job::{Kind, Phase};
use crate::model::time::Millis;
use crate::store::clone::{self as pages, AFTER_ALL_NAMES};
use crate::store::jobs::Job;
use crate::store::merge::{self, Counts, Keep, Page, Pair, Placing, Taken, VERSIONS_MAX};
use crate::store::{Db, Tx, files, folders};
use crate::tree::place::Places;
use crate::tree::room::Room;

/// Puts `folder` at a free place.
pub async fn place(tx: &mut Tx, folder: FolderId, parent: FolderId, name: &str, now: Millis) -> Result<()> {
    let change = tx.same_change().await?;
    folders::place(tx, folder, parent, name, now, change).await
}

/// Puts `folder` into the trash with all that hangs below it.
pub async fn discard(tx: &mut Tx, folder: FolderId, now: Millis) -> Result<()> {
    place(tx, folder, TRASH, &folder.0.to_string(), now).await
}

/// Puts `folder` at a place, or begins to merge it into the folder that is there.
pub async fn place_or_merge(tx: &mut Tx, job: &mut Job, folder: FolderId, parent: FolderId, now: Millis) -> Result<()> {
    let name = job.target_name.clone();
    let there = if job.is_place_free { None } else { folders::child(tx, parent, &name).await? };
    match there {
        None => {
            let change = tx.same_change().await?;
            match job.kind {
                Kind::Copy => folders::show(tx, folder, parent, &name, now, change).await?,
                Kind::Move | Kind::Rename => folders::place(tx, folder, parent, &name, now, change).await?,
            }
            job.enter(Phase::Done)
        }
        Some(target) => {
            merge::insert_pair(tx, job.id, 1, 0, folder, target.id).await?;
            (job.cursor_id, job.cursor_name) = (0, None);
            job.enter(Phase::MergeFiles)
        }
    }
}

/// Puts a file at a place, or appends its history to that of the file which is there; the file that is there then.
pub async fn place_file(
    db: &Db,
    tx: &mut Tx,
    file: FileId,
    to: (FolderId, &str),
    taken: Taken,
    now: Millis,
    change: i64,
) -> Result<FileId> {
    let (folder, name) = to;
    let Some(target) = files::at(tx, folder, name).await? else {
        files::place(tx, file, folder, name, now, change).await?;
        return Ok(file);
    };
    let added = files::version_count(tx, file).await?;
    if added + files::version_count(tx, target.id).await? > VERSIONS_MAX {
        return Err(Refusal::TooManyVersions.into());
    }
    let number = db.take_ids(tx, 1).await?;
    let counts = merge::take_conflict(tx, number, file, target.id, added).await?;
    let keep = Keep { sources: taken == Taken::Movers, targets: true };
    merge::place_page(tx, Placing { number, target: folder, taken, keep, change, now }, counts, None).await?;
    Ok(target.id)
}

/// Names in one page of a merge.
const NAMES_PER_PAGE_MAX: i64 = 1_000;
/// Rows that closing a pair takes: the pair, its source folder, and the journal of that.
const CLOSED_ROWS: i64 = 3;
/// Rows that a transaction may still write, however small steps are, when it finds that something came into a source since its
/// entries were moved. At the end of a merge that is little, because what came before has gone round already.
const AGAIN_ROWS: i64 = 2_000;

/// Pages of a merge as long as there is room, at least one.
pub async fn advance(db: &Db, tx: &mut Tx, job: &mut Job, room: &mut Room, now: Millis) -> Result<()> {
    match job.phase {
        Phase::MergeFiles | Phase::MergeFolders => Step::begin(tx, job, now).await?.run(db, tx, job, room).await?,
        Phase::Close => close_page(tx, job, room).await?,
        Phase::Swap => room.take(swap(tx, job, now).await?),
        phase => return Err(Error::Damaged(format!("{phase:?} is no phase of a merge"))),
    }
    Ok(())
}

fn taken(job: &Job) -> Taken {
    if job.kind == Kind::Copy { Taken::Clones } else { Taken::Movers }
}

/// What is the same for all pages of one transaction, which has the tree to itself, and is asked once: pairs are often small.
struct Step {
    /// The pair that the cursor is in; the cursor's name is where its files or folders go on.
    pair: Pair,
    /// The highest place in the queue of pairs.
    last_ord: i64,
    change: i64,
    now: Millis,
    keep: Keep,
    /// The source of a move and the folder that it hangs in: somewhere below, the one may be met in the other.
    own_place: Option<(FolderId, FolderId)>,
    /// While a job runs nothing leaves the trash, so an empty one tells that nothing was deleted.
    any_in_trash: bool,
}

impl Step {
    async fn begin(tx: &mut Tx, job: &Job, now: Millis) -> Result<Step> {
        let pair = merge::next_pair(tx, job.id, job.cursor_id.max(1)).await?;
        let own_source = match job.source_id {
            // A clone hangs elsewhere.
            Some(source) if job.kind != Kind::Copy => folders::by_id(tx, source).await?,
            _ => None,
        };
        Ok(Step {
            pair: pair.ok_or_else(|| Error::Damaged(format!("job {} merges no pair", job.id.0)))?,
            last_ord: merge::last_ord(tx, job.id).await?,
            change: tx.same_change().await?,
            now,
            keep: merge::keep(tx, taken(job)).await?,
            own_place: own_source.map(|source| (source.id, source.parent_id)),
            any_in_trash: folders::any_in_trash(tx).await?,
        })
    }

    async fn run(mut self, db: &Db, tx: &mut Tx, job: &mut Job, room: &mut Room) -> Result<()> {
        loop {
            let rows = match job.phase {
                Phase::MergeFiles => self.files_page(db, tx, job, room).await?,
                Phase::MergeFolders => self.folders_page(tx, job, room.rows()).await?,
                _ => return Ok(()),
            };
            room.take(rows);
            if !room.is_left() {
                return Ok(());
            }
        }
    }

    fn page<'a>(&self, job: &Job, after: &'a str, to: &'a str) -> Page<'a> {
        Page { job: job.id, source: self.pair.source_id, target: self.pair.target_id, after, to }
    }

    async fn files_page(&self, db: &Db, tx: &mut Tx, job: &mut Job, room: &mut Room) -> Result<i64> {
        let names = room.names(NAMES_PER_PAGE_MAX);
        let after = job.cursor_name.take().unwrap_or_default();
        job.cursor_id = self.pair.ord;
        if after.is_empty() {
            merge::mark_begun(tx, job.id, self.pair.ord, self.change).await?;
        }
        if !self.pair.has_files || self.is_cut_off(tx, job).await? {
            job.enter(Phase::MergeFolders)?;
            return Ok(1);
        }
        let end = pages::page_end(tx, pages::Kind::Files, self.pair.source_id, &after, names).await?;
        let page = self.page(job, &after, end.as_deref().unwrap_or(AFTER_ALL_NAMES));
        let number = db.take_ids(tx, 1).await?;
        let counts = merge::take_page(tx, number, page, taken(job)).await?;
        let Counts { free, fit, unfit, .. } = counts;
        let versions = counts.versions + counts.dropped;
        if versions > room.rows() && names > 1 {
            room.learn_too_long(free + fit + unfit, versions);
            // Their histories are longer than those before them. A shorter page is taken.
            merge::leave_page(tx, number).await?;
            job.cursor_name = Some(after);
            return Ok(0);
        }
        room.learn(free + fit + unfit, versions);
        let Step { change, now, keep, .. } = *self;
        let placing = Placing { number, target: page.target, taken: taken(job), keep, change, now };
        merge::place_page(tx, placing, counts, Some(page)).await?;
        let moved = fit + free;
        if job.kind == Kind::Copy {
            // They were copied, and have not come here.
            (job.files_done, job.versions_done) = (job.files_done - unfit, job.versions_done - counts.dropped);
        } else {
            job.files_done += moved;
        }
        job.failed_items += unfit;
        let used = versions + unfit + moved + 1;
        if end.is_some() {
            job.cursor_name = end;
            return Ok(used.max(names));
        }
        job.enter(Phase::MergeFolders)?;
        Ok(used)
    }

    /// Whether a move can do nothing more for a pair, because one of its folders was deleted: what was deleted must not come
    /// back, and what can be seen must not go into it. A clone can be seen nowhere, so it goes where its target has gone.
    async fn is_cut_off(&self, tx: &mut Tx, job: &mut Job) -> Result<bool> {
        if !self.any_in_trash {
            return Ok(false);
        }
        let mut places = Places::default();
        if job.kind == Kind::Copy {
            if places.path(tx, self.pair.target_id).await?.is_none() {
                job.failure = Some("A folder was deleted while the copy was merged into it.".into());
            }
            return Ok(false);
        }
        for folder in [self.pair.source_id, self.pair.target_id] {
            if places.path(tx, folder).await?.is_none() {
                job.failure = Some("A folder was deleted while it was merged.".into());
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn folders_page(&mut self, tx: &mut Tx, job: &mut Job, room: i64) -> Result<i64> {
        let after = job.cursor_name.take().unwrap_or_default();
        if !self.pair.has_folders || self.is_cut_off(tx, job).await? {
            return self.next_pair(tx, job).await;
        }
        let end = pages::page_end(tx, pages::Kind::Folders, self.pair.source_id, &after, room).await?;
        let page = self.page(job, &after, end.as_deref().unwrap_or(AFTER_ALL_NAMES));
        let own_source = match self.own_place {
            Some((own_source, parent)) if parent == self.pair.target_id => own_source,
            _ => FolderId(0),
        };
        let depth = self.pair.depth + 1;
        let paired = merge::pair_children(tx, page, self.last_ord, depth, own_source).await?.cast_signed();
        self.last_ord += paired;
        if own_source != FolderId(0)
            && let Some(namesake) =
                merge::find_namesake(tx, self.pair.source_id, self.pair.target_id, own_source).await?
        {
            job.namesake_id = Some(namesake);
        }
        let relinked =
            merge::relink_free_folders(tx, page, self.change, taken(job) == Taken::Movers).await?.cast_signed();
        if job.kind != Kind::Copy {
            job.folders_done += paired + relinked;
        }
        if end.is_some() {
            job.cursor_name = end;
            return Ok(room);
        }
        Ok(paired + relinked + self.next_pair(tx, job).await?)
    }

    /// Goes on with the pair after this one, or closes them all; returns the least that a page looks at.
    async fn next_pair(&mut self, tx: &mut Tx, job: &mut Job) -> Result<i64> {
        match merge::next_pair(tx, job.id, self.pair.ord + 1).await? {
            Some(next) => {
                job.cursor_id = next.ord;
                self.pair = next;
                job.enter(Phase::MergeFiles)?;
            }
            None => job.enter(Phase::Close)?,
        }
        Ok(1)
    }
}

/// A page of pairs of the greatest depth.
async fn close_page(tx: &mut Tx, job: &mut Job, room: &mut Room) -> Result<()> {
    let Some(depth) = merge::deepest(tx, job.id).await? else {
        job.failed_items = merge::left_behind(tx, job.id, taken(job), job.failed_items).await?;
        job.enter(if job.namesake_id.is_some() { Phase::Swap } else { Phase::Done })?;
        room.take(1);
        return Ok(());
    };
    let to = merge::closing_end(tx, job.id, depth, (room.rows() / CLOSED_ROWS).max(1)).await?;
    // A new number, because every merge comes by here: what it has moved is older than the changes of the next job of
    // this transaction, which would not put it into the journal otherwise.
    let change = tx.next_change().await?;
    let last_before = merge::last_ord(tx, job.id).await?;
    let keep = taken(job) == Taken::Movers;
    let (closed, again) = merge::close_pairs(tx, job.id, depth, to, change, job.namesake_id, keep).await?;
    room.take(CLOSED_ROWS * closed.cast_signed());
    if again > 0 {
        (job.cursor_id, job.cursor_name) = (last_before + 1, None);
        job.enter(Phase::MergeFiles)?;
        room.make(AGAIN_ROWS);
    }
    Ok(())
}

/// The namesake takes the place of the source it hangs in, if nothing else is left in there.
async fn swap(tx: &mut Tx, job: &mut Job, now: Millis) -> Result<i64> {
    let (Some(namesake), Some(source)) = (job.namesake_id, job.source_id) else {
        return Err(Error::Damaged(format!("job {} swaps nothing", job.id.0)));
    };
    job.enter(Phase::Done)?;
    let Some(place) = folders::by_id(tx, source).await? else { return Ok(1) };
    let Some(emptied) = emptied_between(tx, namesake, source).await? else {
        job.failure = Some("A folder stayed at its source, because files there could not be moved.".into());
        return Ok(1);
    };
    let change = tx.next_change().await?;
    // The place is free for a moment that no other transaction can see.
    folders::place(tx, source, DETACHED, &job.id.0.to_string(), now, change).await?;
    folders::place(tx, namesake, place.parent_id, &place.name, now, change).await?;
    for folder in emptied {
        folders::remove(tx, folder, change).await?;
    }
    Ok(1)
}

/// The folders from the namesake's parent up to the source, if each holds only the next one down.
async fn emptied_between(tx: &mut Tx, namesake: FolderId, source: FolderId) -> Result<Option<Vec<FolderId>>> {
    let mut only = namesake;
    let mut emptied = Vec::new();
    for (folder, _) in folders::ancestry(tx, namesake).await?.into_iter().skip(1) {
        if !folders::is_empty_but(tx, folder, Some(only)).await? {
            return Ok(None);
        }
        emptied.push(folder);
        if folder == source {
            return Ok(Some(emptied));
        }
        only = folder;
    }
    Ok(None)
}
