//! Submission: the checks of the contract in their order, the search for an earlier identical request,
//! and the job row.

use std::sync::atomic::Ordering;

use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library;
use crate::meter;
use crate::model::ids::{FolderId, JobId};
use crate::model::job::{Kind, Phase};
use crate::model::lock::{self, Lock};
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::store::jobs::{self, NewJob};
use crate::store::{Db, Tx, folders, locks};
use crate::tree::place::{self, Names};

/// An identical request within this time of the first is taken for a re-sent one while that job runs.
const RESENT_WITHIN_MS: i64 = 120_000;
/// A request marked as a retry still finds its job this long after that has finished.
const RETRY_FINDS_WITHIN_MS: i64 = 600_000;
/// The part of what is free in the queue that one server may use before it counts again.
const QUEUE_ROOM_PART: i64 = 8;
/// A transaction that has counted this many objects accepts no further request. On SQLite it is the one writer, and each count
/// may take ten milliseconds. To count on another connection would be too early: what comes into the folder before the
/// request is accepted belongs to what it asks for.
const OBJECTS_COUNTED_MAX: i64 = 20_000;
/// Jobs of an earlier version that are looked at together.
const OLDER_JOBS: i64 = 1_000;

/// A folder job as asked for, with the paths as sent beside the normalised ones.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Kind,
    pub source: FolderPath,
    pub source_as_sent: String,
    /// Where the folder is put into; for a rename the folder's parent.
    pub destination: FolderPath,
    /// The name it has there.
    pub target_name: String,
    pub include_versions: bool,
    pub purge_cache: bool,
    pub names: Names,
    /// The public key of the caller: requests of different callers are never identical.
    pub caller: String,
    /// Whether the client says that it sends this again.
    pub is_retry: bool,
}

/// Accepts a request; the job to ask for. Done when the job row is durable.
pub async fn submit(app: &App, request: &Request) -> Result<JobId> {
    check_shape(request)?;
    let answers = submit_all(app, std::slice::from_ref(request)).await?;
    let answer = answers.into_iter().next().ok_or_else(|| Error::Setup("a submission has no answer".into()))?;
    Ok(answer?)
}

/// Accepts requests of sound shape in their order, all in one transaction. An answer for each, or for the first of them where
/// there is much to count.
pub async fn submit_all(app: &App, requests: &[Request]) -> Result<Vec<Result<JobId, Refusal>>> {
    let now = Millis::now();
    let mut tx = app.db.submit().await?;
    let mut accepted = Accepted { max: requests.len(), ..Accepted::default() };
    let mut answers = Vec::new();
    for request in requests {
        if accepted.objects_counted >= OBJECTS_COUNTED_MAX {
            break;
        }
        answers.push(match accept(app, &mut tx, request, now, &mut accepted).await {
            Ok(job) => Ok(job),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(error),
        });
    }
    if accepted.jobs.is_empty() {
        return Ok(answers);
    }
    jobs::insert(&mut tx, &accepted.jobs, now).await?;
    locks::insert(&mut tx, &accepted.locks).await?;
    tx.commit().await?;
    for job in &accepted.jobs {
        meter::job_submitted(job.kind);
        tracing::info!(job = %app.tag.wire(job.id.0), kind = job.kind.name(), "job accepted");
    }
    app.wake_worker();
    Ok(answers)
}

/// What one transaction is to write.
#[derive(Default)]
struct Accepted {
    jobs: Vec<NewJob>,
    locks: Vec<(JobId, Lock)>,
    /// How many there may be.
    max: usize,
    objects_counted: i64,
    /// The id of the next one, once the first was needed.
    next_id: Option<i64>,
}

/// The job of an earlier identical request, or a new one.
async fn accept(app: &App, tx: &mut Tx, request: &Request, now: Millis, accepted: &mut Accepted) -> Result<JobId> {
    let fingerprint = fingerprint(request);
    if let Some(twin) = accepted.jobs.iter().find(|job| job.fingerprint == fingerprint) {
        return Ok(twin.id);
    }
    if let Some(earlier) = same_request(tx, request, &fingerprint, now).await? {
        return Ok(earlier);
    }
    let source = check_tree(tx, request, app.settings.folder_depth_max).await?;
    let objects = library::folders::count_objects(app, tx, source).await?;
    accepted.objects_counted += objects;
    library::folders::check_objects(app, objects)?;
    check_queue(app, tx, accepted.jobs.len()).await?;
    let id = match accepted.next_id {
        Some(id) => id,
        // Jobs run in the order of their ids, whichever server took them.
        None => app.db.take_newest_ids(tx, accepted.max).await?,
    };
    accepted.next_id = Some(id + 1);
    let id = JobId(id);
    let target = request.destination.join(&request.target_name);
    let locks = lock::locks(request.kind, &request.source, &target);
    accepted.locks.extend(locks.into_iter().map(|lock| (id, lock)));
    accepted.jobs.push(new_job(id, request, fingerprint));
    Ok(id)
}

/// Jobs that an earlier version accepted have no locks yet.
pub async fn lock_older_jobs(db: &Db) -> Result<()> {
    let mut tx = db.submit().await?;
    loop {
        let older = locks::without(&mut tx, OLDER_JOBS).await?;
        if older.is_empty() {
            return tx.commit().await;
        }
        let mut rows = Vec::new();
        for (id, kind, source, destination, name) in older {
            let kind = Kind::try_from(kind).map_err(|fault| Error::Damaged(fault.to_string()))?;
            let (source, destination) = (stored_path(&source)?, stored_path(&destination)?);
            rows.extend(lock::locks(kind, &source, &destination.join(&name)).into_iter().map(|lock| (id, lock)));
        }
        locks::insert(&mut tx, &rows).await?;
    }
}

/// A path as the job row has it.
pub fn stored_path(text: &str) -> Result<FolderPath> {
    FolderPath::parse(text).map_err(|fault| Error::Damaged(format!("a job has the path {text}: {fault:?}")))
}

/// What can be said of sound paths without looking at the tree.
pub fn check_shape(request: &Request) -> Result<(), Refusal> {
    let target = request.destination.join(&request.target_name);
    if request.kind == Kind::Rename {
        return if target == request.source { Err(Refusal::SameName("newFolderName")) } else { Ok(()) };
    }
    if request.destination == request.source || target == request.source {
        return Err(Refusal::SameSourceAndDestination);
    }
    Ok(())
}

/// Refuses what would make the queue too long. It is counted again before what is known to be free can have been
/// used up, and not for each submission, which would cost as much as the queue is long. `accepted` jobs of this
/// transaction have no rows yet.
async fn check_queue(app: &App, tx: &mut Tx, accepted: usize) -> Result<()> {
    if app.queue_room.fetch_sub(1, Ordering::Relaxed) > 0 {
        return Ok(());
    }
    let max = app.settings.queued_jobs_max;
    let free = max - jobs::unfinished_count(tx, max).await? - i64::try_from(accepted).unwrap_or(max);
    if free <= 0 {
        return Err(Refusal::QueueFull.into());
    }
    // Only a part, because other servers submit too.
    app.queue_room.store(free / QUEUE_ROOM_PART, Ordering::Relaxed);
    Ok(())
}

/// What the tree has to say, in the contract's order: existence before ancestry, ancestry before depth.
async fn check_tree(tx: &mut Tx, request: &Request, depth_max: usize) -> Result<FolderId> {
    let Some(source) = place::find_row(tx, &request.source).await? else {
        let sent = request.source_as_sent.clone();
        let refusal =
            if request.kind == Kind::Rename { Refusal::NoFolder(sent) } else { Refusal::NothingAtSource(sent) };
        return Err(refusal.into());
    };
    if request.kind == Kind::Move && request.destination.is_within(&request.source) {
        return Err(Refusal::IntoItself.into());
    }
    // The folder itself is one more.
    if request.destination.segments().len() >= depth_max {
        return Err(Refusal::BadFolderPath.into());
    }
    if request.kind == Kind::Rename {
        let parent = place::find(tx, &request.destination).await?;
        let taken = match parent {
            Some(parent) => folders::child(tx, parent, &request.target_name).await?.is_some(),
            None => false,
        };
        if taken {
            return Err(Refusal::FolderTaken(request.target_name.clone()).into());
        }
    }
    Ok(source.id)
}

/// The job of an earlier identical request that this one is a re-sending of: while it has not started;
/// while it runs, if the client says so or it was sent just now; for some minutes after its end, if the
/// client says so. Asked before the source is looked for, because the first request may have moved it.
async fn same_request(tx: &mut Tx, request: &Request, fingerprint: &str, now: Millis) -> Result<Option<JobId>> {
    let Some(twin) = jobs::twin(tx, fingerprint).await? else { return Ok(None) };
    let same = match (twin.phase, twin.finished) {
        (Phase::Start, _) => true,
        (_, None) => request.is_retry || now.0 - twin.submitted.0 <= RESENT_WITHIN_MS,
        (_, Some(finished)) => request.is_retry && now.0 - finished.0 <= RETRY_FINDS_WITHIN_MS,
    };
    Ok(same.then_some(twin.id))
}

/// Equal for requests that ask the same of the same library under the same key.
fn fingerprint(request: &Request) -> String {
    let mut hash = blake3::Hasher::new();
    let flags = format!("{}{}{:?}", request.include_versions, request.purge_cache, request.names);
    let parts = [
        request.kind.name(),
        &request.source.to_string(),
        &request.destination.to_string(),
        &request.target_name,
        &flags,
        &request.caller,
    ];
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_hex()[..32].to_owned()
}

fn new_job(id: JobId, request: &Request, fingerprint: String) -> NewJob {
    NewJob {
        id,
        kind: request.kind,
        fingerprint,
        source_path: request.source.to_string(),
        destination_path: request.destination.to_string(),
        target_name: request.target_name.clone(),
        include_versions: request.include_versions,
        verbatim_names: request.names == Names::Verbatim,
        purge_cache: request.purge_cache,
    }
}
