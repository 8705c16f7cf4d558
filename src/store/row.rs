//! Rows of either database, as values.

use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use sqlx::FromRow;
use sqlx::postgres::PgRow;

/// A row of either database.
pub trait Row: FromSqlite + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: FromSqlite + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A row of SQLite's.
pub trait FromSqlite: Sized {
    /// Fails when a column is missing or of another type.
    fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
}

macro_rules! tuples {
    ($(($($type:ident $index:tt),+))+) => {
        $(impl<$($type: FromSql),+> FromSqlite for ($($type,)+) {
            fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> { Ok(($(row.get($index)?,)+)) }
        })+
    };
}
tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) }

/// A struct whose fields are the columns of a row, by name. Fields behind `beside` are in no column.
macro_rules! columns {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)*
        }
        $(beside { $($(#[$beside_meta:meta])* $beside_vis:vis $beside:ident: $beside_type:ty,)* })?
    ) => {
        $(#[$meta])*
        #[derive(sqlx::FromRow)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
            $($($(#[$beside_meta])* #[sqlx(skip)] $beside_vis $beside: $beside_type,)*)?
        }
        impl crate::store::row::FromSqlite for $name {
            fn from_sqlite(row: &rusqlite::Row<'_>) -> rusqlite::Result<$name> {
                Ok($name {
                    $($field: row.get(stringify!($field))?,)*
                    $($($beside: Default::default(),)*)?
                })
            }
        }
    };
}
pub(crate) use columns;

macro_rules! numbers {
    ($($type:path),* $(,)?) => {
        $(impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> { i64::column_result(value).map($type) }
        })*
    };
}
numbers! {
    crate::model::time::Millis,
    crate::model::ids::FolderId,
    crate::model::ids::FileId,
    crate::model::ids::VersionId,
    crate::model::ids::ContentId,
    crate::model::ids::BlobId,
    crate::model::ids::JobId,
    crate::model::ids::CustomFieldId,
    crate::model::ids::KeyId,
}

macro_rules! states {
    ($($type:path),*) => {
        $(impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$type>::try_from(String::column_result(value)?).map_err(rusqlite::types::FromSqlError::other)
            }
        })*
    };
}
states! { crate::model::job::Kind, crate::model::job::Phase }
