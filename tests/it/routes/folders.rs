//! Creating and deleting folders.

use super::*;

const BAD_PATH: &str = "'.' & '..' can not be used as folder-name";

async fn create(library: &Library, version: &str, parent: &str, name: &str) -> Answer {
    let body = json!({ "folderName": name, "parentFolderPath": parent });
    library.post(&format!("/{version}/folder"), body).await
}

/// Created, or there already.
#[track_caller]
fn created(answer: &Answer) {
    succeeded(answer, 201);
    assert_eq!(answer.body, json!({}), "an empty object, which typed clients parse");
}

#[tokio::test]
async fn a_folder_is_created_with_its_parents_and_again() {
    on_both_catalogs(async |library: &mut Library| {
        for (parent, name) in [("/", "a"), ("/a", "b"), ("//x/y//", "z"), ("p", "q")] {
            created(&create(library, "v1", parent, name).await);
        }
        let paths = ["a/", "a/b/", "p/", "p/q/", "x/", "x/y/", "x/y/z/"];
        assert_eq!(library.paths("").await, paths);
        library.put("/a/b/f.txt", bytes_of(1)).await;
        let before = library.everything().await;
        for path in ["/v1/folder", "/v2/folder", "/v1/folder/", "/V1/Folder"] {
            let body = json!({ "folderName": "b", "parentFolderPath": "/a/", "unknown": [1] });
            created(&library.post(path, body).await);
        }
        assert_eq!(library.everything().await, before, "a folder that exists stays as it is, with all its content");
        // A file of that name is no obstacle.
        created(&create(library, "v2", "/a/b", "f.txt").await);
        assert_eq!(library.paths("/a/b").await, ["f.txt", "f.txt/"]);
    })
    .await;
}

#[tokio::test]
async fn folders_created_at_once_are_one() {
    on_both_catalogs(async |library: &mut Library| {
        let at_once = (0..8).map(|_| create(library, "v1", "/deep/down", "here"));
        for answer in futures_util::future::join_all(at_once).await {
            created(&answer);
        }
        assert_eq!(library.paths("").await, ["deep/", "deep/down/", "deep/down/here/"]);
    })
    .await;
}

#[tokio::test]
async fn v1_cleans_a_new_name_and_v2_takes_it_as_it_is() {
    on_both_catalogs(async |library: &mut Library| {
        for (version, sent, stored) in [
            ("v1", "new name!", "new_name_"),
            ("v1", "a-b_c", "a-b_c"),
            ("v1", "Été Ⅷ½", "Été_Ⅷ½"),
            ("v1", "🙂", "_"),
            ("v2", "new name!", "new name!"),
            ("v2", "a.b + c%20", "a.b + c%20"),
            ("v2", " 写 真 ", " 写 真 "),
        ] {
            created(&create(library, version, "/p", sent).await);
            assert_eq!(library.paths("/p").await, [format!("{stored}/")], "{sent:?} on {version}");
            library.client.delete_folder("/p").await.expect("an answer").expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn creating_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        let body = |name: Value, parent: Value| json!({ "folderName": name, "parentFolderPath": parent });
        let missing = Some("MISSING_PARAMETER");
        let bad_path = Some("INVALID_FOLDER_PATH");
        let deep = "/x".repeat(50);
        for (body, reason, message) in [
            (json!({}), missing, "folderName parameter is missing."),
            (json!({ "parentFolderPath": "/" }), missing, "folderName parameter is missing."),
            (body("".into(), "/".into()), missing, "folderName parameter is missing."),
            (body(Value::Null, "/".into()), missing, "folderName parameter is missing."),
            (json!({ "folderName": "a" }), missing, "parentFolderPath parameter is missing."),
            (body("a".into(), "".into()), missing, "parentFolderPath parameter is missing."),
            (body(".".into(), "/".into()), bad_path, BAD_PATH),
            (body("..".into(), "/".into()), bad_path, BAD_PATH),
            (body("a".into(), "/x/..".into()), bad_path, BAD_PATH),
            (body("a".into(), "/./x".into()), bad_path, BAD_PATH),
            (body("a".into(), "/x\u{0}".into()), bad_path, BAD_PATH),
            // It would be the 51st level.
            (body("a".into(), deep.into()), bad_path, BAD_PATH),
        ] {
            for version in ["v1", "v2"] {
                eprintln!("{version}: {body}");
                let answer = library.post(&format!("/{version}/folder"), body.clone()).await;
                refused(&answer, 400, reason, message);
            }
        }
        for name in ["a/b", "/a", "a/", "/"] {
            let answer = create(library, "v1", "/", name).await;
            refused_somehow(&answer, &[400]);
            assert_eq!(answer.body["message"], "folderName parameter cannot have a slash.", "{name:?}");
            refused_somehow(&create(library, "v2", "/", name).await, &[400]);
        }
        assert_eq!(library.everything().await, [Value::Null; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_folder_is_gone_with_everything_in_it() {
    on_both_catalogs(async |library: &mut Library| {
        let json_body = |path: &str| ("application/json", json!({ "folderPath": path }).to_string());
        for (address, (content_type, body)) in [
            ("/v1/folder", json_body("/a/b")),
            ("/v2/folder", json_body("a/b/")),
            ("/v1/folder/", json_body("//a//b//")),
            ("/v1/folder", (FORM, "folderPath=%2Fa%2Fb".to_owned())),
            ("/v1/folder", (FORM, "folderPath=/a/b/&unknown=1".to_owned())),
            ("/v1/folder", ("application/json", "folderPath=%2Fa%2Fb".to_owned())),
            ("/v1/folder", ("text/plain", json_body("/a/b").1)),
            ("/v1/folder?folderPath=%2Fa%2Fb", ("application/json", String::new())),
        ] {
            eprintln!("{address} as {content_type}: {body}");
            let file = library.put("/a/b/f.txt", bytes_of(1)).await;
            let nested = library.put("/a/b/c/d/f.txt", bytes_of(2)).await;
            library.put("/a/bc.txt", bytes_of(3)).await;
            library.put("/a/bc/f.txt", bytes_of(3)).await;
            let old_folder = library.entry("/a/b/").await["folderId"].clone();
            let answer = library.send(Method::DELETE, address, content_type, body).await;
            succeeded_empty(&answer);
            assert_eq!(library.paths("").await, ["a/", "a/bc.txt", "a/bc/", "a/bc/f.txt"]);
            for gone in [&file, &nested] {
                library.assert_no_file(gone["fileId"].as_str().unwrap()).await;
                let download = library.client.get(gone["url"].as_str().unwrap()).await.expect("an answer");
                assert_eq!(download.status, 404, "{}", gone["url"]);
            }
            // The name is free again, for a folder of its own.
            library.put_folder("/a/b").await;
            let new_folder = library.entry("/a/b/").await["folderId"].clone();
            assert_ne!(new_folder, old_folder);
            assert_eq!(library.paths("/a/b").await, [""; 0]);
        }
        // A file beside a folder of its name stays.
        library.put("/twin", bytes_of(1)).await;
        library.put("/twin/f.txt", bytes_of(1)).await;
        library.client.delete_folder("/twin").await.expect("an answer").expect(204);
        assert_eq!(library.sizes("/twin").await, [1]);
    })
    .await;
}

#[tokio::test]
async fn sdks_of_today_get_a_body_and_all_others_none() {
    on_both_catalogs(async |library: &mut Library| {
        for language in ["js", "python", "go", "java", "csharp", "ruby"] {
            library.put_folder("/a").await;
            let request = library.client.request(Method::DELETE, "/v1/folder").header("X-Stainless-Lang", language);
            let answer = answer(request.json(&json!({ "folderPath": "/a" }))).await.expect("an answer");
            assert_eq!(answer.status, 200, "{language}: {answer:#?}");
            assert_eq!(answer.body, json!({}));
            assert!(
                answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
                "{answer:#?}"
            );
            assert_eq!(library.paths("").await, [""; 0]);
        }
        library.put_folder("/a").await;
        succeeded_empty(&library.client.delete_folder("/a").await.expect("an answer"));
    })
    .await;
}

#[tokio::test]
async fn deleting_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let before = library.everything().await;
        let missing = (400, "MISSING_PARAMETER", "folderPath parameter is missing.");
        let bad_path = (400, "INVALID_FOLDER_PATH", BAD_PATH);
        let root = (400, "INVALID_FOLDER_PATH", "folderPath cannot be root");
        let mut cases = vec![
            (json!({}), missing),
            (json!({ "folderPath": null }), missing),
            (json!({ "folderPath": "" }), missing),
            (json!({ "folderPath": "/a/.." }), bad_path),
            (json!({ "folderPath": "." }), bad_path),
            (json!({ "folderPath": "/a\u{0}" }), bad_path),
            (json!({ "folderPath": "/" }), root),
            (json!({ "folderPath": "//" }), root),
        ];
        // The path of the message is the one that was sent.
        let unknown = ["/nope", "nope/", "//a//nope//", "/a/f.txt", "/A", "/a ", "/a%2F"];
        let messages = unknown.map(|sent| (sent, format!("No folder found with folderPath {sent}")));
        for (sent, message) in &messages {
            cases.push((json!({ "folderPath": sent }), (404, "FOLDER_NOT_FOUND", message)));
        }
        for (body, (status, reason, message)) in cases {
            for version in ["v1", "v2"] {
                eprintln!("{version}: {body}");
                let answer =
                    library.client.send(Method::DELETE, &format!("/{version}/folder"), Some(body.clone())).await;
                refused(&answer.expect("an answer"), status, Some(reason), message);
            }
        }
        let answer = library.send(Method::DELETE, "/v1/folder", FORM, "folderPath=%2Fno+pe%2F").await;
        refused(&answer, 404, Some("FOLDER_NOT_FOUND"), "No folder found with folderPath /no pe/");
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn the_version_of_the_api_is_read_in_any_letters() {
    on_both_catalogs(async |library: &mut Library| {
        for (path, stored) in [("/V2/Folder/", "a b!"), ("/v2/FOLDER", "a b!"), ("/V1/Folder/", "a_b_")] {
            let body = json!({ "folderName": "a b!", "parentFolderPath": "/" });
            created(&library.post(path, body).await);
            assert_eq!(library.paths("").await, [format!("{stored}/")], "{path}");
            library.client.delete_folder(&format!("/{stored}")).await.expect("an answer").expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn names_are_checked_as_they_will_be() {
    on_both_catalogs(async |library: &mut Library| {
        // 280 bytes as sent, 70 as made.
        let smiles = "🙂".repeat(70);
        let plain = "_".repeat(70);
        for (sent, made) in [("a\tb", "a_b"), (smiles.as_str(), plain.as_str())] {
            let body = json!({ "folderName": sent, "parentFolderPath": "/" });
            created(&library.post("/v1/folder", body.clone()).await);
            assert_eq!(library.paths("").await, [format!("{made}/")]);
            let verbatim = library.post("/v2/folder", body).await;
            assert_eq!(verbatim.status, 400, "{verbatim:#?}");
            let job = json!({ "folderPath": made, "newFolderName": format!("{sent}!") });
            library.run("renameFolder", job).await;
            assert_eq!(library.paths("").await, [format!("{made}_/")]);
            library.client.delete_folder(&format!("/{made}_")).await.expect("an answer").expect(204);
            let fields = [("folder", format!("/x/{sent}")), ("fileName", "f.txt".to_owned())];
            let form =
                fields.into_iter().fold(reqwest::multipart::Form::new(), |form, (name, value)| form.text(name, value));
            let form = form.text("useUniqueFileName", "false");
            let form = form.part("file", reqwest::multipart::Part::bytes(vec![1]).file_name("f"));
            let uploaded = answer(library.client.request(Method::POST, "/api/v1/files/upload").multipart(form)).await;
            assert_eq!(uploaded.expect("an answer").expect(200).text("filePath"), format!("/x/{made}/f.txt"));
            library.client.delete_folder("/x").await.expect("an answer").expect(204);
        }
        let long = json!({ "folderName": "é".repeat(128), "parentFolderPath": "/" });
        assert_eq!(library.post("/v1/folder", long).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn a_library_may_be_kept_shallow() {
    with_settings(&[("CALOTYPE_FOLDER_DEPTH_MAX", "3")], async |library: &mut Library| {
        let bad = Some("INVALID_FOLDER_PATH");
        library.put("/a/b/c/f.txt", bytes_of(1)).await;
        refused_somehow(&library.client.upload("/a/b/c/d", "f.txt", bytes_of(1)).await.expect("an answer"), &[400]);
        created(&create(library, "v1", "/a/b", "d").await);
        refused(&create(library, "v1", "/a/b/c", "d").await, 400, bad, BAD_PATH);

        let from_to = |to: &str| json!({ "sourceFilePath": "/a/b/c/f.txt", "destinationPath": to });
        for call in ["copy", "move"] {
            refused(&library.post(&format!("/v1/files/{call}"), from_to("/x/y/z/w")).await, 400, bad, BAD_PATH);
            succeeded_empty(&library.post(&format!("/v1/files/{call}"), from_to(&format!("/{call}/y/z"))).await);
        }
        library.put("/m/f.txt", bytes_of(1)).await;
        for call in ["copyFolder", "moveFolder"] {
            let body = |to: &str| json!({ "sourceFolderPath": "/m", "destinationPath": to });
            for deep in ["/p/q/r", "/p/q/r/s"] {
                refused(&library.post(&format!("/v1/bulkJobs/{call}"), body(deep)).await, 400, bad, BAD_PATH);
            }
            library.run(call, body(&format!("/{call}/q"))).await;
        }
        let body = json!({ "folderPath": "/moveFolder/q/m", "newFolderName": "n" });
        library.run("renameFolder", body).await;
        let files: Vec<_> = library.paths("").await.into_iter().filter(|path| !path.ends_with('/')).collect();
        assert_eq!(files, ["copy/y/z/f.txt", "copyFolder/q/m/f.txt", "move/y/z/f.txt", "moveFolder/q/n/f.txt"]);
    })
    .await;
}
