//! The many ways in which clients of all generations say the same.

use super::*;

/// A source with two versions of one file, and what the copy of it has after a request.
async fn versions_after(library: &Library, number: usize, answer: Answer) -> usize {
    library.completed(&job_id(&answer)).await;
    library.sizes(&format!("/to-{number}/a/f.txt")).await.len()
}

#[tokio::test]
async fn every_spelling_of_the_versions_flag() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        library.put("/a/f.txt", bytes_of(2)).await;
        let cases = [
            (json!({}), 1),
            (json!({ "includeVersions": true }), 2),
            (json!({ "includeFileVersions": true }), 2),
            (json!({ "IncludeFileVersions": true }), 2),
            (json!({ "INCLUDEVERSIONS": true }), 2),
            (json!({ "includefileversions": true }), 2),
            (json!({ "includeVersions": "true" }), 2),
            (json!({ "includeFileVersions": "true" }), 2),
            (json!({ "includeFileVersions": "True" }), 2),
            (json!({ "includeFileVersions": "FALSE" }), 1),
            (json!({ "includeFileVersions": null }), 1),
            (json!({ "includeVersions": false }), 1),
            (json!({ "includeFileVersions": false }), 1),
            (json!({ "includeVersions": "false", "includeFileVersions": "false" }), 1),
            // True wins.
            (json!({ "includeVersions": false, "includeFileVersions": true }), 2),
            (json!({ "includeVersions": true, "includeFileVersions": false }), 2),
            (json!({ "includeVersions": false, "IncludeFileVersions": "true" }), 2),
            // Keys that nobody knows.
            (json!({ "versions": true, "fileId": 5, "nested": { "includeVersions": [true] } }), 1),
        ];
        for (number, (flags, versions)) in cases.into_iter().enumerate() {
            let mut body = flags.clone();
            body["sourceFolderPath"] = "/a".into();
            body["destinationPath"] = format!("/to-{number}").into();
            let answer = library.post("/v1/bulkJobs/copyFolder", body).await;
            assert_eq!(versions_after(library, number, answer).await, versions, "{flags}");
        }
    })
    .await;
}

#[tokio::test]
async fn forms_whatever_their_type_says() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        library.put("/a/f.txt", bytes_of(2)).await;
        let cases = [
            ("", 1),
            ("&includeVersions=true", 2),
            ("&includeFileVersions=true", 2),
            ("&IncludeFileVersions=True", 2),
            ("&includeVersions=1", 2),
            ("&includeVersions=false", 1),
            ("&includeVersions=False&unknown=x", 1),
            ("&includeVersions=0", 1),
            ("&includeVersions=", 1),
            ("&includeVersions", 1),
            ("&includeVersions=0&includeFileVersions=1", 2),
        ];
        let mut number = 0;
        for content_type in [FORM, "application/json", "application/x-www-form-urlencoded; charset=utf-8", "text/plain"]
        {
            for (flags, versions) in cases {
                number += 1;
                let body = format!("sourceFolderPath=%2Fa&destinationPath=%2Fto-{number}{flags}");
                let answer = library.send(Method::POST, "/v1/bulkJobs/copyFolder", content_type, body).await;
                assert_eq!(versions_after(library, number, answer).await, versions, "{flags} as {content_type}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_form_is_decoded_once() {
    on_both_catalogs(async |library: &mut Library| {
        let send = async |call: &str, body: &str| {
            let answer = library.send(Method::POST, &format!("/v2/bulkJobs/{call}"), FORM, body).await;
            library.completed(&job_id(&answer)).await;
        };
        library.put("/a/f.txt", bytes_of(1)).await;
        // In a form `+` is a space and `%2B` a plus, `%2520` is `%20`.
        send("copyFolder", "sourceFolderPath=/a&destinationPath=%2Fone+two%2Ba%2520b").await;
        send("renameFolder", "folderPath=%2Fone+two%2Ba%2520b&newFolderName=%E5%86%99+%E7%9C%9F&purgeCache=False")
            .await;
        send("moveFolder", "sourceFolderPath=/%E5%86%99+%E7%9C%9F&destinationPath=/moved").await;
        assert_eq!(
            library.paths("").await,
            ["a/", "a/f.txt", "moved/", "moved/写 真/", "moved/写 真/a/", "moved/写 真/a/f.txt"]
        );
        // What is refused is refused in a form as well.
        let path = "/v1/bulkJobs/copyFolder";
        let answer = library.send(Method::POST, path, FORM, "sourceFolderPath=&destinationPath=%2Fb").await;
        refused(&answer, 400, Some("MISSING_PARAMETER"), "sourceFolderPath parameter is missing.");
        let answer = library.send(Method::POST, path, FORM, "sourceFolderPath=/no+pe%2F&destinationPath=/b").await;
        let message = "No files & folder found at sourceFolderPath /no pe/";
        refused(&answer, 404, Some("NO_FILES_FOLDER"), message);
        let body = "sourceFolderPath=/a&destinationPath=/b&includeVersions=perhaps";
        let answer = library.send(Method::POST, path, FORM, body).await;
        refused(&answer, 400, Some("INVALID_PARAMETER"), "includeVersions parameter should be a boolean.");
    })
    .await;
}

#[tokio::test]
async fn every_spelling_of_the_calls_and_of_the_status() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        library.put("/a/f.txt", bytes_of(2)).await;
        // The folder goes around; each round begins where the one before has ended.
        let mut number = 0;
        let mut place = "/a".to_owned();
        for version in ["v1", "v2"] {
            for (method, call) in [
                (Method::POST, "bulkJobs/moveFolder"),
                (Method::POST, "bulkJobs/moveFolder/"),
                (Method::PUT, "bulkJobs/moveFolder"),
                (Method::PUT, "bulkJobs/moveFolder/"),
                (Method::POST, "bulkjobs/movefolder"),
                (Method::POST, "BULKJOBS/MoveFolder/"),
            ] {
                number += 1;
                let destination = format!("/place-{number}");
                // An old client calls this one with the flag of a copy; it is a move all the same.
                let body = json!({
                    "sourceFolderPath": place, "destinationPath": destination, "includeFileVersions": "whatever",
                });
                let path = format!("/{version}/{call}");
                let answer = library.client.send(method, &path, Some(body)).await.expect("an answer");
                let id = job_id(&answer);
                library.completed(&id).await;
                place = format!("{destination}/a");
                assert_eq!(library.sizes(&format!("{place}/f.txt")).await, [1, 2], "{path}");
                for status in ["bulkJobs/ID", "bulkJobs/ID/", "bulkjobs/ID"] {
                    let path = format!("/{version}/{}", status.replace("ID", &id));
                    let answer = library.get(&path).await;
                    succeeded(&answer, 200);
                    assert_eq!(
                        answer.body,
                        json!({ "jobId": id, "type": "MOVE_FOLDER", "status": "Completed" }),
                        "{path}"
                    );
                }
                // Some clients send a body with a GET.
                for (content_type, body) in [(FORM, format!("jobId={id}")), ("application/json", String::new())] {
                    let path = format!("/{version}/bulkJobs/{id}");
                    let answer = library.send(Method::GET, &path, content_type, body).await;
                    succeeded(&answer, 200);
                }
            }
        }
        for (version, call) in [("v1", "copyFolder/"), ("v2", "COPYFOLDER"), ("v2", "copyFolder")] {
            number += 1;
            let body = json!({ "sourceFolderPath": place, "destinationPath": format!("/to-{number}") });
            let answer = library.post(&format!("/{version}/bulkJobs/{call}"), body).await;
            assert_eq!(versions_after(library, number, answer).await, 1);
        }
        for (version, call) in [("v1", "renameFolder/"), ("v2", "renamefolder"), ("v2", "renameFolder")] {
            number += 1;
            let new_name = format!("name-{number}");
            let body = json!({ "folderPath": place, "newFolderName": new_name });
            library.completed(&job_id(&library.post(&format!("/{version}/bulkJobs/{call}"), body).await)).await;
            place = format!("{}/{new_name}", split(&place).0);
            assert_eq!(library.sizes(&format!("{place}/f.txt")).await, [1, 2]);
        }
    })
    .await;
}

/// One client leaves out the slash behind the version.
#[tokio::test]
async fn the_calls_without_a_slash_behind_v2() {
    on_both_catalogs(async |library: &mut Library| {
        let send = async |method: Method, call: &str, body: Value| {
            let sent = library.client.send(method, &format!("/v2bulkJobs/{call}"), Some(body)).await;
            let id = job_id(&sent.expect("an answer"));
            library.completed(&id).await;
            for status in ["ID", "ID/"] {
                let answer = library.get(&format!("/v2bulkJobs/{}", status.replace("ID", &id))).await;
                succeeded(&answer, 200);
                assert_eq!(answer.body["status"], "Completed");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
        };
        let transfer = |from: &str, to: &str| json!({ "sourceFolderPath": from, "destinationPath": to });
        library.put("/a/f.txt", bytes_of(1)).await;
        // Names are kept as they are, as on `/v2`.
        send(Method::POST, "copyFolder", transfer("/a", "/b (1)")).await;
        send(Method::POST, "moveFolder/", transfer("/b (1)", "/c (2)")).await;
        send(Method::PUT, "moveFolder", transfer("/c (2)/b (1)", "/d (3)")).await;
        send(Method::PUT, "movefolder", transfer("/d (3)", "/e (4)")).await;
        send(Method::POST, "renameFolder", json!({ "folderPath": "/e (4)", "newFolderName": "f (5)" })).await;
        let copied = "f (5)/d (3)/b (1)/a/f.txt";
        assert!(library.paths("").await.contains(&copied.to_owned()), "{:?}", library.paths("").await);
        let unknown = library.get(&format!("/v2bulkJobs/{UNKNOWN_ID}")).await;
        refused(&unknown, 404, None, "The requested job does not exist.");
        for nothing in ["/v2bulkJobs", "/v2bulkJobs/a/b", "/v1bulkJobs/copyFolder", "/v2files"] {
            refused(&library.post(nothing, transfer("/a", "/x")).await, 404, None, "Not found");
        }
    })
    .await;
}

#[tokio::test]
async fn purge_cache_in_words() {
    on_both_catalogs(async |library: &mut Library| {
        library.put_folder("/name-0").await;
        let cases = [(json!("true"), true), (json!("false"), false), (json!(true), true), (json!(false), false)];
        for (number, (purge_cache, purges)) in cases.into_iter().enumerate() {
            let body = json!({
                "folderPath": format!("/name-{number}/"),
                "newFolderName": format!("name-{}", number + 1),
                "purgeCache": purge_cache,
            });
            let status = library.run("renameFolder", body).await;
            assert_eq!(status.get("purgeRequestId").is_some(), purges, "{purge_cache}");
        }
    })
    .await;
}
