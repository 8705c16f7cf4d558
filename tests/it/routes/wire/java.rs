//! Java: 3.x over OkHttp with a multipart writer of its own, and 2.0.x over OkHttp and Gson.

use super::*;

#[tokio::test]
async fn java_current() {
    CURRENT.runs().await;
}

#[tokio::test]
async fn java_legacy() {
    LEGACY.runs().await;
}

pub const CURRENT: Client = Client {
    name: "Java 3",
    headers: "Accept: application/json\nUser-Agent: ImageKit/Java 3.3.0\nX-Stainless-Arch: x64\nX-Stainless-Lang: java\n\
              X-Stainless-OS: Linux\nX-Stainless-Package-Version: 3.3.0\nX-Stainless-Retry-Count: 0\nX-Stainless-Runtime: JRE\n\
              Accept-Encoding: gzip",
    password: "do_not_set",
    bodyless_type: None,
    calls: &[UPLOADS, &[alike::URL_METADATA], current::CALLS],
};

/// Every part has a type; a file has a name only if the caller gave one; a stream has no length.
const UPLOADS: &[Call] = &[
    call(
        "upload, binary",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a60",
            "8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a60",
            &[
                ("Content-Disposition: form-data; name=\"file\"\nContent-Type: application/octet-stream", Content::Picture),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Type: text/plain", Content::Text("a.png")),
                ("Content-Disposition: form-data; name=\"folder\"\nContent-Type: text/plain", Content::Text("/up")),
                ("Content-Disposition: form-data; name=\"tags\"\nContent-Type: text/plain", Content::Text("red,big")),
                ("Content-Disposition: form-data; name=\"useUniqueFileName\"\nContent-Type: text/plain", Content::Text("false")),
                ("Content-Disposition: form-data; name=\"responseFields\"\nContent-Type: text/plain", Content::Text("tags,isPrivateFile")),
                ("Content-Disposition: form-data; name=\"extra[sub]\"\nContent-Type: application/octet-stream", Content::Text("1")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED)
    .leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]),
    call(
        "upload, stream",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a61",
            "8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a61",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"; filename=\"x.png\"\nContent-Type: application/octet-stream",
                    Content::Picture,
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Type: text/plain", Content::Text("b.png")),
            ],
            Framing::Chunks,
        ),
        200,
    )
    .reads(UPLOADED),
    call(
        "upload, base64",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a62",
            "8c5d1d44-55ab-4a8f-9a6c-2d3f5a1f9a62",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"\nContent-Type: application/octet-stream",
                    Content::Text(PICTURE_TEXT),
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Type: text/plain", Content::Text("c.png")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED),
];

pub const LEGACY: Client = Client {
    name: "Java 2.0",
    headers: "User-Agent: okhttp/4.9.1\nAccept-Encoding: application/json",
    password: "",
    bodyless_type: Some(BARE),
    calls: &[LEGACY_UPLOADS, LEGACY_FILES, LEGACY_FOLDERS],
};

/// The request's own type stands where there is no body; a text body brings its character set.
const BARE: &str = "application/json";
const TYPE: &str = "application/json; charset=utf-8";
const BOUNDARY: &str = "randomBoundary-------------------";
const FORM_DATA: &str = "multipart/form-data; boundary=randomBoundary-------------------";

/// Bytes are sent as base64, flags only when they are true, each part with its length.
const LEGACY_UPLOADS: &[Call] = &[LEGACY_BASE64, LEGACY_URL];

const LEGACY_BASE64: Call = call(
    "upload, base64",
    "POST /api/v1/files/upload",
    Body::Parts(
        FORM_DATA,
        BOUNDARY,
        &[
            ("Content-Disposition: form-data; name=\"file\"\nContent-Length: 96", Content::Text(PICTURE_TEXT)),
            ("Content-Disposition: form-data; name=\"fileName\"\nContent-Length: 5", Content::Text("a.png")),
            ("Content-Disposition: form-data; name=\"useUniqueFileName\"\nContent-Length: 5", Content::Text("false")),
            ("Content-Disposition: form-data; name=\"tags\"\nContent-Length: 7", Content::Text("red,big")),
            ("Content-Disposition: form-data; name=\"folder\"\nContent-Length: 3", Content::Text("/up")),
            ("Content-Disposition: form-data; name=\"overwriteTags\"\nContent-Length: 4", Content::Text("true")),
        ],
        Framing::Length,
    ),
    200,
)
.reads(UPLOADED)
.leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]);

const LEGACY_URL: Call = call(
    "upload, URL",
    "POST /api/v1/files/upload",
    Body::Parts(
        FORM_DATA,
        BOUNDARY,
        &[
            ("Content-Disposition: form-data; name=\"file\"\nContent-Length: <url-length>", Content::Text("<url>")),
            ("Content-Disposition: form-data; name=\"fileName\"\nContent-Length: 5", Content::Text("b.png")),
            ("Content-Disposition: form-data; name=\"useUniqueFileName\"\nContent-Length: 4", Content::Text("true")),
        ],
        Framing::Length,
    ),
    200,
)
.reads(UPLOADED);

const LEGACY_FILES: &[Call] = &[
    call("list files", "GET /v1/files?path=/w&limit=10&sort=ASC_NAME", Body::None, 200).reads(&[
        ("/0/name", Kind::Is("\"bulk.bin\"")),
        ("/0/isPrivateFile", Kind::Flag),
        ("/0/size", Kind::Integer),
    ]),
    call(
        "list files, search",
        "GET /v1/files?searchQuery=name%20=%20%22main.png%22%20AND%20type%20=%20%22file%22&path=/w",
        Body::None,
        200,
    )
    .reads(&[("/0/name", Kind::Is("\"main.png\""))]),
    call("file details", "GET /v1/files/<main>/details", Body::None, 200).reads(FILE),
    // Not of the photograph: Gson reads its exposure compensation, a third of a stop, into an `int`, and fails.
    alike::FILE_METADATA,
    alike::BARE_URL_METADATA,
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details",
        Body::Text(TYPE, r#"{"fileId":"<tagged>","tags":["x","y"],"customCoordinates":"0,0,1,1"}"#),
        200,
    )
    .reads(&[("/tags", Kind::Is(r#"["x","y"]"#)), ("/fileId", Kind::Text)]),
    alike::add_tags(TYPE),
    alike::remove_tags(TYPE),
    alike::remove_ai_tags(TYPE),
    alike::copy_file(TYPE),
    call(
        "move file",
        "POST /v1/files/move",
        Body::Text(TYPE, r#"{"sourceFilePath":"/w/moved.bin","destinationPath":"/moves"}"#),
        204,
    )
    .leaves(&[("/v1/files/<moved>/details", "/filePath", "\"/moves/moved.bin\"")]),
    call(
        "rename file",
        "PUT /v1/files/rename",
        Body::Text(TYPE, r#"{"filePath":"/w/renamed.bin","newFileName":"new.bin","purgeCache":true}"#),
        200,
    )
    .reads(&[("", Kind::Keys(&["purgeRequestId"]))]),
    call("list versions", "GET /v1/files/<main>/versions", Body::None, 200).reads(&[("/1/versionInfo/id", Kind::Text)]),
    call("version details", "GET /v1/files/<main>/versions/<main>", Body::None, 200).reads(FILE),
    call("restore version", "PUT /v1/files/<main>/versions/<main>/restore", Body::Text(TYPE, ""), 200).reads(FILE),
    call("delete version", "DELETE /v1/files/<main>/versions/<second>", Body::None, 204),
    call("delete file", "DELETE /v1/files/<deleted>", Body::None, 204),
    alike::delete_files(TYPE),
    alike::purge(TYPE),
    call("purge status", "GET /v1/files/purge/<purge>", Body::None, 200).reads(PURGED),
    call("errors, unknown file", "GET /v1/files/ffffffffffffffffffffffff/versions", Body::None, 404).reads(REFUSED),
    alike::wrong_key("GET /v1/files?path=/w&limit=10", Body::None),
];

const LEGACY_FOLDERS: &[Call] = &[
    call(
        "create folder",
        "POST /v1/folder/",
        Body::Text(TYPE, r#"{"folderName":"made","parentFolderPath":"/folders"}"#),
        201,
    )
    .reads(EMPTY),
    call("delete folder", "DELETE /v1/folder/", Body::Text(TYPE, r#"{"folderPath":"/gone"}"#), 204).leaves(&[(
        "/v1/files?path=/gone",
        "/0",
        "absent",
    )]),
    // A bug of this SDK: its copy asks for a move. It gets what it asks for.
    call(
        "copy folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/tree","destinationPath":"/c","includeFileVersions":true}"#),
        200,
    )
    .reads(JOB)
    .keeps("job", "/jobId")
    .leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\""), ("/v1/files?path=/tree", "/0", "absent")]),
    call("job status", "GET /v1/bulkJobs/<job>", Body::None, 200).reads(STATUS),
    call(
        "move folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/moving","destinationPath":"/m"}"#),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/m/moving", "/0/name", "\"b.bin\"")]),
    alike::create_field(TYPE),
    call("list custom fields", "GET /v1/customMetadataFields?includeDeleted=false", Body::None, 200)
        .reads(&[("/0/id", Kind::Text)]),
    call(
        "update custom field",
        "PATCH /v1/customMetadataFields/<field>",
        Body::Text(TYPE, r#"{"id":"<field>","label":"M","schema":{"minValue":2,"maxValue":8}}"#),
        200,
    )
    .reads(&[("/label", Kind::Is("\"M\""))]),
    call("delete custom field", "DELETE /v1/customMetadataFields/<field>", Body::None, 204),
    call("errors, unknown job", "GET /v1/bulkJobs/ffffffffffffffffffffffff", Body::None, 404).reads(REFUSED),
    call(
        "errors, invalid request",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/","destinationPath":"/x"}"#),
        400,
    )
    .reads(REFUSED),
];
