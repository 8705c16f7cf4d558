//! Around every request: its id, its line in the log, what is measured of it, and an answer if its handler panics.
//!
//! The id goes to the answer and, through a span, into every line that is logged meanwhile. The span also has room for the
//! public id of the caller's key, which is filled in where the key is checked. A line tells the path and the harmless part
//! of the query: what may be a signature, a token or a key is never told.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use hyper::body::{Frame, SizeHint};
use tracing::{Instrument, field};

use super::reply;
use crate::meter;

/// The id of a request, on every answer and in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-ik-requestid");
/// The route of requests that met none.
const NO_ROUTE: &str = "none";
/// Query parameters whose values are told; of all others only the names.
const HARMLESS: &[&str] = &["path", "skip", "limit", "sort", "type", "fileType", "tr", "updatedAt", "includeDeleted"];
/// Characters of a path and query that a line of the log has room for.
const TOLD_CHARS_MAX: usize = 500;

/// Around what the router leads to.
pub async fn routed(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    identify(route, request, |request| next.run(request)).await
}

/// Gives the request its id, logs and measures how it ended, and puts the id on the answer. `route` is the template of its
/// path.
pub async fn identify<F>(route: &str, request: Request, answer: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let began = Instant::now();
    let mut id = uuid::Uuid::encode_buffer();
    let id: &str = uuid::Uuid::new_v4().hyphenated().encode_lower(&mut id);
    let span = tracing::info_span!("request", request_id = id, key = field::Empty);
    let mut asked = Asked { span, method: request.method().clone(), uri: request.uri().clone(), is_answered: false };
    // What a handler left half done when it panicked is undone as when its client goes away.
    let answer = AssertUnwindSafe(answer(request)).catch_unwind().instrument(asked.span.clone()).await;
    asked.is_answered = true;
    let mut response = answer.unwrap_or_else(|_| reply::internal_error());
    let Asked { span, method, uri, .. } = &asked;
    let took = began.elapsed();
    span.in_scope(|| log(method, uri, &mut response, took));
    meter::answered(route, method_name(method), response.status().as_u16(), took);
    // A UUID is always a legal header value.
    response.headers_mut().insert(REQUEST_ID, HeaderValue::from_str(id).expect("a UUID is ASCII"));
    if *method == Method::HEAD { response } else { count(response, route) }
}

/// A request; tells, when it is dropped unanswered, that the client went away.
struct Asked {
    span: tracing::Span,
    method: Method,
    uri: Uri,
    is_answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.is_answered {
            meter::abandoned();
            let Asked { span, method, uri, .. } = self;
            span.in_scope(|| tracing::debug!(%method, path = told(uri), "the client went away"));
        }
    }
}

/// One line for each request when lines of that kind are wanted; always for what failed on our side.
fn log(method: &Method, uri: &Uri, response: &mut Response, took: Duration) {
    let status = response.status().as_u16();
    let duration_ms = took.as_micros() as f64 / 1000.0;
    let failure: Option<reply::Failure> = response.extensions_mut().remove();
    match (failure, status) {
        // What passes when there is room again, or when the server has started.
        (Some(reply::Failure(error)), 503 | 507) => {
            tracing::warn!(%method, path = told(uri), status, duration_ms, error, "request failed");
        }
        (Some(reply::Failure(error)), _) => {
            tracing::error!(%method, path = told(uri), status, duration_ms, error, "request failed");
        }
        (None, 500..) => tracing::warn!(%method, path = told(uri), status, duration_ms, "request failed"),
        (None, _) => tracing::debug!(%method, path = told(uri), status, duration_ms, "answered"),
    }
}

/// The path and what may be told of the query.
fn told(uri: &Uri) -> String {
    let mut text = uri.path().to_owned();
    for (index, pair) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        if text.len() > TOLD_CHARS_MAX {
            break;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let harmless = HARMLESS.contains(&name);
        // A parameter without a value may be a value without its name.
        let name = if harmless || pair.contains('=') { name } else { "…" };
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(if harmless { value } else { "…" });
    }
    match text.char_indices().nth(TOLD_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// A name from a fixed set: clients may send any word as a method.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Counts the bytes of the body: now if their number is known, else as they are taken.
fn count(response: Response, route: &str) -> Response {
    let counter = meter::response_bytes(route);
    match response.body().size_hint().exact() {
        Some(bytes) => {
            counter.increment(bytes);
            response
        }
        None => response.map(|inner| Body::new(Counted { inner, counter })),
    }
}

/// A body that counts what is taken of it, and is otherwise as it was.
struct Counted {
    inner: Body,
    counter: metrics::Counter,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.counter.increment(data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.inner)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn nothing_secret_is_told() {
        for (uri, expected) in [
            ("/v1/files?path=%2Fa&limit=5", "/v1/files?path=%2Fa&limit=5"),
            ("/library/a.jpg?tr=w-1&ik-t=17&ik-s=0123abcd", "/library/a.jpg?tr=w-1&ik-t=…&ik-s=…"),
            ("/library/a.jpg?ik-obj-version=secret", "/library/a.jpg?ik-obj-version=…"),
            ("/x?token=t&signature=s&privateKey=p&IK-S=q", "/x?token=…&signature=…&privateKey=…&IK-S=…"),
            ("/x?private_0123", "/x?…=…"),
            ("/x?private_0123&path=/a", "/x?…=…&path=/a"),
            ("/x", "/x"),
        ] {
            assert_eq!(told(&uri.parse().unwrap()), expected);
        }
        let long = format!("/{}?tr={}", "a".repeat(400), "b".repeat(4000));
        assert_eq!(told(&long.parse().unwrap()).chars().count(), TOLD_CHARS_MAX + 1);
    }

    #[test]
    fn methods_are_a_fixed_set() {
        assert_eq!(method_name(&Method::PATCH), "PATCH");
        assert_eq!(method_name(&Method::from_bytes(b"BREW").unwrap()), "other");
    }

    #[tokio::test]
    async fn a_counted_body_is_the_same_body() {
        let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from("ab")), Ok(Bytes::from("cde"))]);
        let response = count(Response::new(Body::from_stream(stream)), "/test/{counted}");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "abcde");
        let known = count(Response::new(Body::from("abc")), "/test/{counted}");
        assert_eq!(known.body().size_hint().exact(), Some(3), "a known length stays known");
    }
}
