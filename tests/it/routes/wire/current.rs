//! The calls that all current SDKs make alike: one generator wrote them. Their uploads differ, and so does how they
//! escape a URL; these are in their files.
//!
//! They read `200` and a JSON object where older ones read `204` and nothing.

use super::*;

const TYPE: &str = "application/json";

pub const CALLS: &[Call] = &[
    call("list files", "GET /v1/files?path=%2Fw&type=file&sort=ASC_NAME&limit=10", Body::None, 200).reads(&[
        ("/0/name", Kind::Is("\"bulk.bin\"")),
        ("/0/type", Kind::Is("\"file\"")),
        ("/0/size", Kind::Integer),
    ]),
    call("file details", "GET /v1/files/<main>/details", Body::None, 200).reads(FILE),
    alike::FILE_METADATA,
    alike::PHOTO_METADATA,
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details",
        Body::Text(TYPE, r#"{"tags":["x","y"],"customCoordinates":"0,0,1,1","description":"d"}"#),
        200,
    )
    .reads(&[("/tags", Kind::Is(r#"["x","y"]"#)), ("/description", Kind::Is("\"d\"")), ("/fileId", Kind::Text)]),
    call(
        "update details",
        "PATCH /v1/files/<tagged>/details",
        Body::Text(TYPE, r#"{"publish":{"isPublished":true,"includeFileVersions":true}}"#),
        200,
    )
    .reads(&[("/isPublished", Kind::Is("true"))]),
    call("add tags", "POST /v1/files/addTags", Body::Text(TYPE, r#"{"fileIds":["<tagged>"],"tags":["z"]}"#), 200)
        .reads(UPDATED)
        .leaves(&[("/v1/files/<tagged>/details", "/tags", r#"["x","y","z"]"#)]),
    alike::remove_tags(TYPE),
    call(
        "remove AI tags",
        "POST /v1/files/removeAITags",
        Body::Text(TYPE, r#"{"AITags":["t"],"fileIds":["<tagged>"]}"#),
        200,
    )
    .reads(UPDATED),
    call(
        "copy file",
        "POST /v1/files/copy",
        Body::Text(
            TYPE,
            r#"{"destinationPath":"/copies","sourceFilePath":"/w/copied.bin","includeFileVersions":true}"#,
        ),
        200,
    )
    .reads(EMPTY)
    .leaves(&[("/v1/files?path=/copies", "/0/name", "\"copied.bin\"")]),
    call(
        "move file",
        "POST /v1/files/move",
        Body::Text(TYPE, r#"{"destinationPath":"/moves","sourceFilePath":"/w/moved.bin"}"#),
        200,
    )
    .reads(EMPTY)
    .leaves(&[("/v1/files/<moved>/details", "/filePath", "\"/moves/moved.bin\"")]),
    call(
        "rename file",
        "PUT /v1/files/rename",
        Body::Text(TYPE, r#"{"filePath":"/w/renamed.bin","newFileName":"new.bin","purgeCache":true}"#),
        200,
    )
    .reads(&[("", Kind::Keys(&["purgeRequestId"]))])
    .leaves(&[("/v1/files/<renamed>/details", "/filePath", "\"/w/new.bin\"")]),
    call("list versions", "GET /v1/files/<main>/versions", Body::None, 200)
        .reads(&[("/0/type", Kind::Text), ("/1/versionInfo/id", Kind::Text)]),
    call("version details", "GET /v1/files/<main>/versions/<main>", Body::None, 200).reads(FILE),
    call("restore version", "PUT /v1/files/<main>/versions/<main>/restore", Body::None, 200).reads(FILE),
    call("delete version", "DELETE /v1/files/<main>/versions/<second>", Body::None, 200).reads(EMPTY),
    call("delete file", "DELETE /v1/files/<deleted>", Body::None, 204),
    alike::delete_files(TYPE),
    alike::purge(TYPE),
    call("purge status", "GET /v1/files/purge/<purge>", Body::None, 200).reads(PURGED),
    call(
        "create folder",
        "POST /v1/folder",
        Body::Text(TYPE, r#"{"folderName":"made","parentFolderPath":"/folders"}"#),
        201,
    )
    .reads(EMPTY),
    call("delete folder", "DELETE /v1/folder", Body::Text(TYPE, r#"{"folderPath":"/gone"}"#), 200)
        .reads(EMPTY)
        .leaves(&[("/v1/files?path=/gone", "/0", "absent")]),
    call(
        "copy folder",
        "POST /v1/bulkJobs/copyFolder",
        Body::Text(TYPE, r#"{"destinationPath":"/c","sourceFolderPath":"/tree","includeVersions":true}"#),
        200,
    )
    .reads(JOB)
    .keeps("job", "/jobId")
    .leaves(&[("/v1/files?path=/c/tree", "/0/name", "\"a.bin\""), ("/v1/files?path=/tree", "/0/name", "\"a.bin\"")]),
    call("job status", "GET /v1/bulkJobs/<job>", Body::None, 200).reads(STATUS),
    call(
        "move folder",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"destinationPath":"/m","sourceFolderPath":"/moving"}"#),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/m/moving", "/0/name", "\"b.bin\"")]),
    call(
        "rename folder",
        "POST /v1/bulkJobs/renameFolder",
        Body::Text(TYPE, r#"{"folderPath":"/naming/old","newFolderName":"new","purgeCache":false}"#),
        200,
    )
    .reads(JOB)
    .leaves(&[("/v1/files?path=/naming/new", "/0/name", "\"c.bin\"")]),
    call(
        "create custom field",
        "POST /v1/customMetadataFields",
        Body::Text(TYPE, r#"{"label":"N","name":"n","schema":{"type":"Number","maxValue":9}}"#),
        201,
    )
    .reads(&[("/id", Kind::Text), ("/schema/type", Kind::Is("\"Number\""))])
    .keeps("field", "/id"),
    call("list custom fields", "GET /v1/customMetadataFields?includeDeleted=false", Body::None, 200)
        .reads(&[("/0/name", Kind::Is("\"n\""))]),
    call("update custom field", "PATCH /v1/customMetadataFields/<field>", Body::Text(TYPE, r#"{"label":"M"}"#), 200)
        .reads(&[("/label", Kind::Is("\"M\""))]),
    call("delete custom field", "DELETE /v1/customMetadataFields/<field>", Body::None, 200).reads(EMPTY),
    call("errors, unknown file", "GET /v1/files/ffffffffffffffffffffffff/details", Body::None, 404).reads(REFUSED),
    call("errors, unknown job", "GET /v1/bulkJobs/ffffffffffffffffffffffff", Body::None, 404).reads(REFUSED),
    alike::wrong_key("GET /v1/files", Body::None),
    call(
        "errors, invalid request",
        "POST /v1/bulkJobs/moveFolder",
        Body::Text(TYPE, r#"{"destinationPath":"/x","sourceFolderPath":"/"}"#),
        400,
    )
    .reads(REFUSED),
];
