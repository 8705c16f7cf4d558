//! Schemas: read from what clients send, checked key by key, and written in one form.
//!
//! A `null` counts as absent, since some clients send every key there is. Those send zeros too, so a zero
//! under a key that the type does not have, or as `maxLength`, is absent as well.

use serde_json::{Map, Number, Value, json};

use super::{Faults, IS_REQUIRED, Kind, NO_NUL, NOT_ALLOWED, of_type, value};
use crate::model::time::Millis;

/// Options of a select field; more are no list that anybody chooses from.
pub const OPTIONS_MAX: usize = 1_000;
/// Bytes of all options as JSON: an upload may have to look at the schemas of every field.
const OPTIONS_BYTES_MAX: usize = 32 * 1024;

/// The rules of a field's values.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub kind: Kind,
    /// As sent; `None` means no.
    pub is_value_required: Option<bool>,
    /// Valid by the limits; there when a value is required.
    pub default_value: Option<Value>,
    pub limits: Limits,
}

/// What a type limits its values by. All bounds are inclusive.
#[derive(Clone, Debug, PartialEq)]
pub enum Limits {
    /// Text, Textarea: characters.
    Length {
        min: Option<u64>,
        max: Option<u64>,
    },
    Number {
        min: Option<Number>,
        max: Option<Number>,
    },
    Date {
        min: Option<Millis>,
        max: Option<Millis>,
    },
    /// Boolean.
    None,
    /// SingleSelect, MultiSelect: texts, numbers and booleans, each once.
    Options(Vec<Value>),
}

impl Schema {
    /// Reads a schema as sent. `known` is the type of a field that exists already; then `type` is not looked at.
    pub fn parse(sent: &Map<String, Value>, known: Option<Kind>) -> Result<Schema, Faults> {
        let kind = match known {
            Some(kind) => kind,
            None => kind_of(sent.get("type")).map_err(|why| Faults::one("type", why))?,
        };
        let mut reader = Reader { sent, kind, faults: Faults::default() };
        reader.refuse_other_keys();
        let limits = reader.limits();
        let is_value_required = reader.required();
        let mut schema = Schema { kind, is_value_required, default_value: None, limits: Limits::None };
        // Without limits there is nothing to check a default by; what is wrong with them is told first.
        if let Some(limits) = limits {
            schema.limits = limits;
            schema.default_value = reader.default_value(&schema);
        }
        reader.faults.unless_any(schema)
    }

    /// Reads a schema as stored.
    pub fn from_stored(text: &str) -> Option<Schema> {
        Schema::parse(&serde_json::from_str(text).ok()?, None).ok()
    }

    /// Whether every asset has a value.
    pub fn requires_value(&self) -> bool {
        self.is_value_required == Some(true)
    }

    /// The form of answers and of the catalog.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(key.to_owned(), value);
            }
        };
        put("type", Some(self.kind.name().into()));
        put("isValueRequired", self.is_value_required.map(Value::from));
        put("defaultValue", self.default_value.clone());
        match &self.limits {
            Limits::Length { min, max } => {
                put("minLength", min.map(Value::from));
                put("maxLength", max.map(Value::from));
            }
            Limits::Number { min, max } => {
                put("minValue", min.clone().map(Value::Number));
                put("maxValue", max.clone().map(Value::Number));
            }
            Limits::Date { min, max } => {
                put("minValue", min.map(|min| json!(min.to_string())));
                put("maxValue", max.map(|max| json!(max.to_string())));
            }
            Limits::None => {}
            Limits::Options(options) => put("selectOptions", Some(options.clone().into())),
        }
        object.into()
    }
}

fn kind_of(sent: Option<&Value>) -> Result<Kind, String> {
    match sent {
        None | Some(Value::Null) => Err(IS_REQUIRED.to_owned()),
        Some(Value::String(name)) => {
            Kind::named(name).ok_or_else(|| format!("should be one of {}", Kind::ALL.map(Kind::name).join(", ")))
        }
        Some(_) => Err(of_type("string")),
    }
}

/// Keys that every type has.
const COMMON_KEYS: [&str; 3] = ["type", "isValueRequired", "defaultValue"];

fn keys_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text | Kind::Textarea => &["minLength", "maxLength"],
        Kind::Number | Kind::Date => &["minValue", "maxValue"],
        Kind::Boolean => &[],
        Kind::SingleSelect | Kind::MultiSelect => &["selectOptions"],
    }
}

/// A schema that is being read.
struct Reader<'a> {
    sent: &'a Map<String, Value>,
    kind: Kind,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn refuse_other_keys(&mut self) {
        for (key, value) in self.sent {
            let known = COMMON_KEYS.contains(&key.as_str()) || keys_of(self.kind).contains(&key.as_str());
            if !known && !value.is_null() && !is_zero(value) {
                self.faults.add(key, NOT_ALLOWED);
            }
        }
    }

    /// The limits, or `None` when they are at fault.
    fn limits(&mut self) -> Option<Limits> {
        match self.kind {
            Kind::Text | Kind::Textarea => {
                let (min, max) = self.bounds("minLength", "maxLength", length, |min, max| max < min)?;
                Some(Limits::Length { min, max })
            }
            Kind::Number => {
                let below = |min: &Number, max: &Number| value::compare(max, min).is_lt();
                let (min, max) = self.bounds("minValue", "maxValue", number, below)?;
                Some(Limits::Number { min, max })
            }
            Kind::Date => {
                let (min, max) = self.bounds("minValue", "maxValue", value::moment, |min, max| max < min)?;
                Some(Limits::Date { min, max })
            }
            Kind::Boolean => Some(Limits::None),
            Kind::SingleSelect | Kind::MultiSelect => {
                let options = options(self.there("selectOptions"));
                self.faults.take("selectOptions", options).map(Limits::Options)
            }
        }
    }

    /// Two bounds of the same kind, the upper one not below the lower one.
    fn bounds<T: ToString>(
        &mut self,
        lower: &str,
        upper: &str,
        read: fn(&Value) -> Result<T, String>,
        is_below: impl Fn(&T, &T) -> bool,
    ) -> Option<(Option<T>, Option<T>)> {
        let min = self.there(lower).map(read).transpose();
        let max = self.there(upper).map(read).transpose();
        // Both are looked at before either is given up, so that both faults are told.
        let (min, max) = (self.faults.take(lower, min), self.faults.take(upper, max));
        let (min, max) = (min?, max?);
        if let (Some(min), Some(max)) = (&min, &max)
            && is_below(min, max)
        {
            self.faults.add(upper, value::at_least(min.to_string()));
            return None;
        }
        Some((min, max))
    }

    fn required(&mut self) -> Option<bool> {
        match self.there("isValueRequired")? {
            Value::Bool(required) => Some(*required),
            _ => {
                self.faults.add("isValueRequired", of_type("boolean"));
                None
            }
        }
    }

    fn default_value(&mut self, schema: &Schema) -> Option<Value> {
        match self.there("defaultValue") {
            Some(sent) => self.faults.take("defaultValue", schema.check(sent)),
            None => {
                if schema.requires_value() {
                    self.faults.add("defaultValue", IS_REQUIRED);
                }
                None
            }
        }
    }

    /// What is sent under a key and means something.
    fn there(&self, key: &str) -> Option<&'a Value> {
        let value = self.sent.get(key).filter(|value| !value.is_null())?;
        (key != "maxLength" || !is_zero(value)).then_some(value)
    }
}

fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

/// A number of characters; some clients write it as a floating-point number.
fn length(sent: &Value) -> Result<u64, String> {
    let Value::Number(number) = sent else { return Err(of_type("number")) };
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64().filter(|float| float.fract() == 0.0 && (0.0..=EXACT_FLOAT_MAX).contains(float))?;
        // Whole and in bounds, so nothing is cut off.
        Some(float as u64)
    });
    whole.ok_or_else(|| "should be a whole number of at least 0".to_owned())
}

/// Up to here every whole number is a floating-point number.
const EXACT_FLOAT_MAX: f64 = 9_007_199_254_740_992.0;

fn number(sent: &Value) -> Result<Number, String> {
    if let Value::Number(number) = sent { Ok(number.clone()) } else { Err(of_type("number")) }
}

fn options(sent: Option<&Value>) -> Result<Vec<Value>, String> {
    let Value::Array(sent) = sent.ok_or(IS_REQUIRED)? else { return Err(of_type("array")) };
    if sent.is_empty() {
        return Err("should have at least 1 option".to_owned());
    }
    if sent.len() > OPTIONS_MAX {
        return Err(format!("should have at most {OPTIONS_MAX} options"));
    }
    if !sent.iter().all(|option| option.is_string() || option.is_number() || option.is_boolean()) {
        return Err("should be an array of strings, numbers and booleans".to_owned());
    }
    if sent.iter().any(|option| option.as_str().is_some_and(|text| text.contains('\0'))) {
        return Err(NO_NUL.to_owned());
    }
    if value::has_duplicates(sent) {
        return Err(value::NO_DUPLICATES.to_owned());
    }
    if Value::from(sent.clone()).to_string().len() > OPTIONS_BYTES_MAX {
        return Err(format!("should be at most {OPTIONS_BYTES_MAX} bytes in all"));
    }
    Ok(sent.clone())
}
