//! What a client says about files: tags, coordinates, description, publication. What is said belongs to the content,
//! which is written once; so a change writes another content row over the same bytes and shows that.

use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library::custom_fields;
use crate::library::files::{Located, locked};
use crate::library::versions::{after, shown};
use crate::model::ids::{ContentId, FileId};
use crate::model::tags::{self, TagsError};
use crate::model::time::Millis;
use crate::store::files::{self, Content, File};
use crate::store::{Reach, Tx};

/// A change of one file. `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Empty for none.
    pub tags: Option<Vec<String>>,
    pub removed_ai_tags: Option<AiTags>,
    /// `x,y,width,height`, or none.
    pub custom_coordinates: Option<Option<String>>,
    /// Empty for none.
    pub description: Option<String>,
    /// Values by field, laid over those that are there; `null` unsets one.
    pub custom_metadata: Option<Map<String, Value>>,
    pub publish: Option<Publish>,
}

/// Automatic tags by name.
#[derive(Clone, Debug)]
pub enum AiTags {
    All,
    Named(Vec<String>),
}

/// Whether a file is delivered.
#[derive(Clone, Copy, Debug)]
pub struct Publish {
    pub published: bool,
    pub include_versions: bool,
}

/// A change of the tags of several files.
#[derive(Clone, Debug)]
pub enum TagEdit {
    Add(Vec<String>),
    Remove(Vec<String>),
    RemoveAi(Vec<String>),
}

/// What became of several files.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub done: Vec<FileId>,
    pub failed: Vec<FileId>,
}

/// Changes what is said about a file's current version.
pub async fn update(app: &App, id: FileId, changes: &Changes) -> Result<Located> {
    let mut tx = app.db.write(Reach::Add).await?;
    let file = locked(&mut tx, id).await?;
    let mut content = files::content(&mut tx, file.content_id).await?;
    if let Some(removed) = &changes.removed_ai_tags {
        content.ai_tags = without_ai_tags(content.ai_tags.as_deref(), removed)?;
    }
    if let Some(tags) = &changes.tags {
        content.tags = stored(tags);
    }
    if let Some(coordinates) = &changes.custom_coordinates {
        content.custom_coordinates.clone_from(coordinates);
    }
    if let Some(description) = &changes.description {
        content.description = (!description.is_empty()).then(|| description.clone());
    }
    if let Some(sent) = &changes.custom_metadata {
        let fields = custom_fields::active(app, &mut tx).await?;
        content.custom_metadata = custom_fields::checked(&fields, sent, content.custom_metadata.as_deref())?;
    }
    let mut flags = file.flags;
    if let Some(publish) = changes.publish {
        flags = files::published(flags, publish.published);
    }
    let change = tx.next_change().await?;
    describe(app, &mut tx, &file, content, flags, change).await?;
    if let Some(Publish { published, include_versions: true }) = changes.publish {
        files::publish_history(&mut tx, id, published, change).await?;
    }
    let updated = shown(app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(updated)
}

/// Edits the tags of several files in one transaction. If one of them does not exist nothing is done; one whose tags
/// would become too long is left as it is.
pub async fn edit_tags(app: &App, ids: &[FileId], edit: &TagEdit) -> Result<Outcome> {
    let mut tx = app.db.write(Reach::Add).await?;
    let found = all_of(app, &mut tx, ids).await?;
    let change = tx.next_change().await?;
    let mut outcome = Outcome::default();
    for file in found {
        let mut content = files::content(&mut tx, file.content_id).await?;
        match edited(&content, edit)? {
            Ok((tags, ai_tags)) => {
                (content.tags, content.ai_tags) = (tags, ai_tags);
                describe(app, &mut tx, &file, content, file.flags, change).await?;
                outcome.done.push(file.id);
            }
            Err(_) => outcome.failed.push(file.id),
        }
    }
    tx.commit().await?;
    Ok(outcome)
}

/// Takes several files out of the library with all their versions; none of them if one does not exist.
pub async fn delete(app: &App, ids: &[FileId]) -> Result<Vec<FileId>> {
    let mut tx = app.db.write(Reach::Add).await?;
    let found = all_of(app, &mut tx, ids).await?;
    let change = tx.next_change().await?;
    for file in &found {
        files::remove(&mut tx, file.id, change).await?;
    }
    tx.commit().await?;
    Ok(found.into_iter().map(|file| file.id).collect())
}

/// The files with these ids, locked in the order of the ids, so that two requests cannot wait for each other.
async fn all_of(app: &App, tx: &mut Tx, ids: &[FileId]) -> Result<Vec<File>> {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in sorted {
        match locked(tx, id).await {
            Ok(file) => found.push(file),
            Err(Error::Refused(Refusal::NoFile)) => missing.push(id),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    // In the order in which they were named.
    let missing = ids.iter().filter(|id| missing.contains(id)).map(|id| app.tag.wire(id.0));
    Err(Refusal::NoFiles(missing.collect()).into())
}

/// Those of the ids that lead to a file.
pub async fn those_there(app: &App, ids: &[FileId]) -> Result<Vec<FileId>> {
    let (mut tx, mut there) = (app.db.read().await?, Vec::new());
    for id in ids {
        match super::files::visible(app, &mut tx, *id).await {
            Ok(_) => there.push(*id),
            Err(Error::Refused(Refusal::NoFile)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}

async fn describe(app: &App, tx: &mut Tx, file: &File, content: Content, flags: i64, change: i64) -> Result<()> {
    let id = ContentId(app.db.take_ids(tx, 1).await?);
    files::insert_content(tx, &Content { id, ..content }, Millis::now()).await?;
    files::describe(tx, file, id, flags, after(file), change).await
}

type Tags = (Option<String>, Option<String>);

/// Tags and automatic tags after an edit, as stored; the inner error is a list that became too long.
fn edited(content: &Content, edit: &TagEdit) -> Result<std::result::Result<Tags, TagsError>> {
    let present = list(content.tags.as_deref())?;
    let tags = match edit {
        TagEdit::Add(added) => tags::with(present, added),
        TagEdit::Remove(removed) => tags::without(present, removed),
        TagEdit::RemoveAi(removed) => {
            let ai_tags = without_ai_tags(content.ai_tags.as_deref(), &AiTags::Named(removed.clone()))?;
            return Ok(Ok((content.tags.clone(), ai_tags)));
        }
    };
    Ok(tags::checked(tags).map(|tags| (stored(&tags), content.ai_tags.clone())))
}

/// The stored form of tags: a JSON array, or nothing for none.
pub fn stored(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| serde_json::Value::from(tags).to_string())
}

fn list(stored: Option<&str>) -> Result<Vec<String>> {
    let Some(stored) = stored else { return Ok(Vec::new()) };
    serde_json::from_str(stored).map_err(|_| Error::Damaged("the tags of a content are no list".into()))
}

fn without_ai_tags(stored: Option<&str>, removed: &AiTags) -> Result<Option<String>> {
    let (Some(stored), AiTags::Named(names)) = (stored, removed) else { return Ok(None) };
    let damaged = |_| Error::Damaged("the automatic tags of a content are no list".into());
    let mut tags: Vec<serde_json::Value> = serde_json::from_str(stored).map_err(damaged)?;
    tags.retain(|tag| !names.iter().any(|name| tag["name"] == name.as_str()));
    Ok((!tags.is_empty()).then(|| serde_json::Value::from(tags).to_string()))
}
