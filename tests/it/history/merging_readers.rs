//! Readers beside a copy and a move that are merged into folders which have half of the names. What the target lacks
//! appears there once and for good; what a move takes is at exactly one of two places in every answer; a name that both
//! have shows the old file or the new one with the old one in its history, under one id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use super::readers::{WAIT_MAX, entries, make_tree, run_job, text};
use crate::support::client::Client;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

const FOLDERS: usize = 20;
const FILES: usize = 24;
/// Added to the size of a file by its namesake in the target.
const OTHER_BYTES: usize = 1_000;
/// Where the source goes: first a copy of it, then itself.
const TARGETS: [&str; 2] = ["/copied/source", "/moved/source"];

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_each_file_of_a_merge_at_one_place_on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_each_file_of_a_merge_at_one_place_on_postgres() {
    if let Some(database) = fresh_database("merging_readers").await {
        run(Some(&database.url)).await;
    }
}

async fn run(catalog: Option<&str>) {
    let data = tempfile::tempdir().expect("a data directory");
    let mut server = Server::start_with(Options::new(data.path()).catalog(catalog)).await;
    let client = server.client();
    let files: Vec<_> = (0..FILES).map(|number| (number, number + 1)).collect();
    make_tree(&client, "/source", 0..FOLDERS, &files).await;
    let others: Vec<_> = (0..FILES).step_by(2).map(|number| (number, OTHER_BYTES + number)).collect();
    for target in TARGETS {
        make_tree(&client, target, (0..FOLDERS).step_by(2), &others).await;
    }
    server.options_mut().set_variable("CALOTYPE_BATCH_ROWS", 10);
    server.options_mut().set_variable("CALOTYPE_BATCH_PAUSE_MS", 10);
    server.restart().await;
    let client = server.client();
    for (target, is_move) in TARGETS.into_iter().zip([false, true]) {
        let seen = Arc::new(Seen::default());
        let readers = [
            tokio::spawn(searches(client.clone(), Arc::clone(&seen), target, is_move)),
            tokio::spawn(namesakes(client.clone(), Arc::clone(&seen), target)),
        ];
        let call = if is_move { "moveFolder" } else { "copyFolder" };
        let destination = target.strip_suffix("/source").expect("a target");
        run_job(&client, call, json!({ "sourceFolderPath": "/source", "destinationPath": destination })).await;
        // Time for one more look at what has become of it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        seen.over.store(true, Ordering::SeqCst);
        for reader in readers {
            tokio::time::timeout(WAIT_MAX, reader)
                .await
                .expect("a reader that ends")
                .unwrap_or_else(|error| panic!("{error}{}", server.log_end()));
        }
        let [before, between, after] = [&seen.before, &seen.between, &seen.after].map(|n| n.load(Ordering::SeqCst));
        println!("{target}: read {before} times before, {between} times within and {after} times after the merge");
        assert!(between > 0 && after > 0, "too little was read to prove anything");
        for number in 0..FILES {
            let found = found(&client, number).await;
            assert_eq!(found.get(target).map(BTreeSet::len), Some(FOLDERS), "{number}.txt in {target}");
            let left = found.get("/source").map_or(0, BTreeSet::len);
            assert_eq!(left, if is_move { 0 } else { FOLDERS }, "{number}.txt in the source");
        }
    }
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

#[derive(Default)]
struct Seen {
    before: AtomicU64,
    between: AtomicU64,
    after: AtomicU64,
    over: AtomicBool,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }
}

/// Where a search over the whole library finds a name: the numbers of the folders, by tree.
async fn found(client: &Client, number: usize) -> BTreeMap<String, BTreeSet<usize>> {
    let query = format!("name = \"{number}.txt\"");
    let mut found: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for file in entries(client, &[("searchQuery", &query), ("limit", "1000")]).await {
        let path = text(&file, "filePath");
        let mut parts = path.rsplitn(3, '/').skip(1);
        let folder = parts.next().and_then(|folder| folder.parse().ok()).expect("a folder with a number");
        let tree = parts.next().expect("a tree").to_owned();
        assert!(tree == "/source" || TARGETS.contains(&tree.as_str()), "{path}");
        assert!(found.entry(tree).or_default().insert(folder), "{path} is there twice");
    }
    found
}

async fn searches(client: Client, seen: Arc<Seen>, target: &str, is_move: bool) {
    let mut reached: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut number = 0;
    while seen.goes_on() {
        number = (number + 1) % FILES;
        let found = found(&client, number).await;
        let none = BTreeSet::new();
        let [source, there] = ["/source", target].map(|tree| found.get(tree).unwrap_or(&none));
        for folder in 0..FOLDERS {
            let (in_source, in_target) = (source.contains(&folder), there.contains(&folder));
            let is_namesake = number.is_multiple_of(2) && folder.is_multiple_of(2);
            match (is_move, is_namesake) {
                (false, _) => assert!(in_source, "{folder}/{number}.txt is missing in the source of a copy"),
                (true, false) => {
                    assert!(in_source != in_target, "{folder}/{number}.txt: source {in_source}, target {in_target}");
                }
                (true, true) => {}
            }
            assert!(in_target || !is_namesake, "{folder}/{number}.txt is missing in the target");
        }
        let before = reached.insert(number, there.clone()).unwrap_or_default();
        assert!(before.is_subset(there), "{number}.txt has left the target: {before:?}, {there:?}");
        let at_first = if number.is_multiple_of(2) { FOLDERS / 2 } else { 0 };
        let counter = match there.len() {
            count if count == at_first => &seen.before,
            FOLDERS => &seen.after,
            _ => &seen.between,
        };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

/// A file of the target that the source has too: one id, and either version with all before it.
async fn namesakes(client: Client, seen: Arc<Seen>, target: &str) {
    let mut ids: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let mut turn = 0;
    while seen.goes_on() {
        turn += 1;
        let (folder, number) = ((turn * 2) % FOLDERS, (turn * 6) % FILES);
        let path = format!("{target}/{folder}");
        let listed = entries(&client, &[("path", &path), ("limit", "1000")]).await;
        let name = format!("{number}.txt");
        let file = listed.iter().find(|file| text(file, "name") == name).expect("a file that both have");
        let id = ids.entry((folder, number)).or_insert_with(|| text(file, "fileId").to_owned());
        assert_eq!(text(file, "fileId"), id, "{path}/{name}");
        let versions = client.versions(id).await.expect("an answer").expect(200).body;
        let sizes: Vec<_> =
            versions.as_array().expect("an array").iter().map(|version| version["size"].clone()).collect();
        let (old, new) = (json!(OTHER_BYTES + number), json!(number + 1));
        assert!(sizes == [old.clone()] || sizes == [new, old], "{path}/{name} has versions of {sizes:?} bytes");
    }
}
