//! The library measured: a catalog seeded once, and fresh copies of it to measure on.
//!
//! The pristine catalog is never measured. Each measurement that writes gets a copy of it in the place that the server
//! and the raw SQL peer open, synced to the disk first, so that both begin with the same bytes and the same cache.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection as _, Executor as _, Postgres, Sqlite};
use url::Url;

use crate::Result;
use crate::seed::{self, Seeded};
use crate::server::Server;

/// Where a library keeps its catalog, as the command line names it.
#[derive(Clone)]
pub enum Catalog {
    Sqlite,
    Postgres(Url),
}

impl FromStr for Catalog {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Catalog, String> {
        match text {
            "sqlite" => Ok(Catalog::Sqlite),
            _ if text.starts_with("postgres://") || text.starts_with("postgresql://") => {
                Url::parse(text).map(Catalog::Postgres).map_err(|error| error.to_string())
            }
            _ => Err("expected `sqlite` or a postgres:// URL".to_string()),
        }
    }
}

impl fmt::Display for Catalog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Catalog::Sqlite => "sqlite",
            Catalog::Postgres(_) => "postgres",
        })
    }
}

/// One value of a row, or of a statement's arguments.
#[derive(Clone)]
pub enum Value {
    Int(i64),
    Text(String),
    Bool(bool),
    Null,
}

/// A connection of the benchmark's own, beside the server's.
pub enum Connection {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

/// Frames of SQLite's journal (4 KiB each) after which a commit of the raw peer copies them into the file: the
/// length at which the server does so.
const LOG_FRAMES_MAX: &str = "8192";

macro_rules! bind_all {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Int(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.as_str()),
                Value::Bool(value) => query.bind(*value),
                Value::Null => query.bind(None::<String>),
            };
        }
        query
    }};
}

impl Connection {
    async fn open(catalog: &Catalog, path: &Path, database: &str) -> Result<Connection> {
        Ok(match catalog {
            Catalog::Sqlite => {
                // The server's own settings, so that the raw SQL peer is neither favoured nor held back.
                let options = calotype::store::sqlite_options(path).pragma("wal_autocheckpoint", LOG_FRAMES_MAX);
                Connection::Sqlite(Box::new(options.connect().await?))
            }
            Catalog::Postgres(url) => {
                let options = PgConnectOptions::from_url(url)?.database(database);
                Connection::Postgres(Box::new(options.connect().await?))
            }
        })
    }

    /// Runs a prepared statement; returns how many rows it changed.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Connection::Sqlite(connection) => {
                let query: sqlx::query::Query<'_, Sqlite, SqliteArguments> = bind_all!(sqlx::query(sql), values);
                query.execute(&mut **connection).await?.rows_affected()
            }
            Connection::Postgres(connection) => {
                let query: sqlx::query::Query<'_, Postgres, PgArguments> = bind_all!(sqlx::query(sql), values);
                query.execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    /// Runs statements that cannot or need not be prepared.
    pub async fn execute_raw(&mut self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(sql);
        match self {
            Connection::Sqlite(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(drop)?,
            Connection::Postgres(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(drop)?,
        }
        Ok(())
    }

    /// The one number that a statement selects.
    pub async fn number(&mut self, sql: &str, values: &[Value]) -> Result<i64> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Connection::Sqlite(connection) => {
                bind_all!(sqlx::query_scalar::<Sqlite, i64>(sql), values).fetch_one(&mut **connection).await?
            }
            Connection::Postgres(connection) => {
                bind_all!(sqlx::query_scalar::<Postgres, i64>(sql), values).fetch_one(&mut **connection).await?
            }
        })
    }

    /// The one number and text that a statement selects.
    pub async fn number_and_text(&mut self, sql: &str, values: &[Value]) -> Result<(i64, String)> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Connection::Sqlite(connection) => {
                bind_all!(sqlx::query_as::<Sqlite, (i64, String)>(sql), values).fetch_one(&mut **connection).await?
            }
            Connection::Postgres(connection) => {
                bind_all!(sqlx::query_as::<Postgres, (i64, String)>(sql), values).fetch_one(&mut **connection).await?
            }
        })
    }

    pub async fn close(self) -> Result<()> {
        match self {
            Connection::Sqlite(connection) => connection.close().await?,
            Connection::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}

pub struct Library {
    pub catalog: Catalog,
    pub seeded: Seeded,
    place: Place,
}

/// Where everything of one library is.
struct Place {
    /// The server's data directory.
    data: PathBuf,
    /// The pristine catalog: a file, or a database.
    pristine_path: PathBuf,
    pristine_database: String,
    /// The catalog that is measured; as a file it is the one in the data directory.
    database: String,
}

impl Library {
    /// Lets the server make the schema, then writes the rows.
    pub async fn create(catalog: &Catalog, scratch: &Path, sizes: &[u64]) -> Result<Library> {
        let name = format!("calotype_bench_{}", std::process::id());
        let place = Place {
            data: scratch.join("data"),
            pristine_path: scratch.join("pristine.db"),
            pristine_database: format!("{name}_pristine"),
            database: name,
        };
        let outcome = crate::unless_interrupted(Library::fill(catalog, &place, sizes)).await;
        match outcome {
            Ok(seeded) => Ok(Library { catalog: catalog.clone(), seeded, place }),
            Err(error) => {
                place.remove(catalog).await.ok();
                Err(error)
            }
        }
    }

    async fn fill(catalog: &Catalog, place: &Place, sizes: &[u64]) -> Result<Seeded> {
        let start = Instant::now();
        eprintln!("bench: seeding a library on {catalog} with folders of {sizes:?} files");
        std::fs::create_dir_all(&place.data)?;
        if let Catalog::Postgres(_) = catalog {
            let mut maintenance = Connection::open_maintenance(catalog).await?;
            maintenance.execute_raw(&format!("CREATE DATABASE {}", place.pristine_database)).await?;
            maintenance.close().await?;
        }
        Server::start(&place.data, &place.catalog_argument(catalog, &place.pristine_database), &[])?.stop()?;
        if let Catalog::Sqlite = catalog {
            std::fs::rename(place.data.join("catalog.db"), &place.pristine_path)?;
        }
        let mut connection = Connection::open(catalog, &place.pristine_path, &place.pristine_database).await?;
        let seeded = seed::seed(&mut connection, sizes).await?;
        // Empties SQLite's journal into the file; for PostgreSQL it is what autovacuum does to a library in use.
        connection
            .execute_raw(match catalog {
                Catalog::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)",
                Catalog::Postgres(_) => "VACUUM ANALYZE",
            })
            .await?;
        connection.close().await?;
        eprintln!("bench: seeded {} rows in {:.0} s", seeded.rows, start.elapsed().as_secs_f64());
        Ok(seeded)
    }

    /// The length of SQLite's write-ahead log in MB: the longest that it has been since the server started, because it is
    /// written again from the beginning and never cut.
    pub fn log_mb(&self) -> Result<Option<f64>> {
        Ok(match self.catalog {
            Catalog::Sqlite => Some(self.place.data.join("catalog.db-wal").metadata()?.len() as f64 / 1e6),
            Catalog::Postgres(_) => None,
        })
    }

    /// Replaces the catalog that is measured by a copy of the pristine one, which knows no blobs. No server may run.
    pub async fn make_fresh(&self) -> Result<()> {
        // The copy gives the ids of what blobs there are again, and a blob is never overwritten.
        for entry in std::fs::read_dir(self.place.data.join("blobs"))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        match &self.catalog {
            Catalog::Sqlite => {
                let path = self.place.data.join("catalog.db");
                for suffix in ["", "-wal", "-shm"] {
                    let file = self.place.data.join(format!("catalog.db{suffix}"));
                    if file.exists() {
                        std::fs::remove_file(file)?;
                    }
                }
                std::fs::copy(&self.place.pristine_path, &path)?;
                // What the copy left to write would otherwise be written while measuring.
                File::open(&path)?.sync_all()?;
            }
            catalog @ Catalog::Postgres(_) => {
                let mut maintenance = Connection::open_maintenance(catalog).await?;
                let Place { database, pristine_database, .. } = &self.place;
                maintenance.execute_raw(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
                maintenance
                    .execute_raw(&format!("CREATE DATABASE {database} TEMPLATE {pristine_database} STRATEGY file_copy"))
                    .await?;
                // Needs a privilege that the user may lack, and matters less than being able to run at all.
                maintenance.execute_raw("CHECKPOINT").await.ok();
                maintenance.close().await?;
            }
        }
        Ok(())
    }

    /// The server on the catalog that is measured, with more flags.
    pub fn start_server(&self, arguments: &[&str]) -> Result<Server> {
        let catalog = self.place.catalog_argument(&self.catalog, &self.place.database);
        Server::start(&self.place.data, &catalog, arguments)
    }

    /// Another server over the same catalog and blobs, with a data directory and so a name of its own.
    pub fn start_second_server(&self) -> Result<Server> {
        let catalog = self.place.catalog_argument(&self.catalog, &self.place.database);
        let data = self.place.data.with_file_name("data-of-the-second");
        std::fs::create_dir_all(&data)?;
        std::fs::copy(self.place.data.join("secret"), data.join("secret"))?;
        let blobs = self.place.data.join("blobs");
        let blobs = blobs.to_str().ok_or("a path that is not UTF-8")?;
        Server::start(&data, &catalog, &["--blobs", blobs])
    }

    /// A connection to the catalog that is measured.
    pub async fn connect(&self) -> Result<Connection> {
        Connection::open(&self.catalog, &self.place.data.join("catalog.db"), &self.place.database).await
    }

    /// A directory on the disk that the server writes to.
    pub fn data(&self) -> &Path {
        &self.place.data
    }

    pub fn describe(&self) -> String {
        match &self.catalog {
            Catalog::Sqlite => self.place.data.display().to_string(),
            Catalog::Postgres(_) => format!("databases {} and {}", self.place.database, self.place.pristine_database),
        }
    }

    pub async fn remove(self) -> Result<()> {
        self.place.remove(&self.catalog).await
    }
}

impl Connection {
    /// To the database that the user named, from which others are created and dropped.
    async fn open_maintenance(catalog: &Catalog) -> Result<Connection> {
        let Catalog::Postgres(url) = catalog else { return Err("only PostgreSQL has databases".into()) };
        Ok(Connection::Postgres(Box::new(PgConnectOptions::from_url(url)?.connect().await?)))
    }
}

impl Place {
    fn catalog_argument(&self, catalog: &Catalog, database: &str) -> String {
        match catalog {
            Catalog::Sqlite => "sqlite".to_string(),
            Catalog::Postgres(url) => {
                let mut url = url.clone();
                url.set_path(database);
                url.to_string()
            }
        }
    }

    async fn remove(&self, catalog: &Catalog) -> Result<()> {
        if let Catalog::Postgres(_) = catalog {
            let mut maintenance = Connection::open_maintenance(catalog).await?;
            for database in [&self.database, &self.pristine_database] {
                maintenance.execute_raw(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await?;
            }
            maintenance.close().await?;
        }
        if self.pristine_path.exists() {
            std::fs::remove_file(&self.pristine_path)?;
        }
        Ok(std::fs::remove_dir_all(&self.data)?)
    }
}
