//! The limits that an operator can set: on what a folder holds that is copied, moved, renamed or deleted, and on jobs that
//! wait.

use super::*;

const MAX: usize = 9;
const TOO_MANY: &str = "Total nested assets (files, folders and file versions) are more than allowed limit of 9 items.";

/// A folder of so many objects: itself, folders, files and all their versions.
async fn put_objects(library: &Library, folder: &str, objects: usize) {
    library.put_folder(&format!("{folder}/empty")).await;
    for size in 1..=3 {
        library.put(&format!("{folder}/sub/versions.txt"), bytes_of(size)).await;
    }
    // Itself, two folders, and a file with two older versions.
    for number in 6..objects {
        library.put(&format!("{folder}/{number}.txt"), bytes_of(1)).await;
    }
}

#[tokio::test]
async fn a_folder_of_as_many_objects_as_allowed_is_accepted_and_one_more_is_refused() {
    with_settings(&[("CALOTYPE_FOLDER_OBJECTS_MAX", "9")], async |library: &mut Library| {
        let transfer = |source: &str| json!({ "sourceFolderPath": source, "destinationPath": "/to" });
        for (objects, accepted) in [(MAX - 1, true), (MAX, true), (MAX + 1, false)] {
            let folder = format!("/of-{objects}");
            put_objects(library, &folder, objects).await;
            let mut copy_all = transfer(&folder);
            copy_all["includeVersions"] = true.into();
            let before = library.everything().await;
            let mut calls = vec![
                // Versions count whether they are copied or not, and what is at the destination does not.
                ("copyFolder", transfer(&folder)),
                ("copyFolder", copy_all),
                ("renameFolder", json!({ "folderPath": folder, "newFolderName": "renamed" })),
                ("moveFolder", transfer("/renamed")),
            ];
            if !accepted {
                calls[3].1 = transfer(&folder);
            }
            for (call, body) in calls {
                let answer = library.post(&format!("/v1/bulkJobs/{call}"), body.clone()).await;
                if accepted {
                    library.completed(&job_id(&answer)).await;
                } else {
                    refused(&answer, 400, Some("TOO_MANY_OBJECTS"), TOO_MANY);
                }
            }
            if accepted {
                assert_eq!(library.paths("/to/renamed").await.len(), objects - 3, "all but itself and old versions");
                // As much again is in the folder that these were merged into, or beside them.
                library.client.delete_folder("/to/renamed").await.expect("an answer").expect(204);
                continue;
            }
            let answer = library.client.delete_folder(&folder).await.expect("an answer");
            refused(&answer, 400, Some("TOO_MANY_OBJECTS"), TOO_MANY);
            assert_eq!(library.everything().await, before, "no job was made");
            // The root of it all is larger; what is in it is not. And what can never be is told first.
            let answer = library.post("/v1/bulkJobs/copyFolder", transfer("/to")).await;
            refused(&answer, 400, Some("SAME_SOURCE_AND_DESTINATION"), "sourceFolderPath and destinationPath is same");
            let into_itself = json!({ "sourceFolderPath": folder, "destinationPath": format!("{folder}/sub") });
            let message = "This operation is not allowed because parent folder cannot be moved into child folder.";
            let answer = library.post("/v1/bulkJobs/moveFolder", into_itself).await;
            refused(&answer, 400, Some("INVALID_DESTINATION_PATH"), message);
            library.move_into(&format!("{folder}/sub"), "/to").await;
            library.client.delete_folder(&folder).await.expect("an answer").expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn without_the_setting_a_folder_may_hold_anything() {
    on_both_catalogs(async |library: &mut Library| {
        put_objects(library, "/of-20", 20).await;
        library.copy("/of-20", "/to", true).await;
        assert_eq!(library.paths("/to/of-20").await.len(), 17);
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_is_full_takes_no_job_and_says_when_to_come_again() {
    let settings =
        [("CALOTYPE_QUEUED_JOBS_MAX", "2"), ("CALOTYPE_BATCH_ROWS", "1"), ("CALOTYPE_BATCH_PAUSE_MS", "100")];
    with_settings(&settings, async |library: &mut Library| {
        for number in 0..20 {
            library.put(&format!("/a/{number}.txt"), bytes_of(1)).await;
        }
        let transfer = |to: &str| json!({ "sourceFolderPath": "/a", "destinationPath": to });
        let jobs =
            [library.submit("copyFolder", transfer("/b")).await, library.submit("copyFolder", transfer("/c")).await];
        let answer = library.post("/v1/bulkJobs/copyFolder", transfer("/d")).await;
        refused(&answer, 429, None, "Too many bulk jobs are waiting. Please try again later.");
        assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()), "{answer:#?}");
        // A request sent again is no further job, and one that is wrong is told so.
        assert_eq!(library.submit("copyFolder", transfer("/b")).await, jobs[0]);
        let answer = library.post("/v1/bulkJobs/copyFolder", transfer("/")).await;
        refused(&answer, 400, Some("SAME_SOURCE_AND_DESTINATION"), "sourceFolderPath and destinationPath is same");
        for job in &jobs {
            library.completed(job).await;
        }
        library.copy("/a", "/d", false).await;
        assert_eq!(library.paths("/d/a").await.len(), 20);
    })
    .await;
}
