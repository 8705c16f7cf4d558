//! The wire: which request goes where, and what every answer has.
//!
//! Roles are told apart by path alone, so one listener serves API, uploads and delivery, and `/v2` is
//! `/v1` with names kept as sent. Before routing, API paths are brought into one form: fixed segments in
//! lower case, no trailing slash, and the slash in `/v2/bulkJobs/` that a client forgets.

mod body;
mod bounds;
mod bulk;
mod caller;
mod changes;
mod custom_fields;
pub mod delivery;
mod files;
mod folders;
pub mod form;
mod health;
mod identify;
mod jobs;
pub(crate) mod key_object;
mod keys;
mod lists;
mod metadata;
mod metrics;
mod openapi;
pub mod params;
mod placing;
mod purges;
mod reply;
mod represent;
pub mod request_target;
pub mod serve;
pub mod tls;
mod uploads;
mod versions;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get, patch, post, put};
use tower::util::MapRequestLayer;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::app::App;
use crate::error::{Error, Refusal};
use crate::tree::place::Names;

/// Present in requests of all current SDKs.
const SDK_LANGUAGE: &str = "x-stainless-lang";

/// What rclone's backend makes of `/v2/bulkJobs/`.
const RUN_TOGETHER: &str = "/v2bulkjobs/";

/// The whole service.
pub fn service(
    app: Arc<App>,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let api = Router::new()
        .route("/files", get(lists::list))
        .route("/files/upload", post(uploads::upload).options(uploads::preflight))
        .route("/files/copy", post(placing::copy))
        .route("/files/move", post(placing::move_into))
        .route("/files/rename", put(placing::rename))
        .route("/files/batch/deletebyfileids", post(bulk::delete))
        .route("/files/addtags", post(bulk::add_tags))
        .route("/files/removetags", post(bulk::remove_tags))
        .route("/files/removeaitags", post(bulk::remove_ai_tags))
        .route("/files/purge", post(purges::purge))
        .route("/files/purge/{id}", get(purges::status))
        .route("/files/{id}", delete(files::delete))
        .route("/files/{id}/details", get(files::details).patch(changes::update))
        .route("/files/{id}/metadata", get(metadata::of_file))
        .route("/metadata", get(metadata::of_url))
        .route("/files/metadata", get(metadata::of_url))
        .route("/files/{id}/versions", get(versions::list))
        .route("/files/{id}/versions/{version}", get(versions::details).delete(versions::delete))
        // A client of one generation sends DELETE when it means restore.
        .route("/files/{id}/versions/{version}/restore", put(versions::restore).delete(versions::restore))
        .route("/folder", post(folders::create).delete(folders::delete))
        .route(
            "/custommetadatafields",
            post(custom_fields::create)
                .get(custom_fields::list)
                .patch(custom_fields::missing_id)
                .delete(custom_fields::missing_id),
        )
        .route("/custommetadatafields/{id}", patch(custom_fields::update).delete(custom_fields::delete))
        .route("/bulkjobs/copyfolder", post(jobs::copy_folder))
        .route("/bulkjobs/movefolder", post(jobs::move_folder).put(jobs::move_folder))
        .route("/bulkjobs/renamefolder", post(jobs::rename_folder))
        .route("/bulkjobs/{id}", get(jobs::status));
    let readiness = Arc::new(health::Readiness::default());
    let router = Router::new()
        .nest("/v1", api.clone())
        .nest("/v2", api)
        // Some clients call these on the upload host.
        .route("/api/v1/files/addtags", post(bulk::add_tags))
        .route("/api/v1/files/removetags", post(bulk::remove_tags))
        .route("/api/v1/files/removeaitags", post(bulk::remove_ai_tags))
        .route("/api/v1/files/upload", post(uploads::upload).options(uploads::preflight))
        .route("/api/v2/files/upload", post(uploads::upload).options(uploads::preflight))
        .route("/calotype/v1/jobs/{id}", get(jobs::report))
        .route("/calotype/v1/keys", get(keys::list).post(keys::create))
        .route("/calotype/v1/keys/{id}", get(keys::show).delete(keys::revoke))
        .route("/calotype/v1/keys/{id}/roll", post(keys::roll))
        .route("/", get(front_door))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(move |State(app): AppState| async move { readiness.readyz(&app).await }))
        .route("/metrics", get(metrics::with_key))
        .merge(openapi::routes(&app.settings))
        .fallback(no_route)
        .method_not_allowed_fallback(no_route);
    let router = router.layer(middleware::from_fn(bounds::check));
    let router = if app.limits.is_some() { router.layer(middleware::from_fn(caller::tell_limit)) } else { router };
    let router = router.layer(middleware::from_fn(identify::routed)).with_state(Arc::clone(&app));
    let router = MapRequestLayer::new(normalise_path).layer(router);
    let endpoints: Arc<[delivery::Endpoint]> = delivery::endpoints(&app.settings).into();
    service_fn(move |request: Request| {
        let (app, endpoints, router) = (Arc::clone(&app), Arc::clone(&endpoints), router.clone());
        async move {
            match delivery::endpoint_of(&endpoints, request.uri().path()) {
                Some(endpoint) => Ok(delivery::deliver(&app, endpoint, request).await),
                None => router.oneshot(request).await,
            }
        }
    })
}

/// `/`: leads whoever comes with a browser to the page that explains the server. To programs it is no route.
async fn front_door(asked: HeaderMap) -> Response {
    let types = asked.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut response = if types.flat_map(|types| types.split([',', ';'])).any(|kind| kind.trim() == "text/html") {
        // Relative, so that it also works behind a proxy that adds a prefix.
        Redirect::to("docs").into_response()
    } else {
        no_route().await
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

async fn no_route() -> Response {
    Error::from(Refusal::NoRoute).into_response()
}

/// One form for the paths of the API; delivery paths stay as they are.
fn normalise_path(mut request: Request<Body>) -> Request<Body> {
    let path = request.uri().path();
    let begins = |prefix: &&str| path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if !["/v1/", "/v2/", RUN_TOGETHER, "/api/v1/", "/api/v2/", "/calotype/"].iter().any(begins) {
        return request;
    }
    let lower = path.to_ascii_lowercase();
    let trimmed = lower.trim_end_matches('/');
    let apart = trimmed.strip_prefix(RUN_TOGETHER).map(|rest| format!("/v2/bulkjobs/{rest}"));
    let normal = apart.as_deref().unwrap_or(trimmed);
    if normal != path {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(uri) = format!("{normal}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// The `{id}` of a route: its number if it is one of this library's, or what is wrong with it.
struct WireId(Result<Option<i64>, crate::model::ids::Malformed>);

impl FromRequestParts<Arc<App>> for WireId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<WireId, Infallible> {
        let text: Result<Path<String>, _> = Path::from_request_parts(parts, app).await;
        Ok(WireId(match text {
            Ok(Path(text)) => app.tag.number(&text),
            Err(_) => Err(crate::model::ids::Malformed),
        }))
    }
}

/// How folders and files made by this request get their names: `/v2` keeps them.
struct NamesOf(Names);

impl<S: Send + Sync> FromRequestParts<S> for NamesOf {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<NamesOf, Infallible> {
        // Inside a nested router the URI lacks the prefix; the original one has it.
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, state).await?;
        let path = uri.path();
        let verbatim = path.starts_with("/v2/") || path.starts_with("/api/v2/");
        Ok(NamesOf(if verbatim { Names::Verbatim } else { Names::Sanitised }))
    }
}

/// Whether the request comes from a current SDK, which cannot read an empty answer.
struct FromSdk(bool);

impl<S: Send + Sync> FromRequestParts<S> for FromSdk {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<FromSdk, Infallible> {
        Ok(FromSdk(parts.headers.contains_key(SDK_LANGUAGE)))
    }
}

type AppState = State<Arc<App>>;
