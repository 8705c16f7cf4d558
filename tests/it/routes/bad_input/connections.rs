//! Clients that speak no HTTP, go away in the middle, or stall.

use super::*;

#[tokio::test]
async fn requests_that_are_no_http() {
    // What never becomes a request is waited for no longer than that.
    with_settings(&[("CALOTYPE_IDLE_TIMEOUT_MS", "2000")], async |library: &mut Library| {
        let before = put_some(library).await;
        let long_header = head(library, "GET", "/v1/files", &[("X-Huge", &"x".repeat(1 << 20))]);
        let many: Vec<_> = (0..2_000).map(|number| (format!("X-{number}"), "x")).collect();
        let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let long_path = format!("/v1/files?path=/{}", "x".repeat(1 << 20));
        let cases: Vec<Vec<u8>> = vec![
            b"nonsense\r\n\r\n".to_vec(),
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(20),
            b"GET / HTTP/9.9\r\n\r\n".to_vec(),
            b"GET /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
            b"POST /v1/folder HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
            b"POST /v1/folder HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
            long_header.into_bytes(),
            head(library, "GET", "/v1/files", &many).into_bytes(),
            head(library, "GET", &long_path, &[]).into_bytes(),
        ];
        for request in cases {
            // What is no request is answered below the contract, if at all.
            if let Some(answer) = raw(library, &request).await {
                let shown = String::from_utf8_lossy(&request[..request.len().min(80)]).into_owned();
                assert!((400..600).contains(&answer.status) && answer.status != 500, "{shown:?}: {answer:#?}");
            }
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    on_both_catalogs(async |library: &mut Library| {
        let before = put_some(library).await;
        let body = [good_parts(), END.to_vec()].concat();
        let whole = request(library, "POST", "/api/v1/files/upload", MULTIPART, &body);
        // In the head, in a field, in the file, and before the last bytes.
        for sent in [20, whole.len() - body.len() + 30, whole.len() - 1000, whole.len() - 20, whole.len() - 3] {
            let mut stream = TcpStream::connect(library.server.address()).await.expect("a connection");
            stream.write_all(&whole[..sent]).await.expect("the server reads");
            stream.flush().await.expect("the server reads");
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(stream);
        }
        // A large one, so that some of it has been stored already.
        let large = part("Content-Disposition: form-data; name=\"file\"; filename=\"x\"", &vec![7; 8 << 20]);
        let large = [field("fileName", b"new.txt"), field("folder", b"/new"), large, END.to_vec()].concat();
        let whole = request(library, "POST", "/api/v1/files/upload", MULTIPART, &large);
        let mut stream = TcpStream::connect(library.server.address()).await.expect("a connection");
        stream.write_all(&whole[..whole.len() - (1 << 20)]).await.expect("the server reads");
        drop(stream);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_unharmed(library, &before).await;
        // The same upload, whole.
        let uploaded = raw(library, &whole).await.expect("an answer").expect(200);
        assert_eq!(uploaded.body["size"], 8 << 20);
        assert_eq!(library.paths("/new").await, [uploaded.text("name")]);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_stalls_is_cut_off_and_a_slow_one_is_not() {
    with_settings(&[("CALOTYPE_IDLE_TIMEOUT_MS", "500")], async |library: &mut Library| {
        let before = put_some(library).await;
        let body = [good_parts(), END.to_vec()].concat();
        let upload = request(library, "POST", "/api/v1/files/upload", MULTIPART, &body);
        let rename = json!({ "folderPath": "/a", "newFolderName": "x" }).to_string();
        let rename = request(library, "POST", "/v1/bulkJobs/renameFolder", "application/json", rename.as_bytes());
        let stalled =
            [&upload[..upload.len() - 1000], &upload[..upload.len() - body.len()], &rename[..rename.len() - 5]];
        // All at once; `raw` sees to it that each connection is closed.
        let begun = std::time::Instant::now();
        let answers = futures_util::future::join_all(stalled.map(|bytes| raw(library, bytes))).await;
        for answer in answers.iter().flatten() {
            refused_somehow(answer, &REFUSED);
        }
        assert!(begun.elapsed() >= Duration::from_millis(400), "not before its time");
        assert!(begun.elapsed() < Duration::from_secs(10), "cut off after {:?}", begun.elapsed());
        assert_unharmed(library, &before).await;

        // A client that goes on sending, however slowly, may take longer than the timeout.
        let mut stream = TcpStream::connect(library.server.address()).await.expect("a connection");
        for piece in upload.chunks(upload.len() / 8) {
            stream.write_all(piece).await.expect("the server reads");
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        let mut received = Vec::new();
        tokio::time::timeout(ANSWER_MAX, stream.read_to_end(&mut received)).await.expect("in time").expect("an answer");
        parse_answer(&received).expect("an answer").expect(200);
        assert_eq!(library.paths("/new").await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn urls_and_headers_that_are_too_long() {
    with_settings(&[], async |library: &mut Library| {
        let before = put_some(library).await;
        let longest_query = "%20".repeat(10_000);
        let fits = head(
            library,
            "GET",
            &format!("/v1/files?searchQuery={longest_query}"),
            &[("X-Large", &"x".repeat(60_000))],
        );
        assert_eq!(raw(library, fits.as_bytes()).await.expect("an answer").status, 200, "the longest search");
        // What hyper would take, and what every client can read the refusal of.
        for path in ["/v1/files?path=/", "/api/v1/files/upload?x=", "/nowhere?", "/library/"] {
            let request = head(library, "GET", &format!("{path}{}", "x".repeat(40_000)), &[]);
            let answer = raw(library, request.as_bytes()).await.expect("an answer");
            refused_somehow(&answer, &[414]);
        }
        for (name, bytes) in [("X-Huge", 100_000), ("Authorization", 300_000)] {
            let request = head(library, "GET", "/v1/files", &[(name, &"x".repeat(bytes))]);
            let answer = raw(library, request.as_bytes()).await.expect("an answer");
            refused_somehow(&answer, &[431]);
        }
        assert_unharmed(library, &before).await;
    })
    .await;
}
