//! Values of custom metadata fields on uploads and updates, and where they are seen.

use super::*;

const INVALID: &str = "Invalid custom metadata.";

/// One field of each type.
async fn put_fields(library: &Library) -> BTreeMap<String, String> {
    let mut ids = BTreeMap::new();
    for (name, schema) in [
        ("text", json!({ "type": "Text", "minLength": 2, "maxLength": 5 })),
        ("area", json!({ "type": "TextArea" })),
        ("number", json!({ "type": "Number", "minValue": 1, "maxValue": 10 })),
        ("date", json!({ "type": "Date", "minValue": "2022-01-01" })),
        ("flag", json!({ "type": "Boolean" })),
        ("one", json!({ "type": "SingleSelect", "selectOptions": ["a", 1, true] })),
        ("many", json!({ "type": "MultiSelect", "selectOptions": ["a", 1, true] })),
    ] {
        ids.insert(name.to_owned(), put_field(library, name, schema).await);
    }
    ids
}

async fn put_field(library: &Library, name: &str, schema: Value) -> String {
    let body = json!({ "name": name, "label": name, "schema": schema });
    library.post("/v1/customMetadataFields", body).await.expect(201).text("id").to_owned()
}

async fn delete_field(library: &Library, id: &str) {
    let path = format!("/v1/customMetadataFields/{id}");
    library.client.send(Method::DELETE, &path, None).await.expect("an answer").expect(204);
}

async fn upload(library: &Library, path: &str, fields: &[(&str, &str)]) -> Answer {
    let (folder, name) = split(path);
    let fields = [&[("responseFields", "tags,customMetadata")], fields].concat();
    library.client.upload_with(folder, name, bytes_of(3), &fields).await.expect("an answer")
}

/// Uploads with these values, which have to be accepted, and returns the answer.
async fn put(library: &Library, path: &str, values: Value) -> Value {
    upload(library, path, &[("customMetadata", &values.to_string())]).await.expect(200).body
}

async fn patch(library: &Library, file: &Value, body: Value) -> Answer {
    let path = format!("/v1/files/{}/details", file["fileId"].as_str().expect("a file has an id"));
    library.client.send(Method::PATCH, &path, Some(body)).await.expect("an answer")
}

/// The values that every call shows of the file's current version.
async fn values(library: &Library, file: &Value) -> Value {
    let details = library.client.details(file["fileId"].as_str().unwrap()).await.expect("an answer").expect(200);
    let path = details.text("filePath");
    let listed = library.entry(path).await;
    let of_folder = library.client.list(split(path).0).await.expect("an answer").expect(200);
    let in_folder = of_folder.body.as_array().unwrap().iter().find(|entry| entry["filePath"] == path).unwrap();
    let versions = library.client.versions(file["fileId"].as_str().unwrap()).await.expect("an answer").expect(200);
    for other in [&listed, in_folder, &versions.body[0]] {
        assert_eq!(other["customMetadata"], details.body["customMetadata"], "every call shows the same");
    }
    details.body["customMetadata"].clone()
}

#[track_caller]
fn refused_with(answer: &Answer, errors: &Value) {
    assert_eq!(answer.status, 400, "the refusal in {answer:#?}");
    assert_eq!(answer.body, json!({ "message": INVALID, "help": HELP, "errors": errors }));
}

fn invalid_values() -> Vec<(Value, Value)> {
    let option = "should be one of the allowed options";
    vec![
        (json!({ "text": 1 }), json!({ "text": "should be of type string" })),
        (json!({ "text": "a" }), json!({ "text": "should be at least 2 characters" })),
        (json!({ "text": "abcdef" }), json!({ "text": "should be at most 5 characters" })),
        (json!({ "number": "1" }), json!({ "number": "should be of type number" })),
        (json!({ "number": 0.9 }), json!({ "number": "should be at least 1" })),
        (json!({ "number": 11 }), json!({ "number": "should be at most 10" })),
        (json!({ "date": "soon" }), json!({ "date": "should be an ISO 8601 date" })),
        (json!({ "date": "2021-12-31T23:59:59Z" }), json!({ "date": "should be at least 2022-01-01T00:00:00.000Z" })),
        (json!({ "flag": "true" }), json!({ "flag": "should be of type boolean" })),
        (json!({ "one": "1" }), json!({ "one": option })),
        (json!({ "many": "a" }), json!({ "many": "should be of type array" })),
        (json!({ "many": ["a", "1"] }), json!({ "many": option })),
        (json!({ "many": [1, 1] }), json!({ "many": "should not have duplicates" })),
        (json!({ "nope": 1 }), json!({ "nope": "field does not exist" })),
        (
            json!({ "nope": null, "number": [], "flag": true, "area": 7 }),
            json!({ "nope": "field does not exist", "number": "should be of type number", "area": "should be of type string" }),
        ),
        (json!([]), json!({ "customMetadata": "should be of type object" })),
        (json!("x"), json!({ "customMetadata": "should be of type object" })),
        (json!({ "area": "x".repeat(40_000) }), json!({ "customMetadata": "should be at most 32768 bytes in all" })),
    ]
}

#[tokio::test]
async fn values_of_every_type_are_stored_and_shown_everywhere() {
    on_both_catalogs(async |library: &mut Library| {
        put_fields(library).await;
        let sent = json!({
            "text": "äöü", "area": "a\nb", "number": 2.5, "date": "2022-11-30T10:11:12+05:30", "flag": false,
            "one": 1, "many": [true, "a"],
        });
        let mut kept = sent.clone();
        kept["date"] = "2022-11-30T04:41:12.000Z".into();
        let file = put(library, "/a/f.txt", sent).await;
        assert_eq!(file["customMetadata"], kept, "on request in the answer to an upload");
        assert_eq!(values(library, &file).await, kept);
        let plain = upload(library, "/a/g.txt", &[]).await.expect(200).body;
        assert_eq!(plain["customMetadata"], json!({}), "always an object");
        assert_eq!(values(library, &plain).await, json!({}));
        library.kill_and_restart().await;
        assert_eq!(values(library, &file).await, kept);
        // Copies have them too.
        library.copy("/a", "/b", false).await;
        let copy = library.entry("/b/a/f.txt").await;
        assert_eq!(copy["customMetadata"], kept);
    })
    .await;
}

#[tokio::test]
async fn an_update_lays_values_over_what_is_there() {
    on_both_catalogs(async |library: &mut Library| {
        put_fields(library).await;
        let file = put(library, "/f.txt", json!({ "text": "ab", "number": 1 })).await;
        for (sent, kept) in [
            (json!({ "number": 2, "flag": true }), json!({ "text": "ab", "number": 2, "flag": true })),
            (json!({ "text": null, "one": null }), json!({ "number": 2, "flag": true })),
            (json!({}), json!({ "number": 2, "flag": true })),
            (Value::Null, json!({ "number": 2, "flag": true })),
            (json!({ "number": null, "flag": null }), json!({})),
        ] {
            let answer = patch(library, &file, json!({ "customMetadata": sent, "tags": ["t"] })).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body["customMetadata"], kept, "{sent}");
            assert_eq!(values(library, &file).await, kept);
        }
        // A change of something else leaves them alone.
        patch(library, &file, json!({ "customMetadata": { "number": 3 } })).await.expect(200);
        patch(library, &file, json!({ "tags": null, "description": "x" })).await.expect(200);
        assert_eq!(values(library, &file).await, json!({ "number": 3 }));
    })
    .await;
}

#[tokio::test]
async fn invalid_values_are_refused_and_nothing_is_stored() {
    on_both_catalogs(async |library: &mut Library| {
        put_fields(library).await;
        let file = put(library, "/f.txt", json!({ "number": 5 })).await;
        for (sent, errors) in invalid_values() {
            eprintln!("{sent}");
            refused_with(&patch(library, &file, json!({ "customMetadata": sent, "tags": ["t"] })).await, &errors);
            let text = sent.to_string();
            refused_with(&upload(library, "/f.txt", &[("customMetadata", &text)]).await, &errors);
            refused_with(&upload(library, "/new.txt", &[("customMetadata", &text)]).await, &errors);
        }
        let no_object = json!({ "customMetadata": "should be of type object" });
        for text in ["{", "number=1", "7"] {
            refused_with(&upload(library, "/new.txt", &[("customMetadata", text)]).await, &no_object);
        }
        for text in ["", " ", "undefined", "null"] {
            upload(library, "/absent.txt", &[("customMetadata", text)]).await.expect(200);
        }
        assert_eq!(library.paths("").await, ["absent.txt", "f.txt"]);
        assert_eq!(library.history("/f.txt").await.len(), 1);
        assert_eq!(values(library, &file).await, json!({ "number": 5 }));
        assert_eq!(library.entry("/f.txt").await["tags"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn required_fields_take_their_default() {
    on_both_catalogs(async |library: &mut Library| {
        let before = library.put("/before.txt", bytes_of(1)).await;
        let required = json!({ "type": "Text", "isValueRequired": true, "defaultValue": "none", "maxLength": 5 });
        put_field(library, "must", required).await;
        put_field(library, "may", json!({ "type": "Number", "defaultValue": 7 })).await;
        for (path, sent, kept) in [
            ("/a.txt", json!({}), json!({ "must": "none" })),
            ("/b.txt", json!({ "may": 1 }), json!({ "may": 1, "must": "none" })),
            ("/c.txt", json!({ "must": "some" }), json!({ "must": "some" })),
        ] {
            assert_eq!(put(library, path, sent).await["customMetadata"], kept);
        }
        let plain = upload(library, "/d.txt", &[]).await.expect(200).body;
        assert_eq!(plain["customMetadata"], json!({ "must": "none" }));
        for (sent, why) in [
            (Value::Null, "is required"),
            (json!(""), "is required"),
            (json!("too long"), "should be at most 5 characters"),
        ] {
            let (sent, errors) = (json!({ "must": sent }), json!({ "must": why }));
            refused_with(&patch(library, &plain, json!({ "customMetadata": sent })).await, &errors);
            refused_with(&upload(library, "/d.txt", &[("customMetadata", &sent.to_string())]).await, &errors);
        }
        // What was there before the field has no value until its values are touched.
        assert_eq!(values(library, &before).await, json!({}));
        patch(library, &before, json!({ "tags": ["t"] })).await.expect(200);
        assert_eq!(values(library, &before).await, json!({}));
        let answer = patch(library, &before, json!({ "customMetadata": { "may": 3 } })).await.expect(200);
        assert_eq!(answer.body["customMetadata"], json!({ "may": 3, "must": "none" }));
    })
    .await;
}

#[tokio::test]
async fn a_new_version_has_its_own_values_or_keeps_the_old_ones() {
    on_both_catalogs(async |library: &mut Library| {
        put_fields(library).await;
        let file = put(library, "/f.txt", json!({ "number": 1, "text": "ab" })).await;
        let keep = ("overwriteCustomMetadata", "false");
        for (fields, kept) in [
            (&[keep][..], json!({ "number": 1, "text": "ab" })),
            (&[keep, ("customMetadata", r#"{"flag":true}"#)], json!({ "flag": true })),
            (&[keep, ("customMetadata", "{}")], json!({})),
            (&[("customMetadata", r#"{"number":2}"#)], json!({ "number": 2 })),
            (&[("overwriteCustomMetadata", "undefined")], json!({})),
        ] {
            let answer = upload(library, "/f.txt", fields).await.expect(200);
            assert_eq!(answer.body["customMetadata"], kept, "{fields:?}");
            assert_eq!(values(library, &file).await, kept);
        }
        let versions = library.client.versions(file["fileId"].as_str().unwrap()).await.unwrap().expect(200).body;
        assert_eq!(versions.as_array().unwrap().len(), 6);
        assert_eq!(versions[5]["customMetadata"], json!({ "number": 1, "text": "ab" }), "each version has its own");
        let first = versions[5]["versionInfo"]["id"].as_str().unwrap();
        let path = format!("/v1/files/{}/versions/{first}/restore", file["fileId"].as_str().unwrap());
        let restored = library.client.send(Method::PUT, &path, None).await.expect("an answer").expect(200);
        assert_eq!(restored.body["customMetadata"], json!({ "number": 1, "text": "ab" }));
    })
    .await;
}

#[tokio::test]
async fn values_of_a_deleted_field_are_out_of_sight() {
    on_both_catalogs(async |library: &mut Library| {
        let ids = put_fields(library).await;
        let file = put(library, "/f.txt", json!({ "number": 1, "text": "ab" })).await;
        let only = put(library, "/only.txt", json!({ "number": 2 })).await;
        assert_eq!(values(library, &file).await, json!({ "number": 1, "text": "ab" }));
        let search = [("searchQuery", "\"customMetadata.number\" > 0")];
        let found = library.client.list_with(&search).await.expect("an answer").expect(200);
        assert_eq!(found.body.as_array().map(Vec::len), Some(2));
        delete_field(library, &ids["number"]).await;
        refused_somehow(&library.client.list_with(&search).await.expect("an answer"), &[400]);
        assert_eq!(values(library, &file).await, json!({ "text": "ab" }));
        assert_eq!(values(library, &only).await, json!({}));
        let gone = json!({ "number": "field does not exist" });
        refused_with(&patch(library, &file, json!({ "customMetadata": { "number": 1 } })).await, &gone);
        refused_with(&upload(library, "/f.txt", &[("customMetadata", r#"{"number":1}"#)]).await, &gone);
        let answer = patch(library, &file, json!({ "customMetadata": { "text": "cd" } })).await.expect(200);
        assert_eq!(answer.body["customMetadata"], json!({ "text": "cd" }));
        let answer = upload(library, "/f.txt", &[("overwriteCustomMetadata", "false")]).await.expect(200);
        assert_eq!(answer.body["customMetadata"], json!({ "text": "cd" }));
    })
    .await;
}

#[tokio::test]
async fn stored_values_outlive_a_change_of_their_field() {
    on_both_catalogs(async |library: &mut Library| {
        let ids = put_fields(library).await;
        let file = put(library, "/f.txt", json!({ "number": 9, "one": "a" })).await;
        for (name, schema) in [("number", json!({ "maxValue": 3 })), ("one", json!({ "selectOptions": ["z"] }))] {
            let path = format!("/v1/customMetadataFields/{}", ids[name]);
            let body = Some(json!({ "schema": schema }));
            library.client.send(Method::PATCH, &path, body).await.expect("an answer").expect(200);
        }
        assert_eq!(values(library, &file).await, json!({ "number": 9, "one": "a" }));
        // The new rules are for whoever sends a value now, at once.
        let errors = json!({ "number": "should be at most 3", "one": "should be one of the allowed options" });
        refused_with(&patch(library, &file, json!({ "customMetadata": { "number": 9, "one": "a" } })).await, &errors);
        let answer = patch(library, &file, json!({ "customMetadata": { "one": "z" } })).await.expect(200);
        assert_eq!(answer.body["customMetadata"], json!({ "number": 9, "one": "z" }));
    })
    .await;
}

/// A server over the same catalog and bytes as others, with a directory of its own.
async fn server_over(database: &str, blobs: &std::path::Path, data: &std::path::Path) -> Server {
    let options = Options::new(data)
        .catalog(Some(database))
        .variable("CALOTYPE_BLOBS", blobs.display())
        .variable("CALOTYPE_SECRET", "one secret for all servers of a library");
    Server::start_with(options).await
}

#[tokio::test]
async fn a_change_of_fields_counts_at_once_on_every_server() {
    let Some(database) = fresh_database("fields").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let (blobs, one, two) = (directory.path().join("blobs"), directory.path().join("1"), directory.path().join("2"));
    let mut one = server_over(&database.url, &blobs, &one).await;
    let mut two = server_over(&database.url, &blobs, &two).await;
    let (here, there) = (one.client(), two.client());
    let upload = async |client: &Client, values: &str| {
        let fields = [("customMetadata", values), ("responseFields", "customMetadata")];
        client.upload_with("/", "f.txt", bytes_of(1), &fields).await.expect("an answer")
    };
    for round in 0..10 {
        let (values, name) = (format!("{{\"f{round}\":7}}"), format!("f{round}"));
        refused_with(&upload(&there, &values).await, &json!({ &name: "field does not exist" }));
        let field = json!({ "name": name, "label": name, "schema": { "type": "Number" } });
        let id = here.post("/v1/customMetadataFields", field).await.unwrap().expect(201).text("id").to_owned();
        let file = upload(&there, &values).await.expect(200);
        assert_eq!(file.body["customMetadata"], json!({ &name: 7 }));
        let path = format!("/v1/customMetadataFields/{id}");
        let change = json!({ "schema": { "maxValue": 6 } });
        there.send(Method::PATCH, &path, Some(change)).await.unwrap().expect(200);
        refused_with(&upload(&here, &values).await, &json!({ &name: "should be at most 6" }));
        there.send(Method::DELETE, &path, None).await.unwrap().expect(204);
        let details = here.details(file.text("fileId")).await.unwrap().expect(200);
        assert_eq!(details.body["customMetadata"], json!({}));
        refused_with(&upload(&here, &values).await, &json!({ &name: "field does not exist" }));
    }
    for server in [&mut one, &mut two] {
        server.assert_no_panic();
        server.term().await;
    }
}
