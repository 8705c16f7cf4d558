//! `/healthz` and `/readyz`: for who decides whether to restart this server, and whether to send it requests.
//!
//! Neither needs a key, so neither tells more than a word for each part, and asking often costs little: an answer of
//! `/readyz` is kept for a moment, and those who ask meanwhile share it. Why a part fails is in the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;
use tokio::sync::Mutex;

use super::openapi::schemas;
use super::reply;
use crate::app::{App, chain};
use crate::error::{Error, Result};
use crate::store::settings;

/// How long a part may take to answer. Health checks give up after some seconds; this is before they do.
const PART_PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is kept.
const KEPT: Duration = Duration::from_millis(500);

#[utoipa::path(
    get, path = "/healthz", operation_id = "isAlive", tag = "operations", security(()),
    summary = "Ask whether the server runs", description = "Depends on nothing else.",
    responses((status = 200, description = "It does", body = schemas::Health))
)]
/// `GET /healthz`: the process runs and answers. It depends on nothing else, because restarting this server would not
/// bring back anything else.
pub async fn healthz() -> Response {
    uncached(reply::json(StatusCode::OK, &json!({ "status": "ok" })))
}

/// What the last look at the parts found.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Parts)>>);

#[derive(Clone, Copy)]
struct Parts {
    catalog: &'static str,
    blobs: &'static str,
}

const WORKS: &str = "ok";

impl Readiness {
    /// `GET /readyz`: whether requests can be served now.
    pub async fn readyz(&self, app: &Arc<App>) -> Response {
        let parts = self.look(app).await;
        let ready = parts.catalog == WORKS && parts.blobs == WORKS && !app.is_stopping();
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let word = match (ready, app.is_stopping()) {
            (true, _) => "ready",
            (false, true) => "stopping",
            (false, false) => "not ready",
        };
        let body = json!({ "status": word, "catalog": parts.catalog, "blobs": parts.blobs });
        uncached(reply::json(status, &body))
    }

    /// Looks, unless somebody has just done so. Who comes meanwhile waits for the same look, which has a bound.
    async fn look(&self, app: &Arc<App>) -> Parts {
        let mut last = self.0.lock().await;
        if let Some((at, parts)) = *last
            && at.elapsed() < KEPT
        {
            return parts;
        }
        let (catalog, blobs) = tokio::join!(part("catalog", catalog(app)), part("blob store", blobs(app)));
        let parts = Parts { catalog, blobs };
        *last = Some((Instant::now(), parts));
        parts
    }
}

async fn catalog(app: &App) -> Result<()> {
    let tag = settings::get(&mut app.db.glance().await?, "library_tag").await?;
    tag.map(drop).ok_or_else(|| Error::Damaged("the library has no tag".into()))
}

async fn blobs(app: &App) -> Result<()> {
    if app.blobs.is_claimed().await? { Ok(()) } else { Err(Error::Setup("the blob store is empty".into())) }
}

async fn part(name: &str, asked: impl Future<Output = Result<()>>) -> &'static str {
    match tokio::time::timeout(PART_PATIENCE, asked).await {
        Ok(Ok(())) => WORKS,
        Ok(Err(error)) => {
            tracing::warn!(part = name, error = chain(&error), "not ready");
            "fails"
        }
        Err(_) => {
            tracing::warn!(part = name, "not ready: no answer within {PART_PATIENCE:?}");
            "does not answer"
        }
    }
}

fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
