//! Readers beside a copy of two thousand files that is built, published, renamed and moved: they see all of it at one place
//! or nothing of it, by whatever way they ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

const FOLDERS: usize = 50;
const FILES: usize = 40;
const WAIT_MAX: Duration = Duration::from_secs(90);
/// Where the copy is, one after the other.
const PLACES: [&str; 3] = ["/there/source", "/there/renamed", "/moved/renamed"];

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_all_of_a_copy_or_nothing_on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_all_of_a_copy_or_nothing_on_postgres() {
    if let Some(database) = fresh_database("readers").await {
        run(Some(&database.url)).await;
    }
}

async fn run(catalog: Option<&str>) {
    let data = tempfile::tempdir().expect("a data directory");
    let mut server = Server::start_with(Options::new(data.path()).catalog(catalog)).await;
    make_source(&server.client()).await;
    server.options_mut().set_variable("CALOTYPE_BATCH_ROWS", 20);
    server.restart().await;
    let client = server.client();
    // Ids of one server follow each other, so those of the copy can be guessed.
    let probe = client.upload("/probe", "probe.txt", b"probe".to_vec()).await.expect("an answer").expect(200);
    let seen = Arc::new(Seen::default());
    let readers = [
        tokio::spawn(lists(client.clone(), Arc::clone(&seen))),
        tokio::spawn(searches(client.clone(), Arc::clone(&seen))),
        tokio::spawn(guesses(client.clone(), Arc::clone(&seen), probe.text("fileId").to_owned())),
        tokio::spawn(downloads(client.clone(), Arc::clone(&seen))),
    ];
    run_job(&client, "copyFolder", json!({ "sourceFolderPath": "/source", "destinationPath": "/there" })).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    seen.published.store(true, Ordering::SeqCst);
    run_job(&client, "renameFolder", json!({ "folderPath": "/there/source", "newFolderName": "renamed" })).await;
    run_job(&client, "moveFolder", json!({ "sourceFolderPath": "/there/renamed", "destinationPath": "/moved" })).await;
    let enough = tokio::time::timeout(WAIT_MAX, async {
        while !seen.is_enough() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    // Looked at below.
    drop(enough.await);
    seen.over.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap_or_else(|error| panic!("{error}{}", server.log_end()));
    }
    let [nothing, whole, guessed] = [&seen.nothing, &seen.whole, &seen.guessed].map(|n| n.load(Ordering::SeqCst));
    println!("read {nothing} times before and {whole} times after the copy appeared; {guessed} ids of it were guessed");
    assert!(seen.is_enough(), "too little was read to prove anything");
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

#[derive(Default)]
struct Seen {
    nothing: AtomicU64,
    whole: AtomicU64,
    guessed: AtomicU64,
    /// The copy's job was seen to be over.
    published: AtomicBool,
    over: AtomicBool,
}

impl Seen {
    fn count(&self, whole: bool) {
        if whole { &self.whole } else { &self.nothing }.fetch_add(1, Ordering::SeqCst);
    }

    fn is_enough(&self) -> bool {
        let [nothing, whole, guessed] = [&self.nothing, &self.whole, &self.guessed].map(|n| n.load(Ordering::SeqCst));
        nothing > 10 && whole > 50 && guessed > 10
    }

    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }
}

/// Each list by itself shows forty files or none.
async fn lists(client: Client, seen: Arc<Seen>) {
    let mut number = 0;
    while seen.goes_on() {
        number = (number + 1) % FOLDERS;
        for place in PLACES {
            let found = entries(&client, &[("path", &format!("{place}/{number}"))]).await.len();
            assert!(found == 0 || found == FILES, "{place}/{number} shows {found} of {FILES} files");
            let folders = entries(&client, &[("path", place), ("type", "folder")]).await.len();
            assert!(folders == 0 || folders == FOLDERS, "{place} shows {folders} of {FOLDERS} folders");
            seen.count(found > 0);
        }
    }
}

/// A search over the whole library finds each name once in each folder of the source, or twice as often; it never loses
/// one that is just being moved.
async fn searches(client: Client, seen: Arc<Seen>) {
    let mut number = 0;
    while seen.goes_on() {
        number = (number + 1) % FILES;
        let published = seen.published.load(Ordering::SeqCst);
        let query = format!("name = \"{number}.txt\"");
        let found = entries(&client, &[("searchQuery", &query), ("limit", "1000")]).await;
        let of_copy = found.iter().filter(|file| !text(file, "filePath").starts_with("/source/")).count();
        assert_eq!(found.len() - of_copy, FOLDERS, "of the source, by {query}");
        assert!(of_copy == 0 || of_copy == FOLDERS, "{query} finds {of_copy} of {FOLDERS} in the copy");
        assert!(of_copy > 0 || !published, "{query} finds nothing of a copy that was published");
        let places = PLACES.map(|place| found.iter().filter(|file| text(file, "filePath").starts_with(place)).count());
        assert!(places.iter().all(|count| [0, FOLDERS].contains(count)), "at two places at one time: {places:?}");
        seen.count(of_copy > 0);
    }
}

/// By an id nobody was told: nothing, until all can be seen.
async fn guesses(client: Client, seen: Arc<Seen>, probe: String) {
    let (tag, number) = probe.split_at(8);
    let number = u64::from_str_radix(number, 16).expect("a hexadecimal number");
    let mut ahead = 0;
    while seen.goes_on() {
        ahead = (ahead + 7) % (FOLDERS * FILES) as u64;
        let id = format!("{tag}{:016x}", number + 1 + ahead);
        let answer = client.details(&id).await.expect("an answer");
        if answer.status == 404 {
            let versions = client.versions(&id).await.expect("an answer").status;
            assert!(versions == 404 || was_published(&client).await, "{id} has versions, and the copy is not there");
            continue;
        }
        let path = answer.expect(200).text("filePath").to_owned();
        assert!(PLACES.iter().any(|place| path.starts_with(place)), "{path}");
        assert!(was_published(&client).await, "{path} was seen by its id, and the copy is not there");
        seen.guessed.fetch_add(1, Ordering::SeqCst);
    }
}

async fn downloads(client: Client, seen: Arc<Seen>) {
    let mut number = 0;
    while seen.goes_on() {
        number = (number + 1) % FILES;
        for place in PLACES {
            let path = format!("{place}/{}/{number}.txt", (number * 7) % FOLDERS);
            let download = client.get_file(&path).await.expect("an answer");
            if download.status == 200 {
                assert_eq!(download.bytes.len(), number + 1, "{path}");
                assert!(was_published(&client).await, "{path} was delivered, and the copy is not there");
            } else {
                assert_eq!(download.status, 404, "{path}");
            }
        }
    }
}

/// Whether the copy is at one of its places; they are looked at in the order in which it goes through them, so that it
/// cannot pass by.
async fn was_published(client: &Client) -> bool {
    for place in PLACES {
        let found = entries(client, &[("path", &format!("{place}/0"))]).await.len();
        assert!(found == 0 || found == FILES, "{place}/0 shows {found} of {FILES} files");
        if found > 0 {
            return true;
        }
    }
    false
}

pub(super) async fn entries(client: &Client, query: &[(&str, &str)]) -> Vec<Value> {
    let answer = client.list_with(query).await.expect("an answer").expect(200);
    answer.body.as_array().expect("an array").clone()
}

pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().expect("a text")
}

pub(super) async fn run_job(client: &Client, call: &str, body: Value) {
    let job = client.post(&format!("/v1/bulkJobs/{call}"), body).await.expect("an answer").expect(200);
    client.wait_completed(job.text("jobId"), WAIT_MAX).await;
}

async fn make_source(client: &Client) {
    for number in 0..FILES {
        let name = format!("{number}.txt");
        client.upload("/first/pattern", &name, vec![b'x'; number + 1]).await.expect("an answer").expect(200);
    }
    for number in 0..FOLDERS {
        let made = format!("/made/{number}");
        run_job(client, "copyFolder", json!({ "sourceFolderPath": "/first/pattern", "destinationPath": made })).await;
        let pattern = format!("{made}/pattern");
        run_job(client, "renameFolder", json!({ "folderPath": pattern, "newFolderName": number.to_string() })).await;
        let from = format!("{made}/{number}");
        run_job(client, "moveFolder", json!({ "sourceFolderPath": from, "destinationPath": "/source" })).await;
    }
    for folder in ["/first", "/made"] {
        client.delete_folder(folder).await.expect("an answer").expect(204);
    }
}
