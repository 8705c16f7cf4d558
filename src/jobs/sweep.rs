//! Forgetting, in polite batches: journal rows that no running copy looks at, finished jobs whose status
//! nobody will ask for, and used upload tokens whose time is over.

use std::time::Duration;

use crate::app::App;
use crate::error::Result;
use crate::model::time::Millis;
use crate::store::{Reach, sweep, upload_tokens};

/// How often the sweep looks for something to forget.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Rows of one batch.
const SWEEP_ROWS: i64 = 2_000;
/// Batches of one round; what is left waits for the next.
const SWEEP_BATCHES: usize = 50;
/// A finished job can be asked for this long.
const JOBS_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Sweeps until the server shuts down.
pub async fn run(app: &App) {
    while !app.is_stopping() {
        if let Err(error) = round(app).await {
            tracing::warn!(%error, "the sweep failed and will be tried again");
        }
        app.until_stopping(SWEEP_EVERY).await;
    }
}

/// One round.
pub async fn round(app: &App) -> Result<()> {
    for _ in 0..SWEEP_BATCHES {
        if app.is_stopping() || forget_past(app).await? < SWEEP_ROWS.cast_unsigned() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut tx = app.db.write(Reach::Apart).await?;
    sweep::prune_jobs(&mut tx, Millis(Millis::now().0 - JOBS_KEPT_MS), SWEEP_ROWS).await?;
    tx.commit().await?;
    for _ in 0..SWEEP_BATCHES {
        if app.is_stopping() || forget_tokens(app).await? < SWEEP_ROWS.cast_unsigned() {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// One batch of used upload tokens that nobody could use again.
async fn forget_tokens(app: &App) -> Result<u64> {
    let mut tx = app.db.write(Reach::Apart).await?;
    let gone = upload_tokens::prune(&mut tx, Millis::now(), SWEEP_ROWS).await?;
    tx.commit().await?;
    Ok(gone)
}

/// One batch of journal rows. It holds the tree against jobs that start, because the instant of such a
/// job must not fall between the look at the running jobs and the deletion.
pub async fn forget_past(app: &App) -> Result<u64> {
    let mut tx = app.db.write(Reach::Add).await?;
    let newest = sweep::last_change(&mut tx).await?;
    let until = sweep::oldest_instant(&mut tx).await?.map_or(newest, |instant| instant.min(newest));
    let until = sweep::prune_end(&mut tx, until, SWEEP_ROWS).await?;
    let gone = sweep::prune(&mut tx, until).await?;
    tx.commit().await?;
    Ok(gone)
}
