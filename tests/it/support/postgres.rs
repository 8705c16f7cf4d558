//! A PostgreSQL database of its own for each test that wants one.
//!
//! The server is somebody else's: `CALOTYPE_TEST_POSTGRES` is the URL of one on which databases may be created, as
//! `scripts/with-postgres` sets it. Each test creates a database there under a name nobody else has, so that tests
//! run in parallel, in one process or several, and drops it at the end. Dropping flushes the whole server to disk and
//! takes about a second, ten times as long as creating, so it is left out where `CALOTYPE_TEST_POSTGRES_THROWAWAY`
//! says that the server goes anyway.

use std::time::Duration;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use url::Url;
use uuid::Uuid;

/// The most characters of the hint that fit: PostgreSQL silently cuts names at 63 bytes, and a cut name is not unique.
/// `calotype_`, the hint, `_`, and 32 hexadecimal digits.
const NAME_HINT_CHARS_MAX: usize = 63 - 9 - 1 - 32;

/// How long dropping may take. A test that ends does not hang on a server that has gone.
const DROP_SECONDS_MAX: u64 = 30;

/// An empty database, dropped together with this value; whoever is still connected to it then is disconnected. Close
/// pools first all the same: on a throwaway server nothing is dropped, and open connections count there.
pub struct FreshDatabase {
    /// What the application is configured with.
    pub url: String,
    name: String,
    server: PgConnectOptions,
}

/// Creates an empty database, or says that the test is skipped and returns `None` where there is no server.
///
/// # Panics
///
/// On CI, where a skip would pass for a success, when there is no server; anywhere when the server does not do it.
pub async fn fresh_database(name_hint: &str) -> Option<FreshDatabase> {
    let Some(server_url) = setting("CALOTYPE_TEST_POSTGRES") else {
        assert!(
            setting("CI").is_none(),
            "CI must test PostgreSQL: run the tests with `scripts/with-postgres cargo test`, \
             which sets CALOTYPE_TEST_POSTGRES"
        );
        eprintln!("skipped: set CALOTYPE_TEST_POSTGRES (scripts/with-postgres cargo test)");
        return None;
    };
    let name = unique_name(name_hint);
    let mut url = Url::parse(&server_url).expect("CALOTYPE_TEST_POSTGRES is not a URL");
    let server = PgConnectOptions::from_url(&url).expect("CALOTYPE_TEST_POSTGRES is not a PostgreSQL URL");
    // template0, because PostgreSQL refuses to copy template1 while anyone is connected to it.
    let create = format!(r#"CREATE DATABASE "{name}" TEMPLATE template0 ENCODING 'UTF8'"#);
    run(&server, create)
        .await
        .unwrap_or_else(|error| panic!("cannot create a database on CALOTYPE_TEST_POSTGRES: {error}"));
    url.set_path(&name);
    Some(FreshDatabase { url: url.into(), name, server })
}

impl Drop for FreshDatabase {
    /// Best effort: what stays behind is a stray database on a test server, so a failure is told and no more.
    fn drop(&mut self) {
        if setting("CALOTYPE_TEST_POSTGRES_THROWAWAY").is_some() {
            return;
        }
        let drop_database = format!(r#"DROP DATABASE IF EXISTS "{}" WITH (FORCE)"#, self.name);
        let server = self.server.clone();
        // A thread with a runtime of its own: the test's runtime cannot be waited for in `drop`, and may be ending.
        // Joined, because otherwise the last test's thread would end with the process before it is done.
        let outcome = std::thread::spawn(move || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let limit = Duration::from_secs(DROP_SECONDS_MAX);
                Ok(tokio::time::timeout(limit, run(&server, drop_database)).await??)
            })
        })
        .join();
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => eprintln!("database {} stays behind: {error}", self.name),
            Err(_) => eprintln!("database {} stays behind: dropping it panicked", self.name),
        }
    }
}

/// Runs one statement on a connection of its own, which is closed afterwards: connections are scarce on a server that
/// all tests share.
async fn run(server: &PgConnectOptions, statement: String) -> sqlx::Result<()> {
    let mut connection = server.connect().await?;
    // Safe: the statements above contain nothing but names made by `unique_name`.
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

/// A name for people who look at the server while a test hangs, and unique for everyone else.
fn unique_name(hint: &str) -> String {
    let hint: String = hint
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .take(NAME_HINT_CHARS_MAX)
        .collect();
    format!("calotype_{hint}_{}", Uuid::new_v4().simple())
}

/// An environment variable; an empty one counts as unset.
#[expect(clippy::disallowed_methods, reason = "tells tests about the machine they run on; nothing here is configured")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// How many transactions ask PostgreSQL for a lock that another has.
pub async fn asking(onlooker: &mut PgConnection) -> i64 {
    let asking = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";
    let (asking,) = sqlx::query_as(asking).fetch_one(onlooker).await.expect("a count");
    asking
}
