//! Answers. The one place where errors become HTTP.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::chain;
use crate::error::{Error, HELP, Refusal};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// SDKs send a request again after 409 unless told not to.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// Seconds that a client is asked to wait when the queue of jobs is full.
const QUEUE_FULL_RETRY_AFTER_S: &str = "5";
/// The contract's text for everything that is not the caller's fault.
const INTERNAL_ERROR: &str = "We have experienced an internal error while processing your request.";

/// An error of ours, for the log; the answer does not tell it.
#[derive(Clone, Debug)]
pub struct Failure(pub String);

/// A JSON body.
pub fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// What a call answers that has nothing to tell: current SDKs expect an object, all others no body.
pub fn nothing(from_sdk: bool) -> Response {
    if from_sdk { json(StatusCode::OK, &json!({})) } else { no_content() }
}

/// 204 without body and type.
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Refused(refusal) = &self {
            return refused(refusal);
        }
        let mut response = if self.is_disk_full() { refused(&Refusal::DiskFull) } else { internal_error() };
        response.extensions_mut().insert(Failure(chain(&self)));
        response
    }
}

/// 500, for errors that only the operator can do something about.
pub fn internal_error() -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, &internal_error_body())
}

/// The body of every 500.
pub fn internal_error_body() -> Value {
    json!({ "message": INTERNAL_ERROR, "help": HELP })
}

/// The body of a refusal.
pub fn refusal_body(refusal: &Refusal) -> Value {
    let mut body = json!({ "message": refusal.message(), "help": HELP });
    if let (_, Some(reason)) = refusal.status_and_reason() {
        body["reason"] = reason.into();
    }
    if let Some((key, value)) = refusal.details() {
        body[key] = value;
    }
    body
}

fn refused(refusal: &Refusal) -> Response {
    let (status, _) = refusal.status_and_reason();
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = json(status, &refusal_body(refusal));
    let headers = response.headers_mut();
    match refusal {
        Refusal::QueueFull | Refusal::TooManyUnproven => {
            drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static(QUEUE_FULL_RETRY_AFTER_S)))
        }
        Refusal::NoKey => {
            drop(headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"calotype\"")))
        }
        _ => {}
    }
    if status == StatusCode::CONFLICT && !refusal.may_pass_later() {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}
