//! The running library: what requests, workers and commands share. `main` and the tests build it alike.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use crate::blobs::Blobs;
use crate::config::{Place, Settings};
use crate::error::{Error, Result};
use crate::fetch::{Fetcher, Patience};
use crate::jobs::gather::Submissions;
use crate::jobs::status::{self, Finished};
use crate::jobs::submit;
use crate::library::access::Keys;
use crate::library::blob_ids::BlobIds;
use crate::library::client_auth::allowance::Allowance;
use crate::library::custom_fields;
use crate::library::delivery::{self, Delivered};
use crate::library::keys::another_secret;
use crate::library::limits::Limits;
use crate::library::vault::Vault;
use crate::meter;
use crate::model::ids::LibraryTag;
use crate::store::{Db, Reach, jobs, settings};

/// Searches that read many rows at the same time: half of SQLite's connections for reading.
const SCANS_MAX: usize = 2;
/// Frames of SQLite's write-ahead log (4 KiB each) after which a checkpoint takes the writer's turn.
const LOG_FRAMES_MAX: i64 = 8_192;
/// Bytes of a frame: a page and its header.
const LOG_FRAME_BYTES: i64 = 4096 + 24;
/// How often the log is looked at.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);
/// And how often while it grows by more than some frames in between. What is copied back in one go is synced in one go, and as
/// long as that takes every other sync takes longer: uploads beside a large job wait for less if it is little each time.
const CHECKPOINT_BUSY_EVERY: Duration = Duration::from_millis(50);
const BUSY_FRAMES: i64 = 256;
/// How long to wait after it could not be copied back: a full disk does not empty in less.
const CHECKPOINT_AGAIN: Duration = Duration::from_secs(5);

/// Characters of the secret and of the server's name.
const RANDOM_TEXT_CHARS: usize = 64;

/// An open library.
pub struct App {
    pub db: Db,
    pub blobs: Blobs,
    pub tag: LibraryTag,
    pub settings: Settings,
    pub keys: Keys,
    /// `None` when requests are not limited.
    pub limits: Option<Limits>,
    pub blob_ids: BlobIds,
    pub finished_jobs: Finished,
    pub custom_fields: custom_fields::Known,
    pub delivered: Delivered,
    /// Turns for searches that read many rows, so that they leave connections to requests that read few.
    pub scans: Semaphore,
    /// Tells this server from others over the same catalog, across restarts.
    pub server_name: String,
    /// Uploads of unknown form are kept here until it is known what they are.
    pub spool_dir: PathBuf,
    /// Fetches the files that uploads name by URL.
    pub fetcher: Fetcher,
    /// For uploads that are signed by clients, until the signature is checked.
    pub unproven: Allowance,
    /// Submissions that may come before the queue must be counted again.
    pub queue_room: AtomicI64,
    pub submissions: Submissions,
    wake: Notify,
    stop: Notify,
    stopping: AtomicBool,
    /// Held until the process ends, so that no other one opens the same directory.
    _lock: Option<File>,
}

/// The parts of a library before it is opened.
pub struct Parts {
    pub db: Db,
    pub blobs: Blobs,
    pub secret: String,
    pub server_name: String,
    pub spool_dir: PathBuf,
    /// Where a key pair that is made at the first start is written.
    pub first_keys: PathBuf,
    pub lock: Option<File>,
}

impl Parts {
    /// Opens catalog, blobs and secret of a data directory.
    pub async fn open(place: &Place) -> Result<Parts> {
        let lock = lock_directory(&place.data)?;
        let data = &place.data;
        let spool_dir = data.join("spool");
        std::fs::create_dir_all(&spool_dir).map_err(|error| cannot("make", &spool_dir, &error))?;
        let fresh_catalog = place.catalog == "sqlite" && !data.join("catalog.db").exists();
        let db = match place.catalog.as_str() {
            "sqlite" => Db::open_sqlite(&data.join("catalog.db")).await?,
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => Db::open_postgres(url).await?,
            // Not told: a mistyped URL may hold a password.
            _ => return Err(Error::Setup("--catalog is neither sqlite nor a postgres:// URL".into())),
        };
        let knows_secret = !fresh_catalog && settings::get(&mut db.read().await?, "secret_check").await?.is_some();
        let secret = secret(place, knows_secret)?;
        let blobs_dir = place.blobs_dir();
        let blobs = Blobs::local(&blobs_dir).map_err(|error| {
            Error::Setup(format!("cannot use {} for blobs: {}", blobs_dir.display(), chain(&error)))
        })?;
        let server_name = read_or_make(&data.join("server-name"), false)?;
        Ok(Parts {
            db,
            blobs,
            secret,
            server_name: server_name[..16].to_owned(),
            spool_dir,
            first_keys: data.join("first-keys"),
            lock: Some(lock),
        })
    }
}

/// The catalog and the secret of a library that a server may be running over at this moment. The data directory
/// is not locked: databases serve several processes, and whoever has this leaves blobs, spool and schema alone.
pub struct Beside {
    pub db: Db,
    pub vault: Vault,
    pub tag: LibraryTag,
}

impl Beside {
    /// Opens a library that a server of this version has made, for commands that change key pairs.
    pub async fn open(place: &Place) -> Result<Beside> {
        let db = match place.catalog.as_str() {
            "sqlite" => Db::open_sqlite_beside(&place.catalog_file()?).await?,
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Db::open_postgres_beside(url).await?
            }
            _ => return Err(Error::Setup("--catalog is neither sqlite nor a postgres:// URL".into())),
        };
        let mut tx = db.read().await?;
        let (check, tag) =
            (settings::get(&mut tx, "secret_check").await?, settings::get(&mut tx, "library_tag").await?);
        drop(tx);
        let (Some(check), Some(tag)) = (check, tag) else { return Err(place.no_library()) };
        let vault = Vault::of(&secret(place, true)?);
        if vault.check() != check {
            return Err(another_secret());
        }
        Ok(Beside { db, vault, tag: parse_tag(&tag)? })
    }
}

impl App {
    /// Opens a library: checks that catalog, blobs and secret belong together, and clears away what a
    /// crash of this server may have left.
    pub async fn open(parts: Parts, settings: Settings, first_pair: Option<(String, String)>) -> Result<App> {
        let Parts { db, blobs, secret, server_name, spool_dir, first_keys, lock } = parts;
        let tag = library_tag(&db).await?;
        claim_blobs(&db, &blobs, tag).await?;
        let keys = Keys::open(&db, &secret, first_pair, &first_keys).await?;
        let blob_ids = BlobIds::new(server_name.clone());
        blob_ids.settle_left_behind(&db, &blobs).await?;
        let mut tx = db.write(Reach::Apart).await?;
        if db.is_sqlite() {
            // The directory is locked, so whoever held a lease is gone.
            jobs::release_all(&mut tx).await?;
        } else {
            jobs::release_owned(&mut tx, &format!("{server_name}/1")).await?;
        }
        tx.commit().await?;
        submit::lock_older_jobs(&db).await?;
        let fetcher = Fetcher::new(settings.fetch.clone(), Patience::default())
            .map_err(|error| Error::Setup(format!("downloads cannot be set up: {}", chain(&error))))?;
        let unproven = Allowance::new(settings.client_upload_bytes_max);
        Ok(App {
            db,
            blobs: blobs.keeping(settings.small_files_memory),
            tag,
            limits: settings.rate_limit.map(Limits::new),
            settings,
            keys,
            blob_ids,
            finished_jobs: status::remember(),
            custom_fields: custom_fields::Known::default(),
            delivered: delivery::remember(),
            scans: Semaphore::new(SCANS_MAX),
            server_name,
            spool_dir,
            fetcher,
            unproven,
            queue_room: AtomicI64::new(0),
            submissions: Submissions::default(),
            wake: Notify::new(),
            stop: Notify::new(),
            stopping: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Tells the worker that there is a job. A hint only: it also looks by itself.
    pub fn wake_worker(&self) {
        self.wake.notify_one();
    }

    /// Waits for a hint, for the shutdown, or for `at_most`.
    pub async fn until_woken(&self, at_most: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.until_stopping(at_most) => {}
        }
    }

    /// Waits for the shutdown or for `at_most`.
    pub async fn until_stopping(&self, at_most: Duration) {
        let stop = self.stop.notified();
        if !self.is_stopping() {
            drop(tokio::time::timeout(at_most, stop).await);
        }
    }

    /// The rest between two batches that the operator asked for; lets waiting requests have their turn.
    pub async fn pause_between_batches(&self) {
        if self.settings.batch_pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            self.until_stopping(self.settings.batch_pause).await;
        }
    }

    /// Asks workers to stop after the step they are in.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.notify_waiters();
    }

    /// Whether the server is shutting down.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Keeps SQLite's write-ahead log short until the shutdown.
    pub async fn keep_log_short(&self) {
        let mut before = 0;
        while self.db.is_sqlite() && !self.is_stopping() {
            let began = Instant::now();
            let pause = match self.db.checkpoint(LOG_FRAMES_MAX).await {
                Ok(frames) => {
                    // A log that is shorter than before has begun anew.
                    let grown = if frames < before { frames } else { frames - before };
                    before = frames;
                    meter::checkpointed(frames * LOG_FRAME_BYTES, began.elapsed());
                    if grown > BUSY_FRAMES { CHECKPOINT_BUSY_EVERY } else { CHECKPOINT_EVERY }
                }
                Err(error) => {
                    tracing::warn!(%error, "the write-ahead log was not copied back and will be tried again");
                    CHECKPOINT_AGAIN
                }
            };
            self.until_stopping(pause).await;
        }
    }
}

/// The tag of this library, made when the catalog is new.
async fn library_tag(db: &Db) -> Result<LibraryTag> {
    let mut tx = db.write(Reach::Apart).await?;
    let fresh = random_hex::<4>();
    let tag = settings::get_or_insert(&mut tx, "library_tag", &fresh).await?;
    tx.commit().await?;
    parse_tag(&tag)
}

fn parse_tag(text: &str) -> Result<LibraryTag> {
    u32::from_str_radix(text, 16).map(LibraryTag).map_err(|_| Error::Damaged(format!("library tag {text}")))
}

/// The server secret: the one given, or the one in the data directory, which is made unless it `must_exist`.
fn secret(place: &Place, must_exist: bool) -> Result<String> {
    match &place.secret {
        Some(secret) if secret.len() < 16 => {
            Err(Error::Setup("--secret is too short; use 16 characters or more".into()))
        }
        Some(secret) => Ok(secret.clone()),
        None => read_or_make(&place.data.join("secret"), must_exist),
    }
}

/// Ties blob store and catalog together at the first start; later both must still be the ones that belong together.
async fn claim_blobs(db: &Db, blobs: &Blobs, tag: LibraryTag) -> Result<()> {
    let claimed = settings::get(&mut db.read().await?, "blobs_claimed").await?.is_some();
    if claimed && !blobs.is_claimed().await? {
        return Err(Error::Setup(
            "the blob store is empty or another one than before; mount it, or give the right --blobs".into(),
        ));
    }
    blobs.claim(&tag.to_string()).await.map_err(|error| Error::Setup(chain(&error)))?;
    let mut tx = db.write(Reach::Apart).await?;
    settings::get_or_insert(&mut tx, "blobs_claimed", "yes").await?;
    tx.commit().await
}

/// Takes the data directory for this process, and makes it if it does not exist.
pub fn lock_directory(data: &Path) -> Result<File> {
    // Pictures may be private; other users of the machine have no business here.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .map_err(|error| cannot("make", data, &error))?;
    let path = data.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| cannot("open", &path, &error))?;
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => Error::Setup(format!(
            "the directory {} is in use by another calotype process; stop that one or give another directory",
            data.display()
        )),
        std::fs::TryLockError::Error(error) => cannot("lock", &path, &error),
    })?;
    Ok(file)
}

/// A random text kept in a file that only its owner may read. `must_exist` says that losing it matters.
fn read_or_make(path: &Path, must_exist: bool) -> Result<String> {
    let mut text = String::new();
    match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) if text.trim().len() >= RANDOM_TEXT_CHARS => Ok(text.trim().to_owned()),
        Ok(_) if must_exist => {
            Err(Error::Setup(format!("the server secret {} is cut short; restore it from a backup", path.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && must_exist => Err(Error::Setup(format!(
            "the server secret {} is lost, and the stored keys cannot be opened without it; restore the file from a \
             backup or set CALOTYPE_SECRET",
            path.display()
        ))),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot("read", path, &error)),
        _ => {
            let text = random_hex::<{ RANDOM_TEXT_CHARS / 2 }>();
            write_private(path, &text)?;
            Ok(text)
        }
    }
}

/// Writes a file that only its owner may read, durably and in one step: it is never seen half written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(dir)?;
        writeln!(file, "{text}")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// `N` random bytes as hex.
pub fn random_hex<const N: usize>() -> String {
    let mut bytes = [0_u8; N];
    // The operating system's generator does not fail once the system has booted; nothing works without it.
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random number.
pub fn random_number() -> u32 {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    u32::from_le_bytes(bytes)
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Setup(format!("cannot {verb} {}: {error}", path.display()))
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
