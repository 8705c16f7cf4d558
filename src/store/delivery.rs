//! What delivery reads: the bytes behind a path, in one statement, because it is asked more often than anything else.

use sqlx::FromRow;

use super::row::{FromSqlite, columns};
use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{BlobId, FolderId, VersionId};
use crate::model::path::FolderPath;
use crate::model::time::Millis;

statements! {
    /// Goes down from the library's root (1) along the names in `$1`, each of which ends in a slash, and takes the file
    /// `$2` there. Two texts, because the databases have different names for the position of a text in another and for
    /// the greater of two numbers. On SQLite the order of the joins is given: each step is one look into an index.
    AT_PATH: "WITH RECURSIVE walk (id, rest, modified) AS (
            SELECT CAST(1 AS BIGINT), $1, CAST(0 AS BIGINT)
            UNION ALL
            SELECT f.id, substr(w.rest, instr(w.rest, '/') + 1), max(w.modified, f.updated)
            FROM walk w CROSS JOIN folder f ON f.parent_id = w.id AND f.name = substr(w.rest, 1, instr(w.rest, '/') - 1)
            WHERE w.rest <> ''
        )
        SELECT f.flags, max(w.modified, f.updated) AS modified, c.blob_id, c.size, c.digest, c.mime
        FROM walk w CROSS JOIN file f ON f.folder_id = w.id AND f.name = $2 CROSS JOIN content c ON c.id = f.content_id
        WHERE w.rest = ''",
        "WITH RECURSIVE walk (id, rest, modified) AS (
            SELECT CAST(1 AS BIGINT), CAST($1 AS TEXT), CAST(0 AS BIGINT)
            UNION ALL
            SELECT f.id, substr(w.rest, strpos(w.rest, '/') + 1), greatest(w.modified, f.updated)
            FROM walk w JOIN folder f ON f.parent_id = w.id AND f.name = substr(w.rest, 1, strpos(w.rest, '/') - 1)
            WHERE w.rest <> ''
        )
        SELECT f.flags, greatest(w.modified, f.updated) AS modified, c.blob_id, c.size, c.digest, c.mime
        FROM walk w JOIN file f ON f.folder_id = w.id AND f.name = $2 JOIN content c ON c.id = f.content_id
        WHERE w.rest = ''";
    VERSIONS: "SELECT f.version_id, f.flags, f.updated AS modified, c.blob_id, c.size, c.digest, c.mime
        FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND f.name = $2
        UNION ALL SELECT v.id, v.flags, v.updated, c.blob_id, c.size, c.digest, c.mime
        FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id WHERE f.folder_id = $1 AND f.name = $2"
}

columns! {
    /// What delivery needs of a version of a file.
    #[derive(Clone, Debug)]
    pub struct Deliverable {
        /// As in the row of the file or version.
        pub flags: i64,
        /// When its path came to mean what it means: the file or a folder above it may have been put there since the file's
        /// last change. Of older versions: their own time.
        pub modified: Millis,
        pub blob_id: BlobId,
        /// Bytes.
        pub size: i64,
        /// BLAKE3, 64 hex digits.
        pub digest: String,
        pub mime: String,
    }
}

/// The bytes behind a path. A single read: a glance will do.
pub async fn at_path(tx: &mut Tx, folder: &FolderPath, name: &str) -> Result<Option<Deliverable>> {
    let folders: String = folder.segments().iter().flat_map(|segment| [segment, "/"]).collect();
    tx.maybe(&AT_PATH, args![folders, name]).await
}

/// The bytes behind every version of a name, at most a hundred.
pub async fn versions(tx: &mut Tx, folder: FolderId, name: &str) -> Result<Vec<(VersionId, Deliverable)>> {
    let rows: Vec<VersionRow> = tx.all(&VERSIONS, args![folder, name]).await?;
    Ok(rows.into_iter().map(|row| (row.version_id, row.version)).collect())
}

#[derive(FromRow)]
struct VersionRow {
    version_id: VersionId,
    #[sqlx(flatten)]
    version: Deliverable,
}

impl FromSqlite for VersionRow {
    fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<VersionRow> {
        Ok(VersionRow { version_id: row.get("version_id")?, version: Deliverable::from_sqlite(row)? })
    }
}
