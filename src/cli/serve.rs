//! `calotype serve`

use std::io::IsTerminal;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::log;
use crate::app::{App, Parts, chain};
use crate::blobs::sweep_cutoff;
use crate::config::Serve;
use crate::error::{Error, Result};
use crate::http;
use crate::jobs::{sweep, worker};
use crate::library::access;
use crate::model::time::Millis;

/// Opens the library, serves it, and closes it after Ctrl-C or SIGTERM.
pub async fn run(serve: Serve) -> Result<()> {
    serve.check_endpoint_id()?;
    serve.settings(serve.listen)?;
    let first_pair = first_pair(&serve)?;
    log::start(serve.log_format);
    let parts = Parts::open(&serve.place).await?;
    let listener = TcpListener::bind(serve.listen).await.map_err(|error| {
        Error::Setup(format!(
            "cannot listen on {}: {error}; is another server running there? Give another address with --listen",
            serve.listen
        ))
    })?;
    let bound =
        listener.local_addr().map_err(|error| Error::Setup(format!("the listening address is unknown: {error}")))?;
    let app = Arc::new(App::open(parts, serve.settings(bound)?, first_pair).await?);
    greet(&app, &serve)?;
    tracing::info!(address = %bound, "listening");
    let background = [
        tokio::spawn({
            let app = Arc::clone(&app);
            async move { worker::run(&app).await }
        }),
        tokio::spawn({
            let app = Arc::clone(&app);
            async move { sweep::run(&app).await }
        }),
        tokio::spawn({
            let app = Arc::clone(&app);
            async move { app.keep_log_short().await }
        }),
        tokio::spawn({
            let app = Arc::clone(&app);
            async move { clear_staging(&app).await }
        }),
        tokio::spawn({
            let app = Arc::clone(&app);
            async move { access::watch(&app).await }
        }),
    ];
    let server = tokio::spawn(http::serve::serve(Arc::clone(&app), listener));
    until_told_to_stop().await?;
    tracing::info!("stopping; requests in flight are finished, jobs go on at the next start");
    app.stop();
    tokio::spawn(async {
        if until_told_to_stop().await.is_ok() {
            // Told twice. Nothing is lost: what is acknowledged is durable, and the rest goes on at the next start.
            std::process::exit(130);
        }
    });
    for task in background.into_iter().chain([server]) {
        if let Err(error) = task.await {
            tracing::error!(%error, "a part of the server ended in a panic");
        }
    }
    app.db.close().await;
    Ok(())
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
    if serve.listen.ip().is_unspecified() && serve.public_url.is_none() {
        tracing::warn!("URLs in answers will not work elsewhere; set --public-url to the address that clients use");
    }
    if !at_terminal {
        return Ok(());
    }
    let key = match (&app.keys.fresh, &serve.private_key) {
        (Some((private, public)), _) => {
            println!("\n  Private key  {private}\n  Public key   {public}\n  They are shown this once. Keep them.");
            // Shown, so the file that guarded against a crash in between can go.
            std::fs::remove_file(&first_keys)
                .map_err(|error| Error::Setup(format!("cannot remove {}: {error}", first_keys.display())))?;
            private.as_str()
        }
        _ => "YOUR_PRIVATE_KEY",
    };
    println!(
        "
  Calotype is running at {base}

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

async fn until_told_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| Error::Setup(format!("signals cannot be received: {error}")))?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| Error::Setup(format!("signals cannot be received: {error}")))?,
    }
    Ok(())
}
