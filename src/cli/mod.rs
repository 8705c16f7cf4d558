//! The commands; one file each.

/// Like `println!`, but if nobody listens only the words are lost: what a command came to is in its exit code.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write;
        drop(writeln!(std::io::stdout().lock(), $($words)*));
    }};
}

mod backup;
mod fsck;
mod healthcheck;
mod keys;
mod log;
mod restore;
mod serve;
mod tls;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::chain;
use crate::config;

/// A self-hosted media library that speaks the ImageKit REST API.
#[derive(Parser)]
#[command(
    name = "calotype",
    version,
    about,
    after_help = "Try: calotype serve\nEvery setting is a flag and a CALOTYPE_… variable; see calotype serve --help."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (stop it with Ctrl-C or SIGTERM)
    Serve(Box<config::Serve>),
    /// Check every invariant of a library whose server is stopped; fails when one is broken
    Fsck(fsck::Fsck),
    /// Make, show, roll and revoke key pairs; the server may run meanwhile
    #[command(subcommand)]
    Keys(keys::Command),
    /// Copy a library, while its server runs or not, into a directory
    Backup(Box<backup::Backup>),
    /// Bring a backup back into an empty directory
    Restore(Box<restore::Restore>),
    /// Make a certificate for HTTPS
    #[command(subcommand)]
    Tls(tls::Tls),
    /// Ask the server on this machine whether it is ready
    Healthcheck(healthcheck::Healthcheck),
}

/// Runs the command line; what `main` calls.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime did not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve(settings) => serve::run(*settings).await.map(|()| ExitCode::SUCCESS),
            Command::Fsck(command) => fsck::run(&command).await,
            Command::Keys(command) => keys::run(command).await,
            Command::Backup(command) => backup::run(&command).await,
            Command::Restore(command) => restore::run(&command).await,
            Command::Tls(command) => tls::run(&command),
            Command::Healthcheck(command) => healthcheck::run(&command).await,
        }
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {}", chain(&error));
        ExitCode::FAILURE
    })
}
