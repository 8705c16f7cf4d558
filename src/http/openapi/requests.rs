//! What the API is asked, as types: bodies and parameters as they should be sent. The server reads more spellings than
//! these; what it tolerates for clients of older generations is told in the text of the document, not here.
#![expect(dead_code, reason = "the types are read by the derive, not built")]

use utoipa::{IntoParams, ToSchema};

use super::key_schemas::Rights;
use super::schemas::{FieldSchema, Id, Time};

/// The file of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct FileId {
    file_id: Id,
}

/// The file and the version of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct VersionId {
    file_id: Id,
    version_id: Id,
}

/// The job of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct JobId {
    job_id: Id,
}

/// The purge of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct PurgeId {
    request_id: Id,
}

/// A file by its URL.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryUrl {
    /// As `url` of a file has it, without a transformation.
    url: String,
}

/// A file by its place.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Place {
    /// Folder and name.
    path: String,
}

/// Which version of it, in which form, and the proof that the caller may have it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Delivery {
    /// Names an older version, as in the `url` of one.
    #[param(rename = "ik-obj-version")]
    version: Option<String>,
    /// `orig-true` is the original. Nothing is transformed yet; the original of a public file stands in.
    tr: Option<String>,
    /// `true` makes browsers save the file.
    #[param(rename = "ik-attachment")]
    attachment: Option<String>,
    /// The signature of the URL.
    #[param(rename = "ik-s")]
    signature: Option<String>,
    /// When the signature ends, in seconds since 1970.
    #[param(rename = "ik-t")]
    expires: Option<String>,
}

/// Which part of it, and whether at all.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Conditions {
    /// Ranges of bytes, as `bytes=0-1023`.
    #[param(rename = "Range")]
    range: Option<String>,
    /// The `ETag` that is known already.
    #[param(rename = "If-None-Match")]
    known: Option<String>,
    /// `gzip` or `br`: text goes out compressed, unless it is asked for with `tr=orig-true`.
    #[param(rename = "Accept-Encoding")]
    codings: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum ListType {
    /// Current versions.
    File,
    /// Older versions.
    FileVersion,
    Folder,
    /// Files and folders.
    All,
}

#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
pub enum ListFileType {
    All,
    Image,
    NonImage,
}

#[derive(ToSchema)]
#[schema(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ListSort {
    AscCreated,
    DescCreated,
    AscName,
    DescName,
    AscUpdated,
    DescUpdated,
    AscSize,
    DescSize,
    AscHeight,
    DescHeight,
    AscWidth,
    DescWidth,
    AscRelevance,
    DescRelevance,
}

/// Which page of what to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct List {
    /// Lists this folder only, not what lies in folders below it. Without it, the whole library.
    path: Option<String>,
    /// Older versions are listed by `file-version` only.
    #[param(inline, default = "file")]
    r#type: Option<ListType>,
    #[param(inline, default = "all")]
    file_type: Option<ListFileType>,
    #[param(inline, default = "ASC_CREATED")]
    sort: Option<ListSort>,
    /// How many of the first entries to leave out.
    #[param(minimum = 0, default = 0)]
    skip: Option<i64>,
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<i64>,
    /// A search, such as `size > "1mb" AND tags IN ["summer"]`. With it `type`, `name`, `tags` and `includeFolder` do not
    /// count. Its fields are `name`, `path`, `type`, `id`, `tags`, `createdAt`, `updatedAt`, `height`, `width`, `size`,
    /// `format`, `private`, `published`, `transparency`, `description`, `"customMetadata.…"` and `"embeddedMetadata.…"`,
    /// such as `"embeddedMetadata.Keywords"`; its operators `=`, `:`, `<`, `<=`, `>`, `>=`, `IN`, `HAS`, `EXISTS` and `NOT`.
    search_query: Option<String>,
    /// Files and folders of exactly this name.
    name: Option<String>,
    /// Files with any of these tags, separated by commas.
    tags: Option<String>,
    /// Folders too, as `type=all`.
    include_folder: Option<bool>,
}

/// The fields of an upload.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Upload {
    /// The bytes. A part without a file name, or with an empty one, may also be text that stands for them: a URL to
    /// fetch, base64 or a data URI.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The name to store it under. `/api/v1` replaces what is not a letter, mark, numeral, `.`, `_` or `-` by `_`;
    /// `/api/v2` keeps it as it is.
    #[schema(min_length = 1)]
    file_name: String,
    /// Made with its parents if it does not exist.
    #[schema(nullable = false, default = "/")]
    folder: Option<String>,
    /// Adds a random suffix to the name. Without it, a file of that name gets a new version.
    #[schema(nullable = false, default = true)]
    use_unique_file_name: Option<bool>,
    /// Without this and `useUniqueFileName`, a taken name is refused.
    #[schema(nullable = false, default = true)]
    overwrite_file: Option<bool>,
    /// Separated by commas; together at most 500 characters, without `%`.
    #[schema(nullable = false)]
    tags: Option<String>,
    /// Whether a new version without `tags` starts without those that the version before it had.
    #[schema(nullable = false, default = true)]
    overwrite_tags: Option<bool>,
    #[schema(nullable = false, default = true, rename = "overwriteAITags")]
    overwrite_ai_tags: Option<bool>,
    /// A JSON object: values by the names of custom metadata fields.
    #[schema(nullable = false)]
    custom_metadata: Option<String>,
    #[schema(nullable = false, default = true)]
    overwrite_custom_metadata: Option<bool>,
    /// `x,y,width,height` in pixels.
    #[schema(nullable = false, pattern = "^[0-9]{1,5},[0-9]{1,5},[0-9]{1,5},[0-9]{1,5}$")]
    custom_coordinates: Option<String>,
    #[schema(nullable = false, max_length = 5000)]
    description: Option<String>,
    /// A private file is delivered to signed URLs only.
    #[schema(nullable = false, default = false)]
    is_private_file: Option<bool>,
    /// A file that is not published is not delivered.
    #[schema(nullable = false, default = true)]
    is_published: Option<bool>,
    /// Conditions that the upload must meet, such as `"file.size" < "1mb"`, in the language of searches. Its variables are
    /// `request.folder`, `request.fileName`, `request.tags`, `request.isPrivateFile`, `request.useUniqueFileName`,
    /// `request.customMetadata.…`, `file.size`, `file.mime`, `file.format`, `file.width`, `file.height`, `file.duration` in
    /// seconds, to the millisecond, and `mediaMetadata.…`.
    #[schema(nullable = false)]
    checks: Option<String>,
    /// A JSON array. There are no extensions here, so each that is known is answered as `failed` under
    /// `extensionStatus`.
    #[schema(nullable = false)]
    extensions: Option<String>,
    /// What else to answer, separated by commas: `tags`, `customCoordinates`, `isPrivateFile`, `isPublished`,
    /// `customMetadata`, `embeddedMetadata`, `metadata`, `selectedFieldsSchema`.
    #[schema(nullable = false)]
    response_fields: Option<String>,
    /// Instead of the key: used once; under `/api/v2` a JWT over all other fields, and the only field of the four.
    #[schema(nullable = false)]
    token: Option<String>,
    /// Seconds since 1970, less than an hour ahead.
    #[schema(nullable = false)]
    expire: Option<String>,
    /// HMAC-SHA1 of `token` and `expire` under the private key, in hexadecimal digits.
    #[schema(nullable = false)]
    signature: Option<String>,
    #[schema(nullable = false)]
    public_key: Option<String>,
}

/// Whether a file is delivered.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Publish {
    is_published: bool,
    /// Of all versions, not only of the current one.
    #[schema(nullable = false, default = false)]
    include_file_versions: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Every {
    All,
}

/// Automatic tags by name, or all of them.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum RemovedAiTags {
    Named(Vec<String>),
    Every(Every),
}

/// What to change. A missing key leaves a thing as it is, `null` takes it away.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Changes {
    /// Replaces all tags. Together at most 500 characters, without `%`.
    tags: Option<Vec<String>>,
    #[schema(rename = "removeAITags", nullable = false)]
    remove_ai_tags: Option<RemovedAiTags>,
    /// `x,y,width,height` in pixels.
    custom_coordinates: Option<String>,
    /// Values by the names of custom metadata fields. `null` takes one away, those not named stay.
    #[schema(nullable = false, value_type = Option<Object>)]
    custom_metadata: Option<()>,
    #[schema(max_length = 5000)]
    description: Option<String>,
    #[schema(nullable = false)]
    publish: Option<Publish>,
    /// There are no extensions here, so each that is known is answered as `failed` under `extensionStatus`.
    #[schema(nullable = false)]
    extensions: Option<Vec<Extension>>,
    /// Where results should go: an http or https URL. Nothing is sent to it yet.
    #[schema(nullable = false, format = "uri")]
    webhook_url: Option<String>,
}

/// What is asked of an extension.
#[derive(ToSchema)]
pub struct Extension {
    /// Such as `remove-bg` or `google-auto-tagging`.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Which files.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Files {
    #[schema(min_items = 1, max_items = 100)]
    file_ids: Vec<Id>,
}

/// Which files, and which tags.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Tags {
    #[schema(min_items = 1, max_items = 50)]
    file_ids: Vec<Id>,
    #[schema(min_items = 1)]
    tags: Vec<String>,
}

/// Which files, and which automatic tags.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AiTags {
    #[schema(min_items = 1, max_items = 50)]
    file_ids: Vec<Id>,
    #[schema(min_items = 1, rename = "AITags")]
    ai_tags: Vec<String>,
}

/// Which file goes into which folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CopyFile {
    source_file_path: String,
    /// A folder, made with its parents if it does not exist.
    destination_path: String,
    /// Takes all versions along, not only the current one.
    #[schema(nullable = false, default = false)]
    include_file_versions: Option<bool>,
}

/// Which file goes into which folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MoveFile {
    source_file_path: String,
    /// A folder, made with its parents if it does not exist.
    destination_path: String,
}

/// Which file gets which name.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RenameFile {
    file_path: String,
    new_file_name: String,
    /// Purges the old URL from caches.
    #[schema(nullable = false, default = false)]
    purge_cache: Option<bool>,
}

/// What to purge.
#[derive(ToSchema)]
pub struct Purge {
    /// A URL of this library; a `*` at its end stands for all that begin like it.
    url: String,
}

/// A new folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreateFolder {
    #[schema(min_length = 1)]
    folder_name: String,
    /// `/` is the top. Made with its parents if it does not exist.
    parent_folder_path: String,
}

/// A folder by its path.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeleteFolder {
    folder_path: String,
}

/// Which folder goes into which.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CopyFolder {
    source_folder_path: String,
    /// The folder that the source is put into; made with its parents if it does not exist.
    destination_path: String,
    /// Takes all versions of the files along, not only the current ones. `includeFileVersions` is the same.
    #[schema(nullable = false, default = false)]
    include_versions: Option<bool>,
}

/// Which folder goes into which.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct MoveFolder {
    source_folder_path: String,
    /// The folder that the source is put into; made with its parents if it does not exist.
    destination_path: String,
}

/// Which folder gets which name.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RenameFolder {
    folder_path: String,
    /// A name, not a path.
    #[schema(min_length = 1)]
    new_folder_name: String,
    /// Purges the old URLs from caches.
    #[schema(nullable = false, default = false)]
    purge_cache: Option<bool>,
}

/// The field of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct FieldId {
    id: Id,
}

/// Which fields to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ListFields {
    #[param(default = false)]
    include_deleted: Option<bool>,
}

/// A new custom metadata field.
#[derive(ToSchema)]
pub struct CreateField {
    /// The key in the `customMetadata` of files. It is never free again, not even when the field is deleted.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// For people; no two fields have the same.
    #[schema(min_length = 1, max_length = 255)]
    label: String,
    schema: FieldSchema,
    #[schema(nullable = false, max_length = 500)]
    description: Option<String>,
}

/// What to change of a field; at least one of these.
#[derive(ToSchema)]
pub struct UpdateField {
    #[schema(nullable = false, min_length = 1, max_length = 255)]
    label: Option<String>,
    /// Replaces the whole schema. The type stays, whatever is sent.
    #[schema(nullable = false)]
    schema: Option<FieldSchema>,
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// The key pair of a route.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub struct KeyId {
    id: Id,
}

/// A new key pair.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CreateKey {
    /// `full`, or what the pair may do in each area; areas that are not named are `none`.
    rights: Rights,
    /// For people.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// When the pair ends by itself.
    #[schema(nullable = false)]
    expires_at: Option<Time>,
}

/// How to roll a pair.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RollKey {
    /// How long the old pair goes on working.
    #[schema(nullable = false, minimum = 0, maximum = 7776000)]
    grace_seconds: Option<i64>,
    /// When the new pair ends by itself.
    #[schema(nullable = false)]
    expires_at: Option<Time>,
}
