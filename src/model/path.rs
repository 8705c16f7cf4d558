//! Folder paths and names: how they are read, what is refused, and what a name becomes when the v1 API
//! creates it. Names are compared byte by byte; no case folding, no Unicode normalisation.

use std::fmt;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Segments of a path; a bound for the work, far above what nesting comes to. How deep folders may be made is a
/// setting, and less: what hangs below a moved folder may lie deeper than that, and must still be found.
pub const PATH_DEPTH_MAX: usize = 1000;
/// Bytes in one name, as common file systems have it.
pub const NAME_BYTES_MAX: usize = 255;

/// A normalised folder path: no empty segments, none that is `.` or `..`, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FolderPath(Vec<String>);

/// Why a text is no folder path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// A segment is `.` or `..`, or holds a control character or NUL.
    BadSegment,
    /// A segment is longer than [`NAME_BYTES_MAX`].
    LongSegment,
    /// More than [`PATH_DEPTH_MAX`] folders.
    TooDeep,
}

impl FolderPath {
    /// The library's root, `/`.
    pub fn root() -> FolderPath {
        FolderPath::default()
    }

    /// Reads a path as clients send it: runs of `/` count once, a leading one may lack, a trailing one is dropped;
    /// nothing is decoded or trimmed.
    pub fn parse(text: &str) -> Result<FolderPath, PathFault> {
        let mut segments = Vec::new();
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            check_name(segment)?;
            if segments.len() == PATH_DEPTH_MAX {
                return Err(PathFault::TooDeep);
            }
            segments.push(segment.to_owned());
        }
        Ok(FolderPath(segments))
    }

    /// Whether it names more than `depth_max` folders, and can therefore not be made.
    pub fn is_deeper_than(&self, depth_max: usize) -> bool {
        self.0.len() > depth_max
    }

    /// The names from the root down.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Parent and last name; `None` for the root.
    pub fn split_last(&self) -> Option<(FolderPath, &str)> {
        let (last, parent) = self.0.split_last()?;
        Some((FolderPath(parent.to_vec()), last))
    }

    /// The path of a child.
    pub fn join(&self, name: &str) -> FolderPath {
        let mut segments = self.0.clone();
        segments.push(name.to_owned());
        FolderPath(segments)
    }

    /// Whether `self` lies in `other` or is it, by whole segments.
    pub fn is_within(&self, other: &FolderPath) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// Leading `/`, no trailing one.
impl fmt::Display for FolderPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

/// Refuses what can be no single name: `.`, `..`, control characters, too many bytes.
pub fn check_name(name: &str) -> Result<(), PathFault> {
    if name == "." || name == ".." || name.chars().any(char::is_control) {
        return Err(PathFault::BadSegment);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(PathFault::LongSegment);
    }
    Ok(())
}

/// What a name becomes when the v1 API creates it: letters, marks and numerals of any script and
/// `.`, `_`, `-` stay, every other code point becomes `_`; an empty name becomes `_`.
pub fn sanitise(name: &str) -> String {
    let keep = |c: char| {
        use GeneralCategoryGroup::{Letter, Mark, Number};
        matches!(c, '.' | '_' | '-') || matches!(c.general_category_group(), Letter | Mark | Number)
    };
    let clean: String = name.chars().map(|c| if keep(c) { c } else { '_' }).collect();
    if clean.is_empty() { "_".to_owned() } else { clean }
}

/// A folder's new name under the v1 API: as [`sanitise`], but `.` does not stay.
pub fn sanitise_folder(name: &str) -> String {
    sanitise(name).replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_normalised() {
        for text in ["a/b", "/a/b", "//a///b//", "a/b/"] {
            assert_eq!(FolderPath::parse(text).unwrap().to_string(), "/a/b", "{text}");
        }
        for text in ["", "/", "///"] {
            assert!(FolderPath::parse(text).unwrap().is_root(), "{text}");
        }
    }

    #[test]
    fn bad_segments_are_refused() {
        for text in ["/a/../b", "/.", "..", "/a\0b", "/a\nb", "/\u{7f}"] {
            assert_eq!(FolderPath::parse(text), Err(PathFault::BadSegment), "{text:?}");
        }
        assert_eq!(FolderPath::parse(&"x".repeat(256)), Err(PathFault::LongSegment));
        assert!(FolderPath::parse(&"x".repeat(255)).is_ok());
        assert!(!FolderPath::parse(&"x/".repeat(50)).unwrap().is_deeper_than(50));
        assert!(FolderPath::parse(&"x/".repeat(51)).unwrap().is_deeper_than(50));
        assert_eq!(FolderPath::parse(&"x/".repeat(1001)), Err(PathFault::TooDeep));
    }

    #[test]
    fn ancestry_is_by_whole_segments() {
        let path = |text| FolderPath::parse(text).unwrap();
        assert!(path("/a/b").is_within(&path("/a")));
        assert!(path("/a").is_within(&path("/a")));
        assert!(!path("/ab").is_within(&path("/a")));
    }

    #[test]
    fn sanitising_keeps_letters_marks_and_numerals() {
        assert_eq!(sanitise("été 1½.jpg"), "été_1½.jpg");
        assert_eq!(sanitise("写真(1)/x.png"), "写真_1__x.png");
        assert_eq!(sanitise("e\u{301}"), "e\u{301}");
        assert_eq!(sanitise("🙂"), "_");
        assert_eq!(sanitise(""), "_");
        assert_eq!(sanitise_folder("v1.0-x"), "v1_0-x");
    }
}
