//! What users do while a job runs: uploads and listings at a steady pace, each timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::Result;
use crate::client::{self, Client};
use crate::seed::Tree;
use crate::server::Server;

pub const PERIOD: Duration = Duration::from_millis(50);
const UPLOAD_BYTES: usize = 20_000;

/// An upload and a listing, each sent every `PERIOD` until stopped.
pub struct Foreground {
    stop: Arc<AtomicBool>,
    uploads: tokio::task::JoinHandle<Result<Vec<f64>>>,
    listings: tokio::task::JoinHandle<Result<Vec<f64>>>,
}

impl Foreground {
    pub async fn start(server: &Server, prefix: &'static str, tree: &Tree) -> Result<Foreground> {
        let stop = Arc::new(AtomicBool::new(false));
        let (picture, list) = (picture()?, client::get(&format!("/v1/files?path={}&limit=100", tree.path())));
        let upload =
            move |number: usize| client::upload("/uploads", &format!("{prefix}-{number:06}.jpg"), false, &picture);
        let (uploader, lister) = (Client::connect(server.address).await?, Client::connect(server.address).await?);
        Ok(Foreground {
            stop: stop.clone(),
            uploads: tokio::spawn(paced(uploader, stop.clone(), upload)),
            listings: tokio::spawn(paced(lister, stop, move |_| list.clone())),
        })
    }

    /// The latencies of both, in milliseconds.
    pub async fn stop(self) -> Result<[(&'static str, Vec<f64>); 2]> {
        self.stop.store(true, Ordering::Relaxed);
        Ok([("upload", self.uploads.await??), ("listing", self.listings.await??)])
    }
}

/// Sends requests at a steady pace; returns their latencies in milliseconds. One that could not be sent when it was due,
/// because the one before it had no answer yet, is timed from when it was due: a stall counts for all it delays.
async fn paced(
    mut client: Client,
    stop: Arc<AtomicBool>,
    request: impl Fn(usize) -> Vec<u8> + Send,
) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    let mut due = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let request = request(latencies.len());
        let mut start = due;
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            tokio::time::sleep(early).await;
            start = Instant::now();
        }
        client.succeed(&request).await?;
        latencies.push(start.elapsed().as_secs_f64() * 1_000.0);
        due += PERIOD;
    }
    Ok(latencies)
}

/// A JPEG of about 20 KB that looks like nothing in particular.
pub fn picture() -> Result<Vec<u8>> {
    let picture = image::RgbImage::from_fn(640, 480, |x, y| {
        let wave = ((x * x / 97 + y * y / 61) % 160) as u8;
        image::Rgb([wave, (x / 4) as u8, (y / 3) as u8])
    });
    let mut bytes = Vec::new();
    for quality in (10..=95).step_by(5) {
        bytes.clear();
        picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality))?;
        if bytes.len() >= UPLOAD_BYTES {
            break;
        }
    }
    Ok(bytes)
}
