//! What the API answers, as types: for the document only, because the handlers write their JSON by hand (some keys
//! are left out where they do not apply). The recorded examples and the contract test of the document hold both
//! together.
#![expect(dead_code, reason = "the types are read by the derive, not built")]

use utoipa::ToSchema;

use super::metadata_schemas::Metadata;

/// 24 lower-case hexadecimal digits.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9a-f]{24}$")]
pub struct Id(String);

/// A moment in UTC, to the millisecond: `2026-11-23T17:05:09.120Z`.
#[derive(ToSchema)]
#[schema(format = DateTime)]
pub struct Time(String);

/// What a call answers that has nothing to tell: `{}`.
#[derive(ToSchema)]
pub struct Nothing {}

/// Every 4xx and 5xx has this body.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Error {
    /// What is wrong, for people.
    message: String,
    /// Where to find help.
    help: String,
    /// A fixed code for programs, where the call has any.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The ids that no file has; only of calls for several files.
    #[schema(nullable = false)]
    missing_file_ids: Option<Vec<String>>,
    /// What is wrong with which value; only where custom metadata is refused.
    #[schema(nullable = false, value_type = Option<Object>)]
    errors: Option<()>,
}

/// A version's id and number. The first version has the id of its file.
#[derive(ToSchema)]
pub struct VersionInfo {
    id: Id,
    /// `Version 1`, `Version 2` and so on; a number is never given twice.
    name: String,
}

/// A tag that was found automatically.
#[derive(ToSchema)]
pub struct AiTag {
    name: String,
    /// From 0 to 100.
    confidence: f64,
    source: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum FileKind {
    /// The current version.
    File,
    /// An older one.
    FileVersion,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum FileType {
    Image,
    NonImage,
}

/// Of videos and recordings, as far as it is known.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Playback {
    /// Of the whole file, in kbit/s.
    #[schema(nullable = false, minimum = 1)]
    bit_rate: Option<i64>,
    /// In seconds, rounded.
    #[schema(nullable = false, minimum = 1)]
    duration: Option<i64>,
    /// By the name that FFmpeg gives it, such as `h264`.
    #[schema(nullable = false)]
    video_codec: Option<String>,
    /// Likewise, such as `aac`.
    #[schema(nullable = false)]
    audio_codec: Option<String>,
}

/// A file, or one of its older versions.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct FileObject {
    /// Shared by all versions of a file.
    file_id: Id,
    name: String,
    /// Folder and name, with a leading slash.
    file_path: String,
    /// Where the bytes are. An older version's URL names it by a token.
    #[schema(format = "uri")]
    url: String,
    file_type: FileType,
    /// In bytes.
    #[schema(minimum = 0)]
    size: i64,
    version_info: VersionInfo,
    /// Of pictures and videos, in pixels.
    #[schema(nullable = false)]
    height: Option<i64>,
    /// Of pictures and videos, in pixels.
    #[schema(nullable = false)]
    width: Option<i64>,
    #[serde(flatten)]
    playback: Playback,
    r#type: FileKind,
    /// `null` when there are none.
    #[schema(required)]
    tags: Option<Vec<String>>,
    /// `x,y,width,height` in pixels.
    #[schema(required)]
    custom_coordinates: Option<String>,
    is_private_file: bool,
    is_published: bool,
    #[schema(value_type = Object)]
    custom_metadata: (),
    /// What a picture says of itself: EXIF, IPTC and XMP, merged, with exiftool's names. `null` when it says nothing.
    #[schema(required, value_type = Option<Object>)]
    embedded_metadata: Option<()>,
    #[schema(required, rename = "AITags")]
    ai_tags: Option<Vec<AiTag>>,
    #[schema(nullable = false)]
    description: Option<String>,
    /// The media type, from the bytes.
    mime: String,
    #[schema(format = "uri")]
    thumbnail: String,
    created_at: Time,
    updated_at: Time,
    /// Of pictures.
    #[schema(nullable = false)]
    has_alpha: Option<bool>,
}

/// A file after a change.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Changed {
    #[serde(flatten)]
    file: FileObject,
    /// Of the extensions that were asked for, by name.
    #[schema(nullable = false, value_type = Option<Object>)]
    extension_status: Option<()>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub enum FolderKind {
    Folder,
}

/// A folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct FolderObject {
    folder_id: Id,
    r#type: FolderKind,
    name: String,
    /// With a leading slash and none at the end.
    folder_path: String,
    created_at: Time,
    updated_at: Time,
    #[schema(value_type = Object)]
    custom_metadata: (),
}

/// A file, an older version of one, or a folder; told apart by `type`.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "never built")]
pub enum Asset {
    File(FileObject),
    Folder(FolderObject),
}

/// The answer to an upload.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Uploaded {
    file_id: Id,
    /// As stored: cleaned under `/api/v1`, and with a suffix when a unique name was asked for.
    name: String,
    file_path: String,
    #[schema(format = "uri")]
    url: String,
    file_type: FileType,
    /// In bytes.
    #[schema(minimum = 0)]
    size: i64,
    version_info: VersionInfo,
    #[schema(nullable = false)]
    height: Option<i64>,
    #[schema(nullable = false)]
    width: Option<i64>,
    #[serde(flatten)]
    playback: Playback,
    #[schema(required, rename = "AITags")]
    ai_tags: Option<Vec<AiTag>>,
    #[schema(nullable = false)]
    description: Option<String>,
    /// Of pictures.
    #[schema(nullable = false, format = "uri")]
    thumbnail_url: Option<String>,
    /// On request, as all that follow.
    tags: Option<Vec<String>>,
    custom_coordinates: Option<String>,
    #[schema(nullable = false)]
    is_private_file: Option<bool>,
    #[schema(nullable = false)]
    is_published: Option<bool>,
    #[schema(nullable = false, value_type = Option<Object>)]
    custom_metadata: Option<()>,
    #[schema(value_type = Option<Object>)]
    embedded_metadata: Option<()>,
    #[schema(nullable = false)]
    metadata: Option<Metadata>,
    #[schema(nullable = false, value_type = Option<Object>)]
    selected_fields_schema: Option<()>,
    /// Of the extensions that were asked for, by name.
    #[schema(nullable = false, value_type = Option<Object>)]
    extension_status: Option<()>,
}

/// Files that are deleted now.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Deleted {
    successfully_deleted_file_ids: Vec<Id>,
}

/// Files whose tags are changed now.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Tagged {
    successfully_updated_file_ids: Vec<Id>,
}

/// One file whose tags stay as they were.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct TagFailure {
    file_id: Id,
    error: String,
}

/// The tags of some files are changed, those of others are not.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PartlyTagged {
    successfully_updated_file_ids: Vec<Id>,
    errors: Vec<TagFailure>,
    message: String,
    help: String,
}

/// The answer to a rename: empty, or with the purge that was asked for.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Renamed {
    #[schema(nullable = false)]
    purge_request_id: Option<Id>,
}

/// A purge that was accepted.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PurgeAccepted {
    request_id: Id,
}

/// Whether something that was asked for is done.
#[derive(ToSchema)]
pub enum Status {
    Pending,
    Completed,
}

/// How far a purge is.
#[derive(ToSchema)]
pub struct PurgeStatus {
    status: Status,
}

/// A job that was accepted: it is durable and will be done.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct JobAccepted {
    job_id: Id,
}

#[derive(ToSchema)]
pub enum JobKind {
    #[serde(rename = "COPY_FOLDER")]
    Copy,
    #[serde(rename = "MOVE_FOLDER")]
    Move,
    #[serde(rename = "RENAME_FOLDER")]
    Rename,
}

/// A job, as clients of the contract know it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct JobStatus {
    job_id: Id,
    r#type: JobKind,
    status: Status,
    /// Only of a rename with `purgeCache`, once it is completed.
    #[schema(nullable = false)]
    purge_request_id: Option<Id>,
}

/// The steps of a job, in their order.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum JobPhase {
    Start,
    CloneFolders,
    ClonePastFolders,
    CloneFiles,
    ClonePastFiles,
    Publish,
    MergeFiles,
    MergeFolders,
    Close,
    Swap,
    Done,
}

/// What a job has done so far.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct JobCounts {
    folders: i64,
    files: i64,
    older_versions: i64,
    /// Files that could not be taken along; why is in `failures`.
    left_behind: i64,
}

/// A file that a job left where it was.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct JobFailure {
    name: String,
    /// Where it stayed, or of a copy, where it was copied from; `null` when the folder has been deleted since.
    #[schema(required)]
    folder_path: Option<String>,
    reason: String,
}

/// All that is known of a job.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct JobReport {
    job_id: Id,
    r#type: JobKind,
    status: Status,
    phase: JobPhase,
    source_folder_path: String,
    /// The folder that the source is put into.
    destination_path: String,
    /// The name it has there.
    target_name: String,
    include_versions: bool,
    counts: JobCounts,
    /// Why the job could do nothing, if so.
    #[schema(required)]
    failure: Option<String>,
    /// The first 100.
    failures: Vec<JobFailure>,
    /// Whether more was left behind than `failures` tells.
    failures_truncated: bool,
    submitted_at: Time,
    #[schema(required)]
    started_at: Option<Time>,
    #[schema(required)]
    completed_at: Option<Time>,
}

#[derive(ToSchema)]
pub enum FieldType {
    Text,
    Textarea,
    Number,
    Date,
    Boolean,
    SingleSelect,
    MultiSelect,
}

/// What values a field takes. Which keys there are depends on `type`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct FieldSchema {
    r#type: FieldType,
    /// Files without a value get the default one.
    #[schema(nullable = false)]
    is_value_required: Option<bool>,
    /// A value of the field.
    #[schema(nullable = false)]
    default_value: Option<serde_json::Value>,
    /// Of `Text` and `Textarea`, in characters.
    #[schema(nullable = false, minimum = 0)]
    min_length: Option<i64>,
    /// Of `Text` and `Textarea`, in characters.
    #[schema(nullable = false, minimum = 0)]
    max_length: Option<i64>,
    /// Of `Number` and `Date`: a number, or a time.
    #[schema(nullable = false)]
    min_value: Option<serde_json::Value>,
    /// Of `Number` and `Date`: a number, or a time.
    #[schema(nullable = false)]
    max_value: Option<serde_json::Value>,
    /// Of `SingleSelect` and `MultiSelect`: texts, numbers, `true` and `false`, mixed as you like.
    #[schema(nullable = false)]
    select_options: Option<Vec<serde_json::Value>>,
}

/// A custom metadata field.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Field {
    id: Id,
    /// The key in the `customMetadata` of files.
    name: String,
    /// For people.
    label: String,
    schema: FieldSchema,
    #[schema(nullable = false)]
    description: Option<String>,
    /// Only of deleted fields, which are listed on request.
    #[schema(nullable = false)]
    is_deleted: Option<bool>,
}

/// Whether the server runs.
#[derive(ToSchema)]
pub struct Health {
    status: String,
}

/// Whether the server can work: `ok`, or what is wrong with a part.
#[derive(ToSchema)]
pub struct Readiness {
    /// `ready`, `not ready` or `stopping`.
    status: String,
    catalog: String,
    blobs: String,
}
