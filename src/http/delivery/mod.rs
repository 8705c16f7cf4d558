//! Delivery of originals: byte for byte what was uploaded, to whoever may have it.
//!
//! The story of a request, which is the order of this file:
//!
//! 1. What stands after the endpoint is the URL; its signature is judged before anything is looked up
//!    (`signature.rs`). A wrong or expired one is refused also where none is needed.
//! 2. The URL is read (`target.rs`) and the file looked up, in one read of the catalog.
//! 3. Unpublished files are not there; private ones need a signature; transformations are answered as below.
//! 4. Preconditions (`conditional.rs`), the range (`range.rs`), then headers (`headers.rs`) and bytes (`body.rs`),
//!    compressed if they are text that was not asked for as it is stored (`encoding.rs`). HEAD opens no blob.
//!
//! Everything that is decided is decided by pure functions of the request and one row; these are public, to be fuzzed.
//!
//! **Transformations are not built yet.** The original stands in for a transformed image, so that the thumbnails of
//! lists show something; a note in the headers says so, and nothing keeps it without asking. But never where the
//! original is not for everybody: a signature on a blurred preview must not open the sharp original. There it is a 400.

pub mod body;
pub mod conditional;
pub mod encoding;
pub mod headers;
pub mod range;
pub mod refusal;
pub mod signature;
pub mod target;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::bounds;
use super::identify::identify;
use super::openapi::{replies, requests};
use super::params::Query;
use crate::app::App;
use crate::config::Settings;
use crate::error::Result;
use crate::library::access::Pair;
use crate::library::delivery::{self, Deliverable};
use crate::model::rights::SIGN_DELIVERY;
use crate::model::time::Millis;
use crate::store::files::{PRIVATE, UNPUBLISHED};
use conditional::{Current, Outcome};
use headers::{Audience, Keeping, set};
use range::Selection;
use refusal::Refusal;
use signature::Signature;
use target::{Form, Target};

/// Headers that an original has, so that their table need not grow.
const HEADERS: usize = 12;
/// Says that an answer is not quite what was asked for.
const NOTE: HeaderName = HeaderName::from_static("calotype-note");
const NOT_TRANSFORMED: HeaderValue = HeaderValue::from_static("the original; this version does not transform");

/// Where files are delivered.
pub struct Endpoint {
    /// How its paths begin, with a slash at each end.
    prefix: String,
    /// The template of its paths.
    route: String,
}

/// The endpoint, and the same behind the path of the public URL, in case a proxy passes that on.
pub fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let public_path = settings.public_url.split_once("://").and_then(|(_, rest)| Some(&rest[rest.find('/')?..]));
    let before = public_path.into_iter().chain([""]);
    let prefixes = before.map(|path| format!("{path}/{}/", settings.endpoint_id));
    prefixes.map(|prefix| Endpoint { route: format!("{prefix}{{*path}}"), prefix }).collect()
}

/// The endpoint that a path is below.
pub fn endpoint_of<'e>(endpoints: &'e [Endpoint], path: &str) -> Option<&'e Endpoint> {
    endpoints.iter().find(|endpoint| path.strip_prefix(&endpoint.prefix).is_some_and(|file| !file.is_empty()))
}

/// The host that a request names.
pub fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(Authority::as_str))
}

/// What stands after the endpoint in a URL of this library, without a fragment. Its host is the public one or that of the
/// request; the scheme does not count, because a proxy may stand in front of the server.
pub fn own_url<'u>(settings: &Settings, host: Option<&str>, url: &'u str) -> Option<&'u str> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, place) = rest.split_at(rest.find('/')?);
    let public = settings.public_url.split_once("://").map_or("", |(_, rest)| rest);
    let mut ours = [public.split('/').next(), host].into_iter().flatten();
    let is_ours = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && ours.any(|ours| authority.eq_ignore_ascii_case(ours));
    let place = place.split('#').next().unwrap_or(place);
    let path = place.split('?').next().unwrap_or(place);
    let endpoints = endpoints(settings);
    endpoint_of(&endpoints, path).filter(|_| is_ours).map(|endpoint| &place[endpoint.prefix.len()..])
}

#[utoipa::path(
    get, path = "/library/{path}", operation_id = "deliver", tag = "delivery", security(()),
    params(requests::Place, requests::Delivery, requests::Conditions),
    summary = "Get the bytes of a file",
    description = "The original, byte for byte; what the `url` of a file leads to. Paths may hold any number of slashes. No key is needed, \
        but private files need a signed URL. `HEAD` answers without the bytes.",
    responses(replies::Delivered)
)]
/// `/{endpoint}/{path}`, called before the router: pages ask for many small files, and of what the router, its layers and
/// their boxes cost, these need the bounds and the request's id only.
pub async fn deliver(app: &App, endpoint: &Endpoint, request: Request) -> Response {
    identify(&endpoint.route, request, async |request| {
        if let Some(refused) = bounds::refuse(&request) {
            return refused;
        }
        let (method, uri, asked) = (request.method(), request.uri(), request.headers());
        let answer = if refusal::reads(method) {
            answer(app, endpoint, method, uri, asked).await
        } else if method == Method::OPTIONS {
            Ok(refusal::preflight())
        } else {
            Err(Refusal::Method)
        };
        let mut response = answer.unwrap_or_else(IntoResponse::into_response);
        headers::open_to_all(response.headers_mut());
        response
    })
    .await
}

async fn answer(
    app: &App,
    endpoint: &Endpoint,
    method: &Method,
    uri: &Uri,
    asked: &HeaderMap,
) -> Result<Response, Refusal> {
    let (endpoint, path) = uri.path().split_at(endpoint.prefix.len());
    let audience = admitted(app, uri, endpoint, path, asked)?;
    let query = Query::of(uri);
    let found = find(app, path, &query).await?.ok_or(Refusal::NoFile)?;
    let is_original = check(app, &found, audience)?;
    let keeping = if !is_original {
        Keeping::AskAgain
    } else if found.is_pinned {
        Keeping::Pinned
    } else {
        Keeping::Seconds(app.settings.delivery_max_age_s)
    };
    let mut response = send(app, method, asked, &found.file).await?;
    if found.form != Form::Stored && encoding::is_worth_it(&found.file.mime, found.file.size.cast_unsigned()) {
        response = Box::pin(encoding::encode(asked, response)).await;
    }
    let headers = response.headers_mut();
    set(headers, header::CACHE_CONTROL, &headers::cache_control(audience, keeping));
    if !is_original {
        headers.insert(NOTE, NOT_TRANSFORMED);
    }
    if query.is_true("ik-attachment") {
        set(headers, header::CONTENT_DISPOSITION, &headers::attachment(&found.name));
    }
    Ok(response)
}

/// For whom the answer may be, as far as the URL alone tells.
fn admitted(app: &App, uri: &Uri, endpoint: &str, path: &str, asked: &HeaderMap) -> Result<Audience, Refusal> {
    // Most URLs are not signed; those that are have this in them.
    let is_signed = uri.query().is_some_and(|query| query.contains("ik-s"));
    let signature = if is_signed {
        let endpoints = signed_endpoints(app, uri, endpoint, asked);
        let url = signature::Asked { path, query: uri.query(), endpoints: &endpoints };
        let pairs = app.keys.active();
        let now_s = (Millis::now().0 / 1000).max(0).cast_unsigned();
        let signers = pairs.iter().filter(|pair| pair.allows(SIGN_DELIVERY)).map(Pair::private_key);
        signature::verify(url, signers, now_s)
    } else {
        Signature::Missing
    };
    match signature {
        Signature::Valid { left_s } => Ok(Audience::Signed { left_s }),
        Signature::Missing if app.settings.restrict_unsigned_urls => Err(Refusal::Unsigned),
        Signature::Missing => Ok(Audience::Everyone),
        Signature::Expired => Err(Refusal::Expired),
        Signature::Wrong => Err(Refusal::WrongSignature),
    }
}

/// What a signer may have put before the path: the endpoint's name, its public URL, and its URL under the name by which
/// this client knows the server, whatever the scheme is in front of a proxy.
fn signed_endpoints(app: &App, uri: &Uri, endpoint: &str, asked: &HeaderMap) -> Vec<String> {
    let Settings { public_url, endpoint_id, .. } = &app.settings;
    let mut endpoints = vec![format!("{endpoint_id}/"), format!("{public_url}/{endpoint_id}/")];
    endpoints.extend(self::endpoints(&app.settings).into_iter().map(|endpoint| endpoint.prefix));
    let host = host(uri, asked);
    // Nothing with a slash in it: that could make another path of what was signed.
    if let Some(host) = host.filter(|host| !host.contains('@') && host.parse::<Authority>().is_ok()) {
        endpoints.extend(["http", "https"].map(|scheme| format!("{scheme}://{host}{endpoint}")));
    }
    endpoints
}

/// A file, and how it was found.
struct Found {
    name: String,
    form: Form,
    file: Arc<Deliverable>,
    /// By the token of its version.
    is_pinned: bool,
}

/// Reading the catalog is boxed: its futures are large, and most requests do without.
async fn find(app: &App, path: &str, query: &Query) -> Result<Option<Found>> {
    let token = query.get("ik-obj-version");
    if token.is_none()
        && target::is_plain(path, query)
        && let Some(file) = delivery::remembered(app, path)
    {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
        return Ok(Some(Found { name, form: Form::Original, file, is_pinned: false }));
    }
    for target in target::readings(path, query) {
        let file = match token {
            Some(token) => Box::pin(delivery::version(app, &target.folder, &target.name, token)).await?,
            None => Box::pin(delivery::current(app, &target.folder, &target.name)).await?,
        };
        if let Some(file) = file {
            let Target { name, form, .. } = target;
            return Ok(Some(Found { name, form, file, is_pinned: token.is_some() }));
        }
    }
    Ok(None)
}

/// Whether this file may be sent to these people. `true` when it is what they asked for, `false` when it stands in for
/// what cannot be made.
fn check(app: &App, found: &Found, audience: Audience) -> Result<bool, Refusal> {
    let Found { form, file, .. } = found;
    if file.flags & UNPUBLISHED != 0 {
        return Err(Refusal::NoFile);
    }
    let is_private = file.flags & PRIVATE != 0;
    // The previews of private files are for everybody, but there are none yet.
    if is_private && audience == Audience::Everyone && *form != Form::Named {
        return Err(Refusal::Private);
    }
    match form {
        Form::Original | Form::Stored => Ok(true),
        Form::UnknownName => Err(Refusal::UnknownName),
        Form::Named | Form::Spelled if is_private || app.settings.restrict_unsigned_urls => {
            Err(Refusal::CannotTransform)
        }
        Form::Named | Form::Spelled => Ok(false),
    }
}

/// The file, or as much of it as was asked for.
async fn send(app: &App, method: &Method, asked: &HeaderMap, file: &Deliverable) -> Result<Response, Refusal> {
    let etag = format!("\"{}\"", file.digest);
    let size = file.size.cast_unsigned();
    let current = Current { etag: &etag, modified: file.modified.system() };
    let mut response = StatusCode::OK.into_response();
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    headers::describe(response.headers_mut(), file, &etag);
    match conditional::evaluate(asked, current) {
        Outcome::Proceed => {}
        Outcome::Failed => return Err(Refusal::Precondition),
        Outcome::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(header::CONTENT_TYPE);
            return Ok(response);
        }
    }
    // HTTP knows ranges for GET only.
    let range = asked.get(header::RANGE).filter(|_| method == Method::GET && conditional::range_holds(asked, current));
    let selection =
        range.and_then(|range| range.to_str().ok()).map_or(Selection::Whole, |text| range::select(text, size));
    let length = match selection {
        Selection::Unsatisfiable => return Err(Refusal::NoSuchRange(size)),
        Selection::Whole => {
            if method == Method::GET {
                *response.body_mut() = body::part(app, file, 0..size).await?;
            }
            size
        }
        Selection::Part(range) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            set(response.headers_mut(), header::CONTENT_RANGE, &told);
            *response.body_mut() = body::part(app, file, range.clone()).await?;
            range.end - range.start
        }
        Selection::Parts(ranges) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let parts = body::Multipart::of(file, ranges);
            let length = parts.size();
            set(response.headers_mut(), header::CONTENT_TYPE, &parts.content_type());
            *response.body_mut() = Box::pin(parts.open(app, file)).await?;
            length
        }
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_url_it_is() {
        let settings = Settings { public_url: "https://media.example.com/pictures".into(), ..Settings::default() };
        let place = |url: &'static str| own_url(&settings, Some("10.0.0.1:8770"), url);
        for (url, expected) in [
            ("https://media.example.com/pictures/library/x/a.jpg", "x/a.jpg"),
            ("http://MEDIA.example.com/pictures/library/x/a.jpg?tr=w-1#top", "x/a.jpg?tr=w-1"),
            ("https://media.example.com/library/a.jpg", "a.jpg"),
            ("HTTP://10.0.0.1:8770/library/a%20b.jpg", "a%20b.jpg"),
        ] {
            assert_eq!(place(url), Some(expected), "{url}");
        }
        for url in [
            "https://media.example.com.evil.test/library/a.jpg",
            "https://user@media.example.com/library/a.jpg",
            "https://media.example.com/librarya.jpg",
            "https://media.example.com/Library/a.jpg",
            "https://media.example.com/library/",
            "https://media.example.com",
            "https://elsewhere.test/?https://media.example.com/library/a.jpg",
            "ftp://media.example.com/library/a.jpg",
            "/library/a.jpg",
            "library/a.jpg",
            "",
        ] {
            assert_eq!(place(url), None, "{url}");
        }
    }
}
