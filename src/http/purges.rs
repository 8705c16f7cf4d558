//! Purges of cached copies.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

use super::caller::{Caller, PurgeRead, PurgeWrite};
use super::openapi::{refusals, requests, schemas};
use super::{AppState, WireId, body, delivery, reply};
use crate::error::{Refusal, Result};
use crate::library::purges;

#[utoipa::path(
    post, path = "/v1/files/purge", operation_id = "purge", tag = "purge", request_body = requests::Purge,
    summary = "Purge a URL from caches",
    description = "One URL of this library, or with a `*` at its end all that begin like it. A wildcard needs two levels, 15 characters or \
        a whole file name before it.",
    responses((status = 201, description = "Accepted", body = schemas::PurgeAccepted), refusals::Purge)
)]
/// `POST /v1/files/purge`
pub async fn purge(
    State(app): AppState,
    _: Caller<PurgeWrite>,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let [url] = params.texts(["url"]).map_err(|_| Refusal::BadPurgeUrl)?;
    let place = delivery::own_url(&app.settings, delivery::host(&uri, &headers), url).ok_or(Refusal::BadPurgeUrl)?;
    let id = purges::purge(&app, url, place).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({ "requestId": app.tag.wire(id) })))
}

#[utoipa::path(
    get, path = "/v1/files/purge/{requestId}", operation_id = "getPurge", tag = "purge", params(requests::PurgeId),
    summary = "Ask for a purge's status", description = "This server keeps no cached copies, so a purge is completed when it is accepted.",
    responses((status = 200, description = "The purge", body = schemas::PurgeStatus), refusals::PurgeStatus)
)]
/// `GET /v1/files/purge/{requestId}`: nothing is cached here, so what has been asked for is done.
pub async fn status(State(app): AppState, _: Caller<PurgeRead>, WireId(id): WireId) -> Result<Response> {
    let id = id.ok().flatten().ok_or(Refusal::NoPurgeRequest)?;
    if !purges::exists(&app, id).await? {
        return Err(Refusal::NoPurgeRequest.into());
    }
    Ok(reply::json(StatusCode::OK, &json!({ "status": "Completed" })))
}
