//! The listener: connections in, bounded in number and patience, until the shutdown.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::app::App;

/// Open connections; further ones wait to be accepted.
const CONNECTIONS_MAX: u64 = 4096;
/// Files that the server needs beside its connections: catalog, log, listener.
const FILES_RESERVED: u64 = 128;
/// A connection may have a file open: the blob it sends or the spool it fills.
const FILES_PER_CONNECTION: u64 = 2;
/// How long requests in flight may take to end after the shutdown has begun.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(8);
/// How long to wait before accepting again when the system has run out of something.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until the app is told to stop, then lets requests in flight finish.
pub async fn serve(app: Arc<App>, listener: TcpListener) {
    let service = super::service(Arc::clone(&app))
        .map_request(|request: hyper::Request<hyper::body::Incoming>| request.map(Body::new));
    let service = TowerToHyperService::new(service);
    let mut http = http1::Builder::new();
    // A client has this long to send its headers, and as long between requests on one connection.
    http.timer(TokioTimer::new()).header_read_timeout(app.settings.idle_timeout);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(connections_max()));
    while !app.is_stopping() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = app.until_stopping(Duration::MAX) => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        // A client that reads nothing for that long is cut off, or it would hold its connection for ever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(app.settings.idle_timeout));
        let io = TokioIo::new(Box::pin(stream));
        let connection = graceful.watch(http.serve_connection(io, service.clone()));
        tokio::spawn(async move {
            // A client that breaks off or breaks the protocol is its own concern.
            drop(connection.await);
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight at the end of the shutdown");
    }
}

/// As many connections as the process may have files for; it takes what the system allows.
fn connections_max() -> usize {
    // 1024 is what most systems allow at least.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let most = (files.saturating_sub(FILES_RESERVED) / FILES_PER_CONNECTION).clamp(8, CONNECTIONS_MAX);
    usize::try_from(most).unwrap_or(usize::MAX)
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small; waiting to fill a packet only adds latency. Failing to say so is harmless.
            drop(stream.set_nodelay(true));
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            None
        }
    }
}
