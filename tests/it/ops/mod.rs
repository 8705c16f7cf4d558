//! What an operator does and sees: HTTPS, backups, upgrades, health, metrics, the log, the shutdown.

mod backup;
mod health;
mod log;
mod shutdown;
mod tls;
mod upgrade;

use std::process::{Command, Output};
use std::time::Duration;

use crate::support::server::{describe, run_bounded};

/// For a command that should end by itself.
const COMMAND_MAX: Duration = Duration::from_secs(60);

/// What a command that has to succeed printed on stdout.
async fn output_of(command: Command) -> String {
    let output = run_bounded(command, COMMAND_MAX).await;
    assert!(output.status.success(), "it failed: {}", describe(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// The one line of a command that has to fail.
async fn error_of(command: Command) -> String {
    let output: Output = run_bounded(command, COMMAND_MAX).await;
    assert_eq!(output.status.code(), Some(1), "it did not fail as it should: {}", describe(&output));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "not one line: {stderr}");
    assert!(!stderr.contains("panicked"), "it panicked: {stderr}");
    errors[0].to_owned()
}

/// Sends a signal to a process: `HUP`, `TERM`.
fn send_signal(process_id: u32, signal: &str) {
    let sent = Command::new("sh").args(["-c", "kill -$1 $0", &process_id.to_string(), signal]).status();
    assert!(sent.expect("sh for kill").success(), "could not send SIG{signal}");
}
