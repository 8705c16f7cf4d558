//! A worker: operations one after the other on a folder of its own, and what it knows of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::model::{Change, SEED_LIBRARY, Tree, base_name, is_within};
use super::observe::observe;
use crate::support::client::{Answer, Client, Result};

/// For all work that a crash left behind: far more than it needs, so that only a stuck job meets it.
const JOB_MAX: Duration = Duration::from_secs(60);
/// A worker starts over with an empty folder when its own has become this big, and sends nothing that would make a
/// history longer than that: the 100-version rule is not what is tested here.
const FILES_MAX: usize = 250;
const VERSIONS_MAX: usize = 60;
/// Jobs of one worker under way at one time.
const PENDING_MAX: usize = 3;

pub struct Worker {
    number: usize,
    /// Full path of its folder, which gets another name after every crash.
    pub root: String,
    roots: u64,
    names: u64,
    library: Arc<Tree>,
    sizes: Arc<AtomicU64>,
    /// Everything that was acknowledged, done.
    tree: Tree,
    /// The operation whose answer never came.
    pub perhaps: Option<Change>,
    /// Acknowledged jobs that were not seen as `Completed`, in the order of submission, with what they do.
    pub pending: Vec<(String, Change)>,
}

impl Worker {
    pub fn new(number: usize, library: Arc<Tree>, sizes: Arc<AtomicU64>) -> Worker {
        Worker {
            number,
            root: String::new(),
            roots: 0,
            names: 0,
            library,
            sizes,
            tree: Tree::default(),
            perhaps: None,
            pending: Vec::new(),
        }
    }

    fn next_root_name(&mut self) -> String {
        self.roots += 1;
        format!("worker{}-{}", self.number, self.roots)
    }

    pub async fn start_over_if_big(&mut self, client: &Client) {
        if !self.root.is_empty() && !is_too_big(&self.tree) {
            return;
        }
        if !self.root.is_empty() {
            client.delete_folder(&self.root).await.expect("an answer").expect(204);
        }
        let name = self.next_root_name();
        client.create_folder("/", &name).await.expect("an answer").expect(201);
        self.root = format!("/{name}");
        self.tree = Tree::default();
    }

    /// One operation after the other, until there is no answer any more.
    pub async fn run_until_killed(mut self, client: Client, mut rng: StdRng, killing: Arc<AtomicBool>) -> Worker {
        loop {
            let lost = if !self.pending.is_empty() && rng.random_bool(0.6) {
                self.wait_for_pending(&client).await
            } else {
                match self.choose(&mut rng) {
                    Some(change) => self.perform(change, &client).await,
                    None => self.wait_for_pending(&client).await,
                }
            };
            if let Err(error) = lost {
                let expected = killing.load(Ordering::SeqCst);
                assert!(expected, "{}: no answer from a living server: {error:?}, {:?}", self.root, self.perhaps);
                return self;
            }
        }
    }

    async fn wait_for_pending(&mut self, client: &Client) -> Result<()> {
        while let Some((job_id, _)) = self.pending.first() {
            match client.job_status(job_id).await?.expect(200).text("status") {
                "Completed" => _ = self.pending.remove(0),
                "Pending" => tokio::time::sleep(Duration::from_millis(5)).await,
                other => panic!("job {job_id} has status {other:?}"),
            }
        }
        Ok(())
    }

    /// Sends a change and takes down what is known afterwards.
    async fn perform(&mut self, change: Change, client: &Client) -> Result<()> {
        let answer = match change.send(client, &self.root).await {
            Ok(answer) => answer,
            Err(error) => {
                self.perhaps = Some(change);
                return Err(error);
            }
        };
        // A path that a queued job will make is not there yet, and one that it will free is still taken.
        if change.is_job() && !self.pending.is_empty() && matches!(answer.status, 404 | 409) {
            return Ok(());
        }
        self.acknowledge(change, answer);
        Ok(())
    }

    fn acknowledge(&mut self, change: Change, answer: Answer) {
        let answer = match change {
            Change::DeleteFile { .. } | Change::DeleteFolder { .. } => answer.expect(204),
            _ => answer.expect(200),
        };
        change.apply(&mut self.tree, &self.library);
        if let Change::Upload { path, size } = &change {
            let file = self.tree.files.get_mut(path).expect("just applied");
            let id = answer.text("fileId").to_owned();
            assert!(file.id.is_none() || file.id.as_ref() == Some(&id), "a new version changed the id: {answer:#?}");
            file.id = Some(id);
            assert_eq!(answer.body["size"].as_u64(), Some(*size), "{answer:#?}");
        }
        if change.is_job() {
            self.pending.push((answer.text("jobId").to_owned(), change));
        }
    }

    /// What to do next: something whose result is known beforehand, whenever the pending jobs run.
    fn choose(&mut self, rng: &mut StdRng) -> Option<Change> {
        for _ in 0..20 {
            let change = match self.pending.as_slice() {
                [] if rng.random_bool(0.45) => self.choose_foreground(rng),
                [(_, only)] if rng.random_bool(0.5) => self.choose_beside(&only.clone()),
                pending if pending.len() < PENDING_MAX => self.choose_job(rng),
                _ => return None,
            };
            let Some(change) = change else { continue };
            if self.pending.iter().any(|(_, pending)| *pending == change) {
                // The same request again while its job is unfinished is the same job.
                continue;
            }
            let mut after = self.tree.clone();
            change.apply(&mut after, &self.library);
            // Room for one more operation of any kind before the worker starts over.
            if after.files.len() <= 2 * FILES_MAX && after.files.values().all(|file| file.sizes.len() <= VERSIONS_MAX) {
                return Some(change);
            }
        }
        None
    }

    fn choose_foreground(&mut self, rng: &mut StdRng) -> Option<Change> {
        match rng.random_range(0..10) {
            0..3 => {
                let folder = self.some_folder(rng);
                Some(self.upload_of_new_name(&folder, rng.random_bool(0.1)))
            }
            3..5 => {
                let folder = format!("{}/{}/deeper", self.some_folder(rng), self.next_name("n"));
                (depth(&folder) < 12).then(|| self.upload_of_new_name(&folder, false))
            }
            5..8 => {
                let path = self.tree.files.keys().collect::<Vec<_>>().choose(rng)?.to_string();
                Some(Change::Upload { path, size: self.next_size() })
            }
            8 => {
                let (path, file) = self.tree.files.iter().collect::<Vec<_>>().choose(rng).copied()?;
                Some(Change::DeleteFile { path: path.clone(), id: file.id.clone()? })
            }
            _ => Some(Change::DeleteFolder { path: self.some_folder(rng) }).filter(
                // Not the whole of it: that would leave nothing to do.
                |change| matches!(change, Change::DeleteFolder { path } if depth(path) > 2),
            ),
        }
    }

    /// Something that does not depend on when the one pending job runs: an upload of a new name into the target of a
    /// copy, which may turn its publication into a merge, or into a new folder.
    fn choose_beside(&mut self, pending: &Change) -> Option<Change> {
        let folder = match pending {
            Change::CopySeed { destination, .. } => format!("{destination}{SEED_LIBRARY}"),
            Change::Copy { source, destination, .. } => format!("{destination}{}", base_name(source)),
            _ => format!("/{}", self.next_name("n")),
        };
        Some(self.upload_of_new_name(&folder, false))
    }

    fn choose_job(&mut self, rng: &mut StdRng) -> Option<Change> {
        let include_versions = rng.random();
        if self.tree.folders.is_empty() || rng.random_bool(0.3) {
            return Some(Change::CopySeed { destination: self.some_destination(rng), include_versions });
        }
        let source = self.some_folder(rng);
        if source.is_empty() {
            return None;
        }
        if rng.random_bool(0.2) {
            return Some(Change::Rename { path: source, new_name: self.next_name("renamed") });
        }
        let destination = self.some_destination(rng);
        let target = format!("{destination}{}", base_name(&source));
        // Neither may lie within the other; into its own parent is an error of the contract.
        if is_within(&target, &source) || is_within(&source, &target) || depth(&target) > 12 {
            return None;
        }
        if rng.random_bool(0.5) {
            Some(Change::Move { source, destination })
        } else {
            Some(Change::Copy { source, destination, include_versions })
        }
    }

    /// An existing folder, perhaps the worker's own.
    fn some_folder(&self, rng: &mut StdRng) -> String {
        self.tree.folders.iter().collect::<Vec<_>>().choose(rng).map_or_else(String::new, |path| path.to_string())
    }

    /// Often the parent of a folder with a likely name, so that trees merge; sometimes a folder that is not there.
    fn some_destination(&mut self, rng: &mut StdRng) -> String {
        match rng.random_range(0..10) {
            0..5 => format!("/x{}", rng.random_range(0..3)),
            5..8 => self.some_folder(rng),
            8 => String::new(),
            _ => format!("/{}/{}", self.next_name("n"), self.next_name("n")),
        }
    }

    fn upload_of_new_name(&mut self, folder: &str, large: bool) -> Change {
        let path = format!("{folder}/{}.bin", self.next_name("u"));
        // More than any buffer on the way, so that death may come in the middle.
        let size = self.next_size() + if large { 2_000_000 } else { 0 };
        Change::Upload { path, size }
    }

    fn next_name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    fn next_size(&self) -> u64 {
        self.sizes.fetch_add(1, Ordering::SeqCst)
    }

    /// After the restart: all acknowledged jobs complete, and everything is as the model says.
    pub async fn settle_and_compare(
        &mut self,
        client: &Client,
        verified: &mut BTreeSet<u64>,
    ) -> std::result::Result<(), String> {
        for (job_id, _) in &self.pending {
            client.wait_completed(job_id, JOB_MAX).await;
        }
        let name = self.next_root_name();
        let barrier = client.rename_folder(&self.root, &name).await.expect("an answer").expect(200);
        client.wait_completed(barrier.text("jobId"), JOB_MAX).await;
        self.root = format!("/{name}");

        let mut seen = observe(client, &self.root, verified).await;
        let mut with_unknown = self.tree.clone();
        let unknown = self.perhaps.take();
        if let Some(change) = &unknown {
            change.apply(&mut with_unknown, &self.library);
        }
        if let Some(difference) = self.tree.difference(&seen)
            && with_unknown.difference(&seen).is_some()
        {
            let (pending, tree) = (&self.pending, &self.tree.files.len());
            return Err(format!(
                "without the unknown {unknown:?}, after {pending:?}, {tree} files expected, this is different:\n\
                 {difference}with it, this is:\n{}",
                with_unknown.difference(&seen).unwrap_or_default()
            ));
        }
        self.pending.clear();
        std::mem::swap(&mut self.tree, &mut seen);
        Ok(())
    }
}

fn is_too_big(tree: &Tree) -> bool {
    tree.files.len() > FILES_MAX || tree.files.values().any(|file| file.sizes.len() > VERSIONS_MAX)
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}
