//! The statements of a clone: pages of rows written under a detached root, as the source was at the
//! instant `E`. `tree::clone` tells in which order they run. And those of small copies (`jobs::small`), which have no clone.
//!
//! A page is fixed first: where it ends, at most `rows` source rows on. Then the rows of the instant in it
//! are inserted. Rows that other writers add to the page meanwhile are younger than the instant, and
//! those they take away are in the journal, so a page may lose rows in between but never gain any.

use std::collections::BTreeSet;

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{FolderId, JobId};
use crate::model::time::Millis;

/// Greater than any name: longer than a name may be, of the greatest code point.
pub const AFTER_ALL_NAMES: &str = concat!(
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
    "\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
);

/// The last of the next `$3` folders of a clone after folder `$2`, how many they are, and where among them the entry behind
/// `$4` others is: its clone folder and its name.
macro_rules! reach {
    ($entries:expr, $any:expr) => {
        concat!(
            "WITH page (last, folders) AS MATERIALIZED (
                SELECT max(id), count(*) FROM (SELECT id FROM folder WHERE copied_by = $1 AND id > $2 ORDER BY id LIMIT $3) next
            ) SELECT last, folders, ", $any, ", e.id, e.name FROM page LEFT JOIN (
                SELECT m.id, f.name FROM (
                    SELECT id, copied_from FROM folder WHERE copied_by = $1 AND id > $2 AND id <= (SELECT last FROM page) ORDER BY id
                ) m CROSS JOIN ", $entries, " ORDER BY m.id, f.name LIMIT 1 OFFSET $4
            ) e ON true"
        )
    };
}
/// Most folders have no sub-folders, and small clones are often one such folder.
macro_rules! any_folder {
    () => {
        "EXISTS (SELECT 1 FROM folder m CROSS JOIN folder f
            WHERE m.copied_by = $1 AND m.id > $2 AND m.id <= page.last AND f.parent_id = m.copied_from)"
    };
}
macro_rules! reach_sqlite {
    ($table:literal, $parent:literal, $any:expr) => {
        reach!(concat!($table, " f WHERE f.", $parent, " = m.copied_from"), $any)
    };
}
macro_rules! reach_postgres {
    ($table:literal, $parent:literal, $any:expr) => {
        reach!(
            concat!(
                "LATERAL (SELECT name FROM ",
                $table,
                " WHERE ",
                $parent,
                " = m.copied_from ORDER BY name LIMIT $4 + 1) f"
            ),
            $any
        )
    };
}

statements! {
    /// The sub-folders of one folder with names in ($7, $8].
    FOLDERS_OF_ONE: "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        SELECT $1 + row_number() OVER (ORDER BY name) - 1, $2, name, $3, $3, $4, id, $5
        FROM folder WHERE parent_id = $6 AND name > $7 AND name <= $8 AND since <= $4";
    /// All sub-folders of the clone's folders with ids in ($5, $6].
    FOLDERS_OF_MANY: "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        SELECT $1 + row_number() OVER (ORDER BY m.id, f.name) - 1, m.id, f.name, $2, $2, $3, f.id, $4
        FROM folder m JOIN folder f ON f.parent_id = m.copied_from
        WHERE m.copied_by = $4 AND m.id > $5 AND m.id <= $6 AND f.since <= $3";
    FOLDER_PAGE_END: "SELECT name FROM folder WHERE parent_id = $1 AND name > $2 ORDER BY name LIMIT 1 OFFSET $3";
    REACH_OF_FOLDERS: reach_sqlite!("folder", "parent_id", any_folder!()), reach_postgres!("folder", "parent_id", any_folder!());
    /// The files of one folder with names in ($6, $7]. `$8` asks to leave the source's id in `version_id`,
    /// where its history is looked for next.
    FILES_OF_ONE: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT $2, name, $1 + n, CASE WHEN $8 THEN id ELSE $1 + n END, 1, content_id, flags, $3, $3, $3, $4 FROM (
            SELECT row_number() OVER (ORDER BY name) - 1 AS n, name, id, content_id, flags
            FROM file WHERE folder_id = $5 AND name > $6 AND name <= $7 AND since <= $4
        ) numbered";
    /// All files of the clone's folders with ids in ($5, $6].
    FILES_OF_MANY: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT folder_id, name, $1 + n, CASE WHEN $7 THEN id ELSE $1 + n END, 1, content_id, flags, $2, $2, $2, $3 FROM (
            SELECT row_number() OVER (ORDER BY m.id, f.name) - 1 AS n, m.id AS folder_id, f.name, f.id, f.content_id, f.flags
            FROM folder m JOIN file f ON f.folder_id = m.copied_from
            WHERE m.copied_by = $4 AND m.id > $5 AND m.id <= $6 AND f.since <= $3
        ) numbered";
    /// How many files folders have that have no sub-folders, counted up to `$2`. `$1` is a JSON array of folders.
    FILES_OF_LEAVES: "SELECT value, (SELECT count(*) FROM (SELECT 1 FROM file WHERE folder_id = value LIMIT $2) files)
        FROM json_each($1) WHERE NOT EXISTS (SELECT 1 FROM folder WHERE parent_id = value)",
        "SELECT leaf.id, (SELECT count(*) FROM (SELECT 1 FROM file f WHERE f.folder_id = leaf.id LIMIT $2) files)
        FROM (SELECT CAST(value AS BIGINT) AS id FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS value) leaf
        WHERE NOT EXISTS (SELECT 1 FROM folder f WHERE f.parent_id = leaf.id)";
    /// The files of folders as they stand; `$1` is a JSON array of pairs of a folder and the one that it is copied into.
    COPY_LEAVES: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT folder_id, name, $2 + n, $2 + n, 1, content_id, flags, $3, $3, $3, $4 FROM (
            SELECT row_number() OVER (ORDER BY m.key, f.name) - 1 AS n, m.value ->> 1 AS folder_id, f.name, f.content_id, f.flags
            FROM json_each($1) m CROSS JOIN file f WHERE f.folder_id = m.value ->> 0
        ) numbered",
        "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT folder_id, name, $2 + n, $2 + n, 1, content_id, flags, $3, $3, $3, $4 FROM (
            SELECT row_number() OVER (ORDER BY m.number, f.name) - 1 AS n, CAST(m.pair ->> 1 AS BIGINT) AS folder_id, f.name, f.content_id, f.flags
            FROM jsonb_array_elements(CAST($1 AS jsonb)) WITH ORDINALITY AS m (pair, number)
            CROSS JOIN file f WHERE f.folder_id = CAST(m.pair ->> 0 AS BIGINT)
        ) numbered";
    FILE_PAGE_END: "SELECT name FROM file WHERE folder_id = $1 AND name > $2 ORDER BY name LIMIT 1 OFFSET $3";
    REACH_OF_FILES: reach_sqlite!("file", "folder_id", "true"), reach_postgres!("file", "folder_id", "true");
    /// CROSS JOIN tells SQLite to begin with the journal, which is short, and not with the clone.
    /// Sub-folders that the journal has ended in ($5, $6] and that stood at the instant.
    PAST_FOLDERS: "INSERT INTO folder (id, parent_id, name, created, updated, since, copied_from, copied_by)
        SELECT $1 + n, parent_id, name, $2, $2, $3, id, $4 FROM (
            SELECT row_number() OVER (ORDER BY m.id, p.name) - 1 AS n, m.id AS parent_id, p.name, p.id
            FROM past_folder p CROSS JOIN folder m
            WHERE m.copied_by = $4 AND m.copied_from = p.parent_id AND p.until > $5 AND p.until <= $6 AND p.since <= $3
        ) numbered WHERE true ON CONFLICT (parent_id, name) DO NOTHING";
    PAST_FOLDERS_COUNT: "SELECT count(*) FROM past_folder p CROSS JOIN folder m
        WHERE m.copied_by = $1 AND m.copied_from = p.parent_id AND p.until > $2 AND p.until <= $3 AND p.since <= $4";
    PAST_FOLDERS_END: "SELECT until FROM past_folder WHERE until > $1 AND until <= $2 ORDER BY until LIMIT 1 OFFSET $3";
    PAST_FILES: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT folder_id, name, $1 + n, CASE WHEN $7 THEN id ELSE $1 + n END, 1, content_id, flags, $2, $2, $2, $3 FROM (
            SELECT row_number() OVER (ORDER BY m.id, p.name) - 1 AS n, m.id AS folder_id, p.name, p.id, p.content_id, p.flags
            FROM past_file p CROSS JOIN folder m
            WHERE m.copied_by = $4 AND m.copied_from = p.folder_id AND p.until > $5 AND p.until <= $6 AND p.since <= $3
        ) numbered WHERE true ON CONFLICT (folder_id, name) DO NOTHING";
    PAST_FILES_COUNT: "SELECT count(*) FROM past_file p CROSS JOIN folder m
        WHERE m.copied_by = $1 AND m.copied_from = p.folder_id AND p.until > $2 AND p.until <= $3 AND p.since <= $4";
    PAST_FILES_END: "SELECT until FROM past_file WHERE until > $1 AND until <= $2 ORDER BY until LIMIT 1 OFFSET $3";
    NEXT_FOLDER: "SELECT id FROM folder WHERE copied_by = $1 AND id > $2 ORDER BY id LIMIT 1";
    ORIGIN: "SELECT copied_from FROM folder WHERE id = $1";
    /// The superseded versions that files [$1, $2) of a clone are to have; their `version_id` names the source.
    HISTORY_COUNT: "SELECT (SELECT count(*) FROM file d JOIN version v ON v.file_id = d.version_id WHERE d.id >= $1 AND d.id < $2 AND v.since <= $3)
        + (SELECT count(*) FROM file d JOIN past_version v ON v.file_id = d.version_id WHERE d.id >= $1 AND d.id < $2 AND v.since <= $3 AND v.until > $3)";
    /// Their times are those of the copy, a millisecond apart, so that no two versions of a file share one.
    HISTORY: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT file_id, number, CASE WHEN number = 1 THEN file_id ELSE $1 + n END, content_id, flags, $2 - 100 + number, $2 - 100 + number, $3 FROM (
            SELECT file_id, row_number() OVER (PARTITION BY file_id ORDER BY version) AS number,
                row_number() OVER (ORDER BY file_id, version) - 1 AS n, content_id, flags FROM (
                SELECT d.id AS file_id, v.version, v.content_id, v.flags FROM file d JOIN version v ON v.file_id = d.version_id
                WHERE d.id >= $4 AND d.id < $5 AND v.since <= $3
                UNION ALL
                SELECT d.id AS file_id, v.version, v.content_id, v.flags FROM file d JOIN past_version v ON v.file_id = d.version_id
                WHERE d.id >= $4 AND d.id < $5 AND v.since <= $3 AND v.until > $3
            ) found
        ) numbered";
    /// Gives the files [$1, $2) their own version ids and numbers after their histories are written.
    NUMBER_CURRENT: "UPDATE file SET
            version = 1 + (SELECT count(*) FROM version v WHERE v.file_id = file.id),
            version_id = CASE WHEN EXISTS (SELECT 1 FROM version v WHERE v.file_id = file.id) THEN $3 + id - $1 ELSE id END
        WHERE id >= $1 AND id < $2";
    HIDE_MORE: "UPDATE hidden_range SET last_id = $3 WHERE job_id = $1 AND last_id = $2 - 1";
    HIDE: "INSERT INTO hidden_range (first_id, last_id, job_id) VALUES ($1, $2, $3)";
    UNHIDE: "DELETE FROM hidden_range WHERE job_id = $1"
}

/// What every page of a clone has in common.
#[derive(Clone, Copy, Debug)]
pub struct Cloning {
    pub job: JobId,
    /// E, the instant that the clone shows.
    pub instant: i64,
    /// The time that all its rows bear.
    pub now: Millis,
    /// Whether superseded versions are copied too.
    pub with_history: bool,
}

/// Which rows of the source a page looks at: a clone has folders, and files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Folders,
    Files,
}

/// The part of a folder that a page copies: of `from` into clone folder `into`, the names in (`after`, `to`].
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    pub into: FolderId,
    pub from: FolderId,
    pub after: &'a str,
    pub to: &'a str,
}

/// Copies the entries of a part of a folder; how many.
pub async fn copy_of_one(tx: &mut Tx, kind: Kind, c: &Cloning, ids: i64, part: &Part<'_>) -> Result<u64> {
    let Part { into, from, after, to } = *part;
    match kind {
        Kind::Folders => tx.run(&FOLDERS_OF_ONE, args![ids, into, c.now, c.instant, c.job, from, after, to]).await,
        Kind::Files => tx.run(&FILES_OF_ONE, args![ids, into, c.now, c.instant, from, after, to, c.with_history]).await,
    }
}

/// Of these folders those that have no sub-folders, and how many files each has, counted up to `max`.
pub async fn files_of_leaves(tx: &mut Tx, folders: &BTreeSet<FolderId>, max: i64) -> Result<Vec<(FolderId, i64)>> {
    let folders: Vec<i64> = folders.iter().map(|folder| folder.0).collect();
    tx.all(&FILES_OF_LEAVES, args![serde_json::json!(folders).to_string(), max]).await
}

/// Copies all files of folders, each into another one, as they stand; their ids are those from `ids` on. How many.
pub async fn copy_leaves(
    tx: &mut Tx,
    copies: impl Iterator<Item = (FolderId, FolderId)>,
    ids: i64,
    now: Millis,
    change: i64,
) -> Result<u64> {
    let pairs: Vec<_> = copies.map(|(from, into)| (from.0, into.0)).collect();
    tx.run(&COPY_LEAVES, args![serde_json::json!(pairs).to_string(), ids, now, change]).await
}

/// Copies all entries of the clone's folders with ids in (`after`, `to`]; how many.
pub async fn copy_of_many(
    tx: &mut Tx,
    kind: Kind,
    c: &Cloning,
    ids: i64,
    after: FolderId,
    to: FolderId,
) -> Result<u64> {
    match kind {
        Kind::Folders => tx.run(&FOLDERS_OF_MANY, args![ids, c.now, c.instant, c.job, after, to]).await,
        Kind::Files => tx.run(&FILES_OF_MANY, args![ids, c.now, c.instant, c.job, after, to, c.with_history]).await,
    }
}

/// The name at which a page of `rows` entries of one folder ends; `None` when the folder ends before.
pub async fn page_end(tx: &mut Tx, kind: Kind, folder: FolderId, after: &str, rows: i64) -> Result<Option<String>> {
    let sql = if kind == Kind::Folders { &FOLDER_PAGE_END } else { &FILE_PAGE_END };
    Ok(tx.maybe::<(String,)>(sql, args![folder, after, rows - 1]).await?.map(|row| row.0))
}

/// The next folders of a clone, as far as asked for.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The last of them; `None` when there are none.
    pub last: Option<FolderId>,
    /// How many they are.
    pub folders: i64,
    /// False if it is known that they have no entries.
    pub has_entries: bool,
    /// The clone folder and the name at which a page of entries of theirs ends; `None` when they have fewer.
    pub page_end: Option<(FolderId, String)>,
}

/// The clone's next `folders` folders after `after`, and where a page of `rows` of their entries ends.
pub async fn reach(tx: &mut Tx, kind: Kind, job: JobId, after: FolderId, folders: i64, rows: i64) -> Result<Reach> {
    let sql = if kind == Kind::Folders { &REACH_OF_FOLDERS } else { &REACH_OF_FILES };
    let (last, folders, has_entries, id, name): (_, _, _, Option<FolderId>, Option<String>) =
        tx.one(sql, args![job, after, folders, rows - 1]).await?;
    Ok(Reach { last, folders, has_entries, page_end: id.zip(name) })
}

/// Whether the clone has folders after `after`.
pub async fn has_folders(tx: &mut Tx, job: JobId, after: FolderId) -> Result<bool> {
    Ok(tx.maybe::<(FolderId,)>(&NEXT_FOLDER, args![job, after]).await?.is_some())
}

/// The folder that a clone's folder was made from.
pub async fn origin(tx: &mut Tx, folder: FolderId) -> Result<FolderId> {
    Ok(tx.one::<(FolderId,)>(&ORIGIN, args![folder]).await?.0)
}

/// Copies the entries of the instant that ended in (`after`, `to`]; how many.
pub async fn copy_past(tx: &mut Tx, kind: Kind, c: &Cloning, ids: i64, after: i64, to: i64) -> Result<u64> {
    match kind {
        Kind::Folders => tx.run(&PAST_FOLDERS, args![ids, c.now, c.instant, c.job, after, to]).await,
        Kind::Files => tx.run(&PAST_FILES, args![ids, c.now, c.instant, c.job, after, to, c.with_history]).await,
    }
}

/// How many ids [`copy_past`] may need.
pub async fn past_count(tx: &mut Tx, kind: Kind, c: &Cloning, after: i64, to: i64) -> Result<i64> {
    let sql = if kind == Kind::Folders { &PAST_FOLDERS_COUNT } else { &PAST_FILES_COUNT };
    Ok(tx.one::<(i64,)>(sql, args![c.job, after, to, c.instant]).await?.0)
}

/// The change at which a page of `rows` ended entries after change `after` ends, at most `bound`.
pub async fn past_end(tx: &mut Tx, kind: Kind, after: i64, bound: i64, rows: i64) -> Result<i64> {
    let sql = if kind == Kind::Folders { &PAST_FOLDERS_END } else { &PAST_FILES_END };
    Ok(tx.maybe::<(i64,)>(sql, args![after, bound, rows - 1]).await?.map_or(bound, |row| row.0))
}

/// How many superseded versions the clone's files [`first`, `end`) are to have.
pub async fn history_count(tx: &mut Tx, c: &Cloning, first: i64, end: i64) -> Result<i64> {
    Ok(tx.one::<(i64,)>(&HISTORY_COUNT, args![first, end, c.instant]).await?.0)
}

/// Writes those versions and numbers the current ones; `ids` has room for both.
pub async fn history(tx: &mut Tx, c: &Cloning, ids: i64, count: i64, first: i64, end: i64) -> Result<()> {
    if count > 0 {
        tx.run(&HISTORY, args![ids, c.now, c.instant, first, end]).await?;
    }
    tx.run(&NUMBER_CURRENT, args![first, end, ids + count]).await?;
    Ok(())
}

/// Hides the ids [`first`, `end`) from scans of the whole library.
pub async fn hide(tx: &mut Tx, job: JobId, first: i64, end: i64) -> Result<()> {
    if tx.run(&HIDE_MORE, args![job, first, end - 1]).await? == 0 {
        tx.run(&HIDE, args![first, end - 1, job]).await?;
    }
    Ok(())
}

/// Shows everything that a job has hidden.
pub async fn unhide(tx: &mut Tx, job: JobId) -> Result<()> {
    tx.run(&UNHIDE, args![job]).await?;
    Ok(())
}
