//! Transactions on PostgreSQL that may be given up at any moment, because a client may go away at any moment.
//!
//! One of the driver's own that is given up while it begins leaves its connection in an open transaction, of which the
//! driver does not know, and who reads on that connection next is shown the library as it was. Here such a connection is
//! closed. One whose transaction had begun goes back to the others when that has been undone.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Executor, Postgres, pool::PoolConnection};
use tokio::time::timeout;

/// How long it may take to undo a transaction. A connection that takes longer is closed, which undoes it too.
const UNDONE_MAX: Duration = Duration::from_secs(2);

/// A transaction. Dropped without [`Transaction::commit`] it is undone.
pub(super) struct Transaction {
    /// None when it has been committed.
    connection: Option<PoolConnection<Postgres>>,
    has_begun: bool,
}

impl Transaction {
    /// Begins one with this statement.
    pub(super) async fn begin(pool: &PgPool, statement: &'static str) -> sqlx::Result<Transaction> {
        let mut beginning = Transaction { connection: Some(pool.acquire().await?), has_begun: false };
        beginning.execute(statement).await?;
        beginning.has_begun = true;
        Ok(beginning)
    }

    /// Makes it durable. After an error nothing is known to have happened or not.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        self.execute("COMMIT").await?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if !self.has_begun {
            connection.close_on_drop();
            return;
        }
        tokio::spawn(async move {
            if !matches!(timeout(UNDONE_MAX, connection.execute("ROLLBACK")).await, Ok(Ok(_))) {
                connection.close_on_drop();
            }
        });
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
