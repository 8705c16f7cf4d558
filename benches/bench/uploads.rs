//! Durable uploads, and what they are compared with: a bare loop that keeps the same promise with nothing around it.
//!
//! The loop has as many writers as the server has connections. Each writes a file under a name of its own, syncs it, gives
//! it its final name and syncs the directory; then it commits the two rows of an upload, content and file, in a
//! transaction of their own, with the server's settings. On SQLite all writers share the one connection that may write.
//!
//! Both write into the same directories, and nothing is removed before the end: ext4 without a journal is slow for minutes
//! to make files near those that were removed, and where a new directory comes to lie is chance.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::Result;
use crate::client::{self, Load};
use crate::foreground::picture;
use crate::library::{Catalog, Connection, Library, Value};
use crate::report::{Limit, Row};
use crate::rows::{Bench, Effort, median};
use Value::{Bool, Int, Null, Text};

const CONNECTIONS: usize = 32;
const RATIO_MIN: f64 = 0.6;
/// As in the blob store: directories that share the files.
const SHARDS: u64 = 256;
/// Above all ids that the seeded library has; the peer's catalog is a copy that nobody else uses.
const FIRST_ID: i64 = 1 << 50;
/// Where the peer's files hang; no row of the library has this folder.
const FOLDER: i64 = FIRST_ID;

const CONTENT: &str =
    "INSERT INTO content (id, blob_id, size, digest, mime, is_image, width, height, has_alpha, tags, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const FILE: &str =
    "INSERT INTO file (folder_id, name, id, version_id, version, content_id, flags, created, uploaded, updated, since)
    VALUES ($1, $2, $3, $3, 1, $4, 0, $5, $5, $5, $6)";

/// Uploads per second of server and peer in turns.
pub async fn rates(library: &Library, effort: &Effort) -> Result<Vec<Row>> {
    let picture: Arc<[u8]> = picture()?.into();
    let load = Load { connections: CONNECTIONS, duration: effort.status_load, until: None };
    let request = client::upload("/uploads", "picture.jpg", true, &picture);
    let (mut rates, mut peers) = (Vec::new(), Vec::new());
    let mut row = None;
    let (blobs, aside) = (library.data().join("blobs").join("blobs"), library.data().join("aside"));
    fs::create_dir_all(&aside)?;
    for round in 0..effort.status_runs {
        library.make_fresh().await?;
        fresh_shards(&blobs, &aside.join(round.to_string()))?;
        peers.push(bare(library, &blobs, &picture, effort.status_load).await?);
        let bench = Bench::start(library).await?;
        bench.server.reset_peak()?;
        rates.push(load.requests_per_second(bench.server.address, request.clone()).await?);
        row = Some(bench.with_memory(Row::default())?);
        bench.server.stop()?;
    }
    fs::remove_dir_all(&aside)?;
    let (rate, peer) = (median(&rates), median(&peers));
    let limit = matches!(library.catalog, Catalog::Sqlite).then_some(Limit::RatioAtLeast(RATIO_MIN));
    Ok(vec![Row {
        section: "upload",
        measure: format!("images of {} KB, {CONNECTIONS} connections", picture.len() / 1000),
        runs: Some(rates.len()),
        seconds: Some(effort.status_load.as_secs_f64()),
        rate: Some(rate),
        rate_unit: Some("uploads/s"),
        peer: Some(peer),
        ratio: Some(rate / peer),
        limit,
        ..row.unwrap_or_default()
    }])
}

/// New directories for the blobs. A fresh catalog hands out ids from the beginning, and the bytes of the last round would be
/// in their way.
fn fresh_shards(blobs: &Path, aside: &Path) -> Result<()> {
    if blobs.exists() {
        fs::rename(blobs, aside)?;
    }
    for shard in 0..SHARDS {
        fs::create_dir_all(blobs.join(format!("{shard:02x}")))?;
    }
    Ok(())
}

/// Uploads per second of the bare loop.
async fn bare(library: &Library, dir: &Path, picture: &Arc<[u8]>, duration: Duration) -> Result<f64> {
    let shared = match library.catalog {
        Catalog::Sqlite => Some(Arc::new(Mutex::new(library.connect().await?))),
        Catalog::Postgres(_) => None,
    };
    let start = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..CONNECTIONS as u64 {
        let connection = match &shared {
            Some(shared) => Arc::clone(shared),
            None => Arc::new(Mutex::new(library.connect().await?)),
        };
        let (dir, picture) = (dir.to_owned(), Arc::clone(picture));
        let begin = if shared.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        writers.spawn(async move {
            let mut number = writer;
            while start.elapsed() < duration {
                let (dir, picture) = (dir.clone(), Arc::clone(&picture));
                let size = picture.len() as i64;
                let digest = tokio::task::spawn_blocking(move || write_durably(&dir, number, &picture)).await??;
                commit(&mut *connection.lock().await, begin, number as i64, size, digest).await?;
                number += CONNECTIONS as u64;
            }
            Ok::<u64, Box<dyn std::error::Error + Send + Sync>>((number - writer) / CONNECTIONS as u64)
        });
    }
    let mut uploads = 0;
    while let Some(writer) = writers.join_next().await {
        uploads += writer??;
    }
    Ok(uploads as f64 / start.elapsed().as_secs_f64())
}

/// What a file needs to survive a power loss under its final name, and its digest, as the server computes it.
fn write_durably(dir: &Path, number: u64, bytes: &[u8]) -> std::io::Result<String> {
    let shard: PathBuf = dir.join(format!("{:02x}", number % SHARDS));
    let name = format!("bare-{number:016x}");
    let staged = shard.join(format!("{name}#1"));
    let mut file = File::create(&staged)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&staged, shard.join(name))?;
    File::open(&shard)?.sync_all()?;
    Ok(blake3::hash(bytes).to_hex().to_string())
}

async fn commit(connection: &mut Connection, begin: &str, number: i64, size: i64, digest: String) -> Result<()> {
    let now = 1_735_689_600_000; // any time does
    let (content, file) = (FIRST_ID + 2 * number, FIRST_ID + 2 * number + 1);
    let facts = [Int(content), Int(content), Int(size), Text(digest), Text("image/jpeg".into()), Bool(true)];
    let pixels = [Int(640), Int(480), Bool(false), Null, Int(now)];
    connection.execute_raw(begin).await?;
    connection.execute(CONTENT, &[facts.to_vec(), pixels.to_vec()].concat()).await?;
    let name = Text(format!("picture_{file:x}.jpg"));
    connection.execute(FILE, &[Int(FOLDER), name, Int(file), Int(content), Int(now), Int(file)]).await?;
    connection.execute_raw("COMMIT").await
}
