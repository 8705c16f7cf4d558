//! kill -9 in the middle of a job: the next start completes it, and nothing is there twice.

use super::*;

/// Makes a job of the folder of [`put_source`] take seconds.
const SLOW: [(&str, &str); 2] = [("CALOTYPE_BATCH_ROWS", "1"), ("CALOTYPE_BATCH_PAUSE_MS", "60")];
const FILES: usize = 24;
/// How often the server is killed while the job is under way, and how long it runs in between.
const KILLS: usize = 4;
const BETWEEN_KILLS: Duration = Duration::from_millis(250);

/// `/a` with two versions of every file, half of them in a sub-folder.
async fn put_source(library: &Library) {
    for file in 0..FILES {
        for size in [1000, 2000] {
            library.put(&format!("/a/{}", name(file)), bytes_of(size + file)).await;
        }
    }
}

fn name(file: usize) -> String {
    let folder = if file.is_multiple_of(2) { "" } else { "sub/" };
    format!("{folder}file-{file:02}.txt")
}

/// Kills the server while the job is under way, some times over, and waits for its end.
async fn kill_until_completed(library: &mut Library, job_id: &str) {
    for kill in 0..KILLS {
        tokio::time::sleep(BETWEEN_KILLS).await;
        let status = library.client.job_status(job_id).await.expect("an answer").expect(200);
        if kill == 0 {
            assert_eq!(status.text("status"), "Pending", "the first kill has to come in the middle of the job");
        }
        library.kill_and_restart().await;
    }
    library.completed(job_id).await;
}

/// The source is as it was, but for its urls: they name the port, which is a new one after each start.
async fn assert_untouched(library: &Library, source: &BTreeMap<String, Value>) {
    let now = library.tree("/a").await;
    assert_eq!(contents(&now), contents(source));
    assert_eq!(ids(&now), ids(source));
    for (path, entry) in &now {
        for key in ["createdAt", "updatedAt"] {
            assert_eq!(entry[key], source[path][key], "{key} of {path}");
        }
    }
}

#[tokio::test]
async fn a_copy_survives_kill_9_and_appears_all_at_once() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_source(library).await;
        let source = library.tree("/a").await;
        let body = json!({ "sourceFolderPath": "/a", "destinationPath": "/b", "includeVersions": true });
        let id = library.submit("copyFolder", body).await;
        tokio::time::sleep(BETWEEN_KILLS).await;
        assert_eq!(library.paths("/b/a").await, [""; 0], "nothing is seen of a copy before it is whole");
        kill_until_completed(library, &id).await;

        assert_untouched(library, &source).await;
        let copy = library.tree("/b/a").await;
        assert_eq!(contents(&copy), contents(&source));
        for file in 0..FILES {
            let sizes = [1000, 2000].map(|size| (size + file) as u64);
            assert_eq!(library.sizes(&format!("/b/a/{}", name(file))).await, sizes, "no version lost, none twice");
        }
    })
    .await;
}

#[tokio::test]
async fn a_copy_onto_existing_files_survives_kill_9_without_a_version_too_many() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_source(library).await;
        for file in (0..FILES).step_by(3) {
            library.put(&format!("/b/a/{}", name(file)), bytes_of(file + 1)).await;
        }
        let (source, target) = (library.tree("/a").await, library.tree("/b/a").await);
        let body = json!({ "sourceFolderPath": "/a", "destinationPath": "/b", "includeVersions": true });
        let id = library.submit("copyFolder", body).await;
        kill_until_completed(library, &id).await;

        assert_untouched(library, &source).await;
        let merged = library.tree("/b/a").await;
        assert_eq!(merged.keys().collect::<Vec<_>>(), source.keys().collect::<Vec<_>>());
        for (path, entry) in &target {
            for key in ["fileId", "folderId"] {
                assert_eq!(merged[path][key], entry[key], "{key} of {path}");
            }
        }
        for file in 0..FILES {
            let was_there = file.is_multiple_of(3).then_some(file + 1);
            let sizes: Vec<_> =
                was_there.into_iter().chain([1000 + file, 2000 + file]).map(|size| size as u64).collect();
            assert_eq!(library.sizes(&format!("/b/a/{}", name(file))).await, sizes, "{}", name(file));
        }
    })
    .await;
}

#[tokio::test]
async fn a_move_onto_existing_files_survives_kill_9_with_every_id() {
    with_settings(&SLOW, async |library: &mut Library| {
        put_source(library).await;
        for file in 0..FILES {
            library.put(&format!("/b/a/{}", name(file)), bytes_of(file + 1)).await;
        }
        let mut expected = Vec::new();
        for file in 0..FILES {
            let target = library.history(&format!("/b/a/{}", name(file))).await;
            let source = library.history(&format!("/a/{}", name(file))).await;
            let both = target.into_iter().chain(source).map(|version| (version.id, version.size));
            expected.push(both.collect::<Vec<_>>());
        }
        let target = library.tree("/b/a").await;
        let body = json!({ "sourceFolderPath": "/a", "destinationPath": "/b" });
        let id = library.submit("moveFolder", body).await;
        kill_until_completed(library, &id).await;

        let merged = library.tree("/b/a").await;
        assert_eq!(merged.keys().collect::<Vec<_>>(), target.keys().collect::<Vec<_>>());
        assert_eq!(library.paths("").await.len(), merged.len() + 2, "the source is gone");
        for (file, expected) in expected.into_iter().enumerate() {
            let history = library.history(&format!("/b/a/{}", name(file))).await;
            assert_linear(&history);
            let history: Vec<_> = history.into_iter().map(|version| (version.id, version.size)).collect();
            assert_eq!(history, expected, "{}", name(file));
        }
    })
    .await;
}

#[tokio::test]
async fn an_accepted_job_is_known_after_kill_9() {
    on_both_catalogs(async |library: &mut Library| {
        library.put("/a/f.txt", bytes_of(1)).await;
        for round in 0..5 {
            let destination = format!("/to-{round}");
            let body = json!({ "sourceFolderPath": "/a", "destinationPath": destination });
            let id = library.submit("copyFolder", body).await;
            // Straight after the answer, whatever the job has come to.
            library.kill_and_restart().await;
            library.completed(&id).await;
            assert_eq!(library.sizes(&format!("{destination}/a/f.txt")).await, [1]);
        }
    })
    .await;
}
