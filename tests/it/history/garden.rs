//! A garden: a folder in which a few clients work at the same time, and write down what they do.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::census;
use super::model::{File, Operation, Outcome, State, Version, base_name, is_within, parent};
use super::search::{Call, explain};
use crate::support::client::{Answer, Client, answer};

const CLIENTS: usize = 3;
/// Operations of one client; the search looks at all orders of what runs at one time, not of all.
const OPERATIONS: usize = 8;
/// Tags that are given and taken.
const TAGS: u64 = 3;
/// For a job, through every fault there is.
const JOB_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// Different sights of its folder that are taken down while a job runs.
const LOOKS: usize = 4;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The servers that there are now; who restarts has another port.
pub type Servers = Arc<Mutex<Vec<Client>>>;

/// What all clients of a garden share.
struct Garden {
    root: String,
    servers: Servers,
    clock: Instant,
    numbers: AtomicU64,
    calls: Mutex<Vec<Call>>,
    /// By the id of a file the upload that made it, and where an id was seen before its maker was known the call.
    makers: Mutex<HashMap<String, u64>>,
    ids: Mutex<HashMap<u64, String>>,
    /// Which call told which id.
    told: Mutex<Vec<(usize, String)>>,
    /// Folders that a finished job has made.
    folders: Mutex<Vec<String>>,
    /// Which calls a job of that id was taken down as.
    jobs: Mutex<HashMap<String, Range<usize>>>,
    /// Versions that clients were told of: their ids by the file's and the number.
    versions: Mutex<HashMap<(u64, u64), String>>,
}

/// What happened in one garden.
pub struct History {
    pub root: String,
    pub calls: Vec<Call>,
    pub uploaded: BTreeSet<u64>,
    makers: HashMap<String, u64>,
}

/// Lets clients work in a folder of their own until each has done what it wanted to do, or has lost an answer.
pub async fn play(servers: Servers, root: String, rng: &mut StdRng) -> History {
    let garden = Arc::new(Garden {
        root,
        servers,
        clock: Instant::now(),
        numbers: AtomicU64::new(1),
        calls: Mutex::default(),
        makers: Mutex::default(),
        ids: Mutex::default(),
        told: Mutex::default(),
        folders: Mutex::default(),
        jobs: Mutex::default(),
        versions: Mutex::default(),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (garden, mut rng) = (Arc::clone(&garden), StdRng::seed_from_u64(rng.random()));
            tokio::spawn(async move {
                for _ in 0..OPERATIONS {
                    let operation = garden.choose(&mut rng);
                    if !garden.perform(operation, &mut rng).await {
                        break;
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client does not panic");
    }
    Arc::into_inner(garden).expect("the clients are done").close()
}

impl History {
    /// Holds the history against what is there now. Every job of it is over, and so is every fault. Returns in how many
    /// parts merges were seen to be done.
    pub async fn check(&self, client: &Client) -> usize {
        let (files, folders) = census::take(client, &self.root).await;
        let faults = census::faults(&files, &self.uploaded);
        assert!(faults.is_empty(), "{}: {faults:#?}", self.root);
        let mut end = State::default();
        folders.iter().for_each(|folder| end.make_folder(folder));
        for file in files {
            let seen = File::seen(self.makers.get(&file.id).copied(), file.versions());
            end.files.insert(file.path, seen);
        }
        explain(&self.calls, &State::default(), &end).unwrap_or_else(|why| {
            panic!(
                "{}: no order explains this.\nseen at the end: {end:#?}\nall calls: {:#?}\n{why:#?}",
                self.root, self.calls
            )
        })
    }
}

/// One of the servers.
fn any(servers: &Servers, rng: &mut StdRng) -> Client {
    servers.lock().expect("nobody panics with it").choose(rng).expect("a server").clone()
}

/// Submits a job until there is an answer, as clients do: sent again it is the same job.
pub async fn submit(servers: &Servers, rng: &mut StdRng, call: &str, body: &Value) -> Answer {
    let deadline = Instant::now() + JOB_MAX;
    for tries in 0_u64.. {
        let request = any(servers, rng).request(reqwest::Method::POST, &format!("/v1/bulkJobs/{call}"));
        match answer(request.header("x-stainless-retry-count", tries.to_string()).json(body)).await {
            Ok(answer) if answer.status < 500 => return answer,
            other => assert!(Instant::now() < deadline, "nobody takes {call} {body}: {other:?}"),
        }
        tokio::time::sleep(POLL).await;
    }
    unreachable!("the deadline comes first")
}

/// Waits for the end of a job, whoever tells it.
pub async fn completed(servers: &Servers, rng: &mut StdRng, job: &str) {
    let deadline = Instant::now() + JOB_MAX;
    loop {
        match any(servers, rng).job_status(job).await {
            Ok(status) if status.status == 200 && status.body["status"] == "Completed" => return,
            Ok(status) if status.status != 200 && status.status < 500 => panic!("an accepted job is {status:#?}"),
            _ => {}
        }
        assert!(Instant::now() < deadline, "job {job} does not end");
        tokio::time::sleep(POLL).await;
    }
}

impl Garden {
    fn now(&self) -> u64 {
        self.clock.elapsed().as_micros().try_into().expect("tests end before that")
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::SeqCst)
    }

    fn choose(&self, rng: &mut StdRng) -> Operation {
        let one_of = |names: &[&str], rng: &mut StdRng| (*names.choose(rng).expect("names")).to_owned();
        let file = |rng: &mut StdRng| {
            // What comes to be merged needs something to meet.
            let folder = if rng.random_bool(0.3) { "/m/a".to_owned() } else { self.folder(rng) };
            format!("{folder}/{}", one_of(&["f", "g", "h"], rng))
        };
        let fresh = |prefix: &str| format!("/{prefix}{}", self.number());
        match rng.random_range(0..24) {
            0..7 => Operation::Upload { path: file(rng), size: self.number() },
            7..13 => {
                self.choose_by_id(rng).unwrap_or_else(|| Operation::Upload { path: file(rng), size: self.number() })
            }
            13 => Operation::RenameFile { path: file(rng), name: one_of(&["f", "g", "h"], rng) },
            14 => Operation::CopyFile { path: file(rng), to: fresh("c"), history: rng.random() },
            15 => Operation::MoveFile { path: file(rng), to: one_of(&["/a", "/b", "/m"], rng) },
            16 => Operation::MakeFolder { path: one_of(&["/a", "/m/a"], rng) },
            17 => Operation::DeleteFolder { path: self.folder(rng) },
            18 => Operation::List { path: self.folder(rng) },
            19..21 => Operation::List { path: one_of(&["/m/a", "/m/a", "/m/b", "/n/m/a"], rng) },
            21 => Operation::RenameFolder { path: self.folder(rng), name: fresh("r")[1..].to_owned() },
            kind => {
                // Often into a folder that has one of that name, to be merged with it.
                let (path, to) = match rng.random_range(0..6) {
                    0 => ("/m".to_owned(), "/n".to_owned()),
                    1 => (self.folder(rng), fresh("d")),
                    _ => (self.folder(rng), "/m".to_owned()),
                };
                let job = self.number();
                match kind {
                    22 => Operation::BeginCopy { job, path, to, history: rng.random() },
                    _ => Operation::MoveFolder { job, path, to },
                }
            }
        }
    }

    /// Something about files that are known by their ids, if there are any.
    fn choose_by_id(&self, rng: &mut StdRng) -> Option<Operation> {
        let known: Vec<u64> = self.ids.lock().expect("nobody panics with it").keys().copied().collect();
        let id = *known.choose(rng)?;
        let versions = self.versions.lock().expect("nobody panics with it");
        let version = versions.keys().copied().collect::<Vec<_>>().choose(rng).copied();
        let both =
            |rng: &mut StdRng| BTreeSet::from([id, *known.choose(rng).expect("one at least")]).into_iter().collect();
        Some(match (rng.random_range(0..10), version) {
            (0, _) => Operation::DeleteFile { id },
            (1, _) => Operation::DeleteFiles { ids: both(rng) },
            (2, _) => Operation::AddTag { ids: both(rng), tag: rng.random_range(1..=TAGS) },
            (3, _) => Operation::RemoveTag { ids: both(rng), tag: rng.random_range(1..=TAGS) },
            (4, Some((id, number))) => Operation::RestoreVersion { id, number },
            (5, Some((id, number))) => Operation::DeleteVersion { id, number },
            (4..8, _) => Operation::Versions { id },
            _ => Operation::Details { id },
        })
    }

    fn folder(&self, rng: &mut StdRng) -> String {
        let made = self.folders.lock().expect("nobody panics with it");
        let made = made.choose(rng).filter(|_| rng.random_bool(0.3));
        made.cloned().unwrap_or_else(|| ["/a", "/a", "/b"].choose(rng).expect("names").to_string())
    }

    /// Does it and takes it down; whether there was an answer.
    async fn perform(&self, operation: Operation, rng: &mut StdRng) -> bool {
        let began = self.now();
        let refuses_itself = match &operation {
            // Of a name onto itself nothing is to be learnt, and of a place onto itself.
            Operation::RenameFile { path, name } => path.ends_with(&format!("/{name}")),
            Operation::MoveFile { path, to } => parent(path) == to,
            Operation::BeginCopy { path, to, .. } | Operation::MoveFolder { path, to, .. } => {
                parent(path) == to || is_within(to, path)
            }
            _ => false,
        };
        if refuses_itself {
            return true;
        }
        if let Some((call, body, made)) = self.job(&operation) {
            return self.perform_job(operation, call, body, made, began, rng).await;
        }
        let got = self.send(&any(&self.servers, rng), &operation).await;
        let answer = got.ok().filter(|answer| answer.status < 500);
        let reads =
            matches!(operation, Operation::Details { .. } | Operation::Versions { .. } | Operation::List { .. });
        if answer.is_none() && reads {
            // A read whose answer is lost has told nothing and changed nothing.
            return true;
        }
        self.take_down(operation, began, answer)
    }

    async fn send(&self, client: &Client, operation: &Operation) -> crate::support::client::Result {
        let at = |path: &str| format!("{}{path}", self.root);
        let id = |id: &u64| self.ids.lock().expect("nobody panics with it")[id].clone();
        let ids = |ids: &[u64]| ids.iter().map(id).collect::<Vec<_>>();
        let version = |file: &u64, number: &u64| {
            let version = self.versions.lock().expect("nobody panics with it")[&(*file, *number)].clone();
            format!("/v1/files/{}/versions/{version}", id(file))
        };
        match operation {
            Operation::Upload { path, size } => {
                let (folder, name) = path.rsplit_once('/').expect("a slash");
                client.upload(&at(folder), name, vec![b'x'; usize::try_from(*size).expect("small")]).await
            }
            Operation::Details { id: file } => client.details(&id(file)).await,
            Operation::DeleteFile { id: file } => client.delete_file(&id(file)).await,
            Operation::Versions { id: file } => client.versions(&id(file)).await,
            Operation::RestoreVersion { id: file, number } => {
                client.send(reqwest::Method::PUT, &format!("{}/restore", version(file, number)), None).await
            }
            Operation::DeleteVersion { id: file, number } => {
                client.send(reqwest::Method::DELETE, &version(file, number), None).await
            }
            Operation::DeleteFiles { ids: files } => {
                client.post("/v1/files/batch/deleteByFileIds", json!({ "fileIds": ids(files) })).await
            }
            Operation::AddTag { ids: files, tag } => {
                client.post("/v1/files/addTags", json!({ "fileIds": ids(files), "tags": [tag.to_string()] })).await
            }
            Operation::RemoveTag { ids: files, tag } => {
                client.post("/v1/files/removeTags", json!({ "fileIds": ids(files), "tags": [tag.to_string()] })).await
            }
            Operation::RenameFile { path, name } => {
                let body = json!({ "filePath": at(path), "newFileName": name });
                client.send(reqwest::Method::PUT, "/v1/files/rename", Some(body)).await
            }
            Operation::CopyFile { path, to, history } => {
                let body =
                    json!({ "sourceFilePath": at(path), "destinationPath": at(to), "includeFileVersions": history });
                client.post("/v1/files/copy", body).await
            }
            Operation::MoveFile { path, to } => {
                client.post("/v1/files/move", json!({ "sourceFilePath": at(path), "destinationPath": at(to) })).await
            }
            Operation::MakeFolder { path } => client.create_folder(&at(parent(path)), &base_name(path)[1..]).await,
            Operation::DeleteFolder { path } => client.delete_folder(&at(path)).await,
            Operation::List { path } => client.list(&at(path)).await,
            job => unreachable!("{job:?} is a job"),
        }
    }

    fn take_down(&self, operation: Operation, began: u64, answer: Option<Answer>) -> bool {
        let ended = answer.is_some().then(|| self.now());
        let is_answered = answer.is_some();
        let mut told = None;
        let outcome = answer.map(|answer| match (&operation, answer.status) {
            (_, 404 | 409) => Outcome::Refused,
            // It is the current one.
            (Operation::DeleteVersion { .. }, 400) => Outcome::Refused,
            (Operation::Upload { size, .. }, 200) => {
                let number = census::shown(&answer.body).number;
                let id = answer.text("fileId").to_owned();
                if number == 1 {
                    let other = self.makers.lock().expect("nobody panics with it").insert(id.clone(), *size);
                    assert_eq!(other, None, "one id for two files: {answer:#?}");
                    self.ids.lock().expect("nobody panics with it").insert(*size, id.clone());
                }
                told = Some(id);
                Outcome::Version(number, None)
            }
            (Operation::Details { .. }, 200) => {
                let path = answer.text("filePath").strip_prefix(&self.root).expect("of this garden").to_owned();
                Outcome::At(path, census::shown(&answer.body))
            }
            (Operation::Versions { id }, 200) => {
                let history = census::history(&answer.body);
                let mut known = self.versions.lock().expect("nobody panics with it");
                for version in &history {
                    let other = known.insert((*id, version.shown.number), version.id.clone());
                    assert!(other.is_none_or(|other| other == version.id), "one number for two versions: {answer:#?}");
                }
                Outcome::History(history.into_iter().map(|version| version.shown).collect())
            }
            (Operation::List { .. }, 200) => Outcome::Listed(listed(&answer.body)),
            (_, 200..300) => Outcome::Done,
            _ => panic!("{operation:?} has no such answer: {answer:#?}"),
        });
        let mut calls = self.calls.lock().expect("nobody panics with it");
        self.told.lock().expect("nobody panics with it").extend(told.map(|id| (calls.len(), id)));
        calls.push(Call { operation, began, ended, outcome });
        is_answered
    }

    /// Route, body, and the folder that there is afterwards, if it is a job.
    fn job(&self, operation: &Operation) -> Option<(&'static str, Value, String)> {
        let at = |path: &str| format!("{}{path}", self.root);
        let target = |path: &str, to: &str| format!("{to}{}", base_name(path));
        Some(match operation {
            Operation::BeginCopy { path, to, history, .. } => {
                let body =
                    json!({ "sourceFolderPath": at(path), "destinationPath": at(to), "includeVersions": history });
                ("copyFolder", body, target(path, to))
            }
            Operation::MoveFolder { path, to, .. } => {
                ("moveFolder", json!({ "sourceFolderPath": at(path), "destinationPath": at(to) }), target(path, to))
            }
            Operation::RenameFolder { path, name } => {
                let made = format!("{}/{name}", parent(path));
                ("renameFolder", json!({ "folderPath": at(path), "newFolderName": name }), made)
            }
            _ => return None,
        })
    }

    async fn perform_job(
        &self,
        operation: Operation,
        call: &str,
        body: Value,
        made: String,
        began: u64,
        rng: &mut StdRng,
    ) -> bool {
        let submitted = submit(&self.servers, rng, call, &body).await;
        if submitted.status == 404 {
            let (Operation::BeginCopy { path, .. }
            | Operation::MoveFolder { path, .. }
            | Operation::RenameFolder { path, .. }) = operation
            else {
                unreachable!("no job")
            };
            return self.take_down(Operation::FindNothing { path }, began, Some(submitted));
        }
        let id = submitted.expect(200).text("jobId").to_owned();
        let ended = self.watch(&id, &made, rng).await;
        let mut calls = self.calls.lock().expect("nobody panics with it");
        let mut known = self.jobs.lock().expect("nobody panics with it");
        if let Some(same) = known.get(&id) {
            // Two clients have asked for the same at one time, which is one job.
            for call in &mut calls[same.clone()] {
                (call.began, call.ended) = (call.began.min(began), call.ended.min(Some(ended)));
            }
            return true;
        }
        let publish = match &operation {
            Operation::BeginCopy { job, .. } => Some(Operation::Publish { job: *job }),
            _ => None,
        };
        let first = calls.len();
        for operation in [operation].into_iter().chain(publish) {
            calls.push(Call { operation, began, ended: Some(ended), outcome: Some(Outcome::Over) });
        }
        known.insert(id, first..calls.len());
        self.folders.lock().expect("nobody panics with it").push(made);
        true
    }

    /// Waits for the end of a job, and takes down what its folder looks like meanwhile; the moment of the end.
    async fn watch(&self, job: &str, made: &str, rng: &mut StdRng) -> u64 {
        let over = OnceLock::new();
        let mut other = StdRng::seed_from_u64(rng.random());
        let until_over = async {
            completed(&self.servers, rng, job).await;
            *over.get_or_init(|| self.now())
        };
        let look = async {
            let operation = Operation::List { path: made.to_owned() };
            let (mut looks, mut last) = (0, None);
            while looks < LOOKS && over.get().is_none() {
                let began = self.now();
                let seen = self.send(&any(&self.servers, &mut other), &operation).await;
                if let Some(seen) = seen.ok().filter(|seen| seen.status == 200 && last.as_ref() != Some(&seen.body)) {
                    last = Some(seen.body.clone());
                    looks += 1;
                    self.take_down(operation.clone(), began, Some(seen));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::join!(until_over, look).0
    }

    fn close(self) -> History {
        let makers = self.makers.into_inner().expect("nobody panicked");
        let mut calls = self.calls.into_inner().expect("nobody panicked");
        for (call, id) in self.told.into_inner().expect("nobody panicked") {
            if let Some(Outcome::Version(_, maker)) = &mut calls[call].outcome {
                *maker = makers.get(&id).copied();
            }
        }
        let size = |call: &Call| match call.operation {
            Operation::Upload { size, .. } => Some(size),
            _ => None,
        };
        History { root: self.root, uploaded: calls.iter().filter_map(size).collect(), calls, makers }
    }
}

fn listed(body: &Value) -> Vec<(String, Version)> {
    let file = |entry: &Value| (entry["name"].as_str().expect("a name").to_owned(), census::shown(entry));
    let mut files: Vec<_> = body.as_array().expect("an array").iter().map(file).collect();
    files.sort();
    files
}
