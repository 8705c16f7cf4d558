//! `calotype backup` beside a busy server, and `calotype restore`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calotype::blobs::Means;
use calotype::config::Place;
use calotype::library::backup::make;
use sqlx::{Connection, Executor};

use super::{error_of, output_of};
use crate::support::client::Client;
use crate::support::postgres::{FreshDatabase, fresh_database};
use crate::support::server::{Options, Server};

const JOB_MAX: Duration = Duration::from_secs(60);
/// Files that are there before the backup begins.
const FILES: usize = 60;

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn backup(options: &Options, to: &Path) -> std::process::Command {
    let mut command = options.command("backup");
    command.args(["--to", text(to)]);
    command
}

fn restore(options: &Options, from: &Path) -> std::process::Command {
    let mut command = options.command("restore");
    command.args(["--from", text(from)]);
    command
}

/// Uploads until it is told to stop; the paths that were acknowledged.
fn keep_uploading(client: Client, stop: Arc<AtomicBool>) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            let bytes = format!("meanwhile {number}").into_bytes();
            client.upload("/meanwhile", &format!("{number}.txt"), bytes).await.expect("an answer").expect(200);
            number += 1;
        }
        number
    })
}

/// Whoever keeps the secret apart finds no key in the backup.
#[tokio::test]
async fn a_backup_without_the_secret_opens_no_keys() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, kept) = (directory.path().join("data"), directory.path().join("kept"));
    let options = Options::new(&data).variable("CALOTYPE_SECRET", "one that is kept elsewhere, and long enough");
    let server = Server::start_with(options).await;
    // As a server leaves it that makes the first pair without a terminal; this one was given its keys.
    std::fs::write(data.join("first-keys"), "private_1\n").expect("a file");
    output_of(backup(server.options(), &kept)).await;
    let manifest = std::fs::read_to_string(kept.join("manifest.json")).expect("a manifest");
    assert!(manifest.contains(r#""holds_secret": false"#), "{manifest}");
    assert!(!kept.join("first-keys").exists(), "the first pair is in the backup, in plain text");
}

#[tokio::test]
async fn a_busy_library_is_backed_up_and_comes_back_on_sqlite() {
    busy(None, None).await;
}

#[tokio::test]
async fn a_busy_library_is_backed_up_and_comes_back_on_postgres() {
    let Some(first) = fresh_database("backup_from").await else { return };
    let second = fresh_database("backup_to").await;
    busy(Some(first), second).await;
}

async fn busy(first: Option<FreshDatabase>, second: Option<FreshDatabase>) {
    let url = |database: &Option<FreshDatabase>| database.as_ref().map(|database| database.url.clone());
    let directory = tempfile::tempdir().expect("a directory");
    let (kept, back) = (directory.path().join("kept"), directory.path().join("back"));
    let slow = Options::new(directory.path().join("data")).catalog(url(&first).as_deref());
    let slow = slow.argument("--batch-rows").argument("3").argument("--batch-pause-ms").argument("60");
    let mut server = Server::start_with(slow).await;
    let client = server.client();
    let mut acknowledged = HashMap::new();
    for number in 0..FILES {
        let (name, bytes) = (format!("{number}.txt"), format!("file {number}").into_bytes());
        let upload = client.upload("/a", &name, bytes.clone()).await.expect("an answer").expect(200);
        acknowledged.insert(upload.text("fileId").to_owned(), (format!("/a/{name}"), bytes));
    }
    let job = client.copy_folder("/a", "/b", false).await.expect("an answer").expect(200);
    let job_id = job.text("jobId").to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let uploading = keep_uploading(client.clone(), Arc::clone(&stop));

    let told = output_of(backup(server.options(), &kept)).await;
    assert!(told.contains("backed up to"), "{told}");
    assert_eq!(
        client.job_status(&job_id).await.expect("an answer").text("status"),
        "Pending",
        "the copy was under way"
    );
    let last = client.upload("/late", "late.txt", b"late".to_vec()).await.expect("an answer").expect(200);
    stop.store(true, Ordering::Relaxed);
    let meanwhile = uploading.await.expect("the uploads");
    server.term().await;
    server.fsck().await;

    let place = Options::new(&back).catalog(url(&second).as_deref());
    output_of(restore(&place, &kept)).await;
    output_of(place.fsck()).await;
    let mut restored = Server::start_with(place.clone()).await;
    let client = restored.client();
    for (id, (path, bytes)) in &acknowledged {
        assert_eq!(client.details(id).await.expect("an answer").expect(200).text("filePath"), path);
        assert_eq!(&client.get_file(path).await.expect("an answer").bytes, bytes, "{path}");
    }
    client.wait_completed(&job_id, JOB_MAX).await;
    assert_eq!(client.list_all("/b/a").await.expect("a listing").len(), FILES);
    for entry in client.list_all("/meanwhile").await.unwrap_or_default() {
        let path = entry["filePath"].as_str().expect("a path").to_owned();
        assert!(client.get_file(&path).await.expect("an answer").bytes.starts_with(b"meanwhile "), "{path}");
    }
    assert!(client.list_all("/meanwhile").await.unwrap_or_default().len() <= meanwhile);
    // What came after the backup is gone, and its id means nothing else now.
    client.details(last.text("fileId")).await.expect("an answer").expect(404);
    let fresh = client.upload("/late", "new.txt", b"new".to_vec()).await.expect("an answer").expect(200);
    assert_ne!(fresh.text("fileId"), last.text("fileId"));
    client.details(last.text("fileId")).await.expect("an answer").expect(404);
    restored.term().await;
    restored.fsck().await;

    again(&restored, &kept).await;
    let error = error_of(restore(&place, &kept)).await;
    assert!(error.contains("is not empty"), "{error}");
}

/// A second backup into the same directory brings what is new only, and takes the place of the first.
async fn again(server: &Server, kept: &Path) {
    let told = output_of(backup(server.options(), kept)).await;
    assert!(!told.contains("(0 were there"), "{told}");
    let catalogs = std::fs::read_dir(kept)
        .expect("the backup")
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("catalog-")));
    assert_eq!(catalogs.count(), 1, "the catalog of the first backup is gone");
}

#[tokio::test]
async fn copies_are_compared_and_what_is_damaged_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, kept) = (directory.path().join("data"), directory.path().join("kept"));
    let mut server = Server::start(&data, None).await;
    let client = server.client();
    for name in ["good.txt", "bad.txt"] {
        client.upload("/", name, name.as_bytes().to_vec()).await.expect("an answer").expect(200);
    }
    server.term().await;
    let bad = blob_files(&data).into_iter().find(|path| std::fs::read(path).is_ok_and(|bytes| bytes == b"bad.txt"));
    std::fs::write(bad.expect("its blob"), b"b?d.txt").expect("a disk forgets");
    let mut command = backup(server.options(), &kept);
    command.arg("--copy");
    let error = error_of(command).await;
    assert!(error.contains("1 blobs are missing or damaged; everything else is there"), "{error}");

    let other = Server::start(&directory.path().join("other"), None).await;
    let error = error_of(backup(other.options(), &kept)).await;
    assert!(error.contains("belongs to library"), "a backup of another library is not overwritten: {error}");
    let catalog = std::fs::read_dir(&kept).expect("the backup").filter_map(Result::ok).map(|entry| entry.path());
    let catalog = catalog.into_iter().find(|path| text(path).ends_with(".db")).expect("the catalog");
    let mut bytes = std::fs::read(&catalog).expect("the catalog");
    bytes[5000] ^= 1;
    std::fs::write(&catalog, bytes).expect("a disk forgets");
    let error = error_of(restore(&Options::new(directory.path().join("back")), &kept)).await;
    assert!(error.contains("not what the manifest says"), "{error}");
    let error = error_of(restore(&Options::new(directory.path().join("back")), &data)).await;
    assert!(error.contains("no whole backup"), "{error}");
    assert!(!directory.path().join("back").exists(), "nothing is made before the backup is known to be whole");
}

fn blob_files(data: &Path) -> Vec<std::path::PathBuf> {
    let entries = |dir: &Path| -> Vec<_> {
        std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
    };
    entries(&data.join("blobs/blobs")).iter().flat_map(|shard| entries(shard)).collect()
}

#[tokio::test]
async fn a_backup_of_nothing_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("nothing"));
    let error = error_of(backup(&options, &directory.path().join("kept"))).await;
    assert!(error.contains("there is no library in"), "{error}");
    assert!(!directory.path().join("kept").exists() && !directory.path().join("nothing").exists());
}

/// As if the backup had slept, and a server had swept and given its lease up meanwhile.
const SOMEBODY_SWEPT: &str = "UPDATE sweep_lease SET owner = 'somebody', lease_until = 0";

#[tokio::test]
async fn a_backup_that_lost_its_hold_on_the_sweep_is_none_on_sqlite() {
    lost_hold(None).await;
}

#[tokio::test]
async fn a_backup_that_lost_its_hold_on_the_sweep_is_none_on_postgres() {
    let Some(database) = fresh_database("backup_hold").await else { return };
    lost_hold(Some(database)).await;
}

async fn lost_hold(database: Option<FreshDatabase>) {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, kept) = (directory.path().join("data"), directory.path().join("kept"));
    let catalog = database.as_ref().map_or("sqlite".to_owned(), |database| database.url.clone());
    let options = Options::new(&data).catalog(database.as_ref().map(|database| database.url.as_str()));
    let mut server = Server::start_with(options).await;
    server.client().upload("/", "a.txt", b"a".to_vec()).await.expect("an answer").expect(200);
    server.term().await;

    let place = Place { data, catalog, blobs: None, secret: None };
    let sleep = || {
        let (file, url) = (format!("sqlite://{}", place.data.join("catalog.db").display()), place.catalog.clone());
        let is_sqlite = place.is_sqlite();
        // A thread, because progress is told by a call that cannot wait.
        let swept = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                if is_sqlite {
                    let mut catalog = sqlx::SqliteConnection::connect(&file).await.expect("the catalog");
                    catalog.execute(SOMEBODY_SWEPT).await.expect("a row");
                } else {
                    let mut catalog = sqlx::PgConnection::connect(&url).await.expect("the catalog");
                    catalog.execute(SOMEBODY_SWEPT).await.expect("a row");
                }
            });
        });
        swept.join().expect("no panic");
    };
    let error = make(&place, &kept, Means::Copy, &|_| sleep()).await.expect_err("nobody knows what is missing");
    assert!(error.to_string().contains("make it again"), "{error}");
    assert!(!kept.join("manifest.json").exists(), "it is no backup");
    make(&place, &kept, Means::Copy, &|_| ()).await.expect("another one");
    assert!(kept.join("manifest.json").exists());
}
