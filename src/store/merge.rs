//! The statements of a merge: pages of one source folder joined into one target folder, by name.
//!
//! A page is set aside whole, each file with its namesake in the target: what they were is read from there afterwards, and not
//! looked for again. `tree::relink` tells in which order pages come.

use super::row::columns;
use super::{Tx, args, clone, statements};
use crate::error::{Error, Result};
use crate::model::ids::{FileId, FolderId, JobId};
use crate::model::time::Millis;

/// Versions a file may have, the current one counted.
pub const VERSIONS_MAX: i64 = 100;
/// Left-behind items of a job that are recorded by name; beyond that they are only counted.
const FAILURES_KEPT: i64 = 100;

statements! {
    INSERT_PAIR: "INSERT INTO merge_pair (job_id, ord, depth, source_id, target_id, begun) VALUES ($1, $2, $3, $4, $5, 0)";
    NEXT_PAIR: "SELECT ord, depth, source_id, target_id, EXISTS (SELECT 1 FROM file WHERE folder_id = source_id) AS has_files,
            EXISTS (SELECT 1 FROM folder WHERE parent_id = source_id) AS has_folders
        FROM merge_pair WHERE job_id = $1 AND ord >= $2 ORDER BY ord LIMIT 1";
    LAST_ORD: "SELECT coalesce(max(ord), 0) FROM merge_pair WHERE job_id = $1";
    MARK_BEGUN: "UPDATE merge_pair SET begun = $3 WHERE job_id = $1 AND ord = $2";
    /// A page of the source, with the files that have its names in the target. A LEFT JOIN, so SQLite goes through the page and
    /// not through the target, which may be large. The first version has none before it.
    TAKE_PAGE: "INSERT INTO merge_page (page, name, added, source_folder, id, version_id, version, content_id, flags, created, uploaded, updated,
            since, newest, target_file, target_version_id, target_version, target_content, target_flags, target_uploaded, target_updated, last_number)
        SELECT $1, name, CASE WHEN target_file IS NULL THEN NULL WHEN superseded + superseded_there + 2 <= $6 THEN 1 + superseded ELSE 0 END,
            $2, id, version_id, version, content_id, flags, created, uploaded, updated,
            since, newest, target_file, target_version_id, target_version, target_content, target_flags, target_uploaded, target_updated, last_number
        FROM (
            SELECT s.name, s.id, s.version_id, s.version, s.content_id, s.flags, s.created, s.uploaded, s.updated, s.since, s.newest, t.id AS target_file,
                t.version_id AS target_version_id, t.version AS target_version, t.content_id AS target_content, t.flags AS target_flags,
                t.uploaded AS target_uploaded, t.updated AS target_updated, coalesce(t.newest, t.version) AS last_number,
                CASE WHEN coalesce(s.newest, s.version) = 1 THEN 0 ELSE (SELECT count(*) FROM version v WHERE v.file_id = s.id) END AS superseded,
                CASE WHEN coalesce(t.newest, t.version) = 1 THEN 0 ELSE (SELECT count(*) FROM version v WHERE v.file_id = t.id) END AS superseded_there
            FROM file s LEFT JOIN file t ON t.folder_id = $3 AND t.name = s.name
            WHERE s.folder_id = $2 AND s.name > $4 AND s.name <= $5
        ) taken";
    /// Files that fit, versions that they bring, files that do not fit.
    COUNT_CONFLICTS: "SELECT count(added) - count(unfit), CAST(coalesce(sum(added), 0) AS BIGINT), count(unfit)
        FROM (SELECT added, CASE WHEN added = 0 THEN 1 END AS unfit FROM merge_page WHERE page = $1) page";
    /// A page of one conflict that is found outside of any job.
    TAKE_CONFLICT: "INSERT INTO merge_page (page, name, added, source_folder, id, version_id, version, content_id, flags, created, uploaded, updated,
            since, newest, target_file, target_version_id, target_version, target_content, target_flags, target_uploaded, target_updated, last_number)
        SELECT $1, t.name, $4, s.folder_id, s.id, s.version_id, s.version, s.content_id, s.flags, s.created, s.uploaded, s.updated,
            s.since, s.newest, t.id, t.version_id, t.version, t.content_id, t.flags, t.uploaded, t.updated, coalesce(t.newest, t.version)
        FROM file s CROSS JOIN file t WHERE s.id = $2 AND t.id = $3";
    /// Names that both have and that did not fit; recorded up to a bound.
    RECORD_FAILURES: "INSERT INTO job_failure (job_id, folder_id, name, reason)
        SELECT $1, CAST($4 AS BIGINT), p.name, 'VERSION_LIMIT_EXCEEDED' FROM merge_page p
        WHERE p.page = $3 AND p.added = 0
            AND NOT EXISTS (SELECT 1 FROM job_failure f WHERE f.job_id = $1 AND f.folder_id = $4 AND f.name = p.name)
        ORDER BY p.name
        LIMIT (SELECT CASE WHEN count(*) < $2 THEN $2 - count(*) ELSE 0 END FROM job_failure WHERE job_id = $1)
        ON CONFLICT (job_id, folder_id, name) DO NOTHING";
    /// Names that did fit when their folder was looked at again, or went away.
    FORGET_FAILURES: "DELETE FROM job_failure WHERE job_id = $1
        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.folder_id = job_failure.folder_id AND f.name = job_failure.name)";
    FAILURES_COUNT: "SELECT count(*) FROM job_failure WHERE job_id = $1";
    COUNT_UNFIT_HISTORY: "SELECT count(*) FROM version WHERE file_id IN (SELECT id FROM merge_page WHERE page = $1 AND added = 0)";
    DROP_UNFIT_HISTORY: "DELETE FROM version WHERE file_id IN (SELECT id FROM merge_page WHERE page = $1 AND added = 0)";
    FORGET_UNFIT: "DELETE FROM merge_page WHERE page = $1 AND added = 0";
    /// A copy that has not been published has hidden rows from its instant on.
    WATCHERS: "SELECT EXISTS (SELECT 1 FROM hidden_range), EXISTS (SELECT 1 FROM sweep_lease WHERE searches <> 0)";
    KEEP_TARGETS: "INSERT INTO past_file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest, until)
        SELECT f.folder_id, f.name, f.id, f.version_id, f.version, f.content_id, f.flags, f.created, f.uploaded, f.updated, f.since, f.newest, CAST($2 AS BIGINT)
        FROM merge_page p JOIN file f ON f.folder_id = $3 AND f.name = p.name WHERE p.page = $1 AND p.added > 0 AND f.since < $2";
    /// Conflicts, and files whose names are free if `$3` is 1.
    KEEP_SOURCES: "INSERT INTO past_file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest, until)
        SELECT source_folder, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest, CAST($2 AS BIGINT)
        FROM merge_page WHERE page = $1 AND since < $2 AND (added > 0 OR added IS NULL AND $3 = 1)";
    KEEP_HISTORIES: "INSERT INTO past_version (file_id, version, id, content_id, flags, created, updated, since, until)
        SELECT v.file_id, v.version, v.id, v.content_id, v.flags, v.created, v.updated, v.since, CAST($2 AS BIGINT)
        FROM merge_page p JOIN version v ON v.file_id = p.id WHERE p.page = $1 AND p.added > 1 AND v.since < $2";
    SUPERSEDE_TARGETS: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT target_file, target_version, target_version_id, target_content, target_flags, target_uploaded, target_updated, CAST($2 AS BIGINT)
        FROM merge_page WHERE page = $1 AND added > 0";
    /// Each keeps its times. But those of a clone are made up, and no two versions of a file may share the time that clients tell
    /// them apart by: then each is a millisecond younger, if need be, than the one before it.
    APPEND_HISTORIES: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT target_file, last_number + place, id, content_id, flags, created, CASE WHEN max(meets) OVER (PARTITION BY target_file) = 0 THEN updated
            ELSE place + CASE WHEN ahead > target_updated THEN ahead ELSE target_updated END END, CAST($2 AS BIGINT)
        FROM (
            SELECT *, max(updated - place) OVER (PARTITION BY target_file ORDER BY place) AS ahead FROM (
                SELECT p.target_file, p.last_number, p.target_updated, v.id, v.content_id, v.flags, v.created, v.updated,
                    row_number() OVER (PARTITION BY v.file_id ORDER BY v.version) AS place,
                    CASE WHEN CAST($3 AS BIGINT) = 1 OR EXISTS (
                        SELECT 1 FROM version w WHERE w.file_id = p.target_file AND w.updated = v.updated
                    ) THEN 1 ELSE 0 END AS meets
                FROM merge_page p JOIN version v ON v.file_id = p.id WHERE p.page = $1 AND p.added > 1
            ) placed
        ) timed";
    REMOVE_HISTORIES: "DELETE FROM version WHERE file_id IN (SELECT id FROM merge_page WHERE page = $1 AND added > 1)";
    /// A range of names is removed in one go, without looking for each of them.
    REMOVE_PAGE: "DELETE FROM file WHERE folder_id = $1 AND name > $2 AND name <= $3";
    REMOVE_SOURCES: "DELETE FROM file WHERE id IN (SELECT id FROM merge_page WHERE page = $1)";
    /// A namesake stays the file that it is, and gets the version. No other is touched. No two versions of a file share the time
    /// that clients tell them apart by.
    PLACE_PAGE: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest)
        SELECT $4, name, CASE WHEN added IS NULL THEN id ELSE target_file END, version_id, CASE WHEN added IS NULL THEN version ELSE last_number + added END, content_id, flags, created, uploaded,
            CASE WHEN added IS NULL THEN updated WHEN target_updated >= $3 THEN target_updated + 1 ELSE $3 END, $2, CASE WHEN added IS NULL THEN newest END
        FROM merge_page WHERE page = $1
        ON CONFLICT (folder_id, name) DO UPDATE SET version_id = excluded.version_id, version = excluded.version, content_id = excluded.content_id,
            flags = excluded.flags, uploaded = excluded.uploaded, updated = excluded.updated, since = excluded.since, newest = NULL
            WHERE file.id = excluded.id";
    /// The current version is younger than the last that was appended before it.
    AGE_HISTORIES: "UPDATE file SET updated = v.updated + 1 FROM merge_page p JOIN version v ON v.file_id = p.target_file AND v.version = p.last_number + p.added - 1
        WHERE p.page = $1 AND p.added > 1 AND file.folder_id = $2 AND file.name = p.name AND file.updated <= v.updated";
    /// On SQLite nobody else can have a page at this moment, and an empty table is made in one go.
    CLEAR_PAGE: "DELETE FROM merge_page", "DELETE FROM merge_page WHERE page = $1";
    PAIR_CHILDREN: "INSERT INTO merge_pair (job_id, ord, depth, source_id, target_id, begun)
        SELECT $1, $2 + row_number() OVER (ORDER BY s.name), $3, s.id, t.id, 0 FROM folder s CROSS JOIN folder t
        WHERE t.parent_id = $5 AND t.name = s.name AND s.parent_id = $4 AND s.name > $6 AND s.name <= $7 AND t.id <> $8";
    FIND_NAMESAKE: "SELECT s.id FROM folder s JOIN folder t ON t.parent_id = $2 AND t.name = s.name WHERE s.parent_id = $1 AND t.id = $3";
    KEEP_FREE_FOLDERS: "INSERT INTO past_folder (parent_id, name, id, created, updated, since, until)
        SELECT parent_id, name, id, created, updated, since, CAST($5 AS BIGINT) FROM folder s
        WHERE s.parent_id = $1 AND s.name > $3 AND s.name <= $4 AND s.since < $5
            AND NOT EXISTS (SELECT 1 FROM folder t WHERE t.parent_id = $2 AND t.name = s.name)";
    RELINK_FREE_FOLDERS: "UPDATE folder SET parent_id = $2, since = $5 WHERE parent_id = $1 AND name > $3 AND name <= $4
            AND NOT EXISTS (SELECT 1 FROM folder t WHERE t.parent_id = $2 AND t.name = folder.name)";
    DEEPEST: "SELECT max(depth) FROM merge_pair WHERE job_id = $1";
    CLOSING_END: "SELECT max(ord) FROM (SELECT ord FROM merge_pair WHERE job_id = $1 AND depth = $2 ORDER BY ord LIMIT $3) page";
    KEEP_EMPTY: "INSERT INTO past_folder (parent_id, name, id, created, updated, since, until)
        SELECT f.parent_id, f.name, f.id, f.created, f.updated, f.since, CAST($4 AS BIGINT) FROM merge_pair p JOIN folder f ON f.id = p.source_id
        WHERE p.job_id = $1 AND p.depth = $2 AND p.ord <= $3 AND f.since < $4
            AND NOT EXISTS (SELECT 1 FROM file c WHERE c.folder_id = f.id) AND NOT EXISTS (SELECT 1 FROM folder c WHERE c.parent_id = f.id)";
    REMOVE_EMPTY: "DELETE FROM folder WHERE id IN (SELECT source_id FROM merge_pair WHERE job_id = $1 AND depth = $2 AND ord <= $3)
            AND NOT EXISTS (SELECT 1 FROM file c WHERE c.folder_id = folder.id) AND NOT EXISTS (SELECT 1 FROM folder c WHERE c.parent_id = folder.id)";
    /// Pairs into whose source something came while its entries were moved: they go round again.
    REQUEUE: "INSERT INTO merge_pair (job_id, ord, depth, source_id, target_id, begun)
        SELECT p.job_id, $4 + row_number() OVER (ORDER BY p.ord), p.depth, p.source_id, p.target_id, 0 FROM merge_pair p
        WHERE p.job_id = $1 AND p.depth = $2 AND p.ord <= $3 AND (
            EXISTS (SELECT 1 FROM file c WHERE c.folder_id = p.source_id AND c.since > p.begun)
            OR EXISTS (SELECT 1 FROM folder c WHERE c.parent_id = p.source_id AND c.since > p.begun AND c.id <> $5))";
    FORGET_PAIRS: "DELETE FROM merge_pair WHERE job_id = $1 AND depth = $2 AND ord <= $3"
}

columns! {
    /// Two folders of the same place: what the first holds goes into the second.
    #[derive(Clone, Debug)]
    pub struct Pair {
        pub ord: i64,
        pub depth: i64,
        pub source_id: FolderId,
        pub target_id: FolderId,
        /// Whether the first holds any at this moment.
        pub has_files: bool,
        pub has_folders: bool,
    }
}

/// A page of a pair: the names in (`after`, `to`].
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    pub job: JobId,
    pub source: FolderId,
    pub target: FolderId,
    pub after: &'a str,
    pub to: &'a str,
}

/// Queues a pair of folders.
pub async fn insert_pair(
    tx: &mut Tx,
    job: JobId,
    ord: i64,
    depth: i64,
    source: FolderId,
    target: FolderId,
) -> Result<()> {
    tx.run(&INSERT_PAIR, args![job, ord, depth, source, target]).await?;
    Ok(())
}

/// The first pair from `ord` on.
pub async fn next_pair(tx: &mut Tx, job: JobId, ord: i64) -> Result<Option<Pair>> {
    tx.maybe(&NEXT_PAIR, args![job, ord]).await
}

/// The highest place in the queue.
pub async fn last_ord(tx: &mut Tx, job: JobId) -> Result<i64> {
    Ok(tx.one::<(i64,)>(&LAST_ORD, args![job]).await?.0)
}

/// Notes that a pair is being merged from `change` on: what comes into its source later is younger.
pub async fn mark_begun(tx: &mut Tx, job: JobId, ord: i64, change: i64) -> Result<()> {
    tx.run(&MARK_BEGUN, args![job, ord, change]).await?;
    Ok(())
}

/// What a page comes to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Files whose names are free in the target.
    pub free: i64,
    /// Files whose histories can be appended to those of their namesakes.
    pub fit: i64,
    /// The versions that they bring, one for each at least.
    pub versions: i64,
    /// Files whose histories would become too long.
    pub unfit: i64,
    /// The versions before theirs that are dropped with them, because they are those of a clone.
    pub dropped: i64,
}

/// Sets the files of a page aside under a number that no other page has had.
pub async fn take_page(tx: &mut Tx, number: i64, p: Page<'_>, taken_are: Taken) -> Result<Counts> {
    let taken = tx.run(&TAKE_PAGE, args![number, p.source, p.target, p.after, p.to, VERSIONS_MAX]).await?;
    if taken == 0 {
        return Ok(Counts::default());
    }
    let (fit, versions, unfit) = tx.one(&COUNT_CONFLICTS, args![number]).await?;
    let mut counts = Counts { free: taken.cast_signed() - fit - unfit, fit, versions, unfit, dropped: 0 };
    if unfit > 0 && taken_are == Taken::Clones {
        (counts.dropped,) = tx.one(&COUNT_UNFIT_HISTORY, args![number]).await?;
    }
    Ok(counts)
}

/// Leaves a page that was set aside where it is.
pub async fn leave_page(tx: &mut Tx, number: i64) -> Result<()> {
    tx.run(&CLEAR_PAGE, args![number]).await?;
    Ok(())
}

/// Sets a single file aside, outside of any job, that brings `added` versions to another.
pub async fn take_conflict(tx: &mut Tx, number: i64, source: FileId, target: FileId, added: i64) -> Result<Counts> {
    tx.run(&TAKE_CONFLICT, args![number, source, target, added]).await?;
    Ok(Counts { fit: 1, versions: added, ..Counts::default() })
}

/// How many files a merge has left behind, of which its pages have counted `counted`. A folder that is looked at again counts its
/// files again; as long as the record is not full, it has each once.
pub async fn left_behind(tx: &mut Tx, job: JobId, taken: Taken, counted: i64) -> Result<i64> {
    if counted == 0 {
        return Ok(0);
    }
    // Those of a clone are nowhere.
    if taken == Taken::Movers {
        tx.run(&FORGET_FAILURES, args![job]).await?;
    }
    let recorded = tx.count(&FAILURES_COUNT, args![job]).await?;
    Ok(if recorded < FAILURES_KEPT { recorded } else { counted })
}

/// Which rows go to the journal before a merge changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Those that it takes from its source.
    pub sources: bool,
    /// Those that stay what and where they are, but for their newest version.
    pub targets: bool,
}

/// Whose files a merge takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Those of a clone, which nobody has seen.
    Clones,
    /// Files that move.
    Movers,
}

/// What has to be kept now: copies under way look for rows as they were, and a search for unused contents for those whose
/// content goes from one row to another. For whoever has the tree to itself, so that no copy and no search can begin beside
/// it.
pub async fn keep(tx: &mut Tx, taken: Taken) -> Result<Keep> {
    let (copies, searches): (bool, bool) = tx.one(&WATCHERS, args![]).await?;
    Ok(Keep { sources: taken == Taken::Movers && (copies || searches), targets: copies })
}

/// What happens to the files that were set aside under a number.
#[derive(Clone, Copy, Debug)]
pub struct Placing {
    pub number: i64,
    pub target: FolderId,
    pub taken: Taken,
    pub keep: Keep,
    pub change: i64,
    pub now: Millis,
}

/// Puts the files that were set aside and fit to their new places, and their histories before them where they have namesakes;
/// records those that do not fit. `whole` is the page, if it was set aside whole.
pub async fn place_page(tx: &mut Tx, placing: Placing, counts: Counts, whole: Option<Page<'_>>) -> Result<()> {
    let Placing { number, target, taken, keep, change, now } = placing;
    let Counts { free, fit, versions, unfit, .. } = counts;
    if free + fit + unfit == 0 {
        return Ok(());
    }
    if unfit > 0 {
        if let Some(page) = whole {
            // What a copy leaves behind stands where it was copied from.
            let folder = match taken {
                Taken::Clones => clone::origin(tx, page.source).await?,
                Taken::Movers => page.source,
            };
            tx.run(&RECORD_FAILURES, args![page.job, FAILURES_KEPT, number, folder]).await?;
        }
        // Those of a clone have nowhere to stay, and are removed with the range.
        if taken == Taken::Clones {
            tx.run(&DROP_UNFIT_HISTORY, args![number]).await?;
        }
        tx.run(&FORGET_UNFIT, args![number]).await?;
    }
    if keep.sources {
        // Those with free names for copies under way alone: one that begins later sees what changes in place as it has become.
        tx.run(&KEEP_SOURCES, args![number, change, i64::from(keep.targets)]).await?;
    }
    if fit > 0 {
        if keep.targets {
            tx.run(&KEEP_TARGETS, args![number, change, target]).await?;
        }
        tx.run(&SUPERSEDE_TARGETS, args![number, change]).await?;
    }
    let any_histories = versions > fit;
    if any_histories {
        if keep.sources {
            tx.run(&KEEP_HISTORIES, args![number, change]).await?;
        }
        tx.run(&APPEND_HISTORIES, args![number, change, i64::from(taken == Taken::Clones)]).await?;
        tx.run(&REMOVE_HISTORIES, args![number]).await?;
    }
    match whole {
        Some(page) if unfit == 0 || taken == Taken::Clones => {
            tx.run(&REMOVE_PAGE, args![page.source, page.after, page.to]).await?
        }
        _ => tx.run(&REMOVE_SOURCES, args![number]).await?,
    };
    let placed = tx.run(&PLACE_PAGE, args![number, change, now, target]).await?.cast_signed();
    if placed != free + fit {
        return Err(Error::Damaged(format!("{placed} of {} files of a merge found their places", free + fit)));
    }
    if any_histories {
        tx.run(&AGE_HISTORIES, args![number, target]).await?;
    }
    leave_page(tx, number).await
}

/// Queues the sub-folders that both have, but for the pair with `except` as its target.
pub async fn pair_children(tx: &mut Tx, p: Page<'_>, last_ord: i64, depth: i64, except: FolderId) -> Result<u64> {
    tx.run(&PAIR_CHILDREN, args![p.job, last_ord, depth, p.source, p.target, p.after, p.to, except]).await
}

/// The sub-folder of `source` whose place in `target` is taken by `taken_by`.
pub async fn find_namesake(
    tx: &mut Tx,
    source: FolderId,
    target: FolderId,
    taken_by: FolderId,
) -> Result<Option<FolderId>> {
    Ok(tx.maybe::<(FolderId,)>(&FIND_NAMESAKE, args![source, target, taken_by]).await?.map(|row| row.0))
}

/// Relinks the sub-folders whose names are free in the target; how many.
pub async fn relink_free_folders(tx: &mut Tx, p: Page<'_>, change: i64, keep: bool) -> Result<u64> {
    if keep {
        tx.run(&KEEP_FREE_FOLDERS, args![p.source, p.target, p.after, p.to, change]).await?;
    }
    tx.run(&RELINK_FREE_FOLDERS, args![p.source, p.target, p.after, p.to, change]).await
}

/// The greatest depth at which pairs wait to be closed.
pub async fn deepest(tx: &mut Tx, job: JobId) -> Result<Option<i64>> {
    Ok(tx.one::<(Option<i64>,)>(&DEEPEST, args![job]).await?.0)
}

/// The last of the next `rows` pairs of that depth.
pub async fn closing_end(tx: &mut Tx, job: JobId, depth: i64, rows: i64) -> Result<i64> {
    Ok(tx.one::<(Option<i64>,)>(&CLOSING_END, args![job, depth, rows]).await?.0.unwrap_or(0))
}

/// Removes the emptied source folders of pairs up to `to`, queues again those that something came
/// into, and forgets the pairs; how many there were, and how many were queued again.
pub async fn close_pairs(
    tx: &mut Tx,
    job: JobId,
    depth: i64,
    to: i64,
    change: i64,
    namesake: Option<FolderId>,
    keep: bool,
) -> Result<(u64, u64)> {
    if keep {
        tx.run(&KEEP_EMPTY, args![job, depth, to, change]).await?;
    }
    tx.run(&REMOVE_EMPTY, args![job, depth, to]).await?;
    let last = last_ord(tx, job).await?;
    let again = tx.run(&REQUEUE, args![job, depth, to, last, namesake.unwrap_or(FolderId(0))]).await?;
    let closed = tx.run(&FORGET_PAIRS, args![job, depth, to]).await?;
    Ok((closed, again))
}
