//! One random sequence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::Error;
use calotype::jobs::submit::Request;
use calotype::jobs::sweep;
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::library::{check, files, folders, listing};
use calotype::model::asset::Kinds;
use calotype::model::ids::{ContentId, FileId, JobId};
use calotype::model::job::{Kind, Phase};
use calotype::model::path::FolderPath;
use calotype::store::collect::{self, Reference};
use calotype::store::jobs::Job;
use calotype::store::listing::{Direction, FileType, Page, SortKey};
use calotype::store::{Moment, Reach, jobs};
use calotype::tree::place::Names;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::disturbances::Beside;
use super::model::{Folder, Ids, Model, Path, Symbol};
use super::seen::Seen;
use crate::support::catalog::Catalog;

/// One name comes often, so that folders meet their namesakes.
pub(super) const FOLDER_NAMES: [&str; 4] = ["a", "a", "b", "c"];
pub(super) const FILE_NAMES: [&str; 4] = ["x", "y", "z", "a"];
const OPERATIONS: usize = 40;
/// Folders above a file below the sequence's own.
const DEPTH_MAX: usize = 4;
/// Steps that the queued jobs of a sequence may take; more is an endless loop.
const STEPS_MAX: usize = 5_000;

/// What the next commit is to do.
pub(super) const FAIR: u8 = 0;
const FAIL_BEFORE: u8 = 1;
const FAIL_AFTER: u8 = 2;

pub struct Sequence<'a> {
    pub(super) catalog: &'a Catalog,
    /// Two servers over a PostgreSQL catalog, one over SQLite; an operation goes to any.
    pub(super) apps: Vec<App>,
    pub(super) current: usize,
    pub(super) fault: Arc<AtomicU8>,
    pub(super) random: StdRng,
    pub(super) seed: u64,
    workers: [Worker; 3],
    pub(super) model: Model,
    pub(super) ids: Ids,
    /// Unfinished jobs, oldest first, with what the model remembers of their start.
    pub(super) running: BTreeMap<JobId, Running>,
    pub(super) uploads: i64,
    /// Where submissions of this sequence mostly go, if it is made to meet the cap.
    pub(super) bent_on: Option<(Path, Path)>,
    pub(super) last_request: Option<(Request, Path, Path)>,
    /// What the model has yet to learn.
    pub(super) beside: Beside,
    pub seen: Seen,
}

#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) request: Request,
    pub(super) start: Option<Start>,
}

/// What a job has fixed when it started.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// It has become impossible.
    Nothing,
    /// A move or rename that is done, or is merged until it is.
    Relink { source: Path, destination: Path },
    /// A copy: the source as it was, and the folder it goes to.
    Copy { snapshot: Folder, destination: Symbol },
}

impl<'a> Sequence<'a> {
    pub async fn begin(catalog: &'a Catalog, seed: u64) -> Sequence<'a> {
        let mut random = StdRng::seed_from_u64(seed);
        let fault = Arc::new(AtomicU8::new(FAIR));
        let apps = open(catalog, &mut random, &fault).await;
        let workers = workers();
        let (model, ids) = (Model::new(), Ids::default());
        Sequence {
            catalog,
            apps,
            current: 0,
            fault,
            random,
            seed,
            workers,
            model,
            ids,
            running: BTreeMap::new(),
            uploads: 0,
            bent_on: None,
            last_request: None,
            beside: Beside::default(),
            seen: Seen::default(),
        }
    }

    pub async fn run(&mut self) {
        folders::create(self.app(), &FolderPath::root(), &self.home(), Names::Verbatim)
            .await
            .expect("a folder for the sequence");
        if self.random.random_bool(0.05) {
            self.make_long_histories().await;
        }
        if self.bent_on.is_some() {
            self.submit().await;
        }
        for _ in 0..OPERATIONS {
            self.operation().await;
            if self.random.random_bool(0.25) {
                self.compare().await;
            }
        }
        let mut steps = 0;
        while !self.running.is_empty() {
            self.step().await;
            steps += 1;
            assert!(steps < STEPS_MAX, "seed {}: the jobs do not end: {:?}", self.seed, self.running);
        }
        self.compare().await;
        self.read_back().await;
        self.sweep_clean().await;
        self.compare().await;
        let found = check::check(&self.app().db, Some(&self.app().blobs)).await.expect("a check");
        assert!(found.violations.is_empty(), "seed {}: {:#?}", self.seed, found.violations);
        self.close().await;
    }

    async fn operation(&mut self) {
        // A job is in the middle of a change that the model makes in one go: until it is done no job is submitted, because
        // the model would not know what it starts with.
        if self.is_merging().await {
            let knows_all = self.bent_on.is_none() && self.running.values().all(|job| job.start.is_some());
            return match self.random.random_range(0..100) {
                0 => self.crash().await,
                1 => self.sweep().await,
                2 => self.search_between_steps().await,
                3..=39 if knows_all => self.disturb().await,
                _ => self.step().await,
            };
        }
        self.current = self.random.random_range(0..self.apps.len());
        match self.random.random_range(0..100) {
            0..=22 => self.upload().await,
            23..=26 => self.place_file().await,
            27..=29 => self.change_history().await,
            30..=35 => self.delete_file().await,
            36..=39 => self.delete_folder().await,
            40..=43 => self.create_folder().await,
            44 => self.submit_small_copies().await,
            45..=57 => {
                self.submit().await;
                // Two that wait together may pass each other.
                if self.random.random_bool(0.4) {
                    self.submit().await;
                }
            }
            58..=59 => self.crash().await,
            60..=62 => self.let_leases_run_out().await,
            63 => self.sweep().await,
            64 => self.search_between_steps().await,
            _ => self.step().await,
        }
    }

    async fn sweep(&mut self) {
        sweep::round(self.app()).await.expect("a sweep");
        sweep::collect(self.app()).await.expect("unused contents go");
        sweep::release(self.app()).await.expect("the lease is given up");
    }

    /// With no job left, nothing stays that nothing needs.
    async fn sweep_clean(&mut self) {
        let mut rounds = 0;
        while sweep::round(self.app()).await.expect("a sweep") {
            rounds += 1;
            assert!(rounds < STEPS_MAX, "seed {}: the sweep does not end", self.seed);
        }
        sweep::collect(self.app()).await.expect("unused contents go");
        sweep::release(self.app()).await.expect("the lease is given up");
        let mut tx = self.app().db.read().await.expect("a transaction");
        let kept = collect::contents(&mut tx, ContentId(0), i64::MAX).await.expect("contents");
        let (mut needed, mut from) = (BTreeSet::new(), Some(Reference::FIRST));
        while let Some(reference) = from {
            let (met, next) = collect::references(&mut tx, reference, 1000).await.expect("references");
            needed.extend(met);
            from = next;
        }
        assert_eq!(BTreeSet::from_iter(kept), needed, "seed {}: contents and references", self.seed);
    }

    pub(super) fn app(&self) -> &App {
        &self.apps[self.current]
    }

    async fn close(&self) {
        for app in &self.apps {
            app.db.close().await;
        }
    }

    fn home(&self) -> String {
        format!("s{}", self.seed)
    }

    pub(super) fn real(&self, path: &[String]) -> FolderPath {
        path.iter().fold(FolderPath::root().join(&self.home()), |at, name| at.join(name))
    }

    pub(super) fn any_path(&mut self) -> Path {
        let depth = self.random.random_range(0..=DEPTH_MAX);
        (0..depth).map(|_| (*FOLDER_NAMES.choose(&mut self.random).expect("names")).to_owned()).collect()
    }

    pub(super) fn known_path(&mut self) -> Path {
        let paths = self.model.root.paths();
        paths.choose(&mut self.random).expect("there is the root").clone()
    }

    /// Sometimes the next commit fails, or its answer is lost; whether the change is made all the same.
    pub(super) fn maybe_fault(&mut self) -> bool {
        let fault = match self.random.random_range(0..40) {
            0 => FAIL_BEFORE,
            1 => FAIL_AFTER,
            _ => FAIR,
        };
        self.seen.faults += u64::from(fault != FAIR);
        self.fault.store(fault, Ordering::Relaxed);
        fault != FAIL_BEFORE
    }

    /// A file that there is, if the folder picked has any.
    pub(super) fn known_file(&mut self) -> Option<(Path, String)> {
        let folder = self.known_path();
        let names: Vec<String> = self.model.root.at(&folder).expect("known").files.keys().cloned().collect();
        let name = names.choose(&mut self.random)?.clone();
        Some((folder, name))
    }

    pub(super) async fn id_of(&self, folder: &[String], name: &str) -> FileId {
        let page = Page {
            kinds: Kinds::FILES,
            file_type: FileType::Any,
            key: SortKey::Name,
            direction: Direction::Up,
            limit: 1000,
            skip: 0,
        };
        let listed = listing::in_folder(self.app(), &self.real(folder), &page).await.expect("a list");
        let file = listed.iter().find(|found| found.asset.name == name);
        FileId(file.unwrap_or_else(|| panic!("seed {}: {name} in {folder:?} is not listed", self.seed)).asset.id)
    }

    async fn delete_file(&mut self) {
        let Some((folder, name)) = self.known_file() else { return };
        let id = self.id_of(&folder, &name).await;
        let happens = self.maybe_fault();
        drop(files::delete(self.app(), id).await);
        if happens {
            self.model.delete_file(&folder, &name);
            self.note_change();
        }
    }

    async fn delete_folder(&mut self) {
        let path = self.known_path();
        if path.is_empty() {
            return;
        }
        let happens = self.maybe_fault();
        drop(folders::delete(self.app(), &self.real(&path), "as sent").await);
        if happens {
            self.model.take_folder(&path);
            self.note_change();
        }
    }

    async fn create_folder(&mut self) {
        let mut path = self.known_path();
        let name = *FOLDER_NAMES.choose(&mut self.random).expect("names");
        let parent = self.real(&path);
        path.push(name.to_owned());
        let happens = self.maybe_fault();
        drop(folders::create(self.app(), &parent, name, Names::Verbatim).await);
        if happens {
            self.model.make_folder(&path);
        }
    }

    pub(super) fn note_change(&mut self) {
        self.seen.changed_under_a_copy +=
            u64::from(self.running.values().any(|job| matches!(job.start, Some(Start::Copy { .. }))));
    }

    async fn crash(&mut self) {
        self.seen.crashes += 1;
        self.close().await;
        self.apps = open(self.catalog, &mut self.random, &self.fault).await;
        self.workers = workers();
        self.let_leases_run_out().await;
    }

    /// As if the workers had been silent for the length of a lease. They do not know of it.
    async fn let_leases_run_out(&mut self) {
        let mut tx = self.app().db.write(Reach::Apart).await.expect("a transaction");
        jobs::release_all(&mut tx).await.expect("leases end");
        tx.commit().await.expect("a commit");
    }

    /// One transaction of one of the workers, and what it means for the model.
    pub(super) async fn step(&mut self) {
        if self.running.is_empty() {
            return;
        }
        self.maybe_fault();
        let worker = self.random.random_range(0..self.workers.len());
        let stepped = worker::step(&self.apps[worker % self.apps.len()], &mut self.workers[worker]).await;
        self.fault.store(FAIR, Ordering::Relaxed);
        match stepped {
            Ok(Stepped::Worked(done)) => self.seen.together += u64::from(done.len() > 1),
            Ok(Stepped::Idle) => {}
            // What is injected.
            Err(Error::Fenced) => {}
            Err(error) => panic!("seed {}: a step failed: {error}", self.seed),
        }
        if self.random.random_bool(0.05) {
            self.let_leases_run_out().await;
        }
        self.absorb().await;
    }

    /// What the jobs have come to. Those that a step has brought forward are taken in order of submission: where the order
    /// matters, that is the one in which they must have run.
    async fn absorb(&mut self) {
        let mut ended = false;
        let mut earlier_waits = false;
        let ids: Vec<JobId> = self.running.keys().copied().collect();
        for id in ids {
            let job = self.job(id).await;
            if job.phase == Phase::Start {
                earlier_waits = true;
                continue;
            }
            if self.running[&id].start.is_none() {
                self.seen.overtook += u64::from(earlier_waits);
                let start = self.start(&job);
                self.running.get_mut(&id).expect("running").start = Some(start);
            }
            if job.phase == Phase::Done {
                let running = self.running.remove(&id).expect("running");
                self.finish(&job, running);
                ended = true;
            }
        }
        let under_way = self.running.values().filter(|job| job.start.is_some()).count();
        self.seen.side_by_side += u64::from(under_way > 1);
        if self.is_merging().await {
            self.check_nothing_is_lost().await;
        } else {
            if self.beside.any {
                self.check_nothing_is_lost().await;
                self.learn().await;
            }
            if ended {
                self.compare().await;
            }
        }
    }

    async fn job(&self, id: JobId) -> Job {
        let mut tx = self.app().db.read().await.expect("a transaction");
        jobs::by_id(&mut tx, id).await.expect("a read").expect("a job that was accepted is found")
    }

    pub(super) async fn is_merging(&self) -> bool {
        for id in self.running.keys() {
            let phase = self.job(*id).await.phase;
            if matches!(phase, Phase::MergeFiles | Phase::MergeFolders | Phase::Close | Phase::Swap) {
                return true;
            }
        }
        false
    }

    /// Whether a merge in the middle of its pages, or one that uploads came into, is that of a copy.
    pub(super) async fn copies_are_merged(&self) -> bool {
        for id in self.running.keys() {
            let job = self.job(*id).await;
            if job.kind == Kind::Copy
                && !matches!(job.phase, Phase::Start | Phase::CloneFolders | Phase::ClonePastFolders)
            {
                return true;
            }
        }
        false
    }

    fn model_path(&self, path: &FolderPath) -> Path {
        path.segments()[1..].to_vec()
    }

    /// The model's start of a job: paths are resolved now, and a copy's source is what it is now.
    fn start(&mut self, job: &Job) -> Start {
        let request = self.running[&job.id].request.clone();
        let source = self.model_path(&request.source);
        let Some(found) = self.model.root.at(&source).cloned() else { return Start::Nothing };
        let destination = self.model_path(&request.destination);
        let target: Path = [destination.as_slice(), std::slice::from_ref(&request.target_name)].concat();
        if request.kind == Kind::Rename {
            let taken = self.model.root.at(&target).is_some();
            return if taken { Start::Nothing } else { Start::Relink { source, destination } };
        }
        let destination_id = self.model.make_folder(&destination);
        if request.kind == Kind::Copy {
            self.seen.copies += 1;
            return Start::Copy { snapshot: found, destination: destination_id };
        }
        self.seen.moves += 1;
        self.seen.merges += u64::from(self.model.root.at(&target).is_some());
        Start::Relink { source, destination }
    }

    /// The model's end of a job.
    fn finish(&mut self, job: &Job, running: Running) {
        let name = running.request.target_name.clone();
        self.seen.capped += u64::from(job.failed_items > 0);
        self.seen.swaps += u64::from(job.namesake_id.is_some());
        match running.start.expect("a finished job has started") {
            Start::Nothing => {
                self.seen.gave_up += 1;
                assert!(job.failure.is_some(), "seed {}: {job:?} did nothing and says nothing", self.seed);
            }
            Start::Relink { source, destination } => {
                self.seen.renames += u64::from(job.kind == Kind::Rename);
                self.model.relink(&source, &destination, &name);
            }
            Start::Copy { snapshot, destination } => match self.model.root.find(destination) {
                Some(destination) => {
                    let copy = self.model.copy(&snapshot, running.request.include_versions);
                    let target: Path = [destination.as_slice(), std::slice::from_ref(&name)].concat();
                    self.seen.merges += u64::from(self.model.root.at(&target).is_some());
                    self.model.publish(copy, &destination, &name);
                }
                None => self.seen.gave_up += 1,
            },
        }
        assert_eq!(job.purge_request_id.is_some(), job.purge_cache && job.failure.is_none(), "seed {}", self.seed);
    }
}

fn workers() -> [Worker; 3] {
    ["one/1", "two/1", "three/1"].map(|name| Worker::new(name.into()))
}

async fn open(catalog: &Catalog, random: &mut StdRng, fault: &Arc<AtomicU8>) -> Vec<App> {
    // Batches of all sizes: a row, a few, and all at once.
    let batch_rows = *[1, 2, 3, 5, 8, 4000].choose(random).expect("sizes");
    let mut apps = Vec::new();
    for name in if catalog.is_postgres() { ["one", "two"].as_slice() } else { &["one"] } {
        let app = catalog.app(name, Settings { batch_rows, ..Settings::default() }).await;
        let fault = Arc::clone(fault);
        app.db.inject(move |moment| {
            let planned = fault.load(Ordering::Relaxed);
            let hit =
                matches!((planned, moment), (FAIL_BEFORE, Moment::BeforeCommit) | (FAIL_AFTER, Moment::AfterCommit));
            if hit {
                fault.store(FAIR, Ordering::Relaxed);
                return Err(Error::Fenced);
            }
            Ok(())
        });
        apps.push(app);
    }
    apps
}
