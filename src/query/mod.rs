//! The expression language of searches and of upload checks, from text to yes or no:
//!
//! 1. `lexer` cuts the text into tokens, `parser` builds an expression of comparisons from them.
//! 2. [`search`] and [`checks`] know the fields. Each looks up every comparison's field, refuses operators and
//!    values that do not fit its type, and makes a [`Test`] of it, with dates and sizes worked out.
//! 3. [`Expr::matches`] runs the tests over what is known of one asset or one upload, told by [`Facts`].
//!
//! Nothing here reads a catalog or the clock: facts and the time are arguments. What a search allows to leave
//! out while rows are read (kinds, names, ids, folders) is told by [`search::Search`].

pub mod checks;
pub(crate) mod dates;
mod format;
mod lexer;
mod parser;
mod places;
pub mod search;
mod test;
mod types;
mod words;

pub use format::of as format_of;
pub use test::{Facts, Test, Value};

/// Characters of a query; the contract's bound. It also bounds tokens, values and tests.
pub const QUERY_CHARS_MAX: usize = 10_000;
/// Parentheses within parentheses; the contract's bound, and that of the recursion here.
pub const NESTING_MAX: usize = 32;

/// Why a text is no query, as the cause within the contract's sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid search query - {0}. Please refer to the documentation for syntax specification.")]
pub struct QueryError(pub String);

/// Comparisons, joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr<T> {
    /// All of them; two or more.
    And(Vec<Expr<T>>),
    /// Any of them; two or more.
    Or(Vec<Expr<T>>),
    /// One comparison.
    Is(T),
}

impl<T> Expr<T> {
    /// The same expression over something else; the first refusal ends it.
    fn try_map<U>(self, make: &mut impl FnMut(T) -> Result<U, QueryError>) -> Result<Expr<U>, QueryError> {
        Ok(match self {
            Expr::And(parts) => Expr::And(parts.into_iter().map(|part| part.try_map(make)).collect::<Result<_, _>>()?),
            Expr::Or(parts) => Expr::Or(parts.into_iter().map(|part| part.try_map(make)).collect::<Result<_, _>>()?),
            Expr::Is(leaf) => Expr::Is(make(leaf)?),
        })
    }

    /// What the joints make of the leaves' answers.
    fn holds(&self, leaf: &mut impl FnMut(&T) -> bool) -> bool {
        match self {
            Expr::And(parts) => parts.iter().all(|part| part.holds(leaf)),
            Expr::Or(parts) => parts.iter().any(|part| part.holds(leaf)),
            Expr::Is(test) => leaf(test),
        }
    }

    /// The leaves that must hold whenever the whole does, so far as that can be seen without knowing them.
    fn required(&self) -> Vec<&T> {
        match self {
            Expr::And(parts) => parts.iter().flat_map(Expr::required).collect(),
            Expr::Or(_) => Vec::new(),
            Expr::Is(leaf) => vec![leaf],
        }
    }

    fn leaves(&self) -> Vec<&T> {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(Expr::leaves).collect(),
            Expr::Is(leaf) => vec![leaf],
        }
    }
}

impl<F> Expr<Test<F>> {
    /// Whether the facts are as the expression wants them.
    pub fn matches(&self, facts: &impl Facts<F>) -> bool {
        self.holds(&mut |test| test.matches(facts))
    }
}
