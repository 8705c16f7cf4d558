//! `calotype restore`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::backup::{Teller, means, verdict};
use crate::config::Place;
use crate::error::Result;
use crate::library::backup;

/// Settings of `calotype restore`.
#[derive(Args)]
#[command(after_help = "\
--data must be a new or empty directory; with --catalog postgres://… the database must be empty too.
The restored library has the same files, ids, jobs and keys. Jobs that were unfinished go on when the
server starts. A backup of an earlier version is brought up to date.

Example:
  calotype restore --from /mnt/backup/calotype --data /var/lib/calotype-new
  calotype fsck --data /var/lib/calotype-new")]
pub struct Restore {
    #[command(flatten)]
    place: Place,
    /// Directory of the backup
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Copy all bytes and compare them, also where a hard link would do (on the same file system)
    #[arg(long)]
    copy: bool,
}

/// Brings a backup back; fails when blobs are missing or damaged.
pub async fn run(command: &Restore) -> Result<ExitCode> {
    let told = Teller::new("restored");
    let outcome =
        backup::restore(&command.from, &command.place, means(command.copy), &|progress| told.tell(progress)).await?;
    told.end();
    say!(
        "restored to {}: the catalog and {} blobs, {} bytes ({} linked, {} copied)",
        command.place.data.display(),
        outcome.blobs.count,
        outcome.blobs.bytes,
        outcome.linked,
        outcome.copied
    );
    Ok(verdict(&outcome))
}
