//! File, version and content rows.

use super::row::columns;
use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{BlobId, ContentId, FileId, FolderId, VersionId};
use crate::model::time::Millis;

/// In `flags`: delivered only with a signature.
pub const PRIVATE: i64 = 1;
/// In `flags`: not delivered at all.
pub const UNPUBLISHED: i64 = 2;
/// In `flags` from here up: how often it was published or withdrawn.
const PUBLICATION: i64 = 256;

/// The flags of what is published or withdrawn.
pub fn published(flags: i64, is_published: bool) -> i64 {
    let was_published = flags & UNPUBLISHED == 0;
    if was_published == is_published { flags } else { (flags ^ UNPUBLISHED) + PUBLICATION }
}

statements! {
    AT: "SELECT id, folder_id, name, version_id, version, coalesce(newest, version) AS newest, content_id, flags, created, updated, since FROM file WHERE folder_id = $1 AND name = $2",
        "SELECT id, folder_id, name, version_id, version, coalesce(newest, version) AS newest, content_id, flags, created, updated, since FROM file WHERE folder_id = $1 AND name = $2 FOR UPDATE";
    BY_ID: "SELECT id, folder_id, name, version_id, version, coalesce(newest, version) AS newest, content_id, flags, created, updated, since FROM file WHERE id = $1",
        "SELECT id, folder_id, name, version_id, version, coalesce(newest, version) AS newest, content_id, flags, created, updated, since FROM file WHERE id = $1 FOR UPDATE";
    INSERT_IF_FREE: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        VALUES ($1, $2, $3, $3, 1, $4, $5, $6, $6, $6, $7) ON CONFLICT (folder_id, name) DO NOTHING";
    KEEP: "INSERT INTO past_file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest, until)
        SELECT folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since, newest, CAST($2 AS BIGINT)
        FROM file WHERE id = $1 AND since < $2";
    SUPERSEDE: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT id, version, version_id, content_id, flags, uploaded, updated, CAST($2 AS BIGINT) FROM file WHERE id = $1";
    SHOW: "UPDATE file SET version_id = $2, version = $3, content_id = $4, flags = $5, uploaded = $6, updated = $6, since = $7, newest = NULL WHERE id = $1";
    STAMP: "UPDATE file SET since = $2 WHERE id = $1";
    SUPERSEDED_COUNT: "SELECT count(*) FROM version WHERE file_id = $1";
    REMOVE: "DELETE FROM file WHERE id = $1";
    /// Another place and name; the caller knows that they are free.
    PLACE: "UPDATE file SET folder_id = $2, name = $3, updated = $4, since = $5 WHERE id = $1";
    /// Another description of the same bytes.
    DESCRIBE: "UPDATE file SET content_id = $2, flags = $3, updated = $4, since = $5 WHERE id = $1";
    /// A copy of a file's current version, as the first version of a new file or the one after its history.
    CLONE: "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
        SELECT $3, $4, $2, $5, $6, content_id, flags, $7, $7, $7, $8 FROM file WHERE id = $1";
    /// And of its history, numbered from 1; the first has the id of the file, the others ids from `$3` on.
    CLONE_HISTORY: "INSERT INTO version (file_id, version, id, content_id, flags, created, updated, since)
        SELECT $2, number, CASE WHEN number = 1 THEN $2 ELSE $3 + number - 1 END, content_id, flags, $4 - 100 + number, $4 - 100 + number, $5 FROM (
            SELECT row_number() OVER (ORDER BY version) AS number, content_id, flags FROM version WHERE file_id = $1
        ) numbered";
    VERSION: "SELECT version, id, content_id, flags, created, updated FROM version WHERE file_id = $1 AND id = $2";
    KEEP_VERSION: "INSERT INTO past_version (file_id, version, id, content_id, flags, created, updated, since, until)
        SELECT file_id, version, id, content_id, flags, created, updated, since, CAST($3 AS BIGINT) FROM version
        WHERE file_id = $1 AND version = $2 AND since < $3";
    REMOVE_VERSION: "DELETE FROM version WHERE file_id = $1 AND version = $2";
    /// An older version becomes the current one, under its own number.
    SHOW_AGAIN: "UPDATE file SET version_id = $2, version = $3, content_id = $4, flags = $5, uploaded = $6, updated = $7, since = $8, newest = $9 WHERE id = $1";
    KEEP_HISTORY: "INSERT INTO past_version (file_id, version, id, content_id, flags, created, updated, since, until)
        SELECT file_id, version, id, content_id, flags, created, updated, since, CAST($2 AS BIGINT) FROM version WHERE file_id = $1 AND since < $2";
    /// Every older version published ($2 = 0) or withdrawn ($2 = 2).
    /// As [`published`] does it.
    PUBLISH_HISTORY: "UPDATE version SET flags = flags + CASE WHEN (flags & 2) = $2 THEN 0 ELSE 256 + $2 - (flags & 2) END, since = $3 WHERE file_id = $1";
    CONTENT: "SELECT id, blob_id, size, digest, mime, is_image, width, height, has_alpha, tags, ai_tags, custom_coordinates, embedded_metadata,
            playback, custom_metadata, description FROM content WHERE id = $1";
    BLOB: "SELECT c.blob_id FROM file f JOIN content c ON c.id = f.content_id WHERE f.id = $1";
    INSERT_CONTENT: "INSERT INTO content (id, blob_id, size, digest, mime, is_image, width, height, has_alpha, tags, ai_tags, custom_coordinates,
            embedded_metadata, playback, custom_metadata, description, created)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
}

columns! {
    /// A live file.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct File {
        pub id: FileId,
        pub folder_id: FolderId,
        pub name: String,
        pub version_id: VersionId,
        pub version: i64,
        /// The greatest number that a version of it has had.
        pub newest: i64,
        pub content_id: ContentId,
        pub flags: i64,
        pub created: Millis,
        pub updated: Millis,
        pub since: i64,
    }
}

columns! {
    /// A superseded version.
    #[derive(Clone, Debug)]
    pub struct Superseded {
        pub version: i64,
        pub id: VersionId,
        pub content_id: ContentId,
        pub flags: i64,
        pub created: Millis,
        pub updated: Millis,
    }
}

columns! {
    /// What the bytes of a version are and what has been said about them; written once.
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
        /// JSON array of objects with name, confidence and source.
        pub ai_tags: Option<String>,
        /// `x,y,width,height` in pixels.
        pub custom_coordinates: Option<String>,
        /// JSON object.
        pub embedded_metadata: Option<String>,
        /// JSON object, of what plays.
        pub playback: Option<String>,
        /// JSON object.
        pub custom_metadata: Option<String>,
        pub description: Option<String>,
    }
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
    tx.run(&SHOW, args![file.id, version, file.newest + 1, content, flags, now, change]).await?;
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
    let values = args![
        c.id,
        c.blob_id,
        c.size,
        c.digest,
        c.mime,
        c.is_image,
        c.width,
        c.height,
        c.has_alpha,
        c.tags,
        c.ai_tags,
        c.custom_coordinates,
        c.embedded_metadata,
        c.playback,
        c.custom_metadata,
        c.description,
        now
    ];
    tx.run(&INSERT_CONTENT, values).await?;
    Ok(())
}

/// A content row. Every file and version has one.
pub async fn content(tx: &mut Tx, id: ContentId) -> Result<Content> {
    tx.one(&CONTENT, args![id]).await
}

/// Where the bytes of a file's current version are.
pub async fn blob(tx: &mut Tx, id: FileId) -> Result<Option<BlobId>> {
    let row: Option<(BlobId,)> = tx.maybe(&BLOB, args![id]).await?;
    Ok(row.map(|(blob,)| blob))
}

/// Gives a file another description of its bytes, or other flags; the old row goes to the journal.
pub async fn describe(
    tx: &mut Tx,
    file: &File,
    content: ContentId,
    flags: i64,
    now: Millis,
    change: i64,
) -> Result<()> {
    tx.run(&KEEP, args![file.id, change]).await?;
    tx.run(&DESCRIBE, args![file.id, content, flags, now, change]).await?;
    Ok(())
}

/// Publishes or withdraws every superseded version of a file.
pub async fn publish_history(tx: &mut Tx, file: FileId, published: bool, change: i64) -> Result<()> {
    let flag = if published { 0 } else { UNPUBLISHED };
    tx.run(&KEEP_HISTORY, args![file, change]).await?;
    tx.run(&PUBLISH_HISTORY, args![file, flag, change]).await?;
    Ok(())
}

/// Puts a file at a place that is free; the old row goes to the journal.
pub async fn place(tx: &mut Tx, file: FileId, folder: FolderId, name: &str, now: Millis, change: i64) -> Result<()> {
    tx.run(&KEEP, args![file, change]).await?;
    tx.run(&PLACE, args![file, folder, name, now, change]).await?;
    Ok(())
}

/// What a clone of a file is to be: a new file with ids from `id` on.
#[derive(Clone, Copy, Debug)]
pub struct CloneOf<'a> {
    pub source: FileId,
    pub id: FileId,
    pub folder: FolderId,
    pub name: &'a str,
    /// Older versions that are copied too; each takes one more id.
    pub older: i64,
    pub now: Millis,
    pub change: i64,
}

/// Writes a second set of rows for a file. Versions are numbered from 1; their times are a millisecond apart.
pub async fn clone(tx: &mut Tx, c: &CloneOf<'_>) -> Result<()> {
    let version_id = c.id.0 + c.older;
    tx.run(&CLONE, args![c.source, c.id, c.folder, c.name, version_id, c.older + 1, c.now, c.change]).await?;
    if c.older > 0 {
        tx.run(&CLONE_HISTORY, args![c.source, c.id, c.id, c.now, c.change]).await?;
    }
    Ok(())
}

/// A superseded version of a file.
pub async fn version(tx: &mut Tx, file: FileId, id: VersionId) -> Result<Option<Superseded>> {
    tx.maybe(&VERSION, args![file, id]).await
}

/// Takes a superseded version out of a file's history.
pub async fn remove_version(tx: &mut Tx, file: FileId, number: i64, change: i64) -> Result<()> {
    tx.run(&KEEP_VERSION, args![file, number, change]).await?;
    tx.run(&REMOVE_VERSION, args![file, number]).await?;
    Ok(())
}

/// Makes a superseded version the current one, under its own number and id; the former current one takes its place in
/// the history.
pub async fn restore(tx: &mut Tx, file: &File, chosen: &Superseded, now: Millis, change: i64) -> Result<()> {
    tx.run(&KEEP, args![file.id, change]).await?;
    tx.run(&SUPERSEDE, args![file.id, change]).await?;
    remove_version(tx, file.id, chosen.version, change).await?;
    let newest = (file.newest > chosen.version).then_some(file.newest);
    let c = chosen;
    let values = args![file.id, c.id, c.version, c.content_id, c.flags, c.created, now, change, newest];
    tx.run(&SHOW_AGAIN, values).await?;
    Ok(())
}
