//! Which answer leads to which call: what a file's id, a job's or a purge's is good for. Programs that read the document
//! follow these, and so does the test that makes chains of calls from it.

use serde_json::{Map, Value, json};

/// Calls that answer with a new id, with the status, and what leads on from there.
const LINKS: &[(&str, &str, &[Next])] = &[
    ("uploadFile", "200", FROM_A_FILE),
    ("uploadFileV2", "200", FROM_A_FILE),
    ("restoreVersion", "200", FROM_A_FILE),
    ("copyFolder", "200", FROM_A_JOB),
    ("moveFolder", "200", FROM_A_JOB),
    ("renameFolder", "200", FROM_A_JOB),
    ("createCustomMetadataField", "201", FROM_A_FIELD),
    ("createKey", "201", FROM_A_KEY),
    ("rollKey", "201", FROM_A_KEY),
    ("purge", "201", &[Next("getPurge", &[("requestId", "/requestId")])]),
];

const FILE: (&str, &str) = ("fileId", "/fileId");
const VERSION: (&str, &str) = ("versionId", "/versionInfo/id");
const FROM_A_FILE: &[Next] = &[
    Next("getFile", &[FILE]),
    Next("updateFile", &[FILE]),
    Next("deleteFile", &[FILE]),
    Next("listVersions", &[FILE]),
    Next("getVersion", &[FILE, VERSION]),
    Next("restoreVersion", &[FILE, VERSION]),
    Next("deleteVersion", &[FILE, VERSION]),
];
const FROM_A_JOB: &[Next] = &[Next("getJob", &[("jobId", "/jobId")]), Next("getJobReport", &[("jobId", "/jobId")])];

const FROM_A_FIELD: &[Next] =
    &[Next("updateCustomMetadataField", &[("id", "/id")]), Next("deleteCustomMetadataField", &[("id", "/id")])];

const FROM_A_KEY: &[Next] =
    &[Next("getKey", &[("id", "/id")]), Next("rollKey", &[("id", "/id")]), Next("revokeKey", &[("id", "/id")])];

/// A call, and where in the answer each of its parameters is.
struct Next(&'static str, &'static [(&'static str, &'static str)]);

/// Adds the links of an operation to its answer.
pub fn add(operation: &mut Value) {
    let from = LINKS.iter().filter(|(from, ..)| operation["operationId"] == *from);
    for (_, status, all) in from.collect::<Vec<_>>() {
        let links = all.iter().map(|Next(to, parameters)| {
            let parameters =
                parameters.iter().map(|(name, at)| ((*name).to_owned(), format!("$response.body#{at}").into()));
            ((*to).to_owned(), json!({ "operationId": to, "parameters": parameters.collect::<Map<_, _>>() }))
        });
        operation["responses"][status]["links"] = links.collect::<Map<_, _>>().into();
    }
}
