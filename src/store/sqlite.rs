//! Connections to SQLite, and statements on them.
//!
//! A statement runs on the thread that asks for it. Most take some microseconds, less than it costs to hand them to another
//! thread and to be woken by it. What may take long tells the runtime so, see [`aside`].

use std::ops::{ControlFlow, Deref};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Rows, Statement};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::row::FromSqlite;
use super::value::Value;
use crate::error::{Error, Result};

/// Statements kept prepared on each connection; more than there are.
const STATEMENTS_PREPARED: usize = 256;
/// How long a request waits for its turn before it is answered with an error.
pub(super) const TURN_WAIT_MAX: Duration = Duration::from_secs(60);
/// How often a writer looks whether another process, such as `calotype keys`, has ended its transaction.
const OTHER_PROCESS_PAUSE: Duration = Duration::from_millis(5);
/// Pages are 4 KiB; a reader that meets the recovery of a log waits this long.
const RECOVERY_WAIT_MAX: Duration = Duration::from_secs(10);

/// Equal connections, handed out first come first served.
pub(super) struct Pool {
    free: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
    size: u32,
}

/// A connection in use. It goes back without an open transaction.
pub(super) struct Taken {
    /// There until it is dropped.
    connection: Option<Connection>,
    free: Arc<Mutex<Vec<Connection>>>,
    /// Given back after the connection.
    _turn: OwnedSemaphorePermit,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

impl Pool {
    /// Opens `size` connections to a file that exists and is in WAL mode. `cache_kib` is for each.
    pub(super) fn open(file: &Path, access: Access, size: u32, cache_kib: i64) -> Result<Pool> {
        let connections: Result<Vec<_>> = (0..size).map(|_| open(file, access, cache_kib)).collect();
        let free = Arc::new(Mutex::new(connections?));
        Ok(Pool { free, turns: Arc::new(Semaphore::new(size as usize)), size })
    }

    /// Waits for a connection.
    pub(super) async fn take(&self) -> Result<Taken> {
        let turn = tokio::time::timeout(TURN_WAIT_MAX, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = lock(&self.free).pop();
        Ok(Taken { connection, free: Arc::clone(&self.free), _turn: turn })
    }

    /// Waits until all connections are back, and closes them.
    pub(super) async fn close(&self) {
        let all = self.turns.acquire_many(self.size).await;
        self.turns.close();
        lock(&self.free).clear();
        drop(all);
    }
}

fn lock(free: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    // Pushing and popping do not panic, so the lock is not poisoned.
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Deref for Taken {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            // SQLite ends a transaction by itself when the disk is full, so this one may be over.
            tracing::debug!(%error, "nothing was left to undo");
        }
        lock(&self.free).push(connection);
    }
}

fn open(file: &Path, access: Access, cache_kib: i64) -> Result<Connection> {
    // Each connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_PREPARED);
    // The one that writes waits in `begin`, where it holds up no thread.
    connection.busy_timeout(if access == Access::Write { Duration::ZERO } else { RECOVERY_WAIT_MAX })?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    // `Db::checkpoint` does that, outside the writer's turn as far as possible.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // A plan depends on the statement alone. Otherwise a bound value counts too, and a statement is planned again for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "query_only", access == Access::Read)?;
    Ok(connection)
}

/// Begins a transaction that writes, once no other process is in one.
pub(super) async fn begin(connection: Taken) -> Result<Taken> {
    let began = Instant::now();
    loop {
        match connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.raw_execute()) {
            Ok(_) => return Ok(connection),
            Err(error) if is_busy(&error) && began.elapsed() < TURN_WAIT_MAX => {
                tokio::time::sleep(OTHER_PROCESS_PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Fails when a statement is not valid.
pub(super) fn prepare(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare(sql)?;
    Ok(())
}

/// Runs a statement that gives no rows; how many it changed.
pub(super) fn run(connection: &Connection, sql: &str, args: &[Value]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    Ok(statement.raw_execute()? as u64)
}

/// All rows.
pub(super) fn all<T: FromSqlite>(connection: &Connection, sql: &str, args: &[Value]) -> Result<Vec<T>> {
    query(connection, sql, args, |mut rows| {
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(T::from_sqlite(row)?);
        }
        Ok(all)
    })
}

/// The first row, if there is one. A statement that writes has written all by then.
pub(super) fn first<T: FromSqlite>(connection: &Connection, sql: &str, args: &[Value]) -> Result<Option<T>> {
    query(connection, sql, args, |mut rows| rows.next()?.map(T::from_sqlite).transpose())
}

/// Hands over rows until `each` breaks.
pub(super) fn each<T: FromSqlite>(
    connection: &Connection,
    sql: &str,
    args: &[Value],
    mut each: impl FnMut(T) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    query(connection, sql, args, |mut rows| {
        while let Some(row) = rows.next()? {
            if each(T::from_sqlite(row)?).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn query<T>(
    connection: &Connection,
    sql: &str,
    args: &[Value],
    read: impl FnOnce(Rows<'_>) -> rusqlite::Result<T>,
) -> Result<T> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, args)?;
    Ok(read(statement.raw_query())?)
}

/// Makes a transaction durable. `changes` counts one more before and one more behind it.
pub(super) fn commit(connection: &Connection, changes: Option<&AtomicU64>) -> Result<()> {
    let count = || changes.map(|changes| changes.fetch_add(1, Ordering::SeqCst));
    count();
    let committed = aside(|| run(connection, "COMMIT", &[]));
    // A commit that failed may have happened too.
    count();
    committed.map(drop)
}

/// `$3` stands for the third value, wherever it first occurs.
fn bind(statement: &mut Statement<'_>, args: &[Value]) -> Result<()> {
    for index in 1..=statement.parameter_count() {
        let number: Option<usize> = statement.parameter_name(index).and_then(|name| name[1..].parse().ok());
        let value = number.and_then(|number| args.get(number.checked_sub(1)?));
        let value = value.ok_or_else(|| Error::Damaged(format!("a statement has no value {index}")))?;
        statement.raw_bind_parameter(index, value)?;
    }
    Ok(())
}

/// Runs what may take long, while other threads go on with the tasks of this one.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_not_planned_again_for_another_value() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("catalog.db");
        let rows = "CREATE TABLE t (a INT, b INT); CREATE INDEX t_a ON t (a);
            WITH RECURSIVE n (v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM n LIMIT 1000) INSERT INTO t SELECT v, v FROM n; ANALYZE";
        Connection::open(&file).and_then(|made| made.execute_batch(rows)).expect("rows");
        let connection = open(&file, Access::Read, 1024).expect("a connection");
        for sql in ["SELECT b FROM t WHERE a > $1", "SELECT b FROM t ORDER BY a LIMIT $1"] {
            for value in [1, 900, 500] {
                all::<(i64,)>(&connection, sql, &[Value::from(value)]).expect("an answer");
            }
            let statement = connection.prepare_cached(sql).expect("it is kept");
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
        }
    }
}
