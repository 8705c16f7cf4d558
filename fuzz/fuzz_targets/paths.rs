//! Names and folder paths. The input is a path and a name, in two lines; the name may hold further line breaks.
//!
//! A path prints as what it was read from, cleaning a name twice is cleaning it once, and a file's URL leads to the file.

#![no_main]

use calotype::http::delivery::target::{Form, readings};
use calotype::http::params::Query;
use calotype::model::path::{FolderPath, NAME_BYTES_MAX, PATH_DEPTH_MAX, check_name, sanitise, sanitise_folder};
use calotype_fuzz::lines;
use http::Uri;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fuzz_target!(|data: &[u8]| {
    let Some([path, name]) = lines(data) else { return };
    cleaned(name);
    if let Ok(folder) = FolderPath::parse(path) {
        normalised(path, &folder);
        if !name.is_empty() && !name.contains('/') && check_name(name).is_ok() {
            child(&folder, name);
        }
    }
});

fn cleaned(name: &str) {
    let clean = sanitise(name);
    assert_eq!(sanitise(&clean), clean);
    assert_eq!(clean.chars().count(), name.chars().count().max(1), "one underscore for each code point");
    let kept = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    assert!(clean.chars().all(|c| kept(c) && !c.is_control() && !c.is_whitespace()), "{clean:?}");
    let is_dots = matches!(clean.as_str(), "." | "..");
    assert_eq!(check_name(&clean).is_ok(), !is_dots && clean.len() <= NAME_BYTES_MAX, "{clean:?}");
    let folder = sanitise_folder(name);
    assert_eq!(sanitise_folder(&folder), folder);
    assert!(!folder.contains('.') && sanitise(&folder) == folder);
}

fn normalised(text: &str, folder: &FolderPath) {
    let printed = folder.to_string();
    assert_eq!(FolderPath::parse(&printed).as_ref(), Ok(folder));
    assert_eq!(FolderPath::parse(&format!("//{}//", text.replace('/', "///"))).as_ref(), Ok(folder));
    assert!(printed.starts_with('/') && !printed.contains("//") && (printed == "/" || !printed.ends_with('/')));
    assert!(folder.segments().len() <= PATH_DEPTH_MAX);
    assert!(folder.segments().iter().all(|segment| !segment.is_empty() && check_name(segment).is_ok()));
    assert_eq!(folder.is_root(), printed == "/");
    assert!(folder.is_within(folder) && folder.is_within(&FolderPath::root()));
    match folder.split_last() {
        None => assert!(folder.is_root()),
        Some((parent, last)) => {
            assert_eq!(parent.join(last), *folder);
            assert!(folder.is_within(&parent) && !parent.is_within(folder));
        }
    }
}

/// A file of this name in this folder: its path, and the URL that every client would write for it.
fn child(folder: &FolderPath, name: &str) {
    let path = folder.join(name);
    if folder.segments().len() == PATH_DEPTH_MAX {
        return;
    }
    assert_eq!(FolderPath::parse(&path.to_string()).as_ref(), Ok(&path));
    let encode = |name: &str| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
    let url: Vec<String> = path.segments().iter().map(|segment| encode(segment)).collect();
    let found = readings(&url.join("/"), &Query::of(&Uri::from_static("/")));
    let first = found.first().expect("the URL of a file leads somewhere");
    assert_eq!((&first.folder, first.name.as_str(), first.form), (folder, name, Form::Original));
}
