//! Settings of the library, purges, and the blocks of blob ids that servers have taken.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::BlobId;
use crate::model::time::Millis;

statements! {
    GET: "SELECT value FROM setting WHERE name = $1";
    INSERT: "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    TAKE_BLOB_BLOCK: "INSERT INTO blob_block (first_id, last_id, owner) VALUES ($1, $2, $3)";
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
