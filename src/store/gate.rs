//! Who of this server asks PostgreSQL for the tree.
//!
//! Requests wait for their turn here, before they begin a transaction, and so does the sweep, in the middle of one. If each of
//! them waited for PostgreSQL, and the server froze, PostgreSQL would give the tree to one after the other, to each for as long
//! as a frozen transaction may last, and the other servers would wait for the sum. Only the worker asks PostgreSQL at once: it
//! is one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::Reach;

/// How long a request waits for its turn before it is answered with an error.
const TURN_WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Gate(Arc<RwLock<()>>);

/// A turn, which ends when this is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "the guards are held, not looked at")]
pub(super) enum Turn {
    /// Side by side with others that add.
    Add(OwnedRwLockReadGuard<()>),
    Shape(OwnedRwLockWriteGuard<()>),
}

impl Gate {
    /// Waits for the turn of a transaction of such a reach, first come first served.
    pub(super) async fn enter(&self, reach: Reach) -> sqlx::Result<Option<Turn>> {
        let tree = Arc::clone(&self.0);
        let turn = async {
            match reach {
                Reach::Apart => None,
                Reach::Add => Some(Turn::Add(tree.read_owned().await)),
                Reach::Shape => Some(Turn::Shape(tree.write_owned().await)),
            }
        };
        tokio::time::timeout(TURN_WAIT_MAX, turn).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }
}
