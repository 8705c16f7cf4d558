//! `calotype backup`

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use clap::Args;

use crate::blobs::Means;
use crate::config::Place;
use crate::error::Result;
use crate::library::backup::{self, Outcome, Progress};

/// How often a person at a terminal sees how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Settings of `calotype backup`.
#[derive(Args)]
#[command(after_help = "\
The server may run meanwhile. Whatever it had acknowledged when the backup began is in the backup.
Run it again with the same --to: only files that are new are brought, and the backup before stays
whole until the new one is. A backup holds the secret that opens the private keys; keep it as safe
as the library. Bring it back with: calotype restore --from DIR --data NEW_DIR

Example, once a night:
  calotype backup --data /var/lib/calotype --to /mnt/backup/calotype")]
pub struct Backup {
    #[command(flatten)]
    place: Place,
    /// Directory of the backup; made if it does not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copy all bytes and compare them, also where a hard link would do (on the same file system)
    #[arg(long)]
    copy: bool,
}

/// Makes or renews a backup; fails when blobs are missing or damaged.
pub async fn run(command: &Backup) -> Result<ExitCode> {
    let began = Instant::now();
    let told = Teller::new("backed up");
    let outcome =
        backup::make(&command.place, &command.to, means(command.copy), &|progress| told.tell(progress)).await?;
    told.end();
    let blobs = outcome.blobs;
    say!(
        "backed up to {}: the catalog and {} blobs, {} bytes ({} were there, {} linked, {} copied) in {:.1} s",
        command.to.display(),
        blobs.count,
        blobs.bytes,
        outcome.present,
        outcome.linked,
        outcome.copied,
        began.elapsed().as_secs_f64()
    );
    Ok(verdict(&outcome))
}

/// How blobs are brought.
pub fn means(copy: bool) -> Means {
    if copy { Means::Copy } else { Means::LinkOrCopy }
}

/// Tells what was lost; success if nothing was.
pub fn verdict(outcome: &Outcome) -> ExitCode {
    for line in &outcome.told {
        eprintln!("{line}");
    }
    if outcome.lost == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {} blobs are missing or damaged; everything else is there", outcome.lost);
    ExitCode::FAILURE
}

/// Tells a person at a terminal how far it is, in one line that is written again and again.
pub struct Teller {
    verb: &'static str,
    last: Option<Mutex<Instant>>,
}

impl Teller {
    /// `verb` is what happens to blobs, in the past tense.
    pub fn new(verb: &'static str) -> Teller {
        Teller { verb, last: std::io::stderr().is_terminal().then(|| Mutex::new(Instant::now())) }
    }

    /// Tells, unless it has just done so.
    pub fn tell(&self, progress: Progress) {
        let Some(last) = &self.last else { return };
        // The guarded section cannot panic, so the lock cannot be poisoned.
        let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= TELL_EVERY {
            *last = Instant::now();
            eprint!("\r{} {} of {} blobs", self.verb, progress.done, progress.all.count);
        }
    }

    /// Leaves the line for what comes next.
    pub fn end(&self) {
        if self.last.is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
