//! Requests that nobody would think of, and that are legal: names that clash, or that only seem to.

use super::*;

#[tokio::test]
async fn in_a_merge_only_equal_names_of_one_kind_meet() {
    on_both_catalogs(async |library: &mut Library| {
        for (call, flag) in [("copyFolder", "includeVersions"), ("moveFolder", "ignored")] {
            // A folder meets a file and a file a folder; names differ in case, and in the way they write an accent.
            for path in ["/a/x/in.txt", "/a/y", "/a/K.txt", "/a/Sub/f.txt", "/a/e\u{301}.txt", "/a/same/deep/f.txt"] {
                library.put(path, bytes_of(1)).await;
            }
            for path in
                ["/b/a/x", "/b/a/y/in.txt", "/b/a/k.txt", "/b/a/sub/f.txt", "/b/a/\u{e9}.txt", "/b/a/same/f.txt"]
            {
                library.put(path, bytes_of(2)).await;
            }
            for folder in ["/a/none/inner", "/a/empty", "/b/a/empty", "/b/a/own"] {
                library.put_folder(folder).await;
            }
            library.run(call, json!({ "sourceFolderPath": "/a", "destinationPath": "/b", flag: true })).await;
            let expected = [
                "K.txt",
                "Sub/",
                "Sub/f.txt",
                "empty/",
                "e\u{301}.txt",
                "k.txt",
                "none/",
                "none/inner/",
                "own/",
                "same/",
                "same/deep/",
                "same/deep/f.txt",
                "same/f.txt",
                "sub/",
                "sub/f.txt",
                "x",
                "x/",
                "x/in.txt",
                "y",
                "y/",
                "y/in.txt",
                "\u{e9}.txt",
            ];
            assert_eq!(library.paths("/b/a").await, expected, "{call}");
            for (path, size) in [("x", 2), ("y", 1), ("K.txt", 1), ("k.txt", 2), ("e\u{301}.txt", 1), ("\u{e9}.txt", 2)]
            {
                assert_eq!(library.sizes(&format!("/b/a/{path}")).await, [size], "{path} by {call}");
            }
            let all = library.paths("").await;
            let left: Vec<_> = all.iter().filter(|path| path.starts_with("a/")).collect();
            assert_eq!(left.is_empty(), call == "moveFolder", "{left:?}");
            for folder in ["/a", "/b"] {
                let gone = library.client.delete_folder(folder).await.expect("an answer").status;
                assert!([204, 404].contains(&gone));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn empty_folders_are_moved_renamed_and_merged_like_others() {
    on_both_catalogs(async |library: &mut Library| {
        library.put_folder("/a/empty").await;
        library.move_into("/a/empty", "/").await;
        assert_eq!(library.paths("").await, ["a/", "empty/"]);
        library.run("renameFolder", json!({ "folderPath": "empty/", "newFolderName": "Empty" })).await;
        library.move_into("//Empty//", "a//").await;
        assert_eq!(library.paths("").await, ["a/", "a/Empty/"]);
        library.put_folder("/Empty").await;
        library.move_into("/Empty", "/a/").await;
        assert_eq!(library.paths("").await, ["a/", "a/Empty/"], "an empty folder meets an empty folder");
    })
    .await;
}

#[tokio::test]
async fn spaces_at_the_ends_are_part_of_a_name() {
    on_both_catalogs(async |library: &mut Library| {
        let post = async |call: &str, body: Value| {
            let id = job_id(&library.post(&format!("/v2/bulkJobs/{call}"), body).await);
            library.completed(&id).await;
        };
        library.put("/a/f.txt", bytes_of(1)).await;
        post("copyFolder", json!({ "sourceFolderPath": "/a", "destinationPath": "/b " })).await;
        post("copyFolder", json!({ "sourceFolderPath": "/a", "destinationPath": " b" })).await;
        post("renameFolder", json!({ "folderPath": "/b /a", "newFolderName": "a " })).await;
        post("moveFolder", json!({ "sourceFolderPath": "/b /a ", "destinationPath": "/ b/ /" })).await;
        assert_eq!(
            library.paths("").await,
            [" b/", " b/ /", " b/ /a /", " b/ /a /f.txt", " b/a/", " b/a/f.txt", "a/", "a/f.txt", "b /"]
        );
    })
    .await;
}

/// v1 cleans the names that it creates, so a destination that is not there may come to be the source, or a folder in it.
#[tokio::test]
async fn a_destination_whose_clean_name_is_the_source_does_no_harm() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a_b/f.txt", bytes_of(1)).await;
        library.put("/p_/a/f.txt", bytes_of(1)).await;
        for (call, source, destination, why) in [
            ("moveFolder", "/a_b", "/a b", "The destination lies in the source folder."),
            ("moveFolder", "/a_b", "/a b/c d", "The destination lies in the source folder."),
            ("moveFolder", "/p_/a", "/p ", "The folder is at its destination already."),
            ("copyFolder", "/p_/a", "/p ", "The folder is at its destination already."),
        ] {
            let body = json!({ "sourceFolderPath": source, "destinationPath": destination });
            let job = library.submit(call, body).await;
            library.completed(&job).await;
            let report = library.get(&format!("/calotype/v1/jobs/{job}")).await;
            assert_eq!(report.body["failure"], why, "{call} {source} into {destination:?}");
        }
        let files: Vec<_> = library.paths("").await.into_iter().filter(|path| path.ends_with(".txt")).collect();
        assert_eq!(files, ["a_b/f.txt", "p_/a/f.txt"]);
        assert_eq!(library.sizes("/p_/a/f.txt").await, [1], "nothing was appended to itself");
        // Into the own descendant a copy may go, and it ends. The second move has made its destination.
        library.copy("/a_b", "/a b", false).await;
        assert_eq!(library.paths("/a_b").await, ["a_b/", "a_b/c_d/", "a_b/f.txt", "c_d/", "f.txt"]);
    })
    .await;
}

#[tokio::test]
async fn folders_below_the_deepest_level_go_along_and_are_found() {
    on_both_catalogs(async |library: &mut Library| {
        let deep = |levels: usize, letter: char| format!("/{letter}").repeat(levels);
        library.put(&format!("{}/f.txt", deep(30, 'a')), bytes_of(1)).await;
        library.put_folder(&deep(49, 'b')).await;
        // A tree of thirty levels below one of 49, by copy and by move.
        library.copy("/a", &deep(49, 'b'), false).await;
        let lowest = format!("{}{}", deep(49, 'b'), deep(30, 'a'));
        assert_eq!(library.sizes(&format!("{lowest}/f.txt")).await, [1]);
        library.move_into("/a", &deep(48, 'b')).await;
        assert_eq!(library.paths("").await.len(), 49 + 2 * 31);
        assert_eq!(library.bytes(&format!("{lowest}/f.txt")).await, bytes_of(1));
        // What lies so deep can be no source, by the rule for paths; a folder above it can.
        let body = json!({ "sourceFolderPath": lowest, "destinationPath": "/c" });
        let answer = library.post("/v1/bulkJobs/moveFolder", body).await;
        refused(&answer, 400, Some("INVALID_FOLDER_PATH"), "'.' & '..' can not be used as folder-name");
        library.move_into(&format!("{}/a", deep(49, 'b')), "/").await;
        assert_eq!(library.sizes(&format!("{}/f.txt", deep(30, 'a'))).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_folder_whose_name_v1_would_clean_is_found_by_v1_as_it_is_called() {
    on_both_catalogs(async |library: &mut Library| {
        // The clean name, and what a percent sign would stand for in a URL, are other folders.
        for (name, others, new_name, cleaned) in [
            ("new (2)!", ["new__2__", "new (2)"], "newer (3)!", "newer__3__"),
            ("a%20b", ["a_20b", "a b"], "c%20d", "c_20d"),
            (" +&.x", ["___.x", "%20+&.x"], "+&.y", "___y"),
        ] {
            let body = json!({ "folderName": name, "parentFolderPath": "/p" });
            succeeded(&library.post("/v2/folder", body).await, 201);
            library.put(&format!("/p/{name}/f.txt"), bytes_of(1)).await;
            for other in others {
                let at = format!("/p/{other}");
                for call in ["copyFolder", "moveFolder"] {
                    let body = json!({ "sourceFolderPath": at, "destinationPath": "/q" });
                    let message = format!("No files & folder found at sourceFolderPath {at}");
                    let answer = library.post(&format!("/v1/bulkJobs/{call}"), body).await;
                    refused(&answer, 404, Some("NO_FILES_FOLDER"), &message);
                }
                let body = json!({ "folderPath": at, "newFolderName": "new" });
                let message = format!("No folder found with folderPath {at}");
                let answer = library.post("/v1/bulkJobs/renameFolder", body).await;
                refused(&answer, 404, Some("FOLDER_NOT_FOUND"), &message);
            }
            library.move_into(&format!("/p/{name}"), "/q").await;
            let body = json!({ "folderPath": format!("/q/{name}"), "newFolderName": new_name });
            assert_eq!(library.paths("/q").await, [format!("{name}/"), format!("{name}/f.txt")], "a move keeps names");
            library.run("renameFolder", body).await;
            assert_eq!(library.paths("/q").await, [format!("{cleaned}/"), format!("{cleaned}/f.txt")]);
            library.client.delete_folder("/q").await.expect("an answer").expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn two_ways_to_write_an_accent_are_two_names() {
    on_both_catalogs(async |library: &mut Library| {
        let (apart, joined) = ("e\u{301}", "\u{e9}");
        for (name, other) in [(apart, joined), (joined, apart)] {
            library.put(&format!("/{name}/f.txt"), bytes_of(1)).await;
            let at = format!("/{other}");
            for call in ["copyFolder", "moveFolder"] {
                let body = json!({ "sourceFolderPath": at, "destinationPath": "/to" });
                let answer = library.post(&format!("/v1/bulkJobs/{call}"), body).await;
                let message = format!("No files & folder found at sourceFolderPath {at}");
                refused(&answer, 404, Some("NO_FILES_FOLDER"), &message);
            }
            let body = json!({ "folderPath": at, "newFolderName": "new" });
            let answer = library.post("/v1/bulkJobs/renameFolder", body).await;
            refused(&answer, 404, Some("FOLDER_NOT_FOUND"), &format!("No folder found with folderPath {at}"));
            // The other way to write it is another name.
            library.run("renameFolder", json!({ "folderPath": format!("/{name}"), "newFolderName": other })).await;
            assert_eq!(library.paths("").await, [format!("{other}/"), format!("{other}/f.txt")]);
            // And both have room beside each other.
            library.put(&format!("/{name}/g.txt"), bytes_of(2)).await;
            library.copy(&at, "/to", false).await;
            library.move_into(&format!("/{name}"), "/to").await;
            let mut both = [format!("{other}/"), format!("{other}/f.txt"), format!("{name}/"), format!("{name}/g.txt")];
            both.sort();
            assert_eq!(library.paths("/to").await, both);
            for folder in [&at, "/to"] {
                library.client.delete_folder(folder).await.expect("an answer").expect(204);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_call_has_no_use_for_it_does_not_read() {
    on_both_catalogs(async |library: &mut Library| {
        for size in [1, 2] {
            library.put("/a/f.txt", bytes_of(size)).await;
        }
        for ignored in [json!(true), json!("false"), json!("whatever"), json!([1]), json!({ "a": 1 }), json!(null)] {
            let rename = json!({
                "folderPath": "/a", "newFolderName": "b", "includeVersions": ignored, "includeFileVersions": ignored,
                "sourceFolderPath": ignored, "destinationPath": ignored, "unknown": ignored,
            });
            library.run("renameFolder", rename).await;
            let back = json!({
                "sourceFolderPath": "/b", "destinationPath": "/c", "includeVersions": ignored, "purgeCache": ignored,
                "folderPath": ignored, "newFolderName": ignored, "unknown": ignored,
            });
            let status = library.run("moveFolder", back).await;
            assert_eq!(status.get("purgeRequestId"), None);
            assert_eq!(library.sizes("/c/b/f.txt").await, [1, 2], "{ignored}");
            library.move_into("/c/b", "/").await;
            library.run("renameFolder", json!({ "folderPath": "/b", "newFolderName": "a" })).await;
            let copy = json!({
                "sourceFolderPath": "/a", "destinationPath": "/copies", "purgeCache": ignored, "unknown": ignored,
            });
            library.run("copyFolder", copy).await;
        }
        assert_eq!(library.sizes("/copies/a/f.txt").await, [2; 6]);
    })
    .await;
}
