//! Errors, sorted by what the caller can do. [`Refusal`] is the request's fault and has one table that
//! gives each its status, reason and text as the contract words it; everything else is ours. One place
//! (`http::reply`) turns them into HTTP, one (`cli`) into a line of text.

use serde_json::Value;

use crate::blobs::BlobError;
use crate::model::custom_field::{FIELDS_EVER_MAX, FIELDS_MAX, Faults};
use crate::model::path::PathFault;
use crate::model::tags::TagsError;

/// What can go wrong anywhere in the library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be done as sent; the caller must change it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Another worker or server has taken over: whatever was begun must not be committed.
    #[error("another server has taken over")]
    Fenced,
    /// The catalog failed.
    #[error("catalog: {0}")]
    Catalog(#[from] sqlx::Error),
    /// The embedded catalog failed.
    #[error("catalog: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The blob store failed.
    #[error("blob store: {0}")]
    Blobs(#[from] BlobError),
    /// The server cannot run as it is set up; the text says what to do.
    #[error("{0}")]
    Setup(String),
    /// What several requests were told that were done together.
    #[error(transparent)]
    Shared(std::sync::Arc<Error>),
    /// A row that the invariants rule out.
    #[error("the catalog is damaged: {0}; run `calotype fsck`")]
    Damaged(String),
}

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A request refused. The texts are the contract's; where it is silent they are ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub enum Refusal {
    MissingParameter(&'static str),
    NotAString(&'static str),
    NotABoolean(&'static str),
    NotAnObject,
    InvalidJson,
    BodyTooLarge,
    UrlTooLong,
    HeadersTooLarge,
    BodyTimeout,
    BadFolderPath,
    NameTooLong(&'static str),
    NameWithSlash(&'static str),
    RootNotAllowed(&'static str),
    SourceIsRoot(&'static str),
    SameSourceAndDestination,
    IntoItself,
    SameName(&'static str),
    SameFilePlace,
    NoSourceFile(String),
    NoFileAt(String),
    FileTaken(String),
    NoVersion,
    CurrentVersion,
    InvalidVersionId,
    NoFiles(Vec<String>),
    NoList(&'static str),
    NotAList(&'static str),
    EmptyList(&'static str),
    TooManyFileIds,
    TooManyEdits,
    BadAiTags,
    BadCoordinates,
    BadDescription,
    BadPurgeUrl,
    MissingParameters,
    InvalidParameters,
    NothingAtSource(String),
    NoFolder(String),
    FolderTaken(String),
    NoFile,
    InvalidFileId,
    MissingUrl,
    ForeignUrl,
    TransformedUrl,
    NothingAtUrl,
    CorruptFile,
    NoJob,
    NoPurgeRequest,
    NoRoute,
    NoKey,
    UnknownKey,
    BothKeyAndSignature,
    BothKeyAndToken,
    MissingFile,
    MissingFileName,
    FileTooLarge,
    BadFile(String),
    BadForm(String),
    TagsTooLong,
    FileExists,
    TooManyVersions,
    SkipTooSmall(String),
    LimitTooSmall(String),
    LimitTooLarge(String),
    BadSort,
    BadType,
    BadFileType,
    InvalidParameter,
    /// The whole sentence, from the query language.
    BadSearchQuery(String),
    BadUploadFolder,
    PercentInTags,
    QueueFull,
    /// A folder holds more than this many files, folders and versions.
    TooManyObjects(i64),
    DiskFull,
    InvalidCustomMetadata(Faults),
    InvalidFieldObject(Faults),
    InvalidSchemaObject(Faults),
    FieldNameTaken,
    FieldLabelTaken,
    NoFieldChange,
    FieldNameFixed,
    FieldDeleted,
    MissingFieldId,
    InvalidFieldId,
    NoField,
    TooManyFields,
    MissingToken,
    BadToken,
    ExpiredToken,
    BadPayload,
    BadExpire,
    BadSignature,
    TokenUsed,
    TooManyUnproven,
    NotDownloaded,
    BadUploadParameter(&'static str),
    BadTransformation,
    NothingToTransform,
    WrongPostTransformation,
    NoTransformer,
    BadChecks,
    FailedChecks,
    ExpiredKey,
    NotPermitted,
    NoKeyPair,
    MoreRights,
    LastFullKey,
    KeyEnded,
    TooManyKeys,
    BadKeyName,
    BadKeyExpiry,
    BadGrace,
    BadRights(String),
    RateLimited,
}

/// The text under `help` in every error body.
pub const HELP: &str = "The page /docs of this server lists every call with its parameters and errors.";

impl Refusal {
    /// HTTP status and the contract's `reason` code, if it names one.
    pub fn status_and_reason(&self) -> (u16, Option<&'static str>) {
        use Refusal::*;
        match self {
            MissingParameter(_) => (400, Some("MISSING_PARAMETER")),
            NotABoolean("publish.isPublished") => (400, None),
            NotAString(_) | NotABoolean(_) | NotAnObject => (400, Some("INVALID_PARAMETER")),
            NameWithSlash("newFolderName") => (400, Some("INVALID_PARAMETER")),
            BadFolderPath | RootNotAllowed(_) => (400, Some("INVALID_FOLDER_PATH")),
            SourceIsRoot(_) => (400, Some("SOURCE_IS_ROOT")),
            SameSourceAndDestination => (400, Some("SAME_SOURCE_AND_DESTINATION")),
            IntoItself => (400, Some("INVALID_DESTINATION_PATH")),
            SameName(_) => (400, Some("SAME_OLD_AND_NEW_NAME")),
            SameFilePlace => (400, Some("SAME_SOURCE_AND_DESTINATION")),
            MissingParameters => (400, Some("MISSING_PARAMETER")),
            InvalidParameters => (400, Some("INVALID_PARAMETER")),
            NoSourceFile(_) => (404, Some("SOURCE_FILE_MISSING")),
            NoFileAt(_) => (404, Some("FILE_MISSING")),
            FileTaken(_) => (409, Some("FILE_ALREADY_EXISTS")),
            TooManyVersions => (400, Some("VERSION_LIMIT_EXCEEDED")),
            NothingAtSource(_) => (404, Some("NO_FILES_FOLDER")),
            NoFolder(_) => (404, Some("FOLDER_NOT_FOUND")),
            FolderTaken(_) => (409, Some("FOLDER_ALREADY_EXISTS")),
            NoFile | NothingAtUrl | NoFiles(_) | NoVersion | NoJob | NoRoute | NoField => (404, None),
            NoKey => (401, None),
            UnknownKey => (403, None),
            BodyTooLarge => (413, None),
            UrlTooLong => (414, None),
            HeadersTooLarge => (431, None),
            BodyTimeout => (408, None),
            TooManyObjects(_) => (400, Some("TOO_MANY_OBJECTS")),
            QueueFull | TooManyUnproven => (429, None),
            DiskFull => (507, None),
            ExpiredKey | NotPermitted | MoreRights => (403, None),
            NoKeyPair => (404, None),
            LastFullKey | KeyEnded | TooManyKeys => (409, None),
            RateLimited => (429, None),
            _ => (400, None),
        }
    }

    /// The text under `message`.
    pub fn message(&self) -> String {
        use Refusal::*;
        match self {
            MissingParameter(name) => format!("{name} parameter is missing."),
            NotAString(name) => format!("{name} parameter should be a string."),
            NotABoolean(name) => format!("{name} parameter should be a boolean."),
            NotAnObject => "The request body should be an object.".into(),
            InvalidJson => "Your request contains invalid JSON.".into(),
            BodyTooLarge => "The request body is larger than this server accepts.".into(),
            UrlTooLong => "The URL of the request is longer than this server accepts.".into(),
            HeadersTooLarge => "The headers of the request are larger than this server accepts.".into(),
            BodyTimeout => "The request body did not arrive in time.".into(),
            BadFolderPath => "'.' & '..' can not be used as folder-name".into(),
            NameTooLong(name) => format!("{name} parameter has a name of more than 255 bytes."),
            NameWithSlash(name) => format!("{name} parameter cannot have a slash."),
            RootNotAllowed(name) | SourceIsRoot(name) => format!("{name} cannot be root"),
            SameSourceAndDestination => "sourceFolderPath and destinationPath is same".into(),
            IntoItself => "This operation is not allowed because parent folder cannot be moved into child folder.".into(),
            SameName(name) => format!("{name} cannot be the same as its existing name."),
            SameFilePlace => "sourceFilePath and destinationPath cannot be same.".into(),
            NoSourceFile(path) => format!("No file found with filePath {path}"),
            NoFileAt(path) => format!("No file found in media library at filePath {path}"),
            FileTaken(name) => format!("File with name {name} already exists at the same location."),
            NoVersion => "The requested file version does not exist.".into(),
            CurrentVersion => "You cannot delete current version of a file.".into(),
            InvalidVersionId => "Your request contains invalid versionId parameter.".into(),
            NoFiles(_) => "The requested file(s) does not exist.".into(),
            NoList(name) => format!("{name} parameter is missing."),
            NotAList("fileIds") => "fileIds should be an Array.".into(),
            NotAList(name) => format!("{name} should be an array of strings."),
            EmptyList("fileIds") => "fileIds is empty.".into(),
            EmptyList(name) => format!("{name} array cannot be empty."),
            TooManyFileIds => "fileIds cannot have more than 100 items.".into(),
            TooManyEdits => "A maximum of 50 files can be edited at a time.".into(),
            BadAiTags => "Your request contains invalid value for AITags. Please provide an array of strings. Example - ['t-shirt','summer-sale'].".into(),
            BadCoordinates => "Your request contains invalid value for customCoordinates parameter.".into(),
            BadDescription => "Your request contains invalid value for description parameter.".into(),
            BadPurgeUrl => "The URL is not valid for cache purging.".into(),
            MissingParameters | InvalidParameters => "Your request is missing parameters / contains invalid parameters.".into(),
            NothingAtSource(path) => format!("No files & folder found at sourceFolderPath {path}"),
            NoFolder(path) => format!("No folder found with folderPath {path}"),
            FolderTaken(name) => format!("Folder with name {name} already exists at the same location."),
            NoFile => "The requested file does not exist.".into(),
            InvalidFileId => "Your request contains invalid fileId parameter.".into(),
            MissingUrl => "Your request is missing the url query paramater".into(),
            ForeignUrl => "The url should be accessible using your ImageKit.io account.".into(),
            TransformedUrl => "The url asks for a transformed file, and this server does not transform files yet. Send it without the transformation.".into(),
            CorruptFile => "The requested file is corrupt or invalid.".into(),
            NothingAtUrl => "The requested file does not exist or is inaccessible at this time.".into(),
            NoJob => "The requested job does not exist.".into(),
            NoPurgeRequest => "No request found for this requestId.".into(),
            NoRoute => "Not found".into(),
            NoKey => "Your request does not contain private API key.".into(),
            UnknownKey => "Your account cannot be authenticated.".into(),
            BothKeyAndSignature => "Your request contains both signature and basic auth parameter. Use only one method, you might be exposing your private API key.".into(),
            BothKeyAndToken => "Your request contains both token and basic auth parameter. Use only one method, you might be exposing your private API key.".into(),
            MissingFile => "Your request is missing file parameter.".into(),
            MissingFileName => "Your request is missing fileName parameter.".into(),
            FileTooLarge => "Your request contains invalid file parameter. The file size exceeds limits.".into(),
            BadFile(why) => format!("Your request contains invalid file parameter. {why}"),
            BadForm(why) => format!("Your request is not a valid multipart form. {why}"),
            TagsTooLong => "Your request contains invalid value for tags parameter. Combined length of all tags should be less than or equal to 500.".into(),
            FileExists => "A file with the same name already exists at the exact location. We could not overwrite it because both overwriteFile and useUniqueFileName are set to false.".into(),
            TooManyVersions => "A file cannot have more than 100 versions.".into(),
            SkipTooSmall(sent) => format!("The value of skip parameter should be greater than or equal to 0. Value sent is {sent}."),
            LimitTooSmall(sent) => format!("Minimum value of limit parameter is 1. Value sent is {sent}."),
            LimitTooLarge(sent) => format!("Maximum value of limit parameter is 1000. Value sent is {sent}."),
            BadSort => "Your request contains invalid value for sort parameters.".into(),
            BadType => "Your request contains invalid value for type parameter. Please provide one of the following: file, file-version, folder, all.".into(),
            BadFileType => "Your request contains invalid value for fileType parameter.".into(),
            InvalidParameter => "Your request is missing parameters / contains invalid parameters.".into(),
            BadSearchQuery(sentence) => sentence.clone(),
            BadUploadFolder => "'.' & '..' can not be used as folder-name".into(),
            PercentInTags => "Your request contains invalid value for tags parameter. Tags cannot contain a percent sign.".into(),
            TooManyObjects(max) => {
                format!("Total nested assets (files, folders and file versions) are more than allowed limit of {max} items.")
            }
            QueueFull => "Too many bulk jobs are waiting. Please try again later.".into(),
            MissingToken => "Your request is missing token parameter.".into(),
            BadToken => "Your request has invalid token.".into(),
            ExpiredToken => "Your request contains expired token.".into(),
            BadPayload => "Your request contains invalid payload. It does not match with the payload used to generate token.".into(),
            BadExpire => "Your request contains invalid expire parameter. Expire parameter should be a Unix time in less than 1 hour into the future.".into(),
            BadSignature => "Your request contains invalid signature.".into(),
            TokenUsed => "Your request contains a token that has already been used.".into(),
            TooManyUnproven => "Too many uploads without an API key are under way. Please try again later.".into(),
            NotDownloaded => "Your request contains invalid file parameter. The file could not be downloaded from the given URL.".into(),
            BadUploadParameter(name) => format!("Your request contains invalid value for {name} parameter."),
            BadTransformation => "The file could not be uploaded because the transformation field is invalid.".into(),
            NothingToTransform => "The file could not be uploaded because transformations are supported only for image and video files.".into(),
            WrongPostTransformation => "The file could not be uploaded because the detected file type & post-transformation are incompatible.".into(),
            NoTransformer => "The file could not be uploaded because this server does not transform files yet. Send it without the transformation field.".into(),
            BadChecks => "Your request contains invalid syntax for the checks parameter.".into(),
            FailedChecks => "Your request failed 'checks' validation.".into(),
            DiskFull => "The server has no room left for this request. Nothing was stored; free some disk space and send it again.".into(),
            InvalidCustomMetadata(_) => "Invalid custom metadata.".into(),
            InvalidFieldObject(_) => "Invalid field object".into(),
            InvalidSchemaObject(_) => "Invalid schema object".into(),
            FieldNameTaken => "A custom metadata field with this name already exists".into(),
            FieldLabelTaken => "A custom metadata field with this label already exists.".into(),
            NoFieldChange => "Either label or schema should be provided.".into(),
            FieldNameFixed => "Name cannot be updated.".into(),
            FieldDeleted => "Cannot update a deleted custom metadata fields.".into(),
            MissingFieldId => "Missing id parameter.".into(),
            InvalidFieldId => "Your request contains invalid ID parameter.".into(),
            NoField => "No such custom metadata field exists".into(),
            TooManyFields => format!("A library can have at most {FIELDS_MAX} custom metadata fields, and {FIELDS_EVER_MAX} with the deleted ones."),
            ExpiredKey => "Your request contains expired private API key.".into(),
            NotPermitted => "Your API key does not have permission to perform this action.".into(),
            NoKeyPair => "The requested key pair does not exist.".into(),
            MoreRights => "Your API key cannot give, roll or revoke rights that it does not have itself.".into(),
            LastFullKey => "Nobody could do everything without this key pair: it is the last with full rights. Create another one with full rights that works for a day at least, or roll this one with a grace period.".into(),
            KeyEnded => "The key pair has been rolled or revoked, or has expired. Create a new one.".into(),
            TooManyKeys => "There are too many active key pairs. Revoke some that are not needed.".into(),
            BadKeyName => "Your request contains invalid name parameter. It should have 1 to 100 characters and no control characters.".into(),
            BadKeyExpiry => "Your request contains invalid expiresAt parameter. It should be a time to come, such as 2030-01-31T12:00:00.000Z.".into(),
            BadGrace => "Your request contains invalid graceSeconds parameter. It should be a whole number from 0 to 7776000.".into(),
            BadRights(why) => format!("Your request contains invalid rights parameter. {why}"),
            RateLimited => "Your API key has sent more requests than this server allows in the interval. Please try again later.".into(),
        }
    }

    /// What the body has beside `message`, `help` and `reason`: key and value.
    pub fn details(&self) -> Option<(&'static str, Value)> {
        use Refusal::*;
        match self {
            InvalidCustomMetadata(faults) | InvalidFieldObject(faults) | InvalidSchemaObject(faults) => {
                Some(("errors", faults.to_json()))
            }
            NoFiles(missing) => Some(("missingFileIds", missing.clone().into())),
            _ => None,
        }
    }

    /// Whether the same request may succeed later; otherwise the reply tells SDKs not to send it again.
    pub fn may_pass_later(&self) -> bool {
        matches!(self, Refusal::QueueFull | Refusal::BodyTimeout | Refusal::TooManyUnproven | Refusal::RateLimited)
    }
}

impl Refusal {
    /// What is wrong with a single name.
    pub fn of_name(parameter: &'static str, fault: PathFault) -> Refusal {
        match fault {
            PathFault::LongSegment => Refusal::NameTooLong(parameter),
            PathFault::BadSegment | PathFault::TooDeep => Refusal::BadFolderPath,
        }
    }
}

impl From<crate::model::rights::BadRights> for Refusal {
    fn from(bad: crate::model::rights::BadRights) -> Refusal {
        Refusal::BadRights(bad.0)
    }
}

impl From<TagsError> for Refusal {
    fn from(error: TagsError) -> Refusal {
        match error {
            TagsError::TooLong => Refusal::TagsTooLong,
            TagsError::PercentSign => Refusal::PercentInTags,
        }
    }
}

impl From<PathFault> for Refusal {
    fn from(_: PathFault) -> Refusal {
        Refusal::BadFolderPath
    }
}

impl Error {
    /// Whether the catalog or the blob store ran out of room.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Error::Refused(refusal) => *refusal == Refusal::DiskFull,
            Error::Blobs(BlobError::DiskFull(_)) => true,
            Error::Shared(error) => error.is_disk_full(),
            // SQLSTATE 53100 of PostgreSQL.
            Error::Catalog(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "53100"),
            // SQLite tells a full disk under the log as a plain I/O error, so that is counted too: waiting is right for both.
            Error::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                matches!(error.code, rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure)
            }
            _ => false,
        }
    }
}
