//! The text fields of an upload form, checked; the order of the checks is the order of the refusals.

use serde_json::Value;

use crate::error::Refusal;
use crate::http::changes::DESCRIPTION_CHARS_MAX;
use crate::http::custom_fields;
use crate::http::form::{bool_field, filled_field, is_called, last_field, list_field, tags_field};
use crate::library::extensions;
use crate::library::transformation::Transformation;
use crate::library::upload::{Overwrite, Upload};
use crate::model::coordinates;
use crate::model::path::{FolderPath, PathFault, check_name, sanitise};
use crate::tree::place::Names;

/// The fields that the API has.
const KNOWN: [&str; 22] = [
    "fileName",
    "folder",
    "useUniqueFileName",
    "tags",
    "isPrivateFile",
    "isPublished",
    "customCoordinates",
    "responseFields",
    "extensions",
    "webhookUrl",
    "overwriteFile",
    "overwriteAITags",
    "overwriteTags",
    "overwriteCustomMetadata",
    "customMetadata",
    "transformation",
    "checks",
    "description",
    "token",
    "expire",
    "signature",
    "publicKey",
];

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

/// What a field is called, if it means something; others are ignored, whatever is in them.
pub fn known(sent: &str) -> Option<&'static str> {
    let sent = sent.split('[').next().unwrap_or(sent);
    KNOWN.into_iter().find(|known| is_called(sent, known))
}

/// Reads the fields of a form whose sender is known, and that has a file.
pub fn asked_for(fields: &[(String, String)], names: Names) -> Result<Asked, Refusal> {
    let text = |name| last_field(fields, name).filter(|value| !value.is_empty());
    let flag = |name, default| bool_field(fields, name).unwrap_or(default);
    let upload = Upload {
        file_name: text("fileName").ok_or(Refusal::MissingFileName)?.to_owned(),
        folder: folder(text("folder").unwrap_or("/"), names)?,
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

/// A name of it that no folder can have is taken for the one that it would get.
fn folder(text: &str, names: Names) -> Result<FolderPath, Refusal> {
    let name = |sent: &str| match check_name(sent) {
        Err(_) if names == Names::Sanitised && !matches!(sent, "." | "..") => sanitise(sent),
        _ => sent.to_owned(),
    };
    // Only what stands between slashes is a name.
    let names: Vec<String> =
        text.split('/').map(|sent| if sent.is_empty() { String::new() } else { name(sent) }).collect();
    FolderPath::parse(&names.join("/")).map_err(|fault| match fault {
        PathFault::LongSegment => Refusal::NameTooLong("folder"),
        PathFault::BadSegment | PathFault::TooDeep => Refusal::BadUploadFolder,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_that_is_read_is_known() {
        let sources = [include_str!("fields.rs"), include_str!("../uploads.rs")]
            .map(|source| source.split("#[cfg(test)]").next());
        let mut read = 0;
        for source in sources.into_iter().flatten() {
            for before in ["text(\"", "flag(\"", "(fields, \"", "(&form.fields, \""] {
                for name in source.split(before).skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert_eq!(known(name), Some(name));
                    read += 1;
                }
            }
        }
        assert!(read >= 20, "{read}");
        let found = ["tags[0]", "overwriteAiTags", "multipart", "FileName"].map(known);
        assert_eq!(found, [Some("tags"), Some("overwriteAITags"), None, None]);
    }
}
