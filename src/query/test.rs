//! One comparison, and how it comes out beside the facts.
//!
//! A field may be missing, or have one value or several. A condition holds if any value meets it, so it never
//! holds for what is missing; a negated one holds whenever the condition does not, so it does for what is missing.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value as Json;

use super::dates;
use super::parser::{Op, Operand, Predicate};
use super::places::Point;
use super::types::{Known, Literal, Quotes, Type, is_order};
use super::words::Words;
use super::{Expr, QueryError};
use crate::model::time::Millis;

/// What is known of a field.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Missing,
    Text(Cow<'a, str>),
    /// None of them, one, or more.
    Texts(Vec<Cow<'a, str>>),
    Number(f64),
    Flag(bool),
    Time(Millis),
    /// As stored; an array stands for its elements.
    Json(Json),
}

/// Something that knows values of the fields `F`.
pub trait Facts<F> {
    /// The value of a field. Asked once for each test that needs it.
    fn value(&self, field: &F) -> Value<'_>;
}

/// A comparison that is known to make sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Test<F> {
    pub field: F,
    of: Type,
    condition: Condition,
    negated: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    /// `=` and `IN`.
    OneOf(Vec<Literal>),
    Prefix(String),
    /// In this folder or below it; a normalised path.
    Below(String),
    Order(Op, Literal),
    Has(Words),
    Exists,
}

impl<F> Test<F> {
    /// Looks at operator and value of a comparison with a field of this type and these operators.
    pub fn new(
        predicate: &Predicate,
        field: F,
        of: Type,
        ops: &[Op],
        quotes: Quotes,
        now: Millis,
    ) -> Result<Test<F>, QueryError> {
        let (name, op) = (predicate.field.as_str(), predicate.op);
        if !ops.contains(&op) {
            return Err(QueryError(format!("operator {} is not supported for {name} field", op.text())));
        }
        let literal = |scalar| of.literal(scalar, quotes, now).ok_or_else(|| QueryError(of.demand(name, op)));
        let condition = match (&predicate.operand, op) {
            (Operand::None, _) => Condition::Exists,
            (Operand::List(list), _) => Condition::OneOf(list.iter().map(literal).collect::<Result<_, _>>()?),
            (Operand::One(_), Op::In | Op::NotIn) => {
                return Err(QueryError(format!("{name} field must have an array value with {} operator", op.text())));
            }
            (Operand::One(scalar), Op::Prefix | Op::Has) => match literal(scalar)? {
                Literal::Text(path) if of == Type::Path => Condition::Below(path),
                Literal::Text(text) | Literal::Loose(text) if op == Op::Has => Condition::Has(Words::new(&text)),
                Literal::Text(text) | Literal::Loose(text) => Condition::Prefix(text),
                _ => return Err(QueryError(Type::Text.demand(name, op))),
            },
            (Operand::One(scalar), _) if is_order(op) => match literal(scalar)? {
                Literal::Text(_) | Literal::Flag(_) => return Err(QueryError(of.demand(name, op))),
                ordered => Condition::Order(op, ordered),
            },
            (Operand::One(scalar), _) => Condition::OneOf(vec![literal(scalar)?]),
        };
        Ok(Test { field, of, condition, negated: matches!(op, Op::NotEqual | Op::NotIn | Op::NotExists) })
    }

    /// `field IN texts`, made without a query.
    pub fn one_of(field: F, texts: impl IntoIterator<Item = String>) -> Test<F> {
        let literals = texts.into_iter().map(Literal::Text).collect();
        Test { field, of: Type::Text, condition: Condition::OneOf(literals), negated: false }
    }

    /// Whether the facts pass.
    pub fn matches(&self, facts: &impl Facts<F>) -> bool {
        self.holds_for(&facts.value(&self.field))
    }

    /// Whether a value passes.
    pub fn holds_for(&self, value: &Value<'_>) -> bool {
        let holds = match &self.condition {
            Condition::Exists => exists(value),
            condition => any(value, self.of, &mut |known| condition.is_met(known)),
        };
        holds != self.negated
    }

    /// The texts that a value must be one of, if that is what is asked.
    pub fn texts(&self) -> Option<Vec<&str>> {
        let Condition::OneOf(literals) = &self.condition else { return None };
        if self.negated {
            return None;
        }
        literals
            .iter()
            .map(|literal| if let Literal::Text(text) = literal { Some(text.as_str()) } else { None })
            .collect()
    }

    /// The folder that a path must be or lie below, if that is what is asked.
    pub fn below(&self) -> Option<&str> {
        if let Condition::Below(path) = &self.condition { Some(path) } else { None }
    }

    /// Whether this is a search for words, which has a score.
    fn words(&self) -> Option<&Words> {
        if let Condition::Has(words) = &self.condition { Some(words) } else { None }
    }
}

impl<F> Expr<Test<F>> {
    /// Whether any part looks for words.
    pub fn has_words(&self) -> bool {
        self.leaves().iter().any(|test| test.words().is_some())
    }

    /// How well the facts fit all searches for words that they pass, added up.
    pub fn score(&self, facts: &impl Facts<F>) -> f64 {
        let score = |test: &Test<F>| {
            let words = test.words()?;
            let mut best: Option<f64> = None;
            any(&facts.value(&test.field), test.of, &mut |known| {
                if let Known::Text(text) = known {
                    best = words.score(text).into_iter().chain(best).reduce(f64::max);
                }
                false
            });
            best
        };
        self.leaves().into_iter().filter_map(score).sum()
    }
}

impl Condition {
    fn is_met(&self, known: &Known<'_>) -> bool {
        match (self, known) {
            (Condition::OneOf(literals), _) => literals.iter().any(|literal| literal.equals(known)),
            (Condition::Prefix(prefix), Known::Text(text)) => text.starts_with(prefix.as_str()),
            (Condition::Below(folder), Known::Text(path)) => is_below(path, folder),
            (Condition::Has(words), Known::Text(text)) => words.score(text).is_some(),
            (Condition::Order(op, literal), _) => literal.order(known).is_some_and(|order| match op {
                Op::Less => order == Ordering::Less,
                Op::LessEqual => order != Ordering::Greater,
                Op::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }),
            _ => false,
        }
    }
}

/// By whole segments; a folder lies below itself here.
fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn exists(value: &Value<'_>) -> bool {
    match value {
        Value::Missing | Value::Json(Json::Null) => false,
        Value::Text(text) => !text.is_empty(),
        Value::Texts(texts) => !texts.is_empty(),
        Value::Json(Json::String(text)) => !text.is_empty(),
        Value::Json(Json::Array(elements)) => !elements.is_empty(),
        Value::Number(_) | Value::Flag(_) | Value::Time(_) | Value::Json(_) => true,
    }
}

/// Whether any of the values, read as this type, is as asked for.
fn any(value: &Value<'_>, of: Type, asked: &mut dyn FnMut(&Known<'_>) -> bool) -> bool {
    match value {
        Value::Missing => false,
        Value::Text(text) => asked(&Known::Text(text)),
        Value::Texts(texts) => texts.iter().any(|text| asked(&Known::Text(text))),
        Value::Number(number) => asked(&Known::Number(*number)),
        Value::Flag(flag) => asked(&Known::Flag(*flag)),
        Value::Time(time) => asked(&Known::Time(*time)),
        Value::Json(json) if of == Type::Place => point(json).is_some_and(|point| asked(&Known::Point(point))),
        Value::Json(Json::Array(elements)) => elements.iter().any(|element| stored(element, of, asked)),
        Value::Json(json) => stored(json, of, asked),
    }
}

/// A stored value of another type than the field's is none of the field's values.
fn stored(json: &Json, of: Type, asked: &mut dyn FnMut(&Known<'_>) -> bool) -> bool {
    match (of, json) {
        (_, Json::Null) => false,
        (Type::Date, Json::String(text)) => dates::instant(text).is_some_and(|time| asked(&Known::Time(time))),
        (Type::Text | Type::Written | Type::Choice | Type::Loose, Json::String(text)) => asked(&Known::Text(text)),
        (Type::Number | Type::Choice | Type::Loose, Json::Number(number)) => {
            number.as_f64().is_some_and(|number| asked(&Known::Number(number)))
        }
        (Type::Flag | Type::Choice | Type::Loose, Json::Bool(flag)) => asked(&Known::Flag(*flag)),
        (Type::Written, other) => asked(&Known::Text(&other.to_string())),
        _ => false,
    }
}

/// A place as metadata stores it: `"lat,lon"`, `[lat, lon]` or an object that names both.
fn point(json: &Json) -> Option<Point> {
    let coordinate = |json: &Json| json.as_f64();
    match json {
        Json::String(text) => Point::read(text),
        Json::Array(pair) => match pair.as_slice() {
            [lat, lon] => Point::new(coordinate(lat)?, coordinate(lon)?),
            _ => None,
        },
        Json::Object(names) => {
            let named = |spellings: [&str; 3]| spellings.iter().find_map(|name| names.get(*name)).and_then(coordinate);
            Point::new(named(["latitude", "Latitude", "lat"])?, named(["longitude", "Longitude", "lon"])?)
        }
        _ => None,
    }
}
