//! Clone: a second set of rows for a subtree, as it was at the instant E, below the detached root.
//!
//! 1. `Folders`: for each folder of the clone, in order of id, the sub-folders of the folder it was made
//!    from. New ones get larger ids, so the clone's own rows are the queue.
//! 2. `PastFolders`: sub-folders that have been moved or removed since E are found in the journal. If
//!    there were any, 1 goes on with them, until nothing is found.
//! 3. `Files`: for each folder of the clone its files, by name.
//! 4. `PastFiles`: files that have been replaced, moved or removed since E, from the journal.
//!
//! 3 takes the rows that still are as they were at E and skips younger ones. A row that changed before
//! 3 came to it is in the journal when 4 reads it; a row that changed afterwards has been copied, and 4
//! meets a taken name. So each row of E is written once, whatever other writers do meanwhile.
//!
//! Every call of [`advance`] is one bounded page within the caller's transaction, and moves the cursor.

use crate::error::{Error, Result};
use crate::model::ids::{DETACHED, FileId, FolderId};
use crate::model::job::Phase;
use crate::model::time::Millis;
use crate::store::clone::{self as rows, AFTER_ALL_NAMES, Cloning, Kind, Part};
use crate::store::files::{CloneOf, File};
use crate::store::jobs::Job;
use crate::store::{Db, Tx, files, folders};

/// Files in a page when their histories are copied too: each may bring 99 more rows, and a page has the ids of all.
const FILES_WITH_HISTORY_MAX: i64 = 600;
/// And in the first of these pages, when it is not known how long histories are.
const FILES_WITH_HISTORY_FIRST: i64 = 50;

/// Folders among which the end of a page is looked for at first, and the factor by which they grow.
const FOLDERS_TRIED_FIRST: i64 = 8;

/// Makes the root of the clone; the rest follows page by page.
pub async fn begin(db: &Db, tx: &mut Tx, job: &mut Job, source: FolderId, instant: i64) -> Result<()> {
    let root = FolderId(db.take_ids(tx, 1).await?);
    let has_folders = folders::insert_clone_root(tx, root, source, job.id, job.started()?, instant).await?;
    make(job, root.0, root.0 + 1);
    job.instant = Some(instant);
    job.source_id = Some(source);
    job.clone_id = Some(root);
    job.folders_done = 1;
    job.enter(if has_folders { Phase::CloneFolders } else { Phase::CloneFiles })
}

/// Notes ids of rows that are out of sight. They are hidden when the transaction ends without having published them.
fn make(job: &mut Job, first: i64, end: i64) {
    match job.made.last_mut() {
        Some((_, to)) if *to == first => *to = end,
        _ => job.made.push((first, end)),
    }
}

/// Hides what this transaction has made. Its last statements about a clone that is not published.
pub async fn hide(tx: &mut Tx, job: &Job) -> Result<()> {
    for &(first, end) in &job.made {
        rows::hide(tx, job.id, first, end).await?;
    }
    Ok(())
}

/// Clones a single file into the detached root, where only this transaction sees it; it must be relinked before the
/// commit. Its versions get new ids, the first one the file's own.
pub async fn file(db: &Db, tx: &mut Tx, source: &File, history: bool, now: Millis, change: i64) -> Result<FileId> {
    let older = if history { files::version_count(tx, source.id).await? - 1 } else { 0 };
    let id = FileId(db.take_ids(tx, older + 1).await?);
    let name = id.0.to_string();
    let clone = CloneOf { source: source.id, id, folder: DETACHED, name: &name, older, now, change };
    files::clone(tx, &clone).await?;
    Ok(id)
}

/// One page of a clone, of about `room` rows; returns how many it looked at, at least one.
pub async fn advance(db: &Db, tx: &mut Tx, job: &mut Job, room: i64) -> Result<i64> {
    let cloning = Cloning {
        job: job.id,
        instant: job.instant.ok_or_else(|| Error::Damaged(format!("job {} has no instant", job.id.0)))?,
        now: job.started()?,
        with_history: job.include_versions,
    };
    match job.phase {
        Phase::CloneFolders => live_page(db, tx, job, &cloning, Kind::Folders, room).await,
        Phase::ClonePastFolders => past_page(db, tx, job, &cloning, Kind::Folders, room).await,
        Phase::CloneFiles => live_page(db, tx, job, &cloning, Kind::Files, room).await,
        Phase::ClonePastFiles => past_page(db, tx, job, &cloning, Kind::Files, room).await,
        phase => Err(Error::Damaged(format!("{phase:?} is no phase of a clone"))),
    }
}

/// A page of what stands: the rest of the folder that the cursor is in, or else the next folders, the
/// last of them perhaps in part. The cursor is a folder of the clone and the name reached in it; without
/// a name that folder is done.
async fn live_page(db: &Db, tx: &mut Tx, job: &mut Job, c: &Cloning, kind: Kind, room: i64) -> Result<i64> {
    let room = page_rows(job, kind, room);
    if let Some(after) = job.cursor_name.clone() {
        let into = FolderId(job.cursor_id);
        let from = rows::origin(tx, into).await?;
        let end = rows::page_end(tx, kind, from, &after, room).await?;
        let mut page = Copied::begin(db, tx, into, room).await?;
        let to = end.as_deref().unwrap_or(AFTER_ALL_NAMES);
        page.one(tx, kind, c, &Part { into, from, after: &after, to }).await?;
        let is_full = end.is_some();
        job.cursor_name = end;
        return page.finish(db, tx, job, c, kind, if is_full { room } else { 1 }).await;
    }
    let after = FolderId(job.cursor_id);
    let Some(Reached { last, name, is_end, has_entries }) = next_folders(tx, job, kind, after, room).await? else {
        enter_next(job, kind)?;
        return Ok(1);
    };
    if is_end && !has_entries {
        (job.cursor_id, job.cursor_name) = (last.0, None);
        enter_next(job, kind)?;
        return Ok(1);
    }
    let mut page = Copied::begin(db, tx, last, room).await?;
    let Some(to) = name else {
        page.many(tx, kind, c, after, last).await?;
        (job.cursor_id, job.cursor_name) = (last.0, None);
        // Files make no folders that there would be more to look into, nor do folders without any in them.
        if is_end && (kind == Kind::Files || page.made == 0) {
            enter_next(job, kind)?;
        }
        return page.finish(db, tx, job, c, kind, 1).await;
    };
    let from = rows::origin(tx, last).await?;
    page.many(tx, kind, c, after, FolderId(last.0 - 1)).await?;
    page.one(tx, kind, c, &Part { into: last, from, after: "", to: &to }).await?;
    (job.cursor_id, job.cursor_name) = (last.0, Some(to));
    page.finish(db, tx, job, c, kind, room).await
}

/// How far a page reaches: the last of the clone's folders in it, the name that it reaches there if it does not hold all
/// of that folder, whether it is known that no folder is left behind it, and whether there may be anything in it.
struct Reached {
    last: FolderId,
    name: Option<String>,
    is_end: bool,
    has_entries: bool,
}

/// How far a page of `room` rows reaches; `None` when there are no more folders. A few folders are tried first, because
/// finding the end of a page must not cost more than the page.
async fn next_folders(tx: &mut Tx, job: &Job, kind: Kind, after: FolderId, room: i64) -> Result<Option<Reached>> {
    let mut folders = FOLDERS_TRIED_FIRST.min(room);
    loop {
        let reach = rows::reach(tx, kind, job.id, after, folders, room).await?;
        let Some(last) = reach.last else { return Ok(None) };
        if let Some((last, name)) = reach.page_end {
            return Ok(Some(Reached { last, name: Some(name), is_end: false, has_entries: true }));
        }
        let more = reach.folders == folders;
        if !more || folders >= room {
            return Ok(Some(Reached { last, name: None, is_end: !more, has_entries: reach.has_entries }));
        }
        folders = (folders * FOLDERS_TRIED_FIRST).min(room);
    }
}

fn enter_next(job: &mut Job, kind: Kind) -> Result<()> {
    job.bound = 0;
    job.enter(match kind {
        Kind::Folders => Phase::ClonePastFolders,
        Kind::Files => Phase::ClonePastFiles,
    })
}

/// A page of the journal since the instant. Its bound is fixed when the phase begins: what changes
/// later has been copied as it stood.
async fn past_page(db: &Db, tx: &mut Tx, job: &mut Job, c: &Cloning, kind: Kind, room: i64) -> Result<i64> {
    if job.is_fresh {
        // Nothing can have changed since the instant.
        (job.cursor_until, job.bound) = (c.instant, c.instant);
        return leave_past(tx, job, kind, 1).await;
    }
    if job.bound == 0 {
        job.cursor_until = c.instant;
        job.bound = tx.next_change().await?;
    }
    let room = page_rows(job, kind, room);
    let (after, to) = (job.cursor_until, rows::past_end(tx, kind, job.cursor_until, job.bound, room).await?);
    let count = rows::past_count(tx, kind, c, after, to).await?;
    let mut used = count.max(1);
    if count > 0 {
        let mut page = Copied::begin(db, tx, FolderId(job.cursor_id), count).await?;
        page.made = rows::copy_past(tx, kind, c, page.first, after, to).await?.cast_signed();
        // Taken names leave gaps between the ids, so the page has the ids of all that it looked at.
        page.next = page.first + count;
        used = page.finish(db, tx, job, c, kind, used).await?;
    }
    job.cursor_until = to;
    if to < job.bound {
        return Ok(used.max(room));
    }
    leave_past(tx, job, kind, used).await
}

async fn leave_past(tx: &mut Tx, job: &mut Job, kind: Kind, used: i64) -> Result<i64> {
    job.bound = 0;
    match kind {
        Kind::Folders if !job.is_fresh && rows::has_folders(tx, job.id, FolderId(job.cursor_id)).await? => {
            job.enter(Phase::CloneFolders)?
        }
        Kind::Folders => {
            (job.cursor_id, job.cursor_name) = (0, None);
            job.enter(Phase::CloneFiles)?;
        }
        Kind::Files => job.enter(Phase::Publish)?,
    }
    Ok(used)
}

/// Entries in a page. Files come with their histories, which are taken to be as long as those before them.
fn page_rows(job: &Job, kind: Kind, room: i64) -> i64 {
    if kind == Kind::Folders || !job.include_versions {
        return room;
    }
    if job.files_done == 0 {
        return room.min(FILES_WITH_HISTORY_FIRST);
    }
    let rows_each = 1 + job.versions_done / job.files_done;
    (room / rows_each).clamp(1, FILES_WITH_HISTORY_MAX)
}

/// The rows of one page: `made` of them, with ids from `first` up to `next`.
struct Copied {
    first: i64,
    next: i64,
    made: i64,
}

impl Copied {
    /// New folders must come after the folder `last`, where the cursor will stand, or they would not be found. Each
    /// server draws ids from a block of its own, so a worker that has taken the job over may have to leave an older
    /// block.
    async fn begin(db: &Db, tx: &mut Tx, last: FolderId, ids: i64) -> Result<Copied> {
        let first = db.take_ids_above(tx, ids, last.0).await?;
        Ok(Copied { first, next: first, made: 0 })
    }

    async fn one(&mut self, tx: &mut Tx, kind: Kind, c: &Cloning, part: &Part<'_>) -> Result<()> {
        self.count(rows::copy_of_one(tx, kind, c, self.next, part).await?);
        Ok(())
    }

    async fn many(&mut self, tx: &mut Tx, kind: Kind, c: &Cloning, after: FolderId, to: FolderId) -> Result<()> {
        self.count(rows::copy_of_many(tx, kind, c, self.next, after, to).await?);
        Ok(())
    }

    fn count(&mut self, rows: u64) {
        self.made += rows.cast_signed();
        self.next += rows.cast_signed();
    }

    /// Hides the page's ids, writes the histories if the job wants them, and counts. Returns what the page has used
    /// of the batch: its rows, and at least `least`.
    async fn finish(self, db: &Db, tx: &mut Tx, job: &mut Job, c: &Cloning, kind: Kind, least: i64) -> Result<i64> {
        if self.next == self.first {
            return Ok(least);
        }
        make(job, self.first, self.next);
        let mut written = self.made;
        match kind {
            Kind::Folders => job.folders_done += self.made,
            Kind::Files => {
                job.files_done += self.made;
                if c.with_history {
                    let superseded = self.copy_histories(db, tx, c).await?;
                    job.versions_done += superseded;
                    written += superseded;
                }
            }
        }
        Ok(written.max(least))
    }

    async fn copy_histories(&self, db: &Db, tx: &mut Tx, c: &Cloning) -> Result<i64> {
        let mut copied = 0;
        let mut first = self.first;
        while first < self.next {
            let end = self.next.min(first + FILES_WITH_HISTORY_MAX);
            let superseded = rows::history_count(tx, c, first, end).await?;
            let ids = db.take_ids(tx, superseded + end - first).await?;
            rows::history(tx, c, ids, superseded, first, end).await?;
            copied += superseded;
            first = end;
        }
        Ok(copied)
    }
}
