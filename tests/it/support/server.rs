//! The real binary as a child process: started, killed, stopped, started again, and checked.
//!
//! What it writes to stderr is kept in a file outside the data directory (which may be full, or gone), and every
//! failure shows the end of it. Every wait has a bound.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use super::client::Client;

/// The key pair that every server of these tests is started with.
pub const PRIVATE_KEY: &str = "private_integration_tests";
pub const PUBLIC_KEY: &str = "public_integration_tests";

/// Starting takes well under a second; a loaded CI machine, or one under strace, may need more.
const START_MAX: Duration = Duration::from_secs(30);
/// A graceful stop waits for the requests under way and for the current batch of a job.
const STOP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// How much of the log a failure message shows, in bytes.
const LOG_SHOWN_MAX: usize = 8_000;

/// How to start a server. The defaults are a SQLite catalog and any free port.
#[derive(Clone, Debug)]
pub struct Options {
    pub data: PathBuf,
    /// `None` leaves the flag out, which means SQLite in the data directory.
    pub catalog: Option<String>,
    /// More flags of `serve`.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// A program that runs the server: name and arguments. It has to keep the process id (as exec does), because
    /// signals go to it.
    pub wrapper: Vec<String>,
}

impl Options {
    pub fn new(data: impl Into<PathBuf>) -> Options {
        Options {
            data: data.into(),
            catalog: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            wrapper: Vec::new(),
        }
    }

    pub fn catalog(mut self, catalog: Option<&str>) -> Options {
        self.catalog = catalog.map(str::to_owned);
        self
    }

    pub fn argument(mut self, argument: impl Into<String>) -> Options {
        self.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable; the last value given for a name counts.
    pub fn variable(mut self, name: &str, value: impl ToString) -> Options {
        self.set_variable(name, value);
        self
    }

    pub fn set_variable(&mut self, name: &str, value: impl ToString) {
        self.environment.retain(|(set, _)| set != name);
        self.environment.push((name.to_owned(), value.to_string()));
    }

    pub fn wrapper(mut self, program_and_arguments: Vec<String>) -> Options {
        self.wrapper = program_and_arguments;
        self
    }

    /// `calotype serve` with these options, not started.
    pub fn serve(&self) -> Command {
        let mut command = self.command("serve");
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]).args(&self.arguments);
        command
    }

    /// `calotype serve` as a user types it: for starts that should fail. Should one succeed, it is not on the port of
    /// somebody's real server.
    pub fn serve_plainly(&self) -> Command {
        let mut command = self.command("serve");
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(&self.arguments);
        command
    }

    /// `calotype fsck` with these options, not started.
    pub fn fsck(&self) -> Command {
        let mut plain = self.clone();
        plain.wrapper.clear();
        plain.command("fsck")
    }

    /// `calotype keys SUBCOMMAND` with these options, not started.
    pub fn keys(&self, subcommand: &str) -> Command {
        let mut plain = self.clone();
        plain.wrapper.clear();
        plain.command(&format!("keys {subcommand}"))
    }

    /// Any other command, without the data directory.
    pub fn program(&self, subcommand: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
        without_settings(&mut command);
        command.arg(subcommand).args(arguments).stdin(Stdio::null());
        command
    }

    /// A command that takes the place of the library.
    pub fn command(&self, subcommand: &str) -> Command {
        let binary = env!("CARGO_BIN_EXE_calotype");
        let mut command = match self.wrapper.split_first() {
            None => Command::new(binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
        };
        without_settings(&mut command);
        command.args(subcommand.split(' ')).arg("--data").arg(&self.data);
        if let Some(catalog) = &self.catalog {
            command.args(["--catalog", catalog]);
        }
        command
            .env("CALOTYPE_PRIVATE_KEY", PRIVATE_KEY)
            .env("CALOTYPE_PUBLIC_KEY", PUBLIC_KEY)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }
}

/// A developer's own settings must not change what is tested; the tests' own switches are not the server's.
fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CALOTYPE_")) {
            command.env_remove(name);
        }
    }
}

/// A server and the place where its log is kept. Dropping it kills the process.
pub struct Server {
    options: Options,
    child: Option<Child>,
    address: String,
    log: tempfile::NamedTempFile,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub async fn start(data: &Path, catalog: Option<&str>) -> Server {
        Server::start_with(Options::new(data).catalog(catalog)).await
    }

    pub async fn start_with(options: Options) -> Server {
        let log = tempfile::Builder::new().prefix("calotype-log-").tempfile().expect("a file for the log");
        let mut server = Server { options, child: None, address: String::new(), log };
        server.restart().await;
        server
    }

    /// Starts it again on the same data; kills it first if it still runs. The port is a new one.
    pub async fn restart(&mut self) {
        self.kill9();
        let log: File = self.log.reopen().expect("the log file");
        let seen_bytes = log.metadata().expect("the log's length").len() as usize;
        let stderr = File::options().append(true).open(self.log.path()).expect("the log file");
        let child = self.options.serve().stdout(Stdio::null()).stderr(stderr).spawn();
        self.child = Some(child.unwrap_or_else(|error| panic!("could not start {:?}: {error}", self.options.serve())));

        let listening = tokio::time::timeout(START_MAX, async {
            loop {
                // The exit is looked at first: what was logged before it has then all been written.
                let exited = self.child_mut().try_wait().expect("the state of the child");
                if let Some(address) = listening_address(&self.log_text_from(seen_bytes)) {
                    return Ok(address);
                }
                if let Some(status) = exited {
                    return Err(format!("the server ended with {status} before it listened"));
                }
                tokio::time::sleep(POLL).await;
            }
        });
        match listening.await {
            Ok(Ok(address)) => self.address = address,
            Ok(Err(problem)) => panic!("{problem}{}", self.log_end()),
            Err(_) => panic!("the server does not listen after {START_MAX:?}{}", self.log_end()),
        }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// For the next start.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `http://127.0.0.1:PORT`
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client for the address it listens on now.
    pub fn client(&self) -> Client {
        Client::new(&self.base())
    }

    pub fn process_id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().expect("the state of the child").is_none())
    }

    /// `kill -9`: nothing of the process runs any more when this returns.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // An error means that it has ended by itself, which is as good.
            let _ = child.kill();
            child.wait().expect("the end of the child");
        }
    }

    /// SIGTERM, and waits for the graceful stop; fails unless the server ends with success.
    pub async fn term(&mut self) {
        let status = self.term_status().await;
        assert!(status.success(), "after SIGTERM the server ended with {status}{}", self.log_end());
    }

    async fn term_status(&mut self) -> ExitStatus {
        let id = self.child_mut().id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().expect("sh for kill -TERM");
        assert!(sent.success(), "could not send SIGTERM: {sent}{}", self.log_end());
        self.end_status().await
    }

    /// Waits for the end of a server that was told to stop; fails unless it ends with success.
    pub async fn ended(&mut self) {
        let status = self.end_status().await;
        assert!(status.success(), "the server ended with {status}{}", self.log_end());
    }

    async fn end_status(&mut self) -> ExitStatus {
        let stopped = tokio::time::timeout(STOP_MAX, async {
            loop {
                if let Some(status) = self.child_mut().try_wait().expect("the state of the child") {
                    return status;
                }
                tokio::time::sleep(POLL).await;
            }
        });
        let Ok(status) = stopped.await else {
            panic!("the server has not stopped {STOP_MAX:?} after SIGTERM{}", self.log_end());
        };
        self.child = None;
        status
    }

    /// Runs `calotype fsck` and fails with what it printed. The server has to be stopped: the data directory belongs
    /// to one process at a time.
    pub async fn fsck(&mut self) {
        assert!(!self.is_running(), "stop the server before fsck");
        let mut command = self.options.fsck();
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("fsck's thread");
        let output = output.expect("calotype fsck starts");
        assert!(output.status.success(), "fsck is not content:\n{}{}", describe(&output), self.log_end());
    }

    /// Everything the server has written to stderr, over all its starts.
    pub fn log_text(&self) -> String {
        self.log_text_from(0)
    }

    fn log_text_from(&self, start: usize) -> String {
        let bytes = std::fs::read(self.log.path()).expect("the log file");
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }

    /// The end of the log, for failure messages.
    pub fn log_end(&self) -> String {
        let text = self.log_text();
        let from = text.len().saturating_sub(LOG_SHOWN_MAX);
        let from = (from..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        format!("\n--- end of the server's log ---\n{}---", &text[from..])
    }

    /// Fails when the server has logged a panic: a request that ends in one looks like any other 500 from outside.
    pub fn assert_no_panic(&self) {
        let text = self.log_text();
        let panicked = text.lines().find(|line| line.contains("panicked"));
        assert!(panicked.is_none(), "the server panicked: {}{}", panicked.unwrap_or_default(), self.log_end());
    }

    fn child_mut(&mut self) -> &mut Child {
        self.child.as_mut().expect("the server was started and not stopped yet")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs a command of the binary that should end by itself, and kills it if it does not within `bound`.
pub async fn run_bounded(mut command: Command, bound: Duration) -> Output {
    let mut out = tempfile::tempfile().expect("a file for stdout");
    let mut err = tempfile::tempfile().expect("a file for stderr");
    command.stdout(out.try_clone().expect("stdout")).stderr(err.try_clone().expect("stderr"));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("could not start {command:?}: {error}"));
    let ended = tokio::time::timeout(bound, async {
        loop {
            if let Some(status) = child.try_wait().expect("the state of the child") {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
    });
    let ended = ended.await;
    let _ = child.kill();
    let _ = child.wait();
    let (stdout, stderr) = (read_all(&mut out), read_all(&mut err));
    match ended {
        Ok(status) => Output { status, stdout, stderr },
        Err(_) => panic!(
            "{command:?} still runs after {bound:?}\n{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        ),
    }
}

/// A switch of the tests themselves, such as `CI`.
#[expect(clippy::disallowed_methods, reason = "settings of the tests, not of the server")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Exit status, stdout and stderr of a finished command, for failure messages.
pub fn describe(output: &Output) -> String {
    format!(
        "{}\n--- stdout ---\n{}--- stderr ---\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn read_all(file: &mut File) -> Vec<u8> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind().expect("the start of the output");
    file.read_to_end(&mut bytes).expect("the output");
    bytes
}

/// The address in the log line that tells that the server listens. The last line may be half written.
fn listening_address(log: &str) -> Option<String> {
    log.split_inclusive('\n').filter(|line| line.ends_with('\n')).find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let field = |name: &str| line["fields"][name].as_str().or(line[name].as_str());
        (field("message") == Some("listening")).then(|| field("address").map(str::to_owned))?
    })
}

#[test]
fn the_listening_line_is_found_flat_and_nested() {
    let flat = "noise\n{\"message\":\"listening\",\"address\":\"127.0.0.1:1\"}\n";
    let nested = "{\"fields\":{\"message\":\"listening\",\"address\":\"127.0.0.1:2\"},\"level\":\"INFO\"}\n";
    assert_eq!(listening_address(flat).as_deref(), Some("127.0.0.1:1"));
    assert_eq!(listening_address(nested).as_deref(), Some("127.0.0.1:2"));
    assert_eq!(listening_address("{\"message\":\"started\",\"address\":\"127.0.0.1:3\"}\n"), None);
    assert_eq!(listening_address(flat.trim_end()), None, "a line without its end may still grow");
}
