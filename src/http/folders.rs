//! Making and deleting folders.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

use super::caller::{Caller, FoldersWrite};
use super::openapi::{refusals, replies, requests, schemas};
use super::{AppState, FromSdk, NamesOf, body, params, reply};
use crate::error::{Refusal, Result};
use crate::library::folders;
use crate::model::path::{FolderPath, check_name, sanitise_folder};
use crate::tree::place::Names;

#[utoipa::path(
    post, path = "/v1/folder", operation_id = "createFolder", tag = "folders", request_body = requests::CreateFolder,
    summary = "Create a folder",
    description = "A folder that exists already stays as it is, and the answer is the same. Under `/v1` what is not a letter, mark, numeral, \
        `_` or `-` becomes `_`.",
    responses((status = 201, description = "It exists now", body = schemas::Nothing), refusals::CreateFolder)
)]
/// `POST /v1/folder`
pub async fn create(
    State(app): AppState,
    _: Caller<FoldersWrite>,
    NamesOf(names): NamesOf,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let [name, parent] = params.texts(["folderName", "parentFolderPath"])?;
    let name = new_name("folderName", name, names)?;
    let parent = FolderPath::parse(parent).map_err(Refusal::from)?;
    folders::create(&app, &parent, &name, names).await?;
    Ok(reply::json(StatusCode::CREATED, &json!({})))
}

/// What a folder will be called: checked as it will be, but for the names that are places.
pub fn new_name(parameter: &'static str, sent: &str, names: Names) -> Result<String, Refusal> {
    if sent.contains('/') {
        return Err(Refusal::NameWithSlash(parameter));
    }
    let is_place = matches!(sent, "." | "..");
    let name = if names == Names::Verbatim || is_place { sent.to_owned() } else { sanitise_folder(sent) };
    check_name(&name).map_err(|fault| Refusal::of_name(parameter, fault))?;
    Ok(name)
}

#[utoipa::path(
    delete, path = "/v1/folder", operation_id = "deleteFolder", tag = "folders", request_body = requests::DeleteFolder,
    summary = "Delete a folder",
    description = "The folder is gone at once with all that is in it, however much that is. The path may also be given as the query parameter \
        `folderPath`.",
    responses(replies::Nothing, refusals::DeleteFolder)
)]
/// `DELETE /v1/folder`; the path comes in the body, or from hand-made requests in the query.
pub async fn delete(
    State(app): AppState,
    _: Caller<FoldersWrite>,
    FromSdk(from_sdk): FromSdk,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let sent = body::read(&app, &headers, content).await?;
    let query = params::Query::of(&uri);
    let [as_sent] = match (sent.texts(["folderPath"]), query.get("folderPath")) {
        (Err(Refusal::MissingParameter(_)), Some(path)) => [path],
        (path, _) => path?,
    };
    let path = FolderPath::parse(as_sent).map_err(Refusal::from)?;
    if path.is_root() {
        return Err(Refusal::RootNotAllowed("folderPath").into());
    }
    folders::delete(&app, &path, as_sent).await?;
    Ok(reply::nothing(from_sdk))
}
