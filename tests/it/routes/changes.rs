//! Details, tags and publication, the deletion of several files, and what is done with single versions.

use super::*;

impl Library {
    pub(super) async fn patch(&self, id: &str, body: Value) -> Answer {
        self.client.send(Method::PATCH, &format!("/v1/files/{id}/details"), Some(body)).await.expect("an answer")
    }

    async fn put_id(&self, path: &str, fields: &[(&str, &str)]) -> String {
        self.put_with(path, bytes_of(9), fields).await["fileId"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn a_change_shows_at_once_and_leaves_the_rest() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/a/f.txt", &[("tags", "one,two")]).await;
        let before = library.entry("/a/f.txt").await;
        // What is sent, and the keys that must have changed.
        for (change, key, value) in [
            (json!({ "tags": ["x", "y z"] }), "tags", json!(["x", "y z"])),
            (json!({ "tags": "p,q" }), "tags", json!(["p", "q"])),
            (json!({ "tags": "[\"p\",\"q\"]" }), "tags", json!(["p", "q"])),
            (json!({ "tags": null }), "tags", Value::Null),
            (json!({ "tags": ["x"], "fileId": id, "unknown": 1 }), "tags", json!(["x"])),
            (json!({ "tags": [] }), "tags", Value::Null),
            (json!({ "customCoordinates": "10,10,20,20" }), "customCoordinates", json!("10,10,20,20")),
            (json!({ "customCoordinates": null }), "customCoordinates", Value::Null),
            (json!({ "description": "a lake" }), "description", json!("a lake")),
            (json!({}), "description", json!("a lake")),
            (json!({ "description": "" }), "description", Value::Null),
            (json!({ "publish": { "isPublished": false } }), "isPublished", json!(false)),
            (json!({ "publish": { "isPublished": true } }), "isPublished", json!(true)),
            (json!({ "removeAITags": "all" }), "AITags", Value::Null),
            (json!({ "removeAITags": [] }), "AITags", Value::Null),
        ] {
            let answer = library.patch(&id, change.clone()).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body[key], value, "after {change}");
            assert_eq!(library.entry("/a/f.txt").await, answer.body, "the list tells the same");
            for same in ["fileId", "versionInfo", "createdAt", "size", "url"] {
                assert_eq!(answer.body[same], before[same], "{same} after {change}");
            }
        }
        let after = library.entry("/a/f.txt").await;
        assert!(assert_time(&after["updatedAt"]) > assert_time(&before["updatedAt"]));
        assert_eq!(library.bytes("/a/f.txt").await, bytes_of(9));
    })
    .await;
}

#[tokio::test]
async fn a_change_belongs_to_its_version() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/a/f", &[("tags", "one")]).await;
        library.put_with("/a/f", bytes_of(2), &[("tags", "two")]).await;
        library.copy("/a", "/b", false).await;
        succeeded(&library.patch(&id, json!({ "tags": ["changed"] })).await, 200);
        let tags = |history: Vec<Version>| history.into_iter().map(|version| version.tags).collect::<Vec<_>>();
        assert_eq!(tags(library.history("/a/f").await), [json!(["one"]), json!(["changed"])]);
        assert_eq!(tags(library.history("/b/a/f").await), [json!(["two"])], "the copy shares bytes, not what is said");
        library.put("/a/f", bytes_of(3)).await;
        assert_eq!(tags(library.history("/a/f").await), [json!(["one"]), json!(["changed"]), Value::Null]);
    })
    .await;
}

#[tokio::test]
async fn bad_changes_change_nothing() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[("tags", "one")]).await;
        let before = library.everything().await;
        let long = "Your request contains invalid value for tags parameter. Combined length of all tags should be less than or equal to 500.";
        let coordinates = "Your request contains invalid value for customCoordinates parameter.";
        for (change, message) in [
            (json!({ "tags": ["x".repeat(501)] }), long),
            (json!({ "tags": ["5%"] }), "Your request contains invalid value for tags parameter. Tags cannot contain a percent sign."),
            (json!({ "tags": 5 }), "tags should be an array of strings."),
            (json!({ "customCoordinates": "1,2,3" }), coordinates),
            (json!({ "customCoordinates": 7 }), coordinates),
        ] {
            let answer = library.patch(&id, change).await;
            refused(&answer, 400, None, message);
        }
        let perhaps = library.patch(&id, json!({ "publish": { "isPublished": "perhaps" } })).await;
        refused(&perhaps, 400, None, "publish.isPublished parameter should be a boolean.");
        refused(&library.patch(UNKNOWN_ID, json!({})).await, 404, None, "The requested file does not exist.");
        refused(&library.patch("xyz", json!({})).await, 400, None, "Your request contains invalid fileId parameter.");
        assert_eq!(library.everything().await, before);
    })
    .await;
}

#[tokio::test]
async fn publication_reaches_all_versions_if_asked() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=3 {
            library.put("/f", bytes_of(size)).await;
        }
        let id = library.entry("/f").await["fileId"].as_str().expect("an id").to_owned();
        let published = async || -> Vec<Value> {
            let answer = library.client.versions(&id).await.expect("an answer").expect(200);
            answer.body.as_array().expect("versions").iter().map(|version| version["isPublished"].clone()).collect()
        };
        let old_url = library.client.versions(&id).await.expect("an answer").body[2]["url"].clone();
        succeeded(&library.patch(&id, json!({ "publish": { "isPublished": false } })).await, 200);
        assert_eq!(published().await, [false, true, true]);
        assert_eq!(library.client.get_file("/f").await.expect("an answer").status, 404);
        let all = json!({ "publish": { "isPublished": false, "includeFileVersions": true } });
        succeeded(&library.patch(&id, all).await, 200);
        assert_eq!(published().await, [false, false, false]);
        let old = library.client.get(old_url.as_str().expect("a url")).await.expect("an answer");
        assert_eq!(old.status, 404, "the old version's URL is withdrawn with it");
        let all = json!({ "publish": { "isPublished": true, "includeFileVersions": true } });
        succeeded(&library.patch(&id, all).await, 200);
        assert_eq!(published().await, [true, true, true]);
        assert_eq!(library.bytes("/f").await, bytes_of(3));
    })
    .await;
}

#[tokio::test]
async fn tags_of_many_files_are_edited_together() {
    on_both_catalogs(async |library: &mut Library| {
        let one = library.put_id("/one", &[("tags", "a,b")]).await;
        let two = library.put_id("/two", &[]).await;
        let long = library.put_id("/long", &[("tags", &"x".repeat(499))]).await;
        let add = library.post("/v1/files/addTags", json!({ "fileIds": [two, one, two], "tags": ["b", "c"] })).await;
        succeeded(&add, 200);
        assert_eq!(add.body, json!({ "successfullyUpdatedFileIds": [two, one] }));
        assert_eq!(library.entry("/one").await["tags"], json!(["a", "b", "c"]));
        assert_eq!(library.entry("/two").await["tags"], json!(["b", "c"]));
        let partly = library.post("/v1/files/addTags", json!({ "fileIds": [long, one], "tags": ["d"] })).await;
        succeeded(&partly, 207);
        assert_eq!(partly.body["successfullyUpdatedFileIds"], json!([one]));
        assert_eq!(partly.body["errors"], json!([{ "fileId": long, "error": "Error in adding tags" }]));
        assert!(partly.body["message"].is_string() && partly.body["help"].is_string());
        // On the upload host, as some clients call it; and with blanks that are not part of a tag.
        let body = json!({ "fileIds": [one, two], "tags": [" b ", "none"] });
        succeeded(&library.post("/api/v1/files/removeTags", body).await, 200);
        assert_eq!(library.entry("/one").await["tags"], json!(["a", "c", "d"]));
        succeeded(&library.post("/v1/files/removeTags", json!({ "fileIds": [two], "tags": ["c"] })).await, 200);
        assert_eq!(library.entry("/two").await["tags"], Value::Null);
        succeeded(&library.post("/v1/files/removeAITags", json!({ "fileIds": [two], "AITags": ["c"] })).await, 200);
    })
    .await;
}

#[tokio::test]
async fn calls_for_many_files_say_what_is_wrong_and_do_nothing() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[("tags", "a")]).await;
        let before = library.everything().await;
        let many: Vec<_> = (0..51).map(|_| id.clone()).collect();
        let too_many: Vec<_> = (0..101).map(|_| id.clone()).collect();
        let delete = "/v1/files/batch/deleteByFileIds";
        for (call, body, message) in [
            (delete, json!({}), "fileIds parameter is missing."),
            (delete, json!({ "fileIds": id }), "fileIds should be an Array."),
            (delete, json!({ "fileIds": [] }), "fileIds is empty."),
            (delete, json!({ "fileIds": too_many }), "fileIds cannot have more than 100 items."),
            ("/v1/files/addTags", json!({ "fileIds": many, "tags": ["x"] }), "A maximum of 50 files can be edited at a time."),
            ("/v1/files/addTags", json!({ "fileIds": [id] }), "tags parameter is missing."),
            ("/v1/files/removeTags", json!({ "fileIds": [id], "tags": [] }), "tags array cannot be empty."),
            ("/v1/files/removeAITags", json!({ "fileIds": [id] }), "AITags parameter is missing."),
            ("/v1/files/removeAITags", json!({ "fileIds": [id], "AITags": [] }), "AITags array cannot be empty."),
            (
                "/v1/files/removeAITags",
                json!({ "fileIds": [id], "AITags": "a" }),
                "Your request contains invalid value for AITags. Please provide an array of strings. Example - ['t-shirt','summer-sale'].",
            ),
        ] {
            refused(&library.post(call, body).await, 400, None, message);
        }
        let calls = ["/v1/files/addTags", "/v1/files/removeTags", "/v1/files/removeAITags"];
        for call in [&[delete], &calls[..]].concat() {
            let body = json!({ "fileIds": [id, UNKNOWN_ID], "tags": ["a"], "AITags": ["a"] });
            let answer = library.post(call, body).await;
            assert_eq!(answer.status, 404);
            assert_eq!(answer.body["message"], "The requested file(s) does not exist.");
            assert_eq!(answer.body["missingFileIds"], json!([UNKNOWN_ID]));
        }
        // All that are missing, in the order of the request and each once, whatever is wrong with them.
        let gone = library.put("/gone.png", bytes_of(3)).await["fileId"].clone();
        library.client.delete_file(gone.as_str().unwrap()).await.unwrap().expect(204);
        for call in [&[delete], &calls[..]].concat() {
            let ids = json!([gone, "zz", id, UNKNOWN_ID, "zz"]);
            let answer = library.post(call, json!({ "fileIds": ids, "tags": ["a"], "AITags": ["a"] })).await;
            assert_eq!((answer.status, &answer.body["missingFileIds"]), (404, &json!([gone, "zz", UNKNOWN_ID])), "{call}");
            let ids = json!([id, UNKNOWN_ID, gone]);
            let answer = library.post(call, json!({ "fileIds": ids, "tags": ["a"], "AITags": ["a"] })).await;
            assert_eq!((answer.status, &answer.body["missingFileIds"]), (404, &json!([UNKNOWN_ID, gone])), "{call}");
        }
        // Joined by commas, which count.
        let too_long = "Your request contains invalid value for tags parameter. Combined length of all tags should be less than or equal to 500.";
        for call in ["/v1/files/addTags", "/v1/files/removeTags"] {
            for tags in [json!(["x".repeat(501)]), json!(["x".repeat(250), "ü".repeat(250)])] {
                let answer = library.post(call, json!({ "fileIds": [id], "tags": tags })).await;
                refused(&answer, 400, None, too_long);
            }
        }
        assert_eq!(library.everything().await, before);
        let longest = json!(["x".repeat(250), "ü".repeat(249)]);
        let body = json!({ "fileIds": [id], "tags": longest });
        succeeded(&library.post("/v1/files/removeTags", body.clone()).await, 200);
        assert_eq!(library.post("/v1/files/addTags", body).await.status, 207, "with the one that is there");
        succeeded(&library.post("/v1/files/removeTags", json!({ "fileIds": [id], "tags": ["a"] })).await, 200);
        succeeded(&library.post("/v1/files/addTags", json!({ "fileIds": [id], "tags": longest })).await, 200);
        assert_eq!(library.entry("/f").await["tags"], longest);
    })
    .await;
}

#[tokio::test]
async fn automatic_tags_are_removed_by_name_and_others_stay() {
    on_both_catalogs(async |library: &mut Library| {
        let one = library.put_id("/one", &[("tags", "dog,own")]).await;
        let two = library.put_id("/two", &[]).await;
        let tag = |name: &str| json!({ "name": name, "confidence": 90.5, "source": "google-auto-tagging" });
        let three = json!([tag("dog"), tag("grass"), tag("sky")]);
        let again = async || super::upload::set_content(library, &format!("ai_tags = '{three}'")).await;
        let seen = async |path: &str| library.entry(path).await["AITags"].clone();

        again().await;
        let body = json!({ "fileIds": [two, one], "AITags": ["sky", "dog", "unknown"] });
        let removed = library.post("/v1/files/removeAITags", body).await;
        succeeded(&removed, 200);
        assert_eq!(removed.body, json!({ "successfullyUpdatedFileIds": [two, one] }));
        assert_eq!((seen("/one").await, seen("/two").await), (json!([tag("grass")]), json!([tag("grass")])));
        let body = json!({ "fileIds": [two], "AITags": ["grass"] });
        succeeded(&library.post("/v1/files/removeAITags", body).await, 200);
        assert_eq!((seen("/one").await, seen("/two").await), (json!([tag("grass")]), Value::Null));

        again().await;
        for (removed, left) in [
            (json!([]), three.clone()),
            (json!(["cat"]), three.clone()),
            (json!(["dog", "sky"]), json!([tag("grass")])),
            (json!("all"), Value::Null),
            (json!("all"), Value::Null),
        ] {
            let answer = library.patch(&one, json!({ "removeAITags": removed })).await;
            succeeded(&answer, 200);
            assert_eq!((&answer.body["AITags"], seen("/one").await), (&left, left.clone()), "without {removed}");
            assert_eq!(answer.body["tags"], json!(["dog", "own"]), "tags of one's own are others");
        }
        assert_eq!(seen("/two").await, three, "of that file only");
        // The capitals are the client's own: one that makes its keys itself makes others.
        for key in ["removeAiTags", "removeaitags", "RemoveAITags"] {
            again().await;
            succeeded(&library.patch(&one, json!({ (key): ["dog", "sky"] })).await, 200);
            assert_eq!(seen("/one").await, json!([tag("grass")]), "{key}");
            let told = "Your request contains invalid value for AITags. Please provide an array of strings. Example - ['t-shirt','summer-sale'].";
            refused(&library.patch(&one, json!({ (key): 7 })).await, 400, None, told);
        }
        // And the other way round.
        succeeded(&library.post("/v1/files/removeTags", json!({ "fileIds": [two], "tags": ["dog"] })).await, 200);
        assert_eq!(seen("/two").await, three);
    })
    .await;
}

/// A list that nothing in the server makes too long: somebody else wrote into the catalog.
#[tokio::test]
async fn tags_that_are_too_long_also_without_the_removed_ones_are_told() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[]).await;
        let long = json!(["a", "x".repeat(501)]);
        super::upload::set_content(library, &format!("tags = '{long}'")).await;
        let partly = library.post("/v1/files/removeTags", json!({ "fileIds": [id], "tags": ["a"] })).await;
        succeeded(&partly, 207);
        let told = json!([{ "fileId": id, "error": "Error in removing tags" }]);
        assert_eq!((&partly.body["successfullyUpdatedFileIds"], &partly.body["errors"]), (&json!([]), &told));
        assert!(partly.body["message"].is_string() && partly.body["help"].is_string());
        assert_eq!(library.entry("/f").await["tags"], long);
        // Automatic tags have no limit that could be exceeded.
        let body = json!({ "fileIds": [id], "AITags": ["a"] });
        succeeded(&library.post("/v1/files/removeAITags", body).await, 200);
        let whole = json!({ "fileIds": [id], "tags": long });
        refused_somehow(&library.post("/v1/files/removeTags", whole).await, &[400]);
        succeeded(&library.patch(&id, json!({ "tags": ["a"] })).await, 200);
    })
    .await;
}

#[tokio::test]
async fn what_fails_on_our_side_has_the_contracts_words() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[]).await;
        super::upload::set_content(library, "tags = 'no list'").await;
        let told = "We have experienced an internal error while processing your request.";
        for call in ["/v1/files/addTags", "/v1/files/removeTags"] {
            refused(&library.post(call, json!({ "fileIds": [id], "tags": ["a"] })).await, 500, None, told);
        }
        super::upload::set_content(library, "tags = NULL").await;
        succeeded(&library.post("/v1/files/addTags", json!({ "fileIds": [id], "tags": ["a"] })).await, 200);
    })
    .await;
}

#[tokio::test]
async fn many_files_are_deleted_together() {
    on_both_catalogs(async |library: &mut Library| {
        let mut ids = Vec::new();
        for number in 0..100 {
            ids.push(library.put_id(&format!("/f{number}"), &[]).await);
        }
        library.put("/kept", bytes_of(1)).await;
        ids.reverse();
        // The spelling of one client, with another one's capitals.
        let answer = library.post("/v1/files/batch/deleteByfileIds", json!({ "fileIds": ids })).await;
        succeeded(&answer, 200);
        assert_eq!(answer.body, json!({ "successfullyDeletedFileIds": ids }));
        assert_eq!(library.paths("").await, ["kept"]);
        library.assert_no_file(&ids[0]).await;
    })
    .await;
}

#[tokio::test]
async fn an_older_version_comes_back_under_its_own_number() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=4 {
            library.put_with("/f", bytes_of(size), &[("tags", &format!("t{size}"))]).await;
        }
        let id = library.entry("/f").await["fileId"].as_str().expect("an id").to_owned();
        let versions = library.history("/f").await;
        let path = |version: &Version| format!("/v1/files/{id}/versions/{}", version.id);
        let one = library.get(&path(&versions[1])).await;
        succeeded(&one, 200);
        assert_eq!((&one.body["type"], &one.body["size"]), (&json!("file-version"), &json!(2)));
        assert_eq!(library.get(&path(&versions[3])).await.body["type"], "file");

        let put = async |path: String| library.client.send(Method::PUT, &path, None).await;
        let restored = put(format!("{}/restore", path(&versions[1]))).await.expect("an answer");
        succeeded(&restored, 200);
        assert_eq!(restored.body["versionInfo"], json!({ "id": versions[1].id, "name": "Version 2" }));
        assert_eq!(restored.body["tags"], json!(["t2"]));
        assert_eq!(library.bytes("/f").await, bytes_of(2));
        let all = library.client.versions(&id).await.expect("an answer").expect(200).body;
        let names: Vec<_> =
            all.as_array().expect("versions").iter().map(|v| v["versionInfo"]["name"].clone()).collect();
        assert_eq!(names, ["Version 2", "Version 4", "Version 3", "Version 1"]);
        assert_eq!(put(format!("{}/restore", path(&versions[1]))).await.expect("an answer").status, 200, "again");

        // Numbers are never given twice, not even that of a deleted newest version.
        let delete = async |version: &Version| {
            library.client.send(Method::DELETE, &path(version), None).await.expect("an answer")
        };
        succeeded_empty(&delete(&versions[3]).await);
        let next = library.put("/f", bytes_of(5)).await;
        assert_eq!(next["versionInfo"]["name"], "Version 5");
        refused(&delete(&versions[3]).await, 404, None, "The requested file version does not exist.");
        // Restore as one client spells it.
        let odd = format!("{}/restore", path(&versions[0]));
        let odd = library.client.send(Method::DELETE, &odd, None).await.expect("an answer");
        assert_eq!(odd.body["versionInfo"]["name"], "Version 1");
        refused(&delete(&versions[0]).await, 400, None, "You cannot delete current version of a file.");
        let copied = json!({ "sourceFilePath": "/f", "destinationPath": "/c", "includeFileVersions": true });
        succeeded_empty(&library.post("/v1/files/copy", copied).await);
        assert_eq!(library.sizes("/c/f").await, [2, 3, 5, 1], "in order, the current one last");
    })
    .await;
}

#[tokio::test]
async fn a_restored_version_is_of_now_and_a_deleted_one_has_no_url_left() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[]).await;
        library.put("/f", bytes_of(2)).await;
        library.put("/f", bytes_of(3)).await;
        let versions = library.client.versions(&id).await.expect("an answer").expect(200).body;
        let url = |number: usize| versions[number]["url"].as_str().expect("a url").to_owned();
        let status = async |url: &str| library.client.get(url).await.expect("an answer").status;
        assert_eq!((status(&url(1)).await, status(&url(2)).await), (200, 200));
        let path = |number: usize| {
            format!("/v1/files/{id}/versions/{}", versions[number]["versionInfo"]["id"].as_str().expect("an id"))
        };
        succeeded_empty(&library.client.send(Method::DELETE, &path(1), None).await.expect("an answer"));
        assert_eq!((status(&url(1)).await, status(&url(2)).await), (404, 200), "only the deleted one is gone");

        tokio::time::sleep(A_MOMENT).await;
        let before = calotype::model::time::Millis::now().to_string();
        let restored = library.client.send(Method::PUT, &format!("{}/restore", path(2)), None).await;
        let restored = restored.expect("an answer");
        succeeded(&restored, 200);
        let after = calotype::model::time::Millis::now().to_string();
        let updated = assert_time(&restored.body["updatedAt"]);
        assert!(before <= updated && updated <= after, "{before} to {after}: {restored:#?}");
        assert_eq!(restored.body["createdAt"], versions[0]["createdAt"]);
        assert_eq!(library.entry("/f").await["updatedAt"], restored.body["updatedAt"]);
    })
    .await;
}

#[tokio::test]
async fn versions_that_do_not_exist_are_told_from_files_that_do_not() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/f", &[]).await;
        for (file, version, status, message) in [
            (id.as_str(), UNKNOWN_ID, 404, "The requested file version does not exist."),
            (UNKNOWN_ID, id.as_str(), 404, "The requested file does not exist."),
            ("x", id.as_str(), 400, "Your request contains invalid fileId parameter."),
            (id.as_str(), "x", 400, "Your request contains invalid versionId parameter."),
        ] {
            let path = format!("/v1/files/{file}/versions/{version}");
            refused(&library.get(&path).await, status, None, message);
            let deleted = library.client.send(Method::DELETE, &path, None).await.expect("an answer");
            refused(&deleted, status, None, message);
            let restore = library.client.send(Method::PUT, &format!("{path}/restore"), None).await.expect("an answer");
            refused(&restore, status, None, message);
        }
    })
    .await;
}

#[tokio::test]
async fn extensions_of_a_change_are_answered_honestly() {
    on_both_catalogs(async |library: &mut Library| {
        let id = library.put_id("/a/f.txt", &[]).await;
        let asked =
            json!([{ "name": "google-auto-tagging", "minConfidence": 80, "maxTags": 10 }, { "name": "remove-bg" }]);
        let failed = json!({ "google-auto-tagging": "failed", "remove-bg": "failed" });
        for extensions in [asked.clone(), Value::from(asked.to_string())] {
            let change =
                json!({ "extensions": extensions, "webhookUrl": "https://example.com/results", "tags": ["x"] });
            let answer = library.patch(&id, change).await;
            succeeded(&answer, 200);
            assert_eq!((&answer.body["extensionStatus"], &answer.body["tags"]), (&failed, &json!(["x"])));
            assert_eq!(library.entry("/a/f.txt").await.get("extensionStatus"), None, "of that request only");
        }
        // One that nobody knows, and a saved one, of which there are none, have no status.
        let others = json!([{ "name": "saved-extension", "id": UNKNOWN_ID }, { "name": "x" }]);
        let more = json!([{ "name": "x" }, { "name": "remove-bg" }, { "name": "Remove-BG" }]);
        for (extensions, told) in [(others, json!({})), (more, json!({ "remove-bg": "failed" }))] {
            let answer = library.patch(&id, json!({ "extensions": extensions })).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body["extensionStatus"], told, "{extensions}");
        }
        for none in [json!({}), json!({ "extensions": [] }), json!({ "extensions": null }), json!({ "extensions": "" })]
        {
            let answer = library.patch(&id, none.clone()).await;
            succeeded(&answer, 200);
            assert_eq!(answer.body.get("extensionStatus"), None, "{none}");
        }
        for (bad, name) in [
            (json!({ "extensions": "remove-bg", "tags": ["y"] }), "extensions"),
            (json!({ "extensions": { "name": "remove-bg" } }), "extensions"),
            (json!({ "extensions": [{}] }), "extensions"),
            (json!({ "webhookUrl": "example.com" }), "webhookUrl"),
            (json!({ "webhookUrl": 1 }), "webhookUrl"),
        ] {
            let answer = library.patch(&id, bad.clone()).await;
            let told = format!("Your request contains invalid value for {name} parameter.");
            assert_eq!((answer.status, &answer.body["message"]), (400, &json!(told)), "{bad}");
        }
        assert_eq!(library.entry("/a/f.txt").await["tags"], json!(["x"]), "a refused change changes nothing");
    })
    .await;
}
