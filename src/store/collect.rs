//! The statements of the sweep's lease, of emptying the trash, and of finding contents that nothing refers to.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::{BlobId, ContentId, FolderId, TRASH};

/// How long a sweeper or a backup may be silent before another takes over, in milliseconds.
pub const LEASE_MS: i64 = 30_000;

statements! {
    HOLD_LEASE: "UPDATE sweep_lease SET owner = $1, lease_until = CAST(unixepoch('subsec') * 1000 AS BIGINT) + $2
            WHERE id = 1 AND (owner = $1 OR lease_until <= CAST(unixepoch('subsec') * 1000 AS BIGINT))",
        "UPDATE sweep_lease SET owner = $1, lease_until = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + $2
            WHERE id = 1 AND (owner = $1 OR lease_until <= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT))";
    KEEP_LEASE: "UPDATE sweep_lease SET lease_until = CAST(unixepoch('subsec') * 1000 AS BIGINT) + $2 WHERE id = 1 AND owner = $1",
        "UPDATE sweep_lease SET lease_until = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + $2 WHERE id = 1 AND owner = $1";
    RELEASE_LEASE: "UPDATE sweep_lease SET lease_until = 0 WHERE id = 1 AND owner = $1";
    SEARCH: "UPDATE sweep_lease SET searches = $2 WHERE id = 1 AND owner = $1";
    /// The instant of the oldest job that has started; one without an instant may look at anything.
    OLDEST_STARTED: "SELECT min(coalesce(instant, 0)) FROM job WHERE phase NOT IN ('start', 'done')";
    TRASHED: "SELECT id FROM folder WHERE parent_id = $1 AND since < $2 ORDER BY id LIMIT 1";
    /// How far some of the files in a folder reach that are so many rows together with their histories. The first version has none
    /// before it.
    SOME_FILES_IN: "SELECT coalesce(max(id), 0) FROM (
            SELECT id, sum(CASE WHEN coalesce(newest, version) = 1 THEN 1 ELSE 1 + (SELECT count(*) FROM version v WHERE v.file_id = batch.id) END)
                OVER (ORDER BY id) AS so_far
            FROM (SELECT id, version, newest FROM file WHERE folder_id = $1 ORDER BY id LIMIT $2) batch
        ) counted WHERE so_far <= $2";
    FORGET_VERSIONS_IN: "DELETE FROM version WHERE file_id IN (SELECT id FROM file WHERE folder_id = $1 AND id <= $2)";
    FORGET_FILES_IN: "DELETE FROM file WHERE id IN (SELECT id FROM file WHERE folder_id = $1 AND id <= $2)";
    /// What hung below a trashed folder hangs in the trash itself, under its own number.
    FLATTEN: "UPDATE folder SET parent_id = $2, name = CAST(id AS TEXT) WHERE id IN (SELECT id FROM folder WHERE parent_id = $1 ORDER BY id LIMIT $3)";
    FORGET_FOLDER: "DELETE FROM folder WHERE id = $1";
    CONTENTS: "SELECT id FROM content WHERE id > $1 ORDER BY id LIMIT $2";
    OF_FILES: "SELECT id, content_id FROM file WHERE id > $1 ORDER BY id LIMIT $2";
    OF_VERSIONS: "SELECT file_id, version, content_id FROM version WHERE (file_id, version) > ($1, $2) ORDER BY file_id, version LIMIT $3";
    OF_PAST_FILES: "SELECT until, folder_id, name, content_id FROM past_file WHERE (until, folder_id, name) > ($1, $2, $3)
            ORDER BY until, folder_id, name LIMIT $4";
    OF_PAST_VERSIONS: "SELECT file_id, version, until, content_id FROM past_version WHERE (file_id, version, until) > ($1, $2, $3)
            ORDER BY file_id, version, until LIMIT $4";
    /// The blob of a content that is about to go, unless another content shows it too.
    NOTE_GARBAGE: "INSERT INTO blob_garbage (blob_id) SELECT blob_id FROM content WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM content o WHERE o.blob_id = content.blob_id AND o.id <> content.id) ON CONFLICT (blob_id) DO NOTHING";
    FORGET_CONTENT: "DELETE FROM content WHERE id = $1";
    GARBAGE: "SELECT blob_id FROM blob_garbage ORDER BY blob_id LIMIT $1";
    FORGET_GARBAGE: "DELETE FROM blob_garbage WHERE blob_id = $1"
}

/// Takes or renews the sweep's lease within the caller's transaction; false when another holds it.
pub async fn hold_lease(tx: &mut Tx, owner: &str) -> Result<bool> {
    Ok(tx.run(&HOLD_LEASE, args![owner, LEASE_MS]).await? == 1)
}

/// Goes on with the lease; false when another has held it since, even if it has given it up again.
pub async fn keep_lease(tx: &mut Tx, owner: &str) -> Result<bool> {
    Ok(tx.run(&KEEP_LEASE, args![owner, LEASE_MS]).await? == 1)
}

/// Notes whether the holder of the lease searches for unused contents: meanwhile every row whose content goes elsewhere goes
/// to the journal. It begins with the tree held alone, so that whoever changes the tree has seen the note.
pub async fn note_search(tx: &mut Tx, owner: &str, searches: bool) -> Result<()> {
    tx.run(&SEARCH, args![owner, i64::from(searches)]).await?;
    Ok(())
}

/// The statements that take, go on with and give up the lease, for a connection outside of a [`super::Db`].
pub(super) const LEASE: [super::Sql; 3] = [HOLD_LEASE, KEEP_LEASE, RELEASE_LEASE];

/// Gives the lease up, so that the next one need not wait.
pub async fn release_lease(tx: &mut Tx, owner: &str) -> Result<()> {
    tx.run(&RELEASE_LEASE, args![owner]).await?;
    Ok(())
}

/// Everything that hangs in the trash since a change before this one is out of every running job's sight. `None` when
/// no job has started.
pub async fn oldest_started(tx: &mut Tx) -> Result<Option<i64>> {
    Ok(tx.one::<(Option<i64>,)>(&OLDEST_STARTED, args![]).await?.0)
}

/// A folder in the trash that got there before change `before`.
pub async fn trashed(tx: &mut Tx, before: i64) -> Result<Option<FolderId>> {
    Ok(tx.maybe::<(FolderId,)>(&TRASHED, args![TRASH, before]).await?.map(|row| row.0))
}

/// Removes some of what is in a trashed folder, at last the folder itself; how many rows, at most `rows`, which are no fewer than
/// the versions of one file.
pub async fn empty_some(tx: &mut Tx, folder: FolderId, rows: i64) -> Result<u64> {
    let (last,): (i64,) = tx.one(&SOME_FILES_IN, args![folder, rows]).await?;
    if last > 0 {
        let versions = tx.run(&FORGET_VERSIONS_IN, args![folder, last]).await?;
        return Ok(versions + tx.run(&FORGET_FILES_IN, args![folder, last]).await?);
    }
    let folders = tx.run(&FLATTEN, args![folder, TRASH, rows]).await?;
    if folders > 0 {
        return Ok(folders);
    }
    tx.run(&FORGET_FOLDER, args![folder]).await
}

/// Ids of contents after `after`.
pub async fn contents(tx: &mut Tx, after: ContentId, rows: i64) -> Result<Vec<ContentId>> {
    let found: Vec<(ContentId,)> = tx.all(&CONTENTS, args![after, rows]).await?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// How far a walk over all references has come; each table is read in the order of its key.
#[derive(Clone, Debug)]
pub enum Reference {
    File(i64),
    Version(i64, i64),
    PastFile(i64, i64, String),
    PastVersion(i64, i64, i64),
}

impl Reference {
    /// Where the walk begins. Live rows come before past ones: a row that is taken away before its table is read stands
    /// in the journal by then.
    pub const FIRST: Reference = Reference::File(0);
}

/// The next page of references: contents that are referred to, and where the walk goes on; `None` after the last.
pub async fn references(tx: &mut Tx, from: Reference, rows: i64) -> Result<(Vec<ContentId>, Option<Reference>)> {
    let (contents, last, after): (Vec<ContentId>, _, _) = match from {
        Reference::File(id) => {
            let page: Vec<(i64, ContentId)> = tx.all(&OF_FILES, args![id, rows]).await?;
            let last = page.last().map(|row| Reference::File(row.0));
            (page.into_iter().map(|row| row.1).collect(), last, Some(Reference::Version(0, 0)))
        }
        Reference::Version(file, version) => {
            let page: Vec<(i64, i64, ContentId)> = tx.all(&OF_VERSIONS, args![file, version, rows]).await?;
            let last = page.last().map(|row| Reference::Version(row.0, row.1));
            (page.into_iter().map(|row| row.2).collect(), last, Some(Reference::PastFile(0, 0, String::new())))
        }
        Reference::PastFile(until, folder, name) => {
            let page: Vec<(i64, i64, String, ContentId)> =
                tx.all(&OF_PAST_FILES, args![until, folder, name, rows]).await?;
            let last = page.last().map(|row| Reference::PastFile(row.0, row.1, row.2.clone()));
            (page.into_iter().map(|row| row.3).collect(), last, Some(Reference::PastVersion(0, 0, 0)))
        }
        Reference::PastVersion(file, version, until) => {
            let page: Vec<(i64, i64, i64, ContentId)> =
                tx.all(&OF_PAST_VERSIONS, args![file, version, until, rows]).await?;
            let last = page.last().map(|row| Reference::PastVersion(row.0, row.1, row.2));
            (page.into_iter().map(|row| row.3).collect(), last, None)
        }
    };
    Ok((contents, last.or(after)))
}

/// Removes a content that nothing refers to, and notes its blob if that was the last content to show it.
pub async fn forget_content(tx: &mut Tx, id: ContentId) -> Result<()> {
    tx.run(&NOTE_GARBAGE, args![id]).await?;
    tx.run(&FORGET_CONTENT, args![id]).await?;
    Ok(())
}

/// Blobs whose bytes are to be removed.
pub async fn garbage(tx: &mut Tx, rows: i64) -> Result<Vec<BlobId>> {
    let found: Vec<(BlobId,)> = tx.all(&GARBAGE, args![rows]).await?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// Forgets a blob whose bytes are gone.
pub async fn forget_garbage(tx: &mut Tx, blob: BlobId) -> Result<()> {
    tx.run(&FORGET_GARBAGE, args![blob]).await?;
    Ok(())
}
