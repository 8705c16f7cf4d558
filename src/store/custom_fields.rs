//! Rows of custom metadata fields, and the count of their changes.

use super::row::columns;
use super::{Tx, args, statements};
use crate::error::{Error, Result};
use crate::model::custom_field::{FIELDS_EVER_MAX, Field, Schema};
use crate::model::ids::CustomFieldId;
use crate::model::time::Millis;

statements! {
    EDITION: "SELECT edition FROM custom_field_edition WHERE library = 1";
    /// Also holds the row until the end of the transaction.
    NEXT_EDITION: "UPDATE custom_field_edition SET edition = edition + 1 WHERE library = 1";
    ALL: "SELECT id, name, label, schema, description, deleted IS NOT NULL AS is_deleted FROM custom_field ORDER BY id LIMIT $1";
    INSERT_IF_FREE: "INSERT INTO custom_field (id, name, label, schema, description, created, updated)
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING";
    UPDATE: "UPDATE custom_field SET label = $2, schema = $3, description = $4, updated = $5 WHERE id = $1 AND deleted IS NULL";
    MARK_DELETED: "UPDATE custom_field SET deleted = $2 WHERE id = $1 AND deleted IS NULL"
}

columns! {
    struct Stored {
        id: CustomFieldId,
        name: String,
        label: String,
        schema: String,
        description: Option<String>,
        is_deleted: bool,
    }
}

impl Stored {
    fn field(self) -> Result<Field> {
        let Some(schema) = Schema::from_stored(&self.schema) else {
            return Err(Error::Damaged(format!("the schema of custom metadata field {}", self.name)));
        };
        let Stored { id, name, label, description, is_deleted: deleted, .. } = self;
        Ok(Field { id, name, label, schema, description, deleted })
    }
}

/// How often the fields have changed.
pub async fn edition(tx: &mut Tx) -> Result<i64> {
    Ok(tx.one::<(i64,)>(&EDITION, args![]).await?.0)
}

/// Counts a change, and keeps every other one waiting until this transaction ends. Comes before anything that
/// the change depends on is read.
pub async fn begin_change(tx: &mut Tx) -> Result<()> {
    tx.run(&NEXT_EDITION, args![]).await?;
    Ok(())
}

/// All fields, also deleted ones, in order of creation.
pub async fn all(tx: &mut Tx) -> Result<Vec<Field>> {
    let rows: Vec<Stored> = tx.all(&ALL, args![FIELDS_EVER_MAX as i64]).await?;
    rows.into_iter().map(Stored::field).collect()
}

/// Stores a new field unless its name was ever taken or its label is; says whether it did.
pub async fn insert_if_free(tx: &mut Tx, field: &Field, now: Millis) -> Result<bool> {
    let Field { id, name, label, schema, description, .. } = field;
    let schema = schema.to_json().to_string();
    let values = args![*id, name.as_str(), label.as_str(), schema, description.clone(), now];
    Ok(tx.run(&INSERT_IF_FREE, values).await? == 1)
}

/// Stores label, schema and description of a field that is not deleted.
pub async fn update(tx: &mut Tx, field: &Field, now: Millis) -> Result<()> {
    let schema = field.schema.to_json().to_string();
    tx.run(&UPDATE, args![field.id, field.label.as_str(), schema, field.description.clone(), now]).await?;
    Ok(())
}

/// Deletes a field; says whether there was one that was not deleted yet.
pub async fn mark_deleted(tx: &mut Tx, id: CustomFieldId, now: Millis) -> Result<bool> {
    Ok(tx.run(&MARK_DELETED, args![id, now]).await? == 1)
}
