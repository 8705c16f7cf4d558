//! A full disk: a clear error, nothing lost, and recovery without help.
//!
//! The data directory is on a small file system in memory, which takes root to mount. A ballast file beside the data
//! takes the room, and is deleted as an administrator would delete something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::support::client::{Answer, Client};
use crate::support::server::{Options, Server, setting};

const JOB_MAX: Duration = Duration::from_secs(60);
/// Temporary files of a failed upload may go a moment after its answer.
const ROOM_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn uploads_fail_cleanly_on_a_full_disk_and_work_again_when_there_is_room() {
    const SIZE: usize = 512 * 1024;
    let Some(disk) = SmallDisk::mount("32m") else { return };
    disk.fill_leaving(12 * 1024 * 1024);
    let mut server = Server::start(&disk.data(), None).await;
    let client = server.client();

    let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut refused = None;
    for number in 0..100 {
        let (name, bytes) = (format!("picture{number}.bin"), bytes_of(number, SIZE));
        let answer = client.upload("/full", &name, bytes.clone()).await.expect("an answer, also on a full disk");
        if answer.status != 200 {
            assert_is_clear_error(&answer);
            refused = Some(number);
            break;
        }
        kept.insert(name, bytes);
    }
    let refused = refused.expect("a disk of 32 MB does not hold 50 MB");
    assert!(kept.len() > 3, "the disk was full after {} uploads: the test is not set up as it should be", kept.len());

    // Also to the last byte, and also with uploads that fail in other places: the blob, the log, or nowhere.
    disk.fill_leaving(0);
    for number in 1000..1020 {
        let size = [1, 2_000, 40_000, SIZE][number % 4];
        // Some of them would be a new version of what is there.
        let name = if number % 3 == 0 { "picture0.bin".to_owned() } else { format!("late{number}.bin") };
        let bytes = bytes_of(number, size);
        let answer = client.upload("/full", &name, bytes.clone()).await.expect("an answer, also on a full disk");
        match answer.status {
            200 => _ = kept.insert(name, bytes),
            _ => assert_is_clear_error(&answer),
        }
    }
    assert_holds_exactly(&client, "/full", &kept).await;

    // Everything that failed has given its room back: the ballast's is enough for these.
    disk.free();
    let until = Instant::now() + ROOM_MAX;
    loop {
        let bytes = bytes_of(refused, SIZE);
        let answer = client.upload("/full", "after.bin", bytes.clone()).await.expect("an answer");
        if answer.status == 200 {
            kept.insert("after.bin".to_owned(), bytes);
            break;
        }
        assert_is_clear_error(&answer);
        assert!(Instant::now() < until, "uploads still fail {ROOM_MAX:?} after there is room: {answer:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for number in 2000..2010 {
        let (name, bytes) = (format!("new{number}.bin"), bytes_of(number, SIZE));
        client.upload("/full", &name, bytes.clone()).await.expect("an answer").expect(200);
        kept.insert(name, bytes);
    }
    assert_holds_exactly(&client, "/full", &kept).await;
    server.assert_no_panic();

    server.term().await;
    server.fsck().await;
    server.restart().await;
    assert_holds_exactly(&server.client(), "/full", &kept).await;
}

#[tokio::test]
async fn a_large_upload_that_does_not_fit_leaves_nothing() {
    let Some(disk) = SmallDisk::mount("24m") else { return };
    let mut server = Server::start(&disk.data(), None).await;
    let client = server.client();
    let small = bytes_of(1, 10_000);
    client.upload("/kept", "small.bin", small.clone()).await.expect("an answer").expect(200);
    let free_before = disk.free_bytes();

    for attempt in 0..5 {
        // The server may stop reading: then the client may see a broken connection instead of the answer.
        if let Ok(answer) = client.upload("/too/large", "large.bin", bytes_of(attempt, 40 * 1024 * 1024)).await {
            assert_is_clear_error(&answer);
        }
        assert!(server.is_running(), "attempt {attempt}{}", server.log_end());
    }
    let room = tokio::time::timeout(ROOM_MAX, async {
        // The catalog may have grown by a few pages.
        while disk.free_bytes() + 2 * 1024 * 1024 < free_before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let room = room.await;
    assert!(room.is_ok(), "of {free_before} bytes only {} are free again{}", disk.free_bytes(), server.log_end());
    let listed = client.list_all("/").await.expect("an answer");
    let names: Vec<&str> = listed.iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(names, ["kept"], "a failed upload makes no folder");
    assert_holds_exactly(&client, "/kept", &BTreeMap::from([("small.bin".to_owned(), small)])).await;
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

#[tokio::test]
async fn a_folder_copy_waits_on_a_full_disk_and_completes_by_itself() {
    const FILES_PER_FOLDER: usize = 40;
    const DOUBLINGS: usize = 7;
    /// A small part of what the copy writes: about 5,000 rows with their indexes.
    const LOG_BYTES_BEFORE_FULL: u64 = 150_000;
    let Some(disk) = SmallDisk::mount("64m") else { return };
    let options = Options::new(disk.data()).variable("CALOTYPE_BATCH_ROWS", 200);
    let mut server = Server::start_with(options).await;
    let client = server.client();

    // A library big enough that its copy cannot fit into what the log has left: each doubling copies the last one twice.
    for number in 0..FILES_PER_FOLDER {
        let name = format!("a-name-of-some-length-{number}.bin");
        client.upload("/d0", &name, bytes_of(number, 100 + number)).await.expect("an answer").expect(200);
    }
    for doubling in 0..DOUBLINGS {
        for side in ["left", "right"] {
            let destination = format!("/d{}/{side}", doubling + 1);
            let job =
                client.copy_folder(&format!("/d{doubling}"), &destination, false).await.expect("an answer").expect(200);
            client.wait_completed(job.text("jobId"), JOB_MAX).await;
        }
    }
    let source = format!("/d{DOUBLINGS}");
    let files = FILES_PER_FOLDER << DOUBLINGS;

    // A clean stop empties the log, so that it has to grow; a pause after each batch leaves time to fill the disk.
    server.term().await;
    server.options_mut().set_variable("CALOTYPE_BATCH_PAUSE_MS", 20);
    server.restart().await;
    let client = server.client();
    let begun = Instant::now();
    let rehearsal = client.copy_folder(&source, "/rehearsal", false).await.expect("an answer").expect(200);
    client.wait_completed(rehearsal.text("jobId"), JOB_MAX).await;
    let copy_time = begun.elapsed();
    server.term().await;
    server.restart().await;
    let client = server.client();

    let job = client.copy_folder(&source, "/copied", false).await.expect("an answer").expect(200);
    let job_id = job.text("jobId");
    // Somewhere in the middle: the log has begun to grow with the rows of the copy.
    let log = disk.data().join("catalog.db-wal");
    let growing = tokio::time::timeout(JOB_MAX, async {
        while std::fs::metadata(&log).map_or(0, |log| log.len()) < LOG_BYTES_BEFORE_FULL {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    growing.await.expect("the log grows with the copy");
    disk.fill_leaving(0);
    let status = client.job_status(job_id).await.expect("an answer").expect(200);
    assert_eq!(
        status.text("status"),
        "Pending",
        "the disk was filled too late: the test is not set up as it should be"
    );

    // Far longer than it would take. The server stays in service meanwhile.
    let until = Instant::now() + copy_time * 2 + Duration::from_secs(1);
    while Instant::now() < until {
        let status = client.job_status(job_id).await.expect("an answer").expect(200);
        assert_eq!(status.text("status"), "Pending", "completed without room for its rows{}", server.log_end());
        let download = client.get_file("/d0/a-name-of-some-length-0.bin").await.expect("an answer");
        assert!(download.status == 200 && download.bytes == bytes_of(0, 100), "GET while the disk is full");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let partial = client.list_all("/copied").await.expect("an answer");
    assert!(partial.is_empty(), "a copy onto a free name shows all or nothing: {partial:#?}");
    let upload = client.upload("/full", "refused.bin", bytes_of(1, 100_000)).await.expect("an answer");
    assert_is_clear_error(&upload);
    assert!(server.is_running(), "{}", server.log_end());

    disk.free();
    client.wait_completed(job_id, JOB_MAX).await;
    let copied = format!("/copied{source}");
    let (copied, original) = (paths_below(&client, &copied).await, paths_below(&client, &source).await);
    assert_eq!(copied.difference(&original).next(), None, "too much was copied");
    assert_eq!(original.difference(&copied).next(), None, "too little was copied");
    assert_eq!(copied.iter().filter(|path| path.ends_with(".bin")).count(), files);
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

/// Any bytes that no other upload of the test has.
fn bytes_of(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 3 * 7 + number * 13 + at % 5 * number) as u8).collect()
}

/// What the contract asks of an error, with one of the statuses that fit.
#[track_caller]
fn assert_is_clear_error(answer: &Answer) {
    assert!([500, 507].contains(&answer.status), "not the status of a full disk: {answer:#?}");
    for field in ["message", "help"] {
        assert!(!answer.text(field).is_empty(), "{answer:#?}");
    }
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")), "{answer:#?}");
    assert!(answer.header("x-ik-requestid").is_some(), "{answer:#?}");
}

/// The folder lists these files and no others, and each has its bytes.
async fn assert_holds_exactly(client: &Client, folder: &str, files: &BTreeMap<String, Vec<u8>>) {
    let entries = client.list_all(folder).await.expect("an answer to a listing");
    let listed: BTreeMap<&str, u64> =
        entries.iter().map(|entry| (field(entry, "name"), entry["size"].as_u64().unwrap_or(u64::MAX))).collect();
    let expected: BTreeMap<&str, u64> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.len() as u64)).collect();
    assert_eq!(listed, expected, "the files of {folder}");
    assert_eq!(entries.len(), expected.len(), "a name is listed twice: {entries:#?}");
    for (name, bytes) in files {
        let download = client.get_file(&format!("{folder}/{name}")).await.expect("an answer to a download");
        assert_eq!(download.status, 200, "GET of {folder}/{name}");
        assert!(download.bytes == *bytes, "{folder}/{name} has not the bytes that were acknowledged");
    }
}

/// All files with their sizes and all folders, relative to a folder.
async fn paths_below(client: &Client, root: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in client.list_all(&folder).await.expect("an answer to a listing") {
            let path = format!("{folder}/{}", field(&entry, "name"));
            let size = entry["size"].as_u64().map_or_else(String::new, |size| format!(" {size}.bin"));
            assert!(paths.insert(format!("{}{size}", &path[root.len()..])), "{path} is listed twice");
            if entry["type"] == "folder" {
                folders.push(path);
            }
        }
    }
    paths
}

fn field<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_else(|| panic!("no text in {name:?} of {entry}"))
}

/// A file system of a few megabytes. Dropping it unmounts it.
struct SmallDisk {
    mount_point: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` without the right to mount; on CI that is a failure.
    fn mount(size: &str) -> Option<SmallDisk> {
        let mount_point = tempfile::Builder::new().prefix("calotype-disk-").tempdir().expect("a mount point");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "calotype-test"])
            .arg(mount_point.path())
            .output();
        let refusal = match mounted {
            Ok(output) if output.status.success() => return Some(SmallDisk { mount_point }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(setting("CI").is_none(), "CI must test a full disk, as root: {refusal}");
        println!("skipped: a small file system can only be mounted by root ({refusal})");
        None
    }

    fn data(&self) -> PathBuf {
        self.mount_point.path().join("data")
    }

    fn ballast(&self) -> PathBuf {
        self.mount_point.path().join("ballast")
    }

    /// Writes ballast until nothing fits any more, then takes some back.
    fn fill_leaving(&self, bytes: u64) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).expect("the ballast file");
        for chunk in [vec![0; 64 * 1024], vec![0; 4096]] {
            loop {
                match ballast.write_all(&chunk) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the ballast: {error}"),
                }
            }
        }
        let length = ballast.metadata().expect("the ballast's length").len();
        ballast.set_len(length.saturating_sub(bytes)).expect("the ballast gets shorter");
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast can be deleted");
    }

    fn free_bytes(&self) -> u64 {
        free_bytes(self.mount_point.path())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a server that is still being killed may have files open.
        let unmounted = Command::new("umount").arg("--lazy").arg(self.mount_point.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("could not unmount {}", self.mount_point.path().display());
        }
    }
}

fn free_bytes(path: &Path) -> u64 {
    let output = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(path).output().expect("df starts");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("df printed {text}"))
}
