//! From text to tokens: punctuation, operators, quoted strings with their escapes decoded, and words, which
//! are everything that stands without quotes: names, keywords, numbers, dates. Types come later, because
//! `2d` is a date after `createdAt` and nothing after `width`.

use winnow::combinator::{alt, opt, preceded};
use winnow::error::EmptyError;
use winnow::prelude::*;
use winnow::token::{any, one_of, take_till, take_while};

use super::{QUERY_CHARS_MAX, QueryError};

/// Characters of a token that an error shows.
const SHOWN_CHARS_MAX: usize = 60;

/// An operator, as far as one token tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Equal,
    NotEqual,
    Prefix,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Sign(Sign),
    /// In single or double quotes, which are gone.
    Quoted(String),
    Word(&'a str),
}

/// A token, the text it was made of, and its distance from the beginning in bytes.
#[derive(Clone, Debug)]
pub struct Spanned<'a> {
    pub token: Token<'a>,
    text: &'a str,
    start: usize,
}

/// All tokens of a query.
pub fn tokens(query: &str) -> Result<Vec<Spanned<'_>>, QueryError> {
    if query.chars().nth(QUERY_CHARS_MAX).is_some() {
        return Err(QueryError(format!("the query is longer than {QUERY_CHARS_MAX} characters")));
    }
    let mut found = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (start, before) = (query.len() - rest.len(), rest);
        let Ok(token) = token(&mut rest) else {
            // A string without an end takes all there is; anything else is a character that begins no token.
            let is_string = before.starts_with(['"', '\'']);
            return Err(if is_string { end(query) } else { unexpected(query, start, first_char(before)) });
        };
        found.push(Spanned { token, text: &before[..before.len() - rest.len()], start });
        rest = rest.trim_start();
    }
    Ok(found)
}

/// The error for a token that may not stand where it does, or for the end of the query.
pub fn misplaced(query: &str, token: Option<&Spanned<'_>>) -> QueryError {
    token.map_or_else(|| end(query), |token| unexpected(query, token.start, token.text))
}

fn end(query: &str) -> QueryError {
    unexpected(query, query.len(), "end of query")
}

fn unexpected(query: &str, start: usize, text: &str) -> QueryError {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    // Positions are told in characters from 1, as editors do.
    QueryError(format!("unexpected {shown} at position {}", query[..start].chars().count() + 1))
}

fn first_char(text: &str) -> &str {
    &text[..text.chars().next().map_or(0, char::len_utf8)]
}

fn token<'a>(input: &mut &'a str) -> Result<Token<'a>, EmptyError> {
    alt((
        '('.value(Token::Open),
        ')'.value(Token::Close),
        '['.value(Token::OpenList),
        ']'.value(Token::CloseList),
        ','.value(Token::Comma),
        sign.map(Token::Sign),
        quoted.map(Token::Quoted),
        date_with_time.map(Token::Word),
        take_while(1.., |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')).map(Token::Word),
    ))
    .parse_next(input)
}

fn sign(input: &mut &str) -> Result<Sign, EmptyError> {
    alt((
        "<=".value(Sign::LessEqual),
        ">=".value(Sign::GreaterEqual),
        "!=".value(Sign::NotEqual),
        '<'.value(Sign::Less),
        '>'.value(Sign::Greater),
        '='.value(Sign::Equal),
        ':'.value(Sign::Prefix),
    ))
    .parse_next(input)
}

/// The one word with colons in it: `2020-01-31T12:00:00.5+01:00`.
fn date_with_time<'a>(input: &mut &'a str) -> Result<&'a str, EmptyError> {
    let digits = |count: usize| take_while(count, |c: char| c.is_ascii_digit());
    let day = (digits(4), '-', digits(2), '-', digits(2));
    let time = take_while(1.., |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-' | '+'));
    (day, one_of(['T', 't']), time).take().parse_next(input)
}

/// A string in either kind of quotes. Escapes may stand for single bytes, so bytes are collected; what is not
/// UTF-8 in the end is replaced, as in the names of uploads.
fn quoted(input: &mut &str) -> Result<String, EmptyError> {
    let quote = one_of(['"', '\'']).parse_next(input)?;
    let mut bytes = Vec::new();
    loop {
        bytes.extend_from_slice(take_till(0.., [quote, '\\']).parse_next(input)?.as_bytes());
        if any.parse_next(input)? == quote {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        bytes.extend(escape.parse_next(input)?);
    }
}

/// What follows a backslash, as Go's `strconv.Quote` and JSON write it; the character itself if it is no escape.
fn escape(input: &mut &str) -> Result<Vec<u8>, EmptyError> {
    let byte = |text: &str, radix| u8::from_str_radix(text, radix).ok().map(|byte| vec![byte]);
    let code = |code: u32| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into_bytes();
    alt((
        preceded('x', hex(2)).verify_map(|text| byte(text, 16)),
        take_while(3, '0'..='7').verify_map(|text| byte(text, 8)),
        preceded('U', hex(8)).verify_map(number).map(code),
        utf16.map(code),
        any.map(|c: char| match c {
            'a' => vec![7],
            'b' => vec![8],
            'f' => vec![12],
            'n' => vec![10],
            'r' => vec![13],
            't' => vec![9],
            'v' => vec![11],
            other => other.to_string().into_bytes(),
        }),
    ))
    .parse_next(input)
}

/// `u` and four digits; two of them for what JSON writes as a pair of surrogates.
fn utf16(input: &mut &str) -> Result<u32, EmptyError> {
    let first = preceded('u', hex(4)).verify_map(number).parse_next(input)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Ok(first);
    }
    let low = preceded("\\u", hex(4)).verify_map(number).verify(|low| (0xdc00..0xe000).contains(low));
    Ok(opt(low).parse_next(input)?.map_or(first, |low| 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00)))
}

fn hex<'a>(digits: usize) -> impl Parser<&'a str, &'a str, EmptyError> {
    take_while(digits, |c: char| c.is_ascii_hexdigit())
}

fn number(hex: &str) -> Option<u32> {
    u32::from_str_radix(hex, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_string(query: &str) -> String {
        match tokens(query).unwrap().as_slice() {
            [Spanned { token: Token::Quoted(text), .. }] => text.clone(),
            other => panic!("{query} is {other:?}"),
        }
    }

    #[test]
    fn escapes_of_go_and_json_are_decoded() {
        for (query, text) in [
            (r#""a\"b\\c""#, "a\"b\\c"),
            (r#"'it\'s "it"'"#, "it's \"it\""),
            (r#""\a\b\f\n\r\t\v""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}"),
            (r#""\x41\x7f""#, "A\u{7f}"),
            (r#""\xc3\xbcber""#, "über"),
            (r#""\303\274ber""#, "über"),
            (r#""\u00fcber""#, "über"),
            (r#""\U0001f642""#, "🙂"),
            (r#""\ud83d\ude42""#, "🙂"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\xff""#, "\u{fffd}"),
            (r#""\q\/\x4\u12""#, "q/x4u12"),
            (r#""写真 ＡＢ""#, "写真 ＡＢ"),
            ("\"\"", ""),
        ] {
            assert_eq!(only_string(query), text, "{query}");
        }
    }

    #[test]
    fn words_hold_dates_and_numbers_whole() {
        let words =
            |query| -> Vec<String> { tokens(query).unwrap().iter().map(|spanned| spanned.text.to_owned()).collect() };
        assert_eq!(words("createdAt<2020-01-01"), ["createdAt", "<", "2020-01-01"]);
        assert_eq!(words("a>=2020-01-01T10:30:00.5+01:00)"), ["a", ">=", "2020-01-01T10:30:00.5+01:00", ")"]);
        assert_eq!(words("name:\"x\"NOT!=-1.5e3"), ["name", ":", "\"x\"", "NOT", "!=", "-1.5e3"]);
    }

    #[test]
    fn what_begins_no_token_is_told_with_its_place() {
        for (query, cause) in [
            ("é ; a", "unexpected é at position 1"),
            ("a = ; b", "unexpected ; at position 5"),
            ("ab = \"é", "unexpected end of query at position 8"),
            ("a ! b", "unexpected ! at position 3"),
        ] {
            assert_eq!(tokens(query).unwrap_err().0, cause, "{query}");
        }
        assert!(tokens(&" ".repeat(10_000)).unwrap().is_empty());
        assert_eq!(tokens(&"é".repeat(10_001)).unwrap_err().0, "the query is longer than 10000 characters");
    }
}
