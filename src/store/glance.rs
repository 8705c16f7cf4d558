//! Connections to SQLite for single reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::error::Result;

/// Connections for single reads, taken in turns. A pool would look after each one between two uses, which costs
/// more than such a read; nothing can be left open on these.
pub(super) struct Glance {
    /// `None` once the catalog is closed.
    connections: Vec<Arc<tokio::sync::Mutex<Option<SqliteConnection>>>>,
    turn: AtomicUsize,
}

impl Glance {
    pub(super) fn new(connections: Vec<SqliteConnection>) -> Glance {
        let connections = connections.into_iter().map(|connection| Arc::new(tokio::sync::Mutex::new(Some(connection))));
        Glance { connections: connections.collect(), turn: AtomicUsize::new(0) }
    }

    pub(super) async fn acquire(&self) -> Result<OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let guard = Arc::clone(&self.connections[turn]).lock_owned().await;
        OwnedMutexGuard::try_map(guard, Option::as_mut).map_err(|_| sqlx::Error::PoolClosed.into())
    }

    pub(super) async fn close(&self) {
        for connection in &self.connections {
            if let Some(connection) = connection.lock().await.take() {
                // Best effort: the process may end without it.
                drop(connection.close().await);
            }
        }
    }
}
