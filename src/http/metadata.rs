//! What the bytes of a file tell, in the older form: of a file by its id, or of what a delivery URL leads to.
//!
//! A URL must be one of this library's: its host is the public one or that of the request, and its path is below the
//! endpoint. It is read as delivery reads it, and never fetched. Who may ask has a key that opens the files of the
//! library, so a private file's URL needs no signature here.

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{StatusCode, Uri, header};
use axum::response::Response;

use super::caller::{Caller, FilesRead};
use super::delivery::target::{self, Form, Target};
use super::delivery::{endpoint_of, endpoints};
use super::files::file_id;
use super::openapi::{metadata_schemas, refusals, requests};
use super::params::Query;
use super::{AppState, WireId, reply, represent};
use crate::config::Settings;
use crate::error::{Refusal, Result};
use crate::library::metadata;

#[utoipa::path(
    get, path = "/v1/files/{fileId}/metadata", operation_id = "getFileMetadata", tag = "files", params(requests::FileId),
    summary = "Get a file's metadata",
    description = "What the bytes of the current version tell, in the older form: size, format, and of pictures dimensions, quality, density, \
        a perceptual hash, and EXIF by group, of videos and recordings how they play. `embeddedMetadata` of the file itself has more, without another call.",
    responses((status = 200, description = "The metadata", body = metadata_schemas::Metadata), refusals::File)
)]
/// `GET /v1/files/{fileId}/metadata`
pub async fn of_file(State(app): AppState, _: Caller<FilesRead>, id: WireId) -> Result<Response> {
    let (file, known) = metadata::of_file(&app, file_id(id)?).await?;
    Ok(reply::json(StatusCode::OK, &represent::metadata(&file, known.as_ref())))
}

#[utoipa::path(
    get, path = "/v1/metadata", operation_id = "getMetadataOfUrl", tag = "files", params(requests::DeliveryUrl),
    summary = "Get the metadata of a URL",
    description = "The same of the file that a delivery URL of this library leads to, or of the older version that it names. Private files \
        need no signature here: the key is enough.",
    responses((status = 200, description = "The metadata", body = metadata_schemas::Metadata), refusals::Url)
)]
/// `GET /v1/metadata?url=`
pub async fn of_url(State(app): AppState, _: Caller<FilesRead>, request: Request) -> Result<Response> {
    let url = asked_url(request.uri()).ok_or(Refusal::MissingUrl)?;
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(request.uri().authority().map(Authority::as_str));
    let (path, query) = delivered(&app.settings, host, &url).ok_or(Refusal::ForeignUrl)?;
    for Target { folder, name, form } in target::readings(path, &query) {
        let Some((file, known)) = metadata::at_path(&app, &folder, &name, query.get("ik-obj-version")).await? else {
            continue;
        };
        return match form {
            Form::Original | Form::Stored => {
                Ok(reply::json(StatusCode::OK, &represent::metadata(&file, known.as_ref())))
            }
            Form::Named | Form::Spelled | Form::UnknownName => Err(Refusal::TransformedUrl.into()),
        };
    }
    Err(Refusal::NothingAtUrl.into())
}

/// The parameter `url`. Older clients do not encode it; then all that follows is the URL, with its own query.
fn asked_url(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    let starts = std::iter::once(0).chain(query.match_indices('&').map(|(at, _)| at + 1));
    let sent = starts.map(|at| &query[at..]).find_map(|rest| rest.strip_prefix("url="))?;
    if let Some(("http" | "https", _)) = sent.split_once("://") {
        return Some(sent.to_owned());
    }
    Query::of(uri).get("url").map(str::to_owned)
}

/// The path below the endpoint and the query of a URL of this library. The scheme does not count: a proxy may stand in
/// front of the server.
fn delivered<'u>(settings: &Settings, host: Option<&str>, url: &'u str) -> Option<(&'u str, Query)> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, place) = rest.split_at(rest.find('/')?);
    let public = settings.public_url.split_once("://").map_or("", |(_, rest)| rest);
    let mut ours = [public.split('/').next(), host].into_iter().flatten();
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        || !ours.any(|ours| authority.eq_ignore_ascii_case(ours))
    {
        return None;
    }
    let place = place.split('#').next().unwrap_or(place);
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let endpoints = endpoints(settings);
    let endpoint = endpoint_of(&endpoints, path)?;
    Some((endpoint.below(path), Query::parse(query)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_not_encoded_has_the_rest_of_the_query() {
        for (query, url) in [
            (
                "url=http%3A%2F%2Fh%2Flibrary%2Fa%2520b.jpg%3Ftr%3Dw-1%26v%3D2&x=y",
                Some("http://h/library/a%20b.jpg?tr=w-1&v=2"),
            ),
            ("x=y&url=http%3A%2F%2Fh%2Fa", Some("http://h/a")),
            ("url=http://h/library/a%20b.jpg?tr=w-1&v=2", Some("http://h/library/a%20b.jpg?tr=w-1&v=2")),
            ("x=y&url=https://h/a+b&c.jpg", Some("https://h/a+b&c.jpg")),
            ("url=http%3A//h/a+b", Some("http://h/a b")),
            ("url=a.jpg", Some("a.jpg")),
            ("url=", None),
            ("x=y", None),
            ("thumbnailurl=http://h/a", None),
        ] {
            let uri: Uri = format!("/v1/metadata?{query}").parse().unwrap();
            assert_eq!(asked_url(&uri).as_deref(), url, "{query}");
        }
        assert_eq!(asked_url(&"/v1/metadata".parse().unwrap()), None);
    }

    #[test]
    fn whose_url_it_is() {
        let settings = Settings { public_url: "https://media.example.com/pictures".into(), ..Settings::default() };
        let path = |url: &'static str| delivered(&settings, Some("10.0.0.1:8770"), url).map(|(path, _)| path);
        for (url, expected) in [
            ("https://media.example.com/pictures/library/x/a.jpg", "x/a.jpg"),
            ("http://MEDIA.example.com/pictures/library/x/a.jpg?tr=w-1#top", "x/a.jpg"),
            ("https://media.example.com/library/a.jpg", "a.jpg"),
            ("HTTP://10.0.0.1:8770/library/a%20b.jpg", "a%20b.jpg"),
        ] {
            assert_eq!(path(url), Some(expected), "{url}");
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
            assert_eq!(path(url), None, "{url}");
        }
    }
}
