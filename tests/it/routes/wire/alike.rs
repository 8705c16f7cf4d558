//! Calls that SDKs of several languages make alike, but for the type of their bodies.

use super::*;

pub const fn add_tags(content_type: &'static str) -> Call {
    let body = Body::Text(content_type, r#"{"fileIds":["<tagged>"],"tags":["z"]}"#);
    call("add tags", "POST /v1/files/addTags", body, 200).reads(UPDATED)
}

pub const fn remove_tags(content_type: &'static str) -> Call {
    let body = Body::Text(content_type, r#"{"fileIds":["<tagged>"],"tags":["x"]}"#);
    call("remove tags", "POST /v1/files/removeTags", body, 200).reads(UPDATED)
}

pub const fn remove_ai_tags(content_type: &'static str) -> Call {
    let body = Body::Text(content_type, r#"{"fileIds":["<tagged>"],"AITags":["t"]}"#);
    call("remove AI tags", "POST /v1/files/removeAITags", body, 200).reads(UPDATED)
}

pub const fn copy_file(content_type: &'static str) -> Call {
    let text = r#"{"sourceFilePath":"/w/copied.bin","destinationPath":"/copies","includeFileVersions":true}"#;
    call("copy file", "POST /v1/files/copy", Body::Text(content_type, text), 204).leaves(&[(
        "/v1/files?path=/copies",
        "/0/name",
        "\"copied.bin\"",
    )])
}

pub const fn delete_files(content_type: &'static str) -> Call {
    let body = Body::Text(content_type, r#"{"fileIds":["<bulk>"]}"#);
    call("delete files in bulk", "POST /v1/files/batch/deleteByFileIds", body, 200).reads(DELETED)
}

pub const fn purge(content_type: &'static str) -> Call {
    let body = Body::Text(content_type, r#"{"url":"<url>"}"#);
    call("purge cache", "POST /v1/files/purge", body, 201).reads(PURGE).keeps("purge", "/requestId")
}

pub const FILE_METADATA: Call = call("file metadata", "GET /v1/files/<main>/metadata", Body::None, 200).reads(METADATA);

pub const PHOTO_METADATA: Call = call("file metadata", "GET /v1/files/<photo>/metadata", Body::None, 200).reads(PHOTO);

/// As most current clients ask: the whole URL is escaped, its colons and slashes too.
pub const URL_METADATA: Call =
    call("metadata of a URL", "GET /v1/metadata?url=<url-in-form>", Body::None, 200).reads(METADATA);

/// As older clients ask: they put the URL behind the path as it is.
pub const BARE_URL_METADATA: Call =
    call("metadata of a URL", "GET /v1/metadata?url=<url>", Body::None, 200).reads(METADATA);

pub const fn create_field(content_type: &'static str) -> Call {
    let text = r#"{"name":"n","label":"N","schema":{"type":"Number","minValue":1,"maxValue":9}}"#;
    call("create custom field", "POST /v1/customMetadataFields", Body::Text(content_type, text), 201)
        .reads(&[("/id", Kind::Text), ("/schema/type", Kind::Is("\"Number\""))])
        .keeps("field", "/id")
}

/// A list of files, asked for as the client does, with a key that nobody has.
pub const fn wrong_key(line: &'static str, body: Body) -> Call {
    call("errors, wrong key", line, body, 403).key("private_nobody").reads(REFUSED)
}
