//! Calls that change several files at once: deletion and tags.

use std::collections::HashSet;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::body::Params;
use super::caller::{Caller, FilesWrite};
use super::openapi::{refusals, requests, schemas};
use super::{AppState, body, reply};
use crate::app::App;
use crate::error::{HELP, Refusal, Result};
use crate::library::changes::{self, TagEdit};
use crate::model::ids::FileId;
use crate::model::tags;

/// Files that one call deletes.
const DELETED_MAX: usize = 100;
/// Files whose tags one call changes.
const EDITED_MAX: usize = 50;

#[utoipa::path(
    post, path = "/v1/files/batch/deleteByFileIds", operation_id = "deleteFiles", tag = "files", request_body = requests::Files,
    summary = "Delete several files", description = "Deletes up to 100 files; if one of them does not exist, none of them.",
    responses((status = 200, description = "All deleted", body = schemas::Deleted), refusals::DeleteFiles)
)]
/// `POST /v1/files/batch/deleteByFileIds`
pub async fn delete(
    State(app): AppState,
    _: Caller<FilesWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let ids = Named::read(&params, DELETED_MAX, Refusal::TooManyFileIds)?.ids(&app).await?;
    let deleted = changes::delete(&app, &ids).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "successfullyDeletedFileIds": wire(&app, &in_order(&ids, &deleted)) })))
}

#[utoipa::path(
    post, path = "/v1/files/addTags", operation_id = "addTags", tag = "files", request_body = requests::Tags,
    summary = "Add tags to several files", description = "To up to 50 files; if one of them does not exist, to none of them.",
    responses(
        (status = 200, description = "All changed", body = schemas::Tagged),
        (status = 207, description = "Some changed; the tags of others would be too long", body = schemas::PartlyTagged),
        refusals::EditTags
    )
)]
/// `POST /v1/files/addTags`
pub async fn add_tags(
    state: AppState,
    caller: Caller<FilesWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    edit(state, caller, headers, content, "tags", TagEdit::Add).await
}

#[utoipa::path(
    post, path = "/v1/files/removeTags", operation_id = "removeTags", tag = "files", request_body = requests::Tags,
    summary = "Remove tags from several files",
    description = "From up to 50 files; if one of them does not exist, from none of them. A tag that a file does not have is no error.",
    responses(
        (status = 200, description = "All changed", body = schemas::Tagged),
        (status = 207, description = "Some changed, others not", body = schemas::PartlyTagged),
        refusals::EditTags
    )
)]
/// `POST /v1/files/removeTags`
pub async fn remove_tags(
    state: AppState,
    caller: Caller<FilesWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    edit(state, caller, headers, content, "tags", TagEdit::Remove).await
}

#[utoipa::path(
    post, path = "/v1/files/removeAITags", operation_id = "removeAITags", tag = "files", request_body = requests::AiTags,
    summary = "Remove automatic tags from several files",
    description = "From up to 50 files; if one of them does not exist, from none of them. A tag that a file does not have is no error.",
    responses(
        (status = 200, description = "All changed", body = schemas::Tagged),
        (status = 207, description = "Some changed, others not", body = schemas::PartlyTagged),
        refusals::EditAiTags
    )
)]
/// `POST /v1/files/removeAITags`
pub async fn remove_ai_tags(
    state: AppState,
    caller: Caller<FilesWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    edit(state, caller, headers, content, "AITags", TagEdit::RemoveAi).await
}

async fn edit(
    State(app): AppState,
    _: Caller<FilesWrite>,
    headers: HeaderMap,
    content: Body,
    name: &'static str,
    kind: fn(Vec<String>) -> TagEdit,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let named = Named::read(&params, EDITED_MAX, Refusal::TooManyEdits)?;
    let edit = kind(named_tags(&params, name)?);
    let ids = named.ids(&app).await?;
    let outcome = changes::edit_tags(&app, &ids, &edit).await?;
    let done = wire(&app, &in_order(&ids, &outcome.done));
    if outcome.failed.is_empty() {
        return Ok(reply::json(StatusCode::OK, &json!({ "successfullyUpdatedFileIds": done })));
    }
    let what = match edit {
        TagEdit::Add(_) => "Error in adding tags",
        TagEdit::Remove(_) => "Error in removing tags",
        TagEdit::RemoveAi(_) => "Error in removing AITags",
    };
    let errors: Vec<Value> =
        outcome.failed.iter().map(|id| json!({ "fileId": app.tag.wire(id.0), "error": what })).collect();
    let body = json!({
        "successfullyUpdatedFileIds": done,
        "errors": errors,
        "message": "Some files could not be updated, because their tags would be too long.",
        "help": HELP,
    });
    Ok(reply::json(StatusCode::MULTI_STATUS, &body))
}

/// The tags of the request, by the rules for tags; automatic tags are only looked for and can be anything.
fn named_tags(params: &Params, name: &'static str) -> Result<Vec<String>, Refusal> {
    if name == "AITags" {
        return params.list(name).map_err(|refusal| match refusal {
            Refusal::NotAList(_) => Refusal::BadAiTags,
            other => other,
        });
    }
    let tags = tags::checked(params.list(name)?)?;
    if tags.is_empty() { Err(Refusal::EmptyList(name)) } else { Ok(tags) }
}

/// The ids of a request, each once.
struct Named(Vec<String>);

impl Named {
    fn read(params: &Params, max: usize, too_many: Refusal) -> Result<Named, Refusal> {
        let mut sent = params.list("fileIds")?;
        if sent.len() > max {
            return Err(too_many);
        }
        let mut seen = HashSet::new();
        sent.retain(|id| seen.insert(id.clone()));
        Ok(Named(sent))
    }

    /// The same as numbers. If some cannot be ids of this library, all that lead to no file are told together, before
    /// anything is done.
    async fn ids(self, app: &App) -> Result<Vec<FileId>> {
        let ids: Vec<Option<FileId>> = self.0.iter().map(|id| app.tag.number(id).ok().flatten().map(FileId)).collect();
        let known: Vec<FileId> = ids.iter().copied().flatten().collect();
        if known.len() == ids.len() {
            return Ok(known);
        }
        let there = changes::those_there(app, &known).await?;
        let is_missing = |id: &Option<FileId>| id.is_none_or(|id| !there.contains(&id));
        let missing = self.0.into_iter().zip(&ids).filter(|(_, id)| is_missing(id)).map(|(sent, _)| sent);
        Err(Refusal::NoFiles(missing.collect()).into())
    }
}

/// Those of the ids that were done, in the order in which the client named them.
fn in_order(ids: &[FileId], done: &[FileId]) -> Vec<FileId> {
    ids.iter().copied().filter(|id| done.contains(id)).collect()
}

fn wire(app: &App, ids: &[FileId]) -> Vec<String> {
    ids.iter().map(|id| app.tag.wire(id.0)).collect()
}
