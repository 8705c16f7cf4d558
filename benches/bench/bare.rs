//! What the job status is compared with: a bare axum handler that answers with the same headers and bytes, served by
//! this program run a second time. It gets what to answer on its first line of stdin and ends when stdin does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};

use crate::Result;

#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

pub struct Bare {
    child: Child,
    pub address: SocketAddr,
}

impl Bare {
    /// Starts the handler that repeats this answer.
    pub fn start(head: &[u8], body: &[u8]) -> Result<Bare> {
        let head = std::str::from_utf8(head)?;
        let headers = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        // These two are added by the HTTP library, as they are in the server.
        let headers = headers.filter(|(name, _)| !["date", "content-length"].contains(&name.to_lowercase().as_str()));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_string())).collect();
        let answer = Answer { headers, body: String::from_utf8(body.to_vec())? };

        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("--bare").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.as_mut().ok_or("no stdin")?;
        stdin.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes())?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut address)?;
        let address = address.trim().parse().map_err(|_| "the bare handler did not start")?;
        Ok(Bare { child, address })
    }
}

impl Bare {
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The child's side.
pub fn serve() -> Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let answer: Answer = serde_json::from_str(&line)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
    }
    let body = axum::body::Bytes::from(answer.body);
    // Never outlives the program that started it.
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        let handler = get(move || async move { (headers.clone(), body.clone()) });
        let router = axum::Router::new().route("/v1/bulkJobs/{id}", handler);
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
        Ok(axum::serve(listener, router).await?)
    })
}
