//! The API, described: a document for programs at `/openapi.json` (OpenAPI 3.1) and a page for people at `/docs`.
//!
//! The handlers' annotations name paths, parameters and answers; bodies are types in `requests` and `schemas`, refusals
//! come from the one table of refusals, examples from a recorded session. The page is the same document as HTML, made
//! here: it needs no other host, and no script to be read.

mod document;
pub mod key_schemas;
mod links;
pub mod metadata_schemas;
mod operations;
mod page;
pub mod refusals;
pub mod replies;
pub mod requests;
pub mod schemas;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;

use crate::app::App;
use crate::config::Settings;

const STYLE: &str = include_str!("../../../ui/docs.css");
const SCRIPT: &str = include_str!("../../../ui/docs.js");
/// The page is made of its own files and nothing else.
const OWN_FILES_ONLY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// The document, the page and what the page is made of. None of them needs a key.
pub fn routes(settings: &Settings) -> Router<Arc<App>> {
    let document = document::document(settings);
    let page = page::page(&document, &settings.public_url);
    Router::new()
        .route("/openapi.json", fixed("application/json; charset=utf-8", document.to_string()))
        .route("/docs", fixed("text/html; charset=utf-8", page))
        // The page's links are relative, so that it also works behind a proxy that adds a prefix.
        .route("/docs/", get(async || Redirect::permanent("../docs")))
        .route("/docs/docs.css", fixed("text/css; charset=utf-8", STYLE.into()))
        .route("/docs/docs.js", fixed("text/javascript; charset=utf-8", SCRIPT.into()))
}

/// Something that stays the same while the server runs. Caches keep it and ask whether it is still the same.
fn fixed(kind: &'static str, text: String) -> axum::routing::MethodRouter<Arc<App>> {
    let etag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32]);
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits are ASCII");
    let bytes = Bytes::from(text);
    get(async move |asked: HeaderMap| answer(kind, &bytes, &etag, &asked))
}

fn answer(kind: &'static str, bytes: &Bytes, etag: &HeaderValue, asked: &HeaderMap) -> Response {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    let mut response = if tags.any(|tag| tag == "*" || tag.as_bytes() == etag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(bytes.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag.clone());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, OWN_FILES_ONLY);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
