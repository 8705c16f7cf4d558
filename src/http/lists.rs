//! Lists and searches of files, older versions and folders.

use std::num::IntErrorKind;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::caller::{Caller, FilesRead};
use super::openapi::{refusals, requests, schemas};
use super::params::Query;
use super::{AppState, reply, represent};
use crate::app::App;
use crate::error::{Refusal, Result};
use crate::library::{listing, search};
use crate::model::asset::Kinds;
use crate::model::path::FolderPath;
use crate::model::time::Millis;
use crate::query::search::Search;
use crate::store::listing::{Direction, FileType, Page, SortKey};

/// Most entries of one page, and how many there are when the client names no number.
const PAGE_ENTRIES: i64 = 1000;
/// Tags that a list is narrowed to; more than that are no sensible question.
const TAGS_MAX: usize = 1000;

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
    let (order, relevance) = sort(&query)?;
    let search = wanted(&app, &query).await?;
    // A search says itself what it looks for.
    let kinds = search.as_ref().map_or_else(|| kinds(&query), |search| Ok(search.kinds()))?;
    let page = page(&query, kinds, order)?;
    let folder = match query.get("path").map(FolderPath::parse) {
        None => None,
        Some(Ok(path)) => Some(path),
        // What can be no path names no folder, and a folder that does not exist has no entries.
        Some(Err(_)) => return Ok(reply::json(StatusCode::OK, &Vec::<serde_json::Value>::new().into())),
    };
    let found = match (&search, &folder) {
        (Some(search), folder) => {
            let request = search::Request { search, folder: folder.as_ref(), page, relevance };
            search::find(&app, &request).await?
        }
        (None, Some(folder)) => listing::in_folder(&app, folder, &page).await?,
        (None, None) => listing::everywhere(&app, &page).await?,
    };
    let objects: Vec<_> = found.iter().map(|located| represent::asset(&app, located)).collect();
    Ok(reply::json(StatusCode::OK, &objects.into()))
}

/// The search that is asked for, in the language of searches or by the older parameters, which count only without it.
async fn wanted(app: &App, query: &Query) -> Result<Option<Search>> {
    if let Some(text) = query.get("searchQuery")
        && let Some(search) = search::parse(app, text, Millis::now()).await?
    {
        return Ok(Some(search));
    }
    Ok(Search::of_parameters(kinds(query)?, query.get("name"), tags(query)))
}

/// `tags=a,b`, `tags=["a","b"]`, `tags=a&tags=b` or `tags[]=a&tags[]=b`; blanks around tags do not count.
fn tags(query: &Query) -> Vec<String> {
    let mut tags = Vec::new();
    for sent in query.all(&["tags", "tags[]"]) {
        match serde_json::from_str::<Vec<String>>(sent) {
            Ok(array) => tags.extend(array),
            Err(_) => tags.extend(sent.split(',').map(str::to_owned)),
        }
    }
    let trimmed = tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
    trimmed.take(TAGS_MAX).collect()
}

fn kinds(query: &Query) -> Result<Kinds, Refusal> {
    match query.get("type") {
        None if query.is_true("includeFolder") => Ok(Kinds::ALL),
        None | Some("file") => Ok(Kinds::FILES),
        Some("file-version") => Ok(Kinds::VERSIONS),
        Some("folder") => Ok(Kinds::FOLDERS),
        Some("all") => Ok(Kinds::ALL),
        Some(_) => Err(Refusal::BadType),
    }
}

fn page(query: &Query, kinds: Kinds, (key, direction): (SortKey, Direction)) -> Result<Page, Refusal> {
    let file_type = match query.get("fileType") {
        None | Some("all") => FileType::Any,
        Some("image") => FileType::Image,
        Some("non-image") => FileType::NonImage,
        Some(_) => return Err(Refusal::BadFileType),
    };
    Ok(Page { kinds, file_type, key, direction, limit: limit(query)?, skip: skip(query)? })
}

fn skip(query: &Query) -> Result<i64, Refusal> {
    let Some(sent) = query.get("skip") else { return Ok(0) };
    match whole(sent)? {
        skip if skip < 0 => Err(Refusal::SkipTooSmall(sent.to_owned())),
        skip => Ok(skip),
    }
}

/// A whole number; one beyond 64 bits is the last there is.
fn whole(text: &str) -> Result<i64, Refusal> {
    text.trim().parse::<i64>().or_else(|error| match error.kind() {
        IntErrorKind::PosOverflow => Ok(i64::MAX),
        IntErrorKind::NegOverflow => Ok(i64::MIN),
        _ => Err(Refusal::InvalidParameter),
    })
}

fn limit(query: &Query) -> Result<i64, Refusal> {
    let Some(sent) = query.get("limit") else { return Ok(PAGE_ENTRIES) };
    match whole(sent)? {
        limit if limit < 1 => Err(Refusal::LimitTooSmall(sent.to_owned())),
        limit if limit > PAGE_ENTRIES => Err(Refusal::LimitTooLarge(sent.to_owned())),
        limit => Ok(limit),
    }
}

/// The order of a list, and the direction of relevance if that is asked for, which only a search for words has.
fn sort(query: &Query) -> Result<((SortKey, Direction), Option<Direction>), Refusal> {
    let oldest = (SortKey::Created, Direction::Up);
    let Some(sent) = query.get("sort") else { return Ok((oldest, None)) };
    let (direction, key) = match sent.split_once('_') {
        Some(("ASC", key)) => (Direction::Up, key),
        Some(("DESC", key)) => (Direction::Down, key),
        _ => return Err(Refusal::BadSort),
    };
    let key = match key {
        "RELEVANCE" => return Ok((oldest, Some(direction))),
        "CREATED" => SortKey::Created,
        "NAME" => SortKey::Name,
        "UPDATED" => SortKey::Updated,
        "SIZE" => SortKey::Size,
        "HEIGHT" => SortKey::Height,
        "WIDTH" => SortKey::Width,
        _ => return Err(Refusal::BadSort),
    };
    Ok(((key, direction), None))
}
