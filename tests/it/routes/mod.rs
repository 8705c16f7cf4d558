//! The contract over HTTP: the real binary, real requests, whole answers.
//!
//! Every scenario is one function over a [`Library`]. [`on_both_catalogs`] runs it on SQLite and, where there is a
//! server for it, on PostgreSQL, each time on an empty library of its own; at the end nothing may have panicked, the
//! server must stop when asked, and `calotype fsck` must be content.

mod bad_input;
mod changes;
mod custom_fields;
mod custom_values;
mod delivery;
mod docs;
mod files;
mod folders;
mod jobs;
mod keys;
mod lists;
mod metadata;
mod not_yet;
mod placing;
mod search;
mod upload;
pub mod wire;

use crate::support::client::{Answer, Client, answer};
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// The text under `help` in every error body.
const HELP: &str = "The page /docs of this server lists every call with its parameters and errors.";
/// Every body of the API has this type; the delivery has the files' own.
const JSON: &str = "application/json; charset=utf-8";
const FORM: &str = "application/x-www-form-urlencoded";
/// A well-formed id that no library hands out.
const UNKNOWN_ID: &str = "ffffffffffffffffffffffff";
/// Longer than any job of these tests takes, also on a loaded machine.
const JOB_MAX: Duration = Duration::from_secs(60);
/// Makes two moments differ by at least a millisecond, the unit of every time on the wire.
const A_MOMENT: Duration = Duration::from_millis(5);

/// A running server on an empty library, and what tests want from it besides single calls.
struct Library {
    client: Client,
    server: Server,
    http: reqwest::Client,
}

/// Runs a scenario on every catalog there is.
async fn on_both_catalogs(scenario: impl AsyncFn(&mut Library)) {
    with_settings(&[], scenario).await;
}

/// The same, with environment variables for the server.
async fn with_settings(settings: &[(&str, &str)], scenario: impl AsyncFn(&mut Library)) {
    on_catalog("SQLite", None, settings, &scenario).await;
    if let Some(database) = fresh_database("routes").await {
        on_catalog("PostgreSQL", Some(&database.url), settings, &scenario).await;
    }
}

async fn on_catalog(
    name: &str,
    catalog: Option<&str>,
    settings: &[(&str, &str)],
    scenario: &impl AsyncFn(&mut Library),
) {
    // Shown when the scenario fails: the last one named is the one that failed.
    eprintln!("on {name}");
    let data = tempfile::tempdir().expect("a data directory");
    let mut options = Options::new(data.path()).catalog(catalog);
    for &(variable, value) in settings {
        options = options.variable(variable, value);
    }
    let server = Server::start_with(options).await;
    let http = crate::support::client::builder().build().expect("an HTTP client");
    let mut library = Library { client: server.client(), server, http };
    scenario(&mut library).await;
    library.server.assert_no_panic();
    library.server.term().await;
    library.server.fsck().await;
}

impl Library {
    /// `kill -9`, then a new process on the same data, at a new address.
    async fn kill_and_restart(&mut self) {
        self.server.restart().await;
        self.client = self.server.client();
    }

    /// A request with the key and a body exactly as given.
    async fn send(&self, method: Method, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.client.request(method, path).header("content-type", content_type).body(body.into());
        answer(request).await.expect("an answer")
    }

    /// A request without any key.
    fn keyless(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.client.base()))
    }

    async fn get(&self, path: &str) -> Answer {
        self.client.send(Method::GET, path, None).await.expect("an answer")
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.client.post(path, body).await.expect("an answer")
    }

    /// Uploads to exactly this path and returns the answer's body.
    async fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) -> Value {
        self.put_with(path, bytes, &[]).await
    }

    async fn put_with(&self, path: &str, bytes: impl Into<Vec<u8>>, fields: &[(&str, &str)]) -> Value {
        let (folder, name) = split(path);
        let uploaded = self.client.upload_with(folder, name, bytes, fields).await.expect("an answer").expect(200);
        assert_eq!(uploaded.body["filePath"], path, "uploaded to another place: {uploaded:#?}");
        uploaded.body
    }

    /// Creates the folder at this path, and its parents.
    async fn put_folder(&self, path: &str) {
        let (parent, name) = split(path);
        self.client.create_folder(parent, name).await.expect("an answer").expect(201);
    }

    /// Submits a bulk job that has to be accepted, and returns its id.
    async fn submit(&self, call: &str, body: Value) -> String {
        job_id(&self.post(&format!("/v1/bulkJobs/{call}"), body).await)
    }

    /// Submits a bulk job and waits for its end; returns the last status.
    async fn run(&self, call: &str, body: Value) -> Value {
        let id = self.submit(call, body).await;
        self.completed(&id).await
    }

    /// Waits for a job and returns its last status.
    async fn completed(&self, job_id: &str) -> Value {
        self.client.wait_completed(job_id, JOB_MAX).await.body
    }

    async fn copy(&self, source: &str, destination: &str, include_versions: bool) {
        let body = json!({
            "sourceFolderPath": source, "destinationPath": destination, "includeVersions": include_versions,
        });
        self.run("copyFolder", body).await;
    }

    async fn move_into(&self, source: &str, destination: &str) {
        let body = json!({ "sourceFolderPath": source, "destinationPath": destination });
        self.run("moveFolder", body).await;
    }

    /// Every file and folder of the library, as the listing shows them.
    async fn everything(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        loop {
            let skip = entries.len().to_string();
            let page = self.client.list_with(&[("type", "all"), ("limit", "1000"), ("skip", &skip)]).await;
            let page = page.expect("an answer").expect(200).body.as_array().expect("a listing is an array").clone();
            if page.is_empty() {
                return entries;
            }
            entries.extend(page);
        }
    }

    /// What lies below a folder by its path from there; the paths of folders end in `/`. The root is `""`.
    async fn tree(&self, folder: &str) -> BTreeMap<String, Value> {
        let mut tree = BTreeMap::new();
        for entry in self.everything().await {
            let path = path_of(&entry);
            if let Some(relative) = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
                && !relative.is_empty()
            {
                let twin = tree.insert(relative.to_owned(), entry);
                assert_eq!(twin, None, "two entries at {path}");
            }
        }
        tree
    }

    /// The paths of [`Library::tree`].
    async fn paths(&self, folder: &str) -> Vec<String> {
        self.tree(folder).await.into_keys().collect()
    }

    /// The file or, with a `/` at its end, the folder at a path, as the listing shows it.
    async fn entry(&self, path: &str) -> Value {
        let entries = self.everything().await;
        let found = entries.iter().find(|entry| path_of(entry) == path);
        found.unwrap_or_else(|| panic!("nothing at {path} in {entries:#?}")).clone()
    }

    /// All versions of the file at a path, the oldest first.
    async fn history(&self, path: &str) -> Vec<Version> {
        let entry = self.entry(path).await;
        let file_id = entry["fileId"].as_str().expect("a file has an id");
        let answer = self.client.versions(file_id).await.expect("an answer").expect(200);
        let mut versions: Vec<_> = answer.body.as_array().expect("an array of versions").clone();
        for (index, version) in versions.iter().enumerate() {
            let kind = if index == 0 { "file" } else { "file-version" };
            assert_eq!(version["type"], kind, "version {index} from the newest of {path}: {version:#}");
            assert_eq!(version["fileId"], file_id, "all versions of a file have its id: {version:#}");
            assert_eq!(version["filePath"], path, "all versions of a file have its path: {version:#}");
        }
        assert_eq!(versions[0]["versionInfo"], entry["versionInfo"], "the newest version of {path} is the file");
        versions.reverse();
        versions.iter().map(Version::of).collect()
    }

    /// The sizes of all versions, the oldest first. These tests tell versions apart by their size in bytes.
    async fn sizes(&self, path: &str) -> Vec<u64> {
        let history = self.history(path).await;
        assert_linear(&history);
        history.iter().map(|version| version.size).collect()
    }

    /// The bytes behind the `url` of the file at a path.
    async fn bytes(&self, path: &str) -> Vec<u8> {
        let entry = self.entry(path).await;
        let download = self.client.get(entry["url"].as_str().expect("a file has a url")).await.expect("an answer");
        assert_eq!(download.status, 200, "GET {}", entry["url"]);
        download.bytes
    }

    /// A file that is deleted or was absorbed by a merge is gone for every call by its id.
    async fn assert_no_file(&self, file_id: &str) {
        let message = "The requested file does not exist.";
        refused(&self.client.details(file_id).await.expect("an answer"), 404, None, message);
        refused(&self.client.versions(file_id).await.expect("an answer"), 404, None, message);
        refused(&self.client.delete_file(file_id).await.expect("an answer"), 404, None, message);
    }
}

/// Folder and name of a path.
fn split(path: &str) -> (&str, &str) {
    let (folder, name) = path.rsplit_once('/').expect("a path with a slash");
    (if folder.is_empty() { "/" } else { folder }, name)
}

/// One version of a file, as far as these tests compare them.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: String,
    number: u64,
    size: u64,
    tags: Value,
}

impl Version {
    fn of(object: &Value) -> Version {
        let name = object["versionInfo"]["name"].as_str().expect("a version has a name");
        let number = name.strip_prefix("Version ").and_then(|number| number.parse().ok());
        Version {
            id: object["versionInfo"]["id"].as_str().expect("a version has an id").to_owned(),
            number: number.unwrap_or_else(|| panic!("the version's name {name:?} is not `Version N`")),
            size: object["size"].as_u64().expect("a version has a size"),
            tags: object["tags"].clone(),
        }
    }
}

/// Numbers count from 1 without gaps, and no id occurs twice.
#[track_caller]
fn assert_linear(history: &[Version]) {
    let numbers: Vec<_> = history.iter().map(|version| version.number).collect();
    assert_eq!(numbers, (1..=history.len() as u64).collect::<Vec<_>>(), "the numbers of {history:#?}");
    let ids: HashSet<_> = history.iter().map(|version| &version.id).collect();
    assert_eq!(ids.len(), history.len(), "the ids of {history:#?}");
}

/// The path of a listed file, or of a listed folder with a `/` at its end.
fn path_of(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or_else(|| panic!("no {key} in {entry:#}"));
    match text("type") {
        "folder" => format!("{}/", text("folderPath")),
        _ => text("filePath").to_owned(),
    }
}

/// Every id of these entries: of files, of folders, and of current versions. A first version has its file's id, which
/// therefore counts once.
fn ids(tree: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let of_entry = |entry: &Value| {
        let ids = [&entry["fileId"], &entry["folderId"], &entry["versionInfo"]["id"]];
        ids.map(|id| id.as_str().map(str::to_owned))
    };
    tree.values().flat_map(of_entry).flatten().collect()
}

/// What a copy has in common with its source: everything but ids, place, urls, times and the version's number.
fn contents(tree: &BTreeMap<String, Value>) -> BTreeMap<String, Map<String, Value>> {
    const OWN: [&str; 9] =
        ["fileId", "folderId", "filePath", "folderPath", "versionInfo", "url", "thumbnail", "createdAt", "updatedAt"];
    let content = |entry: &Value| {
        let entry = entry.as_object().expect("an entry is an object").clone();
        entry.into_iter().filter(|(key, _)| !OWN.contains(&key.as_str())).collect()
    };
    tree.iter().map(|(path, entry)| (path.clone(), content(entry))).collect()
}

/// `length` bytes, the same ones for the same length.
fn bytes_of(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + (at % 26) as u8).collect()
}

/// The id in the answer to an accepted bulk job, which holds nothing else.
#[track_caller]
fn job_id(answer: &Answer) -> String {
    succeeded(answer, 200);
    let id = answer.text("jobId").to_owned();
    assert_eq!(answer.body, json!({ "jobId": id }), "only the job's id");
    assert_id(&answer.body["jobId"]);
    id
}

/// 24 lower-case hex digits.
#[track_caller]
fn assert_id(id: &Value) {
    let id = id.as_str().unwrap_or_else(|| panic!("the id {id} is not a text"));
    let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    assert!(id.len() == 24 && id.bytes().all(hex), "the id {id:?} is not 24 lower-case hex digits");
}

/// `YYYY-MM-DDTHH:mm:ss.sssZ`, which also sorts by time as text.
#[track_caller]
fn assert_time(time: &Value) -> String {
    let text = time.as_str().unwrap_or_else(|| panic!("the time {time} is not a text"));
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "the form of the time {text:?}");
    text.to_owned()
}

/// A success with a JSON body, and what every answer carries.
#[track_caller]
fn succeeded(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "unexpected answer: {answer:#?}");
    assert_eq!(answer.header("content-type"), Some(JSON), "the type of {answer:#?}");
    request_id(&answer.headers);
}

/// A success without body, which then has no type either.
#[track_caller]
fn succeeded_empty(answer: &Answer) {
    assert_eq!(answer.status, 204, "unexpected answer: {answer:#?}");
    assert_eq!(answer.body, Value::Null, "204 has no body");
    assert_eq!(answer.header("content-type"), None, "no type without a body");
    request_id(&answer.headers);
}

/// A refusal in exactly these words.
#[track_caller]
fn refused(answer: &Answer, status: u16, reason: Option<&str>, message: &str) {
    let mut body = json!({ "message": message, "help": HELP });
    if let Some(reason) = reason {
        body["reason"] = reason.into();
    }
    assert_eq!((answer.status, &answer.body), (status, &body), "the refusal in {answer:#?}");
    assert_eq!(answer.header("content-type"), Some(JSON), "the type of {answer:#?}");
    request_id(&answer.headers);
    // SDKs send a 409 again unless they are told that it is of no use.
    let should_retry = (status == 409).then_some("false");
    assert_eq!(answer.header("x-should-retry"), should_retry, "x-should-retry of {answer:#?}");
}

/// A refusal of this status in the contract's shape, where the contract leaves the words open.
#[track_caller]
fn refused_somehow(answer: &Answer, statuses: &[u16]) {
    assert!(statuses.contains(&answer.status), "expected one of {statuses:?}: {answer:#?}");
    let text = |key: &str| answer.body[key].as_str().is_some_and(|text| !text.is_empty());
    assert!(text("message") && text("help"), "an error says what is wrong and where to look: {answer:#?}");
    assert_eq!(answer.header("content-type"), Some(JSON), "the type of {answer:#?}");
    request_id(&answer.headers);
}

/// The id that every answer carries, which is a UUID.
#[track_caller]
fn request_id(headers: &HeaderMap) -> uuid::Uuid {
    let mut ids = headers.get_all("x-ik-requestid").iter();
    let id = ids.next().unwrap_or_else(|| panic!("no x-ik-requestId in {headers:#?}"));
    assert_eq!(ids.next(), None, "one x-ik-requestId");
    let id = id.to_str().expect("x-ik-requestId is ASCII");
    uuid::Uuid::parse_str(id).unwrap_or_else(|error| panic!("x-ik-requestId {id:?} is not a UUID: {error}"))
}
