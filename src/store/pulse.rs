//! Whether PostgreSQL answers.
//!
//! A network that swallows everything closes no connection, so whoever waits for an answer would wait for ever. The
//! driver has no bound of its own, and a bound on each statement would have to be longer than the longest of them. So
//! one connection beside the pool does nothing but ask "are you there?". While it gets no answer, statements under way
//! are given up and new ones are not begun; requests then fail within seconds, and all goes on by itself afterwards.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::error::Result;

/// Between two questions, or two attempts to connect.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// An answer takes a fraction of a millisecond; a machine that swaps may need seconds.
const ANSWER_MAX: Duration = Duration::from_secs(4);
/// A statement of a transaction that writes has an index and a bounded page, and waits for locks no longer than
/// `lock_timeout`. One that takes this long waits on a connection that has gone on its own.
const WRITE_MAX: Duration = Duration::from_secs(60);

/// Looks after one database.
pub(super) struct Pulse {
    lost: watch::Receiver<bool>,
    task: AbortHandle,
}

/// Bounds the statements of one transaction.
#[derive(Clone)]
pub(super) struct Patience {
    lost: watch::Receiver<bool>,
    writes: bool,
}

impl Pulse {
    pub(super) fn watch(options: PgConnectOptions) -> Pulse {
        let (tell, lost) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                if let Ok(Ok(connection)) = timeout(ANSWER_MAX, options.connect()).await {
                    if tell.send_replace(false) {
                        tracing::info!("the database answers again");
                    }
                    ask_until_silent(connection).await;
                }
                if !tell.send_replace(true) {
                    tracing::warn!("the database does not answer; requests fail until it does");
                }
                sleep(ASK_EVERY).await;
            }
        });
        Pulse { lost, task: task.abort_handle() }
    }

    pub(super) fn patience(&self, writes: bool) -> Patience {
        Patience { lost: self.lost.clone(), writes }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn ask_until_silent(mut connection: PgConnection) {
    while let Ok(Ok(())) = timeout(ANSWER_MAX, connection.ping()).await {
        sleep(ASK_EVERY).await;
    }
}

/// The outcome of `call` to PostgreSQL, unless the database is lost first or the transaction's patience ends: then nothing is
/// known of it.
pub(super) fn bounded<T>(
    patience: Option<Patience>,
    call: impl Future<Output = sqlx::Result<T>>,
) -> impl Future<Output = Result<T>> {
    // Off to the heap. Every future that may come to such a call has room for it otherwise, many times over, and is moved with
    // that room for each request, on SQLite too.
    let call = Box::pin(call);
    async move {
        let Some(Patience { mut lost, writes }) = patience else { return Ok(call.await?) };
        let in_time = async {
            if writes { timeout(WRITE_MAX, call).await.unwrap_or_else(|_| Err(silent())) } else { call.await }
        };
        tokio::select! {
            // What has come is taken.
            biased;
            outcome = in_time => Ok(outcome?),
            _ = lost.wait_for(|lost| *lost) => Err(silent().into()),
        }
    }
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database does not answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_takes_no_room_where_it_is_waited_for() {
        let large = async |room: [u8; 10_000]| {
            tokio::task::yield_now().await;
            Ok(room.len())
        };
        let (_tell, lost) = watch::channel(false);
        let waiting = bounded(Some(Patience { lost, writes: true }), large([0; 10_000]));
        assert!(size_of_val(&waiting) < 1_000, "{} bytes", size_of_val(&waiting));
        assert_eq!(waiting.await.expect("the database was not lost"), 10_000);
    }
}
