//! Listing files and folders, a file's details and versions, and deleting it; and what every answer of the API has.

use super::*;

const NO_FILE: &str = "The requested file does not exist.";
const BAD_ID: &str = "Your request contains invalid fileId parameter.";

/// The paths of a listing, in its order.
async fn listed(library: &Library, query: &[(&str, &str)]) -> Vec<String> {
    let answer = library.client.list_with(query).await.expect("an answer");
    succeeded(&answer, 200);
    answer.body.as_array().expect("a bare array").iter().map(path_of).collect()
}

#[tokio::test]
async fn objects_have_exactly_these_fields() {
    on_both_catalogs(async |library: &mut Library| {
        let base = library.client.base().to_owned();
        let picture = image::RgbaImage::from_pixel(3, 2, image::Rgba([9, 9, 9, 9]));
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).expect("an image in memory");
        let png = png.into_inner();
        library.put("/trip/a.png", bytes_of(4)).await;
        library.put_with("/trip/a.png", png.clone(), &[("tags", "x,y")]).await;
        let listed = library.entry("/trip/a.png").await;
        let id = listed["fileId"].as_str().unwrap().to_owned();

        let answer = library.client.details(&id).await.expect("an answer");
        succeeded(&answer, 200);
        let mut details = answer.body;
        assert_eq!(details, listed, "details and listing show the same");
        let (created, updated) = (assert_time(&details["createdAt"]), assert_time(&details["updatedAt"]));
        let version_id = details["versionInfo"]["id"].clone();
        assert_id(&version_id);
        // Either says that there is none.
        if details["embeddedMetadata"] == json!({}) {
            details["embeddedMetadata"] = Value::Null;
        }
        let expected = json!({
            "type": "file",
            "fileId": id,
            "name": "a.png",
            "filePath": "/trip/a.png",
            "tags": ["x", "y"],
            "AITags": null,
            "versionInfo": { "id": version_id, "name": "Version 2" },
            "embeddedMetadata": null,
            "customCoordinates": null,
            "customMetadata": {},
            "isPrivateFile": false,
            "isPublished": true,
            "url": format!("{base}/library/trip/a.png"),
            "thumbnail": format!("{base}/library/tr:n-ik_ml_thumbnail/trip/a.png"),
            "fileType": "image",
            "mime": "image/png",
            "width": 3,
            "height": 2,
            "hasAlpha": true,
            "size": png.len(),
            "createdAt": created,
            "updatedAt": updated,
        });
        assert_eq!(details, expected);

        let old = &library.client.versions(&id).await.unwrap().expect(200).body[1];
        assert_eq!(old["type"], "file-version");
        assert_eq!(old["versionInfo"], json!({ "id": id, "name": "Version 1" }));
        assert_eq!(old["size"], 4);
        assert_eq!(old["tags"], Value::Null);
        let url = old["url"].as_str().expect("an old version has a url");
        assert!(
            url.starts_with(&format!("{base}/library/trip/a.png?ik-obj-version=")),
            "the old version's url {url:?}"
        );

        let folder = library.entry("/trip/").await;
        assert_id(&folder["folderId"]);
        assert_time(&folder["createdAt"]);
        assert_time(&folder["updatedAt"]);
        let expected = json!({
            "type": "folder",
            "folderId": folder["folderId"],
            "name": "trip",
            "folderPath": "/trip",
            "createdAt": folder["createdAt"],
            "updatedAt": folder["updatedAt"],
            "customMetadata": {},
        });
        assert_eq!(folder, expected);
    })
    .await;
}

#[tokio::test]
async fn a_listing_shows_one_folder_or_the_whole_library() {
    on_both_catalogs(async |library: &mut Library| {
        for path in ["/root.txt", "/a/one.txt", "/a/two.txt", "/a/b/three.txt", "/写 真/four.txt"] {
            let (folder, name) = split(path);
            let form = reqwest::multipart::Form::new()
                .text("fileName", name.to_owned())
                .text("folder", folder.to_owned())
                .text("useUniqueFileName", "false")
                .part("file", reqwest::multipart::Part::bytes(bytes_of(3)).file_name("x"));
            let request = library.client.request(Method::POST, "/api/v2/files/upload").multipart(form);
            answer(request).await.expect("an answer").expect(200);
            tokio::time::sleep(A_MOMENT).await;
        }
        library.put("/a/one.txt", bytes_of(4)).await;

        for path in ["/a", "a", "/a/", "a/", "//a//"] {
            assert_eq!(listed(library, &[("path", path)]).await, ["/a/one.txt", "/a/two.txt"], "{path}");
        }
        for path in ["/", "//"] {
            assert_eq!(listed(library, &[("path", path)]).await, ["/root.txt"], "{path}");
        }
        let files = ["/root.txt", "/a/one.txt", "/a/two.txt", "/a/b/three.txt", "/写 真/four.txt"];
        assert_eq!(listed(library, &[]).await, files, "all files, the oldest first");
        assert_eq!(listed(library, &[("path", ""), ("type", ""), ("limit", "")]).await, files, "empty is absent");
        assert_eq!(listed(library, &[("unknown", "x"), ("path", "/写 真")]).await, ["/写 真/four.txt"]);
        // Neither a folder that does not exist nor a file is an error.
        for path in ["/nope", "/a/nope", "/A", "/a/one.txt", "/a ", "/a%20"] {
            assert_eq!(listed(library, &[("path", path), ("type", "all")]).await, [""; 0], "{path}");
        }
        for (kind, paths) in [
            ("file", &["/a/one.txt", "/a/two.txt"][..]),
            ("folder", &["/a/b/"]),
            ("all", &["/a/one.txt", "/a/two.txt", "/a/b/"]),
            ("file-version", &["/a/one.txt"]),
        ] {
            assert_eq!(listed(library, &[("path", "/a"), ("type", kind)]).await, paths, "{kind}");
        }
        let versions = library.client.list_with(&[("type", "file-version")]).await.unwrap().expect(200).body;
        assert_eq!(versions.as_array().unwrap().len(), 1, "only old versions: {versions:#}");
        assert_eq!(versions[0]["type"], "file-version");
        assert_eq!(versions[0]["size"], 3);
        let folders = listed(library, &[("type", "folder")]).await;
        assert_eq!(folders, ["/a/", "/a/b/", "/写 真/"]);
        // The same on the other version, with a slash at the end, and with a body that nobody reads.
        for path in ["/v2/files?path=/a", "/v1/files/?path=/a", "/v2/files/?path=%2Fa%2F", "/V1/FILES?path=/a"] {
            let answer = library.get(path).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body.as_array().unwrap().len(), 2, "{path}");
        }
        let answer = library.send(Method::GET, "/v1/files?path=/a", "application/json", "").await;
        assert_eq!(answer.body.as_array().expect("an array").len(), 2);
        let answer = library.send(Method::GET, "/v1/files?path=/a", FORM, "path=%2F").await;
        assert_eq!(answer.body.as_array().expect("an array").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn pages_are_cut_from_one_stable_order() {
    on_both_catalogs(async |library: &mut Library| {
        let names = ["m.txt", "B.txt", "a.txt", "é.txt", "Z.txt", "a-b.txt", "aa.txt", "_.txt", "10.txt", "9.txt"];
        for name in names {
            library.put(&format!("/p/{name}"), bytes_of(1)).await;
        }
        let created = names.map(|name| format!("/p/{name}"));
        // By bytes, on every catalog alike.
        let mut named = created.clone();
        named.sort();
        for (sort, order) in [(None, &created), (Some("ASC_CREATED"), &created), (Some("ASC_NAME"), &named)] {
            let mut query = vec![("path", "/p")];
            query.extend(sort.map(|sort| ("sort", sort)));
            assert_eq!(listed(library, &query).await, *order, "{sort:?}");
            for size in [1, 3, 10, 11] {
                let mut pages = Vec::new();
                for skip in (0..names.len() + size).step_by(size) {
                    let (limit, skip) = (size.to_string(), skip.to_string());
                    let mut query = query.clone();
                    query.extend([("limit", limit.as_str()), ("skip", skip.as_str())]);
                    pages.extend(listed(library, &query).await);
                }
                assert_eq!(pages, *order, "in pages of {size}, {sort:?}");
            }
        }
        for far in ["1000000", "9223372036854775807", "99999999999999999999"] {
            for query in [("path", "/p"), ("sort", "ASC_CREATED"), ("sort", "ASC_SIZE"), ("searchQuery", "size > 0")] {
                assert_eq!(listed(library, &[query, ("skip", far)]).await, [""; 0], "{far} {query:?}");
            }
        }
        assert_eq!(listed(library, &[("path", "/p"), ("limit", "1000")]).await.len(), names.len());

        // A new version does not move a file in the order of creation.
        library.put("/p/m.txt", bytes_of(2)).await;
        assert_eq!(listed(library, &[("path", "/p")]).await, created);
        // Folders and files mixed.
        for path in ["/q/b.txt", "/q/a/", "/q/d.txt", "/q/c/"] {
            match path.strip_suffix('/') {
                Some(folder) => library.put_folder(folder).await,
                None => drop(library.put(path, bytes_of(1)).await),
            }
            tokio::time::sleep(A_MOMENT).await;
        }
        let all = [("path", "/q"), ("type", "all")];
        assert_eq!(listed(library, &all).await, ["/q/b.txt", "/q/a/", "/q/d.txt", "/q/c/"]);
        let query = [all[0], all[1], ("sort", "ASC_NAME")];
        assert_eq!(listed(library, &query).await, ["/q/a/", "/q/b.txt", "/q/c/", "/q/d.txt"]);
        let query = [all[0], all[1], ("skip", "1"), ("limit", "2")];
        assert_eq!(listed(library, &query).await, ["/q/a/", "/q/d.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_listing_refuses() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let bad_type = "Your request contains invalid value for type parameter. Please provide one of the following: \
                        file, file-version, folder, all.";
        for (query, message) in [
            ("skip=-1", "The value of skip parameter should be greater than or equal to 0. Value sent is -1."),
            ("skip=-20", "The value of skip parameter should be greater than or equal to 0. Value sent is -20."),
            ("limit=0", "Minimum value of limit parameter is 1. Value sent is 0."),
            ("limit=-5", "Minimum value of limit parameter is 1. Value sent is -5."),
            ("limit=1001", "Maximum value of limit parameter is 1000. Value sent is 1001."),
            ("limit=2000", "Maximum value of limit parameter is 1000. Value sent is 2000."),
            (
                "limit=99999999999999999999",
                "Maximum value of limit parameter is 1000. Value sent is 99999999999999999999.",
            ),
            ("sort=UP_NAME", "Your request contains invalid value for sort parameters."),
            ("sort=ASC_COLOUR", "Your request contains invalid value for sort parameters."),
            ("sort=NAME", "Your request contains invalid value for sort parameters."),
            ("type=image", bad_type),
            ("type=files", bad_type),
        ] {
            for version in ["v1", "v2"] {
                eprintln!("{version}: {query}");
                let answer = library.get(&format!("/{version}/files?path=/a&{query}")).await;
                refused(&answer, 400, None, message);
            }
        }
        for query in ["skip=x", "limit=x", "limit=1.5", "skip=1e2", "limit=1e99"] {
            refused_somehow(&library.get(&format!("/v1/files?{query}")).await, &[400]);
        }
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_from_the_newest() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=3 {
            library.put("/a/f.txt", bytes_of(size)).await;
            tokio::time::sleep(A_MOMENT).await;
        }
        let id = library.entry("/a/f.txt").await["fileId"].as_str().unwrap().to_owned();
        for path in [format!("/v1/files/{id}/versions"), format!("/v2/files/{id}/versions/")] {
            let answer = library.get(&path).await;
            succeeded(&answer, 200);
            let of = |key: &str| {
                answer.body.as_array().expect("an array").iter().map(|v| v[key].clone()).collect::<Vec<_>>()
            };
            assert_eq!(of("size"), [3, 2, 1]);
            assert_eq!(of("type"), ["file", "file-version", "file-version"]);
            let names: Vec<_> = of("versionInfo").iter().map(|info| info["name"].clone()).collect();
            assert_eq!(names, ["Version 3", "Version 2", "Version 1"]);
            let times: BTreeSet<_> = of("updatedAt").iter().map(assert_time).collect();
            assert_eq!(times.len(), 3, "clients tell old versions apart by their times");
        }
    })
    .await;
}

#[tokio::test]
async fn a_deleted_file_is_gone_with_its_versions() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/other.txt", bytes_of(3)).await;
        let delete = async |path: String, sdk: bool| {
            let mut request = library.client.request(Method::DELETE, &path);
            if sdk {
                request = request.header("X-Stainless-Lang", "go");
            }
            answer(request).await.expect("an answer")
        };
        for (path, sdk) in
            [("/v1/files/ID", false), ("/v2/files/ID", false), ("/v1/files/ID/", false), ("/v1/files/ID", true)]
        {
            library.put("/a/f.txt", bytes_of(1)).await;
            let id = library.put("/a/f.txt", bytes_of(2)).await["fileId"].as_str().unwrap().to_owned();
            let url = library.entry("/a/f.txt").await["url"].as_str().unwrap().to_owned();
            // Also for SDKs, which get a body for other deletions.
            succeeded_empty(&delete(path.replace("ID", &id), sdk).await);
            library.assert_no_file(&id).await;
            assert_eq!(library.paths("").await, ["a/", "a/other.txt"], "the folder stays");
            assert_eq!(listed(library, &[("type", "file-version"), ("path", "/a")]).await, [""; 0]);
            assert_eq!(library.client.get(&url).await.expect("an answer").status, 404);
            // The name is free again, for a file of its own.
            let next = library.put("/a/f.txt", bytes_of(4)).await;
            assert_ne!(next["fileId"], id);
            assert_eq!(next["versionInfo"]["name"], "Version 1");
            library.client.delete_file(next["fileId"].as_str().unwrap()).await.expect("an answer").expect(204);
        }
        // A body that comes along is not read.
        let id = library.put("/a/f.txt", bytes_of(1)).await["fileId"].as_str().unwrap().to_owned();
        let answer = library.send(Method::DELETE, &format!("/v1/files/{id}"), "application/json", "[\"id\"]").await;
        succeeded_empty(&answer);
    })
    .await;
}

#[tokio::test]
async fn unknown_ids_are_not_found_and_malformed_ones_are_refused() {
    on_both_catalogs(async |library: &mut Library| {
        let folder_id = {
            library.put("/a/f.txt", bytes_of(1)).await;
            library.entry("/a/").await["folderId"].as_str().unwrap().to_owned()
        };
        // The id of an old version is no file's id.
        library.put("/a/f.txt", bytes_of(2)).await;
        let newer = library.history("/a/f.txt").await[1].id.clone();
        let before = library.everything().await;
        let hundreds = "9".repeat(500);
        let calls =
            [(Method::GET, "/details"), (Method::GET, "/details/"), (Method::GET, "/versions"), (Method::DELETE, "")];
        for (method, call) in calls {
            for id in [UNKNOWN_ID, "000000000000000000000000", &folder_id, &newer] {
                let answer = library.client.send(method.clone(), &format!("/v1/files/{id}{call}"), None).await;
                refused(&answer.expect("an answer"), 404, None, NO_FILE);
            }
            for id in
                ["x", "-1", "0", "zzzzzzzzzzzzzzzzzzzzzzzz", "fffffffffffffffffffffff", &hundreds, "%00", "%FF", "%20"]
            {
                eprintln!("{method} {id}{call}");
                let answer = library.client.send(method.clone(), &format!("/v2/files/{id}{call}"), None).await;
                refused(&answer.expect("an answer"), 400, None, BAD_ID);
            }
        }
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/a/f.txt", bytes_of(1)).await;
        let details = format!("/v1/files/{}/details", file["fileId"].as_str().unwrap());
        let mut seen = HashSet::new();
        for _ in 0..3 {
            for (method, path, status) in [
                (Method::GET, "/v1/files", 200),
                (Method::GET, details.as_str(), 200),
                (Method::GET, "/v1/files/nonsense/details", 400),
                (Method::GET, "/v1/bulkJobs/nonsense", 404),
                (Method::POST, "/v1/bulkJobs/copyFolder", 400),
                (Method::POST, "/api/v1/files/upload", 400),
                (Method::DELETE, "/v1/folder", 400),
                (Method::GET, "/v1/nonsense", 404),
                (Method::GET, "/library/a/f.txt", 200),
                (Method::HEAD, "/library/a/f.txt", 200),
                (Method::GET, "/library/nope", 404),
            ] {
                let answer = library.client.send(method.clone(), path, None).await.expect("an answer");
                assert_eq!(answer.status, status, "{method} {path}: {answer:#?}");
                assert!(seen.insert(request_id(&answer.headers)), "{method} {path}");
            }
            let answer = answer(library.keyless(Method::GET, "/v1/files")).await.expect("an answer");
            refused(&answer, 401, None, "Your request does not contain private API key.");
            assert!(seen.insert(request_id(&answer.headers)));
        }
    })
    .await;
}

#[tokio::test]
async fn what_no_route_serves_is_not_found() {
    on_both_catalogs(async |library: &mut Library| {
        for path in ["/v1/nope", "/v2/files/x/y/z", "/v1/bulkJobs", "/v3/files", "/api/v1/nope", "/nope", "/v1", "/api"]
        {
            let answer = library.get(path).await;
            refused(&answer, 404, None, "Not found");
        }
        refused(&library.post("/v1/bulkJobs/deleteFolder", json!({})).await, 404, None, "Not found");
    })
    .await;
}

#[tokio::test]
async fn reading_needs_the_key() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/a/f.txt", bytes_of(1)).await;
        let id = file["fileId"].as_str().unwrap();
        let wrong = library.client.with_key("private_wrong");
        for (method, path) in [
            (Method::GET, "/v1/files".to_owned()),
            (Method::GET, format!("/v1/files/{id}/details")),
            (Method::GET, format!("/v1/files/{id}/versions")),
            (Method::GET, "/v1/files/nonsense/details".to_owned()),
            (Method::DELETE, format!("/v1/files/{id}")),
            (Method::POST, "/v1/folder".to_owned()),
            (Method::DELETE, "/v1/folder".to_owned()),
        ] {
            let with_wrong = wrong.send(method.clone(), &path, Some(json!({}))).await;
            let message = "Your account cannot be authenticated.";
            refused(&with_wrong.expect("an answer"), 403, None, message);
            let without = answer(library.keyless(method, &path).json(&json!({}))).await;
            refused(&without.expect("an answer"), 401, None, "Your request does not contain private API key.");
        }
        assert_eq!(library.sizes("/a/f.txt").await, [1]);
    })
    .await;
}
