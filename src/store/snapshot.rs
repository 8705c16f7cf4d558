//! The catalog as of one moment, copied while it is in use, and the way back.
//!
//! On SQLite the copy is a database file (`VACUUM INTO`), made beside the server through a connection of its own: it reads one
//! state and holds nobody up. On PostgreSQL it is a text file with the rows of every table, read in one transaction that
//! sees one state; no tool of PostgreSQL's is needed, and any later version takes it. Tables and columns are asked for, not
//! listed here, so that a new one cannot be forgotten. Migrations are not run on what is copied.
//!
//! The text file: for each table a line of JSON (`{"table":…,"columns":[…]}`), its rows as `COPY` writes them, and `\.`; for
//! each sequence a line `{"sequence":…,"value":…}`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::open::{newest_migration, postgres_options, run_postgres_migrations};
use super::{Sql, Tx, args, collect, sqlite_options, statements};
use crate::error::{Error, Result};
use crate::model::ids::BlobId;

/// Longest line of a dump, in bytes: a row holds texts of some hundred KiB at most.
const LINE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes sent to PostgreSQL at once.
const SENT_BYTES: usize = 64 * 1024;

const SCHEMA: &str = "SELECT CAST(max(version) AS BIGINT) FROM _sqlx_migrations";
const TAG: &str = "SELECT value FROM setting WHERE name = 'library_tag'";
const BLOBS: &str = "SELECT DISTINCT blob_id, size, digest FROM content ORDER BY blob_id";
const BLOBS_AS_LINES: &str = "COPY (SELECT DISTINCT blob_id, size, digest FROM content ORDER BY blob_id) TO STDOUT";
const TABLES: &str =
    "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()
    AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations' ORDER BY 1";
const COLUMNS: &str =
    "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_schema = current_schema()
    AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
/// One that was never used has no value, and begins where the migration says.
const SEQUENCES: &str = "SELECT CAST(sequencename AS TEXT), last_value FROM pg_sequences
    WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY 1";
const SET_SEQUENCE: &str = "SELECT setval(CAST(quote_ident($1) AS regclass), $2)";
const RELATIONS: &str = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";

statements! {
    /// Ids that the library may have given before it was restored are not given again.
    SKIP_IDS: "UPDATE counter SET value = value + $1 WHERE name = 'id' RETURNING value", "SELECT setval('id_block', nextval('id_block') + $1)";
    FORGET_BLOB_BLOCKS: "DELETE FROM blob_block"
}

/// A catalog that is read as it is.
pub enum Source {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What a catalog says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The number of its newest migration.
    pub schema: i64,
    /// The tag of the library.
    pub tag: String,
}

/// How many blobs there are, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub count: u64,
    pub bytes: u64,
}

/// A blob that the catalog refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub id: BlobId,
    /// In bytes.
    pub size: u64,
    /// BLAKE3 of its bytes, hex.
    pub digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Section {
    Table { table: String, columns: Vec<String> },
    Sequence { sequence: String, value: i64 },
}

impl Source {
    /// Opens a SQLite file that exists.
    pub async fn open_sqlite(file: &Path) -> Result<Source> {
        Ok(Source::Sqlite(sqlite_options(file).create_if_missing(false).connect().await?))
    }

    /// Opens a PostgreSQL catalog.
    pub async fn open_postgres(url: &str) -> Result<Source> {
        Ok(Source::Postgres(postgres_options(url)?.connect().await?))
    }

    /// What the catalog says of itself. Fails when it is none, or newer than this program.
    pub async fn facts(&mut self) -> Result<Facts> {
        let none = |error: sqlx::Error| Error::Setup(format!("the catalog holds no library: {error}"));
        let (schema, tag): ((i64,), (String,)) = match self {
            Source::Sqlite(c) => (
                sqlx::query_as(SCHEMA).fetch_one(&mut *c).await.map_err(none)?,
                sqlx::query_as(TAG).fetch_one(&mut *c).await.map_err(none)?,
            ),
            Source::Postgres(c) => (
                sqlx::query_as(SCHEMA).fetch_one(&mut *c).await.map_err(none)?,
                sqlx::query_as(TAG).fetch_one(&mut *c).await.map_err(none)?,
            ),
        };
        check_schema(schema.0)?;
        Ok(Facts { schema: schema.0, tag: tag.0 })
    }

    /// Keeps the sweep from taking anything away for [`collect::LEASE_MS`]; false while a server sweeps. `owner` must be
    /// the same for every call of one backup, and another's for no other.
    pub async fn hold_sweep(&mut self, owner: &str) -> Result<bool> {
        let [hold, _, _] = collect::LEASE;
        self.lease(hold, owner).await
    }

    /// Goes on keeping it; false when a server may have swept since.
    pub async fn keep_sweep(&mut self, owner: &str) -> Result<bool> {
        let [_, keep, _] = collect::LEASE;
        self.lease(keep, owner).await
    }

    async fn lease(&mut self, sql: Sql, owner: &str) -> Result<bool> {
        let held = match self {
            Source::Sqlite(c) => {
                sqlx::query(sql.sqlite).bind(owner).bind(collect::LEASE_MS).execute(c).await?.rows_affected()
            }
            Source::Postgres(c) => {
                sqlx::query(sql.postgres).bind(owner).bind(collect::LEASE_MS).execute(c).await?.rows_affected()
            }
        };
        Ok(held == 1)
    }

    /// Lets the sweep go on.
    pub async fn release_sweep(&mut self, owner: &str) -> Result<()> {
        let [_, _, release] = collect::LEASE;
        match self {
            Source::Sqlite(c) => sqlx::query(release.sqlite).bind(owner).execute(c).await.map(|_| ())?,
            Source::Postgres(c) => sqlx::query(release.postgres).bind(owner).execute(c).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Copies the catalog to the new file `catalog`, and lists the blobs of that state in the new file `blobs`, one line each:
    /// id, bytes, digest. Both are durable when this returns.
    pub async fn write(&mut self, catalog: &Path, blobs: &Path) -> Result<Amount> {
        let mut list = Lines::create(blobs)?;
        match self {
            Source::Sqlite(c) => {
                let path = catalog.to_str().ok_or_else(|| Error::Setup("the backup's path is not UTF-8".into()))?;
                sqlx::query("VACUUM INTO $1").bind(path).execute(&mut *c).await?;
                File::open(catalog)
                    .and_then(|file| file.sync_all())
                    .map_err(|error| cannot("sync", catalog, &error))?;
                let mut copy = sqlite_as_it_is(catalog).await?;
                let mut rows = sqlx::query_as::<_, (i64, i64, String)>(BLOBS).fetch(&mut copy);
                while let Some((id, size, digest)) = rows.try_next().await? {
                    list.add(format!("{id}\t{size}\t{digest}\n").as_bytes())?;
                }
            }
            Source::Postgres(c) => {
                let mut tx = c.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                let mut dump = Lines::create(catalog)?;
                write_dump(&mut tx, &mut dump).await?;
                dump.finish()?;
                let mut lines = tx.copy_out_raw(BLOBS_AS_LINES).await?;
                while let Some(line) = lines.try_next().await? {
                    list.add(&line)?;
                }
            }
        }
        list.finish()?;
        amount(blobs)
    }

    /// Ends the connection.
    pub async fn close(self) -> Result<()> {
        match self {
            Source::Sqlite(c) => c.close().await?,
            Source::Postgres(c) => c.close().await?,
        }
        Ok(())
    }
}

/// Fails when a catalog of that schema was made by a newer version.
pub fn check_schema(schema: i64) -> Result<()> {
    let newest = newest_migration();
    if schema > newest {
        return Err(Error::Setup(format!(
            "the catalog has schema {schema} and this version of calotype knows schemas up to {newest}; use the version \
             that made it, or a later one"
        )));
    }
    Ok(())
}

/// The file that `VACUUM INTO` has made, left as it is.
async fn sqlite_as_it_is(file: &Path) -> Result<SqliteConnection> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true).immutable(true);
    Ok(options.disable_statement_logging().connect().await?)
}

async fn write_dump(c: &mut PgConnection, dump: &mut Lines<'_>) -> Result<()> {
    let tables: Vec<(String,)> = sqlx::query_as(TABLES).fetch_all(&mut *c).await?;
    for (table,) in tables {
        let columns: Vec<(String,)> = sqlx::query_as(COLUMNS).bind(&table).fetch_all(&mut *c).await?;
        let columns: Vec<String> = columns.into_iter().map(|column| column.0).collect();
        let copy = format!("COPY {} ({}) TO STDOUT", quoted(&table), quoted_list(&columns));
        dump.section(&Section::Table { table, columns })?;
        let mut rows = c.copy_out_raw(&copy).await?;
        while let Some(row) = rows.try_next().await? {
            dump.add(&row)?;
        }
        dump.add(b"\\.\n")?;
    }
    // Not part of the transaction's state, and never behind the rows: they are read last.
    let sequences: Vec<(String, i64)> = sqlx::query_as(SEQUENCES).fetch_all(&mut *c).await?;
    for (sequence, value) in sequences {
        dump.section(&Section::Sequence { sequence, value })?;
    }
    Ok(())
}

/// Fills an empty PostgreSQL database from the text file of a backup, in its schema of that time. All rows or none.
pub async fn load_postgres(url: &str, schema: i64, dump: &Path) -> Result<()> {
    check_schema(schema)?;
    let mut connection = postgres_options(url)?.connect().await?;
    let (relations,): (i64,) = sqlx::query_as(RELATIONS).fetch_one(&mut connection).await?;
    if relations > 0 {
        return Err(Error::Setup(
            "the database given with --catalog is not empty; create a new one to restore into".into(),
        ));
    }
    run_postgres_migrations(&mut connection, schema).await?;
    let mut tx = connection.begin().await?;
    let file = File::open(dump).map_err(|error| cannot("read", dump, &error))?;
    let mut lines = Reader { lines: BufReader::new(file), line: Vec::new() };
    while lines.next().map_err(|error| cannot("read", dump, &error))? {
        let section: Section = serde_json::from_slice(&lines.line)
            .map_err(|error| Error::Setup(format!("{} is no dump of a catalog: {error}", dump.display())))?;
        match section {
            Section::Sequence { sequence, value } => {
                sqlx::query(SET_SEQUENCE).bind(sequence).bind(value).execute(&mut *tx).await?;
            }
            Section::Table { table, columns } => load_table(&mut tx, &table, &columns, &mut lines).await?,
        }
    }
    tx.commit().await?;
    connection.close().await?;
    Ok(())
}

/// Replaces the rows that the migrations have put into a table by those that follow in the file.
async fn load_table(c: &mut PgConnection, table: &str, columns: &[String], lines: &mut Reader) -> Result<()> {
    // Quoted, so that whatever the file says is a name and nothing else.
    sqlx::query(AssertSqlSafe(format!("TRUNCATE {}", quoted(table)))).execute(&mut *c).await?;
    let mut copy = c.copy_in_raw(&format!("COPY {} ({}) FROM STDIN", quoted(table), quoted_list(columns))).await?;
    let mut room = Vec::with_capacity(SENT_BYTES * 2);
    let whole = loop {
        match lines.next() {
            Ok(true) if lines.line == b"\\.\n" => break true,
            Ok(true) => room.extend_from_slice(&lines.line),
            Ok(false) | Err(_) => break false,
        }
        if room.len() >= SENT_BYTES {
            copy.send(room.as_slice()).await?;
            room.clear();
        }
    };
    if !whole {
        copy.abort("the dump is cut short").await?;
        return Err(Error::Setup(format!("the dump is cut short in table {table}")));
    }
    copy.send(room.as_slice()).await?;
    copy.finish().await?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// Ids of the library's former life are skipped, and what its servers were about to write is forgotten.
pub async fn begin_anew(tx: &mut Tx, skipped_ids: i64) -> Result<()> {
    tx.one::<(i64,)>(&SKIP_IDS, args![skipped_ids]).await?;
    tx.run(&FORGET_BLOB_BLOCKS, args![]).await?;
    super::jobs::release_all(tx).await
}

/// The blobs of a list, one after the other.
pub fn listed(path: &Path) -> Result<impl Stream<Item = Result<Listed>> + use<>> {
    let file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let wrong = format!("{} is no list of blobs", path.display());
    let lines = BufReader::new(file).lines();
    Ok(futures_util::stream::iter(lines).map(move |line| {
        let line = line.map_err(|error| Error::Setup(format!("{wrong}: {error}")))?;
        parse(&line).ok_or_else(|| Error::Setup(wrong.clone()))
    }))
}

fn parse(line: &str) -> Option<Listed> {
    let mut fields = line.split('\t');
    let (id, size, digest) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Listed { id: BlobId(id.parse().ok()?), size: size.parse().ok()?, digest: digest.to_owned() })
}

fn amount(list: &Path) -> Result<Amount> {
    let file = File::open(list).map_err(|error| cannot("read", list, &error))?;
    let mut amount = Amount::default();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| cannot("read", list, &error))?;
        let blob = parse(&line).ok_or_else(|| Error::Damaged(format!("a content row says {line}")))?;
        amount.count += 1;
        amount.bytes += blob.size;
    }
    Ok(amount)
}

/// A file that is written once and is durable at the end.
struct Lines<'a> {
    path: &'a Path,
    file: BufWriter<File>,
}

impl Lines<'_> {
    fn create(path: &Path) -> Result<Lines<'_>> {
        let file = File::create_new(path).map_err(|error| cannot("make", path, &error))?;
        Ok(Lines { path, file: BufWriter::with_capacity(SENT_BYTES, file) })
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| cannot("write", self.path, &error))
    }

    fn section(&mut self, section: &Section) -> Result<()> {
        let text = serde_json::to_string(section).map_err(|error| Error::Setup(error.to_string()))?;
        self.add(format!("{text}\n").as_bytes())
    }

    fn finish(mut self) -> Result<()> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| cannot("write", self.path, &error))
    }
}

struct Reader {
    lines: BufReader<File>,
    line: Vec<u8>,
}

impl Reader {
    /// Reads the next line with its end; false at the end of the file.
    fn next(&mut self) -> std::io::Result<bool> {
        self.line.clear();
        let bytes = (&mut self.lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.line)?;
        Ok(bytes > 0)
    }
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Setup(format!("cannot {verb} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_whatever_they_hold() {
        assert_eq!(quoted("a"), "\"a\"");
        assert_eq!(quoted("a\" FROM PROGRAM 'x' --"), "\"a\"\" FROM PROGRAM 'x' --\"");
    }

    #[test]
    fn lines_of_the_list() {
        let blob = Listed { id: BlobId(7), size: 12, digest: "ab".into() };
        assert_eq!(parse("7\t12\tab"), Some(blob));
        for wrong in ["", "7", "7\t12", "x\t12\tab", "7\t-1\tab"] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn newer_schemas_are_refused() {
        assert!(check_schema(newest_migration()).is_ok());
        let error = check_schema(newest_migration() + 1).unwrap_err().to_string();
        assert!(error.contains("knows schemas up to"), "{error}");
    }
}
