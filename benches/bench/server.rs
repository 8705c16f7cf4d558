//! The server under test, as a child process: started, watched, stopped.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;

pub const PRIVATE_KEY: &str = "private_benchmark_0123456789abcdef";
const PUBLIC_KEY: &str = "public_benchmark_0123456789abcdef";

/// Starting applies migrations and looks for work left behind; neither grows with the library.
const START_MAX: Duration = Duration::from_secs(60);
/// Closing the catalog writes what its journal still holds.
const STOP_MAX: Duration = Duration::from_secs(120);
/// Lines of the server's log that are kept to explain a failure.
const LOG_LINES_MAX: usize = 30;

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    log: Log,
}

type Log = Arc<Mutex<VecDeque<String>>>;

impl Server {
    /// `arguments` are more flags of `serve`.
    pub fn start(data: &Path, catalog: &str, arguments: &[&str]) -> Result<Server> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calotype"));
        // Settings of whoever runs the benchmark must not reach the server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CALOTYPE_")) {
            command.env_remove(name);
        }
        command.arg("serve").arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--catalog", catalog]);
        command.args(["--log-format", "json"]).args(arguments);
        command.env("CALOTYPE_PRIVATE_KEY", PRIVATE_KEY).env("CALOTYPE_PUBLIC_KEY", PUBLIC_KEY);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;

        let log = Log::default();
        let (sender, receiver) = mpsc::channel();
        let (stderr, lines) = (child.stderr.take().ok_or("no stderr")?, log.clone());
        // Ends with the server, whose end closes the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
                if let Some(address) = listening_address(&line) {
                    sender.send(address).ok();
                }
                let mut lines = lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                lines.push_back(line);
                if lines.len() > LOG_LINES_MAX {
                    lines.pop_front();
                }
            }
        });
        match receiver.recv_timeout(START_MAX) {
            Ok(address) => Ok(Server { child, address, log }),
            Err(_) => {
                child.kill().ok();
                child.wait().ok();
                Err(format!("the server did not start; its log:\n{}", last_lines(&log)).into())
            }
        }
    }

    /// Asks the server to end, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        let start = Instant::now();
        while start.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait()? {
                if status.success() {
                    return Ok(());
                }
                return Err(format!("the server ended with {status}; its log:\n{}", last_lines(&self.log)).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("the server did not stop; its log:\n{}", last_lines(&self.log)).into())
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub fn resident_mb(&self) -> Result<f64> {
        self.memory_mb("VmRSS:")
    }

    /// The most memory used since `reset_peak`.
    pub fn peak_mb(&self) -> Result<f64> {
        self.memory_mb("VmHWM:")
    }

    pub fn reset_peak(&self) -> Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    fn memory_mb(&self, field: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(field)).ok_or("no memory figures")?;
        let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no memory figures")?.parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Server {
    /// For the ways out that did not stop it.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// The address in the log line that tells it; its fields stand in `fields` or at the top.
fn listening_address(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = line.get("fields").unwrap_or(&line);
    (fields["message"] == "listening").then(|| fields["address"].as_str()?.parse().ok()).flatten()
}

fn last_lines(log: &Log) -> String {
    let lines = log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    lines.iter().cloned().collect::<Vec<_>>().join("\n")
}
