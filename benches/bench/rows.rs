//! The measurements, in the order in which they are printed. Each makes the rows of one table.

use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde_json::json;

use crate::Result;
use crate::auth;
use crate::client::{self, Client};
use crate::contention;
use crate::download;
use crate::library::{Catalog, Library};
use crate::raw;
use crate::report::{Limit, Report, Row};
use crate::requests;
use crate::seed::Tree;
use crate::server::Server;
use crate::uploads;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    Move,
    Rename,
    Delete,
    Copy,
    Merge,
    Queue,
    Servers,
    Foreground,
    Page,
    Status,
    Download,
    Upload,
    Auth,
}

impl Section {
    /// What stands on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Sizes that it needs in the library that measurements share: two where it compares them.
    pub fn sizes_min(self) -> usize {
        match self {
            Section::Copy | Section::Foreground => 0,
            Section::Move | Section::Rename | Section::Delete | Section::Page | Section::Status => 2,
            _ => 1,
        }
    }
}

/// How often and how long to measure.
#[derive(Clone)]
pub struct Effort {
    /// Empty means all.
    pub sections: Vec<Section>,
    /// Odd: with the uncounted first run every folder ends where it began.
    pub relink_runs: usize,
    pub copy_runs: usize,
    pub foreground_samples: usize,
    pub page_requests: usize,
    pub status_runs: usize,
    pub status_load: Duration,
    pub batch_rows: u32,
    /// A smoke test: little of everything.
    pub is_quick: bool,
}

impl Effort {
    pub const FULL: Effort = Effort {
        sections: Vec::new(),
        relink_runs: 15,
        copy_runs: 3,
        foreground_samples: 400,
        page_requests: 200,
        status_runs: 3,
        status_load: Duration::from_secs(5),
        batch_rows: 4_000,
        is_quick: false,
    };
    pub const QUICK: Effort = Effort {
        sections: Vec::new(),
        relink_runs: 3,
        copy_runs: 1,
        foreground_samples: 20,
        page_requests: 20,
        status_runs: 1,
        status_load: Duration::from_millis(500),
        batch_rows: 4_000,
        is_quick: true,
    };

    pub fn measures(&self, section: Section) -> bool {
        self.sections.is_empty() || self.sections.contains(&section)
    }
}

/// Above this size one copy must do; it takes minutes.
const REPEATED_COPY_FILES_MAX: u64 = 1_000_000;
/// The limits of a copy hold from this size on; below, starting a job counts for more than its rows.
const JUDGED_COPY_FILES_MIN: u64 = 1_000_000;
const DELETE_WARM_UPS: usize = 3;
/// What the deletion of a small folder leaves to be done is done in this time.
const DELETE_PAUSE: Duration = Duration::from_millis(200);
const COPY_MARK_FILES_PER_SECOND: f64 = 250_000.0;
const COPY_MEMORY_ABOVE_IDLE_MB: f64 = 200.0;
const COPY_LOG_MB: f64 = 200.0;

/// Measures one library. The rates of copies are handed on, to be compared across libraries.
pub async fn measure(
    library: &Library,
    effort: &Effort,
    copy_rates: &mut Vec<(u64, f64)>,
    report: &mut Report,
) -> Result<()> {
    let catalog = library.catalog.to_string();
    let mut add = |title: &str, mut rows: Vec<Row>| {
        for row in &mut rows {
            row.catalog.clone_from(&catalog);
        }
        report.add_section(&format!("{title} ({catalog})"), rows);
    };
    let trees = &library.seeded.trees;
    let (Some(small), Some(large)) = (trees.first(), trees.last()) else { return Ok(()) };
    // A library for a single large size is there for its copies.
    let shared_sizes = if large.size > crate::SHARED_LIBRARY_FILES_MAX { 0 } else { trees.len() };
    let measures = |section: Section| effort.measures(section) && section.sizes_min() <= shared_sizes;
    let mut rows = Vec::new();
    if measures(Section::Move) || measures(Section::Rename) {
        rows.extend(moves_and_renames(library, effort, [small, large]).await?);
    }
    if measures(Section::Delete) {
        rows.extend(deletes(library, effort, [small, large]).await?);
    }
    if !rows.is_empty() {
        add("Folder move, rename, delete", rows);
    }
    if measures(Section::Copy) {
        add("Folder copy", copies(library, effort, copy_rates).await?);
    }
    if measures(Section::Merge) {
        add("Folder merge", contention::merges(library, effort).await?);
    }
    if measures(Section::Queue) {
        add("A queue of small jobs", contention::queue(library, effort).await?);
    }
    if measures(Section::Servers) && matches!(library.catalog, Catalog::Postgres(_)) {
        add("Two servers", contention::servers(library, effort, large).await?);
    }
    if measures(Section::Foreground) {
        add("Foreground requests", requests::foreground(library, effort, large).await?);
    }
    if measures(Section::Page) {
        add("First page of a folder", requests::pages(library, effort).await?);
    }
    if measures(Section::Status) {
        add("Job status", requests::statuses(library, effort, small, large).await?);
    }
    if measures(Section::Upload) {
        add("Uploads", uploads::rates(library, effort).await?);
    }
    if measures(Section::Auth) {
        add("Authenticated request", auth::overheads(library, effort, small).await?);
    }
    if measures(Section::Download) {
        add("Download of originals", download::downloads(library, effort).await?);
    }
    Ok(())
}

/// A server on a fresh catalog, with its first read and first write behind it.
pub struct Bench {
    pub server: Server,
    pub client: Client,
    pub idle_mb: f64,
}

impl Bench {
    pub async fn start(library: &Library) -> Result<Bench> {
        Bench::start_with(library, &[]).await
    }

    /// The same with more flags for the server.
    pub async fn start_with(library: &Library, arguments: &[&str]) -> Result<Bench> {
        library.make_fresh().await?;
        let server = library.start_server(arguments)?;
        let mut client = Client::connect(server.address).await?;
        client.get_json("/v1/files?path=/&limit=10").await?;
        let warm_up = json!({ "folderName": "warm-up", "parentFolderPath": "/" });
        client.succeed(&client::with_json("POST", "/v1/folder", &warm_up)).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let idle_mb = server.resident_mb()?;
        server.reset_peak()?;
        Ok(Bench { server, client, idle_mb })
    }

    /// Completes a row with the server's memory, and begins to watch for the next peak.
    pub fn with_memory(&self, row: Row) -> Result<Row> {
        let row = Row { idle_mb: Some(self.idle_mb), peak_mb: Some(self.server.peak_mb()?), ..row };
        self.server.reset_peak()?;
        Ok(row)
    }
}

/// Moves both folders away and back, and renames them, in turns.
async fn moves_and_renames(library: &Library, effort: &Effort, trees: [&Tree; 2]) -> Result<Vec<Row>> {
    let mut bench = Bench::start(library).await?;
    let mut rows = Vec::new();
    for (section, kind) in [(Section::Move, "moveFolder"), (Section::Rename, "renameFolder")] {
        if !effort.measures(section) {
            continue;
        }
        let mut times = [Vec::new(), Vec::new()];
        let mut peaks = [0.0_f64; 2];
        // The run before the first is not counted. Every second one undoes the one before it.
        for run in 0..=effort.relink_runs {
            for (index, tree) in trees.iter().enumerate() {
                let (name, back) = (tree.name(), run % 2 == 1);
                let arguments = match (section, back) {
                    (Section::Move, false) => json!({ "sourceFolderPath": tree.path(), "destinationPath": "/parked" }),
                    (Section::Move, true) => {
                        json!({ "sourceFolderPath": format!("/parked/{name}"), "destinationPath": "/bench" })
                    }
                    (_, false) => json!({ "folderPath": tree.path(), "newFolderName": format!("{name}-renamed") }),
                    (_, true) => json!({ "folderPath": format!("{}-renamed", tree.path()), "newFolderName": name }),
                };
                bench.server.reset_peak()?;
                let time = bench.client.time_job(kind, &arguments).await?;
                peaks[index] = peaks[index].max(bench.server.peak_mb()?);
                if run > 0 {
                    times[index].push(time.as_secs_f64());
                }
            }
        }
        let name = if section == Section::Move { "move" } else { "rename" };
        rows.extend(relink_rows(name, trees, &times, bench.idle_mb, peaks));
    }
    bench.server.stop()?;
    Ok(rows)
}

/// Deletes the small folder, then the large one, of a fresh library each time. In the other order, the removal of a
/// million rows that may follow a deletion would slow the small one and flatter the ratio.
async fn deletes(library: &Library, effort: &Effort, trees: [&Tree; 2]) -> Result<Vec<Row>> {
    let mut times = [Vec::new(), Vec::new()];
    let mut peaks = [0.0_f64; 2];
    let mut idle_mb = 0.0;
    for _ in 0..effort.relink_runs {
        let mut bench = Bench::start(library).await?;
        idle_mb = bench.idle_mb;
        // Both folders are moved away and back, and copies of the small one deleted, so that the first deletion counted
        // finds nothing colder than the second. (PostgreSQL writes a page in full when it first changes.)
        for tree in trees {
            for (from, to) in [(tree.path(), "/parked"), (format!("/parked/{}", tree.name()), "/bench")] {
                let arguments = json!({ "sourceFolderPath": from, "destinationPath": to });
                bench.client.time_job("moveFolder", &arguments).await?;
            }
        }
        for number in 0..DELETE_WARM_UPS {
            let place = format!("/copies/warm-up-{number}");
            let arguments = json!({ "sourceFolderPath": trees[0].path(), "destinationPath": place });
            bench.client.time_job("copyFolder", &arguments).await?;
            let copy = json!({ "folderPath": format!("{place}/{}", trees[0].name()) });
            bench.client.succeed(&client::with_json("DELETE", "/v1/folder", &copy)).await?;
            tokio::time::sleep(DELETE_PAUSE).await;
        }
        for (index, tree) in trees.iter().enumerate() {
            let request = client::with_json("DELETE", "/v1/folder", &json!({ "folderPath": tree.path() }));
            bench.server.reset_peak()?;
            let start = Instant::now();
            bench.client.succeed(&request).await?;
            times[index].push(start.elapsed().as_secs_f64());
            peaks[index] = peaks[index].max(bench.server.peak_mb()?);
            // What follows the deletion of the small folder is over by then.
            tokio::time::sleep(DELETE_PAUSE).await;
        }
        bench.server.stop()?;
    }
    Ok(relink_rows("delete", trees, &times, idle_mb, peaks))
}

fn relink_rows(name: &str, trees: [&Tree; 2], times: &[Vec<f64>; 2], idle_mb: f64, peaks: [f64; 2]) -> Vec<Row> {
    let [small, large] = [median(&times[0]), median(&times[1])];
    let row = |index: usize, seconds: f64| Row {
        section: "relink",
        measure: name.to_string(),
        size: Some(trees[index].size),
        runs: Some(times[index].len()),
        seconds: Some(seconds),
        rate: Some(1.0 / seconds),
        rate_unit: Some("jobs/s"),
        idle_mb: Some(idle_mb),
        peak_mb: Some(peaks[index]),
        ..Row::default()
    };
    let compared = Row { ratio: Some(large / small), limit: Some(Limit::RatioAtMost(1.5)), ..row(1, large) };
    vec![row(0, small), compared]
}

/// What was measured of the copies of one tree.
#[derive(Default)]
struct CopyTimes {
    server: Vec<f64>,
    raw: Vec<f64>,
    idle_mb: f64,
    peak_mb: f64,
    /// The longest write-ahead log; none on PostgreSQL, which bounds its own.
    log_mb: Option<f64>,
}

/// Server and raw SQL take turns, each on a fresh catalog, and change who is first.
async fn copies(library: &Library, effort: &Effort, copy_rates: &mut Vec<(u64, f64)>) -> Result<Vec<Row>> {
    let trees = &library.seeded.trees;
    let largest = trees.last().map_or(0, |tree| tree.size);
    let runs = if largest > REPEATED_COPY_FILES_MAX { 1 } else { effort.copy_runs };
    let mut times: Vec<CopyTimes> = trees.iter().map(|_| CopyTimes::default()).collect();
    for run in 0..runs {
        for raw_turn in [run % 2 == 0, run % 2 == 1] {
            if raw_turn {
                copy_raw(library, effort, &mut times).await?;
            } else {
                copy_through_server(library, &mut times).await?;
            }
            eprintln!("bench: copies {} of {runs} by {}", run + 1, if raw_turn { "raw SQL" } else { "the server" });
        }
    }

    let mut rows = Vec::new();
    let least = if let Catalog::Sqlite = library.catalog { 0.7 } else { 0.6 };
    for (tree, times) in trees.iter().zip(&times) {
        let (seconds, peer) = (median(&times.server), tree.size as f64 / median(&times.raw));
        let rate = tree.size as f64 / seconds;
        copy_rates.push((tree.size, rate));
        let judged = tree.size >= JUDGED_COPY_FILES_MIN;
        rows.push(Row {
            runs: Some(runs),
            seconds: Some(seconds),
            peer: Some(peer),
            ratio: Some(rate / peer),
            limit: judged.then_some(Limit::RatioAtLeast(least)),
            idle_mb: Some(times.idle_mb),
            peak_mb: Some(times.peak_mb),
            ..copy_row("copy", tree.size, Some(rate))
        });
    }
    if let (Some(tree), Some(times)) = (trees.last(), times.last()) {
        rows.push(Row {
            limit: Some(Limit::MegabytesAboveIdleBelow(COPY_MEMORY_ABOVE_IDLE_MB)),
            idle_mb: Some(times.idle_mb),
            peak_mb: Some(times.peak_mb),
            ..copy_row("copy memory", tree.size, None)
        });
        rows.extend(times.log_mb.map(|log_mb| Row {
            limit: Some(Limit::MegabytesBelow(COPY_LOG_MB)),
            peak_mb: Some(log_mb),
            ..copy_row("copy log", tree.size, None)
        }));
    }
    rows.extend(copy_growth_rows(copy_rates, largest));
    if let (Catalog::Sqlite, Some(&(_, rate))) =
        (&library.catalog, copy_rates.iter().find(|&&(size, _)| size == 1_000_000))
        && largest == 1_000_000
    {
        let reached = rate >= COPY_MARK_FILES_PER_SECOND;
        rows.push(Row {
            peer: Some(COPY_MARK_FILES_PER_SECOND),
            ratio: Some(rate / COPY_MARK_FILES_PER_SECOND),
            // A mark to beat, not a limit: it depends on the machine.
            verdict: Some(if reached { "reached" } else { "below" }),
            ..copy_row("copy mark", 1_000_000, Some(rate))
        });
    }
    Ok(rows)
}

/// Compares the rate at the largest size with that at a tenth of it, where both were measured.
fn copy_growth_rows(copy_rates: &[(u64, f64)], largest: u64) -> Vec<Row> {
    let rate_at = |size: u64| copy_rates.iter().find(|&&(other, _)| other == size).map(|&(_, rate)| rate);
    let (Some(rate), Some(peer)) = (rate_at(largest), rate_at(largest / 10)) else { return Vec::new() };
    let limit = (largest >= JUDGED_COPY_FILES_MIN).then_some(Limit::RatioAtLeast(0.8));
    vec![Row { peer: Some(peer), ratio: Some(rate / peer), limit, ..copy_row("copy growth", largest, Some(rate)) }]
}

pub fn copy_row(measure: &str, size: u64, rate: Option<f64>) -> Row {
    Row {
        section: "copy",
        measure: measure.to_string(),
        size: Some(size),
        rate,
        rate_unit: rate.map(|_| "files/s"),
        ..Row::default()
    }
}

async fn copy_raw(library: &Library, effort: &Effort, times: &mut [CopyTimes]) -> Result<()> {
    let seeded = &library.seeded;
    library.make_fresh().await?;
    let mut connection = library.connect().await?;
    let mut last_id = seeded.last_id;
    for (tree, times) in seeded.trees.iter().zip(times) {
        let change = seeded.last_change + 1;
        let time =
            raw::copy(&mut connection, tree, seeded.copies_folder, &mut last_id, change, effort.batch_rows).await?;
        times.raw.push(time.as_secs_f64());
    }
    connection.close().await?;
    check_copied(library).await
}

async fn copy_through_server(library: &Library, times: &mut [CopyTimes]) -> Result<()> {
    let mut bench = Bench::start(library).await?;
    for (tree, times) in library.seeded.trees.iter().zip(times) {
        bench.server.reset_peak()?;
        let arguments = json!({ "sourceFolderPath": tree.path(), "destinationPath": "/copies" });
        let time = bench.client.time_job("copyFolder", &arguments).await?;
        times.server.push(time.as_secs_f64());
        times.idle_mb = bench.idle_mb;
        times.peak_mb = times.peak_mb.max(bench.server.peak_mb()?);
        let log_mb = library.log_mb()?;
        times.log_mb = log_mb.map(|now| now.max(times.log_mb.unwrap_or_default()));
    }
    bench.server.stop()?;
    check_copied(library).await
}

/// A rate of rows that are not there would be no rate.
async fn check_copied(library: &Library) -> Result<()> {
    let seeded = &library.seeded;
    let mut connection = library.connect().await?;
    let last_id = crate::library::Value::Int(seeded.last_id);
    let copied = connection.number("SELECT count(*) FROM file WHERE id > $1", &[last_id]).await?;
    connection.close().await?;
    let expected: u64 = seeded.trees.iter().map(|tree| tree.size).sum();
    if copied as u64 != expected {
        return Err(format!("{copied} files after copying {expected}").into());
    }
    Ok(())
}

pub fn latency_row(section: &'static str, measure: String, size: u64, latencies: &[f64]) -> Row {
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        sorted.get((sorted.len() as f64 * share).ceil() as usize - usize::from(!sorted.is_empty())).copied()
    };
    let total: f64 = sorted.iter().sum::<f64>() / 1_000.0;
    Row {
        section,
        measure,
        size: Some(size),
        runs: Some(sorted.len()),
        seconds: at(0.5).map(|ms| ms / 1_000.0),
        rate: (total > 0.0).then(|| sorted.len() as f64 / total),
        rate_unit: Some("requests/s"),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: sorted.last().copied(),
        ..Row::default()
    }
}

/// Of an even number, the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length.is_multiple_of(2) => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}
