//! The versions of a file.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::caller::{Caller, FilesRead, FilesWrite};
use super::files::file_id;
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

/// `GET /v1/files/{fileId}/versions`
pub async fn list(State(app): AppState, _: Caller<FilesRead>, id: WireId) -> Result<Response> {
    let versions = files::versions(&app, file_id(id)?).await?;
    let objects: Vec<_> = versions.iter().map(|located| represent::asset(&app, located)).collect();
    Ok(reply::json(StatusCode::OK, &objects.into()))
}

/// `GET /v1/files/{fileId}/versions/{versionId}`
pub async fn details(State(app): AppState, _: Caller<FilesRead>, Named(file, version): Named) -> Result<Response> {
    let found = versions::details(&app, file, version).await?;
    Ok(reply::json(StatusCode::OK, &represent::asset(&app, &found)))
}

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

/// `PUT /v1/files/{fileId}/versions/{versionId}/restore`
pub async fn restore(State(app): AppState, _: Caller<FilesWrite>, Named(file, version): Named) -> Result<Response> {
    let restored = versions::restore(&app, file, version).await?;
    Ok(reply::json(StatusCode::OK, &represent::asset(&app, &restored)))
}
