//! Catalogs for tests that work below HTTP: the same on SQLite and on PostgreSQL.

use std::path::Path;

use calotype::app::{App, Parts};
use calotype::blobs::Blobs;
use calotype::config::Settings;
use calotype::error::Result;
use calotype::store::{Db, sqlite_options};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tempfile::TempDir;
use url::Url;

use super::postgres::{FreshDatabase, fresh_database};

/// A catalog that can be closed and opened again.
pub struct Catalog {
    dir: TempDir,
    database: Option<FreshDatabase>,
    blobs: Blobs,
}

impl Catalog {
    /// An empty SQLite catalog.
    pub fn sqlite() -> Catalog {
        // In memory where there is such a place: these tests are about transactions, not about disks.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary directory");
        Catalog { dir, database: None, blobs: Blobs::memory() }
    }

    /// An empty PostgreSQL catalog; `None` when there is no server to test with.
    pub async fn postgres(hint: &str) -> Option<Catalog> {
        let mut database = fresh_database(hint).await?;
        // As little about disks as on SQLite.
        let mut url = Url::parse(&database.url).expect("the URL of a catalog");
        url.query_pairs_mut().append_pair("options[synchronous_commit]", "off");
        database.url = url.into();
        Some(Catalog { database: Some(database), ..Catalog::sqlite() })
    }

    /// Opens the catalog, as a server does at its start.
    pub async fn db(&self) -> Db {
        match &self.database {
            Some(database) => Db::open_postgres(&database.url).await,
            None => Db::open_sqlite(&self.file()).await,
        }
        .expect("the catalog opens")
    }

    /// The SQLite file.
    pub fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("catalog.db")
    }

    /// Where the PostgreSQL database is.
    pub fn url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// Whether there may be several servers.
    pub fn is_postgres(&self) -> bool {
        self.database.is_some()
    }

    /// Runs a statement beside the library; how many rows it met.
    pub async fn execute(&self, statement: &str) -> u64 {
        execute(self.url(), &self.file(), statement).await
    }

    /// A library over the catalog, with blobs in memory that outlive it.
    pub async fn app(&self, server_name: &str, settings: Settings) -> App {
        let app = self.app_over(self.db().await, self.blobs.clone(), server_name, settings).await;
        app.expect("the library opens")
    }

    /// The same over connections and blobs of the caller's.
    pub async fn app_over(&self, db: Db, blobs: Blobs, server_name: &str, settings: Settings) -> Result<App> {
        let parts = Parts {
            db,
            blobs,
            secret: "a secret of the tests".into(),
            server_name: server_name.into(),
            spool_dir: Path::new(self.dir.path()).to_owned(),
            first_keys: self.dir.path().join("first-keys"),
            lock: None,
        };
        App::open(parts, settings, None).await
    }
}

/// Runs a statement on a catalog beside whoever has it open, for what no library does itself: damage, times long past. `file`
/// is the catalog's where there is no URL. How many rows it met.
pub async fn execute(url: Option<&str>, file: &Path, statement: &str) -> u64 {
    let statement = AssertSqlSafe(statement.to_owned());
    match url {
        Some(url) => {
            let mut connection = PgConnection::connect(url).await.expect("a connection");
            sqlx::query(statement).execute(&mut connection).await.expect("the statement").rows_affected()
        }
        None => {
            let mut connection = sqlite_options(file).connect().await.expect("a connection");
            sqlx::query(statement).execute(&mut connection).await.expect("the statement").rows_affected()
        }
    }
}
