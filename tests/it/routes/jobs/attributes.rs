//! What is said about a file goes with each of its versions: through copy, move, rename and merge.

use super::*;
use crate::support::catalog::execute;

/// What a version may have to itself: its place, and what names it.
pub(super) const PLACE: [&str; 6] = ["fileId", "filePath", "url", "thumbnail", "versionInfo", "type"];
pub(super) const TIMES: [&str; 2] = ["createdAt", "updatedAt"];

pub(super) async fn patch(library: &Library, path: &str, body: Value) {
    let id = library.entry(path).await["fileId"].as_str().expect("an id").to_owned();
    let path = format!("/v1/files/{id}/details");
    library.client.send(Method::PATCH, &path, Some(body)).await.expect("an answer").expect(200);
}

/// Two versions that have everything, each its own.
async fn put_described(library: &Library, path: &str, word: &str) {
    for number in [1, 2] {
        let private = if number == 1 { "true" } else { "false" };
        library.put_with(path, bytes_of(number + word.len()), &[("isPrivateFile", private)]).await;
        let words = format!("{word} {number}");
        let body = json!({
            "tags": [words, "both"], "description": words, "customCoordinates": format!("{number},1,1,1"),
            "customMetadata": { "note": words },
        });
        patch(library, path, body).await;
        patch(library, path, json!({ "publish": { "isPublished": number == 1, "includeFileVersions": false } })).await;
    }
}

/// All versions of a file, the oldest first, without these keys.
pub(super) async fn versions(library: &Library, path: &str, without: &[&str]) -> Vec<Map<String, Value>> {
    let id = library.entry(path).await["fileId"].as_str().expect("an id").to_owned();
    let answer = library.client.versions(&id).await.expect("an answer").expect(200);
    let mut versions: Vec<_> = answer.body.as_array().expect("versions").clone();
    versions.reverse();
    let bare = |version: Value| {
        let mut version = version.as_object().expect("an object").clone();
        without.iter().for_each(|key| drop(version.remove(*key)));
        version
    };
    versions.into_iter().map(bare).collect()
}

#[tokio::test]
async fn each_version_keeps_what_is_said_about_it() {
    on_both_catalogs(async |library: &mut Library| {
        let field = json!({ "name": "note", "label": "note", "schema": { "type": "Text" } });
        library.post("/v1/customMetadataFields", field).await.expect(201);
        put_described(library, "/a/f.bin", "source").await;
        put_described(library, "/there/a/f.bin", "target").await;
        put_described(library, "/onto/a/f.bin", "other").await;
        tokio::time::sleep(A_MOMENT).await;
        let source = versions(library, "/a/f.bin", &PLACE).await;
        assert_eq!(source.iter().map(|version| &version["isPublished"]).collect::<Vec<_>>(), [true, false]);
        assert_eq!(source[0]["customMetadata"], json!({ "note": "source 1" }));
        let timeless = [&PLACE[..], &TIMES].concat();
        let bare = versions(library, "/a/f.bin", &timeless).await;
        let [target, other] = [
            versions(library, "/there/a/f.bin", &PLACE[..5]).await,
            versions(library, "/onto/a/f.bin", &PLACE[..5]).await,
        ];

        // Copies, onto free names and taken ones.
        let begun = library.put("/marker.txt", bytes_of(1)).await["fileId"].clone();
        let begun = library.client.details(begun.as_str().unwrap()).await.unwrap().body["createdAt"].clone();
        for (destination, with_versions, before, copied) in [
            ("/one", false, vec![], &bare[1..]),
            ("/all", true, vec![], &bare[..]),
            ("/there", false, versions(library, "/there/a/f.bin", &timeless).await, &bare[1..]),
        ] {
            library.copy("/a", destination, with_versions).await;
            let path = format!("{destination}/a/f.bin");
            assert_eq!(versions(library, &path, &timeless).await, [&before[..], copied].concat(), "{path}");
            let updated = &library.entry(&path).await["updatedAt"];
            assert!(assert_time(updated) >= assert_time(&begun), "{path} was updated by the copy");
        }
        let merged = versions(library, "/there/a/f.bin", &PLACE[..5]).await;
        // Of the versions that were there the last is now an older one; nothing else of them has changed.
        for (was, is) in target.iter().zip(&merged) {
            for (key, value) in
                was.iter().filter(|(key, _)| !["type", "createdAt", "updatedAt"].contains(&key.as_str()))
            {
                assert_eq!(&is[key], value, "{key} of an older version");
            }
        }
        assert_eq!(versions(library, "/a/f.bin", &PLACE).await, source, "the source is as it was");

        // A move and a rename leave everything as it is, the times too.
        library.move_into("/a", "/moved").await;
        assert_eq!(versions(library, "/moved/a/f.bin", &PLACE).await, source);
        library.run("renameFolder", json!({ "folderPath": "/moved/a", "newFolderName": "b" })).await;
        assert_eq!(versions(library, "/moved/b/f.bin", &PLACE).await, source);
        library.run("renameFolder", json!({ "folderPath": "/moved/b", "newFolderName": "a" })).await;
        // A move onto a file keeps both histories.
        library.move_into("/moved/a", "/onto").await;
        let merged = versions(library, "/onto/a/f.bin", &timeless).await;
        let both: Vec<_> = other.iter().map(without_times).chain(bare.iter().cloned()).collect();
        assert_eq!(merged, both);
    })
    .await;
}

fn without_times(version: &Map<String, Value>) -> Map<String, Value> {
    let mut version = version.clone();
    ["type", "createdAt", "updatedAt"].iter().for_each(|key| drop(version.remove(*key)));
    version
}

/// When each version was created and updated, the oldest version first.
async fn times(library: &Library, path: &str) -> Vec<[String; 2]> {
    let versions = versions(library, path, &[]).await;
    versions.iter().map(|version| TIMES.map(|key| assert_time(&version[key]))).collect()
}

#[tokio::test]
async fn a_merging_move_keeps_the_times_of_all_versions_but_the_newest() {
    on_both_catalogs(async |library: &mut Library| {
        // They take turns, so that no order of the times is the order of the versions.
        for size in 1..=3 {
            for path in ["/b/a/f.txt", "/a/f.txt"] {
                tokio::time::sleep(A_MOMENT).await;
                library.put(path, bytes_of(size)).await;
            }
        }
        tokio::time::sleep(A_MOMENT).await;
        let (source, target) = (times(library, "/a/f.txt").await, times(library, "/b/a/f.txt").await);
        library.move_into("/a", "/b").await;
        let merged = times(library, "/b/a/f.txt").await;
        assert_eq!(library.sizes("/b/a/f.txt").await, [1, 2, 3, 1, 2, 3]);
        assert_eq!(merged[..2], target[..2], "the older versions of the target");
        let [created, updated] = &target[2];
        // As a file it had the time of the file's creation; as a version it has that of its upload.
        assert_eq!(merged[2].each_ref(), [updated, updated], "the version that was the target's newest");
        assert_eq!(merged[3..5], source[..2], "the older versions of the source");
        assert_eq!(&merged[5][0], created, "the file was created when the target's was");
        assert!(merged[5][1] > source[2][1], "the file was updated by the move: {merged:#?}");
    })
    .await;
}

#[tokio::test]
async fn in_merging_copies_with_versions_times_grow_with_the_numbers() {
    on_both_catalogs(async |library: &mut Library| {
        for size in 1..=3 {
            library.put("/a/f.txt", bytes_of(size)).await;
        }
        library.put("/b/a/f.txt", bytes_of(9)).await;
        let mut sizes = vec![9];
        // One right after the other, so that the histories come closer together than they are long.
        for _ in 0..4 {
            library.copy("/a", "/b", true).await;
            sizes.extend(1..=3);
            assert_eq!(library.sizes("/b/a/f.txt").await, sizes);
            let times = times(library, "/b/a/f.txt").await;
            assert!(times.windows(2).all(|pair| pair[0][1] < pair[1][1]), "not one after the other: {times:#?}");
        }
    })
    .await;
}

/// What is known of a picture.
const FACTS: [&str; 8] = ["fileType", "mime", "size", "width", "height", "hasAlpha", "embeddedMetadata", "AITags"];

#[tokio::test]
async fn what_is_known_of_a_picture_goes_with_it() {
    on_both_catalogs(async |library: &mut Library| {
        let picture: &[u8] = include_bytes!("../docs/lacock.png");
        library.put("/a/p.png", picture).await;
        // Nothing here looks into pictures so deeply yet. What is known must go along all the same.
        let known = r#"ai_tags = '[{"name":"window","confidence":97.5,"source":"some-engine"}]',
            embedded_metadata = '{"Artist":"W. H. F. Talbot"}'"#;
        let options = library.server.options();
        let file = options.data.join("catalog.db");
        execute(options.catalog.as_deref(), &file, &format!("UPDATE content SET {known} WHERE is_image")).await;
        library.put("/onto/a/p.png", bytes_of(1)).await;
        library.put("/there/renamed/p.png", bytes_of(1)).await;

        let facts = async |path: &str| -> Vec<Value> {
            let all = versions(library, path, &[]).await;
            all.iter().map(|version| FACTS.iter().map(|key| version.get(*key).cloned()).collect()).collect()
        };
        let source = facts("/a/p.png").await;
        assert_eq!(source[0][0], "image");
        for (key, value) in FACTS.iter().zip(source[0].as_array().expect("values")) {
            assert!(!value.is_null(), "{key} of the picture is not known");
        }
        let plain = facts("/onto/a/p.png").await;
        library.copy("/a", "/copied", false).await;
        library.copy("/a", "/with-versions", true).await;
        library.copy("/a", "/onto", false).await;
        library.move_into("/a", "/moved").await;
        library.run("renameFolder", json!({ "folderPath": "/moved/a", "newFolderName": "renamed" })).await;
        for path in ["/copied/a/p.png", "/with-versions/a/p.png", "/moved/renamed/p.png"] {
            assert_eq!(facts(path).await, source, "{path}");
        }
        library.move_into("/moved/renamed", "/there").await;
        for path in ["/onto/a/p.png", "/there/renamed/p.png"] {
            assert_eq!(facts(path).await, [&plain[..], &source].concat(), "{path}");
        }
        assert_eq!(library.bytes("/there/renamed/p.png").await, picture);
    })
    .await;
}

#[tokio::test]
async fn numbers_go_on_after_the_greatest_that_was_given() {
    on_both_catalogs(async |library: &mut Library| {
        let numbered = async |path: &str| -> Vec<(u64, u64)> {
            library.history(path).await.iter().map(|version| (version.number, version.size)).collect()
        };
        let change = async |path: &str, number: usize, method: Method, call: &str| {
            let version = library.history(path).await[number - 1].id.clone();
            let file = library.entry(path).await["fileId"].as_str().expect("an id").to_owned();
            let path = format!("/v1/files/{file}/versions/{version}{call}");
            assert!(library.client.send(method, &path, None).await.expect("an answer").status < 300);
        };
        // 2 is deleted, then 1 comes back as the current one.
        for (path, base) in [("/a/f.txt", 10), ("/copied/a/f.txt", 20), ("/all/a/f.txt", 20), ("/moved/a/f.txt", 20)] {
            for number in 1..=4 {
                library.put(path, bytes_of(base + number)).await;
            }
            change(path, 2, Method::DELETE, "").await;
            change(path, 1, Method::PUT, "/restore").await;
            let base = base as u64;
            assert_eq!(numbered(path).await, [(3, base + 3), (4, base + 4), (1, base + 1)], "{path}");
        }
        let there = [(1, 21), (3, 23), (4, 24)];
        library.copy("/a", "/copied", false).await;
        assert_eq!(numbered("/copied/a/f.txt").await, [&there[..], &[(5, 11)]].concat());
        library.copy("/a", "/all", true).await;
        let both = [&there[..], &[(5, 13), (6, 14), (7, 11)]].concat();
        assert_eq!(numbered("/all/a/f.txt").await, both);
        library.copy("/a", "/fresh", true).await;
        assert_eq!(numbered("/fresh/a/f.txt").await, [(1, 13), (2, 14), (3, 11)]);
        library.move_into("/a", "/moved").await;
        assert_eq!(numbered("/moved/a/f.txt").await, both);
        library.put("/moved/a/f.txt", bytes_of(30)).await;
        assert_eq!(numbered("/moved/a/f.txt").await.last(), Some(&(8, 30)));
    })
    .await;
}

#[tokio::test]
async fn what_a_job_leaves_behind_is_in_its_report() {
    on_both_catalogs(async |library: &mut Library| {
        for number in 1..=100 {
            library.put("/b/a/full.txt", bytes_of(number)).await;
        }
        library.put("/a/full.txt", bytes_of(1)).await;
        library.put("/a/more.txt", bytes_of(1)).await;
        for call in ["copyFolder", "moveFolder"] {
            let job = library.submit(call, json!({ "sourceFolderPath": "/a", "destinationPath": "/b" })).await;
            library.completed(&job).await;
            let report = library.get(&format!("/calotype/v1/jobs/{job}")).await;
            assert_eq!(report.body["failure"], Value::Null, "{report:#?}");
            assert_eq!(report.body["counts"]["leftBehind"], 1, "{report:#?}");
            assert_eq!(report.body["failuresTruncated"], false, "{report:#?}");
            let failures = report.body["failures"].as_array().expect("a list");
            assert_eq!(failures.len(), 1, "{report:#?}");
            assert_eq!(
                failures[0],
                json!({ "name": "full.txt", "folderPath": "/a", "reason": "VERSION_LIMIT_EXCEEDED" }),
                "{call}"
            );
            assert_eq!(report.body["counts"]["files"], 1, "what was left behind is not counted: {report:#?}");
        }
        assert_eq!(library.paths("/a").await, ["full.txt"]);
        assert_eq!(library.sizes("/b/a/more.txt").await, [1, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_report_names_a_hundred_of_the_files_that_were_left_behind_and_counts_all() {
    on_both_catalogs(async |library: &mut Library| {
        const FILES: usize = 170;
        let name = |number: usize| format!("full-{number:03}.txt");
        for number in 0..FILES {
            library.put(&format!("/b/a/{}", name(number)), bytes_of(1)).await;
        }
        // Each gets the other's versions: 1 and 2, 3 and 5, 8 and 13, 21 and 34, at last 55 and 89, too many for one file.
        for _ in 0..5 {
            library.copy("/b/a", "/", true).await;
            library.copy("/a", "/b", true).await;
        }
        library.put("/a/0-fits.txt", bytes_of(1)).await;
        // Now two pages have fewer than a hundred that do not fit, and both together more.
        library.server.options_mut().set_variable("CALOTYPE_BATCH_ROWS", 60);
        library.kill_and_restart().await;
        for call in ["copyFolder", "moveFolder"] {
            let body = json!({ "sourceFolderPath": "/a", "destinationPath": "/b", "includeVersions": true });
            let job = library.submit(call, body).await;
            library.completed(&job).await;
            let report = library.get(&format!("/calotype/v1/jobs/{job}")).await.body;
            assert_eq!(report["counts"]["leftBehind"], FILES, "{call}");
            let named: Vec<_> =
                report["failures"].as_array().expect("a list").iter().map(|one| one["name"].clone()).collect();
            assert_eq!(named, (0..100).map(|number| json!(name(number))).collect::<Vec<_>>(), "the first by {call}");
            assert_eq!(report["failuresTruncated"], true, "{call}");
        }
        assert_eq!(library.paths("/a").await.len(), FILES);
        assert_eq!(library.sizes("/b/a/0-fits.txt").await, [1, 1]);
    })
    .await;
}
