//! Text goes out compressed to those who read that (RFC 9110, content codings): gzip or Brotli, whichever the request
//! likes better. Pictures, sound and the like are compressed already.

use std::convert::Infallible;
use std::future::ready;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tower::{ServiceExt, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

use super::headers::set;

/// Larger files go out as they are: compressing costs more than the network saves, and is done anew for each request.
const BYTES_MAX: u64 = 10 << 20;
/// Smaller ones hardly shrink.
const BYTES_MIN: u64 = 256;
/// Types of text beside `text/…`.
const TEXT_TYPES: &[&str] = &[
    "application/javascript",
    "application/json",
    "application/x-javascript",
    "application/x-subrip",
    "application/xml",
    "application/yaml",
];

/// Whether a file of this type and size is worth compressing.
#[must_use]
pub fn is_worth_it(mime: &str, bytes: u64) -> bool {
    let kind = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_text = kind.starts_with("text/")
        || ["+json", "+xml"].iter().any(|suffix| kind.ends_with(suffix))
        || TEXT_TYPES.contains(&kind.as_str());
    is_text && (BYTES_MIN..=BYTES_MAX).contains(&bytes)
}

/// The answer about such a file as this client reads it best. Its tag becomes a weak one when it is compressed: the bytes are
/// others then, and mean the same. At the fastest level: a better one would save little more, keep other requests waiting
/// while a chunk is compressed, and hold eight megabytes for each slow reader.
pub async fn encode(asked: &HeaderMap, response: Response) -> Response {
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::NOT_MODIFIED {
        return vary(response);
    }
    let mut request = Request::new(());
    for value in asked.get_all(header::ACCEPT_ENCODING) {
        request.headers_mut().append(header::ACCEPT_ENCODING, value.clone());
    }
    let mut held = Some(response);
    let plain = service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(held.take().unwrap_or_default())));
    let always = |_: StatusCode, _, _: &HeaderMap, _: &_| true;
    let compressed = Compression::new(plain).quality(CompressionLevel::Fastest).compress_when(always);
    let Ok(response) = compressed.oneshot(request).await;
    let mut response = response.map(Body::new);
    // A client that refuses even the bytes as they are gets them: it would get nothing otherwise.
    *response.status_mut() = status;
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        let weak = response.headers().get(header::ETAG).and_then(|tag| Some(format!("W/{}", tag.to_str().ok()?)));
        if let Some(weak) = weak {
            set(response.headers_mut(), header::ETAG, &weak);
        }
    }
    if status == StatusCode::NOT_MODIFIED {
        response.headers_mut().remove(header::CONTENT_ENCODING);
        *response.body_mut() = Body::empty();
    }
    response
}

fn vary(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_worth_it_and_pictures_are_not() {
        for mime in [
            "text/plain",
            "text/html; charset=utf-8",
            "TEXT/CSS",
            "application/json",
            "application/ld+json",
            "image/svg+xml",
            "application/xml; charset=utf-8",
        ] {
            assert!(is_worth_it(mime, 1000), "{mime}");
        }
        for mime in ["image/png", "application/octet-stream", "video/mp4", "application/zip", "context/plain", ""] {
            assert!(!is_worth_it(mime, 1000), "{mime}");
        }
        assert!(!is_worth_it("text/plain", BYTES_MIN - 1) && !is_worth_it("text/plain", BYTES_MAX + 1));
    }
}
