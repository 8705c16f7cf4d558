//! Job rows. Taking a job locks its row until the transaction ends, so that two workers never work on one job at a
//! time, whatever clocks say. The lease only tells who goes on with a job between two transactions.

use serde_json::json;

use super::locks::blocker_of;
use super::row::columns;
use super::{Db, Tx, args, statements};
use crate::error::{Error, Result};
use crate::model::ids::{FolderId, JobId};
use crate::model::job::{Kind, Phase};
use crate::model::time::Millis;

/// How long a job waits for the worker that took it last before another goes on with it, in milliseconds. Every batch
/// renews it, and a batch takes some tens of milliseconds.
const LEASE_MS: i64 = 5_000;
/// How long a job rests after a step of it has failed, so that others have their turn, in milliseconds.
const REST_MS: i64 = 2_000;
/// How long a job rests that met another worker's while that was in the middle of a step, in milliseconds.
const BRIEF_REST_MS: i64 = 50;

macro_rules! all_columns {
    () => {
        "id, kind, source_path, destination_path, target_name, include_versions, verbatim_names, purge_cache, submitted, \
         started, instant, source_id, destination_id, clone_id, phase, cursor_id, cursor_name, cursor_until, bound, namesake_id, \
         folders_done, files_done, versions_done, finished, failed_items, failure, purge_request_id"
    };
}
macro_rules! sqlite_now {
    () => {
        "CAST(unixepoch('subsec') * 1000 AS BIGINT)"
    };
}
macro_rules! postgres_now {
    () => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    };
}

/// Any of the ids in the JSON array `$1`, on PostgreSQL. An array and not a join, for which a table that was empty when it was last
/// looked at might be read as a whole.
macro_rules! any_id {
    () => {
        "ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM jsonb_array_elements_text(CAST($1 AS jsonb)) AS value))"
    };
}
pub(super) use any_id;

/// Jobs that `$1` may take.
macro_rules! ready {
    ($now:expr) => {
        concat!("phase <> 'done' AND blocked_by IS NULL AND (lease_until <= ", $now, " OR owner = $1)")
    };
}
macro_rules! take {
    ($now:expr, $order:literal, $locking:literal) => {
        concat!(
            "SELECT ",
            all_columns!(),
            ", CASE WHEN phase = 'start' THEN (",
            blocker_of!("job.id"),
            ") END AS blocker FROM job WHERE ",
            ready!($now),
            " ORDER BY ",
            $order,
            " LIMIT $2",
            $locking
        )
    };
}
macro_rules! insert {
    () => {
        "INSERT INTO job (id, kind, fingerprint, source_path, destination_path, target_name, include_versions, verbatim_names,
            purge_cache, submitted, phase, cursor_id, cursor_until, bound, folders_done, files_done, versions_done, failed_items, lease_until) "
    };
}
macro_rules! save {
    ($now:expr, $states:literal, $those:literal) => {
        concat!(
            "UPDATE job SET started = new.started, instant = new.instant, source_id = new.source_id, destination_id = new.destination_id,
            clone_id = new.clone_id, phase = new.phase, cursor_id = new.cursor_id, cursor_name = new.cursor_name, cursor_until = new.cursor_until,
            bound = new.bound, namesake_id = new.namesake_id, folders_done = new.folders_done, files_done = new.files_done,
            versions_done = new.versions_done, finished = new.finished, failed_items = new.failed_items, failure = new.failure,
            purge_request_id = new.purge_request_id, owner = $2, turns = turns + 1, lease_until = CASE WHEN EXISTS (
                SELECT 1 FROM job o WHERE o.phase <> 'done' AND o.blocked_by IS NULL AND o.lease_until <= ", $now, " AND o.id NOT IN (", $those, ")
            ) THEN 0 ELSE ", $now, " + $3 END
        FROM (", $states, ") new WHERE job.id = new.id RETURNING job.id, EXISTS (SELECT 1 FROM job w WHERE w.blocked_by = job.id)"
        )
    };
}

statements! {
    /// `$1` is a JSON array of jobs.
    INSERT: concat!(insert!(), "SELECT value ->> 'id', value ->> 'kind', value ->> 'fingerprint', value ->> 'source_path', value ->> 'destination_path',
            value ->> 'target_name', value ->> 'include_versions', value ->> 'verbatim_names', value ->> 'purge_cache', $2, 'start', 0, 0, 0, 0, 0, 0, 0, 0
        FROM json_each($1)"),
        concat!(insert!(), "SELECT id, kind, fingerprint, source_path, destination_path, target_name, include_versions, verbatim_names, purge_cache, $2,
            'start', 0, 0, 0, 0, 0, 0, 0, 0 FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS new (id BIGINT, kind TEXT, fingerprint TEXT, source_path TEXT,
            destination_path TEXT, target_name TEXT, include_versions BOOLEAN, verbatim_names BOOLEAN, purge_cache BOOLEAN)");
    BY_ID: concat!("SELECT ", all_columns!(), ", NULL AS blocker FROM job WHERE id = $1"),
        concat!("SELECT ", all_columns!(), ", CAST(NULL AS BIGINT) AS blocker FROM job WHERE id = $1");
    STATUS: "SELECT kind, phase, purge_request_id FROM job WHERE id = $1";
    /// The newest job of an identical request.
    TWIN: "SELECT id, phase, submitted, finished FROM job WHERE fingerprint = $1 ORDER BY id DESC LIMIT 1";
    UNFINISHED_COUNT: "SELECT count(*) FROM (SELECT 1 FROM job WHERE phase <> 'done' LIMIT $1) page";
    ANY_READY: concat!("SELECT id FROM job WHERE ", ready!(sqlite_now!()), " LIMIT 1"), concat!("SELECT id FROM job WHERE ", ready!(postgres_now!()), " LIMIT 1");
    TAKE_OLDEST: take!(sqlite_now!(), "id", ""), take!(postgres_now!(), "id", " FOR UPDATE OF job SKIP LOCKED");
    TAKE_LEAST_SERVED: take!(sqlite_now!(), "turns, id", ""), take!(postgres_now!(), "turns, id", " FOR UPDATE OF job SKIP LOCKED");
    /// Gives the worker leases, unless another job is free: then whoever is idle may go on with these. `$1` is a JSON array of
    /// jobs as they stand.
    SAVE: save!(sqlite_now!(), "SELECT value ->> 'id' AS id, value ->> 'started' AS started, value ->> 'instant' AS instant,
            value ->> 'source_id' AS source_id, value ->> 'destination_id' AS destination_id, value ->> 'clone_id' AS clone_id, value ->> 'phase' AS phase,
            value ->> 'cursor_id' AS cursor_id, value ->> 'cursor_name' AS cursor_name, value ->> 'cursor_until' AS cursor_until, value ->> 'bound' AS bound,
            value ->> 'namesake_id' AS namesake_id, value ->> 'folders_done' AS folders_done, value ->> 'files_done' AS files_done,
            value ->> 'versions_done' AS versions_done, value ->> 'finished' AS finished, value ->> 'failed_items' AS failed_items,
            value ->> 'failure' AS failure, value ->> 'purge_request_id' AS purge_request_id FROM json_each($1)",
            "SELECT value ->> 'id' FROM json_each($1)"),
        save!(postgres_now!(), "SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS state (id BIGINT, started BIGINT, instant BIGINT, source_id BIGINT,
            destination_id BIGINT, clone_id BIGINT, phase TEXT, cursor_id BIGINT, cursor_name TEXT, cursor_until BIGINT, bound BIGINT, namesake_id BIGINT,
            folders_done BIGINT, files_done BIGINT, versions_done BIGINT, finished BIGINT, failed_items BIGINT, failure TEXT, purge_request_id BIGINT)",
            "SELECT CAST(value ->> 'id' AS BIGINT) FROM jsonb_array_elements(CAST($1 AS jsonb)) AS value");
    /// Whether a job goes on having locks until this transaction ends; nothing if a worker is in the middle of a step of it.
    HOLD_UNFINISHED: "SELECT phase <> 'done' FROM job WHERE id = $1", "SELECT phase <> 'done' FROM job WHERE id = $1 FOR KEY SHARE SKIP LOCKED";
    BLOCK: "UPDATE job SET blocked_by = $2, lease_until = 0 WHERE id = $1";
    /// `$1` is a JSON array of jobs.
    UNBLOCK: "UPDATE job SET blocked_by = NULL WHERE blocked_by IN (SELECT value FROM json_each($1))",
        concat!("UPDATE job SET blocked_by = NULL WHERE blocked_by = ", any_id!());
    REST: concat!("UPDATE job SET owner = NULL, lease_until = ", sqlite_now!(), " + $2 WHERE id = $1"),
        concat!("UPDATE job SET owner = NULL, lease_until = ", postgres_now!(), " + $2 WHERE id = $1");
    RELEASE_OWNED: "UPDATE job SET lease_until = 0 WHERE owner = $1 AND lease_until > 0 AND phase <> 'done'";
    RELEASE_ALL: "UPDATE job SET lease_until = 0 WHERE phase <> 'done'";
    FAILURES: "SELECT folder_id, name, reason FROM job_failure WHERE job_id = $1 ORDER BY folder_id, name"
}

columns! {
    /// A job as it stands.
    #[derive(Clone, Debug)]
    pub struct Job {
        pub id: JobId,
        #[sqlx(try_from = "String")]
        pub kind: Kind,
        pub source_path: String,
        pub destination_path: String,
        pub target_name: String,
        pub include_versions: bool,
        pub verbatim_names: bool,
        pub purge_cache: bool,
        pub submitted: Millis,
        pub started: Option<Millis>,
        pub instant: Option<i64>,
        pub source_id: Option<FolderId>,
        pub destination_id: Option<FolderId>,
        pub clone_id: Option<FolderId>,
        #[sqlx(try_from = "String")]
        pub phase: Phase,
        pub cursor_id: i64,
        pub cursor_name: Option<String>,
        pub cursor_until: i64,
        pub bound: i64,
        pub namesake_id: Option<FolderId>,
        pub folders_done: i64,
        pub files_done: i64,
        pub versions_done: i64,
        pub finished: Option<Millis>,
        pub failed_items: i64,
        pub failure: Option<String>,
        pub purge_request_id: Option<i64>,
        /// The youngest of the earlier jobs that this one must wait for before it starts, if it was just taken.
        pub blocker: Option<JobId>,
    }
    beside {
        /// Whether it has given up locks in this transaction.
        pub has_released: bool,
        /// Whether its place was found to be free in this transaction.
        pub is_place_free: bool,
        /// Whether it started in this very transaction, which nobody could change the tree beside.
        pub is_fresh: bool,
        /// Ids of rows that this transaction has made out of sight: ranges from and up to.
        pub made: Vec<(i64, i64)>,
    }
}

impl Job {
    /// Goes on to the next phase.
    pub fn enter(&mut self, next: Phase) -> Result<()> {
        if !self.phase.may_become(next) {
            return Err(Error::Damaged(format!("job {} went from {:?} to {next:?}", self.id.0, self.phase)));
        }
        self.phase = next;
        Ok(())
    }

    /// When its first step began.
    pub fn started(&self) -> Result<Millis> {
        self.started.ok_or_else(|| Error::Damaged(format!("job {} runs and has not started", self.id.0)))
    }
}

columns! {
    /// What the contract's status route tells.
    #[derive(Clone, Debug)]
    pub struct Status {
        #[sqlx(try_from = "String")]
        pub kind: Kind,
        #[sqlx(try_from = "String")]
        pub phase: Phase,
        pub purge_request_id: Option<i64>,
    }
}

columns! {
    /// An earlier job of an identical request.
    #[derive(Clone, Debug)]
    pub struct Twin {
        pub id: JobId,
        #[sqlx(try_from = "String")]
        pub phase: Phase,
        pub submitted: Millis,
        pub finished: Option<Millis>,
    }
}

/// What a request asks for; the columns of its job row.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: JobId,
    pub kind: Kind,
    pub fingerprint: String,
    pub source_path: String,
    pub destination_path: String,
    pub target_name: String,
    pub include_versions: bool,
    pub verbatim_names: bool,
    pub purge_cache: bool,
}

/// Queues jobs.
pub async fn insert(tx: &mut Tx, jobs: &[NewJob], now: Millis) -> Result<()> {
    let rows = jobs.iter().map(|job| {
        json!({
            "id": job.id.0, "kind": job.kind.name(), "fingerprint": job.fingerprint, "source_path": job.source_path,
            "destination_path": job.destination_path, "target_name": job.target_name,
            "include_versions": job.include_versions, "verbatim_names": job.verbatim_names, "purge_cache": job.purge_cache,
        })
    });
    tx.run(&INSERT, args![rows.collect::<serde_json::Value>().to_string(), now]).await?;
    Ok(())
}

/// A job by id.
pub async fn by_id(tx: &mut Tx, id: JobId) -> Result<Option<Job>> {
    tx.maybe(&BY_ID, args![id]).await
}

/// What the status route needs, in one read.
pub async fn status(db: &Db, id: JobId) -> Result<Option<Status>> {
    db.glance().await?.maybe(&STATUS, args![id]).await
}

/// The newest job with that fingerprint.
pub async fn twin(tx: &mut Tx, fingerprint: &str) -> Result<Option<Twin>> {
    tx.maybe(&TWIN, args![fingerprint]).await
}

/// Unfinished jobs, counted up to `max`.
pub async fn unfinished_count(tx: &mut Tx, max: i64) -> Result<i64> {
    tx.count(&UNFINISHED_COUNT, args![max]).await
}

/// Which of the jobs that a worker may take has its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The first in order of submission, so that none waits for ever.
    Oldest,
    /// The one that has had the fewest turns, so that a small job does not wait for large ones.
    LeastServed,
}

/// Whether there is a job that this worker could take.
pub async fn any_ready(db: &Db, worker: &str) -> Result<bool> {
    Ok(db.glance().await?.maybe::<(JobId,)>(&ANY_READY, args![worker]).await?.is_some())
}

/// The first statement of every step: takes the jobs whose turn it is, at most so many, and locks their rows. Passes over jobs
/// that others have in hand.
pub async fn take(tx: &mut Tx, worker: &str, turn: Turn, count: i64) -> Result<Vec<Job>> {
    let sql = if turn == Turn::Oldest { &TAKE_OLDEST } else { &TAKE_LEAST_SERVED };
    tx.all(sql, args![worker, count]).await
}

/// Writes back what a step has changed in the rows of its jobs, and who did it. Those whose locks others wait for.
pub async fn save<'a>(tx: &mut Tx, jobs: impl Iterator<Item = &'a Job>, worker: &str) -> Result<Vec<JobId>> {
    let states = jobs.map(|job| {
        json!({
            "id": job.id.0, "started": job.started.map(|at| at.0), "instant": job.instant, "source_id": job.source_id.map(|id| id.0),
            "destination_id": job.destination_id.map(|id| id.0), "clone_id": job.clone_id.map(|id| id.0), "phase": job.phase.name(),
            "cursor_id": job.cursor_id, "cursor_name": job.cursor_name, "cursor_until": job.cursor_until, "bound": job.bound,
            "namesake_id": job.namesake_id.map(|id| id.0), "folders_done": job.folders_done, "files_done": job.files_done,
            "versions_done": job.versions_done, "finished": job.finished.map(|at| at.0), "failed_items": job.failed_items,
            "failure": job.failure, "purge_request_id": job.purge_request_id,
        })
    });
    let states = states.collect::<serde_json::Value>().to_string();
    let saved: Vec<(JobId, bool)> = tx.all(&SAVE, args![states, worker, LEASE_MS]).await?;
    Ok(saved.into_iter().filter_map(|(job, is_waited_for)| is_waited_for.then_some(job)).collect())
}

/// Keeps a job as it is until the end of this transaction, and says whether it is unfinished. `None` when a worker has it
/// in hand.
pub async fn hold_unfinished(tx: &mut Tx, id: JobId) -> Result<Option<bool>> {
    Ok(tx.maybe::<(bool,)>(&HOLD_UNFINISHED, args![id]).await?.map(|row| row.0))
}

/// Sets a job aside until `blocker`, which must be held, gives up locks.
pub async fn block(tx: &mut Tx, id: JobId, blocker: JobId) -> Result<()> {
    tx.run(&BLOCK, args![id, blocker]).await?;
    Ok(())
}

/// Lets those look again that wait for locks of these jobs.
pub async fn unblock(tx: &mut Tx, blockers: &[JobId]) -> Result<()> {
    tx.run(&UNBLOCK, args![ids(blockers)]).await?;
    Ok(())
}

/// Jobs as a value of a statement.
pub(super) fn ids(jobs: &[JobId]) -> String {
    json!(jobs.iter().map(|job| job.0).collect::<Vec<_>>()).to_string()
}

/// Lets a job rest for a moment in which others have their turn.
pub async fn rest_briefly(tx: &mut Tx, id: JobId) -> Result<()> {
    tx.run(&REST, args![id, BRIEF_REST_MS]).await?;
    Ok(())
}

/// Lets a job rest after a step of it has failed.
pub async fn rest(tx: &mut Tx, id: JobId) -> Result<()> {
    tx.run(&REST, args![id, REST_MS]).await?;
    Ok(())
}

/// Gives up the leases of one worker, so that the next one need not wait.
pub async fn release_owned(tx: &mut Tx, owner: &str) -> Result<()> {
    tx.run(&RELEASE_OWNED, args![owner]).await?;
    Ok(())
}

/// Gives up all leases: right where no other server can be running.
pub async fn release_all(tx: &mut Tx) -> Result<()> {
    tx.run(&RELEASE_ALL, args![]).await?;
    Ok(())
}

/// Items that a job left behind: folder, name, reason.
pub async fn failures(tx: &mut Tx, id: JobId) -> Result<Vec<(FolderId, String, String)>> {
    tx.all(&FAILURES, args![id]).await
}
