//! From tokens to an expression. `AND` binds tighter than `OR`; there is no `NOT` but within an operator. One
//! token is enough to decide everywhere, so the token that does not fit is the one that is told.

use super::lexer::{Sign, Spanned, Token, misplaced, tokens};
use super::{Expr, NESTING_MAX, QueryError};

/// What a comparison does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Equal,
    NotEqual,
    Prefix,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Has,
    Exists,
    NotExists,
}

impl Op {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Op::Equal => "=",
            Op::NotEqual => "NOT =",
            Op::Prefix => ":",
            Op::Less => "<",
            Op::LessEqual => "<=",
            Op::Greater => ">",
            Op::GreaterEqual => ">=",
            Op::In => "IN",
            Op::NotIn => "NOT IN",
            Op::Has => "HAS",
            Op::Exists => "EXISTS",
            Op::NotExists => "NOT EXISTS",
        }
    }
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub quoted: bool,
}

/// What stands to the right of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// `EXISTS` has nothing there.
    None,
    One(Scalar),
    List(Vec<Scalar>),
}

/// A comparison whose field nobody has looked up yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    pub field: String,
    pub op: Op,
    pub operand: Operand,
}

/// The expression that a text stands for; `None` for a blank one.
pub fn parse(query: &str) -> Result<Option<Expr<Predicate>>, QueryError> {
    let tokens = tokens(query)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let mut parser = Parser { query, tokens: &tokens, nesting: 0 };
    let expr = parser.any_of()?;
    if parser.tokens.is_empty() { Ok(Some(expr)) } else { Err(parser.misplaced()) }
}

struct Parser<'a> {
    query: &'a str,
    /// Those that are still to come.
    tokens: &'a [Spanned<'a>],
    nesting: usize,
}

impl<'a> Parser<'a> {
    fn any_of(&mut self) -> Result<Expr<Predicate>, QueryError> {
        let mut parts = vec![self.all_of()?];
        while self.take_word("OR") {
            parts.push(self.all_of()?);
        }
        Ok(join(parts, Expr::Or))
    }

    fn all_of(&mut self) -> Result<Expr<Predicate>, QueryError> {
        let mut parts = vec![self.primary()?];
        while self.take_word("AND") {
            parts.push(self.primary()?);
        }
        Ok(join(parts, Expr::And))
    }

    fn primary(&mut self) -> Result<Expr<Predicate>, QueryError> {
        if !self.take(&Token::Open) {
            return Ok(Expr::Is(self.predicate()?));
        }
        if self.nesting == NESTING_MAX {
            return Err(QueryError(format!("parentheses are nested deeper than {NESTING_MAX} levels")));
        }
        self.nesting += 1;
        let inner = self.any_of()?;
        self.nesting -= 1;
        if self.take(&Token::Close) { Ok(inner) } else { Err(self.misplaced()) }
    }

    fn predicate(&mut self) -> Result<Predicate, QueryError> {
        let field = match self.peek() {
            Some(Token::Quoted(text)) if !text.is_empty() => text.clone(),
            Some(Token::Word(word)) if word.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_keyword(word) => {
                (*word).to_owned()
            }
            _ => return Err(self.misplaced()),
        };
        self.advance();
        let op = self.operator()?;
        let operand = match op {
            Op::Exists | Op::NotExists => Operand::None,
            // One value is read here too and refused with the field's name in the text.
            Op::In | Op::NotIn if self.take(&Token::OpenList) => Operand::List(self.list()?),
            _ => Operand::One(self.scalar()?),
        };
        Ok(Predicate { field, op, operand })
    }

    fn operator(&mut self) -> Result<Op, QueryError> {
        let negated = self.take_word("NOT");
        let op = match self.peek() {
            Some(Token::Sign(Sign::Equal)) if negated => Op::NotEqual,
            Some(Token::Sign(sign)) if !negated => match sign {
                Sign::Equal => Op::Equal,
                Sign::NotEqual => Op::NotEqual,
                Sign::Prefix => Op::Prefix,
                Sign::Less => Op::Less,
                Sign::LessEqual => Op::LessEqual,
                Sign::Greater => Op::Greater,
                Sign::GreaterEqual => Op::GreaterEqual,
            },
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => [Op::In, Op::NotIn][usize::from(negated)],
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("EXISTS") => {
                [Op::Exists, Op::NotExists][usize::from(negated)]
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("HAS") && !negated => Op::Has,
            _ => return Err(self.misplaced()),
        };
        self.advance();
        Ok(op)
    }

    /// What follows a `[`; one comma too many is allowed at the end, no value at all is not.
    fn list(&mut self) -> Result<Vec<Scalar>, QueryError> {
        let mut values = vec![self.scalar()?];
        while !self.take(&Token::CloseList) {
            if !self.take(&Token::Comma) {
                return Err(self.misplaced());
            }
            if self.peek() != Some(&Token::CloseList) {
                values.push(self.scalar()?);
            }
        }
        Ok(values)
    }

    fn scalar(&mut self) -> Result<Scalar, QueryError> {
        let scalar = match self.peek() {
            Some(Token::Quoted(text)) => Scalar { text: text.clone(), quoted: true },
            Some(Token::Word(word)) if !is_keyword(word) => Scalar { text: (*word).to_owned(), quoted: false },
            _ => return Err(self.misplaced()),
        };
        self.advance();
        Ok(scalar)
    }

    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.first().map(|spanned| &spanned.token)
    }

    fn advance(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.advance();
        }
        found
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.advance();
        }
        found
    }

    fn misplaced(&self) -> QueryError {
        misplaced(self.query, self.tokens.first())
    }
}

/// One part stands for itself.
fn join<T>(mut parts: Vec<Expr<T>>, joint: fn(Vec<Expr<T>>) -> Expr<T>) -> Expr<T> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            joint(parts)
        }
    }
}

/// Words that name neither a field nor a value. `true` and `false` are values.
fn is_keyword(word: &str) -> bool {
    ["AND", "OR", "IN", "NOT", "HAS", "EXISTS"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, seq::IndexedRandom};

    /// Written out with every parenthesis.
    fn shape(expr: &Expr<Predicate>) -> String {
        let joined = |parts: &[Expr<Predicate>], joint| parts.iter().map(shape).collect::<Vec<_>>().join(joint);
        match expr {
            Expr::And(parts) => format!("({})", joined(parts, " & ")),
            Expr::Or(parts) => format!("({})", joined(parts, " | ")),
            Expr::Is(predicate) => match &predicate.operand {
                Operand::None => format!("{} {}", predicate.field, predicate.op.text()),
                Operand::One(one) => format!("{} {} {}", predicate.field, predicate.op.text(), one.text),
                Operand::List(list) => {
                    let values: Vec<&str> = list.iter().map(|scalar| scalar.text.as_str()).collect();
                    format!("{} {} {values:?}", predicate.field, predicate.op.text())
                }
            },
        }
    }

    #[test]
    fn queries_have_these_shapes() {
        for (query, expected) in [
            (r#"name="x""#, "name = x"),
            (r#" name :"x" "#, "name : x"),
            ("width > 500 OR height > 500 AND format = \"jpg\"", "(width > 500 | (height > 500 & format = jpg))"),
            ("(a = 1 or b = 2)and(c = 3)", "((a = 1 | b = 2) & c = 3)"),
            ("((a=1))", "a = 1"),
            ("a NOT = 1 and b != 2 AND c NOT IN [3]", "(a NOT = 1 & b NOT = 2 & c NOT IN [\"3\"])"),
            ("tags IN[\"a\",'b' , ]", "tags IN [\"a\", \"b\"]"),
            ("tags IN \"a\"", "tags IN a"),
            ("tags not exists or d Exists", "(tags NOT EXISTS | d EXISTS)"),
            ("'customMetadata.x' IN [\"luxury\", 500, true]", "customMetadata.x IN [\"luxury\", \"500\", \"true\"]"),
            ("a=1 AND b=2 AND c=3", "(a = 1 & b = 2 & c = 3)"),
        ] {
            assert_eq!(shape(&parse(query).unwrap().unwrap()), expected, "{query}");
        }
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parse(" \t\n").unwrap(), None);
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        for (query, cause) in [
            ("(size < 10", "unexpected end of query at position 11"),
            ("size < 10)", "unexpected ) at position 10"),
            ("NOT (a = 1)", "unexpected NOT at position 1"),
            ("NOT a = 1", "unexpected NOT at position 1"),
            ("a", "unexpected end of query at position 2"),
            ("a =", "unexpected end of query at position 4"),
            ("a = 1 2", "unexpected 2 at position 7"),
            ("a = 1 b = 2", "unexpected b at position 7"),
            ("a = 1 AND", "unexpected end of query at position 10"),
            ("OR a = 1", "unexpected OR at position 1"),
            ("a NOT < 1", "unexpected < at position 7"),
            ("a NOT HAS \"x\"", "unexpected HAS at position 7"),
            ("a IN []", "unexpected ] at position 7"),
            ("a IN [1 2]", "unexpected 2 at position 9"),
            ("a IN [1", "unexpected end of query at position 8"),
            ("a = [1]", "unexpected [ at position 5"),
            ("a = AND", "unexpected AND at position 5"),
            ("5 = 5", "unexpected 5 at position 1"),
            ("\"\" = 5", "unexpected \"\" at position 1"),
            ("()", "unexpected ) at position 2"),
        ] {
            assert_eq!(parse(query).unwrap_err().0, cause, "{query}");
        }
    }

    #[test]
    fn nesting_has_an_end_and_chains_do_not_nest() {
        let nested = |depth| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(NESTING_MAX)).is_ok());
        assert_eq!(parse(&nested(33)).unwrap_err().0, "parentheses are nested deeper than 32 levels");
        assert!(parse(&"(".repeat(10_000)).is_err());
        let chain = vec!["a=1"; 1_200].join(" OR ");
        assert!(parse(&chain).is_ok());
        let siblings = vec!["((a=1))"; 600].join("AND");
        assert!(parse(&siblings).is_ok(), "parentheses side by side are not nested");
    }

    /// Neither random characters nor random tokens are ever more than refused.
    #[test]
    fn nothing_makes_it_panic() {
        const PIECES: &[&str] = &[
            "name",
            "size",
            "(",
            ")",
            "[",
            "]",
            ",",
            "=",
            ":",
            "<=",
            "!",
            "!=",
            ">",
            "NOT",
            "IN",
            "HAS",
            "EXISTS",
            "AND",
            "OR",
            "\"",
            "'",
            "\\",
            "\\x",
            "\\u",
            "\\U0001",
            "\\777",
            "2d",
            "2020-01-01",
            "T10:",
            "10kb",
            "-",
            "1e999",
            " ",
            "é",
            "\u{10ffff}",
            "\0",
            "\"customMetadata.x\"",
            "\"40,100 5km\"",
            "true",
            "\"a\"",
            "[\"a\"]",
        ];
        let seed = 7;
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let mut accepted = 0;
        for round in 0..20_000 {
            let length = random.random_range(0..24);
            let query: String = match round % 3 {
                0 => (0..length).map(|_| random.random::<char>()).collect(),
                1 => (0..length).map(|_| *PIECES.choose(&mut random).unwrap()).collect(),
                _ => (0..length).map(|_| *PIECES.choose(&mut random).unwrap()).collect::<Vec<_>>().join(" "),
            };
            accepted += usize::from(parse(&query).is_ok());
            let _ = super::super::search::Search::parse(&query, &|_| None, crate::model::time::Millis(0));
            let _ = super::super::checks::parse(&query);
        }
        assert!(accepted > 100, "only {accepted} of seed {seed} were queries at all");
    }
}
