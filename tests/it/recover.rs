//! Starting where something is wrong: one line that says what to do, a failing exit code, and nothing changed.

use std::process::{Command, Output};
use std::time::Duration;

use crate::support::server::{Options, Server, describe, run_bounded};

/// For a start that should fail at once.
const FAILURE_MAX: Duration = Duration::from_secs(20);

/// The error of a start that has to fail. It is one line; a wrong flag may be followed by where to find help.
async fn error_of(command: Command) -> String {
    let output = run_bounded(command, FAILURE_MAX).await;
    error_line(&output).unwrap_or_else(|problem| panic!("{problem}: {}", describe(&output)))
}

fn error_line(output: &Output) -> Result<String, &'static str> {
    if output.status.success() {
        return Err("it did not fail");
    }
    if output.status.code().is_none() {
        return Err("it was killed");
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("panicked") {
        return Err("it panicked");
    }
    let is_advice = |line: &str| {
        let line = line.trim();
        ["Usage:", "For more information", "tip:", "[possible values"].iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty() && !is_advice(line)).collect();
    match lines.as_slice() {
        [line] => Ok((*line).to_owned()),
        [] => Err("it does not say why"),
        _ => Err("its error has more than one line"),
    }
}

fn assert_says(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.to_lowercase().contains(&word.to_lowercase()), "{word:?} is missing in {error:?}");
    }
}

#[tokio::test]
async fn a_data_directory_in_use_is_refused_and_its_server_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let mut first = Server::start(&data, None).await;
    let client = first.client();
    let bytes = b"before".to_vec();
    client.upload("/a", "before.txt", bytes.clone()).await.expect("an answer").expect(200);

    let error = error_of(first.options().serve_plainly()).await;
    assert_says(&error, &["in use", data.to_str().expect("a path in UTF-8")]);

    client.upload("/a", "after.txt", b"after".to_vec()).await.expect("an answer").expect(200);
    assert_eq!(client.get_file("/a/before.txt").await.expect("an answer").bytes, bytes);
    // The end of the first one, however sudden, frees the directory.
    first.kill9();
    let mut second = Server::start(&data, None).await;
    assert_eq!(second.client().get_file("/a/before.txt").await.expect("an answer").bytes, bytes);
    second.term().await;
    second.fsck().await;
}

#[tokio::test]
async fn a_lost_secret_is_asked_for_and_not_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let secret_file = data.join("secret");
    let mut server = Server::start(&data, None).await;
    let bytes = b"sealed under the first secret".to_vec();
    server.client().upload("/a", "kept.txt", bytes.clone()).await.expect("an answer").expect(200);
    server.term().await;
    let secret = std::fs::read(&secret_file).expect("the secret is in the data directory");

    std::fs::remove_file(&secret_file).expect("the secret can be lost");
    let error = error_of(server.options().serve_plainly()).await;
    assert_says(&error, &["secret", secret_file.to_str().expect("a path in UTF-8")]);
    assert!(!secret_file.exists(), "a new secret cannot open what the old one sealed");

    let mut wrong = secret.clone();
    for byte in &mut wrong {
        // Another secret of the same form, whether that is raw or text: letters and digits change into others.
        *byte = match *byte {
            b'0'..=b'8' | b'a'..=b'e' => *byte + 1,
            b'9' | b'f' => *byte - 1,
            other => other ^ 1,
        };
    }
    std::fs::write(&secret_file, &wrong).expect("the secret can be replaced");
    let error = error_of(server.options().serve_plainly()).await;
    assert_says(&error, &["secret"]);
    assert_eq!(std::fs::read(&secret_file).expect("the secret"), wrong, "it is not the server's to change");

    std::fs::write(&secret_file, &secret).expect("the secret can be restored");
    server.restart().await;
    let client = server.client();
    assert_eq!(client.get_file("/a/kept.txt").await.expect("an answer").bytes, bytes);
    client.list("/a").await.expect("an answer").expect(200);
    server.term().await;
    server.fsck().await;
}

#[tokio::test]
async fn bad_settings_are_refused_before_anything_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    for (arguments, words) in [
        (&["--no-such-flag"][..], &["--no-such-flag"][..]),
        (&["--listen", "nonsense"], &["nonsense", "listen"]),
        (&["--log-format", "yaml"], &["yaml", "log-format"]),
        (&["--public-url", "nonsense"], &["nonsense", "public-url"]),
        (&["--catalog", "mysql://localhost/library"], &["catalog", "postgres"]),
        (&["--endpoint-id", "v1"], &["v1", "endpoint-id"]),
        (&["--endpoint-id", "v2"], &["v2", "endpoint-id"]),
        (&["--endpoint-id", "api"], &["api", "endpoint-id"]),
        (&["--endpoint-id", "calotype"], &["calotype", "endpoint-id"]),
        (&["--endpoint-id", "two/segments"], &["two/segments", "endpoint-id"]),
    ] {
        let mut options = Options::new(&data);
        for argument in arguments {
            options = options.argument(*argument);
        }
        println!("{arguments:?}");
        let error = error_of(options.serve_plainly()).await;
        assert_says(&error, words);
        assert!(!data.join("catalog.db").exists(), "{arguments:?} made a catalog");
    }
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let options = Options::new(file.path());
    let error = error_of(options.serve_plainly()).await;
    assert_says(&error, &[file.path().to_str().expect("a path in UTF-8")]);
}

#[tokio::test]
async fn an_address_in_use_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = Server::start(&directory.path().join("first"), None).await;
    let options = Options::new(directory.path().join("second")).argument("--listen").argument(first.address());
    let error = error_of(options.serve_plainly()).await;
    assert_says(&error, &[first.address(), "in use"]);
}

#[tokio::test]
async fn a_second_start_finds_the_same_keys_and_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(&directory.path().join("data"), None).await;
    let client = server.client();
    let bytes = b"the same".to_vec();
    let upload = client.upload("/a", "same.txt", bytes.clone()).await.expect("an answer").expect(200);
    let file_id = upload.text("fileId").to_owned();

    for _ in 0..2 {
        server.term().await;
        server.fsck().await;
        server.restart().await;
        let client = server.client();
        let details = client.details(&file_id).await.expect("an answer").expect(200);
        assert_eq!(details.text("filePath"), "/a/same.txt");
        assert_eq!(client.get_file("/a/same.txt").await.expect("an answer").bytes, bytes);
        let stranger = client.with_key("private_of_somebody_else").details(&file_id).await.expect("an answer");
        assert_eq!(stranger.expect(403).text("message"), "Your account cannot be authenticated.");
    }
}

#[test]
fn an_error_is_one_line_of_a_process_that_failed() {
    use std::os::unix::process::ExitStatusExt;
    let ended = |code: i32, stderr: &str| {
        let status = std::process::ExitStatus::from_raw(code << 8);
        error_line(&Output { status, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() })
    };
    assert_eq!(ended(1, "error: in use\n").as_deref(), Ok("error: in use"));
    let with_advice =
        "error: unexpected argument '--x'\n\nUsage: calotype serve\n\nFor more information, try '--help'.\n";
    assert!(ended(2, with_advice).is_ok());
    assert!(ended(0, "error: in use\n").is_err());
    assert!(ended(1, "").is_err());
    assert!(ended(1, "error: one\ncaused by: two\n").is_err());
    assert!(ended(101, "thread 'main' panicked at src/main.rs\n").is_err());
    let killed = Output { status: std::process::ExitStatus::from_raw(9), stdout: Vec::new(), stderr: b"x\n".to_vec() };
    assert!(error_line(&killed).is_err());
}
