//! Copy, move and rename of single files.

use super::*;

const COPY: &str = "/v1/files/copy";
const MOVE: &str = "/v1/files/move";
const PARAMETERS: &str = "Your request is missing parameters / contains invalid parameters.";

fn ends(source: &str, destination: &str) -> Value {
    json!({ "sourceFilePath": source, "destinationPath": destination })
}

#[tokio::test]
async fn a_copy_is_another_file_with_the_same_content() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=3 {
            library.put_with("/a/f.txt", bytes_of(size), &[("tags", "x"), ("isPrivateFile", "true")]).await;
        }
        let source = library.entry("/a/f.txt").await;
        succeeded_empty(&library.post(COPY, ends("/a/f.txt", "/b/new")).await);
        assert_eq!(library.paths("").await, ["a/", "a/f.txt", "b/", "b/new/", "b/new/f.txt"]);
        assert_eq!(library.entry("/a/f.txt").await, source, "the source is as it was");
        let copy = library.entry("/b/new/f.txt").await;
        assert_ne!(copy["fileId"], source["fileId"]);
        assert_eq!(copy["versionInfo"], json!({ "id": copy["fileId"], "name": "Version 1" }));
        for key in ["size", "tags", "isPrivateFile", "mime"] {
            assert_eq!(copy[key], source[key], "{key}");
        }
        assert_eq!(library.sizes("/b/new/f.txt").await, [3]);
        for flag in ["includeFileVersions", "includeVersions"] {
            let body = json!({ "sourceFilePath": "a//f.txt", "destinationPath": flag, flag: true });
            succeeded_empty(&library.post(COPY, body).await);
            assert_eq!(library.sizes(&format!("/{flag}/f.txt")).await, [1, 2, 3]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_gets_the_versions_appended() {
    on_both_catalogs(async |library: &mut Library| {
        for (path, size) in [("/a/f", 1), ("/a/f", 2), ("/b/f", 10), ("/b/f", 11)] {
            library.put(path, bytes_of(size)).await;
        }
        let target = library.entry("/b/f").await;
        succeeded_empty(&library.post(COPY, ends("/a/f", "/b")).await);
        assert_eq!(library.sizes("/b/f").await, [10, 11, 2]);
        let body = json!({ "sourceFilePath": "/a/f", "destinationPath": "/b", "includeFileVersions": true });
        succeeded_empty(&library.post(COPY, body).await);
        assert_eq!(library.sizes("/b/f").await, [10, 11, 2, 1, 2]);
        assert_eq!(library.sizes("/a/f").await, [1, 2]);

        let source = library.entry("/a/f").await;
        succeeded_empty(&library.post(MOVE, ends("/a/f", "/b")).await);
        assert_eq!(library.sizes("/b/f").await, [10, 11, 2, 1, 2, 1, 2]);
        assert_eq!(library.entry("/b/f").await["fileId"], target["fileId"], "the destination's file lives on");
        assert_eq!(library.entry("/b/f").await["createdAt"], target["createdAt"]);
        library.assert_no_file(source["fileId"].as_str().expect("an id")).await;
        assert_eq!(library.paths("").await, ["a/", "b/", "b/f"]);
    })
    .await;
}

#[tokio::test]
async fn a_move_keeps_ids_and_history() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=2 {
            library.put("/a/f", bytes_of(size)).await;
        }
        let before = library.history("/a/f").await;
        let id = library.entry("/a/f").await["fileId"].clone();
        // A form, as the Ruby client sends it, and a path that names a file: folders and files do not meet.
        library.put("/x", bytes_of(5)).await;
        let form = library.send(Method::POST, MOVE, FORM, "sourceFilePath=%2Fa%2Ff&destinationPath=%2Fx").await;
        succeeded_empty(&form);
        assert_eq!(library.paths("").await, ["a/", "x", "x/", "x/f"]);
        assert_eq!(library.history("/x/f").await, before);
        assert_eq!(library.entry("/x/f").await["fileId"], id);
        assert_eq!(library.bytes("/x/f").await, bytes_of(2));
        assert_eq!(library.client.get_file("/a/f").await.expect("an answer").status, 404, "the old URL is gone");
    })
    .await;
}

#[tokio::test]
async fn a_file_with_too_many_versions_stays_where_it_is() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=60 {
            library.put("/a/f", bytes_of(size)).await;
            library.put("/b/f", bytes_of(size)).await;
        }
        let before = library.everything().await;
        let message = "A file cannot have more than 100 versions.";
        let with_versions = json!({ "sourceFilePath": "/a/f", "destinationPath": "/b", "includeFileVersions": true });
        for (call, body) in [(MOVE, ends("/a/f", "/b")), (COPY, with_versions)] {
            refused(&library.post(call, body).await, 400, Some("VERSION_LIMIT_EXCEEDED"), message);
        }
        assert_eq!(library.everything().await, before);
        succeeded_empty(&library.post(COPY, ends("/a/f", "/b")).await);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_copied_or_moved_is_refused() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f", bytes_of(1)).await;
        let before = library.everything().await;
        for call in [COPY, MOVE] {
            for (body, status, reason, message) in [
                (ends("a/none", "/b"), 404, "SOURCE_FILE_MISSING", "No file found with filePath a/none"),
                (ends("/a", "/b"), 404, "SOURCE_FILE_MISSING", "No file found with filePath /a"),
                (ends("/", "/b"), 404, "SOURCE_FILE_MISSING", "No file found with filePath /"),
                (json!({}), 400, "MISSING_PARAMETER", PARAMETERS),
                (json!({ "sourceFilePath": "/a/f" }), 400, "MISSING_PARAMETER", PARAMETERS),
                (json!({ "sourceFilePath": 7, "destinationPath": "/b" }), 400, "INVALID_PARAMETER", PARAMETERS),
                (
                    ends("/a/f", "//a/"),
                    400,
                    "SAME_SOURCE_AND_DESTINATION",
                    "sourceFilePath and destinationPath cannot be same.",
                ),
                (ends("/a/f", "/b/../c"), 400, "INVALID_FOLDER_PATH", "'.' & '..' can not be used as folder-name"),
            ] {
                refused(&library.post(call, body).await, status, Some(reason), message);
            }
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn a_rename_changes_the_name_alone() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=2 {
            library.put("/a/f.txt", bytes_of(size)).await;
        }
        let before = library.entry("/a/f.txt").await;
        let rename = |name: &str| json!({ "filePath": "/a/f.txt", "newFileName": name });
        let renamed = library.client.send(Method::PUT, "/v1/files/rename", Some(rename("n w.md"))).await;
        let renamed = renamed.expect("an answer");
        succeeded(&renamed, 200);
        assert_eq!(renamed.body, json!({}), "no other keys");
        let after = library.entry("/a/n_w.md").await;
        for key in ["fileId", "versionInfo", "size", "mime", "createdAt"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        assert_eq!(library.sizes("/a/n_w.md").await, [1, 2]);
        assert_eq!(library.client.get_file("/a/f.txt").await.expect("an answer").status, 404);

        let body = json!({ "filePath": "a/n_w.md", "newFileName": "p q", "purgeCache": true });
        let renamed = library.client.send(Method::PUT, "/v2/files/rename", Some(body)).await.expect("an answer");
        succeeded(&renamed, 200);
        let purge = renamed.text("purgeRequestId").to_owned();
        assert_eq!(renamed.body, json!({ "purgeRequestId": purge }));
        let status = library.get(&format!("/v1/files/purge/{purge}")).await;
        assert_eq!(status.body, json!({ "status": "Completed" }));
        assert_eq!(library.paths("").await, ["a/", "a/p q"], "v2 keeps names as sent");
    })
    .await;
}

#[tokio::test]
async fn a_slash_in_a_new_name_is_cleaned_on_v1_and_refused_on_v2() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/f", bytes_of(1)).await;
        let rename = async |version: &str, path: &str, name: &str| {
            let body = json!({ "filePath": path, "newFileName": name });
            library.client.send(Method::PUT, &format!("/{version}/files/rename"), Some(body)).await.expect("an answer")
        };
        let refusal = rename("v2", "/f", "a/b").await;
        refused_somehow(&refusal, &[400]);
        assert_eq!(refusal.body["reason"], "INVALID_PARAMETER");
        assert_eq!(library.paths("").await, ["f"]);
        succeeded(&rename("v1", "/f", "a/b").await, 200);
        assert_eq!(library.paths("").await, ["a_b"]);
    })
    .await;
}

#[tokio::test]
async fn refusals_tell_paths_as_they_were_sent() {
    on_both_catalogs(async |library: &mut Library| {
        for odd in ["//no//file.txt", "no/file.txt/", "no//file.txt"] {
            let body = json!({ "filePath": odd, "newFileName": "x" });
            let renamed = library.client.send(Method::PUT, "/v1/files/rename", Some(body)).await.expect("an answer");
            let message = format!("No file found in media library at filePath {odd}");
            refused(&renamed, 404, Some("FILE_MISSING"), &message);
            for call in ["copy", "move"] {
                let body = json!({ "sourceFilePath": odd, "destinationPath": "/to" });
                let answer = library.post(&format!("/v1/files/{call}"), body).await;
                let message = format!("No file found with filePath {odd}");
                refused(&answer, 404, Some("SOURCE_FILE_MISSING"), &message);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_renamed_is_refused() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f", bytes_of(1)).await;
        library.put("/a/g", bytes_of(2)).await;
        let before = library.everything().await;
        let names = |path: &str, name: &str| json!({ "filePath": path, "newFileName": name });
        for (body, status, reason, message) in [
            (names("/a/f", "g"), 409, "FILE_ALREADY_EXISTS", "File with name g already exists at the same location."),
            (names("/a/x", "g"), 404, "FILE_MISSING", "No file found in media library at filePath /a/x"),
            (names("/a/f", "f"), 400, "SAME_OLD_AND_NEW_NAME", "newFileName cannot be the same as its existing name."),
            (json!({ "filePath": "/a/f" }), 400, "MISSING_PARAMETER", PARAMETERS),
            (json!({ "filePath": "/a/f", "newFileName": [] }), 400, "INVALID_PARAMETER", PARAMETERS),
            (names("/a/f", ".."), 400, "INVALID_PARAMETER", PARAMETERS),
            (names("/a/f", &"x".repeat(256)), 400, "INVALID_PARAMETER", PARAMETERS),
        ] {
            let answer = library.client.send(Method::PUT, "/v1/files/rename", Some(body)).await.expect("an answer");
            refused(&answer, status, Some(reason), message);
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn current_clients_get_an_object_where_others_get_nothing() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f", bytes_of(1)).await;
        for (call, body) in [(COPY, ends("/a/f", "/b")), (MOVE, ends("/a/f", "/c"))] {
            let request = library.client.request(Method::POST, call).header("x-stainless-lang", "go").json(&body);
            let done = answer(request).await.expect("an answer");
            succeeded(&done, 200);
            assert_eq!(done.body, json!({}));
        }
    })
    .await;
}

#[tokio::test]
async fn purges_are_recorded_and_over_at_once() {
    on_both_catalogs(async |library: &mut Library| {
        let base = format!("{}/library", library.client.base());
        let purged = library.post("/v1/files/purge", json!({ "url": format!("{base}/a/f.jpg*") })).await;
        succeeded(&purged, 201);
        let id = purged.text("requestId").to_owned();
        assert_eq!(purged.body, json!({ "requestId": id }));
        assert_id(&purged.body["requestId"]);
        let form = format!("url={base}/a/f.jpg");
        succeeded(&library.send(Method::POST, "/v1/files/purge", FORM, form).await, 201);
        for far in ["images/2024/summer/holiday/*", "images/2024/*", "images/upload*"] {
            let purged = library.post("/v1/files/purge", json!({ "url": format!("{base}/{far}") })).await;
            succeeded(&purged, 201);
        }
        // By another of its names.
        let here = format!("https://{}/library/a/f.jpg?tr=w-1", library.server.address());
        succeeded(&library.post("/v1/files/purge", json!({ "url": here })).await, 201);
        let status = library.get(&format!("/v1/files/purge/{id}")).await;
        succeeded(&status, 200);
        assert_eq!(status.body, json!({ "status": "Completed" }));
        let below = |path: &str| json!({ "url": format!("{base}/{path}") });
        for url in [
            json!({ "url": "http://elsewhere/a" }),
            below("*"),
            below("media/catalog/*"),
            below("s/files/*"),
            json!({}),
        ] {
            let answer = library.post("/v1/files/purge", url).await;
            refused(&answer, 400, None, "The URL is not valid for cache purging.");
        }
        let unknown = library.get(&format!("/v1/files/purge/{UNKNOWN_ID}")).await;
        refused(&unknown, 400, None, "No request found for this requestId.");
    })
    .await;
}
