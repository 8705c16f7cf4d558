//! Transactions on PostgreSQL that may be given up at any moment, because a client may go away at any moment.
//!
//! One of the driver's own that is given up while it begins leaves its connection in an open transaction, of which the
//! driver does not know, and who reads on that connection next is shown the library as it was. Here such a connection is
//! closed. One whose transaction had begun goes back to the others when that has been undone.

use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Executor, Postgres, pool::PoolConnection};
use tokio::time::timeout;

use super::gate::{Gate, Turn};

/// How long it may take to undo a transaction. A connection that takes longer is closed, which undoes it too.
const UNDONE_MAX: Duration = Duration::from_secs(2);

/// How often one that waits in its server says something, because PostgreSQL ends transactions that do not.
const STIR_EVERY: Duration = Duration::from_secs(1);

/// A transaction. Dropped without [`Transaction::commit`] it is undone.
pub(super) struct Transaction {
    /// None when it has been committed.
    connection: Option<PoolConnection<Postgres>>,
    has_begun: bool,
    /// To ask for a lock. Ends when it has been given, or when the transaction has been undone.
    turn: Option<Turn>,
}

impl Transaction {
    /// Begins one with this statement, whose turn it is.
    pub(super) async fn begin(pool: &PgPool, statement: &'static str, turn: Option<Turn>) -> sqlx::Result<Transaction> {
        let mut beginning = Transaction { connection: Some(pool.acquire().await?), has_begun: false, turn };
        beginning.execute(statement).await?;
        beginning.has_begun = true;
        Ok(beginning)
    }

    /// Waits for a turn to ask for a lock, unless it has one from the beginning.
    pub(super) async fn enter(&mut self, gate: &Gate) -> sqlx::Result<()> {
        if self.turn.is_some() {
            return Ok(());
        }
        let mut entering = pin!(gate.enter());
        while self.turn.is_none() {
            match timeout(STIR_EVERY, &mut entering).await {
                Ok(turn) => self.turn = Some(turn?),
                Err(_) => {
                    self.execute("SELECT 1").await?;
                }
            }
        }
        Ok(())
    }

    /// The lock has been given: the next may ask for it.
    pub(super) fn end_turn(&mut self) {
        self.turn = None;
    }

    /// Makes it durable. After an error nothing is known to have happened or not.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        self.execute("COMMIT").await?;
        self.connection = None;
        Ok(())
    }

    /// Undoes it before this returns, if the database can be asked.
    pub(super) async fn undo(mut self) {
        if let Some(undoing) = self.undoing() {
            // A task of its own, which goes on when the caller is given up.
            drop(tokio::spawn(undoing).await);
        }
    }

    /// Whoever takes this has to see that it runs.
    fn undoing(&mut self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let mut connection = self.connection.take()?;
        if !self.has_begun {
            connection.close_on_drop();
            return None;
        }
        let turn = self.turn.take();
        Some(async move {
            if !matches!(timeout(UNDONE_MAX, connection.execute("ROLLBACK")).await, Ok(Ok(_))) {
                connection.close_on_drop();
            }
            drop(turn);
        })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(undoing) = self.undoing() {
            tokio::spawn(undoing);
        }
    }
}

const NOT_COMMITTED: &str = "a transaction has its connection until it is committed, which takes it";

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect(NOT_COMMITTED)
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect(NOT_COMMITTED)
    }
}
