//! Key pairs under `/calotype/v1/keys`. A private key is in the answer that makes it, and in no other.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::body::Params;
use super::caller::{Caller, KeysRead, KeysWrite};
use super::openapi::{key_schemas, refusals, requests};
use super::{AppState, WireId, body, key_object, reply};
use crate::app::{App, chain};
use crate::error::{Refusal, Result};
use crate::library::keys::{self, By, GRACE, Made, NewPair};
use crate::model::ids::KeyId;
use crate::model::rights::Rights;
use crate::model::time::Millis;

#[utoipa::path(
    get, path = "/calotype/v1/keys", operation_id = "listKeys", tag = "keys",
    summary = "List the key pairs", description = "The oldest first; those that ended lately are among them.",
    responses((status = 200, description = "The pairs", body = [key_schemas::KeyPair]))
)]
/// `GET /calotype/v1/keys`: all pairs, oldest first, those that ended lately among them.
pub async fn list(State(app): AppState, _: Caller<KeysRead>) -> Result<Response> {
    let now = Millis::now();
    let pairs = keys::list(&app.db, app.keys.vault()).await?;
    let pairs: Vec<_> = pairs.iter().map(|pair| key_object::key_pair(app.tag, pair, now)).collect();
    Ok(unstored(reply::json(StatusCode::OK, &pairs.into())))
}

#[utoipa::path(
    get, path = "/calotype/v1/keys/{id}", operation_id = "getKey", tag = "keys", params(requests::KeyId),
    summary = "Get a key pair", description = "Without the private key, of which only the end is told.",
    responses((status = 200, description = "The pair", body = key_schemas::KeyPair), refusals::KeyPair)
)]
/// `GET /calotype/v1/keys/{id}`
pub async fn show(State(app): AppState, _: Caller<KeysRead>, id: WireId) -> Result<Response> {
    let pair = keys::show(&app.db, app.keys.vault(), key_id(id)?).await?;
    Ok(unstored(reply::json(StatusCode::OK, &key_object::key_pair(app.tag, &pair, Millis::now()))))
}

#[utoipa::path(
    post, path = "/calotype/v1/keys", operation_id = "createKey", tag = "keys", request_body = requests::CreateKey,
    summary = "Create a key pair", description = "The private key is in this answer and in no other.",
    responses((status = 201, description = "The new pair", body = key_schemas::KeyPair), refusals::CreateKey)
)]
/// `POST /calotype/v1/keys`: `rights`, and if wanted `name` and `expiresAt`.
pub async fn create(
    State(app): AppState,
    caller: Caller<KeysWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let name = match given(&params, "name") {
        None => None,
        Some(name) => Some(name.as_str().ok_or(Refusal::NotAString("name"))?.to_owned()),
    };
    let rights = rights(given(&params, "rights").ok_or(Refusal::MissingParameter("rights"))?)?;
    let new = NewPair { name, rights, expires: expires(&params)? };
    let made = keys::create(&app.db, app.keys.vault(), By::Key(caller.rights), &new, Millis::now()).await?;
    use_now(&app).await;
    Ok(told_once(&app, &made))
}

#[utoipa::path(
    post, path = "/calotype/v1/keys/{id}/roll", operation_id = "rollKey", tag = "keys", params(requests::KeyId),
    request_body = requests::RollKey,
    summary = "Roll a key pair", description = "Makes a new pair with the same rights; the old one goes on working for a while.",
    responses((status = 201, description = "The new pair", body = key_schemas::KeyPair), refusals::RollKey)
)]
/// `POST /calotype/v1/keys/{id}/roll`: if wanted `graceSeconds` and `expiresAt`.
pub async fn roll(
    State(app): AppState,
    caller: Caller<KeysWrite>,
    id: WireId,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let id = key_id(id)?;
    let (grace, expires) = (grace(&params)?, expires(&params)?);
    let by = By::Key(caller.rights);
    let made = keys::roll(&app.db, app.keys.vault(), by, id, grace, expires, Millis::now()).await?;
    use_now(&app).await;
    Ok(told_once(&app, &made))
}

#[utoipa::path(
    delete, path = "/calotype/v1/keys/{id}", operation_id = "revokeKey", tag = "keys", params(requests::KeyId),
    summary = "Revoke a key pair", description = "Ends it at once here, and within seconds at other servers of the library.",
    responses((status = 204, description = "Revoked"), refusals::RevokeKey)
)]
/// `DELETE /calotype/v1/keys/{id}`: revokes the pair.
pub async fn revoke(State(app): AppState, caller: Caller<KeysWrite>, id: WireId) -> Result<Response> {
    keys::revoke(&app.db, app.keys.vault(), By::Key(caller.rights), key_id(id)?, Millis::now()).await?;
    use_now(&app).await;
    Ok(reply::no_content())
}

fn told_once(app: &App, made: &Made) -> Response {
    unstored(reply::json(StatusCode::CREATED, &key_object::made_pair(app.tag, made, Millis::now())))
}

/// Makes a change effective here at once; other servers notice by themselves, as this one would.
async fn use_now(app: &App) {
    if let Err(error) = app.keys.refresh(&app.db).await {
        tracing::warn!(error = chain(&error), "changed key pairs were not read at once and will be read again");
    }
}

fn unstored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn key_id(WireId(id): WireId) -> Result<KeyId, Refusal> {
    id.ok().flatten().map(KeyId).ok_or(Refusal::NoKeyPair)
}

/// `"full"`, an object of areas, or the text that the command line takes.
fn rights(value: &Value) -> Result<Rights, Refusal> {
    let shape = || {
        Refusal::BadRights("Send \"full\", or an object such as {\"files\": \"write\", \"folders\": \"read\"}.".into())
    };
    match value {
        Value::String(text) => Ok(Rights::parse(text)?),
        Value::Object(areas) => {
            let pairs = areas.iter().map(|(area, access)| Some((area.as_str(), access.as_str()?)));
            Ok(Rights::of_pairs(pairs.collect::<Option<Vec<_>>>().ok_or_else(shape)?)?)
        }
        _ => Err(shape()),
    }
}

/// A parameter; `null` counts as missing.
fn given<'a>(params: &'a Params, name: &str) -> Option<&'a Value> {
    params.value(name).filter(|value| !value.is_null())
}

fn expires(params: &Params) -> Result<Option<Millis>, Refusal> {
    let Some(sent) = given(params, "expiresAt") else { return Ok(None) };
    sent.as_str().and_then(Millis::parse).map(Some).ok_or(Refusal::BadKeyExpiry)
}

fn grace(params: &Params) -> Result<Duration, Refusal> {
    let seconds = match given(params, "graceSeconds") {
        None => return Ok(GRACE),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
    };
    seconds.map(Duration::from_secs).ok_or(Refusal::BadGrace)
}
