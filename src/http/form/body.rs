//! The guard between the connection and the multipart parser.
//!
//! The parser takes all that is ready before it parses, and keeps all it has while it looks for the end of a part's
//! headers. A fast client could so fill the memory with a file, a malicious one with headers. The guard therefore hands
//! out one chunk per turn of the task, and stops when many bytes went in and no part, nor any piece of one, came out.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

/// Most bytes without progress: more than any client's part headers, far more than a boundary.
const STALLED_BYTES_MAX: u64 = 64 * 1024;

/// Why the guard ended the body.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the client sent nothing for too long")]
    Idle,
    #[error("no part in sight")]
    NoProgress,
    #[error("the connection broke")]
    Gone(#[source] Box<dyn Error + Send + Sync>),
}

/// Counts bytes since the parser last gave something back. The newest chunk does not count: it may be large, and the
/// parser may ask for the next one before it gives back what it has of this one. Shared by the guard and the reader of
/// parts, which run in the same task; atomic only because futures must be `Send`.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    newest: AtomicU64,
    before: AtomicU64,
}

impl Progress {
    /// The parser gave a part or a piece of one.
    pub(super) fn made(&self) {
        self.0.newest.store(0, Ordering::Relaxed);
        self.0.before.store(0, Ordering::Relaxed);
    }

    fn add(&self, bytes: usize) {
        let before = self.0.newest.swap(bytes as u64, Ordering::Relaxed);
        self.0.before.fetch_add(before, Ordering::Relaxed);
    }

    fn stalled(&self) -> bool {
        self.0.before.load(Ordering::Relaxed) > STALLED_BYTES_MAX
    }
}

/// Passes a body on, chunk by chunk. `idle` is the longest silence of the client; time in which nobody asks for a
/// chunk, because the disk is slow, does not count.
pub(super) fn guard<S, E>(
    body: S,
    idle: Duration,
    progress: Progress,
) -> impl Stream<Item = Result<Bytes, Fault>> + Send
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    // Boxed because the parser wants to move it.
    stream::unfold((Box::pin(body), progress), move |(mut body, progress)| async move {
        tokio::task::yield_now().await;
        if progress.stalled() {
            return Some((Err(Fault::NoProgress), (body, progress)));
        }
        let next = pin!(body.next());
        let chunk = match tokio::time::timeout(idle, next).await {
            Err(_) => Err(Fault::Idle),
            Ok(None) => return None,
            Ok(Some(Err(error))) => Err(Fault::Gone(error.into())),
            Ok(Some(Ok(chunk))) => {
                progress.add(chunk.len());
                Ok(chunk)
            }
        };
        Some((chunk, (body, progress)))
    })
}
