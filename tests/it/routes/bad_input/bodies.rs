//! JSON that is none, too much of it, and the wrong type under every key.

use super::*;

#[tokio::test]
async fn json_that_is_none_or_too_much() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        let padded = |bytes: usize| {
            let mut body =
                json!({ "sourceFolderPath": "/a", "destinationPath": "/x", "folderPath": "/a", "folderName": "x" });
            body["parentFolderPath"] = "/".into();
            body["newFolderName"] = "x".into();
            body["padding"] = "x".repeat(bytes).into();
            body.to_string().into_bytes()
        };
        let deep_in = |open: &str, close: &str| {
            format!("{{\"x\":{}1{}}}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
        };
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("2 MiB", padded(2 << 20)),
            ("20 MiB", padded(20 << 20)),
            ("deep arrays", deep_in("[", "]")),
            ("deep objects", deep_in("{\"x\":", "}")),
            ("100,000 brackets", b"[".repeat(100_000)),
            ("a number without end", format!("{{\"x\":{}}}", "9".repeat(500_000)).into_bytes()),
            ("an exponent without end", b"{\"x\":1e999999999}".to_vec()),
            ("half a text", b"{\"sourceFolderPath\":\"/a".to_vec()),
            ("no UTF-8", b"{\"sourceFolderPath\":\"/a\xff\",\"destinationPath\":\"/x\"}".to_vec()),
            ("a byte order mark", b"{\xef\xbb\xbf}".to_vec()),
            ("NUL", b"{\"sourceFolderPath\":\"/a\0\"}".to_vec()),
            ("comments", b"{/* */}".to_vec()),
        ];
        let calls = [
            ("POST", "/v1/bulkJobs/copyFolder"),
            ("POST", "/v1/bulkJobs/moveFolder"),
            ("POST", "/v1/bulkJobs/renameFolder"),
            ("POST", "/v1/folder"),
            ("DELETE", "/v1/folder"),
        ];
        for (method, path) in calls {
            for (what, body) in &cases {
                let what = format!("{what} to {method} {path}");
                refuse_raw(library, &what, &request(library, method, path, "application/json", body)).await;
            }
        }
        // The limit is 1 MiB; less than that is read, whatever the padding.
        let body = padded(900 << 10);
        let answer = library.send(Method::POST, "/v1/bulkJobs/copyFolder", "application/json", body).await;
        library.completed(&job_id(&answer)).await;
        library.client.delete_folder("/x").await.expect("an answer").expect(204);
        assert_unharmed(library, &before).await;
    })
    .await;
}

#[tokio::test]
async fn wrong_types_under_every_key() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        let calls = [
            (
                Method::POST,
                "bulkJobs/copyFolder",
                json!({ "sourceFolderPath": "/a", "destinationPath": "/x", "includeVersions": true }),
            ),
            (Method::POST, "bulkJobs/moveFolder", json!({ "sourceFolderPath": "/a", "destinationPath": "/x" })),
            (
                Method::POST,
                "bulkJobs/renameFolder",
                json!({ "folderPath": "/a", "newFolderName": "x", "purgeCache": true }),
            ),
            (Method::POST, "folder", json!({ "folderName": "x", "parentFolderPath": "/" })),
            (Method::DELETE, "folder", json!({ "folderPath": "/a" })),
        ];
        let wrong = [
            json!(0),
            json!(1),
            json!(-7),
            json!(1.5),
            json!(1e300),
            json!(u64::MAX),
            json!([]),
            json!({}),
            json!(["/a"]),
            json!({ "path": "/a" }),
            json!([[[]]]),
        ];
        for (method, path, good) in calls {
            let keys: Vec<_> = good.as_object().unwrap().keys().cloned().collect();
            for key in keys {
                let flag = good[&key].is_boolean();
                // A boolean is wrong for a path, and a text that is no boolean for a flag.
                let more = if flag { json!("perhaps") } else { json!(true) };
                for value in wrong.iter().chain([&more]) {
                    for version in ["v1", "v2"] {
                        let mut body = good.clone();
                        body[&key] = value.clone();
                        let path = format!("/{version}/{path}");
                        eprintln!("{method} {path}: {body}");
                        let answer = library.client.send(method.clone(), &path, Some(body)).await.expect("an answer");
                        let kind = if flag { "boolean" } else { "string" };
                        let message = format!("{key} parameter should be a {kind}.");
                        refused(&answer, 400, Some("INVALID_PARAMETER"), &message);
                    }
                }
            }
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}
