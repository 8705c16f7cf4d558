//! Reading values of text fields the way the clients of many years write them.

pub use crate::model::tags::TagsError;
use crate::model::tags::checked;

/// What old JavaScript clients send for "no value": they turn every value into text.
const ABSENT: [&str; 3] = ["", "undefined", "null"];

/// Fields whose name is spelled in several cases, because a client had a bug in its camel-casing.
const ANY_CASE: [&str; 1] = ["overwriteAITags"];

/// The last value of a field: on repeats the last one wins.
#[must_use]
pub fn last_field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = fields.iter().rev().find(|(sent, _)| is_called(sent, name));
    found.map(|(_, value)| value.as_str())
}

/// Whether what was sent is a field's name.
#[must_use]
pub fn is_called(sent: &str, name: &str) -> bool {
    sent == name || (ANY_CASE.contains(&name) && sent.eq_ignore_ascii_case(name))
}

/// A boolean field: `true`/`false` in any case, `1`/`0`. Any other text counts as absent, as old clients send
/// `undefined` for what was not set.
#[must_use]
pub fn bool_field(fields: &[(String, String)], name: &str) -> Option<bool> {
    match last_field(fields, name)?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// The last value of a structured field. Empty text and what old clients send for "no value" count as absent.
#[must_use]
pub fn filled_field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    last_field(fields, name).filter(|value| !ABSENT.contains(&value.trim()))
}

/// The tags of a form; see [`list_field`]. `None` when there is no tag.
///
/// # Errors
///
/// Refuses tags that are too long or contain `%`.
pub fn tags_field(fields: &[(String, String)]) -> Result<Option<Vec<String>>, TagsError> {
    let tags = checked(list_field(fields, "tags"))?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// A list: text separated by commas, a JSON array, or a part for each item (`tags`, `tags[]`, `tags[0]`).
#[must_use]
pub fn list_field(fields: &[(String, String)], name: &str) -> Vec<String> {
    fields
        .iter()
        .filter(|(sent, value)| is_item_of(name, sent) && !ABSENT.contains(&value.trim()))
        .flat_map(|(_, value)| split(value))
        .collect()
}

/// `tags`, `tags[]` or `tags[7]`.
fn is_item_of(name: &str, sent: &str) -> bool {
    match sent.strip_prefix(name) {
        Some("") => true,
        Some(index) => index
            .strip_prefix('[')
            .and_then(|index| index.strip_suffix(']'))
            .is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit())),
        None => false,
    }
}

/// A JSON array when it is one, else text separated by commas.
#[must_use]
pub fn split(value: &str) -> Vec<String> {
    match serde_json::from_str::<Vec<serde_json::Value>>(value) {
        Ok(items) => items
            .into_iter()
            .map(|item| match item {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            })
            .collect(),
        Err(_) => value.split(',').map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn booleans_are_read_in_every_spelling() {
        for (text, wanted) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("1", Some(true)),
            ("FALSE", Some(false)),
            ("0", Some(false)),
            ("", None),
            ("undefined", None),
            ("null", None),
            ("yes", None),
        ] {
            assert_eq!(bool_field(&fields(&[("a", "true"), ("a", text)]), "a"), wanted, "{text}");
        }
        assert_eq!(bool_field(&fields(&[("A", "true")]), "a"), None);
        let misspelt = fields(&[("overwriteAiTags", "false")]);
        assert_eq!(bool_field(&misspelt, "overwriteAITags"), Some(false));
    }

    #[test]
    fn tags_are_read_in_every_spelling() {
        let wanted = Ok(Some(vec!["a".to_owned(), "b c".to_owned()]));
        for list in [
            &[("tags", " a , b c,,")][..],
            &[("tags", r#"["a", "b c"]"#)],
            &[("tags", "a"), ("tags", "b c")],
            &[("tags[]", "a"), ("x", "y"), ("tags[]", "b c")],
            &[("tags[0]", "a"), ("tags[1]", "b c")],
        ] {
            assert_eq!(tags_field(&fields(list)), wanted, "{list:?}");
        }
        for none in [&[][..], &[("tags", "")], &[("tags", "undefined")], &[("tagsx", "a")]] {
            assert_eq!(tags_field(&fields(none)), Ok(None), "{none:?}");
        }
        let broken = tags_field(&fields(&[("tags", "[a,b")]));
        assert_eq!(broken, Ok(Some(vec!["[a".to_owned(), "b".to_owned()])));
    }

    #[test]
    fn tags_are_bounded() {
        let long = tags_field(&fields(&[("tags", &"a".repeat(501))]));
        assert_eq!(long, Err(TagsError::TooLong));
    }
}
