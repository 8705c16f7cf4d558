//! What delivery answers instead of a file: a status, a line of text, and for developers the reason in the `ik-error`
//! header, as `CODE - message`. Browsers and image elements are the callers here, so nothing of this is JSON.

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::headers::set;
use crate::app::chain;
use crate::error::Error;
use crate::http::reply::Failure;

/// Why a file was not delivered.
const IK_ERROR: HeaderName = HeaderName::from_static("ik-error");
/// The methods that there are.
pub const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Why there is no file in the answer.
#[derive(Debug)]
pub enum Refusal {
    NoFile,
    WrongSignature,
    Expired,
    /// Every URL must be signed here, by the operator's setting.
    Unsigned,
    /// The file is private and the URL not signed.
    Private,
    UnknownName,
    /// A transformation that cannot be made, and whose original is not for everybody.
    CannotTransform,
    /// `If-Match` or `If-Unmodified-Since`.
    Precondition,
    Method,
    /// No byte of a file of so many bytes was asked for.
    NoSuchRange(u64),
    /// Ours, not the client's.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        Refusal::Failed(error.into())
    }
}

impl Refusal {
    /// Status, text and the value of `ik-error`.
    fn told(&self) -> (StatusCode, &'static str, &'static str) {
        const NOT_SIGNED: &str = "Unauthorized";
        const BAD_TRANSFORMATION: &str = "Bad Image Transformation Request";
        match self {
            Refusal::NoFile => (StatusCode::NOT_FOUND, "Not Found", "ENOENT - there is no such file"),
            Refusal::WrongSignature => {
                (StatusCode::UNAUTHORIZED, NOT_SIGNED, "EACCES - the signature of this URL is wrong")
            }
            Refusal::Expired => (StatusCode::UNAUTHORIZED, NOT_SIGNED, "EACCES - this URL has expired"),
            Refusal::Unsigned => {
                (StatusCode::UNAUTHORIZED, NOT_SIGNED, "EACCES - this server delivers signed URLs only")
            }
            Refusal::Private => {
                (StatusCode::UNAUTHORIZED, NOT_SIGNED, "EACCES - this file is private and the URL is not signed")
            }
            Refusal::UnknownName => (
                StatusCode::BAD_REQUEST,
                BAD_TRANSFORMATION,
                "EUNSUPPORTED - there is no named transformation of this name",
            ),
            Refusal::CannotTransform => (
                StatusCode::BAD_REQUEST,
                BAD_TRANSFORMATION,
                "EUNSUPPORTED - this version does not transform, and the original of a private file is sent for orig-true only",
            ),
            Refusal::Precondition => {
                (StatusCode::PRECONDITION_FAILED, "Precondition Failed", "EPRECONDITION - the file is another one")
            }
            Refusal::Method => {
                (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed", "EMETHOD - files are read with GET and HEAD")
            }
            Refusal::NoSuchRange(_) => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "Range Not Satisfiable", "ERANGE - the file ends before this range")
            }
            Refusal::Failed(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error",
                "UNIDENTIFIED - the server's log tells more",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text, error) = self.told();
        let mut response = (status, text).into_response();
        if let Refusal::Failed(failure) = &self {
            response.extensions_mut().insert(Failure(chain(failure)));
        }
        let headers = response.headers_mut();
        match self {
            Refusal::Method => drop(headers.insert(header::ALLOW, METHODS)),
            Refusal::NoSuchRange(size) => set(headers, header::CONTENT_RANGE, &format!("bytes */{size}")),
            _ => {}
        }
        headers.insert(IK_ERROR, HeaderValue::from_static(error));
        // The file may be there, or be signed for, a moment later.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The answer to `OPTIONS`: what pages of other origins may do.
pub fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    // A day, in seconds.
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

/// Whether a method reads files.
pub fn reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
