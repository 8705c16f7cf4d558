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
