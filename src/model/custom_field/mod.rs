//! Custom metadata fields: what a library's users may note about an asset, and what a note may be.
//!
//! A field has a name, which is the key on assets, and a [`Schema`]: a type, limits, perhaps a default.
//! `schema` reads schemas as clients of all ages send them, `value` checks what is noted and merges it
//! into what an asset has, `date` reads dates. All of it is pure; whatever is wrong is told per key in
//! [`Faults`].
//!
//! A name is never free again, not even when its field is deleted, and a field's type never changes. So a
//! value may be stored under the name alone: it belongs to one field for ever, and the values of deleted
//! fields simply stop being shown.

pub mod date;
#[cfg(test)]
mod properties;
mod schema;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use schema::{OPTIONS_MAX, Schema};
pub use value::{METADATA_BYTES_MAX, TEXT_CHARS_MAX, merge, shown};

use crate::model::ids::CustomFieldId;

/// Fields that are not deleted. Each upload may have a value for every one of them.
pub const FIELDS_MAX: usize = 500;
/// Fields with the deleted ones, whose names stay taken; a list that includes them is one answer.
pub const FIELDS_EVER_MAX: usize = 2_500;
/// Characters of a field's name and of its label; four bytes each, an index entry holds them.
pub const NAME_CHARS_MAX: usize = 255;
/// Characters of a description (API contract).
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Faults told in one answer; a body may have a hundred thousand keys.
pub const FAULTS_MAX: usize = 100;

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Text,
    Textarea,
    Number,
    Date,
    Boolean,
    SingleSelect,
    MultiSelect,
}

impl Kind {
    /// Every type, as clients know them.
    pub const ALL: [Kind; 7] =
        [Kind::Text, Kind::Textarea, Kind::Number, Kind::Date, Kind::Boolean, Kind::SingleSelect, Kind::MultiSelect];

    /// The spelling of answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "Text",
            Kind::Textarea => "Textarea",
            Kind::Number => "Number",
            Kind::Date => "Date",
            Kind::Boolean => "Boolean",
            Kind::SingleSelect => "SingleSelect",
            Kind::MultiSelect => "MultiSelect",
        }
    }

    /// The type of that name. One of them has had two spellings.
    pub fn named(name: &str) -> Option<Kind> {
        if name == "TextArea" {
            return Some(Kind::Textarea);
        }
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is wrong, by key: the `errors` object of a refusal. Texts only, since typed clients read it as a
/// map of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// A single fault.
    pub fn one(key: &str, why: impl Into<String>) -> Faults {
        Faults(vec![(key.to_owned(), why.into())])
    }

    /// Notes a fault. The first one of a key counts, and there are at most [`FAULTS_MAX`].
    pub fn add(&mut self, key: &str, why: impl Into<String>) {
        if self.0.len() < FAULTS_MAX && !self.0.iter().any(|(known, _)| known == key) {
            self.0.push((key.to_owned(), why.into()));
        }
    }

    /// Takes the value of a check, or notes its fault.
    pub fn take<T>(&mut self, key: &str, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|why| self.add(key, why)).ok()
    }

    /// Notes the faults of another check.
    pub fn extend(&mut self, more: Faults) {
        more.0.into_iter().for_each(|(key, why)| self.add(&key, why));
    }

    /// The value unless something is wrong.
    pub fn unless_any<T>(self, value: T) -> Result<T, Faults> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object on the wire.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(key, why)| (key.clone(), Value::from(why.as_str()))).collect::<Map<_, _>>().into()
    }
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub id: CustomFieldId,
    /// The key on assets.
    pub name: String,
    /// What people read.
    pub label: String,
    pub schema: Schema,
    pub description: Option<String>,
    pub deleted: bool,
}

/// The fields that are not deleted, in order of creation.
#[derive(Debug, Default)]
pub struct Fields {
    list: Vec<Field>,
    by_name: HashMap<String, usize>,
    any_deleted: bool,
}

impl Fields {
    /// Of all fields there ever were.
    pub fn new(fields: Vec<Field>) -> Fields {
        let any_deleted = fields.iter().any(|field| field.deleted);
        let list: Vec<Field> = fields.into_iter().filter(|field| !field.deleted).collect();
        let by_name = list.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect();
        Fields { list, by_name, any_deleted }
    }

    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|at| &self.list[*at])
    }

    /// Whether there are values that are not shown.
    pub fn any_deleted(&self) -> bool {
        self.any_deleted
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }
}

/// A name or label: there, not blank, in bounds, and nothing in it that a terminal or database would choke on.
pub fn check_name(sent: Option<&Value>) -> Result<String, String> {
    let text = text(sent)?.ok_or(IS_REQUIRED)?;
    if text.trim().is_empty() {
        return Err(IS_REQUIRED.to_owned());
    }
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("should be at most {NAME_CHARS_MAX} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("should not have control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// A description; `None` when there is none, and when an empty text clears it.
pub fn check_description(sent: Option<&Value>) -> Result<Option<String>, String> {
    let Some(text) = text(sent)? else { return Ok(None) };
    if text.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(format!("should be at most {DESCRIPTION_CHARS_MAX} characters"));
    }
    if text.contains('\0') {
        return Err(NO_NUL.to_owned());
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

fn text(sent: Option<&Value>) -> Result<Option<&str>, String> {
    match sent {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(of_type("string")),
    }
}

/// A value that has to be there is not.
const IS_REQUIRED: &str = "is required";
/// A key of another type's schema.
const NOT_ALLOWED: &str = "not allowed for this type";
/// PostgreSQL has no text with this character, and nobody means it.
const NO_NUL: &str = "should not have a NUL character";

/// The wrong JSON type.
fn of_type(wanted: &str) -> String {
    format!("should be of type {wanted}")
}
