//! `/metrics`: what was measured, as Prometheus reads it.
//!
//! On the main listener it takes a key; on a listener of its own (`--metrics-listen`) it does not, and whoever reaches that
//! address may read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

use super::caller::{Caller, KeysRead};
use super::health::{Readiness, healthz};
use super::{AppState, no_route};
use crate::app::App;
use crate::error::{Refusal, Result};
use crate::meter;
use crate::model::rights::Rights;
use crate::store::jobs;

/// How long the catalog may take to count the queue; without its answer the rest is told.
const COUNT_PATIENCE: Duration = Duration::from_secs(2);
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operations",
    summary = "Read what is measured", description = "For Prometheus, with a key that may do everything.",
    responses((status = 200, description = "In Prometheus' text format", body = String, content_type = "text/plain"))
)]
/// `GET /metrics` with a key that may do everything: what is measured tells of all areas.
pub async fn with_key(State(app): AppState, caller: Caller<KeysRead>) -> Result<Response> {
    if caller.rights != Rights::Full {
        return Err(Refusal::NotPermitted.into());
    }
    Ok(open(State(app)).await)
}

/// `GET /metrics` on a listener of its own.
async fn open(State(app): AppState) -> Response {
    let counted = tokio::time::timeout(COUNT_PATIENCE, unfinished(&app)).await;
    match counted {
        Ok(Ok(count)) => meter::jobs_unfinished(count),
        Ok(Err(error)) => tracing::warn!(%error, "the queue was not counted"),
        Err(_) => tracing::warn!("the queue was not counted within {COUNT_PATIENCE:?}"),
    }
    let mut response = Response::new(Body::from(meter::render()));
    response.headers_mut().insert(header::CONTENT_TYPE, TEXT);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Bounded by the length that a queue may have.
async fn unfinished(app: &App) -> Result<i64> {
    jobs::unfinished_count(&mut app.db.glance().await?, app.settings.queued_jobs_max).await
}

/// What the listener of `--metrics-listen` serves.
pub fn service(app: Arc<App>) -> Router {
    let readiness = Arc::new(Readiness::default());
    Router::new()
        .route("/metrics", get(open))
        .route("/healthz", get(healthz))
        .route("/readyz", get(move |State(app): AppState| async move { readiness.readyz(&app).await }))
        .fallback(no_route)
        .with_state(app)
}
