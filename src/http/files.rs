//! Lists, details, versions and deletion of files.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::caller::{Caller, FilesRead, FilesWrite};
use super::openapi::{refusals, requests, schemas};
use super::params::Query;
use super::{AppState, WireId, reply, represent};
use crate::error::{Refusal, Result};
use crate::library::{files, listing};
use crate::model::ids::FileId;
use crate::model::path::FolderPath;
use crate::store::listing::{Direction, FileType, Page, Show, SortKey};

/// Most entries of one page, and how many there are when the client names no number.
const PAGE_ENTRIES: i64 = 1000;

#[utoipa::path(
    get, path = "/v1/files", operation_id = "listFiles", tag = "files", params(requests::List),
    summary = "List files and folders",
    description = "One page of a folder, or of the whole library. There is no total and no cursor: ask for the next page with `skip` \
        until one comes back with fewer entries than `limit`. A folder that does not exist has no entries.",
    responses((status = 200, description = "The page", body = [schemas::Asset]), refusals::List)
)]
/// `GET /v1/files`
pub async fn list(State(app): AppState, _: Caller<FilesRead>, uri: Uri) -> Result<Response> {
    let query = Query::of(&uri);
    // A list that ignores what it was asked for could make a client work on the wrong file.
    if let Some(name) = ["searchQuery", "name", "tags", "tags[]"].into_iter().find(|name| query.get(name).is_some()) {
        return Err(Refusal::NotSupported(name).into());
    }
    let page = page(&query)?;
    let found = match query.get("path") {
        // What can be no path names no folder, and a folder that does not exist has no entries.
        Some(path) => match FolderPath::parse(path) {
            Ok(path) => listing::in_folder(&app, &path, &page).await?,
            Err(_) => Vec::new(),
        },
        None => listing::everywhere(&app, &page).await?,
    };
    let objects: Vec<_> = found.iter().map(|located| represent::asset(&app, located)).collect();
    Ok(reply::json(StatusCode::OK, &objects.into()))
}

fn page(query: &Query) -> Result<Page, Refusal> {
    let (key, direction) = sort(query.get("sort").unwrap_or("ASC_CREATED")).ok_or(Refusal::BadSort)?;
    let show = match query.get("type") {
        None | Some("file") => Show::Files,
        Some("file-version") => Show::Versions,
        Some("folder") => Show::Folders,
        Some("all") => Show::All,
        Some(_) => return Err(Refusal::BadType),
    };
    let file_type = match query.get("fileType") {
        None | Some("all") => FileType::Any,
        Some("image") => FileType::Image,
        Some("non-image") => FileType::NonImage,
        Some(_) => return Err(Refusal::BadFileType),
    };
    Ok(Page { show, file_type, key, direction, limit: limit(query)?, skip: skip(query)? })
}

fn skip(query: &Query) -> Result<i64, Refusal> {
    let Some(sent) = query.get("skip") else { return Ok(0) };
    match sent.trim().parse::<i64>() {
        Ok(skip) if skip >= 0 => Ok(skip),
        Ok(_) => Err(Refusal::SkipTooSmall(sent.to_owned())),
        Err(_) => Err(Refusal::InvalidParameter),
    }
}

fn limit(query: &Query) -> Result<i64, Refusal> {
    let Some(sent) = query.get("limit") else { return Ok(PAGE_ENTRIES) };
    match sent.trim().parse::<i64>() {
        Ok(limit) if limit < 1 => Err(Refusal::LimitTooSmall(sent.to_owned())),
        Ok(limit) if limit > PAGE_ENTRIES => Err(Refusal::LimitTooLarge(sent.to_owned())),
        Ok(limit) => Ok(limit),
        Err(_) => Err(Refusal::InvalidParameter),
    }
}

fn sort(text: &str) -> Option<(SortKey, Direction)> {
    let (direction, key) = text.split_once('_')?;
    let direction = match direction {
        "ASC" => Direction::Up,
        "DESC" => Direction::Down,
        _ => return None,
    };
    let key = match key {
        // Relevance means something only in a search; elsewhere it is the default order.
        "CREATED" | "RELEVANCE" => SortKey::Created,
        "NAME" => SortKey::Name,
        "UPDATED" => SortKey::Updated,
        "SIZE" => SortKey::Size,
        "HEIGHT" => SortKey::Height,
        "WIDTH" => SortKey::Width,
        _ => return None,
    };
    Some((key, direction))
}

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
