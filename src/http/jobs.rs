//! Folder copy, move and rename, and the status of a job.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::caller::{Caller, FoldersRead, FoldersWrite};
use super::openapi::{refusals, requests, schemas};
use super::{AppState, NamesOf, WireId, body, folders, reply};
use crate::app::App;
use crate::error::{Refusal, Result};
use crate::jobs::submit::Request;
use crate::jobs::{gather, status};
use crate::model::ids::JobId;
use crate::model::job::{Kind, Phase};
use crate::model::path::FolderPath;
use crate::store::jobs;
use crate::tree::place::{Names, Places};

/// Set by current SDKs when they send a request again.
const RETRY_COUNT: &str = "x-stainless-retry-count";

#[utoipa::path(
    post, path = "/v1/bulkJobs/copyFolder", operation_id = "copyFolder", tag = "bulk jobs", request_body = requests::CopyFolder,
    summary = "Copy a folder",
    description = "Copies a folder with all that is below it into another. The copy is a snapshot of the moment the job starts, shares all \
        bytes with its source, and appears at once or not at all. Where the destination has a folder of that name the two are merged: a file \
        whose name is taken becomes the newest version of the file that is there.",
    responses((status = 200, description = "The job is accepted and durable", body = schemas::JobAccepted), refusals::CopyFolder)
)]
/// `POST /v1/bulkJobs/copyFolder`
pub async fn copy_folder(
    State(app): AppState,
    caller: Caller<FoldersWrite>,
    NamesOf(names): NamesOf,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let paths = params.texts(["sourceFolderPath", "destinationPath"])?;
    let include_versions = params.flag(&["includeVersions", "includeFileVersions"])?;
    let request = Request { include_versions, ..into_folder(&app, paths, Kind::Copy, names)? };
    submitted(&app, request, &caller.public_key, &headers).await
}

#[utoipa::path(
    post, path = "/v1/bulkJobs/moveFolder", operation_id = "moveFolder", tag = "bulk jobs", request_body = requests::MoveFolder,
    summary = "Move a folder",
    description = "Moves a folder with all that is below it into another, at the same cost for ten files and for ten million. Where the \
        destination has a folder of that name the two are merged. Ids stay the same, URLs change with the path. `PUT` does the same.",
    responses((status = 200, description = "The job is accepted and durable", body = schemas::JobAccepted), refusals::MoveFolder)
)]
/// `POST` or `PUT /v1/bulkJobs/moveFolder`
pub async fn move_folder(
    State(app): AppState,
    caller: Caller<FoldersWrite>,
    NamesOf(names): NamesOf,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let request = into_folder(&app, params.texts(["sourceFolderPath", "destinationPath"])?, Kind::Move, names)?;
    submitted(&app, request, &caller.public_key, &headers).await
}

#[utoipa::path(
    post, path = "/v1/bulkJobs/renameFolder", operation_id = "renameFolder", tag = "bulk jobs", request_body = requests::RenameFolder,
    summary = "Rename a folder",
    description = "Gives a folder another name at its place, at the same cost for ten files and for ten million. A name that another folder \
        has there is refused.",
    responses((status = 200, description = "The job is accepted and durable", body = schemas::JobAccepted), refusals::RenameFolder)
)]
/// `POST /v1/bulkJobs/renameFolder`
pub async fn rename_folder(
    State(app): AppState,
    caller: Caller<FoldersWrite>,
    NamesOf(names): NamesOf,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let [as_sent, new_name] = params.texts(["folderPath", "newFolderName"])?;
    let purge_cache = params.flag(&["purgeCache"])?;
    let source = folder_path(&app, as_sent)?;
    let target_name = folders::new_name("newFolderName", new_name, names)?;
    let (destination, _) = source.split_last().ok_or(Refusal::SourceIsRoot("folderPath"))?;
    let request = Request {
        kind: Kind::Rename,
        source_as_sent: as_sent.to_owned(),
        source,
        destination,
        target_name,
        include_versions: false,
        purge_cache,
        names,
        caller: String::new(),
        is_retry: false,
    };
    submitted(&app, request, &caller.public_key, &headers).await
}

/// What copy and move have in common: a folder and the folder it goes into.
fn into_folder(app: &App, [as_sent, destination]: [&str; 2], kind: Kind, names: Names) -> Result<Request, Refusal> {
    let source = folder_path(app, as_sent)?;
    let destination = folder_path(app, destination)?;
    let (_, name) = source.split_last().ok_or(Refusal::SourceIsRoot("sourceFolderPath"))?;
    Ok(Request {
        kind,
        target_name: name.to_owned(),
        source_as_sent: as_sent.to_owned(),
        source,
        destination,
        include_versions: false,
        purge_cache: false,
        names,
        caller: String::new(),
        is_retry: false,
    })
}

/// A path no deeper than folders can be made. The depth is part of a path's syntax: it comes before what the path names.
fn folder_path(app: &App, text: &str) -> Result<FolderPath, Refusal> {
    let path = FolderPath::parse(text)?;
    if path.is_deeper_than(app.settings.folder_depth_max) { Err(Refusal::BadFolderPath) } else { Ok(path) }
}

async fn submitted(app: &Arc<App>, mut request: Request, caller: &str, headers: &HeaderMap) -> Result<Response> {
    request.caller = caller.to_owned();
    let count =
        headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()).and_then(|count| count.parse::<u32>().ok());
    request.is_retry = count.is_some_and(|count| count > 0);
    let job = gather::submit(app, request).await?;
    Ok(reply::json(StatusCode::OK, &json!({ "jobId": app.tag.wire(job.0) })))
}

#[utoipa::path(
    get, path = "/v1/bulkJobs/{jobId}", operation_id = "getJob", tag = "bulk jobs", params(requests::JobId),
    summary = "Ask for a job's status",
    description = "`Pending` until all that can be done is done, then `Completed`. What was left behind, and why, is in the report of the job.",
    responses((status = 200, description = "The job", body = schemas::JobStatus), refusals::Job)
)]
/// `GET /v1/bulkJobs/{jobId}`: the contract's two words and four keys, whatever the job is doing.
pub async fn status(State(app): AppState, _: Caller<FoldersRead>, id: WireId) -> Response {
    uncached(told(&app, id).await)
}

async fn told(app: &App, WireId(id): WireId) -> Result<Response> {
    let id = id.ok().flatten().ok_or(Refusal::NoJob)?;
    let job = status::status(app, JobId(id)).await?.ok_or(Refusal::NoJob)?;
    let mut body = json!({ "jobId": app.tag.wire(id), "type": job.kind.wire(), "status": word(job.phase) });
    if let Some(purge) = job.purge_request_id {
        body["purgeRequestId"] = app.tag.wire(purge).into();
    }
    Ok(reply::json(StatusCode::OK, &body))
}

fn word(phase: Phase) -> &'static str {
    if phase == Phase::Done { "Completed" } else { "Pending" }
}

/// Also a 404: the job may be there the next time.
fn uncached(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[utoipa::path(
    get, path = "/calotype/v1/jobs/{jobId}", operation_id = "getJobReport", tag = "bulk jobs", params(requests::JobId),
    summary = "Ask for all that is known of a job",
    description = "Its phase, what it has done so far, what it left behind and why. Of this server, not of the contract.",
    responses((status = 200, description = "The report", body = schemas::JobReport), refusals::Job)
)]
/// `GET /calotype/v1/jobs/{jobId}`: all that is known of a job.
pub async fn report(State(app): AppState, _: Caller<FoldersRead>, id: WireId) -> Response {
    uncached(reported(&app, id).await)
}

async fn reported(app: &App, WireId(id): WireId) -> Result<Response> {
    let id = JobId(id.ok().flatten().ok_or(Refusal::NoJob)?);
    let mut tx = app.db.read().await?;
    let job = jobs::by_id(&mut tx, id).await?.ok_or(Refusal::NoJob)?;
    let mut places = Places::default();
    let mut failures = Vec::new();
    for (folder, name, reason) in jobs::failures(&mut tx, id).await? {
        let folder = places.path(&mut tx, folder).await?;
        failures.push(json!({ "name": name, "folderPath": folder.map(|path| path.to_string()), "reason": reason }));
    }
    let named = i64::try_from(failures.len()).unwrap_or(i64::MAX);
    let body = json!({
        "jobId": app.tag.wire(id.0),
        "type": job.kind.wire(),
        "status": word(job.phase),
        "phase": job.phase.name(),
        "sourceFolderPath": job.source_path,
        "destinationPath": job.destination_path,
        "targetName": job.target_name,
        "includeVersions": job.include_versions,
        "counts": { "folders": job.folders_done, "files": job.files_done, "olderVersions": job.versions_done, "leftBehind": job.failed_items },
        "failure": job.failure,
        "failures": failures,
        "failuresTruncated": job.failed_items > named,
        "submittedAt": job.submitted.to_string(),
        "startedAt": job.started.map(|time| time.to_string()),
        "completedAt": job.finished.map(|time| time.to_string()),
    });
    Ok(reply::json(StatusCode::OK, &body))
}
