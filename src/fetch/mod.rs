//! Fetching a file from a URL that a request names.
//!
//! Whoever may upload can make this server ask for any URL, so what it asks is guarded:
//!
//! 1. Only `http` and `https`; user name and password of a URL are dropped.
//! 2. A host that is an address is checked (`address.rs`, `policy.rs`) before it is asked. A host that is a name is looked
//!    up by `Guard`, which hands only allowed addresses to the connection: what is checked is what is connected to, so a
//!    name that changes its address in between (DNS rebinding) gains nothing. No proxy of the environment is used.
//! 3. Redirects are followed by hand, at most [`REDIRECTS_MAX`], each with the same checks.
//! 4. Headers have to arrive within one deadline for the whole chain; then neither a silent nor an endless nor a slow
//!    answer holds on: there is an idle time, a total time, and the caller's limit on the size.
//!
//! Nothing is decompressed: what asks for `identity` and is answered otherwise is refused. All failures look the same to
//! the client, so that the answers are no map of this network; the log has the reason.

pub mod address;
pub mod policy;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, stream};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, LOCATION};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

pub use policy::Policy;

/// Redirects that are followed (API contract, upload.md §3).
pub const REDIRECTS_MAX: usize = 5;

/// How long a fetch may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the headers of the last answer are there, lookups and redirects included.
    pub headers: Duration,
    /// Without a byte of the body.
    pub idle: Duration,
    /// For the whole body.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            // The contract's number.
            headers: Duration::from_secs(8),
            // A server that has begun to answer and falls silent for longer is not going to end.
            idle: Duration::from_secs(15),
            // The default limit of 2 GB at 30 Mbit/s; longer than any client waits for its answer.
            total: Duration::from_secs(600),
        }
    }
}

/// Why a URL was not fetched; for the log.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the URL is not an http or https URL")]
    BadUrl,
    #[error("the address {0} is not one that may be asked; --fetch-allow can allow it")]
    Forbidden(IpAddr),
    #[error("more than {REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("a redirect leads nowhere")]
    BadRedirect,
    #[error("the answer has status {0}")]
    Status(u16),
    #[error("the answer is encoded although that was not asked for")]
    Encoded,
    #[error("the answer took too long")]
    Slow,
    #[error("the answer is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the request failed")]
    Request(#[from] reqwest::Error),
}

/// Fetches URLs. One for all requests; nothing is kept between two fetches.
pub struct Fetcher {
    client: Client,
    policy: Arc<Policy>,
    patience: Patience,
}

impl Fetcher {
    /// A fetcher that looks names up as the system does.
    ///
    /// # Errors
    ///
    /// Fails when the TLS library cannot be set up.
    pub fn new(policy: Policy, patience: Patience) -> reqwest::Result<Fetcher> {
        Fetcher::with_lookup(policy, patience, Arc::new(SystemLookup))
    }

    fn with_lookup(policy: Policy, patience: Patience, lookup: Arc<dyn Lookup>) -> reqwest::Result<Fetcher> {
        // Another part of the program may have done so; the first one counts, and they are the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let policy = Arc::new(policy);
        let builder = || {
            Client::builder()
                .user_agent(concat!("calotype/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .referer(false)
                .redirect(redirect::Policy::none())
                // Every fetch looks up and connects anew, so that no check is older than its connection.
                .pool_max_idle_per_host(0)
                .dns_resolver(Arc::new(Guard { policy: Arc::clone(&policy), lookup: Arc::clone(&lookup) }))
        };
        let client = match builder().build() {
            Ok(client) => client,
            Err(error) => {
                // A container without certificates can still serve everything but fetches over https.
                tracing::warn!(error = crate::app::chain(&error), "no root certificates: https URLs cannot be fetched");
                builder().tls_certs_only([]).build()?
            }
        };
        Ok(Fetcher { client, policy, patience })
    }

    /// Asks for a URL; when the headers of a success are there, hands back the body. It ends with
    /// [`FetchError::TooLarge`] when it exceeds `bytes_max`.
    ///
    /// # Errors
    ///
    /// See [`FetchError`].
    pub async fn get(
        &self,
        url: &str,
        bytes_max: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, FetchError>> + Send + use<>, FetchError> {
        let deadline = Instant::now() + self.patience.headers;
        let response = timeout_at(deadline, self.follow(url)).await.map_err(|_| FetchError::Slow)??;
        check(&response, bytes_max)?;
        Ok(body(response, bytes_max, self.patience))
    }

    /// The answer at the end of the redirects.
    async fn follow(&self, url: &str) -> Result<Response, FetchError> {
        let mut url = Url::parse(url).map_err(|_| FetchError::BadUrl)?;
        for _ in 0..=REDIRECTS_MAX {
            self.guard(&mut url)?;
            let request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
            let response = request.send().await.map_err(reqwest::Error::without_url)?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            url = location.and_then(|to| url.join(to).ok()).ok_or(FetchError::BadRedirect)?;
        }
        Err(FetchError::Redirects)
    }

    /// Checks what can be told from the URL alone, and takes out what must not be sent.
    fn guard(&self, url: &mut Url) -> Result<(), FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::BadUrl);
        }
        url.set_username("").map_err(|()| FetchError::BadUrl)?;
        url.set_password(None).map_err(|()| FetchError::BadUrl)?;
        let ip = match url.host().ok_or(FetchError::BadUrl)? {
            // The connection asks the guard for these.
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(ip) => IpAddr::V4(ip),
            Host::Ipv6(ip) => IpAddr::V6(ip),
        };
        if self.policy.allows(&ip.to_string(), ip) { Ok(()) } else { Err(FetchError::Forbidden(ip)) }
    }
}

/// What the headers tell against a body.
fn check(response: &Response, bytes_max: u64) -> Result<(), FetchError> {
    // Others that are a success have no file, or a part of one.
    if !matches!(response.status(), StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION) {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let plain = |value: &[u8]| value.eq_ignore_ascii_case(b"identity") || value.is_empty();
    if response.headers().get(CONTENT_ENCODING).is_some_and(|value| !plain(value.as_bytes())) {
        return Err(FetchError::Encoded);
    }
    let length = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max) {
        return Err(FetchError::TooLarge(bytes_max));
    }
    Ok(())
}

/// The body within its bounds.
fn body(
    response: Response,
    bytes_max: u64,
    patience: Patience,
) -> impl Stream<Item = Result<Bytes, FetchError>> + Send + use<> {
    let end = Instant::now() + patience.total;
    stream::try_unfold((response, bytes_max), move |(mut response, room)| async move {
        let until = end.min(Instant::now() + patience.idle);
        let chunk = timeout_at(until, response.chunk()).await.map_err(|_| FetchError::Slow)?;
        let Some(chunk) = chunk.map_err(reqwest::Error::without_url)? else {
            return Ok(None);
        };
        let room = room.checked_sub(chunk.len() as u64).ok_or(FetchError::TooLarge(bytes_max))?;
        Ok(Some((chunk, (response, room))))
    })
}

/// Looks up names; tests have their own.
trait Lookup: Send + Sync {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver.
struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        // The connection puts the URL's port in place of 0.
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Hands allowed addresses to a connection, and no others.
struct Guard {
    policy: Arc<Policy>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, host) = (Arc::clone(&self.policy), name.as_str().to_ascii_lowercase());
        let found = self.lookup.lookup(host.clone());
        Box::pin(async move {
            let found = found.await?;
            let allowed: Vec<SocketAddr> =
                found.iter().copied().filter(|address| policy.allows(&host, address.ip())).collect();
            if let (true, Some(address)) = (allowed.is_empty(), found.first()) {
                return Err(FetchError::Forbidden(address.ip()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
