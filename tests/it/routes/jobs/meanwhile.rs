//! What is done to source and destination between a job's submission and its start, and while it runs.
//!
//! Paths are resolved when the job starts; what has become impossible by then ends the job, and its report says why. What
//! a request deletes while a job runs is deleted: nothing of it comes back, and nothing that can still be seen goes into it.

use super::attributes::{PLACE, TIMES, patch, versions};
use super::*;

/// A job over the files of [`put_many`] takes some seconds with these.
const SLOW: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "1"), ("CALOTYPE_BATCH_PAUSE_MS", "60")];
const MANY: usize = 30;

async fn put_many(library: &Library, folder: &str) {
    for number in 0..MANY {
        library.put(&format!("{folder}/file-{number:02}.txt"), bytes_of(number + 1)).await;
    }
}

fn transfer(source: &str, destination: &str) -> Value {
    json!({ "sourceFolderPath": source, "destinationPath": destination })
}

fn renaming(folder: &str, name: &str) -> Value {
    json!({ "folderPath": folder, "newFolderName": name })
}

/// What the report says of a job that is over.
async fn failure(library: &Library, id: &str) -> Value {
    library.completed(id).await;
    let report = library.get(&format!("/calotype/v1/jobs/{id}")).await;
    succeeded(&report, 200);
    assert_eq!(report.body["status"], "Completed");
    report.body["failure"].clone()
}

async fn is_pending(library: &Library, id: &str) -> bool {
    library.client.job_status(id).await.expect("an answer").expect(200).text("status") == "Pending"
}

async fn delete(library: &Library, folder: &str) {
    library.client.delete_folder(folder).await.expect("an answer").expect(204);
}

/// Waits until a merge into a folder that had one file is in the middle of its pages.
async fn until_merging(library: &Library, job: &str, target: &str) {
    while library.paths(target).await.len() < 1 + MANY / 4 {
        assert!(is_pending(library, job).await, "the merge was too fast to be met");
    }
}

#[tokio::test]
async fn a_job_that_has_become_impossible_before_its_start_does_nothing() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_many(library, "/big").await;
        for folder in ["copied", "moved", "named", "taken", "again", "met"] {
            library.put(&format!("/slow/big/{folder}/f.txt"), bytes_of(1)).await;
        }
        library.put_folder("/slow/big/here").await;
        // Changes all of /slow/big until it ends; what follows waits for it.
        let running = library.submit("copyFolder", transfer("/big", "/slow")).await;
        let at = |name: &str| format!("/slow/big/{name}");
        let copied = library.submit("copyFolder", transfer(&at("copied"), "/to")).await;
        let moved = library.submit("moveFolder", transfer(&at("moved"), "/to")).await;
        let named = library.submit("renameFolder", renaming(&at("named"), "other")).await;
        let taken = library.submit("renameFolder", renaming(&at("taken"), "name")).await;
        let again = library.submit("moveFolder", transfer(&at("again"), "/to")).await;
        let met = library.submit("moveFolder", transfer(&at("met"), &at("here"))).await;

        for folder in ["copied", "moved", "named", "again", "here"] {
            delete(library, &at(folder)).await;
        }
        library.put_folder(&at("name")).await;
        // Another folder at the same path; and at the destination's a file, so that the folder is made again beside it.
        library.put(&at("again/f.txt"), bytes_of(5)).await;
        library.put(&at("here"), bytes_of(6)).await;
        assert!(is_pending(library, &running).await, "all of this before the others could start");

        let gone = "The source folder no longer exists.";
        for (job, why) in [
            (&copied, json!(gone)),
            (&moved, json!(gone)),
            (&named, json!(gone)),
            (&taken, json!("A folder with the new name exists at the same location.")),
            (&again, Value::Null),
            (&met, Value::Null),
        ] {
            assert_eq!(failure(library, job).await, why);
        }
        assert_eq!(library.paths("/to").await, ["again/", "again/f.txt"]);
        assert_eq!(library.sizes("/to/again/f.txt").await, [5]);
        let mut left = library.paths("/slow/big").await;
        left.retain(|path| !path.starts_with("file-"));
        assert_eq!(left, ["here", "here/", "here/met/", "here/met/f.txt", "name/", "taken/", "taken/f.txt"]);
    })
    .await;
}

#[tokio::test]
async fn a_copy_whose_destination_is_deleted_while_it_runs_shows_nothing() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_many(library, "/a").await;
        library.put_folder("/to").await;
        let before = library.tree("/a").await;
        let job = library.submit("copyFolder", transfer("/a", "/to")).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        delete(library, "/to").await;
        library.put("/to/own.txt", bytes_of(1)).await;
        assert!(is_pending(library, &job).await);
        assert_eq!(failure(library, &job).await, "The destination folder was deleted.");
        assert_eq!(library.paths("/to").await, ["own.txt"], "the folder of that path is another one");
        assert_eq!(library.tree("/a").await, before);
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_in_the_source_of_a_merging_move_does_not_come_back() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_many(library, "/a").await;
        library.put("/b/a/own.txt", bytes_of(1)).await;
        let job = library.submit("moveFolder", transfer("/a", "/b")).await;
        until_merging(library, &job, "/b/a").await;
        delete(library, "/a").await;
        let moved = library.tree("/b/a").await;
        assert!(is_pending(library, &job).await && moved.len() <= MANY, "in the middle of the merge");
        assert_eq!(failure(library, &job).await, "A folder was deleted while it was merged.");
        assert_eq!(library.tree("/b/a").await, moved);
        assert_eq!(library.paths("/a").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_merged_into_a_deleted_folder_stays_where_it_is() {
    with_settings(&SLOW, async |library: &mut Library| {
        // Moved, the folder in it whose files are merged, and what is deleted in the middle of that.
        for (source, files, deleted) in [("/a", "/a", "/b/a"), ("/a", "/a", "/b"), ("/p", "/p/sub", "/b/p/sub")] {
            put_many(library, files).await;
            let target = format!("/b{files}");
            library.put(&format!("{target}/own.txt"), bytes_of(1)).await;
            library.put_folder(&format!("{files}/folder")).await;
            let job = library.submit("moveFolder", transfer(source, "/b")).await;
            until_merging(library, &job, &target).await;
            delete(library, deleted).await;
            let left = library.tree(files).await;
            library.put(&format!("{target}/new.txt"), bytes_of(1)).await;
            assert!(is_pending(library, &job).await && left.len() > MANY / 4, "in the middle of the merge");
            assert_eq!(failure(library, &job).await, "A folder was deleted while it was merged.", "{deleted}");
            assert_eq!(library.tree(files).await, left, "with {deleted} deleted");
            assert_eq!(library.paths(&target).await, ["new.txt"]);
            for folder in [source, "/b"] {
                delete(library, folder).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_copy_that_is_merged_into_a_folder_that_is_deleted_goes_with_it() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_many(library, "/a").await;
        library.put("/b/a/own.txt", bytes_of(1)).await;
        let before = library.tree("/a").await;
        let job = library.submit("copyFolder", transfer("/a", "/b")).await;
        until_merging(library, &job, "/b/a").await;
        delete(library, "/b/a").await;
        library.put("/b/a/new.txt", bytes_of(1)).await;
        assert!(is_pending(library, &job).await, "in the middle of the merge");
        assert_eq!(failure(library, &job).await, "A folder was deleted while the copy was merged into it.");
        assert_eq!(library.paths("/b/a").await, ["new.txt"]);
        assert_eq!(library.tree("/a").await, before);
    })
    .await;
}

#[tokio::test]
async fn uploads_into_the_source_of_a_merging_move_are_not_lost() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_many(library, "/a").await;
        library.put("/b/a/own.txt", bytes_of(1)).await;
        let job = library.submit("moveFolder", transfer("/a", "/b")).await;
        until_merging(library, &job, "/b/a").await;
        let late = 20;
        for number in 0..late {
            library.put(&format!("/a/0-late-{number:02}.txt"), bytes_of(number + 1)).await;
            // The merge has to get somewhere in between.
            tokio::time::sleep(A_MOMENT * 20).await;
        }
        library.completed(&job).await;
        // What came when the source was gone has made it again.
        let [merged, left] = [library.paths("/b/a").await, library.paths("/a").await];
        let lates = |paths: &[String]| paths.iter().filter(|path| path.starts_with("0-late")).count();
        assert_eq!(lates(&merged) + lates(&left), late);
        assert!(lates(&merged) > 0, "all came too late to be met");
        assert_eq!((merged.len() - lates(&merged), left.len() - lates(&left)), (MANY + 1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_merging_move_ends_while_clients_go_on_uploading_into_its_source() {
    const FOLDERS: usize = 5;
    let small_steps = [("CALOTYPE_BATCH_ROWS", "25"), ("CALOTYPE_BATCH_PAUSE_MS", "10")];
    with_settings(&small_steps, async |library: &mut Library| {
        let folder = |at: &str, number: usize| format!("{at}/d{number}/sub");
        for number in 0..FOLDERS {
            library.put(&format!("{}/old.txt", folder("/b/s", number)), bytes_of(1)).await;
            for file in 0..20 {
                library.put(&format!("{}/{file}.txt", folder("/a/s", number)), bytes_of(1)).await;
            }
        }
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let client = library.client.clone();
        let uploads = futures_util::future::join_all((0..4).map(|client_number| {
            let (client, is_over, folder) = (&client, &is_over, &folder);
            async move {
                let mut acknowledged = Vec::new();
                while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                    let (number, file) = (acknowledged.len() % FOLDERS, acknowledged.len());
                    let name = format!("new-{client_number}-{file}.txt");
                    let uploaded = client.upload(&folder("/a/s", number), &name, bytes_of(2)).await;
                    uploaded.expect("an answer").expect(200);
                    acknowledged.push(format!("d{number}/sub/{name}"));
                }
                acknowledged
            }
        }));
        let job = async {
            let id = library.submit("moveFolder", transfer("/a/s", "/b")).await;
            library.completed(&id).await;
            is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        };
        let (acknowledged, ()) = futures_util::future::join(uploads, job).await;
        let (left, moved) = (library.paths("/a").await, library.paths("/b/s").await);
        let places = |path: &String| {
            let there = moved.iter().filter(|found| *found == path).count();
            there + left.iter().filter(|found| **found == format!("s/{path}")).count()
        };
        for path in acknowledged.iter().flatten() {
            assert_eq!(places(path), 1, "{path}");
        }
        let old = (0..FOLDERS).flat_map(|number| (0..20).map(move |file| format!("d{number}/sub/{file}.txt")));
        assert!(old.into_iter().all(|path| moved.contains(&path)), "{moved:?}");
    })
    .await;
}

/// Waits until a copy has written that many files of its clone, which nobody sees yet.
async fn until_cloned(library: &Library, job: &str, files: i64) {
    loop {
        let report = library.get(&format!("/calotype/v1/jobs/{job}")).await.body;
        assert_eq!(report["status"], "Pending", "the copy was too fast to be met");
        if report["counts"]["files"].as_i64().expect("a number") >= files {
            return;
        }
        tokio::time::sleep(A_MOMENT).await;
    }
}

#[tokio::test]
async fn a_copy_shows_what_was_said_about_its_files_when_it_started() {
    let slower = [SLOW[0], ("CALOTYPE_BATCH_PAUSE_MS", "200")];
    with_settings(&slower, async |library: &mut Library| {
        let name = |number: usize| format!("a/file-{number:02}.txt");
        let said = |word: &str, number: usize| {
            json!({ "tags": [word, number.to_string()], "description": word, "customCoordinates": format!("{number},1,1,1") })
        };
        put_many(library, "/a").await;
        for number in 0..MANY {
            let path = format!("/{}", name(number));
            patch(library, &path, said("first", number)).await;
            library.put(&path, bytes_of(100 + number)).await;
            patch(library, &path, said("before", number)).await;
        }
        let facts = async |folder: &str| {
            let mut facts = Vec::new();
            for number in 0..MANY {
                let path = format!("{folder}/{}", name(number));
                facts.push(versions(library, &path, &[&PLACE[..], &TIMES].concat()).await);
            }
            facts
        };
        let before = facts("").await;
        assert_eq!(before[7][0]["tags"], json!(["first", "7"]));
        assert_eq!(before[7][1]["description"], "before");
        let mut copy = transfer("/a", "/to");
        copy["includeVersions"] = true.into();
        let job = library.submit("copyFolder", copy).await;
        until_cloned(library, &job, 1).await;
        // Against the order of the copy, so that it meets files from before and from after.
        for number in (0..MANY).rev() {
            let path = format!("/{}", name(number));
            patch(library, &path, said("after", number)).await;
            let unpublished = json!({ "publish": { "isPublished": false, "includeFileVersions": true } });
            patch(library, &path, unpublished).await;
        }
        assert!(is_pending(library, &job).await, "all of this while the copy ran");
        library.completed(&job).await;
        assert_eq!(facts("/to").await, before);
        let after = facts("").await;
        for (number, versions) in after.iter().enumerate() {
            assert_eq!(versions[1]["description"], "after", "{number}");
            assert!(versions.iter().all(|version| version["isPublished"] == false), "{number}: {versions:#?}");
        }
    })
    .await;
}

/// The number in an id, and what stands before it.
fn parts_of_id(id: &str) -> (&str, u64) {
    let (tag, number) = id.split_at(8);
    (tag, u64::from_str_radix(number, 16).expect("a hexadecimal number"))
}

#[tokio::test]
async fn nobody_changes_by_its_id_what_is_not_published() {
    let slower = [SLOW[0], ("CALOTYPE_BATCH_PAUSE_MS", "300")];
    with_settings(&slower, async |library: &mut Library| {
        put_many(library, "/a").await;
        library.put("/a/file-00.txt", bytes_of(50)).await;
        // Ids of one server follow each other, so those of the clone lie between those of two uploads.
        let probe =
            async |path: &str| library.put(path, bytes_of(1)).await["fileId"].as_str().expect("an id").to_owned();
        let marker = probe("/marker.txt").await;
        let mut copy = transfer("/a", "/to");
        copy["includeVersions"] = true.into();
        let job = library.submit("copyFolder", copy).await;
        until_cloned(library, &job, MANY as i64 / 2).await;
        let probe = probe("/probe.txt").await;
        let ((tag, end), (_, begin)) = (parts_of_id(&probe), parts_of_id(&marker));
        // The marker's own content comes behind it.
        let guesses: Vec<String> = (begin + 2..end).map(|number| format!("{tag}{number:016x}")).collect();
        assert!(guesses.len() < 500, "{} ids between {marker} and {probe}", guesses.len());
        let no_file = "The requested file does not exist.";
        for id in &guesses {
            refused(&library.client.delete_file(id).await.expect("an answer"), 404, None, no_file);
            let details = format!("/v1/files/{id}/details");
            for body in [json!({ "tags": ["x"] }), json!({ "publish": { "isPublished": false } })] {
                let answer = library.client.send(Method::PATCH, &details, Some(body)).await.expect("an answer");
                refused(&answer, 404, None, no_file);
            }
        }
        for some in guesses.chunks(50) {
            for (call, body) in [
                ("addTags", json!({ "fileIds": some, "tags": ["x"] })),
                ("removeTags", json!({ "fileIds": some, "tags": ["x"] })),
                ("removeAITags", json!({ "fileIds": some, "AITags": ["x"] })),
                ("batch/deleteByFileIds", json!({ "fileIds": some })),
            ] {
                let answer = library.post(&format!("/v1/files/{call}"), body).await;
                assert_eq!(answer.status, 404, "{call}: {answer:#?}");
                assert_eq!(answer.body["missingFileIds"].as_array().expect("ids").len(), some.len(), "{call}");
            }
            // With one that can be seen it is the same.
            let with_probe = json!({ "fileIds": [&some[0], &probe], "tags": ["x"] });
            assert_eq!(library.post("/v1/files/addTags", with_probe).await.status, 404);
        }
        assert!(is_pending(library, &job).await, "all of this while the copy could not be seen");
        library.completed(&job).await;
        let copy = library.tree("/to/a").await;
        assert_eq!(contents(&copy), contents(&library.tree("/a").await));
        assert_eq!(library.sizes("/to/a/file-00.txt").await, [1, 50]);
        assert_eq!(library.entry("/probe.txt").await["tags"], Value::Null);
        let guessed = copy.values().filter(|file| guesses.iter().any(|id| file["fileId"] == **id)).count();
        assert!(guessed >= MANY / 2, "only {guessed} ids of the copy were guessed");
    })
    .await;
}
