//! `calotype serve`

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::log;
use crate::app::{App, Parts, chain};
use crate::blobs::sweep_cutoff;
use crate::config::{DATA, Serve};
use crate::error::{Error, Result};
use crate::http;
use crate::http::serve::Door;
use crate::http::tls::Certificate;
use crate::jobs::{sweep, worker};
use crate::library::access;
use crate::meter;
use crate::model::time::Millis;

/// How often recorded durations are sorted into their bins; a busy server records some thousands in between.
const MEASURES_SORTED_EVERY: Duration = Duration::from_secs(5);

/// Opens the library, serves it, and closes it after Ctrl-C or SIGTERM.
pub async fn run(serve: Serve) -> Result<()> {
    serve.check_endpoint_id()?;
    serve.settings(serve.listen)?;
    let first_pair = first_pair(&serve)?;
    // Before anything is opened: a server that is told to stop while it starts still ends in order.
    let mut stop = Stop::listen()?;
    log::start(serve.log_format);
    meter::start();
    let certificate = serve.tls_files()?.map(|(cert, key)| Certificate::open(cert, key)).transpose()?;
    let parts = Parts::open(&serve.place).await?;
    let doors = doors(&serve, certificate.as_ref()).await?;
    let metrics_door = match serve.metrics_listen {
        Some(address) => Some(Door::open("--metrics-listen", address, None).await?),
        None => None,
    };
    // The last one is HTTPS if any is.
    let bound = doors.last().map_or(Ok(serve.listen), Door::address)?;
    let app = Arc::new(App::open(parts, serve.settings(bound)?, first_pair).await?);
    greet(&app, &serve)?;
    for door in &doors {
        tracing::info!(address = %door.address()?, "listening");
    }
    let mut tasks = background(&app, certificate);
    if let Some(door) = metrics_door {
        tracing::info!(address = %door.address()?, "metrics are served");
        tasks.push(tokio::spawn(http::serve::serve_metrics(Arc::clone(&app), door)));
    }
    tasks.push(tokio::spawn(http::serve::serve(Arc::clone(&app), doors)));
    stop.told().await;
    tracing::info!("stopping; requests in flight are finished, jobs go on at the next start");
    app.stop();
    tokio::spawn(async move {
        stop.told().await;
        // Told twice. Nothing is lost: what is acknowledged is durable, and the rest goes on at the next start.
        std::process::exit(130);
    });
    for task in tasks {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the server ended in a panic");
        }
    }
    app.db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// The listeners of the library: plain HTTP, HTTPS, or one of each, HTTPS last.
async fn doors(serve: &Serve, certificate: Option<&Arc<Certificate>>) -> Result<Vec<Door>> {
    let tls = certificate.map(Certificate::acceptor).transpose()?;
    let Some(address) = serve.tls_listen else {
        return Ok(vec![Door::open("--listen", serve.listen, tls).await?]);
    };
    Ok(vec![Door::open("--listen", serve.listen, None).await?, Door::open("--tls-listen", address, tls).await?])
}

/// What goes on beside the requests.
fn background(app: &Arc<App>, certificate: Option<Arc<Certificate>>) -> Vec<JoinHandle<()>> {
    let of = || Arc::clone(app);
    let (worker, sweep, checkpoints, staging, keys, upkeep) = (of(), of(), of(), of(), of(), of());
    let mut tasks = vec![
        on_own_thread(async move { worker::run(&worker).await }),
        on_own_thread(async move { sweep::run(&sweep).await }),
        tokio::spawn(async move { checkpoints.keep_log_short().await }),
        tokio::spawn(async move { clear_staging(&staging).await }),
        tokio::spawn(async move { access::watch(&keys).await }),
        tokio::spawn(async move {
            while !upkeep.is_stopping() {
                upkeep.until_stopping(MEASURES_SORTED_EVERY).await;
                meter::tidy_up();
            }
        }),
    ];
    if let Some(certificate) = certificate {
        let app = of();
        tasks.push(tokio::spawn(async move { certificate.keep_fresh(&app).await }));
    }
    tasks
}

/// For what keeps the catalog busy for some milliseconds at a time, in which requests would wait on a shared thread.
fn on_own_thread(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(task))
}

/// Removes what uploads of a killed process have left half written.
async fn clear_staging(app: &App) {
    if let Err(error) = app.blobs.sweep_staged(sweep_cutoff(Millis::now().system())).await {
        tracing::warn!(error = chain(&error), "left-over uploads were not removed");
    }
}

fn first_pair(serve: &Serve) -> Result<Option<(String, String)>> {
    match (&serve.private_key, &serve.public_key) {
        (None, None) => Ok(None),
        (Some(private), Some(public)) if private.is_empty() || public.is_empty() || private.contains(':') => {
            Err(Error::Setup("CALOTYPE_PRIVATE_KEY and CALOTYPE_PUBLIC_KEY must not be empty, and the private key must not hold a colon".into()))
        }
        (Some(private), Some(public)) => Ok(Some((private.clone(), public.clone()))),
        _ => Err(Error::Setup("CALOTYPE_PRIVATE_KEY and CALOTYPE_PUBLIC_KEY go together; set both or neither".into())),
    }
}

/// Shows a person at a terminal what to do next. Fresh keys are shown once, there or in a file that only
/// its owner may read; they never go to a log.
fn greet(app: &App, serve: &Serve) -> Result<()> {
    let base = &app.settings.public_url;
    let at_terminal = std::io::stdout().is_terminal();
    let first_keys = serve.place.data.join("first-keys");
    if app.keys.fresh.is_some() && !at_terminal {
        tracing::info!(path = %first_keys.display(), "a key pair was made and written there; move it to a safe place");
    }
    if serve.tls_listen.unwrap_or(serve.listen).ip().is_unspecified() && serve.public_url.is_none() {
        tracing::warn!("URLs in answers will not work elsewhere; set --public-url to the address that clients use");
    }
    if !at_terminal {
        return Ok(());
    }
    // Other commands have to be told where the library is, as this one was.
    let place = match serve.place.data.to_str() {
        Some(data) if data != DATA => format!(" --data '{}'", data.replace('\'', r"'\''")),
        _ => String::new(),
    };
    let key = match (&app.keys.fresh, &serve.private_key) {
        (Some((private, public)), _) => {
            println!(
                "\n  Private key  {private}\n  Public key   {public}\n  Keep them. This tells them again:\n    calotype keys show {public} --private{place}"
            );
            // Shown, so the file that guarded against a crash in between can go.
            std::fs::remove_file(&first_keys)
                .map_err(|error| Error::Setup(format!("cannot remove {}: {error}", first_keys.display())))?;
            private.as_str()
        }
        _ => {
            println!(
                "\n  For YOUR_PRIVATE_KEY: calotype keys list{place}, and calotype keys show PUBLIC_KEY --private{place}"
            );
            "YOUR_PRIVATE_KEY"
        }
    };
    println!(
        "
  Calotype is running at {base}
  Every call, with examples:  {base}/docs

  Upload a picture:
    curl -u {key}: -F file=@picture.jpg -F fileName=picture.jpg -F folder=/holiday {base}/api/v1/files/upload
  Copy a folder:
    curl -u {key}: -H 'Content-Type: application/json' -d '{{\"sourceFolderPath\":\"/holiday\",\"destinationPath\":\"/backup\"}}' {base}/v1/bulkJobs/copyFolder
  Ask for the job's status, with the jobId from the answer:
    curl -u {key}: {base}/v1/bulkJobs/JOB_ID
"
    );
    Ok(())
}

/// SIGTERM and Ctrl-C, received from the moment this is made.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> Result<Stop> {
        let on = |kind| signal(kind).map_err(|error| Error::Setup(format!("signals cannot be received: {error}")));
        Ok(Stop { terminate: on(SignalKind::terminate())?, interrupt: on(SignalKind::interrupt())? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
