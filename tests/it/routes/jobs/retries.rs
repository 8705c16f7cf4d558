//! The same request sent again: SDKs do so after a timeout, blindly, and must not get a second copy.
//!
//! A job that has not started answers for every identical request. While it runs it does so for 120 seconds, and for
//! ever to a request that is marked as a retry; after its end only to a marked one, for ten minutes.

use super::*;

/// A copy of the source of [`put_big`] takes some seconds with these.
const SLOW: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "1"), ("CALOTYPE_BATCH_PAUSE_MS", "100")];
const BIG_FILES: usize = 30;

/// `/big`, whose copy is slow.
async fn put_big(library: &Library) {
    for file in 0..BIG_FILES {
        library.put(&format!("/big/file-{file:02}.txt"), bytes_of(file + 1)).await;
    }
}

fn transfer(source: &str, destination: &str) -> Value {
    json!({ "sourceFolderPath": source, "destinationPath": destination })
}

/// Submits a request as an SDK that has sent it this often before.
async fn submit_retry(library: &Library, call: &str, body: &Value, count: &str) -> Answer {
    let request = library.client.request(Method::POST, &format!("/v1/bulkJobs/{call}"));
    answer(request.header("X-Stainless-Retry-Count", count).json(body)).await.expect("an answer")
}

async fn status(library: &Library, job_id: &str) -> String {
    library.client.job_status(job_id).await.expect("an answer").expect(200).text("status").to_owned()
}

#[tokio::test]
async fn an_identical_request_gets_the_job_that_has_not_started() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_big(library).await;
        let running = library.submit("copyFolder", transfer("/big", "/slow")).await;
        // Waits for the copy, onto which it will be merged.
        let queued = library.submit("moveFolder", transfer("/big", "/slow")).await;
        assert_ne!(queued, running);
        for (source, destination) in [("/big", "/slow"), ("big/", "//slow/"), ("//big", "slow")] {
            let again = library.submit("moveFolder", transfer(source, destination)).await;
            assert_eq!(again, queued, "{source} into {destination}");
        }
        // PUT is another way to write POST, an unknown key changes nothing.
        let mut body = transfer("/big", "/slow");
        body["includeVersions"] = true.into();
        let again = library.client.send(Method::PUT, "/v1/bulkJobs/moveFolder", Some(body)).await.expect("an answer");
        assert_eq!(job_id(&again), queued);
        // SDKs of many processes at once.
        let at_once = (0..8).map(|_| library.submit("moveFolder", transfer("/big", "/slow")));
        for again in futures_util::future::join_all(at_once).await {
            assert_eq!(again, queued);
        }
        // Another request is another job. Its source will be gone when its turn comes.
        let other = library.submit("moveFolder", transfer("/big", "/elsewhere")).await;
        assert_ne!(other, queued);
        assert_eq!(status(library, &running).await, "Pending", "all of this while the copy ran");
        assert_eq!(status(library, &queued).await, "Pending");

        for id in [&running, &queued, &other] {
            library.completed(id).await;
        }
        assert_eq!(library.paths("/slow/big").await.len(), BIG_FILES);
        let left: Vec<_> = library.paths("").await.into_iter().filter(|path| path.starts_with("big/")).collect();
        assert_eq!(left, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn identical_requests_at_once_are_one_job() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_big(library).await;
        let at_once = (0..8).map(|_| library.submit("copyFolder", transfer("/big", "/copy")));
        let jobs: HashSet<_> = futures_util::future::join_all(at_once).await.into_iter().collect();
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        library.completed(jobs.iter().next().unwrap()).await;
        for file in 0..BIG_FILES {
            assert_eq!(library.sizes(&format!("/copy/big/file-{file:02}.txt")).await.len(), 1, "copied once");
        }
    })
    .await;
}

#[tokio::test]
async fn a_retry_gets_the_job_that_runs() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_big(library).await;
        let body = transfer("/big", "/copy");
        let first = library.submit("copyFolder", body.clone()).await;
        // Long enough for the copy to have started.
        tokio::time::sleep(Duration::from_millis(500)).await;
        for count in ["1", "2"] {
            assert_eq!(job_id(&submit_retry(library, "copyFolder", &body, count).await), first);
        }
        assert_eq!(library.submit("copyFolder", body.clone()).await, first, "so soon, even without the mark");
        // Both names of the flag mean the same, its default too.
        let mut spelled = body.clone();
        spelled["IncludeFileVersions"] = false.into();
        assert_eq!(job_id(&submit_retry(library, "copyFolder", &spelled, "1").await), first);
        assert_eq!(status(library, &first).await, "Pending", "all of this while the copy ran");

        library.completed(&first).await;
        assert_eq!(library.paths("/copy/big").await.len(), BIG_FILES);
        assert_eq!(library.sizes("/copy/big/file-00.txt").await, [1], "nothing was appended");
    })
    .await;
}

#[tokio::test]
async fn a_retry_gets_the_job_that_is_done_and_a_first_attempt_a_new_one() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let body = transfer("/a", "/b");
        let first = library.submit("copyFolder", body.clone()).await;
        library.completed(&first).await;
        for count in ["1", "2"] {
            assert_eq!(job_id(&submit_retry(library, "copyFolder", &body, count).await), first);
        }
        assert_eq!(library.sizes("/b/a/f.txt").await, [1], "nothing was appended");

        // A first attempt after the end is meant: somebody wants a second copy.
        let second = library.submit("copyFolder", body.clone()).await;
        assert_ne!(second, first);
        library.completed(&second).await;
        let third = job_id(&submit_retry(library, "copyFolder", &body, "0").await);
        assert!(third != second && third != first);
        library.completed(&third).await;
        assert_eq!(library.sizes("/b/a/f.txt").await, [1, 1, 1]);

        // What is no count is no mark.
        let mut last = third.clone();
        for odd in ["", "x", "-1", "1.5", "99999999999"] {
            let again = job_id(&submit_retry(library, "copyFolder", &body, odd).await);
            assert_ne!(again, last, "{odd:?}");
            library.completed(&again).await;
            last = again;
        }

        // The flag makes another request, marked or not.
        let mut with_versions = body.clone();
        with_versions["includeVersions"] = true.into();
        let fourth = job_id(&submit_retry(library, "copyFolder", &with_versions, "1").await);
        assert!(![&first, &second, &third].contains(&&fourth));
        library.completed(&fourth).await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_is_known_before_its_source_is_looked_for() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        let body = transfer("/a", "/b");
        let moved = library.submit("moveFolder", body.clone()).await;
        library.completed(&moved).await;
        assert_eq!(job_id(&submit_retry(library, "moveFolder", &body, "1").await), moved);
        let message = "No files & folder found at sourceFolderPath /a";
        refused(&library.post("/v1/bulkJobs/moveFolder", body.clone()).await, 404, Some("NO_FILES_FOLDER"), message);
        refused(&submit_retry(library, "moveFolder", &body, "0").await, 404, Some("NO_FILES_FOLDER"), message);

        let body = json!({ "folderPath": "/b/a", "newFolderName": "c" });
        let renamed = library.submit("renameFolder", body.clone()).await;
        library.completed(&renamed).await;
        assert_eq!(job_id(&submit_retry(library, "renameFolder", &body, "2").await), renamed);
        let message = "No folder found with folderPath /b/a";
        refused(&library.post("/v1/bulkJobs/renameFolder", body).await, 404, Some("FOLDER_NOT_FOUND"), message);
        // A request that is wrong in itself stays so.
        let answer = submit_retry(library, "moveFolder", &json!({}), "1").await;
        refused(&answer, 400, Some("MISSING_PARAMETER"), "sourceFolderPath parameter is missing.");
        // One that was never sent before is a first attempt, whatever it says.
        let first = job_id(&submit_retry(library, "moveFolder", &transfer("/b", "/d"), "1").await);
        assert!(first != moved && first != renamed);
        library.completed(&first).await;
        assert_eq!(library.paths("").await, ["d/", "d/b/", "d/b/c/", "d/b/c/f.txt"]);
    })
    .await;
}
