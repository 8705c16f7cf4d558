//! Custom metadata fields: making, listing, changing and deleting them, in the spellings of every client.

use super::*;

const FIELDS: &str = "/v1/customMetadataFields";
const NAME_TAKEN: &str = "A custom metadata field with this name already exists";
const LABEL_TAKEN: &str = "A custom metadata field with this label already exists.";
const NO_FIELD: &str = "No such custom metadata field exists";

/// Creates a field that has to be accepted.
async fn create(library: &Library, name: &str, schema: Value) -> Value {
    created(&library.post(FIELDS, json!({ "name": name, "label": name, "schema": schema })).await)
}

#[track_caller]
fn created(answer: &Answer) -> Value {
    succeeded(answer, 201);
    assert_id(&answer.body["id"]);
    answer.body.clone()
}

async fn patch(library: &Library, field: &Value, body: Value) -> Answer {
    let path = format!("{FIELDS}/{}", field["id"].as_str().expect("a field has an id"));
    library.client.send(Method::PATCH, &path, Some(body)).await.expect("an answer")
}

async fn delete(library: &Library, field: &Value) -> Answer {
    let path = format!("{FIELDS}/{}", field["id"].as_str().expect("a field has an id"));
    library.client.send(Method::DELETE, &path, None).await.expect("an answer")
}

async fn list(library: &Library, query: &str) -> Value {
    let answer = library.get(&format!("{FIELDS}{query}")).await;
    succeeded(&answer, 200);
    answer.body
}

/// A refusal with an `errors` object.
#[track_caller]
fn refused_with(answer: &Answer, message: &str, errors: &Value) {
    assert_eq!(answer.status, 400, "the refusal in {answer:#?}");
    assert_eq!(answer.body, json!({ "message": message, "help": HELP, "errors": errors }));
    assert_eq!(answer.header("content-type"), Some(JSON), "the type of {answer:#?}");
}

#[tokio::test]
async fn fields_of_every_type_are_made_listed_changed_and_deleted() {
    on_both_catalogs(async |library: &mut Library| {
        assert_eq!(list(library, "").await, json!([]));
        let mut fields = Vec::new();
        for (name, schema) in [
            ("text", json!({ "type": "Text", "minLength": 1, "maxLength": 50 })),
            ("area", json!({ "type": "Textarea", "isValueRequired": true, "defaultValue": "none" })),
            ("number", json!({ "type": "Number", "minValue": 1000, "maxValue": 3000.5 })),
            ("date", json!({ "type": "Date", "minValue": "2022-11-30T10:11:10.494Z" })),
            ("flag", json!({ "type": "Boolean", "isValueRequired": true, "defaultValue": false })),
            ("one", json!({ "type": "SingleSelect", "selectOptions": ["small", 30, false] })),
            ("many", json!({ "type": "MultiSelect", "defaultValue": ["a", 1], "selectOptions": ["a", 1] })),
        ] {
            let field = create(library, name, schema.clone()).await;
            assert_eq!(field, json!({ "id": field["id"], "name": name, "label": name, "schema": schema }));
            fields.push(field);
        }
        assert_eq!(list(library, "").await, json!(fields), "in order of creation");
        assert_eq!(list(library, "?folderPath=%2Fnowhere&includeDeleted=false").await, json!(fields));

        // The type stays, the rest of a schema is replaced as a whole.
        let schema = json!({ "type": "Text", "maxValue": 7 });
        let answer = patch(library, &fields[2], json!({ "schema": schema, "id": "ignored", "unknown": 1 })).await;
        succeeded(&answer, 200);
        fields[2]["schema"] = json!({ "type": "Number", "maxValue": 7 });
        assert_eq!(answer.body, fields[2]);
        let answer = patch(library, &fields[0], json!({ "label": "Überschrift ½" })).await;
        succeeded(&answer, 200);
        fields[0]["label"] = "Überschrift ½".into();
        assert_eq!(answer.body, fields[0]);
        assert_eq!(list(library, "").await, json!(fields));

        succeeded_empty(&delete(library, &fields[1]).await);
        let mut gone = fields[1].clone();
        gone["isDeleted"] = true.into();
        let mut all = fields.clone();
        all[1] = gone;
        fields.remove(1);
        assert_eq!(list(library, "").await, json!(fields));
        assert_eq!(list(library, "?includeDeleted=true").await, json!(all));
        library.kill_and_restart().await;
        assert_eq!(list(library, "").await, json!(fields));
        assert_eq!(list(library, "?includeDeleted=1").await, json!(all));
    })
    .await;
}

#[tokio::test]
async fn a_description_is_told_while_there_is_one() {
    on_both_catalogs(async |library: &mut Library| {
        let body = json!({ "name": "a", "label": "A", "schema": { "type": "Text" }, "description": "What it is\nfor" });
        let field = created(&library.post(FIELDS, body).await);
        assert_eq!(field["description"], "What it is\nfor");
        let longest = "é".repeat(500);
        for (sent, told) in [
            (json!({ "description": longest }), json!(longest)),
            (json!({ "label": "B" }), json!(longest)),
            (json!({ "description": "" }), Value::Null),
            (json!({ "description": "x", "schema": { "maxLength": 3 } }), json!("x")),
            (json!({ "description": null }), Value::Null),
        ] {
            let answer = patch(library, &field, sent.clone()).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body["description"], told, "{sent}");
            assert_eq!(answer.body.get("description").is_some(), !told.is_null(), "absent, not null");
            assert_eq!(list(library, "").await, json!([answer.body]));
        }
        let long = format!("{longest}é");
        let errors = json!({ "description": "should be at most 500 characters" });
        refused_with(&patch(library, &field, json!({ "description": long })).await, "Invalid field object", &errors);
        let body = json!({ "name": "b", "label": "b", "schema": { "type": "Text" }, "description": long });
        refused_with(&library.post(FIELDS, body).await, "Invalid field object", &errors);
    })
    .await;
}

#[tokio::test]
async fn creating_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        let (required, string, object) = ("is required", "should be of type string", "should be of type object");
        let text = json!({ "type": "Text" });
        for (body, message, errors) in [
            (json!({}), "Invalid field object", json!({ "name": required, "label": required, "schema": required })),
            (
                json!({ "name": "", "label": " ", "schema": null }),
                "Invalid field object",
                json!({ "name": required, "label": required, "schema": required }),
            ),
            (
                json!({ "name": 1, "label": ["a"], "schema": "Text", "description": true }),
                "Invalid field object",
                json!({ "name": string, "label": string, "description": string, "schema": object }),
            ),
            (
                json!({ "name": "a\u{0}", "label": "x".repeat(256), "schema": [] }),
                "Invalid field object",
                json!({
                    "name": "should not have control characters", "label": "should be at most 255 characters",
                    "schema": object,
                }),
            ),
            // Of field and schema in one answer.
            (
                json!({ "label": "a", "schema": { "type": "Text", "maxLength": "1" } }),
                "Invalid field object",
                json!({ "name": required, "maxLength": "should be of type number" }),
            ),
            (
                json!({ "name": "a", "label": "a", "schema": {} }),
                "Invalid schema object",
                json!({ "type": required }),
            ),
            (
                json!({ "name": "a", "label": "a", "schema": { "type": "Number", "minValue": "1000", "maxLength": 5 } }),
                "Invalid schema object",
                json!({ "maxLength": "not allowed for this type", "minValue": "should be of type number" }),
            ),
            (
                json!({ "name": "a", "label": "a", "schema": { "type": "Text", "isValueRequired": true } }),
                "Invalid schema object",
                json!({ "defaultValue": required }),
            ),
            (
                json!({ "name": "a", "label": "a", "schema": { "type": "SingleSelect" } }),
                "Invalid schema object",
                json!({ "selectOptions": required }),
            ),
        ] {
            eprintln!("{body}");
            refused_with(&library.post(FIELDS, body).await, message, &errors);
        }
        create(library, "taken", text.clone()).await;
        let named = |name: &str, label: &str| json!({ "name": name, "label": label, "schema": text });
        refused(&library.post(FIELDS, named("taken", "new")).await, 400, None, NAME_TAKEN);
        refused(&library.post(FIELDS, named("taken", "taken")).await, 400, None, NAME_TAKEN);
        refused(&library.post(FIELDS, named("new", "taken")).await, 400, None, LABEL_TAKEN);
        refused_somehow(&library.send(Method::POST, FIELDS, "application/json", "{\"name\":").await, &[400]);
        let form = "name=a&label=a&schema=%7B%22type%22%3A%22Text%22%7D";
        refused_with(
            &library.send(Method::POST, FIELDS, FORM, form).await,
            "Invalid field object",
            &json!({ "schema": object }),
        );
        assert_eq!(list(library, "?includeDeleted=true").await.as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn names_are_taken_for_ever_and_labels_while_their_field_is_there() {
    on_both_catalogs(async |library: &mut Library| {
        let text = json!({ "type": "Text" });
        let named = |name: &str, label: &str| json!({ "name": name, "label": label, "schema": text });
        let first = created(&library.post(FIELDS, named("a", "Label")).await);
        let other = created(&library.post(FIELDS, named("A", "label")).await);
        refused(&patch(library, &other, json!({ "label": "Label" })).await, 400, None, LABEL_TAKEN);
        // Its own label is no conflict.
        succeeded(&patch(library, &first, json!({ "label": "Label" })).await, 200);
        succeeded_empty(&delete(library, &first).await);
        refused(&library.post(FIELDS, named("a", "another")).await, 400, None, NAME_TAKEN);
        succeeded(&patch(library, &other, json!({ "label": "Label" })).await, 200);
        refused(&library.post(FIELDS, named("b", "Label")).await, 400, None, LABEL_TAKEN);
        created(&library.post(FIELDS, named("b", "label")).await);
    })
    .await;
}

#[tokio::test]
async fn of_many_at_once_one_gets_the_name() {
    on_both_catalogs(async |library: &mut Library| {
        let text = json!({ "type": "Text" });
        let post =
            |name: String, label: String| library.post(FIELDS, json!({ "name": name, "label": label, "schema": text }));
        let same_name = futures_util::future::join_all((0..8).map(|at| post("n".into(), format!("l{at}")))).await;
        let same_label = futures_util::future::join_all((0..8).map(|at| post(format!("m{at}"), "l".into()))).await;
        for (answers, message) in [(same_name, NAME_TAKEN), (same_label, LABEL_TAKEN)] {
            let (made, not): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
            assert_eq!(made.len(), 1, "{answers:#?}");
            not.iter().for_each(|answer| refused(answer, 400, None, message));
        }
        let fields = list(library, "").await;
        let fields = fields.as_array().unwrap();
        assert_eq!(fields.len(), 2);
        // Changes come one after the other too: of two fields that want one label one gets it.
        let change = json!({ "label": "wanted" });
        let both =
            futures_util::future::join_all(fields.iter().map(|field| patch(library, field, change.clone()))).await;
        let statuses: BTreeSet<u16> = both.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, BTreeSet::from([200, 400]), "{both:#?}");
        // And a field is deleted once.
        let gone = futures_util::future::join_all((0..4).map(|_| delete(library, &fields[0]))).await;
        assert_eq!(gone.iter().filter(|answer| answer.status == 204).count(), 1, "{gone:#?}");
    })
    .await;
}

#[tokio::test]
async fn changing_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        let field = create(library, "a", json!({ "type": "Number" })).await;
        let nothing = "Either label or schema should be provided.";
        for body in [json!({}), json!({ "label": null }), json!({ "schema": null, "label": null }), json!({ "x": 1 })] {
            refused(&patch(library, &field, body).await, 400, None, nothing);
        }
        let path = format!("{FIELDS}/{}", field["id"].as_str().unwrap());
        refused(&library.send(Method::PATCH, &path, "application/json", "").await, 400, None, nothing);
        for body in [json!({ "name": "b" }), json!({ "name": "a", "label": "b" })] {
            refused(&patch(library, &field, body).await, 400, None, "Name cannot be updated.");
        }
        for (body, message, errors) in [
            (json!({ "label": "" }), "Invalid field object", json!({ "label": "is required" })),
            (json!({ "label": 7 }), "Invalid field object", json!({ "label": "should be of type string" })),
            (json!({ "schema": "b" }), "Invalid field object", json!({ "schema": "should be of type object" })),
            (
                json!({ "schema": { "type": "Text", "minLength": 1 } }),
                "Invalid schema object",
                json!({ "minLength": "not allowed for this type" }),
            ),
            (
                json!({ "label": "b", "schema": { "minValue": "1" } }),
                "Invalid schema object",
                json!({ "minValue": "should be of type number" }),
            ),
        ] {
            refused_with(&patch(library, &field, body).await, message, &errors);
        }
        assert_eq!(list(library, "").await, json!([field]), "nothing was changed");
        succeeded_empty(&delete(library, &field).await);
        let deleted = "Cannot update a deleted custom metadata fields.";
        refused(&patch(library, &field, json!({ "label": "b" })).await, 400, None, deleted);
        refused(&delete(library, &field).await, 404, None, NO_FIELD);
    })
    .await;
}

#[tokio::test]
async fn ids_are_checked() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/f.txt", bytes_of(1)).await;
        let label = || Some(json!({ "label": "a" }));
        for method in [Method::PATCH, Method::DELETE] {
            let send = async |path: &str| library.client.send(method.clone(), path, label()).await.expect("an answer");
            for path in [FIELDS, "/v1/customMetadataFields/", "/v2/customMetadataFields"] {
                refused(&send(path).await, 400, None, "Missing id parameter.");
            }
            for bad in ["x", "undefined", "null", "00000000000000000000000g", "%00", "f%2Ff"] {
                let answer = send(&format!("{FIELDS}/{bad}")).await;
                refused(&answer, 400, None, "Your request contains invalid ID parameter.");
            }
            // Also an id of something else is none of a field.
            for unknown in [UNKNOWN_ID, file["fileId"].as_str().unwrap()] {
                refused(&send(&format!("{FIELDS}/{unknown}")).await, 404, None, NO_FIELD);
            }
        }
        for (method, path) in [
            (Method::POST, FIELDS.to_owned()),
            (Method::GET, FIELDS.to_owned()),
            (Method::PATCH, format!("{FIELDS}/{UNKNOWN_ID}")),
            (Method::DELETE, format!("{FIELDS}/{UNKNOWN_ID}")),
        ] {
            let answer = answer(library.keyless(method, &path)).await.expect("an answer");
            refused(&answer, 401, None, "Your request does not contain private API key.");
        }
    })
    .await;
}

#[tokio::test]
async fn every_spelling_of_the_paths_is_served() {
    on_both_catalogs(async |library: &mut Library| {
        let paths = [FIELDS, "/v2/customMetadataFields", "/v1/custommetadatafields/", "/V1/CUSTOMMETADATAFIELDS"];
        for (at, path) in paths.into_iter().enumerate() {
            let body = json!({ "name": path, "label": path, "schema": { "type": "TextArea" } });
            let field = created(&library.post(path, body).await);
            assert_eq!(field["schema"], json!({ "type": "Textarea" }));
            let listed = library.get(path).await;
            succeeded(&listed, 200);
            assert_eq!(listed.body.as_array().unwrap().len(), at + 1);
            let own = format!("{}/{}/", path.trim_end_matches('/'), field["id"].as_str().unwrap());
            succeeded(
                &library.client.send(Method::PATCH, &own, Some(json!({ "label": at.to_string() }))).await.unwrap(),
                200,
            );
        }
    })
    .await;
}

#[tokio::test]
async fn sdks_of_today_get_a_body_after_a_deletion_and_all_others_none() {
    on_both_catalogs(async |library: &mut Library| {
        for language in ["js", "python", "go", "java", "csharp", "ruby"] {
            let field = create(library, language, json!({ "type": "Boolean" })).await;
            let path = format!("{FIELDS}/{}", field["id"].as_str().unwrap());
            let request = library.client.request(Method::DELETE, &path).header("X-Stainless-Lang", language);
            let answer = answer(request).await.expect("an answer");
            succeeded(&answer, 200);
            assert_eq!(answer.body, json!({}), "{language}");
        }
        // Old PHP clients send a body with it.
        let field = create(library, "php", json!({ "type": "Boolean" })).await;
        let path = format!("{FIELDS}/{}", field["id"].as_str().unwrap());
        succeeded_empty(&library.send(Method::DELETE, &path, "application/json", "[\"id\"]").await);
        assert_eq!(list(library, "").await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_creation_sent_again_after_a_lost_answer_is_one() {
    on_both_catalogs(async |library: &mut Library| {
        let body = json!({ "name": "a", "label": "A", "schema": { "type": "Text", "maxLength": 3 } });
        let send = async |body: &Value, retries: &str| {
            let request = library.client.request(Method::POST, FIELDS).header("X-Stainless-Retry-Count", retries);
            answer(request.json(body)).await.expect("an answer")
        };
        let first = created(&send(&body, "0").await);
        assert_eq!(created(&send(&body, "1").await), first);
        refused(&send(&body, "0").await, 400, None, NAME_TAKEN);
        let mut other = body.clone();
        other["schema"]["maxLength"] = 4.into();
        refused(&send(&other, "2").await, 400, None, NAME_TAKEN);
        succeeded_empty(&delete(library, &first).await);
        refused(&send(&body, "1").await, 400, None, NAME_TAKEN);
    })
    .await;
}

// ---- What each client sends, byte for byte --------------------------------------------------------------------------

#[tokio::test]
async fn dotnet_sends_every_key_with_zeros_and_nulls() {
    on_both_catalogs(async |library: &mut Library| {
        for (name, schema, kept) in [
            (
                "number",
                r#"{"type":"Number","selectOptions":null,"defaultValue":null,"isValueRequired":false,"minValue":1000,"maxValue":3000,"minLength":0,"maxLength":0}"#,
                json!({ "type": "Number", "isValueRequired": false, "minValue": 1000, "maxValue": 3000 }),
            ),
            (
                "text",
                r#"{"type":"Text","selectOptions":null,"defaultValue":null,"isValueRequired":false,"minValue":null,"maxValue":null,"minLength":0,"maxLength":0}"#,
                json!({ "type": "Text", "isValueRequired": false, "minLength": 0 }),
            ),
            (
                "select",
                r#"{"type":"MultiSelect","selectOptions":["small",30,40,true],"defaultValue":["small",30],"isValueRequired":true,"minValue":null,"maxValue":null,"minLength":0,"maxLength":0}"#,
                json!({
                    "type": "MultiSelect", "isValueRequired": true, "defaultValue": ["small", 30],
                    "selectOptions": ["small", 30, 40, true],
                }),
            ),
        ] {
            let body = format!(r#"{{"name":"{name}","label":"{name}","schema":{schema}}}"#);
            let field = created(&library.send(Method::POST, FIELDS, "application/json; charset=utf-8", body).await);
            assert_eq!(field["schema"], kept);
            let id = field["id"].as_str().unwrap();
            let body = format!(r#"{{"Id":"{id}","label":null,"schema":{schema}}}"#);
            let path = format!("{FIELDS}/{id}");
            let answer = library.send(Method::PATCH, &path, "application/json; charset=utf-8", body).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body["schema"], kept);
        }
    })
    .await;
}

#[tokio::test]
async fn ruby_3_sends_the_label_as_schema_and_a_form_with_get() {
    on_both_catalogs(async |library: &mut Library| {
        let kept = create(library, "kept", json!({ "type": "Text", "maxLength": 9 })).await;
        let gone = create(library, "gone", json!({ "type": "Text" })).await;
        succeeded_empty(&delete(library, &gone).await);
        let path = format!("{FIELDS}/{}", kept["id"].as_str().unwrap());
        let body = r#"{"label":"New label","schema":"New label"}"#;
        let answer = library.send(Method::PATCH, &path, "application/json", body).await;
        succeeded(&answer, 200);
        assert_eq!(answer.body["label"], "New label");
        assert_eq!(answer.body["schema"], kept["schema"], "the schema stays");
        for (query, content_type, body, count) in [
            ("", FORM, "includeDeleted=true", 2),
            ("", FORM, "includeDeleted=false", 1),
            ("", FORM, "includeDeleted=True", 2),
            ("?includeDeleted=false", FORM, "includeDeleted=true", 1),
            ("?includeDeleted=true", FORM, "includeDeleted=false", 2),
            ("?includeDeleted=True", FORM, "", 2),
            ("?includeDeleted=undefined", FORM, "", 1),
            ("?includeDeleted=", FORM, "includeDeleted=1", 2),
            ("", "application/json", r#"{"includeDeleted":true}"#, 2),
            // Old Node clients name a type and send nothing; others send what is none of this call.
            ("", "application/json", "", 1),
            ("", "application/json", "[1", 1),
            ("", FORM, "%FF", 1),
        ] {
            let answer = library.send(Method::GET, &format!("{FIELDS}{query}"), content_type, body).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body.as_array().unwrap().len(), count, "{query} {content_type} {body}");
        }
    })
    .await;
}

#[tokio::test]
async fn node_sends_dates_as_json_and_required_with_a_default() {
    on_both_catalogs(async |library: &mut Library| {
        let body = r#"{"name":"when","label":"When","schema":{"type":"Date","isValueRequired":true,"defaultValue":"2022-11-30T11:11:10.494Z","minValue":"2022-11-30T10:11:10.494Z","maxValue":"2022-12-01T10:11:10+00:00"}}"#;
        let field = created(&library.send(Method::POST, FIELDS, "application/json", body).await);
        assert_eq!(
            field["schema"],
            json!({
                "type": "Date", "isValueRequired": true, "defaultValue": "2022-11-30T11:11:10.494Z",
                "minValue": "2022-11-30T10:11:10.494Z", "maxValue": "2022-12-01T10:11:10.000Z",
            })
        );
        let answer = patch(library, &field, json!({ "schema": { "minValue": "2022-12-02", "maxValue": "2022-12-01" } }));
        let errors = json!({ "maxValue": "should be at least 2022-12-02T00:00:00.000Z" });
        refused_with(&answer.await, "Invalid schema object", &errors);
    })
    .await;
}
