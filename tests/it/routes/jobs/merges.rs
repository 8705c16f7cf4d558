//! Onto a name that is taken: folders merge, files append their versions, the limit of 100 versions holds.

use super::*;

#[tokio::test]
async fn copying_again_appends_a_version_to_every_file() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/one.txt", bytes_of(1)).await;
        library.put("/a/sub/two.txt", bytes_of(10)).await;
        library.copy("/a", "/b", false).await;
        let first = library.tree("/b/a").await;
        let source = library.history("/a/one.txt").await;
        library.put_with("/a/one.txt", bytes_of(2), &[("tags", "newer")]).await;
        library.put("/a/sub/three.txt", bytes_of(20)).await;
        tokio::time::sleep(A_MOMENT).await;

        library.copy("/a", "/b", false).await;

        let second = library.tree("/b/a").await;
        assert_eq!(second.keys().collect::<Vec<_>>(), ["one.txt", "sub/", "sub/three.txt", "sub/two.txt"]);
        for path in ["one.txt", "sub/two.txt"] {
            for key in ["fileId", "createdAt"] {
                assert_eq!(second[path][key], first[path][key], "{key} of {path} is the destination's");
            }
            let updated = |tree: &BTreeMap<String, Value>| assert_time(&tree[path]["updatedAt"]);
            assert!(updated(&second) > updated(&first), "{path} was updated by the append");
            assert_ne!(second[path]["versionInfo"]["id"], first[path]["versionInfo"]["id"]);
        }
        assert_eq!(second["sub/"]["folderId"], first["sub/"]["folderId"]);
        assert_eq!(second["one.txt"]["tags"], json!(["newer"]), "the file shows the attributes of its newest version");
        assert_eq!(library.sizes("/b/a/one.txt").await, [1, 2]);
        assert_eq!(library.sizes("/b/a/sub/two.txt").await, [10, 10], "equal bytes are appended as well");
        assert_eq!(library.sizes("/b/a/sub/three.txt").await, [20]);
        assert_eq!(library.bytes("/b/a/one.txt").await, bytes_of(2));
        let appended = library.history("/b/a/one.txt").await;
        let of_source = library.history("/a/one.txt").await;
        assert!(of_source.iter().all(|version| version.id != appended[1].id), "an id of its own");
        assert_eq!(of_source[0], source[0], "the source is untouched");
    })
    .await;
}

#[tokio::test]
async fn a_copy_with_versions_appends_the_whole_history() {
    on_both_catalogs(async |library: &mut Library| {
        for size in [11, 12, 13] {
            library.put("/a/one.txt", bytes_of(size)).await;
        }
        for size in [1, 2] {
            library.put("/b/a/one.txt", bytes_of(size)).await;
        }
        let (source, target) = (library.history("/a/one.txt").await, library.history("/b/a/one.txt").await);
        let file_id = library.entry("/b/a/one.txt").await["fileId"].clone();
        library.copy("/a", "/b", true).await;
        assert_eq!(library.sizes("/b/a/one.txt").await, [1, 2, 11, 12, 13]);
        let merged = library.history("/b/a/one.txt").await;
        assert_eq!(merged[..2], target, "what was there stays as it was");
        assert!(merged[2..].iter().all(|version| source.iter().all(|of_source| of_source.id != version.id)));
        assert_eq!(library.entry("/b/a/one.txt").await["fileId"], file_id);
        assert_eq!(library.history("/a/one.txt").await, source);
    })
    .await;
}

#[tokio::test]
async fn a_move_merges_into_the_folder_of_its_name() {
    on_both_catalogs(async |library: &mut Library| {
        for size in [11, 12] {
            library.put_with("/a/both.txt", bytes_of(size), &[("tags", "source")]).await;
        }
        library.put("/a/source.txt", bytes_of(13)).await;
        library.put("/a/sub/both.txt", bytes_of(14)).await;
        library.put("/a/sub/source.txt", bytes_of(15)).await;
        library.put_folder("/a/free").await;
        library.put("/a/free/file.txt", bytes_of(16)).await;
        for size in [1, 2] {
            library.put("/b/a/both.txt", bytes_of(size)).await;
        }
        library.put("/b/a/target.txt", bytes_of(3)).await;
        library.put("/b/a/sub/both.txt", bytes_of(4)).await;
        let (source, target) = (library.tree("/a").await, library.tree("/b/a").await);
        let (source_folder, target_folder) = (library.entry("/a/").await, library.entry("/b/a/").await);
        let (of_source, of_target) = (library.history("/a/both.txt").await, library.history("/b/a/both.txt").await);
        tokio::time::sleep(A_MOMENT).await;

        library.move_into("/a", "/b").await;

        assert_eq!(
            library.paths("").await,
            [
                "b/",
                "b/a/",
                "b/a/both.txt",
                "b/a/free/",
                "b/a/free/file.txt",
                "b/a/source.txt",
                "b/a/sub/",
                "b/a/sub/both.txt",
                "b/a/sub/source.txt",
                "b/a/target.txt",
            ],
            "the source is gone"
        );
        let merged = library.tree("/b/a").await;
        for path in ["both.txt", "sub/both.txt", "target.txt"] {
            for key in ["fileId", "createdAt"] {
                assert_eq!(merged[path][key], target[path][key], "{key} of {path} is the destination's");
            }
        }
        for path in ["source.txt", "sub/source.txt", "free/file.txt"] {
            for key in ["fileId", "versionInfo", "createdAt"] {
                assert_eq!(merged[path][key], source[path][key], "{key} of {path} is what it was at the source");
            }
        }
        assert_eq!(merged["sub/"]["folderId"], target["sub/"]["folderId"]);
        assert_eq!(merged["free/"]["folderId"], source["free/"]["folderId"]);
        let merged_folder = library.entry("/b/a/").await;
        assert_eq!(merged_folder["folderId"], target_folder["folderId"]);
        assert_eq!(merged_folder["createdAt"], target_folder["createdAt"]);
        assert_ne!(merged_folder["folderId"], source_folder["folderId"]);

        // Histories: the destination's, then the source's; all ids are kept, also that of the source's first version.
        assert_eq!(library.sizes("/b/a/both.txt").await, [1, 2, 11, 12]);
        let history = library.history("/b/a/both.txt").await;
        let ids = |history: &[Version]| history.iter().map(|version| version.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&history), [ids(&of_target), ids(&of_source)].concat());
        assert_eq!(history[3].tags, json!(["source"]));
        assert_eq!(merged["both.txt"]["tags"], json!(["source"]));
        assert!(assert_time(&merged["both.txt"]["updatedAt"]) > assert_time(&target["both.txt"]["updatedAt"]));
        assert_eq!(library.bytes("/b/a/both.txt").await, bytes_of(12));
        for path in ["both.txt", "sub/both.txt"] {
            library.assert_no_file(source[path]["fileId"].as_str().unwrap()).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_that_would_have_more_than_100_versions_is_left_out() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/deep/full.txt", bytes_of(201)).await;
        library.put("/a/deep/full.txt", bytes_of(202)).await;
        library.put("/a/deep/other.txt", bytes_of(301)).await;
        library.put("/a/free/more.txt", bytes_of(401)).await;
        for size in 1..=99 {
            library.put("/b/a/deep/full.txt", bytes_of(size)).await;
        }
        let source = library.tree("/a").await;
        let of_source = library.history("/a/deep/full.txt").await;
        let ninety_nine: Vec<u64> = (1..=99).collect();
        let full = "/b/a/deep/full.txt";
        let other = "/b/a/deep/other.txt";

        // 99 + 2: the file is left out, everything else is done.
        library.copy("/a", "/b", true).await;
        assert_eq!(library.sizes(full).await, ninety_nine);
        assert_eq!(library.sizes(other).await, [301]);
        assert_eq!(library.sizes("/b/a/free/more.txt").await, [401]);
        // 99 + 1 is 100.
        library.copy("/a", "/b", false).await;
        let hundred = [ninety_nine, vec![202]].concat();
        assert_eq!(library.sizes(full).await, hundred);
        assert_eq!(library.sizes(other).await, [301, 301]);
        // 100 + 1
        library.copy("/a", "/b", false).await;
        assert_eq!(library.sizes(full).await, hundred);
        assert_eq!(library.sizes(other).await, [301, 301, 301]);
        assert_eq!(library.tree("/a").await, source, "three copies later");

        // A move leaves the file where it is, and the folders above it; nothing else.
        library.move_into("/a", "/b").await;
        assert_eq!(library.sizes(full).await, hundred);
        assert_eq!(library.sizes(other).await, [301, 301, 301, 301]);
        assert_eq!(library.paths("/a").await, ["deep/", "deep/full.txt"]);
        assert_eq!(library.history("/a/deep/full.txt").await, of_source);
        assert_eq!(library.entry("/a/deep/full.txt").await["fileId"], source["deep/full.txt"]["fileId"]);
        assert_eq!(library.paths("/b/a").await, ["deep/", "deep/full.txt", "deep/other.txt", "free/", "free/more.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_move_of_few_versions_onto_99_is_done_up_to_100() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/full.txt", bytes_of(201)).await;
        for size in 1..=99 {
            library.put("/b/a/full.txt", bytes_of(size)).await;
        }
        library.move_into("/a", "/b").await;
        assert_eq!(library.sizes("/b/a/full.txt").await, (1..=99).chain([201]).collect::<Vec<_>>());
        assert_eq!(library.paths("").await, ["b/", "b/a/", "b/a/full.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_folder_moves_into_the_parent_of_its_namesake() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/both.txt", bytes_of(1)).await;
        library.put("/p/a/upper.txt", bytes_of(2)).await;
        library.put("/p/a/a/both.txt", bytes_of(11)).await;
        library.put("/p/a/a/lower.txt", bytes_of(12)).await;
        library.put("/p/a/a/sub/file.txt", bytes_of(13)).await;
        let upper = library.entry("/p/a/").await["folderId"].clone();
        let both = library.entry("/p/a/both.txt").await["fileId"].clone();

        // T is /p/a, an ancestor of the source.
        library.move_into("/p/a/a", "/p").await;

        assert_eq!(
            library.paths("/p").await,
            ["a/", "a/both.txt", "a/lower.txt", "a/sub/", "a/sub/file.txt", "a/upper.txt"]
        );
        assert_eq!(library.entry("/p/a/").await["folderId"], upper);
        assert_eq!(library.entry("/p/a/both.txt").await["fileId"], both);
        assert_eq!(library.sizes("/p/a/both.txt").await, [1, 11]);
    })
    .await;
}

#[tokio::test]
async fn a_child_named_as_its_parent_takes_the_place_of_the_moved_folder() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/upper.txt", bytes_of(1)).await;
        library.put("/p/a/a/both.txt", bytes_of(11)).await;
        library.put("/p/a/a/a/both.txt", bytes_of(21)).await;
        library.put("/p/a/a/a/a/deepest.txt", bytes_of(31)).await;
        let folder_id = async |path: &str| library.entry(path).await["folderId"].clone();
        let (upper, middle, lower) =
            (folder_id("/p/a/").await, folder_id("/p/a/a/").await, folder_id("/p/a/a/a/").await);
        let file_ids = ids(&library.tree("/p").await);

        library.move_into("/p/a/a", "/p").await;

        assert_eq!(
            library.paths("/p").await,
            ["a/", "a/a/", "a/a/a/", "a/a/a/deepest.txt", "a/a/both.txt", "a/both.txt", "a/upper.txt"]
        );
        assert_eq!(folder_id("/p/a/").await, upper);
        assert_eq!(folder_id("/p/a/a/").await, lower, "the child is the new /p/a/a");
        assert_eq!(library.sizes("/p/a/both.txt").await, [11], "from the folder that moved");
        assert_eq!(library.sizes("/p/a/a/both.txt").await, [21], "from its child");
        let mut expected = file_ids;
        expected.remove(middle.as_str().unwrap());
        assert_eq!(ids(&library.tree("/p").await), expected, "only the folder that was merged away has no id any more");
    })
    .await;
}

#[tokio::test]
async fn a_copy_into_the_parent_of_its_namesake_merges_from_the_instant_of_its_start() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/p/a/upper.txt", bytes_of(1)).await;
        library.put("/p/a/a/both.txt", bytes_of(11)).await;
        library.put("/p/a/a/a/both.txt", bytes_of(21)).await;
        library.put("/p/a/a/a/only.txt", bytes_of(22)).await;
        let before = library.tree("/p/a").await;

        library.copy("/p/a/a", "/p", false).await;

        assert_eq!(
            library.paths("/p/a").await,
            ["a/", "a/a/", "a/a/both.txt", "a/a/only.txt", "a/both.txt", "a/only.txt", "both.txt", "upper.txt"]
        );
        assert_eq!(library.sizes("/p/a/both.txt").await, [11], "what the source's file was, not what it became");
        assert_eq!(library.sizes("/p/a/a/both.txt").await, [11, 21], "the source itself gets the child's version");
        assert_eq!(library.sizes("/p/a/a/only.txt").await, [22]);
        assert_eq!(library.sizes("/p/a/a/a/both.txt").await, [21]);
        let after = library.tree("/p/a").await;
        for (path, entry) in &before {
            for key in ["fileId", "folderId"] {
                assert_eq!(after[path][key], entry[key], "{key} of {path}");
            }
        }

        // Without a child of its name.
        library.put("/q/a/upper.txt", bytes_of(1)).await;
        library.put("/q/a/a/lower.txt", bytes_of(2)).await;
        library.copy("/q/a/a", "/q", true).await;
        assert_eq!(library.paths("/q").await, ["a/", "a/a/", "a/a/lower.txt", "a/lower.txt", "a/upper.txt"]);
    })
    .await;
}

#[tokio::test]
async fn uploads_of_the_same_names_during_a_copy_leave_linear_histories() {
    let settings = [("CALOTYPE_BATCH_ROWS", "1"), ("CALOTYPE_BATCH_PAUSE_MS", "20")];
    with_settings(&settings, async |library: &mut Library| {
        const FILES: usize = 12;
        let name = |file: usize| format!("file-{file:02}.txt");
        for file in 0..FILES {
            library.put(&format!("/a/{}", name(file)), bytes_of(100 + file)).await;
            library.put(&format!("/b/a/{}", name(file)), bytes_of(200 + file)).await;
        }
        let id = library.submit("copyFolder", json!({ "sourceFolderPath": "/a", "destinationPath": "/b" })).await;
        let mut uploads = 0;
        for file in (0..FILES).chain(0..FILES) {
            library.put(&format!("/b/a/{}", name(file)), bytes_of(300 + file)).await;
            uploads += usize::from(library.client.job_status(&id).await.unwrap().text("status") == "Pending");
        }
        library.completed(&id).await;
        assert!(uploads > 0, "no upload was answered before the copy's end");
        for file in 0..FILES {
            // `sizes` sees to it that the numbers have no gap.
            let mut sizes = library.sizes(&format!("/b/a/{}", name(file))).await;
            assert_eq!(sizes[0], 200 + file as u64, "{sizes:?}");
            sizes.sort();
            assert_eq!(sizes, [100, 200, 300, 300].map(|size| size + file as u64), "{}", name(file));
        }
        assert_eq!(library.paths("/b/a").await.len(), FILES);
    })
    .await;
}
