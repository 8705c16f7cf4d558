//! The rows of a library as it might be after years of use, written with SQL.
//!
//! ```text
//! /bench/n<size>      a tree of about 1,000 files per folder, at most 3 levels deep (up to 1,000 files: one folder)
//! /bench/flat<size>   the same number of files in one folder, for the smallest and the largest size above 1,000
//! /parked             where folders are moved to
//! /copies             where folders are copied to
//! ```
//!
//! Files lie there in the order of their ids, which is not that of their names. Those of one size show contents that
//! are all different; the sizes share the contents, which are most of the bytes. There are no blobs: nothing that is
//! measured reads the bytes of a picture. For the same reason digests are random.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::Result;
use crate::content::{SHOOTS, content, file_name, kind_of, scatter, shuffled};
use crate::library::{Connection, Value};
use Value::{Bool, Int, Null, Text};

/// In one folder of a tree.
const FOLDER_FILES: u64 = 1_000;
const TRANSACTION_ROWS: u64 = 100_000;
/// 2024-01-01; each file is a second younger than the one before it.
pub const EPOCH_MS: i64 = 1_704_067_200_000;
/// One file in so many has older versions.
const VERSIONED_ONE_IN: u64 = 20;
/// PostgreSQL hands out ids in blocks of so many.
const ID_BLOCK: i64 = calotype::store::ID_BLOCK;

/// What was written.
pub struct Seeded {
    pub trees: Vec<Tree>,
    /// Sizes that have a folder of their own kind in `flat_path`.
    pub flat_sizes: Vec<u64>,
    pub copies_folder: i64,
    /// The youngest id; what a measurement writes is above it.
    pub last_id: i64,
    pub last_change: i64,
    pub rows: u64,
}

/// The folder `/bench/n<size>`, whose folders have consecutive ids, parents first.
#[derive(Clone, Copy)]
pub struct Tree {
    pub size: u64,
    pub first_folder: i64,
    pub last_folder: i64,
}

impl Tree {
    pub fn path(&self) -> String {
        format!("/bench/{}", self.name())
    }

    pub fn name(&self) -> String {
        format!("n{}", self.size)
    }
}

pub fn flat_path(size: u64) -> String {
    if size <= FOLDER_FILES { format!("/bench/n{size}") } else { format!("/bench/flat{size}") }
}

pub async fn seed(connection: &mut Connection, sizes: &[u64]) -> Result<Seeded> {
    let (id, change) = counters(connection).await?;
    let mut seeder = Seeder {
        folders: Table::new("folder", &["id", "parent_id", "name", "created", "updated", "since"]),
        files: Table::new("file", &FILE_COLUMNS),
        versions: Table::new("version", &VERSION_COLUMNS),
        contents: Table::new("content", &CONTENT_COLUMNS),
        random: StdRng::seed_from_u64(1841), // the year of the patent on the calotype
        connection,
        id,
        change,
        first_content: 0,
        rows: 0,
        uncommitted: 0,
    };
    if let Connection::Sqlite(_) = seeder.connection {
        // Nobody minds if this is lost half-way.
        seeder.connection.execute_raw("PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000; BEGIN").await?;
    }
    let bench = seeder.folder(1, "bench").await?;
    seeder.folder(1, "parked").await?;
    let copies_folder = seeder.folder(1, "copies").await?;

    seeder.contents(*sizes.iter().max().ok_or("no sizes")?).await?;
    let mut trees = Vec::new();
    for &size in sizes {
        trees.push(seeder.tree(bench, size).await?);
    }
    let ends = [sizes.iter().min(), sizes.iter().max()];
    let mut flat_sizes: Vec<u64> = ends.into_iter().flatten().copied().collect();
    flat_sizes.dedup();
    // A library for a single size serves copies only.
    for &size in flat_sizes.iter().filter(|&&size| size > FOLDER_FILES && sizes.len() > 1) {
        let folder = seeder.folder(bench, &format!("flat{size}")).await?;
        seeder.files(folder, size, 0..size).await?;
    }
    seeder.flush_all().await?;
    let Seeder { id, change, rows, .. } = seeder;
    finish(connection, id, change).await?;
    Ok(Seeded { trees, flat_sizes, copies_folder, last_id: id, last_change: change, rows })
}

/// The last id and change number that the server has handed out.
async fn counters(connection: &mut Connection) -> Result<(i64, i64)> {
    let (id, change) = match connection {
        Connection::Sqlite(_) => {
            ("SELECT value FROM counter WHERE name = 'id'", "SELECT value FROM counter WHERE name = 'change'")
        }
        Connection::Postgres(_) => ("SELECT nextval('id_block')", "SELECT nextval('change_number')"),
    };
    Ok((connection.number(id, &[]).await?, connection.number(change, &[]).await?))
}

/// Sets the counters to what has been used.
async fn finish(connection: &mut Connection, id: i64, change: i64) -> Result<()> {
    match connection {
        Connection::Sqlite(_) => {
            connection.execute("UPDATE counter SET value = $1 WHERE name = 'id'", &[Int(id)]).await?;
            connection.execute("UPDATE counter SET value = $1 WHERE name = 'change'", &[Int(change)]).await?;
            connection.execute_raw("COMMIT; PRAGMA synchronous=FULL").await
        }
        Connection::Postgres(_) => {
            // The first id of a block is what the sequence returns, so the next block begins above all of these.
            let block = (id / ID_BLOCK + 1) * ID_BLOCK;
            connection.number("SELECT setval('id_block', $1)", &[Int(block)]).await?;
            connection.number("SELECT setval('change_number', $1)", &[Int(change)]).await?;
            Ok(())
        }
    }
}

struct Seeder<'a> {
    connection: &'a mut Connection,
    folders: Table,
    files: Table,
    versions: Table,
    contents: Table,
    random: StdRng,
    id: i64,
    change: i64,
    /// Content `n` has the id `first_content + 2 * n`, and its blob the one after it.
    first_content: i64,
    rows: u64,
    uncommitted: u64,
}

const FILE_COLUMNS: [&str; 11] = [
    "folder_id",
    "name",
    "id",
    "version_id",
    "version",
    "content_id",
    "flags",
    "created",
    "uploaded",
    "updated",
    "since",
];
const VERSION_COLUMNS: [&str; 8] = ["file_id", "version", "id", "content_id", "flags", "created", "updated", "since"];
const CONTENT_COLUMNS: [&str; 13] = [
    "id",
    "blob_id",
    "size",
    "digest",
    "mime",
    "is_image",
    "width",
    "height",
    "has_alpha",
    "tags",
    "custom_coordinates",
    "embedded_metadata",
    "created",
];

impl Seeder<'_> {
    fn next_id(&mut self) -> i64 {
        self.id += 1;
        self.id
    }

    fn next_change(&mut self) -> i64 {
        self.change += 1;
        self.change
    }

    async fn folder(&mut self, parent: i64, name: &str) -> Result<i64> {
        let (id, since) = (self.next_id(), self.next_change());
        self.folders.add([Int(id), Int(parent), Text(name.to_string()), Int(EPOCH_MS), Int(EPOCH_MS), Int(since)]);
        Ok(id)
    }

    async fn contents(&mut self, count: u64) -> Result<()> {
        self.first_content = self.id + 1;
        for ordinal in 0..count {
            let (id, blob) = (self.next_id(), self.next_id());
            let row = content(&mut self.random, ordinal, id, blob);
            self.contents.add(row);
            self.flush_full().await?;
        }
        Ok(())
    }

    /// Folders first, so that their ids are consecutive; then the files, folder by folder.
    async fn tree(&mut self, parent: i64, size: u64) -> Result<Tree> {
        let first_folder = self.folder(parent, &format!("n{size}")).await?;
        let folders = size.div_ceil(FOLDER_FILES);
        // The least fan-out with which three levels below the root hold them all.
        let fan_out = (1..).find(|f: &u64| 1 + f + f * f + f * f * f >= folders).ok_or("too many folders")?;
        for ordinal in 1..folders {
            let parent = first_folder + ((ordinal - 1) / fan_out) as i64;
            let name = SHOOTS.choose(&mut self.random).copied().unwrap_or_default();
            self.folder(parent, &format!("{name}-{:04}", scatter(ordinal as u32) % 10_000 + ordinal as u32 * 10_000))
                .await?;
        }
        for folder in 0..folders {
            let files = folder * size / folders..(folder + 1) * size / folders;
            self.files(first_folder + folder as i64, size, files).await?;
        }
        Ok(Tree { size, first_folder, last_folder: first_folder + folders as i64 - 1 })
    }

    async fn files(&mut self, folder: i64, size: u64, ordinals: std::ops::Range<u64>) -> Result<()> {
        for ordinal in ordinals {
            // Neighbours in a folder show contents from all over the library, each exactly once in a size.
            let content = shuffled(ordinal, size);
            let name = file_name(ordinal as u32, kind_of(content));
            let id = self.next_id();
            let versions = if ordinal % VERSIONED_ONE_IN == 7 { self.random.random_range(2..=4) } else { 1 };
            let created = EPOCH_MS + ordinal as i64 * 1_000;
            let mut version_id = id;
            for version in 1..versions {
                let since = self.next_change();
                let content_id = Int(self.first_content + 2 * ((content + version as u64) % size) as i64);
                let when = Int(created + version * 60_000);
                self.versions.add([
                    Int(id),
                    Int(version),
                    Int(version_id),
                    content_id,
                    Int(0),
                    when.clone(),
                    when,
                    Int(since),
                ]);
                version_id = self.next_id();
            }
            let uploaded = Int(created + (versions - 1) * 60_000);
            let (flags, since) = (i64::from(ordinal % 50 == 3), self.next_change());
            self.files.add([
                Int(folder),
                Text(name),
                Int(id),
                Int(version_id),
                Int(versions),
                Int(self.first_content + 2 * content as i64),
                Int(flags),
                Int(created),
                uploaded.clone(),
                uploaded,
                Int(since),
            ]);
            self.flush_full().await?;
        }
        Ok(())
    }

    async fn flush_full(&mut self) -> Result<()> {
        for table in [&mut self.folders, &mut self.files, &mut self.versions, &mut self.contents] {
            if table.is_full() {
                let rows = table.flush(self.connection).await?;
                self.rows += rows;
                self.uncommitted += rows;
            }
        }
        if self.uncommitted >= TRANSACTION_ROWS {
            self.uncommitted = 0;
            if let Connection::Sqlite(_) = self.connection {
                self.connection.execute_raw("COMMIT; BEGIN").await?;
            }
        }
        Ok(())
    }

    async fn flush_all(&mut self) -> Result<()> {
        for table in [&mut self.folders, &mut self.files, &mut self.versions, &mut self.contents] {
            self.rows += table.flush(self.connection).await?;
        }
        Ok(())
    }
}

/// Rows on their way into a table.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    values: Vec<Value>,
}

/// Rows of one INSERT on SQLite.
const INSERT_ROWS: usize = 100;
const PENDING_ROWS_MAX: usize = 5_000;

impl Table {
    fn new(name: &'static str, columns: &'static [&'static str]) -> Table {
        Table { name, columns, values: Vec::new() }
    }

    fn add<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.values.extend(row);
    }

    fn is_full(&self) -> bool {
        self.values.len() >= PENDING_ROWS_MAX * self.columns.len()
    }

    async fn flush(&mut self, connection: &mut Connection) -> Result<u64> {
        let values = std::mem::take(&mut self.values);
        let (name, columns, width) = (self.name, self.columns.join(", "), self.columns.len());
        match connection {
            Connection::Sqlite(_) => {
                for rows in values.chunks(INSERT_ROWS * width) {
                    let one = format!("({})", vec!["?"; width].join(", "));
                    let all = vec![one; rows.len() / width].join(", ");
                    connection.execute(&format!("INSERT INTO {name} ({columns}) VALUES {all}"), rows).await?;
                }
            }
            Connection::Postgres(connection) => {
                let mut text = String::new();
                for row in values.chunks(width) {
                    let line: Vec<String> = row.iter().map(copy_text).collect();
                    text.push_str(&line.join("\t"));
                    text.push('\n');
                }
                let mut copy = connection.copy_in_raw(&format!("COPY {name} ({columns}) FROM STDIN")).await?;
                copy.send(text.as_bytes()).await?;
                copy.finish().await?;
            }
        }
        Ok((values.len() / width) as u64)
    }
}

/// A value in PostgreSQL's text format. Nothing seeded holds a character that would need an escape.
fn copy_text(value: &Value) -> String {
    match value {
        Int(value) => value.to_string(),
        Text(value) => value.clone(),
        Bool(value) => value.to_string(),
        Null => "\\N".to_string(),
    }
}
