//! Which blobs an upload may write.
//!
//! Bytes are written before the row that refers to them, so a crash in between leaves bytes that nothing
//! knows. Therefore a server notes durably, before the first byte, that it may write the blobs of a block
//! of ids; one note serves many uploads. After a crash it looks at the blocks it had taken and removes
//! what has no row.
//!
//! Bytes may also be left without a crash: by a commit whose answer is lost, which may have failed, and where an upload has
//! failed, or was given up because its client had left, and what it has written could not be removed. The server remembers
//! the blobs of uploads that have ended without settling theirs, and looks for them in its next round of the sweep
//! (`jobs/sweep.rs`).
//!
//! A server that never comes back leaves its blocks behind. A living one says every hour that it lives; from one that
//! has been silent for a day, the sweep of another takes them ([`SILENT_MS`]). Should it wake after all, the transaction
//! of its next upload finds that the block is gone, and the upload fails before anything refers to its bytes.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use roaring::RoaringTreemap;

use crate::blobs::Blobs;
use crate::error::Result;
use crate::model::ids::BlobId;
use crate::store::{Db, Reach, settings};

/// Ids in a block: one more commit per so many uploads, and at most so many looks after a crash.
const BLOCK_IDS: i64 = 256;
/// One round of the sweep looks at blobs in doubt in at most so many transactions; the rest waits for the next.
const DOUBTFUL_LOOKS: usize = 50;
/// How often a server says that it lives, in milliseconds.
pub const SAY_EVERY_MS: i64 = 60 * 60 * 1000;
/// A server that has said nothing for this long, in milliseconds of the database's clock, has lost its blocks.
pub const SILENT_MS: i64 = 24 * 60 * 60 * 1000;

/// Hands out blob ids of noted blocks.
pub struct BlobIds {
    owner: String,
    block: tokio::sync::Mutex<Block>,
    known: Mutex<Known>,
}

/// What is left of the block that ids are handed out from.
#[derive(Default)]
struct Block {
    next: i64,
    end: i64,
}

/// What is known of the ids in this server's blocks. Sets, so that it does no harm to settle an id twice. They take two bytes
/// for each id at most, so that uploads may fail all day.
#[derive(Default)]
struct Known {
    /// The first ids of the blocks.
    blocks: BTreeSet<i64>,
    /// Ids that are not settled: not handed out, or handed out and without a row.
    open: RoaringTreemap,
    /// Ids that the next round of the sweep looks at.
    doubtful: RoaringTreemap,
}

impl BlobIds {
    /// `owner` is the name of this server.
    pub fn new(owner: String) -> BlobIds {
        BlobIds { owner, block: tokio::sync::Mutex::default(), known: Mutex::default() }
    }

    /// An id whose bytes may be written now, by an upload that ends when this is dropped. The lock is held across the note's
    /// commit, because every upload that finds the block empty has to wait for it anyway.
    pub async fn take(&self, db: &Db) -> Result<Watch<'_>> {
        let mut block = self.block.lock().await;
        if block.next == block.end {
            *block = self.take_block(db).await?;
        }
        block.next += 1;
        Ok(self.watch(BlobId(block.next - 1)))
    }

    /// Notes a new block and forgets those that are settled.
    async fn take_block(&self, db: &Db) -> Result<Block> {
        let settled = self.known().settled_blocks();
        let mut tx = db.write(Reach::Apart).await?;
        let first = db.take_ids(&mut tx, BLOCK_IDS).await?;
        settings::take_blob_block(&mut tx, BlobId(first), BlobId(first + BLOCK_IDS - 1), &self.owner).await?;
        for block in &settled {
            settings::settle_blob_block(&mut tx, BlobId(*block)).await?;
        }
        tx.commit().await?;
        let mut known = self.known();
        known.blocks.retain(|first| !settled.contains(first));
        known.blocks.insert(first);
        known.open.insert_range(ids(first));
        Ok(Block { next: first, end: first + BLOCK_IDS })
    }

    /// Notes that the blob has a row now, or that it is known to have no bytes.
    pub fn settle(&self, id: BlobId) {
        let mut known = self.known();
        known.open.remove(id.0.cast_unsigned());
        known.doubtful.remove(id.0.cast_unsigned());
    }

    /// Watches over the rest of an upload.
    pub fn watch(&self, id: BlobId) -> Watch<'_> {
        Watch { ids: self, id }
    }

    /// Notes that the blob may have bytes and no row, unless it is settled before the next round of the sweep looks. Nothing
    /// makes a row refer to it from now on but a transaction that holds the tree already.
    fn doubt(&self, id: BlobId) {
        let (mut known, id) = (self.known(), id.0.cast_unsigned());
        if known.open.contains(id) {
            known.doubtful.insert(id);
        }
    }

    /// Forgets the block of an id that was taken from this server while it was silent; the next upload takes a new one.
    pub async fn lose(&self, id: BlobId) {
        let mut block = self.block.lock().await;
        let is_lost = |first: i64| ids(first).contains(&id.0.cast_unsigned());
        let mut known = self.known();
        if is_lost(block.end - BLOCK_IDS) {
            // Nobody writes these. Those that were handed out are looked for as ever, when their uploads have ended.
            known.open.remove_range(block.next.cast_unsigned()..block.end.cast_unsigned());
            block.next = block.end;
        }
        if let Some(first) = known.blocks.iter().copied().find(|first| is_lost(*first)) {
            known.blocks.remove(&first);
        }
    }

    /// Removes the bytes of blobs in doubt that no row refers to.
    pub async fn settle_doubtful(&self, db: &Db, blobs: &Blobs) -> Result<()> {
        let (mut doubtful, mut outcome) = (self.known().doubtful.clone(), Ok(()));
        // The bytes of an upload that was given up may be yet to come.
        doubtful = doubtful.into_iter().filter(|id| !blobs.is_being_written(BlobId(id.cast_signed()))).collect();
        for _ in 0..DOUBTFUL_LOOKS {
            let Some(first) = doubtful.min() else { break };
            let near: Vec<u64> = doubtful.iter().take_while(|id| ids(first.cast_signed()).contains(id)).collect();
            let looked = delete_unused(db, blobs, near.iter().map(|id| BlobId(id.cast_signed())).collect()).await;
            for id in near {
                doubtful.remove(id);
                if looked.is_ok() {
                    self.settle(BlobId(id.cast_signed()));
                }
            }
            // One that cannot be removed keeps no other.
            outcome = outcome.and(looked);
        }
        outcome
    }

    /// At start: removes what this server wrote before it went down and that no row refers to.
    pub async fn settle_left_behind(&self, db: &Db, blobs: &Blobs) -> Result<()> {
        let blocks = settings::blob_blocks_of(&mut db.read().await?, &self.owner).await?;
        for (first, last) in blocks {
            delete_unused(db, blobs, (first.0..=last.0).map(BlobId).collect()).await?;
            let mut tx = db.write(Reach::Apart).await?;
            settings::settle_blob_block(&mut tx, first).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is done with it does not panic, so the lock is not poisoned.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An upload under way. When this is dropped, its blob is in doubt unless it is settled.
#[must_use = "dropping it says that the upload has ended"]
pub struct Watch<'a> {
    ids: &'a BlobIds,
    /// What it may write.
    pub id: BlobId,
}

impl Watch<'_> {
    /// A store that gave no answer may write the blob at any time: it stays open until the next start looks.
    pub fn leave_open(self) -> BlobId {
        let id = self.id;
        std::mem::forget(self);
        id
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.ids.doubt(self.id);
    }
}

impl Known {
    /// Blocks in which nothing is open.
    fn settled_blocks(&self) -> Vec<i64> {
        let is_settled = |first: &i64| self.open.range_cardinality(ids(*first)) == 0;
        self.blocks.iter().copied().filter(is_settled).collect()
    }
}

/// The ids of a block.
fn ids(first: i64) -> Range<u64> {
    first.cast_unsigned()..(first + BLOCK_IDS).cast_unsigned()
}

/// Removes the bytes of those of these blobs that no row refers to. They are in the order of their ids; their uploads have
/// come to an end, or to their commit.
async fn delete_unused(db: &Db, blobs: &Blobs, ids: Vec<BlobId>) -> Result<()> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(()) };
    // Alone among writers of the tree: a commit that this server has sent is seen or undone, whatever became of the server
    // or the connection. An upload has the tree before it sends its commit, and the database takes the tree from it only
    // when the transaction has ended, the commit visible if it was done.
    let mut tx = db.write(Reach::Shape).await?;
    let used = settings::blobs_between(&mut tx, *first, *last).await?;
    tx.undo().await;
    for id in ids.into_iter().filter(|id| !used.contains(id)) {
        blobs.delete(id).await?;
    }
    Ok(())
}
