//! Tags of a file: which lists are accepted, and what adding and removing makes of them.

/// Longest list of tags, in characters when joined by commas (API contract: 500).
const TAGS_CHARS_MAX: usize = 500;

/// Why a list of tags is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagsError {
    /// The tags are too long when joined by commas.
    #[error("tags are longer than {TAGS_CHARS_MAX} characters")]
    TooLong,
    /// A tag contains `%`.
    #[error("a tag contains a percent sign")]
    PercentSign,
}

/// Blanks around tags and empty tags dropped; the rest must fit and hold no `%`.
///
/// # Errors
///
/// See [`TagsError`].
pub fn checked(tags: Vec<String>) -> Result<Vec<String>, TagsError> {
    let tags: Vec<String> = tags.into_iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    let commas = tags.len().saturating_sub(1);
    let chars: usize = tags.iter().map(|tag| tag.chars().count()).sum();
    if chars + commas > TAGS_CHARS_MAX {
        return Err(TagsError::TooLong);
    }
    if tags.iter().any(|tag| tag.contains('%')) {
        return Err(TagsError::PercentSign);
    }
    Ok(tags)
}

/// Those that are there, then the new ones, each once.
pub fn with(mut tags: Vec<String>, added: &[String]) -> Vec<String> {
    for tag in added {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    tags
}

/// Those that are there but for the named ones.
pub fn without(mut tags: Vec<String>, removed: &[String]) -> Vec<String> {
    tags.retain(|tag| !removed.contains(tag));
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn tags_are_trimmed_and_bounded() {
        assert_eq!(checked(list(&[" a ", "", "b c"])), Ok(list(&["a", "b c"])));
        // 250 umlauts are 250 characters, though 500 bytes; with the comma: 500.
        let longest = ["ä".repeat(250), "b".repeat(249)];
        assert!(checked(longest.to_vec()).is_ok());
        assert_eq!(checked([longest.as_slice(), &["c".to_owned()]].concat()), Err(TagsError::TooLong));
        assert_eq!(checked(list(&["a", "50%"])), Err(TagsError::PercentSign));
    }

    #[test]
    fn adding_is_a_union_in_order_and_removing_what_is_not_there_is_fine() {
        assert_eq!(with(list(&["b", "a"]), &list(&["c", "a", "c"])), list(&["b", "a", "c"]));
        assert_eq!(without(list(&["b", "a", "b"]), &list(&["b", "x"])), list(&["a"]));
    }
}
