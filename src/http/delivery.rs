//! Delivery of originals: byte for byte what was uploaded.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_range_header::{SyntacticallyCorrectRange as Range, parse_range_header};
use percent_encoding::percent_decode_str;

use super::AppState;
use super::params::Query;
use crate::app::App;
use crate::error::Result;
use crate::library::files;
use crate::model::path::FolderPath;
use crate::store::files::{Deliverable, PRIVATE, UNPUBLISHED};

/// Why a file was not delivered, for developers: code and text.
const IK_ERROR: HeaderName = HeaderName::from_static("ik-error");
/// Types that a browser shows without running anything. All others it might run as a page of this origin,
/// so they are shown in a sandbox.
const PASSIVE_TYPES: &[&str] = &["image/", "video/", "audio/", "font/", "application/pdf"];
const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:");

/// `GET /{endpoint}/{path}`
pub async fn deliver(State(app): AppState, uri: Uri, headers: HeaderMap) -> Response {
    match found(&app, &uri).await {
        Ok(Some(file)) if file.flags & UNPUBLISHED == 0 => {
            if file.flags & PRIVATE != 0 {
                return failed(
                    StatusCode::UNAUTHORIZED,
                    "Unauthorized",
                    "EACCES - this file is private and the URL has no valid signature",
                );
            }
            serve(&app, &file, &headers).await.unwrap_or_else(IntoResponse::into_response)
        }
        Ok(_) => failed(StatusCode::NOT_FOUND, "Not Found", "ENOENT - there is no such file"),
        Err(error) => error.into_response(),
    }
}

/// The file that a URL names: decoded once, runs of slashes taken for one.
async fn found(app: &App, uri: &Uri) -> Result<Option<Deliverable>> {
    let (_, path) = uri.path()[1..].split_once('/').unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else { return Ok(None) };
    let Ok(path) = FolderPath::parse(&path) else { return Ok(None) };
    let Some((folder, name)) = path.split_last() else { return Ok(None) };
    match Query::of(uri).get("ik-obj-version") {
        Some(token) => files::deliverable_version(app, &folder, name, token).await,
        None => files::deliverable(app, &folder, name).await,
    }
}

async fn serve(app: &App, file: &Deliverable, asked: &HeaderMap) -> Result<Response> {
    let etag = format!("\"{}\"", &file.digest);
    let size = file.size.cast_unsigned();
    let mut response = Response::new(Body::empty());
    describe(response.headers_mut(), file, &etag);
    if is_unchanged(asked, &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let range = match wanted_range(asked, &etag, size) {
        Wanted::Whole => 0..size,
        Wanted::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            set(response.headers_mut(), header::CONTENT_RANGE, &told);
            range
        }
        Wanted::Impossible => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(response);
        }
    };
    set(response.headers_mut(), header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    let bytes = app.blobs.read(file.blob_id, Some(range)).await?;
    *response.body_mut() = Body::from_stream(bytes);
    Ok(response)
}

fn describe(headers: &mut HeaderMap, file: &Deliverable, etag: &str) {
    set(headers, header::CONTENT_TYPE, &file.mime);
    set(headers, header::ETAG, etag);
    set(headers, header::LAST_MODIFIED, &file.updated.http_date());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // A file may be replaced at any time, so caches keep it and ask whether it is still the same.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let passive = PASSIVE_TYPES.iter().any(|kind| file.mime.starts_with(kind)) && !file.mime.contains("xml");
    if !passive {
        headers.insert(header::CONTENT_SECURITY_POLICY, SANDBOX);
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // MIME types, digests and numbers are all ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn is_unchanged(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|value| value == "*" || value.trim_start_matches("W/") == etag)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(std::ops::Range<u64>),
    Impossible,
}

/// One range is served; several, or what is no range of bytes, get the whole file, as HTTP allows.
fn wanted_range(asked: &HeaderMap, etag: &str, size: u64) -> Wanted {
    let text = |name| asked.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(header::RANGE) else { return Wanted::Whole };
    if text(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return Wanted::Whole;
    }
    let Ok(parsed) = parse_range_header(range) else { return Wanted::Whole };
    let ranges = parsed.into_ranges();
    let [only] = ranges.as_slice() else { return Wanted::Whole };
    let (start, end) = match *only {
        Range::Indexed(start, last) => (start, last.saturating_add(1).min(size)),
        Range::FromStart(start) => (start, size),
        Range::FromLast(count) => (size.saturating_sub(count), size),
    };
    if start < end { Wanted::Part(start..end) } else { Wanted::Impossible }
}

fn failed(status: StatusCode, text: &'static str, code: &'static str) -> Response {
    let mut response = (status, text).into_response();
    response.headers_mut().insert(IK_ERROR, HeaderValue::from_static(code));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let wanted =
            |text: &str| wanted_range(&HeaderMap::from_iter([(header::RANGE, text.parse().unwrap())]), "\"e\"", 10);
        assert_eq!(wanted("bytes=0-3"), Wanted::Part(0..4));
        assert_eq!(wanted("bytes=4-"), Wanted::Part(4..10));
        assert_eq!(wanted("bytes=-3"), Wanted::Part(7..10));
        assert_eq!(wanted("bytes=-30"), Wanted::Part(0..10));
        assert_eq!(wanted("bytes=8-99"), Wanted::Part(8..10));
        assert_eq!(wanted("bytes=10-"), Wanted::Impossible);
        assert_eq!(wanted("bytes=-0"), Wanted::Impossible);
        for whole in ["bytes=0-1,4-5", "lines=1-2", "bytes=5-2", "nonsense"] {
            assert_eq!(wanted(whole), Wanted::Whole, "{whole}");
        }
    }
}
