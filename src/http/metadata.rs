//! What the bytes of a file tell, in the older form: of a file by its id, or of what a delivery URL leads to.
//!
//! The URL is read as delivery reads it, and never fetched. Who may ask has a key that opens the files of the library, so
//! neither does a private file's URL need a signature here, nor has the file to be published.

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use percent_encoding::percent_decode_str;

use super::caller::{Caller, FilesRead};
use super::delivery;
use super::delivery::target::{self, Form, Target};
use super::files::file_id;
use super::openapi::{metadata_schemas, refusals, requests};
use super::params::Query;
use super::{AppState, WireId, reply, represent};
use crate::error::{Refusal, Result};
use crate::library::metadata;

#[utoipa::path(
    get, path = "/v1/files/{fileId}/metadata", operation_id = "getFileMetadata", tag = "files", params(requests::FileId),
    summary = "Get a file's metadata",
    description = "What the bytes of the current version tell, in the older form: size, format, and of pictures dimensions, quality, density, \
        a perceptual hash, and EXIF by group, of videos and recordings how they play. `embeddedMetadata` of the file itself has more, without another call.",
    responses((status = 200, description = "The metadata", body = metadata_schemas::Metadata), refusals::Metadata)
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
    let urls = asked_urls(request.uri());
    if urls.is_empty() {
        return Err(Refusal::MissingUrl.into());
    }
    let host = delivery::host(request.uri(), request.headers());
    let places: Vec<&str> = urls.iter().filter_map(|url| delivery::own_url(&app.settings, host, url)).collect();
    for place in &places {
        let (path, query) = place.split_once('?').unwrap_or((place, ""));
        let query = Query::parse(query);
        for Target { folder, name, form } in target::readings(path, &query) {
            let found = metadata::at_path(&app, &folder, &name, query.get("ik-obj-version")).await?;
            let Some((file, blob)) = found else { continue };
            if !matches!(form, Form::Original | Form::Stored) {
                return Err(Refusal::TransformedUrl.into());
            }
            let (file, known) = metadata::of_version(&app, file, blob).await?;
            return Ok(reply::json(StatusCode::OK, &represent::metadata(&file, known.as_ref())));
        }
    }
    Err(if places.is_empty() { Refusal::ForeignUrl } else { Refusal::NothingAtUrl }.into())
}

/// What the parameter `url` may mean, the likelier first. Older clients do not encode it: then all that follows is the URL,
/// with its own query. Others leave the characters alone that may stand in a query.
fn asked_urls(uri: &Uri) -> Vec<String> {
    let query = uri.query().unwrap_or_default();
    let starts = std::iter::once(0).chain(query.match_indices('&').map(|(at, _)| at + 1));
    let Some(sent) = starts.map(|at| &query[at..]).find_map(|rest| rest.strip_prefix("url=")) else {
        return Vec::new();
    };
    if !matches!(sent.split_once("://"), Some(("http" | "https", _))) {
        return Query::of(uri).get("url").map(str::to_owned).into_iter().collect();
    }
    let value = sent.split('&').next().unwrap_or(sent);
    let decoded = percent_decode_str(value).decode_utf8_lossy().into_owned();
    if decoded == sent { vec![decoded] } else { vec![sent.to_owned(), decoded] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_not_encoded_has_the_rest_of_the_query() {
        for (query, urls) in [
            (
                "url=http%3A%2F%2Fh%2Flibrary%2Fa%2520b.jpg%3Ftr%3Dw-1%26v%3D2&x=y",
                &["http://h/library/a%20b.jpg?tr=w-1&v=2"][..],
            ),
            ("x=y&url=http%3A%2F%2Fh%2Fa", &["http://h/a"]),
            ("url=http://h/a.jpg?tr=w-1", &["http://h/a.jpg?tr=w-1"]),
            ("url=http://h/a%20b.jpg?tr=w-1&v=2", &["http://h/a%20b.jpg?tr=w-1&v=2", "http://h/a b.jpg?tr=w-1"]),
            ("x=y&url=https://h/a+b&c.jpg", &["https://h/a+b&c.jpg", "https://h/a+b"]),
            ("url=http://h/a%2520b.jpg?v=1%26w=2", &["http://h/a%2520b.jpg?v=1%26w=2", "http://h/a%20b.jpg?v=1&w=2"]),
            ("url=http%3A//h/a+b", &["http://h/a b"]),
            ("url=a.jpg", &["a.jpg"]),
            ("url=", &[]),
            ("x=y", &[]),
            ("thumbnailurl=http://h/a", &[]),
        ] {
            let uri: Uri = format!("/v1/metadata?{query}").parse().unwrap();
            assert_eq!(asked_urls(&uri), urls, "{query}");
        }
        assert!(asked_urls(&"/v1/metadata".parse().unwrap()).is_empty());
    }
}
