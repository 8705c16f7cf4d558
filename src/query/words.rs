//! `HAS`: words in any order and any case, the last of them perhaps only begun.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The words that a value must have.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    whole: Vec<String>,
    /// The last one, which a word may begin with. `None` when the query had no words, which no value has.
    begun: Option<String>,
}

impl Words {
    pub fn new(text: &str) -> Words {
        let mut whole = words(text);
        let begun = whole.pop();
        Words { whole, begun }
    }

    /// How well a text fits: two for each word that is there as asked, one for one that is only begun, over the
    /// number of words of the text. `None` when a word is missing.
    pub fn score(&self, text: &str) -> Option<f64> {
        let begun = self.begun.as_ref()?;
        let found = words(text);
        if !self.whole.iter().all(|word| found.contains(word)) {
            return None;
        }
        let last = if found.contains(begun) {
            2
        } else if found.iter().any(|word| word.starts_with(begun.as_str())) {
            1
        } else {
            return None;
        };
        // Words of a query and of a name; a few hundred at most.
        Some((2 * self.whole.len() + last) as f64 / found.len() as f64)
    }
}

/// Runs of letters, marks and numerals of any script, in lower case. Accents stay.
fn words(text: &str) -> Vec<String> {
    use GeneralCategoryGroup::{Letter, Mark, Number};
    let is_gap = |c: char| !matches!(c.general_category_group(), Letter | Mark | Number);
    text.split(is_gap).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order_and_case() {
        for (query, text, score) in [
            ("DRESS red", "red-dress-summer.jpg", Some(1.0)),
            ("red dress", "Red-summer-DRESS.jpg", Some(1.0)),
            ("red", "redwoods", Some(1.0)),
            ("red", "red", Some(2.0)),
            ("red woods", "redwoods woods", None),
            ("été", "L'ÉTÉ_2020", Some(2.0 / 3.0)),
            ("ete", "été", None),
            ("写", "写真.png", Some(0.5)),
            ("blue", "red", None),
            ("", "red", None),
            ("-!", "red", None),
            ("red", "", None),
        ] {
            assert_eq!(Words::new(query).score(text), score, "{query} in {text}");
        }
    }
}
