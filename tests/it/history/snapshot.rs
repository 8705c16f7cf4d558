//! A copy shows one instant of its source, whatever is done to the source while it runs.
//!
//! One client changes the source and keeps the [`model`](super::model) beside it; the copy must equal one of the states that
//! the model has gone through since the submission, with all histories.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::census;
use super::model::{File, Operation, State};
use crate::support::client::Client;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, Server};

const FOLDERS: usize = 8;
const FILES: usize = 20;
const COPIES: usize = 4;
const WAIT_MAX: Duration = Duration::from_secs(90);

/// Batch-clone race: a clone in batches reads what stands when each batch comes by, so a file that appears, moves or goes
/// meanwhile is lost, doubled or half there.
#[tokio::test(flavor = "multi_thread")]
async fn batch_clone_race_shows_one_instant_on_sqlite() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_clone_race_shows_one_instant_on_postgres() {
    if let Some(database) = fresh_database("snapshot").await {
        run(Some(&database.url)).await;
    }
}

async fn run(catalog: Option<&str>) {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let data = tempfile::tempdir().expect("a data directory");
    let options = Options::new(data.path()).catalog(catalog);
    let options = options.variable("CALOTYPE_BATCH_ROWS", 3).variable("CALOTYPE_BATCH_PAUSE_MS", 2);
    let mut server = Server::start_with(options).await;
    let client = server.client();
    let mut writer = Writer { client: client.clone(), state: State::default(), sizes: 0 };
    for folder in 0..FOLDERS {
        for file in 0..FILES {
            writer.upload(format!("/source/{folder}/{file}")).await;
        }
    }
    for copy in 0..COPIES {
        let to = format!("/to{copy}");
        let mut states = vec![writer.state.clone()];
        let job = client.copy_folder("/source", &to, true).await.expect("an answer").expect(200);
        while client.job_status(job.text("jobId")).await.expect("an answer").body["status"] == "Pending" {
            writer.change(&mut rng).await;
            states.push(writer.state.clone());
        }
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
        let shown = shown(&client, &format!("{to}/source")).await;
        let instant =
            states.iter().position(|state| state.below("/source").is_some_and(|source| source.is_seen_as(&shown)));
        println!("copy {copy} shows the state after {instant:?} of {} changes", states.len() - 1);
        assert!(instant.is_some(), "seed {seed}, copy {copy} shows no state that there was: {shown:#?}");
        assert!(states.len() > 10, "too few changes to prove anything");
    }
    let end = shown(&client, "/source").await;
    assert!(
        writer.state.below("/source").is_some_and(|source| source.is_seen_as(&end)),
        "seed {seed}: the source itself"
    );
    server.term().await;
    server.fsck().await;
}

async fn shown(client: &Client, root: &str) -> State {
    let (files, folders) = census::take(client, root).await;
    let mut state = State::default();
    folders.iter().for_each(|folder| state.make_folder(folder));
    for file in files {
        let versions = file.versions();
        state.files.insert(file.path, File::seen(None, versions));
    }
    state
}

/// The one client that changes anything, and what it knows.
struct Writer {
    client: Client,
    state: State,
    sizes: u64,
}

impl Writer {
    async fn upload(&mut self, path: String) {
        self.sizes += 1;
        let (folder, name) = path.rsplit_once('/').expect("a slash");
        let bytes = vec![b'x'; usize::try_from(self.sizes).expect("small")];
        self.client.upload(folder, name, bytes).await.expect("an answer").expect(200);
        self.state.apply(&Operation::Upload { path, size: self.sizes });
    }

    /// Something to some file or folder of the source: each of them may be before or behind the copy's page.
    async fn change(&mut self, rng: &mut StdRng) {
        let paths: Vec<&String> = self.state.files.keys().filter(|path| path.starts_with("/source/")).collect();
        let Some(&path) = paths.choose(rng) else { return self.upload("/source/0/first".into()).await };
        let (path, folder) = (path.clone(), format!("/source/{}", rng.random_range(0..FOLDERS)));
        self.sizes += 1;
        let fresh = format!("n{}", self.sizes);
        let away = !path.starts_with(&format!("{folder}/"));
        let operation = match rng.random_range(0..12) {
            0..3 => return self.upload(path).await,
            3..5 => return self.upload(format!("{folder}/{fresh}")).await,
            5..7 => Operation::RenameFile { path, name: fresh },
            7..9 if away => Operation::MoveFile { path, to: folder },
            9 => Operation::MoveFile { path, to: "/elsewhere".into() },
            10 if away => Operation::CopyFile { path, to: folder, history: true },
            11 if rng.random_bool(0.1) && self.state.folders.contains(&folder) => {
                Operation::DeleteFolder { path: folder }
            }
            _ => return self.upload(format!("{folder}/{fresh}/deeper")).await,
        };
        let answer = match &operation {
            Operation::RenameFile { path, name } => {
                let body = json!({ "filePath": path, "newFileName": name });
                self.client.send(reqwest::Method::PUT, "/v1/files/rename", Some(body)).await
            }
            Operation::MoveFile { path, to } => {
                self.client.post("/v1/files/move", json!({ "sourceFilePath": path, "destinationPath": to })).await
            }
            Operation::CopyFile { path, to, .. } => {
                let body = json!({ "sourceFilePath": path, "destinationPath": to, "includeFileVersions": true });
                self.client.post("/v1/files/copy", body).await
            }
            Operation::DeleteFolder { path } => self.client.delete_folder(path).await,
            other => unreachable!("{other:?}"),
        };
        let answer = answer.expect("an answer");
        assert!(answer.status < 300, "{operation:?}: {answer:#?}");
        self.state.apply(&operation);
    }
}
