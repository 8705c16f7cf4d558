//! What the bulk calls refuse: the literal words, and which check comes first.
//!
//! The order is: body, missing, type, path syntax, root, same place, existence, ancestry.

use super::*;

const BAD_PATH: &str = "'.' & '..' can not be used as folder-name";
const BAD_JSON: &str = "Your request contains invalid JSON.";
const SAME: &str = "sourceFolderPath and destinationPath is same";

/// A body, and the refusal that it meets: status, reason, message.
type Case<'a> = (Value, u16, &'a str, &'a str);

/// Sends every body to the call, on both versions, and sees to it that nothing changes.
async fn assert_refused(library: &Library, call: &str, cases: &[Case<'_>]) {
    let before = library.everything().await;
    for (body, status, reason, message) in cases {
        for version in ["v1", "v2"] {
            eprintln!("{call} on {version}: {body}");
            let answer = library.post(&format!("/{version}/bulkJobs/{call}"), body.clone()).await;
            refused(&answer, *status, Some(reason), message);
        }
    }
    assert_eq!(library.everything().await, before, "a refused request changes nothing");
}

#[tokio::test]
async fn copy_and_move_refuse_alike() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/f.txt", bytes_of(1)).await;
        library.put("/p/a/b/f.txt", bytes_of(1)).await;
        let body =
            |source: Value, destination: Value| json!({ "sourceFolderPath": source, "destinationPath": destination });
        let no_source = (400, "MISSING_PARAMETER", "sourceFolderPath parameter is missing.");
        let no_destination = (400, "MISSING_PARAMETER", "destinationPath parameter is missing.");
        let source_type = (400, "INVALID_PARAMETER", "sourceFolderPath parameter should be a string.");
        let destination_type = (400, "INVALID_PARAMETER", "destinationPath parameter should be a string.");
        let path = (400, "INVALID_FOLDER_PATH", BAD_PATH);
        let root = (400, "SOURCE_IS_ROOT", "sourceFolderPath cannot be root");
        let same = (400, "SAME_SOURCE_AND_DESTINATION", SAME);
        let deep = "/x".repeat(51);
        let cases: Vec<(Value, (u16, &str, &str))> = vec![
            // Missing: absent, null, or empty; keys are matched exactly.
            (json!({}), no_source),
            (json!({ "destinationPath": "/b" }), no_source),
            (body(Value::Null, "/b".into()), no_source),
            (body("".into(), "/b".into()), no_source),
            (json!({ "sourcefolderpath": "/p/a", "destinationPath": "/b" }), no_source),
            (json!({ "sourceFolderPath": "/p/a" }), no_destination),
            (body("/p/a".into(), Value::Null), no_destination),
            (body("/p/a".into(), "".into()), no_destination),
            (body("".into(), "".into()), no_source),
            // Missing comes before type.
            (body(5.into(), Value::Null), no_destination),
            (body(Value::Null, 5.into()), no_source),
            // Type.
            (body(5.into(), "/b".into()), source_type),
            (body(json!(["/p/a"]), "/b".into()), source_type),
            (body(true.into(), false.into()), source_type),
            (body("/p/a".into(), json!({})), destination_type),
            (body("/p/a".into(), json!(0.5)), destination_type),
            // Type comes before the syntax of paths.
            (body("/..".into(), 5.into()), destination_type),
            // The syntax of paths.
            (body("/p/../a".into(), "/b".into()), path),
            (body("..".into(), "/b".into()), path),
            (body("/p/a/.".into(), "/b".into()), path),
            (body("/p/a".into(), "/./b".into()), path),
            (body("/p/a".into(), "/b/..".into()), path),
            (body("/p/a\u{0}".into(), "/b".into()), path),
            (body("/p/a".into(), "/b\u{0}".into()), path),
            (body("/p/a".into(), "/b\n".into()), path),
            (body("/p/a".into(), "/b\u{7f}c".into()), path),
            (body(deep.clone().into(), "/b".into()), path),
            (body("/p/a".into(), deep.clone().into()), path),
            // The syntax of paths comes before the root, and how deep a path is belongs to it.
            (body("/".into(), deep.into()), path),
            (body("/".into(), "/../b".into()), path),
            (body("/".into(), "/b".into()), root),
            (body("///".into(), "/b".into()), root),
            // The root comes before the same place.
            (body("/".into(), "/".into()), root),
            (body("/p/a".into(), "/p/a".into()), same),
            (body("/p/a".into(), "p/a/".into()), same),
            (body("//p//a".into(), "/p/a".into()), same),
            // Into the folder where it is.
            (body("/p/a".into(), "/p".into()), same),
            (body("/p/a/".into(), "//p//".into()), same),
            (body("/p".into(), "/".into()), same),
            // The same place comes before existence.
            (body("/nope".into(), "/nope".into()), same),
            (body("/p/nope".into(), "/p".into()), same),
        ];
        let cases: Vec<Case> =
            cases.into_iter().map(|(body, (status, reason, message))| (body, status, reason, message)).collect();
        for call in ["copyFolder", "moveFolder"] {
            assert_refused(library, call, &cases).await;
            // The path of the message is the one that was sent; a file is no folder; names are compared exactly.
            for sent in [
                "/nope",
                "nope/",
                "//p///nope//",
                "/p/a/f.txt",
                "/P/a",
                "/p/a ",
                " /p/a",
                "/p%2Fa",
                "/写真 `&`",
                "p\\a",
            ] {
                let message = format!("No files & folder found at sourceFolderPath {sent}");
                let case = (body(sent.into(), "/b".into()), 404, "NO_FILES_FOLDER", message.as_str());
                assert_refused(library, call, &[case]).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_folder_cannot_be_moved_into_itself() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/b/f.txt", bytes_of(1)).await;
        let into_itself = "This operation is not allowed because parent folder cannot be moved into child folder.";
        let body =
            |source: &str, destination: &str| json!({ "sourceFolderPath": source, "destinationPath": destination });
        let cases = [
            (body("/a", "/a/b"), 400, "INVALID_DESTINATION_PATH", into_itself),
            (body("a/", "//a//b//"), 400, "INVALID_DESTINATION_PATH", into_itself),
            (body("/a", "/a/not/there"), 400, "INVALID_DESTINATION_PATH", into_itself),
            // Existence comes before ancestry.
            (body("/nope", "/nope/b"), 404, "NO_FILES_FOLDER", "No files & folder found at sourceFolderPath /nope"),
        ];
        assert_refused(library, "moveFolder", &cases).await;
    })
    .await;
}

#[tokio::test]
async fn a_flag_is_a_boolean_or_the_word_for_one() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/f.txt", bytes_of(1)).await;
        // The digits and nothing at all stand for booleans in forms only.
        let words = [json!("1"), json!("0"), json!(""), json!(" true"), json!("yes"), json!("maybe")];
        for wrong in words.into_iter().chain([json!(1), json!(0), json!(["true"]), json!({}), json!(0.5)]) {
            for flag in ["includeVersions", "includeFileVersions"] {
                let body = json!({ "sourceFolderPath": "/p/a", "destinationPath": "/b", flag: wrong });
                let message = format!("{flag} parameter should be a boolean.");
                assert_refused(library, "copyFolder", &[(body, 400, "INVALID_PARAMETER", &message)]).await;
            }
            let body = json!({ "folderPath": "/p/a", "newFolderName": "b", "purgeCache": wrong });
            let message = "purgeCache parameter should be a boolean.";
            assert_refused(library, "renameFolder", &[(body, 400, "INVALID_PARAMETER", message)]).await;
        }
        // Missing comes before the flag's type, and that before the syntax of paths.
        let missing = json!({ "sourceFolderPath": "/p/a", "includeVersions": 1 });
        let syntax = json!({ "sourceFolderPath": "/..", "destinationPath": "/b", "includeVersions": 1 });
        let cases = [
            (missing, 400, "MISSING_PARAMETER", "destinationPath parameter is missing."),
            (syntax, 400, "INVALID_PARAMETER", "includeVersions parameter should be a boolean."),
        ];
        assert_refused(library, "copyFolder", &cases).await;
    })
    .await;
}

#[tokio::test]
async fn rename_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/f.txt", bytes_of(1)).await;
        library.put("/p/file", bytes_of(1)).await;
        library.put_folder("/p/taken").await;
        let body = |path: Value, name: Value| json!({ "folderPath": path, "newFolderName": name });
        let no_path = (400, "MISSING_PARAMETER", "folderPath parameter is missing.");
        let no_name = (400, "MISSING_PARAMETER", "newFolderName parameter is missing.");
        let path_type = (400, "INVALID_PARAMETER", "folderPath parameter should be a string.");
        let name_type = (400, "INVALID_PARAMETER", "newFolderName parameter should be a string.");
        let slash = (400, "INVALID_PARAMETER", "newFolderName parameter cannot have a slash.");
        let path = (400, "INVALID_FOLDER_PATH", BAD_PATH);
        let root = (400, "SOURCE_IS_ROOT", "folderPath cannot be root");
        let same = (400, "SAME_OLD_AND_NEW_NAME", "newFolderName cannot be the same as its existing name.");
        let taken = (409, "FOLDER_ALREADY_EXISTS", "Folder with name taken already exists at the same location.");
        let gone = |message| (404, "FOLDER_NOT_FOUND", message);
        let cases: Vec<(Value, (u16, &str, &str))> = vec![
            (json!({}), no_path),
            (body(Value::Null, "b".into()), no_path),
            (body("".into(), "".into()), no_path),
            (json!({ "folderPath": "/p/a" }), no_name),
            (body("/p/a".into(), Value::Null), no_name),
            (body("/p/a".into(), "".into()), no_name),
            (body(5.into(), "".into()), no_name),
            (body(5.into(), "b".into()), path_type),
            (body(json!(["/p/a"]), 5.into()), path_type),
            (body("/p/a".into(), 5.into()), name_type),
            (body("/p/a".into(), json!({})), name_type),
            (body("/..".into(), 5.into()), name_type),
            (body("/p/../a".into(), "b".into()), path),
            (body("/p/a\u{0}".into(), "b".into()), path),
            (body("/p/a".into(), ".".into()), path),
            (body("/p/a".into(), "..".into()), path),
            (body("/x".repeat(51).into(), "b".into()), path),
            (body("/x".repeat(51).into(), "b/c".into()), path),
            (body("/p/a".into(), "b/c".into()), slash),
            (body("/p/a".into(), "/".into()), slash),
            (body("/".into(), "b".into()), root),
            (body("//".into(), "b".into()), root),
            (body("/p/a".into(), "a".into()), same),
            (body("p/a/".into(), "a".into()), same),
            (body("/p/nope".into(), "nope".into()), same),
            (body("/p/a".into(), "taken".into()), taken),
            (body("/nope".into(), "b".into()), gone("No folder found with folderPath /nope")),
            (body("//nope/".into(), "b".into()), gone("No folder found with folderPath //nope/")),
            (body("/P/a".into(), "b".into()), gone("No folder found with folderPath /P/a")),
            (body("/p/a ".into(), "b".into()), gone("No folder found with folderPath /p/a ")),
            (body("/p/file".into(), "b".into()), gone("No folder found with folderPath /p/file")),
            // Existence comes before what else has the name.
            (body("/p/nope".into(), "taken".into()), gone("No folder found with folderPath /p/nope")),
        ];
        let cases: Vec<Case> =
            cases.into_iter().map(|(body, (status, reason, message))| (body, status, reason, message)).collect();
        assert_refused(library, "renameFolder", &cases).await;

        // v1 compares the name that it would store.
        library.put("/p/x_y/f.txt", bytes_of(1)).await;
        let answer = library.post("/v1/bulkJobs/renameFolder", body("/p/x_y".into(), "x y".into())).await;
        refused(&answer, same.0, Some(same.1), same.2);
        let answer = library.post("/v2/bulkJobs/renameFolder", body("/p/x_y".into(), "x y".into())).await;
        library.completed(&job_id(&answer)).await;
        assert_eq!(library.sizes("/p/x y/f.txt").await, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/f.txt", bytes_of(1)).await;
        let before = library.everything().await;
        for (call, first) in
            [("copyFolder", "sourceFolderPath"), ("moveFolder", "sourceFolderPath"), ("renameFolder", "folderPath")]
        {
            let path = format!("/v1/bulkJobs/{call}");
            let missing = format!("{first} parameter is missing.");
            for content_type in ["application/json", FORM, "text/plain"] {
                // What begins with neither brace nor bracket is a form, here one without the parameters.
                for body in ["", "&&&=&", "unknown=1"] {
                    let answer = library.send(Method::POST, &path, content_type, body).await;
                    refused(&answer, 400, Some("MISSING_PARAMETER"), &missing);
                }
                // It could be said of these as well that they are JSON, but no object.
                for body in ["null", "5", "\"text\"", "true"] {
                    let answer = library.send(Method::POST, &path, content_type, body).await;
                    refused_somehow(&answer, &[400]);
                    let reason = answer.text("reason");
                    assert!(["MISSING_PARAMETER", "INVALID_PARAMETER"].contains(&reason), "{body}: {answer:#?}");
                }
                for body in ["{", "{\"a\":}", "{'a':1}", "[", "{}{}", "{\"a\":1,}", "{\"a\":\"\\ud800\"}"] {
                    eprintln!("{call} as {content_type}: {body}");
                    let answer = library.send(Method::POST, &path, content_type, body).await;
                    refused(&answer, 400, None, BAD_JSON);
                }
                let answer = library.send(Method::POST, &path, content_type, b"{\"a\":\"\xff\"}".to_vec()).await;
                refused(&answer, 400, None, BAD_JSON);
                for body in ["[]", "[{\"sourceFolderPath\":\"/p/a\"}]"] {
                    let answer = library.send(Method::POST, &path, content_type, body).await;
                    refused_somehow(&answer, &[400]);
                    assert_eq!(answer.body["reason"], "INVALID_PARAMETER");
                }
            }
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn bulk_calls_ask_for_the_key_first() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/f.txt", bytes_of(1)).await;
        let before = library.everything().await;
        let wrong = library.client.with_key("private_wrong");
        for call in ["copyFolder", "moveFolder", "renameFolder"] {
            let path = format!("/v1/bulkJobs/{call}");
            // Not even a request that could not be done is told why.
            for body in [json!({}), json!({ "sourceFolderPath": "/p/a", "destinationPath": "/b" })] {
                let with_wrong = wrong.post(&path, body.clone()).await.expect("an answer");
                refused(&with_wrong, 403, None, "Your account cannot be authenticated.");
                let request = library.keyless(Method::POST, &path).json(&body);
                let without = answer(request).await.expect("an answer");
                refused(&without, 401, None, "Your request does not contain private API key.");
            }
        }
        let id = library.submit("copyFolder", json!({ "sourceFolderPath": "/p/a", "destinationPath": "/b" })).await;
        let status = wrong.job_status(&id).await.expect("an answer");
        refused(&status, 403, None, "Your account cannot be authenticated.");
        library.completed(&id).await;
        library.client.delete_folder("/b").await.expect("an answer").expect(204);
        assert_eq!(library.everything().await, before);
    })
    .await;
}
