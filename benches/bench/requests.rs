//! The measurements of single requests: beside a copy, of a first page, of a job's status.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::bare::Bare;
use crate::client::{self, Client, Load};
use crate::foreground::{self, Foreground, PERIOD};
use crate::library::Library;
use crate::report::{Limit, Row};
use crate::rows::{Bench, Effort, copy_row, latency_row, median};
use crate::seed::{Tree, flat_path};

/// Copies after which the foreground has been watched long enough, however few its samples.
const FOREGROUND_COPIES_MAX: usize = 20;
/// Of requests in the foreground, whatever jobs are under way.
pub const P99_MAX_MS: f64 = 50.0;
/// Of a job of three files, whatever other jobs are under way.
const THREE_FILES_P99_MAX_MS: f64 = 1_000.0;
/// Between two such jobs.
const THREE_FILES_PAUSE: Duration = Duration::from_millis(500);
pub const STATUS_CONNECTIONS: usize = 32;

/// Uploads and listings on an idle server, then, with jobs of three files, beside copies of the largest folder.
pub async fn foreground(library: &Library, effort: &Effort, tree: &Tree) -> Result<Vec<Row>> {
    let mut bench = Bench::start(library).await?;
    let limit = Some(Limit::P99AtMostMs(P99_MAX_MS));
    let mut rows = Vec::new();

    let requests = Foreground::start(&bench.server, "idle", tree).await?;
    tokio::time::sleep(PERIOD * effort.foreground_samples as u32).await;
    for (what, latencies) in requests.stop().await? {
        rows.push(bench.with_memory(foreground_row(format!("{what}, idle"), tree, &latencies))?);
    }

    let picture = foreground::picture()?;
    for number in 0..3 {
        bench.client.succeed(&client::upload("/three", &format!("{number}.jpg"), false, &picture)).await?;
    }
    let requests = Foreground::start(&bench.server, "busy", tree).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let small_jobs = tokio::spawn(three_file_jobs(Client::connect(bench.server.address).await?, stop.clone()));
    let (start, mut copy_seconds) = (Instant::now(), Vec::new());
    while start.elapsed() < PERIOD * effort.foreground_samples as u32 && copy_seconds.len() < FOREGROUND_COPIES_MAX {
        let destination = format!("/copies/beside-{}", copy_seconds.len());
        let arguments = json!({ "sourceFolderPath": tree.path(), "destinationPath": destination });
        copy_seconds.push(bench.client.time_job("copyFolder", &arguments).await?.as_secs_f64());
    }
    stop.store(true, Ordering::Relaxed);
    let row = foreground_row("job of 3 files, during copies".into(), tree, &small_jobs.await??);
    rows.push(Row { limit: Some(Limit::P99AtMostMs(THREE_FILES_P99_MAX_MS)), ..row });
    for (what, latencies) in requests.stop().await? {
        let row = foreground_row(format!("{what}, during copies"), tree, &latencies);
        rows.push(bench.with_memory(Row { limit, ..row })?);
    }
    let seconds = median(&copy_seconds);
    rows.push(Row {
        section: "foreground",
        runs: Some(copy_seconds.len()),
        seconds: Some(seconds),
        ..copy_row("the copies beside them", tree.size, Some(tree.size as f64 / seconds))
    });
    bench.server.stop()?;
    Ok(rows)
}

/// From submission to completion of one small copy after the other, in milliseconds.
async fn three_file_jobs(mut client: Client, stop: Arc<AtomicBool>) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let destination = format!("/copies/three-{}", latencies.len());
        let arguments = json!({ "sourceFolderPath": "/three", "destinationPath": destination });
        latencies.push(client.time_job("copyFolder", &arguments).await?.as_secs_f64() * 1_000.0);
        tokio::time::sleep(THREE_FILES_PAUSE).await;
    }
    Ok(latencies)
}

/// Sent at a given pace, so that it has no rate of its own.
fn foreground_row(measure: String, tree: &Tree, latencies: &[f64]) -> Row {
    Row { rate: None, rate_unit: None, ..latency_row("foreground", measure, tree.size, latencies) }
}

/// The first page of the smallest and of the largest flat folder, in turns.
pub async fn pages(library: &Library, effort: &Effort) -> Result<Vec<Row>> {
    let mut bench = Bench::start(library).await?;
    let mut rows = Vec::new();
    for (name, sort) in [("by creation", ""), ("by name", "&sort=ASC_NAME")] {
        let [Some(&small), Some(&large)] = [library.seeded.flat_sizes.first(), library.seeded.flat_sizes.last()] else {
            return Ok(rows);
        };
        let targets = [small, large].map(|size| format!("/v1/files?path={}&limit=100{sort}", flat_path(size)));
        let requests = targets.clone().map(|target| client::get(&target));
        for (target, size) in targets.iter().zip([small, large]) {
            let page = bench.client.get_json(target).await?;
            let files = page.as_array().map_or(0, Vec::len);
            if files as u64 != size.min(100) {
                return Err(format!("{files} files in the answer to {target}").into());
            }
        }
        let mut latencies = [Vec::new(), Vec::new()];
        let warm_up = effort.page_requests / 10;
        for run in 0..warm_up + effort.page_requests {
            for (request, latencies) in requests.iter().zip(&mut latencies) {
                let start = Instant::now();
                bench.client.succeed(request).await?;
                if run >= warm_up {
                    latencies.push(start.elapsed().as_secs_f64() * 1_000.0);
                }
            }
        }
        let [at_small, at_large] = latencies;
        let ratio = median(&at_large) / median(&at_small);
        rows.push(latency_row("page", name.to_string(), small, &at_small));
        let row = latency_row("page", name.to_string(), large, &at_large);
        rows.push(bench.with_memory(Row { ratio: Some(ratio), limit: Some(Limit::RatioAtMost(2.0)), ..row })?);
    }
    bench.server.stop()?;
    Ok(rows)
}

/// The status of a job that is over, against the bare handler; then that of one that runs.
pub async fn statuses(library: &Library, effort: &Effort, small: &Tree, large: &Tree) -> Result<Vec<Row>> {
    let mut bench = Bench::start(library).await?;
    let copy_to = |tree: &Tree| json!({ "sourceFolderPath": tree.path(), "destinationPath": "/copies" });
    let job = bench.client.submit("copyFolder", &copy_to(small)).await?;
    bench.client.wait_for(&job).await?;
    let target = format!("/v1/bulkJobs/{job}");
    bench.client.succeed(&client::get(&target)).await?;
    let bare = Bare::start(bench.client.head(), bench.client.body())?;
    check_same_answer(&bench.client, bare.address, &target).await?;

    let load = Load { connections: STATUS_CONNECTIONS, duration: effort.status_load, until: None };
    let (mut rates, mut peers) = (Vec::new(), Vec::new());
    bench.server.reset_peak()?;
    for _ in 0..effort.status_runs {
        peers.push(load.requests_per_second(bare.address, client::get(&target)).await?);
        rates.push(load.requests_per_second(bench.server.address, client::get(&target)).await?);
    }
    let (rate, peer) = (median(&rates), median(&peers));
    let row = |measure: &str, rate: f64| Row {
        section: "status",
        measure: measure.to_string(),
        rate: Some(rate),
        rate_unit: Some("requests/s"),
        peer: Some(peer),
        ratio: Some(rate / peer),
        ..Row::default()
    };
    let limit = Some(Limit::RatioAtLeast(0.4));
    let finished = Row {
        limit,
        runs: Some(rates.len()),
        seconds: Some(effort.status_load.as_secs_f64()),
        ..row("a completed job", rate)
    };
    let mut rows = vec![bench.with_memory(finished)?];

    let job = bench.client.submit("copyFolder", &copy_to(large)).await?;
    let load = Load { until: Some("Completed"), ..load };
    let start = Instant::now();
    let rate = load.requests_per_second(bench.server.address, client::get(&format!("/v1/bulkJobs/{job}"))).await?;
    let seconds = Some(start.elapsed().as_secs_f64());
    bench.client.wait_for(&job).await?;
    let note = Some(format!("the job, a copy of {} files, takes its share of the machine", large.size));
    rows.push(bench.with_memory(Row { runs: Some(1), seconds, note, ..row("a running job", rate) })?);
    bench.server.stop()?;
    Ok(rows)
}

/// The comparison is void unless the two answers have the same length, head and all, and the same body.
pub async fn check_same_answer(client: &Client, bare: std::net::SocketAddr, target: &str) -> Result<()> {
    let mut other = Client::connect(bare).await?;
    other.succeed(&client::get(target)).await?;
    if client.head().len() == other.head().len() && client.body() == other.body() {
        return Ok(());
    }
    let [ours, bare] = [client.head(), other.head()].map(String::from_utf8_lossy);
    Err(format!("the bare handler answers otherwise:\n{bare}instead of\n{ours}").into())
}
