//! The worker: one step of one job after the other.
//!
//! [`run`] loops over [`step`]. A step is one transaction: claim the job or renew the lease, do about
//! one batch of rows, store the cursor. Between steps a worker remembers only which lease it holds, so
//! that it may be stopped, killed or replaced at any moment.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::error::{Error, Result};
use crate::meter;
use crate::model::ids::{FolderId, JobId};
use crate::model::job::{Kind, Phase};
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::clone as hidden;
use crate::store::jobs::{self, Job, Turn};
use crate::store::{Reach, Tx, folders, settings};
use crate::tree::place::{self, Names, Places};
use crate::tree::{clone, relink};

/// How long an idle worker waits before it looks again. A submission to this server wakes it at once;
/// looking is for jobs of other servers and for leases that run out.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a worker waits after a step failed: a full disk or a lost database comes back in seconds.
const TRY_AGAIN: Duration = Duration::from_millis(1000);

/// A worker between two steps.
#[derive(Debug)]
pub struct Worker {
    name: String,
    lease: Option<Lease>,
}

/// The right to work on a job until its term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lease {
    job: JobId,
    term: i64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// No job is waiting, or another worker holds it.
    Idle,
    /// The job goes on.
    On(JobId),
    /// The job is finished.
    Finished(JobId),
}

/// Works until the server shuts down.
pub async fn run(app: &App) {
    let mut worker = Worker::new(format!("{}/1", app.server_name));
    while !app.is_stopping() {
        match step(app, &mut worker).await {
            Ok(Stepped::Idle) => app.until_woken(LOOK_AGAIN).await,
            Ok(Stepped::On(_)) => app.pause_between_batches().await,
            Ok(Stepped::Finished(job)) => tracing::info!(job = %app.tag.wire(job.0), "job finished"),
            Err(Error::Fenced) => tracing::info!("another worker has taken the job over"),
            Err(error) => {
                meter::batch_failed();
                let job = worker.lease.map(|lease| app.tag.wire(lease.job.0));
                tracing::warn!(job, %error, "a step of a job failed and will be tried again");
                app.until_woken(TRY_AGAIN).await;
            }
        }
    }
    if let Err(error) = release(app, &worker).await {
        tracing::warn!(%error, "the lease was not given back; it runs out by itself");
    }
}

impl Worker {
    /// `name` tells this worker from all others, across restarts of its server.
    pub fn new(name: String) -> Worker {
        Worker { name, lease: None }
    }
}

/// One transaction's worth of work on the job whose turn it is.
pub async fn step(app: &App, worker: &mut Worker) -> Result<Stepped> {
    let Some(turn) = jobs::first_unfinished(&app.db).await? else { return Ok(Stepped::Idle) };
    let held = worker.lease.filter(|lease| lease.job == turn.id);
    if held.is_none() && turn.held_by.is_some() {
        return Ok(Stepped::Idle);
    }
    let began = Instant::now();
    let reach = if turn.phase.shapes_the_tree() { Reach::Shape } else { Reach::Apart };
    let mut tx = app.db.write(reach).await?;
    let mut job = match hold(&mut tx, worker, &turn, held).await {
        Ok(Some(job)) => job,
        Ok(None) => return Ok(Stepped::Idle),
        Err(error) => {
            if matches!(error, Error::Fenced) {
                worker.lease = None;
            }
            return Err(error);
        }
    };
    // Kept if the step fails: the term guards it, and nobody else need wait for it to run out.
    worker.lease = Some(Lease { job: job.id, term: job.term });
    let rows = work(app, &mut tx, &mut job, reach).await?;
    if !jobs::save_if_leased(&mut tx, &job).await? {
        return Err(Error::Fenced);
    }
    tx.commit().await?;
    meter::batch(job.kind, rows, began.elapsed());
    tracing::debug!(job = %app.tag.wire(job.id.0), phase = job.phase.name(), rows, "batch done");
    if job.phase == Phase::Done {
        worker.lease = None;
        meter::job_finished(job.kind, job.failure.is_none() && job.failed_items == 0);
        return Ok(Stepped::Finished(job.id));
    }
    Ok(Stepped::On(job.id))
}

/// Renews the lease that the worker holds, or claims a job that nobody holds.
async fn hold(tx: &mut Tx, worker: &Worker, turn: &Turn, held: Option<Lease>) -> Result<Option<Job>> {
    let job = match held {
        Some(lease) => {
            Some(jobs::renew_if_leased(tx, lease.job, lease.term, &worker.name).await?.ok_or(Error::Fenced)?)
        }
        None => jobs::claim_if_free(tx, turn.id, &worker.name).await?,
    };
    // The transaction was begun for the phase seen before; if the job has gone on since, look again.
    Ok(job.filter(|job| job.phase == turn.phase))
}

/// Page after page until the batch is full, the job is done, or it needs another reach. Returns about how many rows it wrote.
async fn work(app: &App, tx: &mut Tx, job: &mut Job, reach: Reach) -> Result<i64> {
    let mut room = app.settings.batch_rows;
    let now = Millis::now();
    while room > 0 && job.phase != Phase::Done {
        // SQLite has one writer, so any transaction reaches everything.
        if job.phase.shapes_the_tree() && reach != Reach::Shape && !app.db.is_sqlite() {
            break;
        }
        room -= match job.phase {
            Phase::Start => start(app, tx, job, now).await?,
            Phase::CloneFolders | Phase::ClonePastFolders | Phase::CloneFiles | Phase::ClonePastFiles => {
                clone::advance(&app.db, tx, job, room).await?
            }
            Phase::Publish => publish(tx, job, now).await?,
            Phase::MergeFiles | Phase::MergeFolders | Phase::Close | Phase::Swap => {
                relink::advance(tx, job, room, now).await?
            }
            Phase::Done => 0,
        };
    }
    if job.phase == Phase::Done {
        finish(app, tx, job, now).await?;
    }
    Ok(app.settings.batch_rows - room)
}

/// Resolves the paths to ids, checks again what was checked at submission, and does what is one row.
async fn start(app: &App, tx: &mut Tx, job: &mut Job, now: Millis) -> Result<i64> {
    job.started = Some(now);
    // Before the destination is made, which may lie in the source: a copy does not show it.
    let instant = tx.next_change().await?;
    let source_path = stored_path(&job.source_path)?;
    let Some(source) = place::find_row(tx, &source_path).await? else {
        return give_up(job, "The source folder no longer exists.");
    };
    job.source_id = Some(source.id);
    if job.kind == Kind::Rename {
        return rename(app, tx, job, source.id, source.parent_id, now).await;
    }
    let names = if job.verbatim_names { Names::Verbatim } else { Names::Sanitised };
    let destination = place::find_or_make(&app.db, tx, &stored_path(&job.destination_path)?, names, now).await?;
    job.destination_id = Some(destination);
    let target = folders::child(tx, destination, &job.target_name).await?;
    if target.is_some_and(|target| target.id == source.id) {
        return give_up(job, "The folder is at its destination already.");
    }
    if job.kind == Kind::Copy {
        clone::begin(&app.db, tx, job, source.id, instant).await?;
        return Ok(1);
    }
    let above = folders::ancestry(tx, destination).await?;
    if above.iter().any(|(folder, _)| *folder == source.id) {
        return give_up(job, "The destination lies in the source folder.");
    }
    relink::place_or_merge(tx, job, source.id, destination, now).await?;
    Ok(1)
}

async fn rename(app: &App, tx: &mut Tx, job: &mut Job, source: FolderId, parent: FolderId, now: Millis) -> Result<i64> {
    if folders::child(tx, parent, &job.target_name).await?.is_some() {
        return give_up(job, "A folder with the new name exists at the same location.");
    }
    relink::place(tx, source, parent, &job.target_name, now).await?;
    if job.purge_cache {
        // Nothing is cached here, so the purge is complete as soon as it is known.
        let id = app.db.take_ids(tx, 1).await?;
        settings::insert_purge(tx, id, &format!("{}*", job.source_path), now).await?;
        job.purge_request_id = Some(id);
    }
    job.enter(Phase::Done)?;
    Ok(1)
}

/// The clone is whole: it goes to its place, or into what has come to be there.
async fn publish(tx: &mut Tx, job: &mut Job, now: Millis) -> Result<i64> {
    let (Some(clone), Some(destination)) = (job.clone_id, job.destination_id) else {
        return Err(Error::Damaged(format!("job {} has nothing to publish", job.id.0)));
    };
    hidden::unhide(tx, job.id).await?;
    if Places::default().path(tx, destination).await?.is_none() {
        relink::discard(tx, clone, now).await?;
        return give_up(job, "The destination folder was deleted.");
    }
    relink::place_or_merge(tx, job, clone, destination, now).await?;
    Ok(1)
}

/// Ends a job that has become impossible. The contract has no word for that, so it is `Completed`; why
/// is kept with the job.
fn give_up(job: &mut Job, why: &str) -> Result<i64> {
    job.failure = Some(why.to_owned());
    job.enter(Phase::Done)?;
    Ok(1)
}

async fn finish(app: &App, tx: &mut Tx, job: &mut Job, now: Millis) -> Result<()> {
    job.finished = Some(now);
    (job.cursor_id, job.cursor_name) = (0, None);
    if let Some(failure) = &job.failure {
        tracing::warn!(job = %app.tag.wire(job.id.0), failure, "job finished without its full effect");
    }
    hidden::unhide(tx, job.id).await
}

/// Gives the worker's lease back, so that the next worker need not wait for it to run out.
pub async fn release(app: &App, worker: &Worker) -> Result<()> {
    let mut tx = app.db.write(Reach::Apart).await?;
    jobs::release_owned(&mut tx, &worker.name).await?;
    tx.commit().await
}

fn stored_path(text: &str) -> Result<FolderPath> {
    FolderPath::parse(text).map_err(|fault| Error::Damaged(format!("a job has the path {text}: {fault:?}")))
}
