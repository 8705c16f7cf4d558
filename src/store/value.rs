//! Values of statements, for either database.

use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;
use sqlx::Arguments;
use sqlx::postgres::PgArguments;

use crate::error::Result;

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bool(Option<bool>),
}

/// The values of a statement, in the order of `$1`, `$2`, …
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$(crate::store::Value::from($value)),*] };
}
pub(crate) use args;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Int(value) => value.to_sql(),
            Value::Text(value) => value.to_sql(),
            Value::Bool(value) => value.to_sql(),
        }
    }
}

pub(super) fn postgres_args(values: Vec<Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bool(value) => arguments.add(value),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

macro_rules! value_from {
    ($($from:ty => $variant:ident, $of:ident => $expr:expr;)*) => {
        $(impl From<$from> for Value { fn from($of: $from) -> Value { Value::$variant(Some($expr)) } }
          impl From<Option<$from>> for Value { fn from(value: Option<$from>) -> Value { Value::$variant(value.map(|$of: $from| $expr)) } })*
    };
}

value_from! {
    i64 => Int, v => v;
    bool => Bool, v => v;
    String => Text, v => v;
    &str => Text, v => v.to_owned();
    crate::model::time::Millis => Int, v => v.0;
    crate::model::ids::FolderId => Int, v => v.0;
    crate::model::ids::FileId => Int, v => v.0;
    crate::model::ids::VersionId => Int, v => v.0;
    crate::model::ids::ContentId => Int, v => v.0;
    crate::model::ids::BlobId => Int, v => v.0;
    crate::model::ids::JobId => Int, v => v.0;
    crate::model::ids::CustomFieldId => Int, v => v.0;
    crate::model::ids::KeyId => Int, v => v.0;
}
