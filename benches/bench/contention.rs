//! Jobs that meet others: merges, a long queue, and two servers over one catalog.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::Result;
use crate::client::{self, Client};
use crate::foreground::{self, Foreground};
use crate::library::{Catalog, Library};
use crate::report::{Limit, Row};
use crate::requests::P99_MAX_MS;
use crate::rows::{Bench, Effort, copy_row, latency_row, median};
use crate::seed::Tree;

/// Files in the folder that each job of the queue copies.
const SMALL_FILES: usize = 10;
const QUEUED_JOBS: usize = 10_000;
const QUEUED_JOBS_QUICK: usize = 200;
/// Connections that submit them.
const SUBMITTERS: usize = 16;

/// Moves every tree into a copy of it that lacks each second file, and into one that is empty; the largest once more beside
/// the foreground.
pub async fn merges(library: &Library, effort: &Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut top_times = Vec::new();
    for tree in &library.seeded.trees {
        let mut merge = Merge::prepare(library, tree).await?;
        let seconds = merge.run().await?;
        let judged = tree.size >= 1_000_000 && matches!(library.catalog, Catalog::Sqlite);
        rows.push(Row {
            limit: judged.then_some(Limit::RateAtLeast(100_000.0)),
            peak_mb: Some(merge.bench.server.peak_mb()?),
            ..merge.row("merge, half the names", seconds)
        });
        top_times.push((tree.size, merge.top_seconds));
        merge.bench.server.stop()?;
    }
    if let Some(tree) = library.seeded.trees.last() {
        let mut merge = Merge::prepare(library, tree).await?;
        let watched = Foreground::start(&merge.bench.server, "merge", &library.seeded.trees[0]).await?;
        let seconds = merge.run().await?;
        let latencies = watched.stop().await?;
        rows.push(merge.row("merge, with requests", seconds));
        rows.extend(latency_rows("a merge", tree.size, &latencies, effort));
        merge.bench.server.stop()?;
    }
    for (index, &(size, seconds)) in top_times.iter().enumerate() {
        let ratio = (index > 0).then(|| seconds / top_times[0].1);
        rows.push(Row {
            section: "contention",
            measure: "merge, top folder only".into(),
            size: Some(size),
            runs: Some(1),
            seconds: Some(seconds),
            ratio,
            limit: ratio.map(|_| Limit::RatioAtMost(3.0)),
            ..Row::default()
        });
    }
    Ok(rows)
}

/// A server over a fresh library, where a tree is about to be merged into one with half of its names.
struct Merge<'a> {
    bench: Bench,
    tree: &'a Tree,
    /// What it took to merge it into an empty folder.
    top_seconds: f64,
}

impl Merge<'_> {
    async fn prepare<'a>(library: &Library, tree: &'a Tree) -> Result<Merge<'a>> {
        let mut bench = Bench::start(library).await?;
        let copy = json!({ "sourceFolderPath": tree.path(), "destinationPath": "/copies" });
        bench.client.time_job("copyFolder", &copy).await?;
        // An empty folder of that name beside it.
        let empty = json!({ "folderName": tree.name(), "parentFolderPath": "/parked" });
        bench.client.succeed(&client::with_json("POST", "/v1/folder", &empty)).await?;
        bench.server.stop()?;
        let mut connection = library.connect().await?;
        let half = "DELETE FROM file WHERE id > $1 AND id % 2 = 0";
        connection.execute(half, &[crate::library::Value::Int(library.seeded.last_id)]).await?;
        connection.execute_raw("ANALYZE folder").await?;
        connection.close().await?;

        let server = library.start_server(&[])?;
        let mut client = Client::connect(server.address).await?;
        client.get_json("/v1/files?path=/&limit=10").await?;
        let mut top_seconds = 0.0;
        for (from, to) in [(tree.path(), "/parked"), (format!("/parked/{}", tree.name()), "/bench")] {
            let arguments = json!({ "sourceFolderPath": from, "destinationPath": to });
            let time = client.time_job("moveFolder", &arguments).await?;
            if to == "/parked" {
                top_seconds = time.as_secs_f64();
            }
        }
        let idle_mb = server.resident_mb()?;
        server.reset_peak()?;
        Ok(Merge { bench: Bench { server, client, idle_mb }, tree, top_seconds })
    }

    async fn run(&mut self) -> Result<f64> {
        let arguments = json!({ "sourceFolderPath": self.tree.path(), "destinationPath": "/copies" });
        Ok(self.bench.client.time_job("moveFolder", &arguments).await?.as_secs_f64())
    }

    fn row(&self, measure: &str, seconds: f64) -> Row {
        Row {
            section: "contention",
            runs: Some(1),
            seconds: Some(seconds),
            idle_mb: Some(self.bench.idle_mb),
            ..copy_row(measure, self.tree.size, Some(self.tree.size as f64 / seconds))
        }
    }
}

fn latency_rows(what: &str, size: u64, latencies: &[(&'static str, Vec<f64>); 2], effort: &Effort) -> Vec<Row> {
    latencies
        .iter()
        .map(|(name, latencies)| Row {
            limit: (!effort.is_quick).then_some(Limit::P99AtMostMs(P99_MAX_MS)),
            ..latency_row("contention", format!("{name} during {what}"), size, latencies)
        })
        .collect()
}

/// Many small copies, submitted as fast as they are accepted, from the first submission to the last completion.
pub async fn queue(library: &Library, effort: &Effort) -> Result<Vec<Row>> {
    let jobs = if effort.is_quick { QUEUED_JOBS_QUICK } else { QUEUED_JOBS };
    let mut bench = Bench::start(library).await?;
    let picture = foreground::picture()?;
    for number in 0..SMALL_FILES {
        bench.client.succeed(&client::upload("/small", &format!("{number}.jpg"), false, &picture)).await?;
    }
    bench.server.reset_peak()?;
    let watched = Foreground::start(&bench.server, "queue", &library.seeded.trees[0]).await?;
    let began = Instant::now();
    let mut submitters = tokio::task::JoinSet::new();
    for submitter in 0..SUBMITTERS {
        let mut client = Client::connect(bench.server.address).await?;
        submitters.spawn(async move {
            let mut ids = Vec::new();
            for number in (submitter..jobs).step_by(SUBMITTERS) {
                let place = format!("/copies/{}/{number}", number % 100);
                let arguments = json!({ "sourceFolderPath": "/small", "destinationPath": place });
                ids.push(client.submit("copyFolder", &arguments).await?);
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(ids)
        });
    }
    let mut ids = Vec::new();
    while let Some(submitted) = submitters.join_next().await {
        ids.extend(submitted??);
    }
    let accepted = began.elapsed();
    ids.sort_unstable();
    // Jobs end in about the order of their ids; the others are only checked.
    for id in ids.last().into_iter().chain(&ids) {
        bench.client.wait_for(id).await?;
        if Some(id) == ids.last() {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    for id in &ids {
        bench.client.wait_for(id).await?;
    }
    let latencies = watched.stop().await?;
    let least = if let Catalog::Sqlite = library.catalog { 1_000.0 } else { 500.0 };
    let row = |measure: &str, seconds: f64, limit| Row {
        section: "contention",
        measure: measure.into(),
        size: Some(SMALL_FILES as u64),
        runs: Some(jobs),
        seconds: Some(seconds),
        rate: Some(jobs as f64 / seconds),
        rate_unit: Some("jobs/s"),
        limit,
        ..Row::default()
    };
    let mut rows = vec![
        row("queue, accepted", accepted.as_secs_f64(), None),
        bench.with_memory(row("queue, completed", seconds, Some(Limit::RateAtLeast(least))))?,
    ];
    rows.extend(latency_rows("a queue", SMALL_FILES as u64, &latencies, effort));
    bench.server.stop()?;
    Ok(rows)
}

/// Two copies with nothing in common by one server, and by two. PostgreSQL only.
pub async fn servers(library: &Library, effort: &Effort, tree: &Tree) -> Result<Vec<Row>> {
    let mut times = [Vec::new(), Vec::new()];
    let mut latencies = [("upload", Vec::new()), ("listing", Vec::new())];
    for _ in 0..effort.copy_runs {
        for (index, times) in times.iter_mut().enumerate() {
            let bench = Bench::start(library).await?;
            let second = if index == 1 { Some(library.start_second_server()?) } else { None };
            let addresses = [bench.server.address, second.as_ref().map_or(bench.server.address, |other| other.address)];
            let watched = Foreground::start(&bench.server, "servers", tree).await?;
            let began = Instant::now();
            let mut copies = tokio::task::JoinSet::new();
            for (number, address) in addresses.into_iter().enumerate() {
                let mut client = Client::connect(address).await?;
                let place = format!("/copies/{number}");
                let arguments = json!({ "sourceFolderPath": tree.path(), "destinationPath": place });
                copies.spawn(async move { client.time_job("copyFolder", &arguments).await });
            }
            while let Some(copied) = copies.join_next().await {
                copied??;
            }
            times.push(began.elapsed().as_secs_f64());
            for (all, (_, some)) in latencies.iter_mut().zip(watched.stop().await?) {
                all.1.extend(some);
            }
            if let Some(second) = second {
                second.stop()?;
            }
            bench.server.stop()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    let rate = |times: &[f64]| 2.0 * tree.size as f64 / median(times);
    let (one, two) = (rate(&times[0]), rate(&times[1]));
    let judged = tree.size >= 1_000_000;
    let mut rows = vec![
        Row {
            section: "contention",
            runs: Some(times[0].len()),
            ..copy_row("two copies, one server", tree.size, Some(one))
        },
        Row {
            section: "contention",
            runs: Some(times[1].len()),
            peer: Some(one),
            ratio: Some(two / one),
            limit: judged.then_some(Limit::RatioAtLeast(1.3)),
            ..copy_row("two copies, two servers", tree.size, Some(two))
        },
    ];
    rows.extend(latency_rows("two copies", tree.size, &latencies, effort));
    Ok(rows)
}
