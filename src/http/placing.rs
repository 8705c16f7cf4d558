//! Copy, move and rename of single files.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::body::Params;
use super::caller::{Caller, FilesWrite};
use super::openapi::{refusals, replies, requests, schemas};
use super::{AppState, FromSdk, NamesOf, body, reply, represent};
use crate::error::{Refusal, Result};
use crate::library::placing::{self, At, Destination};
use crate::model::path::{FolderPath, check_name, sanitise};
use crate::tree::place::Names;

#[utoipa::path(
    post, path = "/v1/files/copy", operation_id = "copyFile", tag = "files", request_body = requests::CopyFile,
    summary = "Copy a file",
    description = "Copies a file into a folder under the same name. If the folder has a file of that name, the copy becomes its newest \
        version. The copy shares the bytes of its source.",
    responses(replies::Nothing, refusals::CopyFile)
)]
/// `POST /v1/files/copy`
pub async fn copy(
    State(app): AppState,
    _: Caller<FilesWrite>,
    NamesOf(names): NamesOf,
    FromSdk(from_sdk): FromSdk,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let (source, destination) = ends(&params, names)?;
    let include_versions = params.flag(&["includeFileVersions", "includeVersions"])?;
    placing::copy(&app, &source, &destination, include_versions).await?;
    Ok(reply::nothing(from_sdk))
}

#[utoipa::path(
    post, path = "/v1/files/move", operation_id = "moveFile", tag = "files", request_body = requests::MoveFile,
    summary = "Move a file",
    description = "Moves a file with all its versions into a folder. It keeps its id, unless the folder has a file of that name: then its \
        versions are appended to that file's.",
    responses(replies::Nothing, refusals::MoveFile)
)]
/// `POST /v1/files/move`
pub async fn move_into(
    State(app): AppState,
    _: Caller<FilesWrite>,
    NamesOf(names): NamesOf,
    FromSdk(from_sdk): FromSdk,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let (source, destination) = ends(&params, names)?;
    placing::move_into(&app, &source, &destination).await?;
    Ok(reply::nothing(from_sdk))
}

#[utoipa::path(
    put, path = "/v1/files/rename", operation_id = "renameFile", tag = "files", request_body = requests::RenameFile,
    summary = "Rename a file",
    description = "Gives a file with all its versions another name at its place. Under `/v1` the new name is cleaned as that of an upload.",
    responses((status = 200, description = "Renamed", body = schemas::Renamed), refusals::RenameFile)
)]
/// `PUT /v1/files/rename`
pub async fn rename(
    State(app): AppState,
    _: Caller<FilesWrite>,
    NamesOf(names): NamesOf,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let [path, new_name] = texts(&params, ["filePath", "newFileName"])?;
    let purge = params.flag(&["purgeCache"])?;
    let file = at(path)?.ok_or_else(|| Refusal::NoFileAt(path.to_owned()))?;
    if new_name.contains('/') && names == Names::Verbatim {
        return Err(Refusal::InvalidParameters.into());
    }
    let name = if names == Names::Verbatim { new_name.to_owned() } else { sanitise(new_name) };
    check_name(&name).map_err(|_| Refusal::InvalidParameters)?;
    // One request for the old URL with all that hangs on it: versions and transformations in the query.
    let url = purge.then(|| format!("{}*", represent::url_of(&app, &file.folder, &file.name)));
    let purge = placing::rename(&app, &file, &name, url.as_deref()).await?;
    let answer = purge.map_or_else(|| json!({}), |id| json!({ "purgeRequestId": app.tag.wire(id) }));
    Ok(reply::json(StatusCode::OK, &answer))
}

fn ends(params: &Params, names: Names) -> Result<(At, Destination), Refusal> {
    let [source, destination] = texts(params, ["sourceFilePath", "destinationPath"])?;
    let folder = FolderPath::parse(destination)?;
    let source = at(source)?.ok_or_else(|| Refusal::NoSourceFile(source.to_owned()))?;
    Ok((source, Destination { folder, names }))
}

/// These routes have one text for whatever is wrong with a parameter.
fn texts<'a, const N: usize>(params: &'a Params, names: [&'static str; N]) -> Result<[&'a str; N], Refusal> {
    params.texts(names).map_err(|refusal| match refusal {
        Refusal::MissingParameter(_) => Refusal::MissingParameters,
        _ => Refusal::InvalidParameters,
    })
}

/// The file at a path; `None` for the root.
fn at(path: &str) -> Result<Option<At>, Refusal> {
    let parsed = FolderPath::parse(path)?;
    let split = parsed.split_last();
    Ok(split.map(|(folder, name)| At { folder, name: name.to_owned(), as_sent: path.to_owned() }))
}
