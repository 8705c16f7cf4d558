//! The catalog: all SQL lives in this folder, one function per statement.
//!
//! Two databases speak one text wherever their dialects allow. [`Db`] holds the connections, [`Tx`] is
//! a transaction on either, [`Sql`] a statement with its text for each, `statements!` declares them so
//! that a test can prepare every one on both.
//!
//! On SQLite every write goes through one connection, first come first served; readers have
//! their own. On PostgreSQL writers of the tree hold an advisory lock: shared while they add or replace
//! files, alone while they change the shape of the tree or fix the instant of a copy. That lock is the
//! whole difference between the two, and it makes PostgreSQL look like SQLite to the code above.

pub mod check;
pub mod clone;
pub mod collect;
pub mod custom_fields;
pub mod delivery;
pub mod files;
pub mod folders;
mod gate;
pub mod ids;
pub mod jobs;
pub mod keys;
pub mod listing;
pub mod locks;
pub mod merge;
pub mod open;
mod postgres;
mod pulse;
mod row;
pub mod settings;
pub mod snapshot;
mod sql;
mod sqlite;
pub mod sweep;
pub mod upload_tokens;
mod value;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Postgres, pool::PoolConnection};

use crate::error::{Error, Result};
use crate::meter;
use gate::{Gate, Gates};
pub use ids::ID_BLOCK;
pub use open::sqlite_options;
use pulse::{Patience, Pulse, bounded};
pub use row::Row;
pub(crate) use sql::statements;
pub use sql::{ALL_STATEMENTS, Sql};
pub use value::Value;
pub(crate) use value::args;
use value::postgres_args;

statements! {
    NEXT_CHANGE: "UPDATE counter SET value = value + 1 WHERE name = 'change' RETURNING value", "SELECT nextval('change_number')";
    /// `$1` tells the lock apart from those of other programs.
    SHARE_TREE: "SELECT $1", "SELECT 1::bigint FROM pg_advisory_xact_lock_shared($1)";
    OWN_TREE: "SELECT $1", "SELECT 1::bigint FROM pg_advisory_xact_lock($1)";
}

/// Advisory lock number of the tree on PostgreSQL ("calotype" in ASCII, cut to 63 bits); submissions use the next one.
pub const TREE_LOCK: i64 = 0x6361_6c6f_7479_7065;

/// What a writing transaction may do to the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nothing that a reader can see, or nothing in the tree at all.
    Apart,
    /// Add and replace files, add folders.
    Add,
    /// Change parents and names of folders, or fix an instant: alone among writers of the tree.
    Shape,
}

/// When a fault may be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    BeforeCommit,
    /// The commit is done and its answer is lost.
    AfterCommit,
}

type Fault = Arc<dyn Fn(Moment) -> Result<()> + Send + Sync>;

/// An open catalog.
pub struct Db {
    pools: Pools,
    /// Where transactions of this server wait to ask for locks (PostgreSQL).
    gates: Gates,
    /// The block of ids that this server draws from (PostgreSQL).
    ids: ids::SharedBlock,
    /// Counts commits that may change the tree (SQLite), which come one after the other: one more before each, and one
    /// more behind it.
    tree_changes: Arc<AtomicU64>,
    fault: OnceLock<Fault>,
}

enum Pools {
    Sqlite { write: sqlite::Pool, read: sqlite::Pool, glance: sqlite::Pool },
    Postgres { pool: PgPool, pulse: Pulse },
}

/// A transaction, or for single reads a bare connection. Dropped without [`Tx::commit`] it is undone.
pub struct Tx {
    held: Held,
    fault: Option<Fault>,
    /// Counts the commit, if it can change what readers of the tree see (SQLite).
    tree_changes: Option<Arc<AtomicU64>>,
    /// How long statements are waited for (PostgreSQL).
    patience: Option<Patience>,
    /// The block of ids that it has drawn, if any (PostgreSQL).
    drawn: Option<ids::Drawn>,
    /// The number of its latest change, unless an instant has been fixed since.
    change: Option<i64>,
    owns_tree: bool,
    /// Whether a statement has failed. PostgreSQL undoes such a transaction when it is asked to commit it, and reports no error.
    has_failed: bool,
}

enum Held {
    Sqlite(sqlite::Taken),
    /// Its statements may read long.
    SqliteRead(sqlite::Taken),
    Postgres(postgres::Transaction),
    PostgresGlance(PoolConnection<Postgres>),
}

impl Db {
    /// A transaction that writes.
    pub async fn write(&self, reach: Reach) -> Result<Tx> {
        let mut tx = self.begin((reach != Reach::Apart).then_some(&self.gates.tree)).await?;
        tx.take_tree(self, reach).await?;
        Ok(tx)
    }

    /// A transaction that is to ask for the lock of that gate, if any.
    async fn begin(&self, gate: Option<&Gate>) -> Result<Tx> {
        let (held, patience) = match &self.pools {
            Pools::Sqlite { write, .. } => (Held::Sqlite(sqlite::begin(write.take().await?).await?), None),
            Pools::Postgres { pool, pulse } => {
                let patience = Some(pulse.patience(true));
                let turn = match gate {
                    Some(gate) => Some(bounded(patience.clone(), gate.enter()).await?),
                    None => None,
                };
                let begun = bounded(patience.clone(), postgres::Transaction::begin(pool, "BEGIN", turn)).await?;
                (Held::Postgres(begun), patience)
            }
        };
        Ok(Tx { fault: self.fault.get().cloned(), ..Tx::new(held, patience) })
    }

    /// A transaction in which submissions come one after the other, so that job ids are their order.
    pub async fn submit(&self) -> Result<Tx> {
        let mut tx = self.begin(Some(&self.gates.submissions)).await?;
        tx.one::<(i64,)>(&OWN_TREE, args![TREE_LOCK + 1]).await?;
        tx.end_turn();
        Ok(tx)
    }

    /// A transaction that reads one state of the catalog throughout.
    pub async fn read(&self) -> Result<Tx> {
        let (held, patience) = match &self.pools {
            Pools::Sqlite { read, .. } => {
                let connection = read.take().await?;
                sqlite::run(&connection, "BEGIN", &[])?;
                (Held::SqliteRead(connection), None)
            }
            Pools::Postgres { pool, pulse, .. } => {
                let patience = Some(pulse.patience(false));
                let one_moment = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let begun = bounded(patience.clone(), postgres::Transaction::begin(pool, one_moment, None));
                (Held::Postgres(begun.await?), patience)
            }
        };
        Ok(Tx::new(held, patience))
    }

    /// A connection for a single read, without the cost of a transaction around it.
    pub async fn glance(&self) -> Result<Tx> {
        let (held, patience) = match &self.pools {
            Pools::Sqlite { glance, .. } => (Held::Sqlite(glance.take().await?), None),
            Pools::Postgres { pool, pulse, .. } => {
                let patience = Some(pulse.patience(false));
                (Held::PostgresGlance(bounded(patience.clone(), pool.acquire()).await?), patience)
            }
        };
        Ok(Tx::new(held, patience))
    }

    /// A number that is another one as soon as something in the tree can have changed: what a path is found to lead to
    /// after taking it holds for as long as it stands. A path that leads nowhere may come to lead somewhere. `None` while a
    /// change is being committed, and on PostgreSQL, which other servers change too.
    pub fn tree_changes(&self) -> Option<u64> {
        let changes = self.tree_changes.load(Ordering::SeqCst);
        (self.is_sqlite() && changes.is_multiple_of(2)).then_some(changes)
    }

    /// Calls `fault` around every commit from now on; for tests that crash there. Only the first call counts.
    pub fn inject(&self, fault: impl Fn(Moment) -> Result<()> + Send + Sync + 'static) {
        drop(self.fault.set(Arc::new(fault)));
    }

    /// Whether this is the embedded catalog, of which there is one server.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Waits until every connection is closed.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { write, read, glance } => {
                glance.close().await;
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { pool, pulse, .. } => {
                // Waits for transactions under way; those of a lost database end by themselves.
                let closed = async {
                    pool.close().await;
                    Ok(())
                };
                drop(bounded(Some(pulse.patience(true)), closed).await);
            }
        }
    }
}

impl Tx {
    fn new(held: Held, patience: Option<Patience>) -> Tx {
        Tx {
            held,
            fault: None,
            tree_changes: None,
            patience,
            drawn: None,
            change: None,
            owns_tree: false,
            has_failed: false,
        }
    }

    /// Makes everything durable. After an error nothing is known to have happened or not.
    pub async fn commit(self) -> Result<()> {
        if let Err(error) = self.may_commit() {
            self.undo().await;
            return Err(error);
        }
        let Tx { held, fault, tree_changes, patience, drawn, .. } = self;
        let began = Instant::now();
        match held {
            Held::Sqlite(connection) | Held::SqliteRead(connection) => {
                sqlite::commit(&connection, tree_changes.as_deref())?
            }
            Held::Postgres(tx) => bounded(patience, tx.commit()).await?,
            Held::PostgresGlance(_) => {}
        }
        meter::committed(began.elapsed());
        if let Some(drawn) = drawn {
            drawn.share();
        }
        fault.map_or(Ok(()), |fault| fault(Moment::AfterCommit))
    }

    fn may_commit(&self) -> Result<()> {
        if self.has_failed {
            return Err(Error::Damaged("a transaction was to be committed in which a statement had failed".into()));
        }
        self.fault.as_ref().map_or(Ok(()), |fault| fault(Moment::BeforeCommit))
    }

    /// Undoes everything before it returns, if the database can be asked. One that is dropped on PostgreSQL is undone somewhat
    /// later, and has its locks until then.
    pub async fn undo(self) {
        if let Held::Postgres(tx) = self.held {
            tx.undo().await;
        }
    }

    /// Takes what a transaction of this reach needs of the tree; for one that was begun [`Reach::Apart`] to wait for something
    /// else first.
    pub async fn take_tree(&mut self, db: &Db, reach: Reach) -> Result<()> {
        if let (Held::Postgres(tx), false) = (&mut self.held, reach == Reach::Apart) {
            bounded(self.patience.clone(), tx.enter(&db.gates.tree)).await?;
        }
        match reach {
            Reach::Apart => {}
            Reach::Add if self.is_sqlite() => self.tree_changes = Some(Arc::clone(&db.tree_changes)),
            Reach::Add => drop(self.one::<(i64,)>(&SHARE_TREE, args![TREE_LOCK]).await?),
            Reach::Shape => drop(self.own_tree(db).await?),
        }
        self.end_turn();
        Ok(())
    }

    fn end_turn(&mut self) {
        if let Held::Postgres(tx) = &mut self.held {
            tx.end_turn();
        }
    }

    /// From here on alone among writers of the tree, as with [`Reach::Shape`]; whether that may have been waited for. Nothing is
    /// waited for afterwards, so that nobody waits for a transaction that waits.
    pub async fn own_tree(&mut self, db: &Db) -> Result<bool> {
        if self.owns_tree {
            return Ok(false);
        }
        if self.is_sqlite() {
            self.tree_changes = Some(Arc::clone(&db.tree_changes));
        } else {
            self.one::<(i64,)>(&OWN_TREE, args![TREE_LOCK]).await?;
        }
        // Others may have fixed instants since its latest change got its number.
        (self.owns_tree, self.change) = (true, None);
        // On SQLite whoever writes has been alone from the beginning.
        Ok(!self.is_sqlite())
    }

    /// Whether writers of the tree wait until this transaction ends.
    pub fn keeps_writers_waiting(&self) -> bool {
        self.is_sqlite() || self.owns_tree
    }

    /// Says that this transaction adds names that led nowhere and does nothing else to the tree, so that what was read by
    /// path before it is still true.
    pub fn only_adds(&mut self) {
        self.tree_changes = None;
    }

    /// The number of the change that this transaction makes: one more than any taken before it.
    pub async fn next_change(&mut self) -> Result<i64> {
        let (change,) = self.one(&NEXT_CHANGE, args![]).await?;
        self.change = Some(change);
        Ok(change)
    }

    /// The number of this transaction's latest change, for one more that belongs to it. What it has ended and begun under
    /// that number no other transaction has seen in between.
    pub async fn same_change(&mut self) -> Result<i64> {
        match self.change {
            Some(change) => Ok(change),
            None => self.next_change().await,
        }
    }

    /// Fixes the instant before whatever this transaction does from here on, and behind all that it has done. Only for one
    /// that has the tree to itself.
    pub async fn instant(&mut self) -> Result<i64> {
        let instant = self.same_change().await?;
        self.change = None;
        Ok(instant)
    }

    fn is_sqlite(&self) -> bool {
        matches!(self.held, Held::Sqlite(_) | Held::SqliteRead(_))
    }

    /// Does something on SQLite, if that is what this transaction is on.
    fn on_sqlite<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> Result<T>) -> Option<Result<T>> {
        match &self.held {
            Held::Sqlite(connection) => Some(work(connection)),
            Held::SqliteRead(connection) => Some(sqlite::aside(|| work(connection))),
            Held::Postgres(_) | Held::PostgresGlance(_) => None,
        }
    }

    fn on_postgres(&mut self) -> (&mut PgConnection, Option<Patience>) {
        let patience = self.patience.clone();
        match &mut self.held {
            Held::Postgres(tx) => (tx, patience),
            Held::PostgresGlance(connection) => (connection, patience),
            Held::Sqlite(_) | Held::SqliteRead(_) => unreachable!("SQLite was asked first"),
        }
    }

    /// Runs a statement; the number of rows it changed.
    pub(crate) async fn run(&mut self, sql: &Sql, args: Vec<Value>) -> Result<u64> {
        if let Some(changed) = self.on_sqlite(|c| sqlite::run(c, sql.sqlite, &args)) {
            return changed;
        }
        let (c, patience) = self.on_postgres();
        let query = sqlx::query_with(sql.postgres, postgres_args(args)?);
        let outcome = bounded(patience, query.execute(c)).await;
        self.has_failed |= outcome.is_err();
        Ok(outcome?.rows_affected())
    }

    /// All rows of a statement that bounds their number itself.
    pub(crate) async fn all<T: Row>(&mut self, sql: &Sql, args: Vec<Value>) -> Result<Vec<T>> {
        if let Some(rows) = self.on_sqlite(|c| sqlite::all(c, sql.sqlite, &args)) {
            return rows;
        }
        let (c, patience) = self.on_postgres();
        let query = sqlx::query_as_with(sql.postgres, postgres_args(args)?);
        let outcome = bounded(patience, query.fetch_all(c)).await;
        self.has_failed |= outcome.is_err();
        outcome
    }

    /// Hands over the rows of a statement one by one, however many there are, until `each` breaks. A broken off statement
    /// on PostgreSQL still sends its rows before the connection is used again, so it bounds their number.
    pub(crate) async fn each<T: Row>(
        &mut self,
        sql: &Sql,
        args: Vec<Value>,
        mut each: impl FnMut(T) -> ControlFlow<()> + Send,
    ) -> Result<ControlFlow<()>> {
        if let Some(flow) = self.on_sqlite(|c| sqlite::each(c, sql.sqlite, &args, &mut each)) {
            return flow;
        }
        let (c, patience) = self.on_postgres();
        let mut rows = sqlx::query_as_with(sql.postgres, postgres_args(args)?).fetch(c);
        while let Some(row) = bounded(patience.clone(), rows.try_next()).await? {
            if each(row).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The first row, if there is one.
    pub(crate) async fn maybe<T: Row>(&mut self, sql: &Sql, args: Vec<Value>) -> Result<Option<T>> {
        if let Some(row) = self.on_sqlite(|c| sqlite::first(c, sql.sqlite, &args)) {
            return row;
        }
        let (c, patience) = self.on_postgres();
        let query = sqlx::query_as_with(sql.postgres, postgres_args(args)?);
        let outcome = bounded(patience, query.fetch_optional(c)).await;
        self.has_failed |= outcome.is_err();
        outcome
    }

    /// The first row of a statement that always has one.
    pub(crate) async fn one<T: Row>(&mut self, sql: &Sql, args: Vec<Value>) -> Result<T> {
        let row = self.maybe(sql, args).await?;
        row.ok_or_else(|| Error::Damaged(format!("no row for: {}", sql.sqlite)))
    }

    /// A number that takes reading many rows: while SQLite counts, other threads go on with the requests of this one.
    pub(crate) async fn count(&mut self, sql: &Sql, args: Vec<Value>) -> Result<i64> {
        if let Some(row) = self.on_sqlite(|c| sqlite::aside(|| sqlite::first::<(i64,)>(c, sql.sqlite, &args))) {
            return Ok(row?.map_or(0, |(count,)| count));
        }
        Ok(self.one::<(i64,)>(sql, args).await?.0)
    }

    /// Asks the database to prepare a statement, on the dialect of this connection.
    pub async fn prepare(&mut self, sql: &Sql) -> Result<()> {
        use sqlx::{Executor, SqlSafeStr};
        if let Some(prepared) = self.on_sqlite(|c| sqlite::prepare(c, sql.sqlite)) {
            return prepared;
        }
        let (c, _) = self.on_postgres();
        c.prepare(sql.postgres.into_sql_str()).await?;
        Ok(())
    }
}
