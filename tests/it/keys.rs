//! Key pairs beside the server: the command line, several servers, and that no private key lies about.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::postgres::fresh_database;
use crate::support::server::{Options, PRIVATE_KEY, Server, describe, run_bounded};

/// A command looks at a few rows; a loaded machine may take its time.
const COMMAND_MAX: Duration = Duration::from_secs(60);
/// "Within seconds": what a change may take to reach a server that did not make it.
const NOTICED_MAX: Duration = Duration::from_secs(5);
const UNKNOWN_KEY: &str = "Your account cannot be authenticated.";
const EXPIRED_KEY: &str = "Your request contains expired private API key.";

/// `calotype keys …` on the library of these options.
async fn keys(options: &Options, arguments: &[&str]) -> Output {
    run_bounded(command(options, arguments), COMMAND_MAX).await
}

fn command(options: &Options, arguments: &[&str]) -> Command {
    let mut command = options.keys(arguments[0]);
    command.args(&arguments[1..]);
    command
}

/// The standard output of a command that has to succeed.
async fn told(options: &Options, arguments: &[&str]) -> String {
    let output = keys(options, arguments).await;
    assert!(output.status.success(), "keys {arguments:?}: {}", describe(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

async fn told_json(options: &Options, arguments: &[&str]) -> Value {
    let text = told(options, arguments).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The one line of a command that has to fail.
async fn error_of(options: &Options, arguments: &[&str]) -> String {
    let output = keys(options, arguments).await;
    assert!(!output.status.success() && output.stdout.is_empty(), "keys {arguments:?}: {}", describe(&output));
    String::from_utf8(output.stderr).expect("UTF-8").trim_end().to_owned()
}

/// Waits until a key is answered like this: `None` for success, or the message of a 403.
async fn until_answered(client: &Client, expected: Option<&str>) {
    let noticed = tokio::time::timeout(NOTICED_MAX, async {
        loop {
            let answer = client.list("/").await.expect("an answer");
            let message = (answer.status == 403).then(|| answer.text("message"));
            if message == expected && (message.is_some() || answer.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    noticed.await.unwrap_or_else(|_| panic!("not answered with {expected:?} after {NOTICED_MAX:?}"));
}

fn private_of(made: &Value) -> &str {
    made["privateKey"].as_str().expect("a private key")
}

/// Runs a scenario on SQLite and, where there is a server for it, on PostgreSQL.
async fn on_both(scenario: impl AsyncFn(&Options)) {
    let directory = tempfile::tempdir().expect("a directory");
    scenario(&Options::new(directory.path().join("data"))).await;
    if let Some(database) = fresh_database("keys").await {
        let directory = tempfile::tempdir().expect("a directory");
        scenario(&Options::new(directory.path().join("data")).catalog(Some(&database.url))).await;
    }
}

#[tokio::test]
async fn commands_work_while_the_server_runs() {
    on_both(async |options| {
        let mut server = Server::start_with(options.clone()).await;
        let made =
            told_json(options, &["create", "--name", "shop", "--rights", "files=read", "--print-private", "--json"])
                .await;
        let client = server.client().with_key(private_of(&made));
        until_answered(&client, None).await;
        assert_eq!(client.create_folder("/", "a").await.unwrap().status, 403, "restricted");

        let id = made["id"].as_str().unwrap();
        let rolled = told_json(options, &["roll", id, "--grace", "0", "--print-private", "--json"]).await;
        until_answered(&client, Some(EXPIRED_KEY)).await;
        let successor = server.client().with_key(private_of(&rolled));
        until_answered(&successor, None).await;

        let public = rolled["publicKey"].as_str().unwrap();
        told(options, &["revoke", public]).await;
        until_answered(&successor, Some(UNKNOWN_KEY)).await;

        // What the server made, the commands see.
        let over_http =
            server.client().post("/calotype/v1/keys", json!({ "rights": "full" })).await.unwrap().expect(201);
        let shown = told_json(options, &["show", over_http.text("id"), "--private", "--json"]).await;
        assert_eq!(shown, over_http.body);
        let listed = told_json(options, &["list", "--all", "--json"]).await;
        assert_eq!(listed, server.client().send(Method::GET, "/calotype/v1/keys", None).await.unwrap().body);
        assert_eq!(listed.as_array().map(Vec::len), Some(4));
        server.assert_no_panic();
        server.term().await;
        server.fsck().await;
    })
    .await;
}

#[tokio::test]
async fn commands_work_while_the_server_is_stopped() {
    on_both(async |options| {
        let mut server = Server::start_with(options.clone()).await;
        server.term().await;
        let made = told_json(options, &["create", "--print-private", "--json"]).await;
        assert_eq!(made["rights"], "full");
        let rolled =
            told_json(options, &["roll", made["publicKey"].as_str().unwrap(), "--print-private", "--json"]).await;
        let listed = told(options, &["list"]).await;
        let mut lines = listed.lines();
        assert!(lines.next().is_some_and(|head| head.starts_with("ID ") && head.ends_with("RIGHTS")), "{listed}");
        let row = |status: &str, made: &Value| {
            let id = made["id"].as_str().unwrap();
            listed.lines().any(|line| line.starts_with(id) && line.contains(status) && line.ends_with("full"))
        };
        assert!(row("superseded", &made) && row("active", &rolled), "{listed}");
        assert!(!listed.contains(private_of(&made)) && !listed.contains(private_of(&rolled)));

        server.fsck().await;
        server.restart().await;
        for made in [&made, &rolled] {
            let client = server.client().with_key(private_of(made));
            assert_eq!(client.list("/").await.unwrap().status, 200);
        }
        server.term().await;
    })
    .await;
}

#[tokio::test]
async fn commands_find_a_gap_beside_a_busy_writer() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).variable("CALOTYPE_BATCH_ROWS", 1);
    let mut server = Server::start_with(options.clone()).await;
    let client = server.client();
    for number in 0..40 {
        client.upload("/source", &format!("{number}.txt"), "x").await.unwrap().expect(200);
    }
    // Copies one row per transaction, one transaction after the other.
    for number in 0..40 {
        client.copy_folder("/source", &format!("/copies/{number}"), false).await.unwrap().expect(200);
    }
    let last = client.copy_folder("/source", "/copies/last", false).await.unwrap().expect(200);
    let before = client.job_status(last.text("jobId")).await.unwrap();
    let made = told_json(&options, &["create", "--print-private", "--json"]).await;
    assert_eq!(before.text("status"), "Pending", "the writer was not busy");
    until_answered(&client.with_key(private_of(&made)), None).await;
    client.wait_completed(last.text("jobId"), COMMAND_MAX).await;
    server.assert_no_panic();
    server.term().await;
    server.fsck().await;
}

#[tokio::test]
async fn wrong_commands_say_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data"));
    let error = error_of(&options, &["list"]).await;
    assert!(error.starts_with("error: there is no library in "), "{error}");
    assert!(!options.data.exists(), "nothing is made by the way");
    // What cannot be looked into is not taken for nothing.
    let endless = directory.path().join("endless");
    std::os::unix::fs::symlink(&endless, &endless).expect("a link");
    let error = error_of(&Options::new(endless), &["list"]).await;
    assert!(error.contains("cannot look into") && error.contains("run this as the user"), "{error}");

    let mut server = Server::start_with(options.clone()).await;
    server.term().await;
    let cases: [(&[&str], &str); 9] = [
        (&["create"], "error: the private key would go to something that is no terminal; add --print-private"),
        (&["create", "--print-private", "--rights", "files=all"], "The rights in an area are none, read, write."),
        (&["create", "--print-private", "--rights", "files"], "Write full, or areas with their rights"),
        (&["create", "--print-private", "--name", ""], "error: --name takes 1 to 100 characters"),
        (
            &["create", "--print-private", "--expires", "2020-01-01T00:00:00Z"],
            "error: --expires must be a time to come",
        ),
        (&["create", "--print-private", "--expires", "soon"], "write a number and a unit, such as 90d"),
        (&["roll", "nothing", "--print-private"], "error: there is no such key pair; give an id or a public key"),
        (
            &["roll", "public_integration_tests", "--print-private", "--grace", "91d"],
            "error: --grace is 90 days at most",
        ),
        (&["revoke", "public_integration_tests"], "error: Nobody could do everything without this key pair"),
    ];
    for (arguments, message) in cases {
        let error = error_of(&options, arguments).await;
        assert!(error.contains(message), "keys {arguments:?}: {error}");
    }
    assert_eq!(told_json(&options, &["list", "--json"]).await.as_array().map(Vec::len), Some(1), "nothing was made");

    let mut other = options.clone();
    other.set_variable("CALOTYPE_SECRET", "not the secret of this library");
    let error = error_of(&other, &["list"]).await;
    assert!(error.contains("the server secret is not the one"), "{error}");
    assert!(!keys(&options, &["nonsense"]).await.status.success());
}

#[tokio::test]
async fn a_private_key_goes_to_a_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data"));
    let mut server = Server::start_with(options.clone()).await;
    let file = directory.path().join("new-key");
    let file_name = file.to_str().expect("UTF-8");
    assert_eq!(told(&options, &["create", "--name", "for a file", "--to", file_name]).await, "");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let private = text.lines().find_map(|line| line.strip_prefix("Private key")).expect("a private key").trim();
    until_answered(&server.client().with_key(private), None).await;

    let again = error_of(&options, &["create", "--to", file_name]).await;
    assert!(again.contains("exists; give another file"), "{again}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let shown = told(&options, &["show", PUBLIC]).await;
    assert!(shown.contains("Private key  …ests") && !shown.contains(PRIVATE_KEY), "{shown}");
    assert!(told(&options, &["show", PUBLIC, "--private"]).await.contains(PRIVATE_KEY));
    server.term().await;
}
const PUBLIC: &str = "public_integration_tests";

#[tokio::test]
async fn every_server_sees_a_change_within_seconds() {
    let Some(database) = fresh_database("two_servers").await else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = directory.path().join("blobs");
    let options = |name: &str| {
        Options::new(directory.path().join(name))
            .catalog(Some(&database.url))
            .variable("CALOTYPE_BLOBS", blobs.display())
            .variable("CALOTYPE_SECRET", "a secret that both servers share")
    };
    let mut one = Server::start_with(options("one")).await;
    let mut two = Server::start_with(options("two")).await;
    let made = one.client().post("/calotype/v1/keys", json!({ "rights": "full" })).await.unwrap().expect(201);
    let private = private_of(&made.body).to_owned();
    let (at_one, at_two) = (one.client().with_key(&private), two.client().with_key(&private));
    assert_eq!(at_one.list("/").await.unwrap().status, 200, "at once where it was made");
    until_answered(&at_two, None).await;

    let path = format!("/calotype/v1/keys/{}", made.text("id"));
    at_two.send(Method::DELETE, &path, None).await.unwrap().expect(204);
    assert_eq!(at_two.list("/").await.unwrap().status, 403, "at once where it was revoked");
    until_answered(&at_one, Some(UNKNOWN_KEY)).await;
    for server in [&mut one, &mut two] {
        server.assert_no_panic();
        server.term().await;
    }
}

#[tokio::test]
async fn no_private_key_is_in_a_log_or_in_the_catalog() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options::new(directory.path().join("data")).variable("RUST_LOG", "trace");
    let mut server = Server::start_with(options.clone()).await;
    let client = server.client();
    let made = client.post("/calotype/v1/keys", json!({ "rights": "full" })).await.unwrap().expect(201);
    let roll = format!("/calotype/v1/keys/{}/roll", made.text("id"));
    let rolled = client.post(&roll, json!({})).await.unwrap().expect(201);
    let of_command = told_json(&options, &["create", "--print-private", "--json"]).await;
    let mut private = vec![PRIVATE_KEY.to_owned(), "private_unknown_0123456789".to_owned()];
    private.extend([&made.body, &rolled.body, &of_command].map(|made| private_of(made).to_owned()));
    for key in &private {
        let client = client.with_key(key);
        client.list("/").await.unwrap();
        client.upload("/", "a.txt", "x").await.unwrap();
        client.send(Method::POST, "/v1/folder", Some(json!({ "broken": key.len() }))).await.unwrap();
    }
    server.kill9();
    let log = server.log_text();
    assert!(log.contains("DEBUG") && log.contains("answered"), "the log is not as talkative as this test needs");
    let catalog: Vec<u8> = ["catalog.db", "catalog.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(options.data.join(name)).unwrap())
        .collect();
    assert!(holds(&catalog, made.text("publicKey").as_bytes()), "the catalog has the pairs");
    for key in &private {
        for form in forms(key) {
            assert!(!log.contains(&form), "{form} is in the log");
            assert!(!holds(&catalog, form.as_bytes()), "{form} is in the catalog");
        }
    }
    assert!(!holds_anywhere(&options.data, private[2].as_bytes()), "a private key is in the data directory");
}

/// A key as it is, and as it goes over the wire.
fn forms(key: &str) -> Vec<String> {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{key}:"));
    // The last characters depend on what follows.
    vec![key.to_owned(), encoded[..encoded.len() - 4].to_owned()]
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn holds_anywhere(directory: &Path, part: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { holds_anywhere(&path, part) } else { holds(&std::fs::read(&path).unwrap(), part) }
    })
}
