//! The invariants as statements: each finds the rows that break one, a few of them, as text.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{BlobId, ContentId};

statements! {
    INTEGRITY: "SELECT 'the database file: ' || integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", "SELECT 'x' WHERE false";
    LOST_FOLDERS: "WITH RECURSIVE reached (id) AS (SELECT id FROM folder WHERE id <= 3 UNION ALL
            SELECT f.id FROM folder f JOIN reached r ON f.parent_id = r.id WHERE f.id > 3)
        SELECT 'folder ' || id || ' reaches no root' FROM folder WHERE id NOT IN (SELECT id FROM reached) LIMIT 20";
    FILES_WITHOUT_FOLDER: "SELECT 'file ' || id || ' is in no folder' FROM file f
        WHERE NOT EXISTS (SELECT 1 FROM folder d WHERE d.id = f.folder_id) LIMIT 20";
    FILES_IN_ROOTS: "SELECT 'file ' || id || ' is in the trash or detached root itself' FROM file WHERE folder_id IN (2, 3) LIMIT 20";
    FILES_WITHOUT_CONTENT: "SELECT 'file ' || id || ' has no content' FROM file f WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = f.content_id) LIMIT 20";
    VERSIONS_WITHOUT_CONTENT: "SELECT 'version ' || id || ' has no content' FROM version v
        WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = v.content_id) LIMIT 20";
    PAST_WITHOUT_CONTENT: "SELECT 'a past row of file ' || id || ' has no content' FROM past_file p WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = p.content_id)
        UNION ALL SELECT 'a past version of file ' || file_id || ' has no content' FROM past_version p
            WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = p.content_id) LIMIT 20";
    VERSIONS_WITHOUT_FILE: "SELECT 'version ' || id || ' is of no file' FROM version v WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.id = v.file_id)
        AND v.file_id NOT IN (SELECT id FROM past_file) LIMIT 20";
    TOO_MANY_VERSIONS: "SELECT 'file ' || file_id || ' has more than 100 versions' FROM version GROUP BY file_id HAVING count(*) > 99 LIMIT 20";
    VERSION_NUMBERS: "SELECT 'file ' || f.id || ' has an older version with the number ' || v.version FROM file f JOIN version v ON v.file_id = f.id
        WHERE v.version = f.version OR v.version > coalesce(f.newest, f.version) OR v.version < 1 LIMIT 20";
    NEWEST_NUMBERS: "SELECT 'file ' || id || ' is at version ' || version || ' and has given no more than ' || newest FROM file WHERE newest <= version LIMIT 20";
    SAME_VERSION_ID: "SELECT 'version id ' || id || ' is used twice' FROM (
            SELECT version_id AS id FROM file UNION ALL SELECT v.id FROM version v JOIN file f ON f.id = v.file_id
        ) ids GROUP BY id HAVING count(*) > 1 LIMIT 20";
    HIDDEN_FOR_NOTHING: "SELECT 'ids from ' || first_id || ' are hidden for no running job' FROM hidden_range h
        WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.id = h.job_id AND j.phase <> 'done') LIMIT 20";
    DETACHED_FOR_NOTHING: "SELECT 'folder ' || id || ' is detached for no running job' FROM folder f WHERE parent_id = 3
        AND NOT EXISTS (SELECT 1 FROM job j WHERE j.clone_id = f.id AND j.phase <> 'done') LIMIT 20";
    PAIRS_FOR_NOTHING: "SELECT 'job ' || job_id || ' has left a pair of folders' FROM merge_pair p
        WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.id = p.job_id AND j.phase <> 'done') LIMIT 20";
    LOCKS_FOR_NOTHING: "SELECT 'job ' || job_id || ' has locks and does not run' FROM job_lock l
        WHERE NOT EXISTS (SELECT 1 FROM job j WHERE j.id = l.job_id AND j.phase <> 'done') LIMIT 20";
    BLOCKED_FOR_NOTHING: "SELECT 'job ' || id || ' waits for a job that does not run' FROM job j WHERE blocked_by IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM job b WHERE b.id = j.blocked_by AND b.phase <> 'done') LIMIT 20";
    PAGES_LEFT: "SELECT 'a merge has left page ' || page FROM merge_page LIMIT 20";
    JOBS_HALF_DONE: "SELECT 'job ' || id || ' is neither finished nor running' FROM job WHERE (phase = 'done') <> (finished IS NOT NULL) LIMIT 20";
    PAST_BEFORE_ITSELF: "SELECT 'a past row of file ' || id || ' ended before it began' FROM past_file WHERE since >= until
        UNION ALL SELECT 'a past row of folder ' || id || ' ended before it began' FROM past_folder WHERE since >= until
        UNION ALL SELECT 'a past version of file ' || file_id || ' ended before it began' FROM past_version WHERE since >= until LIMIT 20";
    PAST_FILES_OVERLAP: "SELECT 'past rows of ' || name || ' in folder ' || folder_id || ' overlap' FROM (
            SELECT folder_id, name, since, lag(until) OVER (PARTITION BY folder_id, name ORDER BY until) AS earlier FROM past_file
        ) p WHERE earlier > since LIMIT 20";
    PAST_FOLDERS_OVERLAP: "SELECT 'past rows of ' || name || ' in folder ' || parent_id || ' overlap' FROM (
            SELECT parent_id, name, since, lag(until) OVER (PARTITION BY parent_id, name ORDER BY until) AS earlier FROM past_folder
        ) p WHERE earlier > since LIMIT 20";
    LIVE_IN_THE_PAST: "SELECT 'file ' || f.id || ' stood where a past row stands' FROM past_file p JOIN file f ON f.folder_id = p.folder_id AND f.name = p.name
            WHERE f.since < p.until
        UNION ALL SELECT 'folder ' || f.id || ' stood where a past row stands' FROM past_folder p JOIN folder f ON f.parent_id = p.parent_id AND f.name = p.name
            WHERE f.since < p.until LIMIT 20";
    IDS_AHEAD: "SELECT 'file ' || id || ' is ahead of the id counter' FROM file WHERE id > (SELECT value FROM counter WHERE name = 'id')
        UNION ALL SELECT 'folder ' || id || ' is ahead of the id counter' FROM folder WHERE id > (SELECT value FROM counter WHERE name = 'id') LIMIT 20",
        "SELECT 'file ' || id || ' is ahead of the id counter' FROM file WHERE id >= (SELECT last_value + 65536 FROM id_block)
        UNION ALL SELECT 'folder ' || id || ' is ahead of the id counter' FROM folder WHERE id >= (SELECT last_value + 65536 FROM id_block) LIMIT 20";
    COUNTS: "SELECT (SELECT count(*) FROM folder) - 3, (SELECT count(*) FROM file), (SELECT count(*) FROM version), (SELECT count(*) FROM content)";
    CONTENT_PAGE: "SELECT id, blob_id, size FROM content WHERE id > $1 ORDER BY id LIMIT $2";
    BLOB_BLOCKS: "SELECT first_id, last_id FROM blob_block ORDER BY first_id";
    GARBAGE: "SELECT blob_id FROM blob_garbage"
}

/// Rows that break an invariant which the catalog alone can tell, in words; empty when all hold.
pub async fn violations(tx: &mut Tx) -> Result<Vec<String>> {
    let checks = [
        &INTEGRITY,
        &LOST_FOLDERS,
        &FILES_WITHOUT_FOLDER,
        &FILES_IN_ROOTS,
        &FILES_WITHOUT_CONTENT,
        &VERSIONS_WITHOUT_CONTENT,
        &PAST_WITHOUT_CONTENT,
        &VERSIONS_WITHOUT_FILE,
        &TOO_MANY_VERSIONS,
        &VERSION_NUMBERS,
        &NEWEST_NUMBERS,
        &SAME_VERSION_ID,
        &HIDDEN_FOR_NOTHING,
        &DETACHED_FOR_NOTHING,
        &PAIRS_FOR_NOTHING,
        &LOCKS_FOR_NOTHING,
        &BLOCKED_FOR_NOTHING,
        &PAGES_LEFT,
        &JOBS_HALF_DONE,
        &PAST_BEFORE_ITSELF,
        &PAST_FILES_OVERLAP,
        &PAST_FOLDERS_OVERLAP,
        &LIVE_IN_THE_PAST,
        &IDS_AHEAD,
    ];
    let mut found = Vec::new();
    for check in checks {
        let rows: Vec<(String,)> = tx.all(check, args![]).await?;
        found.extend(rows.into_iter().map(|row| row.0));
    }
    Ok(found)
}

/// Folders (roots not counted), files, older versions, contents.
pub async fn counts(tx: &mut Tx) -> Result<(i64, i64, i64, i64)> {
    tx.one(&COUNTS, args![]).await
}

/// Contents after `id` with their blobs and sizes in bytes.
pub async fn content_page(tx: &mut Tx, id: ContentId, rows: i64) -> Result<Vec<(ContentId, BlobId, i64)>> {
    tx.all(&CONTENT_PAGE, args![id, rows]).await
}

/// Blob ids that servers may be writing now.
pub async fn blob_blocks(tx: &mut Tx) -> Result<Vec<(BlobId, BlobId)>> {
    tx.all(&BLOB_BLOCKS, args![]).await
}

/// Blobs whose bytes are about to be removed.
pub async fn garbage(tx: &mut Tx) -> Result<Vec<BlobId>> {
    let rows: Vec<(BlobId,)> = tx.all(&GARBAGE, args![]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
