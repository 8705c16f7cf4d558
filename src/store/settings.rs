//! Settings of the library, purges, and the blocks of blob ids that servers have taken.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::BlobId;
use crate::model::time::Millis;

macro_rules! sqlite_now {
    () => {
        "CAST(unixepoch('subsec') * 1000 AS BIGINT)"
    };
}
macro_rules! postgres_now {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}
macro_rules! take_blob_block {
    ($now:expr) => {
        concat!("INSERT INTO blob_block (first_id, last_id, owner, seen) VALUES ($1, $2, $3, ", $now, ")")
    };
}
macro_rules! renew_blob_blocks {
    ($now:expr) => {
        concat!("UPDATE blob_block SET seen = ", $now, " WHERE owner = $1 AND seen <= ", $now, " - $2")
    };
}
macro_rules! lost_blob_blocks {
    ($now:expr) => {
        concat!(
            "SELECT first_id, last_id FROM blob_block WHERE owner <> $1 AND seen <= ",
            $now,
            " - $2 ORDER BY first_id LIMIT $3"
        )
    };
}
macro_rules! take_lost_blob_block {
    ($now:expr) => {
        concat!("DELETE FROM blob_block WHERE first_id = $1 AND seen <= ", $now, " - $2")
    };
}

statements! {
    GET: "SELECT value FROM setting WHERE name = $1";
    INSERT: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    TAKE_BLOB_BLOCK: take_blob_block!(sqlite_now!()), take_blob_block!(postgres_now!());
    RENEW_BLOB_BLOCKS: renew_blob_blocks!(sqlite_now!()), renew_blob_blocks!(postgres_now!());
    LOST_BLOB_BLOCKS: lost_blob_blocks!(sqlite_now!()), lost_blob_blocks!(postgres_now!());
    TAKE_LOST_BLOB_BLOCK: take_lost_blob_block!(sqlite_now!()), take_lost_blob_block!(postgres_now!());
    NOTE_UNUSED_BLOBS: "WITH RECURSIVE ids (id) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT id + 1 FROM ids WHERE id < $2)
        INSERT INTO blob_garbage (blob_id) SELECT id FROM ids WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.blob_id = ids.id)
        ON CONFLICT (blob_id) DO NOTHING";
    BLOCK_OF_BLOB: "SELECT last_id FROM blob_block WHERE first_id <= $1 ORDER BY first_id DESC LIMIT 1";
    BLOB_BLOCKS_OF: "SELECT first_id, last_id FROM blob_block WHERE owner = $1 ORDER BY first_id";
    BLOBS_BETWEEN: "SELECT blob_id FROM content WHERE blob_id BETWEEN $1 AND $2";
    INSERT_PURGE: "INSERT INTO purge_request (id, url, created) VALUES ($1, $2, $3)";
    PURGE: "SELECT id FROM purge_request WHERE id = $1";
    SETTLE_BLOB_BLOCK: "DELETE FROM blob_block WHERE first_id = $1"
}

/// A setting's value.
pub async fn get(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    Ok(tx.maybe::<(String,)>(&GET, args![name]).await?.map(|row| row.0))
}

/// Writes a setting unless it is there; the value that stands then.
pub async fn get_or_insert(tx: &mut Tx, name: &str, value: &str) -> Result<String> {
    tx.run(&INSERT, args![name, value]).await?;
    Ok(tx.one::<(String,)>(&GET, args![name]).await?.0)
}

/// Records a purge of cached copies.
pub async fn insert_purge(tx: &mut Tx, id: i64, url: &str, now: Millis) -> Result<()> {
    tx.run(&INSERT_PURGE, args![id, url, now]).await?;
    Ok(())
}

/// Whether a purge has this number.
pub async fn purge_exists(tx: &mut Tx, id: i64) -> Result<bool> {
    Ok(tx.maybe::<(i64,)>(&PURGE, args![id]).await?.is_some())
}

/// Notes that `owner` may write blobs with the ids `first` to `last`.
pub async fn take_blob_block(tx: &mut Tx, first: BlobId, last: BlobId, owner: &str) -> Result<()> {
    tx.run(&TAKE_BLOB_BLOCK, args![first, last, owner]).await?;
    Ok(())
}

/// The blocks that `owner` has taken and not settled.
pub async fn blob_blocks_of(tx: &mut Tx, owner: &str) -> Result<Vec<(BlobId, BlobId)>> {
    tx.all(&BLOB_BLOCKS_OF, args![owner]).await
}

/// The blobs of a block that content rows refer to.
pub async fn blobs_between(tx: &mut Tx, first: BlobId, last: BlobId) -> Result<Vec<BlobId>> {
    let rows: Vec<(BlobId,)> = tx.all(&BLOBS_BETWEEN, args![first, last]).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Forgets a block: every id in it has a row or no bytes.
pub async fn settle_blob_block(tx: &mut Tx, first: BlobId) -> Result<()> {
    tx.run(&SETTLE_BLOB_BLOCK, args![first]).await?;
    Ok(())
}

/// Says that `owner` lives, for blocks for which that was said `every_ms` ago or earlier.
pub async fn renew_blob_blocks(tx: &mut Tx, owner: &str, every_ms: i64) -> Result<()> {
    tx.run(&RENEW_BLOB_BLOCKS, args![owner, every_ms]).await?;
    Ok(())
}

/// Blocks of servers other than `owner` that have been silent for `silent_ms`.
pub async fn lost_blob_blocks(tx: &mut Tx, owner: &str, silent_ms: i64, rows: i64) -> Result<Vec<(BlobId, BlobId)>> {
    tx.all(&LOST_BLOB_BLOCKS, args![owner, silent_ms, rows]).await
}

/// Takes a block away from a server that has been silent for `silent_ms`, and notes what may have bytes and has no row
/// as garbage; false when the server has said something since. Must be alone among writers of the tree.
pub async fn take_lost_blob_block(tx: &mut Tx, first: BlobId, last: BlobId, silent_ms: i64) -> Result<bool> {
    if tx.run(&TAKE_LOST_BLOB_BLOCK, args![first, silent_ms]).await? == 0 {
        return Ok(false);
    }
    tx.run(&NOTE_UNUSED_BLOBS, args![first, last]).await?;
    Ok(true)
}

/// Whether the blob lies in a block that has not been taken from its server. Holds for as long as this transaction
/// writes the tree.
pub async fn is_in_block(tx: &mut Tx, blob: BlobId) -> Result<bool> {
    let last = tx.maybe::<(BlobId,)>(&BLOCK_OF_BLOB, args![blob]).await?;
    Ok(last.is_some_and(|(last,)| blob.0 <= last.0))
}
