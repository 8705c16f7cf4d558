//! Dots, control characters and broken escapes wherever a path or a name stands.

use super::*;

#[tokio::test]
async fn dots_and_control_characters_in_paths_and_names() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        for bad in ["..", "/a/../b", "/a/..", "./a", "/a\u{0}", "\u{0}", "/a\u{1}b", "/a\nb", "/a\u{7f}"] {
            for (method, path, body) in [
                (Method::POST, "bulkJobs/copyFolder", json!({ "sourceFolderPath": bad, "destinationPath": "/x" })),
                (Method::POST, "bulkJobs/copyFolder", json!({ "sourceFolderPath": "/a", "destinationPath": bad })),
                (Method::POST, "bulkJobs/moveFolder", json!({ "sourceFolderPath": bad, "destinationPath": "/x" })),
                (Method::POST, "bulkJobs/moveFolder", json!({ "sourceFolderPath": "/a", "destinationPath": bad })),
                (Method::POST, "bulkJobs/renameFolder", json!({ "folderPath": bad, "newFolderName": "x" })),
                (Method::POST, "folder", json!({ "folderName": "x", "parentFolderPath": bad })),
                (Method::DELETE, "folder", json!({ "folderPath": bad })),
            ] {
                for version in ["v1", "v2"] {
                    eprintln!("{method} {path} on {version}: {body}");
                    let path = format!("/{version}/{path}");
                    let answer = library.client.send(method.clone(), &path, Some(body.clone())).await;
                    let message = "'.' & '..' can not be used as folder-name";
                    refused(&answer.expect("an answer"), 400, Some("INVALID_FOLDER_PATH"), message);
                }
            }
        }
        // v1 makes a legal name of what v2 takes as it is, and has to refuse.
        for bad in [".", "..", "\u{0}", "x\u{0}.txt", "x\ny", "\u{1b}"] {
            let dots = bad.starts_with('.');
            for version in if dots { &["v1", "v2"][..] } else { &["v2"] } {
                eprintln!("{bad:?} on {version}");
                let rename = json!({ "folderPath": "/a", "newFolderName": bad });
                let create = json!({ "folderName": bad, "parentFolderPath": "/" });
                refused_somehow(&library.post(&format!("/{version}/bulkJobs/renameFolder"), rename).await, &[400]);
                refused_somehow(&library.post(&format!("/{version}/folder"), create).await, &[400]);
                for (name, folder) in [(bad, "/new"), ("f.txt", bad), ("f.txt", &format!("/new/{bad}/x"))] {
                    let parts = [field("fileName", name.as_bytes()), field("folder", folder.as_bytes())].concat();
                    let parts =
                        [parts, field("useUniqueFileName", b"false"), field("file", b"bytes, no more"), END.to_vec()]
                            .concat();
                    let path = format!("/api/{version}/files/upload");
                    refuse_raw(
                        library,
                        &format!("{name:?} in {folder:?}"),
                        &request(library, "POST", &path, MULTIPART, &parts),
                    )
                    .await;
                }
            }
        }
        // Names of more than 255 bytes.
        let long = "写".repeat(86);
        for version in ["v1", "v2"] {
            let rename = json!({ "folderPath": "/a", "newFolderName": long });
            let create = json!({ "folderName": long, "parentFolderPath": "/" });
            let copy = json!({ "sourceFolderPath": "/a", "destinationPath": format!("/{long}") });
            refused_somehow(&library.post(&format!("/{version}/bulkJobs/renameFolder"), rename).await, &[400]);
            refused_somehow(&library.post(&format!("/{version}/folder"), create).await, &[400]);
            refused_somehow(&library.post(&format!("/{version}/bulkJobs/copyFolder"), copy).await, &[400]);
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}

#[tokio::test]
async fn paths_that_try_to_leave_the_library() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        for path in [
            "/library/../../../../etc/passwd",
            "/library/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
            "/library/..%2f..%2f..%2f..%2fetc%2fpasswd",
            "/library//etc/passwd",
            "/library/a/../a/f.txt",
            "/library/a/%2e/f.txt",
            "/library/a/f.txt%00",
            "/library/%00",
            "/library/%FF%FE",
            "/library/%",
            "/library/%zz",
            "/library/a\\f.txt",
            "/library/a/f.txt/..%00/",
        ] {
            for method in ["GET", "HEAD"] {
                let answer = raw(library, head(library, method, path, &[]).as_bytes()).await;
                let answer = answer.unwrap_or_else(|| panic!("no answer to {method} {path}"));
                assert!([400, 404].contains(&answer.status), "{method} {path}: {answer:#?}");
            }
        }
        // A listing of no folder is empty, or refused when the path could be none.
        for path in ["/..", "/a/../a", "%00", "/a%00", "%0A", "%FF", "/a%C3"] {
            let answer = library.get(&format!("/v1/files?path={path}")).await;
            match answer.status {
                200 => assert_eq!(answer.body, json!([]), "{path}"),
                _ => refused_somehow(&answer, &[400]),
            }
        }
        for query in ["type=%FF", "sort=%FF", "skip=%FF", "limit=%00"] {
            refused_somehow(&library.get(&format!("/v1/files?{query}")).await, &[400]);
        }
        // Broken escapes and odd separators in a query are harmless.
        for query in ["path=/a&%", "&&&=&path=/a", "path=/a&x=%zz", "x=[]'&path=/a"] {
            let answer = raw(library, head(library, "GET", &format!("/v1/files?{query}"), &[]).as_bytes()).await;
            let answer = answer.expect("an answer");
            match answer.status {
                200 => assert_eq!(answer.body.as_array().map(Vec::len), Some(1), "{query}"),
                _ => refused_somehow(&answer, &[400]),
            }
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}

#[tokio::test]
async fn forms_that_are_no_utf8() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        for call in ["copyFolder", "moveFolder"] {
            let path = format!("/v1/bulkJobs/{call}");
            // As the name of something new; as that of something old it may as well be unknown.
            let body = "sourceFolderPath=%2Fa&destinationPath=%FF";
            refused_somehow(&library.send(Method::POST, &path, FORM, body).await, &[400]);
            let body = b"sourceFolderPath=/a\xff&destinationPath=/x";
            refused_somehow(&library.send(Method::POST, &path, FORM, body).await, &[400, 404]);
        }
        let body = "folderPath=%2Fa&newFolderName=%C3";
        refused_somehow(&library.send(Method::POST, "/v1/bulkJobs/renameFolder", FORM, body).await, &[400]);
        for body in [&b"folderPath=%2Fa%FF"[..], b"folderPath=/a\xff"] {
            refused_somehow(&library.send(Method::DELETE, "/v1/folder", FORM, body).await, &[400, 404]);
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}

/// Clients of some generations encode too little, and so do people at a terminal.
#[tokio::test]
async fn quotes_brackets_and_spaces_need_no_encoding_in_a_url() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        for (query, paths) in [
            (r#"searchQuery=name="f.txt""#, vec!["/a/f.txt"]),
            (r#"searchQuery=name = "f.txt" AND size<5000"#, vec!["/a/f.txt"]),
            ("searchQuery=name = 'f.txt' AND size > 2", vec![]),
            (r#"path=/a/b&searchQuery=name IN ["f.txt", "g.txt"]"#, vec!["/a/b/g.txt"]),
            ("searchQuery=type='file' AND size>=3&sort=ASC_NAME", vec!["/a/b/g.txt"]),
            (r#"tags=["x", "y"]&path=/a"#, vec![]),
            ("path=/a&x=`", vec!["/a/f.txt"]),
        ] {
            for version in ["v1", "v2"] {
                let request = head(library, "GET", &format!("/{version}/files?{query}"), &[("X-Other", "\"<a b>\"")]);
                let answer = raw(library, request.as_bytes()).await.expect("an answer");
                succeeded(&answer, 200);
                let found: Vec<_> = answer.body.as_array().expect("a bare array").iter().map(path_of).collect();
                assert_eq!(found, paths, "{query}");
            }
        }
        let refused = raw(library, head(library, "GET", "/v1/files?searchQuery=size << \"x", &[]).as_bytes()).await;
        refused_somehow(&refused.expect("an answer"), &[400]);
        refused_somehow(&raw(library, head(library, "GET", "/v1/<no> route", &[]).as_bytes()).await.unwrap(), &[404]);

        let name = r#"a "b" <c> `d`.txt"#;
        let parts = [field("fileName", name.replace('"', "%22").as_bytes()), field("folder", b"/odd")].concat();
        let parts = [parts, field("useUniqueFileName", b"false"), field("file", b"\"< bytes >"), END.to_vec()].concat();
        let upload = request(library, "POST", "/api/v2/files/upload?x=\"<y z>\"", MULTIPART, &parts);
        let uploaded = raw(library, &upload).await.expect("an answer").expect(200);
        let stored = uploaded.text("filePath").to_owned();
        for (method, path) in [("GET", stored.as_str()), ("HEAD", stored.as_str())] {
            // What stands for itself in the name is escaped, as it always was.
            let path = path.replace('%', "%25");
            let request =
                head(library, method, &format!("/library{path}?x=\"y z\""), &[("Accept-Encoding", "identity")]);
            let answer = raw(library, request.as_bytes()).await.expect("an answer");
            assert_eq!(answer.status, 200, "{method} {path}: {answer:#?}");
            let body = if method == "GET" { json!("\"< bytes >") } else { Value::Null };
            assert_eq!(answer.body, body, "{method} {path}");
        }
        library.client.delete_folder("/odd").await.expect("an answer").expect(204);
        assert_unharmed(library, &before).await;
    })
    .await;
}
