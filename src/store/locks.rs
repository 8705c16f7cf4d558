//! The lock table of jobs: which paths each unfinished job reads or changes. [`crate::model::lock`] tells the modes.

use super::jobs::{any_id, ids};
use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::ids::JobId;
use crate::model::lock::Lock;

/// The youngest earlier job with a lock that one of this job's is not compatible with. Each pair of modes is one step
/// along the primary key, however many hold locks on the path.
macro_rules! blocker_of {
    ($job:literal) => {
        concat!(
            "SELECT max((SELECT max(o.job_id) FROM job_lock o WHERE o.key = m.key AND o.mode = c.theirs AND o.job_id < ", $job, "))
            FROM job_lock m JOIN (SELECT 'IS' AS mine, 'X' AS theirs UNION ALL VALUES ('IX', 'S'), ('IX', 'X'), ('S', 'IX'), ('S', 'X'), ('X', 'IS'),
                ('X', 'IX'), ('X', 'S'), ('X', 'X')) c ON c.mine = m.mode WHERE m.job_id = ", $job
        )
    };
}
pub(super) use blocker_of;

statements! {
    /// `$1` is a JSON array of triples of a key, a mode and a job.
    INSERT: "INSERT INTO job_lock (key, mode, job_id) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1)",
        "INSERT INTO job_lock (key, mode, job_id) SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT) FROM jsonb_array_elements(CAST($1 AS jsonb)) AS value";
    BLOCKER: blocker_of!("$1");
    GIVE_UP_SHARED: "DELETE FROM job_lock WHERE job_id = $1 AND mode IN ('IS', 'S')";
    /// `$1` is a JSON array of jobs.
    GIVE_UP: "DELETE FROM job_lock WHERE job_id IN (SELECT value FROM json_each($1))",
        concat!("DELETE FROM job_lock WHERE job_id = ", any_id!());
    /// Jobs of a catalog that was made before there were locks.
    WITHOUT_LOCKS: "SELECT id, kind, source_path, destination_path, target_name FROM job
        WHERE phase <> 'done' AND NOT EXISTS (SELECT 1 FROM job_lock l WHERE l.job_id = job.id) ORDER BY id LIMIT $1"
}

/// Takes locks for jobs; whether they are granted is asked by [`blocker`].
pub async fn insert(tx: &mut Tx, locks: &[(JobId, Lock)]) -> Result<()> {
    let rows: Vec<_> = locks.iter().map(|(job, lock)| (lock.key(), lock.mode.name(), job.0)).collect();
    tx.run(&INSERT, args![serde_json::json!(rows).to_string()]).await?;
    Ok(())
}

/// The youngest of the earlier jobs whose locks this job has to wait for.
pub async fn blocker(tx: &mut Tx, job: JobId) -> Result<Option<JobId>> {
    Ok(tx.one::<(Option<JobId>,)>(&BLOCKER, args![job]).await?.0)
}

/// Gives up the locks on what a job only reads; how many.
pub async fn give_up_shared(tx: &mut Tx, job: JobId) -> Result<u64> {
    tx.run(&GIVE_UP_SHARED, args![job]).await
}

/// Gives up all locks of jobs.
pub async fn give_up(tx: &mut Tx, jobs: &[JobId]) -> Result<()> {
    tx.run(&GIVE_UP, args![ids(jobs)]).await?;
    Ok(())
}

/// Unfinished jobs without locks, at most `rows`: id, kind, source, destination and target name.
pub async fn without(tx: &mut Tx, rows: i64) -> Result<Vec<(JobId, String, String, String, String)>> {
    tx.all(&WITHOUT_LOCKS, args![rows]).await
}
