//! Purges of cached copies.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::caller::{Caller, PurgeRead, PurgeWrite};
use super::{AppState, WireId, body, reply};
use crate::error::{Refusal, Result};
use crate::library::purges;

/// `POST /v1/files/purge`
pub async fn purge(State(app): AppState, _: Caller<PurgeWrite>, headers: HeaderMap, content: Body) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let [url] = params.texts(["url"]).map_err(|_| Refusal::BadPurgeUrl)?;
    let id = purges::purge(&app, url).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({ "requestId": app.tag.wire(id) })))
}

/// `GET /v1/files/purge/{requestId}`: nothing is cached here, so what has been asked for is done.
pub async fn status(State(app): AppState, _: Caller<PurgeRead>, WireId(id): WireId) -> Result<Response> {
    let id = id.ok().flatten().ok_or(Refusal::NoPurgeRequest)?;
    if !purges::exists(&app, id).await? {
        return Err(Refusal::NoPurgeRequest.into());
    }
    Ok(reply::json(StatusCode::OK, &json!({ "status": "Completed" })))
}
