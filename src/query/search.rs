//! What can be searched for: the fields of files, older versions and folders, with their types and operators;
//! and what a search tells about its answer before any row is read.

use super::parser::{Op, Predicate, parse};
use super::types::{Quotes, Type};
use super::{Expr, Facts, QueryError, Test, Value};
use crate::model::asset::Kinds;
use crate::model::custom_field::Kind;
use crate::model::time::Millis;

use Op::{Equal, Exists, Greater, GreaterEqual, Has, In, Less, LessEqual, NotEqual, NotExists, NotIn, Prefix};

/// A field of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Name,
    /// The path of the folder that it is in.
    Path,
    /// Names of tags and of AI tags.
    Tags,
    /// `file`, `file-version` or `folder`.
    Kind,
    /// Of the file or folder, as on the wire.
    Id,
    Created,
    Updated,
    Height,
    Width,
    Size,
    Format,
    Private,
    Published,
    Transparency,
    CreatedBy,
    Description,
    /// One of the embedded metadata, by its key.
    Embedded(String),
    /// A custom metadata field, by its name.
    Custom(String),
}

/// Tells the type of the custom metadata field of a name, if there is such a field.
pub type CustomKinds<'a> = &'a (dyn Fn(&str) -> Option<Kind> + Sync);

const NAME: &[Op] = &[Equal, Prefix, In, NotEqual, NotIn, Has];
const TEXT: &[Op] = &[Equal, Prefix, In, NotEqual, NotIn, Has, Exists, NotExists];
const PATH: &[Op] = &[Equal, Prefix, In, NotEqual, NotIn];
const ONE_OF: &[Op] = &[Equal, In, NotEqual, NotIn];
const ANY_OF: &[Op] = &[In, NotIn, Exists, NotExists];
const TAGS: &[Op] = &[In, NotIn, Has, Exists, NotExists];
const ORDERED: &[Op] = &[Equal, Less, LessEqual, Greater, GreaterEqual, In, NotEqual, NotIn];
const ORDERED_OR_MISSING: &[Op] =
    &[Equal, Less, LessEqual, Greater, GreaterEqual, In, NotEqual, NotIn, Exists, NotExists];
const CHOICE: &[Op] = &[Equal, Prefix, In, NotEqual, NotIn, Less, LessEqual, Greater, GreaterEqual, Exists, NotExists];
const FLAG: &[Op] = &[Equal];
const FLAG_OR_MISSING: &[Op] = &[Equal, Exists, NotExists];

/// The contract's table: a field's type and operators.
fn rule(name: &str, customs: CustomKinds<'_>) -> Option<(Field, Type, &'static [Op])> {
    Some(match name {
        "name" => (Field::Name, Type::Text, NAME),
        "path" => (Field::Path, Type::Path, PATH),
        "tags" => (Field::Tags, Type::Text, TAGS),
        "type" => (Field::Kind, Type::Kind, ONE_OF),
        "id" => (Field::Id, Type::Text, ONE_OF),
        "createdAt" => (Field::Created, Type::Date, ORDERED),
        "updatedAt" => (Field::Updated, Type::Date, ORDERED),
        "height" => (Field::Height, Type::Number, ORDERED),
        "width" => (Field::Width, Type::Number, ORDERED),
        "size" => (Field::Size, Type::Size, ORDERED),
        "format" => (Field::Format, Type::Format, ONE_OF),
        "private" => (Field::Private, Type::Flag, FLAG),
        "published" => (Field::Published, Type::Flag, FLAG),
        "transparency" => (Field::Transparency, Type::Flag, FLAG),
        "createdBy" => (Field::CreatedBy, Type::Text, ONE_OF),
        "description" => (Field::Description, Type::Text, TEXT),
        _ => return metadata(name, customs),
    })
}

fn metadata(name: &str, customs: CustomKinds<'_>) -> Option<(Field, Type, &'static [Op])> {
    let (group, key) = name.split_once('.').filter(|(_, key)| !key.is_empty())?;
    let field = match group {
        "embeddedMetadata" => Field::Embedded(key.to_owned()),
        "customMetadata" => Field::Custom(key.to_owned()),
        _ => return None,
    };
    let (of, ops) = match (&field, key) {
        (Field::Custom(_), _) => match customs(key)? {
            Kind::Text | Kind::Textarea => (Type::Text, TEXT),
            Kind::Number => (Type::Number, ORDERED_OR_MISSING),
            Kind::Date => (Type::Date, ORDERED_OR_MISSING),
            Kind::Boolean => (Type::Flag, FLAG_OR_MISSING),
            Kind::SingleSelect => (Type::Choice, CHOICE),
            Kind::MultiSelect => (Type::Choice, TAGS),
        },
        (_, "Keywords") => (Type::Written, ANY_OF),
        (_, "DateTimeOriginal") => (Type::Date, ORDERED_OR_MISSING),
        (_, "LocationTaken") => (Type::Place, FLAG_OR_MISSING),
        _ => (Type::Written, TEXT),
    };
    Some((field, of, ops))
}

/// A search, ready to look at assets.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    expr: Expr<Test<Field>>,
    kinds: Kinds,
}

impl Search {
    /// Reads a query; `None` for a blank one. Relative dates count back from `now`.
    pub fn parse(query: &str, customs: CustomKinds<'_>, now: Millis) -> Result<Option<Search>, QueryError> {
        let Some(parsed) = parse(query)? else { return Ok(None) };
        let expr = parsed.try_map(&mut |predicate: Predicate| {
            let Some((field, of, ops)) = rule(&predicate.field, customs) else {
                return Err(QueryError(format!("{} is not a valid search field", predicate.field)));
            };
            Test::new(&predicate, field, of, ops, Quotes::Tell, now)
        })?;
        // Older versions are looked for only by a query that speaks of types.
        let typed = expr.leaves().iter().any(|test| test.field == Field::Kind);
        let universe = Kinds { files: true, versions: typed, folders: true };
        Ok(Some(Search::within(universe, expr)))
    }

    /// Assets of these kinds with exactly this name and any of these tags; `None` when neither is asked for.
    pub fn of_parameters(kinds: Kinds, name: Option<&str>, tags: Vec<String>) -> Option<Search> {
        let name = name.map(|name| Expr::Is(Test::one_of(Field::Name, [name.to_owned()])));
        let tags = (!tags.is_empty()).then(|| Expr::Is(Test::one_of(Field::Tags, tags)));
        let expr = match (name, tags) {
            (Some(name), Some(tags)) => Expr::And(vec![name, tags]),
            (one, other) => one.or(other)?,
        };
        Some(Search::within(kinds, expr))
    }

    fn within(universe: Kinds, expr: Expr<Test<Field>>) -> Search {
        let can = |kind| could_hold(&expr, kind);
        let kinds = Kinds {
            files: universe.files && can("file"),
            versions: universe.versions && can("file-version"),
            folders: universe.folders && can("folder"),
        };
        Search { expr, kinds }
    }

    /// Whether an asset is found. It must be of one of [`Search::kinds`].
    pub fn matches(&self, facts: &impl Facts<Field>) -> bool {
        self.expr.matches(facts)
    }

    /// The kinds that can be found.
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Whether every asset of these kinds is found, so that none has to be looked at.
    pub fn is_only_about_kinds(&self) -> bool {
        let sure = |wanted: bool, kind| !wanted || surely_holds(&self.expr, kind);
        sure(self.kinds.files, "file")
            && sure(self.kinds.versions, "file-version")
            && sure(self.kinds.folders, "folder")
    }

    /// The names that everything found has one of, if the search says so.
    pub fn names(&self) -> Option<Vec<&str>> {
        self.texts(&Field::Name)
    }

    /// The ids that everything found has one of, if the search says so.
    pub fn ids(&self) -> Option<Vec<&str>> {
        self.texts(&Field::Id)
    }

    /// The folder that everything found is directly in, if the search says so.
    pub fn folder(&self) -> Option<&str> {
        self.texts(&Field::Path).filter(|paths| paths.len() == 1)?.pop()
    }

    /// The folder that everything found is in or below, if the search says so.
    pub fn below(&self) -> Option<&str> {
        self.expr.required().into_iter().find_map(Test::below)
    }

    fn texts(&self, field: &Field) -> Option<Vec<&str>> {
        let mut texts = self.expr.required().into_iter().filter(|test| test.field == *field).find_map(Test::texts)?;
        texts.sort_unstable();
        texts.dedup();
        Some(texts)
    }

    /// Whether relevance means anything.
    pub fn has_words(&self) -> bool {
        self.expr.has_words()
    }

    /// The relevance of an asset that is found; more is better.
    pub fn score(&self, facts: &impl Facts<Field>) -> f64 {
        self.expr.score(facts)
    }
}

/// Whether some asset of a kind may pass, whatever else it is.
fn could_hold(expr: &Expr<Test<Field>>, kind: &'static str) -> bool {
    expr.holds(&mut |test| test.field != Field::Kind || test.holds_for(&Value::Text(kind.into())))
}

/// Whether every asset of a kind passes, whatever else it is.
fn surely_holds(expr: &Expr<Test<Field>>, kind: &'static str) -> bool {
    expr.holds(&mut |test| test.field == Field::Kind && test.holds_for(&Value::Text(kind.into())))
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
