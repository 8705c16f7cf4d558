//! Changing what is said about a file.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value};

use super::body::Params;
use super::caller::{Caller, FilesWrite};
use super::files::file_id;
use super::form::split;
use super::openapi::{refusals, requests, schemas};
use super::{AppState, WireId, body, reply, represent};
use crate::error::{Refusal, Result};
use crate::library::changes::{self, AiTags, Changes, Publish};
use crate::library::{custom_fields, extensions};
use crate::model::coordinates;
use crate::model::tags;

/// Longest description, in characters.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 5_000;

#[utoipa::path(
    patch, path = "/v1/files/{fileId}/details", operation_id = "updateFile", tag = "files", params(requests::FileId),
    request_body = requests::Changes,
    summary = "Change what is said about a file",
    description = "Changes the current version. A missing key leaves a thing as it is, `null` takes it away. Tags may also be one text, \
        separated by commas.",
    responses((status = 200, description = "The file, changed", body = schemas::Changed), refusals::Update)
)]
/// `PATCH /v1/files/{fileId}/details`. A missing key leaves a thing as it is, `null` takes it away.
pub async fn update(
    State(app): AppState,
    _: Caller<FilesWrite>,
    id: WireId,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let id = file_id(id)?;
    let params = body::read(&app, &headers, content).await?;
    let changes = Changes {
        tags: new_tags(params.value("tags"))?,
        removed_ai_tags: removed_ai_tags(&params)?,
        custom_coordinates: new_coordinates(params.value("customCoordinates"))?,
        description: new_description(params.value("description"))?,
        custom_metadata: new_custom_metadata(params.value("customMetadata"))?,
        publish: publish(params.value("publish"))?,
    };
    let extensions = extensions(&params)?;
    let file = changes::update(&app, id, &changes).await?;
    let mut answer = represent::asset(&app, &file);
    if !extensions.is_empty() {
        answer["extensionStatus"] = extensions::statuses(&extensions).into();
    }
    Ok(reply::json(StatusCode::OK, &answer))
}

/// The extensions that are asked for: an array, or its text as old clients send it. Where their results should go is
/// looked at too, so that a typing error is told here as it is for uploads.
fn extensions(params: &Params) -> Result<Vec<String>, Refusal> {
    match params.value("webhookUrl") {
        None | Some(Value::Null) => {}
        Some(Value::String(url)) if url.is_empty() || extensions::is_webhook_url(url) => {}
        Some(_) => return Err(Refusal::BadUploadParameter("webhookUrl")),
    }
    let names = match params.value("extensions") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) if text.is_empty() => return Ok(Vec::new()),
        Some(Value::String(text)) => {
            let array: Option<Value> = serde_json::from_str(text).ok();
            array.as_ref().and_then(extensions::names)
        }
        Some(array) => extensions::names(array),
    };
    names.ok_or(Refusal::BadUploadParameter("extensions"))
}

/// A list of texts, or text separated by commas as old clients send it.
fn new_tags(value: Option<&Value>) -> Result<Option<Vec<String>>, Refusal> {
    let tags = match value {
        None => return Ok(None),
        Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => split(text),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or(Refusal::NotAList("tags"))?
        }
        Some(_) => return Err(Refusal::NotAList("tags")),
    };
    Ok(Some(tags::checked(tags)?))
}

/// A list of names, or the word `all`. Clients that make their keys themselves spell this one `removeAiTags`.
fn removed_ai_tags(params: &Params) -> Result<Option<AiTags>, Refusal> {
    match params.value_in_any_case("removeAITags") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) if word == "all" => Ok(Some(AiTags::All)),
        Some(Value::Array(items)) => {
            let names = items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>();
            Ok(Some(AiTags::Named(names.ok_or(Refusal::BadAiTags)?)))
        }
        Some(_) => Err(Refusal::BadAiTags),
    }
}

fn new_coordinates(value: Option<&Value>) -> Result<Option<Option<String>>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) if text.is_empty() => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(coordinates::checked(text).ok_or(Refusal::BadCoordinates)?))),
        Some(_) => Err(Refusal::BadCoordinates),
    }
}

fn new_description(value: Option<&Value>) -> Result<Option<String>, Refusal> {
    match value {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(String::new())),
        Some(Value::String(text)) if text.chars().count() <= DESCRIPTION_CHARS_MAX => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::BadDescription),
    }
}

fn new_custom_metadata(value: Option<&Value>) -> Result<Option<Map<String, Value>>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(custom_fields::sent(value)?.clone())),
    }
}

fn publish(value: Option<&Value>) -> Result<Option<Publish>, Refusal> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let flag = |name: &str| match value.get(name) {
        Some(Value::Bool(flag)) => Some(*flag),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    let published = flag("isPublished").ok_or(Refusal::NotABoolean("publish.isPublished"))?;
    Ok(Some(Publish { published, include_versions: flag("includeFileVersions").unwrap_or(false) }))
}
