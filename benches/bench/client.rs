//! A small HTTP/1.1 client that keeps its connection. It shares the machine with the server it measures, so a request
//! is bytes made once and an answer is searched for two things only: its status and its length.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::server::PRIVATE_KEY;

/// More than any answer that is asked for: a page of 100 files is about 150 KB.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Read at once of a body that nobody looks at; more than a socket holds.
const DOWNLOAD_BUFFER_BYTES: usize = 1 << 20;
/// A job that takes longer is an error.
const JOB_MAX: Duration = Duration::from_secs(15 * 60);
/// No single answer takes this long unless the server hangs.
const ANSWER_MAX: Duration = Duration::from_secs(120);

pub struct Client {
    stream: TcpStream,
    /// Holds the last answer: head up to `head_bytes`, then the body.
    buffer: Vec<u8>,
    head_bytes: usize,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, buffer: Vec::with_capacity(64 << 10), head_bytes: 0 })
    }

    /// Sends the bytes of a request and reads the whole answer, whose status it returns.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let mut searched = 0;
        self.head_bytes = loop {
            self.read_more().await?;
            if let Some(at) = self.buffer[searched..].windows(4).position(|window| window == b"\r\n\r\n") {
                break searched + at + 4;
            }
            searched = self.buffer.len().saturating_sub(3);
        };
        let (status, body_bytes) = parse_head(&self.buffer[..self.head_bytes])?;
        while self.buffer.len() < self.head_bytes + body_bytes {
            self.read_more().await?;
        }
        Ok(status)
    }

    /// Sends a request and throws the body of its answer away; returns the body's length in bytes.
    pub async fn download(&mut self, request: &[u8]) -> Result<u64> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head_bytes = loop {
            self.read_more().await?;
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let (status, body_bytes) = parse_head(&self.buffer[..head_bytes])?;
        if status != 200 {
            return Err(String::from_utf8_lossy(&self.buffer).into());
        }
        let mut left = (head_bytes + body_bytes).saturating_sub(self.buffer.len());
        self.buffer.reserve(DOWNLOAD_BUFFER_BYTES);
        while left > 0 {
            self.buffer.clear();
            let read = self.stream.read_buf(&mut self.buffer).await?;
            if read == 0 {
                return Err("the server closed the connection".into());
            }
            left = left.saturating_sub(read);
        }
        Ok(body_bytes as u64)
    }

    async fn read_more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        if self.buffer.len() > ANSWER_BYTES_MAX {
            return Err("the answer is too long".into());
        }
        Ok(())
    }

    pub fn head(&self) -> &[u8] {
        &self.buffer[..self.head_bytes]
    }

    pub fn body(&self) -> &[u8] {
        &self.buffer[self.head_bytes..]
    }

    /// Like `exchange`, and anything but a 2xx is an error that shows the answer.
    pub async fn succeed(&mut self, request: &[u8]) -> Result<()> {
        let status =
            tokio::time::timeout(ANSWER_MAX, self.exchange(request)).await.map_err(|_| "no answer in time")??;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let line = String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_string();
        Err(format!("{line}: {status} {}", String::from_utf8_lossy(self.body())).into())
    }

    pub async fn get_json(&mut self, target: &str) -> Result<Value> {
        self.succeed(&get(target)).await?;
        Ok(serde_json::from_slice(self.body())?)
    }

    /// Submits a bulk job and returns its id.
    pub async fn submit(&mut self, kind: &str, arguments: &Value) -> Result<String> {
        self.succeed(&with_json("POST", &format!("/v1/bulkJobs/{kind}"), arguments)).await?;
        let answer: Value = serde_json::from_slice(self.body())?;
        Ok(answer["jobId"].as_str().ok_or("no jobId in the answer")?.to_string())
    }

    /// Polls until the job is `Completed`. The pause grows with the time waited, so that it adds under two per cent to
    /// what is measured and takes next to nothing from the server.
    pub async fn wait_for(&mut self, job: &str) -> Result<()> {
        let request = get(&format!("/v1/bulkJobs/{job}"));
        let start = Instant::now();
        loop {
            self.succeed(&request).await?;
            let answer: Value = serde_json::from_slice(self.body())?;
            match answer["status"].as_str() {
                Some("Completed") => return Ok(()),
                Some("Pending") if start.elapsed() < JOB_MAX => {}
                _ => return Err(format!("job not Completed after {:?}: {answer}", start.elapsed()).into()),
            }
            let pause = start.elapsed() / 64;
            if pause > Duration::from_micros(500) {
                tokio::time::sleep(pause.min(Duration::from_millis(50))).await;
            }
        }
    }

    /// From sending the request until its job is `Completed`.
    pub async fn time_job(&mut self, kind: &str, arguments: &Value) -> Result<Duration> {
        let start = Instant::now();
        let job = self.submit(kind, arguments).await?;
        self.wait_for(&job).await?;
        Ok(start.elapsed())
    }
}

/// The status and the length of the body.
fn parse_head(head: &[u8]) -> Result<(u16, usize)> {
    let head = std::str::from_utf8(head)?;
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next().and_then(|line| line.get(9..12)).ok_or("no status line")?.parse()?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse()?));
        }
    }
    match status {
        204 | 304 => Ok((status, 0)),
        // Nothing that is measured is answered in chunks.
        _ => Err(format!("an answer without Content-Length: {head}").into()),
    }
}

fn head(method: &str, target: &str) -> String {
    let authorization = BASE64.encode(format!("{PRIVATE_KEY}:"));
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {authorization}\r\n")
}

pub fn get(target: &str) -> Vec<u8> {
    format!("{}Accept: */*\r\n\r\n", head("GET", target)).into_bytes()
}

pub fn with_json(method: &str, target: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("{}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}", head(method, target))
        .into_bytes()
}

/// A multipart upload of a file to a folder, under its own name, or with `unique` under one that is made of it.
pub fn upload(folder: &str, name: &str, unique: bool, bytes: &[u8]) -> Vec<u8> {
    const BOUNDARY: &str = "calotype-bench-5f0c1d";
    let field = |name: &str, value: &str| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body =
        [field("fileName", name), field("folder", folder), field("useUniqueFileName", &unique.to_string())].concat();
    body.push_str(&format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    ));
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let length = body.len() + bytes.len() + end.len();
    let head = format!(
        "{}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n",
        head("POST", "/api/v1/files/upload")
    );
    [head.as_bytes(), body.as_bytes(), bytes, end.as_bytes()].concat()
}

/// Requests per second that one request, repeated over many connections, achieves.
pub struct Load {
    pub connections: usize,
    pub duration: Duration,
    /// Ends the load early: an answer that holds this text.
    pub until: Option<&'static str>,
}

impl Load {
    pub async fn requests_per_second(&self, address: SocketAddr, request: Vec<u8>) -> Result<f64> {
        let (requests, time) = self.run(address, request).await?;
        Ok(requests as f64 / time.as_secs_f64())
    }

    /// How many requests were answered, and in what time.
    pub async fn run(&self, address: SocketAddr, request: Vec<u8>) -> Result<(u64, Duration)> {
        let request: std::sync::Arc<[u8]> = request.into();
        let mut clients = Vec::new();
        for _ in 0..self.connections {
            clients.push(Client::connect(address).await?);
        }
        let (start, duration, until) = (Instant::now(), self.duration, self.until);
        let mut tasks = tokio::task::JoinSet::new();
        for mut client in clients {
            let request = request.clone();
            tasks.spawn(async move {
                let mut requests = 0_u64;
                while start.elapsed() < duration {
                    if client.exchange(&request).await? != 200 {
                        return Err(String::from_utf8_lossy(client.body()).into());
                    }
                    requests += 1;
                    if until.is_some_and(|text| client.body().windows(text.len()).any(|part| part == text.as_bytes())) {
                        break;
                    }
                }
                Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(requests)
            });
        }
        let mut requests = 0;
        let latest = tokio::time::Instant::from_std(start + duration + ANSWER_MAX);
        while let Some(outcome) = tokio::time::timeout_at(latest, tasks.join_next()).await? {
            requests += outcome??;
        }
        Ok((requests, start.elapsed()))
    }
}
