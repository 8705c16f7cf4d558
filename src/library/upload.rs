//! An upload, once its bytes are in the blob store: what they are, whether they are what was asked for, where they go,
//! and the one transaction that makes them a file or a new version of one.

use std::io;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::blobs::{Provisional, PutError, Stored};
use crate::error::{Error, Refusal, Result};
use crate::fetch::FetchError;
use crate::library::custom_fields;
use crate::library::files::{Located, located};
use crate::library::transformation::Transformation;
use crate::media::playback::{self, Playback};
use crate::media::{self, Media};
use crate::model::ids::{BlobId, ContentId, FileId, FolderId, VersionId};
use crate::model::path::{FolderPath, NAME_BYTES_MAX, sanitise};
use crate::model::time::Millis;
use crate::query::checks;
use crate::store::files::{self, Content, PRIVATE, UNPUBLISHED};
use crate::store::merge::VERSIONS_MAX;
use crate::store::{Reach, Tx, listing, settings};
use crate::tree::place::{self, Names};

/// How many files are looked at at once for how they play. Each holds a thread that waits for reads, which want threads of
/// the same pool; were there as many as the pool has, none would get on.
static READINGS: Semaphore = Semaphore::const_new(8);

/// Random characters that `useUniqueFileName` adds to a name.
const UNIQUE_SUFFIX_CHARS: usize = 9;

/// What an upload asks for.
#[derive(Clone, Debug)]
pub struct Upload {
    /// As sent.
    pub file_name: String,
    pub folder: FolderPath,
    pub names: Names,
    pub unique_name: bool,
    pub private: bool,
    pub published: bool,
    /// Without an empty list.
    pub tags: Option<Vec<String>>,
    /// In its stored form.
    pub custom_coordinates: Option<String>,
    /// Values by field, as sent; `None` when the request has none.
    pub custom_metadata: Option<Map<String, Value>>,
    pub description: Option<String>,
    pub overwrite: Overwrite,
    pub transformation: Option<Transformation>,
    pub checks: Option<String>,
}

/// What to do about a file that has the name already.
#[derive(Clone, Copy, Debug)]
pub struct Overwrite {
    /// Whether it gets a new version; else the upload is refused.
    pub file: bool,
    /// Whether what its current version has is dropped when the request brings nothing in its place.
    pub tags: bool,
    pub ai_tags: bool,
    pub custom_metadata: bool,
}

/// Fetches the bytes that a URL stands for, as if they had been sent.
pub async fn fetch(app: &App, url: &str, blob_id: BlobId) -> Result<(Stored, Provisional)> {
    let bytes_max = app.settings.upload_bytes_max;
    let refused = |error: &FetchError| {
        tracing::info!(error = crate::app::chain(error), "a URL was not fetched");
        Error::Refused(match error {
            FetchError::TooLarge(_) => Refusal::FileTooLarge,
            _ => Refusal::NotDownloaded,
        })
    };
    let body = app.fetcher.get(url, bytes_max).await.map_err(|error| refused(&error))?;
    let stored = app.blobs.put(blob_id, body, bytes_max).await.map_err(|error| match error {
        PutError::TooLarge { .. } => Refusal::FileTooLarge.into(),
        PutError::Body(error) => refused(&error),
        PutError::Blob(error) => error.into(),
    })?;
    Ok((stored, app.blobs.provisional(blob_id)))
}

/// Makes the bytes of `blob_id`, over which the caller watches ([`BlobIds::watch`]), a file. Done when the catalog has
/// committed; before that nothing of it can be seen, and if it fails nothing is left.
///
/// [`BlobIds::watch`]: crate::library::blob_ids::BlobIds::watch
pub async fn store(app: &App, upload: &Upload, blob_id: BlobId, stored: &Stored, blob: Provisional) -> Result<Located> {
    let name = clean_name(upload)?;
    if upload.folder.is_deeper_than(app.settings.folder_depth_max) {
        return Err(Refusal::BadUploadFolder.into());
    }
    let (media, head) = probe(app, blob_id, stored, &name).await?;
    let (media, playback) = with_playback(app, blob_id, stored, media).await;
    let embedded = embedded(app, blob_id, stored, &media, head).await?;
    check(app, upload, stored, &media, &playback, &embedded)?;
    let content = Content {
        id: ContentId(0),
        blob_id,
        size: stored.size.cast_signed(),
        digest: blake3::Hash::from(stored.digest).to_hex().to_string(),
        mime: media.mime,
        is_image: media.kind == media::Kind::Image,
        width: media.width.map(i64::from),
        height: media.height.map(i64::from),
        has_alpha: media.has_alpha,
        tags: upload.tags.clone().map(|tags| Value::from(tags).to_string()),
        ai_tags: None,
        custom_coordinates: upload.custom_coordinates.clone(),
        embedded_metadata: (!embedded.is_empty()).then(|| Value::from(embedded).to_string()),
        playback: playback_json(&playback, stored.size),
        custom_metadata: None,
        description: upload.description.clone(),
    };
    let (tx, file) = write_rows(app, upload, &name, content).await?;
    // From the commit on a row may refer to the bytes, even if its answer is lost or nobody waits for it any more: who
    // watches over the upload has it looked up.
    blob.keep();
    tx.commit().await?;
    app.blob_ids.settle(blob_id);
    Ok(file)
}

/// What the request says about its file, held against the file.
fn check(
    app: &App,
    upload: &Upload,
    stored: &Stored,
    media: &Media,
    playback: &Playback,
    embedded: &Map<String, Value>,
) -> Result<(), Refusal> {
    let image_bytes_max = app.settings.image_bytes_max.unwrap_or(u64::MAX);
    if media.kind == media::Kind::Image && stored.size > image_bytes_max {
        return Err(Refusal::FileTooLarge);
    }
    if let Some(checks) = &upload.checks {
        meets(checks, upload, stored, media, playback.duration_s, embedded)?;
    }
    upload.transformation.as_ref().map_or(Ok(()), |transformation| transformation.check(media))
}

/// Whether the upload meets the conditions of its `checks` parameter.
fn meets(
    checks: &str,
    upload: &Upload,
    stored: &Stored,
    media: &Media,
    duration_s: Option<f64>,
    embedded: &Map<String, Value>,
) -> Result<(), Refusal> {
    let checks = checks::parse(checks).map_err(|_| Refusal::BadChecks)?;
    let nothing = Map::new();
    let known = checks::Upload {
        folder: &upload.folder.to_string(),
        file_name: &upload.file_name,
        tags: upload.tags.as_deref().unwrap_or_default(),
        is_private_file: upload.private,
        use_unique_file_name: upload.unique_name,
        custom_metadata: upload.custom_metadata.as_ref().unwrap_or(&nothing),
        size_bytes: stored.size,
        mime: &media.mime,
        width: media.width.map(u64::from),
        height: media.height.map(u64::from),
        duration_s,
        media_metadata: embedded,
    };
    if checks.matches(&known) { Ok(()) } else { Err(Refusal::FailedChecks) }
}

/// The values of custom metadata fields that a version gets: those sent, or else those that are kept of the version
/// before it.
async fn custom_metadata(app: &App, tx: &mut Tx, upload: &Upload, kept: Option<&str>) -> Result<Option<String>> {
    let fields = custom_fields::active(app, tx).await?;
    match &upload.custom_metadata {
        Some(sent) => custom_fields::checked(&fields, sent, None),
        None => custom_fields::checked(&fields, &Map::new(), kept),
    }
}

/// The transaction of an upload up to its commit.
async fn write_rows(app: &App, upload: &Upload, name: &str, mut content: Content) -> Result<(Tx, Located)> {
    let mut tx = app.db.write(Reach::Add).await?;
    if !settings::is_in_block(&mut tx, content.blob_id).await? {
        drop(tx);
        app.blob_ids.lose(content.blob_id).await;
        return Err(Error::Fenced);
    }
    let now = Millis::now();
    let folder = place::find_or_make(&app.db, &mut tx, &upload.folder, upload.names, now).await?;
    // One for the content, one for the file or its new version.
    let first_id = app.db.take_ids(&mut tx, 2).await?;
    content.id = ContentId(first_id);
    let flags = if upload.private { PRIVATE } else { 0 } | if upload.published { 0 } else { UNPUBLISHED };
    let id = loop {
        let name = if upload.unique_name { unique_name(name) } else { name.to_owned() };
        if let Some(id) = put_version(app, &mut tx, upload, folder, &name, &content, first_id + 1, flags, now).await? {
            break id;
        }
    };
    let asset =
        listing::file(&mut tx, id).await?.ok_or_else(|| Error::Damaged("an uploaded file is not there".into()))?;
    let file =
        located(app, &mut tx, asset).await?.ok_or_else(|| Error::Damaged("an uploaded file is nowhere".into()))?;
    Ok((tx, file))
}

/// Makes the first version of a new file or appends to the one that has the name, and writes the content row that
/// it shows. `None` when another upload took the name in between: look again.
#[expect(clippy::too_many_arguments, reason = "they are the columns of the row")]
async fn put_version(
    app: &App,
    tx: &mut Tx,
    upload: &Upload,
    folder: FolderId,
    name: &str,
    content: &Content,
    id: i64,
    flags: i64,
    now: Millis,
) -> Result<Option<FileId>> {
    let found = files::at(tx, folder, name).await?;
    // With the row in hand: the changes of one row are numbered in the order in which they are made.
    let change = tx.next_change().await?;
    let Some(file) = found else {
        let id = FileId(id);
        if !files::insert_if_free(tx, id, folder, name, content.id, flags, now, change).await? {
            return Ok(None);
        }
        tx.only_adds();
        if !app.db.is_sqlite() {
            // Others may have taken and freed the name since the number was drawn; now it is ours.
            let change = tx.next_change().await?;
            files::stamp(tx, id, change).await?;
        }
        let custom_metadata = custom_metadata(app, tx, upload, None).await?;
        files::insert_content(tx, &Content { custom_metadata, ..content.clone() }, now).await?;
        return Ok(Some(id));
    };
    if upload.unique_name {
        return Ok(None);
    }
    if !upload.overwrite.file {
        return Err(Refusal::FileExists.into());
    }
    if files::version_count(tx, file.id).await? >= VERSIONS_MAX {
        return Err(Refusal::TooManyVersions.into());
    }
    let before = files::content(tx, file.content_id).await?;
    // Clients tell the versions of a file apart by their times.
    let now = Millis(now.0.max(file.updated.0 + 1));
    files::append(tx, &file, VersionId(id), content.id, flags, now, change).await?;
    let content = with_kept(app, tx, upload, content, before).await?;
    files::insert_content(tx, &content, now).await?;
    Ok(Some(file.id))
}

/// The content of a version with what the request wants kept of the version before it.
async fn with_kept(app: &App, tx: &mut Tx, upload: &Upload, content: &Content, before: Content) -> Result<Content> {
    let keep = |drop: bool, value: Option<String>| value.filter(|_| !drop);
    let kept = keep(upload.overwrite.custom_metadata, before.custom_metadata);
    Ok(Content {
        tags: content.tags.clone().or(keep(upload.overwrite.tags, before.tags)),
        ai_tags: keep(upload.overwrite.ai_tags, before.ai_tags),
        custom_metadata: custom_metadata(app, tx, upload, kept.as_deref()).await?,
        ..content.clone()
    })
}

/// What the bytes are, told by their head, or by more of them when the head does not reach; and those.
async fn probe(app: &App, blob: BlobId, stored: &Stored, name: &str) -> Result<(Media, Bytes)> {
    match media::probe(&stored.head, stored.size, name) {
        media::Probe::Known(media) => Ok((media, stored.head.clone())),
        media::Probe::NeedMore { head_bytes, .. } => {
            let head = app.blobs.read_in_memory(blob, 0..head_bytes.min(stored.size)).await?;
            Ok((media::probe(&head, stored.size, name).into_media(), head))
        }
    }
}

/// Of what plays, how; a video's size is told by that.
async fn with_playback(app: &App, blob: BlobId, stored: &Stored, media: Media) -> (Media, Playback) {
    if !playback::is_played(&media.mime) {
        return (media, Playback::default());
    }
    let playback = read_playback(app, blob, stored, media.mime.clone()).await;
    let (width, height) = playback.pixels.unzip();
    (Media { width, height, ..media }, playback)
}

/// Reads here and there in the blob, on a thread that may wait. What fails leaves the answer open, as damage does: the
/// upload itself has all its bytes.
async fn read_playback(app: &App, blob: BlobId, stored: &Stored, mime: String) -> Playback {
    let permit = READINGS.acquire().await.expect("it is never closed");
    let (blobs, runtime) = (app.blobs.clone(), Handle::current());
    let (size, head) = (stored.size, stored.head.clone());
    let reading = spawn_blocking(move || {
        // Held until the end, also if nobody waits for it any more.
        let _permit = permit;
        let mut fetch = |range| runtime.block_on(blobs.read_at_once(blob, range)).map_err(io::Error::other);
        playback::read(&mime, size, head, &mut fetch)
    });
    reading.await.unwrap_or_else(|error| {
        tracing::error!(%error, blob = blob.0, "reading how a file plays has failed");
        Playback::default()
    })
}

fn playback_json(playback: &Playback, size: u64) -> Option<String> {
    let object = playback.wire(size);
    (!object.is_empty()).then(|| Value::from(object).to_string())
}

/// What a picture says of itself, from its head, or from more of it where it says so further behind.
async fn embedded(app: &App, blob: BlobId, stored: &Stored, media: &Media, head: Bytes) -> Result<Map<String, Value>> {
    let found = media::embedded(&media.mime, &head, stored.size);
    let Some(bytes) = found.needs_bytes else { return Ok(found.metadata) };
    let head = app.blobs.read_in_memory(blob, 0..bytes).await?;
    Ok(media::embedded(&media.mime, &head, stored.size).metadata)
}

fn clean_name(upload: &Upload) -> Result<String> {
    let name = match upload.names {
        Names::Sanitised => sanitise(&upload.file_name),
        Names::Verbatim if upload.file_name.contains('/') => return Err(Refusal::NameWithSlash("fileName").into()),
        Names::Verbatim => upload.file_name.clone(),
    };
    if name.len() > NAME_BYTES_MAX {
        return Err(Refusal::NameTooLong("fileName").into());
    }
    if crate::model::path::check_name(&name).is_err() {
        return Err(Refusal::BadUploadParameter("fileName").into());
    }
    Ok(name)
}

/// `photo.jpg` becomes `photo_x7Kd_0aQz.jpg`. A name that is too long for that loses the end of what stands before its
/// extension.
fn unique_name(name: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let mut bytes = [0_u8; UNIQUE_SUFFIX_CHARS];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    let suffix: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
    let room = NAME_BYTES_MAX - UNIQUE_SUFFIX_CHARS - 1;
    // The extension with its dot. What begins with its only dot has none, nor has what is too long to be one.
    let dot = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot < room);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let stem = &stem[..stem.floor_char_boundary(room - extension.len())];
    format!("{stem}_{suffix}{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_name_keeps_the_extension() {
        let name = unique_name("a.b.jpg");
        assert!(
            name.starts_with("a.b_") && name.ends_with(".jpg") && name.len() == 7 + 1 + UNIQUE_SUFFIX_CHARS,
            "{name}"
        );
        assert!(unique_name("README").starts_with("README_"));
        assert!(unique_name(".env").starts_with(".env_"));
        assert_ne!(unique_name("a"), unique_name("a"));
    }
}
