//! Opening a catalog: connections with the settings that durability and fairness rest on, migrations,
//! and on SQLite the checkpoints of the write-ahead log.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::gate::Gates;
use super::ids::SharedBlock;
use super::pulse::Pulse;
use super::sqlite::{self, Access, Pool};
use super::{Db, Pools, args, statements};
use crate::error::{Error, Result};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Reads run side by side on this many connections.
const SQLITE_READERS: u32 = 4;
/// Connections for single reads, which are short.
const SQLITE_GLANCES: u32 = 4;
/// Connections to PostgreSQL: a worker or two and the requests in flight.
const POSTGRES_CONNECTIONS: u32 = 24;
/// Page cache of the writing connection, in KiB: holds the upper pages of all trees of a large library.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Page cache of one reading connection, in KiB.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// A pass over the write-ahead log of at most this many pages is short: 4 MiB, some milliseconds.
const SHORT_PASS_FRAMES: i64 = 1_024;
/// Passes beside the writer; one that writes faster than its log is copied back has to wait after these.
const CHECKPOINT_PASSES_MAX: usize = 5;
/// Statements kept prepared on each connection; more than there are.
const STATEMENTS_PREPARED: usize = 256;
/// A server that froze inside a transaction is cut off by PostgreSQL after this long, in milliseconds, which frees
/// the tree and the rows it has locked for the other servers. Three of its transactions may come to have the tree one after
/// the other: those that had it, one that asked for it (`gate.rs`), and a worker's. Another server is to go on within ten
/// seconds.
const FROZEN_TRANSACTION_MS: &str = "3000";
/// A server whose machine has gone is found out after `idle + interval * count` seconds of silence.
const KEEPALIVE_IDLE_S: &str = "3";
const KEEPALIVE_INTERVAL_S: &str = "1";
const KEEPALIVE_COUNT: &str = "3";
/// How long a statement waits for a lock before it fails and is tried again or told, in milliseconds. Longer than
/// anybody who is frozen can hold one.
const LOCK_WAIT_MS: &str = "15000";
/// How long a request waits for a connection to PostgreSQL. The whole of a lost one's time, so it is short.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(10);
/// A connection that was used within this time is taken to be there still.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long a connection may take to say that it is there.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// What every connection of a server to PostgreSQL asks for.
pub const POSTGRES_SETTINGS: [(&str, &str); 19] = [
    // What is read after waiting for the tree is the tree as it is then, whatever the database's own default.
    ("default_transaction_isolation", "read committed"),
    ("idle_in_transaction_session_timeout", FROZEN_TRANSACTION_MS),
    // What it has sent and nobody takes: a frozen server that reads no answer.
    ("tcp_user_timeout", FROZEN_TRANSACTION_MS),
    ("tcp_keepalives_idle", KEEPALIVE_IDLE_S),
    ("tcp_keepalives_interval", KEEPALIVE_INTERVAL_S),
    ("tcp_keepalives_count", KEEPALIVE_COUNT),
    ("lock_timeout", LOCK_WAIT_MS),
    // Every statement has an index to follow, in the order in which it wants the rows. A table that was just filled has
    // no statistics, or those of when it was small, and a plan that reads all of it for one row or a page of some thousand
    // would ruin a queue or a copy. So there is one plan for each statement, and the best is the one that looks
    // at the fewest rows: a row costs much, and the pages on the way to it nothing.
    ("plan_cache_mode", "force_generic_plan"),
    ("cpu_tuple_cost", "1000"),
    ("cpu_index_tuple_cost", "500"),
    ("random_page_cost", "0"),
    ("seq_page_cost", "0"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
];

statements! {
    SCHEMA_VERSIONS: "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version"
}

/// The settings of a SQLite connection outside of a [`Db`]: write-ahead log, fsync at every commit.
pub fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(false)
        .statement_cache_capacity(STATEMENTS_PREPARED)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

/// The settings of every PostgreSQL connection. `url` is `postgres://…`.
pub fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    let options: PgConnectOptions =
        url.parse().map_err(|error| Error::Setup(format!("--catalog is not a PostgreSQL URL: {error}")))?;
    let options = options.application_name("calotype").statement_cache_capacity(STATEMENTS_PREPARED);
    // A commit that is acknowledged is on disk, whatever the database's own default. The URL has the last word.
    let says = options.get_options().is_some_and(|options| options.contains("synchronous_commit"));
    let options = if says { options } else { options.options([("synchronous_commit", "on")]) };
    Ok(options.disable_statement_logging())
}

/// The number of the newest migration that this program knows; the same for both databases.
pub(super) fn newest_migration() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Brings an empty PostgreSQL database to an earlier schema.
pub(super) async fn run_postgres_migrations(connection: &mut PgConnection, schema: i64) -> Result<()> {
    POSTGRES.run_to(schema, connection).await.map_err(migration_error)
}

impl Db {
    /// Opens or creates a SQLite file and brings its schema up to date.
    pub async fn open_sqlite(file: &Path) -> Result<Db> {
        let mut connection =
            sqlite_options(file).create_if_missing(true).connect().await.map_err(|error| cannot_open(file, &error))?;
        SQLITE.run(&mut connection).await.map_err(migration_error)?;
        connection.close().await?;
        Db::of_sqlite(file, WRITER_CACHE_KIB, SQLITE_READERS, SQLITE_GLANCES)
    }

    /// Opens a SQLite file that a server may have open too, to change a few rows beside it. The schema must be
    /// the one of this program: it is not changed under a running server.
    pub async fn open_sqlite_beside(file: &Path) -> Result<Db> {
        // Makes sure that it is in WAL mode, as the file of an older backup may not be.
        let connection = sqlite_options(file).connect().await.map_err(|error| cannot_open(file, &error))?;
        connection.close().await?;
        let db = Db::of_sqlite(file, READER_CACHE_KIB, 1, 1)?;
        db.check_schema(&SQLITE).await?;
        Ok(db)
    }

    fn of_sqlite(file: &Path, writer_cache_kib: i64, readers: u32, glances: u32) -> Result<Db> {
        Ok(Db::new(Pools::Sqlite {
            write: Pool::open(file, Access::Write, 1, writer_cache_kib)?,
            read: Pool::open(file, Access::Read, readers, READER_CACHE_KIB)?,
            glance: Pool::open(file, Access::Read, glances, READER_CACHE_KIB)?,
        }))
    }

    /// Opens a PostgreSQL database and brings its schema up to date. `url` is `postgres://…`.
    pub async fn open_postgres(url: &str) -> Result<Db> {
        let (pool, pulse) = postgres_pool(url).await?;
        POSTGRES.run(&pool).await.map_err(migration_error)?;
        Ok(Db::new(Pools::Postgres { pool, pulse }))
    }

    /// Opens a PostgreSQL catalog to change a few rows beside its servers. The schema must be the one of this program.
    pub async fn open_postgres_beside(url: &str) -> Result<Db> {
        let (pool, pulse) = postgres_pool(url).await?;
        let db = Db::new(Pools::Postgres { pool, pulse });
        db.check_schema(&POSTGRES).await?;
        Ok(db)
    }

    async fn check_schema(&self, ours: &Migrator) -> Result<()> {
        // Without the table this is no catalog, or one in which no server has come that far.
        let found: Vec<(i64,)> = self.read().await?.all(&SCHEMA_VERSIONS, args![]).await.unwrap_or_default();
        if found.is_empty() {
            return Err(Error::Setup("there is no library in this catalog yet; run `calotype serve` once".into()));
        }
        if found.iter().map(|row| row.0).ne(ours.iter().map(|migration| migration.version)) {
            return Err(Error::Setup(
                "the catalog's schema is of another version of Calotype; use the same version as the server, or start the server once".into(),
            ));
        }
        Ok(())
    }

    fn new(pools: Pools) -> Db {
        Db {
            pools,
            gates: Gates::default(),
            ids: SharedBlock::default(),
            tree_changes: Arc::default(),
            fault: OnceLock::new(),
        }
    }

    /// Copies the write-ahead log back into the SQLite file and says how many log frames there were.
    ///
    /// Passes run beside the writer until one is short: what is written meanwhile is shorter still. Then a last pass takes the
    /// writer's turn, because only a log that has been moved to its end can start again from the beginning, and a busy
    /// writer never lets the others get there. Whoever writes waits for that one, so it must not find much to do.
    pub async fn checkpoint(&self, frames_max: i64) -> Result<i64> {
        let Pools::Sqlite { write, read, .. } = &self.pools else { return Ok(0) };
        let mut before = 0;
        for _ in 0..CHECKPOINT_PASSES_MAX {
            let (_, frames, moved) = passive_checkpoint(read).await?;
            if frames <= frames_max {
                return Ok(frames);
            }
            if moved - before <= SHORT_PASS_FRAMES {
                break;
            }
            before = moved;
        }
        Ok(passive_checkpoint(write).await?.1)
    }
}

async fn postgres_pool(url: &str) -> Result<(PgPool, Pulse)> {
    let options = postgres_options(url)?.options(POSTGRES_SETTINGS);
    let opened = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(CONNECTION_WAIT_MAX)
        // The driver would ask without a bound, and a connection that swallows the question would hold its place in the
        // pool for ever.
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move { if known.idle_for < FRESH_FOR { Ok(true) } else { answers(connection).await } })
        })
        .after_release(|connection, _| Box::pin(answers(connection)))
        .connect_with(options.clone())
        .await;
    let pool = match opened {
        Ok(pool) => pool,
        Err(error) => {
            let error = why_unreachable(&options, error).await;
            return Err(Error::Setup(format!(
                "cannot open the PostgreSQL catalog: {error}; check --catalog and that the server runs"
            )));
        }
    };
    let version: (i32,) = sqlx::query_as("SELECT current_setting('server_version_num')::int").fetch_one(&pool).await?;
    if version.0 < 150_000 {
        return Err(Error::Setup(format!("PostgreSQL 15 or later is needed, this is {}", version.0 / 10_000)));
    }
    Ok((pool, Pulse::watch(options)))
}

/// A pool tries again and again, and in the end tells only that it has waited: one more attempt tells for what.
async fn why_unreachable(options: &PgConnectOptions, error: sqlx::Error) -> sqlx::Error {
    if !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    match tokio::time::timeout(ANSWER_MAX, options.connect()).await {
        Ok(Err(reason)) => reason,
        _ => error,
    }
}

/// Whether a connection is there, what was left under way on it is over, and it is fit for use. An error closes it
/// without a farewell.
async fn answers(connection: &mut PgConnection) -> sqlx::Result<bool> {
    match tokio::time::timeout(ANSWER_MAX, connection.ping()).await {
        Ok(answered) => answered.map(|()| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// Busy flag, frames in the log, frames moved.
async fn passive_checkpoint(pool: &Pool) -> Result<(i64, i64, i64)> {
    let connection = pool.take().await?;
    let moved = sqlite::aside(|| sqlite::first(&connection, "PRAGMA wal_checkpoint(PASSIVE)", &[]))?;
    moved.ok_or_else(|| Error::Damaged("a checkpoint says nothing".into()))
}

fn cannot_open(file: &Path, error: &sqlx::Error) -> Error {
    Error::Setup(format!(
        "cannot open the catalog {}: {error}; is it a Calotype catalog, whole, and yours?",
        file.display()
    ))
}

fn migration_error(error: sqlx::migrate::MigrateError) -> Error {
    let newest = newest_migration();
    match error {
        sqlx::migrate::MigrateError::VersionMissing(schema) if schema > newest => Error::Setup(format!(
            "the catalog has schema {schema} or later and this version of calotype knows schemas up to {newest}; run the \
             version that made it, or a later one"
        )),
        error => Error::Setup(format!("the catalog's schema could not be brought up to date: {error}")),
    }
}
