//! `calotype fsck`

use std::process::ExitCode;

use clap::Args;

use crate::app::Parts;
use crate::config::Place;
use crate::error::Result;
use crate::library::vault::Vault;
use crate::library::{check, keys};

/// Settings of `calotype fsck`.
#[derive(Args)]
pub struct Fsck {
    #[command(flatten)]
    place: Place,
    /// Do not look at the blobs, only at the catalog
    #[arg(long)]
    catalog_only: bool,
}

/// Prints one line for each violation, or what was checked.
pub async fn run(command: &Fsck) -> Result<ExitCode> {
    if command.place.is_sqlite() {
        command.place.catalog_file()?;
    }
    let parts = Parts::open(&command.place).await?;
    let mut found = check::check(&parts.db, (!command.catalog_only).then_some(&parts.blobs)).await?;
    found.violations.extend(keys::damaged(&parts.db, &Vault::of(&parts.secret)).await?);
    parts.db.close().await;
    for violation in &found.violations {
        say!("{violation}");
    }
    let blobs = found.blobs.map(|count| format!(", {count} blobs")).unwrap_or_default();
    say!(
        "checked {} folders, {} files, {} older versions, {} contents{blobs}",
        found.folders,
        found.files,
        found.older_versions,
        found.contents
    );
    if found.violations.is_empty() {
        say!("all invariants hold");
        return Ok(ExitCode::SUCCESS);
    }
    say!("{} violations", found.violations.len());
    Ok(ExitCode::FAILURE)
}
