//! What can be forgotten: journal rows that no running job looks at, and jobs that ended long ago.

use super::{Tx, args, statements};
use crate::error::Result;
use crate::model::time::Millis;

macro_rules! prune_histories {
    ($files:literal) => {
        concat!(
            "DELETE FROM version WHERE file_id ",
            $files,
            "
                AND NOT EXISTS (SELECT 1 FROM file f WHERE f.id = version.file_id)
                AND NOT EXISTS (SELECT 1 FROM past_file p WHERE p.until > $1 AND p.id = version.file_id)"
        )
    };
}

statements! {
    /// The instant that the oldest running job looks at; journal rows that ended before it are needed by none.
    OLDEST_INSTANT: "SELECT min(instant) FROM job WHERE phase <> 'done'";
    LAST_CHANGE: "SELECT value FROM counter WHERE name = 'change'", "SELECT last_value FROM change_number";
    /// The last one of a file that lives nowhere counts with the history, which goes with it. The first version has none before it.
    FILES_END: "SELECT until FROM (
            SELECT until, sum(CASE WHEN coalesce(newest, version) = 1 OR EXISTS (SELECT 1 FROM file f WHERE f.id = batch.id)
                OR EXISTS (SELECT 1 FROM past_file p WHERE p.id = batch.id AND p.until > batch.until) THEN 1
                ELSE 1 + (SELECT count(*) FROM version v WHERE v.file_id = batch.id) END) OVER (ORDER BY until) AS so_far
            FROM (SELECT until, id, version, newest FROM past_file WHERE until <= $1 ORDER BY until LIMIT $2 + 1) batch
        ) counted WHERE so_far > $2 ORDER BY until LIMIT 1";
    FOLDERS_END: "SELECT until FROM past_folder WHERE until <= $1 ORDER BY until LIMIT 1 OFFSET $2";
    VERSIONS_END: "SELECT until FROM past_version WHERE until <= $1 ORDER BY until LIMIT 1 OFFSET $2";
    /// A file's superseded versions go with the journal row of its deletion, if it lives nowhere.
    PRUNE_HISTORIES: prune_histories!("IN (SELECT id FROM past_file WHERE until <= $1)"),
        prune_histories!("= ANY (ARRAY(SELECT id FROM past_file WHERE until <= $1))");
    PRUNE_FILES: "DELETE FROM past_file WHERE until <= $1";
    PRUNE_FOLDERS: "DELETE FROM past_folder WHERE until <= $1";
    PRUNE_VERSIONS: "DELETE FROM past_version WHERE until <= $1";
    JOBS_END: "SELECT finished FROM job WHERE finished < $1 ORDER BY finished LIMIT 1 OFFSET $2";
    /// What old jobs could not do: a hundred rows of each at most.
    OLD_FAILURES: "DELETE FROM job_failure WHERE job_id IN (SELECT id FROM job WHERE finished < $1)",
        "DELETE FROM job_failure WHERE job_id = ANY (ARRAY(SELECT id FROM job WHERE finished < $1))";
    OLD_JOBS: "DELETE FROM job WHERE finished < $1";
    OLD_PURGES: "DELETE FROM purge_request WHERE id IN (SELECT id FROM purge_request WHERE created < $1 ORDER BY created LIMIT $2)"
}

/// The instant of the oldest running copy.
pub async fn oldest_instant(tx: &mut Tx) -> Result<Option<i64>> {
    Ok(tx.one::<(Option<i64>,)>(&OLDEST_INSTANT, args![]).await?.0)
}

/// The number of the newest change.
pub async fn last_change(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(&LAST_CHANGE, args![]).await?.0)
}

/// Where a page of about `rows` ended rows of each kind ends, at most at `until`.
pub async fn prune_end(tx: &mut Tx, until: i64, rows: i64) -> Result<i64> {
    let mut end = until;
    for sql in [&FILES_END, &FOLDERS_END, &VERSIONS_END] {
        end = tx.maybe::<(i64,)>(sql, args![end, rows]).await?.map_or(end, |row| row.0);
    }
    Ok(end)
}

/// Forgets what ended up to `until`; how many rows went.
pub async fn prune(tx: &mut Tx, until: i64) -> Result<u64> {
    let mut gone = tx.run(&PRUNE_HISTORIES, args![until]).await?;
    gone += tx.run(&PRUNE_FILES, args![until]).await?;
    gone += tx.run(&PRUNE_FOLDERS, args![until]).await?;
    gone += tx.run(&PRUNE_VERSIONS, args![until]).await?;
    Ok(gone)
}

/// Forgets purges and jobs of before `before`, about `rows` of each, the oldest first; how many jobs.
pub async fn prune_jobs(tx: &mut Tx, before: Millis, rows: i64) -> Result<u64> {
    tx.run(&OLD_PURGES, args![before, rows]).await?;
    // All that ended in the millisecond in which the page ends go together, so that both statements mean the same jobs.
    let end =
        tx.maybe::<(Millis,)>(&JOBS_END, args![before, rows - 1]).await?.map_or(before, |row| Millis(row.0.0 + 1));
    tx.run(&OLD_FAILURES, args![end]).await?;
    tx.run(&OLD_JOBS, args![end]).await
}
