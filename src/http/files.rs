//! Details and deletion of files.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::caller::{Caller, FilesRead, FilesWrite};
use super::openapi::{refusals, requests, schemas};
use super::{AppState, WireId, reply, represent};
use crate::error::{Refusal, Result};
use crate::library::files;
use crate::model::ids::FileId;

#[utoipa::path(
    get, path = "/v1/files/{fileId}/details", operation_id = "getFile", tag = "files", params(requests::FileId),
    summary = "Get a file", description = "The file as it is now: its current version.",
    responses((status = 200, description = "The file", body = schemas::FileObject), refusals::File)
)]
/// `GET /v1/files/{fileId}/details`
pub async fn details(State(app): AppState, _: Caller<FilesRead>, id: WireId) -> Result<Response> {
    let file = files::details(&app, file_id(id)?).await?;
    Ok(reply::json(StatusCode::OK, &represent::asset(&app, &file)))
}

#[utoipa::path(
    delete, path = "/v1/files/{fileId}", operation_id = "deleteFile", tag = "files", params(requests::FileId),
    summary = "Delete a file", description = "The file is gone at once, with all its versions.",
    responses((status = 204, description = "Deleted"), refusals::File)
)]
/// `DELETE /v1/files/{fileId}`
pub async fn delete(State(app): AppState, _: Caller<FilesWrite>, id: WireId) -> Result<Response> {
    files::delete(&app, file_id(id)?).await?;
    Ok(reply::no_content())
}

/// The file that a route names.
pub fn file_id(WireId(id): WireId) -> Result<FileId, Refusal> {
    id.map_err(|_| Refusal::InvalidFileId)?.map(FileId).ok_or(Refusal::NoFile)
}
