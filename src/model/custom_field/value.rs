//! Values: one checked by its field's schema, and the values of an asset merged with what a request sends.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::schema::Limits;
use super::{Faults, Fields, IS_REQUIRED, Kind, NO_NUL, Schema, date, of_type};
use crate::model::time::Millis;

/// Characters of a text value, whatever the field allows.
pub const TEXT_CHARS_MAX: u64 = 5_000;
/// Bytes of an asset's values as JSON. A list shows a thousand assets at once.
pub const METADATA_BYTES_MAX: usize = 32 * 1024;

pub(super) const NO_DUPLICATES: &str = "should not have duplicates";
const NOT_AN_OPTION: &str = "should be one of the allowed options";
/// Told under this key when it is not about one field.
const WHOLE: &str = "customMetadata";

impl Schema {
    /// A value in the form in which it is stored, or what is wrong with it. Limits apply to whoever sends a value
    /// now; stored values are not checked again.
    pub fn check(&self, sent: &Value) -> Result<Value, String> {
        let checked = match (&self.limits, sent) {
            (Limits::Length { min, max }, Value::String(text)) => check_text(text, *min, *max),
            (Limits::Length { .. }, _) => Err(of_type("string")),
            (Limits::Number { min, max }, Value::Number(number)) => check_number(number, min.as_ref(), max.as_ref()),
            (Limits::Number { .. }, _) => Err(of_type("number")),
            (Limits::Date { min, max }, sent) => check_date(moment(sent)?, *min, *max),
            (Limits::None, Value::Bool(_)) => Ok(sent.clone()),
            (Limits::None, _) => Err(of_type("boolean")),
            (Limits::Options(options), _) if self.kind == Kind::SingleSelect => check_option(sent, options),
            (Limits::Options(options), Value::Array(sent)) => check_choice(sent, options),
            (Limits::Options(_), _) => Err(of_type("array")),
        }?;
        let is_empty = checked.as_str() == Some("") || checked.as_array().is_some_and(Vec::is_empty);
        if is_empty && self.requires_value() { Err(IS_REQUIRED.to_owned()) } else { Ok(checked) }
    }
}

fn check_text(text: &str, min: Option<u64>, max: Option<u64>) -> Result<Value, String> {
    let chars = text.chars().count() as u64;
    if let Some(min) = min.filter(|min| chars < *min) {
        return Err(at_least(format!("{min} characters")));
    }
    let max = max.map_or(TEXT_CHARS_MAX, |max| max.min(TEXT_CHARS_MAX));
    if chars > max {
        return Err(at_most(format!("{max} characters")));
    }
    if text.contains('\0') { Err(NO_NUL.to_owned()) } else { Ok(text.into()) }
}

fn check_number(number: &Number, min: Option<&Number>, max: Option<&Number>) -> Result<Value, String> {
    if let Some(min) = min.filter(|min| compare(number, min).is_lt()) {
        return Err(at_least(min.to_string()));
    }
    if let Some(max) = max.filter(|max| compare(number, max).is_gt()) {
        return Err(at_most(max.to_string()));
    }
    Ok(number.clone().into())
}

fn check_date(moment: Millis, min: Option<Millis>, max: Option<Millis>) -> Result<Value, String> {
    if let Some(min) = min.filter(|min| moment < *min) {
        return Err(at_least(min.to_string()));
    }
    if let Some(max) = max.filter(|max| moment > *max) {
        return Err(at_most(max.to_string()));
    }
    Ok(moment.to_string().into())
}

fn check_option(sent: &Value, options: &[Value]) -> Result<Value, String> {
    let sent = Alike::of(sent);
    let found = options.iter().find(|option| sent.is_some() && Alike::of(option) == sent);
    found.cloned().ok_or_else(|| NOT_AN_OPTION.to_owned())
}

fn check_choice(sent: &[Value], options: &[Value]) -> Result<Value, String> {
    // More than there are options must repeat one; looked at first, because a request may hold very many.
    if sent.len() > options.len() || has_duplicates(sent) {
        let foreign = sent.iter().take(options.len() + 1).any(|value| check_option(value, options).is_err());
        return Err(if foreign { NOT_AN_OPTION } else { NO_DUPLICATES }.to_owned());
    }
    sent.iter().map(|value| check_option(value, options)).collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// A text that tells a date.
pub(super) fn moment(sent: &Value) -> Result<Millis, String> {
    let text = sent.as_str().ok_or_else(|| of_type("string"))?;
    date::parse(text).ok_or_else(|| "should be an ISO 8601 date".to_owned())
}

/// A value that is too small, or its text too short.
pub(super) fn at_least(bound: String) -> String {
    format!("should be at least {bound}")
}

fn at_most(bound: String) -> String {
    format!("should be at most {bound}")
}

/// Compares whole numbers exactly, and others as floating-point numbers, of which JSON has no NaN.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// What makes two options the same: type and value, where 1 and 1.0 are one number.
#[derive(PartialEq, Eq, Hash)]
enum Alike<'a> {
    Text(&'a str),
    Boolean(bool),
    Whole(i128),
    /// The bits of a number with a fraction, or too large to be whole in 64 bits.
    Float(u64),
}

impl Alike<'_> {
    fn of(value: &Value) -> Option<Alike<'_>> {
        match value {
            Value::String(text) => Some(Alike::Text(text)),
            Value::Bool(flag) => Some(Alike::Boolean(*flag)),
            Value::Number(number) => Some(Alike::of_number(number)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn of_number(number: &Number) -> Alike<'static> {
        if let Some(whole) = whole(number) {
            return Alike::Whole(whole);
        }
        let float = number.as_f64().unwrap_or_default();
        // The range is well inside that of the whole number.
        if float.fract() == 0.0 && float.abs() < 1e30 {
            Alike::Whole(float as i128)
        } else {
            Alike::Float(float.to_bits())
        }
    }
}

/// Whether two of the values are the same option.
pub(super) fn has_duplicates(values: &[Value]) -> bool {
    let mut seen = HashSet::new();
    !values.iter().filter_map(Alike::of).all(|value| seen.insert(value))
}

/// The values of an asset after a request: `sent` laid over `existing` key by key, where `null` unsets, and the
/// defaults of required fields filled in. Values of deleted fields stay among the existing ones.
pub fn merge(
    fields: &Fields,
    existing: &Map<String, Value>,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, Faults> {
    // Before anything else: what follows may compare each of very many values with every option.
    if Value::from(sent.clone()).to_string().len() > METADATA_BYTES_MAX {
        return Err(Faults::one(WHOLE, too_large()));
    }
    let mut merged = existing.clone();
    let mut faults = Faults::default();
    for (name, value) in sent {
        match change(fields, name, value) {
            Ok(Some(value)) => drop(merged.insert(name.clone(), value)),
            // The others keep their order.
            Ok(None) => drop(merged.shift_remove(name)),
            Err(why) => faults.add(name, why),
        }
    }
    // Defaults do not count: all of them together are bounded when they are set.
    if !sent.is_empty() && Value::from(merged.clone()).to_string().len() > METADATA_BYTES_MAX {
        faults.add(WHOLE, too_large());
    }
    for field in fields.iter().filter(|field| field.schema.requires_value()) {
        if let (false, Some(default)) = (merged.contains_key(&field.name), &field.schema.default_value) {
            merged.insert(field.name.clone(), default.clone());
        }
    }
    faults.unless_any(merged)
}

fn too_large() -> String {
    at_most(format!("{METADATA_BYTES_MAX} bytes in all"))
}

/// What a request does to one value: `None` unsets it.
fn change(fields: &Fields, name: &str, sent: &Value) -> Result<Option<Value>, String> {
    let field = fields.get(name).ok_or("field does not exist")?;
    match sent {
        Value::Null if field.schema.requires_value() => Err(IS_REQUIRED.to_owned()),
        Value::Null => Ok(None),
        sent => field.schema.check(sent).map(Some),
    }
}

/// The values that are shown: those whose field is not deleted.
pub fn shown(fields: &Fields, stored: Map<String, Value>) -> Map<String, Value> {
    stored.into_iter().filter(|(name, _)| fields.get(name).is_some()).collect()
}
