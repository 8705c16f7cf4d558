//! Bulk jobs: what a finished copy, move or rename looks like from outside.
//!
//! Here are the results on names that are free, and the job's own answers. Names that are taken are in [`merges`],
//! what is refused in [`refusals`], the many ways to say the same in [`spellings`], requests sent again in [`retries`],
//! what becomes of everything that is said about a file in [`attributes`], unlikely but legal requests in [`oddities`], what
//! others change beside a job in [`meanwhile`], the limits on objects and jobs in [`cap`], and kill -9 in [`crash`].

mod attributes;
mod cap;
mod crash;
mod meanwhile;
mod merges;
mod oddities;
mod refusals;
mod retries;
mod spellings;

use super::*;

/// A folder with all there is to copy: files of several versions, with tags, private ones, sub-folders, an empty one.
async fn put_album(library: &Library, folder: &str) {
    let at = |name: &str| format!("{folder}/{name}");
    library.put_with(&at("one.txt"), bytes_of(11), &[("tags", "first")]).await;
    library.put_with(&at("one.txt"), bytes_of(12), &[("tags", "second,last")]).await;
    library.put_with(&at("secret.bin"), bytes_of(20), &[("isPrivateFile", "true")]).await;
    library.put(&at("sub/two.txt"), bytes_of(30)).await;
    library.put(&at("sub/deeper/three.txt"), bytes_of(40)).await;
    library.put_folder(&at("empty")).await;
}

const ALBUM: [&str; 7] =
    ["empty/", "one.txt", "secret.bin", "sub/", "sub/deeper/", "sub/deeper/three.txt", "sub/two.txt"];

#[tokio::test]
async fn a_copy_equals_its_source_and_shares_no_id() {
    on_both_catalogs(async |library: &mut Library| {
        put_album(library, "/a").await;
        let source = library.tree("/a").await;
        assert_eq!(source.keys().collect::<Vec<_>>(), ALBUM);
        tokio::time::sleep(A_MOMENT).await;
        let marker = library.put("/marker.txt", bytes_of(1)).await;
        let marker = library.client.details(marker["fileId"].as_str().unwrap()).await.unwrap().expect(200).body;

        library.copy("/a", "/b", false).await;

        assert_eq!(library.tree("/a").await, source, "the source is as it was, with its ids and times");
        let copy = library.tree("/b/a").await;
        assert_eq!(contents(&copy), contents(&source));
        let shared: Vec<_> = ids(&copy).intersection(&ids(&source)).cloned().collect();
        assert!(shared.is_empty(), "ids of the source in the copy: {shared:?}");
        for (path, entry) in &copy {
            let (created, begun) = (assert_time(&entry["createdAt"]), assert_time(&marker["createdAt"]));
            assert!(created >= begun, "{path} was created by the copy: {entry:#}");
        }
        for path in ["one.txt", "secret.bin", "sub/two.txt", "sub/deeper/three.txt"] {
            let history = library.history(&format!("/b/a/{path}")).await;
            assert_eq!(history.len(), 1, "a copy without versions has one: {history:#?}");
            assert_linear(&history);
            assert_eq!(copy[path]["fileId"], history[0].id, "the first version's id is the file's");
        }
        assert_eq!(library.bytes("/b/a/sub/two.txt").await, bytes_of(30));
    })
    .await;
}

#[tokio::test]
async fn a_copy_with_versions_has_the_whole_history_in_order() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=5 {
            let tag = format!("tag-{size}");
            library.put_with("/a/one.txt", bytes_of(size), &[("tags", &tag)]).await;
        }
        library.put("/a/two.txt", bytes_of(9)).await;
        let source = library.history("/a/one.txt").await;

        library.copy("/a", "/b", true).await;

        assert_eq!(library.history("/a/one.txt").await, source);
        let copy = library.history("/b/a/one.txt").await;
        assert_linear(&copy);
        assert_eq!(copy[0].id, library.entry("/b/a/one.txt").await["fileId"], "the first version's id is the file's");
        let of = |history: &[Version]| -> Vec<(u64, Value)> {
            history.iter().map(|version| (version.size, version.tags.clone())).collect()
        };
        assert_eq!(of(&copy), of(&source), "sizes and tags, the oldest first");
        assert_eq!(of(&copy)[0], (1, json!(["tag-1"])));
        let fresh = |version: &Version| source.iter().all(|of_source| of_source.id != version.id);
        assert!(copy.iter().all(fresh), "the copy's versions have ids of their own: {copy:#?}");
        assert_eq!(library.sizes("/b/a/two.txt").await, [9]);
        assert_eq!(library.bytes("/b/a/one.txt").await, bytes_of(5));
    })
    .await;
}

#[tokio::test]
async fn a_copy_into_the_own_descendant_holds_what_was_there_before() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/one.txt", bytes_of(1)).await;
        library.put("/a/b/two.txt", bytes_of(2)).await;
        library.put("/a/b/c/three.txt", bytes_of(3)).await;
        library.copy("/a", "/a/b", false).await;
        let once = [
            "b/",
            "b/a/",
            "b/a/b/",
            "b/a/b/c/",
            "b/a/b/c/three.txt",
            "b/a/b/two.txt",
            "b/a/one.txt",
            "b/c/",
            "b/c/three.txt",
            "b/two.txt",
            "one.txt",
        ];
        assert_eq!(library.paths("/a").await, once);

        // Again: the first copy belongs to the source now, and meets itself.
        library.put("/a/one.txt", bytes_of(4)).await;
        library.copy("/a", "/a/b", false).await;
        let mut twice = once.map(str::to_owned).to_vec();
        twice.extend(["", "b/", "b/c/", "b/c/three.txt", "b/two.txt", "one.txt"].map(|path| format!("b/a/b/a/{path}")));
        twice.sort();
        assert_eq!(library.paths("/a").await, twice);
        assert_eq!(library.sizes("/a/b/a/b/two.txt").await, [2, 2]);
        assert_eq!(library.sizes("/a/b/a/one.txt").await, [1, 4]);
        assert_eq!(library.sizes("/a/b/a/b/a/one.txt").await, [1], "from before this copy appended to its source");
        assert_eq!(library.sizes("/a/one.txt").await, [1, 4]);
    })
    .await;
}

#[tokio::test]
async fn a_moved_folder_keeps_every_id_and_leaves_its_old_place() {
    on_both_catalogs(async |library: &mut Library| {
        put_album(library, "/p/a").await;
        library.put_folder("/q").await;
        let (folder, tree) = (library.entry("/p/a/").await, library.tree("/p/a").await);
        let history = library.history("/p/a/one.txt").await;
        let old_url = tree["one.txt"]["url"].as_str().unwrap().to_owned();

        library.move_into("/p/a", "/q").await;

        assert_eq!(library.paths("/p").await, [""; 0], "nothing is left");
        let moved = library.tree("/q/a").await;
        assert_eq!(contents(&moved), contents(&tree));
        assert_eq!(ids(&moved), ids(&tree));
        for (path, entry) in &moved {
            assert_eq!(entry["createdAt"], tree[path]["createdAt"], "{path} was created when it was");
        }
        let moved_folder = library.entry("/q/a/").await;
        for key in ["folderId", "createdAt"] {
            assert_eq!(moved_folder[key], folder[key], "{key} of the moved folder");
        }
        assert_eq!(library.history("/q/a/one.txt").await, history);
        assert_eq!(library.client.get(&old_url).await.unwrap().status, 404, "the old url");
        assert_eq!(library.bytes("/q/a/one.txt").await, bytes_of(12));
    })
    .await;
}

#[tokio::test]
async fn a_move_beside_a_name_that_only_begins_alike_is_no_ancestry() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/one.txt", bytes_of(1)).await;
        library.put_folder("/ab").await;
        library.move_into("/a", "/ab").await;
        assert_eq!(library.paths("").await, ["ab/", "ab/a/", "ab/a/one.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_renamed_folder_keeps_every_id() {
    on_both_catalogs(async |library: &mut Library| {
        put_album(library, "/p/a").await;
        // Files and folders are separate name spaces.
        library.put("/p/b", bytes_of(5)).await;
        let (folder, tree) = (library.entry("/p/a/").await, library.tree("/p/a").await);

        let status = library.run("renameFolder", json!({ "folderPath": "/p/a", "newFolderName": "b" })).await;

        assert_eq!(status["type"], "RENAME_FOLDER");
        let renamed = library.tree("/p/b").await;
        assert_eq!(contents(&renamed), contents(&tree));
        assert_eq!(ids(&renamed), ids(&tree));
        let renamed_folder = library.entry("/p/b/").await;
        assert_eq!(renamed_folder["folderId"], folder["folderId"]);
        assert_eq!(renamed_folder["name"], "b");
        assert_eq!(library.entry("/p/b").await["size"], 5, "the file of that name");
        assert_eq!(library.paths("/p/a").await, [""; 0]);
        // Names that differ in case alone are different names.
        library.run("renameFolder", json!({ "folderPath": "/p/b", "newFolderName": "B" })).await;
        assert_eq!(ids(&library.tree("/p/B").await), ids(&tree));
    })
    .await;
}

#[tokio::test]
async fn flags_survive_copy_move_and_rename() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.bin", bytes_of(1)).await;
        library.put_with("/a/f.bin", bytes_of(2), &[("isPrivateFile", "true"), ("tags", "x,y")]).await;
        library.copy("/a", "/copied", false).await;
        library.copy("/a", "/with-versions", true).await;
        library.move_into("/a", "/moved").await;
        library.run("renameFolder", json!({ "folderPath": "/moved/a", "newFolderName": "renamed" })).await;
        for path in ["/copied/a/f.bin", "/with-versions/a/f.bin", "/moved/renamed/f.bin"] {
            let file = library.entry(path).await;
            assert_eq!(file["isPrivateFile"], true, "{path}");
            assert_eq!(file["tags"], json!(["x", "y"]), "{path}");
            let url = file["url"].as_str().unwrap();
            assert_eq!(library.client.get(url).await.unwrap().status, 401, "{path} is private for its url too");
        }
        // Each version has flags of its own.
        for path in ["/with-versions/a/f.bin", "/moved/renamed/f.bin"] {
            let id = library.entry(path).await["fileId"].as_str().unwrap().to_owned();
            let versions = library.client.versions(&id).await.unwrap().expect(200).body;
            let flags = |key: &str| versions.as_array().unwrap().iter().map(|v| v[key].clone()).collect::<Vec<_>>();
            assert_eq!(flags("isPrivateFile"), [true, false], "{path}, the newest first");
            assert_eq!(flags("tags"), [json!(["x", "y"]), Value::Null], "{path}, the newest first");
        }
    })
    .await;
}

#[tokio::test]
async fn odd_but_legal_sources_and_destinations() {
    on_both_catalogs(async |library: &mut Library| {
        // An empty folder.
        library.put_folder("/empty").await;
        library.copy("/empty", "/to", false).await;
        assert_eq!(library.paths("/to").await, ["empty/"]);
        // Into the root, and out of an upper-case twin.
        library.put("/Empty/x", bytes_of(1)).await;
        library.put("/p/Empty/y.txt", bytes_of(2)).await;
        library.copy("/to/empty", "/", false).await;
        assert_eq!(library.paths("/empty").await, [""; 0], "an empty folder meets an empty folder");
        library.copy("/p/Empty", "/", false).await;
        assert_eq!(library.paths("/Empty").await, ["x", "y.txt"]);
        // A destination that is the path of a file: a folder of that name beside it.
        library.copy("/p", "/Empty/x", false).await;
        assert_eq!(library.paths("/Empty/x").await, ["p/", "p/Empty/", "p/Empty/y.txt"]);
        assert_eq!(library.sizes("/Empty/x").await, [1]);
        // A folder meets a file of its name.
        library.put("/q/p", bytes_of(3)).await;
        library.move_into("/p", "/q").await;
        assert_eq!(library.paths("/q").await, ["p", "p/", "p/Empty/", "p/Empty/y.txt"]);
        // Percent signs in JSON are no encoding.
        library.copy("/q", "/a%20b", false).await;
        assert!(library.paths("").await.contains(&"a_20b/q/".to_owned()), "v1 cleans the names that it creates");
    })
    .await;
}

#[tokio::test]
async fn v1_cleans_the_folder_names_that_it_creates_and_v2_takes_them_as_they_are() {
    on_both_catalogs(async |library: &mut Library| {
        let copy = async |version: &str, source: &str, destination: &str| {
            let body = json!({ "sourceFolderPath": source, "destinationPath": destination });
            let id = job_id(&library.post(&format!("/{version}/bulkJobs/copyFolder"), body).await);
            library.completed(&id).await;
        };
        library.put("/a/f.txt", bytes_of(1)).await;
        copy("v1", "/a", "/new place/日本 語").await;
        copy("v2", "/a", "/odd place (2)/日本 語").await;
        // What exists is matched as it is, on v1 too; only what lies below it is new.
        copy("v1", "/a", "/odd place (2)/next one").await;
        // A source keeps its own name, whoever copies it.
        copy("v1", "/odd place (2)/日本 語", "/kept").await;
        copy("v1", "/odd place (2)", "/kept").await;
        let all = library.paths("").await;
        for path in [
            "new_place/日本_語/a/f.txt",
            "odd place (2)/日本 語/a/f.txt",
            "odd place (2)/next_one/a/f.txt",
            "kept/日本 語/a/f.txt",
            "kept/odd place (2)/next_one/a/f.txt",
        ] {
            assert!(all.contains(&path.to_owned()), "no {path} in {all:#?}");
        }
        let files = all.iter().filter(|path| path.ends_with("f.txt")).count();
        assert_eq!(files, 7, "and nothing else: {all:#?}");
    })
    .await;
}

#[tokio::test]
async fn new_folder_names_are_cleaned_by_v1_and_kept_by_v2() {
    on_both_catalogs(async |library: &mut Library| {
        for (version, sent, stored) in [
            ("v1", "new name!", "new_name_"),
            ("v1", "a.b-c_d", "a_b-c_d"),
            ("v1", "été Ⅷ½", "été_Ⅷ½"),
            // One underscore per code point, and marks are kept where they stand.
            ("v1", "🙂🙂e\u{301}", "__e\u{301}"),
            ("v1", "写真+1", "写真_1"),
            ("v2", "new name! (2)", "new name! (2)"),
            ("v2", " a.b+c%20 ", " a.b+c%20 "),
        ] {
            library.put("/p/old/f.txt", bytes_of(1)).await;
            let body = json!({ "folderPath": "/p/old", "newFolderName": sent });
            let id = job_id(&library.post(&format!("/{version}/bulkJobs/renameFolder"), body).await);
            library.completed(&id).await;
            let expected = [format!("{stored}/"), format!("{stored}/f.txt")];
            assert_eq!(library.paths("/p").await, expected, "{sent:?} on {version}");
            library.client.delete_folder("/p").await.expect("an answer").expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn fifty_levels_are_allowed_and_no_more() {
    on_both_catalogs(async |library: &mut Library| {
        let deep = |levels: usize| (1..=levels).map(|level| format!("/{level}")).collect::<String>();
        library.put("/a/f.txt", bytes_of(1)).await;
        library.put("/c/f.txt", bytes_of(1)).await;
        let message = "'.' & '..' can not be used as folder-name";
        let before = library.tree("").await;
        for call in ["copyFolder", "moveFolder"] {
            for levels in [50, 51, 400] {
                let body = json!({ "sourceFolderPath": "/a", "destinationPath": deep(levels) });
                let answer = library.post(&format!("/v1/bulkJobs/{call}"), body).await;
                refused(&answer, 400, Some("INVALID_FOLDER_PATH"), message);
            }
        }
        assert_eq!(library.tree("").await, before);
        library.copy("/a", &deep(49), false).await;
        library.move_into("/c", &deep(49)).await;
        assert_eq!(library.paths(&deep(49)).await, ["a/", "a/f.txt", "c/", "c/f.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_job_answers_with_its_four_keys_and_is_never_cached() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let body =
            |source: &str, destination: &str| json!({ "sourceFolderPath": source, "destinationPath": destination });
        for (call, kind, body, purges) in [
            ("copyFolder", "COPY_FOLDER", body("/a", "/b"), false),
            ("moveFolder", "MOVE_FOLDER", body("/a", "/c"), false),
            ("renameFolder", "RENAME_FOLDER", json!({ "folderPath": "/c/a", "newFolderName": "d" }), false),
            (
                "renameFolder",
                "RENAME_FOLDER",
                json!({ "folderPath": "/c/d", "newFolderName": "e", "purgeCache": false }),
                false,
            ),
            (
                "renameFolder",
                "RENAME_FOLDER",
                json!({ "folderPath": "/c/e", "newFolderName": "f", "purgeCache": true }),
                true,
            ),
        ] {
            let id = library.submit(call, body).await;
            loop {
                let answer = library.get(&format!("/v1/bulkJobs/{id}")).await;
                succeeded(&answer, 200);
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                let mut expected = json!({ "jobId": id, "type": kind, "status": answer.body["status"] });
                let completed = answer.body["status"] == "Completed";
                if completed && purges {
                    assert_id(&answer.body["purgeRequestId"]);
                    expected["purgeRequestId"] = answer.body["purgeRequestId"].clone();
                }
                assert_eq!(answer.body, expected);
                if completed {
                    if let Some(purge) = answer.body["purgeRequestId"].as_str() {
                        let purge = library.get(&format!("/v1/files/purge/{purge}")).await;
                        succeeded(&purge, 200);
                        assert_eq!(purge.body, json!({ "status": "Completed" }), "known together with the job's end");
                    }
                    break;
                }
                assert_eq!(answer.body["status"], "Pending");
                tokio::time::sleep(A_MOMENT).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_job_is_not_found_however_its_id_is_spelled() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let id = library.submit("copyFolder", json!({ "sourceFolderPath": "/a", "destinationPath": "/b" })).await;
        let of_a_file = library.entry("/a/f.txt").await["fileId"].as_str().unwrap().to_owned();
        let (longer, shorter) = (format!("{id}0"), &id[1..]);
        let hundreds = "9".repeat(500);
        for unknown in [
            UNKNOWN_ID,
            "000000000000000000000000",
            &of_a_file,
            &longer,
            shorter,
            &hundreds,
            "nonsense",
            "0",
            "-1",
            "%00",
            "%FF",
            "a%20b",
            "jobs",
        ] {
            for version in ["v1", "v2"] {
                let answer = library.get(&format!("/{version}/bulkJobs/{unknown}")).await;
                refused(&answer, 404, None, "The requested job does not exist.");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
        }
        library.completed(&id).await;
    })
    .await;
}
