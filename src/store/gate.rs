//! Who of this server asks PostgreSQL for a lock that many want: the tree, or submissions.
//!
//! Requests wait for their turn here, before they begin a transaction, and one of them at a time asks PostgreSQL. If all of them
//! did, and the server froze, PostgreSQL would give the lock to one after the other, to each for as long as a frozen
//! transaction may last, and the other servers would wait for the sum. The sweep waits here too, in the middle of its
//! transaction. Only the worker asks PostgreSQL for the tree at once: it is one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// How long a turn is waited for, until a request is answered with an error.
const TURN_WAIT_MAX: Duration = Duration::from_secs(60);

/// One for each lock.
#[derive(Debug, Default)]
pub(super) struct Gates {
    pub tree: Gate,
    pub submissions: Gate,
}

#[derive(Debug, Default)]
pub(super) struct Gate(Arc<Mutex<()>>);

/// A turn to ask, which ends when this is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Gate {
    /// Waits for a turn, first come first served.
    pub(super) async fn enter(&self) -> sqlx::Result<Turn> {
        let turn = Arc::clone(&self.0).lock_owned();
        tokio::time::timeout(TURN_WAIT_MAX, turn).await.map_err(|_| sqlx::Error::PoolTimedOut)
    }
}
