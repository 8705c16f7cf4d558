//! File, version and content rows.

use sqlx::FromRow;

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{BlobId, ContentId, FileId, FolderId, VersionId};
use crate::model::time::Millis;

/// In `flags`: delivered only with a signature.
pub const PRIVATE: i64 = 1;
/// In `flags`: not delivered at all.
pub const UNPUBLISHED: i64 = 2;

statements! {
    AT: "SELECT id, folder_id, name, version_id, version, content_id, flags, created, updated, since FROM file WHERE folder_id = $1 AND name = $2",
        "SELECT id, folder_id, name, version_id, version, content_id, flags, created, updated, since FROM file WHERE folder_id = $1 AND name = $2 FOR UPDATE";
    BY_ID: "SELECT id, folder_id, name, version_id, version, content_id, flags, created, updated, since FROM file WHERE id = $1",
        "SELECT id, folder_id, name, version_id, version, content_id, flags, created, updated, since FROM file WHERE id = $1 FOR UPDATE";
    INSERT_IF_FREE: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        VALUES ($1, $2, $3, $3, 1, $4, $5, $6, $6, $6, $7) ON CONFLICT (folder_id, name) DO NOTHING";
    KEEP: "INSERT INTO past_file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, until)
        SELECT folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, CAST($2 AS BIGINT)
        FROM file WHERE id = $1 AND since < $2";
    SUPERSEDE: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT id, version, version_id, content_id, flags, uploaded, updated, CAST($2 AS BIGINT) FROM file WHERE id = $1";
    SHOW: "UPDATE file SET version_id = $2, version = $3, content_id = $4, flags = $5, uploaded = $6, updated = $6, since = $7 WHERE id = $1";
    STAMP: "UPDATE file SET since = $2 WHERE id = $1";
    SUPERSEDED_COUNT: "SELECT count(*) FROM version WHERE file_id = $1";
    REMOVE: "DELETE FROM file WHERE id = $1";
    INSERT_CONTENT: "INSERT INTO content (id, blob_id, size, digest, mime, is_image, width, height, has_alpha, tags, created)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    DELIVERABLE: "SELECT f.flags, f.updated, c.blob_id, c.size, c.digest, c.mime FROM file f JOIN content c ON c.id = f.content_id
        WHERE f.folder_id = $1 AND f.name = $2";
    DELIVERABLE_VERSIONS: "SELECT f.version_id, f.flags, f.updated, c.blob_id, c.size, c.digest, c.mime
        FROM file f JOIN content c ON c.id = f.content_id WHERE f.folder_id = $1 AND f.name = $2
        UNION ALL SELECT v.id, v.flags, v.updated, c.blob_id, c.size, c.digest, c.mime
        FROM file f JOIN version v ON v.file_id = f.id JOIN content c ON c.id = v.content_id WHERE f.folder_id = $1 AND f.name = $2"
}

/// A live file.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct File {
    pub id: FileId,
    pub folder_id: FolderId,
    pub name: String,
    pub version_id: VersionId,
    pub version: i64,
    pub content_id: ContentId,
    pub flags: i64,
    pub created: Millis,
    pub updated: Millis,
    pub since: i64,
}

/// What the bytes of a version are; written once.
#[derive(Clone, Debug)]
pub struct Content {
    pub id: ContentId,
    pub blob_id: BlobId,
    /// Bytes.
    pub size: i64,
    /// BLAKE3, 64 hex digits.
    pub digest: String,
    pub mime: String,
    pub is_image: bool,
    /// Pixels as stored.
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub has_alpha: Option<bool>,
    /// JSON array of strings.
    pub tags: Option<String>,
}

/// What delivery needs of a file's current version.
#[derive(Clone, Debug, FromRow)]
pub struct Deliverable {
    pub flags: i64,
    pub updated: Millis,
    pub blob_id: BlobId,
    pub size: i64,
    pub digest: String,
    pub mime: String,
}

/// The file of that name, locked until the transaction ends.
pub async fn at(tx: &mut Tx, folder: FolderId, name: &str) -> Result<Option<File>> {
    tx.maybe(&AT, args![folder, name]).await
}

/// A live file by id, wherever it hangs, locked until the transaction ends.
pub async fn by_id(tx: &mut Tx, id: FileId) -> Result<Option<File>> {
    tx.maybe(&BY_ID, args![id]).await
}

/// Makes a file with its first version unless the name is taken; says whether it did.
#[expect(clippy::too_many_arguments, reason = "they are the columns of the row")]
pub async fn insert_if_free(
    tx: &mut Tx,
    id: FileId,
    folder: FolderId,
    name: &str,
    content: ContentId,
    flags: i64,
    now: Millis,
    change: i64,
) -> Result<bool> {
    Ok(tx.run(&INSERT_IF_FREE, args![folder, name, id, content, flags, now, change]).await? == 1)
}

/// Gives a file that this transaction has made another change number.
pub async fn stamp(tx: &mut Tx, id: FileId, change: i64) -> Result<()> {
    tx.run(&STAMP, args![id, change]).await?;
    Ok(())
}

/// Puts a new current version on top of a file's history; the old row goes to the journal.
pub async fn append(
    tx: &mut Tx,
    file: &File,
    version: VersionId,
    content: ContentId,
    flags: i64,
    now: Millis,
    change: i64,
) -> Result<()> {
    tx.run(&KEEP, args![file.id, change]).await?;
    tx.run(&SUPERSEDE, args![file.id, change]).await?;
    tx.run(&SHOW, args![file.id, version, file.version + 1, content, flags, now, change]).await?;
    Ok(())
}

/// How many versions a file has, with the current one.
pub async fn version_count(tx: &mut Tx, file: FileId) -> Result<i64> {
    Ok(tx.one::<(i64,)>(&SUPERSEDED_COUNT, args![file]).await?.0 + 1)
}

/// Takes a file out of the tree. Its history stays as long as the journal remembers the file.
pub async fn remove(tx: &mut Tx, id: FileId, change: i64) -> Result<()> {
    tx.run(&KEEP, args![id, change]).await?;
    tx.run(&REMOVE, args![id]).await?;
    Ok(())
}

/// Writes a content row; its blob must be durable already.
pub async fn insert_content(tx: &mut Tx, content: &Content, now: Millis) -> Result<()> {
    let c = content.clone();
    tx.run(
        &INSERT_CONTENT,
        args![c.id, c.blob_id, c.size, c.digest, c.mime, c.is_image, c.width, c.height, c.has_alpha, c.tags, now],
    )
    .await?;
    Ok(())
}

/// The bytes behind a name.
pub async fn deliverable(tx: &mut Tx, folder: FolderId, name: &str) -> Result<Option<Deliverable>> {
    tx.maybe(&DELIVERABLE, args![folder, name]).await
}

/// The bytes behind every version of a name.
pub async fn deliverable_versions(tx: &mut Tx, folder: FolderId, name: &str) -> Result<Vec<(VersionId, Deliverable)>> {
    let rows: Vec<VersionRow> = tx.all(&DELIVERABLE_VERSIONS, args![folder, name]).await?;
    Ok(rows.into_iter().map(|row| (row.version_id, row.version)).collect())
}

#[derive(FromRow)]
struct VersionRow {
    version_id: VersionId,
    #[sqlx(flatten)]
    version: Deliverable,
}
