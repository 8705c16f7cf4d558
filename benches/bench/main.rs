//! The benchmark of the folder jobs, the listing, the job status, uploads and downloads, each beside its own limit.
//!
//! ```text
//! cargo bench --bench bench                              every measurement at 1,000, 100,000 and 1,000,000 files
//! cargo bench --bench bench -- --json result.json        the same figures as JSON too
//! cargo bench --bench bench -- --only copy,status        some of them
//! cargo bench --bench bench -- --quick                   a smoke test; takes seconds; its verdicts mean nothing
//! cargo bench --bench bench -- --only copy --sizes 1000,100000,1000000,10000000
//! cargo bench --bench bench -- --catalog sqlite --catalog postgres://user@localhost/postgres
//! ```
//!
//! It starts the real server as a child process over a library that it makes itself (`seed.rs`), in a directory and,
//! for PostgreSQL, in databases of its own, which it removes at the end. With a PostgreSQL URL the user must be
//! allowed to create databases. A full run on SQLite needs 10 GB of disk, one at 10,000,000 files 45 GB. It ends
//! with status 1 when a limit is missed, and with 2 when it could not measure.
//!
//! What the rows mean:
//!
//! - **move, rename, delete**: from sending the request until the job's status says `Completed` (delete: until the
//!   answer). `seconds` is the median; `ratio` compares the largest folder with the smallest.
//! - **copy**: the same for a folder copy. `rate` is in files per second; `peer` is the rate of set-based SQL that
//!   inserts the same rows in the same batches into another fresh copy of the same catalog (`raw.rs`); the two take
//!   turns; `ratio` is server to peer. *copy growth* compares the rates of two sizes, *copy memory* is the server's
//!   peak above what it used when idle, *copy log* the longest that SQLite's write-ahead log has been, and *copy mark*
//!   compares the rate with the first mark set for SQLite.
//! - **foreground**: an upload and a listing, each 20 times a second, on an idle server and during copies of the
//!   largest folder. A request is timed from the moment it was due if the one before it was late.
//! - **merge**: a folder is moved onto one that has half of its names, the largest once more beside the foreground; and onto
//!   an empty one, which depends on the direct children alone (`ratio` to the smallest).
//! - **queue**: 10,000 copies of a folder of ten files, submitted over 16 connections; from the first submission until the
//!   last is `Completed`.
//! - **servers**: two copies side by side by one server and by two over one PostgreSQL catalog; `peer` is the one. Beside them
//!   the foreground.
//! - **page**: the first 100 of a folder, by creation and by name; `ratio` compares the largest with the smallest.
//! - **status**: requests per second of the job status over 32 connections; `peer` is a bare axum handler that
//!   answers with the same bytes, in a process of its own. Client and server share the machine.
//! - **download**: originals of 20 KB over 32 connections and of 100 MB over 4; `peer` is nginx over a directory with the
//!   same bytes, in turns with the server. It is left out where nginx is not installed.
//! - **upload**: durable uploads of 20 KB images per second over 32 connections; `peer` is a bare loop with as many
//!   writers that writes and syncs such files and commits such rows, one upload a transaction (`uploads.rs`); the two
//!   take turns.
//! - **auth**: CPU time of the server for one request with a key (key, rights, request id, the route's own work on a
//!   remembered job status, and on the second row the limit on requests), less that of the bare handler.
//!
//! `idle` and `peak` are the resident memory of the server process in MB (for PostgreSQL without the database's).

#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock and the environment")]

mod auth;
mod bare;
mod client;
mod content;
mod contention;
mod download;
mod foreground;
mod library;
mod nginx;
mod raw;
mod report;
mod requests;
mod rows;
mod seed;
mod server;
mod uploads;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use clap::Parser;

use library::{Catalog, Library};
use report::Report;
use rows::{Effort, Section};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Above this size a library holds one tree only, because it is gigabytes that the other measurements would drag along.
const SHARED_LIBRARY_FILES_MAX: u64 = 1_000_000;

/// Measures the folder jobs, the listing and the job status.
#[derive(Parser)]
#[command(name = "bench")]
struct Options {
    /// Numbers of files in the folders measured
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<u64>,
    /// `sqlite`, or the URL of a PostgreSQL server on which databases may be created; may be repeated
    #[arg(long, default_value = "sqlite", value_parser = Catalog::from_str)]
    catalog: Vec<Catalog>,
    /// Write all figures to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Measure these only
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Section>,
    /// Where to make the library [default: Cargo's directory for temporary files]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Sizes 100, 1,000 and 10,000 and few repetitions: shows that it works, not how fast
    #[arg(long)]
    quick: bool,
    /// Leave the library in place and say where it is
    #[arg(long)]
    keep: bool,
    /// Rows in one transaction of the raw SQL peer
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..))]
    batch_rows: u32,
    /// Serve the bare handler that the job status is compared with; used by this program on itself
    #[arg(long, hide = true)]
    bare: bool,
    /// Cargo adds this
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.bare {
        return finish(bare::serve().map(|()| ExitCode::SUCCESS));
    }
    if cfg!(debug_assertions) && !options.quick {
        // `cargo test --all-targets` runs this program without arguments; that is not a failure.
        let started_by_test = std::env::args_os().len() == 1;
        eprintln!("bench: not run, figures of a debug build mean nothing; use `cargo bench`, or add --quick");
        return if started_by_test { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    // One thread: the server under test needs the other core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    finish(runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(measure_all(options))))
}

fn finish(outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::from(2)
    })
}

async fn measure_all(options: Options) -> Result<ExitCode> {
    let mut sizes = if options.quick { vec![100, 1_000, 10_000] } else { options.sizes.clone() };
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.first().is_none_or(|&size| size == 0 || size > u64::from(u32::MAX)) {
        return Err("--sizes takes numbers of files from 1".into());
    }
    check_can_measure(&options, &sizes)?;
    let mut effort =
        Effort { batch_rows: options.batch_rows, ..if options.quick { Effort::QUICK } else { Effort::FULL } };
    effort.sections = options.only.clone();

    let parent = options.dir.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    std::fs::create_dir_all(&parent)?;
    let scratch = tempfile::Builder::new().prefix("bench-").tempdir_in(&parent)?;
    let mut report = Report::new();
    report.print_machine();
    for catalog in &options.catalog {
        measure_catalog(catalog, &sizes, &effort, scratch.path(), options.keep, &mut report).await?;
    }
    if options.keep {
        eprintln!("bench: kept {}", scratch.keep().display());
    }
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()?)?;
    }
    let failed = report.misses_a_limit() && !options.quick;
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What is asked for by name must be measured, or a run that prints nothing would look like one that went well.
fn check_can_measure(options: &Options, sizes: &[u64]) -> Result<()> {
    let shared_sizes = sizes.iter().filter(|&&size| size <= SHARED_LIBRARY_FILES_MAX).count();
    for section in &options.only {
        let (name, sizes_min) = (section.name(), section.sizes_min());
        if shared_sizes < sizes_min {
            return Err(format!(
                "--only {name} needs at least {sizes_min} of --sizes up to {SHARED_LIBRARY_FILES_MAX}, such as 1000,10000"
            )
            .into());
        }
        if *section == Section::Servers
            && !options.catalog.iter().any(|catalog| matches!(catalog, Catalog::Postgres(_)))
        {
            return Err(format!("--only {name} needs a --catalog postgres://…").into());
        }
    }
    Ok(())
}

/// Sizes up to the shared maximum live in one library; each larger one gets its own, for its copies only.
async fn measure_catalog(
    catalog: &Catalog,
    sizes: &[u64],
    effort: &Effort,
    scratch: &Path,
    keep: bool,
    report: &mut Report,
) -> Result<()> {
    let (shared, large): (Vec<u64>, Vec<u64>) = sizes.iter().partition(|&&size| size <= SHARED_LIBRARY_FILES_MAX);
    let mut copy_rates = Vec::new();
    let alone = large
        .into_iter()
        .filter(|_| effort.measures(Section::Copy) || effort.measures(Section::Foreground))
        .map(|size| vec![size]);
    for group in [shared].into_iter().chain(alone).filter(|group| !group.is_empty()) {
        let library = Library::create(catalog, scratch, &group).await?;
        let outcome = unless_interrupted(rows::measure(&library, effort, &mut copy_rates, report)).await;
        if keep {
            eprintln!("bench: kept {}", library.describe());
        } else {
            library.remove().await?;
        }
        outcome?;
    }
    Ok(())
}

/// So that Ctrl-C, too, leaves nothing behind.
async fn unless_interrupted<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        outcome = work => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}
