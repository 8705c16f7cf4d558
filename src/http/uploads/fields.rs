//! The text fields of an upload form, checked; the order of the checks is the order of the refusals.

use serde_json::Value;

use crate::error::Refusal;
use crate::http::changes::DESCRIPTION_CHARS_MAX;
use crate::http::custom_fields;
use crate::http::form::{Form, bool_field, filled_field, last_field, list_field, tags_field};
use crate::library::extensions;
use crate::library::transformation::Transformation;
use crate::library::upload::{Overwrite, Upload};
use crate::model::coordinates;
use crate::model::path::FolderPath;
use crate::tree::place::Names;

/// What a form asks for.
pub struct Asked {
    pub upload: Upload,
    /// Fields that the answer shall have besides those it always has.
    pub response_fields: Vec<String>,
    /// Names of extensions.
    pub extensions: Vec<String>,
}

/// Refuses a request that brings a key *and* a signature: whoever sends both may be about to hand out the key.
pub fn without_signature(fields: &[(String, String)], names: Names) -> Result<(), Refusal> {
    let has = |name| filled_field(fields, name).is_some();
    match names {
        Names::Verbatim if has("token") => Err(Refusal::BothKeyAndToken),
        _ if has("token") || has("signature") => Err(Refusal::BothKeyAndSignature),
        _ => Ok(()),
    }
}

/// Reads the fields of a form whose sender is known.
pub fn asked_for(form: &Form, names: Names) -> Result<Asked, Refusal> {
    let fields = form.fields.as_slice();
    let text = |name| last_field(fields, name).filter(|value| !value.is_empty());
    let flag = |name, default| bool_field(fields, name).unwrap_or(default);
    if form.file.is_none() {
        return Err(Refusal::MissingFile);
    }
    let upload = Upload {
        file_name: text("fileName").ok_or(Refusal::MissingFileName)?.to_owned(),
        folder: FolderPath::parse(text("folder").unwrap_or("/")).map_err(|_| Refusal::BadUploadFolder)?,
        names,
        unique_name: flag("useUniqueFileName", true),
        private: flag("isPrivateFile", false),
        published: flag("isPublished", true),
        tags: tags_field(fields)?,
        custom_coordinates: custom_coordinates(fields)?,
        custom_metadata: custom_fields::of_form(filled_field(fields, "customMetadata"))?,
        description: description(text("description"))?,
        overwrite: Overwrite {
            file: flag("overwriteFile", true),
            tags: flag("overwriteTags", true),
            ai_tags: flag("overwriteAITags", true),
            custom_metadata: flag("overwriteCustomMetadata", true),
        },
        transformation: transformation(fields)?,
        checks: filled_field(fields, "checks").map(str::to_owned),
    };
    if filled_field(fields, "webhookUrl").is_some_and(|url| !extensions::is_webhook_url(url)) {
        return Err(Refusal::BadUploadParameter("webhookUrl"));
    }
    Ok(Asked { upload, response_fields: list_field(fields, "responseFields"), extensions: asked_extensions(fields)? })
}

fn custom_coordinates(fields: &[(String, String)]) -> Result<Option<String>, Refusal> {
    let text = filled_field(fields, "customCoordinates");
    text.map(|text| coordinates::checked(text).ok_or(Refusal::BadCoordinates)).transpose()
}

fn description(text: Option<&str>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.chars().count() > DESCRIPTION_CHARS_MAX => Err(Refusal::BadDescription),
        text => Ok(text.map(str::to_owned)),
    }
}

fn transformation(fields: &[(String, String)]) -> Result<Option<Transformation>, Refusal> {
    let text = filled_field(fields, "transformation");
    text.map(|text| Transformation::parse(text).ok_or(Refusal::BadTransformation)).transpose()
}

fn asked_extensions(fields: &[(String, String)]) -> Result<Vec<String>, Refusal> {
    let Some(text) = filled_field(fields, "extensions") else { return Ok(Vec::new()) };
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.as_ref().and_then(extensions::names).ok_or(Refusal::BadUploadParameter("extensions"))
}
