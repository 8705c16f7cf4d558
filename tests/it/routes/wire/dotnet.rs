//! .NET: 6.x and 4–5, both over `HttpClient`, whose multipart parts put their type first and leave names unquoted.

use super::*;

#[tokio::test]
async fn dotnet_current() {
    CURRENT.runs().await;
}

#[tokio::test]
async fn dotnet_legacy() {
    LEGACY.runs().await;
}

pub const CURRENT: Client = Client {
    name: ".NET 6",
    headers: "User-Agent: ImageKit/C# 6.3.0\nX-Stainless-Arch: x64\nX-Stainless-Lang: csharp\nX-Stainless-OS: Linux\n\
              X-Stainless-Package-Version: 6.3.0\nX-Stainless-Retry-Count: 0\nX-Stainless-Runtime: .NET",
    password: "do_not_set",
    bodyless_type: None,
    calls: &[UPLOADS, URL_METADATA, current::CALLS],
};

/// Its escapes are in lower case.
const URL_METADATA: &[Call] =
    &[call("metadata of a URL", "GET /v1/metadata?url=<url-in-lower-form>", Body::None, 200).reads(METADATA)];

const UPLOADS: &[Call] = &[
    call(
        "upload, binary",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=\"d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd3e\"",
            "d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd3e",
            &[
                ("Content-Type: application/octet-stream\nContent-Disposition: form-data; name=file", Content::Picture),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName", Content::Text("a.png")),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=folder", Content::Text("/up")),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=tags", Content::Text("red,big")),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=useUniqueFileName", Content::Text("false")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED)
    .leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]),
    call(
        "upload, named file",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=\"d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd3f\"",
            "d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd3f",
            &[
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName", Content::Text("b.png")),
                (
                    "Content-Type: image/png\nContent-Disposition: form-data; name=file; filename=\"=?utf-8?B?w7wucG5n?=\"; filename*=utf-8''%C3%BC.png",
                    Content::Picture,
                ),
            ],
            Framing::Chunks,
        ),
        200,
    )
    .reads(UPLOADED),
    // Text goes the way of bytes.
    call(
        "upload, base64",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=\"d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd40\"",
            "d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd40",
            &[
                ("Content-Type: application/octet-stream\nContent-Disposition: form-data; name=file", Content::Text(PICTURE_TEXT)),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName", Content::Text("c.png")),
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
            "multipart/form-data; boundary=\"d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd41\"",
            "d9d2ba38-3af1-43cf-8f6e-6ef7a1b0cd41",
            &[
                ("Content-Type: application/octet-stream\nContent-Disposition: form-data; name=file", Content::Text("<url>")),
                ("Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName", Content::Text("d.png")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED),
];

pub const LEGACY: Client = Client {
    name: ".NET 5",
    headers: "",
    password: "",
    bodyless_type: None,
    calls: &[LEGACY_UPLOADS, LEGACY_FILES, LEGACY_FOLDERS],
};

const TYPE: &str = "application/json; charset=utf-8";

/// Bytes are sent as base64. Its flag for custom metadata says the opposite of what its caller said.
const LEGACY_UPLOADS: &[Call] = &[LEGACY_BASE64, LEGACY_URL];

const LEGACY_BASE64: Call = call(
    "upload, base64",
    "POST /api/v1/files/upload",
    Body::Parts(
        "multipart/form-data; boundary=ImageKit-dLV9Wyq26L",
        "ImageKit-dLV9Wyq26L",
        &[
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName",
                Content::Text("a.png"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=file",
                Content::Text(PICTURE_TEXT),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=useUniqueFileName",
                Content::Text("false"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=tags",
                Content::Text("red,big"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=folder",
                Content::Text("/up"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=overwriteCustomMetadata",
                Content::Text("false"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=isPublished",
                Content::Text("true"),
            ),
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
        "multipart/form-data; boundary=ImageKit-dLV9Wyq26M",
        "ImageKit-dLV9Wyq26M",
        &[
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=fileName",
                Content::Text("b.png"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=file",
                Content::Text("<url>"),
            ),
            (
                "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; name=useUniqueFileName",
                Content::Text("true"),
            ),
        ],
        Framing::Length,
    ),
    200,
)
.reads(UPLOADED);

const LEGACY_FILES: &[Call] = &[
    call("list files", "GET /v1/files/?path=/w&limit=10&sort=ASC_NAME", Body::None, 200)
        .reads(&[("/0/name", Kind::Is("\"bulk.bin\"")), ("/0/isPrivateFile", Kind::Flag), ("/0/size", Kind::Integer)]),
    call("list files, search", "GET /v1/files/?searchQuery=name%20=%20%22main.png%22&type=file&path=/w", Body::None, 200)
        .reads(&[("/0/name", Kind::Is("\"main.png\""))]),
    call("file details", "GET /v1/files/<main>/details", Body::None, 200).reads(FILE),
    alike::FILE_METADATA,
    alike::PHOTO_METADATA,
    alike::BARE_URL_METADATA,
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details",
        Body::Text(TYPE, r#"{"fileId":"<tagged>","tags":["x","y"],"customCoordinates":"0,0,1,1","publish":{"isPublished":true,"includeFileVersions":true}}"#),
        200,
    )
    .reads(&[("/tags", Kind::Is(r#"["x","y"]"#)), ("/fileId", Kind::Text)]),
    alike::add_tags(TYPE),
    alike::remove_tags(TYPE),
    alike::remove_ai_tags(TYPE),
    alike::copy_file(TYPE),
    call("move file", "POST /v1/files/move", Body::Text(TYPE, r#"{"sourceFilePath":"/w/moved.bin","destinationPath":"/moves"}"#), 204)
        .leaves(&[("/v1/files/<moved>/details", "/filePath", "\"/moves/moved.bin\"")]),
    call(
        "rename file",
        "PUT /v1/files/rename",
        Body::Text(TYPE, r#"{"filePath":"/w/renamed.bin","newFileName":"new.bin","purgeCache":false}"#),
        200,
    )
    .reads(EMPTY),
    call("list versions", "GET /v1/files/<main>/versions", Body::None, 200).reads(&[("/1/versionInfo/id", Kind::Text)]),
    call("version details", "GET /v1/files/<main>/versions/<main>", Body::None, 200).reads(FILE),
    call("restore version", "PUT /v1/files/<main>/versions/<main>/restore", Body::None, 200).reads(FILE),
    call("delete version", "DELETE /v1/files/<main>/versions/<second>", Body::None, 204),
    call("delete file", "DELETE /v1/files/<deleted>/", Body::None, 204),
    call("delete files in bulk", "POST /v1/files/batch/deleteByfileIds", Body::Text(TYPE, r#"{"fileIds":["<bulk>"]}"#), 200)
        .reads(DELETED),
    alike::purge(TYPE),
    call("purge status", "GET /v1/files/purge/<purge>", Body::None, 200).reads(PURGED),
    call("errors, unknown file", "GET /v1/files/ffffffffffffffffffffffff/details", Body::None, 404).reads(REFUSED),
    alike::wrong_key("GET /v1/files/?path=/w&limit=10", Body::None),
];

const LEGACY_FOLDERS: &[Call] = &[
    call("create folder", "POST /v1/folder/", Body::Text(TYPE, r#"{"folderName":"made","parentFolderPath":"/folders"}"#), 201)
        .reads(EMPTY),
    call("delete folder", "DELETE /v1/folder/", Body::Text(TYPE, r#"{"folderPath":"/gone"}"#), 204)
        .leaves(&[("/v1/files?path=/gone", "/0", "absent")]),
    call(
        "copy folder",
        "POST /v1/bulkJobs/copyFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/tree","destinationPath":"/c","includeFileVersions":true}"#),
        200,
    )
    .reads(JOB)
    .keeps("job", "/jobId")
    .leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\"")]),
    call("job status", "GET /v1/bulkJobs/<job>", Body::None, 200).reads(STATUS),
    call(
        "move folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/moving","destinationPath":"/m"}"#),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/m/moving", "/0/name", "\"b.bin\"")]),
    // Every key of the schema, whether it means anything or not.
    call(
        "create custom field",
        "POST /v1/customMetadataFields",
        Body::Text(
            TYPE,
            r#"{"name":"n","label":"N","schema":{"type":"Number","selectOptions":null,"defaultValue":null,"isValueRequired":false,"minValue":1,"maxValue":9,"minLength":0,"maxLength":0}}"#,
        ),
        201,
    )
    .reads(&[("/id", Kind::Text), ("/schema/type", Kind::Is("\"Number\""))])
    .keeps("field", "/id"),
    call("list custom fields", "GET /v1/customMetadataFields?includeDeleted=False", Body::None, 200)
        .reads(&[("/0/id", Kind::Text)]),
    call(
        "update custom field",
        "PATCH /v1/customMetadataFields/<field>",
        Body::Text(
            TYPE,
            r#"{"Id":"<field>","schema":{"type":null,"selectOptions":null,"defaultValue":null,"isValueRequired":false,"minValue":2,"maxValue":8,"minLength":0,"maxLength":0}}"#,
        ),
        200,
    )
    .reads(&[("/schema/maxValue", Kind::Is("8"))]),
    call("delete custom field", "DELETE /v1/customMetadataFields/<field>", Body::None, 204),
    call("errors, unknown job", "GET /v1/bulkJobs/ffffffffffffffffffffffff", Body::Text(TYPE, ""), 404).reads(REFUSED),
    call(
        "errors, invalid request",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"sourceFolderPath":"/","destinationPath":"/x"}"#),
        400,
    )
    .reads(REFUSED),
];
