//! PHP: 4.0 is the newest, and sends what 2 and 3 sent. Guzzle writes the requests, `json_encode` their bodies, which
//! escapes slashes; empty values are left out, and deletions carry what they delete in a body too.

use super::*;

#[tokio::test]
async fn php_newest() {
    NEWEST.runs().await;
}

pub const NEWEST: Client = Client {
    name: "PHP 2–4",
    headers: "User-Agent: GuzzleHttp/7",
    password: "",
    bodyless_type: None,
    calls: &[UPLOADS, FILES_AND_VERSIONS, FOLDERS],
};

const TYPE: &str = "application/json";

const UPLOADS: &[Call] = &[
    call(
        "upload, binary",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d51",
            "7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d51",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"; filename=\"local.png\"\nContent-Length: 70\nContent-Type: image/png",
                    Content::Picture,
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Length: 5", Content::Text("a.png")),
                ("Content-Disposition: form-data; name=\"useUniqueFileName\"\nContent-Length: 5", Content::Text("false")),
                ("Content-Disposition: form-data; name=\"tags\"\nContent-Length: 7", Content::Text("red,big")),
                ("Content-Disposition: form-data; name=\"folder\"\nContent-Length: 3", Content::Text("/up")),
                ("Content-Disposition: form-data; name=\"customCoordinates\"\nContent-Length: 7", Content::Text("0,0,1,1")),
                ("Content-Disposition: form-data; name=\"responseFields\"\nContent-Length: 22", Content::Text("tags,customCoordinates")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED)
    .leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]),
    call(
        "upload, base64",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d52",
            "7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d52",
            &[
                ("Content-Disposition: form-data; name=\"file\"\nContent-Length: 96", Content::Text(PICTURE_TEXT)),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Length: 5", Content::Text("b.png")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED),
    call(
        "upload, URL",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d53",
            "7c1d5f3a4a0e3b9d6d62a2b4f9a7f2fbb1a95d53",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"\nContent-Length: <url-length>\nContent-Type: application/octet-stream",
                    Content::Text("<url>"),
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Length: 5", Content::Text("c.png")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED),
];

const FILES_AND_VERSIONS: &[Call] = &[
    call("list files", "GET /v1/files?path=%2Fw&limit=10&sort=ASC_NAME", Body::None, 200)
        .reads(&[("/0/name", Kind::Is("\"bulk.bin\"")), ("/0/size", Kind::Integer)]),
    call(
        "list files, search",
        "GET /v1/files?searchQuery=name%20%3D%20%22main.png%22&type=file&path=%2Fw",
        Body::None,
        200,
    )
    .reads(&[("/0/name", Kind::Is("\"main.png\""))]),
    call("file details", "GET /v1/files/<main>/details", Body::None, 200).reads(FILE),
    call("file details", "GET /v1/files/<main>/details/", Body::None, 200).reads(FILE),
    alike::FILE_METADATA,
    alike::PHOTO_METADATA,
    alike::URL_METADATA,
    // A bug of this SDK: a call without parameters of its own brings those of the call before.
    call("file metadata", "GET /v1/files/<photo>/metadata?url=<url-in-form>", Body::None, 200).reads(PHOTO),
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details",
        Body::Text(TYPE, r#"{"tags":["x","y"],"customCoordinates":"0,0,1,1"}"#),
        200,
    )
    .reads(&[("/tags", Kind::Is(r#"["x","y"]"#)), ("/fileId", Kind::Text)]),
    alike::add_tags(TYPE),
    alike::remove_tags(TYPE),
    alike::remove_ai_tags(TYPE),
    call(
        "copy file",
        "POST /v1/files/copy",
        Body::Text(
            TYPE,
            r#"{"sourceFilePath":"\/w\/copied.bin","destinationPath":"\/copies","includeFileVersions":false}"#,
        ),
        204,
    )
    .leaves(&[("/v1/files?path=/copies", "/0/name", "\"copied.bin\"")]),
    call(
        "move file",
        "POST /v1/files/move",
        Body::Text(TYPE, r#"{"sourceFilePath":"\/w\/moved.bin","destinationPath":"\/moves"}"#),
        204,
    )
    .leaves(&[("/v1/files/<moved>/details", "/filePath", "\"/moves/moved.bin\"")]),
    call(
        "rename file",
        "PUT /v1/files/rename",
        Body::Text(TYPE, r#"{"filePath":"\/w\/renamed.bin","newFileName":"\u00fc.bin","purgeCache":false}"#),
        200,
    )
    .reads(EMPTY)
    .leaves(&[("/v1/files/<renamed>/details", "/filePath", "\"/w/ü.bin\"")]),
    call("list versions", "GET /v1/files/<main>/versions", Body::None, 200).reads(&[("/1/versionInfo/id", Kind::Text)]),
    call("version details", "GET /v1/files/<main>/versions/<main>", Body::None, 200).reads(FILE),
    call("restore version", "PUT /v1/files/<main>/versions/<main>/restore", Body::Text(TYPE, "[]"), 200).reads(FILE),
    call(
        "delete version",
        "DELETE /v1/files/<main>/versions/<second>",
        Body::Text(TYPE, r#"["<main>","<second>"]"#),
        204,
    ),
    call("delete file", "DELETE /v1/files/<deleted>", Body::Text(TYPE, r#"["<deleted>"]"#), 204).leaves(&[(
        "/v1/files/<tagged>/details",
        "/name",
        "\"tagged.bin\"",
    )]),
    alike::delete_files(TYPE),
    alike::purge(TYPE),
    call("purge status", "GET /v1/files/purge/<purge>", Body::None, 200).reads(PURGED),
    call("errors, unknown file", "GET /v1/files/ffffffffffffffffffffffff/details", Body::None, 404).reads(REFUSED),
    alike::wrong_key("GET /v1/files?path=%2Fw&limit=10", Body::None),
];

const FOLDERS: &[Call] = &[
    call(
        "create folder",
        "POST /v1/folder/",
        Body::Text(TYPE, r#"{"parentFolderPath":"\/folders","folderName":"made"}"#),
        201,
    )
    .reads(EMPTY),
    call("delete folder", "DELETE /v1/folder/", Body::Text(TYPE, r#"{"folderPath":"\/gone\/"}"#), 204).leaves(&[(
        "/v1/files?path=/gone",
        "/0",
        "absent",
    )]),
    call(
        "copy folder",
        "POST /v1/bulkJobs/copyFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"\/tree","destinationPath":"\/c\/","includeFileVersions":false}"#),
        200,
    )
    .reads(JOB)
    .keeps("job", "/jobId")
    .leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\"")]),
    call("job status", "GET /v1/bulkJobs/<job>", Body::None, 200).reads(STATUS),
    call(
        "move folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"\/moving","destinationPath":"\/m"}"#),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/m/moving", "/0/name", "\"b.bin\"")]),
    alike::create_field(TYPE),
    call("list custom fields", "GET /v1/customMetadataFields?includeDeleted=0", Body::None, 200)
        .reads(&[("/0/id", Kind::Text)]),
    call("update custom field", "PATCH /v1/customMetadataFields/<field>", Body::Text(TYPE, r#"{"label":"M"}"#), 200)
        .reads(&[("/label", Kind::Is("\"M\""))]),
    call("delete custom field", "DELETE /v1/customMetadataFields/<field>", Body::Text(TYPE, "[]"), 204),
    call("errors, unknown job", "GET /v1/bulkJobs/ffffffffffffffffffffffff", Body::None, 404).reads(REFUSED),
    call(
        "errors, invalid request",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"\/","destinationPath":"\/x"}"#),
        400,
    )
    .reads(REFUSED),
];
