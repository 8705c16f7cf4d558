//! What a request may ask for besides the file: conditions, parts, saving under a name; what it may be kept for; and
//! methods that do not read.

use super::*;

const DAY_S: u64 = 86_400;

/// The moment of an HTTP date, moved by so many seconds.
fn moved(date: &str, seconds: i64) -> String {
    let date = httpdate::parse_http_date(date).expect("an HTTP date");
    let by = Duration::from_secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(if seconds < 0 { date - by } else { date + by })
}

#[tokio::test]
async fn conditions_in_the_order_of_http() {
    on_both_catalogs(async |library: &mut Library| {
        let url = url_of(library, "/d/e", "f.txt", bytes_of(100)).await;
        let first = fetch(library, Method::GET, &url, &[]).await;
        let etag = header(&first, "etag").expect("an ETag").to_owned();
        let modified = header(&first, "last-modified").expect("Last-Modified").to_owned();
        let (earlier, later) = (moved(&modified, -1), moved(&modified, 3600));
        for (lines, status) in [
            (vec![("if-modified-since", modified.as_str())], 304),
            (vec![("if-modified-since", &later)], 304),
            (vec![("if-modified-since", &earlier)], 200),
            (vec![("if-none-match", "\"b\""), ("if-modified-since", &later)], 200),
            (vec![("if-none-match", &etag), ("if-modified-since", &earlier)], 304),
            (vec![("if-match", &etag)], 200),
            (vec![("if-match", "\"b\"")], 412),
            (vec![("if-match", "\"b\""), ("if-none-match", &etag)], 412),
            (vec![("if-unmodified-since", &modified)], 200),
            (vec![("if-unmodified-since", &earlier)], 412),
            (vec![("if-match", "*"), ("if-unmodified-since", &earlier)], 200),
            (vec![("range", "bytes=0-9"), ("if-none-match", &etag)], 304),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let answer = fetch(library, method, &url, &lines).await;
                assert_eq!(answer.status, status, "{lines:?}");
                request_id(&answer.headers);
                if status == 304 {
                    assert_eq!(header(&answer, "etag"), Some(etag.as_str()));
                    assert_eq!(header(&answer, "last-modified"), Some(modified.as_str()));
                    assert!(header(&answer, "cache-control").is_some());
                    assert_eq!(answer.bytes, b"");
                }
                if status == 412 {
                    assert!(header(&answer, "ik-error").is_some());
                }
            }
        }
        for (if_range, status) in
            [(etag.as_str(), 206), (&modified, 206), ("\"b\"", 200), (&earlier, 200), (&later, 200), ("W/\"b\"", 200)]
        {
            let lines = [("range", "bytes=0-9"), ("if-range", if_range)];
            let answer = fetch(library, Method::GET, &url, &lines).await;
            let bytes = if status == 206 { 10 } else { 100 };
            assert_eq!((answer.status, answer.bytes.len()), (status, bytes), "If-Range: {if_range}");
        }
    })
    .await;
}

#[tokio::test]
async fn another_file_at_the_same_path_is_newer() {
    on_both_catalogs(async |library: &mut Library| {
        // The file that will be at /x/f.txt is older than the one that is there now.
        library.put("/old/x/f.txt", bytes_of(10)).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let now = library.put("/x/f.txt", bytes_of(20)).await;
        let url = now["url"].as_str().unwrap();
        let first = fetch(library, Method::GET, url, &[]).await;
        let modified = header(&first, "last-modified").expect("Last-Modified").to_owned();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        library.client.delete_folder("/x").await.expect("an answer").expect(204);
        library.move_into("/old/x", "/").await;
        let answer = fetch(library, Method::GET, url, &[("if-modified-since", &modified)]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 10), "the folder was moved here after that date");
    })
    .await;
}

#[tokio::test]
async fn several_ranges_are_several_parts() {
    on_both_catalogs(async |library: &mut Library| {
        // Larger than what is read at once.
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let url = url_of(library, "/d", "f.bin", bytes.clone()).await;
        let answer =
            fetch(library, Method::GET, &url, &[("range", "bytes=700000-,0-9, 500-400499,900000-900001")]).await;
        assert_eq!(answer.status, 206);
        let kind = header(&answer, "content-type").expect("a type");
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("parts");
        assert_eq!(header(&answer, "content-length"), Some(answer.bytes.len().to_string().as_str()));
        assert_eq!(header(&answer, "content-range"), None, "each part has its own");
        let mut expected: Vec<u8> = Vec::new();
        for range in [0..10, 500..400_500, 700_000..800_000] {
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {}-{}/800000\r\n\r\n",
                range.start,
                range.end - 1
            );
            expected.extend(head.as_bytes());
            expected.extend(&bytes[range]);
        }
        expected.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert!(answer.bytes == expected, "{} of {} bytes", answer.bytes.len(), expected.len());

        for (range, status, length) in [
            ("bytes=0-9,10-19", 206, 20),
            ("bytes=0-9,50-59", 206, 60),
            ("bytes=0-,0-,0-,0-,0-", 206, 800_000),
            ("bytes=0-9,900000-", 206, 10),
            ("bytes=800000-,900000-", 416, 21),
            ("bytes=0-9,8-5", 200, 800_000),
        ] {
            let answer = fetch(library, Method::GET, &url, &[("range", range)]).await;
            assert_eq!((answer.status, answer.bytes.len()), (status, length), "{range}");
        }
        let abusive = format!("bytes={}", (0..40).map(|n| format!("{}-{}", n * 1000, n * 1000)).collect::<Vec<_>>().join(","));
        let answer = fetch(library, Method::GET, &url, &[("range", &abusive)]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 800_000), "too many to mean anything");
        // HTTP defines ranges for GET only.
        let head = fetch(library, Method::HEAD, &url, &[("range", "bytes=0-9")]).await;
        assert_eq!((head.status, header(&head, "content-length")), (200, Some("800000")));
    })
    .await;
}

#[tokio::test]
async fn what_may_be_kept_and_by_whom() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/d/f.txt", bytes_of(10)).await;
        let url = file["url"].as_str().unwrap();
        let kept = |answer: &Download| header(answer, "cache-control").expect("Cache-Control").to_owned();
        assert_eq!(kept(&fetch(library, Method::GET, url, &[]).await), "public, no-cache");
        assert_eq!(kept(&fetch(library, Method::GET, &format!("{url}x"), &[]).await), "no-store", "not there yet");

        library.put("/d/f.txt", bytes_of(20)).await;
        let versions = library.client.versions(file["fileId"].as_str().unwrap()).await.unwrap().expect(200);
        let pinned = versions.body[1]["url"].as_str().unwrap().to_owned();
        let answer = fetch(library, Method::GET, &pinned, &[]).await;
        assert_eq!((answer.status, answer.bytes.len()), (200, 10));
        assert_eq!(kept(&answer), "public, max-age=15552000, immutable");
        let (token_at, _) = pinned.match_indices('=').next().expect("a token");
        let guessed = format!("{}={}", &pinned[..token_at], "0".repeat(32));
        not_found(&fetch(library, Method::GET, &guessed, &[]).await);
    })
    .await;
    with_settings(&[("CALOTYPE_DELIVERY_MAX_AGE_S", "600")], async |library: &mut Library| {
        let file = library.put("/d/f.txt", bytes_of(10)).await;
        let url = file["url"].as_str().unwrap();
        for (tail, value) in [("", "public, max-age=600"), ("?tr=w-10", "public, no-cache")] {
            let answer = fetch(library, Method::GET, &format!("{url}{tail}"), &[]).await;
            assert_eq!(header(&answer, "cache-control"), Some(value), "{tail}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_selects_a_version_while_it_is_published() {
    on_both_catalogs(async |library: &mut Library| {
        let file = library.put("/d/f.txt", bytes_of(10)).await;
        let id = file["fileId"].as_str().unwrap().to_owned();
        library.put("/d/f.txt", bytes_of(20)).await;
        let versions = library.client.versions(&id).await.unwrap().expect(200).body;
        let pinned = versions[1]["url"].as_str().unwrap().to_owned();
        let (path, token) = pinned.split_once("?ik-obj-version=").expect("a token");
        assert!(token.len() == 32 && token.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{token}");
        let lengths = async |library: &Library| {
            let plain = fetch(library, Method::GET, path, &[]).await;
            let by_token = fetch(library, Method::GET, &pinned, &[]).await;
            [plain, by_token].map(|answer| if answer.status == 200 { answer.bytes.len() } else { answer.status.into() })
        };
        assert_eq!(lengths(library).await, [20, 10]);
        // As the current version it keeps its token, also when a newer one comes.
        let restore = format!("/v1/files/{id}/versions/{id}/restore");
        library.client.request(Method::PUT, &restore).send().await.expect("an answer").error_for_status().unwrap();
        assert_eq!(lengths(library).await, [10, 10]);
        library.put("/d/f.txt", bytes_of(30)).await;
        assert_eq!(lengths(library).await, [30, 10]);
        // Of another file it means nothing.
        let other = library.put("/d/g.txt", bytes_of(40)).await;
        let borrowed = format!("{}?ik-obj-version={token}", other["url"].as_str().unwrap());
        not_found(&fetch(library, Method::GET, &borrowed, &[]).await);
        let publish = |state: bool| json!({ "publish": { "isPublished": state, "includeFileVersions": true } });
        succeeded(&library.patch(&id, publish(false)).await, 200);
        assert_eq!(lengths(library).await, [404, 404], "drafts");
        succeeded(&library.patch(&id, json!({ "publish": { "isPublished": true } })).await, 200);
        assert_eq!(lengths(library).await, [30, 404], "the older version is still a draft");
        succeeded(&library.patch(&id, publish(true)).await, 200);
        assert_eq!(lengths(library).await, [30, 404], "a token is not used again");
        let versions = library.client.versions(&id).await.unwrap().expect(200).body;
        let anew = versions.as_array().unwrap().iter().map(|version| version["url"].as_str().unwrap());
        for url in anew {
            assert_ne!(url, pinned);
            assert_eq!(fetch(library, Method::GET, url, &[]).await.status, 200, "{url}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_can_be_saved_under_its_name() {
    on_both_catalogs(async |library: &mut Library| {
        for (name, disposition) in [
            ("a.txt", "attachment; filename=\"a.txt\""),
            ("a b,c.txt", "attachment; filename=\"a b,c.txt\""),
            ("é\"1.txt", "attachment; filename=\"__1.txt\"; filename*=UTF-8''%C3%A9%221.txt"),
        ] {
            let url = url_of(library, "/d", name, bytes_of(10)).await;
            let as_clients_write = ["true", "True", "1"].map(|yes| format!("{url}?ik-attachment={yes}"));
            for url in &as_clients_write[1..] {
                let answer = fetch(library, Method::GET, url, &[]).await;
                assert!(header(&answer, "content-disposition").is_some_and(|it| it.starts_with("attachment")), "{url}");
            }
            let answer = fetch(library, Method::GET, &as_clients_write[0], &[]).await;
            assert_eq!((answer.status, header(&answer, "content-disposition")), (200, Some(disposition)), "{name}");
            for query in ["", "?ik-attachment=false", "?ik-attachment="] {
                let answer = fetch(library, Method::GET, &format!("{url}{query}"), &[]).await;
                assert_eq!(header(&answer, "content-disposition"), None, "{query}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_origins_may_read_and_nobody_may_write() {
    on_both_catalogs(async |library: &mut Library| {
        let url = url_of(library, "/d", "f.txt", bytes_of(10)).await;
        let lines = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
        let answer = fetch(library, Method::OPTIONS, &url, &lines).await;
        assert_eq!((answer.status, answer.bytes.len()), (204, 0));
        assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&answer, "access-control-allow-methods"), Some("GET, HEAD, OPTIONS"));
        assert_eq!(header(&answer, "access-control-max-age"), Some(DAY_S.to_string().as_str()));
        for (path, status) in [("", 200), ("x", 404)] {
            let answer = fetch(library, Method::GET, &format!("{url}{path}"), &lines[..1]).await;
            assert_eq!(answer.status, status);
            assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
            assert_eq!(header(&answer, "cross-origin-resource-policy"), Some("cross-origin"));
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = fetch(library, method.clone(), &url, &[]).await;
            assert_eq!((answer.status, header(&answer, "allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
            assert!(header(&answer, "ik-error").is_some());
            request_id(&answer.headers);
        }
        assert_eq!(fetch(library, Method::GET, &url, &[]).await.bytes, bytes_of(10));
    })
    .await;
}
