//! Ruby: 4.x over `net/http`, and 2.0–3.1 over RestClient, which sends forms where others send JSON, also with GET.

use super::*;

#[tokio::test]
async fn ruby_current() {
    CURRENT.runs().await;
}

#[tokio::test]
async fn ruby_legacy() {
    LEGACY.runs().await;
}

#[tokio::test]
async fn ruby_older() {
    OLDER.runs().await;
}

pub const CURRENT: Client = Client {
    name: "Ruby 4",
    headers: "accept: application/json\nuser-agent: ImageKit/Ruby 4.6.0\nx-stainless-arch: x64\nx-stainless-lang: ruby\n\
              x-stainless-os: Linux\nx-stainless-package-version: 4.6.0\nx-stainless-retry-count: 0\n\
              x-stainless-runtime: ruby\nx-stainless-timeout: 60.0\naccept-encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    password: "do_not_set",
    bodyless_type: None,
    calls: &[UPLOADS, &[alike::URL_METADATA], current::CALLS],
};

/// The body is written as it is read, so its length is not told; a list may come as one part per item.
const UPLOADS: &[Call] = &[
    call(
        "upload, binary",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=M2c_9ZlqyPz4-hT7o1Jk8gWmUe0XaVd5rBnQyLsCiFt_RxKpOuDh2w-vGjSbNE",
            "M2c_9ZlqyPz4-hT7o1Jk8gWmUe0XaVd5rBnQyLsCiFt_RxKpOuDh2w-vGjSbNE",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"\nContent-Type: application/octet-stream",
                    Content::Picture,
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Type: text/plain", Content::Text("a.png")),
                ("Content-Disposition: form-data; name=\"folder\"\nContent-Type: text/plain", Content::Text("/up")),
                ("Content-Disposition: form-data; name=\"tags\"\nContent-Type: text/plain", Content::Text("red")),
                ("Content-Disposition: form-data; name=\"tags\"\nContent-Type: text/plain", Content::Text("big")),
                (
                    "Content-Disposition: form-data; name=\"useUniqueFileName\"\nContent-Type: text/plain",
                    Content::Text("false"),
                ),
            ],
            Framing::Chunks,
        ),
        200,
    )
    .reads(UPLOADED)
    .leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]),
    call(
        "upload, base64",
        "POST /api/v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=M2c_9ZlqyPz4-hT7o1Jk8gWmUe0XaVd5rBnQyLsCiFt_RxKpOuDh2w-vGjSbNF",
            "M2c_9ZlqyPz4-hT7o1Jk8gWmUe0XaVd5rBnQyLsCiFt_RxKpOuDh2w-vGjSbNF",
            &[
                (
                    "Content-Disposition: form-data; name=\"file\"\nContent-Type: text/plain",
                    Content::Text(PICTURE_TEXT),
                ),
                ("Content-Disposition: form-data; name=\"fileName\"\nContent-Type: text/plain", Content::Text("b.png")),
            ],
            Framing::Chunks,
        ),
        200,
    )
    .reads(UPLOADED),
];

pub const LEGACY: Client = Client {
    name: "Ruby 2.2–3.1",
    headers: REST_CLIENT,
    password: "",
    bodyless_type: Some(TYPE),
    calls: &[LEGACY_UPLOADS, LEGACY_FILES, LEGACY_FOLDERS, LEGACY_COPY, LEGACY_FIELDS],
};

pub const OLDER: Client = Client {
    name: "Ruby 2.0–2.1",
    headers: REST_CLIENT,
    password: "",
    bodyless_type: Some(TYPE),
    calls: &[LEGACY_UPLOADS, LEGACY_FILES, LEGACY_FOLDERS, OLDER_COPY],
};

const REST_CLIENT: &str =
    "Accept: */*\nUser-Agent: rest-client/2.1.0 (linux-gnu x86_64) ruby/3.1.2p20\nAccept-Encoding: application/json";
const TYPE: &str = "application/json";

/// To the API's host, with a part that says so and one with an empty type.
const LEGACY_UPLOADS: &[Call] = &[
    call(
        "upload, binary",
        "POST /v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=-----------RubyMultipartPost-2a9f8c3b",
            "-----------RubyMultipartPost-2a9f8c3b",
            &[
                ("Content-Disposition: form-data; name=\"multipart\"", Content::Text("true")),
                (
                    "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\nContent-Length: 70\nContent-Type: \n\
                     Content-Transfer-Encoding: binary",
                    Content::Picture,
                ),
                ("Content-Disposition: form-data; name=\"fileName\"", Content::Text("a.png")),
                ("Content-Disposition: form-data; name=\"useUniqueFileName\"", Content::Text("false")),
                ("Content-Disposition: form-data; name=\"tags\"", Content::Text("red,big")),
                ("Content-Disposition: form-data; name=\"folder\"", Content::Text("/up")),
                ("Content-Disposition: form-data; name=\"overwriteAiTags\"", Content::Text("true")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED)
    .leaves(&[("/v1/files?path=/up", "/0/tags", r#"["red","big"]"#)]),
    call(
        "upload, base64",
        "POST /v1/files/upload",
        Body::Parts(
            "multipart/form-data; boundary=-----------RubyMultipartPost-2a9f8c3c",
            "-----------RubyMultipartPost-2a9f8c3c",
            &[
                ("Content-Disposition: form-data; name=\"multipart\"", Content::Text("true")),
                ("Content-Disposition: form-data; name=\"file\"", Content::Text(PICTURE_TEXT)),
                ("Content-Disposition: form-data; name=\"fileName\"", Content::Text("b.png")),
            ],
            Framing::Length,
        ),
        200,
    )
    .reads(UPLOADED),
];

const LEGACY_FILES: &[Call] = &[
    call(
        "list files",
        "GET /v1/files?path=%2Fw&limit=10&sort=ASC_NAME",
        Body::Text(FORM, "path=%2Fw&limit=10&sort=ASC_NAME"),
        200,
    )
    .reads(&[("/0/name", Kind::Is("\"bulk.bin\"")), ("/0/size", Kind::Integer)]),
    call("file details", "GET /v1/files/<main>/details/", Body::None, 200).reads(FILE),
    alike::FILE_METADATA,
    alike::PHOTO_METADATA,
    alike::BARE_URL_METADATA,
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details/",
        Body::Text(TYPE, r#"{"tags":["x","y"],"customCoordinates":"0,0,1,1","removeAiTags":["t"]}"#),
        200,
    )
    .reads(&[("/tags", Kind::Is(r#"["x","y"]"#)), ("/fileId", Kind::Text)]),
    call(
        "list files, tags",
        "GET /v1/files?tags[]=x&tags[]=none&path=%2Fw",
        Body::Text(FORM, "tags[]=x&tags[]=none&path=%2Fw"),
        200,
    )
    .reads(&[("/0/name", Kind::Is("\"tagged.bin\""))]),
    alike::add_tags(TYPE),
    alike::remove_tags(TYPE),
    alike::remove_ai_tags(TYPE),
    alike::copy_file(TYPE),
    call(
        "move file",
        "POST /v1/files/move",
        Body::Text(FORM, "sourceFilePath=%2Fw%2Fmoved.bin&destinationPath=%2Fmoves"),
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
    call("restore version", "PUT /v1/files/<main>/versions/<main>/restore", Body::None, 200).reads(FILE),
    call("delete version", "DELETE /v1/files/<main>/versions/<second>", Body::None, 204),
    call("delete file", "DELETE /v1/files/<deleted>", Body::None, 204),
    alike::delete_files(TYPE),
    call("purge cache", "POST /v1/files/purge", Body::Text(FORM, "url=<url-in-form>"), 201)
        .reads(PURGE)
        .keeps("purge", "/requestId"),
    call("purge status", "GET /v1/files/purge/<purge>", Body::None, 200).reads(PURGED),
    call("errors, unknown file", "GET /v1/files/ffffffffffffffffffffffff/details/", Body::None, 404).reads(REFUSED),
    alike::wrong_key("GET /v1/files?path=%2Fw&limit=10", Body::Text(FORM, "path=%2Fw&limit=10")),
];

const LEGACY_FOLDERS: &[Call] = &[
    call(
        "create folder",
        "POST /v1/folder",
        Body::Text(TYPE, r#"{"folderName":"made","parentFolderPath":"/folders"}"#),
        201,
    )
    .reads(EMPTY),
    call("delete folder", "DELETE /v1/folder", Body::Text(FORM, "folderPath=%2Fgone%2F"), 204).leaves(&[(
        "/v1/files?path=/gone",
        "/0",
        "absent",
    )]),
    call(
        "move folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(FORM, "sourceFolderPath=%2Fmoving&destinationPath=%2Fm"),
        200,
    )
    .reads(JOB)
    .keeps("job", "/jobId")
    .leaves(&[("/v1/files?path=/m/moving", "/0/name", "\"b.bin\"")]),
    call("job status", "GET /v1/bulkJobs/<job>", Body::Text(FORM, "jobId=<job>"), 200).reads(STATUS),
    call(
        "errors, unknown job",
        "GET /v1/bulkJobs/ffffffffffffffffffffffff",
        Body::Text(FORM, "jobId=ffffffffffffffffffffffff"),
        404,
    )
    .reads(REFUSED),
    call(
        "errors, invalid request",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(FORM, "sourceFolderPath=%2F&destinationPath=%2Fx"),
        400,
    )
    .reads(REFUSED),
];

const LEGACY_COPY: &[Call] = &[call(
    "copy folder",
    "POST /v1/bulkJobs/copyFolder",
    Body::Text(TYPE, r#"{"sourceFolderPath":"/tree","destinationPath":"/c","includeFileVersions":false}"#),
    200,
)
.reads(JOB)
.leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\"")])];

const OLDER_COPY: &[Call] = &[
    call(
        "copy folder",
        "POST /v1/bulkJobs/copyFolder",
        Body::Text(FORM, "sourceFolderPath=%2Ftree&destinationPath=%2Fc"),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\"")]),
    // Some set-ups of its HTTP library leave the type of the headers in place.
    call(
        "copy folder",
        "POST /v1/bulkJobs/copyFolder",
        Body::Text(TYPE, "sourceFolderPath=%2Ftree&destinationPath=%2Fd"),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/d/tree", "/0/name", "\"a.bin\"")]),
];

const LEGACY_FIELDS: &[Call] = &[
    alike::create_field(TYPE),
    // A bug of this SDK: the label stands in the schema's place.
    call(
        "update custom field",
        "PATCH /v1/customMetadataFields/<field>",
        Body::Text(TYPE, r#"{"label":"M","schema":"M"}"#),
        200,
    )
    .reads(&[("/label", Kind::Is("\"M\"")), ("/schema/maxValue", Kind::Is("9"))]),
    call("delete custom field", "DELETE /v1/customMetadataFields/<field>", Body::None, 204),
    call("list custom fields", "GET /v1/customMetadataFields", Body::Text(FORM, "includeDeleted=true"), 200)
        .reads(&[("/0/name", Kind::Is("\"n\""))]),
];
