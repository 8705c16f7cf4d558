//! The limit on requests: off unless asked for, one bucket for each key, told on every answer.

use super::*;

const TOO_MANY: &str =
    "Your API key has sent more requests than this server allows in the interval. Please try again later.";
const HEADERS: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-reset", "x-ratelimit-interval"];

/// The three headers as numbers; `None` when there are none.
fn told(answer: &Answer) -> Option<[u64; 3]> {
    let values = HEADERS.map(|name| answer.header(name));
    if values == [None; 3] {
        return None;
    }
    Some(values.map(|value| value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{answer:#?}"))))
}

#[tokio::test]
async fn without_the_setting_nothing_is_limited_or_told() {
    on_both_catalogs(async |library| {
        for _ in 0..50 {
            let answer = list_files(&library.client).await;
            succeeded(&answer, 200);
            assert_eq!(told(&answer), None);
        }
    })
    .await;
}

#[tokio::test]
async fn each_key_may_send_so_many_requests_in_the_interval() {
    // Nothing becomes free again while the test runs.
    let settings = [("CALOTYPE_RATE_LIMIT", "6"), ("CALOTYPE_RATE_LIMIT_INTERVAL", "3600000")];
    with_settings(&settings, async |library| {
        let restricted = library.client_with(json!({ "files": "read" })).await; // the first request of the full key
        let mut answers = Vec::new();
        answers.push(list_files(&restricted).await);
        answers.push(restricted.details(UNKNOWN_ID).await.unwrap());
        answers.push(restricted.create_folder("/", "a").await.unwrap());
        answers.push(restricted.send(Method::GET, "/calotype/v1/jobs/nonsense", None).await.unwrap());
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [200, 404, 403, 403], "errors are told the limit too");
        let mut last_reset_ms = 0;
        for answer in &answers {
            let [limit, reset_ms, interval_ms] = told(answer).unwrap_or_else(|| panic!("no limit in {answer:#?}"));
            assert_eq!((limit, interval_ms), (6, 3_600_000));
            assert!(reset_ms > last_reset_ms && reset_ms <= interval_ms, "{answer:#?}");
            last_reset_ms = reset_ms;
        }
        succeeded(&list_files(&restricted).await, 200);
        succeeded(&list_files(&restricted).await, 200);

        let refusal = list_files(&restricted).await;
        refused(&refusal, 429, None, TOO_MANY);
        let [limit, reset_ms, interval_ms] = told(&refusal).expect("the limit");
        assert_eq!((limit, interval_ms), (6, 3_600_000));
        let wait_ms: u64 = refusal.header("retry-after-ms").and_then(|ms| ms.parse().ok()).expect("retry-after-ms");
        let wait_s: u64 = refusal.header("retry-after").and_then(|s| s.parse().ok()).expect("retry-after");
        assert!((590_000..=600_000).contains(&wait_ms), "a sixth of the interval: {refusal:#?}");
        assert_eq!(wait_s, wait_ms.div_ceil(1_000));
        assert!(reset_ms >= wait_ms && reset_ms <= interval_ms, "{refusal:#?}");

        // Another key has its own bucket; strangers have none; uploads are not counted.
        succeeded(&list_files(&library.client).await, 200);
        let stranger = list_files(&library.client.with_key("private_of_nobody")).await;
        refused(&stranger, 403, None, UNKNOWN_KEY);
        assert_eq!(told(&stranger), None);
        for number in 0..10 {
            let uploaded = library.client.upload("/", &format!("{number}.txt"), "x").await.unwrap().expect(200);
            assert_eq!(told(&uploaded), None);
        }
    })
    .await;
}

#[tokio::test]
async fn after_the_told_time_there_is_room_again() {
    let settings = [("CALOTYPE_RATE_LIMIT", "2"), ("CALOTYPE_RATE_LIMIT_INTERVAL", "3000")];
    with_settings(&settings, async |library| {
        succeeded(&list_files(&library.client).await, 200);
        succeeded(&list_files(&library.client).await, 200);
        let refusal = list_files(&library.client).await;
        refused(&refusal, 429, None, TOO_MANY);
        let wait_ms: u64 = refusal.header("retry-after-ms").and_then(|ms| ms.parse().ok()).expect("retry-after-ms");
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        succeeded(&list_files(&library.client).await, 200);
    })
    .await;
}

#[tokio::test]
async fn bulk_calls_tell_the_limit_even_when_the_queue_is_full() {
    let settings = [
        ("CALOTYPE_RATE_LIMIT", "100000"),
        ("CALOTYPE_RATE_LIMIT_INTERVAL", "3600000"),
        ("CALOTYPE_QUEUED_JOBS_MAX", "1"),
        ("CALOTYPE_BATCH_ROWS", "1"),
        ("CALOTYPE_BATCH_PAUSE_MS", "100"),
    ];
    with_settings(&settings, async |library| {
        for number in 0..20 {
            library.put(&format!("/a/{number}.txt"), bytes_of(1)).await;
        }
        let assert_told = |answer: &Answer| {
            let [limit, reset_ms, interval_ms] = told(answer).unwrap_or_else(|| panic!("no limit in {answer:#?}"));
            assert_eq!((limit, interval_ms), (100_000, 3_600_000));
            assert!((1..=interval_ms).contains(&reset_ms), "{answer:#?}");
        };
        let transfer = |from: &str, to: &str| json!({ "sourceFolderPath": from, "destinationPath": to });
        for (call, body) in [
            ("renameFolder", json!({ "folderPath": "/a", "newFolderName": "b" })),
            ("moveFolder", transfer("/b", "/c")),
            ("copyFolder", transfer("/c/b", "/d")),
        ] {
            let accepted = library.post(&format!("/v1/bulkJobs/{call}"), body).await;
            assert_told(&accepted);
            let id = job_id(&accepted);
            let status = library.get(&format!("/v1/bulkJobs/{id}")).await;
            succeeded(&status, 200);
            assert_told(&status);
            if call != "copyFolder" {
                library.completed(&id).await;
            }
        }
        let refusal = library.post("/v1/bulkJobs/copyFolder", transfer("/c/b", "/e")).await;
        refused(&refusal, 429, None, "Too many bulk jobs are waiting. Please try again later.");
        assert_told(&refusal);
        assert!(refusal.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()), "{refusal:#?}");
    })
    .await;
}
