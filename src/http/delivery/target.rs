//! What a delivery URL asks for: which file, which version of it, in which form.
//!
//! `/<endpoint>/[tr:<steps>/]<path>[?tr=<steps>]`: a `tr:` segment may stand at any directory's place. The path is decoded
//! once, `+` is itself, and runs of slashes count once. `ik-obj-version` and `ik-attachment` mean something, `updatedAt`,
//! `v` and all others do not.
//!
//! Some clients encode the colon of `tr:`, and a folder may really be called `tr:x` (its URLs have `tr%3Ax`). So a URL
//! with such a segment has two readings: the folder, and if there is none, the transformation.
//!
//! `/<endpoint>/ik-seo/<directory>/<name>/<anything>.<extension>` is `<directory>/<name>.<extension>` under a name for search
//! engines. A folder may be called `ik-seo`, too; then the file in it is meant.

use percent_encoding::percent_decode_str;

use crate::http::params::Query;
use crate::model::path::FolderPath;

/// Names of transformations that exist in every library: the previews whose URLs are in every list.
const BUILT_IN_NAMES: &[&str] = &["ik_ml_thumbnail", "media_library_thumbnail"];

/// The folder that a path with a name for search engines begins with.
const SEO: &str = "ik-seo";

/// One reading of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub folder: FolderPath,
    pub name: String,
    pub form: Form,
}

/// In which form a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it was uploaded: no transformation.
    Original,
    /// The same, and the very bytes: `orig-true`, beside which all others count for nothing.
    Stored,
    /// Transformed by named transformations only.
    Named,
    /// Transformed by what the URL spells out.
    Spelled,
    /// By a named transformation that does not exist.
    UnknownName,
}

/// The readings of a URL, the likelier first; none when its path names no file. `path` is what follows the endpoint and
/// its slash, as received.
#[must_use]
pub fn readings(path: &str, query: &Query) -> Vec<Target> {
    let is_literal = |segment: &str| segment.starts_with("tr:");
    let is_encoded = |segment: &str| segment.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("tr%3a"));
    let strict = reading(path, query, is_literal);
    let loose = path.split('/').any(is_encoded).then(|| reading(path, query, |s| is_literal(s) || is_encoded(s)));
    let readings = strict.into_iter().chain(loose.flatten());
    readings.flat_map(|target| [target.behind_seo(), Some(target)].into_iter().rev().flatten()).collect()
}

impl Target {
    /// The file that a path with a name for search engines stands for.
    fn behind_seo(&self) -> Option<Target> {
        let (_, extension) = self.name.rsplit_once('.')?;
        let (name, folders) = self.folder.segments().strip_prefix(&[SEO.to_owned()])?.split_last()?;
        let folder = FolderPath::parse(&folders.join("/")).ok()?;
        Some(Target { folder, name: format!("{name}.{extension}"), form: self.form })
    }
}

/// Whether a path, as received, is that of a file and nothing else: nothing in it is to be decoded or left out, and nothing
/// asks for a transformation. Of such a path its one reading is the path.
#[must_use]
pub fn is_plain(path: &str, query: &Query) -> bool {
    !path.contains('%') && !path.starts_with("tr:") && !path.contains("/tr:") && query.get("tr").is_none()
}

fn reading(path: &str, query: &Query, is_transformation: impl Fn(&str) -> bool) -> Option<Target> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let (steps, folders): (Vec<&str>, Vec<&str>) = folders.split('/').partition(|segment| is_transformation(segment));
    let decoded = percent_decode_str(&[folders.join("/").as_str(), name].join("/")).decode_utf8().ok()?.into_owned();
    // A path that ends in a slash is a folder's.
    if decoded.ends_with('/') {
        return None;
    }
    let path = FolderPath::parse(&decoded).ok()?;
    let (folder, name) = path.split_last()?;
    let in_path = steps.into_iter().filter_map(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        decoded.get("tr:".len()..).map(str::to_owned)
    });
    let steps: Vec<String> = in_path.chain(query.get("tr").map(str::to_owned)).collect();
    Some(Target { folder, name: name.to_owned(), form: form(steps.iter().map(String::as_str)) })
}

/// What the steps of a URL come to. `:` separates steps, `,` their parameters, the first `-` key and value.
fn form<'a>(steps: impl Iterator<Item = &'a str>) -> Form {
    let mut form = Form::Original;
    for parameter in steps.flat_map(|steps| steps.split([':', ','])).map(str::trim).filter(|text| !text.is_empty()) {
        form = match (parameter.split_once('-').unwrap_or((parameter, "")), form) {
            (("orig", "true"), _) => return Form::Stored,
            (("n", name), _) if !BUILT_IN_NAMES.contains(&name) => Form::UnknownName,
            (_, Form::UnknownName) => Form::UnknownName,
            (("n", _), Form::Original | Form::Named) => Form::Named,
            _ => Form::Spelled,
        };
    }
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Vec<(String, Form)> {
        let uri: axum::http::Uri = format!("/library/{url}").parse().unwrap();
        let path = &uri.path()["/library/".len()..];
        let told = |target: Target| (target.folder.join(&target.name).to_string(), target.form);
        readings(path, &Query::of(&uri)).into_iter().map(told).collect()
    }

    #[test]
    fn the_path_and_the_form() {
        use Form::{Named, Original, Spelled, Stored, UnknownName};
        for (url, path, form) in [
            ("a.jpg", "/a.jpg", Original),
            ("a.jpg?tr=&updatedAt=1&v=2", "/a.jpg", Original),
            ("a%20b%2525.jpg", "/a b%25.jpg", Original),
            ("a+b.jpg", "/a+b.jpg", Original),
            ("x//y/a.jpg", "/x/y/a.jpg", Original),
            ("tr:/a.jpg?tr=:,", "/a.jpg", Original),
            ("a.jpg?tr=orig-true", "/a.jpg", Stored),
            ("tr:orig-true/x/a.jpg", "/x/a.jpg", Stored),
            ("x/tr:orig-true/a.jpg", "/x/a.jpg", Stored),
            ("tr:w-300:orig-true,h-2/a.jpg?tr=n-what", "/a.jpg", Stored),
            ("tr:w-300/a.jpg?tr=orig-true", "/a.jpg", Stored),
            ("a.jpg?tr=orig-false", "/a.jpg", Spelled),
            ("a.jpg?tr=w-300%2Ch-200", "/a.jpg", Spelled),
            ("x/tr:w-300,h-200:rt-90/a.jpg", "/x/a.jpg", Spelled),
            ("tr:e-grayscale/a.jpg", "/a.jpg", Spelled),
            ("tr:n-ik_ml_thumbnail/x/a.jpg", "/x/a.jpg", Named),
            ("a.jpg?tr=n-media_library_thumbnail", "/a.jpg", Named),
            ("a.jpg?tr=n-ik_ml_thumbnail,w-10", "/a.jpg", Spelled),
            ("a.jpg?tr=w-10:n-ik_ml_thumbnail", "/a.jpg", Spelled),
            ("a.jpg?tr=n-mine", "/a.jpg", UnknownName),
            ("a.jpg?tr=n-mine:w-10", "/a.jpg", UnknownName),
            ("tr:x", "/tr:x", Original),
        ] {
            assert_eq!(read(url), [(path.to_owned(), form)], "{url}");
        }
    }

    #[test]
    fn an_encoded_colon_is_a_name_first() {
        let path = |text: &str| text.to_owned();
        assert_eq!(
            read("tr%3An-ik_ml_thumbnail/a.jpg"),
            [(path("/tr:n-ik_ml_thumbnail/a.jpg"), Form::Original), (path("/a.jpg"), Form::Named)]
        );
        assert_eq!(read("x/tr%3aw-1%2Ch-2/a.jpg")[1], (path("/x/a.jpg"), Form::Spelled));
        assert_eq!(read("x/tr%3Aw"), [(path("/x/tr:w"), Form::Original), (path("/x/tr:w"), Form::Original)]);
    }

    #[test]
    fn a_name_for_search_engines_stands_for_another() {
        for (url, behind) in [
            ("ik-seo/x/y/old/the%20new%20name.jpg", Some("/x/y/old.jpg")),
            ("ik-seo/old/new.min.js", Some("/old.js")),
            ("ik-seo//old//new.jpg", Some("/old.jpg")),
            ("ik-seo/tr:w-1/x/old/new.jpg?tr=h-1", Some("/x/old.jpg")),
            ("ik-seo/new.jpg", None),
            ("ik-seo/old/new", None),
            ("x/ik-seo/old/new.jpg", None),
            ("IK-SEO/old/new.jpg", None),
        ] {
            let readings = read(url);
            assert_eq!(readings.get(1).map(|(path, _)| path.as_str()), behind, "{url}");
            assert!(readings.iter().all(|(_, form)| *form == readings[0].1), "{url}");
        }
        assert_eq!(read("ik-seo/x/old/new.jpg")[0].0, "/ik-seo/x/old/new.jpg", "a folder of that name comes first");
    }

    #[test]
    fn a_plain_path_is_its_own_reading() {
        for (url, expected) in [
            ("a.jpg", true),
            ("x/y/a+b.jpg?updatedAt=1&tr=", true),
            ("x/atr:/a.jpg", true),
            ("a%20b.jpg", false),
            ("tr:w-1/a.jpg", false),
            ("x/tr:w-1/a.jpg", false),
            ("a.jpg?tr=w-1", false),
        ] {
            let uri: axum::http::Uri = format!("/library/{url}").parse().unwrap();
            let path = &uri.path()["/library/".len()..];
            assert_eq!(is_plain(path, &Query::of(&uri)), expected, "{url}");
            if expected {
                assert_eq!(read(url)[0], (format!("/{path}"), Form::Original), "{url}");
            }
        }
    }

    #[test]
    fn what_names_no_file() {
        for url in ["", "/", "a/", "a/../b", "%00", "%FF", "a/%2F"] {
            assert_eq!(read(url), [], "{url}");
        }
    }
}
