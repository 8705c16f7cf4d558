//! Submissions that arrive together are accepted together: job ids are the order of submission, so submissions come one
//! after the other, and each alone would wait for the disk by itself.
//!
//! A request joins those that wait. Whoever finds nobody at work starts a task that accepts all that wait in one
//! transaction, or in some if there is much to count, tells each its answer, and goes on until nobody waits. A lonely
//! request waits for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::submit::{self, Request};
use crate::app::App;
use crate::error::{Error, Result};
use crate::model::ids::JobId;

/// Requests accepted in one transaction.
const TOGETHER_MAX: usize = 64;

/// Requests that wait to be accepted.
#[derive(Default)]
pub struct Submissions(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether a task takes care of them.
    is_served: bool,
}

struct Waiting {
    request: Request,
    answer: oneshot::Sender<Result<JobId>>,
}

/// Accepts a request; the job to ask for. Done when the job row is durable, also when the caller has gone meanwhile.
pub async fn submit(app: &Arc<App>, request: Request) -> Result<JobId> {
    submit::check_shape(&request)?;
    let (answer, told) = oneshot::channel();
    if app.submissions.join(Waiting { request, answer }) {
        tokio::spawn(serve(Arc::clone(app)));
    }
    // Only a panic leaves a request without an answer.
    told.await.unwrap_or_else(|_| Err(Error::Setup("the submission was broken off".into())))
}

async fn serve(app: Arc<App>) {
    while let Some(batch) = app.submissions.next() {
        let (requests, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.request, one.answer)).unzip();
        let requests: Arc<[Request]> = requests.into();
        let mut answers = answers.into_iter();
        // One transaction, or some where there is much to count: others write in between.
        while answers.len() > 0 {
            let (app, requests, begin) = (Arc::clone(&app), Arc::clone(&requests), requests.len() - answers.len());
            // A task of its own, so that a panic in it ends no other submission.
            let accepted = tokio::spawn(async move { submit::submit_all(&app, &requests[begin..]).await });
            match accepted.await {
                // Nobody listens when the client has gone.
                Ok(Ok(results)) => results.into_iter().zip(&mut answers).for_each(|(result, answer)| {
                    drop(answer.send(result.map_err(Error::from)));
                }),
                Ok(Err(error)) => {
                    let error = Arc::new(error);
                    (&mut answers).for_each(|answer| drop(answer.send(Err(Error::Shared(Arc::clone(&error))))));
                }
                Err(panic) => {
                    tracing::error!(%panic, "submissions were broken off");
                    break;
                }
            }
        }
    }
}

impl Submissions {
    /// Says whether a task must be started.
    fn join(&self, one: Waiting) -> bool {
        let mut queue = self.queue();
        queue.waiting.push(one);
        !std::mem::replace(&mut queue.is_served, true)
    }

    /// The first of those that wait; `None` ends the task.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(TOGETHER_MAX);
        queue.is_served = count > 0;
        (count > 0).then(|| queue.waiting.drain(..count).collect())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // The guarded sections do not panic, so the lock is not poisoned.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
