//! Conditional requests, in the order that RFC 9110, section 13.2.2, gives: `If-Match`, else `If-Unmodified-Since`;
//! then `If-None-Match`, else `If-Modified-Since`; last, before a range, `If-Range`.
//!
//! Dates are compared in whole seconds, the unit in which they are sent. A date that cannot be read counts as absent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, header};

/// Entity tags that are compared in one request; more count as not matching.
const TAGS_MAX: usize = 100;

/// What a conditional GET or HEAD comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answer as if nothing had been asked.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client thinks.
    Failed,
}

/// What there is: a strong entity tag with its quotes, and when it became what it is.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    pub etag: &'a str,
    pub modified: SystemTime,
}

/// Decides on the preconditions of a GET or HEAD for something that exists.
#[must_use]
pub fn evaluate(asked: &HeaderMap, current: Current<'_>) -> Outcome {
    let modified = whole_seconds(current.modified);
    match tags(asked, header::IF_MATCH) {
        Some(list) if !names(&list, current.etag, Comparison::Strong) => return Outcome::Failed,
        Some(_) => {}
        None if date(asked, header::IF_UNMODIFIED_SINCE).is_some_and(|since| modified > since) => {
            return Outcome::Failed;
        }
        None => {}
    }
    let has_it = match tags(asked, header::IF_NONE_MATCH) {
        Some(list) => names(&list, current.etag, Comparison::Weak),
        None => date(asked, header::IF_MODIFIED_SINCE).is_some_and(|since| modified <= since),
    };
    if has_it { Outcome::NotModified } else { Outcome::Proceed }
}

/// Whether a `Range` still means the file that the client has a part of; true without `If-Range`.
#[must_use]
pub fn range_holds(asked: &HeaderMap, current: Current<'_>) -> bool {
    let Some(value) = asked.get(header::IF_RANGE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let value = value.trim();
    if value.starts_with('"') || value.starts_with("W/") {
        return value == current.etag;
    }
    // Not "since": the same moment or another file.
    httpdate::parse_http_date(value).is_ok_and(|date| date == whole_seconds(current.modified))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// All lines of a header as one list; `None` when there is none.
fn tags(asked: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> = asked.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// Whether a list of entity tags has this one. The tags of others may hold commas, so the list is read tag by tag;
/// what is no tag ends it.
fn names(list: &str, etag: &str, comparison: Comparison) -> bool {
    let mut rest = list.trim();
    if rest == "*" {
        return true;
    }
    for _ in 0..TAGS_MAX {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let Some(end) = quoted.strip_prefix('"').and_then(|inner| inner.find('"')) else { return false };
        let (tag, behind) = quoted.split_at(end + 2);
        if tag == etag && (comparison == Comparison::Weak || !weak) {
            return true;
        }
        rest = behind;
    }
    false
}

fn date(asked: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(asked.get(name)?.to_str().ok()?).ok()
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Failed, NotModified, Proceed};
    use super::*;

    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn current() -> Current<'static> {
        Current { etag: "\"a\"", modified: UNIX_EPOCH + Duration::from_millis(784_111_777_900) }
    }

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn conditions_in_their_order() {
        for (lines, outcome) in [
            (&[][..], Proceed),
            (&[("if-none-match", "\"a\"")], NotModified),
            (&[("if-none-match", "W/\"a\"")], NotModified),
            (&[("if-none-match", "*")], NotModified),
            (&[("if-none-match", "\"x,y\", W/\"z\" ,\"a\"")], NotModified),
            (&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")], NotModified),
            (&[("if-none-match", "\"b\"")], Proceed),
            (&[("if-none-match", "a")], Proceed),
            (&[("if-none-match", "\"a")], Proceed),
            (&[("if-modified-since", SAME)], NotModified),
            (&[("if-modified-since", LATER)], NotModified),
            (&[("if-modified-since", EARLIER)], Proceed),
            (&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], NotModified),
            (&[("if-modified-since", "yesterday")], Proceed),
            // A tag says more than a date.
            (&[("if-none-match", "\"b\""), ("if-modified-since", LATER)], Proceed),
            (&[("if-match", "\"a\"")], Proceed),
            (&[("if-match", "*")], Proceed),
            (&[("if-match", "\"b\", \"a\"")], Proceed),
            (&[("if-match", "\"b\"")], Failed),
            (&[("if-match", "W/\"a\"")], Failed),
            (&[("if-unmodified-since", SAME)], Proceed),
            (&[("if-unmodified-since", EARLIER)], Failed),
            (&[("if-unmodified-since", "yesterday")], Proceed),
            (&[("if-match", "\"a\""), ("if-unmodified-since", EARLIER)], Proceed),
            (&[("if-match", "\"b\""), ("if-none-match", "\"a\"")], Failed),
            (&[("if-match", "\"a\""), ("if-none-match", "\"a\"")], NotModified),
        ] {
            assert_eq!(evaluate(&headers(lines), current()), outcome, "{lines:?}");
        }
    }

    #[test]
    fn a_range_holds_for_the_same_file_only() {
        for (value, holds) in [
            ("\"a\"", true),
            ("W/\"a\"", false),
            ("\"b\"", false),
            (SAME, true),
            (EARLIER, false),
            (LATER, false),
            ("a", false),
        ] {
            assert_eq!(range_holds(&headers(&[("if-range", value)]), current()), holds, "{value}");
        }
        assert!(range_holds(&HeaderMap::new(), current()));
    }
}
