//! New ids, which are never given twice.
//!
//! SQLite counts them one by one. On PostgreSQL a server draws them in blocks and hands out the rest of a block from
//! memory, but only after the transaction that drew it is committed: what an undone one drew from a sequence PostgreSQL
//! may forget in a crash, and draw again for another server.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Db, Tx, args, statements};
use crate::error::{Error, Result};

statements! {
    /// The first of `$1` new ids on SQLite; the first of a whole block on PostgreSQL. PostgreSQL writes only one in many draws to
    /// its log, and the commit of a transaction that has written nothing waits for no disk. So each draw writes a little.
    TAKE_IDS: "UPDATE counter SET value = value + $1 WHERE name = 'id' RETURNING value - $1 + 1", "SELECT nextval('id_block') + 0 * $1 FROM pg_logical_emit_message(true, 'calotype', '')";
}

/// Ids in one block of the PostgreSQL sequence `id_block`.
pub const ID_BLOCK: i64 = 65_536;

/// What is left of a block: the ids from `next` up to, and without, `end`.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    next: i64,
    end: i64,
}

impl Block {
    fn take(&mut self, count: i64, above: i64) -> Option<i64> {
        let first = self.next;
        if first <= above || self.end - first < count {
            return None;
        }
        self.next += count;
        Some(first)
    }
}

/// The block that the transactions of a server share.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedBlock(Arc<Mutex<Block>>);

impl SharedBlock {
    fn with<T>(&self, work: impl FnOnce(&mut Block) -> T) -> T {
        // What is done with it cannot panic, so the lock cannot be poisoned.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A block that a transaction has drawn and keeps to, so that its ids grow.
#[derive(Debug)]
pub(super) struct Drawn {
    rest: Block,
    share: SharedBlock,
}

impl Drawn {
    /// The transaction is committed: others of this server may take what is left, unless they have a younger block.
    pub(super) fn share(self) {
        self.share.with(|shared| {
            if self.rest.next > shared.next {
                *shared = self.rest;
            }
        });
    }
}

impl Db {
    /// `count` consecutive ids, the first of which is returned. Those of one transaction only grow.
    pub async fn take_ids(&self, tx: &mut Tx, count: i64) -> Result<i64> {
        self.take_ids_above(tx, count, 0).await
    }

    /// `count` consecutive ids above an earlier one, which another server may have given.
    pub async fn take_ids_above(&self, tx: &mut Tx, count: i64, above: i64) -> Result<i64> {
        if tx.is_sqlite() {
            return Ok(tx.one::<(i64,)>(&TAKE_IDS, args![count]).await?.0);
        }
        let taken = match &mut tx.drawn {
            Some(drawn) => drawn.rest.take(count, above),
            None => self.ids.with(|shared| shared.take(count, above)),
        };
        if let Some(first) = taken {
            return Ok(first);
        }
        let (next,): (i64,) = tx.one(&TAKE_IDS, args![count]).await?;
        let mut rest = Block { next, end: next + ID_BLOCK };
        let first = rest.take(count, above).ok_or_else(|| {
            Error::Damaged(format!(
                "a new block of {ID_BLOCK} ids begins at {next}; {count} were to come after {above}"
            ))
        })?;
        tx.drawn = Some(Drawn { rest, share: self.ids.clone() });
        Ok(first)
    }

    /// The first of `count` consecutive ids above all that any server has been given so far. Costs a block on PostgreSQL, so
    /// it is for what is ordered by its id across servers.
    pub async fn take_newest_ids(&self, tx: &mut Tx, count: usize) -> Result<i64> {
        let count = count as i64;
        debug_assert!(count <= ID_BLOCK, "a block holds {ID_BLOCK} ids");
        Ok(tx.one::<(i64,)>(&TAKE_IDS, args![count]).await?.0)
    }
}
