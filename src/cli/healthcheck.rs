//! `calotype healthcheck`: for images that have no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::app::chain;
use crate::config;
use crate::error::{Error, Result};
use crate::http::tls;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Settings of `calotype healthcheck`; the same variables as the server's, so that it finds it by itself.
#[derive(Args)]
pub struct Healthcheck {
    /// Address that the server listens on
    #[arg(long, env = "CALOTYPE_LISTEN", default_value = "127.0.0.1:8770", value_name = "ADDRESS:PORT", value_parser = config::address)]
    listen: SocketAddr,
    /// The server's certificate, if it has one: it speaks HTTPS then
    #[arg(long, env = "CALOTYPE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<String>,
    /// The server's address for HTTPS, if it has one: --listen is plain HTTP then
    #[arg(long, env = "CALOTYPE_TLS_LISTEN", value_name = "ADDRESS:PORT", value_parser = config::address)]
    tls_listen: Option<SocketAddr>,
}

/// Asks `/readyz` of the server on this machine; success if it is ready.
pub async fn run(command: &Healthcheck) -> Result<ExitCode> {
    let scheme = if command.tls_cert.is_some() && command.tls_listen.is_none() { "https" } else { "http" };
    let url = format!("{scheme}://{}/readyz", reachable(command.listen));
    drop(rustls::crypto::CryptoProvider::install_default((*tls::provider()).clone()));
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        // The server is this machine's own, asked by its address, which its certificate need not name; no secret is sent.
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| Error::Setup(chain(&error)))?;
    let answer = client.get(&url).send().await.map_err(|error| Error::Setup(chain(&error)))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| Error::Setup(chain(&error)))?;
    say!("{status}: {text}");
    Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// An address that stands for all of a machine's is no address to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listen.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    }
}
