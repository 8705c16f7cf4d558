//! The measurement of downloads: originals that were uploaded through the API, beside nginx serving the same bytes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::Result;
use crate::client::{self, Client};
use crate::library::Library;
use crate::nginx::Nginx;
use crate::report::{Limit, Row};
use crate::rows::{Bench, Effort, median};

/// Where the files are, below the endpoint and below nginx's root.
const FOLDER: &str = "download";
/// A picture as web pages show it.
const SMALL: Load = Load { what: "small", files: 2_000, bytes: 20_000, connections: 32 };
/// A video, or a master of print.
const LARGE: Load = Load { what: "large", files: 1, bytes: 100_000_000, connections: 4 };
/// The share of nginx's rate that is promised.
const SHARE: f64 = 0.7;
/// Between two uploads beside the downloads.
const UPLOAD_PERIOD: Duration = Duration::from_millis(50);
/// Files of the smoke test; enough to take turns.
const QUICK_FILES: usize = 50;

#[derive(Clone, Copy)]
struct Load {
    what: &'static str,
    files: usize,
    bytes: usize,
    connections: usize,
}

/// Small and large files, server and nginx in turns; then small ones while the tree changes.
pub async fn downloads(library: &Library, effort: &Effort) -> Result<Vec<Row>> {
    if !Nginx::is_there() {
        let note = Some("not measured: nginx is not installed (apt-get install nginx-light)".to_string());
        return Ok(vec![Row { section: "download", measure: "download".to_string(), note, ..Row::default() }]);
    }
    let scratch = tempfile::Builder::new().prefix("bench-nginx-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let root = scratch.path().join("files");
    let mut bench = Bench::start(library).await?;
    let mut rows = Vec::new();
    for load in [SMALL, LARGE] {
        let load = if effort.is_quick { Load { files: load.files.min(QUICK_FILES), ..load } } else { load };
        prepare(&mut bench.client, &load, &root).await?;
        let nginx = Nginx::start(&root, scratch.path())?;
        check_same_bytes(bench.server.address, nginx.address, &load).await?;
        let (mut rates, mut peers, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        bench.server.reset_peak()?;
        for run in 0..effort.status_runs {
            peers.push(load.rate(effort, nginx.address, "").await?);
            rates.push(load.rate(effort, bench.server.address, "/library").await?);
            if load.files > 1 {
                beside.push(beside_uploads(effort, &load, bench.server.address, run).await?);
            }
        }
        rows.push(
            bench.with_memory(Row { limit: Some(Limit::RatioAtLeast(SHARE)), ..load.row(effort, &rates, &peers) })?,
        );
        if !beside.is_empty() {
            let note = Some("while a file is uploaded every 50 ms, which changes the tree".to_string());
            rows.push(bench.with_memory(Row { note, ..load.row(effort, &beside, &peers) })?);
        }
    }
    bench.server.stop()?;
    Ok(rows)
}

/// The rate while uploads make the server forget what it remembers of paths.
async fn beside_uploads(effort: &Effort, load: &Load, server: SocketAddr, run: usize) -> Result<f64> {
    let mut client = Client::connect(server).await?;
    let uploads = async {
        // A new name each time: a file has a hundred versions at most.
        for number in 0.. {
            client.succeed(&client::upload("/beside", &format!("{run}-{number}.jpg"), false, &[7; 1_000])).await?;
            tokio::time::sleep(UPLOAD_PERIOD).await;
        }
        Err("the uploads ended".into())
    };
    tokio::select! {
        rate = load.rate(effort, server, "/library") => rate,
        failed = uploads => failed,
    }
}

impl Load {
    fn path(&self, number: usize) -> String {
        format!("/{FOLDER}/{}/{number:06}.jpg", self.what)
    }

    fn row(&self, effort: &Effort, rates: &[f64], peers: &[f64]) -> Row {
        let (rate, peer) = (median(rates), median(peers));
        Row {
            section: "download",
            measure: format!("{} bytes, {} connections", self.bytes, self.connections),
            runs: Some(rates.len()),
            seconds: Some(effort.status_load.as_secs_f64()),
            rate: Some(rate),
            rate_unit: Some(self.unit()),
            peer: Some(peer),
            ratio: Some(rate / peer),
            ..Row::default()
        }
    }

    fn unit(&self) -> &'static str {
        if self.files == 1 { "MB/s" } else { "requests/s" }
    }

    /// Downloads for a while, each connection one file after the other.
    async fn rate(&self, effort: &Effort, address: SocketAddr, prefix: &str) -> Result<f64> {
        let requests: Vec<_> =
            (0..self.files).map(|number| client::get(&format!("{prefix}{}", self.path(number)))).collect();
        let requests = Arc::new(requests);
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            clients.push(Client::connect(address).await?);
        }
        let (start, duration) = (Instant::now(), effort.status_load);
        let mut tasks = tokio::task::JoinSet::new();
        for (index, mut client) in clients.into_iter().enumerate() {
            let requests = requests.clone();
            tasks.spawn(async move {
                let mut bytes = 0_u64;
                let mut next = index * requests.len() / 32;
                while start.elapsed() < duration {
                    bytes += client.download(&requests[next % requests.len()]).await?;
                    next += 1;
                }
                Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(bytes)
            });
        }
        let mut bytes = 0;
        while let Some(outcome) = tasks.join_next().await {
            bytes += outcome??;
        }
        let per_second = bytes as f64 / start.elapsed().as_secs_f64();
        Ok(if self.files == 1 { per_second / 1e6 } else { per_second / self.bytes as f64 })
    }
}

/// Uploads the files through the API, and writes the same bytes for nginx.
async fn prepare(client: &mut Client, load: &Load, root: &Path) -> Result<()> {
    eprintln!("bench: uploading {} files of {} bytes", load.files, load.bytes);
    let mut random = StdRng::seed_from_u64(20);
    let mut bytes = vec![0; load.bytes];
    for number in 0..load.files {
        random.fill_bytes(&mut bytes);
        let path = load.path(number);
        let (folder, name) = path.rsplit_once('/').ok_or("a path without a slash")?;
        std::fs::create_dir_all(root.join(&folder[1..]))?;
        std::fs::write(root.join(&path[1..]), &bytes)?;
        client.succeed(&client::upload(folder, name, false, &bytes)).await?;
    }
    Ok(())
}

/// The comparison is void unless both answer with the same bytes.
async fn check_same_bytes(server: SocketAddr, nginx: SocketAddr, load: &Load) -> Result<()> {
    let path = load.path(load.files - 1);
    let mut sizes = Vec::new();
    for (address, target) in [(server, format!("/library{path}")), (nginx, path.clone())] {
        let mut client = Client::connect(address).await?;
        if load.files > 1 {
            client.succeed(&client::get(&target)).await?;
            sizes.push(client.body().to_vec());
        } else {
            sizes.push(client.download(&client::get(&target)).await?.to_le_bytes().to_vec());
        }
    }
    if sizes[0] == sizes[1] { Ok(()) } else { Err(format!("nginx serves other bytes at {path}").into()) }
}
