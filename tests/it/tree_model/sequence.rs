//! One random sequence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use calotype::app::App;
use calotype::config::Settings;
use calotype::error::{Error, Refusal};
use calotype::jobs::submit::Request;
use calotype::jobs::sweep;
use calotype::jobs::worker::{self, Worker};
use calotype::library::upload::{self, Overwrite, Upload};
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

use super::model::{Folder, Ids, Model, Path, Symbol};
use super::seen::Seen;
use crate::support::catalog::Catalog;

/// One name comes often, so that folders meet their namesakes.
pub(super) const FOLDER_NAMES: [&str; 4] = ["a", "a", "b", "c"];
pub(super) const FILE_NAMES: [&str; 4] = ["x", "y", "z", "a"];
const OPERATIONS: usize = 40;
/// Folders above a file below the sequence's own.
const DEPTH_MAX: usize = 4;
/// Versions of a file that is made to meet the cap of 100 in a merge.
const MANY_VERSIONS: usize = 51;
/// Steps that the queued jobs of a sequence may take; more is an endless loop.
const STEPS_MAX: usize = 5_000;

/// What the next commit is to do.
pub(super) const FAIR: u8 = 0;
const FAIL_BEFORE: u8 = 1;
const FAIL_AFTER: u8 = 2;

pub struct Sequence<'a> {
    catalog: &'a Catalog,
    /// Two servers over a PostgreSQL catalog, one over SQLite; an operation goes to any.
    pub(super) apps: Vec<App>,
    current: usize,
    pub(super) fault: Arc<AtomicU8>,
    pub(super) random: StdRng,
    pub(super) seed: u64,
    workers: [Worker; 2],
    pub(super) model: Model,
    pub(super) ids: Ids,
    /// Unfinished jobs, oldest first, with what the model remembers of their start.
    pub(super) running: BTreeMap<JobId, Running>,
    uploads: i64,
    /// Where submissions of this sequence mostly go, if it is made to meet the cap.
    pub(super) bent_on: Option<(Path, Path)>,
    pub(super) last_request: Option<(Request, Path, Path)>,
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
    Relink { source: Path, destination: Path, contents: Vec<i64> },
    /// A copy: the source as it was, and the folder it goes to.
    Copy { snapshot: Folder, destination: Symbol },
}

impl<'a> Sequence<'a> {
    pub async fn begin(catalog: &'a Catalog, seed: u64) -> Sequence<'a> {
        let mut random = StdRng::seed_from_u64(seed);
        let fault = Arc::new(AtomicU8::new(FAIR));
        let apps = open(catalog, &mut random, &fault).await;
        let workers = [Worker::new("one/1".into()), Worker::new("two/1".into())];
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
        // A job is in the middle of a change that the model makes in one go: only steps until it is done.
        if self.is_merging().await {
            return self.step().await;
        }
        self.current = self.random.random_range(0..self.apps.len());
        match self.random.random_range(0..100) {
            0..=22 => self.upload().await,
            23..=26 => self.place_file().await,
            27..=29 => self.change_history().await,
            30..=35 => self.delete_file().await,
            36..=39 => self.delete_folder().await,
            40..=43 => self.create_folder().await,
            44..=57 => self.submit().await,
            58..=59 => self.crash().await,
            60..=62 => self.let_leases_run_out().await,
            63..=64 => self.sweep().await,
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

    async fn upload(&mut self) {
        let folder = if self.random.random_bool(0.7) { self.known_path() } else { self.any_path() };
        let name = *FILE_NAMES.choose(&mut self.random).expect("names");
        self.upload_to(&folder, name).await;
    }

    async fn upload_to(&mut self, folder: &[String], name: &str) {
        self.uploads += 1;
        let content = self.uploads;
        let bytes = vec![b'.'; usize::try_from(content).expect("few")];
        let blob_id = self.app().blob_ids.take(&self.app().db).await.expect("a blob id");
        let body = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes.into())]);
        let stored = self.app().blobs.put(blob_id, body, 1 << 20).await.expect("a blob");
        let blob = self.app().blobs.provisional(blob_id);
        let upload = Upload {
            file_name: name.into(),
            folder: self.real(folder),
            names: Names::Verbatim,
            unique_name: false,
            overwrite: Overwrite { file: true, tags: true, ai_tags: true, custom_metadata: true },
            private: false,
            published: true,
            tags: None,
            custom_coordinates: None,
            custom_metadata: None,
            description: None,
            transformation: None,
            checks: None,
        };
        let happens = self.maybe_fault();
        let fair = self.fault.load(Ordering::Relaxed) == FAIR;
        let answer = upload::store(self.app(), &upload, blob_id, &stored, blob).await;
        if matches!(answer, Err(Error::Refused(_))) {
            self.fault.store(FAIR, Ordering::Relaxed);
            assert!(matches!(answer, Err(Error::Refused(Refusal::TooManyVersions))), "seed {}: {answer:?}", self.seed);
            assert!(!self.model.clone().upload(folder, name, content), "seed {}: an upload was refused", self.seed);
            return;
        }
        assert_eq!(answer.is_ok(), fair, "seed {}: {answer:?}", self.seed);
        if happens {
            assert!(self.model.upload(folder, name, content), "seed {}: an upload was not refused", self.seed);
            self.note_change();
        }
    }

    /// Two files of one name that do not fit together.
    async fn make_long_histories(&mut self) {
        for folder in ["a", "b/a"] {
            let folder: Path = folder.split('/').map(str::to_owned).collect();
            for _ in 0..MANY_VERSIONS {
                self.upload_to(&folder, "x").await;
            }
        }
        self.bent_on = Some((vec!["a".to_owned()], vec!["b".to_owned()]));
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
        self.workers = [Worker::new("one/1".into()), Worker::new("two/1".into())];
        self.let_leases_run_out().await;
    }

    /// As if the workers had been silent for the length of a lease. They do not know of it.
    async fn let_leases_run_out(&mut self) {
        let mut tx = self.app().db.write(Reach::Apart).await.expect("a transaction");
        jobs::release_all(&mut tx).await.expect("leases end");
        tx.commit().await.expect("a commit");
    }

    /// One transaction of one of the workers, and what it means for the model.
    async fn step(&mut self) {
        let Some((&id, _)) = self.running.first_key_value() else { return };
        self.maybe_fault();
        let worker = self.random.random_range(0..self.workers.len());
        let stepped = worker::step(&self.apps[worker % self.apps.len()], &mut self.workers[worker]).await;
        let hit = self.fault.swap(FAIR, Ordering::Relaxed) != FAIR;
        match stepped {
            Ok(_) => {}
            // A worker whose lease went to the other, or an injected fault.
            Err(Error::Fenced) => self.seen.fenced += u64::from(!hit),
            Err(error) => panic!("seed {}: a step failed: {error}", self.seed),
        }
        if self.random.random_bool(0.05) {
            self.let_leases_run_out().await;
        }
        let job = self.job(id).await;
        if job.phase != Phase::Start && self.running[&id].start.is_none() {
            let start = self.start(&job);
            self.running.get_mut(&id).expect("running").start = Some(start);
        }
        if job.phase == Phase::Done {
            let running = self.running.remove(&id).expect("running");
            self.finish(&job, running);
            self.compare().await;
        } else if let Some(Start::Relink { contents, .. }) = self.running[&id].start.clone() {
            self.check_nothing_is_lost(&contents).await;
        }
    }

    async fn job(&self, id: JobId) -> Job {
        let mut tx = self.app().db.read().await.expect("a transaction");
        jobs::by_id(&mut tx, id).await.expect("a read").expect("a job that was accepted is found")
    }

    pub(super) async fn is_merging(&self) -> bool {
        let Some((&id, _)) = self.running.first_key_value() else { return false };
        matches!(self.job(id).await.phase, Phase::MergeFiles | Phase::MergeFolders | Phase::Close | Phase::Swap)
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
            return if taken { Start::Nothing } else { Start::Relink { source, destination, contents: Vec::new() } };
        }
        let destination_id = self.model.make_folder(&destination);
        if request.kind == Kind::Copy {
            self.seen.copies += 1;
            return Start::Copy { snapshot: found, destination: destination_id };
        }
        self.seen.moves += 1;
        self.seen.merges += u64::from(self.model.root.at(&target).is_some());
        Start::Relink { source, destination, contents: self.model.root.contents() }
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
            Start::Relink { source, destination, .. } => {
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
