//! Which blobs an upload may write.
//!
//! Bytes are written before the row that refers to them, so a crash in between leaves bytes that nothing
//! knows. Therefore a server notes durably, before the first byte, that it may write the blobs of a block
//! of ids; one note serves many uploads. After a crash it looks at the blocks it had taken and removes
//! what has no row.
//!
//! A server that never comes back leaves its blocks behind. A living one says every hour that it lives; from one that
//! has been silent for a day, the sweep of another takes them ([`SILENT_MS`]). Should it wake after all, the transaction
//! of its next upload finds that the block is gone, and the upload fails before anything refers to its bytes.

use std::collections::HashMap;

use tokio::sync::Mutex;

use crate::blobs::Blobs;
use crate::error::Result;
use crate::model::ids::BlobId;
use crate::store::{Db, Reach, settings};

/// Ids in a block: one more commit per so many uploads, and at most so many looks after a crash.
const BLOCK_IDS: i64 = 256;
/// How often a server says that it lives, in milliseconds.
pub const SAY_EVERY_MS: i64 = 60 * 60 * 1000;
/// A server that has said nothing for this long, in milliseconds of the database's clock, has lost its blocks.
pub const SILENT_MS: i64 = 24 * 60 * 60 * 1000;

/// Hands out blob ids of noted blocks.
pub struct BlobIds {
    owner: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: i64,
    end: i64,
    /// Ids of each block that are not settled: not handed out, or handed out and without a row.
    open: HashMap<i64, i64>,
}

impl BlobIds {
    /// `owner` is the name of this server.
    pub fn new(owner: String) -> BlobIds {
        BlobIds { owner, state: Mutex::default() }
    }

    /// An id whose bytes may be written now. The lock is held across the note's commit, because every
    /// upload that finds the block empty has to wait for it anyway.
    pub async fn take(&self, db: &Db) -> Result<BlobId> {
        let mut state = self.state.lock().await;
        if state.next == state.end {
            self.take_block(db, &mut state).await?;
        }
        state.next += 1;
        Ok(BlobId(state.next - 1))
    }

    /// Notes a new block and forgets those that are settled.
    async fn take_block(&self, db: &Db, state: &mut State) -> Result<()> {
        let settled: Vec<i64> = state.open.iter().filter(|(_, open)| **open == 0).map(|(first, _)| *first).collect();
        let mut tx = db.write(Reach::Apart).await?;
        let first = db.take_ids(&mut tx, BLOCK_IDS).await?;
        settings::take_blob_block(&mut tx, BlobId(first), BlobId(first + BLOCK_IDS - 1), &self.owner).await?;
        for block in &settled {
            settings::settle_blob_block(&mut tx, BlobId(*block)).await?;
        }
        tx.commit().await?;
        state.open.retain(|first, _| !settled.contains(first));
        (state.next, state.end) = (first, first + BLOCK_IDS);
        state.open.insert(first, BLOCK_IDS);
        Ok(())
    }

    /// Notes that the blob has a row now, or that it is known to have no bytes. Any other blob is looked for
    /// at the next start.
    pub async fn settle(&self, id: BlobId) {
        let mut state = self.state.lock().await;
        let block = state.open.iter_mut().find(|(first, _)| (**first..**first + BLOCK_IDS).contains(&id.0));
        if let Some((_, open)) = block {
            *open -= 1;
        }
    }

    /// Forgets the block of an id that was taken from this server while it was silent; the next upload takes a new one.
    pub async fn lose(&self, id: BlobId) {
        let mut state = self.state.lock().await;
        let lost = |first: i64| (first..first + BLOCK_IDS).contains(&id.0);
        state.open.retain(|first, _| !lost(*first));
        if lost(state.end - BLOCK_IDS) {
            state.next = state.end;
        }
    }

    /// At start: removes what this server wrote before it went down and that no row refers to.
    pub async fn settle_left_behind(&self, db: &Db, blobs: &Blobs) -> Result<()> {
        let blocks = settings::blob_blocks_of(&mut db.read().await?, &self.owner).await?;
        for (first, last) in blocks {
            // Alone among writers of the tree: a commit that this server sent before it died is seen or undone.
            let mut tx = db.write(Reach::Shape).await?;
            let kept = settings::blobs_between(&mut tx, first, last).await?;
            drop(tx);
            for id in (first.0..=last.0).map(BlobId).filter(|id| !kept.contains(id)) {
                blobs.delete(id).await?;
            }
            let mut tx = db.write(Reach::Apart).await?;
            settings::settle_blob_block(&mut tx, first).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
