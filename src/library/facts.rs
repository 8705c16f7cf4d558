//! What a search asks about an asset, answered from its row.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::model::ids::LibraryTag;
use crate::query::search::Field;
use crate::query::{Facts, Value, format_of};
use crate::store::files::{PRIVATE, UNPUBLISHED};
use crate::store::listing::{Asset, FOLDER, SUPERSEDED};

/// An asset and the path of the folder that it is in.
pub struct AssetFacts<'a> {
    pub asset: &'a Asset,
    pub folder: &'a str,
    pub tag: LibraryTag,
}

impl Facts<Field> for AssetFacts<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        let asset = self.asset;
        match field {
            Field::Name => Value::Text(asset.name.as_str().into()),
            Field::Path => Value::Text(self.folder.into()),
            Field::Kind => Value::Text(kind(asset).into()),
            Field::Id => Value::Text(self.tag.wire(asset.id).into()),
            Field::Created => Value::Time(asset.created),
            Field::Updated => Value::Time(asset.updated),
            // Folders have none of the others.
            _ if asset.kind == FOLDER => Value::Missing,
            Field::Tags => Value::Texts(tags(asset)),
            Field::Height => number(asset.height),
            Field::Width => number(asset.width),
            Field::Size => number(Some(asset.size)),
            Field::Format => Value::Text(format_of(&asset.mime, &asset.name).into()),
            Field::Private => Value::Flag(asset.flags & PRIVATE != 0),
            Field::Published => Value::Flag(asset.flags & UNPUBLISHED == 0),
            Field::Transparency => asset.has_alpha.filter(|_| asset.is_image).map_or(Value::Missing, Value::Flag),
            // The address of whoever uploaded by hand; what comes through the API has none.
            Field::CreatedBy => Value::Missing,
            Field::Description => asset.description.as_deref().map_or(Value::Missing, |text| Value::Text(text.into())),
            Field::Embedded(key) => entry(asset.embedded_metadata.as_deref(), key),
            Field::Custom(name) => entry(asset.custom_metadata.as_deref(), name),
        }
    }
}

fn kind(asset: &Asset) -> &'static str {
    match asset.kind {
        FOLDER => "folder",
        SUPERSEDED => "file-version",
        _ => "file",
    }
}

/// Bytes and pixels stay far below what a float holds exactly.
fn number(number: Option<i64>) -> Value<'static> {
    number.map_or(Value::Missing, |number| Value::Number(number as f64))
}

/// Tags, and the names of AI tags.
fn tags(asset: &Asset) -> Vec<Cow<'static, str>> {
    let elements = |json: Option<&str>| match json.and_then(|json| serde_json::from_str(json).ok()) {
        Some(Json::Array(elements)) => elements,
        _ => Vec::new(),
    };
    let own = elements(asset.tags.as_deref());
    let found = elements(asset.ai_tags.as_deref()).into_iter().map(|mut tag| tag["name"].take());
    let text = |json| if let Json::String(text) = json { Some(text.into()) } else { None };
    own.into_iter().chain(found).filter_map(text).collect()
}

fn entry(object: Option<&str>, key: &str) -> Value<'static> {
    match object.and_then(|json| serde_json::from_str(json).ok()) {
        Some(Json::Object(mut entries)) => entries.remove(key).map_or(Value::Missing, Value::Json),
        _ => Value::Missing,
    }
}
