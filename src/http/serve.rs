//! The listeners: connections in, bounded in number and patience, until the shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use super::request_target::Repaired;
use super::tls;
use crate::app::App;
use crate::error::{Error, Result};
use crate::meter;

/// Open connections; further ones wait to be accepted.
const CONNECTIONS_MAX: u64 = 4096;
/// Connections to the listener of the metrics. They are not among the others, so that what is wrong can be read while
/// those are all taken.
const METRICS_CONNECTIONS_MAX: usize = 16;
/// Files that the server needs beside its connections: catalog, log, listeners, metrics.
const FILES_RESERVED: u64 = 128;
/// A connection may have a file open: the blob it sends or the spool it fills.
const FILES_PER_CONNECTION: u64 = 2;
/// How long to wait before accepting again when the system has run out of something.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long a client may take for the TLS handshake: some round trips and a signature.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// A listener, and how to speak on it.
pub struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Door {
    /// Listens on an address; with `tls` it speaks HTTPS. `flag` is the one that chose the address.
    pub async fn open(flag: &str, address: SocketAddr, tls: Option<TlsAcceptor>) -> Result<Door> {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            let advice = match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need the right to bind them, such as CAP_NET_BIND_SERVICE"
                }
                _ => "is another server running there? Give another address",
            };
            Error::Setup(format!("cannot listen on {address}: {error}; {advice} ({flag})"))
        })?;
        Ok(Door { listener, tls })
    }

    /// The address it really listens on.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().map_err(|error| Error::Setup(format!("the listening address is unknown: {error}")))
    }
}

/// Serves the library until the app is told to stop, then lets requests in flight finish.
pub async fn serve(app: Arc<App>, doors: Vec<Door>) {
    let room = Arc::new(Semaphore::new(connections_max()));
    let service = super::service(Arc::clone(&app));
    let attended = doors.into_iter().map(|door| attend(Arc::clone(&app), door, Arc::clone(&room), service.clone()));
    futures_util::future::join_all(attended).await;
}

/// Serves the metrics until the app is told to stop.
pub async fn serve_metrics(app: Arc<App>, door: Door) {
    let room = Arc::new(Semaphore::new(METRICS_CONNECTIONS_MAX));
    let service = super::metrics::service(Arc::clone(&app));
    attend(app, door, room, service).await;
}

async fn attend<S>(app: Arc<App>, door: Door, room: Arc<Semaphore>, service: S)
where
    S: Service<Request, Response = Response, Error = std::convert::Infallible, Future: Send> + Clone + Send + 'static,
{
    let mut http = http1::Builder::new();
    // A client has this long to send its headers, and as long between requests on one connection.
    http.timer(TokioTimer::new()).header_read_timeout(app.settings.idle_timeout);
    let service = service.map_request(|request: hyper::Request<hyper::body::Incoming>| request.map(Body::new));
    let service = TowerToHyperService::new(service);
    let graceful = GracefulShutdown::new();
    let Door { listener, tls } = door;
    while !app.is_stopping() {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = app.until_stopping(Duration::MAX) => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let (watcher, http, service, tls) = (graceful.watcher(), http.clone(), service.clone(), tls.clone());
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let _open = meter::connected();
            attend_connection(&app, stream, tls, &http, service, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(app.settings.shutdown_patience, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still in flight at the end of the shutdown");
    }
}

/// One connection, from the handshake to its end. A client that breaks off or breaks the protocol is its own concern.
async fn attend_connection<S>(
    app: &App,
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    http: &http1::Builder,
    service: S,
    watcher: Watcher,
) where
    S: hyper::service::Service<
            hyper::Request<hyper::body::Incoming>,
            Response = Response,
            Error = std::convert::Infallible,
            Future: Send,
        > + Send
        + 'static,
{
    let idle = app.settings.idle_timeout;
    let Some(acceptor) = tls else {
        let io = TokioIo::new(Repaired::new(Box::pin(patient(stream, idle))));
        drop(watcher.watch(http.serve_connection(io, service)).await);
        return;
    };
    let greeted = async {
        if !tls::begins_with_tls(&mut stream).await {
            return None;
        }
        tls::handshake(&acceptor, Box::pin(patient(stream, idle))).await
    };
    let greeted = tokio::select! {
        greeted = greeted => greeted,
        // Nothing has been asked yet, so the shutdown need not wait.
        () = app.until_stopping(HANDSHAKE_PATIENCE) => None,
    };
    if let Some(stream) = greeted {
        drop(watcher.watch(http.serve_connection(TokioIo::new(Repaired::new(stream)), service)).await);
    }
}

/// A client that reads nothing for that long is cut off, or it would hold its connection for ever.
fn patient(stream: TcpStream, idle: Duration) -> TimeoutStream<TcpStream> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(idle));
    stream
}

/// As many connections as the process may have files for; it takes what the system allows.
fn connections_max() -> usize {
    // 1024 is what most systems allow at least.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024);
    let most = (files.saturating_sub(FILES_RESERVED) / FILES_PER_CONNECTION).clamp(8, CONNECTIONS_MAX);
    usize::try_from(most).unwrap_or(usize::MAX)
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
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
