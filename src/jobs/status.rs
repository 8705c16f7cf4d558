//! The status of a job, the most asked question there is: clients poll it.
//!
//! A finished job never changes, so its status is remembered and asked of the catalog once. That of a
//! running job is read each time.

use std::time::Duration;

use moka::sync::Cache;

use crate::app::App;
use crate::error::Result;
use crate::model::ids::JobId;
use crate::model::job::Phase;
use crate::store::jobs::{self, Status};

/// Finished jobs remembered; some 100 bytes each.
const REMEMBERED_MAX: u64 = 50_000;
/// And how long, far less than a finished job is kept.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);

/// The finished jobs that were asked for lately.
pub type Finished = Cache<JobId, Status>;

/// An empty memory.
pub fn remember() -> Finished {
    Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(REMEMBERED_FOR).build()
}

/// What a job is and how far it got; `None` when there is no such job.
pub async fn status(app: &App, id: JobId) -> Result<Option<Status>> {
    if let Some(status) = app.finished_jobs.get(&id) {
        return Ok(Some(status));
    }
    let status = jobs::status(&app.db, id).await?;
    if let Some(status) = status.as_ref().filter(|status| status.phase == Phase::Done) {
        app.finished_jobs.insert(id, status.clone());
    }
    Ok(status)
}
