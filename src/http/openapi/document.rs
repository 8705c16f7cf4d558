//! The document: what the annotations of the handlers say, and what holds for all of them.
//!
//! 1. The derive collects the annotated handlers, in the order in which the page shows them.
//! 2. [`finish`] adds what every call has: the refusals of keys, bodies and a full disk, the request id.
//! 3. Examples come from a recorded session, `examples.json`: one step after the other, each with the operation, what was
//!    sent and what was answered. A test replays it against the real server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, response::Response};
use utoipa::{Modify, OpenApi};

use super::{links, operations, refusals, schemas};
use crate::config::Settings;
use crate::http::{
    bulk, changes, custom_fields, delivery, files, folders, health, jobs, keys, lists, metadata, metrics, placing,
    purges, uploads, versions,
};

/// Requests and answers of one session.
const EXAMPLES: &str = include_str!("examples.json");
/// Methods of a path item.
pub const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];
const UPLOAD: &str = "/api/v1/files/upload";
const UPLOAD_V2: &str = "/api/v2/files/upload";
/// The delivery path as the annotation spells it: with the endpoint id that is the default.
const DELIVERY: &str = "/library/";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Calotype",
        description = "A self-hosted media library server that speaks the ImageKit REST API.\n\n\
            Every path under `/v1` is also served under `/v2`, where names of new files and folders are kept exactly as sent; `/v1` \
            replaces what is not a letter, mark, numeral, `.`, `_` or `-` by `_`. Fixed parts of a path may be written in any case, and a \
            slash at the end changes nothing. `/v2bulkJobs/…` is read as `/v2/bulkJobs/…`. Bodies are JSON; forms are read too.\n\n\
            Authentication is HTTP Basic with the private key as user name; the password does not matter. Every answer has an id in \
            `x-ik-requestId`, every error a body with `message` and `help`, and where a program may want to tell errors apart a `reason`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/")),
    security(("privateKey" = [])),
    tags(
        (name = "uploads", description = "Bytes come in as a form and are durable when the answer comes."),
        (name = "files", description = "Lists, details, changes and deletion of files."),
        (name = "versions", description = "A file that is uploaded again gets a new version; the older ones stay, up to 100."),
        (name = "folders", description = "Folders are made on the way by uploads, too."),
        (name = "bulk jobs", description = "Copy, move and rename of whole folder trees. A call answers with a job id as soon as the job \
            is durable; a crash of the server does not lose it."),
        (name = "purge", description = "For clients that purge caches in front of the library."),
        (name = "custom metadata", description = "Fields of your own for files, each with a type. Their values are set on upload and on change, \
            under `customMetadata`."),
        (name = "keys", description = "Key pairs with rights by area and an end. Of this server, not of the contract."),
        (name = "delivery", description = "Where the bytes are."),
        (name = "operations", description = "For who runs the server."),
    ),
    paths(
        uploads::upload,
        lists::list, files::details, metadata::of_file, metadata::of_url, changes::update, files::delete, placing::copy, placing::move_into, placing::rename, bulk::add_tags,
        bulk::remove_tags, bulk::remove_ai_tags, bulk::delete,
        versions::list, versions::details, versions::restore, versions::delete,
        folders::create, folders::delete,
        jobs::copy_folder, jobs::move_folder, jobs::rename_folder, jobs::status, jobs::report,
        purges::purge, purges::status,
        custom_fields::create, custom_fields::list, custom_fields::update, custom_fields::delete,
        keys::list, keys::create, keys::show, keys::roll, keys::revoke,
        delivery::deliver,
        health::healthz, operations::readyz, metrics::with_key,
    ),
    components(schemas(schemas::Error, schemas::Nothing)),
    modifiers(&Key),
)]
struct Annotated;

/// The one way to prove who asks.
struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut Document) {
        let mut basic = Http::new(HttpAuthScheme::Basic);
        basic.description = Some("User name: a private key. Password: anything, or nothing.".into());
        let components = document.components.get_or_insert_default();
        components.security_schemes.insert("privateKey".into(), SecurityScheme::Http(basic));
    }
}

/// The document of a server with these settings.
pub fn document(settings: &Settings) -> Value {
    let mut document = Annotated::openapi();
    let paths = std::mem::take(&mut document.paths.paths);
    for (path, item) in paths {
        let path = match path.strip_prefix(DELIVERY) {
            Some(rest) => format!("/{}/{rest}", settings.endpoint_id),
            None => path,
        };
        document.paths.paths.insert(path, item);
    }
    // A document of strings, lists and maps with string keys always becomes JSON.
    let mut document = serde_json::to_value(document).expect("the document is JSON");
    finish(&mut document);
    document
}

fn finish(document: &mut Value) {
    document["components"]["responses"] = shared_responses();
    let examples: Vec<Value> = serde_json::from_str(EXAMPLES).expect("the recorded session is JSON; a test reads it");
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let upload = paths[UPLOAD].clone();
    let at = 1 + paths.keys().position(|path| path == UPLOAD).unwrap_or_default();
    paths.shift_insert(at, UPLOAD_V2.into(), verbatim(upload));
    for item in paths.values_mut() {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else { continue };
            share(method, operation);
            links::add(operation);
            let shown = |step: &&Value| step["operation"] == operation["operationId"] && step["shown"] != false;
            if let Some(step) = examples.iter().find(shown) {
                illustrate(operation, step);
            }
        }
    }
}

/// The same upload where names are kept.
fn verbatim(mut item: Value) -> Value {
    let operation = &mut item["post"];
    operation["operationId"] = "uploadFileV2".into();
    operation["summary"] = "Upload a file under exactly its name".into();
    operation["description"] =
        "The same as under `/api/v1`, except that the names of the file and of new folders are kept exactly as sent."
            .into();
    item
}

/// The answers that many calls share, once; each goes by its status.
fn shared_responses() -> Value {
    let all =
        [refusals::of_every_call(), refusals::of_every_body(), refusals::of_every_write(), refusals::of_the_server()];
    let all = all.into_iter().flatten().filter(|(status, _)| status != "400");
    let named = all.map(|(status, response)| {
        let mut response = json(&response);
        tell_request_id(&mut response);
        (status, response)
    });
    named.collect::<Map<_, _>>().into()
}

/// Adds what holds for all calls of a kind.
fn share(method: &str, operation: &mut Value) {
    if !is_open(operation) {
        add(operation, refusals::of_every_call());
        if method != "get" {
            add(operation, refusals::of_every_write());
        }
    }
    if operation["requestBody"]["content"].get("application/json").is_some() {
        operation["requestBody"]["required"] = true.into();
        add(operation, refusals::of_every_body());
    }
    if operation["responses"].get("500").is_none() {
        add(operation, refusals::of_the_server());
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    responses.sort_keys();
    responses.values_mut().filter(|response| response.get("$ref").is_none()).for_each(tell_request_id);
}

/// Whether a call needs no key, nor anything in its place.
pub fn is_open(operation: &Value) -> bool {
    operation["security"].as_array().is_some_and(|ways| ways.iter().all(|way| *way == json!({})))
}

fn tell_request_id(response: &mut Value) {
    response["headers"]["x-ik-requestId"] =
        json!({ "description": "The id of this request", "schema": { "type": "string", "format": "uuid" } });
}

/// Adds shared responses, or what they tell to a response that is there.
fn add(operation: &mut Value, more: BTreeMap<String, RefOr<Response>>) {
    for (status, response) in more {
        let present = &mut operation["responses"][&status];
        if present.is_null() && status != "400" {
            *present = json!({ "$ref": format!("#/components/responses/{status}") });
            continue;
        }
        let response = json(&response);
        if present.is_null() {
            *present = response;
            continue;
        }
        let examples = &response["content"]["application/json"]["examples"];
        for (name, example) in examples.as_object().into_iter().flatten() {
            present["content"]["application/json"]["examples"][name] = example.clone();
        }
    }
}

fn json(response: &RefOr<Response>) -> Value {
    // Strings, lists and maps with string keys always become JSON.
    serde_json::to_value(response).expect("a response is JSON")
}

/// Puts the recorded request and answer into an operation.
fn illustrate(operation: &mut Value, example: &Value) {
    // Not by index: that would add what is not there.
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if let Some(value) = example["parameters"].get(&name) {
            parameter["example"] = value.clone();
        }
    }
    if let Some(body) = example.get("body") {
        contents(&mut operation["requestBody"]).for_each(|content| content["example"] = body.clone());
    }
    if let (Some(status), Some(answer)) = (example["status"].as_u64(), example.get("answer")) {
        let response = &mut operation["responses"][status.to_string()];
        contents(response).for_each(|content| content["example"] = answer.clone());
    }
}

fn contents(holder: &mut Value) -> impl Iterator<Item = &mut Value> {
    holder.get_mut("content").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}
