//! A server that dies at every point at which it can, each in turn.
//!
//! A point lies before and after everything that makes something durable: a commit (a submission, a step of a job with its
//! lease, each batch of a sweep with its lease, a block of blob ids, what a start does), a write, a part, a publication or a
//! removal in the blob store. A scenario is first done undisturbed. Then it is done again for every point that it passes:
//! there the server dies, another starts over the same data, clients send again what was not acknowledged, and it goes on to
//! the end. Clients must see the same tree, nothing may be left behind, and every invariant holds, also right after the
//! crash.
//!
//! Then every scenario is done twice more without crashes: with every commit and every write failing once, so that each
//! step is undone and done again; and with every answer lost once, so that each step is done again after it was done.

mod deeds;
mod faults;
mod library;
mod scenarios;
mod store;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use calotype::app::App;
use calotype::error::Result;
use calotype::jobs::worker::{self, Stepped, Worker};
use calotype::model::ids::JobId;
use calotype::model::job::Phase;
use calotype::model::path::FolderPath;
use calotype::store::jobs::{self, Job};
use futures_util::{StreamExt, stream};

use super::support::catalog::Catalog;
use deeds::{Bulk, Deed, send};
use faults::{Faults, Met, Plan, What, When};
use library::{Library, SERVER, Tree};
use scenarios::{SCENARIOS, Scenario, TEMPLATE};

/// Attempts at one deed, and steps of the jobs of one scenario; more is an endless loop.
const ATTEMPTS_MAX: usize = 500;
/// PostgreSQL learns within milliseconds that a transaction is given up; until then others pass over its job.
const IDLE: Duration = Duration::from_millis(2);
/// Scenarios that run side by side.
const AT_A_TIME: usize = 3;
/// Points that a scenario passes at most.
const POINTS_MAX: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_changes_nothing_on_sqlite() {
    everywhere(async || Some(Catalog::sqlite()), crash_at_each_point).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_point_changes_nothing_on_postgres() {
    everywhere(async || Catalog::postgres("failpoints").await, crash_at_each_point).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_may_be_done_twice_on_sqlite() {
    everywhere(async || Some(Catalog::sqlite()), repeat_each_step).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_may_be_done_twice_on_postgres() {
    everywhere(async || Catalog::postgres("repeated").await, repeat_each_step).await;
}

/// Each scenario in a library of its own, some of them at a time, because they mostly wait for the catalog.
async fn everywhere(catalog: impl AsyncFn() -> Option<Catalog>, disturb: impl AsyncFn(&mut Bench, &Scenario)) {
    let each = async |scenario: &Scenario| {
        let began = Instant::now();
        let mut bench = Bench::open(catalog().await?, scenario).await;
        disturb(&mut bench, scenario).await;
        println!("{}: {} runs in {:?}", scenario.name, bench.runs, began.elapsed());
        bench.library.app.db.close().await;
        Some(bench.library.met())
    };
    let done: Vec<_> = stream::iter(SCENARIOS).map(each).buffer_unordered(AT_A_TIME).collect().await;
    let Some(done) = done.into_iter().collect::<Option<Vec<Met>>>() else { return };
    for when in [When::Before, When::After] {
        for what in [What::Commit, What::Put, What::Part, What::Complete, What::Copy, What::Delete] {
            let met: usize = done.iter().filter_map(|met| met.get(&(when, what))).sum();
            println!("{when:?} {what:?}: {met}");
            assert!(met > 0, "never {when:?} {what:?}, which proves little");
        }
    }
}

async fn crash_at_each_point(bench: &mut Bench, scenario: &Scenario) {
    let undisturbed = bench.run(scenario, Plan::None, None).await;
    let mut number = 0;
    loop {
        assert!(number < POINTS_MAX, "{}: the points do not end", scenario.name);
        bench.run(scenario, Plan::CrashAt(number), Some(&undisturbed)).await;
        if !bench.has_crashed {
            break;
        }
        number += 1;
    }
    assert!(number >= 2, "{}: nothing was made durable", scenario.name);
}

async fn repeat_each_step(bench: &mut Bench, scenario: &Scenario) {
    let undisturbed = bench.run(scenario, Plan::None, None).await;
    for when in [When::Before, When::After] {
        bench.run(scenario, Plan::Each(when), Some(&undisturbed)).await;
    }
}

/// A library and what runs need of it.
struct Bench {
    library: Library,
    worker: Worker,
    runs: usize,
    /// Whether the server of the last run has died.
    has_crashed: bool,
}

/// Where a run lives, and what is known of it.
struct Run<'a> {
    what: String,
    home: FolderPath,
    known: BTreeMap<i64, String>,
    /// Accepted jobs.
    jobs: Vec<JobId>,
    /// What clients see before the first deed and after each, in the run that nothing disturbed.
    trees: Vec<Tree>,
    undisturbed: Option<&'a [Tree]>,
}

impl Bench {
    async fn open(catalog: Catalog, scenario: &Scenario) -> Bench {
        let bench = Bench { library: Library::open(catalog).await, worker: worker(), runs: 0, has_crashed: false };
        let home = FolderPath::root().join("template").join("home");
        for deed in TEMPLATE.iter().chain(scenario.template) {
            deed.once(&bench.library.app, &home).await.expect("nothing fails yet");
        }
        bench
    }

    /// Does a scenario in a new home; the trees that clients saw.
    async fn run(&mut self, scenario: &Scenario, plan: Plan, undisturbed: Option<&[Tree]>) -> Vec<Tree> {
        self.runs += 1;
        self.has_crashed = false;
        let what = format!("{}, {plan:?}", scenario.name);
        let parent = format!("run{}", self.runs);
        let mut run = Run {
            what,
            home: FolderPath::root().join(&parent).join("home"),
            known: BTreeMap::new(),
            jobs: Vec::new(),
            trees: Vec::new(),
            undisturbed,
        };
        self.prepare(&mut run, scenario, &parent).await;
        self.library.faults.arm(plan);
        self.see(&mut run).await;
        for deed in scenario.deeds {
            self.act(&mut run, *deed).await;
            self.see(&mut run).await;
        }
        for (number, job) in run.jobs.iter().enumerate() {
            let end = self.job(*job).await;
            let expected = scenario.ends.get(number).copied().unwrap_or_default();
            assert_eq!((end.failure.as_deref(), end.failed_items), expected, "{}: job {number}", run.what);
        }
        self.library.faults.arm(Plan::None);
        if matches!(plan, Plan::Each(_)) {
            // Bytes that the blob store has taken while its answer was lost are found at the next start.
            self.restart(&run, Faults::default()).await;
        }
        self.library.check_clean(&run.what).await;
        assert_eq!(Some(&self.look(&run).await), run.trees.last(), "{}: after a sweep", run.what);
        run.trees
    }

    /// Makes the home, as a copy of the template, and what the scenario needs.
    async fn prepare(&mut self, run: &mut Run<'_>, scenario: &Scenario, parent: &str) {
        let app = &mut self.library.app;
        app.settings.batch_rows = 4_000;
        let root = FolderPath::root();
        let job = send(app, &root, Bulk::CopyVersions, "template/home", parent, false).await.expect("a job");
        while self.job(job).await.phase != Phase::Done {
            self.step().await.expect("nothing fails yet");
        }
        self.library.app.settings.batch_rows = scenario.batch_rows;
        for deed in scenario.before {
            self.act(run, *deed).await;
        }
        if scenario.deeds.iter().any(|deed| matches!(deed, Deed::TakeLostBlocks | Deed::Restart)) {
            // One that dies with bytes that no row refers to, beside some that have a row.
            let is_restart = matches!(scenario.deeds[0], Deed::Restart);
            let lost = self.library.neighbour(if is_restart { SERVER } else { "lost" }).await;
            deeds::put(&lost, &run.home, "c/kept", 17).await.expect("an upload");
            let blob = lost.blob_ids.take(&lost.db).await.expect("a blob id").leave_open();
            let body = futures_util::stream::iter([Ok::<_, std::io::Error>(b"no row"[..].into())]);
            lost.blobs.put(blob, body, 100).await.expect("bytes");
            lost.db.close().await;
        }
        run.known = self.library.names(&run.home).await;
    }

    /// Does a deed until it is done, whatever fails.
    async fn act(&mut self, run: &mut Run<'_>, deed: Deed) {
        match deed {
            Deed::Work | Deed::Until(_) => self.work(run, deed).await,
            deed => self.attempt(run, deed).await,
        }
    }

    /// Does a deed until it is done, as a client does that gets no answer: it looks what there is, and does it again if
    /// it has not been done.
    async fn attempt(&mut self, run: &mut Run<'_>, deed: Deed) {
        let now = run.trees.len();
        self.library.faults.begin_deed();
        for attempt in 0..ATTEMPTS_MAX {
            self.library.faults.begin_attempt();
            let app = &self.library.app;
            let outcome = match deed {
                Deed::Restart => {
                    let faults = self.library.faults.clone();
                    self.worker = worker();
                    self.library.restart(faults).await
                }
                Deed::Job(bulk, source, destination) => {
                    let sent = send(app, &run.home, bulk, source, destination, attempt > 0).await;
                    sent.map(|job| run.jobs.push(job))
                }
                Deed::Leave => leave(app).await,
                Deed::Stumble => self.stumble().await,
                deed => deed.once(app, &run.home).await,
            };
            let fired = self.library.faults.fired();
            self.recover(run).await;
            match (outcome, run.undisturbed) {
                (Ok(()), _) => return,
                (Err(error), _) if fired.is_none() => panic!("{}: {deed:?}: {error}", run.what),
                (Err(_), None) => panic!("{}: {deed:?} failed undisturbed", run.what),
                // What cannot be seen is done again. So is what can, unless it was done.
                (Err(_), Some(_)) if deed.is_out_of_sight() => {}
                (Err(_), Some(trees)) => {
                    let tree = self.look(run).await;
                    if tree == trees[now] {
                        return;
                    }
                    assert_eq!(tree, trees[now - 1], "{}: {deed:?} is done in part", run.what);
                    let lost = fired == Some((When::After, What::Commit)) && !matches!(deed, Deed::Upload(..));
                    assert!(!lost, "{}: {deed:?} was committed and not done", run.what);
                }
            }
        }
        panic!("{}: {deed:?} is never done", run.what);
    }

    /// Steps until the jobs have come to where a deed wants them. Each step is a deed.
    async fn work(&mut self, run: &mut Run<'_>, deed: Deed) {
        self.library.faults.begin_deed();
        for _ in 0..ATTEMPTS_MAX {
            if self.have_come(run, deed).await {
                return;
            }
            self.library.faults.begin_attempt();
            let stepped = self.step().await;
            let fired = self.library.faults.fired();
            self.recover(run).await;
            match stepped {
                Ok(()) => self.library.faults.begin_deed(),
                Err(error) => assert!(fired.is_some(), "{}: a step failed: {error}", run.what),
            }
        }
        panic!("{}: the jobs do not end", run.what);
    }

    async fn have_come(&self, run: &Run<'_>, deed: Deed) -> bool {
        if let Deed::Until(wanted) = deed {
            let phase = self.job(*run.jobs.last().expect("a job")).await.phase;
            assert_ne!(phase, Phase::Done, "{}: {deed:?}", run.what);
            return phase == wanted;
        }
        let mut all_done = true;
        for job in &run.jobs {
            all_done &= self.job(*job).await.phase == Phase::Done;
        }
        all_done
    }

    /// A step fails, and the worker does what it does about that.
    async fn stumble(&mut self) -> Result<()> {
        self.library.faults.refuse(true);
        let stepped = worker::step(&self.library.app, &mut self.worker).await;
        self.library.faults.refuse(false);
        assert!(!matches!(stepped, Ok(Stepped::Worked(_))), "what is refused is not done");
        worker::rest(&self.library.app, &mut self.worker).await?;
        assert_eq!(worker::step(&self.library.app, &mut self.worker).await?, Stepped::Idle, "the job rests");
        Ok(())
    }

    async fn step(&mut self) -> Result<()> {
        if worker::step(&self.library.app, &mut self.worker).await? == Stepped::Idle {
            tokio::time::sleep(IDLE).await;
        }
        Ok(())
    }

    /// An accepted job. It must be there.
    async fn job(&self, job: JobId) -> Job {
        let mut tx = self.library.app.db.read().await.expect("a transaction");
        jobs::by_id(&mut tx, job).await.expect("a read").expect("a job that was accepted is found")
    }

    /// Starts the server again if it has died.
    async fn recover(&mut self, run: &Run<'_>) {
        if self.library.faults.is_dead() {
            self.has_crashed = true;
            self.restart(run, Faults::default()).await;
            self.library.check(&run.what).await;
        }
    }

    async fn restart(&mut self, run: &Run<'_>, faults: Faults) {
        self.worker = worker();
        self.library.restart(faults).await.unwrap_or_else(|error| panic!("{}: {error}", run.what));
    }

    /// What clients see, and what has become of the jobs that are done.
    async fn look(&self, run: &Run<'_>) -> Tree {
        let mut tree = self.library.tree(&run.home, &run.known).await;
        for (number, job) in run.jobs.iter().enumerate() {
            let job = self.job(*job).await;
            if job.phase == Phase::Done {
                let Job { folders_done, files_done, versions_done, failed_items, failure, .. } = job;
                let done = format!("{folders_done} folders, {files_done} files, {versions_done} versions");
                tree.insert(format!("job {number}"), format!("{done}; {failed_items} left, {failure:?}"));
            }
        }
        tree
    }

    /// Notes what there is to see, which must be what there was when nothing was disturbed.
    async fn see(&self, run: &mut Run<'_>) {
        let tree = self.look(run).await;
        let deeds = run.trees.len();
        if let Some(expected) = run.undisturbed {
            assert_eq!(tree, expected[deeds], "{}: after {deeds} deeds", run.what);
        }
        run.trees.push(tree);
    }
}

fn worker() -> Worker {
    Worker::new(format!("{SERVER}/1"))
}

/// A step by a worker that gives its lease back.
async fn leave(app: &App) -> Result<()> {
    let mut worker = Worker::new("other/1".into());
    worker::step(app, &mut worker).await?;
    worker::release(app, &worker).await
}
