//! Query strings, read as tolerantly as they are written: what is not percent-encoded is taken as it is,
//! and what does not decode to UTF-8 is replaced.

use axum::http::Uri;

/// The parameters of a query, the last of repeated ones first; empty values count as absent.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The query of a request.
    pub fn of(uri: &Uri) -> Query {
        Query::parse(uri.query().unwrap_or_default())
    }

    /// The same of what stands after the question mark.
    pub fn parse(text: &str) -> Query {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Query(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// A parameter's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is true, in any spelling.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|text| text == "1" || text.eq_ignore_ascii_case("true"))
    }

    /// Every value of parameters of these names, in the order of the query.
    pub fn all(&self, names: &[&str]) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(key, value)| names.contains(&key.as_str()) && !value.is_empty()).map(|(_, v)| v.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_empty_ones_do_not() {
        let query = Query::of(&"/x?a=1&b=&a=2&c=x+y%2F&d=%ff".parse().unwrap());
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.get("b"), None);
        let flags = Query::parse("a=True&b=1&c=false&d=0&e=yes&f=");
        assert_eq!(
            ["a", "b", "c", "d", "e", "f", "g"].map(|name| flags.is_true(name)),
            [true, true, false, false, false, false, false]
        );
        assert_eq!(query.all(&["a", "c"]).collect::<Vec<_>>(), ["1", "2", "x y/"]);
        assert_eq!(query.get("c"), Some("x y/"));
        assert_eq!(query.get("d"), Some("\u{fffd}"));
    }
}
