//! How long a URL and its headers may be.
//!
//! `hyper` has bounds of its own, 65,534 bytes of URL, 100 headers and some 400 KB in all, and answers what exceeds them
//! with a bare status, which clients that read JSON from every refusal cannot read. So ours are lower.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{Error, Refusal};

/// The longest search has 10,000 characters, each of which may be sent as three.
const URL_BYTES_MAX: usize = 32 * 1024;
/// Names and values together; proxies allow half of it.
const HEADERS_BYTES_MAX: usize = 64 * 1024;

/// Refuses what is too long, whoever sends it and wherever to.
pub async fn check(request: Request, next: Next) -> Response {
    match refuse(&request) {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

/// The answer to a request that is too long.
pub fn refuse(request: &Request) -> Option<Response> {
    let uri = request.uri();
    let url_bytes = uri.path().len() + uri.query().map_or(0, str::len);
    let refusal = if url_bytes > URL_BYTES_MAX {
        Refusal::UrlTooLong
    } else if bytes_of(request.headers()) > HEADERS_BYTES_MAX {
        Refusal::HeadersTooLarge
    } else {
        return None;
    };
    Some(Error::from(refusal).into_response())
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}
