//! A library copied while it is in use, and brought back.
//!
//! A backup is a directory. Making one:
//!
//! 1. The catalog is copied as of one moment, with a list of the blobs it refers to then. Bytes are written before the row
//!    that refers to them and never change, so every blob of the list is there, and what is uploaded later does not matter.
//! 2. Each listed blob that the directory does not have yet is linked or copied. So the next backup into the same directory
//!    only brings what is new.
//! 3. The secret is copied, without which stored keys cannot be opened.
//! 4. `manifest.json` is written in one step, and what belonged to the backup before is removed. A backup that was broken
//!    off leaves the one before as it was.
//!
//! Bringing it back: the manifest's digests are compared, then the blobs come first, and the catalog last. A directory that
//! was half restored has no catalog, and its blobs belong to a library that no new catalog will be; so it cannot be mistaken
//! for a library. What is restored begins anew: no job is held by a worker, and a wide range of ids is skipped, because
//! clients may know ids that the library gave after the backup was made, and other backups may hold their blobs.
//!
//! The sweep removes bytes that nothing refers to, and the backup must find those that its copy of the catalog refers to. So a
//! backup holds the sweep's lease from before 1 until the end of 2. One that was asleep for so long that somebody else has held
//! the lease in between has lost, and says so.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::app::{chain, lock_directory, random_hex, random_number, write_private};
use crate::blobs::{Blobs, Means, Transfer};
use crate::config::Place;
use crate::error::{Error, Result};
use crate::model::time::Millis;
use crate::store::collect;
use crate::store::snapshot::{self, Amount, Source};
use crate::store::{Db, Reach};

/// The first schema whose servers remove what nothing refers to.
const SWEEPING_SCHEMA: i64 = 6;
/// How often a backup asks whether the sweep is done with its round, and how many times.
const SWEEP_LOOK: Duration = Duration::from_millis(200);
const SWEEP_LOOKS_MAX: u32 = 1_500;
/// How often the hold on the sweep is renewed; it lasts three times as long.
const RENEW_EVERY: Duration = Duration::from_millis(collect::LEASE_MS.unsigned_abs() / 3);

/// The form of the directory that this program writes and reads.
const FORM: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// Longest manifest that is read, in bytes; one has some hundred.
const MANIFEST_BYTES_MAX: u64 = 64 * 1024;
/// Files in the data directory that a backup takes along if they are there.
const SECRET: &str = "secret";
const FIRST_KEYS: &str = "first-keys";
/// Blobs under way at once: enough to keep a disk busy that syncs each of them.
const BLOBS_AT_ONCE: usize = 8;
/// Missing or damaged blobs that are told one by one.
const TOLD_MAX: usize = 20;
/// Ids are skipped in steps of a PostgreSQL block: up to 2^48 of the 2^63 there are.
const SKIPPED_BITS: u32 = 16;

/// What `manifest.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub form: u32,
    pub made: String,
    pub made_by: String,
    /// The tag of the library.
    pub library: String,
    /// `sqlite` or `postgres`.
    pub catalog: String,
    pub schema: i64,
    pub catalog_file: Digested,
    pub blob_list: Digested,
    pub blobs: Amount,
    /// Whether the secret is in the backup; if not, the operator has it.
    pub holds_secret: bool,
}

/// A file beside the manifest, and its BLAKE3.
#[derive(Debug, Serialize, Deserialize)]
pub struct Digested {
    pub name: String,
    pub blake3: String,
}

/// How far the blobs are.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub done: u64,
    pub all: Amount,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub blobs: Amount,
    pub present: u64,
    pub linked: u64,
    pub copied: u64,
    pub copied_bytes: u64,
    /// How many blobs are missing or damaged, and the first of them in words.
    pub lost: u64,
    pub told: Vec<String>,
}

/// Where a backup lies.
struct Shelf<'a>(&'a Path);

impl Shelf<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }
}

/// Backs the library at `place` up into `to`, whether its server runs or not.
pub async fn make(place: &Place, to: &Path, means: Means, tell: &(dyn Fn(Progress) + Sync)) -> Result<Outcome> {
    let mut source = open_source(place).await?;
    let facts = source.facts().await?;
    let blobs_dir = place.blobs_dir();
    if !blobs_dir.is_dir() {
        return Err(Error::Setup(format!(
            "there are no blobs in {}; give their directory with --blobs",
            blobs_dir.display()
        )));
    }
    let blobs = Blobs::existing(&blobs_dir)?;
    let (shelf, now) = (Shelf(to), Millis::now());
    let _lock = lock_directory(to)?;
    let kept = Blobs::local(&shelf.blobs())?;
    kept.claim(&facts.tag).await.map_err(|error| Error::Setup(chain(&error)))?;
    // Of a backup that was broken off: the directory is locked, so nobody else writes there.
    kept.sweep_staged(now.system()).await?;

    // From before the first schema that sweeps there is nothing to hold.
    let pin = if facts.schema >= SWEEPING_SCHEMA { Some(Pin::take(place).await?) } else { None };
    let (kind, ending) = if place.is_sqlite() { ("sqlite", "db") } else { ("postgres", "rows") };
    let (catalog, list) = (format!("catalog-{}.{ending}", now.0), format!("blobs-{}.list", now.0));
    let (catalog_file, list_file) = (shelf.file(&catalog), shelf.file(&list));
    let copying = async {
        let amount = source.write(&catalog_file, &list_file).await?;
        source.close().await?;
        Ok((amount, transfer(&blobs, &kept, &list_file, amount, means, tell).await?))
    };
    let (amount, outcome) = match pin {
        Some(pin) => pin.held_during(copying).await?,
        None => copying.await?,
    };
    let holds_secret = place.secret.is_none() && copy_private(&place.data.join(SECRET), &shelf.file(SECRET))?;
    // It is in plain text, so it goes where the secret goes.
    if holds_secret {
        copy_private(&place.data.join(FIRST_KEYS), &shelf.file(FIRST_KEYS))?;
    }
    let manifest = Manifest {
        form: FORM,
        made: now.to_string(),
        made_by: format!("calotype {}", env!("CARGO_PKG_VERSION")),
        library: facts.tag,
        catalog: kind.into(),
        schema: facts.schema,
        catalog_file: digested(&shelf, catalog)?,
        blob_list: digested(&shelf, list)?,
        blobs: amount,
        holds_secret,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| Error::Setup(error.to_string()))?;
    write_private(&shelf.file(MANIFEST), &text)?;
    remove_superseded(&shelf, &manifest)?;
    Ok(outcome)
}

/// Keeps the sweep away.
struct Pin {
    source: Source,
    owner: String,
}

impl Pin {
    async fn take(place: &Place) -> Result<Pin> {
        let mut pin = Pin { source: open_source(place).await?, owner: format!("backup {}", random_hex::<8>()) };
        for _ in 0..SWEEP_LOOKS_MAX {
            if pin.source.hold_sweep(&pin.owner).await? {
                return Ok(pin);
            }
            tokio::time::sleep(SWEEP_LOOK).await;
        }
        Err(Error::Setup("the server has been removing unused files for minutes; try again later".into()))
    }

    /// Renews the hold until the work is done. What was done counts only if nobody else has held it meanwhile.
    async fn held_during<T>(mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = {
            let renewing = async {
                loop {
                    tokio::time::sleep(RENEW_EVERY).await;
                    if let Err(error) = self.keep().await {
                        return error;
                    }
                }
            };
            tokio::select! {
                done = work => done,
                error = renewing => Err(error),
            }
        };
        let done = match done {
            Ok(done) => self.keep().await.map(|()| done),
            failed => failed,
        };
        // It runs out by itself otherwise.
        drop(self.source.release_sweep(&self.owner).await);
        drop(self.source.close().await);
        done
    }

    async fn keep(&mut self) -> Result<()> {
        if self.source.keep_sweep(&self.owner).await? {
            return Ok(());
        }
        Err(Error::Setup(
            "the backup was asleep for so long that unused files may have been removed under it; make it again".into(),
        ))
    }
}

async fn open_source(place: &Place) -> Result<Source> {
    if !place.is_sqlite() {
        return Source::open_postgres(&place.catalog).await;
    }
    Source::open_sqlite(&place.catalog_file()?).await
}

/// Brings the listed blobs from one store to the other. All of them, also when some are lost: the others are wanted.
async fn transfer(
    from: &Blobs,
    to: &Blobs,
    list: &Path,
    all: Amount,
    means: Means,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Outcome> {
    let mut outcome = Outcome { blobs: all, ..Outcome::default() };
    let mut arriving = std::pin::pin!(
        snapshot::listed(list)?
            .map(|blob| async move {
                let blob = blob?;
                let how = from.transfer(blob.id, blob.size, &blob.digest, to, means).await?;
                Ok::<_, Error>((blob, how))
            })
            .buffer_unordered(BLOBS_AT_ONCE)
    );
    let mut done = 0;
    while let Some((blob, how)) = arriving.try_next().await? {
        done += 1;
        match how {
            Transfer::Present => outcome.present += 1,
            Transfer::Linked => outcome.linked += 1,
            Transfer::Copied => {
                outcome.copied += 1;
                outcome.copied_bytes += blob.size;
            }
            Transfer::Missing | Transfer::Damaged => {
                outcome.lost += 1;
                if outcome.told.len() < TOLD_MAX {
                    let word = if how == Transfer::Missing { "missing" } else { "damaged" };
                    outcome.told.push(format!("blob {} ({} bytes) is {word}", blob.id.0, blob.size));
                }
            }
        }
        tell(Progress { done, all });
    }
    to.sync().await?;
    Ok(outcome)
}

/// Brings the backup in `from` back to the empty `place`.
pub async fn restore(from: &Path, place: &Place, means: Means, tell: &(dyn Fn(Progress) + Sync)) -> Result<Outcome> {
    let shelf = Shelf(from);
    let manifest = read_manifest(&shelf, place)?;
    check_empty(&place.data)?;
    if let Some(blobs) = &place.blobs {
        check_empty(blobs)?;
    }
    let _lock = lock_directory(&place.data)?;
    let blobs = Blobs::local(&place.blobs_dir())?;
    blobs.claim(&manifest.library).await.map_err(|error| Error::Setup(chain(&error)))?;
    let kept = Blobs::existing(&shelf.blobs())?;
    let outcome = transfer(&kept, &blobs, &shelf.file(&manifest.blob_list.name), manifest.blobs, means, tell).await?;
    if place.secret.is_none() && !copy_private(&shelf.file(SECRET), &place.data.join(SECRET))? {
        return Err(Error::Setup(
            "the secret is not in the backup; set CALOTYPE_SECRET to the one that the library had".into(),
        ));
    }
    copy_private(&shelf.file(FIRST_KEYS), &place.data.join(FIRST_KEYS))?;
    let catalog = shelf.file(&manifest.catalog_file.name);
    if place.is_sqlite() {
        restore_sqlite(&catalog, &place.data).await?;
    } else {
        snapshot::load_postgres(&place.catalog, manifest.schema, &catalog).await?;
        begin_anew(Db::open_postgres(&place.catalog).await?).await?;
    }
    Ok(outcome)
}

/// Reads the manifest and compares what it says with the files beside it.
fn read_manifest(shelf: &Shelf<'_>, place: &Place) -> Result<Manifest> {
    let path = shelf.file(MANIFEST);
    let cannot = |error: &dyn std::fmt::Display| {
        Error::Setup(format!("{} is no whole backup: cannot read {MANIFEST}: {error}", shelf.0.display()))
    };
    if fs::metadata(&path).map_err(|error| cannot(&error))?.len() > MANIFEST_BYTES_MAX {
        return Err(cannot(&"it is too large"));
    }
    let text = fs::read(&path).map_err(|error| cannot(&error))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| cannot(&error))?;
    if manifest.form != FORM {
        return Err(Error::Setup(format!(
            "the backup has form {} and this version of calotype knows form {FORM}; use the version that made it ({})",
            manifest.form, manifest.made_by
        )));
    }
    let wanted = if place.is_sqlite() { "sqlite" } else { "postgres" };
    if manifest.catalog != wanted {
        return Err(Error::Setup(format!(
            "the backup holds a {} catalog, which cannot be restored to {wanted}; choose with --catalog",
            manifest.catalog
        )));
    }
    snapshot::check_schema(manifest.schema)?;
    for file in [&manifest.catalog_file, &manifest.blob_list] {
        // A name from the file, so it must be no more than a name.
        if file.name.contains('/') || digest(&shelf.file(&file.name))? != file.blake3 {
            return Err(Error::Setup(format!(
                "{} is not what the manifest says; the backup is damaged, use another one",
                shelf.file(&file.name).display()
            )));
        }
    }
    Ok(manifest)
}

/// A directory that may be filled: absent, or without anything but the lock of an earlier attempt.
fn check_empty(dir: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(|error| Error::Setup(format!("cannot read {}: {error}", dir.display())))?;
        if entry.file_name() != "lock" {
            return Err(Error::Setup(format!("{} is not empty; give a new directory to restore into", dir.display())));
        }
    }
    Ok(())
}

/// The catalog gets its name last: before that there is no library in the directory.
async fn restore_sqlite(catalog: &Path, data: &Path) -> Result<()> {
    let half = data.join("catalog.db.restoring");
    fs::copy(catalog, &half).map_err(|error| Error::Setup(format!("cannot write {}: {error}", half.display())))?;
    begin_anew(Db::open_sqlite(&half).await?).await?;
    let publish = || -> std::io::Result<()> {
        File::open(&half)?.sync_all()?;
        fs::rename(&half, data.join("catalog.db"))?;
        File::open(data)?.sync_all()
    };
    publish().map_err(|error| Error::Setup(format!("cannot write {}: {error}", data.join("catalog.db").display())))
}

async fn begin_anew(db: Db) -> Result<()> {
    let mut tx = db.write(Reach::Shape).await?;
    snapshot::begin_anew(&mut tx, (i64::from(random_number()) + 1) << SKIPPED_BITS).await?;
    tx.commit().await?;
    db.close().await;
    Ok(())
}

/// Copies a small file that only its owner may read; whether there is one.
fn copy_private(from: &Path, to: &Path) -> Result<bool> {
    match fs::read_to_string(from) {
        Ok(text) => write_private(to, text.trim_end()).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::Setup(format!("cannot read {}: {error}", from.display()))),
    }
}

fn digested(shelf: &Shelf<'_>, name: String) -> Result<Digested> {
    Ok(Digested { blake3: digest(&shelf.file(&name))?, name })
}

fn digest(path: &Path) -> Result<String> {
    let mut hash = blake3::Hasher::new();
    let read = File::open(path).and_then(|file| hash.update_reader(file).map(drop));
    read.map_err(|error| Error::Setup(format!("cannot read {}: {error}", path.display())))?;
    Ok(hash.finalize().to_hex().to_string())
}

/// Removes catalogs and lists of earlier backups, and of those that were broken off.
fn remove_superseded(shelf: &Shelf<'_>, manifest: &Manifest) -> Result<()> {
    let cannot = |error: std::io::Error| Error::Setup(format!("cannot tidy up {}: {error}", shelf.0.display()));
    for entry in fs::read_dir(shelf.0).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = (name.starts_with("catalog-") || name.starts_with("blobs-")) && entry.path().is_file();
        if ours && name != manifest.catalog_file.name && name != manifest.blob_list.name {
            fs::remove_file(entry.path()).map_err(cannot)?;
        }
    }
    Ok(())
}
