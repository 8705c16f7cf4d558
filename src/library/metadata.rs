//! What is known of a file's bytes in the older form, which the API calls `metadata`: read from the blob when somebody
//! asks, because few do, and a picture's hash takes all of its pixels.
//!
//! Pixels take turns: decoders share a bounded amount, so that memory stays bounded however many ask.

use tokio::sync::Semaphore;

use crate::app::App;
use crate::blobs::HEAD_BYTES_MAX;
use crate::error::{Refusal, Result};
use crate::library::files;
use crate::media::{self, Picture};
use crate::model::asset::Kinds;
use crate::model::ids::{BlobId, FileId};
use crate::model::path::FolderPath;
use crate::store::listing::{self, Asset, Direction, FileType, Page, SortKey};
use crate::store::{delivery, files as rows};
use crate::tree::place;

/// Memory for pictures that are being decoded, in megabytes.
const PIXELS_MB: u32 = 256;
static PIXELS: Semaphore = Semaphore::const_new(PIXELS_MB as usize);
/// Least share of one, in megabytes: how many decoders run at once.
const SHARE_MB_MIN: u32 = 32;
/// Larger files are not decoded, in bytes.
const DECODED_BYTES_MAX: i64 = 32 * 1024 * 1024;
/// Bytes that decoding takes for a pixel: three of colours, and of a progressive JPEG three numbers of two bytes besides.
const PIXEL_BYTES: i64 = 9;
/// All versions of a file.
const VERSIONS: Page = Page {
    kinds: Kinds { files: true, versions: true, folders: false },
    file_type: FileType::Any,
    key: SortKey::Created,
    direction: Direction::Up,
    limit: 0,
    skip: 0,
};

/// What a picture's bytes tell.
#[derive(Clone, Debug)]
pub struct Known {
    pub picture: Picture,
    /// 16 hexadecimal digits; `None` for what is not decoded here.
    pub hash: Option<String>,
}

/// The current version of a file, and what its bytes tell if it is a picture.
///
/// # Errors
///
/// [`Refusal::NoFile`] when there is none that can be seen, [`Refusal::CorruptFile`] when it is a broken picture.
pub async fn of_file(app: &App, id: FileId) -> Result<(Asset, Option<Known>)> {
    let mut tx = app.db.read().await?;
    let file = files::visible(app, &mut tx, id).await?.asset;
    let blob = rows::blob(&mut tx, id).await?.ok_or(Refusal::NoFile)?;
    // Nothing of the catalog is held while bytes are read.
    drop(tx);
    of_version(app, file, blob).await
}

/// What a path leads to: the current version, or the one that a token names, and where its bytes are. `None` when there is
/// none.
pub async fn at_path(
    app: &App,
    folder: &FolderPath,
    name: &str,
    token: Option<&str>,
) -> Result<Option<(Asset, BlobId)>> {
    let mut tx = app.db.read().await?;
    let Some(folder) = place::find(&mut tx, folder).await? else { return Ok(None) };
    let is_meant = |asset: &Asset| match token {
        None => asset.kind != listing::SUPERSEDED,
        Some(token) => app.keys.version_token(asset.version_id, asset.flags) == token,
    };
    let versions = listing::named(&mut tx, folder, name, &VERSIONS).await?;
    let Some(file) = versions.into_iter().find(is_meant) else { return Ok(None) };
    let stored = delivery::versions(&mut tx, folder, name).await?;
    Ok(stored.into_iter().find(|(id, _)| *id == file.version_id).map(|(_, stored)| (file, stored.blob_id)))
}

/// A version, and what its bytes tell if it is a picture.
///
/// # Errors
///
/// [`Refusal::CorruptFile`] when it is called a picture and is none.
pub async fn of_version(app: &App, file: Asset, blob: BlobId) -> Result<(Asset, Option<Known>)> {
    // Further in than is looked, a header may be whole, and a GIF may leave its size to its frames.
    let may_be_whole = file.size.cast_unsigned() > media::HEAD_BYTES_LIMIT || file.mime == "image/gif";
    if file.width.is_none() && media::is_decoded(&file.mime) && !may_be_whole {
        return Err(Refusal::CorruptFile.into());
    }
    let known = of_blob(app, blob, &file).await?;
    Ok((file, known))
}

/// What the bytes of a version tell if it is a picture.
pub async fn of_blob(app: &App, blob: BlobId, file: &Asset) -> Result<Option<Known>> {
    if !file.is_image {
        return Ok(None);
    }
    let size = file.size.cast_unsigned();
    let share = share_mb(file);
    let turn = match share {
        Some(share) => Some(PIXELS.acquire_many(share).await.expect("it is never closed")),
        None => None,
    };
    let bytes = if share.is_some() { size } else { size.min(HEAD_BYTES_MAX as u64) };
    let mut head = app.blobs.read_in_memory(blob, 0..bytes).await?;
    let mut picture = media::picture(&file.mime, &head, size);
    if let Some(bytes) = picture.needs_bytes {
        head = app.blobs.read_in_memory(blob, 0..bytes).await?;
        picture = media::picture(&file.mime, &head, size);
    }
    if share.is_none() {
        return Ok(Some(Known { picture, hash: None }));
    }
    let mime = file.mime.clone();
    let hashing = tokio::task::spawn_blocking(move || {
        // Held until the end, also if nobody waits for it any more.
        let _turn = turn;
        media::hash(&mime, &head)
    });
    // A decoder that panics has met a picture that it cannot decode.
    let hash = hashing.await.unwrap_or_default();
    Ok(Some(Known { picture, hash }))
}

/// The share of memory that decoding takes, in megabytes; `None` if the picture is not decoded.
fn share_mb(file: &Asset) -> Option<u32> {
    let (width, height) = (file.width?, file.height?);
    if !media::is_decoded(&file.mime) || file.size > DECODED_BYTES_MAX {
        return None;
    }
    let bytes = width.checked_mul(height)?.checked_mul(PIXEL_BYTES)?.checked_add(file.size)?;
    let megabytes = u32::try_from(bytes / 1_000_000).ok()?.max(SHARE_MB_MIN);
    (megabytes <= PIXELS_MB).then_some(megabytes)
}
