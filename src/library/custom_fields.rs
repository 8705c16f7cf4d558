//! Custom metadata fields: making, changing and deleting them, and what uploads and updates ask about values.
//!
//! Fields change rarely and every upload and list needs them. So each server remembers them with the edition
//! they had ([`Known`]), and [`active`] asks the catalog for nothing but the edition as long as that is the
//! same. The edition is read in the caller's own transaction: a change is seen by every server at once.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{Error, Refusal, Result};
use crate::library::files::Located;
use crate::model::custom_field::{
    self, FIELDS_EVER_MAX, FIELDS_MAX, Faults, Field, Fields, METADATA_BYTES_MAX, Schema,
};
use crate::model::ids::CustomFieldId;
use crate::model::time::Millis;
use crate::store::{Reach, Tx, custom_fields as store};

/// The fields as this server last saw them, with their edition.
#[derive(Default)]
pub struct Known(Mutex<Option<(i64, Arc<Fields>)>>);

impl Known {
    fn of(&self, edition: i64) -> Option<Arc<Fields>> {
        // Nothing can panic while the lock is held, here and below.
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(of, _)| *of == edition).map(|(_, fields)| Arc::clone(fields))
    }

    fn remember(&self, edition: i64, fields: &Arc<Fields>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((edition, Arc::clone(fields)));
    }
}

/// A field that somebody wants to have.
#[derive(Clone, Debug, PartialEq)]
pub struct NewField {
    pub name: String,
    pub label: String,
    pub schema: Schema,
    pub description: Option<String>,
}

/// What to change of a field; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct FieldChange {
    pub label: Option<String>,
    /// As sent: the type that it is read by is the field's own. Replaces the old one as a whole.
    pub schema: Option<Map<String, Value>>,
    /// `Some(None)` takes it away.
    pub description: Option<Option<String>>,
}

/// The fields that are not deleted, as of this transaction. Not for one that has changed them itself, since what it
/// sees may be undone.
pub async fn active(app: &App, tx: &mut Tx) -> Result<Arc<Fields>> {
    // First, so that what is remembered is never older than its edition.
    let edition = store::edition(tx).await?;
    if let Some(fields) = app.custom_fields.of(edition) {
        return Ok(fields);
    }
    let fields = Arc::new(Fields::new(store::all(tx).await?));
    app.custom_fields.remember(edition, &fields);
    Ok(fields)
}

/// The values that an asset has after a request, as JSON for its content; `None` when there are none. `stored` are
/// those it has, `sent` those of the request, by name; `null` unsets one. Required fields without a value get their
/// default, so an upload calls this also when it sends none.
pub fn checked(fields: &Fields, sent: &Map<String, Value>, stored: Option<&str>) -> Result<Option<String>> {
    let existing = parse(stored)?;
    let merged = custom_field::merge(fields, &existing, sent).map_err(Refusal::InvalidCustomMetadata)?;
    Ok((!merged.is_empty()).then(|| Value::from(merged).to_string()))
}

/// Values as sent, which have to be an object.
pub fn sent(values: &Value) -> Result<&Map<String, Value>, Refusal> {
    let not_an_object = || Refusal::InvalidCustomMetadata(Faults::one("customMetadata", "should be of type object"));
    values.as_object().ok_or_else(not_an_object)
}

/// Takes the values of deleted fields out of what is shown of assets.
pub async fn hide_deleted(app: &App, tx: &mut Tx, found: &mut [Located]) -> Result<()> {
    if found.iter().all(|located| located.asset.custom_metadata.is_none()) {
        return Ok(());
    }
    let fields = active(app, tx).await?;
    if !fields.any_deleted() {
        return Ok(());
    }
    for Located { asset, .. } in found {
        if let Some(stored) = asset.custom_metadata.take() {
            let shown = custom_field::shown(&fields, parse(Some(&stored))?);
            asset.custom_metadata = Some(Value::from(shown).to_string());
        }
    }
    Ok(())
}

fn parse(stored: Option<&str>) -> Result<Map<String, Value>> {
    let Some(stored) = stored else { return Ok(Map::new()) };
    serde_json::from_str(stored).map_err(|error| Error::Damaged(format!("custom metadata: {error}")))
}

/// Which fields a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Active,
    WithDeleted,
}

/// The fields in order of creation.
pub async fn list(app: &App, show: Show) -> Result<Vec<Field>> {
    let mut tx = app.db.read().await?;
    match show {
        Show::Active => Ok(active(app, &mut tx).await?.iter().cloned().collect()),
        Show::WithDeleted => store::all(&mut tx).await,
    }
}

/// Makes a field. `is_retry` says that the client did not hear the answer to an earlier attempt; then a field that is
/// just as wanted is the one it made.
pub async fn create(app: &App, new: NewField, is_retry: bool) -> Result<Field> {
    let mut tx = app.db.write(Reach::Apart).await?;
    store::begin_change(&mut tx).await?;
    let known = store::all(&mut tx).await?;
    if is_retry && let Some(field) = known.iter().find(|field| is_just_as(field, &new)) {
        return Ok(field.clone());
    }
    may_add(&known, &new)?;
    let NewField { name, label, schema, description } = new;
    // Ids of several servers have to be in order of creation too.
    let id = CustomFieldId(app.db.take_newest_ids(&mut tx, 1).await?);
    let field = Field { id, name, label, schema, description, deleted: false };
    if !store::insert_if_free(&mut tx, &field, Millis::now()).await? {
        return Err(Refusal::FieldNameTaken.into());
    }
    tx.commit().await?;
    Ok(field)
}

fn is_just_as(field: &Field, new: &NewField) -> bool {
    let NewField { name, label, schema, description } = new;
    !field.deleted
        && (&field.name, &field.label, &field.schema, &field.description) == (name, label, schema, description)
}

fn may_add(known: &[Field], new: &NewField) -> Result<(), Refusal> {
    if known.iter().any(|field| field.name == new.name) {
        return Err(Refusal::FieldNameTaken);
    }
    let active = || known.iter().filter(|field| !field.deleted);
    if active().any(|field| field.label == new.label) {
        return Err(Refusal::FieldLabelTaken);
    }
    if known.len() >= FIELDS_EVER_MAX || active().count() >= FIELDS_MAX {
        return Err(Refusal::TooManyFields);
    }
    check_defaults(active().map(|field| (field.name.as_str(), &field.schema)).chain([(new.name.as_str(), &new.schema)]))
}

/// Every asset that is uploaded without custom metadata gets the defaults of all required fields, which
/// therefore are as small together as what a request may send.
fn check_defaults<'a>(fields: impl Iterator<Item = (&'a str, &'a Schema)>) -> Result<(), Refusal> {
    let required = fields.filter(|(_, schema)| schema.requires_value());
    let defaults: Map<String, Value> =
        required.filter_map(|(name, schema)| Some((name.to_owned(), schema.default_value.clone()?))).collect();
    if Value::from(defaults).to_string().len() > METADATA_BYTES_MAX {
        let why = format!("should be at most {METADATA_BYTES_MAX} bytes with those of all other required fields");
        return Err(Refusal::InvalidSchemaObject(Faults::one("defaultValue", why)));
    }
    Ok(())
}

/// Changes a field.
pub async fn update(app: &App, id: CustomFieldId, change: FieldChange) -> Result<Field> {
    let mut tx = app.db.write(Reach::Apart).await?;
    store::begin_change(&mut tx).await?;
    let known = store::all(&mut tx).await?;
    let field = changed(&known, id, change)?;
    store::update(&mut tx, &field, Millis::now()).await?;
    tx.commit().await?;
    Ok(field)
}

/// The field as it is after a change. Values that assets have are not looked at again.
fn changed(known: &[Field], id: CustomFieldId, change: FieldChange) -> Result<Field, Refusal> {
    let mut field = known.iter().find(|field| field.id == id).ok_or(Refusal::NoField)?.clone();
    if field.deleted {
        return Err(Refusal::FieldDeleted);
    }
    let others = || known.iter().filter(|other| other.id != id && !other.deleted);
    if let Some(label) = change.label {
        if others().any(|other| other.label == label) {
            return Err(Refusal::FieldLabelTaken);
        }
        field.label = label;
    }
    if let Some(description) = change.description {
        field.description = description;
    }
    if let Some(sent) = change.schema {
        field.schema = Schema::parse(&sent, Some(field.schema.kind)).map_err(Refusal::InvalidSchemaObject)?;
        let this = [(field.name.as_str(), &field.schema)];
        check_defaults(others().map(|other| (other.name.as_str(), &other.schema)).chain(this))?;
    }
    Ok(field)
}

/// Deletes a field. Its values are out of sight from now on; its name stays taken.
pub async fn delete(app: &App, id: CustomFieldId) -> Result<()> {
    let mut tx = app.db.write(Reach::Apart).await?;
    store::begin_change(&mut tx).await?;
    if !store::mark_deleted(&mut tx, id, Millis::now()).await? {
        return Err(Refusal::NoField.into());
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::custom_field::TEXT_CHARS_MAX;

    fn schema(sent: &Value) -> Schema {
        Schema::parse(sent.as_object().unwrap(), None).unwrap()
    }

    fn new(name: &str, label: &str) -> NewField {
        NewField {
            name: name.into(),
            label: label.into(),
            schema: schema(&json!({ "type": "Text" })),
            description: None,
        }
    }

    fn field(id: i64, deleted: bool) -> Field {
        let NewField { name, label, schema, description } = new(&format!("n{id}"), &format!("l{id}"));
        Field { id: CustomFieldId(id), name, label, schema, description, deleted }
    }

    #[test]
    fn fields_are_counted_with_and_without_the_deleted_ones() {
        let active: Vec<_> = (0..FIELDS_MAX as i64).map(|id| field(id, false)).collect();
        assert_eq!(may_add(&active[1..], &new("a", "a")), Ok(()));
        assert_eq!(may_add(&active, &new("a", "a")), Err(Refusal::TooManyFields));
        let deleted: Vec<_> = (0..FIELDS_EVER_MAX as i64).map(|id| field(id, true)).collect();
        assert_eq!(may_add(&deleted[1..], &new("a", "a")), Ok(()));
        assert_eq!(may_add(&deleted, &new("a", "a")), Err(Refusal::TooManyFields));
        // What is wrong with the request is told first.
        assert_eq!(may_add(&deleted, &new("n7", "l7")), Err(Refusal::FieldNameTaken));
        assert_eq!(may_add(&active, &new("a", "l7")), Err(Refusal::FieldLabelTaken));
        assert_eq!(may_add(&deleted[..8], &new("a", "l7")), Ok(()));
    }

    #[test]
    fn the_defaults_of_all_required_fields_are_bounded_together() {
        let long = "x".repeat(TEXT_CHARS_MAX as usize);
        let required = schema(&json!({ "type": "Text", "isValueRequired": true, "defaultValue": long }));
        let optional = schema(&json!({ "type": "Text", "defaultValue": long }));
        let with = |count: i64, schema: &Schema| -> Vec<Field> {
            (0..count).map(|id| Field { schema: schema.clone(), ..field(id, false) }).collect()
        };
        let one_more = NewField { schema: required.clone(), ..new("a", "a") };
        let fits = (METADATA_BYTES_MAX / long.len()) as i64;
        let too_many = |answer: Result<(), Refusal>| {
            let Err(Refusal::InvalidSchemaObject(faults)) = answer else { panic!("{answer:?}") };
            assert_eq!(
                faults.to_json(),
                json!({ "defaultValue": "should be at most 32768 bytes with those of all other required fields" })
            );
        };
        assert_eq!(may_add(&with(fits - 1, &required), &one_more), Ok(()));
        assert_eq!(may_add(&with(fits, &optional), &one_more), Ok(()));
        too_many(may_add(&with(fits, &required), &one_more));
        let mut known = with(fits, &required);
        known.push(field(fits, false));
        let change = FieldChange { schema: required.to_json().as_object().cloned(), ..FieldChange::default() };
        too_many(changed(&known, CustomFieldId(fits), change.clone()).map(drop));
        known.remove(0);
        assert!(changed(&known, CustomFieldId(fits), change).is_ok());
    }
}
