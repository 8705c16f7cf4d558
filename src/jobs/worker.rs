//! The worker: one step after the other.
//!
//! [`run`] loops over [`step`]. A step is one transaction: take a job, which locks its row; see that no earlier job is in
//! its way; do about one batch of rows; store the cursor. Small jobs are taken and stored several at once. Between steps
//! a worker remembers nothing of a job, so it may be stopped, killed or replaced at any moment.
//!
//! Every other step belongs to the oldest job, so that none waits for ever; the steps in between to the job that has had
//! the fewest, so that a small one need not wait for large ones. Which of several servers goes on with a job is settled
//! by a lease, that it is one alone by the lock of the row.
//!
//! Nothing waits for a job while it holds something: a job in hand is passed over. The tree is the last thing that a step
//! takes for itself alone.

use std::time::{Duration, Instant};

use super::small;
use super::submit::stored_path;
use crate::app::App;
use crate::error::{Error, Result};
use crate::meter;
use crate::model::ids::{FolderId, JobId};
use crate::model::job::{Kind, Phase};
use crate::model::time::Millis;
use crate::store::clone as hidden;
use crate::store::jobs::{self, Job, Turn};
use crate::store::{Reach, Tx, folders, locks, settings};
use crate::tree::place::{self, Names, Places};
use crate::tree::room::Room;
use crate::tree::{clone, relink};

/// How long an idle worker waits before it looks again. A submission to this server wakes it at once;
/// looking is for jobs of other servers and for leases that run out.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long a worker waits after a step failed: a full disk or a lost database comes back in seconds.
const TRY_AGAIN: Duration = Duration::from_millis(1000);
/// In a step that has lasted this long no page and no job is begun, because requests in the foreground wait for its end.
const STEP_TIME: Duration = Duration::from_millis(20);
/// A job takes this part of a batch at least, in rows, however small it is, and gets on by as much, however late it is: what is
/// small is finished once it is begun.
pub(super) const JOB_ROWS_MIN: i64 = 100;

/// A worker between two steps.
#[derive(Debug)]
pub struct Worker {
    name: String,
    turn: Turn,
    /// How many jobs it takes at once, by what its last step came to, so that few are taken in vain: others pass over those that
    /// are until the step ends.
    jobs_per_step: i64,
    /// How many rows it writes in a step that others wait for, at most, by what its last such step came to.
    rows_per_step: i64,
    /// How many versions a name brings to a merge, by what its last step came to.
    versions_per_name: f64,
    /// The job that the last step was at, if it failed.
    stumbled_at: Option<JobId>,
    /// So many steps take one job each, because something failed that was done for so many at once.
    suspects: i64,
}

/// What a step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// No job is waiting, or others have them in hand.
    Idle,
    /// Something was done; these jobs are finished.
    Worked(Vec<JobId>),
}

/// Works until the server shuts down.
pub async fn run(app: &App) {
    let mut worker = Worker::new(format!("{}/1", app.server_name));
    while !app.is_stopping() {
        match step(app, &mut worker).await {
            Ok(Stepped::Idle) => app.until_woken(LOOK_AGAIN).await,
            Ok(Stepped::Worked(_)) => app.pause_between_batches().await,
            Err(error) => {
                meter::batch_failed();
                let job = worker.stumbled_at.map(|job| app.tag.wire(job.0));
                tracing::warn!(job, %error, "a step of a job failed and will be tried again");
                if let Err(error) = rest(app, &mut worker).await {
                    tracing::debug!(%error, "the job was not set aside");
                }
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
        Worker {
            name,
            turn: Turn::Oldest,
            jobs_per_step: 1,
            rows_per_step: i64::MAX,
            versions_per_name: 1.0,
            stumbled_at: None,
            suspects: 0,
        }
    }
}

/// One transaction's worth of work on the job whose turn it is, or on several small ones.
pub async fn step(app: &App, worker: &mut Worker) -> Result<Stepped> {
    if !jobs::any_ready(&app.db, &worker.name).await? {
        return Ok(Stepped::Idle);
    }
    let mut tx = app.db.write(Reach::Apart).await?;
    match step_in(app, &mut tx, worker).await {
        Ok(Some((done, next))) => {
            tx.commit().await?;
            (worker.stumbled_at, worker.jobs_per_step) = (None, next);
            Ok(Stepped::Worked(tell(app, done)))
        }
        outcome => {
            // Until then the next step would pass over its jobs.
            tx.undo().await;
            outcome.map(|_| Stepped::Idle)
        }
    }
}

/// What a step does in its transaction, and how many jobs the next one takes; nothing when none could be taken.
async fn step_in(app: &App, tx: &mut Tx, worker: &mut Worker) -> Result<Option<(Done, i64)>> {
    let turn = worker.turn;
    worker.turn = if turn == Turn::Oldest { Turn::LeastServed } else { Turn::Oldest };
    let batch_rows = worker.rows_per_step.min(app.settings.batch_rows);
    let mut room = Room::new(batch_rows, STEP_TIME, worker.versions_per_name);
    // One after a step that failed, or that was at a large job, of which there may be others that another server can go on
    // with meanwhile.
    let many = std::mem::replace(&mut worker.jobs_per_step, 1).min(room.rows() / JOB_ROWS_MIN);
    let count = if worker.suspects > 0 { 1 } else { many.max(1) };
    worker.suspects = (worker.suspects - 1).max(0);
    let mut taken = jobs::take(tx, &worker.name, turn, count).await?;
    if taken.is_empty() {
        return Ok(None);
    }
    let together = taken.len() as i64;
    worker.stumbled_at = (together == 1).then(|| taken[0].id);
    let made = small::make(&app.db, tx, &mut taken, &mut room).await;
    if made.is_err() && together > 1 {
        worker.suspects = together;
    }
    let mut done = Done { jobs: made?, unlocked: 0 };
    let mut seen = done.jobs.len() as i64;
    for mut job in taken {
        if seen > 0 && !room.is_left_for_a_job() {
            break;
        }
        seen += 1;
        if let Some(blocker) = done.blocker(tx, &job).await? {
            set_aside(tx, &job, blocker).await?;
            room.take(JOB_ROWS_MIN);
            continue;
        }
        worker.stumbled_at = Some(job.id);
        let (began, before) = (Instant::now(), room.written());
        work(app, tx, &mut job, &mut room).await?;
        let rows = room.written() - before;
        room.take((JOB_ROWS_MIN - rows).max(0));
        let is_finished = job.phase == Phase::Done;
        done.jobs.push(Worked { job, rows, elapsed: began.elapsed() });
        if !is_finished {
            break;
        }
    }
    let is_at_a_large_one = done.jobs.last().is_some_and(|worked| worked.job.phase != Phase::Done);
    worker.versions_per_name = room.versions_per_name;
    let next = if is_at_a_large_one { 1 } else { room.jobs_in_time(seen) };
    worker.rows_per_step = match (tx.keeps_writers_waiting(), is_at_a_large_one) {
        (false, _) => i64::MAX,
        (true, true) => room.rows_in_time(batch_rows),
        // Small jobs are bounded by their number, and must not stay few because a large one was slow.
        (true, false) => batch_rows + batch_rows / 2,
    };
    done.save(tx, &worker.name).await?;
    Ok(Some((done, next)))
}

/// Tells what has been done, once it is durable; the finished jobs.
fn tell(app: &App, done: Done) -> Vec<JobId> {
    let mut finished = Vec::new();
    for Worked { job, rows, elapsed } in done.jobs {
        meter::batch(job.kind, rows, elapsed);
        tracing::debug!(job = %app.tag.wire(job.id.0), phase = job.phase.name(), rows, "batch done");
        if job.phase == Phase::Done {
            meter::job_finished(job.kind, job.failure.is_none() && job.failed_items == 0);
            tracing::info!(job = %app.tag.wire(job.id.0), failure = job.failure, "job finished");
            finished.push(job.id);
        }
    }
    finished
}

/// What a step has done of a job: so many rows in that time.
pub(super) struct Worked {
    pub job: Job,
    pub rows: i64,
    pub elapsed: Duration,
}

/// What a step has done.
struct Done {
    jobs: Vec<Worked>,
    /// So many of the first of them have given up their locks.
    unlocked: usize,
}

impl Done {
    /// Whom a job has to wait for that was taken together with these.
    async fn blocker(&mut self, tx: &mut Tx, job: &Job) -> Result<Option<JobId>> {
        if self.finished(0).all(|done| Some(done.id) != job.blocker) {
            return Ok(job.blocker);
        }
        self.unlock(tx).await?;
        locks::blocker(tx, job.id).await
    }

    fn finished(&self, from: usize) -> impl Iterator<Item = &Job> {
        self.jobs[from..].iter().map(|worked| &worked.job).filter(|job| job.phase == Phase::Done)
    }

    /// Finished jobs give up their locks.
    async fn unlock(&mut self, tx: &mut Tx) -> Result<()> {
        let finished: Vec<JobId> = self.finished(self.unlocked).map(|job| job.id).collect();
        self.unlocked = self.jobs.len();
        if finished.is_empty() { Ok(()) } else { locks::give_up(tx, &finished).await }
    }

    async fn save(&mut self, tx: &mut Tx, worker: &str) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        self.unlock(tx).await?;
        let waited_for = jobs::save(tx, self.jobs.iter().map(|worked| &worked.job), worker).await?;
        let released = |id: &JobId| self.jobs.iter().any(|Worked { job, .. }| job.id == *id && job.has_released);
        let unblocked: Vec<JobId> = waited_for.into_iter().filter(released).collect();
        if unblocked.is_empty() { Ok(()) } else { jobs::unblock(tx, &unblocked).await }
    }
}

/// Sets a job aside until an earlier one gives up locks that it has to wait for.
async fn set_aside(tx: &mut Tx, job: &Job, blocker: JobId) -> Result<()> {
    match jobs::hold_unfinished(tx, blocker).await? {
        // It cannot give up locks before this transaction ends; whether it has done so before is asked again.
        Some(true) if locks::blocker(tx, job.id).await? == Some(blocker) => jobs::block(tx, job.id, blocker).await,
        // It is in the middle of a step, or has just ended.
        _ => jobs::rest_briefly(tx, job.id).await,
    }
}

/// Page after page until the job is done or there is no room for one more.
async fn work(app: &App, tx: &mut Tx, job: &mut Job, room: &mut Room) -> Result<()> {
    let (now, begins) = (Millis::now(), job.phase == Phase::Start);
    room.begin_job(JOB_ROWS_MIN);
    while job.phase != Phase::Done && room.is_left() {
        if job.phase.shapes_the_tree() && tx.own_tree(&app.db).await? {
            // Others have waited since then only.
            room.restart_clock();
        }
        match job.phase {
            Phase::Start => room.take(start(app, tx, job, now).await?),
            Phase::CloneFolders | Phase::ClonePastFolders | Phase::CloneFiles | Phase::ClonePastFiles => {
                let rows = clone::advance(&app.db, tx, job, room.rows()).await?;
                room.take(rows);
            }
            Phase::Publish => room.take(publish(tx, job, now).await?),
            Phase::MergeFiles | Phase::MergeFolders | Phase::Close | Phase::Swap => {
                relink::advance(&app.db, tx, job, room, now).await?
            }
            Phase::Done => {}
        }
    }
    room.end_job();
    if job.phase == Phase::Done {
        job.finished = Some(now);
        (job.cursor_id, job.cursor_name) = (0, None);
        job.has_released = true;
    } else if begins {
        // The instant is fixed, so others may change what it shows.
        job.has_released = locks::give_up_shared(tx, job.id).await? > 0;
    }
    if job.clone_id.is_some() && job.phase.hides_the_clone() {
        clone::hide(tx, job).await?;
    }
    Ok(())
}

/// Resolves the paths to ids, checks again what was checked at submission, and does what is one row.
async fn start(app: &App, tx: &mut Tx, job: &mut Job, now: Millis) -> Result<i64> {
    (job.started, job.is_fresh) = (Some(now), true);
    // Before the destination is made, which may lie in the source: a copy does not show it.
    let instant = tx.instant().await?;
    let source_path = stored_path(&job.source_path)?;
    let destination_path = stored_path(&job.destination_path)?;
    let target_path = destination_path.join(&job.target_name);
    let mut chains = folders::chains(tx, &[source_path.segments(), target_path.segments()]).await?;
    let (mut there, mut chain) = (chains.pop().unwrap_or_default(), chains.pop().unwrap_or_default());
    let exists = chain.len() == source_path.segments().len();
    let Some(source) = chain.pop().filter(|_| exists) else {
        return give_up(job, "The source folder no longer exists.");
    };
    job.source_id = Some(source.id);
    if job.kind == Kind::Rename {
        return rename(app, tx, job, source.id, source.parent_id, now).await;
    }
    let known = if there.len() == target_path.segments().len() { there.pop() } else { None };
    let names = if job.verbatim_names { Names::Verbatim } else { Names::Sanitised };
    let is_whole = there.len() == destination_path.segments().len();
    let (destination, is_new) = place::make_rest(&app.db, tx, &destination_path, &there, names, now).await?;
    job.destination_id = Some(destination);
    // One that was found by another name may hold it.
    let target = if is_whole || is_new { known } else { folders::child(tx, destination, &job.target_name).await? };
    job.is_place_free = target.is_none();
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
    // What began in this very transaction was never hidden, and nobody can have deleted its destination.
    if !job.is_fresh {
        hidden::unhide(tx, job.id).await?;
        if Places::default().path(tx, destination).await?.is_none() {
            relink::discard(tx, clone, now).await?;
            return give_up(job, "The destination folder was deleted.");
        }
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

/// Sets the job aside that a step has failed at.
pub async fn rest(app: &App, worker: &mut Worker) -> Result<()> {
    let Some(job) = worker.stumbled_at.take() else { return Ok(()) };
    let mut tx = app.db.write(Reach::Apart).await?;
    jobs::rest(&mut tx, job).await?;
    tx.commit().await
}

/// Gives the worker's leases back, so that the next worker need not wait for them to run out.
pub async fn release(app: &App, worker: &Worker) -> Result<()> {
    let mut tx = app.db.write(Reach::Apart).await?;
    jobs::release_owned(&mut tx, &worker.name).await?;
    tx.commit().await
}
