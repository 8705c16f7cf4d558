//! Job rows. The guards in the names are the whole of the leasing: a worker writes only through
//! [`renew_if_leased`], which changes nothing once another worker has taken the job over.

use sqlx::FromRow;

use super::{Db, Tx, args, statements};
use crate::error::{Error, Result};
use crate::model::ids::{FolderId, JobId};
use crate::model::job::{Kind, Phase};
use crate::model::time::Millis;

/// How long a worker may be silent before another takes its job over, in milliseconds. Every batch
/// renews it, and a batch takes some tens of milliseconds.
pub const LEASE_MS: i64 = 5_000;

macro_rules! columns {
    () => {
        "id, kind, source_path, destination_path, target_name, include_versions, verbatim_names, purge_cache, submitted, \
         started, instant, source_id, destination_id, clone_id, phase, cursor_id, cursor_name, cursor_until, bound, namesake_id, \
         folders_done, files_done, versions_done, finished, failed_items, failure, purge_request_id, term"
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

statements! {
    INSERT: "INSERT INTO job (id, kind, fingerprint, source_path, destination_path, target_name, include_versions, verbatim_names,
            purge_cache, submitted, phase, cursor_id, cursor_until, bound, folders_done, files_done, versions_done, failed_items, term, lease_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'start', 0, 0, 0, 0, 0, 0, 0, 0, 0)";
    BY_ID: concat!("SELECT ", columns!(), " FROM job WHERE id = $1");
    STATUS: "SELECT kind, phase, purge_request_id FROM job WHERE id = $1";
    /// The newest job of an identical request.
    TWIN: "SELECT id, phase, submitted, finished FROM job WHERE fingerprint = $1 ORDER BY id DESC LIMIT 1";
    UNFINISHED_COUNT: "SELECT count(*) FROM (SELECT 1 FROM job WHERE phase <> 'done' LIMIT $1) page";
    /// Jobs run in order of submission, one at a time.
    FIRST_UNFINISHED: concat!("SELECT id, phase, CASE WHEN lease_until > ", sqlite_now!(), " THEN owner END AS held_by, term FROM job
            WHERE phase <> 'done' ORDER BY id LIMIT 1"),
        concat!("SELECT id, phase, CASE WHEN lease_until > ", postgres_now!(), " THEN owner END AS held_by, term FROM job
            WHERE phase <> 'done' ORDER BY id LIMIT 1");
    CLAIM_IF_FREE: concat!("UPDATE job SET owner = $2, term = term + 1, lease_until = ", sqlite_now!(), " + $3
            WHERE id = $1 AND phase <> 'done' AND lease_until <= ", sqlite_now!(), " RETURNING ", columns!()),
        concat!("UPDATE job SET owner = $2, term = term + 1, lease_until = ", postgres_now!(), " + $3
            WHERE id = $1 AND phase <> 'done' AND lease_until <= ", postgres_now!(), " RETURNING ", columns!());
    RENEW_IF_LEASED: concat!("UPDATE job SET lease_until = ", sqlite_now!(), " + $3
            WHERE id = $1 AND term = $2 AND owner = $4 AND phase <> 'done' RETURNING ", columns!()),
        concat!("UPDATE job SET lease_until = ", postgres_now!(), " + $3
            WHERE id = $1 AND term = $2 AND owner = $4 AND phase <> 'done' RETURNING ", columns!());
    SAVE_IF_LEASED: "UPDATE job SET started = $3, instant = $4, source_id = $5, destination_id = $6, clone_id = $7, phase = $8,
            cursor_id = $9, cursor_name = $10, cursor_until = $11, bound = $12, namesake_id = $13, folders_done = $14, files_done = $15,
            versions_done = $16, finished = $17, failed_items = $18, failure = $19, purge_request_id = $20
        WHERE id = $1 AND term = $2";
    RELEASE_OWNED: "UPDATE job SET lease_until = 0 WHERE owner = $1 AND phase <> 'done'";
    RELEASE_ALL: "UPDATE job SET lease_until = 0 WHERE phase <> 'done'";
    FAILURES: "SELECT folder_id, name, reason FROM job_failure WHERE job_id = $1 ORDER BY folder_id, name"
}

/// A job as it stands.
#[derive(Clone, Debug, FromRow)]
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
    pub term: i64,
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

/// What the contract's status route tells.
#[derive(Clone, Debug, FromRow)]
pub struct Status {
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    #[sqlx(try_from = "String")]
    pub phase: Phase,
    pub purge_request_id: Option<i64>,
}

/// An earlier job of an identical request.
#[derive(Clone, Debug, FromRow)]
pub struct Twin {
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub phase: Phase,
    pub submitted: Millis,
    pub finished: Option<Millis>,
}

/// The job whose turn it is.
#[derive(Clone, Debug, FromRow)]
pub struct Turn {
    pub id: JobId,
    #[sqlx(try_from = "String")]
    pub phase: Phase,
    /// The worker whose lease has not run out.
    pub held_by: Option<String>,
    pub term: i64,
}

/// What a request asks for; the columns of its job row.
#[derive(Clone, Debug)]
pub struct NewJob {
    pub kind: Kind,
    pub fingerprint: String,
    pub source_path: String,
    pub destination_path: String,
    pub target_name: String,
    pub include_versions: bool,
    pub verbatim_names: bool,
    pub purge_cache: bool,
}

/// Queues a job.
pub async fn insert(tx: &mut Tx, id: JobId, job: &NewJob, now: Millis) -> Result<()> {
    let j = job.clone();
    let values = args![
        id,
        j.kind.name(),
        j.fingerprint,
        j.source_path,
        j.destination_path,
        j.target_name,
        j.include_versions,
        j.verbatim_names,
        j.purge_cache,
        now
    ];
    tx.run(&INSERT, values).await?;
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
    Ok(tx.one::<(i64,)>(&UNFINISHED_COUNT, args![max]).await?.0)
}

/// The job whose turn it is, if there is one.
pub async fn first_unfinished(db: &Db) -> Result<Option<Turn>> {
    db.glance().await?.maybe(&FIRST_UNFINISHED, args![]).await
}

/// Takes a job whose lease has run out or was never taken; a new term begins.
pub async fn claim_if_free(tx: &mut Tx, id: JobId, owner: &str) -> Result<Option<Job>> {
    tx.maybe(&CLAIM_IF_FREE, args![id, owner, LEASE_MS]).await
}

/// The first statement of every step: goes on with the lease, or finds that it is another's now. The owner counts
/// too: a claim that was undone has left its worker with a term that another may have been given since.
pub async fn renew_if_leased(tx: &mut Tx, id: JobId, term: i64, owner: &str) -> Result<Option<Job>> {
    tx.maybe(&RENEW_IF_LEASED, args![id, term, LEASE_MS, owner]).await
}

/// Writes back what a step has changed in its job row.
pub async fn save_if_leased(tx: &mut Tx, job: &Job) -> Result<bool> {
    let j = job.clone();
    let values = args![
        j.id,
        j.term,
        j.started,
        j.instant,
        j.source_id,
        j.destination_id,
        j.clone_id,
        j.phase.name(),
        j.cursor_id,
        j.cursor_name,
        j.cursor_until,
        j.bound,
        j.namesake_id,
        j.folders_done,
        j.files_done,
        j.versions_done,
        j.finished,
        j.failed_items,
        j.failure,
        j.purge_request_id,
    ];
    Ok(tx.run(&SAVE_IF_LEASED, values).await? == 1)
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
