//! Libraries of earlier schemas, opened by this binary.
//!
//! `tests/fixtures` holds one library of the first schema for each database, made by the binary of that time: folders, files
//! with older versions, private and unpublished ones, a folder in the trash, two finished jobs, and a server that was killed
//! in the middle of a third. The one for SQLite is a data directory; the one for PostgreSQL is a backup, whose rows are
//! loaded into the schema of that time and then brought up to date. Libraries of the schemas since are made of these two,
//! on both databases: one migration after the other is run, and after each something is written that only it can keep.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::{Connection, Executor};

use super::{error_of, output_of};
use crate::support::catalog::execute;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

const JOB_MAX: Duration = Duration::from_secs(30);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("the fixture") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[tokio::test]
async fn a_data_directory_of_the_first_schema_is_brought_up_to_date() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    copy_directory(&fixture("first-light-sqlite"), &data);
    all_is_there(&Options::new(&data)).await;
}

/// What each schema is given to keep that the one before it could not. The first is the fixture's.
const KEPT: [&str; 12] = [
    "UPDATE content SET description = 'kept since 2', ai_tags = '[{\"name\":\"sea\",\"confidence\":90,\"source\":\"x\"}]',
        custom_metadata = '{\"shelf\":\"upper\"}' WHERE id = (SELECT content_id FROM file WHERE name = 'dot.png');
     UPDATE file SET newest = 7 WHERE name = 'dot.png';
     INSERT INTO purge_request (id, url, created) VALUES (77, '/kept*', 1)",
    "UPDATE api_key SET name = 'kept since 3'",
    "INSERT INTO upload_token (digest, until) VALUES ('kept since 4', 9999999999999)",
    "INSERT INTO custom_field (id, name, label, schema, description, created, updated)
        VALUES (78, 'shelf', 'Shelf', '{\"type\":\"Text\"}', NULL, 1, 1);
     UPDATE custom_field_edition SET edition = edition + 1",
    "UPDATE sweep_lease SET owner = 'a server that is gone', lease_until = 1;
     INSERT INTO blob_garbage (blob_id) VALUES (79)",
    "UPDATE job SET turns = 3 WHERE phase <> 'done';
     INSERT INTO job_lock (key, mode, job_id) SELECT 'kept since 7', 'X', id FROM job WHERE phase <> 'done'",
    "INSERT INTO blob_block (first_id, last_id, owner, seen) VALUES (1000001, 1000256, 'kept since 8', 1)",
    "UPDATE sweep_lease SET searches = 1",
    // A page of a merge is empty between transactions.
    "UPDATE merge_pair SET depth = 10",
    "UPDATE merge_pair SET depth = 11",
    "UPDATE merge_pair SET depth = 12",
    "UPDATE content SET playback = '{\"duration\":13.0}' WHERE id = (SELECT content_id FROM file WHERE name = 'dot.png')",
];

#[tokio::test]
async fn data_directories_of_all_schemas_since_are_brought_up_to_date() {
    let (migrator, newest) = migrations("sqlite").await;
    for schema in 2..=newest {
        eprintln!("schema {schema}");
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        copy_directory(&fixture("first-light-sqlite"), &data);
        let file = format!("sqlite://{}", data.join("catalog.db").display());
        let mut catalog = sqlx::SqliteConnection::connect(&file).await.expect("the catalog");
        for (schema, kept) in (2..=schema).zip(KEPT) {
            migrator.run_to(schema, &mut catalog).await.expect("a migration");
            catalog.execute(kept).await.expect("something to keep");
        }
        catalog.close().await.expect("closed");
        let options = Options::new(&data);
        all_is_there(&options).await;
        what_was_given_is_there(&options, schema).await;
        rows_are_there(None, &data.join("catalog.db"), schema).await;
    }
}

#[tokio::test]
async fn postgres_catalogs_of_all_schemas_since_are_brought_up_to_date() {
    let (migrator, newest) = migrations("postgres").await;
    for schema in 2..=newest {
        let Some(database) = fresh_database("upgrades").await else { return };
        eprintln!("schema {schema}");
        let directory = tempfile::tempdir().expect("a directory");
        let data = directory.path().join("data");
        let kept = fixture("first-light-postgres");
        copy_directory(&kept.join("blobs"), &data.join("blobs"));
        std::fs::copy(kept.join("secret"), data.join("secret")).expect("the secret");
        let mut catalog = sqlx::PgConnection::connect(&database.url).await.expect("the catalog");
        migrator.run_to(1, &mut catalog).await.expect("the first schema");
        load_rows(&mut catalog, &kept.join("catalog-1795463148999.rows")).await;
        for (schema, kept) in (2..=schema).zip(KEPT) {
            migrator.run_to(schema, &mut catalog).await.expect("a migration");
            catalog.execute(kept).await.expect("something to keep");
        }
        catalog.close().await.expect("closed");
        let options = Options::new(&data).catalog(Some(&database.url));
        all_is_there(&options).await;
        what_was_given_is_there(&options, schema).await;
        rows_are_there(Some(&database.url), &data, schema).await;
    }
}

/// Rows that no request shows, each with the schema since which there are such.
const ROWS: [(i64, &str); 2] = [
    (4, "UPDATE upload_token SET until = until WHERE digest = 'kept since 4'"),
    (6, "UPDATE blob_garbage SET blob_id = blob_id WHERE blob_id = 79"),
];

/// They were kept, and the job that was under way has given up what it held.
async fn rows_are_there(url: Option<&str>, file: &Path, schema: i64) {
    for (since, row) in ROWS.iter().filter(|(since, _)| *since <= schema) {
        assert_eq!(execute(url, file, row).await, 1, "what was kept since {since}");
    }
    assert_eq!(execute(url, file, "DELETE FROM job_lock").await, 0, "locks of a finished job");
}

/// The migrations of a database, and the number of the newest.
async fn migrations(database: &str) -> (Migrator, i64) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
    let newest = std::fs::read_dir(&directory).expect("migrations").count();
    assert_eq!(KEPT.len(), newest - 1, "each schema is given something to keep");
    (Migrator::new(directory).await.expect("migrations"), i64::try_from(newest).expect("few"))
}

/// Loads the rows of a backup into the schema that it was made of.
async fn load_rows(catalog: &mut sqlx::PgConnection, file: &Path) {
    let text = std::fs::read_to_string(file).expect("the rows");
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let section: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        if let Some(sequence) = section["sequence"].as_str() {
            let set = format!("SELECT setval('{sequence}', {})", section["value"]);
            catalog.execute(sqlx::AssertSqlSafe(set)).await.expect("a sequence");
            continue;
        }
        let table = section["table"].as_str().expect("a table");
        let columns: Vec<_> = section["columns"].as_array().expect("columns").iter().map(ToString::to_string).collect();
        catalog.execute(sqlx::AssertSqlSafe(format!("TRUNCATE {table}"))).await.expect("an empty table");
        let into = format!("COPY {table} ({}) FROM STDIN", columns.join(", "));
        let mut copy = catalog.copy_in_raw(&into).await.expect("a copy");
        let rows: String = lines.by_ref().take_while(|line| *line != "\\.").flat_map(|row| [row, "\n"]).collect();
        copy.send(rows.as_bytes()).await.expect("rows");
        copy.finish().await.expect("the table");
    }
}

/// A library of this schema, which [`all_is_there`] has opened, shows what it and those before it were given to keep. What it
/// was given for the sweep and for a merge is read by those, and `fsck` looks at it.
async fn what_was_given_is_there(options: &Options, schema: i64) {
    let mut server = Server::start_with(options.clone()).await;
    let client = server.client();
    let images = client.list("/images").await.expect("a listing").expect(200);
    let dot = &images.body[0];
    assert_eq!(dot["description"], "kept since 2", "{dot:#}");
    assert_eq!(dot["AITags"][0]["name"], "sea");
    let newer = client.upload("/images", "dot.png", b"another".to_vec()).await.expect("an answer").expect(200);
    assert_eq!(newer.body["versionInfo"]["name"], "Version 8", "numbers go on");
    if schema >= 3 {
        assert!(output_of(options.command("keys list")).await.contains("kept since 3"));
    }
    if schema >= 5 {
        assert_eq!(dot["customMetadata"]["shelf"], "upper", "{dot:#}");
    }
    assert_eq!(dot["duration"], if schema >= 13 { 13.into() } else { serde_json::Value::Null }, "{dot:#}");
    server.term().await;
    server.assert_no_panic();
    server.fsck().await;
}

#[tokio::test]
async fn a_postgres_backup_of_the_first_schema_is_brought_up_to_date() {
    let Some(database) = fresh_database("upgrade").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).catalog(Some(&database.url));
    let mut restore = options.command("restore");
    output_of({
        restore.arg("--from").arg(fixture("first-light-postgres"));
        restore
    })
    .await;
    all_is_there(&options).await;
}

/// Everything that was put into the fixture is found, and the job that was under way comes to its end.
async fn all_is_there(options: &Options) {
    output_of(options.fsck()).await;
    let mut server = Server::start_with(options.clone()).await;
    let client = server.client();
    let names = async |path: &str| -> Vec<String> {
        let entries = client.list_all(path).await.expect("a listing");
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry["name"].as_str().expect("a name").into()).collect();
        names.sort();
        names
    };
    assert_eq!(names("/backup/2024").await.len(), 7);
    assert_eq!(names("/images").await, ["dot.png"]);
    assert_eq!(names("/Österreich").await, ["größe.txt"]);
    let photos = names("/holiday/2024").await;
    assert_eq!(
        photos,
        ["abbey", "photo-1.txt", "photo-2.txt", "photo-3.txt", "photo-4.txt", "photo-5.txt", "photo-6.txt"]
    );

    assert_eq!(client.get_file("/holiday/2024/photo-1.txt").await.expect("bytes").bytes, b"photo 1, third version");
    assert_eq!(client.get_file("/backup/2024/photo-6.txt").await.expect("bytes").bytes, b"photo 6");
    assert_eq!(client.get_file("/images/dot.png").await.expect("bytes").bytes.len(), 70);
    assert_eq!(client.get_file("/%C3%96sterreich/gr%C3%B6%C3%9Fe.txt").await.expect("bytes").bytes, b"names");
    assert_eq!(client.get_file("/holiday/2024/abbey/secret.txt").await.expect("an answer").status, 401);
    assert_eq!(client.get_file("/holiday/2024/abbey/draft.txt").await.expect("an answer").status, 404);
    assert_eq!(client.get_file("/old/gone.txt").await.expect("an answer").status, 404);
    let files = client.list("/holiday/2024").await.expect("a listing").expect(200);
    let first = files.body.as_array().expect("files").iter().find(|file| file["name"] == "photo-1.txt").expect("it");
    let versions = client.versions(first["fileId"].as_str().expect("an id")).await.expect("an answer").expect(200);
    assert_eq!(versions.body.as_array().expect("versions").len(), 3);

    let finished = tokio::time::timeout(JOB_MAX, async {
        while names("/later").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    finished.await.expect("the copy goes on");
    assert_eq!(names("/later/2024").await, photos);
    client.upload("/holiday/2024", "photo-1.txt", b"a fourth".to_vec()).await.expect("an answer").expect(200);
    server.term().await;
    server.assert_no_panic();
    server.fsck().await;
}

/// What the operator reads shows the message of this version.
const OPERATIONS: &str = include_str!("../../../docs/operations.md");

/// A migration that no version of this program has.
const FROM_THE_FUTURE: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 9999, 'from the future', success, checksum, execution_time FROM _sqlx_migrations LIMIT 1";

#[tokio::test]
async fn a_catalog_of_a_newer_version_is_refused_on_sqlite() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    copy_directory(&fixture("first-light-sqlite"), &data);
    output_of(Options::new(&data).fsck()).await;
    let file = format!("sqlite://{}", data.join("catalog.db").display());
    let mut catalog = sqlx::SqliteConnection::connect(&file).await.expect("the catalog");
    catalog.execute(FROM_THE_FUTURE).await.expect("a row");
    catalog.close().await.expect("closed");
    newer_is_refused(&Options::new(&data), directory.path()).await;
}

#[tokio::test]
async fn a_catalog_of_a_newer_version_is_refused_on_postgres() {
    let Some(database) = fresh_database("newer").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).catalog(Some(&database.url));
    let mut server = Server::start_with(options.clone()).await;
    server.term().await;
    let mut catalog = sqlx::PgConnection::connect(&database.url).await.expect("the catalog");
    catalog.execute(FROM_THE_FUTURE).await.expect("a row");
    catalog.close().await.expect("closed");
    newer_is_refused(&options, directory.path()).await;
}

async fn newer_is_refused(options: &Options, directory: &Path) {
    let error = error_of(options.serve_plainly()).await;
    assert!(OPERATIONS.contains(&error), "docs/operations.md shows another message than {error}");
    let mut backup = options.command("backup");
    backup.arg("--to").arg(directory.join("kept"));
    for command in [options.fsck(), backup] {
        let error = error_of(command).await;
        assert!(error.contains("schema 9999") && error.contains("version that made it"), "{error}");
    }
}
