//! The versions of a file.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::caller::{Caller, FilesRead, FilesWrite};
use super::files::file_id;
use super::openapi::{refusals, replies, requests, schemas};
use super::{AppState, FromSdk, WireId, reply, represent};
use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library::{files, versions};
use crate::model::ids::{FileId, VersionId};

/// The file and the version that a route names.
pub struct Named(FileId, VersionId);

impl FromRequestParts<Arc<App>> for Named {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Named> {
        let named: Result<Path<(String, String)>, _> = Path::from_request_parts(parts, app).await;
        let Path((file, version)) = named.map_err(|_| Refusal::InvalidFileId)?;
        let file = app.tag.number(&file).map_err(|_| Refusal::InvalidFileId)?;
        let version = app.tag.number(&version).map_err(|_| Refusal::InvalidVersionId)?;
        let file = file.map(FileId).ok_or(Refusal::NoFile)?;
        Ok(Named(file, version.map(VersionId).ok_or(Refusal::NoVersion)?))
    }
}

#[utoipa::path(
    get, path = "/v1/files/{fileId}/versions", operation_id = "listVersions", tag = "versions", params(requests::FileId),
    summary = "List the versions of a file", description = "The current one first, then the older ones from the newest to the oldest.",
    responses((status = 200, description = "All versions", body = [schemas::FileObject]), refusals::File)
)]
/// `GET /v1/files/{fileId}/versions`
pub async fn list(State(app): AppState, _: Caller<FilesRead>, id: WireId) -> Result<Response> {
    let versions = files::versions(&app, file_id(id)?).await?;
    let objects: Vec<_> = versions.iter().map(|located| represent::asset(&app, located)).collect();
    Ok(reply::json(StatusCode::OK, &objects.into()))
}

#[utoipa::path(
    get, path = "/v1/files/{fileId}/versions/{versionId}", operation_id = "getVersion", tag = "versions", params(requests::VersionId),
    summary = "Get a version", description = "One version of a file, the current one or an older one.",
    responses((status = 200, description = "The version", body = schemas::FileObject), refusals::Version)
)]
/// `GET /v1/files/{fileId}/versions/{versionId}`
pub async fn details(State(app): AppState, _: Caller<FilesRead>, Named(file, version): Named) -> Result<Response> {
    let found = versions::details(&app, file, version).await?;
    Ok(reply::json(StatusCode::OK, &represent::asset(&app, &found)))
}

#[utoipa::path(
    delete,
    path = "/v1/files/{fileId}/versions/{versionId}",
    operation_id = "deleteVersion",
    tag = "versions",
    params(requests::VersionId),
    summary = "Delete an older version",
    description = "The current version cannot be deleted. Numbers of deleted versions are not given again.",
    responses(replies::Nothing, refusals::DeleteVersion)
)]
/// `DELETE /v1/files/{fileId}/versions/{versionId}`
pub async fn delete(
    State(app): AppState,
    _: Caller<FilesWrite>,
    FromSdk(from_sdk): FromSdk,
    Named(file, version): Named,
) -> Result<Response> {
    versions::delete(&app, file, version).await?;
    Ok(reply::nothing(from_sdk))
}

#[utoipa::path(
    put, path = "/v1/files/{fileId}/versions/{versionId}/restore", operation_id = "restoreVersion", tag = "versions",
    params(requests::VersionId),
    summary = "Restore a version",
    description = "Makes a version the current one, with its tags, coordinates and metadata. Versions keep their ids and numbers. `DELETE` \
        does the same here, for clients of one generation.",
    responses((status = 200, description = "The file as it is now", body = schemas::FileObject), refusals::Version)
)]
/// `PUT /v1/files/{fileId}/versions/{versionId}/restore`
pub async fn restore(State(app): AppState, _: Caller<FilesWrite>, Named(file, version): Named) -> Result<Response> {
    let restored = versions::restore(&app, file, version).await?;
    Ok(reply::json(StatusCode::OK, &represent::asset(&app, &restored)))
}
