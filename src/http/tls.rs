//! HTTPS: the certificate, read again when its files change, and the handshake.
//!
//! Certificates are renewed by other programs, which replace the files and do not tell. So the files are looked at every
//! few seconds, and at once on SIGHUP. A new pair is used for new connections; one that cannot be used (certbot replaces
//! the two files one after the other) changes nothing and is tried again.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::identify::REQUEST_ID;
use crate::app::App;
use crate::error::{Error, HELP, Result};
use crate::meter;
use crate::model::time::Millis;

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A certificate that ends within this time is told of at every start and every time it is read.
const ENDS_SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Largest file that is read: chains are a few KiB, anything larger is something else.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// First byte of every TLS handshake.
const HANDSHAKE_RECORD: u8 = 0x16;
/// What a client hears that speaks plain HTTP to the HTTPS port.
const SPEAK_TLS: &str = "This port speaks HTTPS; use https:// in the address.";

/// A certificate and its key, with the files they come from.
#[derive(Debug)]
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

/// Tells one state of the two files from another. A replaced file has another inode, also behind a symbolic link.
type Stamp = [Option<(u64, i64, i64, u64)>; 2];

impl Certificate {
    /// Reads a chain and its private key from PEM files. Fails with one line that says which file is wrong, and how.
    pub fn open(cert: &Path, key: &Path) -> Result<Arc<Certificate>> {
        let current = RwLock::new(Arc::new(read(cert, key)?));
        Ok(Arc::new(Certificate { cert: cert.to_owned(), key: key.to_owned(), current }))
    }

    /// What new connections are greeted with.
    pub fn acceptor(self: &Arc<Certificate>) -> Result<TlsAcceptor> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Setup(format!("TLS cannot be used: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again whenever they change, until the shutdown.
    pub async fn keep_fresh(&self, app: &App) {
        let mut hang_up = signal(SignalKind::hangup()).ok();
        let mut seen = self.stamp();
        while !app.is_stopping() {
            let told = tokio::select! {
                () = app.until_stopping(LOOK_AGAIN) => false,
                () = next(&mut hang_up) => true,
            };
            let now = self.stamp();
            if now != seen || told {
                seen = now;
                self.read_again();
            }
        }
    }

    fn read_again(&self) {
        match read(&self.cert, &self.key) {
            Ok(fresh) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                tracing::info!(path = %self.cert.display(), "the certificate was read again");
            }
            Err(error) => tracing::warn!(%error, "the certificate was not read again; the one before stays in use"),
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()))
        })
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // The guarded section cannot panic, so the lock cannot be poisoned.
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Waits for the signal, or for ever where there is none.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The cryptography behind TLS.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey> {
    let chain = CertificateDer::pem_slice_iter(&contents("--tls-cert", cert)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| not_pem("--tls-cert", cert, &error))?;
    let Some(first) = chain.first() else {
        return Err(Error::Setup(format!(
            "--tls-cert {} holds no certificate; it must be a PEM file with the server's certificate first",
            cert.display()
        )));
    };
    let ends = ends(first).map_err(|why| Error::Setup(format!("--tls-cert {}: {why}", cert.display())))?;
    let private = PrivateKeyDer::from_pem_slice(&contents("--tls-key", key)?).map_err(|error| match error {
        pem::Error::NoItemsFound => Error::Setup(format!(
            "--tls-key {} holds no private key; it must be a PEM file with an unencrypted key",
            key.display()
        )),
        error => not_pem("--tls-key", key, &error),
    })?;
    let pair = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => Error::Setup(format!(
            "the key in --tls-key {} is not the one of the certificate in --tls-cert {}; give the pair that belongs together",
            key.display(),
            cert.display()
        )),
        error => Error::Setup(format!("--tls-key {} cannot be used: {error}", key.display())),
    })?;
    tell_end(cert, ends);
    Ok(pair)
}

fn contents(flag: &str, path: &Path) -> Result<Vec<u8>> {
    let cannot = |error: std::io::Error| Error::Setup(format!("cannot read {flag} {}: {error}", path.display()));
    if std::fs::metadata(path).map_err(cannot)?.len() > FILE_BYTES_MAX {
        return Err(Error::Setup(format!("{flag} {} is too large for a PEM file", path.display())));
    }
    std::fs::read(path).map_err(cannot)
}

fn not_pem(flag: &str, path: &Path, error: &pem::Error) -> Error {
    Error::Setup(format!("{flag} {} is not a whole PEM file: {error}", path.display()))
}

/// When a certificate runs out.
fn ends(certificate: &CertificateDer<'_>) -> Result<Millis, String> {
    let (_, parsed) =
        x509_parser::parse_x509_certificate(certificate).map_err(|error| format!("not a certificate: {error}"))?;
    Ok(Millis(parsed.validity().not_after.timestamp().saturating_mul(1000)))
}

/// An old certificate is no reason not to start: clients decide, and the server may have other work.
fn tell_end(path: &Path, ends: Millis) {
    meter::certificate_ends(ends);
    let left_ms = ends.0 - Millis::now().0;
    if left_ms < 0 {
        tracing::warn!(path = %path.display(), ended = %ends, "the certificate has run out; clients refuse it");
    } else if left_ms < ENDS_SOON_MS {
        tracing::warn!(path = %path.display(), %ends, "the certificate runs out soon");
    }
}

/// Whether the client begins with TLS; one that speaks plain HTTP is told. Waits for its first byte.
pub async fn begins_with_tls(stream: &mut TcpStream) -> bool {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) if first[0] == HANDSHAKE_RECORD => true,
        Ok(1) if first[0].is_ascii_alphabetic() => {
            drop(stream.write_all(speak_tls().as_bytes()).await);
            drop(stream.shutdown().await);
            false
        }
        _ => false,
    }
}

/// A refusal like every other, written by hand: there is no request yet that could be answered.
fn speak_tls() -> String {
    let body = serde_json::json!({ "message": SPEAK_TLS, "help": HELP }).to_string();
    format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\nConnection: close\r\n\
        {REQUEST_ID}: {}\r\nContent-Length: {}\r\n\r\n{body}",
        uuid::Uuid::new_v4(),
        body.len()
    )
}

/// The handshake; `None` when it fails, which is the client's concern.
pub async fn handshake<S>(acceptor: &TlsAcceptor, stream: S) -> Option<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match acceptor.accept(stream).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (cert, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}-key.pem")));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (cert, key)
    }

    #[test]
    fn what_is_wrong_with_the_files_is_told_in_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair(dir.path(), "one");
        let (_, other_key) = pair(dir.path(), "two");
        let missing = dir.path().join("missing.pem");
        let noise = dir.path().join("noise.pem");
        std::fs::write(&noise, "no PEM at all").unwrap();
        let cut = dir.path().join("cut.pem");
        std::fs::write(&cut, &std::fs::read_to_string(&cert).unwrap()[..200]).unwrap();
        for (cert, key, words) in [
            (&missing, &key, "cannot read --tls-cert"),
            (&cert, &missing, "cannot read --tls-key"),
            (&noise, &key, "holds no certificate"),
            (&key, &key, "holds no certificate"),
            (&cert, &noise, "holds no private key"),
            (&cert, &cert, "holds no private key"),
            (&cut, &key, "not a whole PEM file"),
            (&cert, &other_key, "is not the one of the certificate"),
        ] {
            let error = Certificate::open(cert, key).unwrap_err().to_string();
            assert!(error.contains(words), "{words:?} is missing in {error:?}");
            assert!(!error.contains('\n'), "{error:?} has more than one line");
        }
        Certificate::open(&cert, &key).unwrap();
    }

    #[test]
    fn a_pair_that_does_not_fit_leaves_the_one_before_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = pair(dir.path(), "one");
        let (new_cert, new_key) = pair(dir.path(), "two");
        let certificate = Certificate::open(&cert, &key).unwrap();
        let in_use = || certificate.current.read().unwrap().cert[0].clone();
        let first = in_use();
        let stamp = certificate.stamp();
        std::fs::rename(&new_cert, &cert).unwrap();
        assert_ne!(certificate.stamp(), stamp, "a replaced file is noticed");
        certificate.read_again();
        assert_eq!(in_use(), first, "the new certificate has no key yet");
        std::fs::rename(&new_key, &key).unwrap();
        certificate.read_again();
        assert_ne!(in_use(), first);
    }
}
