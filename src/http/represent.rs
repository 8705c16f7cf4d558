//! Files, versions and folders as the contract's JSON objects.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::library::files::Located;
use crate::library::metadata::Known;
use crate::model::path::FolderPath;
use crate::query;
use crate::store::files::{PRIVATE, UNPUBLISHED};
use crate::store::listing::{Asset, FOLDER, SUPERSEDED};

/// Everything but what a path segment may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The named transformation for previews, as clients know it.
const THUMBNAIL: &str = "tr:n-ik_ml_thumbnail";

/// A file, version or folder object.
pub fn asset(app: &App, located: &Located) -> Value {
    if located.asset.kind == FOLDER { folder(app, located) } else { file(app, located) }
}

fn folder(app: &App, located: &Located) -> Value {
    let folder = &located.asset;
    let path = located.folder.join(&folder.name);
    json!({
        "folderId": app.tag.wire(folder.id),
        "type": "folder",
        "name": folder.name,
        "folderPath": path.to_string(),
        "createdAt": folder.created.to_string(),
        "updatedAt": folder.updated.to_string(),
        "customMetadata": {},
    })
}

fn file(app: &App, located: &Located) -> Value {
    let file = &located.asset;
    let mut object = facts(app, located);
    object.insert("type".into(), if file.kind == SUPERSEDED { "file-version" } else { "file" }.into());
    for (name, value) in on_request(located) {
        object.insert(name.into(), value);
    }
    object.insert("AITags".into(), json_of(file.ai_tags.as_deref()));
    if let Some(description) = &file.description {
        object.insert("description".into(), description.clone().into());
    }
    object.insert("mime".into(), file.mime.clone().into());
    object.insert("thumbnail".into(), url(app, located, THUMBNAIL).into());
    object.insert("createdAt".into(), file.created.to_string().into());
    object.insert("updatedAt".into(), file.updated.to_string().into());
    if let (true, Some(has_alpha)) = (file.is_image, file.has_alpha) {
        object.insert("hasAlpha".into(), has_alpha.into());
    }
    object.into()
}

/// The answer to an upload; `wanted` are the fields that the client named in `responseFields`.
pub fn uploaded(app: &App, located: &Located, wanted: &[String]) -> Map<String, Value> {
    let file = &located.asset;
    let mut object = facts(app, located);
    object.insert("AITags".into(), json_of(file.ai_tags.as_deref()));
    if let Some(description) = &file.description {
        object.insert("description".into(), description.clone().into());
    }
    if file.is_image {
        object.insert("thumbnailUrl".into(), url(app, located, THUMBNAIL).into());
    }
    // No folder restricts the fields of its files, so the schema of those that are left is empty.
    let on_request = on_request(located).into_iter().chain([("selectedFieldsSchema", json!({}))]);
    for (name, value) in on_request {
        if wanted.iter().any(|wanted| wanted.trim() == name) {
            object.insert(name.into(), value);
        }
    }
    object
}

/// The older form of what is known about a file's bytes.
pub fn metadata(file: &Asset, known: Option<&Known>) -> Value {
    let mut object = Map::new();
    if let (Some(width), Some(height)) = (file.width, file.height) {
        object.insert("height".into(), height.into());
        object.insert("width".into(), width.into());
    }
    object.extend(playback(file));
    object.insert("size".into(), file.size.into());
    object.insert("format".into(), format_of(file).into());
    if let Some(Known { picture, .. }) = known {
        object.insert("hasColorProfile".into(), picture.has_color_profile.into());
    }
    if let Some(has_alpha) = file.has_alpha {
        object.insert("hasTransparency".into(), has_alpha.into());
    }
    if let Some(Known { picture, hash }) = known {
        object.insert("quality".into(), picture.quality.into());
        object.insert("density".into(), picture.density.into());
        if let Some(hash) = hash {
            object.insert("pHash".into(), hash.clone().into());
        }
        object.insert("exif".into(), picture.exif.clone());
    }
    object.into()
}

/// The short name of a format, as searches have it: `jpg`, `png`, `mp4`; of a type without one what its MIME type calls it.
fn format_of(file: &Asset) -> String {
    let known = query::format_of(&file.mime, &file.name);
    if !known.is_empty() {
        return known;
    }
    let mime = file.mime.as_str();
    mime.rsplit_once('/').map_or(mime, |(_, format)| format.trim_start_matches("x-")).to_owned()
}

/// What every form of a file object has.
fn facts(app: &App, located: &Located) -> Map<String, Value> {
    let file = &located.asset;
    let mut object = Map::new();
    object.insert("fileId".into(), app.tag.wire(file.id).into());
    object.insert("name".into(), file.name.clone().into());
    object.insert("filePath".into(), located.folder.join(&file.name).to_string().into());
    object.insert("url".into(), url(app, located, "").into());
    object.insert("fileType".into(), if file.is_image { "image" } else { "non-image" }.into());
    object.insert("size".into(), file.size.into());
    let version = json!({ "id": app.tag.wire(file.version_id.0), "name": format!("Version {}", file.version) });
    object.insert("versionInfo".into(), version);
    if let (Some(width), Some(height)) = (file.width, file.height) {
        object.insert("height".into(), height.into());
        object.insert("width".into(), width.into());
    }
    object.extend(playback(file));
    object
}

/// What is known of something that plays, under the names that every form has for it.
fn playback(file: &Asset) -> Map<String, Value> {
    let Value::Object(mut playback) = json_of(file.playback.as_deref()) else { return Map::new() };
    // Clients with types take whole seconds only.
    if let Some(seconds) = playback.get_mut("duration") {
        *seconds = seconds.as_f64().map(|exact| (exact.round() as i64).max(1)).into();
    }
    playback
}

/// What a list always tells and an upload on request.
fn on_request(located: &Located) -> [(&'static str, Value); 6] {
    let file = &located.asset;
    [
        ("tags", json_of(file.tags.as_deref())),
        ("customCoordinates", file.custom_coordinates.clone().into()),
        ("isPrivateFile", (file.flags & PRIVATE != 0).into()),
        ("isPublished", (file.flags & UNPUBLISHED == 0).into()),
        ("customMetadata", file.custom_metadata.as_deref().map_or_else(|| json!({}), |text| json_of(Some(text)))),
        ("embeddedMetadata", json_of(file.embedded_metadata.as_deref())),
    ]
}

/// Stored JSON; nothing is told as `null`.
fn json_of(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

/// The delivery URL of the file at a place.
pub fn url_of(app: &App, folder: &FolderPath, name: &str) -> String {
    let mut url = format!("{}/{}", app.settings.public_url, app.settings.endpoint_id);
    let names = folder.segments().iter().map(String::as_str).chain([name]);
    names.for_each(|name| url.extend(["/"].into_iter().chain(utf8_percent_encode(name, SEGMENT))));
    url
}

/// The delivery URL; an older version's names it by an unguessable token.
fn url(app: &App, located: &Located, transformation: &str) -> String {
    let file = &located.asset;
    let mut url = format!("{}/{}", app.settings.public_url, app.settings.endpoint_id);
    if !transformation.is_empty() {
        url = format!("{url}/{transformation}");
    }
    let names = located.folder.segments().iter().chain([&file.name]);
    names.for_each(|name| url.extend(["/"].into_iter().chain(utf8_percent_encode(name, SEGMENT))));
    if file.kind == SUPERSEDED {
        url = format!("{url}?ik-obj-version={}", app.keys.version_token(file.version_id, file.flags));
    }
    url
}
