//! Uploads: the form is read as it comes, the file streams to the blob store, and the library makes it a
//! file.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use futures_util::StreamExt;

use super::form::{self, FilePart, Form, FormError, Target, bool_field, last_field};
use super::{AppState, NamesOf, custom_fields, reply, represent};
use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library::upload::{self, Upload};
use crate::model::ids::BlobId;
use crate::model::path::FolderPath;
use crate::tree::place::Names;

/// Bytes of a refused upload that are read after the refusal is known.
const UNREAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// And how long that may take.
const UNREAD_PATIENCE: Duration = Duration::from_secs(5);

/// `POST /api/v1/files/upload`
pub async fn upload(State(app): AppState, NamesOf(names): NamesOf, headers: HeaderMap, body: Body) -> Response {
    let mut body = body.into_data_stream();
    let answer = receive(&app, names, &headers, &mut body).await;
    if answer.is_err() {
        read_away(&mut body).await;
    }
    let mut response = answer.into_response();
    allow_browsers(&mut response);
    response
}

async fn receive(app: &App, names: Names, headers: &HeaderMap, body: &mut BodyDataStream) -> Result<Response> {
    app.keys.authenticate(headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes))?;
    let blob_id = app.blob_ids.take(&app.db).await?;
    let answer = store(app, names, headers, body, blob_id).await;
    if matches!(answer, Err(Error::Refused(_))) {
        app.blobs.delete(blob_id).await?;
        app.blob_ids.settle(blob_id).await;
    }
    answer
}

async fn store(
    app: &App,
    names: Names,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    blob_id: BlobId,
) -> Result<Response> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned())
        .unwrap_or_default();
    let target = Target {
        blobs: &app.blobs,
        id: blob_id,
        spool_dir: &app.spool_dir,
        file_bytes_max: app.settings.upload_bytes_max,
        idle: app.settings.idle_timeout,
    };
    let form = form::read_form(&content_type, body, &target).await.map_err(refusal)?;
    let upload = asked_for(&form, names)?;
    let (stored, blob) = match form.file {
        None => return Err(Refusal::MissingFile.into()),
        Some(FilePart::Url(_)) => {
            let why = "This server does not download from URLs; send the bytes of the file.";
            return Err(Refusal::BadFile(why.into()).into());
        }
        Some(FilePart::Stored { stored, blob }) => (stored, blob),
    };
    let file = upload::store(app, &upload, blob_id, &stored, blob).await?;
    let response_fields = last_field(&form.fields, "responseFields").unwrap_or_default();
    Ok(reply::json(StatusCode::OK, &represent::uploaded(app, &file, response_fields)))
}

/// Reads what the client is still sending, within bounds: one whose body is left unread may see a broken
/// connection instead of the answer.
async fn read_away(body: &mut BodyDataStream) {
    let mut room = UNREAD_BYTES_MAX;
    let reading = async {
        while let Some(Ok(chunk)) = body.next().await {
            room = room.saturating_sub(chunk.len());
            if room == 0 {
                break;
            }
        }
    };
    drop(tokio::time::timeout(UNREAD_PATIENCE, reading).await);
}

/// `OPTIONS`: browsers ask before they upload.
pub async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    allow_browsers(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    response
}

fn allow_browsers(response: &mut Response) {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The fields of the form, checked.
fn asked_for(form: &Form, names: Names) -> Result<Upload, Refusal> {
    let text = |name| last_field(&form.fields, name).filter(|value| !value.is_empty());
    if names == Names::Verbatim && text("token").is_some() {
        return Err(Refusal::BothKeyAndToken);
    }
    if text("signature").is_some() || text("token").is_some() {
        return Err(Refusal::BothKeyAndSignature);
    }
    if form.file.is_none() {
        return Err(Refusal::MissingFile);
    }
    let file_name = text("fileName").ok_or(Refusal::MissingFileName)?;
    let folder = FolderPath::parse(text("folder").unwrap_or("/")).map_err(|_| Refusal::BadUploadFolder)?;
    let tags = form::tags_field(&form.fields)?;
    Ok(Upload {
        file_name: file_name.to_owned(),
        folder,
        names,
        unique_name: bool_field(&form.fields, "useUniqueFileName").unwrap_or(true),
        overwrite: bool_field(&form.fields, "overwriteFile").unwrap_or(true),
        private: bool_field(&form.fields, "isPrivateFile").unwrap_or(false),
        published: bool_field(&form.fields, "isPublished").unwrap_or(true),
        tags: tags.unwrap_or_default(),
        custom_metadata: custom_fields::of_form(text("customMetadata"))?,
        overwrite_custom_metadata: bool_field(&form.fields, "overwriteCustomMetadata").unwrap_or(true),
    })
}

/// What is wrong with a form, in the contract's words.
fn refusal(error: FormError) -> Error {
    let refusal = match error {
        FormError::Storage(error) => return error.into(),
        FormError::FileTooLarge => Refusal::FileTooLarge,
        FormError::InvalidBase64 => Refusal::BadFile("It is not valid base64.".into()),
        FormError::Idle => Refusal::BodyTimeout,
        FormError::NotMultipart => Refusal::BadForm("The content type should be multipart/form-data.".into()),
        FormError::FieldTooLarge | FormError::TooManyParts | FormError::Malformed(_) | FormError::ClientGone(_) => {
            Refusal::BadForm(error.to_string())
        }
    };
    refusal.into()
}
