//! Readers beside a copy and beside a move that are merged into a folder of their name, page by page: by every way in
//! which they can ask, each file is at exactly one of its two places, its histories are joined or they are not, and of what
//! the copy has not published nothing is seen.
//!
//! One answer shows one moment. Where a reader asks twice, what the first answer showed to be done stays done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::readers::{entries, run_job, text};
use crate::support::client::Client;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

/// Folders of the source. The target has every second one, and in it every second file.
const FOLDERS: usize = 10;
const FILES: usize = 12;
/// A page of a merge, in names; few enough that readers meet the middle of it often.
const PAGE: usize = 4;
const PAUSE_MS: u64 = 40;
/// Ids that are guessed: as many as the copy takes, and some more.
const GUESSED: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_each_file_of_a_merge_at_one_of_its_places_on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_each_file_of_a_merge_at_one_of_its_places_on_postgres() {
    if let Some(database) = fresh_database("merging").await {
        run(Some(&database.url)).await;
    }
}

async fn run(catalog: Option<&str>) {
    let data = tempfile::tempdir().expect("a data directory");
    let options = Options::new(data.path()).catalog(catalog);
    let options = options.variable("CALOTYPE_BATCH_ROWS", PAGE).variable("CALOTYPE_BATCH_PAUSE_MS", PAUSE_MS);
    let mut server = Server::start_with(options).await;
    let client = server.client();
    let sources = upload(&client, "/source", &[1, 2], |_| true).await;
    for (kind, to) in [(Kind::Copy, "/there"), (Kind::Move, "/onto")] {
        let target = format!("{to}/source");
        let targets = upload(&client, &target, &[0], is_taken).await;
        let probe = client.upload("/probe", "probe.txt", b"probe".to_vec()).await.expect("an answer").expect(200);
        let probe = probe.text("fileId").to_owned();
        let scene =
            Scene { client: client.clone(), kind, target, sources: sources.clone(), targets, seen: Seen::default() };
        let scene = Arc::new(scene);
        let readers = [
            tokio::spawn(everything(Arc::clone(&scene))),
            tokio::spawn(names(Arc::clone(&scene))),
            tokio::spawn(folders(Arc::clone(&scene))),
            tokio::spawn(ids(Arc::clone(&scene))),
            tokio::spawn(guesses(Arc::clone(&scene), probe)),
            tokio::spawn(downloads(Arc::clone(&scene))),
        ];
        // With their histories; a move takes them along and does not look at the flag.
        let body = json!({ "sourceFolderPath": "/source", "destinationPath": to, "includeVersions": true });
        run_job(&client, if kind == Kind::Copy { "copyFolder" } else { "moveFolder" }, body).await;
        scene.seen.over.store(1, Ordering::SeqCst);
        for reader in readers {
            reader.await.unwrap_or_else(|error| panic!("{kind:?}: {error}{}", server.log_end()));
        }
        let sides = scene.whole(&[("limit", "1000")]).await;
        assert!(sides.values().all(|side| *side == Side::After), "{kind:?} ends with {sides:?}");
        println!("{kind:?}: {:?}", scene.seen);
        scene.seen.assert_enough(kind);
        client.delete_folder("/probe").await.expect("an answer").expect(204);
        client.delete_folder(to).await.expect("an answer").expect(204);
    }
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Copy,
    Move,
}

/// A file by the number of its folder and its own.
type Key = (usize, usize);

/// Whether a file is as it was, or where and how the job leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// What is seen of a file: the size and the number of its current version.
type Seeing = (u64, u64);

struct Scene {
    client: Client,
    kind: Kind,
    target: String,
    /// The ids of the files at the source, and of those that were at the target.
    sources: BTreeMap<Key, String>,
    targets: BTreeMap<Key, String>,
    seen: Seen,
}

/// What readers have met, so that a run which has met nothing proves nothing.
#[derive(Debug, Default)]
struct Seen {
    before: AtomicU64,
    /// Answers that show some files as they were and some as they will be.
    middle: AtomicU64,
    guessed: AtomicU64,
    singles: AtomicU64,
    over: AtomicU64,
}

impl Seen {
    fn goes_on(&self) -> bool {
        self.over.load(Ordering::SeqCst) == 0
    }

    fn assert_enough(&self, kind: Kind) {
        let [before, middle, guessed, singles] =
            [&self.before, &self.middle, &self.guessed, &self.singles].map(|n| n.load(Ordering::SeqCst));
        let enough = middle > 3 && singles > 10 && (kind == Kind::Move || (before > 3 && guessed > 3));
        assert!(enough, "too little was read to prove anything: {self:?}");
    }
}

fn keys() -> impl Iterator<Item = Key> {
    (0..FOLDERS).flat_map(|folder| (0..FILES).map(move |file| (folder, file)))
}

/// Whether the target has a file of that name.
fn is_taken((folder, file): Key) -> bool {
    folder.is_multiple_of(2) && file.is_multiple_of(2)
}

/// Different for each version of each file; version 0 is that of the target.
fn size((folder, file): Key, version: usize) -> u64 {
    (1 + folder * 1000 + file * 10 + version) as u64
}

fn path(root: &str, (folder, file): Key) -> String {
    format!("{root}/{folder}/{folder}-{file}.txt")
}

async fn upload(client: &Client, root: &str, versions: &[usize], which: impl Fn(Key) -> bool) -> BTreeMap<Key, String> {
    let mut ids = BTreeMap::new();
    for key in keys().filter(|key| which(*key)) {
        for version in versions {
            let bytes = vec![b'x'; usize::try_from(size(key, *version)).expect("small")];
            let name = format!("{}-{}.txt", key.0, key.1);
            let uploaded =
                client.upload(&format!("{root}/{}", key.0), &name, bytes).await.expect("an answer").expect(200);
            ids.insert(key, uploaded.text("fileId").to_owned());
        }
    }
    ids
}

fn seeing(file: &Value) -> Seeing {
    let number = text(&file["versionInfo"], "name").strip_prefix("Version ").and_then(|number| number.parse().ok());
    (file["size"].as_u64().expect("a size"), number.expect("a number"))
}

impl Scene {
    /// What a file at the target's place says.
    fn at_target(&self, key: Key, found: Option<Seeing>) -> Side {
        let after = (size(key, 2), if is_taken(key) { 3 } else { 2 });
        let before = is_taken(key).then(|| (size(key, 0), 1));
        match found {
            Some(found) if found == after => Side::After,
            found if found == before => Side::Before,
            found => panic!("{key:?} is {found:?} at the target, neither {before:?} nor {after:?}"),
        }
    }

    /// What a file at the source's place says. That of a copy always is as it was, and says nothing.
    fn at_source(&self, key: Key, found: Option<Seeing>) -> Option<Side> {
        let Some(found) = found else {
            assert_eq!(self.kind, Kind::Move, "{key:?} is gone from the source of a copy");
            return Some(Side::After);
        };
        assert_eq!(found, (size(key, 2), 2), "{key:?} at the source");
        (self.kind == Kind::Move).then_some(Side::Before)
    }

    /// What both places of a file say at one moment.
    fn side(&self, key: Key, files: &BTreeMap<String, Seeing>) -> Side {
        let [source, target] = ["/source", &self.target].map(|root| files.get(&path(root, key)).copied());
        let side = self.at_target(key, target);
        assert!(
            self.at_source(key, source).is_none_or(|at_source| at_source == side),
            "{key:?}: {source:?} {target:?}"
        );
        side
    }

    /// The files that one answer shows, by path; none may lie elsewhere than at the source and the target.
    async fn files(&self, query: &[(&str, &str)]) -> BTreeMap<String, Seeing> {
        let mut files = BTreeMap::new();
        for file in entries(&self.client, query).await {
            let path = text(&file, "filePath").to_owned();
            if path.starts_with("/probe/") {
                continue;
            }
            assert!(path.starts_with("/source/") || path.starts_with(&self.target), "{path}");
            assert_eq!(files.insert(path, seeing(&file)), None, "twice in one answer: {file:#}");
        }
        files
    }

    /// All files in one answer.
    async fn whole(&self, query: &[(&str, &str)]) -> BTreeMap<Key, Side> {
        let files = self.files(query).await;
        let sides: BTreeMap<_, _> = keys().map(|key| (key, self.side(key, &files))).collect();
        for folder in (1..FOLDERS).step_by(2) {
            let of_folder = |file| sides[&(folder, file)];
            assert!((1..FILES).all(|file| of_folder(file) == of_folder(0)), "{folder}, moved whole, is half there");
        }
        sides
    }

    async fn sizes(&self, id: &str) -> Option<Vec<u64>> {
        let answer = self.client.versions(id).await.expect("an answer");
        if answer.status == 404 {
            return None;
        }
        let versions = answer.expect(200).body;
        Some(versions.as_array().expect("versions").iter().rev().map(|version| seeing(version).0).collect())
    }
}

/// All files in one answer: a list of the library, or a search over it.
async fn everything(scene: Arc<Scene>) {
    let mut done = BTreeSet::new();
    let queries: [&[(&str, &str)]; 2] = [&[("limit", "1000")], &[("searchQuery", "size > 0"), ("limit", "1000")]];
    for query in queries.iter().cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let sides = scene.whole(query).await;
        let after: BTreeSet<Key> = keys().filter(|key| sides[key] == Side::After).collect();
        assert!(after.is_superset(&done), "undone: {:?}", done.difference(&after));
        let count = if after.is_empty() { &scene.seen.before } else { &scene.seen.middle };
        count.fetch_add(u64::from(after.len() < FOLDERS * FILES), Ordering::SeqCst);
        done = after;
    }
}

/// One file by its name, wherever it is.
async fn names(scene: Arc<Scene>) {
    for key in keys().collect::<Vec<_>>().into_iter().cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let query = format!("name = \"{}-{}.txt\"", key.0, key.1);
        let files = scene.files(&[("searchQuery", &query)]).await;
        scene.side(key, &files);
        scene.seen.singles.fetch_add(1, Ordering::SeqCst);
    }
}

/// The two places of a folder, one after the other and the first again.
async fn folders(scene: Arc<Scene>) {
    for folder in (0..FOLDERS).cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let [source, target] = ["/source", &scene.target].map(|root| format!("{root}/{folder}"));
        let first = scene.files(&[("path", &source)]).await;
        let second = scene.files(&[("path", &target)]).await;
        let third = scene.files(&[("path", &source)]).await;
        for key in (0..FILES).map(|file| (folder, file)) {
            let at_target = scene.at_target(key, second.get(&path(&scene.target, key)).copied());
            let [earlier, later] =
                [&first, &third].map(|files| scene.at_source(key, files.get(&path("/source", key)).copied()));
            assert!(earlier != Some(Side::After) || at_target == Side::After, "{key:?} was nowhere");
            assert!(later != Some(Side::Before) || at_target == Side::Before, "{key:?} was at both places");
        }
    }
}

/// Details and histories by the ids that files have had before.
async fn ids(scene: Arc<Scene>) {
    for key in keys().collect::<Vec<_>>().into_iter().cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let (own, there) = ([1, 2].map(|version| size(key, version)), size(key, 0));
        let joined = [&[there], &own[..]].concat();
        let source = &scene.sources[&key];
        let history = scene.sizes(source).await;
        let details = scene.client.details(source).await.expect("an answer");
        match history {
            Some(sizes) => assert_eq!(sizes, own, "{key:?}"),
            None => assert!(details.status == 404 && is_taken(key) && scene.kind == Kind::Move, "{key:?} lost its id"),
        }
        if details.status == 200 {
            assert_eq!(seeing(&details.body), (own[1], 2));
            let at = details.text("filePath");
            let is_at_target = at == path(&scene.target, key) && !is_taken(key) && scene.kind == Kind::Move;
            assert!(is_at_target || at == path("/source", key), "{key:?} is at {at}");
        }
        if let Some(target) = scene.targets.get(&key) {
            let sizes = scene.sizes(target).await.expect("the target's file lives on");
            assert!(sizes == joined || (sizes == [there] && details.status == 200), "{key:?}: {sizes:?}");
            let details = scene.client.details(target).await.expect("an answer").expect(200);
            assert_eq!(details.text("filePath"), path(&scene.target, key));
            scene.at_target(key, Some(seeing(&details.body)));
        }
    }
}

/// By an id nobody was told: nothing, until a list shows it too, and never one of a file that was joined to another.
async fn guesses(scene: Arc<Scene>, probe: String) {
    let (tag, number) = probe.split_at(8);
    let number = u64::from_str_radix(number, 16).expect("a hexadecimal number");
    for ahead in (1..=GUESSED).cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let id = format!("{tag}{:016x}", number + ahead);
        let answer = scene.client.details(&id).await.expect("an answer");
        if answer.status == 404 {
            continue;
        }
        let at = answer.expect(200).text("filePath").to_owned();
        let key = keys().find(|key| path(&scene.target, *key) == at && !is_taken(*key));
        let key = key.unwrap_or_else(|| panic!("{id} is {at}"));
        assert_eq!(scene.sizes(&id).await, Some(vec![size(key, 1), size(key, 2)]), "{at}");
        let listed = scene.files(&[("path", &format!("{}/{}", scene.target, key.0))]).await;
        assert_eq!(scene.at_target(key, listed.get(&at).copied()), Side::After);
        scene.seen.guessed.fetch_add(1, Ordering::SeqCst);
    }
}

/// The bytes at both places.
async fn downloads(scene: Arc<Scene>) {
    let download = async |path: &str| {
        let download = scene.client.get_file(path).await.expect("an answer");
        assert!([200, 404].contains(&download.status), "{path}: {}", download.status);
        (download.status == 200).then_some(download.bytes.len() as u64)
    };
    for key in keys().collect::<Vec<_>>().into_iter().cycle() {
        if !scene.seen.goes_on() {
            return;
        }
        let new = Some(size(key, 2));
        let source = download(&path("/source", key)).await;
        let target = download(&path(&scene.target, key)).await;
        let old = is_taken(key).then(|| size(key, 0));
        assert!(target == new || target == old, "{key:?} at the target: {target:?}");
        assert!(
            source == new || (source.is_none() && scene.kind == Kind::Move && target == new),
            "{key:?}: {source:?}"
        );
        if scene.kind == Kind::Move && target == new {
            assert_eq!(download(&path("/source", key)).await, None, "{key:?} is at both places");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
