//! Uploads: the form is read as it comes, the file streams to the blob store, and the library makes it a
//! file.
//!
//! 1. Who sends it. With a key that is known before the body is read. Without one, the form itself may prove it, and its
//!    fields may come last; until then the request holds a share of a small allowance (`library/client_auth`).
//! 2. The form is read to its end (`form/`). A file by URL is not fetched yet.
//! 3. A signature is checked, and its token spent: only now is anything of the form believed, or found fault with, unless
//!    it could not be read to its end.
//! 4. The fields are read (`fields.rs`), the URL is fetched, the library stores the file.
//!
//! Whatever refuses the upload removes the bytes. Browsers may send uploads from any page and read all answers.

mod fields;

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use futures_util::{Stream, StreamExt};

use super::caller::{Right, UploadsWrite};
use super::form::{self, FilePart, Form, FormError, Target, filled_field, last_field};
use super::openapi::{refusals, requests, schemas};
use super::{AppState, NamesOf, reply, represent};
use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library::client_auth::allowance::{Share, UsedUp};
use crate::library::client_auth::signature::Signed;
use crate::library::client_auth::{self, Proof, Signer, jwt, signature};
use crate::library::{extensions, metadata, upload};
use crate::model::ids::BlobId;
use crate::model::rights::SIGN_UPLOADS;
use crate::model::time::Millis;
use crate::tree::place::Names;

/// Bytes of a refused upload that are read after the refusal is known.
const UNREAD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// And how long that may take.
const UNREAD_PATIENCE: Duration = Duration::from_secs(5);
/// A client that sends any of these, even empty, means to sign.
const SIGNATURE_FIELDS: [&str; 4] = ["token", "expire", "signature", "publicKey"];
/// How long a browser may remember that it may upload, in seconds.
const PREFLIGHT_VALID_S: &str = "86400";

#[utoipa::path(
    post, path = "/api/v1/files/upload", operation_id = "uploadFile", tag = "uploads",
    request_body(content = requests::Upload, content_type = "multipart/form-data"),
    summary = "Upload a file",
    description = "Stores a file; the answer comes when it is durable. Fields may come in any order. Instead of the key a browser may send a \
        signature: `token`, `expire`, `signature` and `publicKey`. Also at `/v1/files/upload`.",
    security(("privateKey" = []), ()),
    responses((status = 200, description = "Stored", body = schemas::Uploaded), refusals::Upload)
)]
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
    let mut share = match app
        .keys
        .authenticate(headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes), UploadsWrite::NEED)
    {
        Ok(_) => None,
        // The form may prove who sends it.
        Err(Refusal::NoKey) => Some(app.unproven.enter().map_err(|UsedUp| Refusal::TooManyUnproven)?),
        Err(refusal) => return Err(refusal.into()),
    };
    // The end may come at any await below: the client leaves.
    let watch = app.blob_ids.take(&app.db).await?;
    let answer = store(app, names, headers, body, watch.id, &mut share).await;
    match answer {
        Err(Error::Blobs(_)) => drop(watch.leave_open()),
        Err(Error::Refused(_)) => {
            app.blobs.delete(watch.id).await?;
            app.blob_ids.settle(watch.id);
        }
        _ => {}
    }
    // Only now, when the bytes are gone or belong to somebody, is their share free for others.
    drop(share);
    answer
}

async fn store(
    app: &App,
    names: Names,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    blob_id: BlobId,
    share: &mut Option<Share<'_>>,
) -> Result<Response> {
    let mut form = read(app, headers, body, blob_id, share.as_mut()).await?;
    if share.is_some() {
        let now = Millis::now();
        let proof = proof(app, names, &form, now)?;
        client_auth::spend(app, &proof, now).await?;
        *share = None;
    } else {
        fields::without_signature(&form.fields, names)?;
    }
    let mut unreadable = form.unreadable.iter();
    if let Some((name, error)) = unreadable.find_map(|(sent, error)| Some((fields::known(sent)?, error))) {
        return Err(Refusal::BadForm(format!("{error}: {name}")).into());
    }
    let file = form.file.take().ok_or(Refusal::MissingFile)?.map_err(refusal)?;
    let asked = fields::asked_for(&form.fields, names)?;
    let (stored, blob) = match file {
        FilePart::Url(url) => upload::fetch(app, &url, blob_id).await?,
        FilePart::Stored { stored, blob } => (stored, blob),
    };
    let file = upload::store(app, &asked.upload, blob_id, &stored, blob).await?;
    let mut answer = represent::uploaded(app, &file, &asked.response_fields);
    if asked.response_fields.iter().any(|wanted| wanted.trim() == "metadata") {
        // The file is stored: what cannot be read of it now is left out.
        let known = metadata::of_blob(app, blob_id, &file.asset).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the bytes of a new file could not be read again for its metadata");
            None
        });
        answer.insert("metadata".into(), represent::metadata(&file.asset, known.as_ref()));
    }
    if !asked.extensions.is_empty() {
        answer.insert("extensionStatus".into(), extensions::statuses(&asked.extensions).into());
    }
    Ok(reply::json(StatusCode::OK, &answer.into()))
}

/// Reads the form, with its file in the blob store.
async fn read(
    app: &App,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    blob_id: BlobId,
    share: Option<&mut Share<'_>>,
) -> Result<Form> {
    // No body at all is a form with nothing in it, whatever its type.
    if body.is_end_stream() {
        return Ok(Form { fields: Vec::new(), unreadable: Vec::new(), file: None });
    }
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
    let is_unproven = share.is_some();
    match form::read_form(&content_type, counted(body, share), &target).await {
        Ok(form) => Ok(form),
        // There is no form that could prove anything.
        Err(FormError::NotMultipart) if is_unproven => Err(Refusal::NoKey.into()),
        Err(error) => Err(refusal(error)),
    }
}

/// The body; what an unproven request sends is counted.
fn counted<'a>(
    body: &'a mut BodyDataStream,
    mut share: Option<&'a mut Share<'_>>,
) -> impl Stream<Item = Result<Bytes, axum::BoxError>> + Send {
    body.map(move |chunk| {
        let chunk = chunk?;
        if let Some(share) = &mut share {
            share.take(chunk.len())?;
        }
        Ok(chunk)
    })
}

/// What the form proves about who sends it; `NoKey` when it does not try.
fn proof(app: &App, names: Names, form: &Form, now: Millis) -> Result<Proof, Refusal> {
    let fields = form.fields.as_slice();
    let pairs = app.keys.active();
    let signers: Vec<Signer<'_>> =
        pairs.iter().map(|pair| Signer { public_key: &pair.public_key, private_key: pair.private_key() }).collect();
    let text = |name| filled_field(fields, name);
    let signed = Signed {
        token: text("token"),
        expire: text("expire"),
        signature: text("signature"),
        public_key: text("publicKey"),
    };
    if !SIGNATURE_FIELDS.iter().any(|name| last_field(fields, name).is_some()) {
        return Err(Refusal::NoKey);
    }
    let now_s = now.0.div_euclid(1000);
    let proof = match names {
        Names::Sanitised => signature::verify(&signed, &signers, now_s)?,
        Names::Verbatim => {
            let proof = jwt::verify(signed.token.ok_or(Refusal::MissingToken)?, fields, &signers, now_s)?;
            if !form.unreadable.is_empty() {
                // What cannot be read cannot have been signed.
                return Err(Refusal::BadPayload);
            }
            proof
        }
    };
    if pairs.iter().any(|pair| pair.public_key == proof.public_key && pair.allows(SIGN_UPLOADS)) {
        return Ok(proof);
    }
    Err(Refusal::NotPermitted)
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
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_VALID_S));
    response
}

fn allow_browsers(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-ik-requestid, retry-after"));
}

/// What is wrong with a form, in the contract's words.
fn refusal(error: FormError) -> Error {
    let refusal = match error {
        FormError::Storage(error) => return error.into(),
        FormError::ClientGone(cause) if cause.is::<UsedUp>() => Refusal::TooManyUnproven,
        FormError::FileTooLarge => Refusal::FileTooLarge,
        FormError::InvalidBase64 => Refusal::BadFile("It is not valid base64.".into()),
        FormError::LongUrl => Refusal::BadFile(format!("A URL can have at most {} bytes.", form::URL_BYTES_MAX)),
        FormError::Idle => Refusal::BodyTimeout,
        FormError::NotMultipart => Refusal::BadForm("The content type should be multipart/form-data.".into()),
        FormError::FieldTooLarge
        | FormError::NotUtf8
        | FormError::TooManyParts
        | FormError::Malformed(_)
        | FormError::ClientGone(_) => Refusal::BadForm(error.to_string()),
    };
    refusal.into()
}
