//! What each call may refuse. The statuses, reasons and texts in the document are made from the one table of refusals,
//! so they are what the server really sends.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::IntoResponses;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Content, Ref, RefOr, example::Example};

use crate::error::Refusal::{self, *};
use crate::http::reply;
use crate::model::custom_field::Faults;

/// The media type of every body of the API.
const JSON: &str = "application/json";

/// One type per call, for `responses(…)` of its annotation.
macro_rules! refused {
    ($($name:ident: $($refusal:expr),+ $(,)?;)*) => {$(
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                by_status(&[$($refusal),+])
            }
        }
    )*};
}

refused! {
    List: SkipTooSmall("-1".into()), LimitTooSmall("0".into()), LimitTooLarge("2000".into()), BadSort, BadType, BadFileType,
        BadSearchQuery("Invalid search query - rating is not a valid search field. Please refer to the documentation for syntax specification.".into());
    File: InvalidFileId, NoFile;
    Metadata: InvalidFileId, CorruptFile, NoFile;
    Url: MissingUrl, ForeignUrl, TransformedUrl, CorruptFile, NothingAtUrl;
    Update: InvalidFileId, NotAList("tags"), TagsTooLong, PercentInTags, BadAiTags, BadCoordinates, BadDescription,
        NotABoolean("publish.isPublished"), BadUploadParameter("extensions"), InvalidCustomMetadata(Faults::one("price", "should be of type number")), NoFile;
    DeleteFiles: NoList("fileIds"), NotAList("fileIds"), EmptyList("fileIds"), TooManyFileIds, NoFiles(vec![unknown_id()]);
    EditTags: NoList("fileIds"), NotAList("fileIds"), EmptyList("fileIds"), TooManyEdits, NoList("tags"), EmptyList("tags"),
        NotAList("tags"), TagsTooLong, PercentInTags, NoFiles(vec![unknown_id()]);
    EditAiTags: NoList("fileIds"), NotAList("fileIds"), EmptyList("fileIds"), TooManyEdits, NoList("AITags"), EmptyList("AITags"),
        BadAiTags, NoFiles(vec![unknown_id()]);
    CopyFile: MissingParameters, InvalidParameters, NotABoolean("includeFileVersions"), BadFolderPath, SameFilePlace,
        TooManyVersions, NoSourceFile("/holiday/lacock.png".into());
    MoveFile: MissingParameters, InvalidParameters, BadFolderPath, SameFilePlace, TooManyVersions,
        NoSourceFile("/holiday/lacock.png".into());
    RenameFile: MissingParameters, InvalidParameters, NotABoolean("purgeCache"), BadFolderPath, SameName("newFileName"),
        NoFileAt("/holiday/lacock.png".into()), FileTaken("oriel.png".into());
    Version: InvalidFileId, InvalidVersionId, NoFile, NoVersion;
    DeleteVersion: InvalidFileId, InvalidVersionId, CurrentVersion, NoFile, NoVersion;
    Purge: BadPurgeUrl;
    PurgeStatus: NoPurgeRequest;
    CreateFolder: MissingParameter("folderName"), NotAString("folderName"), NameWithSlash("folderName"), NameTooLong("folderName"),
        BadFolderPath;
    DeleteFolder: MissingParameter("folderPath"), NotAString("folderPath"), BadFolderPath, RootNotAllowed("folderPath"),
        NoFolder("/holiday".into()), TooManyObjects(100_000);
    CopyFolder: MissingParameter("sourceFolderPath"), NotAString("sourceFolderPath"), NotABoolean("includeVersions"), BadFolderPath,
        SourceIsRoot("sourceFolderPath"), SameSourceAndDestination, NothingAtSource("/holiday".into()), TooManyObjects(100_000), QueueFull;
    MoveFolder: MissingParameter("sourceFolderPath"), NotAString("sourceFolderPath"), BadFolderPath,
        SourceIsRoot("sourceFolderPath"), SameSourceAndDestination, IntoItself, NothingAtSource("/holiday".into()), TooManyObjects(100_000), QueueFull;
    RenameFolder: MissingParameter("folderPath"), NotAString("folderPath"), NotABoolean("purgeCache"), BadFolderPath,
        SourceIsRoot("folderPath"), NameWithSlash("newFolderName"), NameTooLong("newFolderName"), SameName("newFolderName"),
        NoFolder("/holiday".into()), FolderTaken("travels".into()), TooManyObjects(100_000), QueueFull;
    Job: NoJob;
    CreateField: InvalidFieldObject(Faults::one("label", "is required")),
        InvalidSchemaObject(Faults::one("maxLength", "not allowed for this type")), FieldNameTaken, FieldLabelTaken, TooManyFields;
    UpdateField: InvalidFieldId, NoFieldChange, FieldNameFixed, FieldDeleted, FieldLabelTaken,
        InvalidFieldObject(Faults::one("label", "should be of type string")),
        InvalidSchemaObject(Faults::one("maxLength", "not allowed for this type")), NoField;
    Field: InvalidFieldId, NoField;
    KeyPair: NoKeyPair;
    CreateKey: MissingParameter("rights"), NotAString("name"), BadKeyName, BadKeyExpiry,
        BadRights("Send \"full\", or an object such as {\"files\": \"write\", \"folders\": \"read\"}.".into()), MoreRights, TooManyKeys;
    RollKey: BadGrace, BadKeyExpiry, MoreRights, NoKeyPair, KeyEnded, LastFullKey, TooManyKeys;
    RevokeKey: MoreRights, NoKeyPair, KeyEnded, LastFullKey;
    Upload: MissingFile, MissingFileName, BadForm("The content type should be multipart/form-data.".into()),
        BadFile("It is not valid base64.".into()), FileTooLarge, BadUploadFolder, TagsTooLong, PercentInTags, FileExists,
        TooManyVersions, InvalidCustomMetadata(Faults::one("price", "should be of type number")), BothKeyAndSignature, BothKeyAndToken,
        BadCoordinates, BadDescription, BadUploadParameter("extensions"), BadChecks, FailedChecks, NoTransformer, NotDownloaded,
        BadExpire, BadSignature, TokenUsed, MissingToken, BadToken, ExpiredToken, BadPayload, TooManyUnproven, BodyTimeout;
}

/// What every call refuses that needs a key.
pub fn of_every_call() -> BTreeMap<String, RefOr<Response>> {
    by_status(&[NoKey, UnknownKey, ExpiredKey, NotPermitted, RateLimited])
}

/// What every call refuses that reads a small body.
pub fn of_every_body() -> BTreeMap<String, RefOr<Response>> {
    by_status(&[InvalidJson, NotAnObject, InvalidParameter, BodyTooLarge, BodyTimeout])
}

/// What every call refuses that stores something.
pub fn of_every_write() -> BTreeMap<String, RefOr<Response>> {
    by_status(&[DiskFull])
}

/// What every call answers when it is the server's fault.
pub fn of_the_server() -> BTreeMap<String, RefOr<Response>> {
    BTreeMap::from([("500".to_owned(), response(500, [("Internal".to_owned(), reply::internal_error_body())]))])
}

fn unknown_id() -> String {
    "ffffffffffffffffffffffff".into()
}

fn by_status(refusals: &[Refusal]) -> BTreeMap<String, RefOr<Response>> {
    let mut statuses: BTreeMap<u16, Vec<(String, serde_json::Value)>> = BTreeMap::new();
    for refusal in refusals {
        let examples = statuses.entry(refusal.status_and_reason().0).or_default();
        examples.push((format!("{refusal:?}"), reply::refusal_body(refusal)));
    }
    statuses.into_iter().map(|(status, examples)| (status.to_string(), response(status, examples))).collect()
}

fn response(status: u16, bodies: impl IntoIterator<Item = (String, serde_json::Value)>) -> RefOr<Response> {
    let mut content = Content::new(Some(Ref::from_schema_name("Error")));
    for (name, body) in bodies {
        let mut example = Example::new();
        example.summary = body["message"].as_str().unwrap_or_default().to_owned();
        example.value = Some(json!(body));
        content.examples.insert(key(&name), RefOr::T(example));
    }
    let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Refused");
    ResponseBuilder::new().description(phrase).content(JSON, content).into()
}

/// The name of an example: the refusal's, in the letters that a component's name may have.
fn key(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.take(2).collect::<Vec<_>>().join(".")
}
