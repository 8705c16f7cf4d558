//! Types of fields: which values a query may give, and how the values of assets are read beside them.

use super::dates;
use super::format;
use super::parser::{Op, Scalar};
use super::places::{Area, Point};
use crate::model::path::FolderPath;
use crate::model::time::Millis;

/// Powers of two, because the contract's samples pair `1kb` with 1024.
const SIZE_UNITS: [(&str, f64); 5] =
    [("", 1.0), ("b", 1.0), ("kb", 1024.0), ("mb", 1_048_576.0), ("gb", 1_073_741_824.0)];

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    /// Text; what is stored as a number or a boolean counts as written out.
    Written,
    /// The path of a folder.
    Path,
    /// `file`, `file-version` or `folder`.
    Kind,
    Date,
    Number,
    /// A number of bytes, perhaps with a unit.
    Size,
    Format,
    Flag,
    Place,
    /// A text, a number or a boolean: what a field offers to choose from.
    Choice,
    /// Whatever the fact beside it is.
    Loose,
}

/// How literally a query's values are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// Searches: texts in quotes, numbers and booleans without.
    Tell,
    /// Checks: quotes tell nothing.
    Ignored,
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Number(f64),
    Flag(bool),
    Time(Millis),
    Within(Area),
    Loose(String),
}

/// A value of an asset, read as the field's type has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Known<'a> {
    Text(&'a str),
    Number(f64),
    Flag(bool),
    Time(Millis),
    Point(Point),
}

impl Type {
    /// Reads a value of a query; `None` when it does not fit the type.
    pub fn literal(self, scalar: &Scalar, quotes: Quotes, now: Millis) -> Option<Literal> {
        let text = scalar.text.as_str();
        let quoted = scalar.quoted || quotes == Quotes::Ignored;
        let bare = !scalar.quoted || quotes == Quotes::Ignored;
        match self {
            Type::Text | Type::Written => quoted.then(|| Literal::Text(text.to_owned())),
            Type::Path => quoted.then(|| Literal::Text(path(text))),
            Type::Kind => {
                (quoted && ["file", "file-version", "folder"].contains(&text)).then(|| Literal::Text(text.to_owned()))
            }
            Type::Date => dates::read(text, now).map(Literal::Time),
            Type::Number => bare.then(|| number(text).map(Literal::Number)).flatten(),
            Type::Size => size(text).map(Literal::Number),
            Type::Format => {
                let is_word = number(text).is_none() && flag(text).is_none();
                (quoted || is_word).then(|| Literal::Text(format::canonical(text)))
            }
            Type::Flag => bare.then(|| flag(text).map(Literal::Flag)).flatten(),
            Type::Place => Area::read(text).filter(|_| quoted).map(Literal::Within),
            Type::Choice if scalar.quoted => Some(Literal::Text(text.to_owned())),
            Type::Choice => number(text).map(Literal::Number).or_else(|| flag(text).map(Literal::Flag)),
            Type::Loose => Some(Literal::Loose(text.to_owned())),
        }
    }

    /// What is wrong with a value that does not fit, as the contract words it.
    pub fn demand(self, field: &str, op: Op) -> String {
        match self {
            Type::Date => {
                format!("{field} field must have a valid date value. Make sure the value is enclosed within quotes")
            }
            Type::Number => format!("{field} field must have a numeric value"),
            Type::Choice if is_order(op) => format!("{field} field must have a numeric value"),
            Type::Flag => format!("{field} field must have a boolean value without quotes"),
            Type::Size => format!("{field} field must have a numeric value or a valid size string such as \"1mb\""),
            Type::Kind => format!("{field} field must be one of file, file-version, folder"),
            Type::Place => format!("{field} field must have a valid location value such as \"40,100 5km\""),
            Type::Text | Type::Written | Type::Path | Type::Format | Type::Choice | Type::Loose => {
                format!("{field} field must have a string value. Make sure the value is enclosed within quotes")
            }
        }
    }
}

/// Whether the operator needs an order.
pub fn is_order(op: Op) -> bool {
    matches!(op, Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual)
}

/// As [`FolderPath`] writes it; a text that is no path stays, and no folder has it.
fn path(text: &str) -> String {
    FolderPath::parse(text).map_or_else(|_| text.to_owned(), |path| path.to_string())
}

/// Digits, perhaps with sign, fraction and exponent.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    text.parse().ok().filter(|number: &f64| digits.starts_with(|c: char| c.is_ascii_digit()) && number.is_finite())
}

fn flag(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    is("true").then_some(true).or_else(|| is("false").then_some(false))
}

/// Bytes of `1024`, `1.5mb` or `10 KB`: digits, perhaps with a fraction, and a unit.
pub fn size(text: &str) -> Option<f64> {
    let text = text.trim();
    let unit_at = text.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
    let (amount, unit) = (text.get(..unit_at)?, text.get(unit_at..)?);
    let (_, scale) = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let amount = amount.trim_end();
    let is_plain = amount.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number(amount).filter(|_| is_plain).map(|amount| amount * scale)
}

impl Literal {
    /// Whether a value is this one.
    pub fn equals(&self, value: &Known<'_>) -> bool {
        match (self, value) {
            (Literal::Text(want), Known::Text(is)) | (Literal::Loose(want), Known::Text(is)) => want == is,
            (Literal::Number(want), Known::Number(is)) => want == is,
            (Literal::Flag(want), Known::Flag(is)) => want == is,
            (Literal::Time(want), Known::Time(is)) => want == is,
            (Literal::Within(area), Known::Point(is)) => area.contains(*is),
            (Literal::Loose(want), Known::Number(is)) => size(want).is_some_and(|want| want == *is),
            (Literal::Loose(want), Known::Flag(is)) => flag(want) == Some(*is),
            _ => false,
        }
    }

    /// How a value compares to this one; `None` when the two have no order.
    pub fn order(&self, value: &Known<'_>) -> Option<std::cmp::Ordering> {
        match (self, value) {
            (Literal::Number(want), Known::Number(is)) => is.partial_cmp(want),
            (Literal::Time(want), Known::Time(is)) => Some(is.cmp(want)),
            (Literal::Loose(want), Known::Number(is)) => is.partial_cmp(&size(want)?),
            (Literal::Loose(want), Known::Text(is)) => Some(dates::instant(is)?.cmp(&dates::instant(want)?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes() {
        for (text, bytes) in [
            ("1024", Some(1024.0)),
            ("1kb", Some(1024.0)),
            ("1.5 MB", Some(1_572_864.0)),
            ("2Gb", Some(2_147_483_648.0)),
            ("10b", Some(10.0)),
            ("kb", None),
            ("1tb", None),
            ("1 k b", None),
            ("", None),
            ("é", None),
            ("inf", None),
            ("1e400", None),
            ("1e3kb", None),
            ("-1", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
