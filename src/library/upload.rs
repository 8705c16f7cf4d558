//! An upload, once its bytes are in the blob store: what they are, where they go, and the one
//! transaction that makes them a file or a new version of one.

use serde_json::{Map, Value};

use crate::app::App;
use crate::blobs::{Provisional, Stored};
use crate::error::{Error, Refusal, Result};
use crate::library::custom_fields;
use crate::library::files::{Located, located};
use crate::media::{self, Media};
use crate::model::ids::{BlobId, ContentId, FileId, FolderId, VersionId};
use crate::model::path::{FolderPath, NAME_BYTES_MAX, sanitise};
use crate::model::time::Millis;
use crate::store::files::{self, Content, PRIVATE, UNPUBLISHED};
use crate::store::merge::VERSIONS_MAX;
use crate::store::{Reach, Tx, listing};
use crate::tree::place::{self, Names};

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
    pub overwrite: bool,
    pub private: bool,
    pub published: bool,
    pub tags: Vec<String>,
    /// Values by field; `None` when the request has none.
    pub custom_metadata: Option<Map<String, Value>>,
    /// Whether a request without values takes away those of the version that it replaces.
    pub overwrite_custom_metadata: bool,
}

/// Makes the bytes of `blob_id` a file. Done when the catalog has committed; before that nothing of it
/// can be seen, and if it fails nothing is left.
pub async fn store(app: &App, upload: &Upload, blob_id: BlobId, stored: &Stored, blob: Provisional) -> Result<Located> {
    let name = clean_name(upload)?;
    if upload.folder.is_deeper_than(app.settings.folder_depth_max) {
        return Err(Refusal::BadUploadFolder.into());
    }
    let media = examine(app, blob_id, stored, &name).await?;
    let tags = (!upload.tags.is_empty()).then(|| serde_json::Value::from(upload.tags.clone()).to_string());
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
        tags,
        ai_tags: None,
        custom_coordinates: None,
        embedded_metadata: None,
        custom_metadata: None,
        description: None,
    };
    let (tx, file) = write_rows(app, upload, &name, content).await?;
    // From the commit on a row may refer to the bytes, even if its answer is lost.
    blob.keep();
    tx.commit().await?;
    app.blob_ids.settle(blob_id).await;
    Ok(file)
}

/// The transaction of an upload up to its commit.
async fn write_rows(app: &App, upload: &Upload, name: &str, mut content: Content) -> Result<(Tx, Located)> {
    let mut tx = app.db.write(Reach::Add).await?;
    let now = Millis::now();
    let folder = place::find_or_make(&app.db, &mut tx, &upload.folder, upload.names, now).await?;
    content.id = ContentId(app.db.take_ids(&mut tx, 1).await?);
    content.custom_metadata = custom_metadata(app, &mut tx, upload, folder, name).await?;
    files::insert_content(&mut tx, &content, now).await?;
    let flags = if upload.private { PRIVATE } else { 0 } | if upload.published { 0 } else { UNPUBLISHED };
    let id = loop {
        let name = if upload.unique_name { unique_name(name) } else { name.to_owned() };
        if let Some(id) = put_version(app, &mut tx, upload, folder, &name, content.id, flags, now).await? {
            break id;
        }
    };
    let asset =
        listing::file(&mut tx, id).await?.ok_or_else(|| Error::Damaged("an uploaded file is not there".into()))?;
    let file =
        located(app, &mut tx, asset).await?.ok_or_else(|| Error::Damaged("an uploaded file is nowhere".into()))?;
    Ok((tx, file))
}

/// The values of the new version: those sent, or else those of the version it replaces, if they are to be kept.
async fn custom_metadata(
    app: &App,
    tx: &mut Tx,
    upload: &Upload,
    folder: FolderId,
    name: &str,
) -> Result<Option<String>> {
    let fields = custom_fields::active(app, tx).await?;
    if let Some(sent) = &upload.custom_metadata {
        return custom_fields::checked(&fields, sent, None);
    }
    let replaces = !upload.unique_name && !upload.overwrite_custom_metadata;
    let replaced = if replaces { files::at(tx, folder, name).await? } else { None };
    let kept = match replaced {
        Some(file) => files::content(tx, file.content_id).await?.custom_metadata,
        None => None,
    };
    custom_fields::checked(&fields, &Map::new(), kept.as_deref())
}

/// Makes the first version of a new file or appends to the one that has the name. `None` when another
/// upload took the name in between: look again.
#[expect(clippy::too_many_arguments, reason = "they are the columns of the row")]
async fn put_version(
    app: &App,
    tx: &mut Tx,
    upload: &Upload,
    folder: FolderId,
    name: &str,
    content: ContentId,
    flags: i64,
    now: Millis,
) -> Result<Option<FileId>> {
    let found = files::at(tx, folder, name).await?;
    // With the row in hand: the changes of one row are numbered in the order in which they are made.
    let change = tx.next_change().await?;
    let Some(file) = found else {
        let id = FileId(app.db.take_ids(tx, 1).await?);
        if !files::insert_if_free(tx, id, folder, name, content, flags, now, change).await? {
            return Ok(None);
        }
        if !app.db.is_sqlite() {
            // Others may have taken and freed the name since the number was drawn; now it is ours.
            let change = tx.next_change().await?;
            files::stamp(tx, id, change).await?;
        }
        return Ok(Some(id));
    };
    if upload.unique_name {
        return Ok(None);
    }
    if !upload.overwrite {
        return Err(Refusal::FileExists.into());
    }
    if files::version_count(tx, file.id).await? >= VERSIONS_MAX {
        return Err(Refusal::TooManyVersions.into());
    }
    let version = VersionId(app.db.take_ids(tx, 1).await?);
    // Clients tell the versions of a file apart by their times.
    let now = Millis(now.0.max(file.updated.0 + 1));
    files::append(tx, &file, version, content, flags, now, change).await?;
    Ok(Some(file.id))
}

/// What the bytes are, told by their head, or by more of them when the head does not reach.
async fn examine(app: &App, blob: BlobId, stored: &Stored, name: &str) -> Result<Media> {
    match media::probe(&stored.head, stored.size, name) {
        media::Probe::Known(media) => Ok(media),
        media::Probe::NeedMore { head_bytes, .. } => {
            let head = app.blobs.head(blob, head_bytes).await?;
            Ok(media::probe(&head, stored.size, name).into_media())
        }
    }
}

fn clean_name(upload: &Upload) -> Result<String> {
    let name = match upload.names {
        Names::Sanitised => sanitise(&upload.file_name),
        Names::Verbatim if upload.file_name.contains('/') => return Err(Refusal::NameWithSlash("fileName").into()),
        Names::Verbatim => upload.file_name.clone(),
    };
    let room = if upload.unique_name { NAME_BYTES_MAX - UNIQUE_SUFFIX_CHARS - 1 } else { NAME_BYTES_MAX };
    if name.len() > room {
        return Err(Refusal::NameTooLong("fileName").into());
    }
    if crate::model::path::check_name(&name).is_err() {
        return Err(Refusal::BadFile("fileName is not a usable name.".into()).into());
    }
    Ok(name)
}

/// `photo.jpg` becomes `photo_x7Kd_0aQz.jpg`.
fn unique_name(name: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let mut bytes = [0_u8; UNIQUE_SUFFIX_CHARS];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    let suffix: String = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}_{suffix}.{extension}"),
        _ => format!("{name}_{suffix}"),
    }
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
