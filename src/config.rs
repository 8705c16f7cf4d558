//! Settings: flags, and a `CALOTYPE_…` variable for each. What is wrong is told in one line that says
//! what to do.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use crate::error::{Error, Result};
use crate::fetch;

/// Where a library is, unless told otherwise.
pub const DATA: &str = "./calotype-data";
/// First path segments that the API has for itself, now or in later versions.
const RESERVED_ENDPOINT_IDS: &[&str] = &[
    "v1",
    "v2",
    "api",
    "calotype",
    "healthz",
    "readyz",
    "metrics",
    "docs",
    "openapi.json",
    "ui",
    "favicon.ico",
    "robots.txt",
];

/// Where the library is; what every command needs.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Directory of the catalog, the blobs and the server secret; `serve` makes it
    #[arg(long, env = "CALOTYPE_DATA", default_value = DATA, value_name = "DIR")]
    pub data: PathBuf,
    /// `sqlite` for a file in the data directory, or `postgres://user@host/database` (15 or later)
    #[arg(long, env = "CALOTYPE_CATALOG", default_value = "sqlite", value_name = "CATALOG", hide_env_values = true)]
    pub catalog: String,
    /// Directory for the bytes of the files [default: `blobs` in the data directory]
    #[arg(long, env = "CALOTYPE_BLOBS", value_name = "DIR")]
    pub blobs: Option<PathBuf>,
    /// Secret that seals private keys; servers over one PostgreSQL catalog share it [default: kept in the data directory]
    #[arg(long, env = "CALOTYPE_SECRET", value_name = "TEXT", hide_env_values = true)]
    pub secret: Option<String>,
}

impl Place {
    /// Where the blobs are.
    pub fn blobs_dir(&self) -> PathBuf {
        self.blobs.clone().unwrap_or_else(|| self.data.join("blobs"))
    }

    /// Whether the catalog is the file in the data directory.
    pub fn is_sqlite(&self) -> bool {
        self.catalog == "sqlite"
    }

    /// The catalog's file, which must be there. For a catalog that is one.
    pub fn catalog_file(&self) -> Result<PathBuf> {
        let file = self.data.join("catalog.db");
        match file.metadata() {
            Ok(_) => Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(self.no_library()),
            Err(error) => Err(Error::Setup(format!(
                "cannot look into {}: {error}; run this as the user that the server runs as",
                self.data.display()
            ))),
        }
    }

    /// What commands say that are for a library.
    pub fn no_library(&self) -> Error {
        Error::Setup(format!(
            "there is no library in {} yet; give its directory with --data, or run `calotype serve` once",
            self.data.display()
        ))
    }
}

/// The settings of `calotype serve`.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    #[command(flatten)]
    pub place: Place,
    /// Address to listen on
    #[arg(long, env = "CALOTYPE_LISTEN", default_value = "127.0.0.1:8770", value_name = "ADDRESS:PORT", value_parser = address)]
    pub listen: SocketAddr,
    /// Certificate chain for HTTPS, a PEM file with the server's certificate first; with it --listen speaks HTTPS
    #[arg(long, env = "CALOTYPE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, a PEM file; both files are read again when they change
    #[arg(long, env = "CALOTYPE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Address for HTTPS beside plain HTTP on --listen [default: --listen speaks HTTPS itself]
    #[arg(long, env = "CALOTYPE_TLS_LISTEN", value_name = "ADDRESS:PORT", value_parser = address)]
    pub tls_listen: Option<SocketAddr>,
    /// Address that serves /metrics without a key, for Prometheus [default: /metrics with a key, on --listen]
    #[arg(long, env = "CALOTYPE_METRICS_LISTEN", value_name = "ADDRESS:PORT", value_parser = address)]
    pub metrics_listen: Option<SocketAddr>,
    /// Base of the URLs in answers, as clients reach this server [default: http:// or https:// and the listening address]
    #[arg(long, env = "CALOTYPE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// First path segment of delivery URLs
    #[arg(long, env = "CALOTYPE_ENDPOINT_ID", default_value = "library", value_name = "NAME")]
    pub endpoint_id: String,
    /// Form of the log on standard error
    #[arg(long, env = "CALOTYPE_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Private key of the first key pair, instead of a random one
    #[arg(long, env = "CALOTYPE_PRIVATE_KEY", value_name = "KEY", hide_env_values = true)]
    pub private_key: Option<String>,
    /// Public key of the first key pair
    #[arg(long, env = "CALOTYPE_PUBLIC_KEY", value_name = "KEY")]
    pub public_key: Option<String>,
    /// Largest file that is accepted, in bytes
    #[arg(long, env = "CALOTYPE_UPLOAD_BYTES_MAX", default_value_t = 2 * 1024 * 1024 * 1024, value_name = "BYTES")]
    pub upload_bytes_max: u64,
    /// Largest image that is accepted, in bytes [default: as for every file]
    #[arg(long, env = "CALOTYPE_IMAGE_BYTES_MAX", value_name = "BYTES")]
    pub image_bytes_max: Option<u64>,
    /// Bytes that uploads signed by clients may hold on disk together before their signatures are checked
    #[arg(long, env = "CALOTYPE_CLIENT_UPLOAD_BYTES_MAX", default_value_t = 4 * 1024 * 1024 * 1024, value_name = "BYTES")]
    pub client_upload_bytes_max: u64,
    /// Let uploads by URL fetch from private, loopback and link-local addresses, too
    #[arg(long, env = "CALOTYPE_FETCH_PRIVATE_ADDRESSES", default_value = "false", default_missing_value = "true", num_args = 0..=1, value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub fetch_private_addresses: bool,
    /// Addresses, blocks like 10.0.0.0/8, and host names that uploads by URL may fetch from whatever they are
    #[arg(long, env = "CALOTYPE_FETCH_ALLOW", value_delimiter = ',', value_name = "ADDRESS|BLOCK|HOST")]
    pub fetch_allow: Vec<String>,
    /// Rows that a bulk job changes in one transaction; smaller is kinder to uploads, larger is faster
    #[arg(long, env = "CALOTYPE_BATCH_ROWS", default_value_t = 4000, value_name = "ROWS", value_parser = clap::value_parser!(i64).range(1..=20_000))]
    pub batch_rows: i64,
    /// Rest between two transactions of a bulk job, in milliseconds
    #[arg(long, env = "CALOTYPE_BATCH_PAUSE_MS", default_value_t = 0, value_name = "MS")]
    pub batch_pause_ms: u64,
    /// Bulk jobs that may wait at one time; more are answered with 429
    #[arg(long, env = "CALOTYPE_QUEUED_JOBS_MAX", default_value_t = 100_000, value_name = "JOBS", value_parser = clap::value_parser!(i64).range(1..))]
    pub queued_jobs_max: i64,
    /// Levels of folders that can be made
    #[arg(long, env = "CALOTYPE_FOLDER_DEPTH_MAX", default_value_t = 50, value_name = "LEVELS", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub folder_depth_max: u16,
    /// Files, folders and versions that a folder may hold to be copied, moved, renamed or deleted; 100000 is the vendor's
    /// limit [default: no limit]
    #[arg(long, env = "CALOTYPE_FOLDER_OBJECTS_MAX", value_name = "OBJECTS", value_parser = clap::value_parser!(i64).range(1..=1_000_000_000))]
    pub folder_objects_max: Option<i64>,
    /// How long a client may send nothing in the middle of a request, in milliseconds
    #[arg(long, env = "CALOTYPE_IDLE_TIMEOUT_MS", default_value_t = 60_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    pub idle_timeout_ms: u64,
    /// API requests that each key may send in the interval, on each server; more are answered with 429, uploads are
    /// not counted [default: no limit]
    #[arg(long, env = "CALOTYPE_RATE_LIMIT", value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate_limit: Option<u32>,
    /// The interval of --rate-limit, in milliseconds
    #[arg(long, env = "CALOTYPE_RATE_LIMIT_INTERVAL", default_value_t = 1_000, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=86_400_000))]
    pub rate_limit_interval: u32,
    /// Deliver signed URLs only, also of public files
    #[arg(long, env = "CALOTYPE_RESTRICT_UNSIGNED_URLS", value_parser = clap::builder::BoolishValueParser::new())]
    pub restrict_unsigned_urls: bool,
    /// How long browsers and proxies may keep a delivered file without asking whether it is still the same, in seconds
    #[arg(long, env = "CALOTYPE_DELIVERY_MAX_AGE_S", default_value_t = 0, value_name = "S", value_parser = clap::value_parser!(u64).range(..=15_552_000))]
    pub delivery_max_age_s: u64,
    /// Memory for small files that are delivered often, in bytes; 0 for none
    #[arg(long, env = "CALOTYPE_SMALL_FILES_MEMORY", default_value_t = 64 * 1024 * 1024, value_name = "BYTES")]
    pub small_files_memory: u64,
    /// How long requests in flight may take to end after the shutdown has begun, in milliseconds
    #[arg(long, env = "CALOTYPE_SHUTDOWN_PATIENCE_MS", default_value_t = 8_000, value_name = "MS")]
    pub shutdown_patience_ms: u64,
}

/// How many requests a key may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In the interval, and at once after a rest.
    pub requests: NonZeroU32,
    pub interval: Duration,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// What requests and jobs need to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Without a trailing slash.
    pub public_url: String,
    pub endpoint_id: String,
    pub upload_bytes_max: u64,
    pub image_bytes_max: Option<u64>,
    pub client_upload_bytes_max: u64,
    /// Where uploads by URL may fetch from.
    pub fetch: fetch::Policy,
    pub batch_rows: i64,
    pub batch_pause: Duration,
    pub queued_jobs_max: i64,
    /// Folders on a path that is made.
    pub folder_depth_max: usize,
    /// What a folder may hold to be copied, moved, renamed or deleted; `None` for any number.
    pub folder_objects_max: Option<i64>,
    pub idle_timeout: Duration,
    pub restrict_unsigned_urls: bool,
    pub delivery_max_age_s: u64,
    /// Bytes.
    pub small_files_memory: u64,
    /// `None` for no limit.
    pub rate_limit: Option<RateLimit>,
    pub shutdown_patience: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            public_url: "http://127.0.0.1:8770".into(),
            endpoint_id: "library".into(),
            upload_bytes_max: 2 * 1024 * 1024 * 1024,
            image_bytes_max: None,
            client_upload_bytes_max: 4 * 1024 * 1024 * 1024,
            fetch: fetch::Policy::default(),
            batch_rows: 4000,
            batch_pause: Duration::ZERO,
            queued_jobs_max: 100_000,
            folder_depth_max: 50,
            folder_objects_max: None,
            idle_timeout: Duration::from_secs(60),
            restrict_unsigned_urls: false,
            delivery_max_age_s: 0,
            small_files_memory: 64 * 1024 * 1024,
            rate_limit: None,
            shutdown_patience: Duration::from_secs(8),
        }
    }
}

/// An address and a port of this machine. No name is looked up but the one that everybody has: what another name leads to may
/// change, and may be all of the machine's addresses.
pub fn address(text: &str) -> std::result::Result<SocketAddr, &'static str> {
    let own = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let numbers = own.as_deref().unwrap_or(text);
    numbers.parse().map_err(|_| "give an address and a port, like 127.0.0.1:8770, or 0.0.0.0:8770 for every address")
}

impl Serve {
    /// Checks what clap cannot. `bound` is the address that the server really listens on.
    pub fn settings(&self, bound: SocketAddr) -> Result<Settings> {
        let public_url = self.public_url.clone().unwrap_or_else(|| {
            let scheme = if self.tls_cert.is_some() { "https" } else { "http" };
            format!("{scheme}://{bound}")
        });
        let parsed = url::Url::parse(&public_url).map_err(|error| {
            Error::Setup(format!(
                "--public-url {public_url} is not a URL ({error}); give one like https://media.example.com"
            ))
        })?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(Error::Setup(format!("--public-url {public_url} must be http:// or https:// without a query")));
        }
        let fetch = fetch::Policy::new(self.fetch_private_addresses, &self.fetch_allow).map_err(|entry| {
            Error::Setup(format!(
                "--fetch-allow {entry} is no address, block or host name; give some like 10.0.0.0/8,media.internal"
            ))
        })?;
        Ok(Settings {
            public_url: public_url.trim_end_matches('/').to_owned(),
            endpoint_id: self.endpoint_id.clone(),
            upload_bytes_max: self.upload_bytes_max,
            image_bytes_max: self.image_bytes_max,
            client_upload_bytes_max: self.client_upload_bytes_max,
            fetch,
            batch_rows: self.batch_rows,
            batch_pause: Duration::from_millis(self.batch_pause_ms),
            queued_jobs_max: self.queued_jobs_max,
            folder_depth_max: self.folder_depth_max.into(),
            folder_objects_max: self.folder_objects_max,
            idle_timeout: Duration::from_millis(self.idle_timeout_ms),
            restrict_unsigned_urls: self.restrict_unsigned_urls,
            delivery_max_age_s: self.delivery_max_age_s,
            small_files_memory: self.small_files_memory,
            rate_limit: self.rate_limit.and_then(NonZeroU32::new).map(|requests| RateLimit {
                requests,
                interval: Duration::from_millis(self.rate_limit_interval.into()),
            }),
            shutdown_patience: Duration::from_millis(self.shutdown_patience_ms),
        })
    }

    /// The files of the certificate and its key, if HTTPS is wanted.
    pub fn tls_files(&self) -> Result<Option<(&Path, &Path)>> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) if self.tls_listen.is_some() => Err(Error::Setup(
                "--tls-listen needs --tls-cert and --tls-key; `calotype tls init` makes a pair".into(),
            )),
            (None, None) => Ok(None),
            _ => Err(Error::Setup("--tls-cert and --tls-key go together; give both or neither".into())),
        }
    }

    /// Refuses an endpoint id that the API has for itself, or that is no plain segment.
    pub fn check_endpoint_id(&self) -> Result<()> {
        let id = &self.endpoint_id;
        if RESERVED_ENDPOINT_IDS.contains(&id.to_ascii_lowercase().as_str()) {
            return Err(Error::Setup(format!(
                "--endpoint-id {id} is reserved for the API; choose another name, such as library"
            )));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return Err(Error::Setup(format!("--endpoint-id {id:?} must be 1 to 64 letters, digits, - or _")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_localhost() {
        assert_eq!(address("localhost:8770"), Ok(SocketAddr::from(([127, 0, 0, 1], 8770))));
        assert_eq!(address("[::1]:0").map(|address| address.is_ipv6()), Ok(true));
        for wrong in ["8770", "localhost", "localhost:x", "127.0.0.1:70000", "media.example.com:443", "0:8770", ""] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
