//! Several servers over one PostgreSQL catalog and one blob store, each behind a network of its own.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use calotype::store::TREE_LOCK;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::postgres::{FreshDatabase, fresh_database};
use crate::support::proxy::Proxy;
use crate::support::server::{Options, Server};

/// For a job or a takeover on a machine that does much else.
pub const WAIT_MAX: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);

pub struct Fleet {
    // Servers first: they end before their database does.
    pub members: Vec<Member>,
    database: FreshDatabase,
    directory: TempDir,
}

/// One server and its way to the database.
pub struct Member {
    pub server: Server,
    pub network: Proxy,
}

impl Fleet {
    /// A fleet of one, to which others can be added; `None` where there is no PostgreSQL.
    pub async fn start(hint: &str, settings: &[(&str, &str)]) -> Option<Fleet> {
        let database = fresh_database(hint).await?;
        let directory = tempfile::tempdir().expect("a directory");
        let mut fleet = Fleet { members: Vec::new(), database, directory };
        fleet.add(settings).await;
        Some(fleet)
    }

    /// Starts one more server.
    pub async fn add(&mut self, settings: &[(&str, &str)]) {
        let network = Proxy::to(&self.database.url).await;
        let mut options = self.options(self.members.len(), &network.url(&self.database.url));
        for (name, value) in settings {
            options.set_variable(name, value);
        }
        self.members.push(Member { server: Server::start_with(options).await, network });
    }

    fn options(&self, number: usize, catalog: &str) -> Options {
        Options::new(self.directory.path().join(format!("data-{number}")))
            .catalog(Some(catalog))
            .variable("CALOTYPE_BLOBS", self.directory.path().join("blobs").display())
            .variable("CALOTYPE_SECRET", "a secret that all of them share")
    }

    pub fn client(&self, number: usize) -> Client {
        self.members[number].server.client()
    }

    /// Has the tree, as a server has it that changes its shape, until the connection is closed.
    pub async fn hold_the_tree(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.database.url).await.expect("a connection");
        let lock = sqlx::query("SELECT pg_advisory_lock($1)").bind(TREE_LOCK);
        lock.execute(&mut connection).await.expect("the lock");
        connection
    }

    /// How many blobs are in the store.
    pub fn blobs(&self) -> usize {
        let shards = std::fs::read_dir(self.directory.path().join("blobs/blobs")).expect("the shards");
        shards.map(|shard| std::fs::read_dir(shard.expect("a shard").path()).expect("its blobs").count()).sum()
    }

    /// Stops all servers and looks whether all is well in what they leave.
    pub async fn end(mut self) {
        for member in &mut self.members {
            member.server.assert_no_panic();
            member.server.term().await;
        }
        let mut fsck = self.options(0, &self.database.url).fsck();
        let output = tokio::task::spawn_blocking(move || fsck.output()).await.expect("its thread").expect("fsck");
        assert!(output.status.success(), "fsck is not content: {}", crate::support::server::describe(&output));
    }
}

impl Member {
    /// `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, signal: &str) {
        let id = self.server.process_id().expect("it runs").to_string();
        let sent = Command::new("sh").args(["-c", "kill -$1 $0", &id, signal]).status();
        assert!(sent.expect("sh for kill").success(), "could not send SIG{signal}");
    }

    /// Waits until requests are answered well again; how long that took.
    pub async fn until_well(&self) -> Duration {
        let (client, began) = (self.server.client(), Instant::now());
        while !client.list("/").await.is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < WAIT_MAX, "it does not come back{}", self.server.log_end());
            tokio::time::sleep(POLL).await;
        }
        began.elapsed()
    }
}

/// How many files a job has dealt with, by its report.
pub async fn progress(client: &Client, job: &str) -> u64 {
    let report = client.send(reqwest::Method::GET, &format!("/calotype/v1/jobs/{job}"), None).await;
    report.expect("an answer").expect(200).body["counts"]["files"].as_u64().expect("a count")
}

/// Waits until a job has dealt with more than `files`; how long that took.
pub async fn until_past(client: &Client, job: &str, files: u64) -> Duration {
    let began = Instant::now();
    while progress(client, job).await <= files {
        assert!(began.elapsed() < WAIT_MAX, "nobody goes on with the job");
        tokio::time::sleep(POLL).await;
    }
    began.elapsed()
}

/// All files below a folder, by their path from there, with size and name of their version.
pub async fn files_below(client: &Client, root: &str) -> BTreeMap<String, (u64, String)> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in client.list_all(&folder).await.expect("a listing") {
            let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
            if entry["type"] == "folder" {
                folders.push(text("folderPath"));
                continue;
            }
            let path = text("filePath").strip_prefix(root).expect("below it").to_owned();
            let version = entry["versionInfo"]["name"].as_str().expect("its name").to_owned();
            let twin = files.insert(path.clone(), (entry["size"].as_u64().expect("a size"), version));
            assert_eq!(twin, None, "{path} twice");
        }
    }
    files
}

/// Makes `/source` with forty files in each of `folders` folders; all of them have different sizes in their folder.
pub async fn make_source(client: &Client, folders: usize) {
    for size in 1..=40 {
        let name = format!("{size}.txt");
        client.upload("/source/0", &name, vec![b'x'; size]).await.expect("an answer").expect(200);
    }
    for number in 1..folders {
        let parent = format!("/source/{number}");
        let job = client.copy_folder("/source/0", &parent, false).await.expect("an answer").expect(200);
        client.wait_completed(job.text("jobId"), WAIT_MAX).await;
    }
}
